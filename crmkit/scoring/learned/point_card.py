"""A fitted lead score as data: bins with whole hundredths of points, and the scale that turns points into chances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scale:
    """What points mean: `even` points are an even chance, every `double` points more double the odds.

    Raises
    ------
    DomainError
        `double` is not above 0, or one of them is not finite.
    """

    even: float = 50.0
    double: float = 10.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.even) and math.isfinite(self.double) and self.double > 0.0):
            raise DomainError(
                f"even_points must be finite and double_points above 0, so that points rise with the chance to "
                f"convert, got {self.even} and {self.double}."
            )

    def hundredths(self, log_odds: float) -> int:
        """Points of log-odds, in whole hundredths."""
        return round(100.0 * (self.even + self.double / math.log(2.0) * log_odds))

    def part(self, log_odds: float) -> int:
        """Points of a difference of log-odds, in whole hundredths."""
        return round(100.0 * self.double / math.log(2.0) * log_odds)

    def log_odds(self, hundredths: I64) -> F64:
        """Log-odds of points, shape as given."""
        return np.asarray((hundredths / 100.0 - self.even) * (math.log(2.0) / self.double), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Bin:
    """Values of a column that get the same points.

    Attributes
    ----------
    kind : {"range", "categories", "other", "missing"}
        "other" holds the categories too rare for a bin of their own, and those never seen.
    lower, upper : float or None
        Of a range: lower <= x < upper; None is open.
    categories : tuple of str
    count : float
        Rows (weight) learnt from.
    rate : float or None
        Share of them that converted; None where there were none.
    woe : float
        Smoothed weight of evidence, in log-odds.
    hundredths : int
        Points, times 100.
    """

    kind: Literal["range", "categories", "other", "missing"]
    lower: float | None
    upper: float | None
    categories: tuple[str, ...]
    count: float
    rate: float | None
    woe: float
    hundredths: int

    @property
    def points(self) -> float:
        """What a lead of this bin gets."""
        return self.hundredths / 100.0


@dataclass(frozen=True, slots=True)
class BinnedColumn:
    """A column with its bins: ranges ascending or categories by rate, then "other" (categories), then "missing".

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    direction : str
        Which way the rate of a number goes: "increasing", "decreasing", "none"; "" for categories.
    bins : tuple of Bin
    weight : float
        By which the log-odds of its evidence count, at least 0.
    information : float
        Information value of the bins.
    reference : int
        Points of the average lead learnt from, times 100: reasons are counted from here.
    """

    name: str
    kind: Literal["number", "category"]
    direction: str
    bins: tuple[Bin, ...]
    weight: float
    information: float
    reference: int

    @property
    def edges(self) -> tuple[float, ...]:
        """Lower ends of the ranges but the first."""
        return tuple(float(b.lower) for b in self.bins if b.lower is not None)

    def codes(self, column: Numbers | Categories) -> I64:
        """Tell the bin of each row, shape (n,)."""
        return number_codes(self.edges, self._numbers(column)) if self.kind == "number" else self._codes(column)

    def hundredths(self) -> I64:
        """Points of the bins, times 100."""
        return np.array([b.hundredths for b in self.bins], dtype=np.int64)

    def _codes(self, column: Numbers | Categories) -> I64:
        missing = len(self.bins) - 1
        if isinstance(column, Numbers):
            column = _as_categories(column)
        place = {text: i for i, b in enumerate(self.bins) for text in b.categories if b.kind == "categories"}
        of_label = [place.get(text, missing - 1) for text in column.labels]
        return np.array([*of_label, missing], dtype=np.int64)[column.codes]

    def _numbers(self, column: Numbers | Categories) -> F64:
        if isinstance(column, Numbers):
            return column.values
        try:
            return np.array([*(float(text) for text in column.labels), np.nan])[column.codes]
        except ValueError:
            raise DomainError(
                f"Column {self.name!r} was learnt as numbers and now holds texts such as {column.labels[0]!r}; "
                f"expected numbers.\nConvert it as it was when the model was fitted."
            ) from None


@dataclass(frozen=True, slots=True)
class PointCard:
    """Points = `base` + the points of one bin per column; the chance to convert is a function of the sum alone.

    Attributes
    ----------
    scale : Scale
    base : int
        Points before any column, times 100.
    columns : tuple of BinnedColumn
    """

    scale: Scale
    base: int
    columns: tuple[BinnedColumn, ...]

    @property
    def reference(self) -> int:
        """Points of the average lead, times 100."""
        return self.base + sum(column.reference for column in self.columns)

    def codes(self, table: Mapping[str, Numbers | Categories]) -> I64:
        """Tell the bins of each row, shape (n, k)."""
        return np.column_stack([column.codes(table[column.name]) for column in self.columns])

    def parts(self, table: Mapping[str, Numbers | Categories]) -> I64:
        """Points of each row and column, times 100, shape (n, k)."""
        found = [column.hundredths()[column.codes(table[column.name])] for column in self.columns]
        return np.column_stack(found)

    def hundredths(self, table: Mapping[str, Numbers | Categories]) -> I64:
        """Points of each row, times 100, shape (n,)."""
        return np.asarray(self.base + self.parts(table).sum(axis=1), dtype=np.int64)

    def chance(self, hundredths: I64) -> F64:
        """Chance to convert at so many hundredths of points."""
        return np.asarray(expit(self.scale.log_odds(hundredths)), dtype=np.float64)

    def bin_points(self) -> dict[str, list[Any]]:
        """List all bins by column name: `column` and what `Bin` says of each; see `LeadClassifier.bin_points`."""
        rows = [(column.name, b) for column in self.columns for b in column.bins]
        names = ("kind", "lower", "upper", "categories", "points", "woe", "count", "rate")
        listed = {name: [getattr(b, name) for _, b in rows] for name in names}
        return {"column": [name for name, _ in rows], **listed}

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `as_dict` returned."""
        columns = tuple(
            BinnedColumn(
                **{
                    **column,
                    "bins": tuple(Bin(**{**b, "categories": tuple(b["categories"])}) for b in column["bins"]),
                }
            )
            for column in plain["columns"]
        )
        return cls(Scale(**plain["scale"]), plain["base"], columns)


def number_codes(edges: tuple[float, ...], values: F64) -> I64:
    """Tell the range of each value; one beyond the last range where it is missing."""
    found = np.searchsorted(np.array(edges), values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, found).astype(np.int64)


def _as_categories(column: Numbers) -> Categories:
    known = ~np.isnan(column.values)
    distinct, inverse = np.unique(column.values[known], return_inverse=True)
    codes = np.full(len(column.values), -1, dtype=np.int64)
    codes[known] = inverse
    return Categories(codes, tuple(str(int(v)) if v == int(v) else str(float(v)) for v in distinct))

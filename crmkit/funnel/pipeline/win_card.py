"""Chance to win as a sum of evidence: one bin per column, each with what it adds to the log-odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit

from crmkit.frames.local import Categories, Numbers
from crmkit.funnel.pipeline.log import F64, I64
from crmkit.models.positive_logistic import fit_positive_logistic
from crmkit.models.weight_of_evidence import number_bins, weight_of_evidence

# A bin holds so many deals at least, and this share of them; rows of the average rate added to each.
_LEAST_DEALS, _LEAST_SHARE, _SMOOTHING = 20.0, 0.03, 10.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Bins of a column.

    Attributes
    ----------
    name : str
    edges : tuple of float
        Of a number: bin i holds `edges[i - 1]` <= x < `edges[i]`.
    labels : tuple of str
        Of texts: one bin each; others count as the average deal.
    log_odds : tuple of float
        What each bin adds to those of the average deal; then other texts (0), then missing.
    is_number : bool
    """

    name: str
    edges: tuple[float, ...]
    labels: tuple[str, ...]
    log_odds: tuple[float, ...]
    is_number: bool

    def codes(self, column: Numbers | Categories) -> I64:
        """Bin of each row: the last is missing, the one before (texts) any other."""
        missing = len(self.log_odds) - 1
        if isinstance(column, Numbers):
            if not self.is_number:  # texts when it was learnt
                return np.where(np.isnan(column.values), missing, missing - 1)
            found = np.searchsorted(np.array(self.edges), column.values, side="right")
            return np.where(np.isnan(column.values), missing, found).astype(np.int64)
        if self.is_number:
            return np.full(len(column.codes), missing, dtype=np.int64)
        place = {label: i for i, label in enumerate(self.labels)}
        of_label = [*(place.get(label, missing - 1) for label in column.labels), missing]
        return np.array(of_label, dtype=np.int64)[column.codes]


@dataclass(frozen=True, slots=True)
class WinCard:
    """Evidence of all columns.

    Attributes
    ----------
    base : float
        Log-odds of a deal to which no bin adds anything.
    columns : tuple of Evidence
    """

    base: float
    columns: tuple[Evidence, ...]

    def parts(self, table: Mapping[str, Numbers | Categories]) -> F64:
        """Tell what each column adds to the log-odds, shape (n, k)."""
        found = [np.array(column.log_odds)[column.codes(table[column.name])] for column in self.columns]
        return np.column_stack(found)

    def chance(self, table: Mapping[str, Numbers | Categories]) -> F64:
        """Chance to win, shape (n,)."""
        return np.asarray(expit(self.base + self.parts(table).sum(axis=1)))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `as_dict` returned."""
        lists = ("edges", "labels", "log_odds")
        parts = [Evidence(**{**one, **{name: tuple(one[name]) for name in lists}}) for one in plain["columns"]]
        return cls(plain["base"], tuple(parts))


def fit_win_card(table: Mapping[str, Numbers | Categories], came: F64, weight: F64) -> WinCard:
    """Bin every column, weigh the evidence together.

    Parameters
    ----------
    table : mapping of str to column, n rows each
    came, weight : float64, shape (n,)
        Outcomes, 1 and 0, both there; weights above 0.

    Notes
    -----
    Weights of columns are at least 0, so that a column never counts against its own bins, and are shrunk by what so
    many free rates fit by chance (van Houwelingen & le Cessie 1990, Statistics in Medicine 9(11), equation 5.2).
    """
    least = max(_LEAST_DEALS, _LEAST_SHARE * float(weight.sum()))
    bins = {name: _bins(name, column, came, weight, least) for name, column in table.items()}
    design = np.column_stack([np.array(one.log_odds)[one.codes(table[name])] for name, one in bins.items()])
    fit = fit_positive_logistic(design, came, weight, strength=1.0)
    free = sum(len(set(one.log_odds)) - 1 for one, w in zip(bins.values(), fit.weights, strict=True) if w > 0.0)
    kept = max(0.0, 1.0 - free / fit.gain) if fit.gain > 0.0 else 0.0
    parts = []
    for one, w, column in zip(bins.values(), fit.weights, design.T, strict=True):
        # Against the average deal, so that what a bin adds is a reason.
        mean = kept * w * float(weight @ column / weight.sum())
        known = [kept * w * each - mean for each in one.log_odds]
        if not one.is_number:
            known[-2] = 0.0
        parts.append(Evidence(one.name, one.edges, one.labels, tuple(round(each, 9) for each in known), one.is_number))
    card = WinCard(0.0, tuple(parts))
    return WinCard(_base(card.parts(table).sum(axis=1), came, weight), card.columns)


def _bins(name: str, column: Numbers | Categories, came: F64, weight: F64, least: float) -> Evidence:
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    if isinstance(column, Numbers):
        known = ~np.isnan(column.values)
        if known.any():
            edges = number_bins(column.values[known], came[known], weight[known], least=least).edges
        empty = Evidence(name, edges, (), (0.0,) * (len(edges) + 2), True)
    else:
        known = column.codes >= 0
        rows = np.bincount(column.codes[known], weight[known], len(column.labels))
        labels = tuple(label for label, n in zip(column.labels, rows, strict=True) if n >= least)
        empty = Evidence(name, (), labels, (0.0,) * (len(labels) + 2), False)
    at, size = empty.codes(column), len(empty.log_odds)
    n, x = (np.bincount(at, one, size).astype(np.float64) for one in (weight, weight * came))
    found = weight_of_evidence(x, n - x, smoothing=_SMOOTHING)
    if not empty.is_number:
        found[-2] = 0.0  # texts too rare for a bin
    return Evidence(name, edges, labels, tuple(found.tolist()), empty.is_number)


def _base(offset: F64, came: F64, weight: F64) -> float:
    """Log-odds at which chances add up to what came: Newton's method on one number."""
    rate = float(weight @ came / weight.sum())
    level = float(np.log(rate / (1.0 - rate)))
    for _ in range(50):
        chance = expit(level + offset)
        step = float(weight @ (came - chance) / (weight @ (chance * (1.0 - chance))))
        level += max(-2.0, min(2.0, step))
        if abs(step) < 1e-12:
            break
    return round(level, 9)

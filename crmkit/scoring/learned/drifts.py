"""Say how far the leads of today are from those that a model was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from scipy.special import chdtri

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers, local_arrays
from crmkit.models.cuts import tied_quantiles
from crmkit.models.weight_of_evidence import stability
from crmkit.schema import Table
from crmkit.scoring.learned.point_card import F64, I64
from crmkit.whole_numbers import checked_whole

# Siddiqi (2006): below .1 nothing to speak of, from .25 on a new population.
_MODERATE, _LARGE = 0.1, 0.25
_NOT_COMPARED = ("lead_id", "customer_id", "converted")


def drift(reference: IntoFrameT, current: Any, *, columns: Sequence[str] | None = None, bins: int = 10) -> IntoFrameT:
    """Compare the columns of two tables, inputs and scores alike: population stability index.

    Parameters
    ----------
    reference, current : data frame
        Leads of then and now, or tables that `predict_leads` made; `reference` says what the bins are.
    columns : sequence of str, optional
        Which to compare; by default all that both tables have but ids, outcomes and times.
    bins : int
        Quantiles of a number, 2 to 1000; fewer where many values are equal.

    Returns
    -------
    data frame like `reference`
        One row per column, the largest index first: `column`, `psi`, `level` ("stable" below .1, "moderate", "large"
        from .25 on), `by_chance` (what the index exceeds in one of twenty columns that do not drift), `bins` (with the
        one for missing values), `missing_reference`, `missing_current`, `unseen` (shares; `unseen`: categories that
        `reference` does not have), `edges` (upper ends of the bins, included; or the categories).

    Raises
    ------
    DomainError
        A table is empty, or a column is not in both or holds what is neither number nor text.
    SchemaError
        Two columns of a table have one name.

    Notes
    -----
    A number is cut at the quantiles of the reference, equal values together; categories of less than 3 % go together,
    with those never seen. Missing values are a bin of their own. Half a row is added to each bin.
    """
    checked_whole(bins, "bins", least=2, most=1000)
    then, now = _entered(reference, "reference"), _entered(current, "current")
    names = _compared(then, now, columns)
    rows = [_compare(name, _counted(then, name), _counted(now, name), bins) for name in names]
    rows.sort(key=lambda row: (-row["psi"], row["column"]))
    kinds = {"bins": np.int64, "column": object, "level": object, "edges": object}
    table = {name: np.array([row[name] for row in rows], dtype=kinds.get(name, np.float64)) for name in _NAMES}
    return frames.build(table, like=reference)


_NAMES = ("column", "psi", "level", "by_chance", "bins", "missing_reference", "missing_current", "unseen", "edges")


def _entered(table: Any, name: str) -> frames.Frame:
    if not frames.column_names(table):
        raise DomainError(f"{name} has no column; expected those that are to be compared.")
    return schema.admit(table, Table(name, "leads of then or now", ()), passing=True)


def _compared(then: frames.Frame, now: frames.Frame, columns: Sequence[str] | None) -> list[str]:
    kinds, both = frames.kinds_of(then, frames.names_of(then)), set(frames.names_of(now))
    if columns is None:
        chosen = [n for n, kind in kinds.items() if n in both and n not in _NOT_COMPARED and not kind.is_temporal()]
    else:
        chosen = list(columns)
        absent = [name for name in chosen if name not in kinds or name not in both]
        if absent:
            raise DomainError(f"columns names {absent[0]!r}, which is not in both tables.")
    if not chosen:
        raise DomainError("The tables have no column in common that could be compared.")
    return chosen


def _counted(table: frames.Frame, name: str) -> tuple[Numbers | Categories, F64]:
    one = table.select(nw.col(name))
    kind = frames.kinds_of(one, [name])[name]
    if kind.is_nested():
        raise DomainError(f"Column {name!r} holds {kind} values; expected numbers, texts or truth values.")
    if kind in (nw.Categorical, nw.Enum):
        one = one.with_columns(nw.col(name).cast(nw.String))
    cells = frames.distinct_rows(one, [name])
    if not len(cells["count"]):
        raise DomainError("A table without rows can't be compared; expected at least one lead in each.")
    return local_arrays({name: cells[name]}, sorted_anew=True)[name], cells["count"].astype(np.float64)


def _compare(
    name: str, then: tuple[Numbers | Categories, F64], now: tuple[Numbers | Categories, F64], bins: int
) -> dict[str, Any]:
    (column, count), (other, other_count) = then, now
    if isinstance(column, Numbers) and isinstance(other, Numbers):
        codes, edges = _of_numbers(column, other, count, bins)
        words, unseen = "; ".join(f"{edge:.6g}" for edge in edges), np.zeros(len(other_count), dtype=np.bool_)
        size = len(edges) + 2
    else:
        codes, kept, unseen = _of_categories(_categories(name, column), _categories(name, other), count)
        words, size = "; ".join(kept), len(kept) + 2
    pairs = zip(codes, (count, other_count), strict=True)
    parts = [np.asarray(np.bincount(c, n, minlength=size), dtype=np.float64) for c, n in pairs]
    held = (parts[0] > 0) | (parts[1] > 0)
    index = stability(parts[0][held], parts[1][held])
    totals = [float(part.sum()) for part in parts]
    free = int(held.sum()) - 1
    return {
        "column": name,
        "psi": index,
        "level": "stable" if index < _MODERATE else "moderate" if index < _LARGE else "large",
        "by_chance": float(chdtri(free, 0.05)) * (1.0 / totals[0] + 1.0 / totals[1]) if free else 0.0,
        "bins": int(held.sum()),
        "missing_reference": float(parts[0][-1]) / totals[0],
        "missing_current": float(parts[1][-1]) / totals[1],
        "unseen": float(other_count[unseen].sum()) / totals[1],
        "edges": words,
    }


def _of_numbers(column: Numbers, other: Numbers, count: F64, bins: int) -> tuple[list[I64], tuple[float, ...]]:
    known = ~np.isnan(column.values)
    order = np.argsort(column.values[known])
    values, weights = column.values[known][order], count[known][order].astype(np.int64)
    edges = tuple(sorted(set(tied_quantiles(values, weights, bins)))) if len(values) else ()
    found = []
    for one in (column, other):
        place = np.searchsorted(np.array(edges), one.values, side="left")
        found.append(np.where(np.isnan(one.values), len(edges) + 1, place).astype(np.int64))
    return found, edges


def _of_categories(
    column: Categories, other: Categories, count: F64
) -> tuple[list[I64], list[str], np.ndarray[Any, np.dtype[np.bool_]]]:
    known = column.codes >= 0
    weight = np.bincount(column.codes[known], count[known], minlength=len(column.labels))
    kept = [label for label, n in zip(column.labels, weight, strict=True) if n >= 0.03 * count.sum()]
    place = {label: i for i, label in enumerate(kept)}
    codes = [
        np.array([*(place.get(label, len(kept)) for label in one.labels), len(kept) + 1], dtype=np.int64)[one.codes]
        for one in (column, other)
    ]
    seen = {label for label, n in zip(column.labels, weight, strict=True) if n > 0}
    unseen = np.array([*(label not in seen for label in other.labels), False], dtype=np.bool_)[other.codes]
    return codes, kept, unseen


def _categories(name: str, column: Numbers | Categories) -> Categories:
    if isinstance(column, Categories):
        return column
    if np.isnan(column.values).all():
        return Categories(np.full(len(column.values), -1, dtype=np.int64), ())
    raise DomainError(f"Column {name!r} holds numbers in one table and texts in the other; expected one kind.")

"""Learn a point card: bins of each column, weights of their evidence, points in whole hundredths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from crmkit.frames.local import Categories, Numbers, rows_of
from crmkit.models import weight_of_evidence as evidence
from crmkit.models.positive_logistic import PositiveLogistic, fit_positive_logistic
from crmkit.scoring.learned.point_card import F64, I64, Bin, BinnedColumn, PointCard, Scale, number_codes

# With more rows than this bins owe next to nothing to chance, and making them five times more costs time.
_CROSSED_UP_TO, _FOLDS = 20_000, 5
# With fewer of a class there is nothing to deal out.
_CROSSED_FROM = 25
Monotone: TypeAlias = Literal["auto", "increasing", "decreasing", "none"]


def fit_point_card(
    table: Mapping[str, Numbers | Categories],
    came: F64,
    count: F64,
    *,
    monotone: Mapping[str, Monotone],
    least_share: float,
    least_rows: float,
    smoothing: float,
    strength: float,
    scale: Scale,
) -> PointCard:
    """Bin every column, weigh the evidence together, write it as points.

    Parameters
    ----------
    table : mapping of str to column, n rows each
    came, count : float64, shape (n,)
        Outcomes, 1 and 0, both there; weights above 0.
    monotone : mapping of str to str
        How the rate of a number may go, for the columns that are not "auto".
    least_share, least_rows : float
        A bin holds at least this share of the rows, and at least so many.
    smoothing, strength : float
        As `LeadClassifier`.
    scale : Scale
    """
    least = max(least_share * float(count.sum()), least_rows)
    found = [
        binned(name, column, came, count, monotone=monotone.get(name, "auto"), least=least, smoothing=smoothing)
        for name, column in table.items()
    ]
    columns, codes = [column for column, _ in found], [at for _, at in found]
    few = min(float(count @ came), float(count @ (1.0 - came)))
    small = len(came) <= _CROSSED_UP_TO and few >= _CROSSED_FROM
    design, happened, weight = (
        _crossed(table, came, count, monotone, (least_share, least_rows), smoothing)
        if small
        else (_of_rows(columns, codes), came, count)
    )
    told = np.array([len({b.woe for b in column.bins if b.count > 0.0}) > 1 for column in columns])
    weights = np.zeros(len(columns))
    fitted = fit_positive_logistic(design if told.all() else design[:, told], happened, weight, strength=strength)
    weights[told] = np.array(fitted.weights)
    used = [c for c, w in zip(columns, weights, strict=True) if w > 0.0]
    shrunk = weights if small else weights * _shrinkage(fitted, used)
    pointed = tuple(
        _pointed(column, float(weight), at, count, scale)
        for column, weight, at in zip(columns, shrunk, codes, strict=True)
    )
    sums = np.zeros(len(came), dtype=np.int64)
    for column, at in zip(pointed, codes, strict=True):
        sums += column.hundredths()[at]
    return PointCard(scale, _base(scale, sums, came, count), pointed)


def binned(
    name: str,
    column: Numbers | Categories,
    came: F64,
    count: F64,
    *,
    monotone: Monotone = "auto",
    least: float | None = None,
    smoothing: float = 10.0,
) -> tuple[BinnedColumn, I64]:
    """Bins of a column, whose points come later, and the bin of each row.

    Parameters
    ----------
    name, column, came, count, monotone, smoothing : as `fit_point_card`
    least : float, optional
        Smallest weight of a bin; 3 % of all, at least 20, by default.
    """
    least = max(0.03 * float(count.sum()), 20.0) if least is None else least
    if isinstance(column, Numbers):
        bins, codes, direction = _of_numbers(column, came, count, monotone, least)
    else:
        bins, codes = _of_categories(column, came, count, least)
        direction = ""
    weight = np.asarray(np.bincount(codes, count, minlength=len(bins)), dtype=np.float64)
    events = np.asarray(np.bincount(codes, count * came, minlength=len(bins)), dtype=np.float64)
    found = evidence.weight_of_evidence(events, weight - events, smoothing=smoothing)
    told = np.array([b.kind != "other" or n >= least for b, n in zip(bins, weight, strict=True)])
    found = np.where(told, found, 0.0)
    shares = [part / part.sum() for part in (events + 0.5, weight - events + 0.5)]
    filled = tuple(
        replace(b, count=float(n), rate=float(e / n) if n else None, woe=float(w))
        for b, n, e, w in zip(bins, weight, events, found, strict=True)
    )
    kind: Literal["number", "category"] = "number" if isinstance(column, Numbers) else "category"
    return BinnedColumn(name, kind, direction, filled, 0.0, evidence.divergence(*shares), 0), codes


def _empty(kind: Literal["range", "categories", "other", "missing"]) -> Bin:
    return Bin(kind, None, None, (), 0.0, None, 0.0, 0)


def _of_numbers(column: Numbers, came: F64, count: F64, monotone: Monotone, least: float) -> tuple[list[Bin], I64, str]:
    known = ~np.isnan(column.values)
    if not known.any():
        return [_empty("range"), _empty("missing")], np.ones(len(known), dtype=np.int64), "none"
    parts = (column.values, came, count) if known.all() else (part[known] for part in (column.values, came, count))
    cut = evidence.number_bins(*parts, least=least, direction=monotone)
    ends = [None, *cut.edges, None]
    ranges = [replace(_empty("range"), lower=a, upper=b) for a, b in pairwise(ends)]
    return [*ranges, _empty("missing")], number_codes(cut.edges, column.values), cut.direction


def _of_categories(column: Categories, came: F64, count: F64, least: float) -> tuple[list[Bin], I64]:
    """Frequent categories by rate, then the rare ones together, then missing."""
    size = len(column.labels)
    known = column.codes >= 0
    weight = np.bincount(column.codes[known], count[known], minlength=size)
    events = np.bincount(column.codes[known], (count * came)[known], minlength=size)
    frequent = np.flatnonzero(weight >= least)
    ordered = frequent[np.argsort(events[frequent] / weight[frequent], kind="stable")]
    bins = [replace(_empty("categories"), categories=(column.labels[i],)) for i in ordered]
    of_label = np.full(size + 1, len(bins), dtype=np.int64)  # rare
    of_label[ordered] = np.arange(len(bins))
    of_label[size] = len(bins) + 1  # missing: code -1
    return [*bins, _empty("other"), _empty("missing")], of_label[column.codes]


def _of_rows(columns: list[BinnedColumn], codes: list[I64]) -> F64:
    """Evidence of each row and column, shape (n, k), columns one after the other in memory."""
    found = np.empty((len(columns), len(codes[0])))
    for i, (column, at) in enumerate(zip(columns, codes, strict=True)):
        np.take(_evidence(column), at, out=found[i])
    return found.T


def _evidence(column: BinnedColumn) -> F64:
    return np.array([b.woe for b in column.bins])


def _crossed(
    table: Mapping[str, Numbers | Categories],
    came: F64,
    count: F64,
    monotone: Mapping[str, Monotone],
    least: tuple[float, float],
    smoothing: float,
) -> tuple[F64, F64, F64]:
    """Evidence of rows by bins that were made without them; with outcome and weight.

    Equal rows are one cell. Cells lie behind one another on a line, sorted, each as long as its weight, and the line is
    cut into pieces of length 1 that are dealt out to the folds in turn. So neither the order of the rows nor whether
    one row of weight 2 is written as two changes anything, and no chance is needed.
    """
    first, weight = _cells(table, came, count)
    cells = {name: rows_of(column, first) for name, column in table.items()}
    happened, upto = came[first], np.cumsum(weight)
    parts = []
    for fold in range(_FOLDS):
        held_weight = _dealt(upto, fold) - _dealt(upto - weight, fold)
        held, rest = held_weight > 1e-9, weight - held_weight > 1e-9
        rest_weight = (weight - held_weight)[rest]
        design = np.zeros((int(held.sum()), len(cells)))
        for i, (name, column) in enumerate(cells.items()):
            made, _ = binned(
                name,
                rows_of(column, rest),
                happened[rest],
                rest_weight,
                monotone=monotone.get(name, "auto"),
                least=max(least[0] * float(rest_weight.sum()), least[1]),
                smoothing=smoothing,
            )
            design[:, i] = _evidence(made)[made.codes(rows_of(column, held))]
        parts.append((design, happened[held], held_weight[held]))
    design, happened, held_weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    return design, happened, held_weight


def _cells(table: Mapping[str, Numbers | Categories], came: F64, count: F64) -> tuple[I64, F64]:
    """Distinct rows, sorted by outcome and columns: the first row and the weight of each."""
    keys = [c.values if isinstance(c, Numbers) else c.codes.astype(np.float64) for c in table.values()]
    keys = [came, *(np.where(np.isnan(key), np.inf, key) for key in keys)]
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(came), dtype=np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    starts = np.flatnonzero(new)
    return order[starts].astype(np.int64), np.add.reduceat(count[order], starts)


def _dealt(upto: F64, fold: int) -> F64:
    """Length of the line up to a place that is a fold's."""
    return np.asarray(np.floor(upto / _FOLDS) + np.clip(upto % _FOLDS - fold, 0.0, 1.0))


def _shrinkage(fitted: PositiveLogistic, used: list[BinnedColumn]) -> float:
    """How much of the fitted spread will be seen in new leads: what bins owe to chance counts for nothing.

    van Houwelingen & le Cessie (1990), Statistics in Medicine 9(11), equation 5.2 (heuristic shrinkage): (X2 - p) / X2,
    with p the free rates of all bins.
    """
    free = sum(sum(b.count > 0 for b in column.bins) - 1 for column in used)
    return max(0.0, 1.0 - free / fitted.gain) if fitted.gain > 0.0 else 0.0


def _pointed(column: BinnedColumn, weight: float, codes: I64, count: F64, scale: Scale) -> BinnedColumn:
    """Write evidence as points; a bin that nothing is known of gets those of the average lead, so it is no reason."""
    points = np.array([scale.part(weight * b.woe) for b in column.bins], dtype=np.int64)
    unknown = np.array([b.count == 0.0 or (b.kind == "other" and b.woe == 0.0) for b in column.bins])
    rows = np.bincount(codes, count, minlength=len(points)) * ~unknown
    mean = round(float(rows @ points) / float(rows.sum())) if rows.any() else 0
    points[unknown] = mean
    bins = tuple(replace(b, hundredths=int(h)) for b, h in zip(column.bins, points, strict=True))
    return replace(column, bins=bins, weight=round(weight, 9), reference=mean)


def _base(scale: Scale, sums: I64, came: F64, count: F64) -> int:
    """Points at which chances add up to what came: Newton's method on one number."""
    offset = scale.log_odds(sums) - scale.log_odds(np.zeros(1, dtype=np.int64))[0]
    rate = float(count @ came / count.sum())
    level = float(np.log(rate / (1.0 - rate)))
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-(level + offset)))
        step = float(count @ (came - chance) / (count @ (chance * (1.0 - chance))))
        level += max(-2.0, min(2.0, step))
        if abs(step) < 1e-10:
            break
    return scale.hundredths(level)

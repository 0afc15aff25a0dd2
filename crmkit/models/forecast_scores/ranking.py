"""Scores of an order of customers, the likeliest first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.probabilities import groups_of
from crmkit.models.forecast_scores.score import F64, Rows, Score, around, columns, normal_width, wilson


@dataclass(frozen=True, slots=True)
class Gain:
    """A row of a gain table: a group of customers, those with the highest scores first.

    Attributes
    ----------
    customers : float
    forecast, happened : float
        Means over the group.
    lift : float
        `happened` over its mean of all customers; 1 where nothing happened at all.
    customers_so_far, gain : float
        Share of the customers, and of all that happened, in this group and those above it.
    """

    customers: float
    forecast: float
    happened: float
    lift: float
    customers_so_far: float
    gain: float


def auc(
    came: ArrayLike,
    score: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score | None:
    """P(a customer who came has the higher score than one who did not); ties count half.

    Parameters
    ----------
    came : array-like, shape (n,)
        1 or 0, or truth values.
    score : array-like, shape (n,)
        Higher is likelier to come.

    Returns
    -------
    Score or None
        The interval is symmetric in the logit, so that it stays in [0, 1]; None where all or none came.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44(3), equations 4 and 5; Sun & Xu (2014), IEEE Signal Processing
    Letters 21(11): by ranks, in O(n log n); Obuchowski (1997), Biometrics 53(2): several rows of one customer.
    """
    happened, scores = columns(came=np.asarray(came, dtype=np.float64), score=score)
    rows, positive = Rows.of(len(scores), count, cluster), happened > 0
    yes, no = float(rows.count[positive].sum()), float(rows.count[~positive].sum())
    if not (yes and no):
        return None
    area, over, under = _placements(scores, rows, positive)
    return _in_unit(area, _area_error(rows, positive, over, under, yes, no), min(yes, no), level)


def auc_difference(
    came: ArrayLike,
    score: ArrayLike,
    other: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score | None:
    """AUC of one score less that of another on the same rows: their errors are correlated, and taken so.

    Parameters
    ----------
    came, score, count, cluster : as `auc`
    other : array-like, shape (n,)

    Returns
    -------
    Score or None
        Normal interval; None where all or none came.

    References
    ----------
    As `auc`; DeLong, DeLong & Clarke-Pearson (1988), equation 6, for the contrast of two areas.
    """
    happened, first, second = columns(came=np.asarray(came, dtype=np.float64), score=score, other=other)
    rows, positive = Rows.of(len(first), count, cluster), happened > 0
    yes, no = float(rows.count[positive].sum()), float(rows.count[~positive].sum())
    if not (yes and no):
        return None
    a, b = (_placements(scores, rows, positive) for scores in (first, second))
    return around(a[0] - b[0], _area_error(rows, positive, a[1] - b[1], a[2] - b[2], yes, no), level)


def _placements(scores: F64, rows: Rows, positive: NDArray[np.bool_]) -> tuple[float, F64, F64]:
    """Area, and what each row is above (who came) or below it (who did not), shape (n,) each; 0 for the others."""
    distinct, at = np.unique(scores, return_inverse=True)
    came_at = np.bincount(at, rows.count * positive, minlength=len(distinct))
    not_at = np.bincount(at, rows.count * ~positive, minlength=len(distinct))
    yes, no = float(came_at.sum()), float(not_at.sum())
    beaten = (np.cumsum(not_at) - not_at / 2.0) / no
    beating = 1.0 - (np.cumsum(came_at) - came_at / 2.0) / yes
    area = float(came_at @ beaten) / yes
    return area, np.where(positive, beaten[at] - area, 0.0), np.where(positive, 0.0, beating[at] - area)


def _area_error(rows: Rows, mask: NDArray[np.bool_], over: F64, under: F64, yes: float, no: float) -> float | None:
    if rows.cluster is None:
        holders = [yes, no, yes + no]
    else:
        holders = [float(np.count_nonzero(np.bincount(rows.cluster[part]))) for part in (mask, ~mask)]
        holders.append(rows.customers)
    if min(holders) < 2:
        return None
    small = [n / (n - 1.0) for n in holders]
    parts = (
        small[0] * rows.squares(over, over) / yes**2,
        small[1] * rows.squares(under, under) / no**2,
        0.0 if rows.cluster is None else 2.0 * small[2] * rows.squares(over, under) / (yes * no),
    )
    return math.sqrt(max(sum(parts), 0.0))


def _in_unit(area: float, error: float | None, fewer: float, level: float) -> Score:
    width = normal_width(level)
    if error is None:
        return Score(area, None, None)
    if area in (0.0, 1.0) or error == 0.0:
        # A complete order leaves no variance to see: as if the smaller group were tries that all went one way.
        ends = wilson(area, fewer, level=level)
        return Score(area, ends.low, ends.high)
    middle, half = math.log(area / (1.0 - area)), width * error / (area * (1.0 - area))
    low, high = (1.0 / (1.0 + math.exp(-max(min(end, 700.0), -700.0))) for end in (middle - half, middle + half))
    return Score(area, low, high)


def kolmogorov_smirnov(came: ArrayLike, score: ArrayLike, *, count: ArrayLike | None = None) -> float | None:
    """Largest distance between the score distributions of who came and who did not, in [0, 1].

    Parameters
    ----------
    came, score, count : as `auc`

    Returns
    -------
    float or None
        None where all or none came.
    """
    happened, scores = columns(came=np.asarray(came, dtype=np.float64), score=score)
    rows = Rows.of(len(scores), count, None)
    distinct, at = np.unique(scores, return_inverse=True)
    parts = [np.bincount(at, rows.count * share, minlength=len(distinct)) for share in (happened, 1.0 - happened)]
    if not all(part.any() for part in parts):
        return None
    one, other = (np.cumsum(part) / part.sum() for part in parts)
    return float(np.abs(one - other).max())


def lift_of_top(came: ArrayLike, score: ArrayLike, *, share: float = 0.1, level: float = 0.95) -> Score | None:
    """Share who came among those with the highest scores, over the share of all; equal scores count their part.

    Parameters
    ----------
    came, score : as `auc`
    share : float
        How many of all are the highest, in (0, 1].

    Returns
    -------
    Score or None
        The interval is that of the share among them; None where nobody came.
    """
    happened = np.asarray(came, dtype=np.float64)
    if not 0.0 < share <= 1.0:
        raise DomainError(f"share must lie in (0, 1], got {share}.")
    mean = float(happened.mean())
    if mean == 0.0:
        return None
    top = precision_at(happened, score, capacity=max(1, round(len(happened) * share)), level=level)
    ends = (None if end is None else end / mean for end in (top.low, top.high))
    return Score(top.value / mean, *ends)


def gain_table(
    happened: ArrayLike, forecast: ArrayLike, *, groups: int = 10, count: ArrayLike | None = None
) -> tuple[Gain, ...]:
    """Compare what happened in groups by forecast, the highest first; equal forecasts stay together.

    Parameters
    ----------
    happened, forecast : array-like, shape (n,)
        Counts, money or 0 and 1, at least 0; any score.
    groups : int
        At least 2; fewer come out where many forecasts are equal.
    """
    y, scores = columns(happened=happened, forecast=forecast)
    rows = Rows.of(len(y), count, None)
    whole, total, found = rows.total, float(rows.count @ y), []
    customers = so_far = 0.0
    for group in groups_of(-scores, rows.count, groups):
        n, sum_y = float(rows.count[group].sum()), float(rows.count[group] @ y[group])
        customers, so_far = customers + n, so_far + sum_y
        lift = (sum_y / n) / (total / whole) if total else 1.0
        mean = float(np.average(scores[group], weights=rows.count[group]))
        found.append(Gain(n, mean, sum_y / n, lift, customers / whole, so_far / total if total else customers / whole))
    return tuple(found)


def precision_at(came: ArrayLike, score: ArrayLike, *, capacity: int, level: float = 0.95) -> Score:
    """Share who came among the `capacity` customers of the highest score.

    Parameters
    ----------
    came, score : array-like, shape (n,)
        As `auc`.
    capacity : int
        How many can be called, at least 1; all, if there are fewer.

    Returns
    -------
    Score
        Where equal scores lie across the border, their share counts: the mean over all ways to choose among equals.
        Wilson's interval.
    """
    happened, scores = columns(came=np.asarray(came, dtype=np.float64), score=score)
    if capacity < 1:
        raise DomainError(f"capacity must be at least 1 (customers), got {capacity}.")
    chosen = min(capacity, len(scores))
    border = -np.partition(-scores, chosen - 1)[chosen - 1]
    above, equal = scores > border, scores == border
    rest = chosen - int(above.sum())
    hits = float(happened[above].sum()) + rest * float(happened[equal].mean())
    return wilson(hits / chosen, float(chosen), level=level)

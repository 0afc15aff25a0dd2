"""Whether a base meets what the Gamma-Gamma model assumes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from crmkit.errors import DomainError
from crmkit.models.histories import F64

# Frequencies shown apart: the first of each group.
_GROUPS = (1, 2, 3, 5, 10, 20)
# A rank correlation below this moves the value of a customer by little, however significant it is.
_WEAK = 0.1


@dataclass(frozen=True, slots=True)
class SpendAssumptions:
    """Numbers behind the assumption that value per order and frequency are unrelated.

    Attributes
    ----------
    customers : float
        All customers.
    without_orders : float
        Customers with x = 0, who do not enter the fit.
    not_positive : float
        Customers with orders whose mean value is zero, negative or missing, whom the model can't take.
    correlation, rank_correlation : float
        Pearson's and Spearman's, of frequency and mean value, over the others; NaN where either does not vary.
    rank_interval : tuple of float
        95 % interval of `rank_correlation` (Fisher's z, with Bonett & Wright's (2000) variance).
    mean_by_frequency : tuple of (lowest x, customers, mean value)
        Groups of frequency: the means should not differ.
    verdict : str
        In words.
    """

    customers: float
    without_orders: float
    not_positive: float
    correlation: float
    rank_correlation: float
    rank_interval: tuple[float, float]
    mean_by_frequency: tuple[tuple[int, float, float], ...]
    verdict: str


def assess_spend(x: ArrayLike, m: ArrayLike, count: ArrayLike | None = None) -> SpendAssumptions:
    """Measure how far a base is from the assumptions of Gamma-Gamma.

    Parameters
    ----------
    x : array-like, shape (n,)
        Orders behind the mean value, at least 0.
    m : array-like, shape (n,)
        Mean value per order; money, any sign.
    count : array-like, shape (n,), optional
        Customers who share the row.
    """
    xs, means = np.asarray(x, dtype=np.float64), np.asarray(m, dtype=np.float64)
    counts = np.ones(xs.shape) if count is None else np.asarray(count, dtype=np.float64)
    if xs.ndim != 1 or not xs.shape == means.shape == counts.shape:
        raise DomainError("x, m and count must have one dimension and be equally long.")
    bought = xs > 0
    good = bought & np.isfinite(means) & (means > 0)
    values, orders, weight = means[good], xs[good], counts[good]
    rank = _correlation(_ranks(orders, weight), _ranks(values, weight), weight)
    interval = _rank_interval(rank, float(weight.sum()))
    lost = float(counts[bought & ~good].sum())
    return SpendAssumptions(
        float(counts.sum()),
        float(counts[~bought].sum()),
        lost,
        _correlation(orders, values, weight),
        rank,
        interval,
        _means(orders, values, weight),
        _verdict(rank, interval, lost),
    )


def _correlation(a: F64, b: F64, weight: F64) -> float:
    if len(a) == 0:
        return math.nan
    a, b = a - np.average(a, weights=weight), b - np.average(b, weights=weight)
    spread = math.sqrt(float((weight * a * a).sum()) * float((weight * b * b).sum()))
    return float((weight * a * b).sum()) / spread if spread > 0 else math.nan


def _ranks(values: F64, weight: F64) -> F64:
    """Mean rank of each row when each stands for `weight` customers; ties share theirs."""
    levels, level_of = np.unique(values, return_inverse=True)
    size = np.bincount(level_of, weight, len(levels))
    return (np.cumsum(size) - 0.5 * size)[level_of]


def _rank_interval(rank: float, n: float) -> tuple[float, float]:
    if not math.isfinite(rank) or n <= 4 or abs(rank) >= 1.0:
        return (-1.0, 1.0)
    half = float(ndtri(0.975)) * math.sqrt((1.0 + 0.5 * rank * rank) / (n - 3.0))
    return math.tanh(math.atanh(rank) - half), math.tanh(math.atanh(rank) + half)


def _means(orders: F64, values: F64, weight: F64) -> tuple[tuple[int, float, float], ...]:
    group = np.searchsorted(_GROUPS, orders, side="right") - 1
    size = np.bincount(group, weight, len(_GROUPS))
    total = np.bincount(group, weight * values, len(_GROUPS))
    return tuple((low, float(n), float(t / n)) for low, n, t in zip(_GROUPS, size, total, strict=True) if n > 0)


def _verdict(rank: float, interval: tuple[float, float], lost: float) -> str:
    if not math.isfinite(rank):
        text = "not known: frequency or value does not vary"
    elif interval[0] <= 0.0 <= interval[1]:
        text = "met: value and frequency look unrelated"
    elif abs(rank) < _WEAK:
        text = "nearly met: value and frequency are weakly related"
    else:
        more = "more" if rank > 0 else "less"
        text = f"not met: frequent customers spend {more} per order, so the value of frequent customers is misjudged"
    return text if lost == 0 else f"{text}; {lost:.0f} customers have a mean value that is not above 0"

"""A score with its interval; means and shares over customers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmkit.errors import DomainError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """A figure and where it may lie.

    Attributes
    ----------
    value : float
    low, high : float or None
        Ends of its interval; None where fewer than two customers leave the error unknown.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Whom the rows of a score belong to.

    Attributes
    ----------
    count : float64, shape (n,)
        Customers who share the row.
    cluster : int64, shape (n,), or None
        Whose row it is, from 0; None: every row is another customer.
    """

    count: F64
    cluster: I64 | None

    @classmethod
    def of(cls, n: int, count: ArrayLike | None, cluster: ArrayLike | None) -> Rows:
        """Check counts and clusters of n rows."""
        weights = np.ones(n) if count is None else column("count", count)
        if len(weights) != n or not (weights > 0).all():
            raise DomainError(f"count must hold {n} numbers above 0, got {len(weights)}.")
        if cluster is None:
            return cls(weights, None)
        codes = np.asarray(cluster)
        if codes.shape != (n,) or codes.dtype.kind not in "iu":
            raise DomainError(f"cluster must hold {n} whole numbers, got shape {codes.shape} of {codes.dtype}.")
        if n and not 0 <= codes.min() <= codes.max() < 8 * n:  # numbers that are none of places in an array
            codes = np.unique(codes, return_inverse=True)[1]
        return cls(weights, codes.astype(np.int64, copy=False))

    @property
    def total(self) -> float:
        """Rows, each as often as it counts."""
        return float(self.count.sum())

    @property
    def customers(self) -> float:
        """Independent customers."""
        return self.total if self.cluster is None else float(np.count_nonzero(np.bincount(self.cluster)))

    def squares(self, left: F64, right: F64) -> float:
        """Sum over customers of the product of their sums of two columns: what a variance of sums is made of."""
        if self.cluster is None:
            return float(self.count @ (left * right))
        sums = [np.bincount(self.cluster, self.count * values) for values in (left, right)]
        return float(sums[0] @ sums[1])

    def error(self, residuals: F64, scale: float) -> float | None:
        """Return the standard error of a sum of residuals (which sum to 0) over `scale`; None for a single customer."""
        if self.customers < 2:
            return None
        small = self.customers / (self.customers - 1.0)
        return math.sqrt(max(small * self.squares(residuals, residuals), 0.0)) / scale


def column(name: str, values: ArrayLike) -> F64:
    """Check a column of finite numbers."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DomainError(f"{name} must have one dimension, got shape {array.shape}.")
    bad = ~np.isfinite(array)
    if bad.any():
        first = int(np.argmax(bad))
        raise DomainError(f"{name} must be finite; {bad.sum()} of {len(array)} rows are not (first: row {first}).")
    return array


def columns(**values: ArrayLike) -> list[F64]:
    """Check columns of one length, at least one row."""
    found = [column(name, one) for name, one in values.items()]
    lengths = {name: len(one) for name, one in zip(values, found, strict=True)}
    if len(set(lengths.values())) != 1 or not len(found[0]):
        raise DomainError(f"Columns must be equally long, with at least one row, got {lengths}.")
    return found


def normal_width(level: float) -> float:
    """Count the standard deviations from the middle to the end of an interval."""
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, such as 0.95, got {level}.")
    return float(ndtri(0.5 + level / 2.0))


def around(value: float, error: float | None, level: float) -> Score:
    """Make a score with a normal interval."""
    width = normal_width(level)
    return Score(value, None, None) if error is None else Score(value, value - width * error, value + width * error)


def ratio_of_sums(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Sum of one column over the sum of another, linearised (Cochran 1977, equation 6.13).

    Parameters
    ----------
    numerator, denominator : array-like, shape (n,)
        Finite; the denominator's sum is above 0.
    """
    above, below = columns(numerator=numerator, denominator=denominator)
    rows = Rows.of(len(above), count, cluster)
    total = float(rows.count @ below)
    if total <= 0.0:
        raise DomainError(f"The denominators of a ratio must sum to more than 0, got {total:g}.")
    ratio = float(rows.count @ above) / total
    return around(ratio, rows.error(above - ratio * below, total), level)


def mean_of(
    losses: ArrayLike, *, count: ArrayLike | None = None, cluster: ArrayLike | None = None, level: float = 0.95
) -> Score:
    """Mean of a column, such as losses or paired differences of losses.

    Parameters
    ----------
    losses : array-like, shape (n,)
    """
    (known,) = columns(losses=losses)
    return ratio_of_sums(known, np.ones(len(known)), count=count, cluster=cluster, level=level)


def median_of(
    values: ArrayLike, *, count: ArrayLike | None = None, cluster: ArrayLike | None = None, level: float = 0.95
) -> Score:
    """Median of a column; its interval is read off at the interval of the share below it.

    References
    ----------
    Woodruff (1952), "Confidence intervals for medians and other position measures", JASA 47(260).
    """
    (known,) = columns(values=values)
    rows = Rows.of(len(known), count, cluster)
    order = np.argsort(known, kind="stable")
    upto = np.cumsum(rows.count[order]) / rows.total
    middle = _at(known[order], upto, 0.5)
    below = (known < middle) + 0.5 * (known == middle)
    share = share_of(below, count=count, cluster=cluster, level=level)
    if share.low is None or share.high is None:
        return Score(middle, None, None)
    down, up = max(share.value - share.low, 0.0), max(share.high - share.value, 0.0)
    return Score(middle, _at(known[order], upto, 0.5 - down), _at(known[order], upto, 0.5 + up))


def _at(ordered: F64, upto: F64, share: float) -> float:
    """Quantile of sorted values; the mean of two neighbours where it falls on the border between them."""
    at = min(int(np.searchsorted(upto, share - 1e-12)), len(ordered) - 1)
    on_border = abs(upto[at] - share) <= 1e-12 and at + 1 < len(ordered)
    return float((ordered[at] + ordered[at + 1]) / 2.0 if on_border else ordered[at])


def share_of(
    flags: ArrayLike, *, count: ArrayLike | None = None, cluster: ArrayLike | None = None, level: float = 0.95
) -> Score:
    """Share of rows with a flag (1, or 0); Wilson's interval for as many customers as the rows are worth.

    Rows of one customer are alike: the interval is that of the number of independent rows that has the variance found.
    """
    (known,) = columns(flags=flags)
    rows = Rows.of(len(known), count, cluster)
    share = float(rows.count @ known) / rows.total
    error = rows.error(known - share, rows.total)
    spread = share * (1.0 - share)
    worth = spread / error**2 if error else rows.customers
    ends = wilson(share, min(worth, rows.total), level=level)
    return Score(share, ends.low, ends.high)


def wilson(share: float, n: float, *, level: float = 0.95) -> Score:
    """Interval of a share by the score test.

    Parameters
    ----------
    share : float
        Observed, in [0, 1].
    n : float
        Independent observations, above 0.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).
    """
    return Score(share, *wilson_ends(share, n, level=level))


def wilson_ends(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Give the ends of `wilson` alone."""
    if not (0.0 <= share <= 1.0 and n > 0.0):
        raise DomainError(f"A share must lie in [0, 1] and be of more than 0 observations, got {share:g} of {n:g}.")
    z2 = normal_width(level) ** 2
    middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = math.sqrt(z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))) / (1.0 + z2 / n)
    # At the edges the end is the edge itself; rounding leaves 1e-17 of it.
    low, high = (0.0 if share == 0.0 else middle - half), (1.0 if share == 1.0 else middle + half)
    return max(low, 0.0), min(high, 1.0)

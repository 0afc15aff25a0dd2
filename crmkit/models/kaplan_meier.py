"""Kaplan-Meier: the share still there, from those who left and those who are still being watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.models.histories import F64


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """A Kaplan-Meier curve at some times.

    Attributes
    ----------
    time : float64, shape (k,)
        Rising.
    at_risk, ended : float64, shape (k,)
        Those watched up to the time at least; those who ended at it.
    survival : float64, shape (k,)
        P(longer than the time).
    low, high : float64, shape (k,)
        Pointwise interval.
    log_variance : float64, shape (k,)
        Greenwood's variance of ln S; infinite where S is 0.
    """

    time: F64
    at_risk: F64
    ended: F64
    survival: F64
    low: F64
    high: F64
    log_variance: F64


def kaplan_meier(
    time: ArrayLike,
    ended: ArrayLike,
    count: ArrayLike | None = None,
    *,
    at: ArrayLike | None = None,
    level: float = 0.95,
    entry: ArrayLike | None = None,
) -> SurvivalCurve:
    """Estimate a survival curve from durations, some of which are not over.

    Parameters
    ----------
    time : array-like, shape (n,)
        Durations, finite and at least 0: until the end, or as long as was watched.
    ended : array-like of bool, shape (n,)
        Whether it ended; if not, the duration is censored. Who is censored at a time was at risk at it.
    count : array-like, shape (n,), optional
        How many share the row, at least 0.
    at : array-like, shape (k,), optional
        Times to give the curve at, rising; by default those at which something ended.
    level : float
        Of the intervals, in (0, 1).
    entry : array-like, shape (n,), optional
        Age from which each was watched: it is at risk at times above it, up to its own. By default all are from the
        start. What ended before it was watched is not in the data, and so says nothing (left truncation).

    Returns
    -------
    SurvivalCurve

    Notes
    -----
    Interval: Greenwood's variance on the scale of ln(-ln S), which keeps it in [0, 1]. That scale has no value at the
    ends: while nobody has left, the lower end is the exact binomial one, tail^(1/at risk); where all have left, the
    upper end is that of the time before times 1 - tail^(1/at risk).

    References
    ----------
    Kaplan & Meier (1958), JASA 53(282); Kalbfleisch & Prentice (2002), "The Statistical Analysis of Failure Time Data",
    section 1.4.
    """
    t, gone, weight = _checked(time, ended, count)
    late = _Late.of(entry, t, weight)
    width, tail = normal_width(level), (1.0 - level) / 2.0
    order = np.argsort(t, kind="stable")
    t, gone, weight = t[order], gone[order], weight[order]
    steps, first = np.unique(t[gone & (weight > 0)], return_index=False), np.cumsum(np.r_[0.0, weight])
    d = np.bincount(np.searchsorted(steps, t[gone & (weight > 0)]), weight[gone & (weight > 0)], len(steps))
    r = first[-1] - first[np.searchsorted(t, steps)] - late.missing(steps)
    with np.errstate(divide="ignore"):
        variance = np.cumsum(d / (r * (r - d)))
    survival = np.cumprod(1.0 - d / r)
    times = steps if at is None else np.asarray(at, dtype=np.float64)
    place = np.searchsorted(steps, times, side="right")  # steps up to and with the time
    at_risk = first[-1] - first[np.searchsorted(t, times)] - late.missing(times)
    ended_at = np.concatenate([[0.0], d])[np.where(np.isin(times, steps), place, 0)]
    s, v = np.concatenate([[1.0], survival])[place], np.concatenate([[0.0], variance])[place]
    low, high = _ends(s, v, width)
    before = np.concatenate([[1.0], _ends(survival, variance, width)[1]])
    for i in np.flatnonzero(s == 1.0):
        low[i] = tail ** (1.0 / at_risk[i]) if at_risk[i] > 0 else 0.0
    for i in np.flatnonzero(s == 0.0):
        last = int(np.argmax(survival == 0.0))
        low[i], high[i] = 0.0, before[last] * (1.0 - tail ** (1.0 / r[last]))
    return SurvivalCurve(times, at_risk, ended_at, s, low, high, v)


@dataclass(frozen=True, slots=True, eq=False)
class Median:
    """When half are gone.

    Attributes
    ----------
    value, low, high : float or None
        None where the curve, or the end of its interval, does not come down to a half.
    """

    value: float | None
    low: float | None
    high: float | None


def median_of(curve: SurvivalCurve) -> Median:
    """Median of a curve given at the times of its steps: the first time at which half or fewer are left.

    Notes
    -----
    Interval: the times at which the pointwise interval of the curve holds a half.

    References
    ----------
    Brookmeyer & Crowley (1982), "A confidence interval for the median survival time", Biometrics 38(1).
    """
    # A half is a half: products of shares miss it by rounding.
    ends = [np.flatnonzero(part <= 0.5 + 1e-12) for part in (curve.survival, curve.low, curve.high)]
    return Median(*(float(curve.time[end[0]]) if len(end) else None for end in ends))


@dataclass(frozen=True, slots=True, eq=False)
class _Late:
    """Entries after the start, ascending, with the running sum of their weights."""

    entry: F64
    sums: F64

    @classmethod
    def of(cls, entry: ArrayLike | None, time: F64, weight: F64) -> _Late:
        if entry is None:
            return cls(np.zeros(0), np.zeros(1))
        age = np.asarray(entry, dtype=np.float64)
        if age.shape != time.shape or not (age < time).all():
            raise DomainError("entry must be as long as time and lie below it, row for row.")
        order = np.argsort(age, kind="stable")
        return cls(age[order], np.r_[0.0, np.cumsum(weight[order])])

    def missing(self, times: F64) -> F64:
        """Weight of those not watched yet."""
        return np.asarray(self.sums[-1] - self.sums[np.searchsorted(self.entry, times)])


def log_log_ends(survival: F64, log_variance: F64, width: float) -> tuple[F64, F64]:
    """Give the ends of an interval that is symmetric on the scale of ln(-ln S); S lies inside (0, 1)."""
    log = np.log(survival)
    factor = np.exp(np.minimum(width * np.sqrt(log_variance) / np.abs(log), 50.0))  # beyond, the ends are 0 and 1
    return np.exp(log * factor), np.exp(log / factor)


def _ends(survival: F64, variance: F64, width: float) -> tuple[F64, F64]:
    low, high = survival.copy(), np.ones(len(survival))
    inside = (survival > 0.0) & (survival < 1.0)
    low[inside], high[inside] = log_log_ends(survival[inside], variance[inside], width)
    return low, high


def _checked(time: ArrayLike, ended: ArrayLike, count: ArrayLike | None) -> tuple[F64, np.ndarray, F64]:
    t, gone = np.asarray(time, dtype=np.float64), np.asarray(ended, dtype=bool)
    weight = np.ones(t.shape) if count is None else np.asarray(count, dtype=np.float64)
    if t.ndim != 1 or not t.shape == gone.shape == weight.shape:
        raise DomainError("time, ended and count must have one dimension and be equally long.")
    bad = ~(np.isfinite(t) & (t >= 0.0) & np.isfinite(weight) & (weight >= 0.0))
    if bad.any():
        i = int(np.argmax(bad))
        raise DomainError(
            f"time and count must be finite and at least 0; {bad.sum()} of {len(t)} rows are not (first: row {i}, "
            f"{t[i]}, {weight[i]})."
        )
    return t, gone, weight


def survival_quantile(curve: SurvivalCurve, share: float) -> tuple[float, float, float]:
    """Time by which a share has ended, and its interval; NaN where the curve does not come down to it.

    Parameters
    ----------
    curve : SurvivalCurve
        At the times at which something ended (`kaplan_meier` without `at`).
    share : float
        In (0, 1): .5 is the median.

    References
    ----------
    Brookmeyer & Crowley (1982), "A confidence interval for the median survival time", Biometrics 38(1): the times at
    which the ends of the curve's interval reach the share.
    """
    if not 0.0 < share < 1.0:
        raise DomainError(f"share must lie between 0 and 1, got {share}.")
    left = 1.0 - share + 1e-12  # a survival of 5/10 is a half, whatever rounding left of it
    found = []
    for line in (curve.survival, curve.low, curve.high):
        down = np.flatnonzero(line <= left)
        found.append(float(curve.time[down[0]]) if len(down) else float("nan"))
    return found[0], found[1], found[2]

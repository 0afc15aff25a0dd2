"""The newest period against its prediction: tail probability and interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaln, chdtri, gammaln, ndtr, stdtr, stdtrit

from crmkit.models.next_period.fit import F64, I64, SeriesFit, mean_of, variance_of

_NODES: Final = 32  # of the unknown dispersion
_MANY: Final = 4000  # figures that the law may take; where there are more, it is the normal one for the eye
_REACH: Final = 12.0  # standard deviations beyond which nothing lies
_LEAST: Final = 1e-12  # no model of counts knows its tails any farther


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Newest figures and where they were to be expected.

    Attributes
    ----------
    expected : float64, shape (g,)
        Mean of the prediction, in successes, counts or values.
    low, high : float64, shape (g,)
        Its interval.
    p_value : float64, shape (g,)
        Two-sided: twice the smaller tail, half of the figure's own probability counted (mid-p).
    """

    expected: F64
    low: F64
    high: F64
    p_value: F64


def judge_next(fit: SeriesFit, y: F64, n: F64, series: I64, season: I64, *, level: float) -> Judged:
    """Judge figures that the fit has not seen.

    Parameters
    ----------
    fit : SeriesFit
    y, n, series, season
        As for `fit_series`, shape (g,); degrees of freedom of the series are above 0.
    level : float
        Of the intervals, in (0, 1).

    Notes
    -----
    Given the dispersion, a rate is beta-binomial and a count negative binomial, with the variance of the figure and of
    its estimated mean. The dispersion is known as well as its degrees of freedom say: the law is averaged over its
    scaled inverse chi-square at 32 quantiles (for a value this is Student's t). Dispersion below 1 counts as 1: counts
    vary no less than by chance.
    """
    mean = mean_of(fit.kind, fit.level[series] + fit.season[season])
    variance = variance_of(fit.kind, mean, n)
    waves = 1.0 / fit.season_weight[season] if len(fit.season) > 1 else 0.0
    wider = 1.0 + variance * (1.0 / fit.level_weight[series] + waves)
    expected = n * mean if fit.kind == "rate" else mean
    spread, free = fit.dispersion[series], fit.freedom[series]
    if fit.kind == "value":
        return _of_values(y, expected, np.sqrt(spread * wider), free, fit.periods[series], level)
    rows = []
    for i in range(len(y)):
        shares = (np.arange(_NODES) + 0.5) / _NODES
        nodes = np.maximum(spread[i] * free[i] / chdtri(free[i], shares), 1.0) * wider[i]
        law = _Law(fit.kind == "rate", float(mean[i]), float(n[i]), nodes)
        rows.append((*law.ends(level), law.p_value(float(y[i]))))
    low, high, p_value = np.array(rows).reshape(-1, 3).T
    return Judged(expected, low, high, p_value)


def _of_values(y: F64, expected: F64, error: F64, free: F64, periods: I64, level: float) -> Judged:
    """Student's t; a series that never moved says only that a new value is the first of its kind."""
    known = error > 0.0
    width = np.where(known, stdtrit(free, 0.5 + level / 2.0), 0.0) * error
    away = np.abs(y - expected)
    tail = np.maximum(2.0 * stdtr(free, -away / np.where(known, error, 1.0)), _LEAST)
    first = np.where(away > 0.0, np.minimum(2.0 / (periods + 1.0), 1.0), 1.0)
    return Judged(expected, expected - width, expected + width, np.where(known, tail, first))


class _Law:
    """Predictive law of a rate or count, averaged over the dispersion."""

    def __init__(self, is_rate: bool, mean: float, n: float, factor: F64) -> None:
        self.middle = n * mean if is_rate else mean
        self.error = np.sqrt(factor * (self.middle * (1.0 - mean) if is_rate else mean))
        reach = _REACH * float(self.error.max()) + 30.0
        self.first = max(np.floor(self.middle - reach), 0.0)
        self.last = np.ceil(self.middle + reach) if not is_rate else min(np.ceil(self.middle + reach), n)
        self.upto: F64 | None = None
        if self.last - self.first <= _MANY:
            k = np.arange(self.first, self.last + 1.0)
            each = _beta_binomial(k, n, mean, factor) if is_rate else _negative_binomial(k, mean, factor)
            self.upto = np.minimum(np.cumsum(each.mean(axis=0)), 1.0)

    def through(self, x: float) -> float:
        """P(X < x) + P(X = x) / 2 for a whole x."""
        return (self._until(x - 1.0) + self._until(x)) / 2.0

    def p_value(self, x: float) -> float:
        middle = self.through(x)
        return float(np.clip(2.0 * min(middle, 1.0 - middle), _LEAST, 1.0))

    def ends(self, level: float) -> tuple[float, float]:
        """Smallest and largest figure whose mid-p tail is above that of the level."""
        tail = (1.0 - level) / 2.0
        low = _first(lambda x: self.through(x) > tail, self.first, self.last)
        return low, _first(lambda x: self.through(x + 1.0) >= 1.0 - tail, self.first, self.last)

    def _until(self, x: float) -> float:
        if x < self.first:
            return 0.0
        if x >= self.last:
            return 1.0
        if self.upto is None:
            return float(np.mean(ndtr((x + 0.5 - self.middle) / self.error)))
        return float(self.upto[int(x - self.first)])


def _beta_binomial(k: F64, n: float, p: float, factor: F64) -> F64:
    # A rho nearer to 0 loses the digits of its betas; at 1e-7 the law is the binomial one to six digits.
    rho = np.clip((factor - 1.0) / max(n - 1.0, 1.0), 1e-7, 0.999)[:, None]
    a, b = p * (1.0 - rho) / rho, (1.0 - p) * (1.0 - rho) / rho
    ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.asarray(np.exp(ways + betaln(k + a, n - k + b) - betaln(a, b)))


def _negative_binomial(k: F64, mean: float, factor: F64) -> F64:
    size = (mean / np.maximum(factor - 1.0, 1e-7))[:, None]
    share = 1.0 / np.maximum(factor, 1.0 + 1e-7)[:, None]
    ways = -betaln(size, k + 1.0) - np.log(size + k)
    return np.asarray(np.exp(ways + size * np.log(share) + k * np.log1p(-share)))


def _first(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest whole number from low to high at which a rising condition holds; high if at none below."""
    while low < high:
        middle = np.floor((low + high) / 2.0)
        if holds(middle):
            high = middle
        else:
            low = middle + 1.0
    return float(low)

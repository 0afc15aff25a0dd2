"""Beta-binomial: shares of groups that differ less than they seem to, shrunk towards the mean of all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betainc, betaincinv, betaln

from crmkit.errors import FitError
from crmkit.models.forecast_scores.score import normal_width

F64 = NDArray[np.float64]
# So many trials of the mean of all: beyond, groups do not differ; below, each is believed at once.
_LEAST, _MOST = 1.0, 10_000.0


@dataclass(frozen=True, slots=True)
class BetaBinomial:
    """How true shares of groups spread.

    Attributes
    ----------
    mean : float
        Of the shares, in (0, 1).
    trials : float
        How many trials of the mean each group starts with (a + b of the beta distribution).
    """

    mean: float
    trials: float

    def expected(self, x: F64, n: F64) -> F64:
        """Share to expect of each group, shape (k,)."""
        return np.asarray((x + self.mean * self.trials) / (n + self.trials))

    def interval(self, x: F64, n: F64, *, level: float = 0.95) -> tuple[F64, F64]:
        """Give the ends of the interval that holds each true share, shape (k,) each."""
        normal_width(level)
        a, b = x + self.mean * self.trials, n - x + (1.0 - self.mean) * self.trials
        tail = (1.0 - level) / 2.0
        return np.asarray(betaincinv(a, b, tail)), np.asarray(betaincinv(a, b, 1.0 - tail))

    def chance_above(self, x: F64, n: F64, bar: float) -> F64:
        """P(true share above a bar), shape (k,)."""
        a, b = x + self.mean * self.trials, n - x + (1.0 - self.mean) * self.trials
        return np.asarray(1.0 - betainc(a, b, bar))


def fit_beta_binomial(x: F64, n: F64) -> BetaBinomial:
    """Fit the spread of shares by likelihood, their mean being that of all trials.

    Parameters
    ----------
    x, n : float64, shape (k,)
        Successes, 0 to n; trials, at least one in all.

    Raises
    ------
    FitError
        There is no trial.

    Notes
    -----
    The trials of the mean lie in [1, 10000]. With one group, or only successes or failures, nothing is known of the
    spread, and groups count as equal. The mean of all is held off 0 and 1 by half a trial, so that no interval closes.

    References
    ----------
    Skellam (1948), "A probability distribution derived from the binomial distribution by regarding the probability of
    success as variable between the sets of trials", JRSS B 10(2).
    """
    if n.sum() <= 0.0:
        raise FitError("A beta-binomial needs at least one trial, got none.")
    mean = float((x.sum() + 0.5) / (n.sum() + 1.0))
    if (n > 0).sum() < 2 or x.sum() in (0.0, n.sum()):
        return BetaBinomial(mean, _MOST)

    def loss(log: float) -> float:
        a, b = mean * math.exp(log), (1.0 - mean) * math.exp(log)
        return -float((betaln(a + x, b + n - x) - betaln(a, b)).sum())

    ends = (math.log(_LEAST), math.log(_MOST))
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    # A flat end is an end: no spread seen.
    best = ends[1] if loss(ends[1]) <= float(found.fun) + 1e-9 else float(found.x)
    return BetaBinomial(mean, round(math.exp(best), 6))

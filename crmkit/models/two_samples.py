"""Two groups compared: difference of proportions or means, its interval, its p-value, the sample that it needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri, stdtr, stdtrit

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width, wilson_ends

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Difference:
    """How two groups differ, second less first.

    Attributes
    ----------
    value : float
    low, high : float
        Confidence interval.
    p_value : float
        Two-sided; P(a difference as large, if there is none).
    """

    value: float
    low: float
    high: float
    p_value: float


def difference_of_proportions(x_a: int, n_a: int, x_b: int, n_b: int, *, level: float = 0.95) -> Difference:
    """Proportion b less proportion a.

    Parameters
    ----------
    x_a, x_b : int
        Successes, 0 to n.
    n_a, n_b : int
        Trials, at least 1.

    Notes
    -----
    Interval: the two Wilson intervals' distances, squared and added. It stays in [-1, 1] and holds what it says for
    small counts too. p-value: score test with the pooled proportion, which can differ from the interval in the third
    digit, as it takes the difference to be 0.

    References
    ----------
    Newcombe (1998), "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17(8), method 10.
    """
    for x, n in ((x_a, n_a), (x_b, n_b)):
        if not (n >= 1 and 0 <= x <= n):
            raise DomainError(
                f"Successes must lie between 0 and the trials, of which there is at least one, got {x} of {n}."
            )
    a, b = x_a / n_a, x_b / n_b
    (low_a, high_a), (low_b, high_b) = (wilson_ends(share, n, level=level) for share, n in ((a, n_a), (b, n_b)))
    value = b - a
    low = value - math.hypot(b - low_b, high_a - a)
    high = value + math.hypot(high_b - b, a - low_a)
    pooled = (x_a + x_b) / (n_a + n_b)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b))
    p_value = 1.0 if error == 0.0 else 2.0 * float(ndtr(-abs(value) / error))
    return Difference(value, low, high, p_value)


def difference_of_means(
    mean_a: float, sd_a: float, n_a: int, mean_b: float, sd_b: float, n_b: int, *, level: float = 0.95
) -> Difference:
    """Mean b less mean a, the spread of the groups free to differ.

    Parameters
    ----------
    mean_a, mean_b : float
    sd_a, sd_b : float
        Standard deviations with n - 1, at least 0.
    n_a, n_b : int
        At least 2.

    References
    ----------
    Welch (1947), "The generalization of 'Student's' problem", Biometrika 34(1/2); degrees of freedom by Satterthwaite.
    """
    normal_width(level)
    for n, spread in ((n_a, sd_a), (n_b, sd_b)):
        if not (n >= 2 and math.isfinite(spread) and spread >= 0.0):
            raise DomainError(f"A mean needs at least 2 values and a finite spread, got {n} values, {spread}.")
    if not (math.isfinite(mean_a) and math.isfinite(mean_b)):
        raise DomainError(f"Means must be finite, got {mean_a} and {mean_b}.")
    value, parts = mean_b - mean_a, np.array([sd_a**2 / n_a, sd_b**2 / n_b])
    variance = float(parts.sum())
    if variance == 0.0:
        return Difference(value, value, value, 1.0 if value == 0.0 else 0.0)
    shares = parts / variance  # in shares: squares of tiny variances would vanish
    freedom = 1.0 / float(shares @ (shares / (np.array([n_a, n_b]) - 1.0)))
    error = math.sqrt(variance)
    half = float(stdtrit(freedom, 0.5 + level / 2.0)) * error
    return Difference(value, value - half, value + half, 2.0 * float(stdtr(freedom, -abs(value) / error)))


def needed_per_group(variance_a: float, variance_b: float, effect: float, *, level: float = 0.95) -> int | None:
    """Size of each group at which an effect is found in four of five tests.

    Parameters
    ----------
    variance_a, variance_b : float
        Of one observation: p (1 - p), or the squared standard deviation.
    effect : float
        Difference to find; None comes out where it is 0.

    References
    ----------
    Fleiss, Levin & Paik (2003), "Statistical Methods for Rates and Proportions", section 4.3: without correction for
    continuity.
    """
    if effect == 0.0:
        return None
    width = normal_width(level) + float(ndtri(POWER))
    return max(2, math.ceil(width**2 * (variance_a + variance_b) / effect**2))


@dataclass(frozen=True, slots=True)
class CountRatio:
    """How many times as many there are, second over first.

    Attributes
    ----------
    value, high : float or None
        None where there is no finite one: the first count is 0.
    low : float
        Lower end of the interval, at least 0.
    """

    value: float | None
    low: float
    high: float | None


def ratio_of_counts(before: int, after: int, *, level: float = 0.95) -> CountRatio:
    """Compare two Poisson counts of equally long periods.

    Parameters
    ----------
    before, after : int
        At least 0, not both 0.

    Notes
    -----
    Given their sum, the second count is binomial with share r / (1 + r): the exact interval of that share (Clopper &
    Pearson 1934), turned back. It holds for small counts, too, where Wilson's calls 4 and then 0 a fall.

    References
    ----------
    Przyborowski & Wilenski (1940), "Homogeneity of results in testing samples from Poisson series", Biometrika 31(3/4).
    """
    if before < 0 or after < 0 or before + after < 1:
        raise DomainError(f"Counts must be at least 0 and not both 0, got {before} and {after}.")
    tail = (1.0 - level) / 2.0
    normal_width(level)
    low = float(betaincinv(after, before + 1.0, tail)) if after else 0.0
    high = float(betaincinv(after + 1.0, before, 1.0 - tail)) if before else 1.0
    if not before:
        return CountRatio(None, low / (1.0 - low), None)
    return CountRatio(after / before, low / (1.0 - low), high / (1.0 - high))

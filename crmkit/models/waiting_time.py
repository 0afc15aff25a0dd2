"""Quantiles of waiting times whose distribution function is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crmkit.models.histories import F64

# Natural logarithm of the longest time looked at; a distribution that has not reached the level there never does.
_LONGEST = 690.0


def quantile(probability: Callable[[F64], F64], level: F64, scale: F64) -> F64:
    """Time at which a distribution function reaches a level, row for row.

    Brackets the root in log time from `scale` outwards, then Chandrupatla's (1997) mix of inverse quadratic
    interpolation and bisection.

    Parameters
    ----------
    probability : function of t, float64, shape (n,)
        P(waiting time <= t), not decreasing in t; may stay below 1 for ever.
    level : float64, shape (n,)
        In (0, 1).
    scale : float64, shape (n,)
        A typical time, above 0.

    Returns
    -------
    float64, shape (n,)
        Infinite where the level is never reached.
    """
    middle = np.log(scale)
    low, high = middle.copy(), middle.copy()
    step = 1.0
    for _ in range(12):
        late, early = probability(np.exp(high)) < level, probability(np.exp(low)) > level
        if not (late.any() or early.any()):
            break
        high = np.where(late, np.minimum(high + step, _LONGEST), high)
        low = np.where(early, np.maximum(low - step, -_LONGEST), low)
        step *= 2.0
    never = probability(np.exp(high)) < level
    found: F64 = np.where(never, np.inf, np.exp(_root(lambda v: probability(np.exp(v)) - level, low, high)))
    return found


def _root(f: Callable[[F64], F64], low: F64, high: F64) -> F64:
    b, a = low, high
    fb, fa = f(b), f(a)
    c, fc = a, fa
    share = np.full(len(low), 0.5)
    for _ in range(80):
        x = a + share * (b - a)
        fx = f(x)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        width = np.abs(b - a)
        tolerance = 1e-13 * (1.0 + np.abs(a))
        if ((width <= 2.0 * tolerance) | (fa == 0)).all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            quadratic = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            guess = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            edge = np.clip(tolerance / np.where(width > 0, width, 1.0), 0.0, 0.5)
        share = np.where(quadratic & np.isfinite(guess), np.clip(guess, edge, 1.0 - edge), 0.5)
        share = np.where((width <= 2.0 * tolerance) | (fa == 0), 0.0, share)
    return np.where(np.abs(fa) <= np.abs(fb), a, b)

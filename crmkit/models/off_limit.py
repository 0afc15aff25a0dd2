"""What the data tell of a parameter at its limit: how far from it the likelihood lets the parameter be.

A coordinate at a limit has no standard error, since the log-likelihood is flat towards the limit. On the other side it
falls, and its profile (the others maximised) says where the coordinate may be: signed root of the profile likelihood,
Barndorff-Nielsen & Cox (1994), "Inference and asymptotics". Read as a half-normal density, one standard deviation is
where the profile has fallen by 1/2; two points, the limit with weight 1 - 2 / pi and the point where it has fallen by
pi / 4 with weight 2 / pi, have its mean and its variance. A scale of its own for each side of an axis, read off the
fall of the density, is how Martins, Simpson, Lindgren & Rue (2013), "Bayesian computing with INLA: new features",
Computational Statistics & Data Analysis 67, explore skewed axes.
"""

from __future__ import annotations

import numpy as np

from crmkit.models.climbing import Objective, climb, observed_information
from crmkit.models.histories import F64

# The square of sqrt(pi / 2) standard deviations, halved; and the weight of the point there.
FALL = np.pi / 4.0
WEIGHT = 2.0 / np.pi
# The fall is met within this share of it: a standard error needs no more than a digit or two.
_CLOSE = 0.05
# Curvature per customer that a flat direction is given to start with.
_FLAT = 1e-2


def off_limit(
    objective: Objective,
    z: F64,
    log_likelihood: float,
    i: int,
    lower: F64,
    upper: F64,
    scale: float,
) -> F64 | None:
    """Point off the limit of coordinate i where the profile log-likelihood has fallen by `FALL`, shape (p,).

    Parameters
    ----------
    objective, lower, upper
        As `estimation.maximise`.
    z : float64, shape (p,)
        The maximum, with coordinate i on an edge of its box.
    log_likelihood : float
        There.
    i : int
    scale : float
        Of the log-likelihood.

    Returns
    -------
    float64, shape (p,), or None
        None where the log-likelihood does not fall that far before the other end of the box, or does not fall at all.
    """
    inward = 1.0 if z[i] <= lower[i] else -1.0
    width = float(min(upper[i] - lower[i], 100.0))
    near, near_fall, far, far_fall, best = 0.0, 0.0, width, np.inf, z
    step = 1.0
    weights, axes = np.linalg.eigh(observed_information(objective, z) / scale)
    # Directions that are flat at the limit need not be so off it.
    curvature = (axes / np.maximum(weights, _FLAT)) @ axes.T
    for _ in range(30):
        step = min(step, width)
        fixed = z[i] + inward * step
        low, high, start = lower.copy(), upper.copy(), best.copy()
        low[i] = high[i] = start[i] = fixed
        value, point = climb(objective, start, low, high, scale, 100, curvature)
        fall = log_likelihood - value
        if abs(fall - FALL) <= _CLOSE * FALL:
            return point
        if fall < FALL:
            near, near_fall, best = step, fall, point
            if step >= width:
                return None
        else:
            far, far_fall = step, min(fall, 1e300)  # beyond what is finite the log-likelihood is minus infinity
        step = 2.0 * step if np.isinf(far_fall) else _between(near, near_fall, far, far_fall)
    return best


def _between(near: float, near_fall: float, far: float, far_fall: float) -> float:
    """Where the fall is due: it grows like an exponential in a coordinate that is a logarithm."""
    if near_fall <= 1e-3 * FALL or not far_fall < 1e3 * FALL:
        return (near + far) / 2.0
    share = np.log(FALL / near_fall) / np.log(far_fall / near_fall)
    return near + float(np.clip(share, 0.1, 0.9)) * (far - near)

"""A climber of log-likelihoods inside a box, and their curvature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crmkit.models.histories import F64

Objective = Callable[[F64], tuple[float, F64]]

# Differences of the analytic gradient err by about h in truncation and 1e-14 / h in rounding.
_STEP = 1e-6


def climb(
    f: Objective, start: F64, lower: F64, upper: F64, scale: float, steps: int, curvature: F64 | None = None
) -> tuple[float, F64]:
    """BFGS inside a box, from one start; `curvature` is a guess of the inverse of minus the second derivatives.

    Our own thirty lines: the L-BFGS-B of scipy calls threaded LAPACK on 4 x 4 matrices, which on a busy machine takes
    ten times as long as the likelihood.
    """
    z = np.clip(start, lower, upper)
    value, gradient = f(z)
    if not np.isfinite(value):
        return -np.inf, z
    value, gradient = value / scale, gradient / scale
    inverse, fresh, stale = (np.eye(len(z)), True, 0) if curvature is None else (curvature, False, 0)
    for _ in range(steps):
        free = ~held(z, gradient, lower, upper)
        slope = np.where(free, gradient, 0.0)
        if np.abs(slope).max(initial=0.0) < 1e-8 or stale == 2:
            break
        step = np.where(free, inverse @ slope, 0.0)
        if step @ slope <= 0.0:
            inverse, fresh = np.eye(len(z)), True
            step = slope
        # Coordinates are logarithms: a step of 2 is a factor of 7. The first one has no scale yet.
        step = step * min(1.0, (0.5 if fresh else 2.0) / np.abs(step).max())
        found = _better(f, z, value, slope, step, lower, upper, scale)
        if found is None:
            if fresh:
                break
            inverse, fresh = np.eye(len(z)), True
            continue
        new_z, new_value, new_gradient = found
        stale = stale + 1 if new_value - value < 1e-14 * (1.0 + abs(value)) else 0
        inverse, fresh = _updated(inverse, new_z - z, np.where(free, gradient - new_gradient, 0.0), fresh=fresh)
        z, value, gradient = new_z, new_value, new_gradient
    return value * scale, z


def _better(
    f: Objective, z: F64, value: float, slope: F64, step: F64, lower: F64, upper: F64, scale: float
) -> tuple[F64, float, F64] | None:
    """Go along a step, halving it until the value rises enough."""
    for _ in range(30):
        trial = np.clip(z + step, lower, upper)
        new_value, new_gradient = f(trial)
        new_value /= scale
        if new_value >= value + 1e-4 * float((trial - z) @ slope) - 1e-15 * abs(value):
            return trial, new_value, new_gradient / scale
        step = step / (4.0 if not np.isfinite(new_value) else 2.0)
    return None


def _updated(inverse: F64, moved: F64, bent: F64, *, fresh: bool) -> tuple[F64, bool]:
    """BFGS update of the inverse of minus the second derivatives; Nocedal & Wright (2006), eq. 6.17 and 6.20."""
    curvature = float(moved @ bent)
    if curvature <= 1e-12 * float(np.sqrt((moved @ moved) * (bent @ bent))):
        return inverse, fresh
    if fresh:
        inverse = np.eye(len(moved)) * (curvature / float(bent @ bent))
    left = np.eye(len(moved)) - np.outer(moved, bent) / curvature
    return left @ inverse @ left.T + np.outer(moved, moved) / curvature, False


def held(z: F64, gradient: F64, lower: F64, upper: F64) -> NDArray[np.bool_]:
    """Coordinates on an edge of the box that would leave it."""
    outward: NDArray[np.bool_] = ((z <= lower) & (gradient <= 0)) | ((z >= upper) & (gradient >= 0))
    return outward


def observed_information(f: Objective, z: F64) -> F64:
    """Minus the second derivatives of f at z, by differences of the analytic gradient (six digits)."""
    at_z = f(z)[1]
    rows = np.array([(f(z + h)[1] - at_z) / _STEP for h in _STEP * np.eye(len(z))])
    information: F64 = -(rows + rows.T) / 2.0
    return information


def inverse_information(information: F64) -> F64:
    """Inverse on the directions the data see: flat and rising ones contribute nothing."""
    if information.size == 0:
        return information
    weights, axes = np.linalg.eigh(information)
    seen = weights > 1e-10 * max(float(weights.max()), 1e-300)
    inverse: F64 = (axes[:, seen] / weights[seen]) @ axes[:, seen].T
    return inverse

"""Maximum likelihood with what belongs to it: several starts, standard errors, limits, a status in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import FitError
from crmkit.models.estimate import Estimate, Kind, LikelihoodRatio, likelihood_ratio_test
from crmkit.models.histories import F64

__all__ = [
    "Estimate",
    "Kind",
    "LikelihoodRatio",
    "Maximum",
    "Objective",
    "estimate_at",
    "likelihood_ratio_test",
    "maximise",
    "observed_information",
]

Objective = Callable[[F64], tuple[float, F64]]

# A limit that costs less log-likelihood than this is not told from the finite optimum: no test could see it.
LIMIT_LOSS = 0.01
# Differences of the analytic gradient err by about h in truncation and 1e-14 / h in rounding.
_STEP = 1e-6
_GRADIENT_PER_CUSTOMER = 1e-6


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where a log-likelihood is largest, in unconstrained coordinates.

    Attributes
    ----------
    z, gradient : float64, shape (p,)
    log_likelihood : float
    information : float64, shape (p, p)
        Minus the second derivatives.
    at_limit : bool, shape (p,)
        Coordinates that ran to the edge of their box: the data do not tell them from the limit.
    settled : bool
        The gradient vanishes in all other coordinates.
    """

    z: F64
    log_likelihood: float
    gradient: F64
    information: F64
    at_limit: NDArray[np.bool_]
    settled: bool


def maximise(
    objective: Objective,
    starts: Sequence[F64],
    lower: F64,
    upper: F64,
    *,
    n_customers: float,
    scout: tuple[Objective, float] | None = None,
) -> Maximum:
    """Maximise a log-likelihood from several starts inside a box, and ask whether a limit does as well.

    Parameters
    ----------
    objective : function of z, float64, shape (p,)
        Returns log-likelihood and gradient. The coordinates are chosen so that a parameter that runs to infinity is
        one coordinate running to the edge of the box (mean and precision), where `objective` is still finite.
    starts : sequence of float64, shape (p,)
        At least one.
    lower, upper : float64, shape (p,)
        The box. A finite edge stands for the limit beyond it; infinite: the coordinate has no limit.
    n_customers : float
        Scale of the log-likelihood.
    scout : (objective, n_customers), optional
        The likelihood of a part of the customers, to choose among the starts and to learn the curvature from.

    Raises
    ------
    FitError
        The log-likelihood is finite at none of the starts.
    """
    first, first_scale = scout or (objective, n_customers)
    ends = [_climb(first, start, lower, upper, first_scale, 50 if scout else 400) for start in starts]
    finite = [end for end in ends if np.isfinite(end[0])]
    if not finite:
        raise FitError("The log-likelihood is finite at none of the starting points; check the time unit (days).")
    best = max(finite, key=lambda end: end[0])[1]
    if scout is not None:
        curvature = _inverse(observed_information(first, best) / first_scale)
        best = _climb(objective, best, lower, upper, n_customers, 400, curvature)[1]
    found = _polished(objective, best, lower, upper, n_customers)
    for i in np.flatnonzero(np.isfinite(lower) | np.isfinite(upper)):
        found = _limit_if_as_good(objective, found, int(i), lower, upper, n_customers)
    return found


def estimate_at(
    maximum: Maximum,
    values: Callable[[F64], F64],
    *,
    names: Sequence[str],
    kinds: Sequence[Kind],
    n_customers: float,
    n_free: int,
    status: str,
) -> Estimate:
    """Estimate with standard errors by the delta method: covariance J I^-1 J' with J the slopes of `values(z)`."""
    z, free = maximum.z, ~maximum.at_limit
    slopes = np.array([(values(z + h) - values(z - h)) / 2e-5 for h in 1e-5 * np.eye(len(z))]).T
    at_maximum = values(z)
    covariance = slopes[:, free] @ _inverse(maximum.information[np.ix_(free, free)]) @ slopes[:, free].T
    lost = (np.abs(slopes[:, ~free]) > 1e-6 * np.abs(at_maximum)[:, None]).any(axis=1)
    lost &= np.array([kind != "share" for kind in kinds])
    covariance[lost, :] = covariance[:, lost] = 0.0
    covariance[lost, lost] = np.inf
    covariance = (covariance + covariance.T) / 2.0
    # Six digits are more than a standard error has, and keep a stored fit small.
    rows = tuple(tuple(float(f"{v:.6g}") for v in row) for row in covariance)
    numbers = tuple(float(v) for v in at_maximum)
    return Estimate(tuple(names), numbers, tuple(kinds), rows, maximum.log_likelihood, n_customers, n_free, status)


def _climb(
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
        free = ~_held(z, gradient, lower, upper)
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


def _held(z: F64, gradient: F64, lower: F64, upper: F64) -> NDArray[np.bool_]:
    """Coordinates on an edge of the box that would leave it."""
    held: NDArray[np.bool_] = ((z <= lower) & (gradient <= 0)) | ((z >= upper) & (gradient >= 0))
    return held


def _polished(f: Objective, z: F64, lower: F64, upper: F64, scale: float) -> Maximum:
    """Newton's method from a point near the maximum; its last matrix is the observed information."""
    value, gradient = f(z)
    information = observed_information(f, z)
    for _ in range(8):
        free = ~_held(z, gradient, lower, upper)
        if np.abs(gradient[free]).max(initial=0.0) < 1e-3 * _GRADIENT_PER_CUSTOMER * scale:
            break
        step = np.zeros_like(z)
        step[free] = _inverse(information[np.ix_(free, free)]) @ gradient[free]
        trial = np.clip(z + step, lower, upper)
        new_value, new_gradient = f(trial)
        if not new_value >= value - 1e-13 * abs(value):
            break
        z, value, gradient = trial, new_value, new_gradient
        if np.abs(step).max() > 1e-4:
            information = observed_information(f, z)
    at_limit = _held(z, gradient, lower, upper)
    # Nothing moves with this coordinate (its standard error would exceed 100).
    at_limit |= np.abs(information).max(axis=1) < 1e-4
    settled = bool(np.abs(gradient[~at_limit]).max(initial=0.0) <= _GRADIENT_PER_CUSTOMER * scale)
    return Maximum(z, float(value), gradient, information, at_limit, settled)


def _limit_if_as_good(f: Objective, found: Maximum, i: int, lower: F64, upper: F64, scale: float) -> Maximum:
    """Move coordinate i to the edge of its box where that costs less than `LIMIT_LOSS`."""
    if found.z[i] in (lower[i], upper[i]):
        return found
    variance = float(_inverse(found.information)[i, i])
    for edge in (lower[i], upper[i]):
        # The log-likelihood flattens towards a limit; where it is clearly curved, no limit is near.
        if not np.isfinite(edge) or 0.0 < variance < 0.25:
            continue
        low, high, start = lower.copy(), upper.copy(), found.z.copy()
        low[i] = high[i] = start[i] = edge
        value, z = _climb(f, start, low, high, scale, 100)
        if value >= found.log_likelihood - LIMIT_LOSS:
            return _polished(f, z, low, high, scale)
    return found


def observed_information(f: Objective, z: F64) -> F64:
    """Minus the second derivatives of f at z, by differences of the analytic gradient (six digits)."""
    at_z = f(z)[1]
    rows = np.array([(f(z + h)[1] - at_z) / _STEP for h in _STEP * np.eye(len(z))])
    information: F64 = -(rows + rows.T) / 2.0
    return information


def _inverse(information: F64) -> F64:
    """Inverse on the directions the data see: flat and rising ones contribute nothing."""
    if information.size == 0:
        return information
    weights, axes = np.linalg.eigh(information)
    seen = weights > 1e-10 * max(float(weights.max()), 1e-300)
    inverse: F64 = (axes[:, seen] / weights[seen]) @ axes[:, seen].T
    return inverse

"""Maximum likelihood with what belongs to it: several starts, standard errors, limits, a status in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import FitError
from crmkit.models.climbing import Objective, climb, held, inverse_information, observed_information
from crmkit.models.estimate import Estimate, Kind, LikelihoodRatio, likelihood_ratio_test
from crmkit.models.histories import F64
from crmkit.models.off_limit import off_limit

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
    "with_off_limits",
]

# A limit that costs less log-likelihood than this is not told from the finite optimum: no test could see it.
LIMIT_LOSS = 0.01
_GRADIENT_PER_CUSTOMER = 1e-6
# Steps after which the best of several starts goes on alone.
_RACE = 50
# A log-likelihood of a part of the customers, and how many they are.
Part: TypeAlias = tuple[Objective, float]


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
    off_limits : tuple of float64, shape (p,)
        For coordinates on an edge of their box, the point off it that `off_limit.off_limit` finds.
    """

    z: F64
    log_likelihood: float
    gradient: F64
    information: F64
    at_limit: NDArray[np.bool_]
    settled: bool
    off_limits: tuple[F64, ...] = ()


def maximise(
    objective: Objective,
    starts: Sequence[F64],
    lower: F64,
    upper: F64,
    *,
    n_customers: float,
    scout: Part | None = None,
    sample: Part | None = None,
    off_limits: bool = True,
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
        The likelihood of a few customers, to choose among the starts and to learn a first curvature from.
    sample : (objective, n_customers), optional
        The likelihood of customers who stand for all: it is maximised first, and its curvature, known to about a
        percent, leads to the maximum of `objective` in a few steps and gives the standard errors. Without it the
        curvature is that of `objective`, which takes most of the time of a fit.
    off_limits : bool
        Whether to look for the points off the limits, which take a third of the time; without them the maximum is the
        same, and serves comparisons and forecasts without intervals.

    Raises
    ------
    FitError
        The log-likelihood is finite at none of the starts.
    """
    first, first_scale = scout or sample or (objective, n_customers)
    ends = [climb(first, start, lower, upper, first_scale, _RACE) for start in starts]
    finite = [end for end in ends if np.isfinite(end[0])]
    if not finite:
        raise FitError("The log-likelihood is finite at none of the starting points; check the time unit (days).")
    best = max(finite, key=lambda end: end[0])[1]
    curvature = inverse_information(observed_information(first, best) / first_scale)
    found = None
    if sample is not None:
        part = _climbed(sample[0], best, lower, upper, sample[1], curvature)
        # What a part of the customers does not tell, all of them may: on a plateau no step would leave it again.
        if part.settled and not part.at_limit.any():
            information = part.information * (n_customers / sample[1])
            found = _polished(objective, part.z, lower, upper, n_customers, information)
    if found is None or not found.settled:
        found = _climbed(objective, best, lower, upper, n_customers, curvature)
    for i in np.flatnonzero(np.isfinite(lower) | np.isfinite(upper)):
        found = _limit_if_as_good(objective, found, int(i), lower, upper, n_customers)
    return with_off_limits(objective, found, lower, upper, n_customers) if off_limits else found


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
    """Estimate with standard errors by the delta method: covariance J I^-1 J' with J the slopes of `values(z)`.

    Coordinates at a limit stay there. The parameters that move with them have no standard error; what the data tell of
    them all the same (the ratio s / beta where both run to infinity) is kept as `limit_covariance`.
    """
    z, free = maximum.z, ~maximum.at_limit
    slopes = np.array([(values(z + h) - values(z - h)) / 2e-5 for h in 1e-5 * np.eye(len(z))]).T
    at_maximum = values(z)
    covariance = slopes[:, free] @ inverse_information(maximum.information[np.ix_(free, free)]) @ slopes[:, free].T
    lost = (np.abs(slopes[:, ~free]) > 1e-6 * np.abs(at_maximum)[:, None]).any(axis=1)
    lost &= np.array([kind != "share" for kind in kinds])
    known = covariance.copy()
    known[lost, :] = known[:, lost] = 0.0
    known[lost, lost] = np.inf
    return Estimate(
        tuple(names),
        tuple(float(v) for v in at_maximum),
        tuple(kinds),
        _rows(known),
        maximum.log_likelihood,
        n_customers,
        n_free,
        status,
        _rows(covariance) if lost.any() else (),
        tuple(tuple(float(v) for v in values(point)) for point in maximum.off_limits),
    )


def with_off_limits(f: Objective, found: Maximum, lower: F64, upper: F64, scale: float) -> Maximum:
    """Add the points off each edge that a coordinate ran to; coordinates that move nothing at the maximum stay there.

    The arguments are those of `maximise`, and what it found without them.
    """
    z = found.z
    on_edge = (z <= lower) | (z >= upper)
    flat = found.at_limit & ~on_edge
    low, high = np.where(flat, z, lower), np.where(flat, z, upper)
    points = [off_limit(f, z, found.log_likelihood, int(i), low, high, scale) for i in np.flatnonzero(on_edge)]
    return replace(found, off_limits=tuple(point for point in points if point is not None))


def _rows(covariance: F64) -> tuple[tuple[float, ...], ...]:
    """Symmetric rows; six digits are more than a standard error has, and keep a stored fit small."""
    return tuple(tuple(float(f"{v:.6g}") for v in row) for row in (covariance + covariance.T) / 2.0)


def _climbed(f: Objective, start: F64, lower: F64, upper: F64, scale: float, curvature: F64) -> Maximum:
    return _polished(f, climb(f, start, lower, upper, scale, 400, curvature)[1], lower, upper, scale)


def _polished(f: Objective, z: F64, lower: F64, upper: F64, scale: float, known: F64 | None = None) -> Maximum:
    """Newton's method from a point near the maximum; its last matrix is the observed information, or a `known` one."""
    value, gradient = f(z)
    information = observed_information(f, z) if known is None else known
    for _ in range(8):
        free = ~held(z, gradient, lower, upper)
        if np.abs(gradient[free]).max(initial=0.0) < 1e-3 * _GRADIENT_PER_CUSTOMER * scale:
            break
        step = np.zeros_like(z)
        step[free] = inverse_information(information[np.ix_(free, free)]) @ gradient[free]
        trial = np.clip(z + step, lower, upper)
        new_value, new_gradient = f(trial)
        if not new_value >= value - 1e-13 * abs(value):
            break
        z, value, gradient = trial, new_value, new_gradient
        if known is None and np.abs(step).max() > 1e-4:
            information = observed_information(f, z)
    at_limit = held(z, gradient, lower, upper)
    # Nothing moves with this coordinate (its standard error would exceed 100).
    at_limit |= np.abs(information).max(axis=1) < 1e-4
    settled = bool(np.abs(gradient[~at_limit]).max(initial=0.0) <= _GRADIENT_PER_CUSTOMER * scale)
    return Maximum(z, float(value), gradient, information, at_limit, settled)


def _limit_if_as_good(f: Objective, found: Maximum, i: int, lower: F64, upper: F64, scale: float) -> Maximum:
    """Move coordinate i to the edge of its box where that costs less than `LIMIT_LOSS`; not where both edges do."""
    if found.z[i] in (lower[i], upper[i]):
        return found
    variance = float(inverse_information(found.information)[i, i])
    as_good = []
    for edge in (lower[i], upper[i]):
        # The log-likelihood flattens towards a limit; where it is clearly curved, no limit is near.
        if not np.isfinite(edge) or 0.0 < variance < 0.25:
            continue
        low, high, start = lower.copy(), upper.copy(), found.z.copy()
        low[i] = high[i] = start[i] = edge
        value, z = climb(f, start, low, high, scale, 100)
        if value >= found.log_likelihood - LIMIT_LOSS:
            as_good.append((z, low, high))
    if not as_good or (len(as_good) == 2 and found.at_limit[i]):
        return found
    return _polished(f, as_good[0][0], *as_good[0][1:], scale)

"""What is not known of the parameters, as a few neighbours of the estimate: no random draws."""

from __future__ import annotations

import numpy as np

from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64
from crmkit.models.off_limit import WEIGHT

# A weakly identified parameter is moved by no more than a factor of e^4 a step: beyond, predictions are the limit's.
_LONGEST_STEP = 4.0
_NO_VARIANCE = 1e-12


def neighbours(estimate: Estimate | None, *, deviations: float = 1.0) -> F64:
    """Parameters moved along the principal axes of their covariance, up and down; float64, shape (axes, 2, p).

    The axes are those of the logarithms of positive parameters and shares, as in `Estimate.draw`: what follows one of
    them is uncorrelated with what follows another, so variances add up over axes. Parameters without an estimate, or
    not identified, stay where they are; those at a limit move as their covariance given the limit says.

    Parameters
    ----------
    estimate : Estimate or None
        None: the parameters were given, and nothing is uncertain.
    deviations : float
        Length of the step; standard deviations, above 0. A half of the difference of any answer between the two ends,
        divided by `deviations`, is its standard error along the axis (delta method with a secant).
    """
    if estimate is None:
        return np.empty((0, 2, 0))
    return _moved(estimate, np.array(estimate.values), _steps(estimate, deviations))


def off_limits(estimate: Estimate | None) -> F64:
    """Parameters off each limit that one ran to, float64, shape (limits, p): see `crmkit.models.off_limit`.

    With probability `off_limit.WEIGHT` the parameters are there, else at the estimate: so much is not known.
    """
    return np.array(estimate.off_limits).reshape(-1, len(estimate.values)) if estimate else np.empty((0, 0))


def sigma_points(estimate: Estimate | None) -> list[tuple[float, F64]]:
    """Weights, summing to 1, and parameters; float64, shape (p,). Nothing uncertain: no points.

    Two points per axis of the covariance, which match it (Julier & Uhlmann (1997), "A new extension of the Kalman
    filter"), around the estimate and around each point off a limit. Several limits share `off_limit.WEIGHT`.
    """
    if estimate is None:
        return []
    values, sides = np.array(estimate.values), off_limits(estimate)
    axes = len(_steps(estimate, 1.0))
    steps = _steps(estimate, float(np.sqrt(max(axes, 1)))).reshape(-1, len(values))
    if axes == 0:
        if len(sides) == 0:
            return []
        steps = np.zeros((1, len(values)))
    centres = [(1.0 - WEIGHT * (len(sides) > 0), values), *((WEIGHT / len(sides), side) for side in sides)]
    return [(weight / len(steps), _moved(estimate, centre, step)) for weight, centre in centres for step in steps]


def _steps(estimate: Estimate, deviations: float) -> F64:
    """Return steps along the axes, up and down, of logarithms where parameters have a sign; shape (axes, 2, p)."""
    values, covariance = np.array(estimate.values), np.array(estimate.limit_covariance or estimate.covariance)
    logs = np.array([kind != "real" for kind in estimate.kinds])
    per_value = np.where(logs, 1.0 / np.where(values > 0, values, 1.0), 1.0)
    known = np.isfinite(np.diag(covariance)) & ((values > 0) | ~logs)
    scaled = np.where(np.outer(known, known), covariance, 0.0) * np.outer(per_value, per_value)
    variances, axes = np.linalg.eigh(scaled)
    seen = variances > _NO_VARIANCE * max(float(variances.max(initial=0.0)), _NO_VARIANCE)
    steps = deviations * np.sqrt(variances[seen])[:, None] * axes[:, seen].T
    steps = np.stack([steps, -steps], axis=1)
    return np.where(logs, np.clip(steps, -_LONGEST_STEP, _LONGEST_STEP), steps)


def _moved(estimate: Estimate, values: F64, steps: F64) -> F64:
    """Parameters a step away: shares sum to 1, positive ones go no farther than the limits of their family."""
    logs = np.array([kind != "real" for kind in estimate.kinds])
    shares = np.array([kind == "share" for kind in estimate.kinds])
    moved: F64 = np.where(logs, values * np.exp(np.where(logs, steps, 0.0)), values + steps)
    if shares.any():
        moved[..., shares] /= moved[..., shares].sum(axis=-1, keepdims=True)
    # A family that holds values beyond 1e-9 or 1e12 goes to 1e-12 and 1e18: a clip would move s / beta.
    lowest, highest = np.where(values < 1e-9, 1e-12, 1e-9), np.where(values > 1e12, 1e18, 1e12)
    within = np.clip(moved, lowest, highest)
    return np.where(shares | ~logs, moved, within)

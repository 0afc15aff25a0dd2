"""What is not known of the parameters, as a few neighbours of the estimate: no random draws."""

from __future__ import annotations

import numpy as np

from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64

# A weakly identified parameter is moved by no more than a factor of e^4 a step: beyond, predictions are the limit's.
_LONGEST_STEP = 4.0
_NO_VARIANCE = 1e-12


def neighbours(estimate: Estimate | None, *, deviations: float = 1.0) -> F64:
    """Parameters moved along the principal axes of their covariance, up and down; float64, shape (axes, 2, p).

    The axes are those of the logarithms of positive parameters and shares, as in `Estimate.draw`: what follows one of
    them is uncorrelated with what follows another, so variances add up over axes. Parameters without an estimate, or
    not identified, stay where they are.

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
    values, covariance = np.array(estimate.values), np.array(estimate.covariance)
    logs = np.array([kind != "real" for kind in estimate.kinds])
    per_value = np.where(logs, 1.0 / np.where(values > 0, values, 1.0), 1.0)
    known = np.isfinite(np.diag(covariance)) & ((values > 0) | ~logs)
    scaled = np.where(np.outer(known, known), covariance, 0.0) * np.outer(per_value, per_value)
    variances, axes = np.linalg.eigh(scaled)
    seen = variances > _NO_VARIANCE * max(float(variances.max(initial=0.0)), _NO_VARIANCE)
    steps = deviations * np.sqrt(variances[seen])[:, None] * axes[:, seen].T
    steps = np.stack([steps, -steps], axis=1)
    steps = np.where(logs, np.clip(steps, -_LONGEST_STEP, _LONGEST_STEP), steps)
    moved: F64 = np.where(logs, np.clip(values * np.exp(np.where(logs, steps, 0.0)), 0.0, 1e12), values + steps)
    shares = np.array([kind == "share" for kind in estimate.kinds])
    if shares.any():
        moved[..., shares] /= moved[..., shares].sum(axis=-1, keepdims=True)
    # A parameter on a limit of its family (1e-12, 1e12) stays inside.
    return np.where(shares | ~logs, moved, np.maximum(moved, 1e-9))

"""Logistic regression with weights that are at least 0, for columns that already speak in log-odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crmkit.errors import FitError

F64 = NDArray[np.float64]
# A step of 1e-6 of a quadratic search leaves 1e-12.
_STEPS, _SETTLED = 200, 1e-6


@dataclass(frozen=True, slots=True)
class PositiveLogistic:
    """Log-odds = `base` + the columns times `weights`.

    Attributes
    ----------
    base : float
    weights : tuple of float
        At least 0, one per column.
    gain : float
        Twice the log-likelihood above that of the rate alone, at least 0.
    """

    base: float
    weights: tuple[float, ...]
    gain: float


def fit_positive_logistic(X: F64, came: F64, count: F64, *, strength: float) -> PositiveLogistic:
    """Maximise the likelihood less a quadratic penalty, no weight below 0.

    Parameters
    ----------
    X : float64, shape (n, k)
    came, count : float64, shape (n,)
        Outcomes, 1 and 0, both there; weights above 0.
    strength : float
        Inverse of the penalty of the weights (C), above 0; the base is free.

    Raises
    ------
    FitError
        The search did not settle.

    Notes
    -----
    Projected Newton steps (Bertsekas 1982, SIAM Journal on Control and Optimization 20(2), section 2): weights at 0
    whose gradient would take them below stay there, the others take a Newton step, halved until the loss falls.
    """
    # Columns lie in memory one after the other: every pass below runs along them.
    design = np.empty((X.shape[1] + 1, len(X)))
    design[0], design[1:] = 1.0, X.T
    rate = float(count @ came / count.sum())
    beta = np.concatenate([[np.log(rate / (1.0 - rate))], np.zeros(X.shape[1])])
    penalty = np.concatenate([[0.0], np.full(X.shape[1], 1.0 / strength)])
    eta = beta @ design
    start = best = _loss(eta, came, count)
    for _ in range(_STEPS):
        step = _newton_step(design, came, count, penalty, beta, expit(eta))
        # With the smallest steps the loss can no longer tell: its last digits are noise.
        settled = float(np.abs(step).max()) < _SETTLED
        moved = None if settled else _lower(design, came, count, penalty, beta, step, best)
        if moved is None:
            beta = _at_least_0(beta - step).round(9)  # threads add in any order: a fit is the same digits in every run
            gain = 2.0 * (start - _loss(beta @ design, came, count))
            return PositiveLogistic(float(beta[0]), tuple(beta[1:].tolist()), max(gain, 0.0))
        beta, eta, best = moved
    raise FitError(f"The weights of {X.shape[1]} columns did not settle in {_STEPS} steps; raise the penalty.")


def _newton_step(design: F64, came: F64, count: F64, penalty: F64, beta: F64, chance: F64) -> F64:
    gradient = design @ (count * (chance - came)) + penalty * beta
    free = ~((beta <= 0.0) & (gradient > 0.0))
    free[0] = True
    # One array on both sides: a symmetric product, half the work.
    rooted = (design if free.all() else design[free]) * np.sqrt(count * chance * (1.0 - chance))
    curvature = rooted @ rooted.T + np.diag(penalty[free] + 1e-12 * count.sum())
    step = np.zeros_like(beta)
    step[free] = np.linalg.solve(curvature, gradient[free])
    return step


def _lower(
    design: F64, came: F64, count: F64, penalty: F64, beta: F64, step: F64, best: float
) -> tuple[F64, F64, float] | None:
    """Halve the step until the loss falls; None where it never does."""
    size = 1.0
    while size > 1e-9:
        tried = _at_least_0(beta - size * step)
        eta = tried @ design
        loss = _loss(eta, came, count) + 0.5 * float(penalty @ tried**2)
        if loss < best:
            return tried, eta, loss
        size /= 2.0
    return None


def _at_least_0(beta: F64) -> F64:
    return np.concatenate([beta[:1], np.maximum(beta[1:], 0.0)])


def _loss(eta: F64, came: F64, count: F64) -> float:
    return float(count @ (np.logaddexp(0.0, eta) - came * eta))

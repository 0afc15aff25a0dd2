"""What happened as a function of what was forecast: a regression on the forecast's own scale."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from crmkit.models.forecast_scores.score import F64, Rows, Score, around

_STEPS, _SETTLED, _ENDLESS = 100, 1e-10, 50.0


def recalibrated(
    y: F64,
    x: F64,
    *,
    link: Literal["logit", "log"],
    count: ArrayLike | None,
    cluster: ArrayLike | None,
    level: float,
) -> tuple[Score | None, Score | None]:
    """Intercept at slope 1 and slope with a free intercept of link(E[y]) = a + b x, errors robust and by customer.

    The intercept is "calibration in the large": what is wrong with the level once spread is left alone. None where the
    data have no finite answer: y constant at its edge, x constant, or a value of x that parts y completely.
    """
    rows = Rows.of(len(y), count, cluster)
    at_edge = not y.any() or (link == "logit" and bool(y.all()))
    ones = np.ones((len(x), 1))
    level_only = None if at_edge else _fitted(y, ones, x, link, rows)
    whole = None if at_edge or np.ptp(x) == 0.0 else _fitted(y, np.column_stack([ones, x]), 0.0 * x, link, rows)
    intercept = None if level_only is None else around(float(level_only[0][0]), level_only[1][0], level)
    slope = None if whole is None else around(float(whole[0][1]), whole[1][1], level)
    return intercept, slope


def _fitted(
    y: F64, design: F64, offset: F64, link: Literal["logit", "log"], rows: Rows
) -> tuple[F64, list[float | None]] | None:
    """Newton's method with halved steps on a canonical link, whose likelihood has one hill."""
    beta = np.zeros(design.shape[1])
    if design.shape[1] == 2:
        beta[1] = 1.0
    best = _likelihood(y, offset + design @ beta, link, rows.count)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(y, design, offset + design @ beta, link, rows.count)
        if np.linalg.cond(curvature) > 1e13:
            return None
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (
            tried := _likelihood(y, offset + design @ (beta + size * step), link, rows.count)
        ) < best and size > 1e-9:
            size /= 2.0
        beta, best = beta + size * step, max(tried, best)
        if np.abs(beta).max() > _ENDLESS:
            return None
        if np.abs(step).max() * size < _SETTLED:
            break
    return beta, _errors(y, design, offset + design @ beta, link, rows)


def _mean(eta: F64, link: str) -> F64:
    found = expit(eta) if link == "logit" else np.exp(np.minimum(eta, 500.0))
    return np.asarray(found, dtype=np.float64)


def _likelihood(y: F64, eta: F64, link: str, count: F64) -> float:
    cost = np.logaddexp(0.0, eta) if link == "logit" else _mean(eta, link)
    return float(count @ (y * eta - cost))


def _derivatives(y: F64, design: F64, eta: F64, link: str, count: F64) -> tuple[F64, F64]:
    mean = _mean(eta, link)
    variance = mean * (1.0 - mean) if link == "logit" else mean
    return design.T @ (count * (y - mean)), design.T @ (design * (count * variance)[:, None])


def _errors(y: F64, design: F64, eta: F64, link: str, rows: Rows) -> list[float | None]:
    """Sandwich errors: curvature^-1 (sum over customers of their squared gradients) curvature^-1."""
    _, curvature = _derivatives(y, design, eta, link, rows.count)
    residual = y - _mean(eta, link)
    influence = (design * residual[:, None]) @ np.linalg.inv(curvature)
    return [rows.error(influence[:, i], 1.0) for i in range(design.shape[1])]

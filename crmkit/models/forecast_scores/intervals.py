"""Scores of intervals and quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import F64, Score, columns, normal_width, share_of


def coverage(
    y: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Share of the values that lie in their interval, ends included.

    Parameters
    ----------
    y, low, high : array-like, shape (n,)
    level : float
        Of the interval of the share itself, not of the intervals that are judged.
    """
    value, bottom, top = _ordered(y, low, high)
    return share_of((bottom <= value) & (value <= top), count=count, cluster=cluster, level=level)


def interval_loss(y: ArrayLike, low: ArrayLike, high: ArrayLike, *, interval_level: float) -> F64:
    """Width of each interval plus 2 / alpha times the distance of a value outside; smaller is better.

    Parameters
    ----------
    y, low, high : array-like, shape (n,)
    interval_level : float
        What the intervals promise to hold, 1 - alpha.

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102(477), equation 43.
    """
    value, bottom, top = _ordered(y, low, high)
    normal_width(interval_level)
    outside = np.maximum(bottom - value, 0.0) + np.maximum(value - top, 0.0)
    return np.asarray(top - bottom + 2.0 / (1.0 - interval_level) * outside)


def pinball_loss(y: ArrayLike, quantile: ArrayLike, *, at: float) -> F64:
    """Loss of each forecast of a quantile; its mean is least for the true one (Koenker & Bassett 1978).

    Parameters
    ----------
    y, quantile : array-like, shape (n,)
    at : float
        Which quantile, in (0, 1).
    """
    if not 0.0 < at < 1.0:
        raise DomainError(f"at must lie between 0 and 1, got {at}.")
    value, forecast = columns(y=y, quantile=quantile)
    above = value - forecast
    return np.maximum(at * above, (at - 1.0) * above)


def crps_from_quantiles(y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> F64:
    """Continuous ranked probability score of each row: twice the integral of the pinball loss over its level.

    Parameters
    ----------
    y : array-like, shape (n,)
    quantiles : array-like, shape (n, q)
        Ascending along a row.
    levels : array-like, shape (q,)
        Ascending, in (0, 1). Each stands for the levels nearest to it; the more there are, the closer the sum.

    References
    ----------
    Gneiting & Ranjan (2011), Journal of Business & Economic Statistics 29(3), section 2.2.
    """
    (value,), at = columns(y=y), columns(levels=levels)[0]
    table = np.asarray(quantiles, dtype=np.float64)
    if table.shape != (len(value), len(at)):
        raise DomainError(f"quantiles must have shape ({len(value)}, {len(at)}), got {table.shape}.")
    if (np.diff(at) <= 0).any() or at[0] <= 0.0 or at[-1] >= 1.0:
        raise DomainError("levels must ascend and lie between 0 and 1.")
    borders = np.concatenate([[0.0], (at[1:] + at[:-1]) / 2.0, [1.0]])
    losses = [pinball_loss(value, table[:, i], at=float(level)) for i, level in enumerate(at)]
    return np.asarray(2.0 * np.diff(borders) @ np.array(losses))


def _ordered(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> list[F64]:
    found = columns(y=y, low=low, high=high)
    turned = found[1] > found[2]
    if turned.any():
        raise DomainError(f"low must not exceed high; {turned.sum()} of {len(turned)} rows break this.")
    return found

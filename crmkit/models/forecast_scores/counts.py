"""Scores of expected counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.recalibration import recalibrated
from crmkit.models.forecast_scores.score import F64, Score, columns, mean_of, ratio_of_sums

# Below this a forecast is "none", and its logarithm would decide the slope alone.
_LEAST = 1e-3


def mae(
    y: ArrayLike,
    expected: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Mean absolute error. It is least for the median: all zeros does well where most customers do not come.

    Parameters
    ----------
    y, expected : array-like, shape (n,)
        What came and its forecast, at least 0.
    """
    happened, forecast = _counts(y, expected)
    return mean_of(np.abs(forecast - happened), count=count, cluster=cluster, level=level)


def rmse(
    y: ArrayLike,
    expected: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Root of the mean squared error, which is least for the mean; parameters as `mae`."""
    happened, forecast = _counts(y, expected)
    return _rooted(mean_of((forecast - happened) ** 2, count=count, cluster=cluster, level=level))


def msle(
    y: ArrayLike,
    expected: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Mean squared difference of ln(1 + count): large buyers weigh less; parameters as `mae`."""
    happened, forecast = _counts(y, expected)
    losses = (np.log1p(forecast) - np.log1p(happened)) ** 2
    return mean_of(losses, count=count, cluster=cluster, level=level)


def bias(
    y: ArrayLike,
    expected: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score | None:
    """Sum of the forecasts over the sum of what came, less 1: -.1 is a tenth too low; None where nothing came.

    Parameters as `mae`.
    """
    happened, forecast = _counts(y, expected)
    if not happened.any():
        return None
    ratio = ratio_of_sums(forecast, happened, count=count, cluster=cluster, level=level)
    ends = (None if end is None else end - 1.0 for end in (ratio.low, ratio.high))
    return Score(ratio.value - 1.0, *ends)


def count_slope(
    y: ArrayLike,
    expected: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score | None:
    """Slope b of ln E[y] = a + b ln(expected): 1 is calibrated, below 1 the forecasts lie too far apart.

    Parameters as `mae`; forecasts below .001 count as .001. None where all forecasts are equal or nothing came.

    References
    ----------
    Cox (1958), Biometrika 45: recalibration; here of a mean, by Poisson quasi-likelihood with a robust error.
    """
    happened, forecast = _counts(y, expected)
    logs = np.log(np.maximum(forecast, _LEAST))
    found = recalibrated(happened, logs, link="log", count=count, cluster=cluster, level=level)
    return found[1]


def _counts(y: ArrayLike, expected: ArrayLike) -> list[F64]:
    found = columns(y=y, expected=expected)
    if min(found[0].min(), found[1].min()) < 0.0:
        raise DomainError(f"Counts must be at least 0, got {min(found[0].min(), found[1].min()):g}.")
    return found


def _rooted(score: Score) -> Score:
    ends = (None if end is None else math.sqrt(max(end, 0.0)) for end in (score.low, score.high))
    return Score(math.sqrt(score.value), *ends)

"""Counts of two windows compared: ratio, interval and whether it is noise, when counts are more scattered than dice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from crmkit.models.forecast_scores.score import normal_width

F64 = NDArray[np.float64]

_OWN_FREEDOM = 10.0  # scatter of all counts weighs as much as so many degrees of freedom of one's own


def dispersion(pieces: F64, window: NDArray[np.int64]) -> F64:
    """Estimate how much more than a Poisson count each row scatters, drawn towards all rows.

    Parameters
    ----------
    pieces : float64, shape (n, m)
        Counts of equally long pieces of the windows.
    window : int64, shape (m,)
        Which window each piece is of: pieces are held against the mean of their own.

    Returns
    -------
    float64, shape (n,)
        Variance over mean, at least 1: Pearson's statistic per degree of freedom (McCullagh & Nelder 1989, section
        4.5), that of all rows weighing 10 degrees of freedom.
    """
    square, freedom = np.zeros(len(pieces)), np.zeros(len(pieces))
    for one in np.unique(window):
        own = pieces[:, window == one]
        mean = own.mean(axis=1)
        seen = mean > 0.0
        square[seen] += ((own[seen] - mean[seen, None]) ** 2).sum(axis=1) / mean[seen]
        freedom[seen] += own.shape[1] - 1.0
    total = freedom.sum()
    pooled = max(square.sum() / total, 1.0) if total else 1.0
    return np.asarray(np.maximum((square + _OWN_FREEDOM * pooled) / (freedom + _OWN_FREEDOM), 1.0))


def rate_ratio(now: F64, before: F64, scatter: F64, *, level: float = 0.95) -> tuple[F64, F64, F64, F64]:
    """Compare counts of equally long windows.

    Parameters
    ----------
    now, before : float64, shape (n,)
        Counts, at least 0.
    scatter : float64, shape (n,)
        Variance over mean, at least 1.

    Returns
    -------
    ratio, low, high, p_value : float64, shape (n,)
        `now` over `before`; NaN where `before` is 0 (the ratio and its upper end) or both are (all but the p-value, 1).

    Notes
    -----
    Given their sum, the first of two equal Poisson counts is binomial with one half: Wilson's interval of that share,
    for as many counts as the scattered ones are worth, carried over to the ratio (Przyborowski & Wilenski 1940,
    Biometrika 31). The p-value is that of the score test.
    """
    width = normal_width(level)
    total = now + before
    n = np.where(total > 0.0, total, 1.0) / scatter
    share = np.where(total > 0.0, now / np.where(total > 0.0, total, 1.0), 0.5)
    middle = (share + width**2 / (2.0 * n)) / (1.0 + width**2 / n)
    half = width * np.sqrt(share * (1.0 - share) / n + width**2 / (4.0 * n * n)) / (1.0 + width**2 / n)
    low, high = np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)
    low, high = np.where(share == 0.0, 0.0, low), np.where(share == 1.0, 1.0, high)
    known = total > 0.0
    odds = [
        np.where(known & (end < 1.0), end / np.where(end < 1.0, 1.0 - end, 1.0), np.nan) for end in (share, low, high)
    ]
    z = np.where(known, (now - before) / np.sqrt(np.where(known, total, 1.0) * scatter), 0.0)
    return odds[0], odds[1], odds[2], np.asarray(2.0 * ndtr(-np.abs(z)))


def false_discovery(p_value: F64) -> F64:
    """Smallest share of false alarms at which each p-value would still be called a finding.

    References
    ----------
    Benjamini & Hochberg (1995), "Controlling the false discovery rate", JRSS B 57(1).
    """
    n = len(p_value)
    order = np.argsort(-p_value, kind="stable")
    steps = p_value[order] * n / np.arange(n, 0, -1)
    found = np.empty(n)
    found[order] = np.minimum(np.minimum.accumulate(steps), 1.0) if n else steps
    return found

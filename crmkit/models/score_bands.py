"""Where to cut a score: the step function with few steps that says most about the outcome."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from crmkit.models.histories import F64

# More candidate cuts than these say nothing more, and cost their square.
MOST_GROUPS = 400


def best_cuts(converted: F64, count: F64, *, most: int, least: float) -> list[int]:
    """Cut ordered scores into bands of rising rates: how many, and where.

    Parameters
    ----------
    converted, count : float64, shape (n,)
        Outcomes and leads of each distinct score, ascending.
    most : int
        Bands at most, at least 1.
    least : float
        Leads of a band at least.

    Returns
    -------
    list of int
        First row of each band but the lowest; empty where one band says it all.

    Notes
    -----
    With rates p of m bands the log-likelihood is sum x ln p + (n - x) ln(1 - p). It is maximised exactly by dynamic
    programming over the borders of the isotonic regression of the outcome: the best rising step function with m steps
    has its cuts among them (Haiminen & Gionis 2004, "Unimodal segmentation of sequences", ICDM). The number of bands is
    that of the largest BIC, 2 m - 1 parameters: m rates, m - 1 cuts.
    """
    starts = _borders(converted, count, least)
    x = np.concatenate([[0.0], np.cumsum(np.add.reduceat(converted, starts))])
    n = np.concatenate([[0.0], np.cumsum(np.add.reduceat(count, starts))])
    gain, before = _segmented(x, n, most, least)
    penalised = gain - 0.5 * math.log(n[-1]) * (2.0 * np.arange(1, most + 1) - 1.0)
    bands = int(np.argmax(penalised))
    cuts, end = [], len(starts)
    for band in range(bands, 0, -1):
        end = int(before[band, end])
        cuts.append(int(starts[end]))
    return cuts[::-1]


def _borders(converted: F64, count: F64, least: float) -> NDArray[np.int64]:
    """First rows of the blocks of the isotonic regression, of groups of scores if there are very many."""
    starts = np.arange(len(count))
    if len(count) > MOST_GROUPS:
        part = np.minimum((np.cumsum(count) - count) / count.sum() * MOST_GROUPS, MOST_GROUPS - 1).astype(np.int64)
        starts = np.flatnonzero(np.concatenate([[True], np.diff(part) > 0]))
    x, n = np.add.reduceat(converted, starts), np.add.reduceat(count, starts)
    fitted = isotonic_regression(x / n, weights=n)
    return starts[np.asarray(fitted.blocks[:-1], dtype=np.int64)]


def _segmented(x: F64, n: F64, most: int, least: float) -> tuple[F64, NDArray[np.int64]]:
    """Best log-likelihood with 1 to `most` bands, and the border before the last band that reaches it."""
    ends = len(x)
    best, before = np.full((most, ends), -np.inf), np.zeros((most, ends), dtype=np.int64)
    pieces = np.full((ends, ends), -np.inf)
    for end in range(1, ends):
        won, of = x[end] - x[:end], n[end] - n[:end]
        pieces[:end, end] = np.where(of >= least, _log_likelihood(won, of), -np.inf)
    best[0] = pieces[0]
    for band in range(1, most):
        reached = best[band - 1][:, None] + pieces
        before[band] = np.argmax(reached, axis=0)
        best[band] = reached[before[band], np.arange(ends)]
    return best[:, -1], before


def _log_likelihood(won: F64, of: F64) -> F64:
    lost = of - won
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(part > 0.0, part * np.log(part / of), 0.0) for part in (won, lost)]
    return parts[0] + parts[1]

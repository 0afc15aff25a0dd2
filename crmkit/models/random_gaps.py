"""Gaps between order days as they would be if the days had fallen at random: what a rhythm is told apart from."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from crmkit.models.histories import F64


def share_longer(days: F64, x: F64, t_x: F64) -> F64:
    """P(a gap is longer than so many days) for customers whose order days lie anywhere between first and last.

    Parameters
    ----------
    days : float64, shape (m,)
        Whole, at least 0.
    x, t_x : float64, shape (n,)
        Gaps of a customer, at least 1; days from first to last order day, at least x. Whole.

    Returns
    -------
    float64, shape (n, m)

    Notes
    -----
    First and last day are given, and the x - 1 between them are any of the t_x - 1 days there, all choices alike. By
    symmetry every gap is like the first, and that one is longer than g if all x - 1 lie among the last t_x - 1 - g
    days: C(t_x - 1 - g, x - 1) / C(t_x - 1, x - 1). Of a single gap nothing is left to chance.
    """
    g, between, whole = days[None, :], (x - 1.0)[:, None], (t_x - 1.0)[:, None]
    room = whole - g - between  # days left over, if a gap is longer than g; below 0 it can't be
    left = np.maximum(room, 0.0)
    # ln C(n, j) = ln n! - ln j! - ln (n - j)!; j! is in both.
    logs = gammaln(left + between + 1.0) - gammaln(left + 1.0) - gammaln(whole + 1.0) + gammaln(whole - between + 1.0)
    return np.asarray(np.where(room >= 0.0, np.exp(np.minimum(logs, 0.0)), 0.0), dtype=np.float64)

"""A budget over channels whose returns flatten: what an elasticity says, within bounds, and what can be told apart.

A channel that now spends s and returns V brings V f^b when its spend is f s, with 0 < b < 1. The best split of the same
total gives each channel a spend proportional to s (V / s)^(1 / (1 - b)), as far as its bounds let it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import DomainError
from crmkit.models.histories import F64

# Stands for the logarithm of a return of 0: below that of every float, so that such a channel is served last.
_NOTHING = -1e6


def overlapping_groups(low: F64, high: F64) -> NDArray[np.int64]:
    """Find the groups of intervals that overlap, directly or by way of others, numbered from 0 along the line.

    Parameters
    ----------
    low, high : float64, shape (n,)
        Ends of each interval, low <= high; ends that touch overlap.

    Returns
    -------
    int64, shape (n,)
        The transitive closure of "overlaps": A with B and B with C put all three together, so that the answer does not
        depend on the order of the channels. Intervals of different groups never overlap.
    """
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    begins = np.concatenate([[False], low[order][1:] > reach[:-1]]) if len(order) else np.zeros(0, dtype=bool)
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.cumsum(begins)
    return groups


def best_factors(spend: F64, returns: F64, lowest: F64, highest: F64, *, elasticity: float) -> F64:
    """Factor on each spend that brings most from the same total.

    Maximises sum s_i R_i f_i^b over f under sum s_i f_i = sum s_i and lowest <= f <= highest.

    Parameters
    ----------
    spend : float64, shape (n,)
        s, above 0.
    returns : float64, shape (n,)
        R, average return per unit of spend; below 0 counts as 0.
    lowest, highest : float64, shape (n,)
        Bounds of the factors, 0 <= lowest <= 1 <= highest.
    elasticity : float
        b, in (0, 1).

    Returns
    -------
    float64, shape (n,)
        f. Channels of equal return and equal bounds get the same one; a return of 0 is served last.

    Notes
    -----
    The Karush-Kuhn-Tucker conditions give f_i = t R_i^(1/(1-b)), cut to its bounds, with one t for all. The total is
    piecewise linear and rising in t, so t is found exactly: search among its kinks, then solve the one linear piece.
    Powers stay logarithms, because 1 / (1 - b) may be large. Boyd & Vandenberghe (2004), "Convex Optimization",
    section 5.5.3 and example 5.2 (water-filling).
    """
    if not 0.0 < elasticity < 1.0:
        raise DomainError(f"elasticity must lie between 0 and 1, such as 0.5, got {elasticity}.")
    with np.errstate(divide="ignore"):
        log_return = np.where(returns > 0.0, np.log(np.maximum(returns, 0.0)), _NOTHING)
        weight = log_return / (1.0 - elasticity)
        kinks = np.unique(np.concatenate([np.log(lowest) - weight, np.log(highest) - weight]))
    # Totals at the kinks rise; the last kink that stays within the total begins the piece that holds t.
    totals = np.array([_cut(kink + weight, lowest, highest) @ spend for kink in kinks])
    at = max(int(np.searchsorted(totals, spend.sum(), side="right")) - 1, 0)
    beyond = kinks[min(at + 1, len(kinks) - 1)]
    with np.errstate(divide="ignore"):
        low_end, high_end = np.log(lowest) - weight, np.log(highest) - weight
    free = (low_end <= kinks[at]) & (high_end >= beyond) & (low_end < high_end)
    factors = np.where(low_end > kinks[at], lowest, highest)
    factors = np.where(low_end >= high_end, lowest, factors)
    if free.any():
        share = np.exp(weight[free] - weight[free].max())
        left = spend.sum() - factors[~free] @ spend[~free]
        factors[free] = np.clip(left * share / (spend[free] @ share), lowest[free], highest[free])
    return np.asarray(factors)


def _cut(log_factor: F64, lowest: F64, highest: F64) -> F64:
    return np.clip(np.exp(np.clip(log_factor, -745.0, 700.0)), lowest, highest)

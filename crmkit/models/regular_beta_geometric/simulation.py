"""Random customers of the (modified) beta-geometric / condensed NBD family."""

from __future__ import annotations

import numpy as np

from crmkit.models.histories import F64, I64

# The longest count a forecast may draw; a rate that asks for more is beyond any shop.
_MOST = 2.0**53


def histories(
    T: F64,
    rng: np.random.Generator,
    *,
    r: float,
    alpha: F64 | float,
    a: F64 | float,
    b: float,
    k: int,
    first_chance: int,
) -> tuple[F64, F64, F64]:
    """Simulate x, t_x and the sum of log gaps of new customers, purchase by purchase; shape of T each."""
    n = len(T)
    rate, leaves = rng.gamma(r, 1.0, n) / alpha, rng.beta(a, b, n)
    x, t_x, gaps = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.flatnonzero((rng.random(n) >= leaves * first_chance) & (rate > 0))
    while len(active):
        gap = rng.gamma(k, 1.0, len(active)) / rate[active]
        bought = (t_x[active] + gap <= T[active]) & (t_x[active] + gap > t_x[active])
        active, gap = active[bought], gap[bought]
        x[active] += 1
        t_x[active] += gap
        gaps[active] += np.log(gap)
        active = active[rng.random(len(active)) >= leaves[active]]
    return x, t_x, gaps


def purchases(
    x: F64,
    end: F64,
    days: F64,
    phase: I64,
    rng: np.random.Generator,
    *,
    r: float,
    a: F64 | float,
    b: float,
    k: int,
    first_chance: int,
) -> I64:
    """Simulate purchases in (T, T + days] of customers alive at T in a hidden phase, shape (n,).

    Parameters
    ----------
    end : float64, shape (n,)
        alpha + T.
    phase : int64, shape (n,)
        Phases passed since the last purchase.
    """
    n = len(x)
    rate = rng.gamma(r + k * x + phase, 1.0, n) / end
    passed = rng.poisson(np.minimum(rate * days, 1e18)).astype(np.float64)
    chances = np.floor((passed + phase) / k)
    stays = -np.log1p(-np.minimum(rng.beta(a, b + x + first_chance, n), 1.0 - 1e-16))
    # Geometric on 1, 2, ...: the number of the purchase at which the customer leaves.
    with np.errstate(divide="ignore", over="ignore"):
        until_leaving = np.ceil(rng.exponential(1.0, n) / stays)
    return np.minimum(np.minimum(chances, np.maximum(until_leaving, 1.0)), _MOST).astype(np.int64)


def index(weights: F64, rng: np.random.Generator) -> I64:
    """Draw one column index per row with the row's probabilities, shape (n,)."""
    edges = np.cumsum(weights, axis=1)
    passed = rng.random(len(weights))[:, None] * edges[:, -1:] > edges
    return np.asarray(np.minimum(passed.sum(axis=1), weights.shape[1] - 1), dtype=np.int64)

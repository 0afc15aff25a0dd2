"""Draws from Pareto/NBD: new customers, and futures of customers who are alive."""

from __future__ import annotations

import numpy as np

from crmkit.models.histories import F64, I64, Histories
from crmkit.models.nbd import poisson_histories

# A Poisson draw beyond it would overflow, and no customer buys so often.
_MOST_PURCHASES = 2.0**53
_SLOWEST = 1e-250


def histories(T: F64, rng: np.random.Generator, *, r: float, alpha: float, s: float, beta: float) -> Histories:
    """Histories of new customers observed for T days each, with their gaps; parameters as the process."""
    T = np.asarray(T, dtype=np.float64)
    rate = rng.gamma(r, size=len(T)) / alpha
    x, t_x, gaps = poisson_histories(rate, _active(s, np.full(len(T), beta), T, rng), rng)
    return Histories.in_order(x, t_x, T, gaps)


def counts_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64, rng: np.random.Generator) -> I64:
    """One draw of the purchases in `days` per customer alive, shape (n,); arguments as in `forecast`."""
    mean = rng.gamma(m) / rate_scale * _active(s, drop_scale, days, rng)
    return rng.poisson(np.minimum(mean, _MOST_PURCHASES))


def _active(s: float, drop_scale: F64, days: F64, rng: np.random.Generator) -> F64:
    # A small shape draws rates that are 0 in floating point: then nobody leaves.
    leaving = np.maximum(rng.gamma(s, size=len(days)) / drop_scale, _SLOWEST)
    return np.minimum(days, rng.exponential(size=len(days)) / leaving)

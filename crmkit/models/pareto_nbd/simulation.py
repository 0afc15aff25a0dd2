"""Draws from Pareto/NBD: new customers, and futures of customers who are alive."""

from __future__ import annotations

import numpy as np

from crmkit.models.histories import F64, I64, Histories

# Purchases of one customer in one draw; a Poisson draw beyond it would overflow, and no customer buys so often.
_MOST_PURCHASES = 1e9


def histories(T: F64, rng: np.random.Generator, *, r: float, alpha: float, s: float, beta: float) -> Histories:
    """Histories of new customers observed for T days each, with their gaps; parameters as the process."""
    T = np.asarray(T, dtype=np.float64)
    rate = rng.gamma(r, 1.0 / alpha, len(T))
    active = np.minimum(T, rng.exponential(size=len(T)) / _rate_of_leaving(s, beta + np.zeros(len(T)), rng))
    x = rng.poisson(np.minimum(rate * active, _MOST_PURCHASES))
    # Given their number, purchases are uniform: x + 1 exponential spacings, scaled to the time active.
    spacings = rng.exponential(size=int(x.sum()) + len(T))
    starts = np.concatenate([[0], np.cumsum(x + 1)[:-1]]) if len(T) else np.zeros(0, dtype=np.int64)
    total = np.add.reduceat(spacings, starts) if len(T) else np.zeros(0)
    until_last = total - spacings[starts + x]
    logs = np.log(spacings)
    sum_log = (np.add.reduceat(logs, starts) if len(T) else np.zeros(0)) - logs[starts + x]
    repeat = x > 0
    share = np.where(repeat, until_last / total, 0.0)
    gaps = np.where(repeat, sum_log + x * np.log(np.where(repeat, active / total, 1.0)), 0.0)
    return Histories.in_order(x, np.where(repeat, active * share, 0.0), T, gaps)


def counts_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64, rng: np.random.Generator) -> I64:
    """One draw of the purchases in `days` per customer alive, shape (n,); arguments as in `forecast`."""
    active = np.minimum(days, rng.exponential(size=len(m)) / _rate_of_leaving(s, drop_scale, rng))
    return rng.poisson(np.minimum(rng.gamma(m) / rate_scale * active, _MOST_PURCHASES))


def _rate_of_leaving(s: float, scale: F64, rng: np.random.Generator) -> F64:
    # A small shape draws rates that are 0 in floating point: then nobody leaves.
    return np.maximum(rng.gamma(s, size=len(scale)) / scale, np.finfo(float).tiny)

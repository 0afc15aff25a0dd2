"""Likelihood of the (modified) beta-geometric / condensed NBD family, with its slopes.

Platzer & Reutterer (2016), "Ticking away the moments", Marketing Science 35(5), and Reutterer, Platzer & Schroeder
(2021), "Leveraging purchase regularity", IJRM 38(1). While alive a customer passes Erlang phases at rate lambda ~
Gamma(r, alpha); every k-th phase is a purchase, after which the customer leaves with probability p ~ Beta(a, b).
BG (first_chance 0): no leaving at the first purchase. MBG (first_chance 1): leaving there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from crmkit.models.histories import F64, I64, Histories
from crmkit.models.rising_factorials import digamma_rise, log_rising

# Log odds at which exp is still finite; beyond them the smaller probability is 0.
_FARTHEST = 700.0


class Slopes(NamedTuple):
    """Log-likelihood per row and its derivatives, float64, shape (n,) each."""

    log_likelihood: F64
    r: F64
    alpha: F64
    a: F64
    b: F64


class LivePhases(NamedTuple):
    """S = sum over j < k of (s)_j / j! z^j, and the slopes of log S in s and in log z, shape (n,) each."""

    log_sum: F64
    slope_s: F64
    slope_log_z: F64


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """Histories prepared once for many evaluations: special functions depend on x alone, and x has few levels."""

    x: F64
    t_x: F64
    T: F64
    levels: F64
    level_of: I64

    @classmethod
    def of(cls, histories: Histories) -> Triples:
        """Find the levels of x."""
        levels, level_of = np.unique(histories.x, return_inverse=True)
        return cls(histories.x, histories.t_x, histories.T, levels, level_of)


def live_phases(s: F64, z: F64, k: int) -> LivePhases:
    """Weigh the phases passed since the last purchase by a customer who is alive.

    Parameters
    ----------
    s : float64, shape (n,)
        r + k x.
    z : float64, shape (n,)
        (T - t_x) / (alpha + T), in [0, 1).
    k : int
        Regularity, at least 1. All terms are positive: nothing cancels.
    """
    if k == 1:
        nothing = np.zeros(np.broadcast(s, z).shape)
        return LivePhases(nothing, nothing, nothing)
    term = np.ones(np.broadcast(s, z).shape)
    total, by_s, by_z, harmonic = term.copy(), np.zeros_like(term), np.zeros_like(term), np.zeros_like(term)
    for j in range(1, k):
        rise = s + (j - 1)
        term = term * (rise * z / j)
        harmonic += 1.0 / rise
        total += term
        by_s += term * harmonic
        by_z += term * j
    return LivePhases(np.log(total), by_s / total, by_z / total)


def log_odds_left(
    rows: Triples, growth: F64, log_sum: F64, *, r: float, a: F64 | float, b: float, k: int, first_chance: int
) -> F64:
    """Log odds that the customer left at the last purchase against being alive at T, shape (n,).

    `growth` is log (alpha + T) / (alpha + t_x), `log_sum` that of `live_phases`; the rest as `slopes`. Minus infinity
    where there was no chance to leave.
    """
    chances = rows.levels + first_chance
    before = np.log(np.where(chances > 0, b + chances - 1.0, np.inf))
    odds: F64 = (np.log(a) - before[rows.level_of]) + (r + k * rows.x) * growth - log_sum
    return odds


def gap_term(x: F64, sum_log_gap: F64, k: int) -> F64:
    """Part of the log-likelihood that no parameter but k touches: (k - 1) sum log gap - x log Gamma(k)."""
    term: F64 = (k - 1.0) * sum_log_gap - x * gammaln(k)
    return term


def recency_term(x: F64, t_x: F64, k: int) -> F64:
    """Take the place of `gap_term` where the gaps are not known: the density of t_x alone.

    The gaps integrate out: x Erlang-k gaps sum to an Erlang-kx time, (k x - 1) log t_x - log Gamma(k x).
    """
    repeat = x > 0
    times = np.where(repeat, t_x, 1.0)
    term: F64 = np.where(repeat, (k * x - 1.0) * np.log(times) - gammaln(np.where(repeat, k * x, 1.0)), 0.0)
    return term


def slopes(
    rows: Triples, *, r: float, alpha: F64 | float, a: F64 | float, b: float, k: int, first_chance: int
) -> Slopes:
    """Log-likelihood of (x, t_x) and its derivatives, without the gap term `gap_term`.

    Parameters
    ----------
    rows : Triples, n rows
    r, b : float
        Above 0.
    alpha, a : float, or float64, shape (n,)
        Above 0; per row when covariates move them. `alpha` is a time in days.
    k : int
        Regularity, at least 1.
    first_chance : 0 or 1
        1: the customer may leave at the first purchase, too (MBG).
    """
    x, T, level_of = rows.x, rows.T, rows.level_of
    s, end, start, last = r + k * x, alpha + T, alpha + rows.t_x, T - rows.t_x
    phases, growth = live_phases(s, last / end, k), np.log1p(last / start)
    left = log_odds_left(rows, growth, phases.log_sum, r=r, a=a, b=b, k=k, first_chance=first_chance)
    inverse_odds = np.exp(-np.clip(left, -_FARTHEST, _FARTHEST))
    dead = 1.0 / (1.0 + inverse_odds)
    alive = inverse_odds * dead
    log_alive = np.log(alive) - (np.maximum(left, _FARTHEST) - _FARTHEST)
    # Gamma(s)/Gamma(r) alpha^r / (alpha+T)^s = (r)_kx alpha^-kx (1 + T/alpha)^-s: finite where r and alpha are huge.
    silence, passed, chances = np.log1p(T / alpha), k * rows.levels, rows.levels + first_chance
    both, at = (chances, level_of) if np.ndim(a) == 0 else (chances[level_of], slice(None))
    either = digamma_rise(a + b, both)[at]
    value = (log_rising(r, passed) + log_rising(b, chances))[level_of] - log_rising(a + b, both)[at]
    return Slopes(
        value - k * x * np.log(alpha) - s * silence + phases.log_sum - log_alive,
        digamma_rise(r, passed)[level_of] - silence + alive * phases.slope_s + dead * growth,
        (r * T / alpha - k * x - alive * phases.slope_log_z - s * dead * last / start) / end,
        dead / a - either,
        digamma_rise(b, chances)[level_of] - either - dead / (b - 1.0 + first_chance + x + (x + first_chance == 0)),
    )

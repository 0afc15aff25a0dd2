"""Likelihood of Pareto/NBD, with its slopes: fast, and finite for every history.

After the last purchase something comes next: the customer leaves, at any time after t_x, or buys, after T (had it been
earlier, it would have been seen). Fader & Hardie's (2005) "A note on deriving the Pareto/NBD model", equation 15, an
integral up to T plus a term at T, becomes, after integration by parts, the sum of these two cases:

    L = (r)_x alpha^-x { s/beta     int_{t_x}^inf (1 + y/alpha)^-(r+x)   (1 + y/beta)^-(s+1) dy
                       + (r+x)/alpha int_T^inf    (1 + y/alpha)^-(r+x+1) (1 + y/beta)^-s     dy }

Both are positive, so nothing cancels; one depends on (x, t_x), the other on (x, T), so each is computed once per
distinct pair: a million customers have a few thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crmkit.models.histories import F64, I64, Histories
from crmkit.models.power_integral import PowerIntegral, power_integral
from crmkit.models.rising_factorials import digamma_rise, log_rising


class Slopes(NamedTuple):
    """Log-likelihood of all customers and its derivatives."""

    log_likelihood: float
    r: float
    alpha: float
    s: float
    beta: float


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Histories prepared once for many evaluations.

    Attributes
    ----------
    x, count : float64, shape (n,)
    last_x, last : float64, shape (k,)
        Distinct (x, t_x).
    end_x, end : float64, shape (m,)
        Distinct (x, T).
    at_last, at_end : int64, shape (n,)
        Where each history is among them.
    """

    x: F64
    count: F64
    last_x: F64
    last: F64
    end_x: F64
    end: F64
    at_last: I64
    at_end: I64

    @classmethod
    def of(cls, histories: Histories) -> Pairs:
        """Find the distinct pairs."""
        (last_x, last), at_last = distinct(histories.x, histories.t_x)
        (end_x, end), at_end = distinct(histories.x, histories.T)
        return cls(histories.x, histories.count, last_x, last, end_x, end, at_last, at_end)


def distinct(*columns: F64) -> tuple[tuple[F64, ...], I64]:
    """Distinct rows of some columns, sorted, and where each row is among them."""
    order = np.lexsort(columns[::-1])
    is_first = np.zeros(len(order), dtype=bool)
    is_first[:1] = True
    for column in columns:
        in_order = column[order]
        is_first[1:] |= in_order[1:] != in_order[:-1]
    at = np.empty(len(order), dtype=np.int64)
    at[order] = np.cumsum(is_first) - 1
    return tuple(column[order[is_first]] for column in columns), at


def log_likelihood(pairs: Pairs, *, r: float, alpha: float, s: float, beta: float) -> F64:
    """Log-density of (x, t_x) given T, shape (n,).

    Parameters
    ----------
    pairs : Pairs, n histories
    r, s : float
        Shapes of the purchase and dropout rates, above 0.
    alpha, beta : float
        Their inverse scales, above 0; days.
    """
    leaves, buys = _next_events(pairs, r, alpha, s, beta)
    rate = log_rising(r, pairs.last_x) - pairs.last_x * np.log(alpha) + np.log(s / beta) + leaves.log_value
    # The ratio of the two cases is all that (x, T) adds.
    again = np.log((r + pairs.end_x) / alpha) - np.log(s / beta) + buys.log_value
    density: F64 = rate[pairs.at_last] + np.logaddexp(0.0, again[pairs.at_end] - leaves.log_value[pairs.at_last])
    return density


def slopes(pairs: Pairs, *, r: float, alpha: float, s: float, beta: float) -> Slopes:
    """Log-likelihood of all customers and its derivatives; parameters as `log_likelihood`."""
    leaves, buys = _next_events(pairs, r, alpha, s, beta)
    case_left = np.log(s / beta) + leaves.log_value
    case_buys = np.log((r + pairs.end_x) / alpha) + buys.log_value
    # P(leaving is what came next | history), summed over the customers of each pair: all the slopes need.
    odds = case_buys[pairs.at_end] - case_left[pairs.at_last]
    small = np.exp(-np.abs(odds))
    left = pairs.count * np.where(odds > 0, small, 1.0) / (1.0 + small)
    w_left = np.bincount(pairs.at_last, left, len(pairs.last))
    w_buys = np.bincount(pairs.at_end, pairs.count - left, len(pairs.end))
    # Counts of the pairs (x, t_x) hold those of x.
    customers = np.bincount(pairs.at_last, pairs.count, len(pairs.last))
    both = np.maximum(odds, 0.0) + np.log1p(small)
    constant = log_rising(r, pairs.last_x) - pairs.last_x * np.log(alpha) + case_left
    n_left, n_buys = float(left.sum()), float(w_buys.sum())
    # Sums, not products of vectors: threaded BLAS waits longer for its threads than it adds.
    return Slopes(
        float((customers * constant).sum() + (pairs.count * both).sum()),
        float(
            customers @ digamma_rise(r, pairs.last_x)
            + w_left @ leaves.by_a
            + w_buys @ (buys.by_a + 1.0 / (r + pairs.end_x))
        ),
        float(w_left @ leaves.by_alpha + w_buys @ buys.by_alpha - (customers @ pairs.last_x + n_buys) / alpha),
        float(w_left @ leaves.by_b + w_buys @ buys.by_b + n_left / s),
        float(w_left @ leaves.by_beta + w_buys @ buys.by_beta - n_left / beta),
    )


def _next_events(pairs: Pairs, r: float, alpha: float, s: float, beta: float) -> tuple[PowerIntegral, PowerIntegral]:
    leaves = power_integral(r + pairs.last_x, s + 1.0, alpha=alpha, beta=beta, start=pairs.last)
    buys = power_integral(r + pairs.end_x + 1.0, s, alpha=alpha, beta=beta, start=pairs.end)
    return leaves, buys

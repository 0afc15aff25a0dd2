"""Exact forecasts of the (modified) beta-geometric / condensed NBD family, given alive at T.

Given alive, the customer has passed j = 0 .. k-1 hidden phases since the last purchase with weight
w_j ~ Gamma(s + j) / j! z^j, s = r + k x, z = (T - t_x) / (alpha + T), and lambda | j ~ Gamma(s + j, alpha + T). The
phases passed in (T, T + t] are then negative binomial. All sums have positive terms only: nothing cancels, for any
a and b. What depends on (x, T) alone is computed once per distinct pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import betaincc, gammainccinv, gammaln, roots_legendre

from crmkit.models.histories import F64, I64
from crmkit.models.regular_beta_geometric.likelihood import live_phases
from crmkit.models.rising_factorials import log_rising

# Numbers held at once in one matrix (16 MB).
_BLOCK = 2_000_000
# Pairs of short runs that are worked on together, at least.
_TOGETHER = 512
# A share of the whole that no double sees.
_NEGLIGIBLE = 1e-16
# Longer sums over phases are closed by an integral after this many purchases.
_LONGEST_SUM = 60_000
_EXACT_PURCHASES = 128


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Distinct (x, T): all that a forecast given alive and given the hidden phase depends on.

    Neighbouring rows are merged, so rows sorted by (x, T) are merged altogether.

    Attributes
    ----------
    x : float64, shape (m,)
    end : float64, shape (m,)
        alpha + T.
    days : float64, shape (m,)
        Length of the forecast.
    a : float64, shape (m,)
    pair_of : int64, shape (n,)
        The pair of each row.
    """

    x: F64
    end: F64
    days: F64
    a: F64
    pair_of: I64

    @classmethod
    def of(cls, x: F64, end: F64, days: F64 | float, a: F64 | float) -> Pairs:
        """Merge neighbours; `days` and `a` may be scalars."""
        columns = [x, end, np.broadcast_to(days, x.shape), np.broadcast_to(a, x.shape)]
        new = np.zeros(len(x), dtype=bool)
        new[:1] = True
        for column in columns:
            new[1:] |= column[1:] != column[:-1]
        x, end, lengths, odds = (column[new] for column in columns)
        return cls(x, end, lengths, odds, np.cumsum(new) - 1)

    def spans(self) -> Iterator[slice]:
        """Yield neighbouring runs of equal x together until they have `_TOGETHER` pairs: calls on few rows are slow."""
        edges = np.append(np.flatnonzero(np.diff(self.x)) + 1, len(self.x))
        start = 0
        for stop in edges.tolist():
            if stop - start >= _TOGETHER or stop == len(self.x) > start:
                yield slice(start, stop)
                start = stop

    def runs(self) -> Iterator[tuple[float, slice]]:
        """Yield neighbours of equal x."""
        edges = [0, *(np.flatnonzero(np.diff(self.x)) + 1).tolist(), len(self.x)]
        for start, stop in pairwise(edges):
            if stop > start:
                yield float(self.x[start]), slice(start, stop)


def phase_weights(s: F64, z: F64, k: int) -> F64:
    """P(j phases passed since the last purchase | alive), j = 0 .. k-1; float64, shape (n, k)."""
    log_sum = live_phases(s, z, k).log_sum
    weights = np.empty((len(s), k))
    log_term = -log_sum
    for j in range(k):
        weights[:, j] = np.exp(log_term)
        with np.errstate(divide="ignore"):
            log_term = log_term + np.log((s + j) * z / (j + 1.0))
    return weights


def log_silence(s: F64, last: F64, end: F64, days: F64, k: int) -> F64:
    """Log P(no purchase in (T, T + days] | alive at T), shape (n,).

    Parameters
    ----------
    s : float64, shape (n,)
        r + k x.
    last, end : float64, shape (n,)
        T - t_x and alpha + T.
    days : float64, shape (n,)
    k : int
    """
    longer = end + days
    later = live_phases(s, (last + days) / longer, k).log_sum
    now = live_phases(s, last / end, k).log_sum
    return np.minimum(later - now - s * np.log1p(days / end), 0.0)


def expected_by_phase(pairs: Pairs, days: F64, *, r: float, b: float, k: int, first_chance: int) -> F64:
    """E[purchases in (T, T + days] | alive, phase j], shape (m, k).

    sum over n >= 1 of B(a, b + x + d0 + n - 1) / B(a, b + x + d0) P(NB(s + j, q) >= n k - j), q = end / (end + days),
    summed by phases instead of purchases: E[h(floor((N + j) / k))] with h the running sum of the ratios.

    Parameters
    ----------
    pairs : Pairs
    days : float64, shape (m,)
        Takes the place of `pairs.days`.
    r, b, k, first_chance
        As `likelihood.slopes`.
    """
    expected = np.zeros((len(pairs.x), k))
    growth, s, b_left = days / pairs.end, r + k * pairs.x, b + pairs.x + first_chance
    for span in pairs.spans():
        edges, kind_of = _kinds(s[span])
        reach = gammainccinv(s[span][edges[:-1]] + k, _NEGLIGIBLE)[kind_of] * growth[span]
        lengths = np.ceil(reach + 9.0 * np.sqrt(reach) + 30.0 + k)
        for rows in _pieces(lengths):
            at = rows + span.start
            if lengths[rows[0]] > _LONGEST_SUM:
                for i, length in zip(at, lengths[rows], strict=True):
                    expected[i] = _long_sum(s[i], growth[i], pairs.a[i], b_left[i], k, length)
            else:
                at = np.sort(at)
                expected[at] = _short_sum(s[at], growth[at], pairs.a[at], b_left[at], k, int(lengths[rows[0]]))
    expected[days == 0.0] = 0.0
    return expected


def _pieces(lengths: F64) -> Iterator[I64]:
    """Rows in groups of similar length that fit a block; the longest of a group first."""
    order = np.argsort(-lengths, kind="stable")
    falling = -lengths[order]
    start = 0
    while start < len(order):
        longest = -falling[start]
        similar = int(np.searchsorted(falling, -longest / 1.5, side="right"))
        stop = min(similar, start + max(1, int(_BLOCK / longest)))
        yield order[start:stop]
        start = stop


def _kinds(s: F64) -> tuple[I64, I64]:
    """Where runs of equal values begin, closed by the end; the run of each value."""
    new = np.ones(len(s), dtype=bool)
    new[1:] = s[1:] != s[:-1]
    return np.append(np.flatnonzero(new), len(s)), np.cumsum(new) - 1


def _stays(a: F64, b_left: F64, n: F64) -> F64:
    """P(still a customer after n more purchases) = B(a, b_left + n) / B(a, b_left), shape (len(a), len(n))."""
    logs = log_rising(b_left[:, None], n[None, :]) - log_rising((a + b_left)[:, None], n[None, :])
    return np.asarray(np.exp(logs), dtype=np.float64)


def _short_sum(s: F64, growth: F64, a: F64, b_left: F64, k: int, length: int) -> F64:
    """Sum over all phases up to `length`, shape (len(growth), k); what s alone decides is worked out once per run."""
    edges, _ = _kinds(s)
    firsts, purchases = edges[:-1], length // k + 1
    m = np.arange(k, k * (purchases + 1), dtype=np.float64)
    mass = _masses(s, growth, m, k)
    alike = bool((a == a[0]).all())
    of = firsts if alike else slice(None)
    orders = np.cumsum(_stays(a[of], b_left[of], np.arange(purchases, dtype=np.float64)), axis=1)
    by_phase = np.empty((len(growth), k))
    for i, (start, stop) in enumerate(pairwise(edges.tolist())):
        factors = _phase_factors(float(s[start]), m, k)
        if alike:
            by_phase[start:stop] = mass[start:stop] @ (factors * np.repeat(orders[i], k)).T
        else:
            for j in range(k):
                by_purchase = (mass[start:stop] * factors[j]).reshape(stop - start, purchases, k).sum(axis=2)
                by_phase[start:stop, j] = (by_purchase * orders[start:stop]).sum(axis=1)
    return by_phase * _phase_scales(growth, k)


def _masses(s: F64, growth: F64, m: F64, k: int) -> F64:
    """NB(s, q) at m phases over growth^(k-1), shape (len(s), len(m)); all m at least k - 1, so that nothing overflows.

    For phase j it is multiplied by m! / (m - j)! Gamma(s) / Gamma(s + j) growth^(k-1-j): `_phase_factors` and
    `_phase_scales`.
    """
    edges, kind_of = _kinds(s)
    growth = np.maximum(growth, 1e-290)
    log_growth, log_end = np.log(growth)[:, None], np.log1p(growth)[:, None]
    log_mass = m * (log_growth - log_end) - (s[:, None] * log_end + (k - 1) * log_growth)
    by_kind = log_rising(s[edges[:-1], None], m[None, :]) - gammaln(m + 1.0)
    log_mass += by_kind if len(by_kind) == 1 else by_kind[kind_of]
    return np.asarray(np.exp(log_mass, out=log_mass), dtype=np.float64)


def _phase_factors(s: float, m: F64, k: int) -> F64:
    """Return m! / (m - j)! Gamma(s) / Gamma(s + j), shape (k, len(m))."""
    factors, j = np.ones((k, len(m))), np.arange(k - 1.0)[:, None]
    np.cumprod((m - j) / (s + j), axis=0, out=factors[1:])
    return factors


def _phase_scales(growth: F64, k: int) -> F64:
    """growth^(k-1-j), shape (len(growth), k)."""
    log_growth = np.log(np.maximum(growth, 1e-290))[:, None]
    return np.asarray(np.exp(log_growth * np.arange(k - 1, -1, -1)), dtype=np.float64)


def _long_sum(s: float, growth: float, a: float, b_left: float, k: int, length: float) -> F64:
    """Sum over purchases for one pair, shape (k,): the first by terms, the rest by Euler-Maclaurin."""
    j = np.arange(k, dtype=np.float64)[:, None]

    def terms(n: F64) -> F64:
        stay = np.exp(log_rising(b_left, n - 1.0) - log_rising(a + b_left, n - 1.0))
        return np.asarray(stay * betaincc(s + j, n * k - j, 1.0 / (1.0 + growth)), dtype=np.float64)

    first = terms(np.arange(1.0, _EXACT_PURCHASES)).sum(axis=1)
    edge = terms(_EXACT_PURCHASES + np.array([-1.0, 0.0, 1.0]))
    nodes, weights = roots_legendre(16)
    start, stop, due = np.log(_EXACT_PURCHASES), np.log(length / k), np.log(s * growth / k)
    # Wide panels in log n, narrow ones where the purchases due end: within nine deviations of lambda.
    coarse = np.linspace(start, stop, 2 + int(2.0 * (stop - start)))
    fine = due + np.linspace(-9.0, 9.0, 13) / np.sqrt(s)
    cuts = np.unique(np.concatenate([coarse, np.clip(fine, start, stop)]))
    half = np.diff(cuts) / 2.0
    n = np.exp(((cuts[:-1] + half)[:, None] + half[:, None] * nodes).ravel())
    integral = terms(n) @ (n * (half[:, None] * weights).ravel())
    return np.asarray(first + integral + edge[:, 1] / 2.0 - (edge[:, 2] - edge[:, 0]) / 24.0, dtype=np.float64)


def count_probabilities(
    pairs: Pairs, weights: F64, n_max: int, *, r: float, b: float, k: int, first_chance: int
) -> F64:
    """P(n purchases in (T, T + days] | alive), n = 0 .. n_max; float64, shape (rows, n_max + 1).

    The customer makes min(C, D) purchases: C = floor((N + j) / k) chances by phases, D purchases until leaving, so
    P(n) = P(D >= n) P(C = n) + P(D = n) P(C > n).

    Parameters
    ----------
    pairs : Pairs
    weights : float64, shape (rows, k)
        `phase_weights`.
    """
    result = np.empty((len(weights), n_max + 1))
    starts = np.searchsorted(pairs.pair_of, np.arange(len(pairs.x) + 1))
    n = np.arange(n_max + 1, dtype=np.float64)
    step = max(1, _BLOCK // (k * (n_max + 1)))
    for span in pairs.spans():
        for start in range(span.start, span.stop, step):
            part = slice(start, min(start + step, span.stop))
            rows = slice(starts[part.start], starts[part.stop])
            pair_of = pairs.pair_of[rows] - part.start
            exactly = _chances(pairs, part, pair_of, weights[rows], n_max, r, k)
            more = np.maximum(1.0 - np.cumsum(exactly, axis=1), 0.0)
            a, b_left = pairs.a[part], b + pairs.x[part] + first_chance
            edges, of = _kinds(b_left) if (a == a[0]).all() else (np.arange(len(a) + 1), np.arange(len(a)))
            after = _stays(a[edges[:-1]], b_left[edges[:-1]], n)
            stay = np.concatenate([np.ones((len(after), 1)), after], axis=1)[of[pair_of]]
            result[rows] = stay[:, :-1] * exactly + (stay[:, :-1] - stay[:, 1:]) * more
    return result


def _chances(pairs: Pairs, part: slice, pair_of: I64, weights: F64, n_max: int, r: float, k: int) -> F64:
    """P(C = n | alive), shape (rows, n_max + 1)."""
    growth, s = pairs.days[part] / pairs.end[part], r + k * pairs.x[part]
    total = np.empty((len(weights), n_max + 1))
    total[:, 0] = np.einsum("rj,rj->r", weights, _none(s, growth, k)[pair_of])
    if n_max == 0:
        return total
    m = np.arange(k, k * (n_max + 1), dtype=np.float64)
    mass = _masses(s, growth, m, k).reshape(len(s), n_max, k)
    by_phase = np.empty((n_max, len(s), k))
    for start, stop in pairwise(_kinds(s)[0].tolist()):
        factors = _phase_factors(float(s[start]), m, k).reshape(k, n_max, k)
        by_phase[:, start:stop] = mass[start:stop].transpose(1, 0, 2) @ factors.transpose(1, 2, 0)
    scaled = weights * _phase_scales(growth, k)[pair_of]
    total[:, 1:] = np.einsum("rj,nrj->rn", scaled, by_phase[:, pair_of])
    return total


def _none(s: F64, growth: F64, k: int) -> F64:
    """P(C = 0 | alive, phase j): at most k - 1 - j phases pass; shape (len(s), k)."""
    growth = np.maximum(growth, 1e-290)[:, None]
    log_growth, log_end = np.log(growth), np.log1p(growth)
    none = np.empty((len(s), k))
    for j in range(k):
        i, shape = np.arange(k - j, dtype=np.float64), s[:, None] + j
        logs = log_rising(shape, i) - gammaln(i + 1.0) - shape * log_end + i * (log_growth - log_end)
        none[:, j] = np.exp(logs).sum(axis=1)
    return none

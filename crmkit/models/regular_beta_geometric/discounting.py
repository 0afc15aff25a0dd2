"""Discounted purchases of the (modified) beta-geometric / condensed NBD family, given alive at T."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, betaln, gammainccinv, gammaincinv, gammaln, roots_jacobi, roots_legendre

from crmkit.models.histories import F64
from crmkit.models.regular_beta_geometric.forecast import Pairs, expected_by_phase

# Shape above which the end of a beta distribution is cut at a quantile, and below which its power is integrated.
_STEEP = 30.0
_TAIL = 1e-17
# Pairs whose times are looked at together (some 8 MB for each hidden phase).
_PAIRS = 20_000


def discounted_by_phase(pairs: Pairs, rate_per_day: float, *, r: float, b: float, k: int, first_chance: int) -> F64:
    """E[sum of exp(-rate u) over purchases at T + u, u <= days | alive, phase j], shape (m, k).

    By parts: exp(-rate days) E[X(days)] + rate times the integral of exp(-rate u) E[X(u)], by Gauss-Legendre in
    log(1 + u / scale), where E[X(u)] is smooth. The integral is the small part for ordinary rates.

    Parameters
    ----------
    pairs : Pairs
    rate_per_day : float
        At least 0, continuous.
    """
    total = np.empty((len(pairs.x), k))
    for start in range(0, len(pairs.x), _PAIRS):
        at = slice(start, start + _PAIRS)
        x, end, days, a = (column[at] for column in (pairs.x, pairs.end, pairs.days, pairs.a))
        times, weights = _times(x, end, days, rate_per_day, r, k)
        # All times of a pair stand together, so that what x alone decides is worked out once.
        q = times.shape[1]
        of = np.repeat(np.arange(len(x)), q)
        every = Pairs(x[of], end[of], days[of], a[of], of)
        expected = expected_by_phase(every, times.ravel(), r=r, b=b, k=k, first_chance=first_chance)
        total[at] = np.einsum("nq,nqk->nk", weights, expected.reshape(len(x), q, k))
    return total


def _times(x: F64, end: F64, days: F64, rate_per_day: float, r: float, k: int) -> tuple[F64, F64]:
    """Return times and weights, shape (m, q): nodes of the integral, and the end of the forecast as the last time."""
    at_end, at_end_weight = days[:, None], np.exp(-rate_per_day * days)[:, None]
    if rate_per_day == 0.0:
        return at_end, at_end_weight
    # What lies beyond 45 times the discounting time is worth less than 1e-19.
    horizon = np.minimum(days, 45.0 / rate_per_day)
    # Regular customers climb a staircase: more nodes, and half a mean gap as the scale. Errors stay below 1e-6.
    nodes, weights = roots_legendre(12 + 6 * (k - 1).bit_length() + 12 * (rate_per_day * float(days.max()) > 1.0))
    scale = (end * (0.5 * k) / (r + k * x))[:, None]
    length = np.log1p(horizon[:, None] / scale)
    u = scale * np.expm1((nodes + 1.0) / 2.0 * length)
    density = weights / 2.0 * length * (scale + u) * rate_per_day * np.exp(-rate_per_day * u)
    return np.hstack([u, at_end]), np.hstack([density, at_end_weight])


def ever_discounted_by_phase(
    pairs: Pairs, rate_per_day: float, *, r: float, b: float, k: int, first_chance: int
) -> F64:
    """Return the same for all purchases to come, shape (m, k).

    With phi = lambda / (lambda + rate): E[phi^(k-j) / (1 - (1 - p) phi^k)], over lambda by the trapezoidal rule in
    log lambda (exponentially accurate) on one grid for all T, over p by `leaving_nodes`.
    """
    total = np.empty((len(pairs.x), k))
    for x, run in pairs.runs():
        odds, of = np.unique(pairs.a[run], return_inverse=True)
        for i, a in enumerate(odds):
            at = np.flatnonzero(of == i) + run.start
            total[at] = _ever(pairs.end[at], rate_per_day, r + k * x, float(a), b + x + first_chance, k)
    return total


def _ever(end: F64, rate: float, s: float, a: float, b_left: float, k: int) -> F64:
    with np.errstate(divide="ignore"):
        slow = np.maximum(np.log(gammaincinv(s, _TAIL)), np.log(rate * end.min()) - 40.0 / (s + 1.0))
    low, high = slow - np.log(end.max()), np.log(gammainccinv(s + k, _TAIL)) - np.log(end.min())
    step = min(0.25, 0.6 / np.sqrt(s + k))
    log_rate = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
    log_phi = -np.log1p(rate * np.exp(-log_rate))
    still = -np.expm1(k * log_phi)
    p, weight = leaving_nodes(a, b_left, float(still.min()))
    per_chance = (1.0 / (still[:, None] + np.exp(k * log_phi)[:, None] * p)) @ weight
    total = np.empty((len(end), k))
    for start in range(0, len(end), 4096):
        part = slice(start, start + 4096)
        g = log_rate + np.log(end[part])[:, None]
        for j in range(k):
            density = np.exp((s + j) * g - np.exp(g) - gammaln(s + j))
            total[part, j] = step * density @ (np.exp((k - j) * log_phi) * per_chance)
    return total


def leaving_nodes(a: float, b: float, smallest: float) -> tuple[F64, F64]:
    """Nodes and weights for p ~ Beta(a, b), exact for 1 / (e + (1 - e) p) with any e >= `smallest`.

    Gauss-Jacobi at the two ends, where the density may be singular, Gauss-Legendre in logit p between.
    """
    nodes, logs = [], []
    if a < _STEEP:
        low = min(smallest / 2.0, 0.5, 1.0 / b, 1.0 / a)
        xi, w = roots_jacobi(12, 0.0, a - 1.0)
        p = low * (1.0 + xi) / 2.0
        nodes.append(p)
        logs.append(np.log(w) + a * np.log(low / 2.0) + (b - 1.0) * np.log1p(-p))
    else:
        low = float(betaincinv(a, b, _TAIL))
    if b < _STEEP:
        high = min(0.25, 1.0 / a)
        xi, w = roots_jacobi(12, 0.0, b - 1.0)
        q = high * (1.0 + xi) / 2.0
        right_nodes, right_logs = 1.0 - q, np.log(w) + b * np.log(high / 2.0) + (a - 1.0) * np.log1p(-q)
        nodes.append(right_nodes)
        logs.append(right_logs)
    else:
        high = float(betaincinv(b, a, _TAIL))
    start, stop = np.log(low) - np.log1p(-low), np.log1p(-high) - np.log(high)
    panels = int(np.ceil((stop - start) / min(1.0, 1.5 * np.sqrt(1.0 / a + 1.0 / b)))) + 1
    cuts = np.linspace(start, stop, panels + 1)
    half = np.diff(cuts)[:, None] / 2.0
    xi, w = roots_legendre(12)
    logit = (cuts[:-1, None] + half * (1.0 + xi)).ravel()
    log_p, log_q = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    nodes.append(np.exp(log_p))
    logs.append(np.log((half * w).ravel()) + a * log_p + b * log_q)
    weights = np.exp(np.concatenate(logs) - betaln(a, b))
    return np.concatenate(nodes), weights / weights.sum()

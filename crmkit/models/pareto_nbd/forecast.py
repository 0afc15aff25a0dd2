"""Exact forecasts of Pareto/NBD.

Given alive at T the rates are independent, lambda ~ Gamma(r + x, alpha + T) and mu ~ Gamma(s, beta + T): the customer
is a new one of the same family with m = r + x, `rate_scale` alpha + T, `drop_scale` beta + T. All integrands are
positive: nothing cancels.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, exprel, roots_legendre

from crmkit.errors import DomainError
from crmkit.models.histories import F64
from crmkit.models.power_integral import discounted_integral, power_integral

# Rows x nodes x counts held at once (32 MB).
_BLOCK = 4_000_000
# Shorter forecasts are of no time at all.
_INSTANT = 1e-300
# Newton's method for quantiles: far in the tail each step gains one e-folding; the integral is known to about 1e-13.
_MOST_STEPS = 200
_TOLERANCE = 1e-13
_LARGEST_LOG = 600.0
_LONGEST = 1e250
# Probabilities of e^-45 are nothing beside those that sum to 1.
_NEVER = 45.0
# Gauss-Legendre nodes for the counts come in multiples of this.
_NODE_STEP = 16


def checked_days(days: F64 | float, n: int) -> F64:
    """Lengths of the forecast, one per row, shape (n,); finite and at least 0, or a DomainError."""
    length = np.asarray(days, dtype=np.float64)
    if not (np.isfinite(length) & (length >= 0)).all():
        raise DomainError("days must be finite and at least 0.")
    return np.broadcast_to(length, (n,))


def p_alive(x: F64, t_x: F64, T: F64, *, r: float, alpha: float, s: float, beta: float) -> F64:
    """P(still a customer at T | history): 1 / (1 + odds of having left between t_x and T), shape (n,).

    Schmittlein, Morrison & Colombo (1987), equations 11-13, for every alpha and beta.
    """
    silent = t_x < T
    # A zero-length silence is given a length to keep the logarithm finite, and then the answer 1.
    left = power_integral(r + x, s + 1.0, alpha=alpha, beta=beta, start=t_x, stop=np.where(silent, T, T + 1.0))
    log_odds = np.log(s / beta) + left.log_value + (r + x) * np.log1p(T / alpha) + s * np.log1p(T / beta)
    return np.where(silent, expit(-log_odds), 1.0)


def expected_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64) -> F64:
    """E[purchases in `days` | alive], shape (n,).

    Fader & Hardie (2005), equation 41: m/rate_scale drop_scale/(s-1) (1 - (drop_scale/(drop_scale+days))^(s-1)), with
    its limit at s = 1.
    """
    growth = np.log1p(days / drop_scale)
    expected: F64 = m / rate_scale * drop_scale * growth * exprel((1.0 - s) * growth)
    return expected


def discounted_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64 | float, rate: float) -> F64:
    """E[sum of e^(-rate u) over the purchases at u in (0, days] | alive], shape (n,); `rate` above 0 per day.

    For infinite `days` the discounted expected residual transactions of Fader, Hardie & Lee (2005), "RFM and CLV",
    JMR 42(4), equation 2, whose Tricomi function overflows; the integral does not.
    """
    length = np.maximum(days, _INSTANT)
    value: F64 = m / rate_scale * discounted_integral(s, alpha=drop_scale, rate=rate, stop=length)
    return np.where(np.asarray(days) >= _INSTANT, value, 0.0)


def any_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64 | float) -> F64:
    """P(a purchase within `days`, before leaving | alive), shape (n,); `days` may be infinite."""
    length = np.maximum(days, _INSTANT)
    waiting = power_integral(m + 1.0, s, alpha=rate_scale, beta=drop_scale, start=0.0, stop=length)
    return np.where(np.asarray(days) >= _INSTANT, np.minimum(m / rate_scale * np.exp(waiting.log_value), 1.0), 0.0)


def waiting_quantile(m: F64, rate_scale: F64, s: float, drop_scale: F64, level: F64) -> F64:
    """Days within which the next purchase comes with probability `level`, shape (n,), if alive; may be infinite.

    `any_if_alive` is concave in v = log(1 + days/rate_scale), so Newton's method from the left, where nobody leaves
    (Lomax distribution), climbs to the root without overshooting.
    """
    days = np.full(len(m), math.inf)
    todo = np.flatnonzero(any_if_alive(m, rate_scale, s, drop_scale, math.inf) > level)
    v = -np.log1p(-level[todo]) / m[todo]
    for _ in range(_MOST_STEPS):
        if len(todo) == 0:
            break
        shape, scale, drop = m[todo], rate_scale[todo], drop_scale[todo]
        t = scale * np.expm1(np.minimum(v, _LARGEST_LOG))
        missing = level[todo] - any_if_alive(shape, scale, s, drop, t)
        step = missing / shape * np.exp(np.minimum(shape * v + s * np.log1p(t / drop), _LARGEST_LOG))
        days[todo] = t
        going = (step > _TOLERANCE * v) & (v < _LARGEST_LOG)
        todo, v = todo[going], (v + step)[going]
    days[days >= _LONGEST] = math.inf
    return days


def counts_if_alive(m: F64, rate_scale: F64, s: float, drop_scale: F64, days: F64, n_max: int) -> F64:
    """P(n purchases in `days` | alive) for n = 0 .. n_max, shape (n, n_max + 1).

    Fader & Hardie (2014), "Deriving the conditional PMF of the Pareto/NBD model": n purchases and stayed, plus n
    purchases by the day of leaving y, integrated over y by Gauss-Legendre in u = log(1 + y / min(rate_scale,
    drop_scale)).
    """
    out = np.empty((len(m), n_max + 1))
    base = np.minimum(rate_scale, drop_scale)
    until = np.minimum(days, _last_relevant(m, rate_scale, s, drop_scale, n_max))
    reach = np.log1p(until / base)
    falls = s * np.log1p(until / drop_scale) + m * np.log1p(until / rate_scale)
    # A count is a bump over log time, 1/sqrt(n) + 1/sqrt(m) wide, on an integrand that falls by so many e-foldings.
    wanted = 24.0 + 6.0 * np.maximum(reach, 1.0) * np.sqrt(m * n_max / (m + n_max + 1.0)) + 4.0 * np.sqrt(falls)
    needed = np.ceil(wanted / _NODE_STEP) * _NODE_STEP
    for nodes in np.unique(needed):
        rows = np.flatnonzero(needed == nodes)
        for block in np.array_split(rows, -(-len(rows) * int(nodes) * (n_max + 1) // _BLOCK)):
            x, weight = roots_legendre(int(nodes))
            u = 0.5 * (1.0 + x) * reach[block, None]
            y = base[block, None] * np.expm1(u)
            drop = y / drop_scale[block, None]
            leaves = s / drop_scale[block, None] * np.exp(-(s + 1.0) * np.log1p(drop)) * (base[block, None] + y)
            by_leaving = leaves * 0.5 * reach[block, None] * weight
            stays = np.exp(-s * np.log1p(days[block] / drop_scale[block]))
            bought = np.exp(_log_counts(m[block, None], y / rate_scale[block, None], n_max))
            at_end = np.exp(_log_counts(m[block], days[block] / rate_scale[block], n_max))
            out[block] = (stays * at_end + np.einsum("nij,ij->ni", bought, by_leaving)).T
    return np.clip(out, 0.0, 1.0)


def _last_relevant(m: F64, rate_scale: F64, s: float, drop_scale: F64, n_max: int) -> F64:
    """Day after which neither leaving nor as few as n_max purchases have a probability that floating point sees."""
    left = drop_scale * np.expm1(np.minimum(_NEVER / s, _LARGEST_LOG))
    # NB(n) <= (e (m+n)/n)^n (1+odds)^-m.
    room = n_max * (1.0 + np.log1p(m / max(n_max, 1)))
    bought = rate_scale * np.expm1(np.minimum((_NEVER + room) / m, _LARGEST_LOG))
    last: F64 = np.minimum(left, bought)
    return last


def _log_counts(m: F64, odds: F64, n_max: int) -> F64:
    """Log of NB(n): Gamma(m+n)/(Gamma(m) n!) (1+odds)^-m (odds/(1+odds))^n for n = 0 .. n_max along the first axis."""
    log_stop = np.log1p(odds)
    with np.errstate(divide="ignore"):
        log_go = np.log(odds) - log_stop
    out = np.empty((n_max + 1, *odds.shape))
    out[0] = -m * log_stop
    for n in range(n_max):
        out[n + 1] = out[n] + np.log((m + n) / (n + 1.0)) + log_go
    return out

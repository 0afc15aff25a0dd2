"""When does a customer come back? Quantiles of the next purchase time under the regularity mixture, for many at once.

Given alive at T, component k leaves S_k(t) = P_k(z') / P_k(z) (1 + t / (alpha_k + T))^-s of its customers without a
purchase after t more days, with s = r + k x, z = (T - t_x) / (alpha_k + T), z' the same at T + t and P_k(z) the sum
over j < k of Gamma(s + j) / Gamma(s) z^j / j!. On the axes log t and log(-log S) such curves are nearly straight, so
that a secant method finds a quantile in few steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.regular_beta_geometric.process import checked_covariates

if TYPE_CHECKING:
    from crmkit.models.regularity_mixture.process import RegularityMixture

# Rows at a time: what one step holds stays in the processor's cache.
_BLOCK = 8_192
# A step this short in log time is the last; Newton's error is its square.
_PRECISION = 1e-5
_STEPS = 80
# Natural logarithm of the longest time looked at; no calendar reaches it.
_LONGEST = 100.0
# Where fewer have come back, 1 - S has lost ten digits of sixteen and the density is summed instead.
_FEW = 1e-6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """The waiting time of live customers, one row per history, one column per regularity that anyone has.

    Attributes
    ----------
    p_alive : float64, shape (n,)
        P(alive at T | history).
    regularity : float64, shape (n,)
        E[k | history].
    weight : float64, shape (m, n)
        P(k | history, alive) / P_k(z).
    s, last, end : float64, shape (m, n), (n,), (m, n)
        r + k x, T - t_x, alpha_k + T.
    regularities : tuple of int, length m
    """

    p_alive: F64
    regularity: F64
    weight: F64
    s: F64
    last: F64
    end: F64
    regularities: tuple[int, ...]

    @classmethod
    def of(cls, mixture: RegularityMixture, histories: Histories) -> Self:
        """Weigh the regularities of each history, given that its customer is alive."""
        used = [i for i, share in enumerate(mixture.shares) if share > 0.0]
        components = [mixture.components()[i] for i in used]
        ks = tuple(component.k for component in components)
        rows, inverse = histories.without_gaps().grouped()
        # In logs: after years of silence P(alive) underflows, who is alive in spite of it still has a regularity.
        log_alive = np.array([component.log_p_alive(rows)[inverse] for component in components])
        logs = mixture.log_joint(histories)[used]
        share, joint = _normed(logs), _normed(logs + log_alive)
        s = np.array([mixture.r + k * histories.x for k in ks])
        alpha = _alpha(mixture, histories)
        end = np.array([alpha / k + histories.T for k in ks])
        last = histories.T - histories.t_x
        now = np.array([_phases(s[i], last / end[i], k) for i, k in enumerate(ks)])
        p_alive, regularity = (share * np.exp(log_alive)).sum(axis=0), share.T @ np.array(ks, dtype=np.float64)
        return cls(p_alive, regularity, joint / now, s, last, end, ks)

    @classmethod
    def at_last_purchase(cls, mixture: RegularityMixture, histories: Histories) -> Self:
        """Return the waiting time as it stood right after the last purchase."""
        x, t_x, gaps, count, traits = (
            getattr(histories, name) for name in ("x", "t_x", "sum_log_gap", "count", "covariates")
        )
        return cls.of(mixture, Histories.in_order(x, t_x, t_x, gaps, count, traits))

    def take(self, rows: slice | I64) -> Self:
        """Return some of the rows."""
        weight, s, end = self.weight[:, rows], self.s[:, rows], self.end[:, rows]
        return type(self)(self.p_alive[rows], self.regularity[rows], weight, s, self.last[rows], end, self.regularities)

    def silent(self, days: F64) -> F64:
        """P(no purchase in (T, T + days] | alive), shape (n,)."""
        return self.curve(days)[0]

    def returned(self, days: F64) -> F64:
        """P(a purchase in (T, T + days] | alive), shape (n,); precise where it is small, too."""
        return self.precise_curve(days)[1]

    def precise_curve(self, days: F64) -> tuple[F64, F64, F64]:
        """`silent`, `returned` and the density, each shape (n,)."""
        silent, density = self.curve(days)
        back, few = 1.0 - silent, np.flatnonzero(silent > 1.0 - _FEW)
        if len(few):
            part, half = self.take(few), days[few] / 2.0
            terms = [w * part.curve(half * (1.0 + node))[1] for node, w in zip(_NODES, _WEIGHTS, strict=True)]
            back[few] = half * np.sum(terms, axis=0)
        return silent, back, density

    def curve(self, days: F64) -> tuple[F64, F64]:
        """P(no purchase in (T, T + days] | alive) and the density of a purchase after `days`, each shape (n,).

        The derivative of a sum over phases telescopes to its last term.
        """
        silent, density = np.zeros(len(self.last)), np.zeros(len(self.last))
        for i, k in enumerate(self.regularities):
            s, later = self.s[i], self.end[i] + days
            z = (self.last + days) / later
            left = self.weight[i] * np.exp(-s * np.log1p(days / self.end[i]))
            total, term = np.ones(len(z)), s
            for j in range(k - 1, 0, -1):
                total = 1.0 + total * z * ((s + (j - 1.0)) / j)
                term = term * z * ((s + j) / j)
            silent += left * total
            density += left * term / later
        return np.minimum(silent, 1.0), density


def quantiles(returns: Returns, levels: Sequence[float], *, within: F64 | None = None) -> F64:
    """Days after T within which the next purchase comes with each probability, given that it comes.

    Parameters
    ----------
    returns : Returns
    levels : sequence of float
        In (0, 1).
    within : float64, shape (n,), optional
        Days, above 0: given that it comes within so many. None: given that it comes at all.

    Returns
    -------
    float64, shape (n, levels)
        Above 0, rising in `levels`.

    Raises
    ------
    DomainError
        A level is no probability, or `within` is not above 0.
    """
    if not all(0.0 < level < 1.0 for level in levels):
        raise DomainError(f"levels must lie between 0 and 1, got {tuple(levels)}.")
    if within is not None and not (within > 0.0).all():
        raise DomainError(f"within must be above 0 (days), got {within.min()}.")
    found = np.empty((len(returns.last), len(levels)))
    for start in range(0, len(returns.last), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = returns.take(rows)
        n = len(block.last)
        reach = np.ones(n) if within is None else np.maximum(block.returned(within[rows]), 1e-300)
        longest = np.full(n, _LONGEST) if within is None else np.log(within[rows])
        v = _first_guess(block)
        for column, level in enumerate(levels):
            v = _solved(block, level * reach, v, longest)
            found[start : start + n, column] = np.exp(v)
    return found


def return_times(returns: Returns, level: F64) -> F64:
    """Days after T at which P(a purchase | alive) reaches a level in (0, 1) of each row's own, shape (n,)."""
    found = np.empty(len(level))
    for start in range(0, len(level), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = returns.take(rows)
        longest = np.full(len(block.last), _LONGEST)
        found[rows] = np.exp(_solved(block, level[rows], _first_guess(block), longest))
    return found


def _alpha(mixture: RegularityMixture, histories: Histories) -> F64 | float:
    """Return alpha of each row: a scalar without covariates."""
    if not mixture.purchase_effects:
        return mixture.alpha
    z = checked_covariates(histories, len(mixture.purchase_effects))
    return np.asarray(mixture.alpha * np.exp(-(z @ np.array(mixture.purchase_effects))), dtype=np.float64)


def _normed(logs: F64) -> F64:
    """Exponentials, summing to 1 over the first axis."""
    joint = np.exp(logs - logs.max(axis=0))
    return np.asarray(joint / joint.sum(axis=0), dtype=np.float64)


def _phases(s: F64, z: F64, k: int) -> F64:
    """P_k(z), by Horner's scheme; all terms are positive."""
    total = np.ones(len(z))
    for j in range(k - 1, 0, -1):
        total = 1.0 + total * z * ((s + (j - 1.0)) / j)
    return total


def _first_guess(returns: Returns) -> F64:
    """Log of a typical gap, shape (n,)."""
    gaps = np.array([end * k / s for end, s, k in zip(returns.end, returns.s, returns.regularities, strict=True)])
    return np.asarray(np.log(np.maximum(gaps.mean(axis=0), 1e-6)), dtype=np.float64)


def _solved(returns: Returns, level: F64, start: F64, longest: F64) -> F64:
    """Log time at which 1 - S reaches a level, row for row: Newton's method, halving the bracket where it leaves it."""
    found, rows = np.minimum(start, longest), np.arange(len(level))
    v, target = found, np.log(-np.log1p(-level))
    low, high = np.full(len(level), -_LONGEST), longest
    for _ in range(_STEPS):
        height, slope = _height(returns, v)
        low, high = np.where(height < target, v, low), np.where(height > target, v, high)
        step = np.clip((target - height) / slope, -3.0, 3.0)
        following = v + step
        # Brackets begin e^100 wide: near the edge of what is known, six e-folds are looked at.
        middle = (np.maximum(low, v - 6.0) + np.minimum(high, v + 6.0)) / 2.0
        astray = ((following <= low) | (following >= high)) & (np.abs(step) > _PRECISION)
        following = np.minimum(np.where(astray, middle, following), longest)
        open_still = np.abs(following - v) > _PRECISION
        found[rows] = following
        if not open_still.any():
            break
        if open_still.mean() < 0.7:
            at = np.flatnonzero(open_still)
            returns, rows = returns.take(at), rows[at]
            target, low, high, longest, following = target[at], low[at], high[at], longest[at], following[at]
        v = following
    # A time beyond the longest is neared by halves: all such times are one.
    return np.where(found > _LONGEST - 2.0 * _PRECISION, _LONGEST, found)


def _height(returns: Returns, v: F64) -> tuple[F64, F64]:
    """Height log(-log S) of the curve at log time v, and its slope; S is kept off 0 and 1."""
    days = np.exp(v)
    silent, back, density = returns.precise_curve(days)
    silent = np.maximum(silent, 1e-300)
    hazard = np.maximum(np.where(silent < 0.5, -np.log(silent), -np.log1p(-np.minimum(back, 0.5))), 1e-300)
    return np.log(hazard), np.maximum(days * density / (silent * hazard), 1e-3)

"""NBD: customers buy at their own rate for ever; the limit of every purchase process in which nobody leaves.

Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1): purchases are Poisson with rate
lambda ~ Gamma(r, alpha). Given the history, lambda ~ Gamma(r + x, alpha + T).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.special import exprel

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import Estimate, Kind, estimate_at, maximise
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.parameter_card import parameter_card
from crmkit.models.rising_factorials import digamma_rise, log_rising

_NAMES = ("r", "alpha")
_KINDS: tuple[Kind, ...] = ("positive", "positive")
# Coordinates: log r, log(alpha/r). A shape of 1e6 is one rate for all, to every digit of the log-likelihood.
_LOWER = np.array([np.log(1e-4), -np.inf])
_UPPER = np.array([np.log(1e6), np.inf])
_MOST_PURCHASES = 2.0**53


@dataclass(frozen=True, slots=True)
class NBD:
    """Customers buy at rate lambda ~ Gamma(r, alpha) and never leave.

    A purchase process (`crmkit.models.purchase_process.PurchaseProcess`).

    Attributes
    ----------
    r, alpha : float
        Shape and inverse scale (days), above 0.
    estimate : Estimate or None
        How they were estimated.

    Examples
    --------
    >>> cdnow = NBD(r=0.3848, alpha=7 * 12.072)
    >>> bought_twice = Histories.in_order([2], [7 * 30.0], [7 * 39.0])
    >>> round(float(cdnow.expected_purchases(bought_twice, days=7 * 39)[0]), 2)
    1.82
    """

    r: float
    alpha: float
    estimate: Estimate | None = None

    name: ClassVar[str] = "NBD"

    def __post_init__(self) -> None:
        wrong = [f"{letter} = {value}" for letter, value in self.parameters.items() if not 1e-12 <= value <= 1e18]
        if wrong:
            raise DomainError(f"Parameters of NBD must lie between 1e-12 and 1e18, got {', '.join(wrong)}.")

    @property
    def parameters(self) -> dict[str, float]:
        """Return r, alpha."""
        return {"r": self.r, "alpha": self.alpha}

    def log_likelihood(self, histories: Histories) -> F64:
        """Log-density of each history (one customer of the row), shape (n,): (r)_x alpha^-x (1 + T/alpha)^-(r+x)."""
        x = histories.x
        silence = (self.r + x) * np.log1p(histories.T / self.alpha)
        density: F64 = log_rising(self.r, x) - x * np.log(self.alpha) - silence
        return density

    def p_alive(self, histories: Histories) -> F64:
        """Return 1: nobody leaves."""
        return np.ones(len(histories))

    def expected_purchases(self, histories: Histories, days: float | F64) -> F64:
        """E[purchases in (T, T + days] | history], shape (n,)."""
        return self._rate(histories) * _checked_days(days, len(histories))

    def p_any_purchase(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | history), shape (n,): Lomax distributed waiting."""
        growth = np.log1p(_checked_days(days, len(histories)) / (self.alpha + histories.T))
        probability: F64 = -np.expm1(-(self.r + histories.x) * growth)
        return probability

    def next_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days after T within which the next purchase comes with probability `level`, shape (n,)."""
        if not 0.0 < level < 1.0:
            raise DomainError(f"level must lie between 0 and 1, got {level}.")
        exponent = -math.log1p(-level) / (self.r + histories.x)
        days: F64 = (self.alpha + histories.T) * np.expm1(np.minimum(exponent, 600.0))
        return days

    def any_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days at which `p_any_purchase` reaches `level`, shape (n,): the same, as everybody is alive."""
        return self.next_purchase_quantile(histories, level)

    def discounted_expected_purchases(self, histories: Histories, days: float | F64, rate_per_day: float) -> F64:
        """E[sum of exp(-rate_per_day u) over the purchases at T + u, u in (0, days]], shape (n,)."""
        if not (math.isfinite(rate_per_day) and rate_per_day >= 0):
            raise DomainError(f"rate_per_day must be finite and at least 0, got {rate_per_day}.")
        length = _checked_days(days, len(histories))
        discounted: F64 = self._rate(histories) * length * exprel(-rate_per_day * length)
        return discounted

    def discounted_expected_purchases_ever(self, histories: Histories, rate_per_day: float) -> F64:
        """Return the same for all purchases to come, shape (n,); `rate_per_day` at least 1e-12 (continuous)."""
        if not (math.isfinite(rate_per_day) and rate_per_day >= 1e-12):
            raise DomainError(f"rate_per_day must be finite and at least 1e-12, got {rate_per_day}.")
        return self._rate(histories) / rate_per_day

    def purchase_count_probabilities(self, histories: Histories, days: float | F64, n_max: int) -> F64:
        """P(n purchases in (T, T + days] | history) for n = 0 .. n_max, shape (n, n_max + 1)."""
        if n_max < 0:
            raise DomainError(f"n_max must be at least 0, got {n_max}.")
        odds = _checked_days(days, len(histories)) / (self.alpha + histories.T)
        m, n = (self.r + histories.x)[:, None], np.arange(1.0, n_max + 1.0)
        with np.errstate(divide="ignore"):
            log_go = np.log(odds)[:, None] - np.log1p(odds)[:, None]
        steps = np.log((m + n - 1.0) / n) + log_go
        start = -m * np.log1p(odds)[:, None]
        logs = start + np.cumsum(np.hstack([np.zeros_like(m), steps]), axis=1)
        probabilities: F64 = np.exp(np.minimum(logs, 0.0))
        return probabilities

    def simulate(self, T: F64, rng: np.random.Generator) -> Histories:
        """Histories of new customers, one for each T, in that order."""
        T = np.asarray(T, dtype=np.float64)
        rate = rng.gamma(self.r, size=len(T)) / self.alpha
        x, t_x, gaps = poisson_histories(rate, T, rng)
        return Histories.in_order(x, t_x, T, gaps)

    def simulate_future(self, histories: Histories, days: float | F64, rng: np.random.Generator) -> I64:
        """One draw per row of the purchases in (T, T + days] given the history, shape (n,)."""
        rate = rng.gamma(self.r + histories.x) / (self.alpha + histories.T)
        return rng.poisson(np.minimum(rate * _checked_days(days, len(histories)), _MOST_PURCHASES))

    def with_parameters(self, values: Sequence[float]) -> Self:
        """Return the same family at other r, alpha, without an estimate."""
        r, alpha = (float(value) for value in values)
        return type(self)(r, alpha)

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        return parameter_card(self.name, self.parameters, self.estimate)

    def to_json(self) -> str:
        """Return the process as JSON of a few hundred bytes; `from_json` reads it."""
        estimate = None if self.estimate is None else self.estimate.as_dict()
        return json.dumps({"model": type(self).__name__, **self.parameters, "estimate": estimate})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same process, digit for digit."""
        plain = json.loads(text)
        if plain.pop("model", None) != cls.__name__:
            raise DomainError(f"The text is not a stored {cls.__name__}: {text[:80]!r}.")
        estimate = plain.pop("estimate")
        return cls(**plain, estimate=None if estimate is None else Estimate.from_dict(estimate))

    def _rate(self, histories: Histories) -> F64:
        return (self.r + histories.x) / (self.alpha + histories.T)


def fit_nbd(histories: Histories, *, off_limits: bool = True) -> NBD:
    """Fit NBD by maximum likelihood.

    Parameters
    ----------
    histories : Histories
        Best `Histories.distinct`. The likelihood sees (x, T) alone.
    off_limits : bool
        Whether the estimate tells what lies off the limits, as `estimation.maximise`.

    Returns
    -------
    NBD
        Its `estimate` holds standard errors, log-likelihood and a status in words.

    Raises
    ------
    FitError
        There is no customer, or none was observed for any time.
    """
    if len(histories) == 0:
        raise FitError("There are no customers to fit to.")
    if histories.T.max() == 0:
        raise FitError("No customer has been observed for any time: every first purchase was on the last day (T is 0).")
    days, n = float((histories.count * histories.T).sum()), histories.n_customers
    if histories.x.max() == 0:
        # Half a purchase in all the time observed stands for a rate that may be 0.
        process, text = NBD(1.0, 2.0 * days), "nothing identified: no customer has bought twice"
        value = float((histories.count * process.log_likelihood(histories)).sum())
        unknown = ((math.inf, 0.0), (0.0, math.inf))
        return replace(process, estimate=Estimate(_NAMES, (1.0, 2.0 * days), _KINDS, unknown, value, n, 2, text))
    gap = days / float((histories.count * histories.x).sum())
    starts = [np.log([r, gap]) for r in (0.5, 3.0)]
    found = maximise(lambda z: _objective(histories, z), starts, _LOWER, _UPPER, n_customers=n, off_limits=off_limits)
    status = "converged" if found.settled else "not converged: the gradient does not vanish"
    if found.settled and found.at_limit[0]:
        side = "r and alpha run to infinity: one rate for all" if found.z[0] > 0 else "r runs to 0"
        status = f"heterogeneity not identified: purchase rate ({side})"
    estimate = estimate_at(found, _values, names=_NAMES, kinds=_KINDS, n_customers=n, n_free=2, status=status)
    r, alpha = estimate.values
    return NBD(r, alpha, estimate)


def poisson_histories(rate: F64, active: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
    """Simulate x, t_x and the sum of log gaps of customers who buy at `rate` per day for `active` days.

    Parameters
    ----------
    rate, active : float64, shape (n,)
        At least 0.
    """
    if len(rate) == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    x = rng.poisson(np.minimum(rate * active, _MOST_PURCHASES))
    # Given their number, purchases are uniform: x + 1 exponential spacings, scaled to the time active.
    spacings = rng.exponential(size=int(x.sum()) + len(x))
    starts = np.concatenate([[0], np.cumsum(x + 1)[:-1]])
    total, last = np.add.reduceat(spacings, starts), spacings[starts + x]
    logs = np.add.reduceat(np.log(spacings), starts) - np.log(last)
    repeat = x > 0
    t_x = np.where(repeat, active * ((total - last) / total), 0.0)
    gaps = np.where(repeat, logs + x * np.log(np.where(repeat, active / total, 1.0)), 0.0)
    return x.astype(np.float64), t_x, gaps


def _values(z: F64) -> F64:
    r, gap = np.exp(z)
    return np.array([r, r * gap])


def _objective(histories: Histories, z: F64) -> tuple[float, F64]:
    r, alpha = _values(z)
    x, T, count = histories.x, histories.T, histories.count
    value = float((count * NBD(r, alpha).log_likelihood(histories)).sum())
    by_r = float((count * (digamma_rise(r, x) - np.log1p(T / alpha))).sum())
    by_alpha = float((count * (r * T / alpha - x) / (alpha + T)).sum())
    return value, np.array([r * by_r + alpha * by_alpha, alpha * by_alpha])


def _checked_days(days: float | F64, n: int) -> F64:
    length = np.asarray(days, dtype=np.float64)
    if not (np.isfinite(length) & (length >= 0)).all():
        raise DomainError("days must be finite and at least 0.")
    return np.broadcast_to(length, (n,))

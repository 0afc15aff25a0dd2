"""Shifted beta-geometric: how long subscribers stay who may leave at each renewal.

Fader & Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1): at every renewal a
customer leaves with a probability theta of its own, theta ~ Beta(alpha, beta). Retention rises with tenure because the
restless leave first, though nobody changes. Tenure T = 1, 2, ... is the period at whose end the customer leaves.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import Estimate, Kind, Maximum, estimate_at, maximise
from crmkit.models.histories import F64
from crmkit.models.parameter_card import parameter_card
from crmkit.models.power_integral import power_integral
from crmkit.models.rising_factorials import digamma_rise, log_rising

_NAMES = ("alpha", "beta")
_KINDS: tuple[Kind, ...] = ("positive", "positive")
# Coordinates: logit of the mean alpha/(alpha+beta), log(alpha+beta). At a sum of 1e6 all customers are alike to every
# digit of the log-likelihood.
_LOWER = np.array([-20.0, np.log(1e-4)])
_UPPER = np.array([20.0, np.log(1e6)])
_STARTS = ((0.3, 2.0), (0.1, 10.0))


@dataclass(frozen=True, slots=True, eq=False)
class Tenures:
    """Customers by the number of periods they stayed, ended or still running.

    Attributes
    ----------
    periods : float64, shape (n,)
        For those who left, the period at whose end they did (1, 2, ...); for the others, renewals seen (0, 1, ...).
    left, stayed : float64, shape (n,)
        Customers of each kind.
    """

    periods: F64
    left: F64
    stayed: F64

    @classmethod
    def of_customers(cls, tenure: ArrayLike, ended: ArrayLike, count: ArrayLike | None = None) -> Tenures:
        """From one row per customer (or per group of `count` customers).

        Parameters
        ----------
        tenure : array-like, shape (n,)
            Whole periods: at least 1 where `ended`, renewals so far (at least 0) where not.
        ended : array-like of bool, shape (n,)
            The customer left at the end of that period.
        count : array-like, shape (n,), optional

        Raises
        ------
        DomainError
            A tenure is not whole or too short.
        """
        t, gone = np.asarray(tenure, dtype=np.float64), np.asarray(ended, dtype=bool)
        counts = np.ones(t.shape) if count is None else np.asarray(count, dtype=np.float64)
        if t.ndim != 1 or not t.shape == gone.shape == counts.shape:
            raise DomainError("tenure, ended and count must have one dimension and be equally long.")
        bad = ~(np.isfinite(t) & (t >= gone) & (t == np.floor(t)) & np.isfinite(counts) & (counts >= 0))
        if bad.any():
            i = int(np.argmax(bad))
            raise DomainError(
                f"tenure must be a whole number of periods, at least 1 for those who left, with a count of at least 0; "
                f"{bad.sum()} of {len(t)} rows are not (first: row {i}, {t[i]})."
            )
        periods, row = np.unique(t, return_inverse=True)
        left, stayed = (np.bincount(row, counts * kind, len(periods)) for kind in (gone, ~gone))
        return cls(periods, left.astype(np.float64), stayed.astype(np.float64))

    @classmethod
    def of_retained(cls, retained: ArrayLike) -> Tenures:
        """From the sizes of one cohort: at the start, after the first renewal, after the second, ...

        Raises
        ------
        DomainError
            The sizes are not finite, negative, or rise.
        """
        sizes = np.asarray(retained, dtype=np.float64)
        if sizes.ndim != 1 or len(sizes) < 2 or not (np.isfinite(sizes) & (sizes >= 0)).all():
            raise DomainError("retained must hold at least two sizes of a cohort, finite and at least 0.")
        if (np.diff(sizes) > 0).any():
            i = int(np.argmax(np.diff(sizes) > 0))
            raise DomainError(
                f"retained must not rise, but does from {sizes[i]:g} to {sizes[i + 1]:g} in period {i + 1}."
            )
        left = np.concatenate([[0.0], -np.diff(sizes)])
        stayed = np.zeros(len(sizes))
        stayed[-1] = sizes[-1]
        return cls(np.arange(float(len(sizes))), left, stayed)


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric:
    """Customers leave at each renewal with probability theta ~ Beta(alpha, beta).

    Attributes
    ----------
    alpha, beta : float
        Above 0.
    estimate : Estimate or None
        How they were estimated.

    Examples
    --------
    >>> regular = ShiftedBetaGeometric(alpha=0.704, beta=1.182)
    >>> regular.survival([0, 1, 7]).round(3)
    array([1.   , 0.627, 0.239])
    """

    alpha: float
    beta: float
    estimate: Estimate | None = None

    def __post_init__(self) -> None:
        wrong = [f"{letter} = {value}" for letter, value in self.parameters.items() if not 1e-15 <= value <= 1e15]
        if wrong:
            raise DomainError(f"Parameters of sBG must lie between 1e-15 and 1e15, got {', '.join(wrong)}.")

    @property
    def parameters(self) -> dict[str, float]:
        """Return alpha, beta."""
        return {"alpha": self.alpha, "beta": self.beta}

    def survival(self, periods: ArrayLike, renewals: ArrayLike = 0) -> F64:
        """P(still there after `periods` more renewals | `renewals` made so far).

        Parameters
        ----------
        periods, renewals : array-like
            Whole, at least 0; broadcast against each other.

        Returns
        -------
        float64
            B(alpha, beta + n + t) / B(alpha, beta + n), as products: Fader & Hardie (2007), equation 6.
        """
        t, n = _checked_periods(periods), _checked_periods(renewals)
        stays: F64 = np.exp(log_rising(self.beta + n, t) - log_rising(self.alpha + self.beta + n, t))
        return stays

    def p_leaving(self, period: ArrayLike) -> F64:
        """P(T = t), leaving at the end of period t = 1, 2, ...; Fader & Hardie (2007), equation 5."""
        t = _checked_periods(period, 1)
        return np.exp(math.log(self.alpha) + log_rising(self.beta, t - 1) - log_rising(self.alpha + self.beta, t))

    def retention_rate(self, period: ArrayLike) -> F64:
        """Share of those there in period t = 1, 2, ... who renew at its end: equation 8."""
        t = _checked_periods(period, 1)
        rate: F64 = (self.beta + t - 1.0) / (self.alpha + self.beta + t - 1.0)
        return rate

    def expected_lifetime(self) -> float:
        """Mean tenure in periods, (alpha + beta - 1) / (alpha - 1); infinite at alpha <= 1."""
        return (self.alpha + self.beta - 1.0) / (self.alpha - 1.0) if self.alpha > 1.0 else math.inf

    def discounted_expected_lifetime(self, rate_per_period: float) -> float:
        """Discounted periods of a new customer, the first in full: sum of S(t) / (1 + d)^t over t = 0, 1, ...

        2F1(1, beta; alpha + beta; 1 / (1 + d)): Fader & Hardie (2010), "Customer-base valuation in a contractual
        setting: the perils of ignoring heterogeneity", Marketing Science 29(1).
        """
        return 1.0 + float(self.discounted_expected_residual_lifetime(0, rate_per_period)) / (1.0 + rate_per_period)

    def discounted_expected_residual_lifetime(self, renewals: ArrayLike, rate_per_period: float) -> F64:
        """Discounted periods to come of a customer who made `renewals` and stands before the next one.

        Sum of P(renewals n + 1 .. n + t are made) / (1 + d)^(t - 1) over t = 1, 2, ...: the period bought by the next
        renewal counts in full. Fader & Hardie (2010), (beta + n)/(alpha + beta + n) 2F1(1, beta + n + 1;
        alpha + beta + n + 1; 1/(1 + d)) with n = `renewals`.

        Parameters
        ----------
        renewals : array-like
            Whole, at least 0.
        rate_per_period : float
            d, at least 1e-12: without discount the sum is infinite at alpha <= 1.
        """
        if not (math.isfinite(rate_per_period) and rate_per_period >= 1e-12):
            raise DomainError(f"rate_per_period must be finite and at least 1e-12, got {rate_per_period}.")
        n = _checked_periods(renewals)
        # 2F1(1, b; c; z) = (c - 1) int_0^inf (1 + w)^-(c-b) (1 + (1-z) w)^-b dw: positive, no series at z near 1.
        scale = 1.0 + 1.0 / rate_per_period
        integral = power_integral(self.alpha, self.beta + n + 1.0, alpha=1.0, beta=scale, start=0.0)
        periods: F64 = (self.beta + n) * np.exp(integral.log_value)
        return periods

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        return parameter_card("Shifted beta-geometric", self.parameters, self.estimate)

    def to_json(self) -> str:
        """Return the model as JSON of a few hundred bytes; `from_json` reads it."""
        estimate = None if self.estimate is None else self.estimate.as_dict()
        return json.dumps({"model": type(self).__name__, **self.parameters, "estimate": estimate})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same model, digit for digit."""
        plain = json.loads(text)
        if plain.pop("model", None) != cls.__name__:
            raise DomainError(f"The text is not a stored {cls.__name__}: {text[:80]!r}.")
        estimate = plain.pop("estimate")
        return cls(**plain, estimate=None if estimate is None else Estimate.from_dict(estimate))


def fit_shifted_beta_geometric(tenures: Tenures) -> ShiftedBetaGeometric:
    """Fit the shifted beta-geometric by maximum likelihood.

    Parameters
    ----------
    tenures : Tenures
        `Tenures.of_retained` for the sizes of a cohort, `Tenures.of_customers` for rows with open ends.

    Returns
    -------
    ShiftedBetaGeometric
        Its `estimate` holds standard errors, log-likelihood and a status in words.

    Raises
    ------
    FitError
        Nobody has come to a renewal yet.
    """
    n = float(tenures.left.sum() + tenures.stayed.sum())
    if _last_renewal(tenures) == 0:
        raise FitError("No customer has come to a first renewal: nothing is known about retention yet.")
    lower = _LOWER.copy()
    if _last_renewal(tenures) == 1:
        # One renewal does not tell customers apart: one probability for all.
        lower[1] = _UPPER[1]
    starts = [np.array([math.log(mean / (1.0 - mean)), math.log(size)]) for mean, size in _STARTS]
    found = maximise(lambda z: _objective(tenures, z), starts, lower, _UPPER, n_customers=n)
    status = _status(found, tenures)
    estimate = estimate_at(found, _values, names=_NAMES, kinds=_KINDS, n_customers=n, n_free=2, status=status)
    alpha, beta = estimate.values
    return ShiftedBetaGeometric(alpha, beta, estimate)


def _values(z: F64) -> F64:
    size = math.exp(z[1])
    return np.array([size * expit(z[0]), size * expit(-z[0])])


def _objective(tenures: Tenures, z: F64) -> tuple[float, F64]:
    alpha, beta = (float(v) for v in _values(z))
    left, everyone = tenures.left, tenures.left + tenures.stayed
    # Leaving at t: alpha (beta)_(t-1) / (alpha+beta)_t; there after t: (beta)_t / (alpha+beta)_t.
    before = np.maximum(tenures.periods - 1.0, 0.0)
    goes, stays = log_rising(beta, before), log_rising(beta, tenures.periods)
    value = left.sum() * math.log(alpha) + (left * goes + tenures.stayed * stays).sum()
    value -= (everyone * log_rising(alpha + beta, tenures.periods)).sum()
    either = (everyone * digamma_rise(alpha + beta, tenures.periods)).sum()
    by_alpha = left.sum() / alpha - either
    by_beta = (left * digamma_rise(beta, before) + tenures.stayed * digamma_rise(beta, tenures.periods)).sum() - either
    share = float(expit(z[0]))
    by_mean = (alpha + beta) * share * (1.0 - share) * (by_alpha - by_beta)
    return float(value), np.array([by_mean, alpha * by_alpha + beta * by_beta])


def _last_renewal(tenures: Tenures) -> float:
    return float((tenures.periods * (tenures.left + tenures.stayed > 0)).max(initial=0.0))


def _status(found: Maximum, tenures: Tenures) -> str:
    if not found.settled:
        return "not converged: the gradient does not vanish"
    if tenures.left.sum() == 0:
        return "nothing identified: nobody has left, so retention is only known to be high"
    if _last_renewal(tenures) == 1:
        return "heterogeneity not identified: one renewal tells the mean rate of leaving, alpha / (alpha + beta), alone"
    if found.at_limit.any():
        if found.z[1] >= _UPPER[1]:
            return "heterogeneity not identified: alpha and beta run to infinity, all leave with one probability"
        return "heterogeneity not identified: customers leave at the first renewal or never"
    return "converged"


def _checked_periods(periods: ArrayLike, least: int = 0) -> F64:
    t = np.asarray(periods, dtype=np.float64)
    if not (np.isfinite(t) & (t >= least) & (t == np.floor(t))).all():
        raise DomainError(f"Periods and renewals must be whole numbers, at least {least}.")
    return t

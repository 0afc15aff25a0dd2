"""Gamma-Gamma: how much a customer spends per order, learnt from few orders.

Fader & Hardie (2013), "The Gamma-Gamma model of monetary value"; Colombo & Jiang (1999), "A stochastic RFM model",
Journal of Interactive Marketing 13(3). An order's value is Gamma(p, nu); nu ~ Gamma(q, gamma) differs between
customers and is unrelated to how often they buy. The mean m of x orders is then beta prime: x m / gamma ~ B'(p x, q).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, gammainccinv, psi

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import Estimate, Kind, Maximum, estimate_at, maximise
from crmkit.models.histories import F64, I64

_NAMES = ("p", "q", "gamma")
_KINDS: tuple[Kind, ...] = ("positive",) * 3
# Coordinates: log p, log q, log(p gamma / q), the last a typical value. Beyond the edges the log-likelihood is that of
# the limit to every digit.
_LOWER = np.array([np.log(1e-4), np.log(1e-4), -np.inf])
_UPPER = np.array([np.log(1e6), np.log(1e6), np.inf])
_STARTS = ((5.0, 4.0), (0.7, 2.0), (20.0, 1.5))
# Parallel sums of money differ in their last bits from run to run; so many decimals are kept.
_DECIMALS = 9


class ExpectedValue(NamedTuple):
    """E[value per order | x, m] = (constant + total x m) / (offset + slope x): algebra in a column."""

    constant: float
    total: float
    offset: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Spend:
    """Orders and their mean value per customer, one row per distinct pair.

    Attributes
    ----------
    x : float64, shape (n,)
        Orders behind the mean; whole, at least 1.
    m : float64, shape (n,)
        Their mean value, above 0; money.
    count : float64, shape (n,)
        Customers who share the row.
    levels, level_of : float64, shape (k,); int64, shape (n,)
        Distinct x, and where each row's x is among them.
    """

    x: F64
    m: F64
    count: F64
    levels: F64
    level_of: I64

    @classmethod
    def distinct(cls, x: ArrayLike, m: ArrayLike, count: ArrayLike | None = None) -> Spend:
        """Distinct sorted rows of the customers with at least one order; rows with x = 0 say nothing and are left out.

        Raises
        ------
        DomainError
            x is not whole or negative, or a customer with orders has a mean value that is not above 0.
        """
        xs, means = checked_spend(x, m)
        counts = np.ones(len(xs)) if count is None else np.asarray(count, dtype=np.float64)
        if counts.shape != xs.shape or not (np.isfinite(counts) & (counts > 0)).all():
            raise DomainError("count must be finite, above 0, and as long as x.")
        bought = xs > 0
        xs, means, counts = xs[bought], np.round(means[bought], _DECIMALS), counts[bought]
        order = np.lexsort((means, xs))
        xs, means, counts = xs[order], means[order], counts[order]
        first = np.ones(len(xs), dtype=bool)
        first[1:] = (xs[1:] != xs[:-1]) | (means[1:] != means[:-1])
        counts = np.add.reduceat(counts, np.flatnonzero(first)) if len(xs) else counts
        levels, level_of = np.unique(xs[first], return_inverse=True)
        return cls(xs[first], means[first], counts, levels, level_of)


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Value per order: Gamma(p, nu) with nu ~ Gamma(q, gamma).

    Attributes
    ----------
    p : float
        Shape of a customer's own orders, above 0: 1/sqrt(p) is their coefficient of variation.
    q : float
        Shape of the differences between customers, above 0. At q <= 1 the population has no mean.
    gamma : float
        Scale, above 0; money.
    estimate : Estimate or None
        How they were estimated.

    Examples
    --------
    >>> cdnow = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> round(cdnow.population_mean, 2)
    35.22
    >>> cdnow.expected_value([0, 2], [0.0, 60.0]).round(2)
    array([35.22, 55.54])
    """

    p: float
    q: float
    gamma: float
    estimate: Estimate | None = None

    def __post_init__(self) -> None:
        wrong = [f"{letter} = {value}" for letter, value in self.parameters.items() if not 1e-12 <= value <= 1e18]
        if wrong:
            raise DomainError(f"Parameters of Gamma-Gamma must lie between 1e-12 and 1e18, got {', '.join(wrong)}.")

    @property
    def parameters(self) -> dict[str, float]:
        """Return p, q, gamma."""
        return {"p": self.p, "q": self.q, "gamma": self.gamma}

    @property
    def population_mean(self) -> float:
        """Mean value per order over all customers, p gamma / (q - 1); infinite at q <= 1."""
        return self.p * self.gamma / (self.q - 1.0) if self.q > 1.0 else math.inf

    @property
    def coefficients(self) -> ExpectedValue:
        """Coefficients of `expected_value`, for an engine that does it in a column.

        The offset is negative at q < 1: where offset + slope x is not above 0 the expectation is infinite.
        """
        return ExpectedValue(self.p * self.gamma, self.p, self.q - 1.0, self.p)

    def log_likelihood(self, x: ArrayLike, m: ArrayLike) -> F64:
        """Log-density of the mean value m of x orders, shape (n,); 0 where x is 0.

        Fader & Hardie (2013), equation 1a.
        """
        xs, means = checked_spend(x, m)
        bought = xs > 0
        out = np.zeros(len(xs))
        total = xs[bought] * means[bought] / self.gamma
        shape = self.p * xs[bought]
        out[bought] = -betaln(shape, self.q) - shape * np.log1p(1.0 / total) - self.q * np.log1p(total)
        out[bought] -= np.log(means[bought])
        return out

    def expected_value(self, x: ArrayLike, m: ArrayLike) -> F64:
        """Return E[value per order | x orders of mean m], shape (n,); the population mean where x is 0.

        Fader & Hardie (2013), equation 5; infinite where p x + q <= 1.
        """
        xs, means = checked_spend(x, m)
        constant, total, offset, slope = self.coefficients
        weight = offset + slope * xs
        exists = weight > 0
        above = constant + total * xs * np.where(xs > 0, means, 0.0)
        return np.where(exists, above / np.where(exists, weight, 1.0), math.inf)

    def mean_value_quantile(self, x: ArrayLike, m: ArrayLike, level: float) -> F64:
        """Quantile of a customer's own mean value per order, p / nu with nu ~ Gamma(p x + q, gamma + x m), shape (n,).

        Exists for every q.
        """
        if not 0.0 < level < 1.0:
            raise DomainError(f"level must lie between 0 and 1, got {level}.")
        shape, scale = self._posterior(x, m)
        return self.p * scale / np.maximum(gammainccinv(shape, level), np.finfo(float).tiny)

    def draw_mean_value(self, x: ArrayLike, m: ArrayLike, rng: np.random.Generator) -> F64:
        """One draw per customer of its own mean value per order, shape (n,)."""
        shape, scale = self._posterior(x, m)
        return self.p * scale / np.maximum(rng.gamma(shape), np.finfo(float).tiny)

    def draw_total_value(self, x: ArrayLike, m: ArrayLike, orders: ArrayLike, rng: np.random.Generator) -> F64:
        """One draw per customer of the total value of so many future orders, shape (n,); 0 for none.

        Parameters
        ----------
        orders : array-like, shape (n,)
            Whole, at least 0.
        """
        shape, scale = self._posterior(x, m)
        nu = np.maximum(rng.gamma(shape), np.finfo(float).tiny)
        total: F64 = rng.gamma(self.p * np.asarray(orders, dtype=np.float64)) * scale / nu
        return total

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

    def _posterior(self, x: ArrayLike, m: ArrayLike) -> tuple[F64, F64]:
        xs, means = checked_spend(x, m)
        return self.p * xs + self.q, self.gamma + xs * np.where(xs > 0, means, 0.0)


def fit_gamma_gamma(spend: Spend) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood.

    Parameters
    ----------
    spend : Spend
        By `Spend.distinct`: customers without orders are left out there.

    Returns
    -------
    GammaGamma
        Its `estimate` holds standard errors, log-likelihood, and a status that says whether a population mean exists.

    Raises
    ------
    FitError
        Fewer than three customers, or all values alike: three parameters can't be found.
    """
    if len(spend.x) < 3:
        raise FitError(f"Gamma-Gamma needs at least 3 customers with different spend, got {len(spend.x)}.")
    if spend.m.max() == spend.m.min():
        raise FitError(f"Gamma-Gamma: all customers spend {spend.m[0]:g} per order; there is nothing to model.")
    n = float(spend.count.sum())
    # Half of the spend below: a mean would follow one customer of millions.
    typical = float(np.exp((spend.count * np.log(spend.m)).sum() / n))
    starts = [np.log([p, q, typical]) for p, q in _STARTS]
    found = maximise(lambda z: _objective(spend, z), starts, _LOWER, _UPPER, n_customers=n)
    estimate = estimate_at(found, _values, names=_NAMES, kinds=_KINDS, n_customers=n, n_free=3, status=_status(found))
    p, q, gamma = estimate.values
    return GammaGamma(p, q, gamma, estimate)


def checked_spend(x: ArrayLike, m: ArrayLike) -> tuple[F64, F64]:
    """Orders and mean values as float64; the mean value counts only where there are orders.

    Raises
    ------
    DomainError
        All violations, each with its first row.
    """
    xs, means = np.asarray(x, dtype=np.float64), np.asarray(m, dtype=np.float64)
    if xs.ndim != 1 or xs.shape != means.shape:
        raise DomainError(f"x and m must have one dimension and be equally long, got {xs.shape} and {means.shape}.")
    bad_x = ~(np.isfinite(xs) & (xs >= 0) & (xs == np.floor(xs)))
    bad_m = (xs > 0) & ~(np.isfinite(means) & (means > 0))
    rules = (
        ("x must be a whole number, at least 0", xs, bad_x),
        (
            "the mean value of customers with orders must be finite and above 0 (net refunds, or leave them out)",
            means,
            bad_m,
        ),
    )
    texts = [
        f"{rule}; {bad.sum()} of {len(xs)} rows are not (first: row {np.argmax(bad)}, {values[np.argmax(bad)]})."
        for rule, values, bad in rules
        if bad.any()
    ]
    if texts:
        raise DomainError("Spend: " + " ".join(texts))
    return xs, means


def _values(z: F64) -> F64:
    p, q, typical = np.exp(z)
    return np.array([p, q, typical * q / p])


def _objective(spend: Spend, z: F64) -> tuple[float, F64]:
    p, q, gamma = _values(z)
    total, shape = spend.x * spend.m / gamma, p * spend.levels
    log_out, log_in = np.log1p(total), np.log1p(1.0 / total)
    by_level = np.bincount(spend.level_of, spend.count, len(spend.levels))
    value = -(by_level * betaln(shape, q)).sum()
    value -= (spend.count * (p * spend.x * log_in + q * log_out + np.log(spend.m))).sum()
    rise = psi(shape + q)
    by_p = (by_level * spend.levels * (rise - psi(shape))).sum() - (spend.count * spend.x * log_in).sum()
    by_q = (by_level * (rise - psi(q))).sum() - (spend.count * log_out).sum()
    by_log_gamma = (spend.count * (q * total - p * spend.x) / (1.0 + total)).sum()
    return float(value), np.array([p * by_p - by_log_gamma, q * by_q + by_log_gamma, by_log_gamma])


def _status(found: Maximum) -> str:
    if not found.settled:
        return "not converged: the gradient does not vanish"
    at_edge = [(found.at_limit[i], found.z[i] > 0) for i in (0, 1)]
    texts = {
        (0, True): "within customers (p runs to infinity: a customer's orders are all worth the same)",
        (0, False): "within customers (p runs to 0)",
        (1, True): "between customers (q and gamma run to infinity: all customers spend alike)",
        (1, False): "between customers (q runs to 0)",
    }
    lost = [texts[i, high] for i, (edge, high) in enumerate(at_edge) if edge]
    if lost:
        return "heterogeneity not identified: " + "; ".join(lost)
    if np.exp(found.z[1]) <= 1.0:
        return (
            "converged, but q <= 1: the population has no mean value per order; medians and other quantiles hold, and "
            "means of customers with p x + q > 1"
        )
    return "converged"

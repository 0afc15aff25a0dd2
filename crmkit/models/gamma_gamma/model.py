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
from scipy.special import betaln, gammainccinv

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate
from crmkit.models.gamma_gamma.spend import checked_spend
from crmkit.models.histories import F64
from crmkit.models.parameter_card import parameter_card


class ExpectedValue(NamedTuple):
    """E[value per order | x, m] = (constant + total x m) / (offset + slope x): algebra in a column."""

    constant: float
    total: float
    offset: float
    slope: float


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

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        return parameter_card("Gamma-Gamma", self.parameters, self.estimate)

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

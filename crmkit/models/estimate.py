"""Parameters estimated by maximum likelihood, with what can be said of their precision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy.special import chdtrc, ndtri

from crmkit.errors import DomainError
from crmkit.models.histories import F64

Kind = Literal["positive", "share", "real"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Parameters estimated by maximum likelihood, and how well.

    Attributes
    ----------
    names, values : tuples of length p
        Parameters by the paper's letters.
    kinds : tuple of "positive", "share" or "real"
        Domain of each parameter, which decides the scale of its confidence interval.
    covariance : tuple of p rows of p floats
        Delta method on the observed information; infinite variance where a parameter is not identified.
    log_likelihood : float
        At the maximum.
    n_customers : float
        Customers behind the likelihood.
    n_free : int
        Free parameters (shares sum to 1: one fewer).
    status : str
        "converged", or in words what the data do not tell.
    limit_covariance : tuple of p rows of p floats, or empty
        Where parameters ran to a limit: their covariance given the limit, finite, since a ratio such as s / beta is
        known though neither of both is. Empty where nothing ran to a limit.
    off_limits : tuple of tuples of length p
        For each coordinate at a limit, the parameters off it where the profile log-likelihood has fallen by pi / 4
        (`crmkit.models.off_limit`).
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    kinds: tuple[Kind, ...]
    covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    n_customers: float
    n_free: int
    status: str
    limit_covariance: tuple[tuple[float, ...], ...] = ()
    off_limits: tuple[tuple[float, ...], ...] = ()

    @property
    def aic(self) -> float:
        """Akaike's information criterion; smaller is better."""
        return 2.0 * self.n_free - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Bayesian information criterion; smaller is better."""
        return self.n_free * float(np.log(self.n_customers)) - 2.0 * self.log_likelihood

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Standard error of each parameter; infinite where it is not identified."""
        return tuple(float(np.sqrt(row[i])) for i, row in enumerate(self.covariance))

    def confidence_intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Confidence interval of each parameter.

        Symmetric on the scale of the logarithm (positive), the logit (share) or the parameter itself (real), so that
        no interval leaves its domain. A share on the edge of its domain has no width.

        Parameters
        ----------
        level : float
            In (0, 1).
        """
        if not 0.0 < level < 1.0:
            raise DomainError(f"level must lie between 0 and 1, got {level}.")
        width = float(ndtri(0.5 + level / 2.0))
        rows = zip(self.names, self.values, self.kinds, self.standard_errors, strict=True)
        return {name: _interval(value, kind, width * error) for name, value, kind, error in rows}

    def draw(self, n: int, rng: np.random.Generator) -> F64:
        """Draw parameters from their approximate sampling distribution, shape (n, p).

        Normal on the scale of the logarithm for positive parameters; shares are drawn on it as well and made to sum to
        1. Parameters that are not identified stay at their value; those at a limit move as far as it lets them.
        """
        covariance, values = np.array(self.limit_covariance or self.covariance), np.array(self.values)
        logs = np.array([kind != "real" for kind in self.kinds])
        slope = np.where(logs & (values > 0), 1.0 / np.where(values > 0, values, 1.0), np.where(logs, 0.0, 1.0))
        known = np.isfinite(np.diag(covariance)) & (slope > 0)
        scaled = np.where(np.outer(known, known), covariance, 0.0) * np.outer(slope, slope)
        weights, axes = np.linalg.eigh(scaled)
        steps = rng.standard_normal((n, len(values))) * np.sqrt(np.maximum(weights, 0.0)) @ axes.T
        drawn: F64 = np.where(logs, values * np.exp(np.where(logs, steps, 0.0)), values + steps)
        shares = np.array([kind == "share" for kind in self.kinds])
        if shares.any():
            drawn[:, shares] /= drawn[:, shares].sum(axis=1, keepdims=True)
        return drawn

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the lower triangle of the covariance, null for an infinite variance."""
        beyond = {"limit_covariance": _triangle(self.limit_covariance), "off_limits": self.off_limits}
        plain = {
            "names": self.names,
            "values": self.values,
            "kinds": self.kinds,
            "covariance": _triangle(self.covariance),
            "log_likelihood": self.log_likelihood,
            "n_customers": self.n_customers,
            "n_free": self.n_free,
            "status": self.status,
        }
        return plain | {key: value for key, value in beyond.items() if value}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read what `as_dict` returned."""
        names, values, kinds = (tuple(plain[key]) for key in ("names", "values", "kinds"))
        size = (float(plain["log_likelihood"]), float(plain["n_customers"]), int(plain["n_free"]))
        given_limit = _square(plain.get("limit_covariance", []))
        off = tuple(tuple(float(v) for v in point) for point in plain.get("off_limits", []))
        return cls(names, values, kinds, _square(plain["covariance"]), *size, str(plain["status"]), given_limit, off)

    def to_json(self) -> str:
        """Return the estimate as JSON."""
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same estimate, digit for digit."""
        return cls.from_dict(json.loads(text))


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Test of a model against a smaller one inside it.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood.
    degrees_of_freedom : int
    p_value : float
        Chi-squared; P(a gain as large, if the smaller model holds).
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


def likelihood_ratio_test(larger: Estimate, smaller: Estimate) -> LikelihoodRatio:
    """Test whether the additional parameters of a model are worth their place.

    Parameters
    ----------
    larger, smaller : Estimate
        Of the same customers, the smaller model a special case of the larger one and not on the edge of its domain.
    """
    freedom = larger.n_free - smaller.n_free
    if freedom < 1 or larger.n_customers != smaller.n_customers:
        raise DomainError(
            "A likelihood-ratio test needs one log and a larger model with more parameters, got "
            f"{larger.n_customers:g} and {smaller.n_customers:g} customers, {larger.n_free} and {smaller.n_free} "
            "parameters."
        )
    statistic = max(0.0, 2.0 * (larger.log_likelihood - smaller.log_likelihood))
    return LikelihoodRatio(statistic, freedom, float(chdtrc(freedom, statistic)))


def _interval(value: float, kind: Kind, width: float) -> tuple[float, float]:
    if kind == "real":
        return value - width, value + width
    if np.isinf(width):
        return (0.0, np.inf) if kind == "positive" else (0.0, 1.0)
    if kind == "positive":
        ratio = float(np.exp(min(width / value, 700.0)))
        return value / ratio, value * ratio
    if value <= 0.0 or value >= 1.0 or width == 0.0:
        return value, value
    logit, half = np.log(value / (1.0 - value)), width / (value * (1.0 - value))
    low, high = 1.0 / (1.0 + np.exp(-np.clip(np.array([logit - half, logit + half]), -700.0, 700.0)))
    return float(low), float(high)


def _triangle(covariance: tuple[tuple[float, ...], ...]) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row[: i + 1]] for i, row in enumerate(covariance)]


def _square(triangle: list[list[float | None]]) -> tuple[tuple[float, ...], ...]:
    rows = [[np.inf if v is None else float(v) for v in row] for row in triangle]
    p = range(len(rows))
    return tuple(tuple(rows[max(i, j)][min(i, j)] for j in p) for i in p)

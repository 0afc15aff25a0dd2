"""Pareto/NBD with its parameters: what it says about each customer."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.parameter_card import parameter_card
from crmkit.models.pareto_nbd import forecast, likelihood, simulation


@dataclass(frozen=True, slots=True)
class ParetoNBD:
    """Customers buy at rate lambda ~ Gamma(r, alpha) until they leave at rate mu ~ Gamma(s, beta).

    Attributes
    ----------
    r, s : float
        Shapes, above 0.
    alpha, beta : float
        Inverse scales, above 0; days.
    estimate : Estimate or None
        How they were estimated.

    References
    ----------
    Schmittlein, Morrison & Colombo (1987), "Counting your customers", Management Science 33(1).
    """

    r: float
    alpha: float
    s: float
    beta: float
    estimate: Estimate | None = None

    name: ClassVar[str] = "Pareto/NBD"

    def __post_init__(self) -> None:
        wrong = [f"{letter} = {value}" for letter, value in self.parameters.items() if not 1e-12 <= value <= 1e18]
        if wrong:
            raise DomainError(f"Parameters of Pareto/NBD must lie between 1e-12 and 1e18, got {', '.join(wrong)}.")

    @property
    def parameters(self) -> dict[str, float]:
        """r, alpha, s, beta."""
        return {"r": self.r, "alpha": self.alpha, "s": self.s, "beta": self.beta}

    def log_likelihood(self, histories: Histories) -> F64:
        """Log-density of each history (one customer of the row), shape (n,)."""
        return likelihood.log_likelihood(likelihood.Pairs.of(histories), **self.parameters)

    def p_alive(self, histories: Histories) -> F64:
        """P(still a customer at T | history), shape (n,)."""
        return forecast.p_alive(histories.x, histories.t_x, histories.T, **self.parameters)

    def expected_purchases(self, histories: Histories, days: float | F64) -> F64:
        """E[purchases in (T, T + days] | history], shape (n,)."""
        m, rate_scale, drop_scale = self._posterior(histories.x, histories.T)
        length = forecast.checked_days(days, len(histories))
        return self.p_alive(histories) * forecast.expected_if_alive(m, rate_scale, self.s, drop_scale, length)

    def p_any_purchase(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | history), shape (n,)."""
        length = forecast.checked_days(days, len(histories))
        (x, T, length), at = likelihood.distinct(histories.x, histories.T, length)
        m, rate_scale, drop_scale = self._posterior(x, T)
        if_alive = forecast.any_if_alive(m, rate_scale, self.s, drop_scale, length)
        return self.p_alive(histories) * if_alive[at]

    def next_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days after T within which the next purchase comes with probability `level`, if alive at T; shape (n,).

        The customer may leave before: infinite where even a live one comes back with a smaller probability.
        """
        _check_level(level)
        (x, T), at = likelihood.distinct(histories.x, histories.T)
        m, rate_scale, drop_scale = self._posterior(x, T)
        return forecast.waiting_quantile(m, rate_scale, self.s, drop_scale, np.full(len(x), level))[at]

    def any_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days at which `p_any_purchase` reaches `level`, shape (n,); infinite where it never does."""
        _check_level(level)
        alive = self.p_alive(histories)
        days = np.full(len(histories), math.inf)
        rows = np.flatnonzero(alive > level)
        m, rate_scale, drop_scale = self._posterior(histories.x[rows], histories.T[rows])
        days[rows] = forecast.waiting_quantile(m, rate_scale, self.s, drop_scale, level / alive[rows])
        return days

    def discounted_expected_purchases(self, histories: Histories, days: float | F64, rate_per_day: float) -> F64:
        """E[sum of exp(-rate_per_day u) over the purchases at T + u, u in (0, days]], shape (n,)."""
        if not (math.isfinite(rate_per_day) and rate_per_day >= 0):
            raise DomainError(f"rate_per_day must be finite and at least 0 (continuous), got {rate_per_day}.")
        length = forecast.checked_days(days, len(histories))
        if rate_per_day == 0:
            return self.expected_purchases(histories, length)
        return self._discounted(histories, length, rate_per_day)

    def discounted_expected_purchases_ever(self, histories: Histories, rate_per_day: float) -> F64:
        """Return the same for all future purchases, shape (n,); `rate_per_day` above 0 (continuous)."""
        if not (math.isfinite(rate_per_day) and rate_per_day > 0):
            raise DomainError(f"rate_per_day must be finite and above 0 (continuous), got {rate_per_day}.")
        return self._discounted(histories, np.full(len(histories), math.inf), rate_per_day)

    def purchase_count_probabilities(self, histories: Histories, days: float | F64, n_max: int) -> F64:
        """P(n purchases in (T, T + days] | history) for n = 0 .. n_max, shape (n, n_max + 1)."""
        if n_max < 0:
            raise DomainError(f"n_max must be at least 0, got {n_max}.")
        length = forecast.checked_days(days, len(histories))
        (x, T, length), at = likelihood.distinct(histories.x, histories.T, length)
        m, rate_scale, drop_scale = self._posterior(x, T)
        alive = self.p_alive(histories)
        table = alive[:, None] * forecast.counts_if_alive(m, rate_scale, self.s, drop_scale, length, n_max)[at]
        table[:, 0] += 1.0 - alive
        return table

    def simulate(self, T: F64, rng: np.random.Generator) -> Histories:
        """Histories of new customers, one for each T, in that order."""
        return simulation.histories(T, rng, **self.parameters)

    def simulate_future(self, histories: Histories, days: float | F64, rng: np.random.Generator) -> I64:
        """One draw per row of the purchases in (T, T + days] given the history, shape (n,)."""
        length = forecast.checked_days(days, len(histories))
        m, rate_scale, drop_scale = self._posterior(histories.x, histories.T)
        alive = rng.random(len(histories)) < self.p_alive(histories)
        return np.where(alive, simulation.counts_if_alive(m, rate_scale, self.s, drop_scale, length, rng), 0)

    def with_parameters(self, values: Sequence[float]) -> Self:
        """Return the same family at other r, alpha, s, beta, without an estimate."""
        r, alpha, s, beta = (float(value) for value in values)
        return type(self)(r, alpha, s, beta)

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

    def _posterior(self, x: F64, T: F64) -> tuple[F64, F64, F64]:
        return self.r + x, self.alpha + T, self.beta + T

    def _discounted(self, histories: Histories, days: F64, rate: float) -> F64:
        (x, T, length), at = likelihood.distinct(histories.x, histories.T, days)
        m, rate_scale, drop_scale = self._posterior(x, T)
        if_alive = forecast.discounted_if_alive(m, rate_scale, self.s, drop_scale, length, rate)
        return self.p_alive(histories) * if_alive[at]


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, got {level}.")

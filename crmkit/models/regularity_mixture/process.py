"""Every customer has a regularity of its own: a mixture of (M)BG/CNBD-k over k, in closed form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.parameter_card import parameter_card
from crmkit.models.regular_beta_geometric.likelihood import gap_term, recency_term
from crmkit.models.regular_beta_geometric.process import (
    Family,
    RegularBetaGeometric,
    checked_days,
    checked_level,
    effect_names,
)
from crmkit.models.regular_beta_geometric.simulation import index
from crmkit.models.regularity_mixture.next_purchase import Returns, return_times


@dataclass(frozen=True, slots=True)
class RegularityMixture:
    """(M)BG/CNBD-k whose k differs between customers: the recommended purchase process.

    Customers differ in how regular they are as they differ in how often they buy: with probability share_k a customer
    has regularity k; purchase rate ~ Gamma(r, alpha) and dropout ~ Beta(a, b) whatever k. The likelihood is
    sum over k of share_k L_k(r, alpha / k, a, b); the shares a posteriori mix all forecasts, so each customer gets
    windows of the right width. Without `sum_log_gap` forecasts use what (x, t_x) alone say of k.

    A purchase process (`crmkit.models.purchase_process.PurchaseProcess`).

    Attributes
    ----------
    family : "BG" or "MBG"
    r, alpha : float
        Purchase rate ~ Gamma(r, alpha), alpha in days.
    a, b : float
        Probability to leave after a purchase ~ Beta(a, b).
    regularities : tuple of int
        k, ascending.
    shares : tuple of float
        P(k), summing to 1.
    purchase_effects, dropout_effects : tuple of float
        As `RegularBetaGeometric`.
    estimate : Estimate or None
    """

    family: Family
    r: float
    alpha: float
    a: float
    b: float
    regularities: tuple[int, ...]
    shares: tuple[float, ...]
    purchase_effects: tuple[float, ...] = ()
    dropout_effects: tuple[float, ...] = ()
    estimate: Estimate | None = None

    def __post_init__(self) -> None:
        if not self.regularities or list(self.regularities) != sorted(set(self.regularities)):
            raise DomainError(f"regularities must be distinct and ascending, got {self.regularities}.")
        shares = np.array(self.shares)
        if shares.shape != (len(self.regularities),) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
            raise DomainError(f"shares must be one per regularity, at least 0, summing to 1, got {self.shares}.")
        self.components()

    @property
    def name(self) -> str:
        """The family in the field's words."""
        return f"{self.family}/CNBD regularity mixture"

    @property
    def parameters(self) -> dict[str, float]:
        """r, alpha, a, b, the effects of covariates, then the shares."""
        plain = {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}
        effects = (*self.purchase_effects, *self.dropout_effects)
        names = [*effect_names(len(self.purchase_effects)), *share_names(self.regularities)]
        return plain | dict(zip(names, (*effects, *self.shares), strict=True))

    def components(self) -> list[RegularBetaGeometric]:
        """Return one process per regularity; the phase rate is k times the purchase rate (alpha / k)."""
        effects = (self.purchase_effects, self.dropout_effects)
        return [
            RegularBetaGeometric(self.family, self.r, self.alpha / k, self.a, self.b, k, *effects)
            for k in self.regularities
        ]

    def log_likelihood(self, histories: Histories) -> F64:
        """Log-density of each history (the x gaps and the silence since), per customer, shape (n,)."""
        if histories.sum_log_gap is None and any(k > 1 for k in self.regularities):
            raise DomainError(f"The likelihood of the {self.name} needs sum_log_gap, which these histories lack.")
        logs = self.log_joint(histories)
        top = logs.max(axis=0)
        return np.asarray(top + np.log(np.exp(logs - top).sum(axis=0)), dtype=np.float64)

    def log_joint(self, histories: Histories) -> F64:
        """Log P(k) + log L_k, shape (regularities, n)."""
        rows, inverse = histories.without_gaps().grouped()
        logs = np.full((len(self.shares), len(histories)), -np.inf)
        for i, process in self._in_use():
            if histories.sum_log_gap is None:
                term = recency_term(histories.x, histories.t_x, process.k)
            else:
                term = gap_term(histories.x, histories.sum_log_gap, process.k)
            logs[i] = process.triple_log_likelihood(rows)[inverse] + term + np.log(self.shares[i])
        return logs

    def regularity_probabilities(self, histories: Histories) -> F64:
        """P(k | history), shape (n, regularities)."""
        return self._probabilities(histories).T

    def expected_regularity(self, histories: Histories) -> F64:
        """E[k | history], shape (n,): 1 buys at random, 3 and more keeps a rhythm."""
        return self.regularity_probabilities(histories) @ np.array(self.regularities, dtype=np.float64)

    def p_alive(self, histories: Histories) -> F64:
        """P(alive at T | history), shape (n,)."""
        return self._mixed(histories, lambda process, rows: process.p_alive(rows))

    def expected_purchases(self, histories: Histories, days: float | F64) -> F64:
        """E[purchases in (T, T + days] | history], shape (n,)."""
        return self._mixed_over(histories, days, lambda process, rows, t: process.expected_purchases(rows, t))

    def p_any_purchase(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | history), shape (n,)."""
        return self._mixed_over(histories, days, lambda process, rows, t: process.p_any_purchase(rows, t))

    def next_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days after T within which the next purchase comes with probability `level`, if alive at T, shape (n,)."""
        return return_times(Returns.of(self, histories), np.full(len(histories), checked_level(level)))

    def any_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days at which `p_any_purchase` reaches `level`, shape (n,); infinite where P(alive) is not above it."""
        returns = Returns.of(self, histories)
        # A live customer comes back for certain, so P(alive) bounds what can be reached.
        needed = checked_level(level) / np.maximum(returns.p_alive, 1e-300)
        days, sure = np.full(len(histories), np.inf), np.flatnonzero(needed < 1.0)
        days[sure] = return_times(returns.take(sure), needed[sure])
        return days

    def discounted_expected_purchases(self, histories: Histories, days: float | F64, rate_per_day: float) -> F64:
        """E[sum of exp(-rate_per_day u) over purchases at T + u, u in (0, days] | history], shape (n,)."""
        return self._mixed_over(
            histories, days, lambda process, rows, t: process.discounted_expected_purchases(rows, t, rate_per_day)
        )

    def discounted_expected_purchases_ever(self, histories: Histories, rate_per_day: float) -> F64:
        """Return the same for all purchases to come, shape (n,)."""
        return self._mixed(
            histories, lambda process, rows: process.discounted_expected_purchases_ever(rows, rate_per_day)
        )

    def purchase_count_probabilities(self, histories: Histories, days: float | F64, n_max: int) -> F64:
        """P(n purchases in (T, T + days] | history), n = 0 .. n_max, shape (n, n_max + 1)."""
        return self._mixed_over(
            histories, days, lambda process, rows, t: process.purchase_count_probabilities(rows, t, n_max)
        )

    def simulate(self, T: F64, rng: np.random.Generator, covariates: F64 | None = None) -> Histories:
        """Histories of new customers observed for T days, shape (n,), in that order."""
        T = np.asarray(T, dtype=np.float64)
        kinds = rng.choice(len(self.shares), size=len(T), p=self.shares)
        drawn = np.zeros((3, len(T)))
        for i, process in enumerate(self.components()):
            at = np.flatnonzero(kinds == i)
            part = process.simulate(T[at], rng, None if covariates is None else covariates[at])
            drawn[:, at] = part.x, part.t_x, part.sum_log_gap
        return Histories.in_order(drawn[0], drawn[1], T, drawn[2], covariates=covariates)

    def simulate_future(self, histories: Histories, days: float | F64, rng: np.random.Generator) -> I64:
        """One draw per row of the purchases in (T, T + days] given the history, shape (n,)."""
        days = checked_days(days, len(histories))
        kinds = index(self.regularity_probabilities(histories), rng)
        drawn = np.zeros(len(histories), dtype=np.int64)
        for i, process in enumerate(self.components()):
            at = np.flatnonzero(kinds == i)
            drawn[at] = process.simulate_future(histories.take(at), days[at], rng)
        return drawn

    def with_parameters(self, values: Sequence[float]) -> Self:
        """Return the same family at other parameters, in the order of `parameters`, without an estimate."""
        r, alpha, a, b, *rest = (float(v) for v in values)
        m = len(self.purchase_effects)
        shares = np.array(rest[2 * m :])
        normed = tuple(float(v) for v in shares / shares.sum())
        purchase, dropout = tuple(rest[:m]), tuple(rest[m : 2 * m])
        return type(self)(self.family, r, alpha, a, b, self.regularities, normed, purchase, dropout)

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        return parameter_card(self.name, self.parameters, self.estimate)

    def to_json(self) -> str:
        """Return the process as JSON."""
        plain: dict[str, Any] = {"model": type(self).__name__} | asdict(replace(self, estimate=None))
        return json.dumps(plain | {"estimate": self.estimate.as_dict() if self.estimate else None})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same process, digit for digit."""
        plain = json.loads(text)
        if plain.pop("model", None) != cls.__name__:
            raise DomainError(f"The text is not a stored {cls.__name__}: {text[:80]!r}.")
        for key in ("purchase_effects", "dropout_effects", "regularities", "shares"):
            plain[key] = tuple(plain[key])
        if plain["estimate"] is not None:
            plain["estimate"] = Estimate.from_dict(plain["estimate"])
        return cls(**plain)

    def _in_use(self) -> list[tuple[int, RegularBetaGeometric]]:
        """Position and process of the regularities that anyone has."""
        return [(i, process) for i, process in enumerate(self.components()) if self.shares[i] > 0]

    def _probabilities(self, histories: Histories) -> F64:
        """P(k | history), shape (regularities, n)."""
        logs = self.log_joint(histories)
        joint = np.exp(logs - logs.max(axis=0))
        return np.asarray(joint / joint.sum(axis=0), dtype=np.float64)

    def _mixed(self, histories: Histories, answer: Callable[[RegularBetaGeometric, Histories], F64]) -> F64:
        """Answers of the components, computed per distinct (x, t_x, T), mixed by P(k | history)."""
        rows, inverse = histories.without_gaps().grouped()
        share = self._probabilities(histories)
        return _sum(_weighted(answer(process, rows)[inverse], share[i]) for i, process in self._in_use())

    def _mixed_over(
        self,
        histories: Histories,
        days: float | F64,
        answer: Callable[[RegularBetaGeometric, Histories, F64 | float], F64],
    ) -> F64:
        if np.ndim(days) == 0:
            return self._mixed(histories, lambda process, rows: answer(process, rows, days))
        lengths, share = checked_days(days, len(histories)), self._probabilities(histories)
        return _sum(_weighted(answer(process, histories, lengths), share[i]) for i, process in self._in_use())


def share_names(regularities: tuple[int, ...]) -> list[str]:
    """Names of the shares of the regularities."""
    return [f"share_{k}" for k in regularities]


def _weighted(values: F64, weights: F64) -> F64:
    weighted: F64 = values * weights.reshape(-1, *[1] * (values.ndim - 1))
    return weighted


def _sum(parts: Iterator[F64]) -> F64:
    total = next(parts)
    for part in parts:
        total = total + part
    return total

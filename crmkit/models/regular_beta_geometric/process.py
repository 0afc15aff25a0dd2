"""The family BG/NBD, MBG/NBD, BG/CNBD-k, MBG/CNBD-k as one purchase process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, TypedDict

import numpy as np
from scipy.special import expit

from crmkit.errors import DomainError
from crmkit.models import waiting_time
from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.parameter_card import parameter_card
from crmkit.models.regular_beta_geometric import discounting, forecast, simulation, smooth
from crmkit.models.regular_beta_geometric.likelihood import (
    Triples,
    gap_term,
    live_phases,
    log_odds_left,
    recency_term,
    slopes,
)

Family = Literal["BG", "MBG"]


class _Shape(TypedDict):
    r: float
    b: float
    k: int
    first_chance: int


@dataclass(frozen=True, slots=True)
class RegularBetaGeometric:
    """(M)BG/CNBD-k: gamma purchase rates, beta dropout after purchases, Erlang-k gaps; k = 1 is (M)BG/NBD.

    A purchase process (`crmkit.models.purchase_process.PurchaseProcess`). Every answer is exact and finite for every
    r, alpha, a, b above 0: there is no a - 1 and no a + b - 1.

    Attributes
    ----------
    family : "BG" or "MBG"
        MBG: a customer may leave for good already at the first purchase.
    r, alpha : float
        Rate of Erlang phases ~ Gamma(r, alpha), alpha in days; a customer buys at 1/k of it.
    a, b : float
        Probability to leave after a purchase ~ Beta(a, b).
    k : int
        Regularity, at least 1: phases per purchase.
    purchase_effects, dropout_effects : tuple of float
        Effects of covariates z, one per column, or empty: alpha exp(-effects z) and a exp(effects z), so that
        exp(effect) multiplies the mean rate r / alpha and the mean odds of leaving a / b. Fader & Hardie (2007).
    estimate : Estimate or None
        How the parameters were estimated; None if they were given.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2); Batislam, Denizel & Filiztekin (2007), IJRM 24(3);
    Platzer & Reutterer (2016), Marketing Science 35(5); Reutterer, Platzer & Schroeder (2021), IJRM 38(1);
    Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models".

    Examples
    --------
    >>> cdnow = RegularBetaGeometric("BG", r=0.2426, alpha=7 * 4.4136, a=0.7929, b=2.4259)
    >>> customer_1516 = Histories.in_order([26], [7 * 30.857], [7 * 31])
    >>> round(float(cdnow.expected_purchases(customer_1516, days=7 * 52)[0]), 2)
    25.76
    """

    family: Family
    r: float
    alpha: float
    a: float
    b: float
    k: int = 1
    purchase_effects: tuple[float, ...] = ()
    dropout_effects: tuple[float, ...] = ()
    estimate: Estimate | None = None

    def __post_init__(self) -> None:
        if self.family not in ("BG", "MBG"):
            raise DomainError(f"family must be 'BG' or 'MBG', got {self.family!r}.")
        if int(self.k) != self.k or not 1 <= self.k <= 100:
            raise DomainError(f"k must be a whole number from 1 to 100, got {self.k}.")
        for letter in ("r", "alpha", "a", "b"):
            value = getattr(self, letter)
            if not 1e-12 <= value <= 1e12:
                raise DomainError(f"{letter} must lie between 1e-12 and 1e12, got {value}.")
        effects = (*self.purchase_effects, *self.dropout_effects)
        if len(self.purchase_effects) != len(self.dropout_effects) or not np.isfinite(effects).all():
            raise DomainError("purchase_effects and dropout_effects must be finite and equally many.")

    @property
    def name(self) -> str:
        """The family in the field's words."""
        return f"{self.family}/NBD" if self.k == 1 else f"{self.family}/CNBD-{self.k}"

    @property
    def parameters(self) -> dict[str, float]:
        """r, alpha, a, b, then the effects of covariates."""
        plain = {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}
        return plain | dict(zip(effect_names(len(self.purchase_effects)), self._effects, strict=True))

    def log_likelihood(self, histories: Histories) -> F64:
        """Log-density of each history (the x gaps and the silence since), per customer, shape (n,)."""
        return self.triple_log_likelihood(histories) + gap_term(histories.x, self._gaps(histories), self.k)

    def triple_log_likelihood(self, histories: Histories) -> F64:
        """Return `log_likelihood` without the part of the gaps, which no parameter but k touches, shape (n,)."""
        rows, alpha, a = Triples.of(histories), *self._moved(histories)
        return slopes(rows, r=self.r, alpha=alpha, a=a, b=self.b, k=self.k, first_chance=self._d0).log_likelihood

    def recency_log_likelihood(self, histories: Histories) -> F64:
        """Log-density of (x, t_x) alone, the gaps integrated out, shape (n,): it needs no `sum_log_gap`."""
        return self.triple_log_likelihood(histories) + recency_term(histories.x, histories.t_x, self.k)

    def p_alive(self, histories: Histories) -> F64:
        """P(alive at T | history), shape (n,)."""
        return np.asarray(expit(-self._log_odds_left(histories)), dtype=np.float64)

    def log_p_alive(self, histories: Histories) -> F64:
        """Log P(alive at T | history), shape (n,): finite where `p_alive` underflows to 0."""
        return np.asarray(-np.logaddexp(0.0, self._log_odds_left(histories)), dtype=np.float64)

    def expected_purchases(self, histories: Histories, days: float | F64) -> F64:
        """E[purchases in (T, T + days] | history], shape (n,); the sum of `forecast.expected_by_phase`."""
        rows, lengths, inverse = self._distinct(histories, days)
        pairs = self._pairs(rows, lengths)
        by_phase = smooth.by_pair(pairs, lambda some: forecast.expected_by_phase(some, some.days, **self._shape))
        return self._mixed(rows, pairs, by_phase)[inverse]

    def p_any_purchase(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | history), shape (n,)."""
        return self.p_alive(histories) * self.p_return(histories, days)

    def p_return(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | alive at T, history), shape (n,)."""
        alpha, _ = self._moved(histories)
        s, days = self.r + self.k * histories.x, checked_days(days, len(histories))
        return -np.expm1(forecast.log_silence(s, histories.T - histories.t_x, alpha + histories.T, days, self.k))

    def next_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days after T within which the next purchase comes with probability `level`, if alive at T, shape (n,)."""
        return self.return_quantile(histories, np.full(len(histories), checked_level(level)))

    def any_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days at which `p_any_purchase` reaches `level`, shape (n,); infinite where P(alive) is not above it."""
        needed = checked_level(level) / np.maximum(self.p_alive(histories), 1e-300)
        days, sure = np.full(len(histories), np.inf), np.flatnonzero(needed < 1.0)
        days[sure] = self.return_quantile(histories.take(sure), needed[sure])
        return days

    def discounted_expected_purchases(self, histories: Histories, days: float | F64, rate_per_day: float) -> F64:
        """E[sum of exp(-rate_per_day u) over purchases at T + u, u in (0, days] | history], shape (n,)."""
        if not (np.isfinite(rate_per_day) and rate_per_day >= 0):
            raise DomainError(f"rate_per_day must be finite and at least 0, got {rate_per_day}.")
        rows, lengths, inverse = self._distinct(histories, days)
        pairs = self._pairs(rows, lengths)
        by_phase = smooth.by_pair(
            pairs, lambda some: discounting.discounted_by_phase(some, rate_per_day, **self._shape)
        )
        return self._mixed(rows, pairs, by_phase)[inverse]

    def discounted_expected_purchases_ever(self, histories: Histories, rate_per_day: float) -> F64:
        """Return the same for all purchases to come, shape (n,); without discount they may be infinitely many."""
        if not (np.isfinite(rate_per_day) and rate_per_day >= 1e-12):
            raise DomainError(f"rate_per_day must be finite and at least 1e-12, got {rate_per_day}.")
        rows, lengths, inverse = self._distinct(histories, 0.0)
        pairs = self._pairs(rows, lengths)
        by_phase = discounting.ever_discounted_by_phase(pairs, rate_per_day, **self._shape)
        return self._mixed(rows, pairs, by_phase)[inverse]

    def purchase_count_probabilities(self, histories: Histories, days: float | F64, n_max: int) -> F64:
        """P(n purchases in (T, T + days] | history), n = 0 .. n_max, shape (n, n_max + 1)."""
        if n_max < 0:
            raise DomainError(f"n_max must be at least 0, got {n_max}.")
        rows, lengths, inverse = self._distinct(histories, days)
        pairs = self._pairs(rows, lengths)
        alive = self.p_alive(rows)[:, None]
        counts = alive * forecast.count_probabilities(pairs, self._phase_weights(rows), n_max, **self._shape)
        counts[:, :1] += 1.0 - alive
        return counts[inverse]

    def simulate(self, T: F64, rng: np.random.Generator, covariates: F64 | None = None) -> Histories:
        """Histories of new customers observed for T days, shape (n,), in that order."""
        T = np.asarray(T, dtype=np.float64)
        newcomers = Histories.in_order(np.zeros(len(T)), np.zeros(len(T)), T, covariates=covariates)
        alpha, a = self._moved(newcomers)
        x, t_x, gaps = simulation.histories(T, rng, alpha=alpha, a=a, **self._shape)
        return Histories.in_order(x, t_x, T, gaps, covariates=covariates)

    def simulate_future(self, histories: Histories, days: float | F64, rng: np.random.Generator) -> I64:
        """One draw per row of the purchases in (T, T + days] given the history, shape (n,)."""
        alpha, a = self._moved(histories)
        alive = rng.random(len(histories)) < self.p_alive(histories)
        phase = simulation.index(self._phase_weights(histories), rng)
        days = checked_days(days, len(histories))
        drawn = simulation.purchases(histories.x, alpha + histories.T, days, phase, rng, a=a, **self._shape)
        return np.where(alive, drawn, 0)

    def with_parameters(self, values: Sequence[float]) -> Self:
        """Return the same family at other parameters, in the order of `parameters`, without an estimate."""
        r, alpha, a, b, *effects = (float(v) for v in values)
        m = len(effects) // 2
        purchase, dropout = tuple(effects[:m]), tuple(effects[m:])
        return replace(
            self, r=r, alpha=alpha, a=a, b=b, purchase_effects=purchase, dropout_effects=dropout, estimate=None
        )

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
        for key in ("purchase_effects", "dropout_effects"):
            plain[key] = tuple(plain[key])
        if plain["estimate"] is not None:
            plain["estimate"] = Estimate.from_dict(plain["estimate"])
        return cls(**plain)

    @property
    def _d0(self) -> int:
        return 0 if self.family == "BG" else 1

    @property
    def _shape(self) -> _Shape:
        return {"r": self.r, "b": self.b, "k": self.k, "first_chance": self._d0}

    @property
    def _effects(self) -> tuple[float, ...]:
        return (*self.purchase_effects, *self.dropout_effects)

    def _log_odds_left(self, histories: Histories) -> F64:
        """Log odds that the customer left at the last purchase, shape (n,)."""
        alpha, a = self._moved(histories)
        last, end = histories.T - histories.t_x, alpha + histories.T
        log_sum = live_phases(self.r + self.k * histories.x, last / end, self.k).log_sum
        growth = np.log1p(last / (alpha + histories.t_x))
        return log_odds_left(Triples.of(histories), growth, log_sum, a=a, **self._shape)

    def _moved(self, histories: Histories) -> tuple[F64 | float, F64 | float]:
        """Return alpha and a of each row: scalars without covariates."""
        if not self.purchase_effects:
            return self.alpha, self.a
        z = checked_covariates(histories, len(self.purchase_effects))
        purchase, dropout = np.array(self.purchase_effects), np.array(self.dropout_effects)
        return self.alpha * np.exp(-(z @ purchase)), self.a * np.exp(z @ dropout)

    def _gaps(self, histories: Histories) -> F64:
        if histories.sum_log_gap is not None:
            return histories.sum_log_gap
        if self.k == 1:
            return np.zeros(len(histories))
        raise DomainError(f"The likelihood of {self.name} needs sum_log_gap, which these histories lack.")

    def _distinct(self, histories: Histories, days: float | F64) -> tuple[Histories, F64, I64]:
        """Rows of distinct (x, T, t_x) if `days` is one number, all rows otherwise, sorted by x."""
        lengths = checked_days(days, len(histories))
        if np.ndim(days) == 0:
            rows, inverse = histories.without_gaps().grouped()
            return rows, lengths[: len(rows)], inverse
        order = np.lexsort((histories.T, histories.x))
        inverse = np.empty(len(order), dtype=np.int64)
        inverse[order] = np.arange(len(order))
        return histories.take(order), lengths[order], inverse

    def _pairs(self, rows: Histories, lengths: F64) -> forecast.Pairs:
        alpha, a = self._moved(rows)
        return forecast.Pairs.of(rows.x, alpha + rows.T, lengths, a)

    def _phase_weights(self, rows: Histories) -> F64:
        alpha, _ = self._moved(rows)
        s, z = self.r + self.k * rows.x, (rows.T - rows.t_x) / (alpha + rows.T)
        return forecast.phase_weights(s, z, self.k)

    def _mixed(self, rows: Histories, pairs: forecast.Pairs, by_phase: F64) -> F64:
        """P(alive) times the mean over hidden phases, shape of rows."""
        given_alive = np.einsum("ij,ij->i", self._phase_weights(rows), by_phase[pairs.pair_of])
        mixed: F64 = self.p_alive(rows) * given_alive
        return mixed

    def return_quantile(self, histories: Histories, level: F64) -> F64:
        """Invert `p_return`: days within which a live customer comes back with probability `level`, shape (n,)."""
        alpha, _ = self._moved(histories)
        s, end = self.r + self.k * histories.x, alpha + histories.T
        exponential = -np.log1p(-level) / s
        if self.k == 1:
            return end * np.expm1(np.minimum(exponential, 600.0))
        scale = np.maximum(end * np.expm1(np.minimum(exponential, 600.0)), 1e-6 * end)
        return waiting_time.quantile(lambda days: self.p_return(histories, days), level, scale)


def effect_names(m: int) -> list[str]:
    """Names of the effects of m covariates on purchase rate and dropout."""
    return [f"{process}_effect_{i + 1}" for process in ("purchase", "dropout") for i in range(m)]


def checked_covariates(histories: Histories, m: int) -> F64:
    """Return the covariates of the histories, which must have m columns."""
    z = histories.covariates
    if z is None or z.shape[1] != m:
        raise DomainError(f"The model has {m} covariates, the histories have {0 if z is None else z.shape[1]}.")
    return z


def checked_days(days: float | F64, n: int) -> F64:
    """Return the lengths of a forecast, one per row, finite and at least 0."""
    lengths = np.asarray(days, dtype=np.float64)
    if lengths.shape not in ((), (n,)) or not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise DomainError(f"days must be finite, at least 0, and one number or one for each of {n} rows, got {days}.")
    return np.broadcast_to(lengths, (n,))


def checked_level(level: float) -> float:
    """Return a probability strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, got {level}.")
    return float(level)

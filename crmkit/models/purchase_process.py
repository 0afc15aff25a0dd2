"""What every purchase process can be asked, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np

from crmkit.models.estimation import Estimate
from crmkit.models.histories import F64, I64, Histories


class PurchaseProcess(Protocol):
    """A model of when customers buy and when they leave for good, with its parameters.

    Every method answers row for row of `histories`, finite for every history and every parameter above 0. `days` is
    a length of time after T (scalar, or one per row), finite and at least 0. Rates and times are per day.
    """

    @property
    def name(self) -> str:
        """The family in the field's words, such as "MBG/CNBD-2"."""
        ...

    @property
    def parameters(self) -> dict[str, float]:
        """The model's parameters by the paper's letters."""
        ...

    @property
    def estimate(self) -> Estimate | None:
        """How the parameters were estimated; None if they were given."""
        ...

    def log_likelihood(self, histories: Histories) -> F64:
        """Log-density of each history (one customer of the row, not weighted), shape (n,)."""
        ...

    def p_alive(self, histories: Histories) -> F64:
        """P(still a customer at T | history), shape (n,), in [0, 1]."""
        ...

    def expected_purchases(self, histories: Histories, days: float | F64) -> F64:
        """E[purchases in (T, T + days] | history], shape (n,)."""
        ...

    def p_any_purchase(self, histories: Histories, days: float | F64) -> F64:
        """P(at least one purchase in (T, T + days] | history), shape (n,): the next purchase's distribution."""
        ...

    def next_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days after T within which the next purchase comes with probability `level`, if alive at T; shape (n,).

        Infinite where even a live customer comes back with a smaller probability than `level`.
        """
        ...

    def any_purchase_quantile(self, histories: Histories, level: float) -> F64:
        """Days at which `p_any_purchase` reaches `level`, shape (n,).

        Infinite where the customer may well have left: P(ever again) below `level` is an answer, not an error.
        """
        ...

    def discounted_expected_purchases(self, histories: Histories, days: float | F64, rate_per_day: float) -> F64:
        """Return E[sum of exp(-rate_per_day u) over the purchases at T + u, u in (0, days]], shape (n,)."""
        ...

    def discounted_expected_purchases_ever(self, histories: Histories, rate_per_day: float) -> F64:
        """Return the same for all future purchases, shape (n,); `rate_per_day` must be above 0 (continuous)."""
        ...

    def purchase_count_probabilities(self, histories: Histories, days: float | F64, n_max: int) -> F64:
        """P(n purchases in (T, T + days] | history) for n = 0 .. n_max, shape (n, n_max + 1)."""
        ...

    def simulate(self, T: F64, rng: np.random.Generator) -> Histories:
        """Histories of new customers, one for each T, in that order."""
        ...

    def simulate_future(self, histories: Histories, days: float | F64, rng: np.random.Generator) -> I64:
        """One draw per row of the purchases in (T, T + days] given the history, shape (n,)."""
        ...

    def with_parameters(self, values: Sequence[float]) -> Self:
        """Return the same family at other parameters (in the order of `parameters`), without an estimate."""
        ...

    def to_json(self) -> str:
        """Return the process as JSON of a few hundred bytes; `from_json` of the class reads it."""
        ...

"""What customers will do within a horizon: every answer that a purchase process has, computed together.

The chance of single customers is exact: counts come from their distribution, not from a normal curve. What is not
known of the parameters is mixed in by sigma points (`parameter_axes.sigma_points`): the process at a few neighbours of
its estimate, which match mean and covariance of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from crmkit.models.histories import F64, Histories
from crmkit.models.off_limit import WEIGHT
from crmkit.models.order_counts import Weighted, order_counts
from crmkit.models.parameter_axes import neighbours, off_limits, sigma_points
from crmkit.models.purchase_process import PurchaseProcess
from crmkit.models.regularity_mixture import RegularityMixture
from crmkit.models.row_blocks import in_blocks

Ask = Callable[[PurchaseProcess, Histories], F64]

# Parameters' uncertainty is left out where it would widen the interval of no row in a sample by this share.
_NARROW = 0.005
_SAMPLE = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The next `days` of each history.

    Attributes
    ----------
    p_alive, p_order : float64, shape (n,)
        P(still a customer at T); P(at least one order). At the estimate, as the next two.
    orders, discounted : float64, shape (n,)
        E[orders]; E[sum of exp(-rate_per_day u) over orders at T + u].
    low, high : float64, shape (n,)
        Quantiles of the number of orders, parameters' uncertainty mixed in; whole.
    p_none, mean, square : float64, shape (n,)
        P(no order), E[orders], E[orders^2], parameters' uncertainty mixed in.
    """

    p_alive: F64
    p_order: F64
    orders: F64
    discounted: F64
    low: F64
    high: F64
    p_none: F64
    mean: F64
    square: F64

    def take(self, rows: slice) -> Outlook:
        """Return the outlook of some of the rows."""
        return Outlook(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def outlook(
    process: PurchaseProcess,
    histories: Histories,
    days: float,
    *,
    rate_per_day: float,
    level: float,
    is_mixed: bool | None = None,
) -> Outlook:
    """Answer for each row of `histories`.

    Parameters
    ----------
    process : PurchaseProcess
        With an `estimate`, its uncertainty is mixed in.
    histories : Histories
        One row per distinct history.
    days : float
        Length of the horizon, at least 0.
    rate_per_day : float
        Continuous discount rate, at least 0.
    level : float
        Probability between `low` and `high`, in (0, 1).
    is_mixed : bool, optional
        Whether the parameters' uncertainty is mixed in: `widens` of the whole base, if `histories` are a part of it. By
        default that is looked for among some of the rows.
    """
    questions: list[Ask] = [
        lambda model, rows: model.p_alive(rows),
        lambda model, rows: model.p_any_purchase(rows, days),
        lambda model, rows: model.expected_purchases(rows, days),
    ]
    if rate_per_day > 0.0:
        questions.append(lambda model, rows: model.discounted_expected_purchases(rows, days, rate_per_day))
    models: Weighted = [(1.0, process)]
    if is_mixed is None:
        is_mixed = widens(widening(process, histories.thinned(_SAMPLE), days).max(initial=1.0))
    if is_mixed:
        models = [(w, process.with_parameters(values.tolist())) for w, values in sigma_points(process.estimate)]

    def ask(block: slice) -> dict[str, F64]:
        rows = histories.take(block)
        shares = process.regularity_probabilities(rows) if isinstance(process, RegularityMixture) else None
        p_alive, p_order, orders, *rest = answers(process, rows, questions, shares)
        discounted = np.minimum(rest[0], orders) if rest else orders
        mean, known = orders, shares
        if is_mixed:
            known = None  # each neighbour weighs its components by shares of its own
            mean = sum((w * answers(model, rows, questions[2:3])[0] for w, model in models), start=0.0 * orders)
        if_alive = orders / np.maximum(p_alive, 1e-300)
        found = order_counts(models, rows, days, level=level, if_alive=if_alive, mean=mean, shares=known)
        own = {"p_alive": p_alive, "p_order": p_order, "orders": orders, "discounted": discounted, "mean": mean}
        return own | {"low": found.low, "high": found.high, "p_none": found.p_none, "square": found.square}

    return Outlook(**in_blocks(len(histories), ask))


def answers(
    process: PurchaseProcess, histories: Histories, questions: Sequence[Ask], shares: F64 | None = None
) -> list[F64]:
    """Ask a process several things; of a mixture, the weights of its components (`shares`) are worked out once."""
    if not isinstance(process, RegularityMixture) or len(histories) == 0:
        return [question(process, histories) for question in questions]
    weights = process.regularity_probabilities(histories) if shares is None else shares
    rows, inverse = histories.without_gaps().grouped()
    totals: list[F64] = []
    for i in np.flatnonzero(process.shares):
        component = process.components()[i]
        parts = [question(component, rows)[inverse] for question in questions]
        parts = [part * weights[:, i].reshape(-1, *[1] * (part.ndim - 1)) for part in parts]
        totals = [total + part for total, part in zip(totals, parts, strict=True)] if totals else parts
    return totals


def widens(greatest: float) -> bool:
    """Whether the uncertainty of the parameters is to be mixed in, by the greatest `widening` of a base."""
    return greatest > 1.0 + _NARROW


def widening(process: PurchaseProcess, histories: Histories, days: float) -> F64:
    """By what factor the uncertainty of the parameters widens each interval at most, shape (n,).

    Where one is wide enough to matter, the rest need not be known, and may come out too small.
    """
    moved, sides = neighbours(process.estimate), off_limits(process.estimate)
    if len(moved) + len(sides) == 0 or len(histories) == 0 or days == 0:
        return np.ones(len(histories))
    ask: list[Ask] = [lambda model, rows: model.expected_purchases(rows, days)]
    # Orders vary at least as much as a Poisson count or a coin: a lower bound, so nothing is left out wrongly.
    own = answers(process, histories, [*ask, lambda model, rows: model.p_any_purchase(rows, days)])
    least = np.maximum(own[0] * (1.0 - own[1]), 0.25 * own[0]) + 1e-300
    variance = np.zeros(len(histories))
    for values in sides:
        variance += WEIGHT * (answers(process.with_parameters(values.tolist()), histories, ask)[0] - own[0]) ** 2
    for up, down in moved:
        ends = [answers(process.with_parameters(values.tolist()), histories, ask)[0] for values in (up, down)]
        variance += ((ends[0] - ends[1]) / 2.0) ** 2
        # Variances only add up: what is wide enough after one axis needs no other.
        if widens(np.sqrt(1.0 + variance / least).max()):
            break
    return np.sqrt(1.0 + variance / least)

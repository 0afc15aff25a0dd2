"""What each simulated customer is like: drawn once, before the first order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.datasets.assumptions import CalendarBuyers, Catalogue, Plan, Refunds

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Traits:
    """One entry per customer, all of shape (customers,).

    Attributes
    ----------
    rate, k : float64, int64
        Orders per day and regularity; for calendar buyers the rate follows from their months and k is 0.
    pattern : int64
        Position in `CalendarBuyers.months`; -1 for customers who buy all year.
    dropout_probability, lifetime_orders : float64, int64
        Probability to leave after each order; orders until then, the first included.
    mean_order_value : float64
        Money.
    favourite, preferred : int64
        Position of the favourite product and of the preferred channel.
    refund_probability : float64
        Probability that an order is refunded.
    """

    rate: F64
    k: I64
    pattern: I64
    dropout_probability: F64
    lifetime_orders: I64
    mean_order_value: F64
    favourite: I64
    preferred: I64
    refund_probability: F64


def draw_traits(plan: Plan, *, rng: np.random.Generator) -> Traits:
    """Draw all traits; each kind takes chance of its own, so that a change of one leaves the others as they are."""
    process, calendar, money, taste, temper = rng.spawn(5)
    n, purchases, spend = plan.customers, plan.purchases, plan.spend
    pattern = _patterns(n, plan.calendar_buyers, rng=calendar)
    rate = _at_least_tiny(process.gamma(purchases.r, 1.0 / purchases.alpha, size=n))
    dropout = _at_least_tiny(process.beta(purchases.a, purchases.b, size=n))
    k = process.choice(np.asarray(purchases.k, dtype=np.int64), size=n, p=purchases.pi)
    if plan.calendar_buyers is not None:
        per_year = [len(set(months)) * plan.calendar_buyers.attendance for months in plan.calendar_buyers.months]
        rate = np.where(pattern >= 0, np.array(per_year)[pattern] / _DAYS_PER_YEAR, rate)
    return Traits(
        rate=rate,
        k=np.where(pattern >= 0, 0, k),
        pattern=pattern,
        dropout_probability=dropout,
        lifetime_orders=process.geometric(dropout),
        mean_order_value=spend.p / _at_least_tiny(money.gamma(spend.q, 1.0 / spend.gamma, size=n)),
        favourite=_favourites(rate, plan.catalogue, rng=taste),
        preferred=taste.choice(len(plan.channels.names), size=n, p=plan.channels.shares),
        refund_probability=_refund_probabilities(n, plan.refunds, rng=temper),
    )


def _at_least_tiny(draws: F64) -> F64:
    # Extreme shapes underflow to 0, which has no Erlang gap, no geometric lifetime and no finite mean.
    return np.maximum(draws, 1e-12)


def _patterns(customers: int, buyers: CalendarBuyers | None, *, rng: np.random.Generator) -> I64:
    if buyers is None:
        return np.full(customers, -1, dtype=np.int64)
    pattern = rng.integers(len(buyers.months), size=customers)
    return np.where(rng.random(customers) < buyers.share, pattern, -1)


def _favourites(rate: F64, catalogue: Catalogue, *, rng: np.random.Generator) -> I64:
    cycles = np.log(catalogue.refill_days)
    nearest = np.searchsorted((cycles[1:] + cycles[:-1]) / 2, -np.log(rate))
    return rng.integers(len(catalogue.categories), size=len(rate)) * len(cycles) + nearest


def _refund_probabilities(customers: int, refunds: Refunds | None, *, rng: np.random.Generator) -> F64:
    if refunds is None:
        return np.zeros(customers)
    c, d = refunds.probability * refunds.concentration, (1 - refunds.probability) * refunds.concentration
    return rng.beta(c, d, size=customers)

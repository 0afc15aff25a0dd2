"""What customers order and what they send back: arrays, one entry per order or refund, by time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.datasets.assumptions import Plan, Refunds
from crmkit.datasets.order_times import OrderTimes
from crmkit.datasets.traits import Traits

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class OrderLog:
    """All of shape (rows,).

    Attributes
    ----------
    customer, product, channel : int32
        Positions in the lists of customers, products, channels.
    second : int64
        Seconds since the start of the span.
    amount, quantity : float64, int64
        Money, units; negative for refunds.
    """

    customer: I32
    second: I64
    amount: F64
    quantity: I64
    product: I32
    channel: I32


def sales_log(times: OrderTimes, traits: Traits, plan: Plan, *, rng: np.random.Generator) -> OrderLog:
    """One row per order: amount (Gamma-Gamma, at least one cent), product, units at about its price, channel."""
    money, basket, place = rng.spawn(3)
    customer, catalogue, channels = times.customer, plan.catalogue, plan.channels
    amount = money.standard_gamma(plan.spend.p, size=len(customer))
    amount *= (traits.mean_order_value / plan.spend.p)[customer]
    amount = np.maximum(np.round(amount, 2), 0.01)
    cycles = len(catalogue.refill_days)
    products = len(catalogue.categories) * cycles
    product = _usual_or_any(traits.favourite, customer, catalogue.favourite_share, choices=products, rng=basket)
    units = amount / np.repeat(catalogue.unit_prices, cycles)[product]
    return OrderLog(
        customer=customer,
        # The last moment can round up to the day beyond.
        second=np.minimum((times.day * SECONDS_PER_DAY).astype(np.int64), plan.days * SECONDS_PER_DAY - 1),
        amount=amount,
        quantity=np.maximum(np.rint(units), 1).astype(np.int64),
        product=product,
        channel=_usual_or_any(
            traits.preferred, customer, channels.preferred_share, choices=len(channels.names), rng=place
        ),
    )


def with_refunds(sales: OrderLog, traits: Traits, plan: Plan, *, rng: np.random.Generator) -> tuple[OrderLog, I64, I64]:
    """Put the refunds between the sales, by time.

    Returns
    -------
    log : OrderLog
        Sales and refunds.
    refund, refunded : int64, shape (refunds,)
        Rows of the log that hold a refund, ascending, and for each the row of the order that it refunds.
    """
    if plan.refunds is None:
        return sales, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    source, back = _refund_rows(sales, traits, plan.refunds, end=plan.days * SECONDS_PER_DAY, rng=rng)
    # Both parts are by time: the stable sort merges them, and keeps a refund behind the sales of its second.
    order = np.argsort(np.concatenate([sales.second, back.second]), kind="stable")
    row = np.empty_like(order)
    row[order] = np.arange(len(order))
    log = OrderLog(*(np.concatenate([getattr(sales, name), getattr(back, name)])[order] for name in OrderLog.__slots__))
    return log, row[len(sales.second) :], row[source]


def _refund_rows(
    sales: OrderLog, traits: Traits, refunds: Refunds, *, end: int, rng: np.random.Generator
) -> tuple[I64, OrderLog]:
    """Rows of the sales that are refunded before the second `end`, and the refunds, by time."""
    source = np.flatnonzero(rng.random(len(sales.customer)) < traits.refund_probability[sales.customer])
    delay = 1 + (rng.exponential(refunds.delay_days, size=len(source)) * SECONDS_PER_DAY).astype(np.int64)
    part = np.where(rng.random(len(source)) < refunds.full_share, 1.0, rng.random(len(source)))
    second = sales.second[source] + delay
    seen = np.flatnonzero(second < end)
    by_time = seen[np.argsort(second[seen], kind="stable")]
    source, part = source[by_time], part[by_time]
    back = OrderLog(
        customer=sales.customer[source],
        second=second[by_time],
        amount=-np.maximum(np.round(part * sales.amount[source], 2), 0.01),
        quantity=-np.maximum(np.rint(part * sales.quantity[source]), 1).astype(np.int64),
        product=sales.product[source],
        channel=sales.channel[source],
    )
    return source, back


def _usual_or_any(usual: I64, customer: I32, usual_share: float, *, choices: int, rng: np.random.Generator) -> I32:
    """Take the customer's usual choice in `usual_share` of the orders, and any, equally likely, in the others."""
    chosen = usual.astype(np.int32)[customer]
    other = np.flatnonzero(rng.random(len(chosen)) >= usual_share)
    chosen[other] = rng.integers(choices, size=len(other))
    return chosen

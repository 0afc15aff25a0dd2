"""When customers order: continuous days since the start of the span, drawn for all customers at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.traits import Traits
from crmkit.errors import DomainError

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """Orders in the span, all of shape (orders,).

    Attributes
    ----------
    customer : int32
        Position of the customer, 0 to customers - 1.
    day : float64
        Days since the start, in [0, days).
    leaves : bool
        The customer left for good after this order.
    """

    customer: I32
    day: F64
    leaves: Flags


def order_times(traits: Traits, plan: Plan, *, rng: np.random.Generator) -> OrderTimes:
    """Orders of all customers, by time."""
    patterns = () if plan.calendar_buyers is None else plan.calendar_buyers.months
    all_year, *each_pattern = rng.spawn(1 + len(patterns))
    parts = [_all_year(traits, plan, rng=all_year)]
    parts += [_in_pattern(traits, plan, i, rng=chance) for i, chance in enumerate(each_pattern)]
    times = _joined(parts)
    by_time = np.argsort(times.day)
    return OrderTimes(times.customer[by_time], times.day[by_time], times.leaves[by_time])


def regular_orders(
    first: F64, *, rate: F64, k: I64, lifetime_orders: I64, end: float, rng: np.random.Generator
) -> OrderTimes:
    """Orders with Erlang gaps: one round of draws per order, over the customers who are still there.

    Parameters
    ----------
    first : float64, shape (n,)
        Day of the first order, in [0, end).
    rate, k : float64 and int64, shape (n,)
        Orders per day; phases per order. A gap is Gamma(k, rate k * rate).
    lifetime_orders : int64, shape (n,)
        Orders until the customer leaves, the first included; at least 1.
    end : float
        First day beyond the span.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    OrderTimes
        `customer` is the position in `first`; by round, not by time.
    """
    customer, day = np.arange(len(first), dtype=np.int32), first
    orders, shape, scale = lifetime_orders, k.astype(np.float64), 1.0 / (k * rate)
    leaves = orders == 1
    rounds = [OrderTimes(customer, day, leaves)]
    while customer.size:
        following = day + rng.standard_gamma(shape) * scale
        goes_on = ~leaves & (following < end)
        customer, day = customer[goes_on], following[goes_on]
        orders, shape, scale = orders[goes_on], shape[goes_on], scale[goes_on]
        leaves = orders == len(rounds) + 1
        rounds.append(OrderTimes(customer, day, leaves))
    return _joined(rounds)


def calendar_orders(
    windows: F64, *, first_windows: int, lifetime_orders: I64, attendance: float, rng: np.random.Generator
) -> OrderTimes:
    """Orders of customers who order at most once in each window, at a uniform moment of it.

    Parameters
    ----------
    windows : float64, shape (w, 2)
        First day, and first day beyond; ascending, disjoint.
    first_windows : int
        The first order falls into one of the first so many windows, equally likely; 1 to w.
    lifetime_orders : int64, shape (n,)
        Orders until the customer leaves, the first included; at least 1.
    attendance : float
        Probability of an order in each window after the first order, in (0, 1].
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    OrderTimes
        `customer` is the position in `lifetime_orders`; by customer.
    """
    n, w = len(lifetime_orders), len(windows)
    first = rng.integers(first_windows, size=n)[:, None]
    window = np.arange(w)
    attends = (window == first) | ((window > first) & (rng.random((n, w)) < attendance))
    placed = np.cumsum(attends, axis=1)
    customer, visit = np.nonzero(attends & (placed <= lifetime_orders[:, None]))
    opens, closes = windows[visit, 0], windows[visit, 1]
    return OrderTimes(
        customer=customer.astype(np.int32),
        day=opens + rng.random(len(visit)) * (closes - opens),
        leaves=placed[customer, visit] == lifetime_orders[customer],
    )


def month_windows(months: tuple[int, ...], plan: Plan) -> tuple[F64, int]:
    """Every stay in one of `months`: first day and first day beyond, shape (w, 2); how many open to first orders."""
    month = _month_of_day(plan)
    opens = np.flatnonzero(np.diff(month, prepend=0) != 0)
    closes = np.append(opens[1:], plan.days)
    mine = np.isin(month[opens], months)
    first_windows = int((opens[mine] < plan.acquisition_days).sum())
    if first_windows == 0:
        raise DomainError(
            f"calendar_buyers.months holds {months}, but none of these months lies within the first "
            f"{plan.acquisition_days} days from {plan.start}, when first orders are placed. Take a longer span, other "
            f"months, or calendar_buyers=None."
        )
    return np.stack([opens[mine], closes[mine]], axis=1).astype(np.float64), first_windows


def operational_days(plan: Plan) -> F64:
    """Operational days passed when each calendar day starts; shape (days + 1,). Without a season the clocks agree."""
    if plan.season is None:
        return np.arange(plan.days + 1.0)
    index = np.asarray(plan.season.index) / np.mean(plan.season.index)
    return np.concatenate([[0.0], np.cumsum(index[_month_of_day(plan) - 1])])


def _month_of_day(plan: Plan) -> I64:
    day = np.datetime64(plan.start, "D") + np.arange(plan.days).astype("timedelta64[D]")
    return day.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _all_year(traits: Traits, plan: Plan, *, rng: np.random.Generator) -> OrderTimes:
    members = np.flatnonzero(traits.pattern < 0).astype(np.int32)
    clock = operational_days(plan)
    times = regular_orders(
        rng.random(len(members)) * clock[plan.acquisition_days],
        rate=traits.rate[members],
        k=traits.k[members],
        lifetime_orders=traits.lifetime_orders[members],
        end=float(clock[-1]),
        rng=rng,
    )
    day = times.day if plan.season is None else np.interp(times.day, clock, np.arange(plan.days + 1.0))
    return OrderTimes(members[times.customer], day, times.leaves)


def _in_pattern(traits: Traits, plan: Plan, pattern: int, *, rng: np.random.Generator) -> OrderTimes:
    buyers = plan.calendar_buyers
    assert buyers is not None
    members = np.flatnonzero(traits.pattern == pattern).astype(np.int32)
    windows, first_windows = month_windows(buyers.months[pattern], plan)
    times = calendar_orders(
        windows,
        first_windows=first_windows,
        lifetime_orders=traits.lifetime_orders[members],
        attendance=buyers.attendance,
        rng=rng,
    )
    return OrderTimes(members[times.customer], times.day, times.leaves)


def _joined(parts: Sequence[OrderTimes]) -> OrderTimes:
    return OrderTimes(
        customer=np.concatenate([part.customer for part in parts]),
        day=np.concatenate([part.day for part in parts]),
        leaves=np.concatenate([part.leaves for part in parts]),
    )

"""A company that never was, with the truth about each of its customers."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.assumptions import (
    CalendarBuyers,
    Catalogue,
    Channels,
    Plan,
    PurchaseProcess,
    Refunds,
    Season,
    Spend,
)
from crmkit.datasets.order_log import SECONDS_PER_DAY, OrderLog, sales_log, with_refunds
from crmkit.datasets.order_times import order_times
from crmkit.datasets.traits import Traits, draw_traits
from crmkit.errors import DomainError

I64 = npt.NDArray[np.int64]

# Each part of the company has its own source of chance, in this order: parts added at the end leave the earlier ones
# as they are for the same seed.
_PARTS = ("traits", "order times", "sales", "refunds")


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """What the company's systems hold, and what only the simulation knows.

    Attributes
    ----------
    orders : pandas.DataFrame, `schema.ORDERS`
        One row per order or refund, by time: `order_id` (1, 2, ... in that order), `customer_id`, `ordered_at` (to the
        second), `amount` (money, to the cent; negative for refunds), `product_id`, `quantity` (units, at least 1;
        negative for refunds), `category`, `channel`.
    refunds : pandas.DataFrame
        Truth, one row per refund: its `order_id`, and the `refunded_order_id`.
    products : pandas.DataFrame
        `product_id`, `category`, `unit_price` (money), `refill_days` (days that a purchase lasts).
    truth : pandas.DataFrame
        Truth, one row per customer, by `customer_id`:

        - `acquired_at`: first order.
        - `rate_per_day`: orders per day while the customer is there (on the season's clock, if there is one).
        - `k`: regularity, Erlang phases per order; null for calendar buyers.
        - `calendar_months`: months in which a calendar buyer orders, as in "3,9"; null for those who buy all year.
        - `dropout_probability`: probability to leave after each order.
        - `left_at`: moment of the order after which the customer left; null for customers alive at the end.
        - `alive_at_end`: the customer has not left by the last day.
        - `order_count`: orders in the span, refunds not counted; at least 1.
        - `mean_order_value`: expected amount of an order; money.
        - `refund_probability`: probability that an order is refunded.
        - `favourite_product_id`, `preferred_channel`.
    """

    orders: pd.DataFrame
    refunds: pd.DataFrame
    products: pd.DataFrame
    truth: pd.DataFrame


def simulate_company(
    customers: int,
    *,
    rng: np.random.Generator,
    start: dt.date = dt.date(2022, 1, 1),
    days: int = 1096,
    acquisition_days: int | None = None,
    purchases: PurchaseProcess = PurchaseProcess(),  # noqa: B008 - frozen, as are the other parameters
    spend: Spend = Spend(),  # noqa: B008
    season: Season | None = Season(),  # noqa: B008
    calendar_buyers: CalendarBuyers | None = CalendarBuyers(),  # noqa: B008
    refunds: Refunds | None = Refunds(),  # noqa: B008
    catalogue: Catalogue = Catalogue(),  # noqa: B008
    channels: Channels = Channels(),  # noqa: B008
    ids: Literal["integer", "text"] = "integer",
) -> Company:
    """Simulate a company of which the customers' habits, and their ends, are known.

    With `season`, `calendar_buyers` and `refunds` None the orders follow `purchases` exactly, in continuous time that
    is cut to the second in the end. By default a customer places about ten orders in the three years.

    Parameters
    ----------
    customers : int
        At least 1; each has at least one order.
    rng : numpy.random.Generator
        Source of chance: the same state gives the same company (with the same release of NumPy).
    start : date
        First day of the span.
    days : int
        Length of the span; days, at least 1.
    acquisition_days : int, optional
        First orders are spread evenly (on the season's clock) over the first so many days; 1 to `days`. None: all days.
    purchases, spend, catalogue, channels
        What always takes place.
    season, calendar_buyers, refunds
        What None turns off.
    ids : {"integer", "text"}
        Customer ids 1, 2, ... as int64, or texts like "C0000001", which cost time and memory in a large company.

    Returns
    -------
    Company
        Tables with the truth beside them. `product_id`, `category` and `channel` are categories.

    Raises
    ------
    DomainError
        A count lies outside its domain, or no month of a calendar pattern lies within the acquisition days.

    Examples
    --------
    >>> company = simulate_company(200, rng=np.random.default_rng(7))
    >>> len(company.truth), bool((company.truth["order_count"] >= 1).all())
    (200, True)
    """
    plan = Plan(
        customers=customers,
        start=start,
        days=days,
        acquisition_days=days if acquisition_days is None else acquisition_days,
        purchases=purchases,
        spend=spend,
        season=season,
        calendar_buyers=calendar_buyers,
        refunds=refunds,
        catalogue=catalogue,
        channels=channels,
    )
    seeds = rng.integers(2**32, size=(len(_PARTS), 4))
    # Seeds are drawn, not spawned: spawning would ignore the generator's state.
    chance = {part: np.random.default_rng(seed) for part, seed in zip(_PARTS, seeds, strict=True)}
    traits = draw_traits(plan, rng=chance["traits"])
    times = order_times(traits, plan, rng=chance["order times"])
    sales = sales_log(times, traits, plan, rng=chance["sales"])
    log, refund, refunded = with_refunds(sales, traits, plan, rng=chance["refunds"])
    products = _product_table(catalogue)
    customer_id = _customer_ids(customers, ids)
    return Company(
        orders=_order_table(log, plan, products, customer_id),
        refunds=pd.DataFrame({"order_id": refund + 1, "refunded_order_id": refunded + 1}),
        products=products,
        truth=_truth_table(traits, sales, times.leaves, plan, products, customer_id),
    )


def _customer_ids(customers: int, ids: Literal["integer", "text"]) -> pd.Series:
    number = pd.Series(np.arange(1, customers + 1))
    if ids == "integer":
        return number
    if ids == "text":
        return "C" + number.astype(str).str.zfill(7)
    raise DomainError(f'ids must be "integer" or "text", got {ids!r}.')


def _product_table(catalogue: Catalogue) -> pd.DataFrame:
    category = np.repeat(catalogue.categories, len(catalogue.refill_days))
    refill_days = np.tile(catalogue.refill_days, len(catalogue.categories))
    return pd.DataFrame(
        {
            "product_id": [f"{name}-{cycle}" for name, cycle in zip(category, refill_days, strict=True)],
            "category": category,
            "unit_price": np.repeat(catalogue.unit_prices, len(catalogue.refill_days)),
            "refill_days": refill_days,
        }
    )


def _order_table(log: OrderLog, plan: Plan, products: pd.DataFrame, customer_id: pd.Series) -> pd.DataFrame:
    cycles = len(plan.catalogue.refill_days)
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(log.customer) + 1),
            "customer_id": customer_id.array.take(log.customer),
            "ordered_at": _moments(log.second, plan),
            "amount": log.amount,
            "product_id": _categories(log.product, products["product_id"]),
            "quantity": log.quantity,
            "category": _categories(log.product // cycles, plan.catalogue.categories),
            "channel": _categories(log.channel, plan.channels.names),
        },
        copy=False,
    )


def _truth_table(
    traits: Traits,
    sales: OrderLog,
    leaves: npt.NDArray[np.bool_],
    plan: Plan,
    products: pd.DataFrame,
    customer_id: pd.Series,
) -> pd.DataFrame:
    acquired = np.full(plan.customers, plan.days * SECONDS_PER_DAY)
    np.minimum.at(acquired, sales.customer, sales.second)
    left = np.full(plan.customers, np.datetime64("NaT", "us"))
    left[sales.customer[leaves]] = _moments(sales.second[leaves], plan)
    patterns = () if plan.calendar_buyers is None else plan.calendar_buyers.months
    months = [",".join(str(month) for month in sorted(set(pattern))) for pattern in patterns]
    return pd.DataFrame(
        {
            "customer_id": customer_id,
            "acquired_at": _moments(acquired, plan),
            "rate_per_day": traits.rate,
            "k": pd.Series(traits.k, dtype="Int64").mask(traits.pattern >= 0),
            "calendar_months": _categories(traits.pattern, months),
            "dropout_probability": traits.dropout_probability,
            "left_at": left,
            "alive_at_end": np.isnat(left),
            "order_count": np.bincount(sales.customer, minlength=plan.customers),
            "mean_order_value": traits.mean_order_value,
            "refund_probability": traits.refund_probability,
            "favourite_product_id": _categories(traits.favourite, products["product_id"]),
            "preferred_channel": _categories(traits.preferred, plan.channels.names),
        }
    )


def _categories(codes: npt.NDArray[np.signedinteger], names: Iterable[str]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(codes, pd.Index(list(names), dtype=str))


def _moments(second: I64, plan: Plan) -> npt.NDArray[np.datetime64]:
    # Microseconds are what pandas reads dates as, and what every engine takes.
    return np.datetime64(plan.start, "us") + (second * 1_000_000).astype("timedelta64[us]")

"""A company of any size, simulated: orders first, then all that its systems hold beside them."""

import datetime as dt
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
from crmkit.datasets.columns import Buyers
from crmkit.datasets.company import Company
from crmkit.datasets.crm import Crm
from crmkit.datasets.crm_tables import PARTS, Tables, blank_tables, crm_tables
from crmkit.datasets.mess import listing, spoiled_leads, spoiled_orders
from crmkit.datasets.order_log import SECONDS_PER_DAY, OrderLog, sales_log, with_refunds
from crmkit.datasets.order_tables import order_table, product_table, truth_table
from crmkit.datasets.order_times import OrderTimes, order_times
from crmkit.datasets.service_assumptions import Mess
from crmkit.datasets.traits import Traits, draw_traits
from crmkit.errors import DomainError

I64 = npt.NDArray[np.int64]

# Each part of the company has its own source of chance, in this order: parts added at the end leave the earlier ones
# as they are for the same seed.
_PARTS = ("traits", "order times", "sales", "refunds", *PARTS)


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
    crm: Crm | None = Crm(),  # noqa: B008
    mess: Mess | None = None,
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
    crm : Crm, optional
        What is simulated beside orders, refunds and products; None: nothing. It changes none of these.
    mess : Mess, optional
        Rows to spoil, for tests of cleaning. None: all tables are clean.

    Returns
    -------
    Company
        Tables with the truth beside them. `product_id`, `category` and `channel` are categories.

    Raises
    ------
    DomainError
        A count lies outside its domain, no month of a calendar pattern lies within the acquisition days, hardly any
        lead converts, or more rows are to be spoiled than there are.

    Notes
    -----
    What hangs together: customers of all tables are in `customers`. A customer who was a lead has the lead's region,
    industry, size and owner, was entered when it converted, and orders after that. A deal is won when its lead
    converts.
    Every order is a conversion. What touches and lead events have to do with orders and conversions is either caused by
    them, as the truth says, or confounded. Contracts end on a hazard of their own: they say nothing about orders.

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
    products = product_table(catalogue)
    buyers = _buyers(times, sales, len(log.customer), refund, traits, plan, _customer_ids(customers, ids))
    tables = {
        "orders": order_table(log, plan, products, buyers.customer_id),
        "refunds": pd.DataFrame({"order_id": refund + 1, "refunded_order_id": refunded + 1}),
        "products": products,
        "truth": truth_table(buyers, products),
        **(blank_tables() if crm is None else crm_tables(buyers, crm, chance)),
    }
    return Company(**_with_mess(tables, mess, plan, rng=chance["mess"]))


def _buyers(
    times: OrderTimes, sales: OrderLog, rows: int, refund: I64, traits: Traits, plan: Plan, customer_id: pd.Series
) -> Buyers:
    end = plan.days * SECONDS_PER_DAY
    acquired, gone, left = (
        np.full(plan.customers, end),
        np.full(plan.customers, end),
        np.zeros(plan.customers, np.bool_),
    )
    np.minimum.at(acquired, sales.customer, sales.second)
    gone[sales.customer[times.leaves]] = sales.second[times.leaves]
    left[sales.customer[times.leaves]] = True
    is_sale = np.ones(rows, dtype=np.bool_)
    is_sale[refund] = False
    return Buyers(customer_id, acquired, gone, left, sales, np.flatnonzero(is_sale) + 1, traits, plan)


def _with_mess(tables: Tables, mess: Mess | None, plan: Plan, *, rng: np.random.Generator) -> Tables:
    listed: list[pd.DataFrame] = []
    if mess is not None:
        of_leads, of_orders = rng.spawn(2)
        end = pd.Timestamp(plan.start) + pd.Timedelta(days=plan.days) - pd.Timedelta(seconds=1)
        leads, copies = spoiled_leads(tables["leads"], mess, end=end, rng=of_leads)
        orders, spoiled = spoiled_orders(tables["orders"], mess, rng=of_orders)
        tables, listed = tables | {"leads": leads, "orders": orders}, [copies, spoiled]
    return tables | {"mess": listing(listed)}


def _customer_ids(customers: int, ids: Literal["integer", "text"]) -> pd.Series:
    number = pd.Series(np.arange(1, customers + 1))
    if ids == "integer":
        return number
    if ids == "text":
        return "C" + number.astype(str).str.zfill(7)
    raise DomainError(f'ids must be "integer" or "text", got {ids!r}.')

"""From an order log to one row per customer: order days, gaps, and the summary that purchase processes need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.models.season_clock import SeasonClock

Refunds: TypeAlias = Literal["exclude", "net", "raise"]
_CUSTOMER = ("customer_id",)
_WITHIN = ("product_id", "category", "channel")  # columns that may stand beside the customer in a key
_EARLIEST = dt.date(1900, 1, 1)
_BEFORE_ALL = dt.date(1800, 1, 1)  # tables hold the years 1900 to 2199; Spark takes no year of fewer than four digits


def purchase_summary(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    refunds: Refunds = "exclude",
    by: Sequence[str] = ("customer_id",),
    clock: SeasonClock | None = None,
) -> IntoFrameT:
    """Purchase history of each customer in the numbers that purchase processes need.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    refunds : {"exclude", "net", "raise"}
        What orders of a negative amount are. "exclude": they are left out. "net": each is taken off the last order
        day on or before it (off the first order day if none is). "raise": rows of a negative amount are refused,
        wherever they lie. A refund is never an order; an order of 0 is one.
    by : sequence of str
        Whose history: "customer_id", and with it any of "product_id", "category", "channel", such as each customer's
        orders of each product. Rows that lack one of these take no part.
    clock : SeasonClock, optional
        `sum_log_gap` is then that of operational days, as its `histories` need it; all else stays in calendar days.

    Returns
    -------
    data frame like `orders`
        One row per customer with at least one order, sorted by `by`: `frequency` (count of order days after
        the first), `recency` (days from first to last order day), `T` (days from first order day to `as_of`),
        `monetary_value` (mean value of the order days after the first; 0 when there are none), `order_days` (count),
        `first_order_day`, `last_order_day` (dates), `sum_log_gap` (sum of ln of the gaps between order days in days;
        9 decimals).

    Raises
    ------
    DomainError
        `refunds`, `as_of` or `by` is none of these.

    Notes
    -----
    Two orders on one day are one order day. Where there are no refunds, lifetimes'
    `summary_data_from_transaction_data` agrees on `frequency`, `recency`, `T` and `monetary_value`; it counts a refund
    as a purchase.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), section 3: x, t_x, T.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "ann"], "amount": [20.0, 40.0, 15.0],
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-03-11"])})
    >>> row = purchase_summary(orders, as_of=dt.date(2024, 3, 31)).iloc[0]
    >>> int(row.frequency), int(row.recency), int(row["T"]), float(row.monetary_value)
    (2, 66, 86, 27.5)
    """
    rows = summary_rows(orders, as_of=as_of, refunds=refunds, by=by, clock=clock)
    return frames.leave(rows, like=orders, sort=checked_keys(by))


def summary_rows(
    orders: Any, *, as_of: dt.date, refunds: Refunds, by: Sequence[str], clock: SeasonClock | None = None
) -> frames.Frame:
    """Return `purchase_summary` in its engine, for rooms that go on from there."""
    keys = checked_keys(by)
    sales = _sales(order_rows(orders, as_of=as_of, refunds=refunds, by=keys), refunds, keys)
    return _summed(sales, as_of, keys, clock)


def order_days(orders: IntoFrameT, *, as_of: dt.date, refunds: Refunds = "exclude") -> IntoFrameT:
    """Days on which each customer ordered, with what the day was worth and the gap since the order day before.

    Parameters
    ----------
    orders, as_of, refunds
        As for `purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per customer and order day, sorted by both: `customer_id`, `order_day` (date), `orders` (count),
        `amount` (money), `gap_days` (days since the customer's order day before; missing on the first).
    """
    days = day_rows(orders, as_of=as_of, refunds=refunds)
    daily = frames.with_gaps(days, day="order_day", by=_CUSTOMER)
    columns = ["customer_id", "order_day", "orders", "amount", "gap_days"]
    return frames.leave(daily.select(*columns), like=orders, sort=["customer_id", "order_day"])


def buyers_by_day(orders: IntoFrameT, *, as_of: dt.date, refunds: Refunds = "exclude") -> IntoFrameT:
    """How many customers ordered on each day, and for how many it was the first time.

    Parameters
    ----------
    orders, as_of, refunds
        As for `purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per day with an order, sorted: `order_day` (date), `buyers`, `new_buyers` (customers).
    """
    daily = day_rows(orders, as_of=as_of, refunds=refunds)
    first = daily.group_by("customer_id").agg(nw.col("order_day").min())
    new = first.group_by("order_day").agg(new_buyers=nw.len())
    counted = daily.group_by("order_day").agg(buyers=nw.len()).join(new, on="order_day", how="left")
    whole = counted.with_columns(nw.col("buyers").cast(nw.Int64), nw.col("new_buyers").fill_null(0).cast(nw.Int64))
    return frames.leave(whole, like=orders, sort=["order_day"])


def holdout_summary(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int,
    refunds: Refunds = "exclude",
    clock: SeasonClock | None = None,
) -> IntoFrameT:
    """Purchase history up to a day beside what was bought after it: the two halves of a back-test.

    Parameters
    ----------
    orders, as_of, refunds
        As for `purchase_summary`; the log must reach `as_of` + `horizon_days`.
    horizon_days : int
        Length of the holdout; days, at least 1.
    clock
        As for `purchase_summary`.

    Returns
    -------
    data frame like `orders`
        `purchase_summary` at `as_of`, with `holdout_order_days` (count of order days in the `horizon_days` after
        `as_of`), `holdout_amount` (their value) and `holdout_first_day` (date of the first; missing if there is
        none). Customers whose first order lies after `as_of` are not in it.
        Each half is read as if there were no other: with "net", a refund after `as_of` is taken off orders after it.

    Raises
    ------
    DomainError
        `horizon_days` is below 1.
    """
    rows = holdout_rows(orders, as_of=as_of, horizon_days=horizon_days, refunds=refunds, clock=clock)
    return frames.leave(rows, like=orders, sort=["customer_id"])


def holdout_rows(
    orders: Any, *, as_of: dt.date, horizon_days: int, refunds: Refunds, clock: SeasonClock | None = None
) -> frames.Frame:
    """Return `holdout_summary` in its engine, for rooms that go on from there."""
    if horizon_days < 1:
        raise DomainError(f"horizon_days must be at least 1 (days), got {horizon_days}.")
    cut, day = frames.as_day(as_of), nw.col("order_day")
    end = cut + dt.timedelta(days=horizon_days)
    rows = _dated_rows(orders, refunds)  # cut before lines become orders: a later line must not reach into the past
    past = _summed(_sales(_one_row_per_order(rows.filter(day <= nw.lit(cut))), refunds), cut, clock=clock)
    future = rows.filter((day > nw.lit(cut)) & (day <= nw.lit(end)))
    later = _daily(_sales(_one_row_per_order(future), refunds))
    bought = later.group_by("customer_id").agg(
        holdout_order_days=nw.len(), holdout_amount=nw.col("amount").sum(), holdout_first_day=day.min()
    )
    return past.join(bought, on="customer_id", how="left").with_columns(
        nw.col("holdout_order_days").fill_null(0).cast(nw.Int64),
        holdout_amount=frames.money(nw.col("holdout_amount").fill_null(0.0)),
    )


def order_rows(
    orders: Any,
    *,
    as_of: dt.date,
    refunds: Refunds,
    window_days: int | None = None,
    by: Sequence[str] = _CUSTOMER,
) -> frames.Frame:
    """One row per order, checked and cut at `as_of`: `by`, `order_day` (date), `amount`; refunds are negative.

    Rows of one customer with one `order_id` are one order, on the day of its first row; a row without `order_id` is an
    order of its own.
    """
    if window_days is not None and window_days < 1:
        raise DomainError(f"window_days must be at least 1 (days), got {window_days}.")
    last = frames.as_day(as_of)
    rows = _dated_rows(orders, refunds, by).filter(nw.col("order_day") <= nw.lit(last))
    if window_days is not None and window_days < last.toordinal():  # else the window begins before the calendar
        rows = rows.filter(nw.col("order_day") > nw.lit(last - dt.timedelta(days=window_days)))
    return _one_row_per_order(rows, by)


def day_rows(orders: Any, *, as_of: dt.date, refunds: Refunds) -> frames.Frame:
    """One row per customer and order day, checked and cut at `as_of`: `customer_id`, `order_day`, `amount`, `orders`.

    For rooms that look at an order log several times: settled, it is read and checked once.
    """
    return worth_of_days(order_rows(orders, as_of=as_of, refunds=refunds), refunds)


def worth_of_days(rows: frames.Frame, refunds: Refunds) -> frames.Frame:
    """Return `day_rows` of `order_rows`, for rooms that need both."""
    return _daily(_sales(rows, refunds))


def summary_of_days(days: frames.Frame, *, as_of: dt.date, clock: SeasonClock | None = None) -> frames.Frame:
    """Return `purchase_summary` of `day_rows`, in its engine."""
    return _summed(days, as_of, clock=clock)


def checked_keys(by: str | Sequence[str]) -> list[str]:
    """Return the columns that name whose history is meant; DomainError for any other."""
    keys = [by] if isinstance(by, str) else list(by)
    if "customer_id" not in keys or len(set(keys)) < len(keys) or not set(keys) <= {*_CUSTOMER, *_WITHIN}:
        raise DomainError(
            f"by must be 'customer_id', alone or with any of {', '.join(map(repr, _WITHIN))}, got {by!r}.\n"
            f"Such as by=['customer_id', 'product_id'] for each customer's orders of each product."
        )
    return keys


def _dated_rows(orders: Any, refunds: Refunds, by: Sequence[str] = _CUSTOMER) -> frames.Frame:
    """Check an order log; `order_day` is the day of each row."""
    if refunds not in ("exclude", "net", "raise"):
        raise DomainError(f'refunds must be "exclude", "net" or "raise", got {refunds!r}.')
    entered = schema.admit(
        orders,
        schema.ORDERS,
        columns=(*_CUSTOMER, "ordered_at", "amount", "order_id", *[name for name in by if name in _WITHIN]),
        non_negative=("amount",) if refunds == "raise" else (),
    )
    lacking = [name for name in by if name not in frames.names_of(entered)]
    if lacking:
        raise SchemaError(
            f"orders.{lacking[0]}: the column is missing; expected one, as by={list(by)} asks for it.\n"
            f"Name the column with schema.conform(orders, schema.ORDERS, rename={{...}}), or leave it out of by."
        )
    for name in by:
        entered = entered if name in _CUSTOMER else entered.filter(~nw.col(name).is_null())
    return entered.with_columns(nw.col("amount").cast(nw.Float64), order_day=nw.col("ordered_at").cast(nw.Date))


def _one_row_per_order(rows: frames.Frame, by: Sequence[str] = _CUSTOMER) -> frames.Frame:
    columns = [*by, "order_day", "amount"]
    if "order_id" not in frames.names_of(rows):
        return rows.select(*columns)
    without = nw.col("order_id").is_null()
    lines = rows.filter(~without)
    whole = lines.group_by(*by, "order_id").agg(nw.col("order_day").min(), nw.col("amount").sum())
    single = rows.filter(without).select(*columns)
    return nw.concat([whole.with_columns(frames.money(nw.col("amount"))).select(*columns), single])


def _sales(rows: frames.Frame, refunds: Refunds, by: Sequence[str] = _CUSTOMER) -> frames.Frame:
    """Keep what counts: `by`, day, amount, `sale` (1, or 0 for a refund moved to the day it is taken off)."""
    if refunds == "net":
        return _netted(rows, by)
    return rows.filter(nw.col("amount") >= 0).with_columns(sale=nw.lit(1))


def _netted(rows: frames.Frame, by: Sequence[str]) -> frames.Frame:
    """Move each refund to the order day that it is taken off; customers without any order are left out."""
    moved = settled_refunds(rows, by)
    return moved.filter(~nw.col("first_day").is_null())


def settled_refunds(rows: frames.Frame, by: Sequence[str]) -> frames.Frame:
    """Move each refund to the order day that it is taken off; `first_day` (null for refunds only), `early` (0 or 1).

    Early is a refund before the first order. Those of customers without any order stand together on a day before all.
    """
    day, is_sale = nw.col("order_day"), nw.col("amount") >= 0
    marked = rows.with_columns(
        sale=frames.one_if(is_sale),
        later=frames.one_if(~is_sale),
        first_day=nw.when(is_sale).then(day),
        # Not null for a refund: cum_max gives null where its own row is null.
        latest_day=nw.when(is_sale).then(day).otherwise(nw.lit(_BEFORE_ALL)),
    )
    by_customer = marked.with_columns(
        first_day=nw.col("first_day").min().over(*by),
        latest_day=nw.col("latest_day").cum_max().over(*by, order_by=["order_day", "later"]),
    )
    settled = nw.max_horizontal("first_day", "latest_day")  # before the first order day it is the first order day
    early = nw.col("first_day").is_null() | (day < nw.col("first_day"))
    return by_customer.with_columns(order_day=settled, early=frames.one_if(early))


def _daily(sales: frames.Frame) -> frames.Frame:
    """One row per customer and order day: `orders`, `amount`."""
    return (
        sales.group_by("customer_id", "order_day")
        .agg(nw.col("amount").sum(), orders=nw.col("sale").sum())
        .with_columns(frames.money(nw.col("amount")), nw.col("orders").cast(nw.Int64))
    )


def _summed(
    sales: frames.Frame, as_of: dt.date, by: Sequence[str] = _CUSTOMER, clock: SeasonClock | None = None
) -> frames.Frame:
    return at_day(history_sums(sales, as_of, by, clock), as_of, by)


def history_sums(
    sales: frames.Frame,
    as_of: dt.date,
    by: Sequence[str] = _CUSTOMER,
    clock: SeasonClock | None = None,
    **further: nw.Expr,
) -> frames.Frame:
    """Sum up the history of each customer in one window and one grouping, without making the order days first.

    `frequency`, `repeat_amount`, the first and the last order day, `log_units` (`sum_log_gap` in units of 1e-9), and
    sums of further expressions, such as one of `rank`, which is 1 on the first order day.
    """
    day, gap = nw.col("order_day"), nw.col("gap_days")
    ticks = None if clock is None else "clock_day"
    timed = sales if clock is None else on_clock(sales, clock, as_of)
    rows = frames.with_gaps(timed, day="order_day", by=by, clock=ticks).with_columns(
        repeat=frames.one_if(gap > 0),
        repeat_amount=nw.when(nw.col("rank") > 1).then(nw.col("amount")).otherwise(0.0),
        **further,
    )
    return rows.group_by(*by).agg(
        *[nw.col(name).sum() for name in further],
        first_order_day=day.min(),
        last_order_day=day.max(),
        frequency=nw.col("repeat").sum(),
        repeat_amount=nw.col("repeat_amount").sum(),
        log_units=nw.col("log_gap").sum(),
    )


def at_day(sums: frames.Frame, as_of: dt.date, by: Sequence[str]) -> frames.Frame:
    """Write `history_sums` as a purchase summary: how long ago things were, as seen from a day."""
    customers = frames.with_day_numbers(sums, first="first_order_day", last="last_order_day")
    repeats = nw.col("frequency").cast(nw.Int64)
    return customers.select(
        *by,
        frequency=repeats,
        recency=nw.col("last") - nw.col("first"),
        T=frames.as_day(as_of).toordinal() - nw.col("first"),
        monetary_value=frames.money(nw.col("repeat_amount")) / nw.when(repeats > 0).then(repeats).otherwise(1),
        order_days=repeats + 1,
        first_order_day=nw.col("first_order_day"),
        last_order_day=nw.col("last_order_day"),
        sum_log_gap=nw.col("log_units").cast(nw.Int64) / 1e9,  # summed as integers: the same in every run, a key
    )


def on_clock(
    rows: frames.Frame, clock: SeasonClock, until: dt.date, *, day: str = "order_day", at: str = "clock_day"
) -> frames.Frame:
    """Add the operational days from the earliest day that a table may hold to a date column."""
    numbered = frames.with_day_numbers(rows, day_number=day)
    days = np.arange(_EARLIEST.toordinal(), frames.as_day(until).toordinal() + 1)
    return frames.join_small(numbered, {"day_number": days, at: clock.position(days)}, on=["day_number"])


def order_lines(orders: Any, *, as_of: dt.date, refunds: Refunds) -> frames.Frame:
    """Return the rows of an order log as they were booked, before lines become orders, cut at `as_of`.

    `customer_id`, `order_day` (date of the row), `amount`, and `order_id` if the log has it: for rooms that ask what
    was known on several days of one log.
    """
    last = frames.as_day(as_of)
    rows = _dated_rows(orders, refunds).filter(nw.col("order_day") <= nw.lit(last))
    named = [name for name in ("order_id",) if name in frames.names_of(rows)]
    return rows.select("customer_id", "order_day", "amount", *named)

"""Big orders of this time last year that have not been repeated yet."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, summary
from crmkit.errors import DomainError
from crmkit.models.cuts import least_of_top

_HALF_A_YEAR = 182  # beyond it, a day would be near two anniversaries
_EARLIEST = 300  # a repetition may not begin with the big order itself


def year_ago_orders(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    within_days: int = 30,
    top_share: float = 0.2,
    early_days: int = 60,
    repeat_share: float = 0.5,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Recall big orders whose anniversary is near and that the customer has not repeated.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    within_days : int
        How near the anniversary is: after `as_of` - `within_days`, and on or before `as_of` + `within_days`; 1 to 182.
    top_share : float
        Share of the base's order days that are big, in (0, 1].
    early_days : int
        Days before the anniversary from which on an order repeats the big one; 0 to 300.
    repeat_share : float
        Share of its value that an order day needs to repeat it, in (0, 1].
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per customer and big order day, sorted by `customer_id` and `ordered_on`: `ordered_on` (date of the big
        order), `amount` (its day's value; money), `due_on` (its anniversary, date), `since_amount` (value of the order
        days from `due_on` - `early_days` to `as_of`, none of which repeats it; money, 0 if there are none). A
        customer can have several rows; a single later order repeats all of those for which it is large enough.

    Raises
    ------
    DomainError
        A parameter is out of its domain.

    Notes
    -----
    Orders of one day are one order. The anniversary has the same month and day a year later; that of 29 February is
    28 February. An order day is big if its value is

    - above 0,
    - in the base's upper share: of the order days of the two years up to `as_of`, a share of less than `top_share`
      is worth more. Equal values are big together, so slightly more than `top_share` can be;
    - at least the customer's own median: more than half of the customer's order days up to `as_of`, itself included,
      are worth no more.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "amount": [900.0, 40.0, 15.0],
    ...     "ordered_at": pd.to_datetime(["2023-06-20", "2024-05-02", "2024-05-10"])})
    >>> row = year_ago_orders(orders, as_of=dt.date(2024, 6, 1), top_share=0.4).iloc[0]
    >>> row["customer_id"], str(row["due_on"].date()), float(row["amount"]), float(row["since_amount"])
    ('ann', '2024-06-20', 900.0, 40.0)
    """
    _check(within_days, top_share, early_days, repeat_share)
    days = frames.settled(summary.day_rows(orders, as_of=as_of, refunds=refunds), like=orders)
    table = year_ago_frame(
        days,
        as_of=as_of,
        like=orders,
        within_days=within_days,
        top_share=top_share,
        early_days=early_days,
        repeat_share=repeat_share,
    )
    return frames.leave(table, like=orders, sort=["customer_id", "ordered_on"])


def year_ago_frame(
    days: frames.Frame,
    *,
    as_of: dt.date,
    like: Any,
    within_days: int = 30,
    top_share: float = 0.2,
    early_days: int = 60,
    repeat_share: float = 0.5,
) -> frames.Frame:
    """Return `year_ago_orders` of settled `summary.day_rows` in their engine; `like` is the caller's table."""
    day = frames.as_day(as_of)
    near = _anniversaries(day, within_days)
    least = _least_big_amount(days, day, top_share)
    likely = frames.with_day_numbers(_of_likely_customers(days, near, least), ordered_day="order_day")
    numbered = frames.settled(likely, like=like)
    judged = _judged(_big_days(numbered, near, least), numbered, early_days, repeat_share).filter(
        (2 * nw.col("no_more") > nw.col("own_days")) & (nw.col("repeats") == 0)
    )
    return judged.select(
        "customer_id",
        ordered_on=nw.col("order_day"),
        amount=nw.col("amount"),
        due_on=nw.col("due_on").cast(nw.Date),
        since_amount=frames.money(nw.col("since_amount")),
    )


def _check(within_days: int, top_share: float, early_days: int, repeat_share: float) -> None:
    if not 1 <= within_days <= _HALF_A_YEAR:
        raise DomainError(f"within_days must lie between 1 and {_HALF_A_YEAR} (days), got {within_days}.")
    if not 0 <= early_days <= _EARLIEST:
        raise DomainError(f"early_days must lie between 0 and {_EARLIEST} (days), got {early_days}.")
    for name, share in (("top_share", top_share), ("repeat_share", repeat_share)):
        if not 0.0 < share <= 1.0:
            raise DomainError(f"{name} must be a share above 0 and at most 1, got {share}.")


def _anniversaries(day: dt.date, within_days: int) -> dict[str, NDArray[Any]]:
    """List the days whose anniversary is near: `ordered_day`, `due_day` (day numbers), `due_on`."""
    near = range(day.toordinal() - within_days + 1, day.toordinal() + within_days + 1)
    earliest = dt.date.fromordinal(max(near[0] - 366, 1))
    days = [earliest + dt.timedelta(days=k) for k in range(len(near) + 2)]
    pairs = [(ordered, due) for ordered in days if (due := _a_year_on(ordered, 1)).toordinal() in near]
    return {
        "ordered_day": np.array([ordered.toordinal() for ordered, _ in pairs], dtype=np.int64),
        "due_day": np.array([due.toordinal() for _, due in pairs], dtype=np.int64),
        "due_on": np.array([due for _, due in pairs], dtype="datetime64[us]"),
    }


def _a_year_on(day: dt.date, years: int) -> dt.date:
    """Find the same month and day some years later; 29 February becomes the 28th where there is none."""
    year = min(max(day.year + years, 1), 9999)
    last = 28 if day.month == 2 and not calendar.isleap(year) else day.day
    return day.replace(year=year, day=min(day.day, last))


def _least_big_amount(days: frames.Frame, day: dt.date, top_share: float) -> float:
    """Value from which on an order day is big for the base."""
    recent = days.filter(nw.col("order_day") > nw.lit(_a_year_on(day, -2)))
    amounts = frames.distinct_rows(recent, ["amount"])
    return least_of_top(amounts["amount"], amounts["count"], top_share)


def _of_likely_customers(days: frames.Frame, near: dict[str, NDArray[Any]], least: float) -> frames.Frame:
    """Keep the customers with a big day at this time last year: few, so that all else is done for few."""
    first, last = int(near["ordered_day"].min(initial=10**9)), int(near["ordered_day"].max(initial=0))
    number = frames.with_day_numbers(days, ordered_day="order_day").filter(nw.col("amount") >= least)
    then = number.filter((nw.col("ordered_day") >= first) & (nw.col("ordered_day") <= last))
    return days.join(then.group_by("customer_id").agg(big_days=nw.len()), on="customer_id", how="semi")


def _big_days(days: frames.Frame, near: dict[str, NDArray[Any]], least: float) -> frames.Frame:
    big = days.filter((nw.col("amount") >= least) & (nw.col("amount") > 0))
    return frames.join_small(big, near, on=["ordered_day"]).filter(~nw.col("due_day").is_null())


def _judged(big: frames.Frame, days: frames.Frame, early_days: int, repeat_share: float) -> frames.Frame:
    """Hold each big day against all order days of its customer."""
    others = days.select("customer_id", other_day=nw.col("ordered_day"), other_amount=nw.col("amount"))
    pairs = big.join(others, on="customer_id", how="inner")
    amount, other = nw.col("amount"), nw.col("other_amount")
    is_since = nw.col("other_day") >= nw.col("due_day") - early_days
    flagged = pairs.with_columns(
        no_more=frames.one_if(other <= amount),
        repeats=frames.one_if(is_since & (other >= repeat_share * amount)),
        since_amount=nw.when(is_since).then(other).otherwise(0.0),
    )
    return flagged.group_by("customer_id", "order_day", "due_on", "amount").agg(
        nw.col("no_more").sum(), nw.col("repeats").sum(), nw.col("since_amount").sum(), own_days=nw.len()
    )

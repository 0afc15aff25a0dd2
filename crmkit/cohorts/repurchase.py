"""How many first-time buyers buy again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.cohorts.periods import first_days, share_columns, with_periods
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width


def repurchase_rate(
    orders: IntoFrameT,
    *,
    within_days: int,
    as_of: dt.date,
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
) -> IntoFrameT:
    """Share of first-time buyers who buy again within `within_days`, by cohort.

    Customers whose window is still open at `as_of` are left out: young, not lost.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line, in any order.
    within_days : int
        Length of the window after the first order day; days, at least 1.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `orders`
        One row per month of first order, sorted: `cohort_month` (its first day), `customers` (whose window is over),
        `bought_again` (of these, on a later day within the window), `repurchase_rate` (share) with `low`, `high`
        (Wilson), `window_open` (customers left out; where these are all, the rate is missing).

    Raises
    ------
    DomainError
        An option is out of its domain.

    Notes
    -----
    Orders of one day are one: buying again takes another day. Customers without `first order + within_days <= as_of`
    are left out even if they have bought again: the quick ones alone would make a rate of 1.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "bob", "eve"], "amount": 9.0,
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-01-25", "2024-01-20", "2024-03-01"])})
    >>> repurchase_rate(orders, within_days=30, as_of=dt.date(2024, 3, 10))["customers"].tolist()
    [2, 0]
    """
    normal_width(level)
    if within_days < 1:
        raise DomainError(f"within_days must be at least 1 (days), got {within_days}.")
    sums = _by_month(summary.day_rows(orders, as_of=as_of, refunds=refunds), within_days, as_of)
    cells = frames.arrays(sums, ["month", "customers", "again", "all"])
    order = np.argsort(cells["month"])
    month, customers, again, every = (cells[n].astype(np.int64)[order] for n in ("month", "customers", "again", "all"))
    columns: dict[str, Any] = {
        "cohort_month": first_days(month, "month"),
        "customers": customers,
        "bought_again": again,
        **share_columns(again.astype(np.float64), customers.astype(np.float64), level, "repurchase_rate"),
        "window_open": every - customers,
    }
    return frames.build(columns, like=orders)


def _by_month(days: frames.Frame, within_days: int, as_of: dt.date) -> frames.Frame:
    gaps = frames.with_gaps(days, day="order_day", by=["customer_id"])
    second = gaps.with_columns(wait=nw.when(nw.col("rank") == 2).then(nw.col("gap_days")))
    buyers = second.group_by("customer_id").agg(first=nw.col("order_day").min(), wait=nw.col("wait").min())
    numbered = frames.with_day_numbers(with_periods(buyers, "month", month="first"), day="first")
    over = nw.col("day") + within_days <= frames.as_day(as_of).toordinal()
    flagged = numbered.with_columns(
        over=frames.one_if(over),
        again=frames.one_if(over & ~nw.col("wait").is_null() & (nw.col("wait") <= within_days)),
    )
    return flagged.group_by("month").agg(nw.col("again").sum(), customers=nw.col("over").sum(), all=nw.len())

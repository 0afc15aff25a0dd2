"""Recency, frequency and money per customer."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary

MEASURES = ("days_since_order", "order_count", "revenue")


def rfm_table(
    orders: IntoFrameT, *, as_of: dt.date, window_days: int | None = None, refunds: summary.Refunds = "exclude"
) -> IntoFrameT:
    """Recency, frequency and money of each customer.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line; rows with one `order_id` are one order.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    window_days : int, optional
        Count the last `window_days` days only, `as_of` included; at least 1. All days by default. Customers without a
        row in the window are not in the table.
    refunds : {"exclude", "net", "raise"}
        What orders of a negative amount are. "exclude": left out of the revenue. "net": taken off it. "raise": refused.
        A refund is never an order, so it moves neither recency nor frequency.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted by `customer_id`: `days_since_order` (days from the last order to `as_of`),
        `order_count`, `revenue` (money, 6 decimals), `average_order_value` (revenue per order), `first_order_day`,
        `last_order_day` (dates). A customer with refunds only has `order_count` 0 and no days and no average.

    Raises
    ------
    DomainError
        `window_days` is below 1, or `refunds` is none of the three.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "amount": [20.0, 40.0, 15.0],
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-10"])})
    >>> rfm_table(orders, as_of=dt.date(2024, 3, 31))[["customer_id", "days_since_order", "order_count", "revenue"]]
      customer_id  days_since_order  order_count  revenue
    0         ann                30            2     60.0
    1         bob                50            1     15.0
    """
    rows = summary.order_rows(orders, as_of=as_of, refunds=refunds, window_days=window_days)
    amount, is_sale = nw.col("amount"), nw.col("amount") >= 0
    counted = amount if refunds == "net" else nw.when(is_sale).then(amount).otherwise(0.0)
    marked = rows.with_columns(
        revenue=counted, order_count=frames.one_if(is_sale), sale_day=nw.when(is_sale).then(nw.col("order_day"))
    )
    sums = marked.group_by("customer_id").agg(
        nw.col("order_count").sum(),
        nw.col("revenue").sum(),
        first_order_day=nw.col("sale_day").min(),
        last_order_day=nw.col("sale_day").max(),
    )
    return frames.leave(_at_day(sums, as_of), like=orders, sort=["customer_id"])


def rfm_table_at(merged: IntoFrameT, *, as_of: dt.date) -> IntoFrameT:
    """Recency, frequency and money of each customer, from what was kept of the log.

    Parameters
    ----------
    merged : data frame, `schema.MERGEABLE`
        From `summary.merge_summaries` or `summary.mergeable_summary`, per customer.
    as_of : date
        Last day that the merged logs cover, inclusive.

    Returns
    -------
    data frame like `merged`
        As of `rfm_table` over all days, with the `refunds` that the summary was made with. Under "exclude" customers
        with refunds only are not in it, for nothing of them is kept.

    Raises
    ------
    DomainError
        There are orders after `as_of`.
    """
    kept = summary.mergeable_rows(merged, as_of=as_of)
    paid = nw.col("first_amount") + nw.col("repeat_amount") + nw.col("early_refunds")
    sums = kept.with_columns(order_count=nw.col("orders"), revenue=paid)
    return frames.leave(_at_day(sums, as_of), like=merged, sort=["customer_id"], same=["customer_id"])


def _at_day(sums: frames.Frame, as_of: dt.date) -> frames.Frame:
    sums = sums.with_columns(nw.col("order_count").cast(nw.Int64), frames.money(nw.col("revenue")))
    count = nw.col("order_count")
    table = frames.with_day_numbers(sums, last="last_order_day").select(
        "customer_id",
        "order_count",
        "revenue",
        "first_order_day",
        "last_order_day",
        days_since_order=frames.as_day(as_of).toordinal() - nw.col("last"),
        average_order_value=nw.when(count > 0).then(nw.col("revenue") / nw.when(count > 0).then(count).otherwise(1)),
    )
    columns = ["customer_id", *MEASURES, "average_order_value", "first_order_day", "last_order_day"]
    return table.select(*columns)

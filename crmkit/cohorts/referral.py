"""Customers who were brought by customers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema, summary
from crmkit.cohorts.periods import Period, checked_period, first_days, open_period, share_columns, with_periods
from crmkit.errors import SchemaError
from crmkit.models.forecast_scores.score import normal_width


def referrals(
    orders: IntoFrameT,
    customers: IntoFrameT,
    *,
    as_of: dt.date,
    period: Period = "month",
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
) -> IntoFrameT:
    """How many of each cohort were brought by a customer, and how many brought one themselves.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    customers : data frame, `schema.CUSTOMERS` with `referred_by`
        One row per customer; `referred_by` is the customer who brought this one, empty for none.
    as_of : date
        Last day the log covers, inclusive; a referral counts from the first order of who was brought.
    period : {"week", "month", "quarter"}
        Of the first order.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `orders`
        One row per cohort, sorted: `cohort` (first day of the period), `customers`, `referred` (brought by another
        customer), `referred_share` with `low`, `high` (Wilson), `referrers` (who have brought someone by `as_of`),
        `referral_rate` with `referral_low`, `referral_high`, `complete` (1, or 0 while the cohort still grows).

    Raises
    ------
    SchemaError
        `customers` has no `referred_by`, or a customer stands in it twice.

    Notes
    -----
    Old cohorts have had more time to bring others: compare `referral_rate` between cohorts of a like age. Who names
    himself was brought by nobody. Customers of the log without a row in `customers` count as not referred.
    """
    normal_width(level)
    checked_period(period)
    buyers = _buyers(orders, customers, as_of, period, refunds)
    sums = buyers.group_by("cohort").agg(nw.col("referred").sum(), nw.col("brought").sum(), customers=nw.len())
    cells = frames.arrays(sums, ["cohort", "customers", "referred", "brought"])
    order = np.argsort(cells["cohort"])
    cohort, n, referred, brought = (
        cells[name].astype(np.int64)[order] for name in ("cohort", "customers", "referred", "brought")
    )
    whole = n.astype(np.float64)
    columns: dict[str, Any] = {
        "cohort": first_days(cohort, period),
        "customers": n,
        "referred": referred,
        **share_columns(referred.astype(np.float64), whole, level, "referred_share"),
        "referrers": brought,
        **share_columns(
            brought.astype(np.float64), whole, level, "referral_rate", low="referral_low", high="referral_high"
        ),
        "complete": (cohort < open_period(frames.as_day(as_of), period)).astype(np.int64),
    }
    return frames.build(columns, like=orders)


def _buyers(orders: Any, customers: Any, as_of: dt.date, period: Period, refunds: summary.Refunds) -> frames.Frame:
    """One row per customer with an order: `cohort`, `referred`, `brought` (1 or 0)."""
    days = summary.day_rows(orders, as_of=as_of, refunds=refunds)
    first = days.group_by("customer_id").agg(nw.col("order_day").min())
    buyers = frames.settled(with_periods(first, period, cohort="order_day"), like=orders)
    if "referred_by" not in frames.column_names(customers):
        raise SchemaError(
            "customers.referred_by: the column is missing; expected the id of the customer who brought each one.\n"
            "Name the column with schema.conform(customers, schema.CUSTOMERS, rename={...})."
        )
    people = schema.admit(customers, schema.CUSTOMERS, columns=("customer_id", "referred_by"), beside=buyers)
    schema.check_once(people, "customers")
    kind = frames.kinds_of(buyers, ["customer_id"])["customer_id"]
    typed = people.with_columns(nw.col("customer_id", "referred_by").cast(kind))
    brought_by = typed.filter(~nw.col("referred_by").is_null() & (nw.col("referred_by") != nw.col("customer_id")))
    known = buyers.join(brought_by, on="customer_id", how="left")
    names = known.filter(~nw.col("referred_by").is_null()).group_by("referred_by").agg(times=nw.len())
    bringers = names.select(customer_id=nw.col("referred_by"), times=nw.col("times"))
    joined = known.join(bringers, on="customer_id", how="left")
    return joined.with_columns(
        referred=frames.one_if(~nw.col("referred_by").is_null()), brought=frames.one_if(nw.col("times") > 0)
    )

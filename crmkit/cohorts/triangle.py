"""Cohorts by the period of the first order: who is still ordering, and what they bring."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.cohorts.periods import (
    F64,
    I64,
    Period,
    checked_period,
    first_days,
    open_period,
    share_columns,
    with_periods,
)
from crmkit.models.forecast_scores.score import normal_width


def retention_triangle(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    period: Period = "month",
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
) -> IntoFrameT:
    """Share of each cohort that orders again 1, 2, 3 periods after its first.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    period : {"week", "month", "quarter"}
        Of the calendar; weeks begin on Monday.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`; a refund is no activity.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `orders`
        One row per cohort and age up to `as_of`, sorted by both: `cohort` (first day of the period of the first order),
        `age` (periods since, from 0), `customers` (of the cohort), `active` (of these, with an order in the period;
        so far, if it is not over), `retention` (share) with `low`, `high` (Wilson), `complete` (1, or 0 where the
        period or the cohort's own is not over: then `retention`, `low` and `high` are missing, not low).

    Raises
    ------
    DomainError
        An option is out of its domain.

    Notes
    -----
    - A period in which nobody ordered is a row with 0. Periods without any first order have no rows.
    - At age 0 all are active, by definition.
    - The first cohorts of a log hold old customers whose first order lies before it. Leave out as many as a customer
      may pause.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "bob", "ann"], "amount": 9.0,
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-01-20", "2024-02-03"])})
    >>> retention_triangle(orders, as_of=dt.date(2024, 3, 10))[["age", "active", "complete"]].to_numpy().tolist()
    [[0, 2, 1], [1, 1, 1], [2, 0, 0]]
    """
    normal_width(level)
    cells = _cells(orders, as_of, period, refunds)
    known = cells.complete == 1
    active = np.where(known, cells.active, np.nan)
    columns: dict[str, Any] = {
        "cohort": first_days(cells.cohort, period),
        "age": cells.age,
        "customers": cells.customers,
        "active": cells.active,
        **share_columns(active, cells.customers.astype(np.float64), level, "retention"),
        "complete": cells.complete,
    }
    return frames.build(columns, like=orders)


def cohort_revenue(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    period: Period = "month",
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
) -> IntoFrameT:
    """Revenue of each cohort in its first and later periods, and per customer.

    Parameters
    ----------
    orders, as_of, period, refunds, level
        As for `retention_triangle`.

    Returns
    -------
    data frame like `orders`
        One row per cohort and age, sorted by both: `cohort`, `age`, `customers`, `orders` (count), `revenue` (money),
        `revenue_per_customer` (over all of the cohort) with `low`, `high` (normal interval of a mean over customers;
        missing for a cohort of one), `cumulative_revenue`, `cumulative_per_customer` (from age 0 on), `complete` (1,
        or 0 where the period or the cohort's own is not over: sums are then so far, `low` and `high` missing).
    """
    width = normal_width(level)
    cells = _cells(orders, as_of, period, refunds)
    n = cells.customers.astype(np.float64)
    mean = cells.revenue / n
    spread = np.maximum(cells.squares - n * mean**2, 0.0) / np.maximum(n - 1.0, 1.0)
    half = np.where((n > 1.0) & (cells.complete == 1), width * np.sqrt(spread / n), np.nan)
    total: F64 = np.zeros(len(n))
    for one in np.unique(cells.cohort):
        own = cells.cohort == one
        total[own] = np.cumsum(cells.revenue[own])
    columns: dict[str, Any] = {
        "cohort": first_days(cells.cohort, period),
        "age": cells.age,
        "customers": cells.customers,
        "orders": cells.orders,
        "revenue": np.round(cells.revenue, 6),
        "revenue_per_customer": np.round(mean, 6),
        "low": np.round(mean - half, 6),
        "high": np.round(mean + half, 6),
        "cumulative_revenue": np.round(total, 6),
        "cumulative_per_customer": np.round(total / n, 6),
        "complete": cells.complete,
    }
    return frames.build(columns, like=orders)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """All cohorts and ages up to `as_of`, sorted; those without an order, too. Every array has one entry per cell."""

    cohort: I64
    age: I64
    customers: I64
    active: I64
    orders: I64
    revenue: F64
    squares: F64
    complete: I64


def _cells(orders: Any, as_of: dt.date, period: Period, refunds: summary.Refunds) -> _Cells:
    checked_period(period)
    day = frames.as_day(as_of)
    found = _found(summary.day_rows(orders, as_of=day, refunds=refunds), period)
    cohorts, at = np.unique(found["cohort"].astype(np.int64), return_inverse=True)
    still_open = open_period(day, period)
    last = open_period(day - dt.timedelta(days=1), period)  # the period of `as_of` itself
    ages = last - cohorts + 1
    starts = np.concatenate([[0], np.cumsum(ages)]).astype(np.int64)
    place = starts[at.ravel()] + found["age"].astype(np.int64)
    sums = {name: np.zeros(starts[-1]) for name in ("active", "orders", "revenue", "squares")}
    for name, column in sums.items():
        column[place] = found[name]
    cohort = np.repeat(cohorts, ages)
    age = np.arange(starts[-1], dtype=np.int64) - np.repeat(starts[:-1], ages)
    return _Cells(
        cohort=cohort,
        age=age,
        customers=np.repeat(sums["active"][starts[:-1]], ages).astype(np.int64),
        active=sums["active"].astype(np.int64),
        orders=sums["orders"].astype(np.int64),
        revenue=np.asarray(np.round(sums["revenue"], 6), dtype=np.float64),
        squares=sums["squares"],
        complete=(cohort + age < still_open).astype(np.int64),
    )


def _found(days: frames.Frame, period: Period) -> dict[str, Any]:
    """Count the cells that hold an order, in the engine: one row per customer and period, then per cohort and age."""
    numbered = with_periods(days, period, number="order_day")
    active = numbered.group_by("customer_id", "number").agg(nw.col("orders").sum(), revenue=nw.col("amount").sum())
    first = active.group_by("customer_id").agg(cohort=nw.col("number").min())
    joined = active.join(first, on="customer_id", how="inner").with_columns(
        age=nw.col("number") - nw.col("cohort"), squares=nw.col("revenue") * nw.col("revenue")
    )
    sums = joined.group_by("cohort", "age").agg(
        nw.col("orders").sum(), nw.col("revenue").sum(), nw.col("squares").sum(), active=nw.len()
    )
    return frames.arrays(sums, ["cohort", "age", "active", "orders", "revenue", "squares"])

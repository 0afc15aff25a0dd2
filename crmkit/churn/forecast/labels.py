"""Who stayed away: the label of a snapshot, known only when its horizon is over."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.churn.forecast.history import checked_horizon
from crmkit.errors import DomainError


def churn_labels(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    observed_to: dt.date,
    horizon_days: int = 90,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Say of each customer known on a day whether no order followed it within the horizon.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Day of the snapshot, inclusive: customers with an order up to it are labelled.
    observed_to : date
        Last day the log covers, inclusive; at least `as_of` + `horizon_days`. It is asked for because a log does not
        say where it ends: after its last row it may be complete, or not yet written.
    horizon_days : int
        Days after `as_of` in which an order counts, 1 to 36525.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`; a refund is never an order.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted: `customer_id`, `churned` (1: no order day in the horizon; else 0).

    Raises
    ------
    DomainError
        The log does not cover the horizon, or `horizon_days` is out of its domain.
    """
    end = frames.as_day(as_of) + dt.timedelta(days=checked_horizon(horizon_days))
    if frames.as_day(observed_to) < end:
        raise DomainError(
            f"Labels of {frames.as_day(as_of)} need the log up to {end} ({horizon_days} days later); "
            f"it is observed to {frames.as_day(observed_to)}.\nTake an earlier as_of, or a shorter horizon_days."
        )
    rows = label_frame(orders, as_of=as_of, horizon_days=horizon_days, refunds=refunds)
    return frames.leave(rows, like=orders, sort=["customer_id"])


def label_frame(orders: object, *, as_of: dt.date, horizon_days: int, refunds: summary.Refunds) -> frames.Frame:
    """Return the labels in their engine."""
    rows = summary.holdout_rows(orders, as_of=as_of, horizon_days=horizon_days, refunds=refunds)
    return rows.select("customer_id", churned=frames.one_if(nw.col("holdout_order_days") == 0))

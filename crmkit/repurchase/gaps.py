"""Gaps between orders by length, and whether there is a rhythm in them."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.errors import DomainError
from crmkit.models.histories import F64
from crmkit.models.random_gaps import share_longer

_ROWS = 16_384


def order_gaps(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    bin_days: int = 7,
    longest_days: int = 364,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Count the gaps between order days by length, beside those that days at random would have given.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    bin_days : int
        Lengths that are counted together, at least 1 (days).
    longest_days : int
        Longer gaps are counted together in the last row; at least `bin_days`.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per class, shortest first: `from_days`, `to_days` (lengths, both inclusive; the last row has no
        `to_days`), `gaps` (count), `random_gaps` (expected count, if each customer's order days lay at random between
        the first and the last; both columns have the same sum).

    Raises
    ------
    DomainError
        `bin_days` or `longest_days` out of its domain.

    Notes
    -----
    Customers who buy often have short gaps, whether they keep a rhythm or not. `random_gaps` has the same customers
    with the same number of order days within the same span, so what differs is the rhythm alone: fewer short and very
    long gaps than at random, and more of the middle. In closed form: `models.random_gaps`. Of customers with a single
    gap both columns are the same.

    References
    ----------
    Reutterer, Platzer & Schroeder (2021), IJRM 38(1): why gaps more even than chance matter to forecasts.
    """
    if not 1 <= bin_days <= longest_days:
        raise DomainError(
            f"bin_days must be at least 1 and at most longest_days (days), got {bin_days} and {longest_days}."
        )
    days = frames.settled(summary.day_rows(orders, as_of=as_of, refunds=refunds), like=orders)
    starts = np.arange(1, longest_days + 1, bin_days)
    ends = np.minimum(starts + bin_days - 1, longest_days)
    observed = _observed(days, ends)
    expected = _expected(summary.summary_of_days(days, as_of=as_of), ends)
    return frames.build(
        {
            "from_days": np.append(starts, longest_days + 1),
            "to_days": np.append(ends.astype(np.float64), np.nan),
            "gaps": observed.astype(np.int64),
            "random_gaps": np.round(expected, 6),
        },
        like=orders,
    )


def _observed(days: frames.Frame, ends: F64) -> F64:
    gaps = frames.with_gaps(days, day="order_day", by=["customer_id"]).filter(nw.col("gap_days") > 0)
    counts = frames.distinct_rows(gaps.with_columns(nw.col("gap_days").cast(nw.Int64)), ["gap_days"])
    places = np.searchsorted(ends, counts["gap_days"])
    return np.bincount(places, counts["count"], minlength=len(ends) + 1).astype(np.float64)


def _expected(summarised: frames.Frame, ends: F64) -> F64:
    rows = frames.distinct_rows(summarised.filter(nw.col("frequency") > 0), ["frequency", "recency"])
    x, t_x, count = (rows[name].astype(np.float64) for name in ("frequency", "recency", "count"))
    longer = np.zeros(len(ends))
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        longer += (count[part] * x[part]) @ share_longer(ends.astype(np.float64), x[part], t_x[part])
    return -np.diff(np.concatenate([[count @ x], longer, [0.0]]))

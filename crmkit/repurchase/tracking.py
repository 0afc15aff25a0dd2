"""The base beside its process: orders week by week, customers by number of repeat orders."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.histories import F64, Histories
from crmkit.purchases import customers
from crmkit.purchases.processes import Process

FITTED, HOLDOUT = "fitted", "holdout"


def order_tracking(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    split: dt.date,
    period_days: int = 7,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Repeat orders of the customers known at a day, period by period, beside what the process expected.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    split : date
        Last day that the process was fitted to, at most `as_of`. Customers who came later are left out.
    period_days : int
        Length of a period, at least 1; one of them ends on `split`.
    fit : PurchaseFit, optional
        From `purchases.fit_purchase_process`; by default fitted to the orders up to `split`, model "auto".
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per period, in order: `period_start`, `period_end` (dates, both inclusive), `part` ("fitted" or
        "holdout"), `actual_orders`, `expected_orders` (repeat order days in the period), `actual_so_far`,
        `expected_so_far` (up to its end). The first period may be short, one that `as_of` would cut is left out.

    Raises
    ------
    DomainError
        `split` after `as_of`, or `period_days` below 1.
    FitError
        No customer had ordered up to `split`, and no fit is given.

    Notes
    -----
    E[repeat orders up to day t] = sum over customers of E[X(t - first order day)], the expectation of a customer of
    whom nothing is known but the first order: what a customer did later is not used, before `split` either.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing Science 24(2), figures 2 and 3.
    """
    end, cut = frames.as_day(as_of), frames.as_day(split)
    if cut > end or period_days < 1:
        raise DomainError(
            f"split must not lie after as_of, and period_days must be at least 1 (day); got split {cut}, as_of {end}, "
            f"period_days {period_days}."
        )
    new, repeats = _by_day(orders, end, cut, refunds)
    if fit is None and len(new["day"]) == 0:
        raise FitError(
            f"There are no customers to fit to: the log holds no order up to split, {cut}, that is not a refund.\n"
            f"Choose a later split, or give a fit."
        )
    known = fit or purchases.fit_purchase_process(orders, as_of=cut, refunds=refunds)
    if len(new["day"]) == 0:
        ends = starts = np.zeros(0, dtype=np.int64)
    else:
        first = int(new["day"].min())
        before = -((cut.toordinal() - first) // period_days)
        after = (end.toordinal() - cut.toordinal()) // period_days
        ends = cut.toordinal() + period_days * np.arange(before, after + 1)
        starts = np.maximum(ends - period_days + 1, first)
    so_far = np.array([repeats["count"][repeats["day"] <= day].sum() for day in ends], dtype=np.int64)
    expected = _expected_so_far(known.process, new, ends)
    columns = {
        "period_start": _dates(starts),
        "period_end": _dates(ends),
        "part": np.array([FITTED if day <= cut.toordinal() else HOLDOUT for day in ends], dtype=object),
        "actual_orders": np.diff(so_far, prepend=0),
        "expected_orders": np.round(np.diff(expected, prepend=0.0), 9),
        "actual_so_far": so_far,
        "expected_so_far": np.round(expected, 9),
    }
    return frames.build(columns, like=orders)


def repeat_counts(
    orders: IntoFrameT,
    *,
    as_of: dt.date | None = None,
    most_repeats: int = 7,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Count customers by number of repeat order days, beside what the process expects.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is taken as a summary, from `summary.purchase_summary`.
    as_of : date, optional
        Last day the log covers, inclusive; needed with orders. Later rows are ignored.
    most_repeats : int
        The last row holds this many and more, at least 1.
    fit : PurchaseFit, optional
        From `purchases.fit_purchase_process`; by default fitted to these orders, model "auto".
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per number, ascending: `repeat_orders` (repeat order days; the last row: so many or more), `customers`
        (count), `expected_customers` (sum over customers of P(X(T) = repeat_orders)). Both have the same sum.

    Raises
    ------
    DomainError
        `most_repeats` below 1; orders without `as_of`.
    FitError
        There is no customer to fit to.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 1.
    """
    if most_repeats < 1:
        raise DomainError(f"most_repeats must be at least 1, got {most_repeats}.")
    table = purchases.summarised(orders, as_of=as_of, refunds=refunds)
    known = fit or purchases.fit_purchase_process(orders, as_of=as_of, refunds=refunds)
    rows = frames.distinct_rows(customers.admitted(table), ["frequency", "T"])
    counts = rows["count"].astype(np.float64)
    capped = np.minimum(rows["frequency"], most_repeats).astype(np.int64)
    actual = np.bincount(capped, counts, minlength=most_repeats + 1).astype(np.int64)
    ages, place = np.unique(rows["T"].astype(np.float64), return_inverse=True)
    of_age = np.bincount(place, counts, minlength=len(ages))
    chances = known.process.purchase_count_probabilities(_newcomers(len(ages)), ages, most_repeats - 1)
    expected = of_age @ chances
    return frames.build(
        {
            "repeat_orders": np.arange(most_repeats + 1),
            "customers": actual,
            "expected_customers": np.round(np.append(expected, max(of_age.sum() - expected.sum(), 0.0)), 9),
        },
        like=orders,
    )


def _by_day(
    orders: object, end: dt.date, cut: dt.date, refunds: summary.Refunds
) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]]:
    """Count customers by their first order day up to the cut; their later order days by day."""
    days = summary.day_rows(orders, as_of=end, refunds=refunds)
    dated = days.with_columns(first_day=nw.col("order_day").min().over("customer_id"))
    numbered = frames.with_day_numbers(dated, day="order_day", first="first_day")
    mine = numbered.filter(nw.col("first") <= cut.toordinal()).with_columns(
        later=frames.one_if(nw.col("day") > nw.col("first"))
    )
    rows = frames.distinct_rows(mine, ["later", "day"])
    return _part(rows, 0), _part(rows, 1)


def _part(rows: dict[str, NDArray[np.int64]], later: int) -> dict[str, NDArray[np.int64]]:
    return {name: rows[name][rows["later"] == later].astype(np.int64) for name in ("day", "count")}


def _expected_so_far(process: Process, new: dict[str, NDArray[np.int64]], ends: NDArray[np.int64]) -> F64:
    """E[repeat orders up to each end], shape (periods,)."""
    if len(ends) == 0:
        return np.zeros(0)
    ages = np.maximum(ends[:, None] - new["day"][None, :], 0)
    longest = int(ages.max())
    expected = process.expected_purchases(_newcomers(longest + 1), np.arange(longest + 1.0))
    return np.asarray(expected[ages] @ new["count"], dtype=np.float64)


def _newcomers(n: int) -> Histories:
    """Make customers on the day of their first order."""
    nothing = np.zeros(n)
    return Histories.in_order(nothing, nothing, nothing)


def _dates(days: NDArray[np.int64]) -> NDArray[np.datetime64]:
    epoch = dt.date(1970, 1, 1).toordinal()
    return (days - epoch).astype("datetime64[D]").astype("datetime64[us]")

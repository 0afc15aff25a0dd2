"""What the forecast says of every frequency and recency: the process as a table."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError
from crmkit.models.histories import Histories
from crmkit.purchases import customers
from crmkit.repurchase.forecast import check

_MOST_STEPS = 40
_FEWEST_ORDERS, _MOST_ORDERS = 5, 30


def forecast_grid(
    orders: IntoFrameT,
    *,
    as_of: dt.date | None = None,
    horizon_days: int = 30,
    observed_days: int | None = None,
    step_days: int | None = None,
    most_repeats: int | None = None,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Forecast for every frequency and recency that a customer of one age can have.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is taken as a summary, from `summary.purchase_summary`.
    as_of : date, optional
        Last day the log covers, inclusive; needed with orders. Later rows are ignored.
    horizon_days : int
        Days that `p_order` and `expected_orders` speak of, 1 to 36525.
    observed_days : int, optional
        Days since the first order (T), of all rows, at least 1; by default that of the oldest customers.
    step_days : int, optional
        Days between two values of `days_since_order`, at least 1; by default such that there are at most 40.
    most_repeats : int, optional
        Highest `frequency`, at least 1; by default what one customer in a hundred exceeds, 5 to 30.
    fit : PurchaseFit, optional
        From `purchases.fit_purchase_process`; by default that of these orders with judge "chance".
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per `frequency` (repeat order days) and `recency` (days from first to last order day), sorted by
        `frequency` and `days_since_order`: `T` (days), `days_since_order` (T - recency), `p_alive`, `p_order` (P(order
        within `horizon_days`)), `expected_orders` (order days within `horizon_days`). Histories that no customer can
        have (fewer days than order days) are left out; `frequency` 0 has one row.

    Raises
    ------
    DomainError
        A number out of its domain; orders without `as_of`.
    FitError
        There is no customer to fit to.

    Notes
    -----
    Closed forms of the chosen process at (x, t_x, T), as for each customer. Of a regularity mixture the gaps are not
    known here: the regularity is what frequency and recency alone say of it.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), equation 10; the matrix is that of the lifetimes package.
    """
    check(horizon_days, 0.5)
    for name, number in (("observed_days", observed_days), ("step_days", step_days), ("most_repeats", most_repeats)):
        if number is not None and number < 1:
            raise DomainError(f"{name} must be at least 1, got {number}.")
    table = purchases.summarised(orders, as_of=as_of, refunds=refunds)
    known = fit or purchases.fit_purchase_process(orders, as_of=as_of, judge="chance", refunds=refunds)
    rows = frames.distinct_rows(customers.admitted(table), ["frequency", "T"])
    age = observed_days or max(int(rows["T"].max(initial=1)), 1)
    x, t_x = _cells(most_repeats or _usual(rows), age, step_days or math.ceil(age / _MOST_STEPS))
    histories = Histories.in_order(x, t_x, np.full(len(x), float(age)))
    process, days = known.process, float(horizon_days)
    answers = {
        "p_alive": process.p_alive(histories),
        "p_order": process.p_any_purchase(histories, days),
        "expected_orders": process.expected_purchases(histories, days),
    }
    numbers = {"frequency": x, "recency": t_x, "T": np.full(len(x), age), "days_since_order": age - t_x}
    whole = {name: values.astype(np.int64) for name, values in numbers.items()}
    return frames.build(whole | {name: np.asarray(values) + 0.0 for name, values in answers.items()}, like=orders)


def _usual(rows: dict[str, NDArray[np.int64]]) -> int:
    """Highest frequency once one customer in a hundred is left out."""
    if len(rows["count"]) == 0:
        return _FEWEST_ORDERS
    counts = np.bincount(rows["frequency"], rows["count"])
    usual = int(np.searchsorted(np.cumsum(counts), 0.99 * counts.sum()))
    return min(max(usual, _FEWEST_ORDERS), _MOST_ORDERS)


def _cells(most: int, age: int, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All possible (x, t_x), in the order of the table."""
    cells = [(0.0, 0.0)]
    for x in range(1, most + 1):
        cells += [(float(x), float(age - since)) for since in range(0, age + 1 - x, step)]
    x, t_x = np.array(cells).T
    return x, t_x

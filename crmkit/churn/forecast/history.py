"""Order days of each customer summed up for the churn room: one pass over the log, whole days before `as_of`."""

from __future__ import annotations

import datetime as dt
from functools import partial

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.histories import F64, Histories
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from crmkit.models.regularity_mixture.next_purchase import Returns
from crmkit.models.row_blocks import in_blocks
from crmkit.purchases import customers
from crmkit.purchases.processes import Process
from crmkit.whole_numbers import is_whole

YEAR = 365
LONGEST_DAYS = 36_525
# A chance is told in per cent: from so many customers on, more of them do not move it.
_ENOUGH = 100_000


def checked_horizon(horizon_days: int) -> int:
    """Return a horizon that there is."""
    if not is_whole(horizon_days, 1, LONGEST_DAYS):
        raise DomainError(f"horizon_days must lie between 1 and {LONGEST_DAYS} (whole days), got {horizon_days!r}.")
    return horizon_days


def customer_rows(rows: frames.Frame, *, as_of: dt.date, horizon_days: int, refunds: summary.Refunds) -> frames.Frame:
    """Sum up `summary.order_rows` per customer: the purchase process's numbers, and windows before `as_of`.

    Returns
    -------
    lazy frame
        One row per customer with an order: `customer_id`, `frequency`, `recency`, `T`, `sum_log_gap` as
        `summary.purchase_summary`; `second_last` (ordinal of the order day before the last; missing for one order day);
        `last` (ordinal); `recent_days` (order days in the last `horizon_days`), `year_ago_days` (in the `horizon_days`
        that follow the same day a year ago); `revenue`, `recent_revenue`, `year_revenue` (money; 6 decimals).
    """
    today, number, amount = frames.as_day(as_of).toordinal(), nw.col("number"), nw.col("amount")
    days = frames.with_day_numbers(summary.worth_of_days(rows, refunds), number="order_day")
    recent, a_year = number > today - horizon_days, number > today - YEAR
    flagged = frames.with_gaps(days, day="order_day", by=("customer_id",)).with_columns(
        before=number - nw.col("gap_days"),
        recent=frames.one_if(recent),
        year_ago=frames.one_if(a_year & (number <= today - YEAR + horizon_days)),
        recent_amount=nw.when(recent).then(amount).otherwise(0.0),
        year_amount=nw.when(a_year).then(amount).otherwise(0.0),
    )
    sums = flagged.group_by("customer_id").agg(
        first=number.min(),
        last=number.max(),
        second_last=nw.col("before").max(),
        order_days=nw.len(),
        sum_log_gap=nw.col("log_gap").sum(),
        recent_days=nw.col("recent").sum(),
        year_ago_days=nw.col("year_ago").sum(),
        revenue=amount.sum(),
        recent_revenue=nw.col("recent_amount").sum(),
        year_revenue=nw.col("year_amount").sum(),
    )
    return sums.with_columns(
        nw.col("recent_days", "year_ago_days", "second_last", "order_days").cast(nw.Int64),
        *[frames.money(nw.col(name)) for name in ("revenue", "recent_revenue", "year_revenue")],
        frequency=nw.col("order_days").cast(nw.Int64) - 1,
        recency=(nw.col("last") - nw.col("first")).cast(nw.Int64),
        T=(today - nw.col("first")).cast(nw.Int64),
        sum_log_gap=nw.col("sum_log_gap").cast(nw.Int64) / 1e9,  # summed as integers: the same in every run, a key
    )


def with_chances(entered: frames.Frame, *, fit: purchases.PurchaseFit, horizon_days: int) -> frames.Frame:
    """Add `p_no_order`, `p_alive` and `silence_tail`.

    `silence_tail` is S(T - t_x) of the waiting time as it stood on the day of the last order, given that the customer
    was still one: the gap distribution of the regularity mixture, drawn from the own gaps as far as there are any.
    """
    asked = frames.Asked.of(entered, customers.keys(entered, gaps=True))
    if asked.maximum("frequency") == 0:
        raise FitError(
            "No customer has ordered on two days up to as_of: there is no gap between orders to hold a silence against."
            "\nLook at as_of: a longer log is needed."
        )
    mixture = fit.process
    if not isinstance(mixture, RegularityMixture):
        rows = customers.histories_of(asked.spaced(_ENOUGH))
        mixture = fit_regularity_mixture(rows.grouped()[0], off_limits=False)
    return asked.answered(partial(_answers, fit.process, mixture, horizon_days))


def _answers(process: Process, mixture: RegularityMixture, horizon_days: int, rows: frames.Rows) -> dict[str, F64]:
    histories = customers.histories_of(rows)
    return in_blocks(len(histories), lambda block: _chances(histories.take(block), process, mixture, horizon_days))


def _chances(rows: Histories, process: Process, mixture: RegularityMixture, horizon_days: int) -> dict[str, F64]:
    days = np.full(len(rows), float(horizon_days))
    if isinstance(process, RegularityMixture):
        now = Returns.of(mixture, rows)
        alive, order = now.p_alive, now.p_alive * now.returned(days)
    else:
        known = rows.without_gaps()
        alive, order = process.p_alive(known), process.p_any_purchase(known, days)
    silent = Returns.at_last_purchase(mixture, rows).silent(rows.T - rows.t_x)
    chances = {"p_no_order": 1.0 - order, "p_alive": alive, "silence_tail": silent}
    return {name: np.clip(values, 0.0, 1.0) + 0.0 for name, values in chances.items()}

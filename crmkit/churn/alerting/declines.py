"""Since when a customer buys less: the rule followed day by day through the log, in closed form.

Counts of windows change only on order days and when an order day leaves a window; between these days a condition holds
or does not. So the whole course of a rule is known from the log, its hysteresis included: an alert is on if, since the
last day on which it was clear, there was a day that raised it. Nothing of it depends on when the rules were run.
"""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.churn.alerting.conditions import falls
from crmkit.churn.alerting.rules import AlertRule

_SUMS: Final = ("n_recent", "n_before", "s_recent", "s_before", "old")


def windows_over_time(rows: frames.Frame, customers: frames.Frame, days: tuple[int, int], today: int) -> frames.Frame:
    """One row per customer and day on which a window changes, with what the windows hold from then on.

    `rows` are `numbered_days`; `customers` those to follow; `days` the length of the last window and of all windows.
    Columns: `customer_id`, `event_day` (ordinal), order days and money `n_recent`, `n_before`, `s_recent`, `s_before`,
    and `old` (order days that have left all windows).
    """
    kept = rows.join(customers.select("customer_id"), on="customer_id", how="semi")
    plain = kept.select("customer_id", "day", "sale", "units")
    window, whole = days
    moves = [
        _moved(plain, 0, recent=1, before=0),
        _moved(plain, window, recent=-1, before=1),
        _moved(plain, whole, recent=0, before=-1),
    ]
    past = nw.concat(moves).filter(nw.col("event_day") <= today)
    daily = past.group_by("customer_id", "event_day").agg(*[nw.col(name).sum() for name in _SUMS])
    whole_sums = daily.with_columns(nw.col(*_SUMS).cast(nw.Int64))
    running = [nw.col(name).cum_sum().over("customer_id", order_by="event_day") for name in _SUMS]
    return whole_sums.with_columns(*running).with_columns(nw.col(*_SUMS).cast(nw.Int64))


def declines(course: frames.Frame, rule: AlertRule) -> frames.Frame:
    """Find the alerts of a falling rule that are on at the end of `windows_over_time`: `customer_id`, `since_day`."""
    what = "n" if rule.kind == "falling_frequency" else "s"
    recently, usually = nw.col(f"{what}_recent"), nw.col(f"{what}_before")
    asked = (nw.col("old") > 0) & (nw.col("n_before") >= rule.least_order_days) & (usually > 0)
    reaches = falls(rule, recently, usually)
    day = nw.col("event_day")
    marked = course.select(
        "customer_id",
        raised_day=nw.when(asked & reaches(rule.raise_at)).then(day),
        clear_day=nw.when(~(asked & reaches(rule.stays_at))).then(day),
    )
    # A window, not a join with itself: a lazy engine would compute the course twice.
    judged = marked.with_columns(last_clear=nw.col("clear_day").max().over("customer_id"))
    since = judged.filter(nw.col("raised_day") > nw.col("last_clear"))
    return since.group_by("customer_id").agg(since_day=nw.col("raised_day").min())


def _moved(plain: frames.Frame, days: int, *, recent: int, before: int) -> frames.Frame:
    """Tell what an order day does to the windows some days later; `old`: it has left them all."""
    return plain.select(
        "customer_id",
        event_day=nw.col("day") + days,
        n_recent=nw.col("sale") * recent,
        n_before=nw.col("sale") * before,
        s_recent=nw.col("units") * recent,
        s_before=nw.col("units") * before,
        old=nw.col("sale") if before < 0 else nw.lit(0, dtype=nw.Int64),
    )

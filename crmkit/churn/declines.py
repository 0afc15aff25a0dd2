"""Since when a customer buys less: the rule followed day by day through the log, in closed form.

Counts of windows change only on order days and when an order day leaves a window; between these days a condition holds
or does not. So the whole course of a rule is known from the log, its hysteresis included: an alert is on if, since the
last day on which it was clear, there was a day that raised it. Nothing of it depends on when the rules were run.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.churn.alert_conditions import falls
from crmkit.churn.rules import AlertRule


def declines(rows: frames.Frame, candidates: frames.Frame, rule: AlertRule, today: int) -> frames.Frame:
    """Find the alerts of a falling rule that are on: `customer_id`, `since` (ordinal).

    `rows` are `numbered_days`, `candidates` customers whose measure has reached `clear_at` today.
    """
    course = _course(rows.join(candidates.select("customer_id"), on="customer_id", how="semi"), rule, today)
    clear = nw.when(nw.col("stays") == 0).then(nw.col("event_day"))
    marked = course.with_columns(clear_day=clear)
    judged = marked.with_columns(last_clear=nw.col("clear_day").max().over("customer_id"))
    raised = judged.filter((nw.col("raised") == 1) & (nw.col("event_day") > nw.col("last_clear")))
    return raised.group_by("customer_id").agg(since=nw.col("event_day").min())


def _course(rows: frames.Frame, rule: AlertRule, today: int) -> frames.Frame:
    """One row per customer and day on which a window changes: whether the rule raises, and stays, from then on."""
    window, whole = rule.window_days, (rule.windows_before + 1) * rule.window_days
    amount = nw.col("sale") if rule.kind == "falling_frequency" else nw.col("units")
    plain = rows.select("customer_id", "day", "sale", amount=amount)
    moves = nw.concat(
        [
            _moved(plain, 0, recent=1, before=0),
            _moved(plain, window, recent=-1, before=1),
            _moved(plain, whole, recent=0, before=-1),
        ]
    ).filter(nw.col("event_day") <= today)
    sums = ("recent", "before", "sales", "old")
    daily = moves.group_by("customer_id", "event_day").agg(*[nw.col(name).sum() for name in sums])
    running = daily.with_columns(nw.col(*sums).cast(nw.Int64)).with_columns(
        *[nw.col(name).cum_sum().over("customer_id", order_by="event_day") for name in sums]
    )
    asked = (nw.col("old") > 0) & (nw.col("sales") >= rule.least_order_days) & (nw.col("before") > 0)
    reaches = falls(rule, nw.col("recent"), nw.col("before"))
    return running.with_columns(
        raised=frames.one_if(asked & reaches(rule.raise_at)), stays=frames.one_if(asked & reaches(rule.stays_at))
    )


def _moved(plain: frames.Frame, days: int, *, recent: int, before: int) -> frames.Frame:
    """What an order day does to the windows some days later; `old`: it has left them all."""
    return plain.select(
        "customer_id",
        event_day=nw.col("day") + days,
        recent=nw.col("amount") * recent,
        before=nw.col("amount") * before,
        sales=nw.col("sale") * before,
        old=nw.col("sale") if before < 0 else nw.lit(0, dtype=nw.Int64),
    )

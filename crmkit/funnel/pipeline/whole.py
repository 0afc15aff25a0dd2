"""The whole chain in one table: reached, leads, deals won, customers who came back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import F64, WON, read_deals, standing
from crmkit.funnel.pipeline.shares import Span

STEPS = ("reach", "leads", "deals", "retained")


def whole_chain(
    touches: IntoFrameT,
    leads: Any,
    deals: Any,
    orders: Any,
    *,
    as_of: dt.date,
    since: dt.date,
    level: float = 0.95,
) -> IntoFrameT:
    """Put what marketing, sales and service brought in a period side by side, and against the period before.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        Reach: different customers who were touched in the period.
    leads : data frame, `schema.LEADS`
        Leads created in the period.
    deals : data frame, `schema.DEALS`
        Deals won in the period.
    orders : data frame, `schema.ORDERS`
        Retained: customers who ordered in the period and had ordered before it. Refunds are no orders.
    as_of : date
        Last day of the period and of the tables, inclusive.
    since : date
        First day; the period before has as many days.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `touches`
        One row per step: `place` (from 1), `step` ("reach", "leads", "deals", "retained"), `count`, `count_before`,
        `change` (relative; missing where there were none before) with `change_low`, `change_high`, `verdict` ("up",
        "down", "not told apart", "" where there are none), `per_step` (count over that of the step before, missing for
        the first), `per_step_before`.

    Notes
    -----
    All tables count what happened in the period. The people of one step need not be those of the next, so `per_step` is
    a ratio and no conversion, and may exceed 1: for shares of the same deals see `funnel_table`.
    """
    period = shares.span(since, as_of)
    shares.checked_level(level)
    counts = [
        _different(touches, schema.TOUCHES, "customer_id", "touched_at", period),
        _different(leads, schema.LEADS, "lead_id", "created_at", period),
        _won(deals, as_of, period),
        _retained(orders, period),
    ]
    now, then = (np.array([count[i] for count in counts], dtype=np.float64) for i in (0, 1))
    columns = {
        "place": np.arange(1, len(STEPS) + 1),
        "step": shares.texts(STEPS),
        "count": now.astype(np.int64),
        "count_before": then.astype(np.int64),
        **shares.count_changes(then, now, level),
        "per_step": _per_step(now),
        "per_step_before": _per_step(then),
    }
    return frames.build(columns, like=touches)


def _per_step(counts: F64) -> F64:
    return np.concatenate([[np.nan], shares.share(counts[1:], counts[:-1])])


def _dated(table: Any, kind: schema.Table, columns: tuple[str, ...], time: str, period: Span) -> frames.Frame:
    """Rows up to the end of the period, with their day."""
    last = dt.date.fromordinal(period.last)
    rows = schema.admit(table, kind, columns=columns).with_columns(crmkit_day=nw.col(time).cast(nw.Date))
    return frames.with_day_numbers(rows.filter(nw.col("crmkit_day") <= nw.lit(last)), day="crmkit_day")


def _different(table: Any, kind: schema.Table, key: str, time: str, period: Span) -> tuple[int, int]:
    """Count different keys in the period and in the one before."""
    columns = tuple(dict.fromkeys((*kind.required, key, time)))
    rows = _dated(table, kind, columns, time, period).filter(nw.col("day") >= period.before.first)
    marked = rows.with_columns(now=frames.one_if(nw.col("day") >= period.first))
    found = frames.distinct_rows(marked.group_by("now", key).agg(rows=nw.len()), ["now"])
    counts = dict(zip(found["now"].tolist(), found["count"].tolist(), strict=True))
    return counts.get(1, 0), counts.get(0, 0)


def _won(deals: Any, as_of: dt.date, period: Span) -> tuple[int, int]:
    log = read_deals(deals, as_of=as_of)
    counts = []
    for one in (period, period.before):
        found = standing(log.until(one.last))
        counts.append(int((one.holds(found.closed) & (found.outcome == WON)).sum()))
    return counts[0], counts[1]


def _retained(orders: Any, period: Span) -> tuple[int, int]:
    """Count customers with an order in a period and one before it."""
    rows = _dated(orders, schema.ORDERS, ("customer_id", "ordered_at", "amount"), "ordered_at", period)
    before = period.before
    flags = rows.filter(nw.col("amount") >= 0).with_columns(
        now=frames.one_if(nw.col("day") >= period.first),
        then=frames.one_if((nw.col("day") >= before.first) & (nw.col("day") <= before.last)),
    )
    people = flags.group_by("customer_id").agg(
        first=nw.col("day").min(), now=nw.col("now").max(), then=nw.col("then").max()
    )
    marked = people.with_columns(
        back_now=frames.one_if((nw.col("now") == 1) & (nw.col("first") < period.first)),
        back_then=frames.one_if((nw.col("then") == 1) & (nw.col("first") < before.first)),
    )
    found = frames.distinct_rows(marked, ["back_now", "back_then"])
    return int(found["count"] @ found["back_now"]), int(found["count"] @ found["back_then"])

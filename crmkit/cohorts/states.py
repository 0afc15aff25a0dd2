"""What the customer base is made of today: new, returning, waiting, silent, lost; and who complains."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.cohorts.complaints import WORDS, complaint_days
from crmkit.cohorts.periods import share_columns
from crmkit.cohorts.wording import STATES
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.segment_maps import Locale, checked_locale

_STATES = ("new", "returning", "waiting", "silent", "lost")


def customer_shares(
    orders: IntoFrameT,
    complaints: IntoFrameT | None = None,
    *,
    as_of: dt.date,
    window_days: int = 30,
    silent_days: int = 90,
    lost_days: int = 365,
    complaint_words: Sequence[str] = WORDS,
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
    locale: Locale = "en",
) -> IntoFrameT:
    """Shares of new, returning, waiting, silent, lost and complaining customers, each with its definition.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    complaints : data frame, optional
        `schema.CONTACTS` with `kind`, events (`customer_id`, `event`, `occurred_at`) or `schema.METRICS`; without it
        there is no row of complaining customers.
    as_of : date
        Last day the tables cover, inclusive; later rows are ignored.
    window_days, silent_days, lost_days : int
        Days since the last order from which a customer is waiting, silent, lost; ascending, at least 1. For bases that
        buy in very different rhythms, `churn.churn_risk` judges each customer by the own one.
    complaint_words : sequence of str
        What a complaint is called in `complaints`; a metric counts where its value is above 0.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.
    level : float
        Of the intervals, in (0, 1).
    locale : {"en", "zh"}
        Language of `definition`.

    Returns
    -------
    data frame like `orders`
        One row per state, in this order: `state` ("new", "returning", "waiting", "silent", "lost", which share out all
        customers between them, and "complaining", which cuts across), `customers`, `of_customers` (all with an order by
        `as_of`), `share` with `low`, `high` (Wilson), `definition` (text).

    Raises
    ------
    DomainError
        An option is out of its domain.
    SchemaError
        `complaints` is none of the three tables.

    Notes
    -----
    Complaints of people who never ordered are no customer's. The interval says how far the share of a base of this size
    scatters, not that customers are missing.
    """
    normal_width(level)
    checked_locale(locale)
    limits = (window_days, silent_days, lost_days)
    if not 1 <= window_days <= silent_days <= lost_days:
        raise DomainError(f"window_days, silent_days and lost_days must ascend from 1, got {limits}.")
    today = frames.as_day(as_of).toordinal()
    days = summary.day_rows(orders, as_of=as_of, refunds=refunds)
    spans = days.group_by("customer_id").agg(first=nw.col("order_day").min(), last=nw.col("order_day").max())
    buyers = frames.with_day_numbers(spans, first="first", last="last")
    marked = _with_complaints(buyers, complaints, list(complaint_words), today, window_days, orders)
    counts = _counted(marked, today, limits)
    states = [*_STATES, *(["complaining"] if complaints is not None else [])]
    n = np.array([float(counts[state]) for state in states])
    total = np.full(len(states), float(sum(counts[state] for state in _STATES)))
    texts = STATES[locale]
    named = {"window": window_days, "silent": silent_days, "lost": lost_days}
    columns: dict[str, Any] = {
        "state": np.array(states, dtype=object),
        "customers": n.astype(np.int64),
        "of_customers": total.astype(np.int64),
        **share_columns(n, total, level, "share"),
        "definition": np.array([texts[state].format(**named) for state in states], dtype=object),
    }
    return frames.build(columns, like=orders)


def _with_complaints(
    buyers: frames.Frame, complaints: Any, words: Sequence[str], today: int, window_days: int, like: Any
) -> frames.Frame:
    if complaints is None:
        return buyers.with_columns(complains=nw.lit(0).cast(nw.Int64))
    settled = frames.settled(buyers, like=like)
    rows = complaint_days(complaints, words, beside=settled)
    recent = rows.filter((nw.col("day") <= today) & (nw.col("day") > today - window_days))
    who = recent.group_by("customer_id").agg(times=nw.len())
    return settled.join(who, on="customer_id", how="left").with_columns(complains=frames.one_if(nw.col("times") > 0))


def _counted(marked: frames.Frame, today: int, limits: tuple[int, int, int]) -> dict[str, int]:
    window, silent, lost = limits
    since = today - nw.col("last")
    is_new = nw.col("first") > today - window
    state = (
        nw.when(is_new).then(nw.lit(0))
        .when(since < window).then(nw.lit(1))
        .when(since < silent).then(nw.lit(2))
        .when(since < lost).then(nw.lit(3))
        .otherwise(nw.lit(4))
    )  # fmt: skip
    cells = frames.distinct_rows(marked.with_columns(state=state.cast(nw.Int64)), ["state", "complains"])
    count = cells["count"].astype(np.int64)
    found = {name: int(count[cells["state"] == place].sum()) for place, name in enumerate(_STATES)}
    found["complaining"] = int(count[cells["complains"] == 1].sum())
    return found

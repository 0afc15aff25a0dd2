"""What a reminder can rest on: a calendar season, a big order a year ago, a refill, the customer's own cycle."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames, purchases, summary
from crmkit.models.season_clock import SeasonClock
from crmkit.repurchase import wording
from crmkit.repurchase.forecast import forecast_frame
from crmkit.repurchase.season import pattern_frame
from crmkit.repurchase.year_ago import year_ago_frame
from crmkit.segment_maps import Locale

# Of reasons for one day, the first of these stands on the list.
CODES = ("season", "year_ago", "refill", "cycle")
COLUMNS = ("customer_id", "reason_code", "due_on", "start", "chance", "order_value", "reason", "evidence")
# A pattern has a month a year at least: who did not order for 13 months has dropped it.
_PATTERN_KEPT_DAYS = 400
_MOST_DAYS_OF_A_YEAR_AGO = 182


@dataclass(frozen=True, slots=True)
class Question:
    """One call of `reminders`, with its arguments checked; `days` are the settled order days of `orders`."""

    orders: Any
    days: frames.Frame
    day: dt.date
    lead_days: int
    horizon_days: int
    level: float
    fit: purchases.PurchaseFit
    clock: SeasonClock | None
    refunds: summary.Refunds
    locale: Locale

    @property
    def ahead(self) -> int:
        """Days after `day` that a listed reminder can speak of."""
        return self.horizon_days + self.lead_days

    def forecast(self, summarised: frames.Frame, *by: str) -> frames.Frame:
        """Forecast for customers, or customers and products."""
        return forecast_frame(
            frames.settled(summarised, like=self.orders),
            as_of=self.day,
            horizon_days=self.ahead,
            level=self.level,
            by=by,
            within_days=None,
            fit=self.fit,
            clock=self.clock,
        )


def customers(question: Question) -> frames.Frame:
    """Every customer with the forecast and the calendar months of a pattern, empty if there is none."""
    columns = ["monetary_value", "order_days", "days_since_order", "usual_gap_days", "p_order", "status", "basis"]
    dates = ["next_order_day", "window_start", "window_end"]
    summarised = summary.summary_of_days(question.days, as_of=question.day, clock=question.clock)
    forecast = question.forecast(summarised, "customer_id").select("customer_id", *columns, *dates)
    seasons = pattern_frame(question.days, as_of=question.day, like=question.orders).select(
        "customer_id", "years", "strength", "months", "next_month", "attendance"
    )
    return frames.settled(forecast.join(seasons, on="customer_id", how="left"), like=question.orders)


def season(known: frames.Frame, question: Question) -> frames.Frame:
    """Take the next month of a pattern; the present one, if it has begun and nothing was ordered in it."""
    first = question.day.replace(day=1)
    listed = nw.concat_str(nw.lit(","), nw.col("months"), nw.lit(","))
    is_now = listed.str.contains(f",{first.month},", literal=True) & (
        nw.col("days_since_order") >= (question.day - first).days + 1
    )
    kept = known.filter((nw.col("months") != "") & (nw.col("days_since_order") <= _PATTERN_KEPT_DAYS))
    due = nw.when(is_now).then(nw.lit(first)).otherwise(nw.col("next_month"))
    named = frames.join_small(kept, _month_names(kept, question.locale), on=["months"])
    return _candidates(
        named.with_columns(due_on=due, start=due, chance=nw.col("attendance"), order_value=nw.col("monetary_value")),
        "season",
        question.locale,
    )


def year_ago(known: frames.Frame, question: Question) -> frames.Frame:
    """Take big orders of this time last year that nothing has repeated."""
    within = min(max(question.ahead, 30), _MOST_DAYS_OF_A_YEAR_AGO)
    rows = year_ago_frame(question.days, as_of=question.day, like=question.orders, within_days=within)
    chances = known.select("customer_id", chance=nw.col("p_order"))
    joined = rows.join(chances, on="customer_id", how="left")
    return _candidates(
        joined.with_columns(start=nw.col("due_on"), order_value=nw.col("amount")), "year_ago", question.locale
    )


def refill(known: frames.Frame, question: Question) -> frames.Frame:
    """Take products that a customer buys again and again, each on its own cycle."""
    pair = ("customer_id", "product_id")
    rows = summary.summary_rows(
        question.orders, as_of=question.day, refunds=question.refunds, by=pair, clock=question.clock
    )
    forecast = question.forecast(rows, *pair)
    listed = frames.leave(_on_cycle(forecast), like=question.orders)
    shared = frames.enter(listed, beside=known).with_columns(
        nw.col("next_order_day", "window_start", "window_end").cast(nw.Date)
    )
    return _candidates(_by_window(shared), "refill", question.locale)


def cycle(known: frames.Frame, question: Question) -> frames.Frame:
    """Take customers with a cycle of their own, who keep to no calendar months."""
    return _candidates(_by_window(_on_cycle(known).filter(nw.col("months") == "")), "cycle", question.locale)


def _on_cycle(forecast: frames.Frame) -> frames.Frame:
    return forecast.filter((nw.col("basis") == "own history") & (nw.col("status") != "lapsed"))


def _by_window(rows: frames.Frame) -> frames.Frame:
    return rows.with_columns(
        due_on=nw.col("next_order_day"),
        start=nw.col("window_start"),
        chance=nw.col("p_order"),
        order_value=nw.col("monetary_value"),
    )


def _candidates(rows: frames.Frame, code: str, locale: Locale) -> frames.Frame:
    """Bring a source into the columns that all have."""
    texts = wording.reminder_texts(code, locale)
    worded = rows.with_columns(reason_code=nw.lit(code), **texts)
    product = ["product_id"] if code == "refill" else []
    return worded.select(*COLUMNS, *product)


def _month_names(kept: frames.Frame, locale: Locale) -> dict[str, Any]:
    found = frames.distinct_rows(kept, ["months"])["months"]
    texts = np.array([str(months) for months in found], dtype=object)
    names = [wording.month_names(text, locale) for text in texts]
    return {"months": texts, "month_names": np.array(names, dtype=object)}

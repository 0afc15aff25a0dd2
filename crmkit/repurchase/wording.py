"""Reasons in English and Chinese, put together by the engine from the columns of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.segment_maps import Locale

# By status; of customers without a gap of their own, another text.
FORECAST: Final = {
    "en": {
        "not due": "Orders every {usual} on average, last {silence} ago: too early. "
        "Next around {next}, {start} to {end}.",
        "due": "Orders every {usual} on average, last {silence} ago: due. Next around {next}, {start} to {end}.",
        "overdue": "Orders every {usual} on average, last {silence} ago: overdue. "
        "If it comes back, around {next}, {start} to {end}.",
        "lapsed": "Orders every {usual} on average, last {silence} ago: hardly comes back by itself. "
        "If it does, around {next}, {start} to {end}.",
    },
    "zh": {
        "not due": "平均每 {usual}下单一次，上次在 {silence}前：尚早。下次约在 {next}，{start} 至 {end}。",
        "due": "平均每 {usual}下单一次，上次在 {silence}前：已到期。下次约在 {next}，{start} 至 {end}。",
        "overdue": "平均每 {usual}下单一次，上次在 {silence}前：已逾期。若回购，约在 {next}，{start} 至 {end}。",
        "lapsed": "平均每 {usual}下单一次，上次在 {silence}前：自行回购的可能很小。"
        "若回购，约在 {next}，{start} 至 {end}。",
    },
}
ONCE: Final = {
    "en": {
        "new": "One order, {silence} ago; others need about {usual} to order again. "
        "If it comes back, around {next}, {start} to {end}.",
        "overdue": "One order, {silence} ago; others need about {usual} to order again: overdue. "
        "If it comes back, around {next}, {start} to {end}.",
        "lapsed": "One order, {silence} ago: hardly comes back by itself. If it does, around {next}, {start} to {end}.",
    },
    "zh": {
        "new": "仅下单一次，在 {silence}前；其他客户约 {usual}后再次下单。若回购，约在 {next}，{start} 至 {end}。",
        "overdue": "仅下单一次，在 {silence}前；其他客户约 {usual}后再次下单：已逾期。"
        "若回购，约在 {next}，{start} 至 {end}。",
        "lapsed": "仅下单一次，在 {silence}前：自行回购的可能很小。若回购，约在 {next}，{start} 至 {end}。",
    },
}
_DAYS: Final = {"en": ("1 day", " days"), "zh": ("1 天", " 天")}


def forecast_reason(locale: Locale) -> nw.Expr:
    """Say in words what a row of the forecast rests on."""
    parts = {
        "silence": days(nw.col("days_since_order"), locale),
        "usual": days(nw.col("usual_days"), locale),
        "next": nw.col("next_order_day").cast(nw.String),
        "start": nw.col("window_start").cast(nw.String),
        "end": nw.col("window_end").cast(nw.String),
    }
    again, once = _chosen(FORECAST[locale], parts), _chosen(ONCE[locale], parts)
    return nw.when(nw.col("basis") == "pooled").then(once).otherwise(again)


def _chosen(texts: Mapping[str, str], parts: Mapping[str, nw.Expr]) -> nw.Expr:
    """Pick the sentence of the status; the last one for any other."""
    *statuses, last = texts
    chosen = frames.sentence(texts[last], parts)
    for status in statuses:
        chosen = nw.when(nw.col("status") == status).then(frames.sentence(texts[status], parts)).otherwise(chosen)
    return chosen


def days(count: nw.Expr, locale: Locale) -> nw.Expr:
    """Words for a whole number of days: "1 day", "45 days"."""
    one, many = _DAYS[locale]
    return nw.when(count == 1).then(nw.lit(one)).otherwise(nw.concat_str(count.cast(nw.String), nw.lit(many)))

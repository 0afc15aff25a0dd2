"""Reasons in English and Chinese, put together by the engine from the columns of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.day_words import ago, days, whole
from crmkit.segment_maps import Locale

# By status; of customers without a gap of their own, another text.
FORECAST: Final = {
    "en": {
        "not due": "Orders every {usual} on average, last {silence}: too early. Next around {next}, {start} to {end}.",
        "due": "Orders every {usual} on average, last {silence}: due. Next around {next}, {start} to {end}.",
        "overdue": "Orders every {usual} on average, last {silence}: overdue. "
        "If it comes back, around {next}, {start} to {end}.",
        "lapsed": "Orders every {usual} on average, last {silence}: hardly comes back by itself. "
        "If it does, around {next}, {start} to {end}.",
    },
    "zh": {
        "not due": "平均每 {usual}下单一次，上次{silence}：尚早。下次约在 {next}，{start} 至 {end}。",
        "due": "平均每 {usual}下单一次，上次{silence}：已到期。下次约在 {next}，{start} 至 {end}。",
        "overdue": "平均每 {usual}下单一次，上次{silence}：已逾期。若回购，约在 {next}，{start} 至 {end}。",
        "lapsed": "平均每 {usual}下单一次，上次{silence}：自行回购的可能很小。若回购，约在 {next}，{start} 至 {end}。",
    },
}
ONCE: Final = {
    "en": {
        "new": "One order, {silence}; others need about {usual} to order again. "
        "If it comes back, around {next}, {start} to {end}.",
        "overdue": "One order, {silence}; others need about {usual} to order again: overdue. "
        "If it comes back, around {next}, {start} to {end}.",
        "lapsed": "One order, {silence}: hardly comes back by itself. If it does, around {next}, {start} to {end}.",
    },
    "zh": {
        "new": "仅下单一次，{silence}；其他客户约 {usual}后再次下单。若回购，约在 {next}，{start} 至 {end}。",
        "overdue": "仅下单一次，{silence}；其他客户约 {usual}后再次下单：已逾期。"
        "若回购，约在 {next}，{start} 至 {end}。",
        "lapsed": "仅下单一次，{silence}：自行回购的可能很小。若回购，约在 {next}，{start} 至 {end}。",
    },
}


def forecast_reason(locale: Locale) -> nw.Expr:
    """Say in words what a row of the forecast rests on."""
    parts = {
        "silence": ago(nw.col("days_since_order"), locale),
        "usual": days(whole(nw.col("usual_gap_days")), locale),
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


REMINDERS: Final = {
    "en": {
        "season": (
            "Orders in {months} year after year: next {due}.",
            "{years} years, {strength} evidence",
        ),
        "year_ago": (
            "Placed a big order of {amount} on {ordered}; its anniversary is {due}, and nothing like it came since.",
            "{amount} on {ordered}",
        ),
        "refill": (
            "Buys {product} every {usual} on average, last {silence}: next around {due}, {start} to {end}; "
            "to be reminded before {start}.",
            "{order_days} order days; the fewer, the more the gaps of others count",
        ),
        "cycle": (
            "Orders every {usual} on average, last {silence}: next around {due}, {start} to {end}; "
            "to be reminded before {start}.",
            "{order_days} order days; the fewer, the more the gaps of others count",
        ),
    },
    "zh": {
        "season": ("每年 {months}下单：下次 {due}。", "{years} 年，证据{strength}"),
        "year_ago": ("{ordered} 曾下大单 {amount}；周年日为 {due}，此后没有类似订单。", "{ordered}，{amount}"),
        "refill": (
            "平均每 {usual}购买 {product} 一次，上次{silence}：下次约在 {due}，{start} 至 {end}；在 {start} 之前提醒。",
            "{order_days} 个下单日；越少，越参照其他客户的间隔",
        ),
        "cycle": (
            "平均每 {usual}下单一次，上次{silence}：下次约在 {due}，{start} 至 {end}；在 {start} 之前提醒。",
            "{order_days} 个下单日；越少，越参照其他客户的间隔",
        ),
    },
}
_STRENGTHS: Final = {"zh": {"weak": "较弱", "moderate": "中等", "strong": "充分"}}
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def reminder_texts(code: str, locale: Locale) -> dict[str, nw.Expr]:
    """Say why to remind, and on what evidence; columns `reason` and `evidence`."""
    reason, evidence = REMINDERS[locale][code]
    parts = {name: part for name, part in _parts(locale).items() if "{" + name + "}" in reason + evidence}
    return {"reason": frames.sentence(reason, parts), "evidence": frames.sentence(evidence, parts)}


def month_names(months: str, locale: Locale) -> str:
    """Name the months of a pattern such as "3,9"."""
    numbers = [int(month) for month in months.split(",") if month]
    if locale == "zh":
        return "、".join(f"{number} 月" for number in numbers)
    names = [_MONTHS[number - 1] for number in numbers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _parts(locale: Locale) -> dict[str, nw.Expr]:
    strength = nw.col("strength")
    for word, said in _STRENGTHS.get(locale, {}).items():
        strength = nw.when(nw.col("strength") == word).then(nw.lit(said)).otherwise(strength)
    return {
        "months": nw.col("month_names"),
        "years": nw.col("years").cast(nw.Int64).cast(nw.String),
        "strength": strength,
        "amount": whole(nw.col("amount")).cast(nw.String),
        "ordered": nw.col("ordered_on").cast(nw.String),
        "product": nw.col("product_id").cast(nw.String),
        "order_days": nw.col("order_days").cast(nw.String),
        "usual": days(whole(nw.col("usual_gap_days")), locale),
        "silence": ago(nw.col("days_since_order"), locale),
        "due": nw.col("due_on").cast(nw.String),
        "start": nw.col("window_start").cast(nw.String),
        "end": nw.col("window_end").cast(nw.String),
    }

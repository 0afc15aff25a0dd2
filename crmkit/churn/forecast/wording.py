"""What the churn room says of a customer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.day_words import ago, days, whole
from crmkit.segment_maps import Locale

# How rare a silence must be to be called so: one of the customer's gaps in a hundred, in twenty, in five.
_RARE, _UNUSUAL, _LONG = 0.01, 0.05, 0.2

RISK: Final = {
    "en": {
        "once": "One order, {silence}. No order in the next {horizon}: {chance} %.",
        "rare": "Orders every {usual} on average, last {silence}: fewer than 1 of its gaps in 100 last so long. "
        "No order in the next {horizon}: {chance} %.",
        "unusual": "Orders every {usual} on average, last {silence}: {tail} of its gaps in 100 last longer, unusual. "
        "No order in the next {horizon}: {chance} %.",
        "long": "Orders every {usual} on average, last {silence}: {tail} of its gaps in 100 last longer. "
        "No order in the next {horizon}: {chance} %.",
        "usual": "Orders every {usual} on average, last {silence}: nothing unusual. "
        "No order in the next {horizon}: {chance} %.",
    },
    "zh": {
        "once": "仅下单一次，{silence}。未来 {horizon}不下单的概率：{chance} %。",
        "rare": "平均每 {usual}下单一次，上次{silence}：该客户不到 1 % 的间隔会这么久。"
        "未来 {horizon}不下单的概率：{chance} %。",
        "unusual": "平均每 {usual}下单一次，上次{silence}：只有 {tail} % 的间隔更久，不寻常。"
        "未来 {horizon}不下单的概率：{chance} %。",
        "long": "平均每 {usual}下单一次，上次{silence}：{tail} % 的间隔更久。未来 {horizon}不下单的概率：{chance} %。",
        "usual": "平均每 {usual}下单一次，上次{silence}：属正常。未来 {horizon}不下单的概率：{chance} %。",
    },
}


def risk_reason(horizon_days: int, locale: Locale) -> nw.Expr:
    """Say in words what a row of `churn_risk` rests on."""
    texts, tail = RISK[locale], nw.col("silence_tail")
    parts = {
        "silence": ago(nw.col("days_since_order"), locale),
        "usual": days(whole(nw.col("usual_gap_days").fill_null(0.0)), locale),
        "tail": whole(100.0 * tail).cast(nw.String),
        "chance": whole(100.0 * nw.col("p_no_order")).cast(nw.String),
        "horizon": days(nw.lit(horizon_days), locale),
    }
    said = {code: frames.sentence(text, parts) for code, text in texts.items()}
    again = (
        nw.when(tail < _RARE)
        .then(said["rare"])
        .otherwise(
            nw.when(tail < _UNUSUAL)
            .then(said["unusual"])
            .otherwise(nw.when(tail < _LONG).then(said["long"]).otherwise(said["usual"]))
        )
    )
    return nw.when(nw.col("frequency") > 0).then(again).otherwise(said["once"])


# Features that tell one story: apart, the weights of two that move together are split at will; their sum is not.
GROUPS: Final = {
    "silence": ("days_since_order", "silence_ratio", "silence_tail", "p_no_order"),
    "frequency": ("order_days", "order_trend", "year_ago_order_days"),
    "gaps": ("mean_gap_days", "last_gap_days", "gap_evenness"),
    "money": ("revenue_per_order_day", "recent_revenue"),
    "products": ("products", "lines_per_order_day", "categories"),
    "refunds": ("refund_orders", "refunded_share"),
    "contacts": ("days_since_contact", "recent_contacts"),
}
REASONS: Final = {
    "en": {
        "silence": "its silence, for a customer of its rhythm",
        "frequency": "few orders, or fewer than it used to",
        "gaps": "gaps between orders: long, uneven, or none yet",
        "money": "little revenue, or small orders",
        "products": "few different products",
        "refunds": "its refunds",
        "contacts": "how it was contacted",
        "": "Nothing raises the risk above the average.",
    },
    "zh": {
        "silence": "按自身节奏，沉默已久",
        "frequency": "下单少，或比以往少",
        "gaps": "下单间隔长、不均匀，或尚无间隔",
        "money": "消费少，或单次金额小",
        "products": "购买产品种类少",
        "refunds": "退款情况",
        "contacts": "联系情况",
        "": "没有使风险高于平均的因素。",
    },
}


def reason_text(codes: Sequence[str], locale: Locale) -> str:
    """Say what raises the risk, the strongest first."""
    texts = REASONS[locale]
    if not codes:
        return texts[""]
    if locale == "zh":
        return "；".join(texts[code] for code in codes) + "。"
    said = "; ".join(texts[code] for code in codes)
    return f"{said[0].upper()}{said[1:]}."

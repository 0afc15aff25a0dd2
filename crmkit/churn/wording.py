"""What the churn room says of a customer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
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
        "rare": "平均每 {usual}下单一次，上次{silence}：该客户不到 1 % 的间隔会这么久。未来 {horizon}不下单的概率：{chance} %。",
        "unusual": "平均每 {usual}下单一次，上次{silence}：只有 {tail} % 的间隔更久，不寻常。"
        "未来 {horizon}不下单的概率：{chance} %。",
        "long": "平均每 {usual}下单一次，上次{silence}：{tail} % 的间隔更久。未来 {horizon}不下单的概率：{chance} %。",
        "usual": "平均每 {usual}下单一次，上次{silence}：属正常。未来 {horizon}不下单的概率：{chance} %。",
    },
}
_DAYS: Final = {"en": ("1 day", " days"), "zh": ("1 天", " 天")}
_AGO: Final = {"en": ("today", " ago"), "zh": ("今天", "前")}


def risk_reason(horizon_days: int, locale: Locale) -> nw.Expr:
    """Say in words what a row of `churn_risk` rests on."""
    texts, tail = RISK[locale], nw.col("silence_tail")
    parts = {
        "silence": ago(nw.col("days_since_order"), locale),
        "usual": days(whole(nw.col("usual_gap_days").fill_null(0.0)), locale),
        "tail": whole(100.0 * tail).cast(nw.String),
        "chance": whole(100.0 * nw.col("p_no_order")).cast(nw.String),
        "horizon": nw.lit(_DAYS[locale][0] if horizon_days == 1 else f"{horizon_days}{_DAYS[locale][1]}"),
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


def days(count: nw.Expr, locale: Locale) -> nw.Expr:
    """Words for a whole number of days: "1 day", "45 days"."""
    one, many = _DAYS[locale]
    return nw.when(count == 1).then(nw.lit(one)).otherwise(nw.concat_str(count.cast(nw.String), nw.lit(many)))


def ago(count: nw.Expr, locale: Locale) -> nw.Expr:
    """Words for a day so many days before: "today", "1 day ago"."""
    today, back = _AGO[locale]
    return nw.when(count == 0).then(nw.lit(today)).otherwise(nw.concat_str(days(count, locale), nw.lit(back)))


def whole(number: nw.Expr) -> nw.Expr:
    """Nearest whole number, halves upwards: engines round them differently."""
    return (number + 0.5).floor().cast(nw.Int64)


# What each feature says when it raises the risk: below its mean, above it, missing.
REASONS: Final = {
    "en": {
        "days_since_order": ("ordered only lately", "long since the last order", ""),
        "order_days": ("few orders so far", "many orders so far", ""),
        "mean_gap_days": ("short gaps between orders", "long gaps between orders", "no second order yet"),
        "last_gap_days": ("the last gap was short", "the last gap was long", "no second order yet"),
        "gap_evenness": ("uneven gaps", "even gaps", "too few orders for a rhythm"),
        "silence_ratio": ("well within the own cycle", "silent for long against the own cycle", "no own cycle yet"),
        "recent_order_days": ("few or no orders lately", "many orders lately", ""),
        "earlier_order_days": ("few orders in the period before", "many orders in the period before", ""),
        "year_ago_order_days": ("few orders in this season a year ago", "orders in this season a year ago", "new"),
        "revenue_per_order_day": ("small orders", "large orders", ""),
        "recent_revenue": ("little revenue lately", "much revenue lately", ""),
        "refund_orders": ("few refunds", "refunds", ""),
        "refunded_share": ("little was refunded", "much was refunded", ""),
        "products": ("few different products", "many different products", ""),
        "lines_per_order_day": ("few products per order", "many products per order", ""),
        "categories": ("few categories", "many categories", ""),
        "days_since_contact": ("contacted lately", "long since the last contact", "never contacted"),
        "recent_contacts": ("few or no contacts lately", "many contacts lately", ""),
        "p_no_order": ("orders often", "own rhythm gives little hope of an order soon", ""),
        "silence_tail": ("a silence unusual for this customer", "an ordinary silence", ""),
    },
    "zh": {
        "days_since_order": ("刚刚下单", "距上次下单已久", ""),
        "order_days": ("下单次数少", "下单次数多", ""),
        "mean_gap_days": ("下单间隔短", "下单间隔长", "尚无第二次下单"),
        "last_gap_days": ("最近间隔短", "最近间隔长", "尚无第二次下单"),
        "gap_evenness": ("间隔不均匀", "间隔均匀", "订单太少，看不出节奏"),
        "silence_ratio": ("仍在自身周期内", "沉默远超自身周期", "尚无自身周期"),
        "recent_order_days": ("近期很少或没有下单", "近期下单多", ""),
        "earlier_order_days": ("前一时期下单少", "前一时期下单多", ""),
        "year_ago_order_days": ("去年同季下单少", "去年同季下过单", "新客户"),
        "revenue_per_order_day": ("单次金额小", "单次金额大", ""),
        "recent_revenue": ("近期消费少", "近期消费多", ""),
        "refund_orders": ("退款少", "有退款", ""),
        "refunded_share": ("退款比例低", "退款比例高", ""),
        "products": ("购买产品种类少", "购买产品种类多", ""),
        "lines_per_order_day": ("单次购买产品少", "单次购买产品多", ""),
        "categories": ("品类少", "品类多", ""),
        "days_since_contact": ("近期联系过", "很久没有联系", "从未联系"),
        "recent_contacts": ("近期联系少或没有", "近期联系多", ""),
        "p_no_order": ("下单频繁", "按自身节奏近期下单希望不大", ""),
        "silence_tail": ("沉默对该客户不寻常", "沉默属正常", ""),
    },
}
_KINDS: Final = ("low", "high", "missing")


def reason_code(feature: str, kind: int) -> str:
    """Code of a feature below (0) or above (1) its mean, or missing (2)."""
    return f"{feature}_{_KINDS[kind]}"


def reason_text(codes: Sequence[str], locale: Locale) -> str:
    """Say what raises the risk, the strongest first."""
    if not codes:
        return "Nothing raises the risk." if locale == "en" else "没有增加风险的因素。"
    said = []
    for code in codes:
        feature, _, kind = code.rpartition("_")
        said.append(REASONS[locale][feature][_KINDS.index(kind)])
    distinct = list(dict.fromkeys(said))
    if locale == "zh":
        return "，".join(distinct) + "。"
    return f"{'; '.join(distinct)}.".capitalize()

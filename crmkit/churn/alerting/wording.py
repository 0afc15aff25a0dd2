"""Words of alerts, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.churn.alerting.conditions import before, last_contact, recent
from crmkit.churn.alerting.log import UNITS
from crmkit.churn.alerting.rule_quality import Quality
from crmkit.churn.alerting.rules import AlertRule
from crmkit.day_words import days, whole
from crmkit.segment_maps import Locale

# Reason and evidence of each kind.
_TEXTS: Final = {
    "en": {
        "own_cycle_silence": (
            "Usually orders every {cycle}; the last order was {silence} ago, {ratio} times as long.",
            "{order_days} order days, the last on {last}",
        ),
        "silence": ("The last order was {silence} ago.", "{order_days} order days, the last on {last}"),
        "falling_frequency": (
            "Order days in the last {window} days: {now}, where {usual} were usual.",
            "order days in the {span} days before: {then}",
        ),
        "falling_spend": (
            "Spent {now} in the last {window} days, where {usual} was usual.",
            "{then} in the {span} days before",
        ),
        "no_contact": ("No contact for {silence}.", "{contacted}"),
        "subscription_end": ("The contract ends on {ends}, {left}.", "runs since {term}"),
        "health_red": ("Health is {colour}{score}.", "{red_since}"),
    },
    "zh": {
        "own_cycle_silence": (
            "通常每 {cycle}下单一次，上次下单在 {silence}前，为通常间隔的 {ratio} 倍。",
            "{order_days} 个下单日，最近 {last}",
        ),
        "silence": ("上次下单在 {silence}前。", "{order_days} 个下单日，最近 {last}"),
        "falling_frequency": (
            "最近 {window} 天下单 {now} 天，以往通常 {usual} 天。",
            "此前 {span} 天内 {then} 个下单日",
        ),
        "falling_spend": ("最近 {window} 天消费 {now}，以往通常 {usual}。", "此前 {span} 天内 {then}"),
        "no_contact": ("已 {silence}未联系。", "{contacted}"),
        "subscription_end": ("合同将于 {ends} 到期，{left}。", "自 {term} 起生效"),
        "health_red": ("健康度为{colour}{score}。", "{red_since}"),
    },
}
_LEFT: Final = {"en": ("today", "in "), "zh": ("今天", "还有 ")}
_CONTACT: Final = {
    "en": ("last contact on {start}", "never contacted; known since {start}"),
    "zh": ("最近联系 {start}", "从未联系，建档于 {start}"),
}
_COLOURS: Final = {"en": ("not yet green", "red"), "zh": ("未恢复绿色", "红色")}
_SCORE: Final = {"en": ", score {score}", "zh": "，得分 {score}"}
_RED: Final = {"en": ("red since {day}", "red today"), "zh": ("自 {day} 起为红色", "今日为红色")}
_TESTED: Final = {
    "en": "Back-tested on {days}: of {flagged} flagged, {hits} ({precision} %) had no order within "
    "{horizon} days, of all {base} %.",
    "zh": "在此前 {days}回测：{flagged} 个预警中 {hits} 个（{precision} %）在 {horizon} 天内未下单，全体为 {base} %。",
}
_EARLIER: Final = {"en": ("1 earlier day", " earlier days"), "zh": ("1 个时点", " 个时点")}
_UNTESTED: Final = {
    "en": {
        "table": "Not back-tested: the table says what holds today, not what was known earlier.",
        "short": "Not back-tested: the log is too short for an earlier day with {horizon} days after it.",
        "none": "Back-tested on {days}: nobody was flagged.",
    },
    "zh": {
        "table": "未回测：该表只反映当前状态。",
        "short": "未回测：日志太短，没有其后满 {horizon} 天的时点。",
        "none": "在此前 {days}回测：没有预警。",
    },
}


def alert_texts(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    """Say why the alert was raised, and on what evidence; needs the dates of `with_days`."""
    reason, evidence = _TEXTS[locale][rule.kind]
    parts = _parts(rule, day, columns, locale)
    return {"reason": frames.sentence(reason, parts), "evidence": frames.sentence(evidence, parts)}


def with_days(rows: frames.Frame, rule: AlertRule, day: int, columns: list[str]) -> frames.Frame:
    """Add the dates that the texts of a rule name, as text."""
    numbers: Mapping[str, nw.Expr] = {
        "own_cycle_silence": {"text_last": nw.col(f"last_{day}")},
        "silence": {"text_last": nw.col(f"last_{day}")},
        "no_contact": {"text_start": last_contact(day, columns)} if rule.kind == "no_contact" else {},
        "subscription_end": {"text_ends": nw.col("ends"), "text_term": nw.col("term")},
        "health_red": {"text_red": nw.col("since_day")},
    }.get(rule.kind, {})
    if not numbers:
        return rows
    dated = frames.with_dates(rows.with_columns(**numbers), **{f"{name}_on": name for name in numbers})
    return dated.with_columns(**{name: nw.col(f"{name}_on").cast(nw.String) for name in numbers})


def tested(quality: list[Quality] | None, horizon_days: int, locale: Locale) -> str:
    """Say in words what the back-test of a rule found; None: its table can't be taken back."""
    texts = _UNTESTED[locale]
    if quality is None:
        return texts["table"]
    counted = [part for part in quality if part.customers]
    whole = Quality.over(counted)
    one, many = _EARLIER[locale]
    days = one if len(counted) == 1 else f"{len(counted)}{many}"
    if not counted:
        return texts["short"].format(horizon=horizon_days)
    if not whole.flagged:
        return texts["none"].format(days=days)
    return _TESTED[locale].format(
        days=days,
        flagged=whole.flagged,
        hits=whole.hits,
        precision=_percent(whole.precision),
        horizon=horizon_days,
        base=_percent(whole.base_rate),
    )


def _percent(share: float) -> int:
    return int(100.0 * share + 0.5)


def _parts(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    made = {
        "own_cycle_silence": _silent,
        "silence": _silent,
        "falling_frequency": _fallen,
        "falling_spend": _fallen,
        "no_contact": _unheard,
        "subscription_end": _ending,
        "health_red": _unhealthy,
    }[rule.kind]
    return made(rule, day, columns, locale)


def _silent(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    parts = {
        "silence": days(day - nw.col(f"last_{day}"), locale),
        "order_days": nw.col(f"n_{day}").cast(nw.String),
        "last": nw.col("text_last"),
    }
    if rule.kind == "own_cycle_silence":
        own = nw.col(f"cycle_{day}")
        parts |= {"cycle": days(whole(own), locale), "ratio": _one_decimal(nw.col("measure"))}
    return parts


def _fallen(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    counts = rule.kind == "falling_frequency"
    what, unit = ("n", 1) if counts else ("s", UNITS)
    now, then = recent(rule, day, what) / unit, before(rule, day, what) / unit
    usual = then / rule.windows_before
    return {
        "now": whole(now).cast(nw.String),
        "usual": _one_decimal(usual) if counts else whole(usual).cast(nw.String),
        "then": whole(then).cast(nw.String),
        "window": nw.lit(str(rule.window_days)),
        "span": nw.lit(str(rule.window_days * rule.windows_before)),
    }


def _unheard(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    seen, never = (frames.sentence(text, {"start": nw.col("text_start")}) for text in _CONTACT[locale])
    return {
        "silence": days(day - last_contact(day, columns), locale),
        "contacted": nw.when(nw.col(f"contact_{day}").is_null()).then(never).otherwise(seen),
    }


def _ending(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    left, (today, ahead) = nw.col("ends") - day, _LEFT[locale]
    ahead_text = nw.concat_str(nw.lit(ahead), days(left, locale))
    return {
        "left": nw.when(left == 0).then(nw.lit(today)).otherwise(ahead_text),
        "ends": nw.col("text_ends"),
        "term": nw.col("text_term"),
    }


def _unhealthy(rule: AlertRule, day: int, columns: list[str], locale: Locale) -> dict[str, nw.Expr]:
    other, red = _COLOURS[locale]
    since, today = _RED[locale]
    score: nw.Expr = nw.lit("")
    if "score" in columns:
        said = frames.sentence(_SCORE[locale], {"score": whole(nw.col("score")).cast(nw.String)})
        score = nw.when(nw.col("score").is_null()).then(nw.lit("")).otherwise(said)
    is_red = nw.col("level") >= 2
    dated = frames.sentence(since, {"day": nw.col("text_red")})
    return {
        "colour": nw.when(is_red).then(nw.lit(red)).otherwise(nw.lit(other)),
        "score": score,
        "red_since": nw.when(nw.col("text_red").is_null()).then(nw.lit(today)).otherwise(dated),
    }


def _one_decimal(number: nw.Expr) -> nw.Expr:
    """Write a number of at least 0 with one decimal, from whole numbers: engines write floats differently."""
    tenths = whole(number * 10.0)
    ones = (tenths / 10).floor().cast(nw.Int64)
    return nw.concat_str(ones.cast(nw.String), nw.lit("."), (tenths - 10 * ones).cast(nw.String))

"""Health in words, English and Chinese, put together by the engine from the columns of a row."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.day_words import whole
from crmkit.segment_maps import Locale

_COLOURS: Final = {
    "en": {"red": "red", "yellow": "yellow", "green": "green"},
    "zh": {"red": "红", "yellow": "黄", "green": "绿"},
}
_HEAD: Final = {"en": "{score} of 100, {colour}.", "zh": "{score} 分（满分 100），{colour}色。"}
_COST: Final = {"en": " Most is lost on {metric}: {lost} points.", "zh": "{metric} 失分最多：{lost} 分。"}
_TREND: Final = {
    "en": {"rising": " Up {change} in {days} days.", "falling": " Down {change} in {days} days."},
    "zh": {"rising": "{days} 天内上升 {change} 分。", "falling": "{days} 天内下降 {change} 分。"},
}
_VETO: Final = {"en": " Held down by a rule: {veto}.", "zh": "受规则限制：{veto}。"}
_UNKNOWN: Final = {
    "en": "Unknown: {covered} % of the weight is covered, {needed} % are needed.",
    "zh": "未知：已覆盖权重 {covered}%，至少需要 {needed}%。",
}


def reason(locale: Locale, *, days: int, needed: float) -> nw.Expr:
    """Say what a score is, what costs most of it, where it goes and which rule binds."""
    parts = {
        "score": rounded(nw.col("score")),
        "metric": nw.col("worst_metric"),
        "lost": rounded(nw.col("lost")),
        "change": nw.when(nw.col("change") < 0).then(rounded(-nw.col("change"))).otherwise(rounded(nw.col("change"))),
        "days": nw.lit(str(days)),
        "veto": nw.col("veto"),
        "covered": (nw.col("coverage") * 100.0 + 1e-6).floor().cast(nw.Int64).cast(nw.String),
        "needed": nw.lit(f"{needed * 100.0:g}"),
        "colour": _named(nw.col("colour"), locale),
    }
    said = {name: frames.sentence(text[locale], parts) for name, text in (("head", _HEAD), ("cost", _COST))}
    trends = {word: frames.sentence(text, parts) for word, text in _TREND[locale].items()}
    nothing = nw.lit("")
    trend = nothing
    for word, text in trends.items():
        trend = nw.when(nw.col("trend") == word).then(text).otherwise(trend)
    cost = nw.when(nw.col("lost") >= 0.5).then(said["cost"]).otherwise(nothing)
    veto = nw.when(nw.col("veto") != "").then(frames.sentence(_VETO[locale], parts)).otherwise(nothing)
    known = nw.concat_str(said["head"], cost, trend, veto)
    unknown = frames.sentence(_UNKNOWN[locale], parts)
    return nw.when(nw.col("score").is_null()).then(unknown).otherwise(known)


def rounded(number: nw.Expr) -> nw.Expr:
    """Nearest whole number as text, halves upwards: engines round them differently."""
    return whole(number).cast(nw.String)


def _named(colour: nw.Expr, locale: Locale) -> nw.Expr:
    said = colour
    for code, word in _COLOURS[locale].items():
        said = nw.when(colour == code).then(nw.lit(word)).otherwise(said)
    return said

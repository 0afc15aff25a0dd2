"""Sentences of nurturing, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from crmkit.segment_maps import Locale

if TYPE_CHECKING:
    from crmkit.scoring.nurturing.risk_hours import Found

Verdict: TypeAlias = Literal["more convert", "fewer convert", "no difference shown", "too few"]

_EFFECT: Final = {
    "en": "Of {exposed} leads that saw it {rate} % converted within {days} days, of comparable leads {other} %: "
    "{change} points ({low} to {high}), {verdict}. Observed, not causal.",
    "zh": "看过该内容的 {exposed} 条线索中，{rate}% 在 {days} 天内转化；可比线索为 {other}%：{change} 个百分点"
    "（{low} 至 {high}），{verdict}。仅为观察结果，非因果。",
}
_TOO_FEW: Final = {
    "en": "Too few to tell; leads that saw it and can be compared: {exposed}.",
    "zh": "数量过少，无法判断：仅有 {exposed} 条看过的线索可比较。",
}
_VERDICTS_ZH: Final[dict[Verdict, str]] = {
    "more convert": "转化更多",
    "fewer convert": "转化更少",
    "no difference shown": "未见差异",
    "too few": "数量过少",
}


def effect(found: Found, verdict: Verdict, days: int, locale: Locale) -> str:
    """Say how leads that saw a content differ from those that had not."""
    contrast = found.contrast
    if contrast is None or verdict == "too few":
        return _TOO_FEW[locale].format(exposed=found.exposed)
    return _EFFECT[locale].format(
        exposed=found.exposed,
        rate=f"{100.0 * contrast.exposed:.1f}",
        other=f"{100.0 * contrast.unexposed:.1f}",
        days=days,
        change=f"{100.0 * contrast.difference:+.1f}",
        low=f"{100.0 * contrast.low:+.1f}",
        high=f"{100.0 * contrast.high:+.1f}",
        verdict=verdict if locale == "en" else _VERDICTS_ZH[verdict],
    )

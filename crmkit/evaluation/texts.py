"""Verdicts as sentences, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from crmkit.segment_maps import Locale

if TYPE_CHECKING:
    from crmkit.evaluation.comparison import Comparison
    from crmkit.evaluation.result import Advantage, Verdict

# Below 100 events and 100 non-events a calibration slope says little (Vergouwe, Steyerberg, Eijkemans & Habbema 2005,
# Journal of Clinical Epidemiology 58(5); Collins, Ogundimu & Altman 2016, Statistics in Medicine 35(2)).
LEAST: Final = 100

_QUESTIONS: Mapping[Locale, Mapping[str, str]] = {
    "en": {"counts": "Number of orders", "probability": "Probability to order", "timing": "Day of the next order"},
    "zh": {"counts": "订单次数", "probability": "购买概率", "timing": "下次下单日期"},
}
_CODES: Mapping[Locale, Mapping[str, str]] = {
    "en": {
        "ready": "ready",
        "usable": "usable",
        "not_better": "not better than the baseline",
        "too_little_data": "too little data",
    },
    "zh": {"ready": "可以使用", "usable": "可参考", "not_better": "不优于基线", "too_little_data": "数据不足"},
}
_METHODS_ZH: Mapping[str, str] = {
    "all zeros": "全零",
    "own rate": "自身频率",
    "base rate": "总体比例",
    "own mean gap": "自身平均间隔",
    "last order + mean gap": "上次下单加平均间隔",
    "usual wait": "通常等待天数",
}
_LOSSES_ZH: Mapping[str, str] = {
    "squared error": "平方误差",
    "squared error (Brier)": "平方误差（Brier）",
    "absolute error": "绝对误差",
}
_NEEDED: Mapping[Locale, Mapping[str, str]] = {
    "en": {
        "counts": "customers who ordered",
        "probability": "customers who ordered, and as many who did not",
        "timing": "customers who came back and had a day forecast",
    },
    "zh": {
        "counts": "位下单客户",
        "probability": "位下单客户和同样多的未下单客户",
        "timing": "位回购且有预测日期的客户",
    },
}
_FAULTS: Mapping[Locale, Mapping[str, str]] = {
    "en": {
        "answered": "it gives a day to {:.0%} of those who came back only",
        "no windows": "it gives no windows to check",
        "no calibration slope": "its probabilities are all equal or part customers completely, so no slope can be told",
        "no slope of counts": "its counts are all equal, so no slope can be told",
        "calibration slope": "the slope of its probabilities is {:.2f}, not .8 to 1.25",
        "slope of counts": "the slope of its counts is {:.2f}, not .8 to 1.25",
        "bias": "the sum of its counts is {:+.0%} off",
        "coverage of orders": "its intervals hold {:.0%}, fewer than they promise",
        "coverage of windows": "its windows hold {:.0%}, more than 5 points from what they promise",
    },
    "zh": {
        "answered": "只为 {:.0%} 的回购客户给出日期",
        "no windows": "没有给出可检验的时间窗口",
        "no calibration slope": "概率全部相同或把客户完全分开，无法计算斜率",
        "no slope of counts": "次数全部相同，无法计算斜率",
        "calibration slope": "概率的校准斜率为 {:.2f}，不在 0.8 至 1.25 之间",
        "slope of counts": "次数的校准斜率为 {:.2f}，不在 0.8 至 1.25 之间",
        "bias": "次数总和偏差 {:+.0%}",
        "coverage of orders": "区间只包含 {:.0%}，低于承诺",
        "coverage of windows": "窗口包含 {:.0%}，与承诺相差超过 5 个百分点",
    },
}


def verdict(said: Verdict, advantages: Sequence[Advantage], locale: Locale) -> str:
    """Say a verdict with its reasons."""
    question, code, enough = said.question, said.code, said.enough
    against = [advantage for advantage in advantages if advantage.question == question]
    named, stop, comma = _QUESTIONS[locale][question], "." if locale == "en" else "。", ": " if locale == "en" else "："
    head = f"{named}{comma}{_CODES[locale][code]}"
    if code == "too_little_data":
        needed = _NEEDED[locale][question]
        if locale == "en":
            return f"{head}: {enough} {needed}; a verdict needs {LEAST}."
        return f"{head}：{enough} {needed}，至少需要 {LEAST}。"
    if code == "not_better":
        return f"{head}{comma}{_joined([_beside(a, locale) for a in against if not a.is_clear], locale)}{stop}"
    parts = [_beside(advantage, locale) for advantage in against]
    parts += [_FAULTS[locale][name].format(value) for name, value in said.faults]
    return f"{head}{comma}{_joined(parts, locale)}{stop}"


def _joined(parts: Sequence[str], locale: Locale) -> str:
    return ("; " if locale == "en" else "；").join(parts)


def _beside(found: Advantage, locale: Locale) -> str:
    ends = "-" if found.low is None or found.high is None else f"{found.low:+.4g}, {found.high:+.4g}"
    if locale == "zh":
        name, loss = _METHODS_ZH[found.baseline], _LOSSES_ZH[found.loss]
        return f"与“{name}”相比{loss}相差 {found.difference:+.4g}（95% 区间 {ends}）"
    return f"{found.loss} {found.difference:+.4g} against {found.baseline} (95 % interval {ends})"


def comparison(found: Comparison, locale: Locale) -> str:
    """Say which of two variants is better, by how much, and what is still needed."""
    of, verdict, effect, needed = found.of, found.verdict, found.smallest_effect, found.needed_per_variant
    names, level = (found.name_a, found.name_b), found.level
    a, b = (_shown(value, of, locale) for value in (found.value_a, found.value_b))
    ends = (_points(found.low, of, locale).split(" ")[0], _points(found.high, of, locale).split(" ")[0])
    matters = _points(effect, of, locale)
    if locale == "zh":
        heads = {
            "b": f"“{names[1]}”更好",
            "a": f"“{names[0]}”更好",
            "alike": f"差别小于有意义的 {matters}，选择更省的方案",
            "undecided": "尚不能判断",
        }
        text = (
            f"{heads[verdict]}：“{names[1]}”{b}，“{names[0]}”{a}，相差 {_points(found.difference, of, locale)}"
            f"（{level:.0%} 区间 {ends[0]} 至 {ends[1]}）。"
        )
        more = f"每组约需 {needed} 位收件人。" if verdict == "undecided" and needed else ""
        return text + (f"差别可能小于有意义的 {matters}。" if _maybe_small(found) else "") + more
    heads = {
        "b": f"{names[1]} is better",
        "a": f"{names[0]} is better",
        "alike": f"No difference of {matters} or more: take the cheaper one",
        "undecided": "Undecided",
    }
    text = (
        f"{heads[verdict]}: {b} for {names[1]} against {a} for {names[0]}, a difference of "
        f"{_points(found.difference, of, locale)} ({level * 100:g} % interval {ends[0]} to {ends[1]})."
    )
    if _maybe_small(found):
        text += f" It may be less than the {matters} that matter."
    if verdict == "undecided" and needed:
        sought = _points(effect or abs(found.difference), of, locale)
        text += f" To find a difference of {sought}, some {needed:,} recipients per variant are needed."
    return text


def _maybe_small(found: Comparison) -> bool:
    effect = found.smallest_effect
    return (found.verdict == "b" and found.low < effect) or (found.verdict == "a" and -found.high < effect)


def _shown(value: float, of: str, locale: Locale) -> str:
    if of == "means":
        return f"{value:,.4g}"
    return f"{value:.1%}" if locale == "zh" else f"{value * 100:.1f} %"


def _points(value: float, of: str, locale: Locale) -> str:
    if of == "means":
        return f"{value:,.4g}"
    return f"{value * 100:.1f} 个百分点" if locale == "zh" else f"{value * 100:.1f} points"

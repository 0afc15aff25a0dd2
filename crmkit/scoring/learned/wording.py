"""What a lead model says of itself and of a lead, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crmkit.scoring.learned.leakage import LeadColumn, flag_words
from crmkit.scoring.learned.point_card import Bin
from crmkit.scoring.learned.rehearsal import LEAST_RECENT, LeadTest
from crmkit.segment_maps import Locale

_HEADS: Final = {
    "en": {
        "ready": "Ready",
        "usable": "Usable, with reserve",
        "not_better": "Not better than chance",
        "too_little_data": "Too little data for a verdict",
    },
    "zh": {
        "ready": "可以使用",
        "usable": "可参考",
        "not_better": "不优于随机",
        "too_little_data": "数据不足，无法评判",
    },
}
_FAULTS: Final = {
    "en": {
        "test": "no test: fewer than {least} of a class among the most recent leads",
        "order": "it does not tell those who convert from the others",
        "few": "fewer than 1000 leads or 120 conversions to learn from",
        "kept": "it uses columns that may know the outcome",
        "slope": "calibration slope {slope}, not .8 to 1.25",
        "level": "the level is more than 5 points off",
        "trees": "boosted trees are clearly better (AUC {trees:.3f})",
    },
    "zh": {
        "test": "无法检验：最近线索中某一类少于 {least} 条",
        "order": "无法区分会转化与不会转化的线索",
        "few": "可学习的线索少于 1000 条或转化少于 120 条",
        "kept": "使用了可能已知结果的列",
        "slope": "校准斜率为 {slope}，不在 0.8 至 1.25 之间",
        "level": "整体水平偏差超过 5 个百分点",
        "trees": "提升树明显更好（AUC {trees:.3f}）",
    },
}
_ACTIONS: Final = {"en": {"dropped": "left out", "kept": "used"}, "zh": {"dropped": "未使用", "kept": "已使用"}}


def verdict(
    code: str, faults: Sequence[str], test: LeadTest | None, flagged: Sequence[LeadColumn], locale: Locale
) -> str:
    """Say the verdict with its figures, its reasons and the columns under suspicion."""
    english = locale == "en"
    figures = {
        "least": LEAST_RECENT,
        "slope": "-" if test is None or test.slope is None else f"{test.slope.value:.2f}",
        "trees": 0.0 if test is None or test.challenger is None else test.challenger.value,
    }
    parts = [] if test is None else [_figures(test, locale)]
    parts += [_FAULTS[locale][fault].format(**figures) for fault in faults]
    lines = [
        f"{_HEADS[locale][code]}: {'; '.join(parts)}." if english else f"{_HEADS[locale][code]}：{'；'.join(parts)}。"
    ]
    for column in flagged:
        done = _ACTIONS[locale].get(column.action, column.action)
        said = flag_words(column, locale)
        lines.append(
            f"Suspected, {done}: {column.name} ({said})." if english else f"可疑，{done}：{column.name}（{said}）。"
        )
    return "\n".join(lines)


def _figures(test: LeadTest, locale: Locale) -> str:
    ends = f"{test.auc.low or 0.0:.3f}, {test.auc.high or 0.0:.3f}"
    trees = "" if test.challenger is None else f"{test.challenger.value:.3f}"
    if locale == "zh":
        beside = f"，提升树 {trees}" if trees else ""
        return (
            f"自 {test.from_day} 起的 {test.leads} 条线索中 AUC {test.auc.value:.3f}（{ends}）{beside}，"
            f"前 10 % 提升 {test.lift.value:.1f} 倍，预测 {test.predicted:.1%}，实际 {test.observed:.1%}"
        )
    beside = f", boosted trees {trees}" if trees else ""
    return (
        f"AUC {test.auc.value:.3f} ({ends}){beside} on {test.leads} leads from {test.from_day} on, lift at 10 % "
        f"{test.lift.value:.1f}, {100 * test.predicted:.1f} % forecast and {100 * test.observed:.1f} % converted"
    )


_BINS: Final = {
    "en": {
        "between": "{column} {lower} to under {upper}",
        "above": "{column} at least {lower}",
        "below": "{column} under {upper}",
        "any": "{column} known",
        "categories": "{column} is {value}",
        "other": "{column} is a rare value",
        "missing": "{column} unknown",
        "points": " (+{points})",
        "none": "Nothing raises the chance above the average.",
    },
    "zh": {
        "between": "{column}为 {lower} 至 {upper}（不含）",
        "above": "{column}不低于 {lower}",
        "below": "{column}低于 {upper}",
        "any": "{column}已知",
        "categories": "{column}为{value}",
        "other": "{column}为少见值",
        "missing": "{column}未知",
        "points": "（+{points}）",
        "none": "没有使转化机会高于平均的因素。",
    },
}


def bin_words(column: str, one: Bin, hundredths: int, locale: Locale) -> str:
    """Say a bin and by how many points it raises a lead above the average."""
    return bin_name(column, one, locale) + _BINS[locale]["points"].format(points=f"{hundredths / 100:.1f}")


def bin_name(column: str, one: Bin, locale: Locale) -> str:
    """Say a bin."""
    code = one.kind if one.kind != "range" else _range_code(one)
    known = {"lower": _number(one.lower), "upper": _number(one.upper), "value": ", ".join(one.categories)}
    return _BINS[locale][code].format(column=column, **known)


def nothing(locale: Locale) -> str:
    """Say that no reason stands out."""
    return _BINS[locale]["none"]


def _range_code(one: Bin) -> str:
    if one.lower is None:
        return "any" if one.upper is None else "below"
    return "above" if one.upper is None else "between"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"

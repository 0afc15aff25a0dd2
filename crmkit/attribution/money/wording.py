"""Notes and reasons of the money tables, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from crmkit.segment_maps import Locale

if TYPE_CHECKING:
    from crmkit.attribution.money.reallocation import Plan
    from crmkit.attribution.money.spending import Period

_NOTES: Final = {
    "unknown": ("No cost on record: no ratios.", "无成本记录：无法计算比率。"),
    "free": ("Cost 0: no ROAS, no ROI.", "成本为 0：无 ROAS 与 ROI。"),
    "nothing": ("No conversions credited: no CAC.", "未归因到任何转化：无 CAC。"),
    "no_leads": ("No leads: no CPL.", "无线索：无 CPL。"),
    "days": (
        "Costs of {first} to {last}: the credit must be of these days, else give period.",
        "成本期间为 {first} 至 {last}：归因须为同一期间，否则请指定 period。",
    ),
}
_JOINTS: Final = {"en": " ", "zh": ""}


def notes(table: dict[str, Any], covered: Period | None, locale: Locale) -> NDArray[Any]:
    """Say of each row what is missing and why, and of which days all costs are; an empty text where nothing is."""
    flags = {
        "unknown": np.isnan(table["cost"]),
        "free": table["cost"] == 0.0,
        "nothing": ~np.isnan(table["cost"]) & (table["conversions"] <= 0.0),
        "no_leads": ~np.isnan(table["cost"]) & (table["leads"] <= 0.0),
        "days": ~np.isnan(table["cost"]) & (covered is not None),
    }
    first, last = covered or ("", "")
    said = {code: texts[locale == "zh"].format(first=first, last=last) for code, texts in _NOTES.items()}
    rows = len(table["cost"])
    lines = [_JOINTS[locale].join(said[code] for code, flag in flags.items() if flag[row]) for row in range(rows)]
    return np.array(lines, dtype=object)


_REASONS: Final = {
    "unknown": ("No cost on record: nothing to suggest.", "无成本记录：不作建议。"),
    "zero": ("No spend now: how it would return is not known.", "当前无投入：回报未知。"),
    "no_interval": (
        "No interval of its return (nothing credited, or no standard error): spend kept.",
        "回报无置信区间（未归因到转化，或无标准误）：投入不变。",
    ),
    "alone": ("The only channel to compare: spend kept.", "仅此一个渠道可比较：投入不变。"),
    "all": (
        "Returns {roas} per 1 ({low} to {high}); not told apart from the others: nothing is moved.",
        "每投入 1 回报 {roas}（{low} 至 {high}）；与其他渠道无法区分：不作调整。",
    ),
    "kept": (
        "Returns {roas} per 1 ({low} to {high}): spend kept.",
        "每投入 1 回报 {roas}（{low} 至 {high}）：投入不变。",
    ),
    "more": (
        "Returns {roas} per 1 ({low} to {high}), the budget {mean}: {change} %.",
        "每投入 1 回报 {roas}（{low} 至 {high}），整体预算为 {mean}：{change}%。",
    ),
}
_BESIDE: Final = {
    "bound": ("As far as the bounds let it.", "已达允许幅度。"),
    "range": ("No further than spend has been tried.", "不超出曾有的投入范围。"),
    "together": ("Moves with {names}: their intervals overlap.", "与 {names} 同步调整：区间重叠。"),
    "test": ("Return corrected by a lift test.", "回报已按增量测试校正。"),
}


def reasons(plan: Plan, models: NDArray[Any], bounds: float, locale: Locale) -> NDArray[Any]:
    """Say why each channel's spend is suggested as it is."""
    found = np.empty(len(plan.channel), dtype=object)
    for model in dict.fromkeys(models.tolist()):
        rows = np.flatnonzero(models == model)
        moved = rows[~np.isnan(plan.group[rows])]
        spent = plan.spend[moved].sum()
        mean = float(plan.spend[moved] @ plan.roas[moved] / spent) if spent else 0.0
        for row in rows:
            mates = [str(plan.channel[i]) for i in moved if plan.group[i] == plan.group[row] and i != row]
            groups = len(set(plan.group[moved].tolist()))
            found[row] = _reason(plan, int(row), mean, mates, groups, bounds, locale)
    return found


def _reason(plan: Plan, row: int, mean: float, mates: list[str], groups: int, bounds: float, locale: Locale) -> str:
    chinese, factor = locale == "zh", float(plan.factor[row])
    code = _code(plan, row, mates, groups)
    parts = {
        "roas": _short(plan.roas[row]),
        "low": _short(plan.low[row]),
        "high": _short(plan.high[row]),
        "mean": _short(mean),
        "change": f"{100.0 * (factor - 1.0):+.1f}",
        "names": ("、" if chinese else ", ").join(mates),
    }
    said = [_REASONS[code][chinese].format(**parts)]
    if code == "more":
        reached = min(abs(factor - (1.0 - bounds)), abs(factor - (1.0 + bounds))) < 1e-9
        at_range = not reached and min(abs(factor - plan.lowest[row]), abs(factor - plan.highest[row])) < 1e-9
        beside = [("bound", reached), ("range", at_range)]
    else:
        beside = []
    beside += [("together", bool(mates) and code in ("more", "kept")), ("test", bool(plan.tested[row]))]
    said += [_BESIDE[extra][chinese].format(**parts) for extra, holds in beside if holds and code != "unknown"]
    return _JOINTS[locale].join(said)


def _code(plan: Plan, row: int, mates: list[str], groups: int) -> str:
    if np.isnan(plan.spend[row]):
        return "unknown"
    if plan.spend[row] == 0.0:
        return "zero"
    if np.isnan(plan.group[row]):
        return "no_interval"
    if groups == 1:
        return "all" if mates else "alone"
    return "more" if abs(plan.factor[row] - 1.0) >= 5e-4 else "kept"


def _short(number: float) -> str:
    """Three significant digits, no exponent."""
    digits = 2 if abs(number) < 100.0 else 0
    return f"{number:,.{digits}f}"

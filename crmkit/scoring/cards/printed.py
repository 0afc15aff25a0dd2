"""A scorecard on paper: what a manager reads and signs; English and Chinese."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from crmkit.scoring.cards.card import LETTERS, Scorecard
from crmkit.scoring.cards.conditions import Attribute, Condition, Event
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.rules import Rule, Step
from crmkit.segment_maps import Locale, checked_locale

_WORDS: Final = {
    "en": {
        "fit": "fit",
        "engagement": "engagement",
        "cap": "at most {:g}",
        "floor": "at least {:g}",
        "decay": "an event loses {} % of its points every {} days",
        "window": "events of the last {} days",
        "first": "first time only",
        "once": "once, however often",
        "daily": "at most {:g} a day",
        "at_least": "{} or more: {:+g}",
        "between": "{} to {}: {:+g}",
        "exactly": "exactly {}: {:+g}",
        "stage": "stage {}",
        "missing": "no value",
        "starts_with": "begins with {}",
        "ends_with": "ends with {}",
        "contains": "contains {}",
        "content": "content {}",
        "channel": "by {}",
        "or": " or ",
        "bands": "Score",
        "below": "below {:g}",
        "from": "from {:g}",
        "grade": "Grade: fit {}; engagement {}",
        "hand_off": "Hand over to sales from {:g} points on.",
        "overrides": "Beside the points",
        "disqualify": "disqualifies: score 0",
        "hands": "hands over at once",
        "trend": "Trend: a change of {:g} points or more in {} days.",
        "signed": "Approved by ____________________   Date ______________",
    },
    "zh": {
        "fit": "画像匹配",
        "engagement": "行为互动",
        "cap": "最高 {:g} 分",
        "floor": "最低 {:g} 分",
        "decay": "每过 {1} 天，事件失去原分数的 {0} %",
        "window": "仅计最近 {} 天的事件",
        "first": "仅首次计分",
        "once": "无论几次只计一次",
        "daily": "每天最多 {:g} 分",
        "at_least": "{} 次及以上：{:+g}",
        "between": "{} 至 {} 次：{:+g}",
        "exactly": "恰好 {} 次：{:+g}",
        "stage": "阶段 {}",
        "missing": "无值",
        "starts_with": "以 {} 开头",
        "ends_with": "以 {} 结尾",
        "contains": "包含 {}",
        "content": "内容 {}",
        "channel": "渠道 {}",
        "or": " 或 ",
        "bands": "总分",
        "below": "{:g} 以下",
        "from": "{:g} 起",
        "grade": "等级：画像 {}；互动 {}",
        "hand_off": "达到 {:g} 分即移交销售。",
        "overrides": "分数之外",
        "disqualify": "取消资格：总分为 0",
        "hands": "立即移交销售",
        "trend": "趋势：{1} 天内变化不少于 {0:g} 分。",
        "signed": "批准人 ____________________   日期 ______________",
    },
}


def printed(card: Scorecard, locale: Locale = "en") -> str:
    """Write a scorecard out for people: groups, rules, bands and what to do, with a line to sign.

    Parameters
    ----------
    card : Scorecard
        The card.
    locale : {"en", "zh"}
        Language of the words; names are in it where the card has them.

    Returns
    -------
    str
        Plain text.
    """
    say = _WORDS[checked_locale(locale)]
    lines = [card.name, "=" * len(card.name)]
    for group in card.groups:
        lines += ["", _group_line(group, say, locale)]
        lines += [f"  {_points(rule):>7}  {_rule_line(rule, say, locale)}" for rule in group.rules]
    if card.overrides:
        lines += ["", say["overrides"]]
        lines += [f"  {line}" for line in _override_lines(card, say, locale)]
    lines += ["", say["bands"], *_band_lines(card, say, locale), say["hand_off"].format(card.threshold)]
    if card.fit_edges:
        numbers = [str(number) for number in range(1, len(card.engagement_edges) + 2)]
        lines.append(
            say["grade"].format(_edges(card.fit_edges, LETTERS, say), _edges(card.engagement_edges, numbers, say))
        )
    return "\n".join([*lines, say["trend"].format(card.trend_points, card.trend_days), "", say["signed"]])


def notebook_rows(card: Scorecard) -> list[tuple[str, str, str]]:
    """Give group, points and rule, one row per rule and override, in English."""
    say = _WORDS["en"]
    rows = [(group.text("en"), _points(rule), _rule_line(rule, say, "en")) for group, rule in card.rules]
    return [*rows, *(("", "", line) for line in _override_lines(card, say, "en"))]


def notebook_lines(card: Scorecard) -> list[str]:
    """Say in English what the bands are, and from where on a lead is handed over."""
    say = _WORDS["en"]
    bands = [line.strip() for line in _band_lines(card, say, "en")]
    return [*bands, say["hand_off"].format(card.threshold)]


def _override_lines(card: Scorecard, say: dict[str, str], locale: Locale) -> list[str]:
    effects = {"disqualify": say["disqualify"], "hand_off": say["hands"]}
    return [f"{one.text(locale)} ({_asks(one.when, say)}): {effects[one.effect]}" for one in card.overrides]


def _group_line(group: Group, say: dict[str, str], locale: Locale) -> str:
    parts = [say[group.kind]]
    parts += [say[end].format(getattr(group, end)) for end in ("floor", "cap") if getattr(group, end) is not None]
    if group.decay is not None:
        parts.append(say["decay"].format(group.decay.percent, group.decay.interval_days))
    parts += [say["window"].format(group.window_days)] if group.window_days else []
    return f"{group.text(locale)} ({'; '.join(parts)})"


def _points(rule: Rule) -> str:
    return "" if rule.ladder else f"{rule.points:+g}"


def _rule_line(rule: Rule, say: dict[str, str], locale: Locale) -> str:
    parts = [_asks(rule.when, say)]
    parts += [say[rule.counting]] if rule.counting in ("first", "once") else []
    parts += [_step(step, say) for step in rule.ladder]
    parts += [say["daily"].format(rule.daily_cap)] if rule.daily_cap else []
    parts += [say["window"].format(rule.window_days)] if rule.window_days else []
    parts += [say["stage"].format(rule.stage)] if rule.stage else []
    return f"{rule.text(locale)} ({'; '.join(parts)})"


def _step(step: Step, say: dict[str, str]) -> str:
    if step.between is not None:
        return say["between"].format(*step.between, step.points)
    kind = "at_least" if step.at_least is not None else "exactly"
    return say[kind].format(getattr(step, kind), step.points)


def _asks(when: Condition, say: dict[str, str]) -> str:
    if isinstance(when, Event):
        parts = [say["or"].join(when.event)]
        parts += [
            say[name].format(say["or"].join(getattr(when, name)))
            for name in ("content", "channel")
            if getattr(when, name)
        ]
        return ", ".join(parts)
    return f"{when.column}: {_test(when, say)}"


def _test(when: Attribute, say: dict[str, str]) -> str:
    if when.missing:
        return say["missing"]
    if when.equals:
        return say["or"].join(map(str, when.equals))
    for name in ("starts_with", "ends_with", "contains"):
        if getattr(when, name):
            return say[name].format(say["or"].join(getattr(when, name)))
    low = "" if when.low is None else f"{when.low:g}"
    high = "" if when.high is None else f"{when.high:g}"
    return f"[{low}, {high})"


def _band_lines(card: Scorecard, say: dict[str, str], locale: Locale) -> list[str]:
    spans = [f"[{low.low:g}, {high.low:g})" for low, high in pairwise(card.bands)]
    spans = [*spans, say["from"].format(card.bands[-1].low)]
    if len(card.bands) > 1:
        spans[0] = say["below"].format(card.bands[1].low)
    texts = [band.text(locale) for band in card.bands]
    return [
        f"  {span:<14} {name}: {treatment}".rstrip(": ") for span, (name, treatment) in zip(spans, texts, strict=True)
    ]


def _edges(edges: tuple[float, ...], names: str | list[str], say: dict[str, str]) -> str:
    steps = [f"{name} {say['from'].format(edge)}" for name, edge in zip(names, edges, strict=False)]
    return ", ".join([*steps, f"{names[len(edges)]} {say['below'].format(edges[-1])}"])

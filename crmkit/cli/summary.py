"""What a person reads after a run: what was read, what was wrong, whom to call today; in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from crmkit import batch
from crmkit.segment_maps import Locale

_EN: Final = {
    "read": "Read:",
    "table": "{name}: {rows:,} rows, {aside:,} set aside",
    "done": "Done for {day}:",
    "room": "{room} ({seconds:.1f} s): {made}",
    "later": "Results of later days began with an older state: run {days} again, in this order.",
    "gone": "Results of {days} were removed (keep_days).",
    "alerts": "New or graver alerts, by value at risk:",
    "reminders": "To be reminded today, by expected value:",
    "leads": "Leads due for sales today, by score:",
    "who": "{who}: {what}",
    "page": "Page: {file}",
    "comma": ", ",
}
_ZH: Final = {
    "read": "已读取：",
    "table": "{name}：{rows:,} 行，搁置 {aside:,} 行",
    "done": "{day} 已完成：",
    "room": "{room}（{seconds:.1f} 秒）：{made}",
    "later": "之后日期的结果基于较早的状态，请按此顺序重新运行：{days}。",
    "gone": "已删除 {days} 的结果（keep_days）。",
    "alerts": "新增或升级的预警，按风险价值排序：",
    "reminders": "今天需要提醒的客户，按预期价值排序：",
    "leads": "今天应转交销售的线索，按得分排序：",
    "who": "{who}：{what}",
    "page": "页面：{file}",
    "comma": "、",
}
_STEPS_ZH: Final = {"publish": "发布结果", "nothing is published": "不发布结果"}


def spoken(step: str, locale: Locale) -> str:
    """Name a step of a run in the language of people."""
    if locale == "en":
        return step
    return _STEPS_ZH.get(step, f"读取 {step.removeprefix('read ')}" if step.startswith("read ") else f"运行 {step}")


def tables(inputs: Iterable[batch.Checked], locale: Locale) -> Iterable[str]:
    """Say what was read and what was wrong with it; findings are in English."""
    words = _words(locale)
    yield words["read"]
    for table in inputs:
        yield "  " + words["table"].format(name=table.name, rows=table.rows_in, aside=table.rows_aside)
        for text in (*table.errors, *table.warnings):
            yield "    " + text.replace("\n", "\n    ")


def page(file: Path, locale: Locale) -> str:
    """Say where the page is."""
    return _words(locale)["page"].format(file=file)


def results(done: batch.Done, locale: Locale) -> Iterable[str]:
    """Say what was made."""
    words = _words(locale)
    yield words["done"].format(day=done.day)
    for room, job in done.jobs.items():
        made = words["comma"].join(f"{name} {rows:,}" for name, rows in job.rows.items())
        yield "  " + words["room"].format(room=room, seconds=job.seconds, made=made)
        yield from (f"    {text}" for text in job.warnings)
    for key, days in (("later", done.later), ("gone", done.gone)):
        if days:
            yield "  " + words[key].format(days=words["comma"].join(map(str, days)))


def today(done: batch.Done, locale: Locale) -> Iterable[str]:
    """Say whom to call."""
    words = _words(locale)
    lists = {"alerts": done.today.alerts, "reminders": done.today.reminders, "leads": done.today.leads}
    for key, rows in lists.items():
        if rows:
            yield words[key]
            yield from ("  " + words["who"].format(who=who, what=what) for who, what in rows)


def _words(locale: Locale) -> Mapping[str, str]:
    return _ZH if locale == "zh" else _EN

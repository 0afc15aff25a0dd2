"""Findings of a run in the words of the page: what is wrong with tables, and what rooms warned of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from crmkit.report.edition import Edition

_EMPTY: Final = "every column is empty"  # an example that shows nothing, as `schema.findings` says it
# Warnings come as texts of the rooms. English ones stand as they are; each has its Chinese beside it here.
_WARNINGS: Final = (
    (
        r"Cuts of (\d+) scores from (\d+) customers are unstable; (\d+) or more are needed\.",
        "仅由 {1} 位客户切分 {0} 个分值并不稳定；需要 {2} 位或更多。请减少分值，或自定阈值：Cuts(...)。",
    ),
    (
        r"None of (\d+) customers scores above (\d+), and the map '(.*)' has (\d+);",
        "{0} 位客户的得分均不高于 {1}，而客群图 {2} 有 {3} 个分值；阈值可能属于另一张客群图。",
    ),
    (
        r"Events of (\d+) leads are not scored, because leads does not have them \(first: (.*)\)\.",
        "{0} 条线索的事件未计分，因为 leads 表中没有这些线索（首例：{1}）。请补上这些线索，或排除其事件。",
    ),
    (
        r"A forecast of (\d+) days needs deals .* the log begins (-?\d+) days before it\.",
        "预测 {0} 天，需要在此前同样长的时间就已开始并成交的商机；记录仅始于 {1} 天前。请减少月数，或提供更长的历史。",
    ),
)


def told(edition: Edition, table: str, finding: Mapping[str, Any]) -> str:
    """Tell a finding of the manifest in the language of the page.

    Parameters
    ----------
    edition : Edition
    table : str
        Its name.
    finding : mapping
        `column`, `rule`, `rows`, `of`, `first`, as the manifest has it.
    """
    words, rule = edition.words("quality"), str(finding["rule"])
    known = rule if f"rule_{rule}" in words else "other"
    first = str(finding["first"])
    return (
        words["found"]
        .format(
            place=f"{table}.{finding['column']}" if finding["column"] else table,
            rows=edition.count(finding["rows"]),
            of=edition.count(finding["of"]),
            says=words[f"rule_{known}"].format(rule=rule),
            first=words["nothing_there"] if first == _EMPTY else first,
            advice=words[f"advice_{known}"],
        )
        .rstrip()
    )


def reasoned(edition: Edition, reasons: str) -> str:
    """Translate why a row was set aside: `column: rule` for each rule that it breaks, or what a line is no row for."""
    words = edition.words("quality")
    parts = [part.rpartition(": ") for part in reasons.split("; ")]
    if all(f"reason_{rule}" in words for _, _, rule in parts):
        return "; ".join(f"{column}: {words[f'reason_{rule}']}" for column, _, rule in parts)
    return (
        words["reason_line"].format(text=reasons) if edition.locale == "en" else words["reason_line"].format(text="CSV")
    )


def warned(edition: Edition, text: str) -> str:
    """Give a warning of a room in the language of the page; one that is not known stands as it came."""
    if edition.locale == "zh":
        for pattern, chinese in _WARNINGS:
            found = re.match(pattern, text, re.DOTALL)
            if found:
                return chinese.format(*found.groups())
    return text

"""Which columns of which tables rules need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmkit.tags.rules.conditions import Attribute, Keywords, Measure, Unanswered, leaves
from crmkit.tags.rules.rule import TagRule


def needed_columns(rules: Sequence[TagRule]) -> dict[str, list[str]]:
    """List by table the columns that the conditions of rules name, beside keys and times."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        for leaf in leaves(rule.when):
            for table, column in _needed(leaf):
                names = found.setdefault(table, [])
                if column and column not in names:
                    names.append(column)
    return found


def _needed(leaf: Attribute | Measure | Unanswered | Keywords) -> Iterator[tuple[str, str]]:
    if isinstance(leaf, Attribute):
        yield "customers", leaf.column
    elif isinstance(leaf, Keywords):
        yield leaf.table, leaf.column
    elif isinstance(leaf, Measure):
        yield leaf.log, leaf.column
        yield from ((leaf.log, one.column) for one in leaf.where)
    else:
        yield leaf.answer, ""
        yield from ((leaf.log, one.column) for one in leaf.where)
        yield from ((leaf.answer, one.column) for one in leaf.answer_where)

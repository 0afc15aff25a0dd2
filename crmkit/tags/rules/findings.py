"""What is odd about tag rules: they can never hold, need what is not there, tie, or give two values at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from crmkit.tags.rules.columns import needed_columns
from crmkit.tags.rules.conditions import AllOf, AnyOf, Attribute, Condition, Keywords, Measure, NoneOf
from crmkit.tags.rules.overlaps import disjoint, implies, same_subject
from crmkit.tags.rules.rule import TagRule, checked_rules, stronger

TagFindingKind: TypeAlias = Literal["never", "unknown", "tie", "overlap"]


@dataclass(frozen=True, slots=True)
class TagFinding:
    """Something to look at before rules are used.

    Attributes
    ----------
    kind : {"never", "unknown", "tie", "overlap"}
        The rule never gives its tag; a table or a column is not there; two rules of a group and priority can hold
        together, so that their order decides; one tag may come with two values.
    place : str
        Code of the rule or rules.
    says : str
        What, in words.
    """

    kind: TagFindingKind
    place: str
    says: str


def check_tags(
    rules: Sequence[TagRule], *, columns: Mapping[str, Sequence[str]] | None = None
) -> tuple[TagFinding, ...]:
    """Look for rules that never give their tag, that ask for what is not there, that tie or overlap.

    Parameters
    ----------
    rules : sequence of TagRule
        That they have no error is known already.
    columns : mapping of str to sequence of str, optional
        The tables that you have ("customers", "orders", "contacts", "events") and their columns; by default tables
        are not looked at.

    Returns
    -------
    tuple of TagFinding
        In the order never, unknown, tie, overlap; empty if nothing is odd. None of them is an error here; a table or
        column that is not there is one when customers are tagged.

    Examples
    --------
    >>> from crmkit.tags import Attribute, TagRule
    >>> rules = [TagRule("big", "basic", "size", Attribute("staff", low=100), "big", group="size"),
    ...          TagRule("small", "basic", "size", Attribute("staff", high=200), "small", group="size")]
    >>> [(finding.kind, finding.place) for finding in check_tags(rules, columns={"customers": ["customer_id"]})]
    [('unknown', 'big'), ('unknown', 'small'), ('tie', 'big, small')]
    """
    checked = checked_rules(rules)
    unknown = [] if columns is None else _unknown(checked, columns)
    return (*_never(checked), *unknown, *_ties(checked), *_overlaps(checked))


def _never(rules: Sequence[TagRule]) -> list[TagFinding]:
    found = []
    for place, rule in enumerate(rules):
        why = impossible(rule.when)
        for i in stronger(rules, place):
            if not why and implies(rule.when, rules[i].when):
                why = f"Wherever it holds, so does {rules[i].code!r}, which wins."
        if why:
            found.append(TagFinding("never", rule.code, why))
    return found


def _unknown(rules: Sequence[TagRule], columns: Mapping[str, Sequence[str]]) -> list[TagFinding]:
    found = []
    for rule in rules:
        for table, names in needed_columns([rule]).items():
            lacking = [name for name in names if name not in columns.get(table, ())]
            if table not in columns:
                found.append(TagFinding("unknown", rule.code, f"There is no table {table}."))
            elif lacking:
                found.append(TagFinding("unknown", rule.code, f"{table} has no column {', '.join(lacking)}."))
    return found


def _ties(rules: Sequence[TagRule]) -> list[TagFinding]:
    found = []
    for one, other in combinations(rules, 2):
        grouped = one.group and one.group == other.group and one.priority == other.priority
        if grouped and not disjoint(one.when, other.when):
            says = f"Both can hold, in group {one.group!r} with priority {one.priority}; then the first one wins."
            found.append(TagFinding("tie", f"{one.code}, {other.code}", says))
    return found


def _overlaps(rules: Sequence[TagRule]) -> list[TagFinding]:
    found = []
    for one, other in combinations(rules, 2):
        free = not one.group or one.group != other.group
        same_tag = one.gives[:2] == other.gives[:2] and one.value != other.value
        if free and same_tag and same_subject(one.when, other.when) and not disjoint(one.when, other.when):
            says = f"A customer can get {one.tag!r} as {one.value!r} and as {other.value!r}; a group would choose."
            found.append(TagFinding("overlap", f"{one.code}, {other.code}", says))
    return found


def impossible(condition: Condition) -> str:
    """Say why no customer can meet a condition; empty if one can."""
    if isinstance(condition, AllOf):
        return next(filter(None, map(impossible, condition.parts)), "") or _contradiction(condition)
    if isinstance(condition, AnyOf):
        reasons = [impossible(part) for part in condition.parts]
        return reasons[0] if all(reasons) else ""
    return _empty_range(condition) if isinstance(condition, Measure) else _closed_window(condition)


def _contradiction(whole: AllOf) -> str:
    for one, other in combinations(whole.parts, 2):
        if disjoint(one, other):
            return "Two of its conditions exclude each other."
    return ""


def _empty_range(asked: Measure) -> str:
    lowest, highest = {"share": (0.0, 1.0), "count": (0.0, math.inf)}.get(asked.how, (-math.inf, math.inf))
    if asked.how == "days_since":
        lowest, highest = 0.0, math.inf if asked.window_days is None else asked.window_days - 1.0
    is_open = asked.above is not None and asked.above >= highest
    if is_open or (asked.low is not None and asked.low > highest) or (asked.high is not None and asked.high <= lowest):
        return f"A {asked.how} lies between {lowest:g} and {highest:g}."
    return ""


def _closed_window(condition: Condition) -> str:
    if isinstance(condition, Attribute | Keywords | NoneOf | Measure | AllOf | AnyOf):
        return ""
    if condition.window_days is not None and condition.within_days >= condition.window_days:
        return f"The wait of {condition.within_days} days is over only when the window has passed."
    return ""

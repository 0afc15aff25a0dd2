"""How conditions stand to each other: one implies the other, they exclude each other, they ask about one thing."""

from __future__ import annotations

import math
from dataclasses import replace

from crmkit.tags.rules.conditions import AllOf, AnyOf, Attribute, Condition, Keywords, Measure, NoneOf
from crmkit.tags.rules.values import Value


def implies(one: Condition, other: Condition) -> bool:
    """Whether whoever meets the first surely meets the second."""
    if one == other:
        return True
    if isinstance(other, AnyOf) and any(implies(one, part) for part in other.parts):
        return True
    if isinstance(other, AllOf) and all(implies(one, part) for part in other.parts):
        return True
    if isinstance(one, AllOf) and any(implies(part, other) for part in one.parts):
        return True
    if isinstance(one, AnyOf):
        return all(implies(part, other) for part in one.parts)
    if isinstance(one, Keywords) and isinstance(other, Keywords):
        return replace(one, words=other.words) == other and set(one.words) <= set(other.words)
    return _narrower(one, other)


def disjoint(one: Condition, other: Condition) -> bool:
    """Whether surely nobody meets both."""
    if isinstance(one, AllOf | AnyOf):
        judge = any if isinstance(one, AllOf) else all
        return judge(disjoint(part, other) for part in one.parts)
    if isinstance(one, NoneOf):
        return any(implies(other, part) for part in one.parts)
    if isinstance(other, AllOf | AnyOf | NoneOf):
        return disjoint(other, one)
    if isinstance(one, Attribute) and isinstance(other, Attribute) and one.column == other.column:
        if one.missing or other.missing:
            return one.missing != other.missing
        return not _values_meet(one, other)
    return _one_measure(one, other) and not _spans_meet(one, other)


def same_subject(one: Condition, other: Condition) -> bool:
    """Whether two conditions ask about one attribute or one number."""
    if isinstance(one, Attribute) and isinstance(other, Attribute):
        return one.column == other.column
    return one == other or _one_measure(one, other)


def _one_measure(one: Condition, other: Condition) -> bool:
    if not (isinstance(one, Measure) and isinstance(other, Measure)):
        return False
    alike = {"low": 0.0, "above": None, "high": None}
    return replace(one, **alike) == replace(other, **alike)  # type: ignore[arg-type]


def _narrower(one: Condition, other: Condition) -> bool:
    """Whether the values of one lie within those of the other, both asking about one thing."""
    if isinstance(one, Attribute) and isinstance(other, Attribute) and one.column == other.column:
        if one.equals and not other.missing and one.asks == other.asks:
            return all(_holds(other, value) for value in one.equals)
        return one.is_range and other.is_range and _span_within(one, other)
    return _one_measure(one, other) and _span_within(one, other)


def _values_meet(one: Attribute, other: Attribute) -> bool:
    if one.asks != other.asks:
        return False
    for values, test in ((one.equals, other), (other.equals, one)):
        if values:
            return any(_holds(test, value) for value in values)
    return not one.is_range or _spans_meet(one, other)


def _ends(one: Condition) -> tuple[float, bool, float]:
    """Beginning, whether it is left out, end."""
    assert isinstance(one, Attribute | Measure)
    start = one.low if one.low is not None else one.above
    return -math.inf if start is None else start, one.above is not None, math.inf if one.high is None else one.high


def _spans_meet(one: Condition, other: Condition) -> bool:
    (low, _, high), (low_too, _, high_too) = _ends(one), _ends(other)
    return max(low, low_too) < min(high, high_too)


def _span_within(one: Condition, other: Condition) -> bool:
    (low, is_open, high), (low_too, is_open_too, high_too) = _ends(one), _ends(other)
    return (low > low_too or (low == low_too and (is_open or not is_open_too))) and high <= high_too


def _holds(test: Attribute, value: Value) -> bool:
    if test.equals:
        return value in test.equals
    if isinstance(value, str):
        return any(text in value for text in test.contains)
    low, is_open, high = _ends(test)
    return (value > low if is_open else value >= low) and value < high

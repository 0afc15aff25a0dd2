"""Conditions as expressions that are true or false, never unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

import narwhals.stable.v2 as nw

from crmkit.scoring.cards.conditions import Attribute, Event


def attribute_holds(when: Attribute, kind: nw.dtypes.DType) -> nw.Expr:
    """Whether a lead has the attribute; `kind` is that of the column, text or float64 or what the card only misses."""
    value = nw.col(when.column)
    unknown = value.is_null()
    if kind.is_float():
        unknown = unknown | value.is_nan()
    elif kind == nw.String:
        unknown = unknown | (value.str.strip_chars() == "")
    if when.missing:
        return unknown.fill_null(True)
    return (~unknown & _test(when, value)).fill_null(False)


def event_holds(when: Event) -> nw.Expr:
    """Whether a row of the log is such an event."""
    holds = _one_of(nw.col("event"), when.event)
    for name in ("content", "channel"):
        if getattr(when, name):
            holds = holds & _one_of(nw.col(name), getattr(when, name)).fill_null(False)
    return holds


def _test(when: Attribute, value: nw.Expr) -> nw.Expr:
    if when.equals:
        return _one_of(value, when.equals)
    if when.is_range:
        low = value >= when.low if when.low is not None else nw.lit(True)
        return low & (value < when.high) if when.high is not None else low
    tests: list[tuple[Sequence[str], Callable[[str], nw.Expr]]] = [
        (when.starts_with, value.str.starts_with),
        (when.ends_with, value.str.ends_with),
        (when.contains, lambda text: value.str.contains(text, literal=True)),
    ]
    return reduce(or_, [holds(text) for texts, holds in tests for text in texts])


def _one_of(value: nw.Expr, values: Sequence[str | float | bool]) -> nw.Expr:
    return reduce(or_, [value == nw.lit(wanted) for wanted in values])

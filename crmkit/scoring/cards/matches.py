"""Conditions as expressions that are true or false, never unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_

import narwhals.stable.v2 as nw

from crmkit.scoring.cards.conditions import Attribute, Event


def attribute_holds(when: Attribute, kind: nw.dtypes.DType) -> nw.Expr:
    """Whether a lead has the attribute; `kind` is that of the column, text or float64 or what the card only misses."""
    value = nw.col(when.column)
    if when.missing:
        return _is_unknown(value, kind).fill_null(True)
    # No test asks for blanks, so a blank text meets none; but NaN is above all numbers on some engines.
    known = ~value.is_nan() & _test(when, value) if kind.is_float() else _test(when, value)
    return known.fill_null(False)


def detail_holds(when: Event) -> nw.Expr:
    """Whether a row of the log, of the right event, has the content and the channel."""
    parts = [(nw.col(name), getattr(when, name)) for name in ("content", "channel") if getattr(when, name)]
    return reduce(and_, [_one_of(value, wanted).fill_null(False) for value, wanted in parts])


def _is_unknown(value: nw.Expr, kind: nw.dtypes.DType) -> nw.Expr:
    if kind.is_float():
        return value.is_null() | value.is_nan()
    return value.is_null() | (value.str.strip_chars() == "") if kind == nw.String else value.is_null()


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

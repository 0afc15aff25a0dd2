"""Evidence of a tag in few words: the number, the word or the value that decided; made of column names and signs."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit.day_words import whole
from crmkit.tags.rules.conditions import Attribute, Condition, Keywords, Measure, Unanswered, leaves

_LONGEST: Final = 60
_LARGE: Final = 1e15


def label(condition: Condition) -> str:
    """Name a condition: "sum(orders.amount), 365 days"."""
    if isinstance(condition, Attribute):
        return attribute_label(condition)
    if isinstance(condition, Measure):
        return _measure_label(condition)
    if isinstance(condition, Keywords):
        return f"{condition.table}.{condition.column} holds {' | '.join(condition.words)}"
    if isinstance(condition, Unanswered):
        done = ", ".join(map(attribute_label, condition.where))
        return f"{condition.log}: {done}; no {condition.answer}, {condition.within_days} days"
    return ", ".join(map(label, leaves(condition)))


def measure_name(asked: Measure) -> str:
    """Name the number of a measure, without its range: "share(orders: discount > 0), 365 days"."""
    column = f".{asked.column}" if asked.column else ""
    where = f": {', '.join(map(attribute_label, asked.where))}" if asked.where else ""
    window = f", {asked.window_days} days" if asked.window_days is not None else ""
    return f"{asked.how}({asked.log}{column}{where}){window}"


def attribute_label(asked: Attribute) -> str:
    """Write a test: "region = Beijing", "age in [25, 30)"."""
    if asked.missing:
        return f"{asked.column} missing"
    if asked.contains:
        return f"{asked.column} holds {' | '.join(asked.contains)}"
    if asked.equals:
        return f"{asked.column} = {' | '.join(map(_plain, asked.equals))}"
    return f"{asked.column} {span_label(asked)}"


def span_label(asked: Attribute | Measure) -> str:
    """Write a range: ">= 5", "in [5, 10)"."""
    start, sign = (asked.low, ">=") if asked.low is not None else (asked.above, ">")
    if start is None:
        return f"< {_plain(asked.high)}"
    bracket = "[" if sign == ">=" else "("
    return f"{sign} {_plain(start)}" if asked.high is None else f"in {bracket}{_plain(start)}, {_plain(asked.high)})"


def hundredths(number: nw.Expr) -> nw.Expr:
    """Round a number to whole hundredths; missing where it is too large for that."""
    return nw.when(number.abs() < _LARGE).then(whole(number * 100.0))


def number_text(column: str) -> nw.Expr:
    """Write a column of hundredths with no decimals or two, from whole numbers: engines write floats differently."""
    size = nw.col(column).abs()
    ones = (size / 100).floor().cast(nw.Int64)
    rest = (size - 100 * ones + 100).cast(nw.String).str.slice(1, 2)  # of "1dd"
    decimals = nw.when(rest == "00").then(nw.lit("")).otherwise(nw.concat_str(nw.lit("."), rest))
    sign = nw.when(nw.col(column) < 0).then(nw.lit("-")).otherwise(nw.lit(""))
    return nw.coalesce(nw.concat_str(sign, ones.cast(nw.String), decimals), nw.lit("beyond 1e15"))


def short_text(value: nw.Expr, kind: nw.dtypes.DType) -> nw.Expr:
    """Write a text or a truth value, cut where it is long."""
    if kind == nw.Boolean:
        return nw.when(value).then(nw.lit("true")).otherwise(nw.lit("false"))
    return value.str.slice(0, _LONGEST)


def _measure_label(asked: Measure) -> str:
    return f"{measure_name(asked)} {span_label(asked)}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)

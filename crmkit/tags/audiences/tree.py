"""An audience as data: the tests on customers and tags that an expression is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Number: TypeAlias = float
Value: TypeAlias = "str | float | bool | dt.date"
Sign: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    """The value of a column, held against another."""

    column: str
    sign: Sign
    value: Value


@dataclass(frozen=True, slots=True)
class Within:
    """The value of a column is one of several; negated: there is one, and it is none of them."""

    column: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The value lies in [low, high), closed: in [low, high]; negated: there is one outside."""

    column: str
    low: float | dt.date
    high: float | dt.date
    closed: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """The text of a column holds another; negated: there is a text without it."""

    column: str
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The column has no value; negated: it has one."""

    column: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """The customer has a tag: of a dimension, with one of the values; empty: of any, with any."""

    tag: str
    dimension: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The test does not hold."""

    part: Where


@dataclass(frozen=True, slots=True)
class And:
    """Every test holds."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one test holds."""

    parts: tuple[Where, ...]


Test: TypeAlias = Compare | Within | Between | Contains | Missing
Where: TypeAlias = Test | Tagged | Not | And | Or


def atoms(where: Where) -> Iterator[Test | Tagged]:
    """List the tests of an expression, from left to right."""
    if isinstance(where, And | Or):
        for part in where.parts:
            yield from atoms(part)
    elif isinstance(where, Not):
        yield from atoms(where.part)
    else:
        yield where


def kind_asked(test: Test) -> str:
    """Tell the kind of value that a test needs: "text", "number", "truth", "date" or "any"."""
    if isinstance(test, Missing):
        return "any"
    if isinstance(test, Contains):
        return "text"
    value = test.values[0] if isinstance(test, Within) else test.low if isinstance(test, Between) else test.value
    return kind_of(value)


def kind_of(value: Value) -> str:
    """Tell the kind of a value."""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, str):
        return "text"
    return "date" if isinstance(value, dt.date) else "number"

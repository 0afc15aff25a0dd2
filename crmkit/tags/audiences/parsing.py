"""From words to an expression, by recursive descent; no text is ever run as code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeVar, cast

from crmkit.errors import DomainError
from crmkit.tags.audiences.tree import (
    And,
    Between,
    Compare,
    Contains,
    Missing,
    Not,
    Or,
    Sign,
    Tagged,
    Test,
    Value,
    Where,
    Within,
    kind_of,
)
from crmkit.tags.audiences.words import Word, pointing, shown, words_of

_V = TypeVar("_V", bound=Value)
_DEEPEST: Final = 50
_MOST: Final = 200
_SIGNS: Final = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(slots=True)
class Parser:
    """One reading of one text."""

    text: str
    words: list[Word] = field(init=False)
    at: int = 0
    depth: int = 0
    places: dict[str, int] = field(default_factory=dict)
    tests: int = 0

    def __post_init__(self) -> None:
        self.words = words_of(self.text)

    def whole(self) -> Where:
        """Read the text to its end."""
        where = self._or()
        if self._word.kind != "end":
            self._fail("expected and, or, or the end")
        return where

    @property
    def _word(self) -> Word:
        return self.words[self.at]

    def _next(self) -> Word:
        self.at += 1
        return self.words[self.at - 1]

    def _takes(self, *values: str) -> str:
        """Go over a keyword or sign, if it is the next word; empty if it is not."""
        if self._word.kind in ("keyword", "sign") and self._word.value in values:
            return str(self._next().value)
        return ""

    def _need(self, value: str) -> None:
        if not self._takes(value):
            self._fail(f"expected {value}")

    def _fail(self, expected: str) -> NoReturn:
        raise pointing(self.text, self._word.start, f"{expected}, got {shown(self._word)}.")

    def _or(self) -> Where:
        parts = [self._and()]
        while self._takes("or"):
            parts.append(self._and())
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _and(self) -> Where:
        parts = [self._not()]
        while self._takes("and"):
            parts.append(self._not())
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _not(self) -> Where:
        start = self._word.start
        if self._takes("not"):
            return Not(self._deeper(start, self._not))
        if self._takes("("):
            inner = self._deeper(start, self._or)
            self._need(")")
            return inner
        self.tests += 1
        if self.tests > _MOST:
            raise pointing(self.text, start, f"an expression has {_MOST} tests at most.")
        return self._tagged() if self._takes("tag") else self._test()

    def _deeper(self, start: int, read: Callable[[], Where]) -> Where:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise pointing(self.text, start, f"parentheses and not stand inside each other {_DEEPEST} times at most.")
        inner = read()
        self.depth -= 1
        return inner

    def _tagged(self) -> Tagged:
        self._need("(")
        names = [self._text()]
        if self._takes(","):
            names.append(self._text())
        self._need(")")
        values: tuple[str, ...] = ()
        if self._takes("="):
            values = (self._text(),)
        elif self._takes("in"):
            values = tuple(self._listed(self._text, of_texts=True))
        return Tagged(names[-1], names[0] if len(names) > 1 else "", values)

    def _test(self) -> Test:
        if self._word.kind != "name":
            self._fail("expected a column, tag(...), not or (")
        column, place = str(self._word.value), self._next().start
        self.places.setdefault(column, place)
        sign = self._takes(*_SIGNS)
        if sign:
            return self._compared(column, cast("Sign", sign))
        if self._takes("is"):
            negated = bool(self._takes("not"))
            self._need("missing")
            return Missing(column, negated)
        negated = bool(self._takes("not"))
        if self._takes("contains"):
            return Contains(column, self._text(), negated)
        if not self._takes("in"):
            self._fail("expected a comparison, in, contains or is missing")
        return self._among(column, negated)

    def _compared(self, column: str, sign: Sign) -> Compare:
        start, value = self._word.start, self._value()
        if sign not in ("=", "!=") and kind_of(value) in ("text", "truth"):
            raise pointing(self.text, start, f"a {kind_of(value)} has no order; compare it by = or !=.")
        return Compare(column, sign, value)

    def _among(self, column: str, negated: bool) -> Within | Between:
        start = self._word.start
        if self._takes("["):
            low = self._ordered()
            self._need(",")
            high = self._ordered()
            closed = self._takes("]", ")") or self._fail("expected ] or )")
            if kind_of(low) != kind_of(high) or not (low <= high if closed == "]" else low < high):  # type: ignore[operator]
                raise pointing(self.text, start, "no value lies in this range.")
            return Between(column, low, high, closed == "]", negated)
        values = self._listed(self._value)
        if len({kind_of(value) for value in values}) > 1:
            raise pointing(self.text, start, "a list holds texts, or numbers, or dates, or true and false.")
        return Within(column, tuple(values), negated)

    def _listed(self, read: Callable[[], _V], *, of_texts: bool = False) -> list[_V]:
        if not self._takes("("):
            self._fail("expected a list such as ('a', 'b')" + ("" if of_texts else " or a range such as [1, 5)"))
        values = [read()]
        while self._takes(","):
            values.append(read())
        if len(values) > _MOST:
            raise pointing(self.text, self._word.start, f"a list holds {_MOST} values at most.")
        self._need(")")
        return values

    def _ordered(self) -> float | dt.date:
        if self._word.kind not in ("number", "date"):
            self._fail("expected a number or a date such as 2024-12-31")
        return cast("float | dt.date", self._next().value)

    def _value(self) -> Value:
        if self._word.kind == "text":
            return self._text()
        if self._word.kind in ("number", "date"):
            return self._next().value
        truth = self._takes("true", "false")
        if not truth:
            self._fail("expected a 'text', a number, a date, true or false")
        return truth == "true"

    def _text(self) -> str:
        if self._word.kind != "text":
            self._fail("expected a text in quotes")
        if not str(self._word.value).strip():
            self._fail("expected a text that is not blank (or: is missing)")
        return str(self._next().value)


def parse_where(text: str) -> Where:
    """Read the expression of an audience.

    Parameters
    ----------
    text : str
        As `audience` takes it.

    Returns
    -------
    Where
        The expression as data; `where_text` writes a text that gives it back.

    Raises
    ------
    DomainError
        The text is no expression; the error points at the place.

    Examples
    --------
    >>> parse_where("age in [25, 30)")
    Between(column='age', low=25.0, high=30.0, closed=False, negated=False)
    >>> parse_where("age in [25, and")
    Traceback (most recent call last):
    crmkit.errors.DomainError: Audience, column 13: expected a number or a date such as 2024-12-31, got and.
      age in [25, and
                  ^
    """
    return parsed_text(text).whole()


def parsed_text(text: str) -> Parser:
    """Begin to read a text; the reading also tells where each column stands."""
    if not isinstance(text, str):
        raise DomainError(f"An audience is a text such as \"region = 'Beijing'\", got {text!r:.60}.")
    return Parser(text)

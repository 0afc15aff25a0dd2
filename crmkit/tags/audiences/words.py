"""From the text of an expression to its words, and errors that point at one of them."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from crmkit.errors import DomainError

WordKind: TypeAlias = Literal["number", "date", "text", "name", "keyword", "sign", "end"]
KEYWORDS: Final = ("and", "or", "not", "in", "is", "contains", "missing", "tag", "true", "false")
_UNITS: Final = {"K": 10**3, "M": 10**6, "B": 10**9, "万": 10**4, "亿": 10**8}
_LONGEST: Final = 20_000
_WORD: Final = re.compile(
    r"""
      (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\w))
    | (?P<number>-?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)(?:[ ]?(?P<unit>[KMB万亿])(?!\w))?
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | `(?P<quoted>(?:[^`]|``)+)`
    | (?P<name>[^\W\d]\w*)
    | (?P<sign><=|>=|!=|==|<>|=|<|>|\(|\)|\[|\]|,)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an expression: what it is, what it says, and where it begins (from 0)."""

    kind: WordKind
    value: str | float | dt.date
    start: int


def words_of(text: str) -> list[Word]:
    """Cut an expression into words; the last one is its end."""
    if len(text) > _LONGEST:
        raise DomainError(f"An expression has {_LONGEST} characters at most, got {len(text)}.")
    found: list[Word] = []
    at = 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        if at == len(text):
            return [*found, Word("end", "", at)]
        match = _WORD.match(text, at)
        if match is None:
            opened = text[at] in "'\"`"
            raise pointing(text, at, f"{text[at]} is never closed." if opened else f"{text[at]!r} means nothing here.")
        found.append(_word(text, match))
        at = match.end()


def pointing(text: str, at: int, says: str) -> DomainError:
    """Make an error that points at a place of the text."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    number = text.count("\n", 0, at)
    place = f"line {number + 1}, column {at - start + 1}" if "\n" in text else f"column {at + 1}"
    shown = line.replace("\t", " ").replace("\r", " ")
    return DomainError(f"Audience, {place}: {says}\n  {shown}\n  {' ' * (at - start)}^")


def shown(word: Word) -> str:
    """Name a word for an error."""
    return "the end" if word.kind == "end" else repr(word.value) if word.kind == "text" else str(word.value)


def _word(text: str, match: re.Match[str]) -> Word:
    start, kind, said = match.start(), match.lastgroup, match.group()
    if match["date"]:
        return Word("date", _date(text, start, said), start)
    if match["number"]:
        return Word("number", _number(text, start, match["number"], match["unit"]), start)
    if match["text"]:
        quote = said[0]
        return Word("text", said[1:-1].replace(quote * 2, quote), start)
    if match["quoted"]:
        return Word("name", match["quoted"].replace("``", "`"), start)
    if kind == "sign":
        return Word("sign", {"==": "=", "<>": "!="}.get(said, said), start)
    return Word("keyword", said.lower(), start) if said.lower() in KEYWORDS else Word("name", said, start)


def _date(text: str, start: int, said: str) -> dt.date:
    try:
        return dt.date.fromisoformat(said)
    except ValueError:
        raise pointing(text, start, f"{said} is in no calendar.") from None


def _number(text: str, start: int, digits: str, unit: str | None) -> float:
    plain = digits.replace("_", "")
    value = float(plain)
    if math.isfinite(value) and unit:
        value = float(Decimal(plain) * _UNITS[unit])
    if not math.isfinite(value):
        raise pointing(text, start, "The number is too large.")
    return value + 0.0  # -0 is 0

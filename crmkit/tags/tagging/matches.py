"""Conditions on a row as expressions that are true or false, never unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

import narwhals.stable.v2 as nw

from crmkit.tags.rules.conditions import Attribute
from crmkit.tags.rules.values import Value

# Latin letters, accents included, in lower case; spelt out because engines differ in what they call a letter.
_LATIN: Final = "0-9a-zß-öø-ɏ"
_SPECIAL: Final = re.compile(r"([\\.^$*+?{}\[\]|()])")


def holds(when: Attribute) -> nw.Expr:
    """Whether a row has the attribute; `typed` has brought the column in order."""
    value = nw.col(when.column)
    if when.missing:
        return value.is_null()
    if when.equals:
        return one_of(value, when.equals).fill_null(False)
    if when.contains:
        return reduce(or_, [value.str.contains(text, literal=True) for text in when.contains]).fill_null(False)
    return in_range(value, when.low, when.above, when.high)


def one_of(value: nw.Expr, wanted: Sequence[Value]) -> nw.Expr:
    """Whether a value is one of several; unknown where it is missing."""
    return reduce(or_, [value == nw.lit(one) for one in wanted])


def in_range(value: nw.Expr, low: float | None, above: float | None, high: float | None) -> nw.Expr:
    """Whether a number lies in [low, high), or (above, high); false where it is missing."""
    inside = ~value.is_null()
    if low is not None:
        inside = inside & (value >= low)
    if above is not None:
        inside = inside & (value > above)
    if high is not None:
        inside = inside & (value < high)
    return inside.fill_null(False)


def first_word(remark: nw.Expr, words: Sequence[str]) -> nw.Expr:
    """Place, from 0, of the first word of a dictionary that stands in a remark; missing if none does."""
    folded = remark.cast(nw.String()).str.to_lowercase()
    nothing = nw.lit(None, dtype=nw.Int64)
    place = nothing
    for i, word in reversed(list(enumerate(words))):
        place = nw.when(folded.str.contains(pattern(word))).then(nw.lit(i)).otherwise(place)
    # One look for all words first: most remarks hold none of them.
    any_word = "|".join(f"({pattern(word)})" for word in words)
    return nw.when(folded.str.contains(any_word)).then(place).otherwise(nothing).cast(nw.Int64)


def pattern(word: str) -> str:
    """Give the regular expression of a word, of the few signs that all engines read alike."""
    folded = word.strip().lower()
    plain = _SPECIAL.sub(r"\\\1", folded)
    is_latin = re.compile(f"[{_LATIN}]")
    before = f"(^|[^{_LATIN}])" if is_latin.match(folded[0]) else ""
    after = f"([^{_LATIN}]|$)" if is_latin.match(folded[-1]) else ""
    return f"{before}{plain}{after}"

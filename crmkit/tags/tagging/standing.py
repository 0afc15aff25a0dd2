"""Whether each condition holds of each customer, since when, and by what evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.tags.rules.conditions import (
    AllOf,
    AnyOf,
    Attribute,
    Condition,
    Keywords,
    Leaf,
    Measure,
    NoneOf,
    Unanswered,
)
from crmkit.tags.tagging import wording
from crmkit.tags.tagging.matches import first_word, holds, in_range
from crmkit.tags.tagging.measures import UNITS, dates_itself


@dataclass(frozen=True, slots=True)
class Since:
    """A day since which a condition has held without a break, as an ordinal; `exact`: it is the first such day."""

    day: nw.Expr | None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Customers with the totals of their logs, and the conditions by number."""

    numbers: Mapping[str, int]
    today: int

    def number(self, leaf: Leaf) -> int:
        """Look up the number of a condition; equal ones have one."""
        return self.numbers[repr(leaf)]

    def marks(self, leaf: Leaf) -> nw.Expr:
        """Whether a condition holds, of the totals; true or false."""
        i = self.number(leaf)
        if isinstance(leaf, Attribute):
            return holds(leaf)
        if isinstance(leaf, Keywords):
            return ~nw.col(f"crmkit_k{i}").is_null()
        if isinstance(leaf, Unanswered):
            return (nw.col(f"crmkit_f{i}") + leaf.within_days <= self.today).fill_null(False)
        return in_range(self.measured(leaf), leaf.low, leaf.above, leaf.high)

    def measured(self, leaf: Measure) -> nw.Expr:
        """Give the number of a measure; missing where it does not exist."""
        i = self.number(leaf)
        rows, units, last = nw.col(f"crmkit_n{i}"), nw.col(f"crmkit_u{i}"), nw.col(f"crmkit_l{i}")
        if leaf.how == "count":
            return rows
        if leaf.how == "sum":
            return units / UNITS
        if leaf.how == "mean":
            return nw.when(rows >= leaf.least_rows).then(units / (UNITS * _positive(rows)))
        if leaf.how == "share":
            whole = nw.col(f"crmkit_d{i}")
            return nw.when(whole >= leaf.least_rows).then(rows / _positive(whole))
        return self.today - last if leaf.how == "days_since" else nw.col(f"crmkit_x{i}")

    def numbers_shown(self, leaves: Iterable[Leaf], kinds: Mapping[str, nw.dtypes.DType]) -> dict[str, nw.Expr]:
        """Numbers that evidence shows, as whole hundredths: `crmkit_hi`; once, as their text repeats them."""
        found = {}
        for leaf in leaves:
            if isinstance(leaf, Measure):
                found[f"crmkit_h{self.number(leaf)}"] = wording.hundredths(self.measured(leaf).cast(nw.Float64))
            elif isinstance(leaf, Attribute) and kinds[leaf.column].is_numeric() and leaf.column != "customer_id":
                found[f"crmkit_h{self.number(leaf)}"] = wording.hundredths(nw.col(leaf.column))
        return found

    def met(self, condition: Condition) -> nw.Expr:
        """Whether a condition holds, of the marks."""
        if isinstance(condition, AllOf):
            return reduce(and_, map(self.met, condition.parts))
        if isinstance(condition, AnyOf):
            return reduce(or_, map(self.met, condition.parts))
        if isinstance(condition, NoneOf):
            return ~reduce(or_, map(self.met, condition.parts))
        return nw.col(f"crmkit_c{self.number(condition)}")

    def since(self, condition: Condition) -> Since:
        """Say since when a condition that holds has held."""
        if isinstance(condition, AllOf):
            parts = [self.since(part) for part in condition.parts]
            days = [part.day for part in parts if part.day is not None]
            if len(days) < len(parts):
                return Since(None)
            return Since(nw.max_horizontal(*days) if len(days) > 1 else days[0], all(part.exact for part in parts))
        if isinstance(condition, AnyOf):
            # One that does not hold today may have held before: the day is a bound, not the first one.
            known = [(part, self.since(part).day) for part in condition.parts]
            held = [nw.when(self.met(part)).then(day) for part, day in known if day is not None]
            return Since(nw.min_horizontal(*held) if len(held) > 1 else held[0] if held else None)
        return Since(None) if isinstance(condition, NoneOf) else self._leaf_since(condition)

    def _leaf_since(self, leaf: Leaf) -> Since:
        i = self.number(leaf)
        first = nw.col(f"crmkit_f{i}")
        if isinstance(leaf, Unanswered):
            return Since(first + leaf.within_days, leaf.window_days is None)
        if isinstance(leaf, Keywords) and leaf.table != "customers":
            return Since(first, leaf.window_days is None)
        if isinstance(leaf, Measure) and leaf.how == "days_since":
            start = 0 if leaf.low is None else math.ceil(leaf.low)
            start = start if leaf.above is None else max(math.floor(leaf.above) + 1, 0)
            # A range that begins at 0 is not left by a new row: the last one is a bound only.
            return Since(nw.col(f"crmkit_l{i}") + max(start, 0), leaf.high is None and start >= 1)
        return Since(first, True) if isinstance(leaf, Measure) and dates_itself(leaf) else Since(None)

    def evidence(self, condition: Condition, kinds: Mapping[str, nw.dtypes.DType]) -> nw.Expr:
        """Say by what a condition that holds was met."""
        if isinstance(condition, AllOf):
            parts = [self.evidence(part, kinds) for part in condition.parts]
            return nw.concat_str(*parts, separator="; ")
        if isinstance(condition, AnyOf):
            said = self.evidence(condition.parts[-1], kinds)
            for part in reversed(condition.parts[:-1]):
                said = nw.when(self.met(part)).then(self.evidence(part, kinds)).otherwise(said)
            return said
        if isinstance(condition, NoneOf):
            return nw.lit(f"none of: {wording.label(condition)}")
        return self._leaf_evidence(condition, kinds)

    def _leaf_evidence(self, leaf: Leaf, kinds: Mapping[str, nw.dtypes.DType]) -> nw.Expr:
        i = self.number(leaf)
        if isinstance(leaf, Keywords):
            return _word(nw.col(f"crmkit_k{i}"), leaf.words)
        if isinstance(leaf, Unanswered):
            return nw.concat_str(nw.lit("since "), nw.col(f"crmkit_t{i}"))
        if isinstance(leaf, Measure):
            return nw.concat_str(nw.lit(f"{wording.measure_name(leaf)} = "), wording.number_text(f"crmkit_h{i}"))
        if leaf.missing or leaf.equals:
            same = len(leaf.equals) <= 1
            if same:
                return nw.lit(wording.attribute_label(leaf))
        if kinds[leaf.column].is_numeric():
            return nw.concat_str(nw.lit(f"{leaf.column} = "), wording.number_text(f"crmkit_h{i}"))
        return nw.concat_str(nw.lit(f"{leaf.column} = "), wording.short_text(nw.col(leaf.column), kinds[leaf.column]))


def found_words(rows: frames.Frame, leaves: Mapping[int, Leaf]) -> dict[str, nw.Expr]:
    """Look for the words of rules over the customers' own remarks: `crmkit_ki`."""
    return {
        f"crmkit_k{i}": first_word(nw.col(leaf.column), leaf.words)
        for i, leaf in leaves.items()
        if isinstance(leaf, Keywords) and leaf.table == "customers"
    }


def _positive(count: nw.Expr) -> nw.Expr:
    """Keep engines from dividing by 0 where the answer is not asked for."""
    return nw.when(count > 0).then(count).otherwise(nw.lit(1))


def _word(place: nw.Expr, words: tuple[str, ...]) -> nw.Expr:
    said = nw.lit(words[-1])
    for i, word in reversed(list(enumerate(words[:-1]))):
        said = nw.when(place == i).then(nw.lit(word)).otherwise(said)
    return said

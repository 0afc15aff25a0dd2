"""One pass over a log: the numbers of all rules, each over its own rows and window."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Final, Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.tags.rules.conditions import Attribute, Keywords, Leaf, Measure, Unanswered
from crmkit.tags.tagging.matches import first_word, in_range

# Numbers are added up in ten-thousandths: whole sums are the same in every run and on every engine.
UNITS: Final = 10_000
DAY: Final = "crmkit_day"
_SALE: Final = "crmkit_sale"
_How: TypeAlias = Literal["sum", "count", "min", "max"]
Numbered: TypeAlias = Mapping[int, Leaf]


@dataclass(frozen=True, slots=True)
class Totals:
    """Columns to compute on each row of a log, and how each is brought together by customer; equal ones once."""

    today: int
    marks: Mapping[str, str]
    columns: dict[str, nw.Expr] = field(default_factory=dict)
    how: dict[str, _How] = field(default_factory=dict)
    first: dict[Hashable, str] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, column: nw.Expr, how: _How, meaning: Hashable = None) -> None:
        """Add a column; of those of one `meaning`, the first alone is computed."""
        new = f"crmkit_{name}"
        known = self.first.setdefault((how, meaning or new), new)
        if known != new:
            self.same[new] = known
            return
        self.columns[new], self.how[new] = column, how

    def of(self, rows: frames.Frame) -> frames.Frame:
        """Compute and bring together; counts and days as int64."""
        made = rows.with_columns(**self.columns).group_by("customer_id")
        table = made.agg(**{name: getattr(nw.col(name), how)() for name, how in self.how.items()})
        whole = [name for name in self.how if not name.startswith("crmkit_x")]
        numbers = table.with_columns(nw.col(*whole).cast(nw.Int64)) if whole else table
        copies = {new: nw.col(known) for new, known in self.same.items()}
        return numbers.with_columns(**copies) if copies else numbers

    def within(self, window_days: int | None) -> nw.Expr:
        """Whether a row lies in the window."""
        return nw.lit(True) if window_days is None else nw.col(DAY) > self.today - window_days

    def met(self, where: Sequence[Attribute]) -> nw.Expr:
        """Whether a row meets all conditions."""
        return reduce(and_, [nw.col(self.marks[repr(one)]) == 1 for one in where], nw.lit(True))


def marks_of(leaves: Numbered, log: str) -> dict[str, Attribute]:
    """Name the conditions on rows of a log: `crmkit_w0`, `crmkit_w1` ..., equal ones once."""
    found: dict[str, Attribute] = {}
    for leaf in leaves.values():
        for one in _wheres(leaf, log):
            found.setdefault(repr(one), one)
    return {f"crmkit_w{i}": one for i, one in enumerate(found.values())}


def log_totals(leaves: Numbered, log: str, marks: Mapping[str, Attribute], today: int) -> Totals:
    """Say what must be known of each customer's rows of a log.

    Columns of leaf i: `crmkit_ni` (rows that count), `crmkit_di` (rows of the window), `crmkit_ui` (sum in
    ten-thousandths), `crmkit_xi` (least or most), `crmkit_li` (last day), `crmkit_fi` (first day on which it held),
    `crmkit_ki` (place of the first word found), `crmkit_ai` (last answer).
    """
    totals = Totals(today, {repr(one): name for name, one in marks.items()})
    for i, leaf in leaves.items():
        if isinstance(leaf, Measure) and leaf.log == log:
            _put_measure(totals, i, leaf)
        elif isinstance(leaf, Keywords) and leaf.table == log:
            _put_words(totals, i, leaf)
        elif isinstance(leaf, Unanswered) and leaf.answer == log:
            counts = _sales(log) & totals.met(leaf.answer_where)
            last = (DAY, True, None, leaf.answer_where)
            totals.put(f"a{i}", nw.when(counts).then(nw.col(DAY)), "max", last)
    return totals


def unanswered_days(
    rows: frames.Frame, answers: frames.Frame, leaves: Mapping[int, Unanswered], totals: Totals
) -> frames.Frame:
    """Find the first day that no answer followed: `crmkit_fi` by customer; `answers` holds `crmkit_ai`."""
    done = {
        i: _sales(leaf.log) & totals.met(leaf.where) & totals.within(leaf.window_days) for i, leaf in leaves.items()
    }
    marked = rows.with_columns(**{f"crmkit_v{i}": frames.one_if(was) for i, was in done.items()})
    some = reduce(lambda one, other: one | other, [nw.col(f"crmkit_v{i}") == 1 for i in leaves])
    known = answers.select("customer_id", *[f"crmkit_a{i}" for i in leaves])
    met = marked.filter(some).join(known, on="customer_id", how="left")
    for i in leaves:
        later = (nw.col(DAY) > nw.col(f"crmkit_a{i}")).fill_null(True)
        totals.put(f"f{i}", nw.when((nw.col(f"crmkit_v{i}") == 1) & later).then(nw.col(DAY)), "min")
    return totals.of(met)


def _wheres(leaf: Leaf, log: str) -> Iterator[Attribute]:
    if isinstance(leaf, Measure) and leaf.log == log:
        yield from leaf.where
    if isinstance(leaf, Unanswered):
        yield from leaf.where if leaf.log == log else ()
        yield from leaf.answer_where if leaf.answer == log else ()


def _sales(log: str) -> nw.Expr:
    """Refunds are no orders; only a sum of amounts sees them."""
    return nw.col(_SALE) == 1 if log == "orders" else nw.lit(True)


def _put_measure(totals: Totals, i: int, leaf: Measure) -> None:
    inside, value = totals.within(leaf.window_days), nw.col(leaf.column or DAY)
    sales_only = leaf.column != "amount" or leaf.how != "sum"
    is_row = _sales(leaf.log) if sales_only else nw.lit(True)
    rows = (leaf.window_days, leaf.where)
    met = is_row & inside & totals.met(leaf.where)
    if leaf.how in ("sum", "mean"):
        units = (value * UNITS).round(0).cast(nw.Int64)
        totals.put(
            f"u{i}",
            nw.when(met & ~value.is_null()).then(units).otherwise(nw.lit(0)),
            "sum",
            (leaf.column, sales_only, *rows),
        )
    if leaf.how in ("count", "share", "mean"):
        counted = met & ~value.is_null() if leaf.column else met
        # Counting values is cheaper than adding up ones: sums of integers have 128 bits in DuckDB.
        totals.put(f"n{i}", nw.when(counted).then(nw.lit(1)), "count", (leaf.column, sales_only, *rows))
    if leaf.how == "share":
        totals.put(f"d{i}", nw.when(is_row & inside).then(nw.lit(1)), "count", ("", True, leaf.window_days, ()))
    if leaf.how in ("min", "max"):
        totals.put(f"x{i}", nw.when(met).then(value), leaf.how, (leaf.column, sales_only, *rows))
    if leaf.how == "days_since":
        totals.put(f"l{i}", nw.when(met).then(nw.col(DAY)), "max", (DAY, sales_only, *rows))
    if dates_itself(leaf):
        there = met & in_range(value, leaf.low, leaf.above, leaf.high) if leaf.column else met
        totals.put(f"f{i}", nw.when(there).then(nw.col(DAY)), "min")


def dates_itself(leaf: Measure) -> bool:
    """Whether the first row that meets the condition tells since when it holds: nothing later can undo it."""
    if leaf.window_days is not None:
        return False
    rises = leaf.high is None
    if leaf.how == "count":
        return rises and (leaf.low is None or 0 < leaf.low <= 1) and (leaf.above is None or 0 <= leaf.above < 1)
    falls = leaf.low is None and leaf.above is None
    return (leaf.how == "max" and rises) or (leaf.how == "min" and falls)


def _put_words(totals: Totals, i: int, leaf: Keywords) -> None:
    place = first_word(nw.col(leaf.column), leaf.words)
    found = nw.when(totals.within(leaf.window_days)).then(place)
    totals.put(f"k{i}", found, "min")
    totals.put(f"f{i}", nw.when(~found.is_null()).then(nw.col(DAY)), "min")

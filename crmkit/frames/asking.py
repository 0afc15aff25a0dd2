"""Questions that every row of a table is asked: in memory all distinct rows at once, on Spark where the rows are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit.frames import spark
from crmkit.frames.expressions import kinds_of
from crmkit.frames.native import Frame, wrapped
from crmkit.frames.small import arrays, arrow_array, distinct_rows, join_small
from crmkit.frames.spaced import spaced, spaced_rows

Rows: TypeAlias = dict[str, NDArray[Any]]
Ask: TypeAlias = Callable[[Rows], Mapping[str, NDArray[Any]]]

# A sample of rows is told by their whole numbers alone, so that it is the same on every engine.
_PRIME, _FACTORS = 1_000_003, (7_919, 104_729, 611_953, 15_485_863)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Rows of a table, and the columns of numbers that what is asked of them depends on.

    Attributes
    ----------
    frame : lazy frame
        On Spark, keep it (`settled`): each question is a statement.
    columns : tuple of str
    on : tuple of str
        Columns that tell rows apart; none: rows of equal `columns` get one answer.
    rows : dict of arrays, or None
        What is asked, in memory; None on Spark, where the rows stay on the executors.
    """

    frame: Frame
    columns: tuple[str, ...]
    on: tuple[str, ...]
    rows: Rows | None

    @classmethod
    def of(cls, frame: Frame, columns: Sequence[str], *, on: Sequence[str] = ()) -> Asked:
        """Take the rows of a frame to be asked, once for all questions."""
        rows = None
        if not frame.implementation.is_spark_like():
            rows = arrays(frame, [*on, *columns]) if on else distinct_rows(frame, columns)
        return cls(frame, tuple(columns), tuple(on), rows)

    def answered(self, ask: Ask) -> Frame:
        """Add what `ask` says of each row, as columns.

        `ask` takes the columns of some rows and returns named arrays of their length: numbers, times, truth values or
        texts. It says the same of a row whatever the others are. On Spark it is sent to the executors, so it must be
        picklable: a function of a module, or a `partial` of one.
        """
        if self.rows is None:
            return _on_executors(self.frame, self.columns, ask, repeat=not self.on)
        found = ask({name: self.rows[name] for name in self.columns})
        keys = self.on or self.columns
        return join_small(self.frame, {**{name: self.rows[name] for name in keys}, **found}, on=keys)

    def spaced(self, most: int) -> Rows:
        """Distinct rows of at most so many that stand for all, with their number as `count`: what a fit sees.

        As `spaced_rows`. Not where rows are told apart by `on`.
        """
        if self.rows is None:
            return spaced_rows(self.frame, self.columns, most)[0]
        return spaced(self.rows, most)[0]

    def maximum(self, column: str) -> float:
        """Greatest value of one of the columns; 0 where there are no rows."""
        if self.rows is not None:
            return float(self.rows[column].max(initial=0.0))
        found = arrays(self.frame.select(nw.col(column).max()), [column])[column]
        return float(np.nan_to_num(np.asarray(found, dtype=np.float64))[0])

    def greatest(self, ask: Callable[[Rows], NDArray[Any]], *, among: int) -> float:
        """Greatest answer of some distinct rows, `among` or a few more: the same ones on every engine; 0 of none.

        `ask` as for `answered`, but one array. At least one of the columns holds whole numbers.
        """
        if self.rows is not None:
            some = _sampled(self.rows, self.columns, among)
            return float(np.max(ask(some), initial=0.0))
        many = arrays(self.frame.group_by(*self.columns).agg(rows=nw.len()).select(rows=nw.len()), ["rows"])["rows"]
        part = self.frame.filter(_is_sampled(self.frame, self.columns, _step(int(many[0]), among)))
        named = _on_executors(part.select(*self.columns), self.columns, partial(_named, ask), repeat=True)
        return Asked(named, (_ANSWER,), (), None).maximum(_ANSWER)


_ANSWER = "crmkit_answer"


def _named(ask: Callable[[Rows], NDArray[Any]], rows: Rows) -> Rows:
    return {_ANSWER: ask(rows)}


def _on_executors(frame: Frame, columns: Sequence[str], ask: Ask, *, repeat: bool) -> Frame:
    """Add answers batch by batch; their types are those that a row of ones gets."""
    kinds = kinds_of(frame, columns)
    ones = {name: np.ones(1, dtype=np.int64 if kinds[name].is_integer() else np.float64) for name in columns}
    types = {name: values.dtype.kind for name, values in ask(ones).items()}
    return wrapped(spark.with_answers(frame.to_native(), partial(_of_batch, tuple(columns), ask, repeat), types))


def _of_batch(columns: Sequence[str], ask: Ask, repeat: bool, batch: Any) -> dict[str, Any]:
    """Ask the rows of an Arrow batch; with `repeat`, rows that are equal once."""
    rows = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in columns}
    if not repeat:
        return {name: arrow_array(values) for name, values in ask(rows).items()}
    order = np.lexsort([rows[name] for name in reversed(columns)])
    is_first = np.zeros(len(order), dtype=bool)
    is_first[:1] = True
    for name in columns:
        in_order = rows[name][order]
        is_first[1:] |= in_order[1:] != in_order[:-1]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(is_first) - 1
    chosen = order[is_first]
    found = ask({name: values[chosen] for name, values in rows.items()})
    return {name: arrow_array(values[place]) for name, values in found.items()}


def _step(many: int, among: int) -> int:
    return max(1, many // among)


def _sampled(rows: Rows, columns: Sequence[str], among: int) -> Rows:
    step = _step(len(rows[columns[0]]), among)
    mixed = (
        sum(
            rows[name] * factor
            for name, factor in zip(columns, _FACTORS, strict=False)
            if rows[name].dtype.kind in "iu"
        )
        % _PRIME
    )
    chosen = mixed * mixed % _PRIME % step == 0
    return {name: rows[name][chosen] for name in columns}


def _is_sampled(frame: Frame, columns: Sequence[str], step: int) -> nw.Expr:
    kinds = kinds_of(frame, columns)
    parts = [nw.col(name) * factor for name, factor in zip(columns, _FACTORS, strict=False) if kinds[name].is_integer()]
    mixed = sum(parts[1:], start=parts[0]) % _PRIME
    return (mixed * mixed % _PRIME) % step == 0

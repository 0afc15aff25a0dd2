"""Rows of many groups, handed over side by side: NumPy goes through them faster than an engine's windows do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy.typing as npt

from crmkit.frames.door import settled
from crmkit.frames.expressions import quoted
from crmkit.frames.native import Frame, recognised, wrapped
from crmkit.frames.small import arrays


def is_spread(frame: Frame) -> bool:
    """Tell rows that lie on executors: nothing of their number is handed over."""
    return frame.implementation.is_spark_like()


def runs(
    frame: Frame, columns: Sequence[str], *, by: Sequence[str], order: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    """Hand over the rows of each `by` together, in an order; missing values of `order` come last.

    Parameters
    ----------
    frame : lazy frame
        Not of Spark (`is_spread`).
    columns : sequence of str
        What is handed over.
    by, order : sequence of str
        What makes a group, without missing values; the order within it.

    Returns
    -------
    dict of arrays, shape (rows,) each
        As `arrays`, with `fresh`: whether the row is the first of its group.
    """
    whole = frame.select(*dict.fromkeys([*columns, *by, *order])).sort(*by, *order, nulls_last=True)
    if frame.implementation.is_polars():
        return arrays(_marked_polars(whole, by), [*columns, "fresh"])
    # Windows with an empty OVER go through the rows as they stand, which DuckDB promises to keep that way.
    own = [quoted(name, frame.implementation) for name in by]
    differs = " or ".join(f"{name} is distinct from lag({name}) over ()" for name in own)
    return arrays(wrapped(whole.to_native().project(f"*, {differs} as fresh")), [*columns, "fresh"])


def _marked_polars(whole: Frame, by: Sequence[str]) -> Frame:
    import polars as pl

    differs = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in by]
    return wrapped(whole.to_native().with_columns(fresh=pl.any_horizontal(*differs)))


def tabled(rows: Frame, *, like: Any) -> Frame:
    """Make rows that are sorted next a table of the engine, where the caller's frame is pandas or PyArrow.

    DuckDB knows nothing of columns that it reads from these, and of a table how long texts are and how far numbers
    reach: it sorts short keys instead of long ones, in less time and memory. Other frames stay as they are.
    """
    return settled(rows, like=like) if recognised(like)[1] in ("pandas", "pyarrow") else rows


def value_numbers(frame: Frame, *, of: str, new: str) -> Frame:
    """Give the values of a column numbers from 1 in their order, equal ones alike: quickly joined and handed over.

    On Spark, where that needs all rows in one task, `new` is the column itself.
    """
    if is_spread(frame):
        return frame.with_columns(nw.col(of).alias(new))
    if frame.implementation.is_polars():
        import polars as pl

        kind = frame.collect_schema()[of]
        value = pl.col(of) if kind.is_numeric() or kind == nw.String else pl.col(of).cast(pl.String)
        return wrapped(frame.to_native().with_columns(value.rank("dense").cast(pl.Int64).alias(new)))
    place = f"dense_rank() over (order by {quoted(of, frame.implementation)})"
    return wrapped(frame.to_native().project(f"*, {place} as {quoted(new, frame.implementation)}"))

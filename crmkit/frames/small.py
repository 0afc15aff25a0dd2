"""Small tables: out of an engine as arrays, back into it as a table to join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from crmkit.frames import eager, once, spark
from crmkit.frames.coded import Coded
from crmkit.frames.eager import Column, Columns
from crmkit.frames.expressions import kinds_of
from crmkit.frames.native import Frame, recognised, wrapped

if TYPE_CHECKING:
    import numpy.typing as npt


def arrays(frame: Frame, columns: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Hand a small table over as NumPy arrays.

    Texts are objects, days and times datetime64. A missing number is NaN (integers are then float64), a missing text
    or truth value None, a missing time NaT.
    """
    chosen = frame.select(*columns)
    engine = chosen.implementation
    if engine.is_polars():
        table = chosen.collect().to_native()
        return {name: table[name].to_numpy() for name in columns}
    if engine.is_duckdb():
        cells = eager.fetched(once.planned(chosen.to_native()).fetchnumpy)
        return {name: _filled(cells[name]) for name in columns}
    rows = chosen.to_native().toArrow()
    return {name: rows[name].to_numpy() for name in columns}


def distinct_rows(frame: Frame, columns: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Distinct rows in ascending order with their number as `count`: what a fit sees, the same on every engine."""
    counted = frame.group_by(*columns).agg(count=nw.len()).with_columns(nw.col("count").cast(nw.Int64))
    return arrays(counted.sort(*columns), [*columns, "count"])


def join_small(frame: Frame, small: Columns, *, on: Sequence[str]) -> Frame:
    """Left join a small table, given as columns, inside the engine of `frame`; nothing is collected."""
    table = _brought_in(frame, small)
    if frame.implementation.is_polars():  # it joins equal types only
        kinds = frame.collect_schema()
        table = table.with_columns(*[nw.col(name).cast(kinds[name]) for name in on])
    return frame.join(table, on=list(on), how="left")


def brought_in(small: Columns, *, beside: Frame) -> Frame:
    """Make a small table in the engine of a frame that entered before, to be joined or stacked with it."""
    return _brought_in(beside, small)


def numbered(ids: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[np.int64]]:
    """Give the ids of several arrays numbers: equal ids, equal numbers."""
    codes = pd.factorize(np.concatenate(list(ids)))[0].astype(np.int64)
    return np.split(codes, np.cumsum([len(part) for part in ids])[:-1])


def same_keys(left: Frame, right: Frame, on: str) -> tuple[Frame, Frame]:
    """Give the ids of two tables one type: text where they differ."""
    if kinds_of(left, [on]) == kinds_of(right, [on]):
        return left, right
    as_text = nw.col(on).cast(nw.String)
    return left.with_columns(as_text), right.with_columns(as_text)


def build(columns: Columns, *, like: IntoFrameT) -> IntoFrameT:
    """Make a small table in the library of the caller's frame `like`.

    Arrays keep their type, arrays of objects are texts; a list without any value is one of missing numbers. NaN is a
    missing number in every library.
    """
    native, library = recognised(like)
    if library == "pandas":
        return cast("IntoFrameT", eager.in_family(eager.small_pandas(columns), native))
    if library == "pyarrow":
        return cast("IntoFrameT", _arrow(columns))
    small = _brought_in(wrapped(native), columns)
    return cast("IntoFrameT", small.collect().to_native() if library == "polars" else small.to_native())


def arrow_array(column: Column) -> Any:
    """Make an Arrow array of a column: NaN is a missing number, objects are texts."""
    import pyarrow as pa

    if isinstance(column, Coded):
        return arrow_array(column.values).take(pa.array(column.codes))
    kind = {"text": pa.string(), "nothing": pa.float64()}.get(eager.holds(column))
    return pa.array(column, from_pandas=True) if kind is None else pa.array(list(column), kind)


def _brought_in(frame: Frame, columns: Columns) -> Frame:
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        import polars as pl

        return wrapped(pl.LazyFrame([_series(name, column) for name, column in columns.items()]))
    if engine.is_duckdb():
        return wrapped(eager.beside(native, eager.small_pandas(columns)))
    return wrapped(spark.brought_in(native, _arrow(columns)))


def _series(name: str, column: Column) -> Any:
    import polars as pl

    if isinstance(column, Coded):
        return _series(name, column.values).gather(column.codes)
    kind = {"text": pl.String(), "nothing": pl.Float64()}.get(eager.holds(column))
    return pl.Series(name, column, nan_to_null=True) if kind is None else pl.Series(name, list(column), kind)


def _arrow(columns: Columns) -> Any:
    import pyarrow as pa

    return pa.table({name: arrow_array(column) for name, column in columns.items()})


def _filled(values: Any) -> Any:
    if not np.ma.isMaskedArray(values):
        return values
    if not values.mask.any():
        return values.data
    if values.dtype.kind in "iuf":
        return np.ma.filled(values.astype(np.float64), np.nan)
    if values.dtype.kind == "M":
        return np.ma.filled(values, np.datetime64("NaT", "us"))
    plain = values.data.astype(object)  # not filled(None): that means '?' and True
    plain[values.mask] = None
    return plain

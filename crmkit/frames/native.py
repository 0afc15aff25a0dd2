"""Which library a frame belongs to; the one place that calls narwhals' `from_native`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.dependencies import is_pyarrow_table

from crmkit.errors import DomainError, SchemaError

Frame: TypeAlias = nw.LazyFrame[Any]
Library: TypeAlias = Literal["pandas", "pyarrow", "polars", "polars lazy", "duckdb", "spark"]
_ENGINES = "a pandas, Polars, PyArrow, DuckDB or Spark frame"


def recognised(frame: Any) -> tuple[Any, Library]:
    """Tell the library of a caller's frame; returns the frame without narwhals around it."""
    frame = nw.to_native(frame, pass_through=True)
    if isinstance(frame, pd.DataFrame):
        return frame, "pandas"  # not by narwhals: it refuses repeated names, even of columns that nobody asks for
    if is_pyarrow_table(frame):
        return frame, "pyarrow"
    try:
        opened = nw.from_native(frame)
    except TypeError:
        found = type(frame)
        raise DomainError(f"Expected {_ENGINES}, got {found.__module__}.{found.__qualname__}.") from None
    engine, eager = opened.implementation, isinstance(opened, nw.DataFrame)
    if engine.is_polars():
        return opened.to_native(), "polars" if eager else "polars lazy"
    if engine.is_spark_like() and not engine.is_sqlframe():
        return opened.to_native(), "spark"
    for library in ("pandas", "pyarrow", "duckdb"):
        if engine is nw.Implementation.from_string(library):
            return opened.to_native(), library
    raise DomainError(f"Expected {_ENGINES}, got one of {engine.value}.")


def unclear(name: str) -> SchemaError:
    """Make the error for a column that SQL takes for another one, or for none."""
    return SchemaError(
        f"Column {name!r} can't be told from another one, or has no proper name; expected names that differ by more "
        f"than upper and lower case.\nRename it, or leave it out."
    )


def wrapped(native: Any) -> Frame:
    """Wrap a frame of an engine, lazily."""
    return cast("Frame", nw.from_native(native).lazy())

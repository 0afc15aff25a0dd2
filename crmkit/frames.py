"""The only door to engines: frames come in, small arrays are handed over, results go back where they came from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from crmkit.errors import DomainError, SchemaError

if TYPE_CHECKING:
    import numpy.typing as npt

Frame: TypeAlias = nw.LazyFrame[Any]
_ENGINES = "a pandas, Polars, PyArrow, DuckDB or Spark frame"
_SMALL = "crmkit_small_table"


def enter(
    frame: Any, *, columns: Sequence[str] | None = None, time_zone: str | None = None, beside: Frame | None = None
) -> Frame:
    """Take a caller's frame into its engine, lazily.

    Parameters
    ----------
    frame : pandas or Polars or PyArrow frame, DuckDB relation, Spark frame
        Never changed. Eager pandas and PyArrow enter DuckDB on a private connection.
    columns : sequence of str, optional
        The columns to take; all by default.
    time_zone : str, optional
        Zone whose local time aware stamps are given in. By default the zone that the column carries;
        in DuckDB and Spark columns carry none and the session's zone counts.
    beside : lazy frame, optional
        A frame that entered before: this one shares its connection, so that both can be joined.

    Returns
    -------
    lazy frame
        Same rows; every time stamp is naive local time.
    """
    native = _opened(frame)
    engine = native.implementation
    if engine.is_pandas() or engine.is_pyarrow():
        return _enter_duckdb(native.to_native(), columns, time_zone, beside)
    chosen = native.lazy() if columns is None else native.lazy().select(*columns)
    if beside is not None and beside.implementation != engine:
        raise DomainError(f"All tables of one call must live in one engine, got {beside.implementation} and {engine}.")
    return _local_times(chosen, time_zone)


def leave(result: Frame, *, like: IntoFrameT, sort: Sequence[str] = (), same: Sequence[str] = ()) -> IntoFrameT:
    """Hand a result back in the library of the caller's frame.

    Lazy engines get a lazy frame, eager ones rows sorted by `sort`. Columns of `sort` and `same` have the dtype that
    they have in `like` (pandas and PyArrow, which have been through DuckDB).
    """
    native = _opened(like)
    if isinstance(native, nw.LazyFrame):
        return cast("IntoFrameT", result.to_native())
    ordered = result.sort(*sort) if sort else result
    if native.implementation.is_polars():
        return cast("IntoFrameT", ordered.collect().to_native())
    back = _as_arrow if native.implementation.is_pyarrow() else _as_pandas
    return cast("IntoFrameT", back(ordered, native.to_native(), {*sort, *same}))


def column_names(frame: Any) -> list[str]:
    """List the column names of a caller's frame, duplicates included (narwhals would refuse them)."""
    names = getattr(frame, "column_names", None)  # PyArrow
    if names is None and type(frame).__name__ != "LazyFrame":
        names = getattr(frame, "columns", None)
    return list(names) if names is not None else list(_opened(frame).collect_schema().names())


def rename(frame: IntoFrameT, names: Mapping[str, str]) -> IntoFrameT:
    """Rename columns of a caller's frame; returns a new frame of the same library."""
    return cast("IntoFrameT", _opened(frame).rename(dict(names)).to_native())


def as_day(day: dt.date) -> dt.date:
    """Check a date argument; a time stamp counts as its day."""
    if isinstance(day, dt.datetime):
        return day.date()
    if not isinstance(day, dt.date):
        raise DomainError(f"as_of must be a date, such as datetime.date(2024, 12, 31), got {day!r}.")
    return day


def with_day_numbers(frame: Frame, **dates: str) -> Frame:
    """Add the ordinals (`datetime.date.toordinal`) of date columns; the keyword is the new name."""
    if frame.implementation.is_duckdb():  # a difference of dates is an integer there, four times faster
        numbers = {new: (nw.col(old) - nw.lit(dt.date.min)).cast(nw.Int64) + 1 for new, old in dates.items()}
    else:
        numbers = {new: _ordinal(nw.col(old)) for new, old in dates.items()}
    return frame.with_columns(**numbers)


def _ordinal(day: nw.Expr) -> nw.Expr:
    before = day.dt.year().cast(nw.Int64) - 1  # 64 bits: a month or a year may be narrow, and 365 y is not
    return day.dt.ordinal_day().cast(nw.Int64) + 365 * before + before // 4 - before // 100 + before // 400


def one_if(condition: nw.Expr) -> nw.Expr:
    """Turn a condition into an integer 0 or 1 that can be summed; unknown counts as 0."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def money(total: nw.Expr) -> nw.Expr:
    """Round a sum of money to 6 decimals: parallel sums differ in the last bits, tables must not."""
    return total.cast(nw.Float64).round(6)


def arrays(frame: Frame, columns: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Hand a small table over as NumPy arrays; a missing number is NaN, a missing text None."""
    chosen = frame.select(*columns)
    engine = chosen.implementation
    if engine.is_polars():
        table = chosen.collect().to_native()
        return {name: table[name].to_numpy() for name in columns}
    if engine.is_duckdb():
        fetched = chosen.to_native().fetchnumpy()
        return {name: _filled(fetched[name]) for name in columns}
    rows = chosen.to_native().toArrow()
    return {name: rows[name].to_numpy() for name in columns}


def distinct_rows(frame: Frame, columns: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Distinct rows in ascending order with their number as `count`: what a fit sees, the same on every engine."""
    counted = frame.group_by(*columns).agg(count=nw.len()).sort(*columns)
    return arrays(counted, [*columns, "count"])


def join_small(frame: Frame, small: Mapping[str, Sequence[Any] | npt.NDArray[Any]], *, on: Sequence[str]) -> Frame:
    """Left join a small table, given as columns, inside the engine of `frame`; nothing is collected."""
    return frame.join(_small(frame, small), on=list(on), how="left")


def build(columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]], *, like: IntoFrameT) -> IntoFrameT:
    """Make a small table in the library of the caller's frame `like`."""
    native = _opened(like)
    if native.implementation.is_pandas():
        return cast("IntoFrameT", _as_pandas_columns(columns))
    if native.implementation.is_pyarrow():
        import pyarrow as pa

        return cast("IntoFrameT", pa.table(dict(columns)))
    small = _small(native.lazy(), columns)
    return cast("IntoFrameT", small.to_native() if isinstance(native, nw.LazyFrame) else small.collect().to_native())


def parsed(frame: Frame, column: str, sql_type: str) -> Frame:
    """Cast a column of ISO texts: `sql_type` "double" or "timestamp"; null for a day that no calendar has."""
    engine = frame.implementation
    if engine.is_polars():
        import polars as pl

        text = pl.col(column)
        if sql_type == "timestamp":
            whole = text + pl.lit("T00:00:00").str.slice(text.str.len_chars() - 10)
            value = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
        else:
            value = text.cast(pl.Float64)
        return _wrap(frame.to_native().with_columns(value.alias(column)))
    naive = "timestamp_ntz" if engine.is_spark_like() and sql_type == "timestamp" else sql_type
    return _replaced(frame, {column: f"try_cast({_quoted(column, engine)} as {naive})"})


def _opened(frame: Any) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    try:
        native = nw.from_native(frame)
    except TypeError:
        raise DomainError(f"Expected {_ENGINES}, got {type(frame).__module__}.{type(frame).__qualname__}.") from None
    known = native.implementation
    if known.is_pandas() or known.is_polars() or known.is_pyarrow() or known.is_duckdb() or known.is_spark_like():
        return cast("nw.DataFrame[Any] | nw.LazyFrame[Any]", native)
    raise DomainError(f"Expected {_ENGINES}, got one of {known}.")


def _wrap(native: Any) -> Frame:
    return cast("Frame", nw.from_native(native).lazy())


# ---- eager pandas and PyArrow: in and out of an embedded DuckDB ---------------------------------------------------


def _enter_duckdb(native: Any, columns: Sequence[str] | None, time_zone: str | None, beside: Frame | None) -> Frame:
    if isinstance(native, pd.DataFrame):
        names = list(native.columns) if columns is None else list(columns)
        door = pd.DataFrame({name: _plain_series(native[name], time_zone) for name in names}, copy=False)
    else:
        door = _plain_arrow(native if columns is None else native.select(list(columns)), time_zone)
    if beside is not None:
        return _wrap(_beside(beside.to_native(), door))
    connection = duckdb.connect()  # private: other systems call from threads
    relation = connection.from_df(door) if isinstance(door, pd.DataFrame) else connection.from_arrow(door)
    return _wrap(relation)


def _plain_series(column: pd.Series[Any], time_zone: str | None) -> pd.Series[Any]:
    """Bring one pandas column to a dtype that DuckDB reads without guessing."""
    column = column.reset_index(drop=True)
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        inner = kind.categories.dtype
        if inner.kind not in "iufM":
            return column  # texts: an ENUM in DuckDB, without writing each of them out
        plain = column.astype(cast("Any", "Int64" if inner.kind in "iu" else inner))
        return _plain_series(plain, time_zone)
    if kind.kind == "O" and not isinstance(kind, pd.api.extensions.ExtensionDtype):
        return _plain_objects(column, time_zone)
    if isinstance(kind, pd.PeriodDtype | pd.IntervalDtype | pd.SparseDtype) or kind.kind == "c":
        raise SchemaError(
            f"Column {column.name!r} has dtype {kind}; expected text, numbers or time stamps.\n"
            f"Convert it first, for example frame[{column.name!r}].astype(str), or leave it out."
        )
    if _zone_of(kind) is not None:
        local = column.dt.tz_convert(time_zone) if time_zone else column
        return cast("pd.Series[Any]", local.dt.tz_localize(None))
    return column


def _plain_objects(column: pd.Series[Any], time_zone: str | None) -> pd.Series[Any]:
    found = pd.api.types.infer_dtype(column, skipna=True)
    if found in ("string", "empty", "boolean", "date"):
        return column if found != "empty" else column.astype("str")
    if found in ("floating", "mixed-integer-float", "decimal"):
        return column.astype("float64")
    if found == "integer":
        small = column.dropna().map(lambda v: -(2**63) <= v < 2**63).all()
        return column.astype("Int64") if small else column.map(str, na_action="ignore")
    if found in ("datetime", "datetime64"):
        try:
            return _plain_series(pd.to_datetime(column), time_zone)
        except ValueError:
            raise SchemaError(
                f"Column {column.name!r} mixes time zones; expected one zone for all rows.\nConvert it "
                f"first: pandas.to_datetime(frame[{column.name!r}], utc=True)."
            ) from None
    if found in ("mixed", "mixed-integer") and column.map(lambda v: not isinstance(v, list | dict | set | bytes)).all():
        return column.map(str, na_action="ignore")
    raise SchemaError(
        f"Column {column.name!r} holds {found} objects; expected text, numbers or time stamps.\n"
        f"Convert it first, for example frame[{column.name!r}].astype(str), or leave it out."
    )


def _plain_arrow(table: Any, time_zone: str | None) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            zoned = table[field.name]
            if time_zone:
                zoned = zoned.cast(pa.timestamp(field.type.unit, tz=time_zone))
            table = table.set_column(index, field.name, pc.local_timestamp(zoned))
        elif pa.types.is_null(field.type):
            table = table.set_column(index, field.name, table[field.name].cast(pa.string()))
    return table


def _as_pandas(result: Frame, like: pd.DataFrame, same: set[str]) -> pd.DataFrame:
    relation = result.to_native()
    if any(isinstance(kind, pd.ArrowDtype) for kind in like.dtypes):
        table = relation.to_arrow_table().to_pandas(types_mapper=pd.ArrowDtype)
    else:
        table = relation.df()
        masked = any(_is_masked(kind) for kind in like.dtypes)
        table = table.astype({name: _settled(table[name].dtype, masked) for name in table.columns})
    back = {name: like.dtypes[name] for name in table.columns if name in same and name in like.columns}
    changed = {name: kind for name, kind in back.items() if table.dtypes[name] != kind and _zone_of(kind) is None}
    return cast("pd.DataFrame", table.astype(changed))


def _is_masked(kind: Any) -> bool:
    return isinstance(kind, pd.api.extensions.ExtensionDtype) and kind.na_value is pd.NA and kind.kind in "iufb"


def _settled(kind: Any, masked: bool) -> Any:
    """Give a computed column the family of the caller's frame: nullable dtypes, or NumPy's with NaN for missing."""
    if masked:
        return {"int64": "Int64", "int32": "Int32", "float64": "Float64", "bool": "boolean"}.get(str(kind), kind)
    return "float64" if str(kind) in ("Int64", "Int32") else kind


def _as_arrow(result: Frame, like: Any, same: set[str]) -> Any:
    table = result.to_native().to_arrow_table()
    for index, name in enumerate(table.column_names):
        if name in same and name in like.column_names:
            table = table.set_column(index, name, table[name].cast(like.schema.field(name).type))
    return table


# ---- lazy engines ------------------------------------------------------------------------------------------------


def _local_times(frame: Frame, time_zone: str | None) -> Frame:
    engine = frame.implementation
    zoned = {name: kind for name, kind in frame.collect_schema().items() if getattr(kind, "time_zone", None)}
    if not zoned:
        return frame
    if engine.is_polars():
        moved = [nw.col(name).dt.convert_time_zone(time_zone) if time_zone else nw.col(name) for name in zoned]
        return frame.with_columns(*[column.dt.replace_time_zone(None) for column in moved])
    local = {}
    for name in zoned:
        quoted = _quoted(name, engine)
        if engine.is_duckdb():
            local[name] = f"timezone({_text(time_zone)}, {quoted})" if time_zone else f"cast({quoted} as timestamp)"
        else:
            naive = f"cast({quoted} as timestamp_ntz)"
            local[name] = f"convert_timezone({_text(time_zone)}, {naive})" if time_zone else naive
    return _replaced(frame, local)


def _replaced(frame: Frame, expressions: Mapping[str, str]) -> Frame:
    """Replace columns by SQL expressions, keeping names and order (DuckDB and Spark)."""
    native, engine = frame.to_native(), frame.implementation
    parts = []
    for name in frame.collect_schema().names():
        quoted = _quoted(name, engine)
        parts.append(f"{expressions[name]} as {quoted}" if name in expressions else quoted)
    return _wrap(native.project(", ".join(parts)) if engine.is_duckdb() else native.selectExpr(*parts))


def _quoted(name: str, engine: nw.Implementation) -> str:
    return '"' + name.replace('"', '""') + '"' if engine.is_duckdb() else "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _small(frame: Frame, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> Frame:
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        import polars as pl

        return _wrap(pl.LazyFrame(dict(columns)))
    if engine.is_duckdb():
        return _wrap(_beside(native, _as_pandas_columns(columns)))
    import pyarrow as pa
    from pyspark.sql import functions as F  # noqa: N812 (PySpark's own convention)

    return _wrap(F.broadcast(native.sparkSession.createDataFrame(pa.table(dict(columns)))))


def _beside(relation: Any, door: Any) -> Any:
    """Bring a local table in by the relation's own `query`: its connection is not ours to know."""
    return relation.query(_SMALL, "select * from door")


def _as_pandas_columns(columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> pd.DataFrame:
    table = pd.DataFrame(dict(columns))
    return table.astype({name: "str" for name in table.columns if table.dtypes[name].kind == "O"})


def _zone_of(kind: Any) -> Any:
    if isinstance(kind, pd.ArrowDtype):
        return getattr(kind.pyarrow_dtype, "tz", None)
    return kind.tz if isinstance(kind, pd.DatetimeTZDtype) else None


def _filled(values: Any) -> Any:
    if not np.ma.isMaskedArray(values):
        return values
    if values.dtype.kind not in "iuf":
        return values.filled(None)
    return np.ma.filled(values.astype(np.float64), np.nan) if values.mask.any() else values.data


def names_of(frame: Frame) -> list[str]:
    """List the column names of a lazy frame."""
    return list(frame.collect_schema().names())


def kinds_of(frame: Frame, columns: Iterable[str]) -> dict[str, nw.dtypes.DType]:
    """Look up narwhals dtypes by column."""
    schema = frame.collect_schema()
    return {name: schema[name] for name in columns if name in schema}

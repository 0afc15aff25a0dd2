"""In and out: a caller's frame into its engine, a result back into the caller's library."""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit.errors import DomainError
from crmkit.frames import eager, lazy, once, spark
from crmkit.frames.expressions import names_of
from crmkit.frames.native import Frame, recognised, unclear, wrapped


def enter(
    frame: Any,
    *,
    columns: Sequence[str] | None = None,
    passing: bool = False,
    time_zone: str | None = None,
    beside: Frame | None = None,
) -> Frame:
    """Take a caller's frame into its engine, lazily.

    Parameters
    ----------
    frame : pandas or Polars or PyArrow frame, DuckDB relation, Spark frame
        Never changed. Eager pandas and PyArrow enter DuckDB on a private connection.
    columns : sequence of str, optional
        The columns to take; all by default.
    passing : bool
        Whether the other columns come along as they are; by default they are left out.
    time_zone : str, optional
        Zone whose local time aware stamps are given in. By default the zone that the column carries;
        in DuckDB and Spark columns carry none and the session's zone counts.
    beside : lazy frame, optional
        A frame that entered before: this one shares its connection, so that both can be joined.

    Returns
    -------
    lazy frame
        Same rows; every time stamp that is taken is naive local time.
    """
    native, library = recognised(frame)
    names = column_names(frame)
    taken = names if columns is None else list(columns)
    extra = [name for name in names if name not in taken] if passing else []
    _check_zone(time_zone)
    if library in ("pandas", "pyarrow"):
        if beside is not None and not beside.implementation.is_duckdb():
            raise DomainError(_TWO_ENGINES.format(beside.implementation.value, library))
        return eager.entered(native, taken, extra, time_zone, beside)
    whole = wrapped(native)
    if beside is not None and beside.implementation != whole.implementation:
        raise DomainError(_TWO_ENGINES.format(beside.implementation.value, library))
    if library == "duckdb" and beside is not None and eager.are_apart(beside.to_native(), native):
        raise DomainError(_TWO_CONNECTIONS)
    if library == "spark":
        _check_case(native, [*taken, *extra])
    chosen = whole if columns is None or passing else whole.select(*columns)
    return lazy.local_times(chosen, taken, time_zone)


_TWO_ENGINES = "All tables of one call must live in one engine, got {} and {}."
_TWO_CONNECTIONS = (
    "The DuckDB relations of one call belong to two connections; expected one, as DuckDB joins within a connection.\n"
    "Take both tables from the same one: connection.table('orders'), connection.table('contacts')."
)


def leave(result: Frame, *, like: IntoFrameT, sort: Sequence[str] = (), same: Sequence[str] = ()) -> IntoFrameT:
    """Hand a result back in the library of the caller's frame.

    Lazy engines get a lazy frame, eager ones rows sorted by `sort`. Columns of `sort` and `same` have the dtype that
    they have in `like` (pandas and PyArrow, which have been through DuckDB).
    """
    native, library = recognised(like)
    if library in ("polars lazy", "duckdb", "spark"):
        return cast("IntoFrameT", _lazy(result, library))
    ordered = result.sort(*sort) if sort else result
    if library == "polars":
        return cast("IntoFrameT", ordered.collect().to_native())
    return cast("IntoFrameT", eager.left(ordered, native, {*sort, *same}))


# Rows of the caller's table up to which what was computed from it is kept beside the database, not in it.
_SMALL_ROWS = 20_000


def _lazy(result: Frame, library: str) -> Any:
    return once.planned(result.to_native()) if library == "duckdb" else result.to_native()


def settled(result: Frame, *, like: IntoFrameT) -> Frame:
    """Compute a table of many uses but once: eager libraries at once, lazy ones when the answer is asked for.

    Polars does not find all equal parts of a large plan: they are marked to be computed once (scores of 200,000 leads:
    74 CPU seconds instead of 7). DuckDB computes each use anew unless `once` says otherwise (alerts of a million
    orders: 100 CPU seconds instead of 7); a `Database` of our own keeps the table until it is told to clear, so that
    several statements share it, while in a caller's none is made. Spark, too, plans each use anew: a local checkpoint
    cuts the plan there and keeps the rows on the executors for as long as the answer is.
    """
    native, library = recognised(like)
    if library in ("pandas", "pyarrow"):
        return wrapped(eager.made(result.to_native(), is_small=len(native) < _SMALL_ROWS))
    if library == "spark":
        return wrapped(spark.kept(result.to_native()))
    if library == "duckdb":
        rows = result.to_native()
        return wrapped(eager.made(rows, is_small=False) if eager.is_own(rows) else once.marked(rows))
    return result.collect().lazy() if library == "polars" else wrapped(result.to_native().cache())


def held(result: Frame, *, like: IntoFrameT) -> Frame:
    """Compute a table that several statements ask for; lazy Polars and DuckDB rows then lie in this process's memory.

    What is `settled` is computed once per statement: lazy Polars plans each `collect` from the beginning, and a
    materialised step of DuckDB ends with its statement. A loop that collects, decides in Python and asks again would
    compute all that came before in every turn (duplicates among 4,000 leads, processor seconds: Polars 1.6 instead of
    0.5, DuckDB 10.2 instead of 4.8). For one plan, take `settled`: it leaves the rows in their engine.
    """
    library = recognised(like)[1]
    if library == "polars lazy":
        return result.collect().lazy()
    if library != "duckdb" or eager.is_own(result.to_native()):
        return settled(result, like=like)
    native, kinds = result.to_native(), result.collect_schema()
    rows = wrapped(eager.beside(native, eager.fetched(native.df)))  # no table is made in the caller's database
    return rows.with_columns(*[nw.col(name).cast(kind) for name, kind in kinds.items()])


def put_back(result: Frame, *, like: IntoFrameT, same: Collection[str] = ()) -> IntoFrameT:
    """Hand the caller's table back with the columns of `result` in place of its own.

    `result` has the rows of `like`, in their order. Eager frames keep what `result` does not hold, untouched, and
    pandas its index; for a lazy frame, `result` must hold every column. Columns of `same` keep their dtype.
    """
    native, library = recognised(like)
    if library in ("polars lazy", "duckdb", "spark"):
        return cast("IntoFrameT", _lazy(result, library))
    if library == "polars":
        return cast("IntoFrameT", native.with_columns(*result.collect().to_native().get_columns()))
    changed = eager.left(result, native, set(same))
    if library == "pandas":
        whole = native.copy(deep=False)
        for name in changed.columns:
            whole[name] = changed[name].set_axis(whole.index)
        return cast("IntoFrameT", whole)
    for name in changed.column_names:
        native = native.set_column(native.column_names.index(name), name, changed[name])
    return cast("IntoFrameT", native)


def is_lazy(frame: Any) -> bool:
    """Whether a caller's frame is a plan or a remote table, not rows in memory."""
    return recognised(frame)[1] in ("polars lazy", "duckdb", "spark")


def column_names(frame: Any) -> list[Any]:
    """List the column names of a caller's frame as they are: repeated ones and, in pandas, ones that are no text."""
    native, library = recognised(frame)
    if library == "polars lazy":
        return names_of(wrapped(native))
    return list(native.column_names if library == "pyarrow" else native.columns)


def rename(frame: IntoFrameT, names: Mapping[str, str]) -> IntoFrameT:
    """Rename columns of a caller's frame; returns a new frame of the same library."""
    native, library = recognised(frame)
    if library == "pandas":
        return cast("IntoFrameT", native.rename(columns=dict(names)))
    if library == "pyarrow":
        return cast("IntoFrameT", native.rename_columns([names.get(name, name) for name in native.column_names]))
    if library == "polars":
        return cast("IntoFrameT", native.rename(dict(names)))
    if library == "spark":
        return cast("IntoFrameT", native.withColumnsRenamed(dict(names)))  # names with dots: no expression holds them
    renamed = wrapped(native).select(*[nw.col(name).alias(names.get(name, name)) for name in column_names(native)])
    return cast("IntoFrameT", renamed.to_native())


def _check_case(native: Any, names: Sequence[str]) -> None:
    if native.sparkSession.conf.get("spark.sql.caseSensitive") == "true":
        return
    times = Counter(name.lower() for name in native.columns)
    unsure = [name for name in names if times[name.lower()] > 1]
    if unsure:
        raise unclear(unsure[0])


def _check_zone(time_zone: str | None) -> None:
    if time_zone is None:
        return
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise DomainError(f"time_zone must be a zone such as 'Europe/Paris' or 'UTC', got {time_zone!r}.") from None

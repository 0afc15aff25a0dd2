"""Eager pandas and PyArrow: in and out of an embedded DuckDB."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

import duckdb
import numpy as np
import pandas as pd

from crmkit.errors import DomainError, SchemaError
from crmkit.frames import lazy
from crmkit.frames.coded import Coded
from crmkit.frames.native import Frame, unclear, wrapped
from crmkit.frames.pandas_columns import plain_column, zone_of
from crmkit.frames.private import private_connection

if TYPE_CHECKING:
    import numpy.typing as npt

Column: TypeAlias = "Sequence[Any] | npt.NDArray[Any] | Coded"
Columns: TypeAlias = "Mapping[str, Column]"
_SMALL = "crmkit_small_table"
# What the names of tables that were made begin with; the variable that a database of our own sets.
MADE = "crmkit_made_"
KEEPS = "crmkit_keeps_tables"
_T = TypeVar("_T")


def entered(
    native: Any, taken: Sequence[str], extra: Sequence[str], time_zone: str | None, companion: Frame | None
) -> Frame:
    """Register columns in a private DuckDB, or in that of a companion that entered before."""
    zones = dict.fromkeys(extra, "UTC") | dict.fromkeys(taken, time_zone)  # extras find back to their zone from UTC
    if isinstance(native, pd.DataFrame):
        columns = {name: plain_column(native[name], zones[name]) for name in native.columns if name in zones}
        door: Any = pd.DataFrame(columns, copy=False)
    else:
        door = _plain_arrow(native.select([name for name in native.column_names if name in zones]), zones)
    if companion is not None:
        relation = beside(companion.to_native(), door)
    else:
        connection = private_connection()
        relation = connection.from_df(door) if isinstance(door, pd.DataFrame) else connection.from_arrow(door)
    _check_names([str(name) for name in zones], relation.columns)
    return lazy.local_times(wrapped(relation), taken, None)


def left(result: Frame, like: Any, same: Collection[str]) -> Any:
    """Collect a result as the library of `like`; columns of `same` get their dtype there, if it holds them."""
    relation = result.to_native()
    if isinstance(like, pd.DataFrame):
        return _as_pandas(relation, like, same)
    table = fetched(relation.to_arrow_table)
    for index, name in enumerate(table.column_names):
        if name in same and name in like.column_names:
            table = table.set_column(index, name, _cast_back(table[name], like.schema.field(name).type))
    return table


def made(relation: Any, *, is_small: bool) -> Any:
    """Compute a relation, once: small ones as rows in memory, others into a table of their own connection.

    After a statement that may have changed the catalog, DuckDB 2.0 binds again all that was built before it, which for
    twenty rows is most of the work; rows in memory change no catalog, but are copied for each further use of them.
    """
    if is_small:
        return fetched(relation.materialize)
    name = f"{MADE}{uuid.uuid4().hex}"  # a name that no other table has; no result depends on it
    fetched(lambda: relation.create(name))
    connection = _connection(relation)
    return connection.table(name) if connection else _beginning(relation).query(_SMALL, f'from "{name}"')


def is_own(relation: Any) -> bool:
    """Tell whether a relation belongs to a `Database`, which keeps tables that were made and clears them away."""
    asked, connection = f"select getvariable('{KEEPS}')", _connection(relation)
    found = connection.query(asked) if connection else _beginning(relation).query(_SMALL, asked)
    return bool(found.fetchall()[0][0])


def fetched(fetch: Callable[[], _T]) -> _T:
    """Run DuckDB; texts that no engine can hold are only met now."""
    try:
        return fetch()
    except duckdb.InvalidInputException as error:
        if "surrogate" not in str(error):
            raise
        raise SchemaError(
            "A text holds half a character (a lone surrogate, from a broken export); expected Unicode.\n"
            "Repair text columns first: frame[column].str.encode('utf-8', 'replace').str.decode('utf-8')."
        ) from None


def beside(relation: Any, door: Any) -> Any:
    """Bring a local table in to where a relation lives.

    Its connection is not ours to know by any public name. Where a version hides it, the relation's own `query` serves,
    which takes ten times as long: it makes a view and drops it again.
    """
    if isinstance(door, pd.DataFrame):
        # Texts of pandas 2 are objects: where all are missing, DuckDB would take the column for no type at all.
        empty = [name for name in door.columns if door[name].dtype == object and door[name].isna().all()]
        door = door.astype(dict.fromkeys(empty, "string")) if empty else door
    connection = _connection(relation)
    if connection is not None:
        return connection.from_df(door) if isinstance(door, pd.DataFrame) else connection.from_arrow(door)
    try:
        return _beginning(relation).query(_SMALL, "select * from door")
    except duckdb.CatalogException:
        raise DomainError(
            "The connection of the DuckDB relation does not see local tables; expected python_enable_replacements.\n"
            "Switch it on: connection.execute('set python_enable_replacements = true')."
        ) from None


def are_apart(left: Any, right: Any) -> bool:
    """Tell relations of two connections; False where a version hides them."""
    ends = _connection(left), _connection(right)
    return None not in ends and ends[0] is not ends[1]


def _connection(relation: Any) -> duckdb.DuckDBPyConnection | None:
    found = getattr(relation, "_con", None)
    return found if isinstance(found, duckdb.DuckDBPyConnection) else None


def _beginning(relation: Any) -> Any:
    """Walk back to what a relation was derived from: another one of its connection, with nothing before it.

    DuckDB 2.0 binds all that came before a relation again after each statement that may have changed the catalog. What
    is asked of the beginning has nothing before it. Where a version keeps no such list, the relation itself serves.
    """
    while inputs := getattr(relation, "_inputs", ()):
        relation = inputs[0]
    return relation


def small_pandas(columns: Columns) -> pd.DataFrame:
    """Make a pandas frame from columns."""
    return pd.DataFrame({name: _small_column(column) for name, column in columns.items()})


def _small_column(column: Column) -> pd.Series[Any]:
    if isinstance(column, Coded):
        return pd.Series(_small_column(column.values).array.take(column.codes))
    kinds = {"text": "str", "nothing": "float64"}
    return pd.Series(column, dtype=kinds.get(holds(column)))


def holds(values: Sequence[Any] | npt.NDArray[Any]) -> Literal["text", "nothing", "values"]:
    """Tell texts, and lists without any value, from columns that say their type themselves."""
    if isinstance(values, np.ndarray):
        return "text" if values.dtype.kind in "OUT" else "values"
    if all(value is None for value in values):
        return "nothing"
    return "text" if any(isinstance(value, str) for value in values) else "values"


def in_family(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Give computed columns the dtype family of the caller's frame: NumPy, nullable or Arrow."""
    if _is_arrow(like):
        import pyarrow as pa

        return cast(
            "pd.DataFrame", pa.Table.from_pandas(table, preserve_index=False).to_pandas(types_mapper=pd.ArrowDtype)
        )
    masked = any(_is_masked(kind) for kind in like.dtypes)
    kinds = {str(name): table[str(name)].dtype for name in table.columns}
    settled = {name: _settled(kind, masked) for name, kind in kinds.items()}
    return table.astype({name: kind for name, kind in settled.items() if kind != kinds[name]})


def _as_pandas(relation: Any, like: pd.DataFrame, same: Collection[str]) -> pd.DataFrame:
    if _is_arrow(like):
        table = fetched(relation.to_arrow_table).to_pandas(types_mapper=pd.ArrowDtype)
    else:
        table = in_family(_fetched_pandas(relation), like)
    for name in map(str, table.columns):
        if name in same and name in like.columns:
            table[name] = _restored(table[name], like.dtypes[name])
    return cast("pd.DataFrame", table)


def _fetched_pandas(relation: Any) -> pd.DataFrame:
    """Run DuckDB into pandas; texts by way of Arrow where there is one: six times faster, the same column."""
    kinds = [str(kind) for kind in relation.types]
    is_plain = not any(kind.startswith("ENUM") for kind in kinds)  # Arrow would lose the order of categories
    if "VARCHAR" not in kinds or not is_plain or importlib.util.find_spec("pyarrow") is None:
        return cast("pd.DataFrame", fetched(relation.df))
    import pyarrow as pa

    whole = fetched(relation.to_arrow_table)
    texts = {field.name: whole[field.name].to_pandas() for field in whole.schema if pa.types.is_string(field.type)}
    rest = whole.drop_columns(list(texts))
    others = beside(relation, rest).df() if rest.num_columns else {}
    return pd.DataFrame({name: texts[name] if name in texts else others[name] for name in whole.column_names})


def _restored(column: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    if column.dtype == kind or str(kind) == "null[pyarrow]":
        return column
    zone = zone_of(kind)
    if zone is not None:
        return cast("pd.Series[Any]", column.dt.tz_localize("UTC").dt.tz_convert(zone).astype(kind))
    if isinstance(kind, pd.CategoricalDtype):
        codes = kind.categories.get_indexer(pd.Index(column))
        strange = (codes < 0) & column.notna()  # mixed categories have become text
        return column if strange.any() else pd.Series(pd.Categorical.from_codes(codes, dtype=kind))
    try:
        back = column.astype(kind)
    except (ValueError, TypeError, OverflowError):
        return column  # ids of another table are among them, which are no such numbers
    is_whole = pd.api.types.is_integer_dtype
    wraps = is_whole(column.dtype) and is_whole(kind) and bool((back != column).any())
    return column if wraps else back


def _is_arrow(frame: pd.DataFrame) -> bool:
    return any(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)


def _is_masked(kind: Any) -> bool:
    return isinstance(kind, pd.api.extensions.ExtensionDtype) and kind.na_value is pd.NA and kind.kind in "iufb"


def _settled(kind: Any, masked: bool) -> Any:
    if masked:
        return {"int64": "Int64", "int32": "Int32", "float64": "Float64", "bool": "boolean"}.get(str(kind), kind)
    return "float64" if str(kind) in ("Int64", "Int32") else kind


def _plain_arrow(table: Any, zones: Mapping[str, str | None]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            zone = zones[field.name]
            zoned = column.cast(pa.timestamp(field.type.unit, tz=zone)) if zone else column
            table = table.set_column(index, field.name, pc.local_timestamp(zoned))
        elif pa.types.is_null(field.type):
            table = table.set_column(index, field.name, column.cast(pa.string()))
    return table


def _cast_back(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    is_kept = pa.types.is_null(kind) or isinstance(kind, pa.BaseExtensionType)  # UUIDs have become text
    if is_kept or column.type == kind:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return column  # ids of another table are among them, which are no such numbers


def _check_names(names: Sequence[str], entered_names: Sequence[str]) -> None:
    lost = sorted(set(names) - set(entered_names))
    if lost:
        raise unclear(lost[0])

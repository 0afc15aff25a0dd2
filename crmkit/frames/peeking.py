"""A look at the first rows of a file, as texts, without reading the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import duckdb

from crmkit.errors import SchemaError, UnreachableError
from crmkit.frames.csv_headers import header_of
from crmkit.frames.expressions import literal

Form = Literal["csv", "parquet", "duckdb"]
_T = TypeVar("_T")
_ROWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Peek:
    """The first rows of a table.

    Attributes
    ----------
    kinds : dict of str to str
        Name of each column -> its type in DuckDB's words; VARCHAR throughout for CSV.
    values : dict of str to tuple of str
        Name of each column -> its values as texts, empty ones left out.
    rows : int
        How many rows were looked at.
    """

    kinds: dict[str, str]
    values: dict[str, tuple[str, ...]]
    rows: int


def peek(file: Path, form: Form, *, table: str = "") -> Peek:
    """Look at the first 2,000 rows of a CSV or Parquet file, or of a table of a DuckDB file.

    Raises
    ------
    SchemaError
        It is no table.
    UnreachableError
        It can't be read.
    """

    def look(connection: Any) -> Peek:
        relation = _relation(connection, file, form, table).limit(_ROWS)
        kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
        texts = ", ".join(f"cast({_quoted(name)} as varchar)" for name in kinds)
        rows = relation.project(texts).fetchall() if texts else []
        columns = {name: [row[i] for row in rows] for i, name in enumerate(kinds)}
        filled = {name: tuple(cell for cell in cells if cell and cell.strip()) for name, cells in columns.items()}
        return Peek(kinds, filled, len(rows))

    return _looked(file, look)


def tables_in(file: Path) -> list[str]:
    """Name the tables and views of a DuckDB file, as `schema.table` where the schema is not main; SchemaError, if none.

    Raises
    ------
    SchemaError
        The file is no DuckDB database.
    UnreachableError
        It can't be read.
    """

    def look(connection: Any) -> list[str]:
        connection.execute(f"attach {literal(str(file))} as crmkit_source (read_only)")
        found = connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = 'crmkit_source' order by all"
        ).fetchall()
        return [name if schema == "main" else f"{schema}.{name}" for schema, name in found]

    return _looked(file, look)


def _looked(file: Path, look: Callable[[Any], _T]) -> _T:
    with duckdb.connect(config={"threads": 1}) as connection:
        for setting in ("enable_progress_bar = false", "autoinstall_known_extensions = false", "TimeZone = 'UTC'"):
            connection.execute(f"set {setting}")
        try:
            return look(connection)
        except (duckdb.IOException, OSError) as error:
            raise UnreachableError(f"{file} can't be read: {str(error).splitlines()[0]}.") from None
        except duckdb.Error as error:
            raise SchemaError(f"{file.name} is no table: {str(error).splitlines()[0]}.") from None


def _relation(connection: Any, file: Path, form: Form, table: str) -> Any:
    if form == "parquet":
        return connection.read_parquet(str(file))
    if form == "duckdb":
        connection.execute(f"attach {literal(str(file))} as crmkit_source (read_only)")
        schema, _, name = table.rpartition(".")
        return connection.sql(f"from crmkit_source.{_quoted(schema or 'main')}.{_quoted(name)}")
    names, mark = header_of([file])
    return connection.read_csv(
        str(file),
        columns=dict.fromkeys(names, "VARCHAR"),
        auto_detect=False,
        header=True,
        delimiter=mark,
        quotechar='"',
        escapechar='"',
        ignore_errors=True,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

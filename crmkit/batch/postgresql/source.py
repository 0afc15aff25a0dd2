"""Tables of servers, read as of one moment."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Final

from crmkit import frames
from crmkit.batch.postgresql.connection import Connection, quoted
from crmkit.batch.postgresql.urls import Server
from crmkit.errors import CrmkitError, SchemaError

# Types that come as they are; any other comes as text and is read as its column asks, like a cell of CSV.
_PLAIN: Final = ("boolean", "smallint", "integer", "bigint", "double precision", "text", "character varying")
_TIMES: Final = ("date", "timestamp without time zone", "timestamp with time zone")
_NUMBERS: Final = ("numeric", "real")


class Snapshots:
    """Servers under reading: one transaction each, so that the tables of a server agree with each other."""

    def __init__(self) -> None:
        self._open: dict[Server, Connection] = {}

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for connection in self._open.values():
            with suppress(CrmkitError):  # nothing was changed: there is nothing to lose
                connection.run("rollback")
            connection.close()
        self._open.clear()

    def read(
        self, database: frames.Database, server: Server, *, key: str, table: str | None, query: str | None, into: str
    ) -> None:
        """Read a table, or the rows of a query, into a table of the database, as they stream in.

        Parameters
        ----------
        database : Database
        server : Server
        key : str
            Key of the config, for errors.
        table, query : str, optional
            Either: a table, perhaps with its schema and a dot in front; or a query.
        into : str
            Name in the database.

        Raises
        ------
        UnreachableError
            The server can't be reached, the table is not there or may not be read, or the server died in between.
        SchemaError
            The query is none, or it gives no columns.
        """
        connection = self._connection(server, key)
        origin, right = _origin(connection, table, query)
        with connection.stream(f"select * from {origin} limit 0", right=right) as head:
            names = frames.names_in(head)
        if not names:
            raise SchemaError(f"{key}: there are no columns; expected those of the table.")
        columns = [f"origin.{quoted(name)}" for name in names]
        # One row of nulls, which have types even where the table has no rows.
        kinds = ", ".join(f"pg_typeof({column})::text" for column in columns)
        (found,) = connection.rows(f"select {kinds} from (select 1) as one left join {origin} on false", right=right)
        chosen = [
            f"{_expression(column, str(kind))} as {quoted(name)}"
            for column, kind, name in zip(columns, found, names, strict=True)
        ]
        with connection.stream(f"select {', '.join(chosen)} from {origin}", right=right) as rows:
            database.read_stream(into, rows)

    def _connection(self, server: Server, key: str) -> Connection:
        if server not in self._open:
            connection = self._open[server] = Connection(server, key)
            connection.run("begin transaction isolation level repeatable read, read only")
        self._open[server].key = key
        return self._open[server]


def _origin(connection: Connection, table: str | None, query: str | None) -> tuple[str, str]:
    """Give what stands after `from`, under the name `origin`, and the right that it takes."""
    if table is None:
        # Its own lines: a comment at its end must not hide the bracket.
        return f"(\n{(query or '').strip().rstrip(';')}\n) as origin", f"SELECT on its tables to {connection.user};"
    schema, _, name = table.rpartition(".")
    place = f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
    usage = f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {connection.user}; " if schema else ""
    return f"{place} as origin", f"{usage}GRANT SELECT ON {place} TO {connection.user};"


def _expression(column: str, kind: str) -> str:
    if kind in _PLAIN:
        return column
    if kind in _TIMES:
        # The driver makes days of the year 5,877,612 of them.
        return f"case when isfinite({column}) then {column} end"
    return f"nullif({column}::text, 'NaN')" if kind in _NUMBERS else f"{column}::text"

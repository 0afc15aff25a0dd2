"""A schema of a server as the target of a run: whole or not at all, by one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from crmkit import frames
from crmkit.batch.manifest import tables_in
from crmkit.batch.postgresql.connection import Connection, literal, quoted
from crmkit.batch.postgresql.urls import Server
from crmkit.errors import UnreachableError

_RUNS: Final = "crmkit_runs"
_KEY: Final = "output.postgresql"
_PAUSE = 0.1
_PATIENCE = 30.0  # seconds that a server has to come back before results are written
# Type in DuckDB -> type to send, type to keep; what is not here is sent and kept as text.
_KINDS: Final = {
    "BOOLEAN": ("BOOLEAN", "boolean"),
    "TINYINT": ("SMALLINT", "smallint"),
    "UTINYINT": ("SMALLINT", "smallint"),
    "SMALLINT": ("SMALLINT", "smallint"),
    "USMALLINT": ("INTEGER", "integer"),
    "INTEGER": ("INTEGER", "integer"),
    "UINTEGER": ("BIGINT", "bigint"),
    "BIGINT": ("BIGINT", "bigint"),
    "FLOAT": ("DOUBLE", "double precision"),
    "DOUBLE": ("DOUBLE", "double precision"),
    "DATE": ("DATE", "date"),
    "TIMESTAMP": ("TIMESTAMP", "timestamp without time zone"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
}


class PostgreSQLTarget:
    """A schema: a table per result with a first column `as_of`, and `crmkit_runs` with the manifests.

    One transaction takes out the rows of the day and puts in the new ones. A run holds an advisory lock of the
    database in a session of its own, which ends with the run, however it dies.

    Parameters
    ----------
    server : Server
    schema : str
        Made if needed.
    """

    def __init__(self, server: Server, schema: str) -> None:
        self._server = server
        self._schema = schema
        self._session: Connection | None = None
        self._days: dict[dt.date, dict[str, Any]] = {}

    @contextmanager
    def held(self, wait_seconds: float) -> Iterator[Path]:
        """Hold the lock of the target; gives a folder for what does not fit into memory.

        Raises
        ------
        UnreachableError
            The server can't be reached, or another run holds the lock and still does after `wait_seconds`.
        """
        try:
            self._session = self._locked(wait_seconds)
            with tempfile.TemporaryDirectory(prefix="crmkit-") as folder:
                yield Path(folder)
        finally:
            if self._session is not None:
                self._session.close()
            self._session = None

    def days(self) -> dict[dt.date, dict[str, Any]]:
        """Give the manifests of all results that are there, by day."""
        with self._reading() as connection:
            self._days = self._found(connection)
        return self._days

    def take(self, database: frames.AnyDatabase, name: str, day: dt.date, table: str) -> None:
        """Read state of a day back into a table of the database."""
        assert isinstance(database, frames.Database)  # the config sees to it
        with self._reading() as connection:
            columns = ", ".join(quoted(column) for column in self._columns(connection, table) if column != "as_of")
            query = f"select {columns} from {self._place(table)} where as_of = date {literal(day.isoformat())}"
            with connection.stream(query, right=self._right(connection, table)) as rows:
                database.read_stream(name, rows)

    def publish(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> None:
        """Put tables in place of those of the same day, all at once.

        Raises
        ------
        UnreachableError
            The server is gone, or a right is missing; nothing was published. Or it went in the moment of the commit,
            and which results are there is not known: the next run puts it right.
        """
        assert isinstance(database, frames.Database)  # the config sees to it
        connection = self._writable()
        date = f"date {literal(day.isoformat())}"
        connection.run("begin")
        self._make(connection, _RUNS, {"as_of": "date primary key", "manifest": "json not null"})
        for table in tables:
            self._replace(connection, database, table, date)
        right, text = self._right(connection, _RUNS), json.dumps(manifest, ensure_ascii=False, sort_keys=True)
        connection.run(f"delete from {self._place(_RUNS)} where as_of = {date}", right=right)
        connection.run(f"insert into {self._place(_RUNS)} values ({date}, {literal(text)})", right=right)
        try:
            connection.run("commit")
        except UnreachableError as error:
            raise UnreachableError(f"{error}\nWhether the results were published is not known: run again.") from None

    def forget(self, old: Mapping[dt.date, dict[str, Any]]) -> tuple[dt.date, ...]:
        """Remove the rows of days in one transaction."""
        if not old:
            return ()
        days = ", ".join(f"date {literal(day.isoformat())}" for day in old)
        connection = self._writable()
        connection.run("begin")
        for table in [*(name for name in tables_in(old.values()) if self._columns(connection, name)), _RUNS]:
            connection.run(f"delete from {self._place(table)} where as_of in ({days})")
        connection.run("commit")
        return tuple(old)

    def _replace(self, connection: Connection, database: frames.Database, table: str, date: str) -> None:
        kinds = {name: _KINDS.get(kind, ("VARCHAR", "text")) for name, kind in database.kinds(table)}
        self._make(connection, table, {"as_of": "date"} | {name: kept for name, (_, kept) in kinds.items()})
        right = self._right(connection, table)
        connection.run(f"delete from {self._place(table)} where as_of = {date}", right=right)
        columns = [f"{quoted(name)}::{sent} as {quoted(name)}" for name, (sent, _) in kinds.items()]
        rows = database.stream(table, [f"{date} as as_of", *columns])
        connection.put(self._schema, table, rows, right=right)

    def _make(self, connection: Connection, table: str, columns: dict[str, str]) -> None:
        """Make the schema, a table or columns of it where they are not there; refuse a column of another type."""
        place = self._place(table)
        schema = f"select 1 from pg_namespace where nspname = {literal(self._schema)}"
        if not connection.rows(schema):
            right = f"GRANT CREATE ON DATABASE {connection.database} TO {connection.user};"
            connection.run(f"create schema {quoted(self._schema)}", right=right)
        there = self._columns(connection, table)
        if not there:
            right = f"GRANT USAGE, CREATE ON SCHEMA {quoted(self._schema)} TO {connection.user};"
            made = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
            connection.run(f"create table {place} ({made})", right=right)
            if table != _RUNS:  # days lie together: an index of a few pages finds them
                connection.run(f"create index on {place} using brin (as_of)", right=right)
            return
        for name, kind in columns.items():
            if name not in there:
                right = f"ALTER TABLE {place} OWNER TO {connection.user};"
                connection.run(f"alter table {place} add column {quoted(name)} {kind}", right=right)
            elif there[name] != kind.split(" primary")[0].split(" not null")[0]:
                raise UnreachableError(
                    f"{_KEY}: {self._schema}.{table}.{name} is {there[name]}; this run makes {kind}.\n"
                    f"Rename the table, or change it: ALTER TABLE {place} ALTER COLUMN {quoted(name)} TYPE {kind};"
                )

    def _columns(self, connection: Connection, table: str) -> dict[str, str]:
        """Columns of a table with their types; none if it is not there."""
        found = connection.rows(
            "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a "
            "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
            f"where n.nspname = {literal(self._schema)} and c.relname = {literal(table)} "
            "and a.attnum > 0 and not a.attisdropped order by a.attnum"
        )
        return {str(name): str(kind) for name, kind in found}

    def _found(self, connection: Connection) -> dict[dt.date, dict[str, Any]]:
        if not self._columns(connection, _RUNS):
            return {}
        query = f"select as_of::text, manifest::text from {self._place(_RUNS)}"
        rows = connection.rows(query, right=self._right(connection, _RUNS))
        return {dt.date.fromisoformat(str(day)): json.loads(str(text)) for day, text in sorted(rows)}

    def _place(self, table: str) -> str:
        return f"{quoted(self._schema)}.{quoted(table)}"

    def _right(self, connection: Connection, table: str) -> str:
        usage = f"GRANT USAGE ON SCHEMA {quoted(self._schema)} TO {connection.user}; "
        return f"{usage}GRANT SELECT, INSERT, DELETE ON {self._place(table)} TO {connection.user};"

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Give the session of the run, or for a dry one a session of its own."""
        if self._session is not None:
            yield self._session
            return
        connection = Connection(self._server, _KEY)
        try:
            yield connection
        finally:
            connection.close()

    def _writable(self) -> Connection:
        """Give the session of the run, or a new one if the server has ended it, as a restart does; the lock is held."""
        assert self._session is not None
        if self._session.is_alive():
            return self._session
        self._session.close()
        self._session = self._locked(_PATIENCE, is_back=False)
        if self._found(self._session) != self._days:
            raise UnreachableError(
                f"{_KEY}: the session was lost, and another run has published since.\n"
                f"Run again: it begins with the state of the other."
            )
        return self._session

    def _locked(self, wait_seconds: float, *, is_back: bool = True) -> Connection:
        """Open a session and lock the target in it; with `is_back` false, wait for the server, too."""
        until = time.monotonic() + wait_seconds
        while True:
            try:
                connection = Connection(self._server, _KEY)
                break
            except UnreachableError:
                if is_back or time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE)
        try:
            self._wait(connection, until)
        except BaseException:
            connection.close()
            raise
        return connection

    def _wait(self, connection: Connection, until: float) -> None:
        # Of the schema, in this database: whoever dies, by whatever signal, has let go of it.
        digest = hashlib.sha256(f"crmkit:{self._schema}".encode()).digest()
        first, second = (int.from_bytes(digest[i : i + 4], "big", signed=True) for i in (0, 4))
        while not connection.rows(f"select pg_try_advisory_lock({first}, {second})")[0][0]:
            if time.monotonic() >= until:
                holder = connection.rows(
                    "select coalesce(max(pid)::text, 'unknown') from pg_locks where locktype = 'advisory' and granted "
                    f"and classid = {first % 2**32}::oid and objid = {second % 2**32}::oid"
                )[0][0]
                raise UnreachableError(
                    f"Another run (server process {holder}) writes to this target: {self._server.url}, schema "
                    f"{self._schema}.\nWait for it: crmkit run --wait SECONDS."
                )
            time.sleep(_PAUSE)

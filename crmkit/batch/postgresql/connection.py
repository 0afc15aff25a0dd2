"""One connection to a server: statements, rows, Arrow streams, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, NoReturn

from crmkit import frames
from crmkit.batch.postgresql.urls import Server
from crmkit.errors import ConfigError, CrmkitError, SchemaError, UnreachableError

_SESSION = (
    "set client_min_messages = error",  # the driver writes notices to standard error
    "set standard_conforming_strings = on",
    "set timezone = 'UTC'",
    "set datestyle = 'ISO'",
    "set extra_float_digits = 1",
)
_NO_RIGHT = "42501"
_NOT_THERE = ("42P01", "3F000", "3D000")


class Connection:
    """A session on a server; what is not committed is undone when it is closed.

    Parameters
    ----------
    server : Server
    key : str
        Key of the config, for errors.

    Raises
    ------
    UnreachableError
        The server does not answer, or lets nobody in.
    ConfigError
        The driver is missing.
    """

    def __init__(self, server: Server, key: str) -> None:
        self.key = key
        self._server = server
        self._adbc, driver = _drivers()
        url = server.full_url()
        try:
            self._database = driver.connect(url)
            self._session = self._adbc.AdbcConnection(self._database)
        except self._adbc.Error as error:
            raise UnreachableError(f"{key}: {server.url} can't be reached: {self._said(error)}") from None
        for setting in _SESSION:
            self.run(setting)
        self.user, self.database = self.rows("select quote_ident(current_user), quote_ident(current_database())")[0]

    def close(self) -> None:
        """End the session, even if it is broken."""
        for part in (self._session, self._database):
            with suppress(self._adbc.Error):
                part.close()

    def run(self, statement: str, *, right: str = "") -> None:
        """Run a statement that gives no rows; `right` is what to grant if it is refused."""
        try:
            with self._adbc.AdbcStatement(self._session) as prepared:
                prepared.set_sql_query(statement)
                prepared.execute_update()
        except self._adbc.Error as error:
            self._refuse(error, right)

    def rows(self, query: str, *, right: str = "") -> list[tuple[Any, ...]]:
        """Fetch a few rows."""
        with self.stream(query, right=right) as stream:
            return frames.rows_of(stream)

    @contextmanager
    def stream(self, query: str, *, right: str = "") -> Iterator[Any]:
        """Give the rows of a query as an Arrow stream, which comes in as it is read."""
        prepared = self._adbc.AdbcStatement(self._session)
        try:
            prepared.set_sql_query(query)
            stream, _ = prepared.execute_query()
            yield stream
        except self._adbc.Error as error:
            self._refuse(error, right)
        except UnreachableError as error:  # in the middle of the stream
            raise UnreachableError(f"{self.key}: {self._server.concealed(str(error))}") from None
        finally:
            with suppress(self._adbc.Error):
                prepared.close()

    def put(self, schema: str, table: str, stream: Any, *, right: str = "") -> None:
        """Append an Arrow stream to a table of the same column names and types, by COPY in binary form."""
        try:
            with self._adbc.AdbcStatement(self._session) as prepared:
                prepared.set_options(
                    **{
                        "adbc.ingest.target_db_schema": schema,
                        "adbc.ingest.target_table": table,
                        "adbc.ingest.mode": "adbc.ingest.mode.append",
                    }
                )
                prepared.bind_stream(stream)
                prepared.execute_update()
        except self._adbc.Error as error:
            self._refuse(error, right)

    def is_alive(self) -> bool:
        """Tell whether the server still answers in this session."""
        try:
            self.run("select 1")
        except CrmkitError:
            return False
        return True

    def _refuse(self, error: Any, right: str) -> NoReturn:
        """Raise an error of the driver in words of the library."""
        said, code = self._said(error), error.sqlstate or ""
        place = f"{self.key}: {self._server.url}"
        if code == _NO_RIGHT:
            what = f"\nGrant the right: {right}" if right else ""
            raise UnreachableError(f"{place}: {said}{what}") from None
        if code[:2] in ("42", "22") and code not in _NOT_THERE:
            raise SchemaError(f"{place}: {said}") from None
        raise UnreachableError(f"{place}: {said}") from None

    def _said(self, error: Any) -> str:
        """Give the first sentence of an error, without what the driver says about itself."""
        details = dict(error.details or ())
        primary = details.get(b"PG_DIAG_MESSAGE_PRIMARY") or details.get("PG_DIAG_MESSAGE_PRIMARY")
        text = primary.decode(errors="replace") if isinstance(primary, bytes) else primary or str(error)
        text = text.removeprefix("IO: ").removeprefix("[libpq] ").strip().rstrip(".")
        return self._server.concealed(" ".join(text.split())) + "."


def quoted(name: str) -> str:
    """Write a name so that it is a name in SQL, whatever signs it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text so that it is a text in SQL, whatever signs it has."""
    return "'" + text.replace("'", "''") + "'"


def _drivers() -> tuple[ModuleType, ModuleType]:
    try:
        import adbc_driver_manager
        import adbc_driver_postgresql
    except ImportError as error:
        raise ConfigError(f'PostgreSQL needs a package more ({error}): pip install "crmkit[batch]".') from None
    return adbc_driver_manager, adbc_driver_postgresql

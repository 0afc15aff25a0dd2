"""An embedded database of one's own: files come in as tables, tables go out as files; large ones spill to disk."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import duckdb

from crmkit.errors import SchemaError, UnreachableError
from crmkit.frames.csv_headers import header_of
from crmkit.frames.eager import KEEPS, MADE, fetched
from crmkit.frames.expressions import literal
from crmkit.frames.private import private_connection

_T = TypeVar("_T")
# What spreadsheets take for the beginning of a formula, wide forms too; a mark that was there before is marked again,
# so that taking one mark off gives the text back.
_FORMULA = r"^''*[=+\-@\t\r\n＝＋－＠]|^[=+\-@\t\r\n＝＋－＠]"
_ROW = "crmkit_row"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line of a CSV file that is none: its file, its number if that is known, what is wrong, the line itself."""

    file: str
    line: int | None
    reason: str
    text: str

    @property
    def place(self) -> str:
        """Say where it is: by its number, else by how it begins."""
        return repr(self.text[:60]) if self.line is None else f"line {self.line}"


class Database:
    """A private DuckDB in memory with a folder to spill to.

    Parameters
    ----------
    spill : path
        Folder for what does not fit into memory; made if needed.
    memory : str, optional
        Limit such as "2GiB"; by default DuckDB's, four fifths of the machine.
    threads : int, optional
        By default one per core.
    """

    def __init__(self, spill: str | os.PathLike[str], *, memory: str | None = None, threads: int | None = None) -> None:
        self._connection = private_connection()
        for setting in (
            "autoinstall_known_extensions = false",  # nothing is fetched from anywhere
            "TimeZone = 'UTC'",  # not that of the machine
            f"temp_directory = {literal(str(spill))}",
            *([f"memory_limit = {literal(memory)}"] if memory else []),
            *([f"threads = {threads:d}"] if threads else []),
        ):
            self._connection.execute(f"set {setting}")
        self._connection.execute(f"set variable {KEEPS} = true")

    def clear(self) -> None:
        """Drop the tables that were computed on the way to a result; those that were kept stay."""
        found = self._connection.query(
            f"select table_name from duckdb_tables() where starts_with(table_name, '{MADE}')"
        )
        for (name,) in found.fetchall():
            self.drop(name)

    def close(self) -> None:
        """Let go of all tables."""
        self._connection.close()

    def table(self, name: str) -> Any:
        """Give a table as a relation."""
        return self._connection.table(name)

    def numbered(self, name: str, products: Mapping[str, Sequence[str]] | None = None) -> Any:
        """Give a table with the number of each row, from 1, in a first column `crmkit_row`.

        Parameters
        ----------
        name : str
        products : mapping of str to sequence of str, optional
            Further columns -> the columns that are multiplied to make them, rounded to 6 decimals; empty where one of
            these is no number.

        Raises
        ------
        SchemaError
            A factor is missing, or a product has the name of a column.
        """
        there, made = self.table(name).columns, []
        for product, factors in (products or {}).items():
            lacking = [factor for factor in factors if factor not in there]
            if lacking:
                known = ", ".join(map(repr, there))
                raise SchemaError(f"{product}: there is no column {lacking[0]!r} to multiply; there are {known}.")
            if product in there:
                raise SchemaError(f"{product}: the column is there already; nothing is to be multiplied.")
            value = " * ".join(f"try_cast({_name(factor)} as double)" for factor in factors)
            made.append(f", round({value}, 6) as {_name(product)}")
        return self._connection.query(f"select rowid + 1 as {_ROW}, *{''.join(made)} from {_name(name)}")

    def rows(self, name: str) -> int:
        """Count the rows of a table."""
        return int(self._connection.query(f'select count(*) from "{name}"').fetchall()[0][0])

    def keep(self, name: str, relation: Any, *, order: Sequence[str] = ()) -> Any:
        """Compute a relation of this database into a table, sorted by the columns of `order`; gives the table."""
        chosen = relation.order(", ".join(f'"{column}"' for column in order)) if order else relation
        fetched(lambda: chosen.create(name))
        return self.table(name)

    def keep_rejects(
        self, name: str, *, raw: str, bad: str, lines: Sequence[Unreadable], is_ordered: bool = True, file: str = ""
    ) -> None:
        """Make a table of the rows of `raw` that stand in `bad`, and of lines that are no rows.

        Its columns: `file` (of a line), `line`, `row` (from 1, of those that are rows), `reasons`, `content` (JSON of
        the row, or the line). Rows of a source without an order have no number, and are sorted by what they hold. Rows
        are of `file`, if the source is one file.
        """
        run = self._connection.execute
        row, order = (_ROW, _ROW) if is_ordered else ("null::bigint", "content, reasons")
        place = literal(file) if file else "null"
        run(
            f"create table {_name(name)} as select {place}::varchar as file, null::bigint as line, {row} as row, "
            f"rtrim(reasons, '; ') as reasons, to_json({_name(raw)})::varchar as content from {_name(raw)} "
            f"join {_name(bad)} on {_name(raw)}.rowid + 1 = {_ROW} order by {order}"
        )
        for line in lines:
            values = [line.file, line.line, line.reason, line.text]
            run(f"insert into {_name(name)} values ($1, $2, null, $3, $4)", values)

    def first(self, name: str, columns: Sequence[str], *, where: str, order: str, limit: int) -> list[tuple[Any, ...]]:
        """Look at a few rows of a table; the conditions are SQL of the caller's own, never of data."""
        chosen = self.table(name).filter(where).order(order).limit(limit)
        return list(chosen.project(", ".join(map(_name, columns))).fetchall())

    def read_csv(self, name: str, files: Sequence[Path], *, tolerant: bool) -> list[Unreadable]:
        """Read CSV files of one header into a table of texts.

        UTF-8, comma or semicolon or tab as the header has it, quotation marks doubled within. With `tolerant`, lines
        that are none are left out and listed.
        """
        names, mark = header_of(files)
        options: dict[str, Any] = (
            {"rejects_table": f"{name}_lines", "rejects_scan": f"{name}_scans"} if tolerant else {}
        )
        places: Any = [str(file) for file in files]  # its annotation knows one file only
        relation = _read(
            lambda: self._connection.read_csv(
                places,
                columns=dict.fromkeys(names, "VARCHAR"),
                auto_detect=False,
                header=True,
                delimiter=mark,
                quotechar='"',
                escapechar='"',
                store_rejects=tolerant,
                **options,
            ),
            name,
        )
        _read(lambda: relation.create(name), name)
        if not tolerant:
            return []
        # A line that lacks two cells is listed for each of them, and is one line.
        found = self._connection.query(
            f"select file_path, line, min(error_message), min(csv_line) from {name}_lines "
            f"join {name}_scans using (scan_id, file_id) group by all order by all"
        )
        return [Unreadable(Path(file).name, line, reason, text) for file, line, reason, text in found.fetchall()]

    def read_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Read Parquet files of one schema into a table."""
        _read(lambda: self._connection.read_parquet([str(file) for file in files]).create(name), name)

    def read_database(self, name: str, file: Path, table: str, *, schema: str = "main") -> None:
        """Read a table or view of a DuckDB file, which is opened for reading only."""

        def copy() -> None:
            self._connection.execute(f"attach {literal(str(file))} as crmkit_source (read_only)")
            try:
                source = f"crmkit_source.{_name(schema)}.{_name(table)}"
                self._connection.execute(f"create table {_name(name)} as select * from {source}")
            finally:
                self._connection.execute("detach crmkit_source")

        _read(copy, name)

    def read_stream(self, name: str, stream: Any) -> None:
        """Read an Arrow stream into a table, batch by batch."""
        try:
            self._connection.from_arrow(stream).create(name)
        except duckdb.Error as error:
            raise UnreachableError(f"{name}: the source can't be read to its end: {_said(error)}.") from None

    def stream(self, name: str, columns: Sequence[str]) -> Any:
        """Give a table as an Arrow stream; its columns are SQL of the caller's own, never of data."""
        return self._connection.query(f"select {', '.join(columns)} from {_name(name)}")

    def kinds(self, name: str) -> list[tuple[str, str]]:
        """Names and types of the columns of a table."""
        return _columns(self.table(name))

    def fingerprint(self, name: str) -> str:
        """Know a table again by its columns and rows, in whatever order the rows stand.

        A sum of hashes of rows: equal tables are equal, and tables that differ by accident differ.
        """
        low = "(hash & 18446744073709551615::uhugeint)::ubigint"
        found = self._connection.query(
            f"select count(*), sum({low}), sum((hash >> 64)::ubigint) "
            f"from (select md5_number(to_json(crmkit_rows)::varchar) as hash from {_name(name)} as crmkit_rows)"
        ).fetchall()
        return hashlib.sha256(repr((self.kinds(name), found)).encode()).hexdigest()

    def drop(self, name: str) -> None:
        """Drop a table."""
        self._connection.execute(f"drop table {_name(name)}")

    def write(self, name: str, file: Path, form: Literal["parquet", "csv"]) -> None:
        """Write a table in the order of its rows; the same rows give the same bytes.

        In CSV, a text that a spreadsheet would take for a formula (its first sign is one of = + - @, tab, line end)
        gets an apostrophe in front.
        """
        relation = self.table(name)
        threads = self._connection.query("select current_setting('threads')").fetchall()[0][0]
        self._connection.execute("set threads = 1")  # else the row groups fall as the threads do
        try:
            if form == "parquet":
                relation.write_parquet(str(file), compression="zstd")
            else:
                relation.project(", ".join(_harmless(*column) for column in _columns(relation))).write_csv(
                    str(file), header=True
                )
        except (duckdb.IOException, OSError) as error:
            raise UnreachableError(f"{file} can't be written: {_said(error)}.") from None
        finally:
            self._connection.execute(f"set threads = {threads}")

    def replace_day(self, file: Path, tables: Sequence[str], day: str, manifest: str) -> None:
        """Put tables into a DuckDB file in one transaction, in place of the rows of the same day.

        Parameters
        ----------
        file : path
            Made if needed.
        tables : sequence of str
            Each gets a first column `as_of`.
        day : str
            ISO date.
        manifest : str
            Goes into the table `crmkit_runs`.
        """

        def put() -> None:
            run = self._connection.execute
            run(f"attach {literal(str(file))} as crmkit_target")
            try:
                run("begin")
                run("create table if not exists crmkit_target.crmkit_runs (as_of date primary key, manifest varchar)")
                for name in tables:
                    target, dated = f"crmkit_target.{_name(name)}", f"$1::date as as_of, * from {_name(name)}"
                    run(f"create table if not exists {target} as select {dated} limit 0", [day])
                    _widen(self._connection, name)
                    run(f"delete from {target} where as_of = $1::date", [day])
                    run(f"insert into {target} by name select {dated}", [day])
                run("insert or replace into crmkit_target.crmkit_runs values ($1::date, $2)", [day, manifest])
                run("commit")
            except BaseException:
                with suppress(duckdb.Error):  # a commit that fails has ended the transaction itself
                    run("rollback")
                with suppress(duckdb.Error):
                    run("detach crmkit_target")
                raise
            run("detach crmkit_target")

        try:
            put()
        except (duckdb.Error, OSError) as error:
            # What fails after the log is written, such as merging it into the file, does not undo it: ask the file.
            if not _is_there(file, day, manifest):
                raise UnreachableError(f"{file} can't be written: {_said(error)}.") from None

    def take_day(self, name: str, file: Path, table: str, day: str) -> None:
        """Read the rows of one day back from a table of `replace_day`."""
        self._connection.execute(f"attach {literal(str(file))} as crmkit_source (read_only)")
        try:
            source = f"crmkit_source.{_name(table)}"
            self._connection.execute(
                f"create table {_name(name)} as select * exclude (as_of) from {source} where as_of = $1::date", [day]
            )
        finally:
            self._connection.execute("detach crmkit_source")


def _widen(connection: Any, table: str) -> None:
    """Add the columns that a table of `replace_day` does not have yet."""
    there = connection.query(f"select * from crmkit_target.{_name(table)} limit 0").columns
    for name, kind in _columns(connection.table(table)):
        if name not in there:
            connection.execute(f"alter table crmkit_target.{_name(table)} add column {_name(name)} {kind}")


def _read(job: Callable[[], _T], name: str) -> _T:
    try:
        return job()
    except (duckdb.IOException, OSError) as error:
        raise UnreachableError(f"{name}: the source can't be read: {_said(error)}.") from None
    except duckdb.Error as error:
        raise SchemaError(f"{name}: the source is not as it should be: {_said(error)}.") from None


def _said(error: Exception) -> str:
    return str(error).split("\n\n")[0].strip().rstrip(".")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(relation: Any) -> list[tuple[str, str]]:
    return [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]


def _harmless(name: str, kind: str) -> str:
    own = _name(name)
    if kind != "VARCHAR" and not kind.startswith("ENUM"):
        return own
    text = f"cast({own} as varchar)"
    return f"case when regexp_matches({text}, {literal(_FORMULA)}) then '''' || {text} else {text} end as {own}"


def days_of(file: Path) -> dict[str, str]:
    """Read the runs of a DuckDB file that `replace_day` made: manifest by ISO date."""
    try:
        with duckdb.connect(str(file), read_only=True) as other:
            found = other.execute("select as_of::varchar, manifest from crmkit_runs order by 1").fetchall()
    except duckdb.CatalogException:
        return {}
    except (duckdb.Error, OSError) as error:
        raise UnreachableError(f"{file} can't be read: {_said(error)}.") from None
    return dict(found)


def _is_there(file: Path, day: str, manifest: str) -> bool:
    try:
        return days_of(file).get(day) == manifest
    except UnreachableError:
        return False


def forget_days(file: Path, tables: Sequence[str], days: Sequence[str]) -> None:
    """Remove days from tables that `replace_day` made, and from the list of runs, in one transaction.

    Parameters
    ----------
    file : path
    tables : sequence of str
        Those that are not there are passed over.
    days : sequence of str
        ISO dates.
    """
    try:
        with duckdb.connect(str(file)) as other:
            other.execute("begin")
            there = other.execute("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
            for name in [*(name for (name,) in there if name in tables), "crmkit_runs"]:
                other.execute(f"delete from {_name(name)} where list_contains($1::date[], as_of)", [list(days)])
            other.execute("commit")
    except (duckdb.Error, OSError) as error:
        raise UnreachableError(f"{file} can't be written: {_said(error)}.") from None


def engine_versions(*more: str) -> dict[str, str]:
    """Versions of the packages that numbers depend on, and of some `more`."""
    names = ("duckdb", "narwhals", "numpy", "pandas", "scipy", *more)
    return {name: importlib.metadata.version(name) for name in names}

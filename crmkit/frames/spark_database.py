"""The tables of a run on Spark: rows stay on the executors, tables come from and go to files and catalogs."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np

from crmkit.errors import SchemaError, UnreachableError
from crmkit.frames import small, spark
from crmkit.frames.csv_headers import header_in
from crmkit.frames.database import Unreadable
from crmkit.frames.expressions import literal
from crmkit.frames.spark_sessions import said, spark_errors

_T = TypeVar("_T")
_ROW: Final = "crmkit_row"
_LINE: Final = "crmkit_line"
_FILE: Final = "crmkit_file"
# A whole row as text: what it is called, as rows of Spark have no number, and what it is known again by.
_CONTENT: Final = "to_json(struct(*), map('ignoreNullFields', 'false'))"
_NO_UTF8: Final = "\N{REPLACEMENT CHARACTER}"
_PATTERN: Final = "*?[{\\"


class SparkDatabase:
    """Tables by name in a Spark session, with the methods of `Database` that a run needs.

    What is kept lies in the cache of the executors, by columns, in memory and on their disks; Spark computes again what
    goes with one of them. Nothing of table size comes to the driver.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tables: dict[str, Any] = {}
        self._cached: dict[str, Any] = {}
        self._rows: dict[str, int] = {}

    def clear(self) -> None:
        """Keep what was kept by name; what was computed on the way, Spark lets go of when no plan holds it."""

    def close(self) -> None:
        """Let go of all tables; the session stays."""
        for name in list(self._tables):
            self.drop(name)

    def drop(self, name: str) -> None:
        """Let go of a table."""
        del self._tables[name]
        self._rows.pop(name, None)
        cached = self._cached.pop(name, None)
        if cached is not None:
            cached.unpersist()

    def table(self, name: str) -> Any:
        """Give a table as a Spark frame."""
        return self._tables[name]

    def numbered(self, name: str, products: Mapping[str, Sequence[str]] | None = None) -> Any:
        """Give a table with what each row holds in a first column `crmkit_row`: rows have no order, hence no number.

        `products` and errors are those of `Database.numbered`.
        """
        table, made = self.table(name), []
        for product, factors in (products or {}).items():
            lacking = [factor for factor in factors if factor not in table.columns]
            if lacking:
                known = ", ".join(map(repr, table.columns))
                raise SchemaError(f"{product}: there is no column {lacking[0]!r} to multiply; there are {known}.")
            if product in table.columns:
                raise SchemaError(f"{product}: the column is there already; nothing is to be multiplied.")
            value = " * ".join(map(_number, factors))
            made.append(f"round({value}, 6) as {spark.quoted(product)}")
        return table.selectExpr(f"{_CONTENT} as {_ROW}", "*", *made)

    def rows(self, name: str) -> int:
        """Count the rows of a table."""
        if name not in self._rows:
            self._rows[name] = self.table(name).count()
        return self._rows[name]

    def keep(self, name: str, relation: Any, *, order: Sequence[str] = ()) -> Any:
        """Compute a frame into a table, sorted by the columns of `order`, missing values last; gives the table."""
        from pyspark.sql import functions as F  # noqa: N812 (PySpark's own convention)

        keys = [F.col(spark.quoted(column)).asc_nulls_last() for column in order]
        self._cached[name] = self._tables[name] = (relation.orderBy(*keys) if keys else relation).persist()
        self.rows(name)  # now, so that an error is that of the room
        return self.table(name)

    def hold(self, name: str, frame: Any) -> None:
        """Take a frame of the session as a table, as it stands."""
        self._tables[name] = frame

    def keep_rejects(
        self, name: str, *, raw: str, bad: str, lines: Sequence[Unreadable], is_ordered: bool = False, file: str = ""
    ) -> None:
        """Make a table of the rows that stand in `bad`, and of lines that are no rows, as `Database.keep_rejects` does.

        Rows have no number and no file here, and are sorted by what they hold, which `bad` has from `numbered`.
        """
        nowhere = ("cast(null as bigint) as line", "cast(null as bigint) as row")
        reasons = "trim(trailing '; ' from reasons) as reasons"
        found = self.table(bad).selectExpr("cast(null as string) as file", *nowhere, reasons, f"{_ROW} as content")
        if lines:
            cells = [(line.file, line.reason, line.text) for line in lines]
            texts = np.array(cells, dtype=object).reshape(-1, 3)
            listed = small.build({"file": texts[:, 0], "reasons": texts[:, 1], "content": texts[:, 2]}, like=found)
            found = found.union(listed.selectExpr("file", *nowhere, "reasons", "content"))
        self.keep(name, found, order=("content", "reasons"))

    def first(self, name: str, columns: Sequence[str], *, where: str, order: str, limit: int) -> list[tuple[Any, ...]]:
        """Look at a few rows of a table; the conditions are SQL of the caller's own, never of data."""
        chosen = ", ".join(map(spark.quoted, columns))
        query = f"select {chosen} from {{rows}} where {where} order by {order} limit {limit:d}"
        found = self._session.sql(query, rows=self.table(name)).toArrow().to_pydict()
        return list(zip(*(found[column] for column in columns), strict=True))

    def fingerprint(self, name: str) -> str:
        """Know a table again by its columns and rows, in whatever order the rows stand; counts them on the way.

        Two sums of hashes of rows: equal tables are equal, and tables that differ by accident differ.
        """
        sums = [f"cast(sum(cast(xxhash64({what}) as decimal(38, 0))) as string)" for what in ("row", "row, 1")]
        hashed = self.table(name).selectExpr(f"{_CONTENT} as row")
        plan = hashed.selectExpr("count(*) as n", f"{sums[0]} as a", f"{sums[1]} as b")
        found = _read(lambda: plan.toArrow().to_pylist(), name)[0]
        self._rows[name] = int(found["n"])
        return hashlib.sha256(repr((self.table(name).dtypes, found)).encode()).hexdigest()

    def read_parquet(self, name: str, files: Sequence[Path | str]) -> None:
        """Take Parquet files, or folders of them, as a table: a `Path` is what it says, a text may be a pattern."""
        self.hold(name, _read(lambda: self._session.read.parquet(*map(_place, files)), name))

    def read_catalog(self, name: str, table: str) -> None:
        """Take a table or view of Spark's catalog, as in "catalog.schema.table", as a table."""
        self.hold(name, _read(lambda: self._session.read.table(table), name))

    def read_csv(self, name: str, files: Sequence[Path | str], *, most: int) -> list[Unreadable]:
        """Read CSV files of one header into a table of texts, as `Database.read_csv` does; lists lines that are none.

        A file is read by one task, as cells may hold ends of lines. The list has up to `most` lines, without numbers.

        Raises
        ------
        SchemaError
            There are more of them, or the header is none.
        """
        places = list(map(_place, files))
        first = _read(lambda: self._session.read.text(places).limit(1).toArrow().to_pydict()["value"], name)
        names, mark = header_in(first[0] if first else "", name)
        parsed = _read(lambda: self._parsed(places, names, mark), name)
        # A byte that is no UTF-8 has become a sign that stands for it.
        cells = f"concat_ws({literal(mark)}, {', '.join(map(spark.quoted, names))})"
        line = f"coalesce({_LINE}, case when contains({cells}, '{_NO_UTF8}') then {cells} end) as {_LINE}"
        whole = parsed.selectExpr(*map(spark.quoted, names), line, f"_metadata.file_name as {_FILE}").persist()
        self._cached[name] = whole
        self.hold(name, whole.where(f"{_LINE} is null").drop(_LINE, _FILE))
        bad = whole.where(f"{_LINE} is not null").select(_FILE, _LINE)
        found = _read(lambda: bad.orderBy(_FILE, _LINE).limit(most + 1).toArrow().to_pylist(), name)
        listed = [Unreadable(row[_FILE], None, _reason(row[_LINE], names, mark), row[_LINE]) for row in found]
        if len(listed) > most:
            raise SchemaError(
                f"{name}: {bad.count()} lines are no rows (first: {listed[0].place}: {listed[0].reason}); "
                f"expected {most} at most.\nRepair the file where it is made."
            )
        return listed

    def _parsed(self, places: Sequence[str], names: Sequence[str], mark: str) -> Any:
        kinds = ", ".join(f"{spark.quoted(column)} string" for column in (*names, _LINE))
        return self._session.read.csv(
            places,
            schema=kinds,
            header=True,
            enforceSchema=False,  # each file's header is looked at
            sep=mark,
            quote='"',
            escape='"',
            multiLine=True,
            mode="PERMISSIVE",
            columnNameOfCorruptRecord=_LINE,
        )

    def write(self, name: str, file: Path, form: Literal["parquet", "csv"]) -> None:
        """Write a table as a folder of Parquet files, in the order of its rows; driver and executors see `file`."""
        if form != "parquet":
            raise UnreachableError(f"{file} can't be written: Spark writes Parquet here, got {form}.")
        try:
            self.table(name).write.parquet(f"file://{file}", mode="error", compression="zstd")
        except spark_errors() as error:
            raise UnreachableError(f"{file} can't be written: {said(error)}") from None


def _number(column: str) -> str:
    """Read a cell as a number, as DuckDB does: in Java "3d" and "3f" are numbers, too."""
    own = spark.quoted(column)
    return f"case when not rlike(cast({own} as string), '[dDfF] *$') then try_cast({own} as double) end"


def _place(file: Path | str) -> str:
    """Write a place as Spark reads it: in a path of the machine no sign means a pattern."""
    if isinstance(file, str):
        return file
    return "file://" + "".join(f"\\{sign}" if sign in _PATTERN else sign for sign in str(file))


def _reason(line: str, names: Sequence[str], mark: str) -> str:
    if _NO_UTF8 in line:
        return "it is not UTF-8"
    try:
        cells = len(next(csv.reader(line.splitlines(keepends=True), delimiter=mark)))
    except (csv.Error, StopIteration):
        return "its cells can't be told apart"
    return f"it has {cells} cells; expected {len(names)}"


def _read(job: Callable[[], _T], name: str) -> _T:
    try:
        return job()
    except spark_errors() as error:
        text = said(error)
        if "header does not conform" in text:
            raise SchemaError(f"{name}: files of one table must have one header: {text}") from None
        raise UnreachableError(f"{name}: the source can't be read: {text}") from None

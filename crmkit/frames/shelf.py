"""Tables that were published, opened to be read: nothing is copied, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from crmkit.errors import UnreachableError
from crmkit.frames.expressions import literal
from crmkit.frames.private import private_connection

# A text that began like a formula was given an apostrophe when it was written as CSV (`Database.write`).
_MARKED = r"^''*[=+\-@\t\r\n＝＋－＠]"
# Columns of results that are texts even if every one of them looks like a number.
_TEXTS = (
    "channel",
    "model",
    "segment",
    "segment_name",
    "rule",
    "band",
    "grade",
    "stage",
    "reason",
    "reasons",
    "content",
)


class Shelf:
    """Relations over published files, all of one private connection."""

    def __init__(self) -> None:
        self._connection = private_connection()
        for setting in ("autoinstall_known_extensions = false", "TimeZone = 'UTC'"):
            self._connection.execute(f"set {setting}")

    def close(self) -> None:
        """Let go of all files."""
        self._connection.close()

    def parquet(self, files: Sequence[Path]) -> Any:
        """Open the Parquet files of a table as a relation."""
        listed = ", ".join(literal(str(file)) for file in files)
        return self._opened(f"select * from read_parquet([{listed}])", files[0])

    def csv(self, file: Path) -> Any:
        """Open a CSV file of results as a relation: ids and names are texts, the rest is what it looks like."""
        form = "header = true, delim = ',', quote = '\"', escape = '\"'"
        plain = self._opened(f"select * from read_csv({literal(str(file))}, all_varchar = true, {form})", file)
        kept = [name for name in plain.columns if name in _TEXTS or name.endswith("_id")]
        types = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in kept) + "}"
        guess = f"sample_size = -1, {form}" + (f", types = {types}" if kept else "")
        read = self._opened(f"select * from read_csv({literal(str(file))}, {guess})", file)
        marked = "case when regexp_matches({0}, '" + _MARKED + "') then substr({0}, 2) else {0} end as {0}"
        kinds = zip(read.columns, map(str, read.types), strict=True)
        return read.project(
            ", ".join(marked.format(_quoted(name)) if kind == "VARCHAR" else _quoted(name) for name, kind in kinds)
        )

    def attach(self, file: Path) -> None:
        """Open a DuckDB file for reading."""
        self._opened_by(lambda: self._connection.execute(f"attach {literal(str(file))} as shelf (read_only)"), file)

    def day_of(self, table: str, day: str) -> Any:
        """Give the rows of one day of a table of the attached file as a relation."""
        return self._connection.query(
            f"select * exclude (as_of) from shelf.{_quoted(table)} where as_of = {literal(day)}::date"
        )

    def _opened(self, query: str, file: Path) -> Any:
        return self._opened_by(lambda: self._connection.query(query), file)

    def _opened_by(self, job: Callable[[], Any], file: Path) -> Any:
        try:
            return job()
        except (duckdb.Error, OSError) as error:
            said = str(error).split("\n\n")[0].strip().rstrip(".")
            raise UnreachableError(f"{file} can't be read: {said}.") from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

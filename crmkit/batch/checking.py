"""Tables that keep the rules: bad rows stop the run, or stand aside with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from crmkit import frames
from crmkit.batch.config import TABLES, Config
from crmkit.batch.postgresql.source import Snapshots
from crmkit.batch.sources import Input, load
from crmkit.errors import SchemaError, UnreachableError
from crmkit.schema import Column, Table
from crmkit.schema.findings import Finding
from crmkit.schema.parting import parted

NO_ROW: Final = "no row"  # rule that a line of a CSV file breaks which is none


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a table: rows in are rows kept and rows set aside.

    `findings` are errors and warnings as data: `weight`, `column`, `rule`, `rows`, `of`, `first`.
    """

    name: str
    files: tuple[dict[str, str | int], ...]
    rows_in: int
    rows_kept: int
    rows_aside: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    findings: tuple[dict[str, str | int], ...] = ()


def read_table(database: frames.AnyDatabase, config: Config, name: str, snapshots: Snapshots) -> Checked:
    """Read a table, check it, and keep its good rows in the database under its name, the others under `rejects_<name>`.

    Raises
    ------
    SchemaError
        A column is wrong, rows are bad and bad rows stop the run, or there are more of them than `reject_limit`.
    UnreachableError
        The source can't be read.
    """
    raw, source = f"raw_{name}", config.sources[name]
    found = load(database, config, name, snapshots, into=raw)
    table = _with_numbers(TABLES[name], source.numbers)
    parts = parted(database.numbered(raw, source.multiply), table, rename=source.rename, time_zone=config.time_zone)
    if parts.errors and config.bad_rows == "stop":
        raise SchemaError("\n".join(parts.errors))
    database.keep(name, parts.kept)
    database.keep(f"bad_{name}", parts.rejected)
    bad = database.rows(f"bad_{name}") + len(found.unreadable)
    rows = database.rows(raw) + len(found.unreadable)
    if bad > config.reject_limit:
        limit = f"{name}: {bad} of {rows} rows are bad; expected {config.reject_limit} at most (reject_limit)."
        raise SchemaError("\n".join([limit, *parts.errors, *_said(found)]))
    if database.rows(name) + database.rows(f"bad_{name}") != database.rows(raw):
        raise UnreachableError(f"sources.{name} changed while it was read.\nRun again when it is whole.")
    is_file = found.is_ordered and len(found.files) == 1
    database.keep_rejects(
        f"rejects_{name}",
        raw=raw,
        bad=f"bad_{name}",
        lines=found.unreadable,
        is_ordered=found.is_ordered,
        file=str(found.files[0]["name"]) if is_file else "",
    )
    database.drop(raw)
    errors = (*parts.errors, *_said(found))
    listed = (*map(_plain, parts.findings), *_lines(found, rows))
    return Checked(name, found.files, rows, rows - bad, bad, errors, parts.warnings, listed)


def _plain(finding: Finding) -> dict[str, str | int]:
    first = finding.examples[0] if finding.examples else ""
    told = {"weight": finding.severity, "column": finding.column, "rule": finding.rule, "first": first}
    return told | {"rows": finding.rows, "of": finding.total}


def _lines(found: Input, rows: int) -> list[dict[str, str | int]]:
    if not found.unreadable:
        return []
    first = found.unreadable[0]
    told = {"weight": "error", "column": "", "rule": NO_ROW, "first": f"{first.file}: {first.line or first.place}"}
    return [told | {"rows": len(found.unreadable), "of": rows}]


def _with_numbers(table: Table, numbers: Sequence[str]) -> Table:
    own = tuple(Column(name, "number", "an attribute") for name in numbers)
    return replace(table, columns=(*table.columns, *own)) if own else table


def _said(found: Input) -> list[str]:
    if not found.unreadable:
        return []
    first = found.unreadable[0]
    return [
        f"{first.file}: {len(found.unreadable)} lines are no rows (first: {first.place}: {first.reason})\n"
        f"Repair the file where it is made."
    ]

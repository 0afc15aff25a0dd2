"""The entrance of every table: checked, in canonical names and types, or refused with all findings at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.schema import findings
from crmkit.schema.tables import ORDERS, TABLES, Column, Table

_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"


def admit(
    frame: Any,
    table: Table,
    *,
    columns: Sequence[str] | None = None,
    non_negative: Sequence[str] = (),
    passing: bool = False,
    beside: frames.Frame | None = None,
) -> frames.Frame:
    """Take a caller's table in for a room: known columns only, checked in one pass.

    Parameters
    ----------
    frame : data frame
        With canonical column names.
    table : Table
        What the frame must hold.
    columns : sequence of str, optional
        The known columns that the room uses, required ones first; those that the frame lacks are left out if optional.
    non_negative : sequence of str
        Columns in which negative values are refused.
    passing : bool
        Columns that the table does not know pass through; by default they are left out.
    beside : lazy frame, optional
        A table of the same call that was admitted before.

    Returns
    -------
    lazy frame
        Numbers as float64 or int64, times as naive local time, empty cells (NaN, a text of blanks) as null.

    Raises
    ------
    SchemaError
        With every finding that is an error.
    """
    names = frames.column_names(frame)
    wanted = columns or table.known
    used = [name for name in wanted if name in names]
    findings.refuse(findings.name_findings(names, table, names if passing else used))
    entered = _typed(frames.enter(frame, columns=used, passing=passing, beside=beside), table, used)
    kinds = frames.kinds_of(entered, used)
    findings.refuse(_wrong_kinds(table, kinds))
    entered = _plain(entered, table, kinds)
    kinds = frames.kinds_of(entered, used)
    rules = [rule for name in used for rule in findings.rules_for(table, table[name], kinds[name])]
    rules = [rule for rule in rules if rule.severity == "error"]
    rules += [findings.forbidden(table, name) for name in non_negative]
    findings.refuse(findings.count(entered, table, rules))
    return entered


def conform(
    frame: IntoFrameT, table: Table, *, rename: Mapping[str, str] | None = None, time_zone: str | None = None
) -> IntoFrameT:
    """Bring a table of your own into the form that every room takes: once, at the entrance.

    Parameters
    ----------
    frame : data frame
        Any column order; further columns pass through.
    table : Table
        What it is, such as `schema.ORDERS`.
    rename : mapping of str to str, optional
        Your name -> canonical name.
    time_zone : str, optional
        Zone whose calendar days count, such as "Europe/Paris": aware time stamps are given in its local time. Naive
        ones are taken as local time already. By default aware stamps keep the wall clock of their own zone (of the
        session in DuckDB and Spark).

    Returns
    -------
    data frame like `frame`
        Same rows in the same order, pandas with its index; columns that `table` does not know are left alone. Numbers
        are float64 or int64, read from text or Decimal where needed. Times are naive local time, read from ISO text
        where needed. Ids and texts keep their dtype. Empty cells are null: NaN, and texts of blanks. Conforming again
        changes nothing.

    Raises
    ------
    SchemaError
        With every finding that is an error, all at once.
    DomainError
        `rename` names a column that the frame does not have or gives two columns one name; `time_zone` is none.

    Notes
    -----
    An id column of mixed types (pandas objects) becomes text, in which 7, 7.0 and "7" are one id; so do integers
    beyond 64 bits and UUIDs. Float ids are taken if they are whole and below 2**53, where floats are exact.
    """
    names = frames.column_names(frame)
    findings.refuse(findings.repeated_names(names, table, names))
    given = renamed(frame, rename)
    names = frames.column_names(given)
    used = [name for name in table.known if name in names]
    missing = findings.name_findings(names, table, used)
    if not used:
        findings.refuse(missing)
    found = examined(given, table, used, time_zone=time_zone, passing=frames.is_lazy(given))
    findings.refuse(missing + found.findings)
    texts = [name for name in used if table[name].kind in ("id", "text")]
    return frames.put_back(found.rows.drop(*found.raws), like=given, same=texts)


def violations(frame: IntoFrameT, table: Table, *, as_of: dt.date | None = None) -> IntoFrameT:
    """List what is wrong with a table: a few rows for any number of bad cells.

    Parameters
    ----------
    frame : data frame
        With canonical column names.
    table : Table
        What it should be, such as `schema.ORDERS`.
    as_of : date, optional
        Report times after this day, which rooms ignore.

    Returns
    -------
    data frame like `frame`
        One row per column and rule that is broken: `column`, `rule`, `severity` ("error": rooms refuse the table;
        "warning": rooms take it by a documented rule), `rows` (count), `share` (of all rows, in [0, 1]), `examples`
        (the first three, as text), `advice`. Cells are checked in one pass; order ids of several customers in
        another.
    """
    day = None if as_of is None else frames.as_day(as_of)
    names = frames.column_names(frame)
    known = [name for name in table.known if name in names]
    found = findings.name_findings(names, table, known)
    used = [name for name in known if names.count(name) == 1]
    if used:
        found += examined(frame, table, used, as_of=day).findings
    columns = {
        "column": np.array([finding.column for finding in found], dtype=object),
        "rule": np.array([finding.rule for finding in found], dtype=object),
        "severity": np.array([finding.severity for finding in found], dtype=object),
        "rows": np.array([finding.rows for finding in found], dtype=np.int64),
        "share": np.array([finding.share for finding in found], dtype=np.float64),
        "examples": np.array(["; ".join(finding.examples) for finding in found], dtype=object),
        "advice": np.array([finding.advice for finding in found], dtype=object),
    }
    return frames.build(columns, like=frame)


def renamed(frame: IntoFrameT, rename: Mapping[str, str] | None) -> IntoFrameT:
    """Rename columns, if there is anything to rename; DomainError as for `conform`."""
    if not rename:
        return frame
    names = frames.column_names(frame)
    absent = [name for name in rename if name not in names]
    if absent:
        raise DomainError(
            f"rename names {absent[0]!r}, which the table does not have; it has {', '.join(map(repr, names))}."
        )
    after = [rename.get(name, name) for name in names]
    twice = [name for name in rename.values() if after.count(name) > 1]
    if twice:
        both = " and ".join(repr(name) for name, new in zip(names, after, strict=True) if new == twice[0])
        raise DomainError(
            f"rename gives {both} one name, {twice[0]!r}; rename the others to a name of their own or drop them first."
        )
    return frames.rename(frame, rename)


@dataclass(frozen=True, slots=True)
class Examined:
    """A table with everything read that can be read.

    Attributes
    ----------
    rows : lazy frame
        All rows, with the texts that were read beside what they became.
    raws : list of str
        Names of the columns of these texts.
    rules : list of Rule
        What the cells were held to.
    findings : list of Finding
        What is wrong.
    """

    rows: frames.Frame
    raws: list[str]
    rules: list[findings.Rule]
    findings: list[findings.Finding]


def examined(
    frame: Any,
    table: Table,
    used: Sequence[str],
    *,
    time_zone: str | None = None,
    as_of: dt.date | None = None,
    passing: bool = False,
) -> Examined:
    """Enter a table with everything read that can be read, and find all that is wrong."""
    entered = frames.enter(frame, columns=used, passing=passing, time_zone=time_zone)
    entered, rules = _read_texts(_typed(entered, table, used), table, used)
    kinds = frames.kinds_of(entered, used)
    found = _wrong_kinds(table, kinds)
    wrong = {finding.column for finding in found}
    sound = {name: kind for name, kind in kinds.items() if name not in wrong}
    entered = _plain(entered, table, sound)
    present = frames.names_of(entered)
    for name, kind in frames.kinds_of(entered, sound).items():
        raw = name + _RAW if name + _RAW in present else None
        rules += findings.rules_for(table, table[name], kind, as_of=as_of, raw=raw)
    found += findings.count(entered, table, rules)
    if table is ORDERS and {"order_id", "customer_id"} <= sound.keys():
        found += _shared_orders(entered)
    return Examined(entered, [name for name in present if name.endswith(_RAW)], rules, found)


def _wrong_kinds(table: Table, kinds: Mapping[str, nw.dtypes.DType]) -> list[findings.Finding]:
    wrong = [findings.kind_finding(table, table[name], kind) for name, kind in kinds.items()]
    return [finding for finding in wrong if finding is not None]


_RAW = "__crmkit_text"


def _read_texts(frame: frames.Frame, table: Table, used: Sequence[str]) -> tuple[frames.Frame, list[findings.Rule]]:
    """Read numbers and times from text columns; the text stays beside them until it has been checked."""
    rules = []
    kinds = frames.kinds_of(frame, used)
    for name in used:
        column = table[name]
        if kinds[name] in (nw.String, nw.Categorical, nw.Enum) and column.kind in ("number", "time"):
            raw = name + _RAW
            frame = frame.with_columns(nw.col(name).cast(nw.String()))
            text = nw.col(name).str.strip_chars()
            if column.kind == "time":
                text = text.str.replace_all(" ", "T", literal=True)
            pattern = _NUMBER if column.kind == "number" else _TIME
            readable = nw.when(text.str.contains(pattern)).then(text).otherwise(nw.lit(None).cast(nw.String))
            frame = frame.with_columns(nw.col(name).alias(raw)).with_columns(readable.alias(name))
            frame = frames.parsed(frame, name, "double" if column.kind == "number" else "timestamp")
            rules.append(findings.unreadable(column, raw))
    return frame, rules


def _typed(frame: frames.Frame, table: Table, used: Sequence[str]) -> frames.Frame:
    """Give a column without any value, whose type is an accident, the type that it should have."""
    kinds = frames.kinds_of(frame, used)
    strange = [name for name, kind in kinds.items() if findings.kind_finding(table, table[name], kind)]
    if not strange:
        return frame
    present = {f"column_{i}": ~findings.is_missing(nw.col(name), kinds[name]) for i, name in enumerate(strange)}
    filled = frames.counts(frame, present)[1]
    empty = [name for name, rows in zip(strange, filled.values(), strict=True) if not rows]
    types = {"number": nw.Float64(), "time": nw.Datetime("us"), "id": nw.String(), "text": nw.String()}
    typed = {name: nw.lit(None).cast(types[table[name].kind]) for name in empty}
    return frame.with_columns(**typed) if typed else frame


def _plain(frame: frames.Frame, table: Table, kinds: Mapping[str, nw.dtypes.DType]) -> frames.Frame:
    """Write numbers as int64 or float64, categories as text and empty cells as null.

    Category ids of a log stay, engines group them faster; tables that rooms made are held against one another, so
    theirs become text. Required columns need no nulls: their empty cells are refused.
    """
    changed = {}
    for name, kind in kinds.items():
        column = table[name]
        value = changed[name] = nw.col(name)
        if column.kind == "number" and kind not in (nw.Int64, nw.Float64):
            changed[name] = value.cast(nw.Int64() if kind in _SHORT else nw.Float64())
        elif kind in (nw.Enum, nw.Categorical) and (column.kind == "text" or (kind == nw.Enum and table not in TABLES)):
            changed[name] = value.cast(nw.String())
        if column.nullable and (kind.is_float() or kind in (nw.String, nw.Enum, nw.Categorical)):
            changed[name] = nw.when(~findings.is_missing(value, kind)).then(changed[name])
        elif changed[name] is value:
            del changed[name]
    return frame.with_columns(**changed) if changed else frame


_SHORT = (nw.Int8, nw.Int16, nw.Int32, nw.UInt8, nw.UInt16, nw.UInt32)


def _shared_orders(frame: frames.Frame) -> list[findings.Finding]:
    """Find order ids that stand with more than one customer."""
    customer = nw.col("customer_id")
    per_order = (
        frame.filter(~nw.col("order_id").is_null())
        .group_by("order_id")
        .agg(least=customer.min(), most=customer.max(), rows=nw.len())
    )
    shared = per_order.filter(nw.col("least") != nw.col("most")).sort("order_id")
    counts = frames.arrays(
        shared.select(rows=nw.col("rows").sum().cast(nw.Float64), orders=nw.len()), ["rows", "orders"]
    )
    orders = int(counts["orders"][0])
    if not orders:
        return []
    total = int(frames.arrays(frame.select(total=nw.len()), ["total"])["total"][0])
    rows = int(counts["rows"][0])
    examples = tuple(
        repr(value) for value in frames.arrays(shared.select("order_id").head(3), ["order_id"])["order_id"].tolist()
    )
    says = (
        f"orders.order_id: {rows} of {total} rows share {orders} order ids between customers (first: {examples[0]}); "
        f"expected one customer each."
    )
    advice = "They count as an order of each of these customers."
    return [findings.Finding("order_id", "several customers", "warning", rows, total, examples, says, advice)]


def columns_like(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Guess a `rename` for `conform`: the caller's name -> canonical name, where the two differ."""
    free = [name for name in names if name not in table.known]
    guesses: dict[str, str] = {}
    for column in table.columns:
        found = None if column.name in names else _first_free(column, free, guesses)
        if found is not None:
            guesses[found] = column.name
    return guesses


def _first_free(column: Column, free: Sequence[str], guesses: Mapping[str, str]) -> str | None:
    return findings.likely_name(column, [name for name in free if name not in guesses])

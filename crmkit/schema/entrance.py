"""The entrance of every table: checked, in canonical names and types, or refused with all findings at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.schema import findings
from crmkit.schema.tables import ORDERS, Column, Table

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
        Numbers as float64 or integers, times as naive local time.

    Raises
    ------
    SchemaError
        With every finding that is an error.
    """
    names = frames.column_names(frame)
    wanted = columns or table.known
    used = [name for name in wanted if name in names]
    findings.refuse(findings.name_findings(names, table, names if passing else used))
    entered = _empty_typed(frames.enter(frame, columns=None if passing else used, beside=beside), table)
    kinds = frames.kinds_of(entered, used)
    wrong = [findings.kind_finding(table, table[name], kinds[name]) for name in used]
    findings.refuse([finding for finding in wrong if finding is not None])
    entered = _plain(entered, table, kinds)
    rules = [
        rule
        for name in used
        for rule in findings.rules_for(table, table[name], kinds[name])
        if rule.severity == "error"
    ]
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
        Same rows in the same order (eager engines; pandas with a new index). Text numbers and ISO dates are read,
        Decimal becomes float64, times are naive local time.

    Raises
    ------
    SchemaError
        With every finding that is an error, all at once.
    DomainError
        `rename` names a column that the frame does not have.
    """
    renamed = _renamed(frame, rename)
    entered, found = _examined(renamed, table, time_zone=time_zone, as_of=None, passing=True)
    findings.refuse(found)
    texts = [name for name in frames.names_of(entered) if name not in table.known or table[name].kind in ("id", "text")]
    return frames.leave(entered, like=renamed, same=texts)


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
    _, found = _examined(
        frame, table, time_zone=None, as_of=None if as_of is None else frames.as_day(as_of), passing=False
    )
    columns: dict[str, list[Any]] = {
        "column": [finding.column for finding in found],
        "rule": [finding.rule for finding in found],
        "severity": [str(finding.severity) for finding in found],
        "rows": [finding.rows for finding in found],
        "share": [finding.share for finding in found],
        "examples": ["; ".join(finding.examples) for finding in found],
        "advice": [finding.advice for finding in found],
    }
    return frames.build(columns, like=frame)


def _renamed(frame: IntoFrameT, rename: Mapping[str, str] | None) -> IntoFrameT:
    if not rename:
        return frame
    names = frames.column_names(frame)
    absent = [name for name in rename if name not in names]
    if absent:
        raise DomainError(
            f"rename names {absent[0]!r}, which the table does not have; it has {', '.join(map(repr, names))}."
        )
    return frames.rename(frame, rename)


def _examined(
    frame: Any, table: Table, *, time_zone: str | None, as_of: dt.date | None, passing: bool
) -> tuple[frames.Frame, list[findings.Finding]]:
    """Enter a table with everything read that can be read, and find all that is wrong."""
    names = frames.column_names(frame)
    used = [name for name in table.known if name in names]
    found = findings.name_findings(names, table, names if passing else used)
    if any(finding.rule == "duplicated column" for finding in found):
        findings.refuse(found)
    entered = frames.enter(frame, columns=None if passing else used, time_zone=time_zone)
    entered, rules = _read_texts(_empty_typed(entered, table), table, used)
    kinds = frames.kinds_of(entered, used)
    wrong = {name: findings.kind_finding(table, table[name], kinds[name]) for name in used}
    found += [finding for finding in wrong.values() if finding is not None]
    entered = _plain(entered, table, kinds)
    for name in used:
        if wrong[name] is None:
            raw = name + _RAW if name + _RAW in frames.names_of(entered) else None
            rules += findings.rules_for(table, table[name], kinds[name], as_of=as_of, raw=raw)
    found += findings.count(entered, table, rules)
    if table is ORDERS and "order_id" in used and "customer_id" in used:
        found += _shared_orders(entered)
    return entered.select(*[name for name in frames.names_of(entered) if not name.endswith(_RAW)]), found


_RAW = "__crmkit_text"


def _read_texts(frame: frames.Frame, table: Table, used: Sequence[str]) -> tuple[frames.Frame, list[findings.Rule]]:
    """Read numbers and times from text columns; the text stays beside them until it has been checked."""
    rules = []
    kinds = frames.kinds_of(frame, used)
    for name in used:
        column = table[name]
        if kinds[name] == nw.String and column.kind in ("number", "time"):
            raw = name + _RAW
            text = nw.col(name).str.strip_chars()
            if column.kind == "time":
                text = text.str.replace_all(" ", "T", literal=True)
            pattern = _NUMBER if column.kind == "number" else _TIME
            readable = nw.when(text.str.contains(pattern)).then(text).otherwise(nw.lit(None).cast(nw.String))
            frame = frame.with_columns(nw.col(name).alias(raw)).with_columns(readable.alias(name))
            frame = frames.parsed(frame, name, "double" if column.kind == "number" else "timestamp")
            rules.append(findings.unreadable(column, raw))
    return frame, rules


def _empty_typed(frame: frames.Frame, table: Table) -> frames.Frame:
    """Give a number or time column that is all empty, and so came without a type, the type it should have."""
    untyped = [
        name
        for name, kind in frame.collect_schema().items()
        if name in table.known and table[name].kind in ("number", "time") and kind in (nw.String, nw.Unknown)
    ]
    if not untyped:
        return frame
    filled = frames.arrays(frame.select(**{name: nw.col(name).count() for name in untyped}), untyped)
    types = {"number": nw.Float64(), "time": nw.Datetime("us")}
    empty = [name for name in untyped if int(filled[name][0]) == 0]
    typed = {name: nw.lit(None).cast(types[table[name].kind]) for name in empty}
    return frame.with_columns(**typed) if typed else frame


def _plain(frame: frames.Frame, table: Table, kinds: Mapping[str, nw.dtypes.DType]) -> frames.Frame:
    """Write decimals as float64 and categories as text; ids stay as they are, their dtype is the caller's."""
    texts = [name for name, kind in kinds.items() if kind in (nw.Enum, nw.Categorical) and table[name].kind == "text"]
    decimals = [name for name, kind in kinds.items() if kind == nw.Decimal and table[name].kind == "number"]
    casts = [nw.col(*names).cast(kind) for names, kind in ((texts, nw.String()), (decimals, nw.Float64())) if names]
    return frame.with_columns(*casts) if casts else frame


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

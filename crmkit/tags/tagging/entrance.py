"""Customers and logs on their way in: checked, with the columns that rules ask for, as of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.schema import Table
from crmkit.tags.rules.conditions import Attribute

TABLES: Final[Mapping[str, Table]] = {
    "customers": schema.CUSTOMERS,
    "orders": schema.ORDERS,
    "contacts": schema.CONTACTS,
    "events": schema.EVENTS,
}
TIME_OF: Final = {"orders": "ordered_at", "contacts": "contacted_at", "events": "occurred_at"}
_KINDS: Final[Mapping[str, nw.dtypes.DType]] = {
    "text": nw.String(),
    "number": nw.Float64(),
    "truth": nw.Boolean(),
    "date": nw.Date(),
}
_LACKING: Final = "{0}: the column {1} is asked for, which the table does not have.\nAdd it, or ask for another."


def admitted_people(
    customers: Any, asked: Mapping[str, str], day: dt.date, *, beside: frames.Frame | None = None
) -> frames.Frame:
    """Take the customers that were entered by the end of a day: `customer_id` and the columns asked for, typed.

    `asked` says of each column which kind of value is needed: "text", "number", "truth", "date" or "any".
    """
    dated = "created_at" in frames.column_names(customers)
    needed = list(dict.fromkeys(["customer_id", *asked, *(["created_at"] if dated else [])]))
    rows = _entered(customers, "customers", needed, beside)
    schema.check_once(rows, "customers")
    if dated:
        last = nw.lit(day)
        rows = rows.filter(nw.col("created_at").is_null() | (nw.col("created_at").cast(nw.Date) <= last))
    return typed(rows, "customers", asked).select(*dict.fromkeys(["customer_id", *asked]))


def admitted_log(
    log: Any,
    name: str,
    asked: Mapping[str, str],
    day: dt.date,
    *,
    also: Sequence[str] = (),
    non_negative: Sequence[str] = (),
    beside: frames.Frame | None = None,
) -> frames.Frame:
    """Take a log up to a day: `customer_id`, `crmkit_day` (ordinal), the columns asked for, those of `also` it has."""
    names = frames.column_names(log)
    required = TABLES[name].required
    needed = [*required, *asked, *(column for column in also if column in names)]
    rows = _entered(log, name, list(dict.fromkeys(needed)), beside, non_negative)
    dated = rows.with_columns(crmkit_on=nw.col(TIME_OF[name]).cast(nw.Date))
    numbered = frames.with_day_numbers(dated, crmkit_day="crmkit_on").filter(nw.col("crmkit_day") <= day.toordinal())
    return typed(numbered.drop("crmkit_on"), name, asked)


def kinds_asked(conditions: Iterable[Attribute]) -> dict[str, str]:
    """Say of each column what conditions need it to be; the strictest counts."""
    found: dict[str, str] = {}
    for when in conditions:
        if found.get(when.column, "any") == "any":
            found[when.column] = when.asks
        elif when.asks not in ("any", found[when.column]):
            raise SchemaError(
                f"{when.column}: the rules ask for a {found[when.column]} and for a {when.asks} in one column.\n"
                f"Change one of the rules."
            )
    return found


def typed(rows: frames.Frame, table: str, asked: Mapping[str, str]) -> frames.Frame:
    """Bring each column to what is asked for, or refuse it; NaN, infinity and texts of blanks become missing."""
    kinds = frames.kinds_of(rows, asked)
    changed = {}
    for name, wanted in asked.items():
        kind = kinds[name]
        is_text = kind in (nw.String, nw.Categorical, nw.Enum)
        fits = {
            "text": is_text,
            "number": kind.is_numeric(),
            "truth": kind == nw.Boolean,
            "date": kind in (nw.Date, nw.Datetime),
            "any": True,
        }
        if not fits[wanted] and not _is_empty(rows, name):
            raise SchemaError(
                f"{table}.{name}: the column holds {'text' if is_text else kind}; a {wanted} is asked for.\n"
                f"Convert the column, or change what asks for it."
            )
        if not fits[wanted]:
            changed[name] = nw.lit(None).cast(_KINDS[wanted])
        elif is_text and name != "customer_id":
            text = nw.col(name).cast(nw.String())
            changed[name] = nw.when(text.str.strip_chars() != "").then(text)
        elif kind.is_numeric() and name != "customer_id":
            number = nw.col(name).cast(nw.Float64())
            changed[name] = nw.when(number.is_finite()).then(number)
        elif wanted == "date":
            changed[name] = nw.col(name).cast(nw.Date)
    return rows.with_columns(**changed) if changed else rows


def _entered(
    table: Any, name: str, needed: list[str], beside: frames.Frame | None, non_negative: Sequence[str] = ()
) -> frames.Frame:
    names, known = frames.column_names(table), TABLES[name]
    if any(column not in names for column in known.required):
        schema.admit(table, known, columns=known.required)  # says what is missing
    lacking = [column for column in needed if column not in names]
    if lacking:
        raise SchemaError(_LACKING.format(name, ", ".join(lacking)))
    entered = frames.enter(table, columns=needed, beside=beside)
    used = [column for column in needed if column in known.known]
    return schema.admit(entered, known, columns=used, non_negative=non_negative, passing=True)


def _is_empty(rows: frames.Frame, name: str) -> bool:
    filled = rows.filter(~nw.col(name).is_null()).select(name).head(1)
    return not len(frames.arrays(filled, [name])[name])

"""Who complained when: from contacts, events or metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.schema import Table

WORDS: Final = ("complaint", "complaints", "投诉")
# What says the kind, and when, in each of the tables.
_SOURCES: Final = {"kind": "contacted_at", "event": "occurred_at", "metric": "measured_at"}


def complaint_days(complaints: Any, words: Sequence[str], *, beside: frames.Frame) -> frames.Frame:
    """One row per complaint: `customer_id`, `day` (number).

    Parameters
    ----------
    complaints : data frame
        `schema.CONTACTS` (its `kind` is one of `words`), `schema.EVENTS` (its `event` is), or `schema.METRICS` (its
        `metric` is and `value` lies above 0); told apart by these columns. Upper and lower case are one.

    Raises
    ------
    SchemaError
        The table is none of these.
    """
    names = frames.column_names(complaints)
    found = [name for name in _SOURCES if name in names and _SOURCES[name] in names]
    if not found:
        raise SchemaError(
            "complaints: expected contacts (customer_id, kind, contacted_at), events (customer_id, event, occurred_at) "
            f"or metrics (customer_id, metric, value, measured_at); got {', '.join(map(repr, names))}.\n"
            "Name the columns with schema.conform(complaints, schema.CONTACTS, rename={...})."
        )
    what, when = found[0], _SOURCES[found[0]]
    used = ["customer_id", what, when, *(["value"] if what == "metric" else [])]
    entered = schema.admit(complaints, _table(what), columns=used, beside=beside)
    spoken = nw.col(what).cast(nw.String).str.strip_chars().str.to_lowercase()
    kept = entered.filter(~nw.col(when).is_null()).with_columns(said=spoken)
    kept = kept.filter(nw.col("said").is_in([word.strip().lower() for word in words]))
    if what == "metric":
        kept = kept.filter(nw.col("value") > 0)
    kind = frames.kinds_of(beside, ["customer_id"])["customer_id"]
    dated = frames.with_day_numbers(kept.with_columns(date=nw.col(when).cast(nw.Date)), day="date")
    return dated.select(nw.col("customer_id").cast(kind), "day")


def _table(what: str) -> Table:
    """Give the table that the column belongs to, with that column needed."""
    table = {"kind": schema.CONTACTS, "event": schema.EVENTS, "metric": schema.METRICS}[what]
    return replace(table, columns=tuple(replace(c, required=c.required or c.name == what) for c in table.columns))

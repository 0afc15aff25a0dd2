"""Leads that are still open, with the last contact of the own team."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames, schema

_TIMES: Final = {"answered": "first_response_at", "converted": "converted_at", "closed": "closed_at"}


def open_leads(leads: Any, contacts: Any, as_of: dt.date, *, owned: bool = False) -> frames.Frame:
    """Take leads in that have arrived and are neither converted nor closed.

    Returns `lead_id`, `owner_id` (null where the table has none), `created_at`, `created`, `contacted` (seconds since
    1970; the last contact, not before the arrival; null if there was none). With `owned`, a table without the column
    `owner_id` is refused.
    """
    seen_before, _ = frames.as_moment(as_of)
    more = ("owner_id", *_TIMES.values())
    table = schema.narrowed(schema.LEADS, ("lead_id", "created_at", *more[:owned]), optional=more[owned:])
    rows = schema.admit(leads, table)
    schema.check_once(rows, "leads", "lead_id")
    names = frames.names_of(rows)
    times = {new: old for new, old in _TIMES.items() if old in names}
    timed = frames.with_seconds(rows, created="created_at", **times)
    known = timed.filter(nw.col("created") < seen_before)
    for name in _TIMES:
        seen = nw.when(nw.col(name) < seen_before).then(nw.col(name)) if name in times else nw.lit(None)
        known = known.with_columns(seen.cast(nw.Int64).alias(name))
    still = known.filter(nw.col("converted").is_null() & nw.col("closed").is_null())
    owner = nw.col("owner_id") if "owner_id" in names else nw.lit(None).cast(nw.String)
    chosen = still.select("lead_id", "created_at", "created", "answered", owner_id=owner)
    if contacts is None:
        return _since(chosen.with_columns(last=nw.col("answered")))
    given = schema.admit(contacts, schema.LEAD_CONTACTS, columns=("lead_id", "contacted_at"), beside=chosen)
    made = frames.with_seconds(given, second="contacted_at").filter(nw.col("second") < seen_before)
    chosen, made = frames.same_keys(chosen, made, "lead_id")
    latest = made.group_by("lead_id").agg(contact=nw.col("second").max())
    both = chosen.join(latest, on="lead_id", how="left")
    return _since(both.with_columns(last=nw.max_horizontal("contact", "answered")))


def _since(rows: frames.Frame) -> frames.Frame:
    """Count a contact before the arrival, such as the call by which a lead came in, at the arrival."""
    early = nw.col("last") < nw.col("created")
    last = nw.when(early).then(nw.col("created")).otherwise(nw.col("last"))
    return rows.select("lead_id", "owner_id", "created_at", "created", contacted=last)

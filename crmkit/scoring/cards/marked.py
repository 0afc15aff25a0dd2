"""Rows of a log with a mark per condition: of events as they came, or of a ledger.

Both have `lead`, `day` (ordinal), `first_at`, `last_at` (times) and `m0`, `m1` ...: how many events of the row meet
each condition on events, in the order of `entrance.conditions`.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import conditions
from crmkit.scoring.cards.matches import detail_holds


def event_names(card: Scorecard) -> list[str]:
    """Names that conditions ask for; `kind` is the place of an event's name among them."""
    return list(dict.fromkeys(name for _, when in conditions(card, Event) for name in when.event))


def asked_events(events: frames.Frame, card: Scorecard) -> frames.Frame:
    """Keep the events that meet a condition: `lead_id`, `day`, `at`, `kind`, and what `_details` adds."""
    names, details = event_names(card), _details(card)
    if not names:
        return events.filter(nw.col("day") < 0).select("lead_id", "day", "at", kind=nw.lit(0))  # no day is
    # One look-up by name, and none by text ever after.
    kinds: dict[str, list[Any]] = {"event": names, "kind": list(range(len(names)))}
    coded = frames.join_small(events, kinds, on=["event"]).filter(~nw.col("kind").is_null())
    columns = ["lead_id", "day", "at", "kind"]
    if not details:
        return coded.select(*columns)
    found = {name: frames.one_if(detail_holds(when)) for name, when in details.items()}
    marked = marked_events(coded.with_columns(**found), card)
    return marked.filter(_met(marked_names(card))).select(*columns, *details)


def numbered_events(events: frames.Frame, people: frames.Frame, card: Scorecard, *, like: Any) -> frames.Frame:
    """Bring the events that meet a condition down to numbers, once: their texts are not looked at again.

    `lead` in place of `lead_id` is that of `people`; missing for events of others.
    """
    log, known = schema.same_ids(asked_events(events, card), people.select("lead_id", "lead"), key="lead_id")
    log = log.join(known, on="lead_id", how="left")
    narrow = {name: nw.col(name).cast(nw.Int16) for name in ("kind", *_details(card))}
    return frames.settled(log.with_columns(nw.col("day").cast(nw.Int32), **narrow).drop("lead_id"), like=like)


def marked_events(events: frames.Frame, card: Scorecard) -> frames.Frame:
    """Mark events by their `kind`."""
    asked = [when for _, when in conditions(card, Event)]
    names, details = event_names(card), _details(card)
    timed = events.with_columns(nw.col("day").cast(nw.Int64), first_at=nw.col("at"), last_at=nw.col("at"))
    if not names:
        return timed
    marks = {f"m{i}": [int(name in when.event) for name in names] for i, when in enumerate(asked)}
    marked = frames.join_small(timed, {"kind": list(range(len(names))), **marks}, on=["kind"])
    found = {f"m{name[1:]}": nw.col(f"m{name[1:]}") * nw.col(name) for name in details}
    return marked.with_columns(**found) if found else marked


def marked_ledger(ledger: frames.Frame, card: Scorecard) -> frames.Frame:
    """Mark the rows of a ledger (`ledger.day_ledger`)."""
    codes = [code for code, _ in conditions(card, Event)]
    counts = {
        f"m{i}": nw.when(nw.col("rule") == code).then(nw.col("events")).otherwise(nw.lit(0))
        for i, code in enumerate(codes)
    }
    return ledger.with_columns(**counts) if counts else ledger.filter(nw.col("day") < 0)


def marked_names(card: Scorecard) -> list[str]:
    """Names of the marks."""
    return [f"m{i}" for i in range(len(conditions(card, Event)))]


def _met(marks: list[str]) -> nw.Expr:
    return reduce(add, [nw.col(name) for name in marks]) > 0


def _details(card: Scorecard) -> dict[str, Event]:
    """Conditions that ask for more than the name, `d2` for the third: 1 or 0, whether the rest of them holds."""
    asked = enumerate(when for _, when in conditions(card, Event))
    return {f"d{i}": when for i, when in asked if when.content or when.channel}

"""The ledger: one row per lead, rule and day; all that a score needs to know of the past."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import conditions
from crmkit.scoring.cards.matches import detail_holds

KEY: Final = ("lead_id", "rule", "day")


def day_ledger(events: frames.Frame, card: Scorecard) -> frames.Frame:
    """Count the events of each rule by lead and day: `lead_id`, `rule`, `day`, `events`, `first_at`, `last_at`."""
    asked = conditions(card, Event)
    pairs = [(name, code) for code, when in asked for name in when.event]
    if not pairs:
        nothing = events.filter(nw.col("day") < 0).with_columns(rule=nw.lit(""), events=nw.lit(1))
        return _counted(nothing.with_columns(first_at=nw.col("at"), last_at=nw.col("at")))
    names = {"event": [name for name, _ in pairs], "rule": [code for _, code in pairs]}
    matched = frames.join_small(events, names, on=["event"]).filter(~nw.col("rule").is_null())
    for code, when in asked:
        if when.content or when.channel:
            matched = matched.filter((nw.col("rule") != code) | detail_holds(when))
    return _counted(matched.with_columns(events=nw.lit(1), first_at=nw.col("at"), last_at=nw.col("at")))


def merged(before: frames.Frame, since: frames.Frame) -> frames.Frame:
    """Add two ledgers up."""
    columns = (*KEY, "events", "first_at", "last_at")
    return _counted(nw.concat([before.select(*columns), since.select(*columns)]))


def _counted(rows: frames.Frame) -> frames.Frame:
    counted = rows.group_by(*KEY).agg(nw.col("events").sum(), nw.col("first_at").min(), nw.col("last_at").max())
    return counted.with_columns(nw.col("events").cast(nw.Int64))

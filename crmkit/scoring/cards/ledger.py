"""The ledger: one row per lead, rule and day; all that a score needs to know of the past."""

from __future__ import annotations

from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import conditions
from crmkit.scoring.cards.marked import event_names

KEY: Final = ("lead_id", "rule", "day")


def day_ledger(events: frames.Frame, card: Scorecard, *, by: str) -> frames.Frame:
    """Count the events of each rule by lead and day: `by`, `rule`, `day`, `events`, `first_at`, `last_at`.

    `events` are those of `marked.asked_events` (`by="lead_id"`) or `marked.numbered_events` (`by="lead"`).
    """
    asked, names = conditions(card, Event), event_names(card)
    pairs = [(names.index(name), code) for code, when in asked for name in dict.fromkeys(when.event)]
    counted = events.with_columns(events=nw.lit(1), first_at=nw.col("at"), last_at=nw.col("at"))
    if not pairs:
        return counted_by(counted.with_columns(rule=nw.lit("")), by)
    rules: dict[str, list[Any]] = {"kind": [kind for kind, _ in pairs], "rule": [code for _, code in pairs]}
    matched = frames.join_small(counted.with_columns(nw.col("day").cast(nw.Int64)), rules, on=["kind"])
    for i, (code, when) in enumerate(asked):
        if when.content or when.channel:
            matched = matched.filter((nw.col("rule") != code) | (nw.col(f"d{i}") == 1))
    return counted_by(matched, by)


def merged(before: frames.Frame, since: frames.Frame) -> frames.Frame:
    """Add two ledgers up."""
    columns = (*KEY, "events", "first_at", "last_at")
    return counted_by(nw.concat([before.select(*columns), since.select(*columns)]), KEY[0])


def counted_by(rows: frames.Frame, by: str) -> frames.Frame:
    """Add rows of a ledger up by `by`, `rule` and `day`."""
    counted = rows.group_by(by, *KEY[1:]).agg(nw.col("events").sum(), nw.col("first_at").min(), nw.col("last_at").max())
    return counted.with_columns(nw.col("events").cast(nw.Int64))

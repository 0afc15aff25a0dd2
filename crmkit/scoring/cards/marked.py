"""Rows of a log with a mark per condition: of events as they came, or of a ledger.

Both have `lead_id`, `day` (ordinal), `first_at`, `last_at` (times) and `m0`, `m1` ...: how many events of the row meet
each condition on events, in the order of `entrance.conditions`.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import conditions
from crmkit.scoring.cards.matches import detail_holds


def marked_events(events: frames.Frame, card: Scorecard) -> frames.Frame:
    """Mark events; those that no condition asks for are left out."""
    asked = [when for _, when in conditions(card, Event)]
    names = list(dict.fromkeys(name for when in asked for name in when.event))
    if not names:
        return _met(events.with_columns(first_at=nw.col("at"), last_at=nw.col("at")), 0)
    # One look-up by name marks all conditions: far faster than a comparison of texts for each.
    marks = {f"m{i}": [int(name in when.event) for name in names] for i, when in enumerate(asked)}
    marked = frames.join_small(events, {"event": names, **marks}, on=["event"]).filter(~nw.col("m0").is_null())
    detailed = {f"m{i}": when for i, when in enumerate(asked) if when.content or when.channel}
    if detailed:
        found = {m: nw.when(detail_holds(when)).then(nw.col(m)).otherwise(nw.lit(0)) for m, when in detailed.items()}
        marked = _met(marked.with_columns(**found), len(asked))
    return marked.with_columns(first_at=nw.col("at"), last_at=nw.col("at"))


def marked_ledger(ledger: frames.Frame, card: Scorecard) -> frames.Frame:
    """Mark the rows of a ledger (`ledger.day_ledger`)."""
    codes = [code for code, _ in conditions(card, Event)]
    counts = {
        f"m{i}": nw.when(nw.col("rule") == code).then(nw.col("events")).otherwise(nw.lit(0))
        for i, code in enumerate(codes)
    }
    return _met(ledger.with_columns(**counts) if counts else ledger, len(codes))


def _met(rows: frames.Frame, marks: int) -> frames.Frame:
    if not marks:
        return rows.filter(nw.col("day") < 0)  # no day is
    return rows.filter(reduce(add, [nw.col(f"m{i}") for i in range(marks)]) > 0)

"""How a score came about: each change with its cause, and the hand-offs with the touches that did it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.changes import limit_changes, point_changes
from crmkit.scoring.cards.entrance import admitted_events, numbered_leads
from crmkit.scoring.cards.explained import behind, breakdown
from crmkit.scoring.cards.handing import THRESHOLD, crossings, hand_off_moments, with_moments
from crmkit.scoring.cards.ledger import day_ledger
from crmkit.scoring.cards.marked import marked_events, marked_ledger, numbered_events
from crmkit.scoring.cards.near import near_threshold
from crmkit.scoring.cards.points import as_points
from crmkit.scoring.cards.running import day_scores
from crmkit.scoring.cards.scores import checked_card
from crmkit.scoring.cards.standing import lead_standing, override_numbers, standing_totals

KEY: Final = ("lead_id", "changed_at", "rule", "cause")


def score_history(leads: IntoFrameT, events: Any, *, card: Scorecard, as_of: dt.date) -> IntoFrameT:
    """Tell when and why each score changed.

    Parameters
    ----------
    leads, events, card, as_of
        As for `score_leads`.

    Returns
    -------
    data frame like `leads`
        One row per lead, day, rule and cause, sorted by `lead_id`, `changed_at`, `rule`, `cause`:

        - `changed_at` (time of the last event behind it; of the lead's creation for attributes and for what was there
          when the lead was created; the start of the day for what happens by itself),
        - `rule` (code; "group:cap" and "group:floor" for what a cap or a floor moves; the code of an override),
        - `cause` ("attribute", "event", "decay", "window_end", "cap", "floor", "disqualify"),
        - `change` (points), `score` (at the end of that day: that of `score_leads` for that day).

        The changes of a lead sum to its score. A lead whose score never was anything but 0 has no row.

    Raises
    ------
    DomainError, SchemaError
        As `score_leads`.

    Notes
    -----
    Attributes count from the creation on as they are today; the score of a disqualified lead is 0 from that day on, so
    nothing changes it afterwards.
    """
    day, checked = frames.as_day(as_of), checked_card(card)
    people = numbered_leads(leads, checked, day)
    log = numbered_events(admitted_events(events, checked, day, beside=people), people, checked, like=leads)
    totals = standing_totals(marked_events(log, checked), checked, day, like=leads)
    standing = frames.settled(lead_standing(people, totals, checked, day), like=leads)
    ledger = day_ledger(log, checked, by="lead")
    changes = frames.settled(point_changes(ledger, standing, checked, day), like=leads)
    running = frames.settled(day_scores(changes, checked), like=leads)
    table = _changes_with_scores(changes, running, standing, checked)
    return frames.leave(table, like=leads, sort=list(KEY), same=["lead_id"])


def _changes_with_scores(
    changes: frames.Frame, running: frames.Frame, people: frames.Frame, card: Scorecard
) -> frames.Frame:
    whole = nw.concat([changes, *limit_changes(running, card)])
    summed = whole.group_by("lead", "day", "rule", "cause").agg(nw.col("change").sum(), nw.col("at").max())
    scored = summed.join(running.select("lead", "day", "score"), on=["lead", "day"], how="left")
    parts = [scored.filter(nw.col("change") != 0)]
    out = people.select("lead", "out_day", "out_at")
    if override_numbers(card, "disqualify"):
        open_rows = parts[0].join(out, on="lead", how="left")
        until = nw.col("out_day").is_null() | (nw.col("day") <= nw.col("out_day")).fill_null(False)
        is_zero = (nw.col("day") == nw.col("out_day")).fill_null(False)
        kept = open_rows.filter(until).with_columns(score=nw.when(is_zero).then(nw.lit(0)).otherwise(nw.col("score")))
        parts = [kept.drop("out_day", "out_at"), _disqualified(kept, out, card)]
    columns = ["lead", "day", "rule", "cause", "change", "score", "at"]
    table = with_moments(
        nw.concat([part.with_columns(nw.col("change", "score").cast(nw.Int64)).select(*columns) for part in parts]),
        "changed_at",
    )
    points = {name: as_points(nw.col(name)) for name in ("change", "score")}
    named = table.join(people.select("lead", "lead_id"), on="lead", how="inner")
    return named.with_columns(**points).select("lead_id", "changed_at", "rule", "cause", "change", "score")


def _disqualified(kept: frames.Frame, out: frames.Frame, card: Scorecard) -> frames.Frame:
    """Take all points away on the day of a disqualification."""
    lost = kept.group_by("lead").agg(nw.col("change").sum())
    rows = lost.join(out, on="lead", how="inner").filter(~nw.col("out_day").is_null() & (nw.col("change") != 0))
    return rows.select(
        "lead",
        day=nw.col("out_day"),
        rule=nw.lit(override_numbers(card, "disqualify")[0][0]),
        cause=nw.lit("disqualify"),
        change=-nw.col("change"),
        score=nw.lit(0),
        at=nw.col("out_at"),
    )


def hand_offs(leads: IntoFrameT, events: Any, *, card: Scorecard, as_of: dt.date) -> IntoFrameT:
    """List who became due for sales, when, and the touches that did it.

    Parameters
    ----------
    leads, events, card, as_of
        As for `score_leads`.

    Returns
    -------
    data frame like `leads`
        One row per lead that was handed off by `as_of` and rule that held then, sorted by `lead_id` and `rule`:

        - `handed_off_at` (time), `score` (at the end of that day), `cause` ("threshold", or the code of the override
          that was first),
        - `rule`, `group`, `points`, `events`, `first_at`, `last_at`: as `explain` would have said at the end of that
          day. The points of a lead sum to `score`.

    Raises
    ------
    DomainError, SchemaError
        As `score_leads`.
    """
    day, checked = frames.as_day(as_of), checked_card(card)
    people = numbered_leads(leads, checked, day)
    log = numbered_events(admitted_events(events, checked, day, beside=people), people, checked, like=leads)
    totals = standing_totals(marked_events(log, checked), checked, day, like=leads)
    standing = frames.settled(lead_standing(people, totals, checked, day), like=leads)
    ledger = frames.settled(day_ledger(log, checked, by="lead"), like=leads)
    near = near_threshold(ledger, marked_ledger, standing, checked, day, like=leads)
    moments = hand_off_moments(standing, crossings(near, checked, like=leads))
    facts = [name for name in frames.names_of(people) if name != "lead"]
    handed = moments.filter(~nw.col("handed_off_at").is_null()).with_columns(cause=_cause(checked))
    chosen = frames.settled(handed.select("lead", *facts, "handed_off_at", "handed_day", "cause"), like=leads)
    table = _touches(ledger, chosen, facts, checked, like=leads)
    columns = ["lead_id", "handed_off_at", "score", "cause", "rule", "group", "points", "events", "first_at", "last_at"]
    return frames.leave(table.select(*columns), like=leads, sort=["lead_id", "rule"], same=["lead_id"])


def _touches(
    ledger: frames.Frame, handed: frames.Frame, facts: list[str], card: Scorecard, *, like: Any
) -> frames.Frame:
    """Explain each hand-off as of its own day."""
    at = nw.col("handed_day")
    rows = ledger.join(handed.select("lead", "handed_day"), on="lead", how="inner").filter(nw.col("day") <= at)
    totals = behind(marked_ledger(rows, card), card, at, like=like, by=("lead", "handed_day")).drop("handed_day")
    whole = handed.join(totals, on="lead", how="left")
    lines = breakdown(whole, card, at, keep=("handed_off_at", "cause"))
    score = nw.col("points").sum().over("lead_id").cast(nw.Int64)
    known = lines.with_columns(score=score)
    return known.with_columns(points=as_points(nw.col("points")), score=as_points(nw.col("score")))


def _cause(card: Scorecard) -> nw.Expr:
    """Name the override that handed off, or the threshold."""
    cause = nw.lit(THRESHOLD)
    by_override = nw.col("by_override") == 1
    for code, mark in reversed(override_numbers(card, "hand_off")):
        seen = nw.col("created_at") if mark.startswith("a") else nw.col(f"over_{mark[1:]}")
        holds = nw.col(mark) == 1 if mark.startswith("a") else ~seen.is_null()
        is_first = by_override & holds & (seen <= nw.col("handed_off_at"))
        cause = nw.when(is_first.fill_null(False)).then(nw.lit(code)).otherwise(cause)
    return cause

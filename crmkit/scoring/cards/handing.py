"""The moment of the hand-off: the first day that ends at or above the threshold, or an override before it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.changes import day_scores, point_changes
from crmkit.scoring.cards.totals import limits, most_units, numbered

THRESHOLD = "threshold"


def crossings(running: frames.Frame, people: frames.Frame, card: Scorecard) -> frames.Frame:
    """First day on which each lead stood at the threshold, not disqualified: `lead_id`, `day`, `crossed_at`.

    `crossed_at` is the time of the last event of that day; its start, where points came back by themselves.
    """
    above = running.filter(nw.col("score") >= card.threshold_units)
    held = above.join(people.select("lead_id", "out_day"), on="lead_id", how="inner")
    first = held.filter(_not_out(nw.col("day"))).group_by("lead_id").agg(nw.col("day").min())
    timed = first.join(running.select("lead_id", "day", "at"), on=["lead_id", "day"], how="left")
    return with_moments(timed, "crossed_at").select("lead_id", "day", "crossed_at")


def with_moments(rows: frames.Frame, name: str) -> frames.Frame:
    """Add the time of a row: `at`, or where it is missing the start of `day`."""
    dated = frames.with_dates(rows, begins="day")
    return dated.with_columns(nw.coalesce(nw.col("at"), nw.col("begins").cast(nw.Datetime("us"))).alias(name))


def hand_off_moments(people: frames.Frame, crossed: frames.Frame) -> frames.Frame:
    """Hold crossings against overrides: adds `handed_off_at`, `handed_day` and `by_override` (1 or 0) to `people`."""
    joined = people.join(crossed.with_columns(crossed_day=nw.col("day")).drop("day"), on="lead_id", how="left")
    off = nw.when(_not_out(nw.col("off_day")))
    known = joined.with_columns(off_at=off.then(nw.col("off_at")), off_day=off.then(nw.col("off_day")))
    is_first = nw.col("crossed_at").is_null() | (nw.col("off_at") <= nw.col("crossed_at"))
    by_override = frames.one_if(~nw.col("off_at").is_null() & is_first)
    marked = known.with_columns(by_override=by_override)
    chosen = nw.when(nw.col("by_override") == 1)
    return marked.with_columns(
        handed_off_at=chosen.then(nw.col("off_at")).otherwise(nw.col("crossed_at")),
        handed_day=chosen.then(nw.col("off_day")).otherwise(nw.col("crossed_day")),
    )


def near_rows(rows: frames.Frame, standing: frames.Frame, card: Scorecard, *, like: Any) -> frames.Frame:
    """Keep the marked rows that a crossing can depend on: a small part of the log, as few leads are ever handed off.

    They are those of leads whose points can have reached the threshold at all. Where all points fade, time is cut into
    blocks of the longest life of an event: a score can depend on its own block and the one before alone, and only
    blocks in which all points of both together reach the threshold are looked at, with the ones before them.
    """
    near = frames.settled(standing.filter(nw.col("most") >= card.threshold_units).select("lead_id", "fit"), like=like)
    mine = rows.join(near.select("lead_id"), on="lead_id", how="semi")
    lives = [group.life_days(rule) for group, rule in card.event_rules]
    if not lives or None in lives or any(rule.counting == "first" for _, rule in card.event_rules):
        return mine
    life = max(life for life in lives if life is not None)
    named = mine.with_columns(block=(nw.col("day") // life).cast(nw.Int64), worth=most_units(numbered(card)))
    marks = [name for name in frames.names_of(named) if name.startswith("m") and name[1:].isdigit()]
    blocked = frames.settled(named.drop(*marks), like=like)
    per_block = blocked.group_by("lead_id", "block").agg(nw.col("worth").sum())
    later = per_block.with_columns(block=nw.col("block") + 1)
    pairs = nw.concat([per_block, later]).group_by("lead_id", "block").agg(nw.col("worth").sum())
    floors = sum(max(0, limits(group)[0] or 0) for group in card.groups if group.kind == "engagement")
    known = pairs.join(near, on="lead_id", how="inner")
    hot = known.filter(nw.col("worth") + nw.col("fit") + floors >= card.threshold_units).select("lead_id", "block")
    both = nw.concat([hot, hot.with_columns(block=nw.col("block") - 1)])
    return blocked.join(both, on=["lead_id", "block"], how="semi")


def crossed_of(
    ledger: frames.Frame, standing: frames.Frame, card: Scorecard, day: dt.date, *, like: Any
) -> frames.Frame:
    """Find the crossings in a ledger that holds at least what `near_rows` keeps."""
    near = frames.settled(standing.filter(nw.col("most") >= card.threshold_units), like=like)
    running = day_scores(point_changes(ledger, near, card, day), card)
    return crossings(frames.settled(running, like=like), near, card)


def _not_out(day: nw.Expr) -> nw.Expr:
    """Whether a day lies before the lead was disqualified."""
    return nw.col("out_day").is_null() | (day < nw.col("out_day")).fill_null(False)

"""The moment of the hand-off: the first day that ends at or above the threshold, or an override before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

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


class Near(NamedTuple):
    """What crossings can depend on: a small part of leads and log, as few leads are ever handed off.

    Attributes
    ----------
    people : lazy frame
        Leads whose points can have reached the threshold, as `lead_standing` gives them.
    rows : lazy frame
        Rows of the log, or of the ledger, that can have brought them there.
    """

    people: frames.Frame
    rows: frames.Frame


def near_threshold(
    rows: frames.Frame,
    marked: Callable[[frames.Frame, Scorecard], frames.Frame],
    standing: frames.Frame,
    card: Scorecard,
    *,
    like: Any,
) -> Near:
    """Find who came near the threshold, and when; `marked` marks `rows`.

    Where all points fade, time is cut into blocks of the longest life of an event: a score can depend on its own block
    and the one before alone, and only blocks in which all points of both together reach the threshold are looked at,
    with the ones before them. In a block without events nobody can stand higher than in the one before.
    """
    near = frames.settled(standing.filter(nw.col("most") >= card.threshold_units), like=like)
    lives = [group.life_days(rule) for group, rule in card.event_rules]
    if not lives or None in lives or any(rule.counting == "first" for _, rule in card.event_rules):
        return Near(near, rows.join(near.select("lead_id"), on="lead_id", how="semi"))
    life = max(life for life in lives if life is not None)
    placed = rows.with_columns(block=(nw.col("day") // life).cast(nw.Int64))
    floors = sum(max(0, limits(group)[0] or 0) for group in card.groups if group.kind == "engagement")
    lacking = near.select("lead_id", lack=card.threshold_units - floors - nw.col("fit"))
    worth = marked(placed, card).with_columns(worth=most_units(numbered(card))).filter(nw.col("worth") > 0)
    mine = worth.join(near.select("lead_id"), on="lead_id", how="semi")
    blocks = frames.settled(mine.group_by("lead_id", "block").agg(nw.col("worth").sum()), like=like)
    before = blocks.select("lead_id", block=nw.col("block") + 1, before=nw.col("worth"))
    pairs = blocks.join(before, on=["lead_id", "block"], how="left").join(lacking, on="lead_id", how="inner")
    enough = nw.col("worth") + nw.col("before").fill_null(0) >= nw.col("lack")
    hot = frames.settled(pairs.filter(enough).select("lead_id", "block"), like=like)
    both = nw.concat([hot, hot.with_columns(block=nw.col("block") - 1)])
    # Who is there without any event has no block.
    there = nw.concat([hot.select("lead_id"), lacking.filter(nw.col("lack") <= 0).select("lead_id")])
    people = frames.settled(near.join(there, on="lead_id", how="semi"), like=like)
    return Near(people, placed.join(both, on=["lead_id", "block"], how="semi").drop("block"))


def crossed_of(ledger: frames.Frame, near: frames.Frame, card: Scorecard, day: dt.date, *, like: Any) -> frames.Frame:
    """Find the crossings of the people of `Near` in a ledger of at least its rows."""
    running = day_scores(point_changes(ledger, near, card, day), card)
    return crossings(frames.settled(running, like=like), near, card)


def _not_out(day: nw.Expr) -> nw.Expr:
    """Whether a day lies before the lead was disqualified."""
    return nw.col("out_day").is_null() | (day < nw.col("out_day")).fill_null(False)

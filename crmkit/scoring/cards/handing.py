"""The moment of the hand-off: the first day that ends at or above the threshold, or an override before it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.changes import from_birth
from crmkit.scoring.cards.near import Near
from crmkit.scoring.cards.running import near_scores
from crmkit.scoring.cards.totals import Sums, numbered

THRESHOLD = "threshold"


def crossings(near: Near, card: Scorecard, *, like: Any) -> frames.Frame:
    """Find the first day on which each lead stood at the threshold, not disqualified: `lead`, `day`, `crossed_at`.

    `crossed_at` is the time of the last event of that day; its start, where points came back by themselves.
    """
    held = near_scores(near, card).join(near.people.select("lead", "fit", "out_day"), on="lead", how="inner")
    above = held.filter(nw.col("score") >= card.threshold_units - nw.col("fit"))
    first = above.filter(_not_out(nw.col("day"))).group_by("lead").agg(nw.col("day").min())
    first = frames.settled(first, like=like)
    born = near.people.select("lead", "created", "created_at")
    timed = first.join(born, on="lead", how="inner").join(_last_times(near.rows, first, card), on="lead", how="left")
    known = timed.with_columns(at=from_birth(nw.col("at")))
    return with_moments(known, "crossed_at").select("lead", "day", "crossed_at")


def _last_times(rows: frames.Frame, days: frames.Frame, card: Scorecard) -> frames.Frame:
    """Find the time `at` of the last event that a rule counts on the day of each lead: `lead`, `at`."""
    rules, sums = numbered(card), Sums()
    then = nw.col("day") == nw.col("then")
    others = [one.met for one in rules if one.rule.counting != "first"]
    if others:
        sums.put("last", nw.when(then & reduce(or_, others)).then(nw.col("last_at")), "max")
    firsts = [one for one in rules if one.rule.counting == "first"]
    for one in firsts:
        sums.put(f"day_{one.number}", nw.when(one.met).then(nw.col("day")), "min")
        sums.put(f"time_{one.number}", nw.when(one.met).then(nw.col("first_at")), "min")
    dated = rows.join(days.select("lead", then=nw.col("day")), on="lead", how="inner")
    mine = sums.of(dated if firsts else dated.filter(then), "lead", "then")
    at = nw.col("last") if others else nw.lit(None).cast(nw.Datetime("us"))
    for one in firsts:
        time = nw.col(f"time_{one.number}")
        is_last = (nw.col(f"day_{one.number}") == nw.col("then")) & (at.is_null() | (time > at))
        at = nw.when(is_last.fill_null(False)).then(time).otherwise(at)
    return mine.select("lead", at=at)


def with_moments(rows: frames.Frame, name: str) -> frames.Frame:
    """Add the time of a row: `at`, or where it is missing the start of `day`."""
    dated = frames.with_dates(rows, begins="day")
    return dated.with_columns(nw.coalesce(nw.col("at"), nw.col("begins").cast(nw.Datetime("us"))).alias(name))


def hand_off_moments(people: frames.Frame, crossed: frames.Frame) -> frames.Frame:
    """Hold crossings against overrides: adds `handed_off_at`, `handed_day` and `by_override` (1 or 0) to `people`."""
    joined = people.join(crossed.with_columns(crossed_day=nw.col("day")).drop("day"), on="lead", how="left")
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


def _not_out(day: nw.Expr) -> nw.Expr:
    """Whether a day lies before the lead was disqualified."""
    return nw.col("out_day").is_null() | (day < nw.col("out_day")).fill_null(False)

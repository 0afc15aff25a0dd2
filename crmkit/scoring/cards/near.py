"""Who came near the threshold, and when: all that hand-offs can depend on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add, or_
from typing import Any, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.fading import percent_left
from crmkit.scoring.cards.points import PERCENT
from crmkit.scoring.cards.totals import Numbered, Sums, limits, numbered

# Percent that events of a block can have left in it, in the next block and in the one after.
_Shares: TypeAlias = tuple[int, int, int]


class Near(NamedTuple):
    """What crossings can depend on: a small part of leads and log, as few leads are ever handed off.

    Attributes
    ----------
    people : lazy frame
        Leads whose points can have reached the threshold, and when: `lead`, `fit`, `created`, `created_at`, `out_day`;
        `begins`, `until` (ordinals: only on days from the one, never before the creation, to before the other) and
        `reads` (earlier events don't matter any more).
    rows : lazy frame
        Rows with marks that can have brought them there, met by a rule, from `reads` to before `until`; with `begins`
        and `until` of their lead.
    """

    people: frames.Frame
    rows: frames.Frame


def near_threshold(
    rows: frames.Frame,
    marked: Callable[[frames.Frame, Scorecard], frames.Frame],
    standing: frames.Frame,
    card: Scorecard,
    day: dt.date,
    *,
    like: Any,
) -> Near:
    """Find who came near the threshold, and when; `marked` marks `rows`."""
    columns = ["lead", "fit", "created", "created_at", "out_day"]
    near = standing.filter(nw.col("most") >= card.threshold_units).select(*columns)
    rules, after = numbered(card), nw.lit(day.toordinal() + 1)
    if any(one.life is None or one.rule.counting == "first" for one in rules) or not rules:
        people = near.with_columns(reads=nw.lit(0), begins=nw.col("created"), until=after)
    else:
        near = frames.settled(near, like=like)
        mine = rows.join(near.select("lead"), on="lead", how="semi")
        people = _within_spans(near, marked(mine, card), card, after)
    people = frames.settled(people, like=like)
    mine = rows.join(people.select("lead", "reads", "begins", "until"), on="lead", how="inner")
    read = mine.filter((nw.col("day") >= nw.col("reads")) & (nw.col("day") < nw.col("until")))
    kept = marked(read, card).filter(_any(one.met for one in rules))
    times = ["last_at", *(["first_at"] if any(one.rule.counting == "first" for one in rules) else [])]
    chosen = kept.select("lead", "day", "begins", "until", *times, *(f"m{one.number}" for one in rules))
    return Near(people, frames.settled(chosen, like=like))


def _within_spans(near: frames.Frame, rows: frames.Frame, card: Scorecard, after: nw.Expr) -> frames.Frame:
    """Keep leads that can have reached the threshold, with their days: `reads`, `begins`, `until`.

    Where all points fade, time is cut into blocks of half the longest life of an event. In a block a lead can have no
    more than what the points of this block and of the two before have left there at most, so that only blocks in which
    that reaches the threshold are looked at, from the first to the last.
    """
    floors = sum(max(0, limits(group)[0] or 0) for group in card.groups if group.kind == "engagement")
    lacking = near.with_columns(lack=card.threshold_units - floors - nw.col("fit"))
    rules = numbered(card)
    life = max(one.life or 0 for one in rules)
    size = -(-life // 2)
    blocks = _block_bounds(rows.with_columns(block=(nw.col("day") // size).cast(nw.Int64)), rules, size)
    held = blocks.join(lacking.select("lead", "lack", "created"), on="lead", how="inner")
    hot = held.filter((nw.col("bound") >= nw.col("lack")) & (nw.col("end") * size > nw.col("created")))
    spans = hot.group_by("lead").agg(nw.col("block").min(), nw.col("end").max())
    known = lacking.join(spans, on="lead", how="left").filter(~nw.col("block").is_null() | (nw.col("lack") <= 0))
    # Who is there without any event can be there on every day.
    always, start = nw.col("lack") <= 0, nw.col("block") * size
    is_early = always | (start < nw.col("created"))
    until = nw.when(~always & (nw.col("end") * size < after)).then(nw.col("end") * size).otherwise(after)
    return known.with_columns(
        reads=nw.when(always).then(nw.lit(0)).otherwise(start - life + 1),
        begins=nw.when(is_early).then(nw.col("created")).otherwise(start),
        until=until,
    ).drop("lack", "block", "end")


def _block_bounds(rows: frames.Frame, rules: Sequence[Numbered], size: int) -> frames.Frame:
    """Bound the points of each lead in each block with events: `lead`, `block`, `bound`, `end`.

    Until `end`, the block of its next events, it can only have less; after three blocks nothing of the block is left.
    """
    shares: dict[_Shares, list[Numbered]] = {}
    for one in rules:
        left = [percent_left(age, one.group, one.rule) for age in (0, 1, size + 1)]
        shares.setdefault((left[0], left[1], left[2]), []).append(one)
    sums = Sums()
    for i, ones in enumerate(shares.values()):
        sums.put(f"w_{i}", reduce(add, [one.rule.most // PERCENT * one.mark for one in ones]), "sum")
    whole = sums.of(rows, "lead", "block")
    window = {"order_by": "block"}
    names = ["block", *sums.columns]
    before = {f"{name}_{n}": nw.col(name).shift(n).over("lead", **window) for name in names for n in (1, 2)}
    placed = whole.with_columns(**before, next=nw.col("block").shift(-1).over("lead", **window))
    bounds = [nw.col(f"w_{i}") * left[0] for i, left in enumerate(shares)]
    for n, lag in ((1, 1), (1, 2), (2, 2)):
        is_there = nw.col("block") - nw.col(f"block_{n}") == lag
        brought = reduce(add, [nw.col(f"w_{i}_{n}") * left[lag] for i, left in enumerate(shares)])
        bounds.append(nw.when(is_there).then(brought).otherwise(nw.lit(0)))
    last = nw.col("block") + 3
    end = nw.when(nw.col("next") < last).then(nw.col("next")).otherwise(last)
    return placed.select("lead", "block", bound=reduce(add, bounds), end=end)


def _any(conditions: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(or_, conditions, nw.col("day") < 0)  # no day is

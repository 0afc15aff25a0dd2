"""Scores from day to day: changes of points, added up by group within floors and caps; in ten-thousandths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Final, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.changes import fading_steps, not_before, rule_changes
from crmkit.scoring.cards.fading import kept_within
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.ledger import counted_by
from crmkit.scoring.cards.near import Near
from crmkit.scoring.cards.points import PERCENT
from crmkit.scoring.cards.totals import Numbered, Sums, cells, day_hundredths, limits, numbered

# Groups by the column that adds them up: each with a floor or a cap has its own, the others share one.
_Columns: TypeAlias = Mapping[str, Sequence[Group]]
# Of changes on their way, with the days that count of their lead.
_KEY: Final = ("lead", "day", "begins", "until")


def day_scores(changes: frames.Frame, card: Scorecard) -> frames.Frame:
    """Cumulate changes (`changes.point_changes`): each lead at the end of each day on which anything changed.

    Columns: `lead`, `day`, `at` (last event or creation of that day; missing where there is none), `score` (not 0 yet
    for who is disqualified) and `moved_i`: what the floor or cap of the i-th group of `limited` adds.
    """
    columns = _columns(card.groups)

    def is_of(groups: Sequence[Group]) -> nw.Expr:
        return nw.col("group").is_in([group.code for group in groups])

    return _cumulated(changes.select("lead", "day", "at", **_parted(columns, is_of)), columns, times=["at"])


def near_scores(near: Near, card: Scorecard) -> frames.Frame:
    """Follow what the people of `Near` do, as `day_scores` follows all points, on the days that are theirs.

    Rules that count every event and fade alike are added up before anything is made of them.
    """
    columns = _columns([group for group in card.groups if group.kind == "engagement"])
    rules = numbered(card)
    parts = []
    if every := list(cells(rules, by_rule=False).values()):
        parts.append(_every_changes(near.rows, every, columns))
    if others := [one for one in rules if one.rule.counting != "every"]:
        spans = near.people.select("lead", "begins", "until")
        changes = [
            made.join(spans, on="lead", how="inner") for made in rule_changes(_ledger_of(near.rows, others), others)
        ]
        parts += [_of_rules(made, others, columns) for made in changes]
    begun = {"begins": nw.col("begins"), "until": nw.col("until"), **dict.fromkeys(columns, nw.lit(0).cast(nw.Int64))}
    whole = nw.concat([near.people.select("lead", day=nw.col("begins"), **begun), *parts])
    seen = whole.filter(nw.col("day") < nw.col("until")).with_columns(day=not_before(nw.col("begins")))
    return _cumulated(seen, columns)


def _every_changes(rows: frames.Frame, every: Sequence[Sequence[Numbered]], columns: _Columns) -> frames.Frame:
    """Let the points of rules that count every event come and go; each of `every` is a sum of rules alike."""
    counts = Sums()
    for one in (one for ones in every for one in ones if one.rule.daily_cap):
        counts.put(f"m{one.number}", one.mark, "sum")
    days = counts.of(rows, *_KEY) if counts.columns else rows
    parts, steps = [], []
    for cell, ones in enumerate(every):
        first = ones[0]
        points = reduce(add, [day_hundredths(one.rule, one.mark) for one in ones]).cast(nw.Int64)
        made = (days if first.rule.daily_cap else rows).select(*_KEY, cell=nw.lit(cell), points=points)
        parts.append(made.filter(nw.col("points") != 0))
        steps += [(cell, 0, PERCENT), *((cell, *step[:2]) for step in fading_steps(first.group, first.rule))]
    table = {name: [step[i] for step in steps] for i, name in enumerate(("cell", "offset", "percent"))}
    dated = frames.join_small(nw.concat(parts), table, on=["cell"]).with_columns(
        day=nw.col("day") + nw.col("offset"), change=nw.col("points") * nw.col("percent")
    )

    def is_of(groups: Sequence[Group]) -> nw.Expr:
        return nw.col("cell").is_in([cell for cell, ones in enumerate(every) if ones[0].group in groups])

    return dated.select(*_KEY, **_parted(columns, is_of))


def _of_rules(changes: frames.Frame, rules: Sequence[Numbered], columns: _Columns) -> frames.Frame:
    def is_of(groups: Sequence[Group]) -> nw.Expr:
        return nw.col("rule").is_in([one.rule.code for one in rules if one.group in groups])

    return changes.select(*_KEY, **_parted(columns, is_of))


def _ledger_of(rows: frames.Frame, rules: Sequence[Numbered]) -> frames.Frame:
    """Make the ledger of some rules from the rows of `Near`, which know the first time if a rule asks for it."""
    first = nw.col("first_at" if any(one.rule.counting == "first" for one in rules) else "last_at")
    columns = ["lead", "day", "rule", "events", "first_at", "last_at"]
    parts = [
        rows.filter(one.met).with_columns(rule=nw.lit(one.rule.code), events=one.mark, first_at=first).select(*columns)
        for one in rules
    ]
    return counted_by(nw.concat(parts), "lead")


def _columns(groups: Sequence[Group]) -> _Columns:
    free = [group for group in groups if limits(group) == (None, None)]
    bound = [group for group in groups if group not in free]
    return ({"rest": free} if free or not bound else {}) | {f"c_{i}": [group] for i, group in enumerate(bound)}


def _parted(columns: _Columns, is_of: Callable[[Sequence[Group]], nw.Expr]) -> dict[str, nw.Expr]:
    """Part the column `change` by groups."""
    change = nw.col("change").cast(nw.Int64)
    if len(columns) == 1:
        return dict.fromkeys(columns, change)
    return {name: nw.when(is_of(groups)).then(change).otherwise(nw.lit(0)) for name, groups in columns.items()}


def _cumulated(changes: frames.Frame, columns: _Columns, times: Sequence[str] = ()) -> frames.Frame:
    names = list(columns)
    daily = changes.group_by("lead", "day").agg(nw.col(*names).sum(), *(nw.col(name).max() for name in times))
    # One window: a sort serves all groups.
    sums = daily.with_columns(nw.col(*names).cast(nw.Int64)).with_columns(
        *[nw.col(name).cum_sum().over("lead", order_by="day").cast(nw.Int64) for name in names]
    )
    kept = {f"k{name[1:]}": kept_within(nw.col(name), *limits(columns[name][0])) for name in names if name != "rest"}
    known = sums.with_columns(**kept) if kept else sums
    moved = {f"moved{name[1:]}": (nw.col(name) - nw.col(f"c{name[1:]}")).cast(nw.Int64) for name in kept}
    score = reduce(add, [nw.col(name) for name in [*names[: "rest" in columns], *kept]])
    return known.with_columns(score=score.cast(nw.Int64), **moved).select("lead", "day", *times, "score", *moved)

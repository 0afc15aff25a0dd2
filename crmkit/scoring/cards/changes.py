"""How scores change from day to day: events, fading, attributes, caps and floors; in ten-thousandths."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.fading import kept_within
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.points import PERCENT, units
from crmkit.scoring.cards.rules import Rule
from crmkit.scoring.cards.standing import fit_units
from crmkit.scoring.cards.totals import Numbered, day_hundredths, ladder_hundredths, limits, numbered

COLUMNS = ("lead_id", "day", "group", "rule", "cause", "change", "at")


def point_changes(ledger: frames.Frame, people: frames.Frame, card: Scorecard, day: dt.date) -> frames.Frame:
    """Dated changes of points before floors and caps, in the columns `COLUMNS`.

    `at` is the time of the last event behind a change; that of the lead's creation for attributes; missing for what
    happens by itself at the start of a day. What lies before the lead's creation is dated there: the lead begins with
    what is left.
    """
    parts = [_attribute_changes(people, card)]
    rules = numbered(card)
    for members, changes in ((("every", "first"), _sum_changes), (("once", "ladder"), _single_changes)):
        mine = [one for one in rules if one.rule.counting in members]
        if mine:
            rows = ledger.filter(nw.col("rule").is_in([one.rule.code for one in mine]))
            parts.append(changes(rows, mine).filter(nw.col("day") <= day.toordinal()))
    groups = [(rule.code, group.code) for group, rule in card.rules]
    born = people.select("lead_id", "created", "created_at")
    named = nw.concat(parts).with_columns(group=_chosen("rule", groups, ""))
    dated = named.join(born, on="lead_id", how="inner")
    early, none = nw.col("day") < nw.col("created"), nw.lit(None).cast(nw.Datetime("us"))
    at = nw.when(nw.col("at") < nw.col("created_at")).then(nw.col("created_at")).otherwise(nw.col("at"))
    begins = nw.when(nw.col("day") <= nw.col("created")).then(nw.col("created_at")).otherwise(none)
    clipped = dated.with_columns(
        day=nw.when(early).then(nw.col("created")).otherwise(nw.col("day")), at=nw.coalesce(at, begins)
    )
    return clipped.select(*COLUMNS)


def day_scores(
    changes: frames.Frame, people: frames.Frame, card: Scorecard, *, like: Any
) -> tuple[frames.Frame, frames.Frame | None]:
    """Cumulate changes: score of each lead at the end of each day on which anything changed.

    Returns
    -------
    tuple of two frames
        `lead_id`, `day`, `change`, `score`, `before`, `at` (last event or creation of that day; missing where there is
        none); and the changes by floors and caps, in the columns of `changes`; None if no group has any.
    """
    limited = [group for group in card.groups if limits(group) != (None, None)]
    whole, bounds = changes.select("lead_id", "day", "change", "at"), None
    if limited:
        bounds = frames.settled(_limit_changes(changes, people, limited), like=like)
        whole = nw.concat([whole, bounds.select("lead_id", "day", "change", "at")])
    daily = whole.group_by("lead_id", "day").agg(nw.col("change").sum(), nw.col("at").max())
    daily = daily.with_columns(nw.col("change").cast(nw.Int64))
    score = nw.col("change").cum_sum().over("lead_id", order_by="day").cast(nw.Int64)
    running = daily.with_columns(score=score)
    return running, bounds


def _attribute_changes(people: frames.Frame, card: Scorecard) -> frames.Frame:
    """Attributes are known from the lead's creation on; every lead has a row there, if of nothing."""
    born = {"day": nw.col("created"), "at": nw.col("created_at")}
    parts = [("", nw.lit(0))] + [(rule.code, points) for _, rule, points in fit_units(card)]
    made = [
        people.select("lead_id", **born, rule=nw.lit(code), cause=nw.lit("attribute"), change=points.cast(nw.Int64))
        for code, points in parts
    ]
    return nw.concat([made[0], *(part.filter(nw.col("change") != 0) for part in made[1:])]).select(*_PLAIN)


_PLAIN = ("lead_id", "day", "rule", "cause", "change", "at")


def _fading(group: Group, rule: Rule) -> list[tuple[int, int, str]]:
    """When and how much of the points goes: days after the event, percent, cause."""
    if group.decay is not None:
        left = [max(0, 100 - step * group.decay.percent) for step in range(group.decay.steps + 1)]
        return [
            (step * group.decay.interval_days, left[step] - left[step - 1], "decay") for step in range(1, len(left))
        ]
    life = group.life_days(rule)
    return [] if life is None else [(life, -PERCENT, "window_end")]


def _sum_changes(rows: frames.Frame, rules: Sequence[Numbered]) -> frames.Frame:
    """Rules in which each day stands for itself: its points, and their going."""
    firsts = [one.rule.code for one in rules if one.rule.counting == "first"]
    if firsts:
        first_day = nw.col("day").min().over("lead_id", "rule")
        marked = rows.with_columns(first_day=first_day)
        is_first = (nw.col("day") == nw.col("first_day")) | ~nw.col("rule").is_in(firsts)
        rows = marked.filter(is_first)
    steps = [(one.rule.code, *step) for one in rules for step in [(0, PERCENT, "event"), *_fading(one.group, one.rule)]]
    worth = [(one.rule.code, _day_worth(one.rule)) for one in rules]
    based = rows.with_columns(points=_chosen("rule", worth, 0), moment=_moment(firsts))
    dated = _at_steps(based, steps)
    is_event = nw.col("cause") == "event"
    return dated.with_columns(
        day=nw.col("day") + nw.col("offset"),
        change=(nw.col("points") * nw.col("percent")).cast(nw.Int64),
        at=nw.when(is_event).then(nw.col("moment")),
    ).select(*_PLAIN)


def _day_worth(rule: Rule) -> nw.Expr:
    count = nw.lit(1) if rule.counting == "first" else nw.col("events")
    return day_hundredths(rule, count).cast(nw.Int64)


def _moment(firsts: Sequence[str]) -> nw.Expr:
    if not firsts:
        return nw.col("last_at")
    return nw.when(nw.col("rule").is_in(firsts)).then(nw.col("first_at")).otherwise(nw.col("last_at"))


def _single_changes(rows: frames.Frame, rules: Sequence[Numbered]) -> frames.Frame:
    """Rules whose points depend on the number of live events and the newest of them: the value day by day."""
    steps = []
    for one in rules:
        life, fading = one.group.life_days(one.rule), _fading(one.group, one.rule)
        moves = {days: [0, cause] for days, _, cause in fading}
        if life is not None:
            moves[life][0] = -1
        steps += [(one.rule.code, 0, 1, "event")]
        steps += [(one.rule.code, days, int(sign), str(cause)) for days, (sign, cause) in moves.items()]
    dated = _at_steps(rows, steps)
    is_event = nw.col("cause") == "event"
    moved = dated.with_columns(
        newest=nw.when(is_event).then(nw.col("day")).otherwise(nw.lit(0)),
        at=nw.when(is_event).then(nw.col("last_at")),
        count=nw.col("events") * nw.col("percent"),
        day=nw.col("day") + nw.col("offset"),
    )
    daily = moved.group_by("lead_id", "rule", "day").agg(
        nw.col("count").sum(), nw.col("newest").max(), nw.col("at").max()
    )
    window = {"order_by": "day"}
    known = daily.with_columns(nw.col("count").cast(nw.Int64)).with_columns(
        live=nw.col("count").cum_sum().over("lead_id", "rule", **window).cast(nw.Int64),
        last=nw.col("newest").cum_max().over("lead_id", "rule", **window),
    )
    worth = [(one.rule.code, _single_worth(one)) for one in rules]
    valued = known.with_columns(value=_chosen("rule", worth, 0))
    before = nw.col("value").shift(1).over("lead_id", "rule", **window).fill_null(0)
    fades = [(one.rule.code, "decay" if one.group.decay else "window_end") for one in rules]
    cause = nw.when(nw.col("newest") > 0).then(nw.lit("event")).otherwise(_chosen("rule", fades, ""))
    changed = valued.with_columns(change=(nw.col("value") - before).cast(nw.Int64), cause=cause)
    return changed.select(*_PLAIN)


def _single_worth(one: Numbered) -> nw.Expr:
    live = nw.col("live")
    worth = (
        ladder_hundredths(one.rule, live) if one.rule.counting == "ladder" else nw.lit(units(one.rule.points) // 100)
    )
    return (worth * one.share(nw.col("last"), nw.col("day"))).cast(nw.Int64)


def _at_steps(rows: frames.Frame, steps: Sequence[tuple[str, int, int, str]]) -> frames.Frame:
    """Repeat each row for the moments at which its points come and go."""
    table = {
        "rule": [code for code, *_ in steps],
        "offset": [days for _, days, _, _ in steps],
        "percent": [percent for _, _, percent, _ in steps],
        "cause": [cause for *_, cause in steps],
    }
    return frames.join_small(rows, table, on=["rule"])


def _limit_changes(changes: frames.Frame, people: frames.Frame, limited: Sequence[Group]) -> frames.Frame:
    """Find what floors and caps add to the points or take from them, day by day."""
    codes = [group.code for group in limited]
    mine = changes.filter(nw.col("group").is_in(codes)).select("lead_id", "day", "group", "change", "at")
    # A floor above 0, or a cap below, works from the lead's creation on, whatever the lead does.
    starts = [group.code for group in limited if _kept(0, group) != 0]
    born = people.select(
        "lead_id", day=nw.col("created"), group=nw.lit(""), change=nw.lit(0).cast(nw.Int64), at=nw.col("created_at")
    )
    whole = nw.concat([mine, *(born.with_columns(group=nw.lit(code)) for code in starts)])
    daily = whole.group_by("lead_id", "group", "day").agg(nw.col("change").sum(), nw.col("at").max())
    raw = nw.col("change").cum_sum().over("lead_id", "group", order_by="day").cast(nw.Int64)
    known = daily.with_columns(raw=raw)
    kept = _chosen("group", [(group.code, kept_within(nw.col("raw"), *limits(group))) for group in limited], 0)
    moved = known.with_columns(moved=(kept - nw.col("raw")).cast(nw.Int64))
    before = nw.col("moved").shift(1).over("lead_id", "group", order_by="day").fill_null(0)
    changed = moved.with_columns(change=(nw.col("moved") - before).cast(nw.Int64), before=before)
    end = nw.when((nw.col("moved") < 0) | ((nw.col("moved") == 0) & (nw.col("before") < 0)))
    cause = end.then(nw.lit("cap")).otherwise(nw.lit("floor"))
    bounds = changed.filter(nw.col("change") != 0).with_columns(cause=cause)
    return bounds.with_columns(rule=nw.concat_str(nw.col("group"), nw.lit(":"), nw.col("cause"))).select(*COLUMNS)


def _kept(total: int, group: Group) -> int:
    low, high = limits(group)
    return max(min(total, total if high is None else high), total if low is None else low)


def _chosen(column: str, choices: Sequence[tuple[str, Any]], otherwise: Any) -> nw.Expr:
    """Pick by the text of a column."""
    picked = nw.lit(otherwise)
    for text, value in choices:
        value = value if isinstance(value, nw.Expr) else nw.lit(value)
        picked = nw.when(nw.col(column) == text).then(value).otherwise(picked)
    return picked

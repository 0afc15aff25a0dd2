"""How scores change from day to day: events, fading, attributes, caps and floors; in ten-thousandths."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.points import PERCENT, units
from crmkit.scoring.cards.rules import Rule
from crmkit.scoring.cards.standing import fit_units
from crmkit.scoring.cards.totals import Numbered, day_hundredths, ladder_hundredths, limited, numbered

COLUMNS = ("lead", "day", "group", "rule", "cause", "change", "at")


def point_changes(ledger: frames.Frame, people: frames.Frame, card: Scorecard, day: dt.date) -> frames.Frame:
    """Dated changes of points before floors and caps, in the columns `COLUMNS`.

    `at` is the time of the last event behind a change; that of the lead's creation for attributes; missing for what
    happens by itself at the start of a day. What lies before the lead's creation is dated there.
    """
    parts = [_attribute_changes(people, card)]
    parts += [part.filter(nw.col("day") <= day.toordinal()) for part in rule_changes(ledger, numbered(card))]
    groups = [(rule.code, group.code) for group, rule in card.rules]
    born = people.select("lead", "created", "created_at")
    named = nw.concat(parts).with_columns(group=_chosen("rule", groups, ""))
    dated = named.join(born, on="lead", how="inner").with_columns(at=from_birth(nw.col("at")))
    return dated.with_columns(day=not_before(nw.col("created"))).select(*COLUMNS)


def rule_changes(ledger: frames.Frame, rules: Sequence[Numbered]) -> list[frames.Frame]:
    """Make changes of the points of rules over events, in the columns of `COLUMNS` but `group`."""
    parts = []
    for members, changes in ((("every", "first"), _sum_changes), (("once", "ladder"), _single_changes)):
        mine = [one for one in rules if one.rule.counting in members]
        if mine:
            parts.append(changes(ledger.filter(nw.col("rule").is_in([one.rule.code for one in mine])), mine))
    return parts


def not_before(first: nw.Expr) -> nw.Expr:
    """Date what lies before a first day there: the lead begins with what is left."""
    return nw.when(nw.col("day") < first).then(first).otherwise(nw.col("day"))


def from_birth(at: nw.Expr) -> nw.Expr:
    """Time of what happens by the day of a lead's creation: not before it, and known where it has none of its own."""
    later = nw.when(at < nw.col("created_at")).then(nw.col("created_at")).otherwise(at)
    return nw.coalesce(later, nw.when(nw.col("day") <= nw.col("created")).then(nw.col("created_at")))


def limit_changes(running: frames.Frame, card: Scorecard) -> list[frames.Frame]:
    """Make changes of what floors and caps add, in the columns `COLUMNS`."""
    parts = []
    for i, group in enumerate(limited(card)):
        now = nw.col(f"moved_{i}")
        before = now.shift(1).over("lead", order_by="day").fill_null(0)
        changed = running.with_columns(change=(now - before).cast(nw.Int64), before=before)
        is_cap = (now < 0) | ((now == 0) & (nw.col("before") < 0))
        cause = nw.when(is_cap).then(nw.lit("cap")).otherwise(nw.lit("floor"))
        named = changed.filter(nw.col("change") != 0).with_columns(group=nw.lit(group.code), cause=cause)
        parts.append(named.with_columns(rule=limit_name(group, nw.col("cause"))).select(*COLUMNS))
    return parts


def limit_name(group: Group, end: nw.Expr) -> nw.Expr:
    """Name the row of a floor or a cap, such as "behaviour:cap"; no rule has a colon in its code."""
    return nw.concat_str(nw.lit(f"{group.code}:"), end)


def _attribute_changes(people: frames.Frame, card: Scorecard) -> frames.Frame:
    """Attributes are known from the lead's creation on; every lead has a row there, if of nothing."""
    born = {"day": nw.col("created"), "at": nw.col("created_at")}
    parts = [("", nw.lit(0))] + [(rule.code, points) for _, rule, points in fit_units(card)]
    made = [
        people.select("lead", **born, rule=nw.lit(code), cause=nw.lit("attribute"), change=points.cast(nw.Int64))
        for code, points in parts
    ]
    return nw.concat([made[0], *(part.filter(nw.col("change") != 0) for part in made[1:])]).select(*_PLAIN)


_PLAIN = ("lead", "day", "rule", "cause", "change", "at")


def fading_steps(group: Group, rule: Rule) -> list[tuple[int, int, str]]:
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
        first_day = nw.col("day").min().over("lead", "rule")
        marked = rows.with_columns(first_day=first_day)
        is_first = (nw.col("day") == nw.col("first_day")) | ~nw.col("rule").is_in(firsts)
        rows = marked.filter(is_first)
    begun = (0, PERCENT, "event")
    steps = [(one.rule.code, *step) for one in rules for step in [begun, *fading_steps(one.group, one.rule)]]
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
        life, fading = one.group.life_days(one.rule), fading_steps(one.group, one.rule)
        steps.append((one.rule.code, 0, 1, "event"))
        steps += [(one.rule.code, days, -1 if days == life else 0, cause) for days, _, cause in fading]
    dated = _at_steps(rows, steps)
    is_event = nw.col("cause") == "event"
    moved = dated.with_columns(
        newest=nw.when(is_event).then(nw.col("day")).otherwise(nw.lit(0)),
        at=nw.when(is_event).then(nw.col("last_at")),
        count=nw.col("events") * nw.col("percent"),
        day=nw.col("day") + nw.col("offset"),
    )
    daily = moved.group_by("lead", "rule", "day").agg(nw.col("count").sum(), nw.col("newest").max(), nw.col("at").max())
    window = {"order_by": "day"}
    known = daily.with_columns(nw.col("count").cast(nw.Int64)).with_columns(
        live=nw.col("count").cum_sum().over("lead", "rule", **window).cast(nw.Int64),
        last=nw.col("newest").cum_max().over("lead", "rule", **window),
    )
    worth = [(one.rule.code, _single_worth(one)) for one in rules]
    valued = known.with_columns(value=_chosen("rule", worth, 0))
    before = nw.col("value").shift(1).over("lead", "rule", **window).fill_null(0)
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
    table: dict[str, list[Any]] = {
        "rule": [code for code, *_ in steps],
        "offset": [days for _, days, _, _ in steps],
        "percent": [percent for _, _, percent, _ in steps],
        "cause": [cause for *_, cause in steps],
    }
    return frames.join_small(rows, table, on=["rule"])


def _chosen(column: str, choices: Sequence[tuple[str, Any]], otherwise: Any) -> nw.Expr:
    """Pick by the text of a column."""
    picked = nw.lit(otherwise)
    for text, value in choices:
        value = value if isinstance(value, nw.Expr) else nw.lit(value)
        picked = nw.when(nw.col(column) == text).then(value).otherwise(picked)
    return picked

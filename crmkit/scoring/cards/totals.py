"""One pass over the log: what each lead's events add up to, by rule or by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add, or_
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import conditions
from crmkit.scoring.cards.fading import is_live, share_left
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.points import hundredths, units
from crmkit.scoring.cards.rules import Rule

# The end of a day at which the rules are asked, by a name that columns bear: its ordinal.
Days: TypeAlias = Mapping[str, nw.Expr]
_How: TypeAlias = Literal["sum", "min", "max"]
_FOR_EVER = math.inf


@dataclass(frozen=True, slots=True)
class Sums:
    """Columns to compute on each row, and how each is brought together."""

    columns: dict[str, nw.Expr] = field(default_factory=dict)
    how: dict[str, _How] = field(default_factory=dict)

    def put(self, name: str, column: nw.Expr, how: _How) -> None:
        """Add a column."""
        self.columns[name], self.how[name] = column, how

    def copied(self) -> Sums:
        """Take columns that others may be added to."""
        return Sums(dict(self.columns), dict(self.how))

    def of(self, rows: frames.Frame, *by: str) -> frames.Frame:
        """Compute and add up; whole numbers come back as int64."""
        if not self.columns:
            return rows.group_by(*by).agg()
        made = rows.with_columns(**self.columns).group_by(*by)
        table = made.agg(**{name: getattr(nw.col(name), how)() for name, how in self.how.items()})
        whole = [name for name, how in self.how.items() if how == "sum"]
        return table.with_columns(nw.col(*whole).cast(nw.Int64)) if whole else table


@dataclass(frozen=True, slots=True)
class Numbered:
    """A rule over events, with its group and the number of its mark."""

    number: int
    group: Group
    rule: Rule

    @property
    def mark(self) -> nw.Expr:
        """How many events of a row meet it."""
        return nw.col(f"m{self.number}")

    @property
    def met(self) -> nw.Expr:
        """Whether any does."""
        return self.mark > 0

    @property
    def life(self) -> int | None:
        """Days for which an event counts; None: for ever."""
        return self.group.life_days(self.rule)

    def share(self, day: nw.Expr, at: nw.Expr) -> nw.Expr:
        """Percent left of the points of a day."""
        return share_left(day, at, self.group, self.rule)

    def live(self, at: nw.Expr) -> nw.Expr:
        """Whether the events of a row count."""
        return is_live(nw.col("day"), at, self.group, self.rule)


def numbered(card: Scorecard) -> list[Numbered]:
    """Rules over events with the numbers of their marks."""
    return [Numbered(i, group, rule) for i, (group, rule) in enumerate(card.event_rules)]


def cell(one: Numbered, by_rule: bool) -> str:
    """Name the sum that an "every" rule goes into: rules of one group that fade alike share it, unless by rule."""
    if by_rule:
        return f"s{one.number}"
    return f"s_{one.group.code}_{one.life or 0}_{'capped' if one.rule.daily_cap else 'free'}"


def cells(rules: Sequence[Numbered], by_rule: bool) -> dict[str, list[Numbered]]:
    """List the sums of the "every" rules, each with its rules."""
    found: dict[str, list[Numbered]] = {}
    for one in rules:
        if one.rule.counting == "every":
            found.setdefault(cell(one, by_rule), []).append(one)
    return found


def lead_totals(
    rows: frames.Frame,
    card: Scorecard,
    days: Days,
    more: Sums,
    live: Sums,
    *,
    by_rule: bool,
    like: Any,
    by: Sequence[str] = ("lead",),
) -> frames.Frame:
    """Add up marked rows per lead.

    Columns: the sums of `cells` on each of `days`; `first_i` (ordinal) of rules that count the first event, `last_i` of
    those that count the newest and `live_i` of ladders, on each of `days`; and those of `more` and `live`. What fades,
    and `live`, is added up over the rows that are live on one of `days`, mostly few; missing for leads without any.
    """
    rules = numbered(card)
    lasting, fading = more.copied(), live.copied()
    daily = {name: ones for name, ones in cells(rules, by_rule).items() if ones[0].rule.daily_cap}
    for name, ones in cells(rules, by_rule).items():
        if name not in daily:
            points = reduce(add, [hundredths(one.rule.points) * one.mark for one in ones])
            _put_sums(fading if ones[0].life else lasting, name, points, ones[0], days)
    for one in rules:
        _put_single(fading if one.life and one.rule.counting != "first" else lasting, one, days)
    parts = [lasting.of(rows, *by)]
    if fading.columns:
        parts.append(fading.of(_live_rows(rows, [one for one in rules if one.life], days), *by))
    if daily:
        parts.append(_day_sums(rows, daily, days, by))
    # Each part is computed by itself: one statement would copy the log to read it twice.
    whole = [frames.settled(part, like=like) for part in parts] if len(parts) > 1 else parts
    return reduce(lambda table, part: table.join(part, on=list(by), how="left"), whole)


def _live_rows(rows: frames.Frame, rules: Sequence[Numbered], days: Days) -> frames.Frame:
    """Keep the rows that are live on one of the days by the rule of the longest life."""
    longest = max(rules, key=lambda one: one.life or _FOR_EVER)
    return rows.filter(reduce(or_, [longest.live(at) for at in days.values()]))


def rule_units(one: Numbered, at: str, day: nw.Expr) -> nw.Expr:
    """Points of a rule that does not count every event; ten-thousandths, of the columns of `lead_totals`."""
    rule, number = one.rule, one.number
    if rule.counting == "first":
        return hundredths(rule.points) * one.share(nw.col(f"first_{number}"), day).fill_null(0)
    worth = nw.lit(hundredths(rule.points))
    if rule.counting == "ladder":
        worth = ladder_hundredths(rule, nw.col(f"live_{number}_{at}"))
    return worth * one.share(nw.col(f"last_{number}_{at}"), day).fill_null(0)


def ladder_hundredths(rule: Rule, count: nw.Expr) -> nw.Expr:
    """Points of a ladder for a number of live events: of the steps that hold, the last; hundredths."""
    points = nw.lit(0)
    for step in rule.ladder:
        least, most = step.span
        holds = count >= least if most is None else (count >= least) & (count <= most)
        points = nw.when(holds).then(nw.lit(hundredths(step.points))).otherwise(points)
    return points.cast(nw.Int64)


def _put_sums(sums: Sums, name: str, points: nw.Expr, one: Numbered, days: Days) -> None:
    for at, day in days.items():
        sums.put(f"{name}_{at}", points * one.share(nw.col("day"), day), "sum")


def _put_single(sums: Sums, one: Numbered, days: Days) -> None:
    """Put down what must be known of a rule that does not count every event."""
    if one.rule.counting == "first":
        sums.put(f"first_{one.number}", nw.when(one.met).then(nw.col("day")), "min")
    if one.rule.counting in ("once", "ladder"):
        for at, day in days.items():
            seen = one.met & (nw.col("day") <= day)
            sums.put(f"last_{one.number}_{at}", nw.when(seen).then(nw.col("day")), "max")
    if one.rule.counting == "ladder":
        for at, day in days.items():
            live = nw.when(one.live(day)).then(one.mark).otherwise(nw.lit(0))
            sums.put(f"live_{one.number}_{at}", live, "sum")


def _day_sums(rows: frames.Frame, daily: Mapping[str, list[Numbered]], days: Days, by: Sequence[str]) -> frames.Frame:
    """Add up rules with a daily cap: first by day, where the cap is, then by lead."""
    ones = [one for group in daily.values() for one in group]
    counts = Sums()
    for one in ones:
        counts.put(f"m{one.number}", one.mark, "sum")
    live = _live_rows(rows.filter(reduce(or_, [one.met for one in ones])), ones, days)
    by_day = counts.of(live, *by, "day")
    sums = Sums()
    for name, group in daily.items():
        _put_sums(sums, name, reduce(add, [day_hundredths(one.rule, one.mark) for one in group]), group[0], days)
    return sums.of(by_day, *by)


def day_hundredths(rule: Rule, count: nw.Expr) -> nw.Expr:
    """Points of so many events of one day, within the daily cap; hundredths."""
    points = hundredths(rule.points) * count
    if rule.daily_cap is None:
        return points
    most = hundredths(rule.daily_cap) * (1 if rule.points >= 0 else -1)
    beyond = points > most if rule.points >= 0 else points < most
    return nw.when(beyond).then(nw.lit(most)).otherwise(points)


def override_sums(card: Scorecard) -> Sums:
    """First time of each override over events: `over_i`, i the number of its mark."""
    sums, start = Sums(), len(card.event_rules)
    for i in range(start, len(conditions(card, Event))):
        sums.put(f"over_{i}", nw.when(nw.col(f"m{i}") > 0).then(nw.col("first_at")), "min")
    return sums


def limits(group: Group) -> tuple[int | None, int | None]:
    """Floor and cap of a group in ten-thousandths."""
    low, high = group.floor, group.cap
    return None if low is None else units(low), None if high is None else units(high)


def limited(card: Scorecard) -> list[Group]:
    """List the groups with a floor or a cap."""
    return [group for group in card.groups if limits(group) != (None, None)]


def most_units(rules: Sequence[Numbered]) -> nw.Expr:
    """Most that the events of a row can have brought, whatever faded since; ten-thousandths."""
    return reduce(add, [one.rule.most * one.mark for one in rules]).cast(nw.Int64)

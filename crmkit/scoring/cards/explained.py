"""What stands behind a score: points of each rule, and the events that brought them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.changes import limit_name
from crmkit.scoring.cards.entrance import admitted_events, numbered_leads
from crmkit.scoring.cards.fading import kept_within
from crmkit.scoring.cards.groups import EFFECTS, Group
from crmkit.scoring.cards.marked import marked_events, numbered_events
from crmkit.scoring.cards.points import as_points
from crmkit.scoring.cards.scores import checked_card
from crmkit.scoring.cards.standing import fit_units, group_units, override_numbers, rule_total, with_overrides
from crmkit.scoring.cards.totals import Numbered, Sums, lead_totals, limited, limits, numbered, override_sums

KEY: Final = ("lead_id", "rule")
_BEHIND: Final = ("points", "events", "first_at", "last_at")


def explain(leads: IntoFrameT, events: Any, *, card: Scorecard, as_of: dt.date) -> IntoFrameT:
    """List what each score is made of.

    Parameters
    ----------
    leads, events, card, as_of
        As for `score_leads`.

    Returns
    -------
    data frame like `leads`
        One row per lead and rule that holds, sorted by both: `lead_id`, `rule` (code), `group` (code), `points`,
        `events` (how many count on `as_of`; 0 for attributes), `first_at`, `last_at` (time of the first and the last of
        them; missing for attributes). What a floor or a cap adds or takes has a row of its own, "group:floor" or
        "group:cap"; so has an override, under its code and without a group: one that disqualifies takes all points
        away, one that hands off brings none. The points of a lead sum to its `score`.

    Raises
    ------
    DomainError, SchemaError
        As `score_leads`.

    Notes
    -----
    An event counts while it lies in its window, or has not decayed to nothing. Of a rule that counts the first event
    only there is one event, the first; a rule that counts "once" shows all that are live.

    Points have at most four decimals: two of the card, two of the decay. Sums of them as floats may differ from `score`
    in the last bit; rounded to four decimals they are the same.
    """
    day, checked = frames.as_day(as_of), checked_card(card)
    people = numbered_leads(leads, checked, day)
    log = numbered_events(admitted_events(events, checked, day, beside=people), people, checked, like=leads)
    at = nw.lit(day.toordinal())
    whole = people.join(behind(marked_events(log, checked), checked, at, like=leads), on="lead", how="left")
    made = breakdown(frames.settled(whole, like=leads), checked, at)
    named = made.with_columns(points=as_points(nw.col("points")))
    columns = ["lead_id", "rule", "group", *_BEHIND]
    return frames.leave(named.select(*columns), like=leads, sort=list(KEY), same=["lead_id"])


def behind(
    rows: frames.Frame, card: Scorecard, at: nw.Expr, *, like: Any, by: Sequence[str] = ("lead",)
) -> frames.Frame:
    """Add up marked rows per lead and rule on a day: `lead_totals` by rule, and the live events behind each."""
    sums, live = override_sums(card), Sums()
    for one in numbered(card):
        _put_behind(live if one.life else sums, one.number, one.met & (one.live(at)), one.mark)
    for number in range(len(card.event_rules), len(card.event_rules) + _event_overrides(card)):
        _put_behind(sums, number, (nw.col(f"m{number}") > 0) & (nw.col("day") <= at), nw.col(f"m{number}"))
    for one in numbered(card):
        if one.rule.counting == "first":
            sums.put(f"start_{one.number}", nw.when(one.met).then(nw.col("first_at")), "min")
    return lead_totals(rows, card, {"now": at}, sums, live, by_rule=True, like=like, by=by)


def breakdown(whole: frames.Frame, card: Scorecard, at: nw.Expr, *, keep: Sequence[str] = ()) -> frames.Frame:
    """Turn leads with all that is behind their rules into one row per lead and rule; points in ten-thousandths."""
    counted = [name for name in frames.names_of(whole) if name.startswith(("s", "live_", "events_"))]
    counted = [name for name in counted if not name.startswith("start_")]
    filled = whole.with_columns(nw.col(*counted).fill_null(0)) if counted else whole
    known = _with_groups(with_overrides(filled, card), card, at)
    lines = _lines(card, at)
    numbers = {"line": list(range(len(lines))), "one": [1] * len(lines)}
    crossed = frames.join_small(known.with_columns(one=nw.lit(1)), numbers, on=["one"])
    picked = crossed.with_columns(
        rule=_pick([nw.lit(line.rule) if isinstance(line.rule, str) else line.rule for line in lines]),
        group=_pick([nw.lit(line.group or None).cast(nw.String) for line in lines]),
        points=_pick([line.points for line in lines]).cast(nw.Int64),
        events=_pick([line.events for line in lines]).cast(nw.Int64),
        first_at=_pick([line.first_at for line in lines]),
        last_at=_pick([line.last_at for line in lines]),
        shown=frames.one_if(_pick([line.shown for line in lines])),
    )
    return picked.filter(nw.col("shown") == 1).select("lead_id", "rule", "group", *_BEHIND, *keep)


@dataclass(frozen=True, slots=True)
class _Line:
    """A possible row of the breakdown."""

    rule: str | nw.Expr
    group: str
    points: nw.Expr
    events: nw.Expr
    first_at: nw.Expr
    last_at: nw.Expr
    shown: nw.Expr


def _lines(card: Scorecard, at: nw.Expr) -> list[_Line]:
    none, nothing = nw.lit(None).cast(nw.Datetime("us")), nw.lit(0)
    lines = []
    for i, (group, rule, points) in enumerate(fit_units(card)):
        lines.append(_Line(rule.code, group.code, points, nothing, none, none, nw.col(f"a{i}") == 1))
    lines += [_event_line(one, at) for one in numbered(card)]
    for i, group in enumerate(limited(card)):
        moved = nw.col(f"moved_{i}")
        end = nw.when(moved < 0).then(nw.lit("cap")).otherwise(nw.lit("floor"))
        lines.append(_Line(limit_name(group, end), group.code, moved, nothing, none, none, moved != 0))
    for effect in EFFECTS:
        marks = override_numbers(card, effect)
        for place, (code, mark) in enumerate(marks):
            takes = -nw.col("total") if effect == "disqualify" else nothing
            # Of several that disqualify the first one listed takes the points.
            earlier = [_holds(other) for _, other in marks[:place]]
            for holds in earlier:
                takes = nw.when(holds).then(nothing).otherwise(takes)
            lines.append(_Line(code, "", takes, *_events_of(mark, none, nothing), _holds(mark)))
    return lines


def _event_line(one: Numbered, at: nw.Expr) -> _Line:
    count, number = nw.col(f"events_{one.number}"), one.number
    first, last = nw.col(f"from_{number}"), nw.col(f"to_{number}")
    if one.rule.counting == "first":
        live = one.share(nw.col(f"first_{number}"), at).fill_null(0) > 0
        count = frames.one_if(live)
        first = last = nw.when(live).then(nw.col(f"start_{number}"))
    points = rule_total(one, "now", at)
    return _Line(one.rule.code, one.group.code, points, count, first, last, count > 0)


def _holds(mark: str) -> nw.Expr:
    return nw.col(mark) == 1 if mark.startswith("a") else nw.col(f"events_{mark[1:]}") > 0


def _events_of(mark: str, none: nw.Expr, nothing: nw.Expr) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    if mark.startswith("a"):
        return nothing, none, none
    return nw.col(f"events_{mark[1:]}"), nw.col(f"from_{mark[1:]}"), nw.col(f"to_{mark[1:]}")


def _with_groups(rows: frames.Frame, card: Scorecard, at: nw.Expr) -> frames.Frame:
    """Add `moved_i` of each group with a floor or a cap, and `total`, the score before overrides."""
    raw = {f"raw_{i}": _raw(group, card, at) for i, group in enumerate(card.groups)}
    known = rows.with_columns(**raw)
    kept = {f"kept_{i}": kept_within(nw.col(f"raw_{i}"), *limits(group)) for i, group in enumerate(card.groups)}
    places = [card.groups.index(group) for group in limited(card)]
    known = known.with_columns(**kept)
    moved = {f"moved_{i}": nw.col(f"kept_{place}") - nw.col(f"raw_{place}") for i, place in enumerate(places)}
    return known.with_columns(total=nw.sum_horizontal(*kept), **moved)


def _raw(group: Group, card: Scorecard, at: nw.Expr) -> nw.Expr:
    if group.kind == "engagement":
        return group_units(group, card, "now", at, by_rule=True)
    parts = [points for own, _, points in fit_units(card) if own is group]
    return nw.sum_horizontal(*parts).cast(nw.Int64)


def _put_behind(sums: Sums, number: int, live: nw.Expr, count: nw.Expr) -> None:
    sums.put(f"events_{number}", nw.when(live).then(count).otherwise(nw.lit(0)), "sum")
    sums.put(f"from_{number}", nw.when(live).then(nw.col("first_at")), "min")
    sums.put(f"to_{number}", nw.when(live).then(nw.col("last_at")), "max")


def _event_overrides(card: Scorecard) -> int:
    return sum(mark.startswith("m") for effect in EFFECTS for _, mark in override_numbers(card, effect))


def _pick(choices: Sequence[nw.Expr]) -> nw.Expr:
    picked = choices[-1]
    for number in range(len(choices) - 2, -1, -1):
        picked = nw.when(nw.col("line") == number).then(choices[number]).otherwise(picked)
    return picked

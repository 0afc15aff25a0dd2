"""Where each lead stands at the end of a day: points by group, score, what overrides say; in ten-thousandths."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import add, or_
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Attribute
from crmkit.scoring.cards.fading import kept_within
from crmkit.scoring.cards.groups import Effect, Group
from crmkit.scoring.cards.points import units
from crmkit.scoring.cards.rules import Rule
from crmkit.scoring.cards.totals import (
    Days,
    Numbered,
    Sums,
    cell,
    cells,
    lead_totals,
    limits,
    most_units,
    numbered,
    override_sums,
    rule_units,
)


def days_asked(card: Scorecard, day: dt.date) -> Days:
    """Days that a score needs: `now`, and `before` for the trend."""
    return {"now": nw.lit(day.toordinal()), "before": nw.lit(day.toordinal() - card.trend_days)}


def standing_totals(rows: frames.Frame, card: Scorecard, day: dt.date, *, like: Any) -> frames.Frame:
    """Add up marked rows per lead, as `lead_standing` needs them."""
    return lead_totals(rows, card, days_asked(card, day), _extra_sums(card), Sums(), by_rule=False, like=like)


def lead_standing(people: frames.Frame, totals: frames.Frame, card: Scorecard, day: dt.date) -> frames.Frame:
    """Bring leads and the totals of their rows together.

    Adds to `people`: `fit`, `engagement_now`, `engagement_before`, `score_now`, `score_before`, `most` (the score never
    was above it), `did` (1, or missing for who did nothing that the card asks for), `stage_number` (from 1; 0: none; if
    the card has stages), and `out_at`, `out_day`, `off_at`, `off_day` (since when an override disqualifies, or hands
    off).
    """
    days = days_asked(card, day)
    joined = people.join(totals.with_columns(did=nw.lit(1)), on="lead", how="left")
    counted = [name for name in frames.names_of(totals) if name.startswith(("s_", "live_", "b_", "stage"))]
    whole = joined.with_columns(nw.col(*counted).fill_null(0)) if counted else joined
    known = with_overrides(whole, card)
    fits = [group for group in card.groups if group.kind == "fit"]
    known = known.with_columns(**{f"f_{i}": _fit(group, card) for i, group in enumerate(fits)}, zero=nw.lit(0))
    known = known.with_columns(fit=_sum_of([kept_within(nw.col(f"f_{i}"), *limits(g)) for i, g in enumerate(fits)]))
    engaged = [group for group in card.groups if group.kind == "engagement"]
    for at, on in days.items():
        parts = [group_units(group, card, at, on) for group in engaged]
        known = known.with_columns(**{f"g_{i}": part for i, part in enumerate(parts)}, zero=nw.lit(0))
        kept = [kept_within(nw.col(f"g_{i}"), *limits(group)) for i, group in enumerate(engaged)]
        known = known.with_columns(**{f"engagement_{at}": _sum_of(kept)})
        is_out = (nw.col("out_day") <= on).fill_null(False)
        score = nw.col("fit") + nw.col(f"engagement_{at}")
        known = known.with_columns(**{f"score_{at}": nw.when(is_out).then(nw.lit(0)).otherwise(score).cast(nw.Int64)})
    most = [kept_within(nw.col(f"b_{group.code}"), *limits(group)) for group in engaged]
    return known.with_columns(most=nw.col("fit") + _sum_of(most))


def group_units(group: Group, card: Scorecard, at: str, day: nw.Expr, *, by_rule: bool = False) -> nw.Expr:
    """Add up the rules of an engagement group, before its floor and cap."""
    ones = [one for one in numbered(card) if one.group is group]
    parts = [nw.col(f"{name}_{at}") for name in cells(ones, by_rule)]
    return _sum_of(parts + [rule_units(one, at, day) for one in ones if one.rule.counting != "every"])


def rule_total(one: Numbered, at: str, day: nw.Expr) -> nw.Expr:
    """Points of one rule, of totals that were made by rule."""
    return nw.col(f"{cell(one, True)}_{at}") if one.rule.counting == "every" else rule_units(one, at, day)


def fit_units(card: Scorecard) -> list[tuple[Group, Rule, nw.Expr]]:
    """Points of each rule over attributes."""
    return [(group, rule, units(rule.points) * nw.col(f"a{i}")) for i, (group, rule) in enumerate(card.fit_rules)]


def with_overrides(rows: frames.Frame, card: Scorecard) -> frames.Frame:
    """Add `out_at`, `off_at` and their days `out_day`, `off_day`: since when overrides hold, from creation on."""
    times = rows.with_columns(out_at=_since(card, "disqualify"), off_at=_since(card, "hand_off"))
    dated = times.with_columns(out_on=nw.col("out_at").cast(nw.Date), off_on=nw.col("off_at").cast(nw.Date))
    return frames.with_day_numbers(dated, out_day="out_on", off_day="off_on")


def override_numbers(card: Scorecard, effect: Effect) -> list[tuple[str, str]]:
    """Codes of the overrides of an effect, each with the column that says whether it holds: `a3`, or `m3`."""
    facts, events = len(card.fit_rules), len(card.event_rules)
    found = []
    for override in card.overrides:
        is_fact = isinstance(override.when, Attribute)
        if override.effect == effect:
            found.append((override.code, f"a{facts}" if is_fact else f"m{events}"))
        facts, events = facts + is_fact, events + (not is_fact)
    return found


def _since(card: Scorecard, effect: Effect) -> nw.Expr:
    times: list[nw.Expr] = []
    born = nw.col("created_at")
    for _, mark in override_numbers(card, effect):
        if mark.startswith("a"):
            times.append(nw.when(nw.col(mark) == 1).then(born))
        else:
            seen = nw.col(f"over_{mark[1:]}")
            times.append(nw.when(seen < born).then(born).otherwise(seen))
    if not times:
        return nw.lit(None).cast(nw.Datetime("us"))
    return (times[0] if len(times) == 1 else nw.min_horizontal(*times)).cast(nw.Datetime("us"))


def _fit(group: Group, card: Scorecard) -> nw.Expr:
    return _sum_of([points for own, _, points in fit_units(card) if own is group])


def _extra_sums(card: Scorecard) -> Sums:
    sums = override_sums(card)
    rules = numbered(card)
    for group in card.groups:
        if group.kind == "engagement":
            sums.put(f"b_{group.code}", most_units([one for one in rules if one.group is group]), "sum")
    stage = nw.lit(0)
    for place, name in enumerate(card.stages, 1):
        marks = [one.met for one in rules if one.rule.stage == name]
        stage = nw.when(reduce(or_, marks)).then(nw.lit(place)).otherwise(stage) if marks else stage
    if card.stages:
        sums.put("stage_number", stage.cast(nw.Int64), "max")
    return sums


def _sum_of(parts: Sequence[nw.Expr]) -> nw.Expr:
    return reduce(add, parts).cast(nw.Int64) if parts else nw.lit(0).cast(nw.Int64)

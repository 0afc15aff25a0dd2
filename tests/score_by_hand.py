"""Lead scores in plain Python, lead by lead and day by day: slow, and with nothing in common with the library."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pandas as pd

from crmkit.scoring import Attribute, Event, Scorecard


@dataclass
class Told:
    """What the slow scorer says of a lead on a day."""

    fit: Fraction
    engagement: Fraction
    score: Fraction
    parts: dict[str, tuple[Fraction, int]] = field(default_factory=dict)
    out: bool = False


def exact(points: float) -> Fraction:
    return Fraction(str(points))


def has(when: Attribute, lead: Any) -> bool:
    value = lead[when.column]
    unknown = value is None or (isinstance(value, float) and math.isnan(value)) or not str(value).strip()
    if when.missing:
        return unknown
    if unknown:
        return False
    if when.equals:
        return value in when.equals
    if when.starts_with:
        return any(value.startswith(text) for text in when.starts_with)
    if when.ends_with:
        return any(value.endswith(text) for text in when.ends_with)
    if when.contains:
        return any(text in value for text in when.contains)
    return (when.low is None or value >= when.low) and (when.high is None or value < when.high)


def meets(when: Event, row: Any) -> bool:
    named = row["event"] in when.event
    return named and all(not getattr(when, name) or row[name] in getattr(when, name) for name in ("content", "channel"))


def left(group: Any, rule: Any, age: int) -> Fraction:
    """Share of the points that is left after so many days."""
    if group.decay is not None:
        return max(Fraction(0), 1 - Fraction(group.decay.percent, 100) * (age // group.decay.interval_days))
    window = rule.window_days or group.window_days
    return Fraction(1 if window is None or age < window else 0)


def rule_points(group: Any, rule: Any, times: list[pd.Timestamp], day: dt.date) -> tuple[Fraction, int]:
    """Points of a rule at the end of a day, and how many events are behind them."""
    days = sorted(time.date() for time in times if time.date() <= day)
    live = [one for one in days if left(group, rule, (day - one).days) > 0]
    points = exact(rule.points)
    if rule.counting == "first":
        alive = days[:1] if days and left(group, rule, (day - days[0]).days) > 0 else []
        return (points * left(group, rule, (day - days[0]).days) if alive else Fraction(0)), len(alive)
    if rule.counting in ("once", "ladder"):
        if not live:
            return Fraction(0), 0
        for step in rule.ladder:
            least = step.at_least or step.exactly or step.between[0]
            most = math.inf if step.at_least else step.exactly or step.between[1]
            if least <= len(live) <= most:
                points = exact(step.points)
        return points * left(group, rule, (day - days[-1]).days), len(live)
    total = Fraction(0)
    for one in set(live):
        of_day = points * live.count(one)
        if rule.daily_cap is not None:
            cap = exact(rule.daily_cap)
            of_day = max(-cap, min(cap, of_day))
        total += of_day * left(group, rule, (day - one).days)
    return total, len(live)


def live_times(group: Any, rule: Any, times: list[pd.Timestamp], day: dt.date) -> list[pd.Timestamp]:
    """Times of the events behind a rule at the end of a day, ascending."""
    known = sorted(time for time in times if time.date() <= day)
    counted = known[:1] if rule.counting == "first" else known
    return [time for time in counted if left(group, rule, (day - time.date()).days) > 0]


def score_on(lead: Any, events: list[Any], card: Scorecard, day: dt.date) -> Told:
    """Score a lead at the end of a day."""
    told = Told(Fraction(0), Fraction(0), Fraction(0))
    for group in card.groups:
        total = Fraction(0)
        for rule in group.rules:
            if isinstance(rule.when, Attribute):
                points, count = (exact(rule.points) if has(rule.when, lead) else Fraction(0)), 0
                shown = has(rule.when, lead)
            else:
                times = [row["occurred_at"] for row in events if meets(rule.when, row)]
                points, count = rule_points(group, rule, times, day)
                shown = count > 0
            total += points
            if shown:
                told.parts[rule.code] = (points, count)
        kept = total
        if group.cap is not None:
            kept = min(kept, exact(group.cap))
        if group.floor is not None:
            kept = max(kept, exact(group.floor))
        if kept != total:
            told.parts[f"{group.code}:{'cap' if kept < total else 'floor'}"] = (kept - total, 0)
        if group.kind == "fit":
            told.fit += kept
        else:
            told.engagement += kept
    told.score = told.fit + told.engagement
    since = override_since(lead, events, card, "disqualify")
    told.out = since is not None and since.date() <= day
    told.score = Fraction(0) if told.out else told.score
    return told


def override_since(lead: Any, events: list[Any], card: Scorecard, effect: str) -> pd.Timestamp | None:
    times = []
    for override in card.overrides:
        if override.effect != effect:
            continue
        if isinstance(override.when, Attribute):
            times += [lead["created_at"]] if has(override.when, lead) else []
        else:
            times += [max(row["occurred_at"], lead["created_at"]) for row in events if meets(override.when, row)]
    return min(times, default=None)


def handed_off_at(lead: Any, events: list[Any], card: Scorecard, as_of: dt.date) -> pd.Timestamp | None:
    """First day at the threshold, each day asked anew."""
    events = [row for row in events if row["occurred_at"].date() <= as_of]
    out = override_since(lead, events, card, "disqualify")
    off = override_since(lead, events, card, "hand_off")
    times = [off] if off is not None and (out is None or off.date() < out.date()) else []
    day = lead["created_at"].date()
    while day <= as_of and (out is None or day < out.date()):
        if score_on(lead, events, card, day).score >= exact(card.threshold):
            starts = lead["created_at"] if day == lead["created_at"].date() else pd.Timestamp(day)
            times.append(max([starts, *touches(events, card, day)]))
            break
        day += dt.timedelta(days=1)
    return min(times, default=None)


def touches(events: list[Any], card: Scorecard, day: dt.date) -> list[pd.Timestamp]:
    """Times of the events of a day that a rule counts; of a rule for the first event only the first of all."""
    found = []
    for _, rule in card.event_rules:
        times = sorted(row["occurred_at"] for row in events if meets(rule.when, row))
        found += [time for time in (times[:1] if rule.counting == "first" else times) if time.date() == day]
    return found

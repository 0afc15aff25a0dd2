"""What is odd about a scorecard: rules that never count, overlap, or swamp the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Attribute, Condition, Event
from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.points import units
from crmkit.scoring.cards.rules import Rule

FindingKind: TypeAlias = Literal["never", "overlap", "swamp"]


@dataclass(frozen=True, slots=True)
class CardFinding:
    """Something to look at before a card is used.

    Attributes
    ----------
    kind : {"never", "overlap", "swamp"}
        It can never count; two rules count the same thing; it outweighs the rest.
    place : str
        Code of the rule, group or band.
    says : str
        What, in words.
    """

    kind: FindingKind
    place: str
    says: str


def check_card(card: Scorecard) -> tuple[CardFinding, ...]:
    """Look for rules that can never count, that count the same thing twice, or that swamp the rest.

    Parameters
    ----------
    card : Scorecard
        A card; that it has no error is known already.

    Returns
    -------
    tuple of CardFinding
        In the order never, overlap, swamp; empty if nothing is odd. None of them is an error: two rules may well count
        one event, if that is meant.

    Examples
    --------
    >>> from crmkit.scoring import Band, Event, Group, Rule, Scorecard
    >>> rules = (Rule("form", Event("form"), 50), Rule("contact", Event("form", content="contact"), 20))
    >>> card = Scorecard("Odd", (Group("activity", "engagement", rules, cap=40),), hand_off_at=60)
    >>> [(finding.kind, finding.place) for finding in check_card(card)]
    [('never', 'ready'), ('never', 'hand_off_at'), ('overlap', 'form, contact')]
    """
    return (*_never(card), *_overlaps(card), *_swamps(card))


def _never(card: Scorecard) -> list[CardFinding]:
    found = []
    for group, rule in card.rules:
        if not any([rule.points, *(step.points for step in rule.ladder)]) and not rule.stage:
            found.append(CardFinding("never", rule.code, "The rule brings no points."))
        if (group.cap, group.floor) != (None, None) and group.cap == group.floor:
            found.append(CardFinding("never", rule.code, f"Floor and cap of {group.code!r} are one: no rule counts."))
        out = [one.code for one in card.overrides if one.effect == "disqualify" and _implies(rule.when, one.when)]
        if out:
            found.append(CardFinding("never", rule.code, f"Whoever meets it is disqualified by {out[0]!r}."))
        found += _hidden_steps(rule)
    top = sum(most_of(group) for group in card.groups)
    for band in card.bands[1:]:
        if units(band.low) > top:
            found.append(CardFinding("never", band.code, f"No lead gets {band.low:g} points: at most {top / 1e4:g}."))
    if card.threshold_units > top:
        found.append(CardFinding("never", "hand_off_at", f"No lead gets {card.threshold:g} points."))
    return found


def most_of(group: Group) -> float:
    """Most that a group can bring, in ten-thousandths; without end where events count every time."""
    most = 0.0
    for rule in group.rules:
        endless = rule.counting == "every" and isinstance(rule.when, Event) and rule.most > 0
        most += _endless(group, rule) if endless else rule.most
    return min(most, math.inf if group.cap is None else units(group.cap))


def _endless(group: Group, rule: Rule) -> float:
    life = group.life_days(rule)
    return math.inf if rule.daily_cap is None or life is None else float(units(rule.daily_cap) * life)


def _hidden_steps(rule: Rule) -> list[CardFinding]:
    found = []
    for place, step in enumerate(rule.ladder):
        least, most = step.span
        for later in rule.ladder[place + 1 :]:
            low, high = later.span
            if low <= least and (high is None or (most is not None and most <= high)):
                says = f"Step {place + 1} of the ladder is hidden by a later one: of those that hold the last counts."
                found.append(CardFinding("never", rule.code, says))
                break
    return found


def _overlaps(card: Scorecard) -> list[CardFinding]:
    found = []
    for (_, one), (_, other) in combinations(card.rules, 2):
        if _may_both(one.when, other.when):
            says = f"{one.code!r} and {other.code!r} can count the same thing; both bring their points."
            found.append(CardFinding("overlap", f"{one.code}, {other.code}", says))
    return found


def _swamps(card: Scorecard) -> list[CardFinding]:
    found = []
    for group, rule in card.rules:
        most = min(rule.most, math.inf if group.cap is None else units(group.cap))
        if most and most >= card.threshold_units:
            says = f"One time is enough for the hand-off ({rule.most / 1e4:g} points); an override would say so."
            found.append(CardFinding("swamp", rule.code, says))
        grows = isinstance(rule.when, Event) and rule.counting == "every" and group.life_days(rule) is None
        if grows and rule.points > 0 and group.cap is None and card.threshold_units > rule.most:
            count = -(-card.threshold_units // rule.most)
            says = f"Nothing fades and nothing caps it: {count} times, years apart, make a hand-off alone."
            found.append(CardFinding("swamp", rule.code, says))
    return found


def _may_both(one: Condition, other: Condition) -> bool:
    if isinstance(one, Event) and isinstance(other, Event):
        return all(_meet(getattr(one, name), getattr(other, name)) for name in ("event", "content", "channel"))
    if isinstance(one, Attribute) and isinstance(other, Attribute) and one.column == other.column:
        return one.missing == other.missing and (one.missing or _values_meet(one, other))
    return False


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two lists share a name; an empty one holds all."""
    return not one or not other or bool(set(one) & set(other))


def _values_meet(one: Attribute, other: Attribute) -> bool:
    if one.asks != other.asks:
        return False
    for values, test in ((one.equals, other), (other.equals, one)):
        if values:
            return any(_holds(test, value) for value in values)
    if one.is_range:
        low = max(-math.inf if end is None else end for end in (one.low, other.low))
        high = min(math.inf if end is None else end for end in (one.high, other.high))
        return low < high
    return _ends_meet(one, other)


def _ends_meet(one: Attribute, other: Attribute) -> bool:
    """Whether some text can pass both; only two beginnings, or two ends, can exclude each other."""
    for name, fits in (("starts_with", str.startswith), ("ends_with", str.endswith)):
        mine, others = getattr(one, name), getattr(other, name)
        if mine and others:
            return any(fits(a, b) or fits(b, a) for a in mine for b in others)
    return True


def _holds(test: Attribute, value: str | float | bool) -> bool:
    if test.equals:
        return value in test.equals
    if isinstance(value, str):
        return (
            any(map(value.startswith, test.starts_with))
            or any(map(value.endswith, test.ends_with))
            or any(text in value for text in test.contains)
        )
    return (test.low is None or value >= test.low) and (test.high is None or value < test.high)


def _implies(one: Condition, other: Condition) -> bool:
    """Whether whoever meets the first condition meets the second."""
    if one == other:
        return True
    if isinstance(one, Event) and isinstance(other, Event):
        names = ("event", "content", "channel")
        return all(_within(getattr(one, name), getattr(other, name)) for name in names)
    same = isinstance(one, Attribute) and isinstance(other, Attribute) and one.column == other.column
    if same and one.equals and not other.missing and one.asks == other.asks:  # type: ignore[union-attr]
        return all(_holds(other, value) for value in one.equals)  # type: ignore[union-attr, arg-type]
    return False


def _within(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not other or (bool(one) and set(one) <= set(other))

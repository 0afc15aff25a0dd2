"""Scorecards as text: TOML or JSON in and out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from crmkit import settings_files
from crmkit.errors import DomainError
from crmkit.scoring.cards.card import Band, Scorecard
from crmkit.scoring.cards.conditions import Attribute, Condition, Event
from crmkit.scoring.cards.groups import Decay, Group, Override
from crmkit.scoring.cards.rules import Rule, Step

_T = TypeVar("_T")


def read_scorecard(source: str | os.PathLike[str]) -> Scorecard:
    """Read a scorecard from a TOML or JSON file, or from such a text.

    Parameters
    ----------
    source : path or str
        A path, or a str that ends in ".toml" or ".json": the file. Any other str: the text itself; JSON if it begins
        with "{", else TOML. It holds the fields of `Scorecard`; a list where the object has a tuple.

    Returns
    -------
    Scorecard
        `to_toml` and `to_json` write the text that gives it back.

    Raises
    ------
    DomainError
        No TOML or JSON, or a field out of its domain; the text names the place, such as `groups[1].rules[0].points`.

    Examples
    --------
    >>> card = read_scorecard('''
    ... name = "Small"
    ... [[groups]]
    ... code = "behaviour"
    ... kind = "engagement"
    ... decay = { percent = 50, interval_days = 30 }
    ... [[groups.rules]]
    ... code = "white_paper"
    ... when = { event = "white_paper" }
    ... points = 15
    ... ''')
    >>> card.groups[0].rules[0].when.event, card.threshold
    (('white_paper',), 60.0)
    """
    text, place = settings_files.source_text(source, "scorecard")
    return _card(settings_files.parsed(text, place), place)


def to_toml(card: Scorecard) -> str:
    """Write a scorecard as TOML; `read_scorecard` gives the same card back."""
    return settings_files.toml_document(_plain(card))


def to_json(card: Scorecard) -> str:
    """Write a scorecard as JSON; `read_scorecard` gives the same card back."""
    return json.dumps(_plain(card), ensure_ascii=False, indent=2)


def _card(entry: Any, place: str) -> Scorecard:
    values = settings_files.checked_entry(entry, Scorecard, place, "a scorecard", texts=("name",))
    for name, read in (("groups", _group), ("bands", _band), ("overrides", _override)):
        _read_list(values, name, read, place)
    for name in ("fit_edges", "engagement_edges", "stages"):
        _read_list(values, name, lambda value, _: value, place)
    return _made(Scorecard, values, place)


def _group(entry: Any, place: str) -> Group:
    values = settings_files.checked_entry(entry, Group, place, "a group", texts=_NAMES)
    _read_list(values, "rules", _rule, place)
    if "decay" in values:
        inner = settings_files.checked_entry(values["decay"], Decay, f"{place}.decay", "a decay")
        values["decay"] = _made(Decay, inner, f"{place}.decay")
    return _made(Group, values, place)


def _rule(entry: Any, place: str) -> Rule:
    values = settings_files.checked_entry(entry, Rule, place, "a rule", texts=(*_NAMES, "stage"))
    values["when"] = _condition(values["when"], f"{place}.when")
    _read_list(values, "ladder", _step, place)
    return _made(Rule, values, place)


def _override(entry: Any, place: str) -> Override:
    values = settings_files.checked_entry(entry, Override, place, "an override", texts=_NAMES)
    values["when"] = _condition(values["when"], f"{place}.when")
    return _made(Override, values, place)


def _band(entry: Any, place: str) -> Band:
    texts = (*_NAMES, "treatment", "treatment_zh")
    return _made(Band, settings_files.checked_entry(entry, Band, place, "a band", texts=texts), place)


def _step(entry: Any, place: str) -> Step:
    return _made(Step, settings_files.checked_entry(entry, Step, place, "a step"), place)


def _condition(entry: Any, place: str) -> Condition:
    what = "a condition, such as { event = ... } or { column = ..., equals = ... }"
    if isinstance(entry, Mapping) and "event" in entry:
        return _made(Event, settings_files.checked_entry(entry, Event, place, what), place)
    return _made(Attribute, settings_files.checked_entry(entry, Attribute, place, what), place)


_NAMES = ("code", "name", "name_zh")


def _read_list(values: dict[str, Any], name: str, read: Callable[[Any, str], Any], place: str) -> None:
    if name not in values:
        return
    if not isinstance(values[name], list):
        raise DomainError(f"{place}.{name}: expected a list, got {settings_files.shown(values[name])}.")
    values[name] = tuple(read(entry, f"{place}.{name}[{i}]") for i, entry in enumerate(values[name]))


def _made(kind: Callable[..., _T], values: Mapping[str, Any], place: str) -> _T:
    try:
        return kind(**values)
    except DomainError as error:
        raise DomainError(f"{place}: {error}") from None


def _plain(part: Any) -> Any:
    """Write an object of the card in plain types, fields that differ from their defaults alone."""
    if isinstance(part, tuple):
        return [_plain(inner) for inner in part]
    if hasattr(part, "__dataclass_fields__"):
        return {name: _plain(value) for name, value in settings_files.changed_fields(part).items()}
    return part

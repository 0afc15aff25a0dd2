"""Alert rules as text: TOML or JSON in and out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from crmkit import settings_files
from crmkit.churn.alerting.rules import AlertRule, checked_rules
from crmkit.errors import DomainError

_TEXTS = ("code", "kind", "name", "play", "name_zh", "play_zh", "severity")


def read_rules(source: str | os.PathLike[str]) -> tuple[AlertRule, ...]:
    """Read alert rules from a TOML or JSON file, or from such a text.

    Parameters
    ----------
    source : path or str
        A path, or a str that ends in ".toml" or ".json": the file. Any other str: the text itself; JSON if it begins
        with "{", else TOML. It holds a list `rules` of tables with the fields of `AlertRule`; `escalates` is a table
        of severity and threshold.

    Returns
    -------
    tuple of AlertRule
        In the order of the text.

    Raises
    ------
    DomainError
        No TOML or JSON, or a field out of its domain; the text names the place, such as `rules[2].raise_at`.

    Examples
    --------
    >>> rule, = read_rules('''
    ... [[rules]]
    ... code = "quiet"
    ... kind = "silence"
    ... raise_at = 60
    ... name = "Quiet for two months"
    ... play = "Call."
    ... escalates = { critical = 120 }
    ... ''')
    >>> rule.raise_at, rule.escalates
    (60, (('critical', 120),))
    """
    text, place = settings_files.source_text(source, "rules")
    whole = settings_files.parsed(text, place)
    entries = whole.get("rules") if isinstance(whole, Mapping) else None
    if not isinstance(entries, list):
        raise DomainError(f"{place}: expected a list 'rules' of alert rules, got {settings_files.shown(whole)}.")
    return checked_rules([_rule(entry, f"{place}: rules[{i}]") for i, entry in enumerate(entries)])


def rules_to_toml(rules: Sequence[AlertRule]) -> str:
    """Write alert rules as TOML; `read_rules` gives the same rules back."""
    return settings_files.toml_document({"rules": [_entry(rule) for rule in checked_rules(rules)]})


def rules_to_json(rules: Sequence[AlertRule]) -> str:
    """Write alert rules as JSON; `read_rules` gives the same rules back."""
    return json.dumps({"rules": [_entry(rule) for rule in checked_rules(rules)]}, ensure_ascii=False, indent=2)


def _rule(entry: Any, place: str) -> AlertRule:
    values = settings_files.checked_entry(entry, AlertRule, place, "a rule", texts=_TEXTS)
    if "escalates" in values:
        values["escalates"] = _steps(values["escalates"], f"{place}.escalates")
    if "tiers" in values:
        values["tiers"] = _tiers(values["tiers"], f"{place}.tiers")
    try:
        return AlertRule(**values)
    except DomainError as error:
        raise DomainError(f"{place}: {error}") from None


def _steps(value: Any, place: str) -> tuple[tuple[Any, Any], ...]:
    if not isinstance(value, Mapping):
        raise DomainError(f"{place}: expected a table of severity and threshold, got {settings_files.shown(value)}.")
    return tuple(value.items())


def _tiers(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tier, str) for tier in value):
        raise DomainError(f"{place}: expected a list of texts, got {settings_files.shown(value)}.")
    return tuple(value)


def _entry(rule: AlertRule) -> dict[str, Any]:
    """Fields of a rule that differ from their defaults, in plain types."""
    plain = settings_files.changed_fields(rule)
    if "escalates" in plain:
        plain["escalates"] = dict(rule.escalates)
    if "tiers" in plain:
        plain["tiers"] = list(rule.tiers)
    return plain

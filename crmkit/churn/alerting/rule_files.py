"""Alert rules as text: TOML or JSON in and out."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

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
    text, place = _read(source)
    whole = _parsed(text, place)
    entries = whole.get("rules") if isinstance(whole, Mapping) else None
    if not isinstance(entries, list):
        raise DomainError(f"{place}: expected a list 'rules' of alert rules, got {_shown(whole)}.")
    return checked_rules([_rule(entry, f"{place}: rules[{i}]") for i, entry in enumerate(entries)])


def rules_to_toml(rules: Sequence[AlertRule]) -> str:
    """Write alert rules as TOML; `read_rules` gives the same rules back."""
    return "\n".join(_toml_table(_entry(rule)) for rule in checked_rules(rules))


def rules_to_json(rules: Sequence[AlertRule]) -> str:
    """Write alert rules as JSON; `read_rules` gives the same rules back."""
    return json.dumps({"rules": [_entry(rule) for rule in checked_rules(rules)]}, ensure_ascii=False, indent=2)


def _read(source: str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(source, str) and not source.endswith((".toml", ".json")):
        return source, "rules"
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8"), path.name
    except OSError as error:
        raise DomainError(f"The rules {str(path)!r} can't be read: {error.strerror}.") from None


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:  # of JSON and of TOML alike; both name line and column
        raise DomainError(f"{place}: neither TOML nor JSON: {error}.") from None


def _rule(entry: Any, place: str) -> AlertRule:
    if not isinstance(entry, Mapping):
        raise DomainError(f"{place}: expected a table of the fields of a rule, got {_shown(entry)}.")
    known = {field.name: field for field in fields(AlertRule)}
    strange = [name for name in entry if name not in known]
    if strange:
        raise DomainError(f"{place}.{strange[0]}: no such field; expected any of {', '.join(known)}.")
    lacking = [name for name, field in known.items() if field.default is MISSING and name not in entry]
    if lacking:
        raise DomainError(f"{place}.{lacking[0]}: the field is missing; expected one.")
    values = dict(entry)
    for name in _TEXTS:
        if not isinstance(values.get(name, ""), str):
            raise DomainError(f"{place}.{name}: expected a text, got {_shown(values[name])}.")
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
        raise DomainError(f"{place}: expected a table of severity and threshold, got {_shown(value)}.")
    return tuple(value.items())


def _tiers(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tier, str) for tier in value):
        raise DomainError(f"{place}: expected a list of texts, got {_shown(value)}.")
    return tuple(value)


def _entry(rule: AlertRule) -> dict[str, Any]:
    """Fields of a rule that differ from their defaults, in plain types."""
    plain = {f.name: getattr(rule, f.name) for f in fields(rule) if getattr(rule, f.name) != f.default}
    if "escalates" in plain:
        plain["escalates"] = dict(rule.escalates)
    if "tiers" in plain:
        plain["tiers"] = list(rule.tiers)
    return plain


def _toml_table(entry: Mapping[str, Any]) -> str:
    lines = [f"{name} = {_toml(value)}" for name, value in entry.items()]
    return "\n".join(["[[rules]]", *lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one that JSON lets stand
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return repr(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

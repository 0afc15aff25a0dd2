"""Tag rules as text: TOML or JSON in and out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from crmkit import settings_files
from crmkit.errors import DomainError
from crmkit.tags.rules.conditions import (
    AllOf,
    AnyOf,
    Attribute,
    Combination,
    Condition,
    Keywords,
    Leaf,
    Measure,
    NoneOf,
    Unanswered,
)
from crmkit.tags.rules.rule import TagRule, checked_rules

_T = TypeVar("_T")
_COMBINATIONS: Final[Mapping[str, type[Combination]]] = {"all_of": AllOf, "any_of": AnyOf, "none_of": NoneOf}
# The field that tells one condition from another; an attribute has none of them.
_MARKS: Final[Mapping[str, type[Leaf]]] = {"words": Keywords, "within_days": Unanswered, "how": Measure}
_WHAT: Final = "a condition, such as { column = ..., equals = ... }, { log = ..., how = ... } or { all_of = [...] }"


def read_tag_rules(source: str | os.PathLike[str]) -> tuple[TagRule, ...]:
    """Read tag rules from a TOML or JSON file, or from such a text.

    Parameters
    ----------
    source : path or str
        A path, or a str that ends in ".toml" or ".json": the file. Any other str: the text itself; JSON if it begins
        with "{", else TOML. It holds a list `rules` of tables with the fields of `TagRule`; a combination of conditions
        is `{ all_of = [...] }`, `{ any_of = [...] }` or `{ none_of = [...] }`.

    Returns
    -------
    tuple of TagRule
        `tag_rules_to_toml` and `tag_rules_to_json` write the text that gives them back.

    Raises
    ------
    DomainError
        No TOML or JSON, or a field out of its domain; the text names the place, such as `rules[1].when.where[0].low`.

    Examples
    --------
    >>> rules = read_tag_rules('''
    ... [[rules]]
    ... code = "vip"
    ... dimension = "transaction"
    ... tag = "VIP"
    ... when = { log = "orders", how = "sum", column = "amount", window_days = 365, above = 1_000_000 }
    ... ''')
    >>> rules[0].when.window_days, rules[0].value
    (365, 'yes')
    """
    text, place = settings_files.source_text(source, "tag rules")
    top = settings_files.parsed(text, place)
    if not isinstance(top, Mapping) or list(top) != ["rules"] or not isinstance(top["rules"], list):
        raise DomainError(f"{place}: expected a list 'rules' of tables alone, got {settings_files.shown(top)}.")
    rules = [_rule(entry, f"{place}.rules[{i}]") for i, entry in enumerate(top["rules"])]
    return _made(lambda: checked_rules(rules), place)


def tag_rules_to_toml(rules: Sequence[TagRule]) -> str:
    """Write tag rules as TOML; `read_tag_rules` gives them back."""
    return settings_files.toml_document(_document(rules))


def tag_rules_to_json(rules: Sequence[TagRule]) -> str:
    """Write tag rules as JSON; `read_tag_rules` gives them back."""
    return json.dumps(_document(rules), ensure_ascii=False, indent=2)


def _rule(entry: Any, place: str) -> TagRule:
    texts = ("code", "dimension", "tag", "value", "group")
    values = settings_files.checked_entry(entry, TagRule, place, "a tag rule", texts=texts)
    values["when"] = _condition(values["when"], f"{place}.when")
    return _made(lambda: TagRule(**values), place)


def _condition(entry: Any, place: str) -> Condition:
    if isinstance(entry, Mapping):
        for name, combination in _COMBINATIONS.items():
            if name in entry:
                return _combined(entry, name, combination, place)
        for mark, kind in _MARKS.items():
            if mark in entry:
                return _leaf(entry, kind, place)
    return _leaf(entry, Attribute, place)


def _combined(entry: Mapping[str, Any], name: str, kind: type[Combination], place: str) -> Combination:
    if len(entry) > 1 or not isinstance(entry[name], list):
        raise DomainError(f"{place}: expected a list {name!r} of conditions and nothing else.")
    if place.count("_of[") > 20:
        raise DomainError(f"{place}: combinations may stand inside each other 20 times at most.")
    parts = tuple(_condition(part, f"{place}.{name}[{i}]") for i, part in enumerate(entry[name]))
    return _made(lambda: kind(parts), place)


def _leaf(entry: Any, kind: type[Leaf], place: str) -> Leaf:
    values = settings_files.checked_entry(entry, kind, place, _WHAT)
    for name in ("where", "answer_where"):
        if name in values:
            given = values[name] if isinstance(values[name], list) else [values[name]]
            values[name] = tuple(_leaf(row, Attribute, f"{place}.{name}[{i}]") for i, row in enumerate(given))
    return _made(lambda: kind(**values), place)


def _made(make: Callable[[], _T], place: str) -> _T:
    try:
        return make()
    except DomainError as error:
        raise DomainError(f"{place}: {error}") from None


def _document(rules: Sequence[TagRule]) -> dict[str, Any]:
    return {"rules": [_plain(rule) for rule in checked_rules(rules)]}


def _plain(part: Any) -> Any:
    """Write rules and conditions in plain types, fields that differ from their defaults alone."""
    if isinstance(part, tuple):
        return [_plain(inner) for inner in part]
    for name, kind in _COMBINATIONS.items():
        if isinstance(part, kind):
            return {name: _plain(part.parts)}
    if hasattr(part, "__dataclass_fields__"):
        return {name: _plain(value) for name, value in settings_files.changed_fields(part).items()}
    return part

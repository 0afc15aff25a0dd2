"""Tag rules: who gets which tag, and which of several tags wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crmkit.errors import DomainError
from crmkit.tags.rules.conditions import AllOf, AnyOf, Attribute, Condition, Keywords, Measure, NoneOf, Unanswered
from crmkit.tags.rules.values import check_code, check_text

DIMENSIONS: Final = ("basic", "behaviour", "transaction", "interest")


@dataclass(frozen=True, slots=True)
class TagRule:
    """A tag for whoever meets a condition.

    Attributes
    ----------
    code : str
        Name of the rule in tables: letters, digits, "_" and "-".
    dimension : str
        Kind of tag: "basic", "behaviour", "transaction", "interest", or one of your own.
    tag : str
        Name of the tag, such as "industry".
    when : Attribute, Measure, Unanswered, Keywords, AllOf, AnyOf or NoneOf
        What it asks.
    value : str
        Value of the tag, such as "manufacturing"; "yes" for a tag that is there or not.
    group : str
        Rules of one group exclude each other: a customer gets one tag of them. Empty: no group.
    priority : int
        Within a group the highest wins, and of equal ones the rule that stands first.

    Raises
    ------
    DomainError
        A field is out of its domain; the text names the rule.
    """

    code: str
    dimension: str
    tag: str
    when: Condition
    value: str = "yes"
    group: str = ""
    priority: int = 0

    def __post_init__(self) -> None:
        try:
            check_code(self.code)
            for name in ("dimension", "tag", "value"):
                check_text(getattr(self, name), name)
            if not isinstance(self.group, str):
                raise DomainError(f"group must be a text, got {self.group!r}.")
            if isinstance(self.priority, bool) or not isinstance(self.priority, int):
                raise DomainError(f"priority must be a whole number, got {self.priority!r}.")
            if not isinstance(self.when, Attribute | Measure | Unanswered | Keywords | AllOf | AnyOf | NoneOf):
                raise DomainError(f"when must be a condition such as Attribute or Measure, got {self.when!r}.")
        except DomainError as error:
            raise DomainError(f"Tag rule {self.code!r}: {error}") from None

    @property
    def gives(self) -> tuple[str, str, str]:
        """Dimension, tag and value."""
        return self.dimension, self.tag, self.value


def checked_rules(rules: Sequence[TagRule]) -> tuple[TagRule, ...]:
    """Return rules with codes of their own, at least one; DomainError otherwise."""
    if not isinstance(rules, list | tuple) or not rules or not all(isinstance(rule, TagRule) for rule in rules):
        raise DomainError(f"rules must be a sequence of at least one TagRule, got {rules!r:.60}.")
    codes = [rule.code for rule in rules]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise DomainError(f"Tag rules must have codes of their own; {twice[0]!r} stands twice.")
    return tuple(rules)


def stronger(rules: Sequence[TagRule], place: int) -> list[int]:
    """List the places of the rules that keep a rule from giving its tag wherever they hold.

    They are the stronger ones of its group, and of those that give the same tag with the same value.
    """
    mine = rules[place]
    rank = (-mine.priority, place)
    return [
        i
        for i, rule in enumerate(rules)
        if (-rule.priority, i) < rank and ((rule.group and rule.group == mine.group) or rule.gives == mine.gives)
    ]

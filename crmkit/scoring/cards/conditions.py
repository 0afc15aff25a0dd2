"""What a rule asks: of an attribute of the lead, or of the events in its log."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from crmkit.errors import DomainError

Value: TypeAlias = "str | float | bool"
_TEXTS: Final = ("starts_with", "ends_with", "contains")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A condition on one column of the lead table; exactly one of its tests is given.

    Attributes
    ----------
    column : str
        A column of the leads.
    equals : str, number, bool or several
        The value is one of these; texts as they are written, upper and lower case.
    low, high : float, optional
        The number lies in [low, high): from `low` on and below `high`; either may be left out.
    starts_with, ends_with, contains : str or several
        The text begins, ends or holds one of these, as they are written. There are no regular expressions: each engine
        has its own dialect, and the same card would give two scores.
    missing : bool
        There is no value: null, NaN or a text of blanks. No other test ever holds of a missing value.

    Raises
    ------
    DomainError
        No test, several tests, or a value out of its domain.
    """

    column: str
    equals: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    missing: bool = False

    def __post_init__(self) -> None:
        for name in ("equals", *_TEXTS):
            _make_tuple(self, name)
        _check_text(self.column, "column")
        if sum([bool(self.equals), self.is_range, *(bool(getattr(self, name)) for name in _TEXTS), self.missing]) != 1:
            raise DomainError(
                "An attribute takes exactly one test: equals, low or high, starts_with, ends_with, contains, missing."
            )
        if not isinstance(self.missing, bool):
            raise DomainError(f"missing must be true or left out, got {self.missing!r}.")
        for name in _TEXTS:
            for text in getattr(self, name):
                _check_text(text, name)
        self._check_values()

    def _check_values(self) -> None:
        kinds = {_kind(value) for value in self.equals}
        if len(kinds) > 1 or "" in kinds:
            raise DomainError(f"equals must hold texts, or finite numbers, or true and false, got {self.equals!r}.")
        for text in self.equals if kinds == {"text"} else ():
            _check_text(text, "equals")
        for name in ("low", "high"):
            if getattr(self, name) is not None and _kind(getattr(self, name)) != "number":
                raise DomainError(f"{name} must be a finite number, got {getattr(self, name)!r}.")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise DomainError(f"low must be below high, got [{self.low!r}, {self.high!r}): no value lies in there.")

    @property
    def is_range(self) -> bool:
        """Whether the test is [low, high)."""
        return self.low is not None or self.high is not None

    @property
    def asks(self) -> str:
        """Kind of value that the test needs: "text", "number", "truth" or "any"."""
        if self.missing:
            return "any"
        if self.is_range:
            return "number"
        return _kind(self.equals[0]) if self.equals else "text"


@dataclass(frozen=True, slots=True)
class Event:
    """A condition on a row of the event log.

    Attributes
    ----------
    event : str or several
        Name of the event, as it is written in the log.
    content, channel : str or several
        Only events of this content, or by this channel; by default all, also where the log does not say.

    Raises
    ------
    DomainError
        No event, or a name that is no text.
    """

    event: tuple[str, ...]
    content: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("event", "content", "channel"):
            _make_tuple(self, name)
            for text in getattr(self, name):
                _check_text(text, name)
        if not self.event:
            raise DomainError("event must name at least one event, got none.")


Condition: TypeAlias = Attribute | Event


def _make_tuple(condition: Condition, name: str) -> None:
    """Let a lone value, or a list as files have it, stand for a tuple."""
    given = getattr(condition, name)
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    object.__setattr__(condition, name, values)


def _check_text(value: object, name: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise DomainError(f"{name} must be a text that is not blank, got {value!r}.")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) and math.isfinite(value) else ""

"""What values conditions may hold: texts, finite numbers, codes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from crmkit.errors import DomainError

Value: TypeAlias = "str | float | bool"
_MOST: Final = 2**63  # engines hold no larger whole number
_CODE: Final = re.compile(r"[A-Za-z0-9_-]+")


def check_text(value: object, name: str) -> None:
    """Refuse what is no text, or a blank one."""
    if not isinstance(value, str) or not value.strip():
        raise DomainError(f"{name} must be a text that is not blank, got {value!r}.")


def check_code(value: object, name: str = "code") -> None:
    """Refuse a code that is no plain word."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise DomainError(f"{name} must be letters, digits, '_' and '-', got {value!r}.")


def check_days(value: object, name: str, least: int = 1) -> None:
    """Refuse what is no whole number of days."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DomainError(f"{name} must be a whole number of days, at least {least}, got {value!r}.")


def check_choice(value: object, name: str, known: Iterable[str]) -> None:
    """Refuse what is none of a closed choice."""
    if value not in tuple(known):
        raise DomainError(f"{name} must be one of {', '.join(known)}, got {value!r}.")


def kind_of(value: object) -> str:
    """Tell "text", "number" and "truth"; empty for anything else."""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int):
        return "number" if abs(value) < _MOST else ""
    return "number" if isinstance(value, float) and math.isfinite(value) else ""


def make_tuple(condition: Any, name: str) -> None:
    """Let a lone value, or a list as files have it, stand for a tuple."""
    given = getattr(condition, name)
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    object.__setattr__(condition, name, values)


def check_span(low: object, above: object, high: object) -> None:
    """Refuse a range that is no [low, high) or (above, high)."""
    for name, end in (("low", low), ("above", above), ("high", high)):
        if end is not None and kind_of(end) != "number":
            raise DomainError(f"{name} must be a finite number, got {end!r}.")
    if low is not None and above is not None:
        raise DomainError("A range begins at low (included) or above (not included): give one of them.")
    start = low if low is not None else above
    if start is not None and high is not None and not start < high:  # type: ignore[operator]
        raise DomainError(f"The range must begin below high, got {start!r} and {high!r}: no value lies in there.")

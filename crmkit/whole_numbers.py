"""Whole numbers that callers give: days, periods, bands. Half a day would go wrong far from where it was given."""

from __future__ import annotations

import math
from numbers import Integral

from crmkit.errors import DomainError


def is_whole(value: object, least: int, most: float = math.inf) -> bool:
    """Whether an argument is a whole number of Python or NumPy within its domain; true and false are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most


def checked_whole(value: object, name: str, *, most: int, least: int = 1, unit: str = "") -> int:
    """Refuse what is no whole number from `least` to `most`.

    Parameters
    ----------
    value : int
        Of Python or NumPy.
    name, unit : str
        What the error calls it, and what it counts.

    Raises
    ------
    DomainError
        It is none.
    """
    if not isinstance(value, Integral) or not is_whole(value, least, most):
        of = f" ({unit})" if unit else ""
        raise DomainError(f"{name} must be a whole number from {least} to {most}{of}, got {value!r}.")
    return int(value)

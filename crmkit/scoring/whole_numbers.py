"""Whole numbers that callers give: days, bands, bins."""

from __future__ import annotations

from numbers import Integral

from crmkit.errors import DomainError


def checked_whole(value: object, name: str, *, most: int, least: int = 1, unit: str = "") -> int:
    """Refuse what is no whole number from `least` to `most`; true and false are none.

    Parameters
    ----------
    value : int
        Of Python or NumPy.
    name, unit : str
        What the error calls it, and what it counts.
    """
    whole = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if whole is None or not least <= whole <= most:
        of = f" ({unit})" if unit else ""
        raise DomainError(f"{name} must be a whole number from {least} to {most}{of}, got {value!r}.")
    return whole

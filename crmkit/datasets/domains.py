"""Checks of assumptions: each refuses what lies outside its domain, in words."""

import math

from crmkit.errors import DomainError


def positive(owner: str, **values: float) -> None:
    """Refuse what is not finite and above 0."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise DomainError(f"{owner}.{name} must be finite and above 0, got {value}.")


def not_negative(owner: str, **values: float) -> None:
    """Refuse what is not finite and at least 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise DomainError(f"{owner}.{name} must be finite and at least 0, got {value}.")


def finite(owner: str, **values: float) -> None:
    """Refuse infinities and NaN."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise DomainError(f"{owner}.{name} must be finite, got {value}.")


def share(owner: str, **values: float) -> None:
    """Refuse what is no share."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise DomainError(f"{owner}.{name} must lie in [0, 1], got {value}.")


def inner_share(owner: str, **values: float) -> None:
    """Refuse what is no share, or is all or nothing."""
    for name, value in values.items():
        if not 0 < value < 1:
            raise DomainError(f"{owner}.{name} must lie in (0, 1), got {value}.")


def shares(name: str, values: tuple[float, ...], *, count: int) -> None:
    """Refuse what is not `count` shares of one whole."""
    if len(values) != count or count == 0 or min(values) < 0 or not math.isclose(sum(values), 1.0, abs_tol=1e-9):
        raise DomainError(f"{name} must hold {count} shares of at least 0 that sum to 1, got {values}.")


def one_each(name: str, values: tuple[float, ...], *, count: int) -> None:
    """Refuse what is not one finite number for each of `count` things."""
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise DomainError(f"{name} must hold {count} finite numbers, got {values}.")


def different(name: str, values: tuple[str, ...]) -> None:
    """Refuse no names, empty names and repeated names."""
    if not values or not all(values) or len(set(values)) != len(values):
        raise DomainError(f"{name} must hold different names, at least one, got {values}.")

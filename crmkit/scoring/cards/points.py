"""Points as whole numbers: sums are exact, in every order and on every engine."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import narwhals.stable.v2 as nw

from crmkit.errors import DomainError

# Points have two decimals and decay in whole percent: all that can be left of a point is a ten-thousandth.
UNITS: Final = 10_000
PERCENT: Final = 100
_MOST = 1_000_000


def hundredths(points: float) -> int:
    """Points in hundredths."""
    return int(Decimal(repr(points)).scaleb(2))


def units(points: float) -> int:
    """Points in ten-thousandths."""
    return hundredths(points) * PERCENT


def as_points(column: nw.Expr) -> nw.Expr:
    """Points of a column in ten-thousandths; float64."""
    return column.cast(nw.Float64) / float(UNITS)


def check_points(points: object, field: str) -> None:
    """Refuse what is no number of points: more than two decimals, beyond a million, no number."""
    if isinstance(points, bool) or not isinstance(points, int | float) or not math.isfinite(points):
        raise DomainError(f"{field} must be a number of points, got {points!r}.")
    if abs(points) > _MOST:
        raise DomainError(f"{field} must lie within a million points, got {points!r}.")
    if Decimal(repr(points)).scaleb(2) % 1:
        raise DomainError(f"{field} must have at most two decimals, got {points!r}.")

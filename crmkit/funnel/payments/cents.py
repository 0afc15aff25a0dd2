"""Money as whole cents, so that sums are exact on every engine."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.errors import SchemaError

_LARGEST: Final = 1e11  # times 100 cents, times 100 percent, and summed: far inside 64 bits, where floats hold cents


def cents(amount: nw.Expr) -> nw.Expr:
    """Count an amount of money in whole cents, halves up."""
    # .285 * 100 is 28.499999999999996: six decimals are what an amount has, the rest is binary.
    return ((amount.cast(nw.Float64) * 100.0).round(6) + 0.5).floor().cast(nw.Int64)


def in_money(count: nw.Expr) -> nw.Expr:
    """Give whole cents as money."""
    return frames.money(count.cast(nw.Float64) / 100.0)


def checked_sizes(rows: frames.Frame, name: str) -> None:
    """Refuse amounts that 64 bits of cents can't sum."""
    found = frames.arrays(rows.select(most=nw.col("amount").max()), ["most"])["most"]
    if len(found) and found[0] is not None and float(found[0]) > _LARGEST:
        raise SchemaError(
            f"{name}.amount: the largest is {float(found[0]):g}; expected at most {_LARGEST:g}, to count in cents.\n"
            f"Was it read in a wrong unit?"
        )

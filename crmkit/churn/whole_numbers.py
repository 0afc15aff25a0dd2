"""Days, periods and counts are whole numbers: 90.5 days would go wrong far from where they were given."""

from __future__ import annotations

import math
from numbers import Integral


def is_whole(value: object, least: int, most: float = math.inf) -> bool:
    """Whether an argument is a whole number within its domain; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most

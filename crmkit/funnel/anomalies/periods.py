"""Days, weeks and months as whole numbers."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError

Period: TypeAlias = Literal["day", "week", "month"]
I64 = NDArray[np.int64]
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
SEASONS: Final = {"day": 7, "week": 1, "month": 12}


def checked_period(period: Period) -> Period:
    """Refuse what is no period."""
    if period not in SEASONS:
        raise DomainError(f'period must be "day", "week" or "month", got {period!r}.')
    return period


def with_period(rows: frames.Frame, column: str, period: Period) -> frames.Frame:
    """Add `at`, the number of the period that a date column falls in; weeks begin on Monday."""
    if period == "month":
        return frames.with_month_numbers(rows, at=column)
    numbered = frames.with_day_numbers(rows, at=column)
    return numbered if period == "day" else numbered.with_columns(at=(nw.col("at") + 6) // 7)


def number_of(day: dt.date, period: Period) -> int:
    """Give the number of the period of a day."""
    if period == "month":
        return 12 * day.year + day.month - 1
    return day.toordinal() if period == "day" else (day.toordinal() + 6) // 7


def first_days(at: I64, period: Period) -> NDArray[np.datetime64]:
    """Give the first days of periods."""
    if period == "month":
        return np.asarray((at - 12 * 1970).astype("datetime64[M]").astype("datetime64[us]"))
    ordinal = at if period == "day" else 7 * at - 6
    return np.asarray((ordinal - _EPOCH).astype("datetime64[D]").astype("datetime64[us]"))


def season_of(at: I64, period: Period) -> I64:
    """Place of a period in its cycle: weekday of a day (Monday 0), month of a month (January 0), 0 for weeks."""
    return (at + 6) % 7 if period == "day" else at % SEASONS[period]

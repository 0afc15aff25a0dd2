"""Calendar periods as numbers: weeks from Monday, months, quarters."""

from __future__ import annotations

import datetime as dt
from typing import Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import wilson_ends

Period: TypeAlias = Literal["week", "month", "quarter"]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_MONTHS = {"month": 1, "quarter": 3}


def checked_period(period: Period) -> None:
    """Refuse a period that is none."""
    if period not in ("week", "month", "quarter"):
        raise DomainError(f'period must be "week", "month" or "quarter", got {period!r}.')


def with_periods(frame: frames.Frame, period: Period, **dates: str) -> frames.Frame:
    """Add the numbers of the periods that date columns lie in; the keyword is the new name."""
    if period == "week":  # day 1 of the calendar was a Monday
        days = frames.with_day_numbers(frame, **dates)
        return days.with_columns(**{new: (nw.col(new) - 1) // 7 for new in dates})
    months = frames.with_month_numbers(frame, **dates)
    return months.with_columns(**{new: nw.col(new) // _MONTHS[period] for new in dates})


def first_days(numbers: I64, period: Period) -> NDArray[np.datetime64]:
    """Give the first day of each period."""
    if period == "week":
        return (7 * numbers + 1 - dt.date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    return (_MONTHS[period] * numbers - 12 * 1970).astype("datetime64[M]").astype("datetime64[D]")


def open_period(as_of: dt.date, period: Period) -> int:
    """Give the number of the period that is not over at the end of a day; those before it are."""
    after = as_of.toordinal() + 1
    if period == "week":
        return (after - 1) // 7
    day = dt.date.fromordinal(after)
    return (12 * day.year + day.month - 1) // _MONTHS[period]


def share_columns(x: F64, n: F64, level: float, name: str, low: str = "low", high: str = "high") -> dict[str, F64]:
    """Write shares x of n with Wilson's interval; missing where n is 0 or x is not known."""
    known = (n > 0.0) & np.isfinite(x)
    ends = np.full((len(n), 2), np.nan)
    for i in np.flatnonzero(known):
        ends[i] = wilson_ends(float(x[i] / n[i]), float(n[i]), level=level)
    share = np.where(known, x / np.where(known, n, 1.0), np.nan)
    return {name: np.round(share, 9), low: np.round(ends[:, 0], 9), high: np.round(ends[:, 1], 9)}

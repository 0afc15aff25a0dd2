"""Working hours: which seconds count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.models.working_time import DAY, DayClock, day_clock, worked

Opening = tuple[tuple[dt.time, dt.time], ...]
_EPOCH: Final = dt.date(1970, 1, 1)
_AHEAD: Final = 30_000  # days: moments from 1900 on become positive
_NINE_TO_SIX: Final[Opening] = ((dt.time(9), dt.time(18)),)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Opening hours of a week, and the days without any.

    Attributes
    ----------
    week : tuple of 7 tuples of (opens, closes)
        `datetime.time`, whole seconds, Monday first; spans of a day ascend. Empty: closed. 00:00 as closing time is
        the end of the day.
    holidays : tuple of date
        Days on which nobody works.
    """

    week: tuple[Opening, ...]
    holidays: tuple[dt.date, ...] = ()

    def __post_init__(self) -> None:
        """Refuse weeks that are none."""
        if len(self.week) != 7:
            raise DomainError(f"week must hold the opening hours of 7 days, Monday first, got {len(self.week)}.")
        for spans in self.spans:
            edges = [edge for span in spans for edge in span]
            if any(later <= earlier for earlier, later in pairwise(edges)):
                raise DomainError(
                    "Opening hours of a day must ascend and not touch, such as ((9:00, 12:00), (13:00, 18:00)), got "
                    f"{[str(dt.timedelta(seconds=edge)) for edge in edges]}."
                )
        if not any(self.spans):
            raise DomainError("week must open on one day at least; got none.")

    @property
    def spans(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Opening hours in seconds after midnight."""
        return tuple(tuple((_second(a), _second(b) or DAY) for a, b in day) for day in self.week)


def with_elapsed(
    rows: frames.Frame, start: str, ends: Mapping[str, str | int], hours: WorkingHours | None
) -> frames.Frame:
    """Add whole seconds from a column of seconds since 1970 to others, 0 where the end comes first.

    `ends` maps the new name to a column or to a moment that all rows share.
    """
    moments: dict[str, nw.Expr] = {}
    if hours is None:
        since: nw.Expr = nw.col(start)
        moments = {new: nw.lit(end) if isinstance(end, int) else nw.col(end) for new, end in ends.items()}
    else:
        columns = [start, *(end for end in ends.values() if isinstance(end, str))]
        shared = [end for end in ends.values() if isinstance(end, int)]
        clock = _clock_of(rows, columns, shared, hours)
        for column in columns:
            rows = _with_worked(rows, column, f"worked_{column}", _as_columns(clock))
        since = nw.col(f"worked_{start}")
        for new, end in ends.items():
            is_shared = isinstance(end, int)
            moments[new] = nw.lit(int(worked(np.array([end]), clock)[0])) if is_shared else nw.col(f"worked_{end}")
    gone = {new: moment - since for new, moment in moments.items()}
    return rows.with_columns(
        **{new: nw.when(length > 0).then(length).otherwise(0).cast(nw.Int64) for new, length in gone.items()}
    )


def _clock_of(rows: frames.Frame, columns: list[str], shared: list[int], hours: WorkingHours) -> DayClock:
    """Lay out the opening hours of all days that the moments fall on."""
    ends = {f"{column}_{end}": getattr(nw.col(column), end)() for column in columns for end in ("min", "max")}
    cells = [float(cell[0]) for cell in frames.arrays(rows.select(**ends), list(ends)).values() if cell[0] is not None]
    known = [*shared, *(int(cell) for cell in cells if not np.isnan(cell))] or [0]
    holidays = [(frames.as_day(day) - _EPOCH).days for day in hours.holidays]
    return day_clock(min(known) // DAY, max(known) // DAY, hours.spans, holidays)


def _as_columns(clock: DayClock) -> dict[str, NDArray[np.int64]]:
    table = {"clock_day": clock.day, "clock_before": clock.before}
    for k in range(clock.opens.shape[1]):
        table |= {f"clock_open_{k}": clock.opens[:, k], f"clock_close_{k}": clock.closes[:, k]}
    return table


def _with_worked(rows: frames.Frame, moment: str, name: str, table: dict[str, NDArray[np.int64]]) -> frames.Frame:
    """Add the working seconds up to a column of moments; times before 1970 are refused by the schema's years."""
    shifted = nw.col(moment) + _AHEAD * DAY  # engines divide negative numbers differently
    dated = rows.with_columns(clock_day=shifted // DAY - _AHEAD)
    joined = frames.join_small(dated, table, on=["clock_day"])
    rest = nw.col(moment) - nw.col("clock_day") * DAY
    total = nw.col("clock_before")
    for k in range(sum(column.startswith("clock_open") for column in table)):
        opens, closes = nw.col(f"clock_open_{k}"), nw.col(f"clock_close_{k}")
        until = nw.when(rest < closes).then(rest).otherwise(closes)
        total = total + nw.when(until > opens).then(until - opens).otherwise(0)
    return joined.with_columns(total.cast(nw.Int64).alias(name)).drop(*table)


def _second(time: dt.time) -> int:
    if time.microsecond or time.tzinfo is not None:
        raise DomainError(f"Opening hours must be whole seconds of local time, got {time}.")
    return 3600 * time.hour + 60 * time.minute + time.second


OFFICE_HOURS: Final = WorkingHours((*(_NINE_TO_SIX,) * 5, (), ()))

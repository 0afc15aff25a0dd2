"""Working hours: which seconds count."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.models.working_time import DAY, day_clock

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


def with_elapsed(rows: frames.Frame, start: str, end: str, hours: WorkingHours | None) -> frames.Frame:
    """Add `elapsed`: whole seconds from one column of seconds since 1970 to another, 0 where the end comes first."""
    if hours is None:
        gone = nw.col(end) - nw.col(start)
        return rows.with_columns(elapsed=nw.when(gone > 0).then(gone).otherwise(0).cast(nw.Int64))
    ends = rows.select(
        first=nw.col(start).min(), second=nw.col(end).min(), third=nw.col(start).max(), last=nw.col(end).max()
    )
    found = [float(cell[0]) for cell in frames.arrays(ends, ["first", "second", "third", "last"]).values()]
    known = [int(cell) for cell in found if not np.isnan(cell)] or [0]
    table = _small_table(min(known) // DAY, max(known) // DAY, hours)
    both = _with_worked(_with_worked(rows, start, "worked_start", table), end, "worked_end", table)
    gone = nw.col("worked_end") - nw.col("worked_start")
    return both.with_columns(elapsed=nw.when(gone > 0).then(gone).otherwise(0).cast(nw.Int64)).drop(
        "worked_start", "worked_end"
    )


def _small_table(first: int, last: int, hours: WorkingHours) -> dict[str, np.ndarray]:
    holidays = [(frames.as_day(day) - _EPOCH).days for day in hours.holidays]
    clock = day_clock(first, last, hours.spans, holidays)
    table = {"clock_day": clock.day, "clock_before": clock.before}
    for k in range(clock.opens.shape[1]):
        table |= {f"clock_open_{k}": clock.opens[:, k], f"clock_close_{k}": clock.closes[:, k]}
    return table


def _with_worked(rows: frames.Frame, moment: str, name: str, table: dict[str, np.ndarray]) -> frames.Frame:
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

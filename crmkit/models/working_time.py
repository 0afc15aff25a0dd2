"""Working time: how many seconds of opening hours lie between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Span = tuple[int, int]
DAY: Final = 86_400
_THURSDAY: Final = 3  # 1970-01-01; Monday is 0


@dataclass(frozen=True, slots=True, eq=False)
class DayClock:
    """Opening hours of consecutive days.

    Attributes
    ----------
    day : int64, shape (d,)
        Days since 1970-01-01, consecutive.
    before : int64, shape (d,)
        Working seconds of the days before, from the first one on.
    opens, closes : int64, shape (d, k)
        Seconds after midnight; spans that a day lacks have length 0.
    """

    day: I64
    before: I64
    opens: I64
    closes: I64


def day_clock(first: int, last: int, week: Sequence[Sequence[Span]], holidays: Sequence[int]) -> DayClock:
    """Lay out the opening hours of the days from `first` to `last`.

    Parameters
    ----------
    first, last : int
        Days since 1970-01-01.
    week : sequence of 7 sequences of (open, close)
        Seconds after midnight, Monday first; spans of one day ascend and do not overlap.
    holidays : sequence of int
        Days since 1970-01-01 on which nobody works.
    """
    day = np.arange(first, last + 1, dtype=np.int64)
    spans = max(1, *(len(hours) for hours in week))
    table = np.zeros((2, 7, spans), dtype=np.int64)
    for weekday, hours in enumerate(week):
        for k, (start, end) in enumerate(hours):
            table[:, weekday, k] = start, end
    opens, closes = table[:, (day + _THURSDAY) % 7]
    free = np.isin(day, np.asarray(holidays, dtype=np.int64))
    closes = np.where(free[:, None], opens, closes)
    length = (closes - opens).sum(axis=1)
    return DayClock(day, np.cumsum(length) - length, opens, closes)


def worked(moment: I64, clock: DayClock) -> I64:
    """Working seconds from the first day of a clock to moments in its days.

    Parameters
    ----------
    moment : int64, shape (n,)
        Seconds since 1970-01-01.
    """
    day = moment // DAY
    at, rest = day - clock.day[0], (moment - day * DAY)[:, None]
    inside = np.clip(rest - clock.opens[at], 0, clock.closes[at] - clock.opens[at]).sum(axis=1)
    return np.asarray(clock.before[at] + inside, dtype=np.int64)

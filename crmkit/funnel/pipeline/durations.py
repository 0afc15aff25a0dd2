"""How long deals stay in each stage and take as a whole, those that are open included."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import I64, NEVER, OPEN, DealLog, read_deals, standing
from crmkit.funnel.pipeline.shares import Span, groups_of
from crmkit.models.kaplan_meier import Median, kaplan_meier, median_of

CYCLE = "sales cycle"


def stage_durations(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    since: dt.date,
    by: str | None = None,
    ignore: Sequence[str] = (),
    level: float = 0.95,
) -> IntoFrameT:
    """Say how long deals stay in each stage, and from the start to the closing, at the pace of a period.

    Open deals count as long as they have lasted: the mean of the closed ones alone is too short, as the slow ones are
    still open. The pace is that of the period: a deal counts on the days of the period on which it was in the stage, at
    the age that it had, whenever it began. So two periods can be compared though neither saw its own deals to the end.

    Parameters
    ----------
    deals, as_of, stages, since, by, ignore, level
        As for `funnel_table`.

    Returns
    -------
    data frame like `deals`
        One row per group and stage, and one for the "sales cycle" (from the first row to the closing, won or lost): the
        column `by` (text; not there without it), `place` (from 1; 0 for the cycle), `stage`, `watched` (stays that the
        period saw), `ended` (in it), `median_days` with `low`, `high` (missing where the stays of the period do not
        come down to a half), `watched_before`, `ended_before`, `median_before`, `change_days` with `change_low`,
        `change_high`, `verdict` ("up": longer, "down": shorter, "not told apart", "" where a median is missing).

    Notes
    -----
    Kaplan-Meier with delayed entry: at each age, those who ended of those who were there on a day of the period.
    Interval of a median by Brookmeyer and Crowley; of the change by the distances of both to the ends of their
    intervals, squared and added; if an end is missing, so is that of the change. Days are calendar days; a stay that
    ends on its first day lasts 0. A deal that comes back to a stage stays anew.

    References
    ----------
    Kaplan & Meier (1958), JASA 53(282); Brookmeyer & Crowley (1982), Biometrics 38(1); Zou & Donner (2008),
    "Construction of confidence limits about effect measures", Statistics in Medicine 27(10), equation 4.
    """
    period = shares.span(since, as_of)
    log = read_deals(deals, as_of=as_of, stages=stages, ignore=ignore, texts=shares.checked_by(by))
    shares.checked_level(level)
    group, names = groups_of(log, by)
    rows = []
    for place, stays in enumerate(_kinds(log)):
        of = group[stays.deal]
        rows += [(name, place, _row(stays.of(of == i), period, level)) for i, name in enumerate(names)]
    rows.sort(key=lambda row: (row[0], row[1] or NEVER))
    stage = [CYCLE if place == 0 else log.stages[place - 1] for _, place, _ in rows]
    head = {} if by is None else {by: shares.texts(name for name, _, _ in rows)}
    kinds = {**dict.fromkeys(_ORDER, np.float64), **dict.fromkeys(_COUNTS, np.int64), "verdict": object}
    columns = {name: np.array([figures[name] for _, _, figures in rows], dtype=kinds[name]) for name in _ORDER}
    places = np.array([place for _, place, _ in rows], dtype=np.int64)
    return frames.build({**head, "place": places, "stage": shares.texts(stage), **columns}, like=deals)


_COUNTS = ("watched", "ended", "watched_before", "ended_before")
_ORDER = (
    *("watched", "ended", "median_days", "low", "high", "watched_before", "ended_before", "median_before"),
    *("change_days", "change_low", "change_high", "verdict"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Stays: whose, from which day, to which (NEVER while it lasts); int64, shape (n,)."""

    deal: I64
    first: I64
    last: I64

    def of(self, kept: NDArray[np.bool_]) -> Stays:
        """Take some of them."""
        return Stays(self.deal[kept], self.first[kept], self.last[kept])


def stays_in(log: DealLog) -> tuple[Stays, I64]:
    """Stays in stages, and the stage of each: from its row to the next one of the deal that moves it on.

    Rows without a stage of the list (those to be ignored) end no stay.
    """
    kept = np.flatnonzero((log.place >= 0) | (log.outcome != OPEN))
    deal, day, place = log.deal[kept], log.day[kept], log.place[kept]
    closing = log.outcome[kept] != OPEN
    last = np.full(len(kept), NEVER, dtype=np.int64)
    same = deal[1:] == deal[:-1]
    last[:-1][same] = day[1:][same]
    real = ~closing & (place >= 0)
    return Stays(deal[real], day[real], last[real]), place[real]


def _kinds(log: DealLog) -> Iterator[Stays]:
    found = standing(log)
    known = np.flatnonzero(found.known)
    yield Stays(known, found.started[known], found.closed[known])
    stays, place = stays_in(log)
    for one in range(len(log.stages)):
        yield stays.of(place == one)


def _row(stays: Stays, period: Span, level: float) -> dict[str, Any]:
    (now, watched, ended), (then, watched_before, ended_before) = (
        _median(stays, one, level) for one in (period, period.before)
    )
    change, low, high = _change(then, now)
    verdict = shares.UNKNOWN if math.isnan(change) else shares.told(_or(low, -math.inf), _or(high, math.inf))
    return {
        "watched": watched,
        "ended": ended,
        "median_days": _number(now.value),
        "low": _number(now.low),
        "high": _number(now.high),
        "watched_before": watched_before,
        "ended_before": ended_before,
        "median_before": _number(then.value),
        "change_days": change,
        "change_low": low,
        "change_high": high,
        "verdict": verdict,
    }


def _median(stays: Stays, period: Span, level: float) -> tuple[Median, int, int]:
    """Median at the pace of a period, and how many stays it saw, and saw end."""
    seen = stays.of((stays.first <= period.last) & (stays.last >= period.first))
    if not len(seen.first):
        return Median(None, None, None), 0, 0
    ended = seen.last <= period.last
    age = np.minimum(seen.last, period.last) - seen.first
    # Whoever began before the period is watched from the age of its first day on.
    entry = np.where(seen.first < period.first, period.first - 1 - seen.first, -1)
    curve = kaplan_meier(age, ended, entry=entry, level=level)
    return median_of(curve), len(age), int(ended.sum())


def _change(then: Median, now: Median) -> tuple[float, float, float]:
    if then.value is None or now.value is None:
        return math.nan, math.nan, math.nan
    change, low, high = now.value - then.value, math.nan, math.nan
    if now.low is not None and then.high is not None:
        low = change - math.hypot(now.value - now.low, then.high - then.value)
    if now.high is not None and then.low is not None:
        high = change + math.hypot(now.high - now.value, then.value - then.low)
    return change, round(low, 9), round(high, 9)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _or(value: float, other: float) -> float:
    return other if math.isnan(value) else value

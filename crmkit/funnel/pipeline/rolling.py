"""Forecasts of the past, month after month, each from what was known then, beside naive ones."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmkit.funnel.pipeline.log import F64, DealLog
from crmkit.funnel.pipeline.sales_ahead import Ahead, Past, ahead, can_look_ahead
from crmkit.models import forecast_scores as scores

NAIVE = ("last period", "same period of last year", "mean of three")
# An interval starts with the variance of the model, worth so many tests.
_PRIOR = 3.0
# Fewer tests say nothing of which is better.
_LEAST = 6


@dataclass(frozen=True, slots=True)
class Window:
    """Days (origin + after, origin + until] that are forecast; `kind` is "month" or "total"."""

    kind: str
    after: int
    until: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Tested:
    """A forecast of the past and what came.

    Attributes
    ----------
    origin : int
    window : Window
    made : Ahead
    inflation : float
        By which the variance is multiplied, from the tests before it alone.
    actual : float
    naive : tuple of float
        In the order of `NAIVE`; NaN where the log does not reach back.
    """

    origin: int
    window: Window
    made: Ahead
    inflation: float
    actual: float
    naive: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """How forecasts of a window did.

    Attributes
    ----------
    tests : int
    wape, mape, coverage : float
        Errors summed over sales summed; mean of errors over sales (months without sales left out); share of the sales
        inside the interval. NaN without tests.
    naive, naive_wape : str, float
        The best of the naive forecasts on the same months; "" and NaN if there is none.
    verdict : str
        "better" or "worse" than the best naive one (95 % interval of the difference of the errors), "no better", or
        "too few".
    inflation : float
        For the next forecast.
    """

    tests: int
    wape: float
    mape: float
    coverage: float
    naive: str
    naive_wape: float
    verdict: str
    inflation: float


def windows(origin: dt.date, months: int) -> list[Window]:
    """Months from the day after an origin on, the first perhaps the rest of a month, and all of them together."""
    found, day, start = [], origin + dt.timedelta(days=1), origin.toordinal()
    for _ in range(months):
        last = dt.date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])
        found.append(
            Window("month", day.toordinal() - 1 - start, last.toordinal() - start, day.toordinal(), last.toordinal())
        )
        day = last + dt.timedelta(days=1)
    return [*found, Window("total", 0, found[-1].until, start + 1, found[-1].last)]


def months_before(day: dt.date, months: int) -> dt.date:
    """Give the same day of an earlier month; the last day of a month goes to the last day of a month."""
    month = 12 * day.year + day.month - 1 - months
    length = calendar.monthrange(month // 12, month % 12 + 1)[1]
    is_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return dt.date(month // 12, month % 12 + 1, length if is_last else min(day.day, length))


def rehearsed(log: DealLog, as_of: dt.date, months: int, tests: int) -> list[list[Tested]]:
    """Forecasts of the past for each window of `windows`, oldest first, at most so many.

    An origin counts for a window if that is over by `as_of`. The variance of each is scaled by how far the tests before
    it, whose outcome was known by then, lay off in units of their own.
    """
    whole = Past.of(log, as_of.toordinal())
    found: list[list[Tested]] = [[] for _ in range(months + 1)]
    for back in range(tests + months, 0, -1):
        origin = months_before(as_of, back)
        past = Past.of(log, origin.toordinal())
        for place, window in enumerate(windows(origin, months)):
            over = window.last <= as_of.toordinal() and back - (months if window.kind == "total" else place + 1) < tests
            if over and can_look_ahead(past, window.after, window.until):
                known = [one for one in found[place] if one.window.last <= past.origin]
                found[place].append(
                    Tested(
                        past.origin,
                        window,
                        ahead(past, window.after, window.until),
                        inflation(known),
                        whole.won_between(window.first, window.last),
                        _naive(past, window),
                    )
                )
    return found


def inflation(tests: Sequence[Tested]) -> float:
    """Mean squared error in units of the model's variance, drawn to 1, at least 1."""
    squares = [
        (one.actual - one.made.total.mean) ** 2 / one.made.total.variance
        for one in tests
        if one.made.total.variance > 0.0
    ]
    return max(1.0, (_PRIOR + sum(squares)) / (_PRIOR + len(squares)))


def record(tests: Sequence[Tested], level: float) -> Record:
    """Sum tests up."""
    if not tests:
        return Record(0, np.nan, np.nan, np.nan, "", np.nan, "too few", 1.0)
    actual = np.array([one.actual for one in tests])
    errors = np.abs(actual - [one.made.total.mean for one in tests])
    ends = [one.made.total.interval(level=level, inflation=one.inflation) for one in tests]
    inside = [low <= one.actual <= high for one, (low, high) in zip(tests, ends, strict=True)]
    sold = actual > 0.0
    name, wape, verdict = _against(tests, actual, errors)
    return Record(
        len(tests),
        _over(errors, actual),
        float((errors[sold] / actual[sold]).mean()) if sold.any() else np.nan,
        float(np.mean(inside)),
        name,
        wape,
        verdict,
        inflation(tests),
    )


def _against(tests: Sequence[Tested], actual: F64, errors: F64) -> tuple[str, float, str]:
    """Compare with the naive forecast that did best on the same tests."""
    naive = np.array([one.naive for one in tests])
    missed = np.abs(naive - actual[:, None])
    there = ~np.isnan(naive).any(axis=0)
    if not there.any():
        return "", np.nan, "too few"
    best = int(np.argmin(np.where(there, missed.sum(axis=0), np.inf)))
    wape = _over(missed[:, best], actual)
    if len(tests) < _LEAST:
        return NAIVE[best], wape, "too few"
    ahead_by = scores.mean_of(missed[:, best] - errors)
    better, worse = (ahead_by.low or 0.0) > 0.0, (ahead_by.high or 0.0) < 0.0
    return NAIVE[best], wape, "better" if better else "worse" if worse else "no better"


def _naive(past: Past, window: Window) -> tuple[float, ...]:
    days = window.last - window.first + 1
    spans = ((past.origin - days + 1, 1.0), (past.origin - 3 * days + 1, 3.0))
    last, three = (
        past.won_between(first, past.origin) / parts if first >= past.first else np.nan for first, parts in spans
    )
    year = past.won_between(window.first - 365, window.last - 365) if window.first - 365 >= past.first else np.nan
    return last, year, three


def _over(errors: F64, actual: F64) -> float:
    return float(errors.sum() / actual.sum()) if actual.sum() > 0.0 else np.nan

"""A season clock: the calendar measured in operational days, which pass faster in months when the base buys more."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import DomainError
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.stored import read_stored

_MONTH_DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_FIRST = dt.date(1900, 1, 1).toordinal()
_EPOCH = dt.date(1970, 1, 1).toordinal()
# Beyond this many days ahead a year is a year: the clock runs at its mean speed.
_AHEAD = 3 * 366


@dataclass(frozen=True, slots=True)
class SeasonClock:
    """Operational days per calendar day, by calendar month; a year has as many of the one as of the other.

    If the whole base buys with an index s(t), a purchase process holds on the clock that s drives: gaps, t_x, T and
    horizons are integrals of s, and the likelihood takes the Jacobian sum of log s(order days).

    Attributes
    ----------
    index : tuple of 12 floats
        January to December; above 0, scaled to a mean of 1 over the days of a year.
    """

    index: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.index) != 12 or not all(math.isfinite(s) and s > 0 for s in self.index):
            raise DomainError(f"SeasonClock.index must hold 12 finite numbers above 0, got {self.index}.")
        mean = float(np.average(self.index, weights=_MONTH_DAYS))
        mean = mean if abs(mean - 1.0) > 1e-12 else 1.0  # scaled already: what was stored comes back digit for digit
        object.__setattr__(self, "index", tuple(float(s) / mean for s in self.index))

    def position(self, days: I64) -> F64:
        """Operational days passed at the end of each day, counted from 1899-12-31.

        Parameters
        ----------
        days : int64, any shape
            `datetime.date.toordinal`, from 1899-12-31 on.
        """
        days = np.asarray(days, dtype=np.int64)
        if days.size and days.min() < _FIRST - 1:
            raise DomainError("The season clock starts on 1900-01-01; an earlier day was asked for.")
        return self._passed(int(days.max(initial=_FIRST)))[days - _FIRST + 1]

    def days_after(self, day: int, operational: F64) -> F64:
        """Calendar days after the end of `day` (an ordinal) until so many operational days have passed, same shape."""
        passed = self._passed(day + _AHEAD)[day - _FIRST + 1 :]
        ahead = np.interp(operational, passed - passed[0], np.arange(len(passed), dtype=np.float64))
        beyond = operational - (passed[-1] - passed[0])
        return np.asarray(np.where(beyond > 0, _AHEAD + beyond, ahead), dtype=np.float64)

    def days_within(self, day: int, days: F64) -> F64:
        """Operational days in so many calendar days after the end of `day`, same shape; inverts `days_after`."""
        passed = self._passed(day + _AHEAD)[day - _FIRST + 1 :]
        ahead = np.interp(days, np.arange(len(passed), dtype=np.float64), passed - passed[0])
        return np.asarray(ahead + np.maximum(days - _AHEAD, 0.0), dtype=np.float64)

    def histories(self, histories: Histories, day: int) -> Histories:
        """Put histories, observed to the end of `day`, on the clock; their `sum_log_gap` is taken to be on it already.

        Rows stay in their order.
        """
        first, last = day - histories.T, day - histories.T + histories.t_x
        at = self.position(np.stack([first, last, np.full(len(first), float(day))]).astype(np.int64))
        t_x, T = at[1] - at[0], at[2] - at[0]
        return Histories.in_order(histories.x, t_x, T, histories.sum_log_gap, histories.count)

    def to_json(self) -> str:
        """Return the clock as JSON."""
        return json.dumps({"crmkit": "season clock"} | asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned."""
        plain = read_stored(text, "season clock")
        return cls(tuple(plain["index"]))

    def _passed(self, last: int) -> F64:
        """Operational days at the end of 1899-12-31 and of every day since, up to `last`."""
        speed = np.array(self.index)[_months(np.arange(_FIRST, last + 1)) - 1]
        return np.concatenate([[0.0], np.cumsum(speed)])


def season_index(days: I64, observed: F64, expected: F64) -> tuple[float, ...]:
    """Season of a base from what it bought on each day against what a process without seasons expects.

    Parameters
    ----------
    days : int64, shape (n,)
        Ordinals, each once.
    observed, expected : float64, shape (n,)
        Repeat purchases on the day; expected of the same customers by the time since their first purchase, so that a
        growing base is no season.

    Returns
    -------
    tuple of 12 floats
        Above 0, mean 1. A month never seen has 1. The steady trend of observed against expected is taken out first:
        what the same months of following years differ by. Each ratio is drawn towards 1 by its noise:
        Poisson, inflated by what is left of the differences between years (gamma-Poisson shrinkage; Clayton & Kaldor
        (1987), Biometrics 43(3), with moments).
    """
    months, years = _months(days), _years(days)
    expected = _with_trend(days, months, years, observed, expected)
    expected = expected * (observed.sum() / max(float(expected.sum()), 1e-300))
    seen, mean = _by(months, 12, observed, 1), _by(months, 12, expected, 1)
    noise = _dispersion(months, years, observed, expected, seen, mean)
    known = (mean > 0) & (seen > 0)
    if known.sum() < 2:
        return (1.0,) * 12
    logs, weights = np.log(seen[known] / mean[known]), mean[known]
    spread = np.average((logs - np.average(logs, weights=weights)) ** 2, weights=weights)
    own = max(float(spread - np.average(noise / seen[known], weights=weights)), 1e-9)
    index = (seen / noise + 1.0 / own) / (mean / noise + 1.0 / own)
    return tuple(float(s) for s in index / np.average(index, weights=_MONTH_DAYS))


def expected_by_day(starts: F64, mean_by_age: F64) -> F64:
    """Repeat purchases that a process expects on each day, shape (n,).

    Parameters
    ----------
    starts : float64, shape (n,)
        Customers whose first purchase falls on the day.
    mean_by_age : float64, shape (n,)
        E[repeat purchases up to so many days after the first], from day 0.
    """
    per_day = np.diff(mean_by_age, prepend=0.0)
    size = 2 * len(starts)  # a convolution of hundreds to thousands of days
    product = np.fft.irfft(np.fft.rfft(starts, size) * np.fft.rfft(per_day, size), size)[: len(starts)]
    return np.maximum(product, 0.0)


def _dispersion(months: I64, years: I64, observed: F64, expected: F64, seen: F64, mean: F64) -> float:
    """Pearson's chi-square per degree of freedom of months in years, given month and year; at least 1."""
    o, e = _cells(months, years, observed, expected)
    e = e * (seen / np.maximum(mean, 1e-300))
    e *= (o.sum(axis=1) / np.maximum(e.sum(axis=1), 1e-300))[:, None]
    used = e > 1.0
    free = int(used.sum()) - int(used.any(axis=0).sum()) - int(used.any(axis=1).sum()) + 1
    return max(float(((o - e)[used] ** 2 / e[used]).sum()) / free, 1.0) if free > 0 else 1.0


def _with_trend(days: I64, months: I64, years: I64, observed: F64, expected: F64) -> F64:
    """Multiply the expected by the trend in time that the same months of following years show."""
    o, e = _cells(months, years, observed, expected)
    known = (o > 0) & (e > 1.0)
    both = known[1:] & known[:-1]
    if not both.any():
        return expected
    logs = np.log(np.where(known, o, 1.0) / np.where(known, e, 1.0))
    precision = 1.0 / (1.0 / np.where(known, o, 1.0)[1:] + 1.0 / np.where(known, o, 1.0)[:-1])
    per_year = float(np.average((logs[1:] - logs[:-1])[both], weights=precision[both]))
    return np.asarray(expected * np.exp(per_year * (days - days.mean()) / 365.25), dtype=np.float64)


def _cells(months: I64, years: I64, observed: F64, expected: F64) -> tuple[F64, F64]:
    """Sum up by year and month; each of shape (years, 12)."""
    start = int(years.min())
    span = int(years.max()) - start + 1
    cell = (years - start) * 12 + months - 1
    o, e = (np.bincount(cell, values, 12 * span).reshape(span, 12) for values in (observed, expected))
    return np.asarray(o, dtype=np.float64), np.asarray(e, dtype=np.float64)


def _by(key: I64, size: int, values: F64, start: int) -> F64:
    return np.asarray(np.bincount(key - start, values, size), dtype=np.float64)


def _dates(days: I64) -> NDArray[np.datetime64]:
    return np.asarray((days - _EPOCH).astype("datetime64[D]"))


def _months(days: I64) -> I64:
    return np.asarray(_dates(days).astype("datetime64[M]").astype(np.int64) % 12 + 1, dtype=np.int64)


def _years(days: I64) -> I64:
    return np.asarray(_dates(days).astype("datetime64[Y]").astype(np.int64) + 1970, dtype=np.int64)

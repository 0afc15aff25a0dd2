"""What will be sold in the months to come, with how wrong such forecasts have been."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import I64, DealLog, read_deals
from crmkit.funnel.pipeline.rolling import NAIVE, Record, Tested, Window, record, rehearsed, windows
from crmkit.funnel.pipeline.sales_ahead import Past, ahead

_EPOCH = dt.date(1970, 1, 1).toordinal()


def forecast_sales(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    months: int = 3,
    tests: int = 12,
    ignore: Sequence[str] = (),
    level: float = 0.8,
) -> IntoFrameT:
    """Say how much will be won this month, in the next ones and in all of them, and how far off such forecasts were.

    Parameters
    ----------
    deals : data frame, `schema.DEALS`
        One row per deal and stage entered, with `amount`; a won deal without one counts as 0.
    as_of : date
        Last day known, inclusive. The first month is the one of the day after it, its days so far apart.
    stages : sequence of str
        In their order.
    months : int
        1 to 24; 3 from the end of a quarter on are the next quarter.
    tests : int
        Past months from which forecasts are rehearsed, 0 to 60.
    ignore : sequence of str
        Further stages that may occur.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `deals`
        One row per month, then one for all: `kind` ("month", "total"), `first_day`, `last_day` (dates), `won_so_far`
        (in the month or months before the first day), `from_open` (expected of the deals that are open), `from_new` (of
        those to come), `forecast` (the sum of all three), `low`, `high` (money, 6 decimals), `tests` (how many),
        `wape` (absolute errors over sales), `mape` (mean of errors over sales), `coverage` (share of the sales inside
        the interval; should be `level`), `naive` (the best of "last period", "same period of last year", "mean of
        three"), `naive_wape`, `verdict` ("better", "no better" or "worse" than that, "too few" tests).

    Raises
    ------
    FitError
        The log is shorter than the months, or nothing was won yet.
    DomainError
        An argument is out of its domain.

    Notes
    -----
    - Open deals: the share of those that stood in the stage as long, on monthly snapshots of the last year, that were
      won in such a window; drawn to that of the stage, and that to all, by 20 deals. Their amount is the last known,
      times what is paid of it on average; without one the mean of what was won in a year.
    - Deals to come: as many a day as in the last year, each won by its age as deals were (Aalen-Johansen).
    - Interval: mean and variance are closed forms (amounts with chances; a compound Poisson), the shape a gamma's. The
      variance is scaled by how far rehearsals lay off: chance alone is too narrow where whole months go well or badly.
    - Rehearsals: the same forecast from the same day of each month before, with what was known then; an interval only
      knows the tests before it. Windows of several months overlap, so their tests are not independent.

    References
    ----------
    Aalen & Johansen (1978), Scandinavian Journal of Statistics 5(3); van Houwelingen & Putter (2011), "Dynamic
    Prediction in Clinical Survival Analysis", section 7 (landmarks).
    """
    log, day = _read(deals, as_of, stages, ignore, months, tests, level)
    past = Past.of(log, day.toordinal())
    ahead_of = windows(day, months)
    made = [ahead(past, window.after, window.until) for window in ahead_of]
    records = [record(one, level) for one in rehearsed(log, day, months, tests)]
    rows = [_row(past, *cells, level) for cells in zip(ahead_of, made, records, strict=True)]
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return frames.build({**columns, **_texts(columns)}, like=deals)


def forecast_backtest(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    months: int = 3,
    tests: int = 12,
    ignore: Sequence[str] = (),
    level: float = 0.8,
) -> IntoFrameT:
    """List the forecasts that `forecast_sales` would have given in past months, and what came.

    Parameters
    ----------
    deals, as_of, stages, months, tests, ignore, level
        As for `forecast_sales`.

    Returns
    -------
    data frame like `deals`
        One row per origin and window that is over: `origin` (date: last day known), `kind` ("month", "total"),
        `first_day`, `last_day`, `forecast`, `low`, `high`, `actual` (money), `inside` (1 or 0), `last_period`,
        `same_period_of_last_year`, `mean_of_three` (naive forecasts; missing where the log does not reach back).
    """
    log, day = _read(deals, as_of, stages, ignore, months, tests, level)
    found = [one for part in rehearsed(log, day, months, tests) for one in part]
    found.sort(key=lambda one: (one.origin, one.window.kind, one.window.first))
    ends = [one.made.total.interval(level=level, inflation=one.inflation) for one in found]
    return frames.build(_listed(found, ends), like=deals)


def _read(
    deals: Any, as_of: dt.date, stages: Sequence[str], ignore: Sequence[str], months: int, tests: int, level: float
) -> tuple[DealLog, dt.date]:
    if not (1 <= months <= 24 and 0 <= tests <= 60):
        raise DomainError(f"months must lie between 1 and 24 and tests between 0 and 60, got {months} and {tests}.")
    shares.checked_level(level)
    if "amount" not in frames.column_names(deals):
        raise DomainError("deals has no column amount; expected the money of each deal.\nRename yours at the entrance.")
    return read_deals(deals, as_of=as_of, stages=stages, ignore=ignore), frames.as_day(as_of)


def _row(past: Past, window: Window, made: Any, known: Record, level: float) -> dict[str, Any]:
    low, high = made.total.interval(level=level, inflation=known.inflation)
    # The month in progress: from its first day to the origin.
    begun = dt.date.fromordinal(window.first).replace(day=1).toordinal()
    so_far = past.won_between(begun, past.origin) if window.after == 0 else 0.0
    return {
        "kind": window.kind,
        "first_day": window.first,
        "last_day": window.last,
        "won_so_far": round(so_far, 6),
        "from_open": round(made.of_open.mean, 6),
        "from_new": round(made.of_new.mean, 6),
        "forecast": round(so_far + made.total.mean, 6),
        "low": round(so_far + low, 6),
        "high": round(so_far + high, 6),
        "tests": known.tests,
        "wape": round(known.wape, 9),
        "mape": round(known.mape, 9),
        "coverage": round(known.coverage, 9),
        "naive": known.naive,
        "naive_wape": round(known.naive_wape, 9),
        "verdict": known.verdict,
    }


def _texts(columns: dict[str, Any]) -> dict[str, Any]:
    """Texts as such, and days as dates."""
    texts = {name: shares.texts(columns[name].tolist()) for name in ("kind", "naive", "verdict")}
    return {**texts, **{name: _dates(columns[name]) for name in ("first_day", "last_day")}}


def _dates(days: I64) -> Any:
    return (np.asarray(days, dtype=np.int64) - _EPOCH).astype("datetime64[D]")


def _listed(found: list[Tested], ends: list[tuple[float, float]]) -> dict[str, Any]:
    low, high = (np.array([end[i] for end in ends], dtype=np.float64).round(6) for i in (0, 1))
    actual = np.array([one.actual for one in found], dtype=np.float64).round(6)
    naive = np.array([one.naive for one in found], dtype=np.float64).reshape(-1, len(NAIVE)).round(6)
    return {
        "origin": _dates(np.array([one.origin for one in found])),
        "kind": shares.texts(one.window.kind for one in found),
        "first_day": _dates(np.array([one.window.first for one in found])),
        "last_day": _dates(np.array([one.window.last for one in found])),
        "forecast": np.array([one.made.total.mean for one in found], dtype=np.float64).round(6),
        "low": low,
        "high": high,
        "actual": actual,
        "inside": ((low <= actual) & (actual <= high)).astype(np.int64),
        **{name.replace(" ", "_"): naive[:, i] for i, name in enumerate(NAIVE)},
    }

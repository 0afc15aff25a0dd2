"""The newest figure of every series against its prediction from the periods before."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.funnel.anomalies.periods import (
    Period,
    checked_period,
    first_days,
    number_of,
    season_of,
    with_period,
)
from crmkit.funnel.anomalies.wording import reasons
from crmkit.models.multiple_tests import benjamini_hochberg
from crmkit.models.next_period import Judged, Kind, fit_series, judge_next
from crmkit.segment_maps import Locale, checked_locale

F64 = NDArray[np.float64]
Cells = dict[str, NDArray[Any]]
_LEAST_PERIODS: Final = 4
_FIGURES: Final = ("observed", "expected", "low", "high", "change", "p_value", "p_adjusted", "once_in", "dispersion")


def kpi_anomalies(
    kpis: IntoFrameT,
    *,
    as_of: dt.date,
    period: Period = "month",
    seasonal: bool = False,
    false_alarms: float = 0.05,
    least_change: float = 0.1,
    least_periods: int = 8,
    locale: Locale = "en",
) -> IntoFrameT:
    """Tell which series have an unusual newest figure, by what came before it, and how unusual it is.

    Parameters
    ----------
    kpis : data frame, `schema.KPIS`
        `group`, `period` (a day in it) and either `numerator` with `denominator` (a rate), `numerator` alone (a count),
        or `value`. Rows of one group and period add up (not values). `conversion_kpis` makes such a table of leads.
    as_of : date
        Periods that are not over by the end of this day are not seen.
    period : {"day", "week", "month"}
        Of the table; weeks begin on Monday. The newest one that is over in the table is judged.
    seasonal : bool
        Whether weekdays (of days) or months of the year (of months) differ; the season is common to all series.
    false_alarms : float
        Over all series: the expected share of false ones among those flagged, and the chance of any flag where nothing
        has changed; in (0, 1).
    least_change : float
        Smaller changes are not flagged, however certain: .1 is a tenth of what was expected; at least 0.
    least_periods : int
        Periods of history that a series needs, at least 4.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `kpis`
        One row per series, sorted by `group`: `period` (first day of the newest one), `history` (periods before it),
        `observed`, `expected` with `low`, `high` (prediction interval of level 1 - `false_alarms`, of this series
        alone), all three as rate, count or value; `change` (observed over expected, less 1), `p_value` (two-sided),
        `p_adjusted` (Benjamini-Hochberg over all series judged), `once_in` (1 / p_value: periods between two figures so
        unusual), `dispersion` (variance over that of pure chance; of a value, its variance), `verdict` ("drop", "rise",
        "small change", "usual", "too short", "no figure"), `reason`. Figures are missing for the last two.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        No kind of figure, or two values of one group and period; numerators that are no whole numbers, or above their
        denominators.

    Notes
    -----
    - The newest period is predicted, never fitted. Level: robust (Huber), so that an anomaly of last year hides none
      of today. Spread between periods beyond chance: estimated for each series, and its uncertainty counted.
    - A level that drifts shows as spread: cut the table to the periods that are like today.
    - Periods without a row are no zeros: counts need a row with 0.
    - Too short: fewer than `least_periods`; with `seasonal`, too, where the newest period's weekday or month occurs
      less than twice in the history of the series.

    References
    ----------
    Farrington, Andrews, Beale & Catchpole (1996), "A statistical algorithm for the early detection of outbreaks of
    infectious disease", JRSS A 159(3): prediction by overdispersed counts; Benjamini & Hochberg (1995), JRSS B 57(1).
    """
    checked_locale(locale)
    _check(false_alarms, least_change, least_periods, checked_period(period))
    kind, cells = _counted(kpis, as_of, period)
    names = np.unique(cells["group"].astype(str))
    series, at = np.searchsorted(names, cells["group"].astype(str)), cells["at"]
    newest = int(at.max()) if len(at) else 0
    history = np.bincount(series[at < newest], minlength=len(names))
    there = np.isin(np.arange(len(names)), series[at == newest])
    season = season_of(at, period) if seasonal else np.zeros_like(at)
    now = int(season_of(np.array([newest]), period)[0]) if seasonal else 0
    like = np.bincount(series[(at < newest) & (season == now)], minlength=len(names))
    long_enough = (history >= least_periods) & (~np.bool_(seasonal) | (like >= 2))
    verdict = np.where(there, np.where(long_enough, "usual", "too short"), "no figure").astype(object)
    figures = {name: np.full(len(names), np.nan) for name in _FIGURES}
    _fill(figures, verdict, kind, {**cells, "series": series, "season": season}, newest, false_alarms, least_change)
    many = np.full(len(names), newest, dtype=np.int64)
    columns: dict[str, Any] = {
        "group": names.astype(object),
        "period": first_days(many, period),
        "history": history.astype(np.int64),
        **{name: np.round(figure, 15 if name == "p_value" else 9) for name, figure in figures.items()},
        "verdict": verdict,
        "reason": reasons(figures, verdict, history, kind, least_periods, locale),
    }
    return frames.build(columns, like=kpis)


def _check(false_alarms: float, least_change: float, least_periods: int, period: Period) -> None:
    if not 0.0 < false_alarms < 1.0:
        raise DomainError(f"false_alarms must lie between 0 and 1, such as 0.05, got {false_alarms}.")
    if not 0.0 <= least_change < np.inf:
        raise DomainError(f"least_change must be at least 0, such as 0.1, got {least_change}.")
    if least_periods < _LEAST_PERIODS:
        raise DomainError(f"least_periods must be at least {_LEAST_PERIODS}, got {least_periods} (period {period!r}).")


def _counted(kpis: Any, as_of: dt.date, period: Period) -> tuple[Kind, Cells]:
    """Add up the rows of each group and period that is over: `group`, `at`, `y`, `n`."""
    names = [name for name in ("numerator", "denominator", "value") if name in frames.column_names(kpis)]
    kinds: dict[tuple[str, ...], Kind] = {
        ("numerator", "denominator"): "rate",
        ("numerator",): "count",
        ("value",): "value",
    }
    kind = kinds.get(tuple(names))
    if kind is None:
        raise SchemaError(
            f"kpis: figures in {', '.join(names) or 'no column'}; expected numerator with denominator (a rate), "
            f"numerator (a count) or value.\nGive one kind of figure at a time."
        )
    table = schema.narrowed(schema.KPIS, ("group", "period", *names))
    table = replace(table, columns=tuple(replace(column, nullable=False) for column in table.columns))
    rows = schema.admit(kpis, table)
    dated = with_period(rows.with_columns(day=nw.col("period").cast(nw.Date)), "day", period)
    over = number_of(frames.as_day(as_of) + dt.timedelta(days=1), period)
    past = dated.filter(nw.col("at") < over)
    sums = past.group_by("group", "at").agg(*[nw.col(name).sum() for name in names], rows=nw.len())
    cells = frames.arrays(sums.sort("group", "at"), ["group", "at", *names, "rows"])
    y = cells[names[0]].astype(np.float64)
    n = cells["denominator"].astype(np.float64) if kind == "rate" else np.ones(len(y))
    _check_figures(kind, y, n, cells)
    kept = n > 0.0
    return kind, {"group": cells["group"][kept], "at": cells["at"].astype(np.int64)[kept], "y": y[kept], "n": n[kept]}


def _check_figures(kind: Kind, y: F64, n: F64, cells: Cells) -> None:
    if kind == "value":
        bad, what = cells["rows"] > 1, "two values; expected one per group and period"
    else:
        bad = (y != np.floor(y)) | (n != np.floor(n)) | ((kind == "rate") & (y > n))
        what = "no whole numbers, or a numerator above its denominator; expected counts"
    if bad.any():
        i = int(np.argmax(bad))
        raise SchemaError(
            f"kpis: {int(bad.sum())} of {len(y)} figures are {what} (first: group {cells['group'][i]!r}).\n"
            f"Shares and sums of money go into the column value."
        )


def _fill(
    figures: dict[str, F64],
    verdict: NDArray[Any],
    kind: Kind,
    cells: Cells,
    newest: int,
    false_alarms: float,
    least_change: float,
) -> None:
    """Fit the series that are long enough, judge their newest figures, and write both into the table."""
    chosen = np.flatnonzero(verdict == "usual")
    if not len(chosen):
        return
    place = np.full(len(verdict), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    own, past, y, n = place[cells["series"]], cells["at"] < newest, cells["y"], cells["n"]
    seasons, season = np.unique(cells["season"][past & (own >= 0)], return_inverse=True)
    old, new = past & (own >= 0), (cells["at"] == newest) & (own >= 0)
    fit = fit_series(kind, y[old], n[old], own[old], season)
    at = np.searchsorted(seasons, cells["season"][new])
    order = np.argsort(own[new])
    judged = judge_next(fit, y[new][order], n[new][order], own[new][order], at[order], level=1.0 - false_alarms)
    found = _shown(judged, y[new][order], n[new][order], kind)
    found["dispersion"] = fit.dispersion
    for name, figure in found.items():
        figures[name][chosen] = figure
    verdict[chosen] = _verdicts(found, false_alarms, least_change)


def _shown(judged: Judged, y: F64, n: F64, kind: Kind) -> dict[str, F64]:
    scale = n if kind == "rate" else np.ones_like(n)
    expected = judged.expected
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(expected != 0.0, (y - expected) / np.abs(expected), np.nan)
    return {
        "observed": y / scale,
        "expected": expected / scale,
        "low": judged.low / scale,
        "high": judged.high / scale,
        "change": change,
        "p_value": judged.p_value,
        "p_adjusted": benjamini_hochberg(judged.p_value),
        "once_in": 1.0 / judged.p_value,
    }


def _verdicts(found: dict[str, F64], false_alarms: float, least_change: float) -> NDArray[Any]:
    sure = found["p_adjusted"] <= false_alarms
    large = ~(np.abs(found["change"]) < least_change)
    way = np.where(found["observed"] < found["expected"], "drop", "rise")
    return np.where(sure, np.where(large, way, "small change"), "usual").astype(object)

"""Figures of who is due: customers by week, and the windows of the likeliest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.plots import house, wording
from crmkit.plots.repurchase.tables import FORECAST
from crmkit.plots.repurchase.texts import texts
from crmkit.segment_maps import Locale

_MONDAY = 1  # date.toordinal() of 1 January of the year 1, a Monday
_BASES: Mapping[str, str] = MappingProxyType({"own history": "own", "pooled": "pooled"})


def plot_repurchase_forecast(forecast: Any, *, weeks: int = 26, locale: Locale = "en") -> go.Figure:
    """Draw on a calendar how many customers are due in each week.

    Parameters
    ----------
    forecast : data frame
        From `repurchase.repurchase_forecast`: counted in its engine.
    weeks : int
        Weeks to draw, at least 1; the subtitle counts the customers who are due later.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A customer stands in the week of `next_order_day`, the middle of the window. Lapsed customers are not drawn.

    Raises
    ------
    DomainError
        `weeks` is below 1.
    """
    if weeks < 1:
        raise DomainError(f"weeks must be at least 1, got {weeks}.")
    words, (counts, lapsed) = texts(locale), _by_week(forecast)
    if not counts:
        return house.nothing(words["nobody_due"].format(lapsed=wording.count(lapsed)) if lapsed else words["empty"])
    first = min(week for week, _ in counts)
    drawn = range(first, min(first + weeks, max(week for week, _ in counts) + 1))
    later = sum(customers for (week, _), customers in counts.items() if week not in drawn)
    totals = {week: sum(counts.get((week, basis), 0) for basis in _BASES) for week in drawn}
    peak = max(totals, key=lambda week: totals[week])
    title = words["due_title"].format(customers=wording.count(totals[peak]), week=wording.day(_monday(peak), locale))
    left = words["due_left"].format(lapsed=wording.count(lapsed), later=wording.count(later))
    layout: dict[str, Any] = {
        "barmode": "stack",
        "bargap": 0.15,
        "xaxis": {"type": "date", "tickformat": wording.day_ticks(locale), "nticks": 8},
        "yaxis": {
            "title": {"text": words["customers_axis"]},
            "tickformat": ",d",
            "rangemode": "tozero",
            **house.grid(),
        },
    }
    layout["xaxis"]["title"] = {"text": words["due_axis"]}
    bars = [_bars(counts, drawn, basis, locale) for basis in _BASES]
    return house.figure(
        bars, title=title, subtitle=words["due_sub"] + (left if lapsed or later else ""), height=400, layout=layout
    )


def _bars(counts: dict[tuple[int, str], int], weeks: range, basis: str, locale: Locale) -> go.Bar:
    words, is_own = texts(locale), basis == "own history"
    customers = [counts.get((week, basis), 0) for week in weeks]
    said = [words["due_said"].format(customers=wording.count(n), basis=words[_BASES[basis]]) for n in customers]
    return go.Bar(
        name=words[_BASES[basis]],
        x=[_monday(week) for week in weeks],
        y=customers,
        marker={
            "color": house.ACTUAL if is_own else house.PAPER,
            "line": {"color": house.ACTUAL, "width": 1.2},
        },
        customdata=[
            [
                f"{wording.day(_monday(week), locale)} – {wording.day(_monday(week) + dt.timedelta(days=6), locale)}",
                text,
            ]
            for week, text in zip(weeks, said, strict=True)
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )


def _by_week(forecast: Any) -> tuple[dict[tuple[int, str], int], int]:
    """Count customers by number of their week and basis; and those who have lapsed."""
    entered = schema.admit(forecast, FORECAST).with_columns(nw.col(_DAY).cast(nw.Date))
    dated = frames.with_day_numbers(entered, day=_DAY)
    is_lapsed = frames.one_if(nw.col("status") == "lapsed")
    marked = dated.with_columns(week=(nw.col("day") - _MONDAY) // 7, is_lapsed=is_lapsed)
    known = marked.filter(~nw.col("week").is_null())
    found = frames.distinct_rows(known, ["week", "basis", "is_lapsed"])
    rows = list(zip(*(found[name].tolist() for name in ("week", "basis", "is_lapsed", "count")), strict=True))
    due: dict[tuple[int, str], int] = {}
    for week, basis, gone, count in rows:
        if not gone:
            due[int(week), str(basis)] = int(count)
    return due, sum(int(count) for *_, gone, count in rows if gone)


_DAY = "next_order_day"


def _monday(week: int) -> dt.date:
    return dt.date.fromordinal(7 * week + _MONDAY)


def plot_order_windows(
    forecast: Any, *, top: int = 15, horizon_days: int | None = None, locale: Locale = "en"
) -> go.Figure:
    """Draw on a calendar when the likeliest customers will order: window, middle, chance.

    Parameters
    ----------
    forecast : data frame
        From `repurchase.repurchase_forecast`: only the customers drawn leave its engine.
    top : int
        Customers to draw, 1 to 50: those with a gap of their own, not lapsed, whose `p_order` is highest.
    horizon_days : int, optional
        As given to `repurchase_forecast`, for the words.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    DomainError
        `top` out of its domain.
    """
    if not 1 <= top <= 50:
        raise DomainError(f"top must lie between 1 and 50 (customers), got {top}.")
    words, found = texts(locale), _likeliest(forecast, top)
    if not found:
        return house.nothing(words["nobody_listed"])
    title = words["windows_title" if horizon_days is None else "windows_title_days"].format(
        name=found[0]["name"], share=wording.percent(found[0]["p_order"], locale), days=wording.count(horizon_days)
    )
    names = [wording.escaped(wording.short(row["name"], 18)) + "  " for row in found]
    layout: dict[str, Any] = {
        "xaxis": {"type": "date", "tickformat": wording.day_ticks(locale), "nticks": 7, "side": "top", **house.grid()},
        "yaxis": {"tickvals": list(range(len(found))), "ticktext": names, "range": [len(found) - 0.4, -0.6]},
        "margin": {"r": 52, "t": 100},
        "annotations": [
            house.note(wording.percent(row["p_order"], locale), 1.0, place, xref="paper", xshift=6)
            for place, row in enumerate(found)
        ],
    }
    layout["yaxis"] |= {"ticks": "", "showline": False}
    return house.figure(
        _lines(found, locale), title=title, subtitle=words["windows_sub"], height=130 + 26 * len(found), layout=layout
    )


def _likeliest(forecast: Any, top: int) -> list[dict[str, Any]]:
    entered = schema.admit(forecast, FORECAST)
    ids = [name for name in ("customer_id", "product_id") if name in frames.names_of(entered)]
    columns = [*ids, "p_order", _DAY, "window_start", "window_end"]
    kept = entered.filter((nw.col("status") != "lapsed") & (nw.col("basis") == "own history") & ~nw.col(_DAY).is_null())
    ordered = kept.sort("p_order", *ids, descending=[True, *[False] * len(ids)]).head(top)
    found = frames.arrays(ordered, columns)
    rows = zip(*(_plain(found[name]) for name in columns), strict=True)
    listed = [dict(zip(columns, row, strict=True)) for row in rows]
    return [{**row, "name": " · ".join(str(row[name]) for name in ids)} for row in listed]


def _plain(column: Any) -> list[Any]:
    return list((column.astype("datetime64[D]") if column.dtype.kind == "M" else column).tolist())


def _lines(found: list[dict[str, Any]], locale: Locale) -> list[go.Scatter]:
    said = []
    for row in found:
        start, middle, end = (wording.day(row[name], locale) for name in ("window_start", _DAY, "window_end"))
        share = wording.percent(row["p_order"], locale)
        text = texts(locale)["window_said"].format(start=start, end=end, middle=middle, share=share)
        said.append([wording.escaped(row["name"]), text])
    x: list[Any] = []
    y: list[Any] = []
    for place, row in enumerate(found):
        x, y = [*x, row["window_start"], row["window_end"], None], [*y, place, place, None]
    line = {"color": house.EXPECTED, "width": 7}
    hover = "<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>"
    dots = go.Scatter(
        x=[row[_DAY] for row in found],
        y=list(range(len(found))),
        mode="markers",
        marker={"size": 9, "color": house.ACTUAL},
        customdata=said,
        hovertemplate=hover,
    )
    return [go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip"), dots]

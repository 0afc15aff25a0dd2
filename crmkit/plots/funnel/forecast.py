"""Figure of the sales to come: what they are made of, and how sure that is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.funnel.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

_PARTS = ("won_so_far", "from_open", "from_new")
FORECAST = Table(
    "sales_forecast",
    "one row per month and for their total, from funnel.forecast_sales",
    (
        columns.text("kind", "month or total", nullable=False),
        columns.day("first_day", "of the month", nullable=False),
        columns.day("last_day", "of the month", nullable=False),
        *(columns.number(name, "part of the forecast", "money") for name in _PARTS),
        columns.number("forecast", "sales", "money", nullable=False),
        columns.number("low", "lower end of its interval", "money"),
        columns.number("high", "upper end of its interval", "money"),
        columns.number("tests", "forecasts held against what came", "count"),
        columns.share("wape", "error as a share of sales"),
        columns.text("naive", "the best naive forecast"),
        columns.number("naive_wape", "its error", "share of sales"),
        columns.text("verdict", "against the naive one"),
    ),
)
BACKTEST = Table(
    "forecast_backtest",
    "one row per forecast of the past, from funnel.forecast_backtest",
    (
        columns.text("kind", "month or total", nullable=False),
        columns.day("first_day", "of the month", nullable=False),
        columns.number("actual", "what came", "money"),
    ),
)
_FILLS = (marks.INDIGO, marks.TEAL, marks.CYAN)
Row = dict[str, Any]


def plot_sales_forecast(
    forecast: Any, *, backtest: Any | None = None, currency: str = "", locale: Locale = "en"
) -> go.Figure:
    """Draw the sales of the months to come with intervals, behind what came so far.

    Parameters
    ----------
    forecast : data frame
        From `funnel.forecast_sales`.
    backtest : data frame, optional
        From `funnel.forecast_backtest`: its months stand before the forecast as what came.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A stacked bar per month: won so far, from open deals, from deals to come.
    """
    words = texts(locale)
    every = read.rows(forecast, FORECAST)
    months = sorted((row for row in every if row["kind"] == "month"), key=lambda row: row["first_day"])
    if not months:
        return house.nothing(words["no_forecast"])
    past = _past(backtest, months[0]["first_day"])
    parts = [name for name in _PARTS if any(row[name] for row in months)] or ["from_open"]
    places = list(range(len(past), len(past) + len(months)))
    traces: list[Any] = [_actuals(past, currency, locale)] if past else []
    traces += [_part(name, months, places, currency, locale) for name in parts]
    traces.append(_intervals(months, places, currency, locale))
    days = [*past, *(row["first_day"] for row in months)]
    layout = {
        "barmode": "stack",
        "bargap": 0.3,
        "margin": {**marks.MARGIN, "t": 124},
        "xaxis": {"tickvals": list(range(len(days))), "ticktext": _month_names(days, locale), "showline": True},
        "yaxis": marks.measure_axis(
            "", rangemode="tozero", tickformat="~s", tickprefix=wording.escaped(currency) if len(currency) == 1 else ""
        ),
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "itemclick": False,
            "traceorder": "normal",
        },
        "annotations": _totals(months, places, currency),
    }
    subtitle = words["forecast"] + (words["forecast_actual"] if past else "")
    title = _title(every, months, currency, locale)
    return house.figure(traces, title=title, subtitle=subtitle, height=460, layout=layout)


def _past(backtest: Any | None, before: dt.datetime) -> dict[dt.datetime, float]:
    if backtest is None:
        return {}
    found = read.rows(backtest, BACKTEST)
    known = {row["first_day"]: row["actual"] for row in found if row["kind"] == "month" and row["actual"] is not None}
    return {day: known[day] for day in sorted(known) if day < before}


def _month_names(days: list[dt.datetime], locale: Locale) -> list[str]:
    """Names of months; the year where it begins."""
    names = []
    for place, day in enumerate(days):
        said = wording.day(day, locale)
        month = f"{day.month}月" if locale == "zh" else said.split("\N{NO-BREAK SPACE}")[1]
        new_year = place == 0 or days[place - 1].year != day.year
        names.append(f"{month}<br>{day.year}" if new_year else month)
    return names


def _actuals(past: dict[dt.datetime, float], currency: str, locale: Locale) -> go.Bar:
    words = texts(locale)
    return go.Bar(
        x=list(range(len(past))),
        y=list(past.values()),
        name=words["actual"],
        marker={"color": marks.GREY},
        hovertext=[
            labels.hover(_month(day, locale), words["month_actual"].format(money=wording.money(money, currency)))
            for day, money in past.items()
        ],
        hoverinfo="text",
    )


def _part(name: str, months: list[Row], places: list[int], currency: str, locale: Locale) -> go.Bar:
    color = _FILLS[_PARTS.index(name)]
    return go.Bar(
        x=places,
        y=[row[name] or 0.0 for row in months],
        name=texts(locale)[name],
        marker={"color": color, "line": {"color": house.PAPER, "width": 1}},
        hovertext=[_said(row, currency, locale) for row in months],
        hoverinfo="text",
    )


def _intervals(months: list[Row], places: list[int], currency: str, locale: Locale) -> go.Scatter:
    values, lows, highs = ([row[name] for row in months] for name in ("forecast", "low", "high"))
    return go.Scatter(
        x=places,
        y=values,
        mode="markers",
        marker={"color": house.INK, "size": 7, "symbol": "diamond"},
        error_y={**marks.spread(values, lows, highs), "color": house.INK, "width": 8},
        hovertext=[_said(row, currency, locale) for row in months],
        hoverinfo="text",
        showlegend=False,
    )


def _totals(months: list[Row], places: list[int], currency: str) -> list[dict[str, Any]]:
    tops = [row["high"] if row["high"] is not None else row["forecast"] for row in months]
    said = [_brief(row["forecast"], currency) for row in months]
    return [
        {
            "x": x,
            "y": y,
            "text": f"<b>{wording.escaped(text)}</b>",
            "yanchor": "bottom",
            "yshift": 4,
            "showarrow": False,
        }
        for x, y, text in zip(places, tops, said, strict=True)
    ]


def _brief(amount: float, currency: str) -> str:
    """Money above a bar: thousands and millions in a letter, two digits after a small number."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(amount) >= 0.9995 * unit:
            size = abs(amount) / unit
            said = f"{size:.0f}" if size >= 99.95 else f"{size:.1f}"
            sign = "−" if amount < 0 else ""
            return f"{sign}{currency}{said}{letter}" if len(currency) == 1 else f"{sign}{said}{letter}"
    return wording.money(amount, currency)


def _month(day: dt.datetime, locale: Locale) -> str:
    said = wording.day(day, locale)
    return said[: said.index("月") + 1] if locale == "zh" else said.split("\N{NO-BREAK SPACE}", 1)[1]


def _said(row: Row, currency: str, locale: Locale) -> str:
    words = texts(locale)
    money = {key: wording.money(row[key], currency) for key in ("forecast", "low", "high")}
    error = {"wape": wording.percent(row["wape"], locale), "tests": wording.count(row["tests"])}
    naive = words.get(row["naive"] or "", row["naive"] or "")
    return labels.hover(
        _month(row["first_day"], locale),
        words["forecast_said"].format(**money),
        *(
            words["forecast_part"].format(part=words[name], money=wording.money(row[name], currency))
            for name in _PARTS
            if row[name]
        ),
        words["forecast_error"].format(**error) if row["tests"] and row["wape"] is not None else "",
        words["forecast_naive"].format(
            naive=naive,
            wape=wording.percent(row["naive_wape"], locale),
            verdict=words.get(row["verdict"] or "", row["verdict"] or ""),
        )
        if naive
        else "",
    )


def _title(every: list[Row], months: list[Row], currency: str, locale: Locale) -> str:
    total = next((row for row in every if row["kind"] == "total"), months[0])
    money = {key: wording.money(total[key], currency) for key in ("forecast", "low", "high")}
    ends = {"first": wording.day(total["first_day"], locale), "last": wording.day(total["last_day"], locale)}
    return texts(locale)["forecast_title"].format(**money, **ends)

"""Figure of how long contracts last: survival curves with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.churn.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

_COLUMNS = (
    columns.number("period", "from 1", "periods", nullable=False),
    columns.number("at_risk", "watched", "count"),
    columns.number("ended", "left", "count"),
    columns.share("survival", "share still there"),
    columns.share("low", "lower end of its interval"),
    columns.share("high", "upper end of its interval"),
    columns.text("basis", "observed or projected", nullable=False),
    columns.text("check", "whether a projection met what was seen"),
)
_CURVES = 6  # more cannot be told apart
_COLORS = (marks.INDIGO, marks.TEAL, marks.ROSE, marks.OLIVE, marks.PURPLE, marks.WINE)
Rows = list[dict[str, Any]]


def plot_retention(
    retention: Any,
    *,
    by: str | None = None,
    period: Literal["month", "quarter", "year", "period"] = "month",
    locale: Locale = "en",
) -> go.Figure:
    """Draw which share of contracts is still there after 1, 2, 3 periods, with intervals.

    Parameters
    ----------
    retention : data frame
        From `churn.retention`.
    by : str, optional
        Its group column; a curve each, at most six: those with most contracts.
    period : {"month", "quarter", "year", "period"}
        As given to `churn.retention`; "period" where it was a number of days.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Solid lines for what was seen, dotted ones for what is projected, a band around each.
    """
    words = texts(locale)
    group = () if by is None else (columns.text(by, "group", nullable=False),)
    found = read.rows(
        retention, Table("retention", "one row per group and period, from churn.retention", (*group, *_COLUMNS))
    )
    if not found:
        return house.nothing(words["no_contracts"])
    curves = _curves(found, by)
    drawn = dict(list(curves.items())[:_CURVES])
    traces = [
        trace
        for place, (name, rows) in enumerate(drawn.items())
        for trace in _curve(name, rows, _COLORS[place], period, locale)
    ]
    last = max(row["period"] for row in found)
    unit = words[period]
    layout = {
        "margin": {**marks.MARGIN, "r": 24 if by is None else 132},
        "xaxis": marks.measure_axis(words["retention_axis"].format(unit=unit), range=[0, last * 1.02], showgrid=False),
        "yaxis": marks.measure_axis("", range=[0, 1.02], tickformat=".0%"),
        "annotations": [] if by is None else _names(drawn),
    }
    title = _title(drawn, by, unit, locale)
    return house.figure(traces, title=title, subtitle=_subtitle(drawn, curves, by, locale), height=460, layout=layout)


def _curves(found: Rows, by: str | None) -> dict[str, Rows]:
    """Rows by group, the group with most contracts first."""
    curves: dict[str, Rows] = {}
    for row in sorted(found, key=lambda row: float(row["period"])):
        curves.setdefault("" if by is None else str(row[by]), []).append(row)
    return dict(sorted(curves.items(), key=lambda item: (-(item[1][0]["at_risk"] or 0), item[0])))


def _curve(name: str, rows: Rows, color: str, period: str, locale: Locale) -> list[go.Scatter]:
    start = {"period": 0, "survival": 1.0, "low": 1.0, "high": 1.0}
    seen = [row for row in rows if row["basis"] == "observed"]
    ahead = [row for row in rows if row["basis"] != "observed"]
    whole = [start, *rows]
    shade = marks.band([r["period"] for r in whole], [r["low"] for r in whole], [r["high"] for r in whole], color=color)
    joined = [seen[-1] if seen else start, *ahead]
    return [
        shade,
        _line(name, [start, *seen], color, "solid", locale, period),
        _line(name, joined, color, "dot", locale, period),
    ]


def _line(name: str, rows: Sequence[dict[str, Any]], color: str, dash: str, locale: Locale, period: str) -> go.Scatter:
    return go.Scatter(
        x=[row["period"] for row in rows],
        y=[row["survival"] for row in rows],
        mode="lines+markers" if len(rows) < 30 and dash == "solid" else "lines",
        marker={"size": 5},
        line={"color": color, "width": 2.2, "dash": dash},
        hovertext=[_said(name, row, period, locale) for row in rows],
        hoverinfo="text",
    )


def _said(name: str, row: dict[str, Any], period: str, locale: Locale) -> str:
    words = texts(locale)
    after = words["periods"].format(n=wording.count(row["period"]), unit=words[period])
    if not row["period"]:
        return labels.hover(name or after, wording.percent(1.0, locale))
    low, high = wording.percent(row["low"], locale), wording.percent(row["high"], locale)
    between = words["between"].format(low=low, high=high)
    counts = {key: wording.count(row[key]) for key in ("at_risk", "ended")}
    return labels.hover(
        f"{name}, {after}" if name else after,
        f"{wording.percent(row['survival'], locale)} ({between})",
        words["observed" if row["basis"] == "observed" else "projected"].format(**counts),
        words.get(row["check"] or "", ""),
    )


def _names(drawn: dict[str, Rows]) -> list[dict[str, Any]]:
    """Names where the curves end, moved apart where they would cover each other."""
    ends = sorted(
        ((rows[-1]["survival"] or 0.0, rows[-1]["period"], name) for name, rows in drawn.items()), reverse=True
    )
    places: list[float] = []
    least = 0.075  # of the height: a line of text
    for height, _, _ in ends:
        places.append(height if not places else min(height, places[-1] - least))
    places = [max(place, 0.02 + least * (len(places) - 1 - k)) for k, place in enumerate(places)]
    color = dict(zip(drawn, _COLORS, strict=False))
    return [
        {
            "x": 1.0,
            "xref": "paper",
            "y": place,
            "xanchor": "left",
            "xshift": 6,
            "text": f'<span style="color:{color[name]}">■</span> {labels.shortened(name, 16)}',
            "showarrow": False,
            "font": {"size": 12},
        }
        for place, (_, _, name) in zip(places, ends, strict=True)
    ]


def _title(drawn: dict[str, Rows], by: str | None, unit: str, locale: Locale) -> str:
    """Say what is left after a year of periods, or at the last period that all groups were seen."""
    words = texts(locale)
    seen = {
        name: {r["period"]: r["survival"] for r in rows if r["survival"] is not None} for name, rows in drawn.items()
    }
    shared = set.intersection(*(set(curve) for curve in seen.values()))
    if not shared:
        return words["no_contracts"]
    at = 12 if 12 in shared else max(shared)
    period = words["periods"].format(n=wording.count(at), unit=unit)
    if by is None or len(drawn) == 1:
        share = wording.percent(next(iter(seen.values()))[at], locale)
        return words["retention_title"].format(share=share, period=period)
    ordered = sorted(seen, key=lambda name: seen[name][at])
    worst, best = ordered[0], ordered[-1]
    return words["retention_title_many"].format(
        period=period,
        best_name=best[:24],
        best=wording.percent(seen[best][at], locale),
        worst_name=worst[:24],
        worst=wording.percent(seen[worst][at], locale),
    )


def _subtitle(drawn: dict[str, Rows], curves: dict[str, Rows], by: str | None, locale: Locale) -> str:
    words = texts(locale)
    said = words["retention"]
    doubted = [name for name, rows in drawn.items() if rows[-1]["check"] in ("too high", "too low")]
    if doubted:
        where = "" if by is None or len(doubted) == len(drawn) else words["where"].format(names=", ".join(doubted))
        said += words["retention_doubt"].format(where=where)
    others = [name for name in curves if name not in drawn]
    return said + (words["retention_others"].format(names=", ".join(others)) if others else "")

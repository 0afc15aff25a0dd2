"""Figures of what a score is worth: lift, gain, calibration."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.scoring.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

_OUTCOME = (
    columns.number("leads", "leads of the group", "count", nullable=False),
    columns.share("predicted", "mean chance"),
    columns.share("observed", "share that converted"),
)
GAIN = Table(
    "gain",
    "one row per tenth, from scoring.lead_report(...).gain",
    (
        *_OUTCOME,
        columns.number("lift", "conversion over that of all", "ratio", nullable=False),
        columns.share("leads_so_far", "share of leads up to here", nullable=False),
        columns.share("gain", "share of conversions up to here", nullable=False),
    ),
)
CALIBRATION = Table(
    "calibration",
    "one row per group of like chance, from scoring.lead_report(...).calibration",
    (
        *_OUTCOME,
        columns.share("observed_low", "lower end of its interval"),
        columns.share("observed_high", "upper end of its interval"),
    ),
)
_PERCENT = {"tickformat": ".0%", "range": [0, 1.0]}
Row = dict[str, Any]


def plot_lift(gain: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw how many times as often leads convert as all do, from the highest scores down.

    Parameters
    ----------
    gain : data frame
        `gain` of `scoring.lead_report`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar per group of leads, as wide as its share of them.
    """
    words, rows = texts(locale), _by_score(read.rows(gain, GAIN))
    if not rows:
        return house.nothing(words["no_leads"])
    starts = [0.0, *(row["leads_so_far"] for row in rows[:-1])]
    title = words["lift_title"].format(
        share=wording.percent(rows[0]["leads_so_far"], locale), lift=wording.count(round(rows[0]["lift"], 1))
    )
    widths = [row["leads_so_far"] - start for row, start in zip(rows, starts, strict=True)]
    bars = go.Bar(
        x=[start + width / 2 for start, width in zip(starts, widths, strict=True)],
        y=[row["lift"] for row in rows],
        width=widths,
        marker={"color": marks.INDIGO, "line": {"color": house.PAPER, "width": 2}},
        text=[f"{row['lift']:.1f}" for row in rows],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertext=[_tenth(row, start, locale) for row, start in zip(rows, starts, strict=True)],
        hoverinfo="text",
    )
    layout = {
        "margin": marks.MARGIN,
        "xaxis": {**_PERCENT, "title": {"text": words["lift_axis"]}, "ticks": "outside"},
        "yaxis": {"visible": False, "range": [0, max(1.0, *(row["lift"] for row in rows)) * 1.1]},
        "shapes": [_line(0, 1, 1, 1)],
    }
    return house.figure([bars], title=title, subtitle=words["lift"], height=400, layout=layout)


def plot_gain(gain: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw which share of all conversions is found in the first leads by score.

    Parameters
    ----------
    gain : data frame
        `gain` of `scoring.lead_report`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A line from 0 to 1, and that of a random order.
    """
    words, rows = texts(locale), _by_score(read.rows(gain, GAIN))
    if not rows:
        return house.nothing(words["no_leads"])
    said = min(rows, key=lambda row: abs(row["leads_so_far"] - 0.2))
    shares = {key: wording.percent(said[name], locale) for key, name in (("leads", "leads_so_far"), ("gain", "gain"))}
    hovers = [
        words["gain_said"].format(
            gain=wording.percent(row["gain"], locale), leads=wording.percent(row["leads_so_far"], locale)
        )
        for row in rows
    ]
    line = go.Scatter(
        x=[0.0, *(row["leads_so_far"] for row in rows)],
        y=[0.0, *(row["gain"] for row in rows)],
        mode="lines+markers",
        line={"color": marks.INDIGO, "width": 2.4},
        marker={"size": 8},
        cliponaxis=False,
        hovertext=["", *(labels.hover(hover) for hover in hovers)],
        hoverinfo="text",
    )
    layout = {
        "margin": {**marks.MARGIN, "r": 28},
        "xaxis": {**_PERCENT, "title": {"text": words["lift_axis"]}, "ticks": "outside"},
        "yaxis": marks.measure_axis(words["gain_axis"], **_PERCENT),
        "shapes": [_line(0, 0, 1, 1)],
        "annotations": [_mark(said, wording.escaped(shares["gain"]))],
    }
    return house.figure(
        [line], title=words["gain_title"].format(**shares), subtitle=words["gain"], height=440, layout=layout
    )


def plot_calibration(calibration: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw what came against what was forecast, group by group, with intervals.

    Parameters
    ----------
    calibration : data frame
        `calibration` of `scoring.lead_report`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Hollow diamonds where the forecast lies outside the interval.
    """
    words = texts(locale)
    rows = [row for row in read.rows(calibration, CALIBRATION) if None not in (row["predicted"], row["observed"])]
    if not rows:
        return house.nothing(words["no_leads"])
    rows.sort(key=lambda row: float(row["predicted"]))
    inside = [_holds(row) for row in rows]
    observed, lows, highs = ([row[name] for row in rows] for name in ("observed", "observed_low", "observed_high"))
    top = min(1.0, 1.08 * max(value for row in rows for value in row.values() if value is not None and value <= 1.0))
    points = go.Scatter(
        x=[row["predicted"] for row in rows],
        y=observed,
        mode="markers",
        marker={
            "size": 10,
            "color": [marks.INDIGO if held else marks.WINE for held in inside],
            "symbol": ["circle" if held else "diamond-open" for held in inside],
            "line": {"width": 2},
        },
        error_y={**marks.spread(observed, lows, highs), "color": house.QUIET},
        cliponaxis=False,
        hovertext=[_group(row, held, locale) for row, held in zip(rows, inside, strict=True)],
        hoverinfo="text",
    )
    percent = {"tickformat": ".0%", "range": [0, top]}
    layout = {
        "margin": {**marks.MARGIN, "r": 28},
        "xaxis": {**percent, "title": {"text": words["calibration_x"]}, "ticks": "outside"},
        "yaxis": marks.measure_axis(words["calibration_y"], **percent),
        "shapes": [_line(0, 0, top, top)],
    }
    title = words["calibration_title"].format(inside=sum(inside), groups=len(rows))
    return house.figure([points], title=title, subtitle=words["calibration"], height=460, layout=layout)


def _by_score(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: float(row["leads_so_far"]))


def _holds(row: Row) -> bool:
    low, high = row["observed_low"], row["observed_high"]
    return low is None or high is None or bool(low <= row["predicted"] <= high)


def _tenth(row: Row, start: float, locale: Locale) -> str:
    words = texts(locale)
    ends = {"low": wording.percent(start, locale), "high": wording.percent(row["leads_so_far"], locale)}
    return labels.hover(
        words["lift_bar"].format(**ends),
        words["lift_said"].format(lift=f"{row['lift']:.2f}"),
        words["rate_said"].format(**{key: wording.percent(row[key], locale) for key in ("observed", "predicted")}),
        words["leads_said"].format(leads=wording.count(row["leads"])),
    )


def _group(row: Row, held: bool, locale: Locale) -> str:
    words = texts(locale)
    named = (("observed", "observed"), ("low", "observed_low"), ("high", "observed_high"))
    shares = {key: wording.percent(row[name], locale) for key, name in named}
    return labels.hover(
        words["forecast_said"].format(predicted=wording.percent(row["predicted"], locale)),
        words["calibration_said"].format(**shares),
        words["leads_said"].format(leads=wording.count(row["leads"])),
        words["inside" if held else "outside"],
    )


def _mark(row: Row, said: str) -> dict[str, Any]:
    place = {"x": row["leads_so_far"], "y": row["gain"], "xanchor": "right", "yanchor": "bottom", "xshift": -8}
    return {**place, "text": f"<b>{said}</b>", "showarrow": False, "font": {"size": 13}}


def _line(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": {"color": house.QUIET, "dash": "dot"}}

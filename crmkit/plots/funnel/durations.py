"""Figure of how long stages take."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.funnel.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

DURATIONS = Table(
    "stage_durations",
    "one row per stage and for the sales cycle, from funnel.stage_durations",
    (
        columns.number("place", "of the stage, from 1", nullable=False),
        columns.text("stage", "name of the stage", nullable=False),
        columns.number("watched", "deals in the stage", "count"),
        columns.number("ended", "of these, left it", "count"),
        columns.number("median_days", "median of the days in the stage", "days"),
        columns.number("low", "lower end of its interval", "days"),
        columns.number("high", "upper end of its interval", "days"),
        columns.number("median_before", "of the period before", "days"),
        columns.text("verdict", "up, down or not told apart"),
    ),
)
_CYCLE = "sales cycle"
Row = dict[str, Any]


def plot_stage_durations(durations: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw the median days in each stage with intervals, beside those of the period before.

    Parameters
    ----------
    durations : data frame
        From `funnel.stage_durations`, without groups.
    locale : {"en", "zh"}
        Language; stages stand as they are in the table.

    Returns
    -------
    plotly.graph_objects.Figure
        A row per stage, and for the sales cycle; a stage without a median is left empty.
    """
    words = texts(locale)
    rows = sorted(read.rows(durations, DURATIONS), key=lambda row: row["place"])
    known = [(place, row) for place, row in enumerate(rows) if row["median_days"] is not None]
    if not known:
        return house.nothing(words["no_durations"])
    before = [(place, row) for place, row in enumerate(rows) if row["median_before"] is not None]
    ends = [
        max(v for v in (row["median_days"], row["high"], row["median_before"]) if v is not None) for _, row in known
    ]
    said = [words["days"].format(days=wording.count(row["median_days"])) for _, row in known]
    layout = {
        "margin": marks.MARGIN,
        "xaxis": marks.measure_axis(words["durations_axis"], range=marks.room_for(ends, 0.2)),
        "yaxis": marks.rows_axis(
            [
                labels.shortened(words.get(row["stage"], row["stage"]) if row["stage"] == _CYCLE else row["stage"])
                for row in rows
            ]
        ),
        "annotations": marks.beside([wording.escaped(text) for text in said], ends, [place for place, _ in known]),
    }
    traces = [_before(before, locale), _now(known, locale)]
    title = _title([row for _, row in known], locale)
    return house.figure(traces, title=title, subtitle=words["durations"], height=150 + 40 * len(rows), layout=layout)


def _before(rows: list[tuple[int, Row]], locale: Locale) -> go.Scatter:
    return go.Scatter(
        x=[row["median_before"] for _, row in rows],
        y=[place for place, _ in rows],
        mode="markers",
        marker={"size": 13, "color": house.PAPER, "symbol": "circle", "line": {"color": house.QUIET, "width": 2}},
        hovertext=[_said(row, locale) for _, row in rows],
        hoverinfo="text",
    )


def _now(rows: list[tuple[int, Row]], locale: Locale) -> go.Scatter:
    return marks.points(
        [row["median_days"] for _, row in rows],
        [place for place, _ in rows],
        lows=[row["low"] for _, row in rows],
        highs=[row["high"] for _, row in rows],
        color=marks.INDIGO,
        hovers=[_said(row, locale) for _, row in rows],
    )


def _said(row: Row, locale: Locale) -> str:
    words = texts(locale)
    days = {
        key: wording.count(_tenths(row[name]))
        for key, name in (("days", "median_days"), ("low", "low"), ("high", "high"))
    }
    verdict = {"up": "longer", "down": "shorter"}.get(row["verdict"] or "", row["verdict"] or "")
    before = {"before": wording.count(_tenths(row["median_before"])), "verdict": words.get(verdict, "")}
    counts = {key: wording.count(row[key]) for key in ("watched", "ended")}
    return labels.hover(
        words[_CYCLE] if row["stage"] == _CYCLE else row["stage"],
        words["durations_said"].format(**days),
        words["durations_before"].format(**before) if row["median_before"] is not None else "",
        words["durations_counts"].format(**counts),
    )


def _tenths(days: float | None) -> float | None:
    return None if days is None else round(days, 1)


def _title(rows: list[Row], locale: Locale) -> str:
    stages = [row for row in rows if row["stage"] != _CYCLE] or rows
    top = max(stages, key=lambda row: float(row["median_days"]))
    return texts(locale)["durations_title"].format(
        stage=top["stage"][:40], days=wording.count(_tenths(top["median_days"]))
    )

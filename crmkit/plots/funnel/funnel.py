"""Figure of a funnel: how many come to each stage, which share goes on, where it is too narrow."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.funnel.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

_COLUMNS = (
    columns.number("place", "of the stage, from 1", nullable=False),
    columns.text("stage", "name of the stage", nullable=False),
    *(columns.number(name, "deals", "count", nullable=False) for name in ("entered", "passed", "stopped", "open")),
    *(columns.share(name, "share that goes on") for name in ("conversion", "low", "high", "lowest", "highest")),
    columns.share("threshold", "share that is wanted"),
    columns.text("status", "ok, maybe below or below"),
    columns.number("bottleneck", "1 at the stage that misses its threshold by most", nullable=False),
    columns.share("conversion_before", "of the period before"),
    columns.text("verdict", "up, down or not told apart"),
)
Row = dict[str, Any]
_LEFT, _RIGHT = [0.0, 0.34], [0.44, 1.0]  # parts of the width


def plot_funnel(table: Any, *, by: str | None = None, group: str | None = None, locale: Locale = "en") -> go.Figure:
    """Draw a funnel with its thresholds and its bottleneck.

    Parameters
    ----------
    table : data frame
        From `funnel.funnel_table`.
    by : str, optional
        Its group column.
    group : str, optional
        Which group of it to draw, as text; needed where the table holds several.
    locale : {"en", "zh"}
        Language; stages stand as they are in the table.

    Returns
    -------
    plotly.graph_objects.Figure
        A row per stage: deals at the left, the share that goes on at the right.

    Raises
    ------
    DomainError
        The table holds several funnels and `by` and `group` do not say which.
    """
    words = texts(locale)
    own = () if by is None else (columns.ident(by, "group"),)
    rows = read.rows(table, Table("funnel", "one row per stage, from funnel.funnel_table", (*own, *_COLUMNS)))
    if by is not None and group is not None:
        rows = [row for row in rows if str(row[by]) == str(group)]
    rows.sort(key=lambda row: float(row["place"]))
    if len({row["place"] for row in rows}) < len(rows):
        raise DomainError(
            "table holds several funnels.\nSay which: by=column that groups them, group=one of its values."
        )
    if not rows or not rows[0]["entered"]:
        return house.nothing(words["no_deals"])
    title = _title(rows, locale)
    if group is not None:
        title = words["funnel_of"].format(group=str(group)[:32], title=title)
    wanted = any(row["threshold"] is not None for row in rows)
    layout = {
        "margin": {**marks.MARGIN, "r": 24},
        "bargap": 0.4,
        "xaxis": {"domain": _LEFT, "visible": False, "range": [0, rows[0]["entered"] * 1.5]},
        "xaxis2": {
            **marks.measure_axis(words["conversion"], range=[0, 1.0], tickformat=".0%"),
            "domain": _RIGHT,
            "anchor": "y",
        },
        "yaxis": marks.rows_axis([labels.shortened(row["stage"], 20) for row in rows]),
        "shapes": [_threshold(row, place) for place, row in enumerate(rows) if row["threshold"] is not None],
        "annotations": _notes(rows, locale),
    }
    subtitle = words["funnel"] + (words["funnel_threshold"] if wanted else "")
    traces = [_bars(rows, locale), _shares(rows, locale)]
    return house.figure(traces, title=title, subtitle=subtitle, height=160 + 58 * len(rows), layout=layout)


def _title(rows: list[Row], locale: Locale) -> str:
    words = texts(locale)
    narrow = next((row for row in rows if row["bottleneck"]), None)
    if narrow is not None:
        shares = {key: wording.percent(narrow[key], locale) for key in ("conversion", "threshold")}
        return words["funnel_title"].format(stage=narrow["stage"][:32], **shares)
    wanted = any(row["threshold"] is not None for row in rows)
    return words["funnel_title_ok" if wanted else "funnel_title_bare"].format(
        won=wording.count(rows[-1]["entered"]), entered=wording.count(rows[0]["entered"]), last=rows[-1]["stage"][:32]
    )


def _bars(rows: list[Row], locale: Locale) -> go.Bar:
    return go.Bar(
        x=[row["entered"] for row in rows],
        y=list(range(len(rows))),
        orientation="h",
        marker={"color": [marks.WINE if row["bottleneck"] else marks.INDIGO for row in rows]},
        text=[wording.count(row["entered"]) for row in rows],
        textposition="outside",
        cliponaxis=False,
        hovertext=[_said(row, locale) for row in rows],
        hoverinfo="text",
    )


def _shares(rows: list[Row], locale: Locale) -> go.Scatter:
    known = [(place, row) for place, row in enumerate(rows) if row["conversion"] is not None]
    looks = {"ok": ("circle", marks.TEAL), "maybe below": ("circle-open", marks.ROSE), "below": ("diamond", marks.WINE)}
    drawn = marks.points(
        [row["conversion"] for _, row in known],
        [place for place, _ in known],
        lows=[row["low"] for _, row in known],
        highs=[row["high"] for _, row in known],
        color=[looks.get(row["status"], ("circle", marks.INDIGO))[1] for _, row in known],
        symbol=[looks.get(row["status"], ("circle", marks.INDIGO))[0] for _, row in known],
        hovers=[_said(row, locale) for _, row in known],
    )
    return drawn.update(xaxis="x2")


def _threshold(row: Row, place: int) -> dict[str, Any]:
    at = {"x0": row["threshold"], "x1": row["threshold"], "y0": place - 0.32, "y1": place + 0.32, "xref": "x2"}
    return {"type": "line", **at, "line": {"color": house.INK, "width": 2.5}}


def _notes(rows: list[Row], locale: Locale) -> list[dict[str, Any]]:
    """Write the share and how it stands above each point."""
    words = texts(locale)
    notes = []
    for place, row in enumerate(rows):
        if row["conversion"] is None:
            continue
        state = (
            "bottleneck" if row["bottleneck"] else row["status"] if row["status"] in ("below", "maybe below") else ""
        )
        said = wording.percent(row["conversion"], locale) + (f" · {words[state]}" if state else "")
        anchor = "right" if row["conversion"] > 0.7 else "left" if row["conversion"] < 0.3 else "center"
        notes.append(
            {
                "x": row["conversion"],
                "xref": "x2",
                "y": place,
                "yshift": 17,
                "xanchor": anchor,
                "text": f"<b>{wording.escaped(said)}</b>" if row["bottleneck"] else wording.escaped(said),
                "bgcolor": house.PAPER,
                "borderpad": 1,
                "showarrow": False,
                "font": {"size": 12},
            }
        )
    return notes


def _said(row: Row, locale: Locale) -> str:
    words = texts(locale)
    counts = {key: wording.count(row[key]) for key in ("entered", "passed", "stopped", "open")}
    names = ("conversion", "low", "high", "lowest", "highest", "threshold")
    shares = {key: wording.percent(row[key], locale) for key in names}
    known = row["conversion"] is not None
    before = wording.percent(row["conversion_before"], locale)
    verdict = words.get(row["verdict"] or "", "")
    return labels.hover(
        row["stage"],
        words["stage_counts"].format(**counts),
        words["stage_share"].format(**shares) if known else "",
        words["stage_range"].format(**shares) if known and row["lowest"] is not None else "",
        words["stage_threshold"].format(**shares, status=words.get(row["status"] or "", ""))
        if row["threshold"] is not None
        else "",
        words["stage_before"].format(before=before, verdict=verdict) if row["conversion_before"] is not None else "",
    )

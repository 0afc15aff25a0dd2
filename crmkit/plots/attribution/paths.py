"""Figure of the paths by which most sales come."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.attribution.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

PATHS = Table(
    "paths",
    "one row per path, from journeys.paths",
    (
        columns.text("path", "channels in order", nullable=False),
        columns.number("conversions", "journeys that convert", "count", nullable=False),
        columns.number("nulls", "journeys that do not", "count"),
        columns.share("conversion_rate", "share that converts"),
        columns.number("value", "what they brought", "money"),
        columns.number("days_to_convert", "mean days from the first touch", "days"),
    ),
)


def plot_paths(paths: Any, *, top: int = 10, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw the paths with most conversions, and which share of such journeys converts.

    Parameters
    ----------
    paths : data frame
        From `journeys.paths`; give it `top` there, so that few rows leave the engine.
    top : int
        How many bars, at least 1.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Bars, the most frequent path on top.

    Raises
    ------
    DomainError
        `top` is below 1.
    """
    if top < 1:
        raise DomainError(f"top must be at least 1, got {top}.")
    words = texts(locale)
    rows = sorted(read.rows(paths, PATHS), key=lambda row: (-row["conversions"], row["path"]))[:top]
    if not rows:
        return house.nothing(words["no_paths"])
    values = [row["conversions"] for row in rows]
    said = [
        words["path_said"].format(
            conversions=wording.count(row["conversions"]), rate=wording.percent(row["conversion_rate"], locale)
        )
        for row in rows
    ]
    layout = {
        "margin": marks.MARGIN,
        "bargap": 0.35,
        "xaxis": {"visible": False, "range": marks.room_for(values, 0.32)},
        "yaxis": marks.rows_axis([labels.shortened(row["path"].replace(" > ", " → "), 34) for row in rows]),
        "annotations": marks.beside([wording.escaped(text) for text in said], values, range(len(rows))),
    }
    bars = go.Bar(
        x=values,
        y=list(range(len(rows))),
        orientation="h",
        marker={"color": marks.INDIGO},
        hovertext=[_hover(row, currency, locale) for row in rows],
        hoverinfo="text",
    )
    title = words["paths_title"].format(path=_path(rows[0])[:50], conversions=wording.count(values[0]))
    subtitle = words["paths"].format(n=len(rows))
    return house.figure([bars], title=title, subtitle=subtitle, height=112 + 34 * len(rows), layout=layout)


def _path(row: dict[str, Any]) -> str:
    return str(row["path"]).replace(" > ", " → ")


def _hover(row: dict[str, Any], currency: str, locale: Locale) -> str:
    words = texts(locale)
    days = None if row["days_to_convert"] is None else round(row["days_to_convert"], 1)
    return labels.hover(
        _path(row),
        words["path_hover"].format(conversions=wording.count(row["conversions"]), nulls=wording.count(row["nulls"])),
        words["path_rate"].format(rate=wording.percent(row["conversion_rate"], locale)),
        words["path_value"].format(money=wording.money(row["value"], currency)) if row["value"] is not None else "",
        words["path_days"].format(days=wording.count(days)) if days is not None else "",
    )

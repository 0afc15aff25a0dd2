"""Figure of what the values of a column say: weight of evidence by bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import house, labels, marks, wording
from crmkit.plots.scoring.texts import texts
from crmkit.segment_maps import Locale

_NAMES = ("column", "kind", "lower", "upper", "categories", "points", "woe", "count", "rate")
Row = dict[str, Any]


def plot_bin_points(bins: Mapping[str, Sequence[Any]], *, column: str, locale: Locale = "en") -> go.Figure:
    """Draw which values of a column speak for a conversion and which against it.

    Parameters
    ----------
    bins : mapping of str to sequence
        From `LeadModel.bin_points()` or `LeadClassifier.bin_points()`.
    column : str
        One of the learnt columns.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar per bin, in the order of its values.

    Raises
    ------
    DomainError
        A column of the table is missing, or `column` was not learnt.
    """
    lacking = [name for name in _NAMES if name not in bins]
    if lacking:
        raise DomainError(f"bins lack {', '.join(lacking)}.\nGive model.bin_points() as it is.")
    words = texts(locale)
    cells = zip(*(bins[name] for name in _NAMES), strict=True)
    rows = [dict(zip(_NAMES, cell, strict=True)) for cell in cells]
    found = [row for row in rows if row["column"] == column]
    if not found and rows:
        known = ", ".join(dict.fromkeys(str(row["column"]) for row in rows))
        raise DomainError(f"column must be one of those learnt, got {column!r}.\nLearnt: {known}.")
    if not found:
        return house.nothing(words["no_bins"].format(column=column))
    return _figure(column, found, locale)


def _figure(column: str, found: list[Row], locale: Locale) -> go.Figure:
    words = texts(locale)
    names = [_name(row, locale) for row in found]
    weights = [float(row["woe"]) for row in found]
    said = [
        words["bins_said"].format(rate=wording.percent(row["rate"], locale), leads=wording.count(row["count"]))
        for row in found
    ]
    low, high = min(0.0, *weights, 0.0), max(0.0, *weights, 0.0)
    width = (high - low) or 1.0
    layout = {
        "margin": marks.MARGIN,
        "bargap": 0.35,
        "xaxis": marks.measure_axis(words["bins_axis"], range=[low - 0.05 * width, high + 0.42 * width]),
        "yaxis": marks.rows_axis([labels.shortened(name, 28) for name in names]),
        "shapes": [marks.upright(0.0, dash="solid")],
        "annotations": marks.beside(
            [wording.escaped(text) for text in said], [max(weight, 0.0) for weight in weights], range(len(found))
        ),
    }
    bars = go.Bar(
        x=weights,
        y=list(range(len(found))),
        orientation="h",
        marker={
            "color": [marks.TEAL if weight >= 0 else marks.ROSE for weight in weights],
            "line": {"color": house.QUIET, "width": 1},
        },
        hovertext=[_said(row, name, locale) for row, name in zip(found, names, strict=True)],
        hoverinfo="text",
    )
    height = 150 + 36 * len(found)
    return house.figure(
        [bars], title=_title(column, found, locale), subtitle=words["bins"], height=height, layout=layout
    )


def _title(column: str, found: list[Row], locale: Locale) -> str:
    words = texts(locale)
    rated = [row for row in found if row["rate"] is not None]
    if len(rated) < 2:
        return words["bins_title_bare"].format(column=column[:40])
    best, worst = max(rated, key=lambda row: float(row["woe"])), min(rated, key=lambda row: float(row["woe"]))
    return words["bins_title"].format(
        column=column[:28],
        best=wording.percent(best["rate"], locale),
        best_bin=_name(best, locale)[:24],
        worst=wording.percent(worst["rate"], locale),
        worst_bin=_name(worst, locale)[:24],
    )


def _name(row: Row, locale: Locale) -> str:
    words = texts(locale)
    if row["kind"] in ("missing", "other"):
        return words[row["kind"]]
    if row["kind"] == "categories":
        first, *others = (str(category) for category in row["categories"])
        return words["more"].format(first=first, n=len(others)) if others else first
    low, high = (None if row[end] is None else f"{row[end]:,.6g}" for end in ("lower", "upper"))
    if low is None and high is None:
        return words["everything"]
    key = "under" if low is None else "from" if high is None else "range"
    return words[key].format(low=low, high=high)


def _said(row: Row, name: str, locale: Locale) -> str:
    words = texts(locale)
    points = f"{row['points']:+g}".replace("-", "−")
    return labels.hover(
        name,
        words["bin_rate"].format(rate=wording.percent(row["rate"], locale), leads=wording.count(row["count"])),
        words["bin_points"].format(points=points, woe=f"{row['woe']:+.2f}".replace("-", "−")),
        ", ".join(str(category) for category in row["categories"]) if len(row["categories"]) > 1 else "",
    )

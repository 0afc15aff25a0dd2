"""Figure of a budget before and after."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.attribution.channels import Row, chosen_models
from crmkit.plots.attribution.texts import channel_name, texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

PLAN = Table(
    "reallocation",
    "one row per channel and model, from attribution.reallocate",
    (
        columns.text("channel", "channel", nullable=False),
        columns.text("model", "code of the model", required=False),
        columns.number("spend_now", "spent", "money"),
        columns.number("suggested", "to spend", "money"),
        columns.number("change", "suggested less spent", "money"),
        columns.number("change_share", "change over spend", "share of 1"),
        columns.number("value_now", "credited", "money"),
        columns.number("value_expected", "expected", "money"),
        columns.text("reason", "why"),
    ),
)
_CENT = 0.005  # smaller changes are none


def plot_reallocation(plan: Any, *, model: str | None = None, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw what each channel gets now and would get, the largest change on top.

    Parameters
    ----------
    plan : data frame
        From `attribution.reallocate`.
    model : str, optional
        Of several in the table; by default last, linear, Shapley or Markov, whichever is there first.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language; reasons stand as they are in the table.

    Returns
    -------
    plotly.graph_objects.Figure
        An arrow per channel with a cost on record.

    Raises
    ------
    DomainError
        `model` is not in the table.
    """
    words = texts(locale)
    every = read.rows(plan, PLAN)
    chosen = chosen_models(every, None if model is None else [model], 1)[0] if every else ""
    rows = [row for row in every if (row.get("model") or "") == chosen]
    rows = [row for row in rows if row["spend_now"] is not None and row["suggested"] is not None]
    if not rows:
        return house.nothing(words["no_plan"])
    rows.sort(key=lambda row: (-_change(row), row["channel"]))
    reach = [max(row["spend_now"], row["suggested"]) for row in rows]
    said = [wording.escaped(_moved(row, currency, locale)) for row in rows]
    layout = {
        "margin": marks.MARGIN,
        "xaxis": marks.measure_axis(words["plan_axis"], range=marks.room_for(reach, 0.75), showgrid=False),
        "yaxis": marks.rows_axis([labels.shortened(channel_name(row["channel"], locale)) for row in rows]),
        "shapes": [_stem(row, place) for place, row in enumerate(rows)],
        "annotations": marks.beside(said, reach, range(len(rows))),
    }
    return house.figure(
        _ends(rows, currency, locale),
        title=_title(rows, currency, locale),
        subtitle=words["plan"] + (words["returns_model"].format(model=chosen) if chosen else ""),
        height=150 + 38 * len(rows),
        layout=layout,
    )


def _change(row: Row) -> float:
    change = row["change"] if row["change"] is not None else 0.0
    return float(change) if abs(change) >= _CENT else 0.0


def _moved(row: Row, currency: str, locale: Locale) -> str:
    words, change = texts(locale), _change(row)
    now, then = (wording.money(row[name], currency) for name in ("spend_now", "suggested"))
    if not change:
        return words["plan_same"].format(now=now)
    share = wording.percent(abs(row["change_share"] or 0.0), locale)
    return words["plan_said"].format(now=now, then=then, change=("+" if change > 0 else "−") + share)


def _stem(row: Row, place: int) -> dict[str, Any]:
    ends = {"x0": row["spend_now"], "x1": row["suggested"], "y0": place, "y1": place}
    return {"type": "line", **ends, "line": {"color": house.QUIET, "width": 2}, "layer": "below"}


def _ends(rows: list[Row], currency: str, locale: Locale) -> list[go.Scatter]:
    hovers = [
        labels.hover(channel_name(row["channel"], locale), _moved(row, currency, locale), row["reason"]) for row in rows
    ]
    changes = [_change(row) for row in rows]
    # An arrow head points where the money goes; a circle stays.
    heads = ["triangle-right" if c > 0 else "triangle-left" if c < 0 else "circle" for c in changes]
    fills = [marks.TEAL if c > 0 else marks.ROSE if c < 0 else marks.GREY for c in changes]
    hollow = {"size": 11, "color": house.PAPER, "symbol": "circle", "line": {"color": house.QUIET, "width": 2}}
    filled = {"size": 14, "color": fills, "symbol": heads, "line": {"color": house.QUIET, "width": 1}}
    return [
        go.Scatter(
            x=[row[name] for row in rows],
            y=list(range(len(rows))),
            mode="markers",
            marker=look,
            hovertext=hovers,
            hoverinfo="text",
        )
        for name, look in (("spend_now", hollow), ("suggested", filled))
    ]


def _title(rows: list[Row], currency: str, locale: Locale) -> str:
    """Say what moves and what it would bring: sums of the table's own columns."""
    words = texts(locale)
    moved = sum(change for row in rows if (change := _change(row)) > 0)
    if not moved:
        return words["plan_title_none"]
    now, then = (sum(row[name] or 0.0 for row in rows) for name in ("value_now", "value_expected"))
    sign = "+" if then >= now else "−"
    gain = sign + (wording.percent(abs(then - now) / now, locale) if now else wording.money(abs(then - now), currency))
    budget = sum(row["spend_now"] for row in rows)
    return words["plan_title"].format(
        budget=wording.money(budget, currency), gain=gain, change=wording.money(moved, currency)
    )

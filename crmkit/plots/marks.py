"""Marks that figures of several rooms draw: rows with names at the left, points with intervals, bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit.plots import house

INDIGO, TEAL, CYAN, GREEN, SAND, OLIVE, ROSE, PURPLE, WINE, GREY = house.CYCLE
MARGIN = {"l": 8, "r": 16, "t": 84, "b": 8}
Numbers = Sequence[float | None]


def rows_axis(names: Sequence[str]) -> dict[str, Any]:
    """Axis of one row per name, the first on top; numbers in place of names, so that equal names stay apart.

    Parameters
    ----------
    names : sequence of str
        Escaped.

    Returns
    -------
    dict
        For `yaxis`; the rows lie at 0, 1, 2, ...
    """
    places = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": list(names)}
    bare = {
        "ticks": "outside",
        "ticklen": 6,
        "tickcolor": house.PAPER,
        "showline": False,
        "zeroline": False,
        "showgrid": False,
    }
    return {**places, **bare, "range": [len(names) - 0.5, -0.5]}


def measure_axis(title: str, **more: Any) -> dict[str, Any]:
    """Axis of a quantity with quiet lines and few ticks."""
    lines = {"showgrid": True, "gridcolor": house.RULE, "griddash": "dot", "nticks": 6, "zeroline": False}
    return {**lines, "title": {"text": title}, **more}


def spread(values: Numbers, lows: Numbers, highs: Numbers) -> dict[str, Any]:
    """Error bars from intervals; a mark without an interval has none.

    Parameters
    ----------
    values, lows, highs : sequences of equal length
        None where there is nothing.

    Returns
    -------
    dict
        For `error_x` or `error_y`.
    """
    above = [None if v is None or h is None else max(h - v, 0.0) for v, h in zip(values, highs, strict=True)]
    below = [None if v is None or low is None else max(v - low, 0.0) for v, low in zip(values, lows, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.6, "width": 5}


def points(
    values: Numbers,
    places: Sequence[float],
    *,
    lows: Numbers,
    highs: Numbers,
    color: str | Sequence[str],
    hovers: Sequence[str],
    symbol: str | Sequence[str] = "circle",
    name: str = "",
) -> go.Scatter:
    """Draw values to the right, one row each, with their intervals.

    Parameters
    ----------
    values, places, lows, highs : sequences of equal length
        Value, row, ends of its interval.
    color, symbol : str or sequence of str
        Of the points; the interval is ink.
    hovers : sequence of str
        Escaped.
    name : str
        In a legend, if there is one.

    Returns
    -------
    plotly.graph_objects.Scatter
    """
    single = color if isinstance(color, str) else house.QUIET
    return go.Scatter(
        x=list(values),
        y=list(places),
        name=name,
        mode="markers",
        marker={"size": 10, "color": color, "symbol": symbol, "line": {"color": house.PAPER, "width": 1}},
        error_x={**spread(values, lows, highs), "color": single},
        cliponaxis=False,
        hovertext=list(hovers),
        hoverinfo="text",
    )


def beside(texts: Sequence[str], xs: Numbers, places: Sequence[float], *, bold: Sequence[bool] = ()) -> list[Any]:
    """Write escaped texts to the right of where marks end."""
    strong = list(bold) or [False] * len(texts)
    return [
        {
            "x": x,
            "y": y,
            "text": f"<b>{text}</b>" if heavy else text,
            "xanchor": "left",
            "xshift": 8,
            "bgcolor": house.PAPER,
            "borderpad": 1,
            "showarrow": False,
            "font": {"size": 12, "color": house.INK},
        }
        for text, x, y, heavy in zip(texts, xs, places, strong, strict=True)
        if text and x is not None
    ]


def upright(x: float, *, dash: str = "dot", color: str = house.QUIET) -> dict[str, Any]:
    """Line from bottom to top at a value: a target, the break-even."""
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": color, "dash": dash}}


def band(xs: Sequence[float], lows: Numbers, highs: Numbers, *, color: str) -> go.Scatter:
    """Fill between two lines in a light colour; points without both ends are left out."""
    known = [
        (x, low, high) for x, low, high in zip(xs, lows, highs, strict=True) if low is not None and high is not None
    ]
    there = [(x, high) for x, _, high in known] + [(x, low) for x, low, _ in reversed(known)]
    return go.Scatter(
        x=[x for x, _ in there],
        y=[y for _, y in there],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=faded(color),
        hoverinfo="skip",
    )


def faded(color: str, strength: float = 0.22) -> str:
    """Lighten a colour "#rrggbb" towards white; as a colour of its own it prints without transparency."""
    channels = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - strength * (255 - channel)):02x}" for channel in channels)


def room_for(values: Numbers, part: float) -> list[float]:
    """Range of a measure axis that leaves room for texts at the right; 0 is in it."""
    known = [value for value in values if value is not None] or [1.0]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    width = (high - low) or 1.0
    return [low - (0.04 * width if low < 0 else 0.0), high + part * width]

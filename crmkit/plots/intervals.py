"""Values with their intervals, one line each, named above the line: reads at any width and without a legend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from crmkit.plots import house, wording

_LINE = 46  # pixels
_ROOM = 0.22  # of the range, at the right, for the number


@dataclass(frozen=True, slots=True)
class Line:
    """A value between its ends (None: not known), what it is called, what its hover says, whether it stands out."""

    name: str
    value: float
    low: float | None
    high: float | None
    said: str
    stands_out: bool = True


def height(lines: int) -> int:
    """Pixels for so many lines, with a title and the numbers below."""
    return 130 + _LINE * lines


def drawn(
    lines: Sequence[Line], number: Callable[[float], str], *, zero: bool, margin: int = 8
) -> tuple[list[Any], dict[str, Any]]:
    """Draw lines from top to bottom; returns the traces and their part of the layout.

    Parameters
    ----------
    lines : sequence of Line
        At least one.
    number : callable
        How a value is written.
    zero : bool
        The scale begins at 0 (or below, if a value does).
    margin : int
        Pixels at the left.
    """
    ends = [end for line in lines for end in (line.low, line.value, line.high) if end is not None]
    low, high = min(ends), max(ends)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    span = (high - low) or abs(high) or 1.0
    axis = {"range": [low - 0.03 * span, high + _ROOM * span], "showgrid": True, "gridcolor": house.RULE}
    places = [-place for place in range(len(lines))]
    names = [
        house.note(line.name, 0.0, place, xref="paper", yshift=12, xshift=2)
        for line, place in zip(lines, places, strict=True)
    ]
    layout = {
        "xaxis": {**axis, "zeroline": low < 0.0 < high, "zerolinecolor": house.QUIET, "showline": False, "nticks": 6},
        "yaxis": {"visible": False, "range": [places[-1] - 0.5, 0.75]},
        "annotations": names,
        "margin": {"l": margin, "b": 40},
    }
    start = low - 0.03 * span
    traces = [_rows(lines, places, start), _whiskers(lines, places), _dots(lines, places)]
    return [*traces, _numbers(lines, places, number)], layout


def _rows(lines: Sequence[Line], places: Sequence[int], start: float) -> go.Scatter:
    """Lead the eye from each name to its value."""
    x = [end for line in lines for end in (start, line.value, None)]
    y = [end for place in places for end in (place, place, None)]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": house.RULE, "width": 1}, hoverinfo="skip")


def _whiskers(lines: Sequence[Line], places: Sequence[int]) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    for line, place in zip(lines, places, strict=True):
        if line.low is not None and line.high is not None:
            x, y = [*x, line.low, line.high, None], [*y, place, place, None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": house.QUIET, "width": 2}, hoverinfo="skip")


def _dots(lines: Sequence[Line], places: Sequence[int]) -> go.Scatter:
    fills = [house.ACTUAL if line.stands_out else house.PAPER for line in lines]
    return go.Scatter(
        x=[line.value for line in lines],
        y=list(places),
        mode="markers",
        marker={"size": 11, "color": fills, "line": {"color": house.ACTUAL, "width": 2}},
        customdata=[[wording.escaped(line.name), line.said] for line in lines],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )


def _numbers(lines: Sequence[Line], places: Sequence[int], number: Callable[[float], str]) -> go.Scatter:
    """Write each value where its line ends."""
    return go.Scatter(
        x=[max(line.value, line.value if line.high is None else line.high) for line in lines],
        y=list(places),
        mode="text",
        text=["  " + wording.escaped(number(line.value)) for line in lines],
        textposition="middle right",
        textfont={"size": 13, "color": house.INK},
        cliponaxis=False,
        hoverinfo="skip",
    )

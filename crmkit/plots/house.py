"""The house style of all figures: template, colours that colour-blind readers tell apart, one colour per segment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from crmkit import rfm
from crmkit.plots import wording
from crmkit.segment_maps import REFUNDS_ONLY

FONT = "'Helvetica Neue', Arial, 'Liberation Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
INK, QUIET, RULE, PAPER = "#1f2933", "#52606d", "#d5dae0", "#ffffff"

# The "muted" scheme of Paul Tol (2021), Colour Schemes, SRON/EPS/TN/09-002: nine hues for any colour vision.
_INDIGO, _CYAN, _TEAL, _GREEN, _OLIVE = "#332288", "#88ccee", "#44aa99", "#117733", "#999933"
_SAND, _ROSE, _WINE, _PURPLE, _GREY = "#ddcc77", "#cc6677", "#882255", "#aa4499", "#c4c9d0"
# Two things in one figure: what happened is dark and solid, what was expected or is compared with is light and dashed.
ACTUAL, EXPECTED, FAINT = _INDIGO, _TEAL, _GREY
CYCLE = (_INDIGO, _TEAL, _CYAN, _GREEN, _SAND, _OLIVE, _ROSE, _PURPLE, _WINE, _GREY)
_BY_CODE = {
    "champions": _INDIGO,
    "loyal": _TEAL,
    "potential_loyalist": _CYAN,
    "new": _GREEN,
    "promising": _OLIVE,
    "need_attention": _SAND,
    "about_to_sleep": _PURPLE,
    "cannot_lose": _WINE,
    "at_risk": _ROSE,
    "hibernating": _GREY,
    "important_value": _INDIGO,
    "important_develop": _TEAL,
    "important_keep": _WINE,
    "important_retain": _ROSE,
    "general_value": _CYAN,
    "general_develop": _GREEN,
    "general_keep": _SAND,
    "general_retain": _GREY,
    "high_value": _INDIGO,
    "ordinary": _TEAL,
    "sleeping": _GREY,
    REFUNDS_ONLY.code: "#4a4f57",
    rfm.ABSENT: "#eef0f3",
}
# Letters of a line: what fits 400 pixels.
_TITLE, _SUBTITLE = 55, 67
_MARGIN: Mapping[str, int] = MappingProxyType({"l": 8, "r": 8, "t": 76, "b": 8})
# Light to dark in one hue: reads in print and without colour.
_LIGHT, _DARK = (237, 243, 250), (12, 58, 110)


def segment_colors(scheme: rfm.Scheme) -> dict[str, str]:
    """Colour of each segment code, the same in every figure; codes of a map of the caller's by their place in it."""
    codes = [segment.code for segment in rfm.segment_map(scheme).segments]
    own = {code: CYCLE[place % len(CYCLE)] for place, code in enumerate(codes)}
    return {**own, **_BY_CODE}


def shade(fraction: float) -> str:
    """Colour of the sequential scale; 0 is lightest, 1 is darkest."""
    mixed = (round(low + fraction * (high - low)) for low, high in zip(_LIGHT, _DARK, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def ink_on(color: str) -> str:
    """Black or white letters, whichever has the greater contrast on a colour: 4.5 to 1 or more (WCAG 2.2, AA)."""
    light = luminance(color)
    return PAPER if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else "#000000"


def numbers(
    places: Sequence[tuple[float, float]], said: Sequence[str], fills: Sequence[str], *, size: int
) -> go.Scatter:
    """Write numbers on coloured cells: Plotly's own cell texts know two greys, too faint on the middle of the scale."""
    return go.Scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        text=list(said),
        mode="text",
        textfont={"size": size, "color": [ink_on(fill) for fill in fills]},
        hoverinfo="skip",
    )


def note(text: str, x: float, y: float, **own: Any) -> dict[str, Any]:
    """Make a label on the figure, of plain text, at the left of its place unless told otherwise."""
    font = {"size": 12, "color": INK}
    return {"text": wording.escaped(text), "x": x, "y": y, "showarrow": False, "xanchor": "left", "font": font, **own}


def luminance(color: str) -> float:
    """Relative luminance of a colour "#rrggbb", WCAG 2.2, in [0, 1]."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def figure(traces: Sequence[Any], *, title: str, subtitle: str, height: int, layout: dict[str, Any]) -> go.Figure:
    """Make a figure of the house: the message as title, what is drawn as subtitle.

    Parameters
    ----------
    traces : sequence of Plotly traces
        What to draw.
    title, subtitle : str
        Plain text: it is escaped here, and broken into lines that fit a narrow page. `wording.plain` undoes both.
    height : int
        Pixels with a title and a subtitle of one line; the width follows the page.
    layout : dict
        What this figure has of its own.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    said, below = wording.wrapped(title, _TITLE), wording.wrapped(subtitle, _SUBTITLE)
    # Plotly sets several lines around the place of one.
    words = {"text": said, "subtitle": {"text": below}, "pad": {"l": 8, "t": 14 + 10 * said.count("<br>")}}
    more = 20 * said.count("<br>") + 9 * below.count("<br>")
    margin = {**_MARGIN, **layout.get("margin", {})}
    whole = {**layout, "margin": {**margin, "t": margin["t"] + more}, "height": height + more, "title": words}
    return go.Figure(data=list(traces), layout={"template": template(), **whole})


def template() -> go.layout.Template:
    """Template of all figures: white paper, quiet axes, the title at the left."""
    font = {"family": FONT, "color": INK, "size": 13}
    return go.layout.Template(
        layout={
            "font": font,
            "title": _title(),
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "colorway": list(CYCLE),
            "margin": dict(_MARGIN),
            "xaxis": _axis(),
            "yaxis": _axis(),
            "hoverlabel": {"bgcolor": PAPER, "bordercolor": RULE, "font": font},
            "hovermode": "closest",
            "showlegend": False,
            "separators": ".,",
        }
    )


def _title() -> dict[str, Any]:
    corner = {"x": 0.0, "xref": "container", "xanchor": "left", "y": 1.0, "yref": "container", "yanchor": "top"}
    fonts = {"font": {"size": 16, "color": INK}, "subtitle": {"font": {"size": 13, "color": QUIET}}}
    return {**corner, **fonts, "pad": {"l": 8, "t": 14}}


def _axis() -> dict[str, Any]:
    bare = {"showgrid": False, "zeroline": False, "linecolor": RULE, "tickcolor": RULE}
    words = {"font": {"size": 13, "color": QUIET}, "standoff": 8}
    return {**bare, "automargin": True, "title": words, "fixedrange": True}


def grid() -> dict[str, Any]:
    """Give an axis faint lines, where numbers are read off it."""
    return {"showgrid": True, "gridcolor": "#e9ecf0"}


def log_axis(title: str, low: float, high: float, said: Callable[[float], str]) -> dict[str, Any]:
    """Make a logarithmic axis from `low` to `high` (above 0), with ticks at 1, 2 and 5, or at powers of ten if many."""
    steps = (1, 2, 5) if high / low < 2e3 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    ends = [math.log10(low), math.log10(high)]
    room = 0.06 * (ends[1] - ends[0]) + 0.04
    words = {"title": {"text": title}, "ticktext": [wording.escaped(said(tick)) for tick in ticks]}
    return {"type": "log", "range": [ends[0] - room, ends[1] + room], "tickvals": ticks, **words, **grid()}


def nothing(text: str) -> go.Figure:
    """Make a figure that says why it is empty."""
    hidden = {"visible": False}
    return figure([], title=text, subtitle="", height=160, layout={"xaxis": hidden, "yaxis": hidden})

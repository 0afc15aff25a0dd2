"""Figure of who moved from which segment to which."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit import rfm
from crmkit.plots import house, wording
from crmkit.plots.rfm.tables import Flow, flows, segment_names
from crmkit.plots.rfm.texts import texts
from crmkit.segment_maps import Locale


def plot_segment_migration(
    migration: Any,
    *,
    scheme: rfm.Scheme = "grid",
    before: dt.date | None = None,
    after: dt.date | None = None,
    locale: Locale = "en",
) -> go.Figure:
    """Draw who moved from which segment to which between two dates, as a matrix.

    Parameters
    ----------
    migration : data frame
        From `rfm.segment_migration`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map of both tables that were compared.
    before, after : date, optional
        The two dates, for the words.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Rows are segments before, columns segments after, best first; only segments that occur.

    Notes
    -----
    A matrix and no Sankey diagram: with ten segments some thirty flows cross, and a number can be read off a cell.
    """
    words = texts(locale)
    moves = flows(migration, scheme=scheme)
    if not moves:
        return house.nothing(words["nobody"])
    names = {**segment_names(scheme, locale=locale), rfm.ABSENT: words["absent"]}
    seen = {code for move in moves for code in (move.segment_before, move.segment_after)}
    codes = [code for code in names if code in seen]
    axis = {"showline": False, "ticks": "", "range": [-0.5, len(codes) - 0.5], "tickvals": list(range(len(codes)))}
    marks = {code: f'<span style="color:{color}">■</span>' for code, color in house.segment_colors(scheme).items()}
    heads = [f"{marks[code]} {wording.escaped(names[code])}" for code in codes]
    wrapped = [_wrapped(names[code]) for code in codes]
    layout = {
        "xaxis": {**axis, "ticktext": wrapped, "tickfont": {"size": 11}, "side": "top", "tickangle": 0},
        "yaxis": {**axis, "ticktext": heads, "ticksuffix": "  ", "range": [len(codes) - 0.5, -0.5]},
        "shapes": [_frame(place) for place in range(len(codes))],
        "margin": {"l": 8, "r": 8, "t": 120, "b": 8},
    }
    title, subtitle = _largest(moves, names, locale), _axes(words, before, after, locale) + words["moves"]
    drawn = [_cells(moves, codes, names, locale), _numbers(moves, codes)]
    return house.figure(drawn, title=title, subtitle=subtitle, height=140 + 42 * len(codes), layout=layout)


def _cells(moves: Sequence[Flow], codes: Sequence[str], names: dict[str, str], locale: Locale) -> go.Heatmap:
    found = {(move.segment_before, move.segment_after): move for move in moves}
    rows = [[found.get((before, after)) for after in codes] for before in codes]
    return go.Heatmap(
        x=list(range(len(codes))),
        y=list(range(len(codes))),
        z=[[move.share if move else None for move in row] for row in rows],
        customdata=[[_said(move, names, locale) if move else ["", ""] for move in row] for row in rows],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
        hoverongaps=False,
        colorscale=[[step / 4, house.shade(step / 4)] for step in range(5)],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )


def _numbers(moves: Sequence[Flow], codes: Sequence[str]) -> go.Scatter:
    places = [(codes.index(move.segment_after), codes.index(move.segment_before)) for move in moves]
    said = [wording.count(move.customers) for move in moves]
    return house.numbers(places, said, [house.shade(move.share) for move in moves], size=13)


def _said(move: Flow, names: dict[str, str], locale: Locale) -> list[str]:
    words = texts(locale)
    before = names[move.segment_before]
    head = words["move"].format(before=before, after=names[move.segment_after])
    share = wording.percent(move.share, locale)
    body = words["move_customers"].format(customers=wording.count(move.customers), share=share, before=before)
    return [wording.escaped(head), wording.escaped(body)]


def _largest(moves: Sequence[Flow], names: dict[str, str], locale: Locale) -> str:
    words = texts(locale)
    moved = [move for move in moves if move.segment_before != move.segment_after]
    if not moved:
        stayed = sum(move.customers for move in moves)
        return words["nobody_moved"].format(customers=wording.count(stayed))
    top = max(moved, key=lambda move: move.customers)
    return words["largest_move"].format(
        customers=wording.count(top.customers), before=names[top.segment_before], after=names[top.segment_after]
    )


def _axes(words: dict[str, str], before: dt.date | None, after: dt.date | None, locale: Locale) -> str:
    first = wording.day(before, locale) if before else words["before_axis"]
    second = wording.day(after, locale) if after else words["after_axis"]
    return words["between"].format(before=first, after=second)


def _wrapped(name: str) -> str:
    """Break a name into lines of one word, or of four letters where no words are marked."""
    if " " in name:
        return wording.escaped(name).replace(" ", "<br>")
    if name.isascii():
        return wording.escaped(name)
    return "<br>".join(wording.escaped(name[start : start + 4]) for start in range(0, len(name), 4))


def _frame(place: int) -> dict[str, Any]:
    corners = {"x0": place - 0.5, "x1": place + 0.5, "y0": place - 0.5, "y1": place + 0.5}
    return {"type": "rect", **corners, "line": {"color": house.INK, "width": 1.5}}

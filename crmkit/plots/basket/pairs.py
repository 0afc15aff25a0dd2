"""Figure of what goes together: products in a column, arcs between those bought together."""

from __future__ import annotations

import math
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.basket.network import in_order
from crmkit.plots.basket.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

PAIRS = Table(
    "product_pairs",
    "one row per pair of products, from basket.product_pairs",
    (
        columns.ident("product_a", "one product"),
        columns.ident("product_b", "the other"),
        columns.number("together", "baskets with both", "count", nullable=False),
        columns.number("baskets_a", "baskets with the first", "count"),
        columns.number("baskets_b", "baskets with the second", "count"),
        columns.share("confidence_ab", "share of the first's"),
        columns.share("confidence_ba", "share of the second's"),
        columns.number("expected", "baskets by chance", "count"),
        columns.number("adjusted_lift", "over chance", "ratio", nullable=False),
        columns.number("lift_low", "its lower bound", "ratio", nullable=False),
        columns.text("verdict", "together, or not shown"),
    ),
)
_STEPS = 24  # of an arc
_NARROW = 2.0  # rows that an arc reaches out at least, so that one between neighbours stays small
_COLORS = (marks.INDIGO, marks.TEAL, marks.ROSE, marks.OLIVE, marks.PURPLE, marks.GREEN, marks.WINE)
Row = dict[str, Any]


def plot_product_pairs(pairs: Any, *, top: int = 15, locale: Locale = "en") -> go.Figure:
    """Draw the network of products that are bought together more often than chance explains.

    Parameters
    ----------
    pairs : data frame
        From `basket.product_pairs`; only the rows that are drawn leave its engine.
    top : int
        Pairs at most, at least 1: those whose lower bound is highest.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Products in a column, those that hang together side by side and in one colour; an arc per pair with its lift.

    Raises
    ------
    DomainError
        `top` is below 1.
    """
    if top < 1:
        raise DomainError(f"top must be at least 1, got {top}.")
    words = texts(locale)
    shown = schema.admit(pairs, PAIRS).filter(nw.col("verdict") == "together")
    all_pairs = int(frames.arrays(shown.select(pairs=nw.len()), ["pairs"])["pairs"][0])
    if not all_pairs:
        return house.nothing(words["no_pairs"])
    ranked = shown.with_columns(below=-nw.col("lift_low")).sort("below", "product_a", "product_b").head(top)
    rows = [
        {**row, "a": str(row["product_a"]), "b": str(row["product_b"])} for row in read.plain_rows(ranked, PAIRS.known)
    ]
    groups = in_order([(row["a"], row["b"]) for row in rows])
    places = _places(groups)
    colors = {name: _COLORS[k % len(_COLORS)] for k, group in enumerate(groups) for name in group}
    lowest, reach = max(places.values()), max(abs(places[row["a"]] - places[row["b"]]) for row in rows)
    layout = {
        "margin": marks.MARGIN,
        "xaxis": {"visible": False, "range": [-0.03 * reach, max(0.5 * reach * 1.25 + 0.25, _NARROW)]},
        "yaxis": {
            **marks.rows_axis([]),
            "tickvals": list(places.values()),
            "ticktext": [labels.shortened(name, 34) for name in places],
            "range": [lowest + 0.7, -0.7],
        },
        "annotations": _lifts(rows, places, locale),
    }
    subtitle = words["pairs"]
    subtitle += (
        words["pairs_cut"].format(shown=len(rows), all=wording.count(all_pairs)) if len(rows) < all_pairs else ""
    )
    best = rows[0]
    title = words["pairs_title"].format(a=best["a"][:36], b=best["b"][:36], lift=_times(best["adjusted_lift"]))
    traces = [*(_arc(row, places, colors, locale) for row in rows), _products(rows, places, colors, locale)]
    return house.figure(traces, title=title, subtitle=subtitle, height=int(130 + 25 * (lowest + 1)), layout=layout)


def _places(groups: list[list[str]]) -> dict[str, float]:
    """Rows of the products, with half a row between groups."""
    places: dict[str, float] = {}
    at = 0.0
    for group in groups:
        for name in group:
            places[name] = at
            at += 1.0
        at += 0.5
    return places


def _arc(row: Row, places: dict[str, float], colors: dict[str, str], locale: Locale) -> go.Scatter:
    """Half an ellipse to the right, as far as the products stand apart; its hover lies all along it."""
    ends = places[row["a"]], places[row["b"]]
    middle, half = sum(ends) / 2, abs(ends[0] - ends[1]) / 2
    angles = [math.pi * (step / _STEPS - 0.5) for step in range(_STEPS + 1)]
    return go.Scatter(
        x=[half * math.cos(angle) for angle in angles],
        y=[middle + half * math.sin(angle) for angle in angles],
        mode="lines",
        line={"color": colors[row["a"]], "width": 2.2},
        hovertext=[_said(row, locale)] * len(angles),
        hoverinfo="text",
    )


def _lifts(rows: list[Row], places: dict[str, float], locale: Locale) -> list[dict[str, Any]]:
    notes = []
    for row in rows:
        a, b = places[row["a"]], places[row["b"]]
        said = texts(locale)["times"].format(lift=_times(row["adjusted_lift"]))
        at = {"x": abs(a - b) / 2, "y": (a + b) / 2, "xanchor": "left", "xshift": 3}
        notes.append({**at, "text": wording.escaped(said), "showarrow": False, "font": {"size": 11}})
    return notes


def _products(rows: list[Row], places: dict[str, float], colors: dict[str, str], locale: Locale) -> go.Scatter:
    baskets = {row[end]: row[f"baskets_{end}"] for row in rows for end in ("a", "b")}
    return go.Scatter(
        x=[0.0] * len(places),
        y=list(places.values()),
        mode="markers",
        marker={"size": 9, "color": [colors[name] for name in places], "line": {"color": house.PAPER, "width": 1}},
        cliponaxis=False,
        hovertext=[
            labels.hover(name, texts(locale)["product"].format(baskets=wording.count(baskets[name]))) for name in places
        ],
        hoverinfo="text",
    )


def _times(lift: float) -> str:
    return f"{lift:,.0f}" if lift >= 9.95 else f"{lift:.1f}"


def _said(row: Row, locale: Locale) -> str:
    words = texts(locale)
    shares = {key: wording.percent(row[f"confidence_{key}"], locale) for key in ("ab", "ba")}
    expected = None if row["expected"] is None else round(row["expected"], 1)
    return labels.hover(
        f"{row['a']} + {row['b']}",
        words["pair_lift"].format(lift=_times(row["adjusted_lift"]), low=_times(row["lift_low"])),
        words["pair_counts"].format(together=wording.count(row["together"]), expected=wording.count(expected)),
        words["pair_shares"].format(**shares),
    )

"""Figures of what each segment is worth: tree map and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit import rfm
from crmkit.plots import house, wording
from crmkit.plots.rfm.tables import SegmentRow, summary_rows
from crmkit.plots.rfm.texts import texts
from crmkit.segment_maps import Locale

_ROOMY, _LEAST_LABELLED = 0.08, 0.02  # parts of the area
_HOVER = "<b>%{customdata[5]}</b><br>%{customdata[0]}<br>%{customdata[2]}<br>%{customdata[3]}<extra></extra>"


def plot_segment_summary(
    summary: Any, *, scheme: rfm.Scheme = "grid", currency: str = "", locale: Locale = "en"
) -> go.Figure:
    """Draw what each segment is worth as a tree map: the area is revenue, the label says customers and revenue.

    Parameters
    ----------
    summary : data frame
        From `rfm.segment_summary`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        As given to `rfm.segment_summary`.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language of the words; names stand as they are in the table.

    Returns
    -------
    plotly.graph_objects.Figure
        Segments without revenue have no area; the subtitle names those with customers. If nobody paid anything the
        area is customers.
    """
    words = texts(locale)
    rows = [row for row in summary_rows(summary, scheme=scheme) if row.customers]
    if not rows:
        return house.nothing(words["nobody"])
    by_revenue = any(row.revenue > 0 for row in rows)
    areas = [max(row.revenue, 0.0) if by_revenue else float(row.customers) for row in rows]
    flat = [row.segment_name for row, area in zip(rows, areas, strict=True) if area == 0]
    subtitle = words["tree_area" if by_revenue else "tree_area_customers"]
    subtitle += words["without_area"].format(names=", ".join(flat)) if flat else ""
    tiles = _tree(rows, areas, house.segment_colors(scheme), currency, locale)
    return house.figure([tiles], title=_best(rows, locale), subtitle=subtitle, height=540, layout={})


def _tree(
    rows: Sequence[SegmentRow], areas: Sequence[float], colors: dict[str, str], currency: str, locale: Locale
) -> go.Treemap:
    fills = [colors[row.segment] for row in rows]
    parts = [area / sum(areas) for area in areas]
    return go.Treemap(
        ids=[row.segment for row in rows],
        labels=[wording.escaped(row.segment_name) for row in rows],
        parents=[""] * len(rows),
        values=areas,
        customdata=[_said(row, currency, locale) for row in rows],
        marker={"colors": fills, "line": {"width": 0}, "pad": dict.fromkeys("lrtb", 0)},
        texttemplate=[_label(part) for part in parts],
        hovertemplate=_HOVER,
        insidetextfont={  # as `textfont`, a list of colours makes plotly.js complain in the console
            "color": [house.ink_on(fill) for fill in fills],
            "size": [15 if part >= _ROOMY else 12 for part in parts],
        },
        tiling={"pad": 3, "squarifyratio": 1},
        pathbar={"visible": False},
        root={"color": house.PAPER},
    )


def _label(part: float) -> str:
    """Choose what a tile says by its part of the area: too small a tile says nothing, its hover says all."""
    if part < _LEAST_LABELLED:
        return " "
    return "<b>%{label}</b><br>%{customdata[0]}<br>%{customdata[1]}" if part >= _ROOMY else "%{customdata[4]}"


def _said(row: SegmentRow, currency: str, locale: Locale) -> list[str]:
    """Say a row for labels and hovers: customers, revenue share, revenue, medians, all of a narrow tile, name."""
    words = texts(locale)
    share = wording.percent(row.revenue_share, locale)
    customers = words["tile_customers"].format(
        customers=wording.count(row.customers), share=wording.percent(row.customer_share, locale)
    )
    medians = words["hover_medians"].format(
        days=wording.count(row.median_days_since_order),
        orders=wording.count(row.median_order_count),
        revenue=wording.money(row.median_revenue, currency),
    )
    revenue = words["hover_revenue"].format(money=wording.money(row.revenue, currency), share=share)
    tile = words["tile_revenue"].format(share=share)
    narrow = f"{words['tile_narrow'].format(customers=wording.count(row.customers))} {tile}"
    wrapped = f"<b>{_wrapped(row.segment_name)}</b><br>{_wrapped(narrow)}"
    return [
        *(wording.escaped(text) for text in (customers, tile, revenue, medians)),
        wrapped,
        wording.escaped(row.segment_name),
    ]


def _wrapped(text: str) -> str:
    return wording.escaped(text).replace(" ", "<br>")


def _best(rows: Sequence[SegmentRow], locale: Locale) -> str:
    """Say which segment brings most, or is largest while nobody has paid."""
    paid = [row for row in rows if row.revenue_share is not None]
    if not paid:
        top = max(rows, key=lambda row: row.customers)
        share = wording.percent(top.customer_share, locale)
        return texts(locale)["most"].format(name=top.segment_name, customers=share)
    top = max(paid, key=lambda row: row.revenue)
    return texts(locale)["best"].format(
        name=top.segment_name,
        customers=wording.percent(top.customer_share, locale),
        revenue=wording.percent(top.revenue_share, locale),
    )


def plot_segment_bars(
    summary: Any, *, scheme: rfm.Scheme = "grid", currency: str = "", locale: Locale = "en"
) -> go.Figure:
    """Draw each segment's share of revenue beside its share of customers: which segments carry the others.

    Parameters
    ----------
    summary, scheme, currency, locale
        As for `plot_segment_summary`.

    Returns
    -------
    plotly.graph_objects.Figure
        Two bars per segment, best segment on top, empty ones included.
    """
    words = texts(locale)
    rows = summary_rows(summary, scheme=scheme)
    found = [row for row in rows if row.customers]
    if not found:
        return house.nothing(words["nobody"])
    layout = {
        "barmode": "group",
        "bargap": 0.28,
        "bargroupgap": 0.06,
        "margin": {"l": 8, "r": 56, "t": 76, "b": 8},
        "xaxis": {"visible": False, "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "ticks": "", "ticksuffix": "  ", "showline": False},
    }
    bars = _bars(rows, house.segment_colors(scheme), currency, locale)
    height = 110 + 44 * len(rows)
    return house.figure(bars, title=_best(found, locale), subtitle=words["bars"], height=height, layout=layout)


def _bars(rows: Sequence[SegmentRow], colors: dict[str, str], currency: str, locale: Locale) -> list[go.Bar]:
    words = texts(locale)
    series = (
        (words["bar_customers"], [row.customer_share for row in rows], house.PAPER),
        (words["bar_revenue"], [row.revenue_share for row in rows], [colors[row.segment] for row in rows]),
    )
    return [
        go.Bar(
            name=name,
            x=shares,
            y=[wording.escaped(row.segment_name) for row in rows],
            orientation="h",
            marker={"color": color, "line": {"color": house.QUIET, "width": 1}},
            text=[wording.percent(share, locale) for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=[_said(row, currency, locale) for row in rows],
            hovertemplate=_HOVER,
        )
        for name, shares, color in series
    ]

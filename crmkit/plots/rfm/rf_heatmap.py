"""Figure of where customers stand on the grid of recency and frequency."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import plotly.graph_objects as go

from crmkit import rfm
from crmkit.errors import DomainError
from crmkit.plots import house, wording
from crmkit.plots.rfm.rf_grid import Cell, RfGrid, rf_grid
from crmkit.plots.rfm.tables import segment_names
from crmkit.plots.rfm.texts import texts
from crmkit.segment_maps import Locale

CellValue: TypeAlias = Literal["customers", "median_revenue"]


def plot_rf_heatmap(
    segments: Any,
    *,
    value: CellValue = "customers",
    scheme: rfm.Scheme = "grid",
    currency: str = "",
    locale: Locale = "en",
) -> go.Figure:
    """Draw where customers stand on the grid of recency and frequency, segments outlined and named.

    Parameters
    ----------
    segments : data frame
        From `rfm.rfm_segments` or `rfm.segment`: counted in its engine, however many rows it has.
    value : {"customers", "median_revenue"}
        What the number in a cell is.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        As given to `rfm.rfm_segments`.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Frequency to the right, recency upwards. Customers with refunds only have no scores and are not drawn.

    Raises
    ------
    DomainError
        `value` is neither.
    """
    if value not in ("customers", "median_revenue"):
        raise DomainError(f'value must be "customers" or "median_revenue", got {value!r}.')
    words = texts(locale)
    grid = rf_grid(segments, with_revenue=value == "median_revenue", scheme=scheme)
    if not grid.customers:
        return house.nothing(words["nobody"])
    tick = {"tickvals": list(range(1, grid.scores + 1)), "range": [0.5, grid.scores + 0.5], "showline": False}
    layout = {
        "xaxis": {**tick, "title": {"text": words["f_axis"]}},
        "yaxis": {**tick, "title": {"text": words["r_axis"]}},
        "shapes": [_line(*ends) for ends in grid.borders()],
        "annotations": _names(grid, scheme, locale),
    }
    subtitle = words["rf_customers" if value == "customers" else "rf_revenue"].format(n=grid.scores)
    title = _peak(grid, scheme, currency, locale)
    return house.figure(
        [_cells(grid, scheme, currency, locale), _numbers(grid, currency)],
        title=title,
        subtitle=subtitle,
        height=540,
        layout=layout,
    )


def _cells(grid: RfGrid, scheme: rfm.Scheme, currency: str, locale: Locale) -> go.Heatmap:
    levels = range(1, grid.scores + 1)
    values = grid.median_revenue or grid.customers
    shown = [[values.get((r, f)) for f in levels] for r in levels]
    return go.Heatmap(
        x=list(levels),
        y=list(levels),
        z=shown,
        customdata=[[_said(grid, (r, f), scheme, currency, locale) for f in levels] for r in levels],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
        hoverongaps=False,
        colorscale=[[step / 4, house.shade(step / 4)] for step in range(5)],
        zmin=0,
        showscale=False,
        xgap=1,
        ygap=1,
    )


def _numbers(grid: RfGrid, currency: str) -> go.Scatter:
    values = grid.median_revenue or grid.customers
    most = max(values.values())
    said = [
        wording.money(value, currency) if grid.median_revenue else wording.count(value) for value in values.values()
    ]
    fills = [house.shade(max(value, 0) / most if most > 0 else 0.0) for value in values.values()]
    # Below the middle: the upper left corner may hold a name.
    return house.numbers([(f, r - 0.14) for r, f in values], said, fills, size=15)


def _said(grid: RfGrid, cell: Cell, scheme: rfm.Scheme, currency: str, locale: Locale) -> list[str]:
    words, names = texts(locale), segment_names(scheme, locale=locale)
    where = words["cell"].format(r=cell[0], f=cell[1], names=" / ".join(names[code] for code in grid.codes[cell]))
    customers = grid.customers.get(cell, 0)
    share = wording.percent(customers / sum(grid.customers.values()), locale)
    said = words["cell_customers"].format(customers=wording.count(customers), share=share)
    if grid.median_revenue:
        money = wording.money(grid.median_revenue.get(cell), currency)
        said += "<br>" + wording.escaped(words["cell_revenue"].format(revenue=money))
    return [wording.escaped(where), said]


def _peak(grid: RfGrid, scheme: rfm.Scheme, currency: str, locale: Locale) -> str:
    """Say which cell has the greatest number."""
    words, names = texts(locale), segment_names(scheme, locale=locale)
    values = grid.median_revenue or grid.customers
    r, f = max(values, key=lambda cell: values[cell])
    cell = words["cell"].format(r=r, f=f, names=" / ".join(names[code] for code in grid.codes[r, f]))
    if grid.median_revenue:
        return words["richest"].format(cell=cell, revenue=wording.money(values[r, f], currency))
    everyone = sum(grid.customers.values())
    share = wording.percent(values[r, f] / everyone, locale)
    return words["fullest"].format(
        cell=cell, customers=wording.count(values[r, f]), all=wording.count(everyone), share=share
    )


def _names(grid: RfGrid, scheme: rfm.Scheme, locale: Locale) -> list[dict[str, Any]]:
    """Chips with the segment's name in its colour, in the upper left corner of its block."""
    names, colors = segment_names(scheme, locale=locale), house.segment_colors(scheme)
    chips = []
    for (r, f), width in grid.corners():
        for place, code in enumerate(grid.codes[r, f]):
            name = wording.escaped(names[code])
            chips.append(
                {
                    "x": f - 0.5,
                    "y": r + 0.5,
                    "xanchor": "left",
                    "yanchor": "top",
                    "xshift": 5,
                    "yshift": -5 - 22 * place,
                    "text": name if width > 1 else name.replace(" ", "<br>", 1),
                    "align": "left",
                    "showarrow": False,
                    "font": {"size": 11, "color": house.ink_on(colors[code])},
                    "bgcolor": colors[code],
                    "borderpad": 2,
                }
            )
    return chips


def _line(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": {"color": house.INK, "width": 1.5}}

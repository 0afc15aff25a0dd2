"""Figures of recency, frequency and money as they are: many customers as few dots, and customers by orders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.plots import house, wording
from crmkit.plots.classes import classes
from crmkit.plots.rfm.texts import texts
from crmkit.schema import Column, Table
from crmkit.segment_maps import Locale

_DAYS = Column("days_since_order", "number", "days since the last order", "days", "at least 0", True, True, 0.0)
_ORDERS = Column("order_count", "number", "orders", "count", "at least 0", True, False, 0.0)
_REVENUE = Column("revenue", "number", "what the customer paid", "money", "finite", required=True, nullable=False)
# Cells of a scatter: bins of time, and bins per factor e of orders and money (1 to 9 orders stay apart).
_BINS, _PER_E = 36, 8.0
_LARGEST = 30.0  # pixels across


@dataclass(frozen=True, slots=True)
class _Cell:
    """Customers of like measures; from and to are what is really found in the cell."""

    x: tuple[float, float]
    y: tuple[float, float]
    customers: int


def plot_recency_frequency(rfm_table: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw customers by the days since their last order and the number of their orders.

    Parameters
    ----------
    rfm_table : data frame
        From `rfm.rfm_table`: counted in its engine into some hundred cells, however many rows it has.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        One dot per cell, its area is customers; orders on a logarithmic scale. Customers with refunds only are not
        drawn.
    """
    words = texts(locale)
    entered = _admitted(rfm_table, _DAYS, _ORDERS)
    days = frames.arrays(entered.select(top=nw.col("days_since_order").max()), ["top"])["top"]
    width = 1 if len(days) == 0 or days[0] != days[0] else max(1, math.ceil((float(days[0]) + 1.0) / _BINS))
    cells = _cells(entered, nw.col("days_since_order") // width, "days_since_order", "order_count")
    if not cells:
        return house.nothing(words["nobody"])
    top = max(cells, key=lambda cell: cell.customers)
    title = words["rf_peak"].format(
        orders=_orders(top.y, locale), days=_range(*top.x, locale), **_of_all(top, cells, locale)
    )
    said = [f"{_orders(cell.y, locale)}<br>{words['days_axis']}: {_range(*cell.x, locale)}" for cell in cells]
    longest = max(cell.x[1] for cell in cells)
    days_axis = {"range": [-0.03 * longest - 1.0, 1.03 * longest + 1.0], "tickformat": ",d", **house.grid()}
    layout = {
        "xaxis": {"title": {"text": words["days_axis"]}, **days_axis},
        "yaxis": house.log_axis(words["orders_axis"], 1.0, max(cell.y[1] for cell in cells), wording.count),
    }
    return house.figure(
        [_dots(cells, said, locale)], title=title, subtitle=words["rf_cells"], height=480, layout=layout
    )


def plot_frequency_money(rfm_table: Any, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw customers by the number of their orders and what they paid.

    Parameters
    ----------
    rfm_table : data frame
        From `rfm.rfm_table`: counted in its engine.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        One dot per cell, its area is customers; both scales logarithmic. Customers without orders or without revenue
        above 0 are not drawn; the subtitle counts the latter.
    """
    words = texts(locale)
    entered = _admitted(rfm_table, _ORDERS, _REVENUE)
    paid = entered.filter(nw.col("revenue") > 0)
    unpaid = frames.arrays(entered.filter(nw.col("revenue") <= 0).select(n=nw.len()), ["n"])["n"]
    level = nw.when(nw.col("revenue") > 0).then(nw.col("revenue")).otherwise(1.0).log() * (_PER_E / 2.0)
    cells = _cells(paid, level.round(0), "order_count", "revenue")
    if not cells:
        return house.nothing(words["nobody"])
    top = max(cells, key=lambda cell: cell.customers)
    title = words["fm_peak"].format(
        orders=_orders(top.x, locale), money=_money(top, currency, locale), **_of_all(top, cells, locale)
    )
    subtitle = words["fm_cells"]
    subtitle += words["no_revenue"].format(customers=wording.count(int(unpaid[0]))) if int(unpaid[0]) else ""
    said = [f"{_orders(cell.x, locale)}<br>{wording.escaped(_money(cell, currency, locale))}" for cell in cells]
    least, most = min(cell.y[0] for cell in cells), max(cell.y[1] for cell in cells)
    layout = {
        "xaxis": house.log_axis(words["orders_axis"], 1.0, max(cell.x[1] for cell in cells), wording.count),
        "yaxis": house.log_axis(words["revenue_axis"], least, most, lambda tick: wording.round_money(tick, currency)),
    }
    return house.figure([_dots(cells, said, locale)], title=title, subtitle=subtitle, height=480, layout=layout)


def plot_order_counts(rfm_table: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw how many customers have ordered how often.

    Parameters
    ----------
    rfm_table : data frame
        From `rfm.rfm_table`: counted in its engine.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        At most a dozen bars and one for the tail. Customers with refunds only are not drawn.
    """
    words = texts(locale)
    found = frames.distinct_rows(_admitted(rfm_table, _ORDERS), ["order_count"])
    counts = {int(n): int(count) for n, count in zip(found["order_count"], found["count"], strict=True)}
    if not counts:
        return house.nothing(words["nobody"])
    everyone, once = sum(counts.values()), counts.get(1, 0)
    said = {"customers": wording.count(once), "all": wording.count(everyone)}
    title = words["once" if once else "all_again"].format(**said, share=wording.percent(once / everyone, locale))
    bars = classes(counts)
    shares = [wording.percent(bar.count / everyone, locale) for bar in bars]
    trace = go.Bar(
        x=[bar.name for bar in bars],
        y=[bar.count for bar in bars],
        marker={"color": house.ACTUAL},
        text=shares,
        textposition="outside",
        cliponaxis=False,
        customdata=[
            [words["order_said"] if bar.name == "1" else words["orders_said"].format(orders=bar.name)] for bar in bars
        ],
        hovertemplate=[
            "<b>%{customdata[0]}</b><br>"
            + words["cell_customers"].format(customers=wording.count(bar.count), share=share)
            + "<extra></extra>"
            for bar, share in zip(bars, shares, strict=True)
        ],
    )
    layout = {
        "xaxis": {"title": {"text": words["orders_axis"]}, "type": "category"},
        "yaxis": {"title": {"text": words["customers_axis"]}, "tickformat": ",d", "rangemode": "tozero"},
        "bargap": 0.2,
        "uniformtext": {"minsize": 9, "mode": "show"},
    }
    return house.figure([trace], title=title, subtitle=words["order_bars"], height=400, layout=layout)


def _admitted(rfm_table: Any, *columns: Column) -> frames.Frame:
    expected = Table("rfm_table", "one row per customer, from rfm.rfm_table", columns)
    entered = schema.admit(rfm_table, expected).filter(nw.col("order_count") > 0)
    return entered.with_columns(nw.col("order_count").cast(nw.Int64))


def _cells(entered: frames.Frame, level: nw.Expr, x: str, y: str) -> list[_Cell]:
    """Count customers by orders (near ones together) and by the level of the other measure."""
    near = (nw.col("order_count").cast(nw.Float64).log() * _PER_E).round(0)
    marked = entered.with_columns(level=level.cast(nw.Float64), near=near.cast(nw.Float64))
    counted = marked.group_by("level", "near").agg(
        customers=nw.len(),
        x_low=nw.col(x).min(),
        x_high=nw.col(x).max(),
        y_low=nw.col(y).min(),
        y_high=nw.col(y).max(),
    )
    names = ["customers", "x_low", "x_high", "y_low", "y_high"]
    found = frames.arrays(counted.filter(~nw.col("level").is_null()).sort("level", "near"), names)
    rows = zip(*(found[name].tolist() for name in names), strict=True)
    return [_Cell((x0, x1), (y0, y1), int(customers)) for customers, x0, x1, y0, y1 in rows]


def _dots(cells: list[_Cell], said: list[str], locale: Locale) -> go.Scatter:
    most, words = max(cell.customers for cell in cells), texts(locale)
    everyone = sum(cell.customers for cell in cells)
    return go.Scatter(
        x=[_middle(*cell.x) for cell in cells],
        y=[_middle(*cell.y) for cell in cells],
        mode="markers",
        marker={
            "size": [cell.customers for cell in cells],
            "sizemode": "area",
            "sizeref": 2.0 * most / _LARGEST**2,
            "sizemin": 1.5,
            "color": house.ACTUAL,
            "opacity": 0.75,
            "line": {"width": 0},
        },
        customdata=[
            [
                words["cell_customers"].format(
                    customers=wording.count(cell.customers), share=wording.percent(cell.customers / everyone, locale)
                ),
                text,
            ]
            for cell, text in zip(cells, said, strict=True)
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )


def _middle(low: float, high: float) -> float:
    return (low + high) / 2.0


def _of_all(top: _Cell, cells: list[_Cell], locale: Locale) -> dict[str, str]:
    everyone = sum(cell.customers for cell in cells)
    share = wording.percent(top.customers / everyone, locale)
    return {"customers": wording.count(top.customers), "all": wording.count(everyone), "share": share}


def _orders(ends: tuple[float, float], locale: Locale) -> str:
    words = texts(locale)
    if ends == (1, 1):
        return words["order_said"]
    return words["orders_said"].format(orders=_range(*ends, locale))


def _range(low: float, high: float, locale: Locale) -> str:
    first, last = wording.count(low), wording.count(high)
    return first if first == last else texts(locale)["range"].format(low=first, high=last)


def _money(cell: _Cell, currency: str, locale: Locale) -> str:
    first, last = (wording.money(end, currency) for end in cell.y)
    return first if first == last else texts(locale)["range"].format(low=first, high=last)

"""Figures of how value is spread over customers: how concentrated it is, and who is worth how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.plots import house, wording
from crmkit.plots.clv.tables import VALUES
from crmkit.plots.clv.texts import texts
from crmkit.segment_maps import Locale

_PER_E = 25.0  # cells per factor e: four per cent wide
_TOLD = 0.1  # the title speaks of about this share of customers
_CLASSES = 10


@dataclass(frozen=True, slots=True)
class _Cell:
    """Customers of like value: how many, what they are worth together, the least of it."""

    customers: int
    value: float
    least: float


def plot_customer_value(values: Any, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw how much of the value to come the best customers hold.

    Parameters
    ----------
    values : data frame
        From `clv.customer_value`: counted in its engine into some hundred cells, however many rows it has.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        The curve is exact where cells meet. Customers without a known value are left out.
    """
    words = texts(locale)
    entered = schema.admit(values, VALUES)
    level = (nw.when(nw.col("clv") > 0).then(nw.col("clv")).otherwise(1.0).log() * _PER_E).round(0)
    cells = _cells(entered, nw.when(nw.col("clv") > 0).then(level).otherwise(-1e9))
    if not cells:
        return house.nothing(_why_empty(entered, locale))
    everyone, total = sum(cell.customers for cell in cells), sum(cell.value for cell in cells)
    if total <= 0:
        return house.nothing(words["nothing"].format(all=wording.count(everyone)))
    points, said, customers, value = [(0.0, 0.0)], [["", ""]], 0, 0.0
    for cell in cells:
        customers, value = customers + cell.customers, value + cell.value
        points.append((customers / everyone, value / total))
        head = words["best_share"].format(share=wording.percent(points[-1][0], locale))
        text = words["concentration_said"].format(
            value=wording.percent(points[-1][1], locale),
            customers=wording.count(customers),
            least=wording.money(cell.least, currency),
        )
        said.append([head, text.replace("<br>", "\0")])
    said = [[head, wording.escaped(text).replace("\0", "<br>")] for head, text in said]
    told = min(points[1:], key=lambda point: abs(point[0] - _TOLD))
    title = words["concentration"].format(
        customers=wording.percent(told[0], locale), value=wording.percent(told[1], locale)
    )
    subtitle = words["concentration_sub"].format(total=wording.money(total, currency))
    axis = {"range": [-0.02, 1.04], "tickformat": ".0%", "dtick": 0.2, **house.grid()}
    layout = {
        "xaxis": {"title": {"text": words["customers_axis"]}, **axis},
        "yaxis": {"title": {"text": words["value_axis"]}, **axis},
        "annotations": [
            house.note(f"{wording.percent(told[0], locale)} → {wording.percent(told[1], locale)}", *told, xshift=10)
        ],
        "margin": {"r": 20},
    }
    return house.figure(_curve(points, said, told), title=title, subtitle=subtitle, height=440, layout=layout)


def _curve(points: list[tuple[float, float]], said: list[list[str]], told: tuple[float, float]) -> list[go.Scatter]:
    x, y = ([point[axis] for point in points] for axis in (0, 1))
    even = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": house.QUIET, "width": 1, "dash": "dash"}, hoverinfo="skip"
    )
    curve = go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": house.ACTUAL, "width": 2.5},
        customdata=said,
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )
    marker = {"size": 10, "color": house.ACTUAL}
    return [even, curve, go.Scatter(x=[told[0]], y=[told[1]], mode="markers", marker=marker, hoverinfo="skip")]


def plot_value_classes(values: Any, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw how many customers will be worth how much.

    Parameters
    ----------
    values, currency, locale
        As for `plot_customer_value`.

    Returns
    -------
    plotly.graph_objects.Figure
        At most eleven bars, limits 1, 2, 5, 10, ...; the hover says what a class is worth together.
    """
    entered = schema.admit(values, VALUES)
    top = frames.arrays(entered.select(top=nw.col("clv").max()), ["top"])["top"]
    if len(top) == 0 or top[0] is None or top[0] != top[0]:
        return house.nothing(_why_empty(entered, locale))
    limits = _limits(float(top[0]))
    level = sum((frames.one_if(nw.col("clv") >= limit) for limit in limits), start=nw.lit(0))
    marked = entered.filter(~nw.col("clv").is_null()).with_columns(level=level.cast(nw.Int64))
    sums = marked.group_by("level").agg(customers=nw.len(), value=nw.col("clv").sum())
    found = frames.arrays(sums.sort("level"), ["level", "customers", "value"])
    counts = {int(k): (int(n), float(v)) for k, n, v in zip(*found.values(), strict=True)}
    first = min(counts)
    levels = range(first, len(limits) + 1) if limits else range(1)
    names = [_class_name(level, limits, currency, locale) for level in levels]
    return _class_bars([counts.get(level, (0, 0.0)) for level in levels], names, entered, currency, locale)


def _class_bars(
    counts: list[tuple[int, float]], names: list[str], entered: frames.Frame, currency: str, locale: Locale
) -> go.Figure:
    words = texts(locale)
    everyone, total = sum(n for n, _ in counts), sum(value for _, value in counts)
    top = max(range(len(counts)), key=lambda i: counts[i][0])
    said = [
        words["class_said"].format(
            customers=wording.count(n),
            share=wording.percent(n / everyone, locale),
            value=wording.escaped(wording.money(value, currency)),
            value_share=wording.percent(value / total if total > 0 else None, locale),
        )
        for n, value in counts
    ]
    title = words["classes"].format(
        range=names[top],
        customers=wording.count(counts[top][0]),
        all=wording.count(everyone),
        share=wording.percent(counts[top][0] / everyone, locale),
    )
    missing = _missing(entered)
    left = words["left"].format(customers=wording.count(missing)) if missing else ""
    bars = go.Bar(
        x=[n for n, _ in counts],
        y=[wording.escaped(name) for name in names],
        orientation="h",
        marker={"color": house.ACTUAL},
        text=[wording.percent(n / everyone, locale) for n, _ in counts],
        textposition="outside",
        cliponaxis=False,
        customdata=said,
        hovertemplate="<b>%{y}</b><br>%{customdata}<extra></extra>",
    )
    layout = {
        "bargap": 0.2,
        "margin": {"r": 56},
        "xaxis": {"visible": False, "rangemode": "tozero"},
        "yaxis": {"type": "category", "ticks": "", "ticksuffix": "  ", "showline": False},
    }
    subtitle = words["classes_sub"] + left
    return house.figure([bars], title=title, subtitle=subtitle, height=120 + 32 * len(counts), layout=layout)


def _limits(highest: float) -> list[float]:
    """Round limits up to the highest value, ten at most, ascending."""
    if highest <= 0:
        return []
    power = math.floor(math.log10(highest))
    steps = [step * 10.0**p for p in range(power - 4, power + 1) for step in (1, 2, 5)]
    return [step for step in steps if step <= highest][-_CLASSES:]


def _class_name(level: int, limits: list[float], currency: str, locale: Locale) -> str:
    words = texts(locale)
    said = [wording.round_money(limit, currency) for limit in limits]
    if not said:
        return wording.round_money(0.0, currency)
    if level == 0:
        return words["below"].format(high=said[0])
    if level == len(limits):
        return words["above"].format(low=said[-1])
    return words["between"].format(low=said[level - 1], high=said[level])


def _cells(entered: frames.Frame, level: nw.Expr) -> list[_Cell]:
    """Sum up customers of known value by level, highest first."""
    marked = entered.filter(~nw.col("clv").is_null()).with_columns(level=level.cast(nw.Float64))
    sums = marked.group_by("level").agg(customers=nw.len(), value=nw.col("clv").sum(), least=nw.col("clv").min())
    names = ["customers", "value", "least"]
    found = frames.arrays(sums.sort("level", descending=True), names)
    rows = zip(*(found[name].tolist() for name in names), strict=True)
    return [_Cell(int(customers), float(value), float(least)) for customers, value, least in rows]


def _missing(entered: frames.Frame) -> int:
    unknown = entered.filter(nw.col("clv").is_null()).select(n=nw.len())
    return int(frames.arrays(unknown, ["n"])["n"][0])


def _why_empty(entered: frames.Frame, locale: Locale) -> str:
    return texts(locale)["unknown" if _missing(entered) else "nobody"]

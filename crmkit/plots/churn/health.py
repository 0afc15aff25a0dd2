"""Figure of the health of customers, metric by metric: counted in their engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots.churn.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

CONTRIBUTIONS = Table(
    "health_contributions",
    "one row per customer and metric, from churn.health_contributions",
    (
        columns.text("metric", "name of the metric", nullable=False),
        columns.text("colour", "green, yellow, red; empty or unknown where it is left out"),
        columns.number("lost", "points short of 100", "points"),
    ),
)
_COLOURS = {"red": marks.WINE, "yellow": marks.SAND, "green": marks.TEAL, "unknown": "#eef0f3"}


@dataclass(frozen=True, slots=True)
class MetricHealth:
    """Customers of a metric by colour, and the points lost on it in their mean."""

    metric: str
    customers: dict[str, int]
    lost: float


def plot_health_contributions(contributions: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw how many customers are red, yellow and green on each metric, the metric that costs most points on top.

    Parameters
    ----------
    contributions : data frame
        From `churn.health_contributions`: counted in its engine, however many rows it has.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar of shares per metric.
    """
    words = texts(locale)
    metrics = _metrics(contributions)
    if not metrics:
        return house.nothing(words["no_metrics"])
    worst, everyone = metrics[0], max(sum(metric.customers.values()) for metric in metrics)
    title = words["health_title" if worst.lost > 0 else "health_title_full"].format(
        metric=worst.metric[:40], lost=wording.count(round(worst.lost, 1)), customers=wording.count(everyone)
    )
    layout = {
        "barmode": "stack",
        "bargap": 0.3,
        "margin": marks.MARGIN,
        "xaxis": {"visible": False, "range": [0, 1]},
        "yaxis": marks.rows_axis([labels.shortened(metric.metric) for metric in metrics]),
    }
    bars = [_bar(metrics, colour, locale) for colour in _COLOURS]
    return house.figure(bars, title=title, subtitle=words["health"], height=112 + 44 * len(metrics), layout=layout)


def _metrics(contributions: Any) -> list[MetricHealth]:
    entered = schema.admit(contributions, CONTRIBUTIONS)
    known = nw.col("colour").is_in(["red", "yellow", "green"])
    prepared = entered.with_columns(
        shown=nw.when(known).then(nw.col("colour")).otherwise(nw.lit("unknown")), missed=nw.col("lost").fill_null(0.0)
    )
    counted = prepared.group_by("metric", "shown").agg(customers=nw.len(), missed=nw.col("missed").sum())
    names = ["metric", "shown", "customers", "missed"]
    cells = frames.arrays(counted.sort("metric", "shown"), names)
    found: dict[str, tuple[dict[str, int], float]] = {}
    for metric, shown, customers, missed in zip(*(cells[name].tolist() for name in names), strict=True):
        counts, lost = found.setdefault(metric, ({}, 0.0))
        counts[shown] = int(customers)
        found[metric] = counts, lost + missed
    metrics = [MetricHealth(metric, counts, lost / sum(counts.values())) for metric, (counts, lost) in found.items()]
    return sorted(metrics, key=lambda metric: (-round(metric.lost, 6), metric.metric))


def _bar(metrics: list[MetricHealth], colour: str, locale: Locale) -> go.Bar:
    words = texts(locale)
    counts = [metric.customers.get(colour, 0) for metric in metrics]
    shares = [count / sum(metric.customers.values()) for count, metric in zip(counts, metrics, strict=True)]
    said = [wording.percent(share, locale) for share in shares]
    return go.Bar(
        x=shares,
        y=list(range(len(metrics))),
        orientation="h",
        marker={"color": _COLOURS[colour], "line": {"color": house.PAPER, "width": 2}},
        text=[_inside(words[colour], text, share) for share, text in zip(shares, said, strict=True)],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        insidetextfont={"color": house.ink_on(_COLOURS[colour]), "size": 12},
        constraintext="none",
        hovertext=[
            labels.hover(
                metric.metric,
                f"{words[colour]}: {words['band_customers'].format(customers=wording.count(count), share=text)}",
                words["health_lost"].format(lost=wording.count(round(metric.lost, 1))),
            )
            for metric, count, text in zip(metrics, counts, said, strict=True)
        ],
        hoverinfo="text",
    )


def _inside(word: str, said: str, share: float) -> str:
    """Write the colour's word and share where they fit; never colour alone."""
    if share < 0.07:
        return ""
    return f"{word}<br>{said}" if share >= 0.03 + 0.018 * len(word) else said

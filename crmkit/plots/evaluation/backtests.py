"""Figures of a back-test: calibration, gain, the forecast beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.evaluation import Backtest, Figure
from crmkit.plots import house, intervals, wording
from crmkit.plots.evaluation.texts import texts
from crmkit.plots.intervals import Line
from crmkit.segment_maps import Locale

# What the verdict of a question rests on, as a figure of each method.
_METRICS: Mapping[str, str] = MappingProxyType(
    {"counts": "rmse", "probability": "brier", "timing": "median error in days"}
)


def plot_calibration(backtest: Backtest, *, locale: Locale = "en") -> go.Figure:
    """Draw the probabilities of a forecast against what came of them.

    Parameters
    ----------
    backtest : Backtest
        From `evaluation.backtest`, of a forecast with `p_order`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Both axes to the same end, which is 1 or a little above the greatest value.
    """
    words, bins = texts(locale), backtest.calibration
    if not bins:
        return house.nothing(words["nothing"])
    ends = [(row.observed_low, row.observed_high) for row in bins]
    end = max([row.predicted for row in bins] + [max(row.observed, row.observed_high or 0.0) for row in bins])
    axis = {"range": [-0.02 * end, min(1.06 * end, 1.02)], "tickformat": ".0%" if end > 0.1 else ".1%", **house.grid()}
    said = [_calibrated(row, locale) for row in bins]
    dots = go.Scatter(
        x=[row.predicted for row in bins],
        y=[row.observed for row in bins],
        mode="markers",
        marker={"size": 9, "color": house.ACTUAL},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0 if high is None else high - row.observed for row, (_, high) in zip(bins, ends, strict=True)],
            "arrayminus": [0 if low is None else row.observed - low for row, (low, _) in zip(bins, ends, strict=True)],
            "color": house.ACTUAL,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=said,
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )
    top = max(bins, key=lambda row: row.predicted)
    title = words["calibration"].format(predicted=wording.percent(top.predicted, locale), **_observed(top, locale))
    layout = {
        "xaxis": {"title": {"text": words["predicted_axis"]}, **axis},
        "yaxis": {"title": {"text": words["observed_axis"]}, **axis},
        "margin": {"r": 20},
    }
    even = _even(1.0)
    return house.figure([even, dots], title=title, subtitle=words["calibration_sub"], height=460, layout=layout)


def _calibrated(row: Any, locale: Locale) -> list[str]:
    words = texts(locale)
    text = words["calibration_said"].format(**_observed(row, locale), customers=wording.count(row.customers))
    return [words["predicted"].format(share=wording.percent(row.predicted, locale)), text]


def _observed(row: Any, locale: Locale) -> dict[str, str]:
    parts = {"observed": row.observed, "low": row.observed_low, "high": row.observed_high}
    return {name: wording.percent(share, locale) for name, share in parts.items()}


def _even(end: float) -> go.Scatter:
    line = {"color": house.QUIET, "width": 1, "dash": "dash"}
    return go.Scatter(x=[0, end], y=[0, end], mode="lines", line=line, hoverinfo="skip")


def plot_gain(backtest: Backtest, *, locale: Locale = "en") -> go.Figure:
    """Draw how much of what happened came from the customers with the highest forecast.

    Parameters
    ----------
    backtest : Backtest
        From `evaluation.backtest`, of a forecast with `expected_orders` or `p_order`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    words, groups = texts(locale), backtest.gain
    if not groups:
        return house.nothing(words["nothing"])
    first = groups[0]
    shares = {
        "customers": wording.percent(first.customers_so_far, locale),
        "orders": wording.percent(first.gain, locale),
    }
    said = [
        [
            words["first"].format(share=wording.percent(row.customers_so_far, locale)),
            words["gain_said"].format(
                orders=wording.percent(row.gain, locale), forecast=f"{row.forecast:.2f}", happened=f"{row.happened:.2f}"
            ),
        ]
        for row in groups
    ]
    curve = go.Scatter(
        x=[0, *(row.customers_so_far for row in groups)],
        y=[0, *(row.gain for row in groups)],
        mode="lines+markers",
        line={"color": house.ACTUAL, "width": 2.5},
        marker={"size": 8},
        customdata=[["", ""], *said],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )
    axis = {"range": [-0.02, 1.04], "tickformat": ".0%", "dtick": 0.2, **house.grid()}
    layout = {
        "xaxis": {"title": {"text": words["gain_customers_axis"]}, **axis},
        "yaxis": {"title": {"text": words["gain_axis"]}, **axis},
        "annotations": [
            house.note(
                "{customers} → {orders}".format(**shares), first.customers_so_far, first.gain, xshift=12, yshift=-8
            )
        ],
        "margin": {"r": 20},
    }
    title = words["gain"].format(**shares)
    return house.figure([_even(1.0), curve], title=title, subtitle=words["gain_sub"], height=440, layout=layout)


def plot_backtest(backtest: Backtest, *, question: str = "", locale: Locale = "en") -> go.Figure:
    """Draw the error of a forecast beside those of its baselines, with the verdict.

    Parameters
    ----------
    backtest : Backtest
        From `evaluation.backtest`.
    question : {"", "counts", "probability", "timing"}
        Which answer of the forecast; by default the first that it gives.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Over all cuts, the forecast on top, then baselines, the best first.

    Raises
    ------
    DomainError
        `question` is none of these.
    """
    if question not in ("", *_METRICS):
        raise DomainError(f'question must be "counts", "probability" or "timing", got {question!r}.')
    words = texts(locale)
    asked = question or (backtest.verdicts[0].question if backtest.verdicts else "counts")
    found = [
        row
        for row in backtest.figures
        if (row.cut, row.question, row.metric) == ("all", asked, _METRICS[asked]) and row.method in words
    ]
    found.sort(key=lambda row: (row.method != "forecast", row.value))
    if not found:
        return house.nothing(words["nothing"])
    lines = [_method(row, locale) for row in found]
    traces, layout = intervals.drawn(lines, _error, zero=True)
    title = _verdict(backtest, asked, found, locale)
    subtitle = words["methods_sub"].format(metric=words[_METRICS[asked]])
    return house.figure(traces, title=title, subtitle=subtitle, height=intervals.height(len(lines)), layout=layout)


def _method(row: Figure, locale: Locale) -> Line:
    words = texts(locale)
    low, high = (wording.MISSING if end is None else _error(end) for end in (row.low, row.high))
    said = words["method_said"].format(value=_error(row.value), low=low, high=high, rows=wording.count(row.rows))
    return Line(words[row.method], row.value, row.low, row.high, said, stands_out=row.method == "forecast")


def _verdict(backtest: Backtest, question: str, found: list[Figure], locale: Locale) -> str:
    words = texts(locale)
    codes = [verdict.code for verdict in backtest.verdicts if verdict.question == question]
    ours = next((row for row in found if row.method == "forecast"), None)
    others = [row for row in found if row.method != "forecast"]
    if ours is None or not codes or not others:
        return words["alone"].format(question=words[question], ours=_error(found[0].value))
    best = min(others, key=lambda row: row.value)
    return words[codes[0]].format(
        question=words[question], ours=_error(ours.value), theirs=_error(best.value), name=words[best.method]
    )


def _error(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"

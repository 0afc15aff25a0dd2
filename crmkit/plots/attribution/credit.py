"""Figure of what each channel earned, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.attribution.channels import MOST_CHANNELS, Row, by_channel, chosen_models
from crmkit.plots.attribution.texts import channel_name, texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

_LOOKS = (
    (marks.INDIGO, "circle"),
    (marks.TEAL, "square"),
    (marks.ROSE, "diamond"),
    (marks.OLIVE, "triangle-up"),
)
_UNATTRIBUTED = "(unattributed)"  # conversions of no channel: the room's name for them
What = Literal["conversions", "value"]


def plot_channel_credit(
    credit: Any,
    *,
    value: What = "conversions",
    models: Sequence[str] | None = None,
    currency: str = "",
    locale: Locale = "en",
) -> go.Figure:
    """Draw what each channel earned by some models with intervals, and the range over all of them.

    Parameters
    ----------
    credit : data frame
        From `attribution.attribute_all`, `attribute` or `attribute_paths`.
    value : {"conversions", "value"}
        What is credited.
    models : sequence of str, optional
        One to four of the table; by default last, linear, Shapley and Markov where they are.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        At most 15 channels, the largest on top.

    Raises
    ------
    DomainError
        `value` is neither, or a model is not in the table.
    """
    if value not in ("conversions", "value"):
        raise DomainError(f'value must be "conversions" or "value", got {value!r}.')
    rows = [row for row in read.rows(credit, _table(value)) if row[value] is not None]
    if not rows:
        return house.nothing(texts(locale)["no_credit"])
    chosen = chosen_models(rows, models, len(_LOOKS))
    every = by_channel(rows, value)
    channels = dict(list(every.items())[:MOST_CHANNELS])
    money = currency if value == "value" else None
    several = len({row.get("model") for row in rows}) > 1
    traces = [_points(channels, name, place, len(chosen), value, money, locale) for place, name in enumerate(chosen)]
    layout = {
        "margin": {**marks.MARGIN, "t": 124 if len(chosen) > 1 else 84},
        "xaxis": marks.measure_axis(
            texts(locale)[value] + (f", {wording.escaped(currency)}" if money else ""),
            range=marks.room_for(_reach(rows, value), 0.04),
        ),
        "shapes": _range(channels, value) if several else [],
        "yaxis": marks.rows_axis([labels.shortened(channel_name(channel, locale)) for channel in channels]),
        **({"showlegend": True, "legend": _LEGEND} if len(chosen) > 1 else {}),
    }
    subtitle = texts(locale)["credit" if several else "credit_one"]
    subtitle = subtitle.format(models=len({row.get("model") for row in rows}), model=chosen[0] or "–")
    subtitle += (
        texts(locale)["credit_others"].format(n=len(every) - len(channels)) if len(every) > len(channels) else ""
    )
    title = _title(channels, value, money, several, locale)
    height = 140 + max(30, 15 * len(chosen)) * len(channels) + (30 if len(chosen) > 1 else 0)
    return house.figure(traces, title=title, subtitle=subtitle, height=height, layout=layout)


_LEGEND = {"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "itemclick": False}


def _table(value: str) -> Table:
    return Table(
        "credit",
        "one row per channel and model, from attribution.attribute_all",
        (
            columns.text("channel", "channel", nullable=False),
            columns.text("model", "code of the model", required=False),
            columns.number(value, "credited"),
            columns.number(f"{value}_low", "lower end of its interval", required=False),
            columns.number(f"{value}_high", "upper end of its interval", required=False),
            columns.number("share", "share of all", required=False),
        ),
    )


def _reach(rows: Sequence[Row], value: str) -> list[float | None]:
    return [row.get(name) for row in rows for name in (value, f"{value}_low", f"{value}_high")]


def _number(amount: float | None, money: str | None) -> str:
    if amount is None:
        return wording.MISSING
    if money is not None:
        return wording.money(amount, money)
    return wording.count(round(amount) if abs(amount) >= 100 else round(amount, 1))


def _range(channels: dict[str, dict[str, Row]], value: str) -> list[dict[str, Any]]:
    """Grey boxes from the lowest to the highest figure of any model."""
    boxes = []
    for place, models in enumerate(channels.values()):
        found = [row[value] for row in models.values()]
        ends = {"x0": min(found), "x1": max(found), "y0": place - 0.42, "y1": place + 0.42}
        boxes.append({"type": "rect", **ends, "fillcolor": "#e6e9ed", "line": {"width": 0}, "layer": "below"})
    return boxes


def _points(
    channels: dict[str, dict[str, Row]],
    name: str,
    place: int,
    of: int,
    value: str,
    money: str | None,
    locale: Locale,
) -> go.Scatter:
    color, symbol = _LOOKS[place]
    found = [(k, channel, models[name]) for k, (channel, models) in enumerate(channels.items()) if name in models]
    offset = (place - (of - 1) / 2) * 0.2
    return marks.points(
        [row[value] for _, _, row in found],
        [k + offset for k, _, _ in found],
        lows=[row.get(f"{value}_low") for _, _, row in found],
        highs=[row.get(f"{value}_high") for _, _, row in found],
        color=color,
        symbol=symbol,
        name=wording.escaped(name),
        hovers=[_said(channel, channels[channel], row, name, value, money, locale) for _, channel, row in found],
    )


def _said(
    channel: str, models: dict[str, Row], row: Row, name: str, value: str, money: str | None, locale: Locale
) -> str:
    words = texts(locale)
    ends = {end: _number(row.get(f"{value}_{end}"), money) for end in ("low", "high")}
    key = "credit_bare" if row.get(f"{value}_low") is None else "credit_said"
    found = [other[value] for other in models.values()]
    between = {"low": _number(min(found), money), "high": _number(max(found), money)}
    return labels.hover(
        channel_name(channel, locale),
        words[key].format(value=_number(row[value], money), **ends),
        words["credit_share"].format(share=wording.percent(row.get("share"), locale), model=name or "–"),
        words["range_said"].format(**between) if len(found) > 1 else "",
    )


def _title(channels: dict[str, dict[str, Row]], value: str, money: str | None, several: bool, locale: Locale) -> str:
    words = texts(locale)
    of_channels = {channel: models for channel, models in channels.items() if channel != _UNATTRIBUTED}
    channel, models = next(iter((of_channels or channels).items()))
    found = [row[value] for row in models.values()]
    low, high = _number(min(found), money), _number(max(found), money)
    named = channel_name(channel, locale)[:40]
    what = words["conversions" if value == "conversions" else "in_value"]
    key = "credit_title" if several and low != high else "credit_title_one"
    return words[key].format(channel=named, low=low, high=high, value=high, what=what)

"""Figure of what each channel returns on its cost."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.attribution.channels import MOST_CHANNELS, Row, chosen_models
from crmkit.plots.attribution.texts import channel_name, texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

RETURNS = Table(
    "channel_returns",
    "one row per channel and model, from attribution.channel_returns",
    (
        columns.text("channel", "channel", nullable=False),
        columns.text("model", "code of the model", required=False),
        columns.number("cost", "spent", "money"),
        columns.number("value", "credited", "money"),
        columns.number("roas", "value over cost", "ratio"),
        columns.number("roas_low", "lower end of its interval", "ratio", required=False),
        columns.number("roas_high", "upper end of its interval", "ratio", required=False),
        columns.number("roas_lowest", "lowest of all models", "ratio", required=False),
        columns.number("roas_highest", "highest of all models", "ratio", required=False),
        columns.text("note", "what to know", required=False),
    ),
)


def plot_channel_returns(
    returns: Any, *, model: str | None = None, currency: str = "", locale: Locale = "en"
) -> go.Figure:
    """Draw what each channel returned per 1 spent, with intervals, against break-even.

    Parameters
    ----------
    returns : data frame
        From `attribution.channel_returns`.
    model : str, optional
        Of several in the table; by default last, linear, Shapley or Markov, whichever is there first.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        The highest return on top, at most 15; channels without a cost on record are named in the subtitle.

    Raises
    ------
    DomainError
        `model` is not in the table.
    """
    words = texts(locale)
    every = read.rows(returns, RETURNS)
    chosen = chosen_models(every, None if model is None else [model], 1)[0] if every else ""
    rows = [row for row in every if (row.get("model") or "") == chosen]
    known = sorted((row for row in rows if row["roas"] is not None), key=lambda row: (-row["roas"], row["channel"]))
    if not known:
        return house.nothing(words["no_returns"])
    shown = known[:MOST_CHANNELS]
    ends = [
        max(value for key in ("roas", "roas_high", "roas_highest") if (value := row.get(key)) is not None)
        for row in shown
    ]
    layout = {
        "margin": marks.MARGIN,
        "xaxis": marks.measure_axis(words["returns_axis"], range=marks.room_for([*ends, 1.0], 0.16)),
        "yaxis": marks.rows_axis([labels.shortened(channel_name(row["channel"], locale)) for row in shown]),
        "shapes": [marks.upright(1.0, dash="dash")],
        "annotations": marks.beside([f"{row['roas']:,.2f}" for row in shown], ends, range(len(shown))),
    }
    return house.figure(
        [*_range(shown), _points(shown, currency, locale)],
        title=_title(shown[0], locale),
        subtitle=_subtitle(rows, shown, chosen, locale),
        height=150 + 36 * len(shown),
        layout=layout,
    )


def _range(shown: list[Row]) -> list[go.Scatter]:
    if all(row.get("roas_lowest") is None for row in shown):
        return []
    xs = [x for row in shown for x in (row["roas_lowest"], row["roas_highest"], None)]
    ys = [y for place in range(len(shown)) for y in (place, place, None)]
    return [go.Scatter(x=xs, y=ys, mode="lines", line={"color": house.RULE, "width": 14}, hoverinfo="skip")]


def _points(shown: list[Row], currency: str, locale: Locale) -> go.Scatter:
    # Below break-even by colour and by shape, for print and every eye.
    pays = [row["roas"] >= 1.0 for row in shown]
    return marks.points(
        [row["roas"] for row in shown],
        range(len(shown)),
        lows=[row.get("roas_low") for row in shown],
        highs=[row.get("roas_high") for row in shown],
        color=[marks.TEAL if good else marks.WINE for good in pays],
        symbol=["circle" if good else "diamond" for good in pays],
        hovers=[_said(row, currency, locale) for row in shown],
    )


def _ratio(value: float | None) -> str:
    return wording.MISSING if value is None else f"{value:,.2f}"


def _said(row: Row, currency: str, locale: Locale) -> str:
    words = texts(locale)
    ratios = {
        key: _ratio(row.get(name)) for key, name in (("roas", "roas"), ("low", "roas_low"), ("high", "roas_high"))
    }
    spent = {key: wording.money(row[key], currency) for key in ("cost", "value")}
    models = {"low": _ratio(row.get("roas_lowest")), "high": _ratio(row.get("roas_highest"))}
    return labels.hover(
        channel_name(row["channel"], locale),
        words["returns_said"].format(**ratios),
        words["returns_cost"].format(**spent),
        words["returns_models"].format(**models) if row.get("roas_lowest") is not None else "",
        row.get("note"),
    )


def _title(row: Row, locale: Locale) -> str:
    sure = row.get("roas_low") is not None and row.get("roas_high") is not None
    ends = {"low": _ratio(row.get("roas_low")), "high": _ratio(row.get("roas_high"))}
    channel = channel_name(row["channel"], locale)[:40]
    key = "returns_title" if sure else "returns_title_bare"
    return texts(locale)[key].format(channel=channel, roas=_ratio(row["roas"]), **ends)


def _subtitle(rows: list[Row], shown: list[Row], chosen: str, locale: Locale) -> str:
    words = texts(locale)
    said = words["returns"]
    if chosen:
        said += words["returns_model"].format(model=chosen)
    if any(row.get("roas_lowest") is not None for row in shown):
        said += words["returns_range"]
    lacking = [channel_name(row["channel"], locale) for row in rows if row["roas"] is None]
    if lacking:
        names = ", ".join(lacking[:3])
        names = words["few"].format(names=names, n=len(lacking) - 3) if len(lacking) > 3 else names
        said += words["returns_without"].format(names=names)
    return said

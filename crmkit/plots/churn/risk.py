"""Figure of how many customers are likely to stay away, and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit.plots import house, labels, marks, wording
from crmkit.plots.churn.risk_bands import RiskBand, risk_bands
from crmkit.plots.churn.texts import texts
from crmkit.segment_maps import Locale


def plot_churn_risk(risk: Any, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw customers and their value at risk by the chance that no order comes, in five bands.

    Parameters
    ----------
    risk : data frame
        From `churn.churn_risk` or `churn.predict_churn`: counted in its engine, however many rows it has.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Two bars per band, the gravest on top: share of the value at risk, share of customers.
    """
    words = texts(locale)
    bands = risk_bands(risk)
    everyone, money = sum(band.customers for band in bands), sum(band.value_at_risk for band in bands)
    if not everyone:
        return house.nothing(words["no_customers"])
    layout = {
        "barmode": "group",
        "bargap": 0.28,
        "bargroupgap": 0.06,
        "margin": {**marks.MARGIN, "r": 64},
        "xaxis": {"visible": False, "rangemode": "tozero"},
        "yaxis": marks.rows_axis([wording.escaped(_name(band, locale)) for band in bands]),
    }
    bars = _bars(bands, everyone, money, currency, locale)
    title = _gravest(bands, everyone, money, currency, locale)
    return house.figure(bars, title=title, subtitle=words["risk"], height=110 + 56 * len(bands), layout=layout)


def _name(band: RiskBand, locale: Locale) -> str:
    low, high = wording.percent(band.low, locale), wording.percent(band.high, locale)
    return texts(locale)["band"].format(low=low, high=high)


def _gravest(bands: Sequence[RiskBand], everyone: int, money: float, currency: str, locale: Locale) -> str:
    """Say in which band most money is at risk, or most customers stand while there is none."""
    words = texts(locale)
    if money <= 0.0:
        top = max(bands, key=lambda band: band.customers)
        customers, everybody = wording.count(top.customers), wording.count(everyone)
        return words["risk_title_flat"].format(customers=customers, all=everybody, band=_name(top, locale))
    top = max(bands, key=lambda band: band.value_at_risk)
    return words["risk_title"].format(
        money=wording.money(top.value_at_risk, currency),
        all=wording.money(money, currency),
        customers=wording.count(top.customers),
        band=_name(top, locale),
    )


def _bars(bands: Sequence[RiskBand], everyone: int, money: float, currency: str, locale: Locale) -> list[go.Bar]:
    words = texts(locale)
    of_customers = [band.customers / everyone for band in bands]
    of_money = [band.value_at_risk / money if money > 0.0 else None for band in bands]
    hovers = [
        labels.hover(
            _name(band, locale),
            words["band_customers"].format(customers=wording.count(band.customers), share=wording.percent(c, locale)),
            words["band_money"].format(
                money=wording.money(band.value_at_risk, currency), share=wording.percent(m, locale)
            ),
        )
        for band, c, m in zip(bands, of_customers, of_money, strict=True)
    ]
    fills = [house.shade(0.95 - 0.19 * place) for place in range(len(bands))]
    return [
        go.Bar(
            x=shares,
            y=list(range(len(bands))),
            orientation="h",
            marker={"color": color, "line": {"color": house.QUIET, "width": 1}},
            text=[wording.percent(share, locale) for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertext=hovers,
            hoverinfo="text",
        )
        for shares, color in ((of_customers, house.PAPER), (of_money, fills))
    ]

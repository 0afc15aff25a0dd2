"""Figure of how scores are spread, band by band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crmkit import scoring
from crmkit.plots import house, labels, marks, wording
from crmkit.plots.scoring.score_bars import ScoreBars, score_bars
from crmkit.plots.scoring.texts import texts
from crmkit.segment_maps import Locale

# Light to dark as the bands rise; "disqualified" and leads without a band are grey.
_SHADES = (0.25, 0.6, 1.0)
_ASIDE = ("disqualified", "")


def plot_lead_scores(scores: Any, *, bands: Sequence[scoring.Band] = scoring.BANDS, locale: Locale = "en") -> go.Figure:
    """Draw how many leads have which score, coloured and named by band.

    Parameters
    ----------
    scores : data frame
        From `scoring.score_leads` or `scoring.predict_leads`: counted in its engine, however many rows it has.
    bands : sequence of Band
        Whose names stand for codes; codes of others stand as they are.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Stacked bars; above them each band with its leads.
    """
    words = texts(locale)
    counted = score_bars(scores)
    if not counted.leads:
        return house.nothing(words["no_leads"])
    names = {band: _name(band, bands, locale) for band in counted.bands()}
    colors = _colors(list(names))
    everyone = sum(counted.leads.values())
    best = next((band for band in reversed(names) if band not in _ASIDE), next(reversed(names)))
    title = words["scores_title"].format(
        name=names[best][:40],
        leads=wording.count(counted.bands()[best]),
        all=wording.count(everyone),
        share=wording.percent(counted.bands()[best] / everyone, locale),
    )
    layout = {
        "barmode": "stack",
        "bargap": 0.04,
        "margin": {**marks.MARGIN, "t": 92 + 24 * len(names)},
        "xaxis": {"title": {"text": words["scores_axis"]}, "ticks": "outside"},
        "yaxis": marks.measure_axis(words["leads_axis"], rangemode="tozero"),
        "annotations": _chips(counted, names, colors, everyone, locale),
    }
    bars = [_bars(counted, band, names[band], colors[band], locale) for band in names]
    subtitle = words["scores"].format(width=f"{counted.width:g}")
    return house.figure(bars, title=title, subtitle=subtitle, height=420 + 24 * len(names), layout=layout)


def _name(code: str, bands: Sequence[scoring.Band], locale: Locale) -> str:
    words = texts(locale)
    own = {band.code: band.name_zh if locale == "zh" and band.name_zh else band.name for band in bands}
    return own.get(code) or words.get(code or "none", code)


def _colors(codes: list[str]) -> dict[str, str]:
    rising = [code for code in codes if code not in _ASIDE]
    steps = len(rising) - 1
    shades = [_SHADES[0] + (_SHADES[-1] - _SHADES[0]) * k / steps if steps else _SHADES[-1] for k in range(len(rising))]
    colors = {code: house.shade(shade) for code, shade in zip(rising, shades, strict=True)}
    return {code: colors.get(code, marks.GREY) for code in codes}


def _bars(counted: ScoreBars, band: str, name: str, color: str, locale: Locale) -> go.Bar:
    words = texts(locale)
    places = [bar for bar, found in counted.leads if found == band]
    leads = [counted.leads[bar, band] for bar in places]
    ends = [(f"{bar * counted.width:g}", f"{(bar + 1) * counted.width:g}") for bar in places]
    return go.Bar(
        x=[(bar + 0.5) * counted.width for bar in places],
        y=leads,
        width=counted.width * 0.94,
        name=wording.escaped(name),
        marker={"color": color, "line": {"color": house.QUIET, "width": 0.5}},
        hovertext=[
            labels.hover(
                words["scores_bar"].format(low=low, high=high),
                words["band_leads"].format(name=name, leads=wording.count(number)),
            )
            for (low, high), number in zip(ends, leads, strict=True)
        ],
        hoverinfo="text",
    )


def _chips(
    counted: ScoreBars, names: dict[str, str], colors: dict[str, str], everyone: int, locale: Locale
) -> list[dict[str, Any]]:
    """Name of each band with its leads, a line each, above the bars: a narrow band has no room of its own."""
    chips = []
    for line, (band, leads) in enumerate(counted.bands().items()):
        said = texts(locale)["band_chip"].format(
            name=names[band][:32], leads=wording.count(leads), share=wording.percent(leads / everyone, locale)
        )
        chips.append(
            {
                "x": 0.0,
                "xref": "paper",
                "xanchor": "left",
                "y": 1.0,
                "yref": "paper",
                "yanchor": "bottom",
                "yshift": 10 + 24 * (len(names) - 1 - line),
                "text": wording.escaped(said),
                "showarrow": False,
                "font": {"size": 12, "color": house.ink_on(colors[band])},
                "bgcolor": colors[band],
                "borderpad": 3,
            }
        )
    return chips

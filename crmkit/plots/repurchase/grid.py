"""Figure of what the forecast says of every frequency and recency."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import house, wording
from crmkit.plots.repurchase.tables import FORECAST_GRID
from crmkit.plots.repurchase.texts import texts
from crmkit.plots.rows import rows
from crmkit.segment_maps import Locale

GridValue: TypeAlias = Literal["p_order", "expected_orders", "p_alive"]


def plot_forecast_grid(
    forecast_grid: Any, *, value: GridValue = "p_order", horizon_days: int | None = None, locale: Locale = "en"
) -> go.Figure:
    """Draw what the forecast says of customers by repeat orders and days since the last order.

    Parameters
    ----------
    forecast_grid : data frame
        From `repurchase.forecast_grid`.
    value : {"p_order", "expected_orders", "p_alive"}
        What is drawn.
    horizon_days : int, optional
        As given to `forecast_grid`, for the words.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        White where no customer can be: silence and orders must fit the days observed.

    Raises
    ------
    DomainError
        `value` is none of the three.
    """
    if value not in get_args(GridValue):
        raise DomainError(f'value must be "p_order", "expected_orders" or "p_alive", got {value!r}.')
    words, found = texts(locale), rows(forecast_grid, FORECAST_GRID)
    if not found:
        return house.nothing(words["empty"])
    top = max(found, key=lambda row: (row[value], -row["frequency"]))
    said = {"repeats": wording.count(top["frequency"]), "days": wording.count(top["days_since_order"])}
    title = words[f"grid_{value}"].format(**said, share=_said(top, value, locale), orders=_said(top, value, locale))
    ahead = "" if horizon_days is None else words["ahead"].format(days=wording.count(horizon_days))
    subtitle = words[f"sub_{value}"].format(ahead=ahead, age=wording.count(found[0]["T"]))
    layout = {
        "xaxis": {"title": {"text": words["silence_axis"]}, "tickformat": ",d", "showline": False},
        "yaxis": {"title": {"text": words["repeats_axis"]}, "tickformat": ",d", "showline": False},
    }
    return house.figure([_cells(found, value, locale)], title=title, subtitle=subtitle, height=480, layout=layout)


def _cells(found: list[dict[str, Any]], value: GridValue, locale: Locale) -> go.Heatmap:
    words = texts(locale)
    days = sorted({row["days_since_order"] for row in found})
    repeats = sorted({row["frequency"] for row in found})
    at = {(row["frequency"], row["days_since_order"]): row for row in found}
    cells = [[at.get((x, day)) for day in days] for x in repeats]
    bar: dict[str, Any] = {"title": {"text": ""}, "thickness": 12, "outlinewidth": 0, "xpad": 4}
    if value != "expected_orders":
        bar["tickformat"] = ".0%"
    return go.Heatmap(
        x=days,
        y=repeats,
        z=[[None if row is None else row[value] for row in line] for line in cells],
        customdata=[[_hover(row, locale) for row in line] for line in cells],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
        hoverongaps=False,
        colorscale=[[step / 4, house.shade(step / 4)] for step in range(5)],
        zmin=0,
        zmax=max(row[value] for row in found) or 1,
        colorbar=bar,
        name=words[value],
    )


def _hover(row: dict[str, Any] | None, locale: Locale) -> list[str]:
    if row is None:
        return ["", ""]
    words = texts(locale)
    head = words["grid_cell"].format(
        repeats=wording.count(row["frequency"]), days=wording.count(row["days_since_order"])
    )
    values: tuple[GridValue, ...] = ("p_order", "expected_orders", "p_alive")
    return [head, "<br>".join(f"{words[name]}: {_said(row, name, locale)}" for name in values)]


def _said(row: dict[str, Any], value: GridValue, locale: Locale) -> str:
    return f"{row[value]:.2f}" if value == "expected_orders" else wording.percent(row[value], locale)

"""Figures of values with their intervals: groups, and the customers worth most."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.plots import house, intervals, wording
from crmkit.plots.clv.tables import VALUE_OF_GROUPS, VALUED_CUSTOMERS
from crmkit.plots.clv.texts import texts
from crmkit.plots.intervals import Line
from crmkit.plots.rows import rows
from crmkit.segment_maps import Locale

_MOST_GROUPS = 25


def plot_value_of_groups(groups: Any, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw what groups will be worth, with the interval of each.

    Parameters
    ----------
    groups : data frame
        From `clv.value_of_groups`.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        The 25 groups worth most, from the top.
    """
    words = texts(locale)
    found = sorted(rows(groups, VALUE_OF_GROUPS), key=lambda row: (-row["clv"], row["group"]))
    if not found:
        return house.nothing(words["nobody"])
    lines = []
    for row in found[:_MOST_GROUPS]:
        said = words["group_said"].format(
            **_ends(row, currency),
            customers=wording.count(row["customers"]),
            each=wording.escaped(wording.money(row["clv_per_customer"], currency)),
            orders=wording.count(round(row["expected_orders"])),
        )
        lines.append(Line(row["group"], row["clv"], row["clv_low"], row["clv_high"], said))
    more = len(found) - len(lines)
    subtitle = words["groups_sub"] + (words["more_groups"].format(groups=wording.count(more)) if more else "")
    return _figure(lines, _title("groups", found[0]["group"], found[0], currency, locale), subtitle, currency, locale)


def plot_top_customers(values: Any, *, top: int = 12, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw the customers worth most, with the interval of each one's own future.

    Parameters
    ----------
    values : data frame
        From `clv.customer_value`: only the customers drawn leave its engine.
    top : int
        Customers to draw, 1 to 50.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    DomainError
        `top` out of its domain.
    """
    if not 1 <= top <= 50:
        raise DomainError(f"top must lie between 1 and 50 (customers), got {top}.")
    words = texts(locale)
    known = schema.admit(values, VALUED_CUSTOMERS).filter(~nw.col("clv").is_null())
    names = [column.name for column in VALUED_CUSTOMERS.columns]
    columns = frames.arrays(known.sort("clv", "customer_id", descending=[True, False]).head(top), names)
    cells = zip(*([None if v != v else v for v in columns[name].tolist()] for name in names), strict=True)
    found = [dict(zip(names, row, strict=True)) for row in cells]
    if not found:
        return house.nothing(words["nobody"])
    lines = []
    for row in found:
        share, orders = wording.percent(row["p_order"], locale), f"{row['expected_orders']:.1f}"
        said = words["top_said"].format(**_ends(row, currency), share=share, orders=orders)
        lines.append(
            Line(wording.short(str(row["customer_id"]), 40), row["clv"], row["clv_low"], row["clv_high"], said)
        )
    return _figure(lines, _title("top", lines[0].name, found[0], currency, locale), words["top_sub"], currency, locale)


def _title(key: str, name: str, row: dict[str, Any], currency: str, locale: Locale) -> str:
    money, low, high = (wording.money(row[end], currency) for end in ("clv", "clv_low", "clv_high"))
    return texts(locale)[key].format(name=name, money=money, low=low, high=high)


def _ends(row: dict[str, Any], currency: str) -> dict[str, str]:
    names = {"money": "clv", "low": "clv_low", "high": "clv_high"}
    return {key: wording.escaped(wording.money(row[name], currency)) for key, name in names.items()}


def _figure(lines: list[Line], title: str, subtitle: str, currency: str, locale: Locale) -> go.Figure:
    traces, layout = intervals.drawn(lines, lambda value: wording.money(value, currency), zero=True)
    layout["xaxis"] |= {"title": {"text": texts(locale)["expected_axis"]}, "tickformat": ",d"}
    return house.figure(traces, title=title, subtitle=subtitle, height=intervals.height(len(lines)), layout=layout)

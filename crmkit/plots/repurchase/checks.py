"""Figures that hold a purchase process against its base: orders over time, repeat counts, gaps."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import plotly.graph_objects as go

from crmkit.errors import DomainError
from crmkit.plots import house, wording
from crmkit.plots.repurchase.tables import ORDER_GAPS, ORDER_TRACKING, REPEAT_COUNTS
from crmkit.plots.repurchase.texts import texts
from crmkit.plots.rows import rows
from crmkit.segment_maps import Locale

Row = dict[str, Any]


def plot_order_tracking(
    order_tracking: Any, *, value: Literal["period", "so_far"] = "period", locale: Locale = "en"
) -> go.Figure:
    """Draw actual orders over time beside those that the process expects, the split marked.

    Parameters
    ----------
    order_tracking : data frame
        From `repurchase.order_tracking`.
    value : {"period", "so_far"}
        Orders of each period, or all up to its end.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    DomainError
        `value` is neither.
    """
    if value not in ("period", "so_far"):
        raise DomainError(f'value must be "period" or "so_far", got {value!r}.')
    words, found = texts(locale), rows(order_tracking, ORDER_TRACKING)
    if not found:
        return house.nothing(words["empty"])
    ending = "orders" if value == "period" else "so_far"
    actual, expected = ([row[f"{kind}_{ending}"] for row in found] for kind in ("actual", "expected"))
    days = [row["period_end"] for row in found]
    fitted = [row for row in found if row["part"] == "fitted"]
    split = fitted[-1]["period_end"] if fitted else found[0]["period_start"] - dt.timedelta(days=1)
    said = [_tracked(row, value, locale) for row in found]
    style = {"actual": {"color": house.ACTUAL, "width": 2}, "expected": {"color": house.EXPECTED, "width": 2.5}}
    style["expected"]["dash"] = "dash"
    lines = [
        _line(days, actual, said, words["actual"], style["actual"]),
        _line(days, expected, said, words["expected"], style["expected"]),
    ]
    top = max(*actual, *expected, 1)
    layout = {
        "xaxis": {"type": "date", "tickformat": wording.month_ticks(locale), "nticks": 8},
        "yaxis": {
            "title": {"text": words["orders_axis"]},
            "tickformat": ",d",
            "range": [0, 1.14 * top],
            **house.grid(),
        },
        "shapes": [_wall(split)] if fitted else [],
        "annotations": _sides(split, words, both=len(fitted) < len(found)) if fitted else [],
        "margin": {"r": 20},
    }
    subtitle = words[f"track_{value}"].format(split=wording.day(split, locale))
    return house.figure(lines, title=_balance(found, split, locale), subtitle=subtitle, height=400, layout=layout)


def _line(days: list[Any], values: list[float], said: list[list[str]], name: str, style: Row) -> go.Scatter:
    return go.Scatter(
        x=days,
        y=values,
        mode="lines+markers" if len(days) < 2 else "lines",
        line=style,
        name=name,
        customdata=said,
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )


def _tracked(row: Row, value: str, locale: Locale) -> list[str]:
    words, ending = texts(locale), "orders" if value == "period" else "so_far"
    first, last = (wording.day(row[f"period_{end}"], locale) for end in ("start", "end"))
    numbers = {kind: wording.count(round(row[f"{kind}_{ending}"])) for kind in ("actual", "expected")}
    return [words["from_to"].format(first=first, last=last), words["track_said"].format(**numbers)]


def _balance(found: list[Row], split: dt.datetime, locale: Locale) -> str:
    """Say what came after the split, or up to it where nothing is held out."""
    words = texts(locale)
    later = [row for row in found if row["part"] != "fitted"]
    actual, expected = (sum(row[f"{kind}_orders"] for row in later or found) for kind in ("actual", "expected"))
    off = actual / expected - 1.0 if expected else 0.0
    gap = words["more" if off > 0 else "fewer"].format(share=wording.percent(abs(off), locale))
    return words["tracked" if later else "tracked_fit"].format(
        split=wording.day(split, locale),
        actual=wording.count(actual),
        expected=wording.count(round(expected)),
        gap=gap if round(1000 * off) else words["as_expected"],
    )


def _wall(split: dt.datetime) -> Row:
    line = {"color": house.QUIET, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": split, "x1": split, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _sides(split: Any, words: dict[str, str], *, both: bool) -> list[Row]:
    quiet = {"font": {"size": 12, "color": house.QUIET}, "yref": "paper", "yanchor": "top"}
    left = house.note(words["fitted_side"], split, 1.0, **{**quiet, "xanchor": "right", "xshift": -6})
    right = house.note(words["holdout_side"], split, 1.0, **{**quiet, "xshift": 6})
    return [left, right] if both else [left]


def plot_repeat_counts(repeat_counts: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw customers by number of repeat orders beside what the process expects.

    Parameters
    ----------
    repeat_counts : data frame
        From `repurchase.repeat_counts`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    words, found = texts(locale), rows(repeat_counts, REPEAT_COUNTS)
    if not found:
        return house.nothing(words["empty"])
    numbers = [wording.count(row["repeat_orders"]) for row in found]
    numbers[-1] += "+" if len(found) > 1 else ""
    said = [
        words["repeat_said"].format(
            customers=wording.count(row["customers"]), expected=wording.count(round(row["expected_customers"]))
        )
        for row in found
    ]
    title = words["repeat_title"].format(
        actual=wording.count(found[0]["customers"]),
        expected=wording.count(round(found[0]["expected_customers"])),
        all=wording.count(sum(row["customers"] for row in found)),
    )
    series = (("actual", "customers", house.ACTUAL), ("expected", "expected_customers", house.PAPER))
    bars = [
        go.Bar(
            name=words[name],
            x=numbers,
            y=[row[column] for row in found],
            marker={"color": color, "line": {"color": house.ACTUAL, "width": 1.5}},
            customdata=said,
            hovertemplate="<b>" + words["repeats_axis"] + ": %{x}</b><br>%{customdata}<extra></extra>",
        )
        for name, column, color in series
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.25,
        "bargroupgap": 0.06,
        "xaxis": {"title": {"text": words["repeats_axis"]}, "type": "category"},
        "yaxis": {
            "title": {"text": words["customers_axis"]},
            "tickformat": ",d",
            "rangemode": "tozero",
            **house.grid(),
        },
    }
    return house.figure(bars, title=title, subtitle=words["repeat_sub"], height=400, layout=layout)


def plot_order_gaps(order_gaps: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw the gaps between orders by length, beside those that random days would have given.

    Parameters
    ----------
    order_gaps : data frame
        From `repurchase.order_gaps`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Bars above the line in the middle, below it at the short end: customers keep a rhythm.
    """
    words, found = texts(locale), rows(order_gaps, ORDER_GAPS)
    everything = sum(row["gaps"] for row in found)
    if not everything:
        return house.nothing(words["no_gaps" if found else "empty"])
    names = [_gap_name(row, words) for row in found]
    top = max(range(len(found)), key=lambda i: found[i]["gaps"])
    title = words["gaps_title"].format(
        days=names[top],
        gaps=wording.count(found[top]["gaps"]),
        all=wording.count(everything),
        share=wording.percent(found[top]["gaps"] / everything, locale),
        random=wording.count(round(found[top]["random_gaps"])),
    )
    said = [
        words["gaps_said"].format(
            gaps=wording.count(row["gaps"]),
            share=wording.percent(row["gaps"] / everything, locale),
            random=wording.count(round(row["random_gaps"])),
        )
        for row in found
    ]
    hover = "<b>" + words["gaps_axis"] + ": %{x}</b><br>%{customdata}<extra></extra>"
    bars = go.Bar(
        x=names, y=[row["gaps"] for row in found], marker={"color": house.ACTUAL}, customdata=said, hovertemplate=hover
    )
    line = go.Scatter(
        x=names,
        y=[row["random_gaps"] for row in found],
        mode="lines",
        line={"color": house.EXPECTED, "width": 2.5, "shape": "hvh"},
        hoverinfo="skip",
    )
    layout = {
        "bargap": 0.12,
        "xaxis": {"title": {"text": words["gaps_axis"]}, "type": "category", "nticks": 14},
        "yaxis": {
            "title": {"text": words["gaps_count_axis"]},
            "tickformat": ",d",
            "rangemode": "tozero",
            **house.grid(),
        },
    }
    return house.figure([bars, line], title=title, subtitle=words["gaps_sub"], height=400, layout=layout)


def _gap_name(row: Row, words: dict[str, str]) -> str:
    first, last = row["from_days"], row["to_days"]
    if last is None:
        return words["longer"].format(days=wording.count(first))
    return wording.count(first) if first == last else f"{wording.count(first)}–{wording.count(last)}"

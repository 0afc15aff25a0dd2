"""Figure of the alerts at which most is at stake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import churn, frames, schema
from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.churn.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

ALERTS = Table(
    "alerts",
    "one row per customer and rule, from churn.alerts",
    (
        columns.ident("customer_id", "customer"),
        columns.text("rule", "code of the rule", nullable=False),
        columns.text("severity", "info, warning or critical"),
        columns.day("since", "first day of the alert"),
        columns.text("reason", "what was seen"),
        columns.number("value_at_risk", "expected loss", "money"),
        columns.text("play", "what to do"),
    ),
)
_ORDER = ("customer_id", "rule")


def plot_alerts(
    alerts: Any,
    *,
    top: int = 15,
    rules: Sequence[churn.AlertRule] = churn.DEFAULT_RULES,
    currency: str = "",
    locale: Locale = "en",
) -> go.Figure:
    """Draw the alerts at which most is at stake: one bar each, the largest on top.

    Parameters
    ----------
    alerts : data frame
        From `churn.alerts`, or the open rows of `churn.update_alerts`; however long, only `top` rows leave the engine.
    top : int
        How many bars, at least 1.
    rules : sequence of AlertRule
        Whose names stand for codes; codes of others stand as they are.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language of the words; reasons stand as they are in the table.

    Returns
    -------
    plotly.graph_objects.Figure
        Alerts without a value come last, by customer.

    Raises
    ------
    DomainError
        `top` is below 1.
    """
    if top < 1:
        raise DomainError(f"top must be at least 1, got {top}.")
    words = texts(locale)
    entered = schema.admit(alerts, ALERTS)
    everything = int(frames.arrays(entered.select(alerts=nw.len()), ["alerts"])["alerts"][0])
    if not everything:
        return house.nothing(words["no_alerts"])
    # Highest first, on every engine: a missing value has no place of its own in an ascending sort.
    ranked = entered.with_columns(
        rank=nw.when(nw.col("value_at_risk").is_null()).then(1.0).otherwise(0.0),
        below=-nw.col("value_at_risk").fill_null(0.0),
    )
    rows = read.plain_rows(ranked.sort("rank", "below", *_ORDER).head(top), ALERTS.known)
    names = {rule.code: rule.text(locale)[0] for rule in rules}
    return _figure(rows, everything, names, currency, locale)


def _figure(
    rows: list[dict[str, Any]], everything: int, names: dict[str, str], currency: str, locale: Locale
) -> go.Figure:
    words = texts(locale)
    values = [row["value_at_risk"] for row in rows]
    said = [_said(row, currency, locale) for row in rows]
    heads = [_head(row, names) for row in rows]
    known = [value is not None for value in values]
    title = words["alerts_none"].format(all=wording.count(everything))
    if any(known):
        money = wording.money(values[0], currency)
        title = words["alerts_title"].format(who=str(rows[0]["customer_id"])[:40], money=money)
    layout = {
        "margin": marks.MARGIN,
        "bargap": 0.35,
        "xaxis": {"visible": False, "range": marks.room_for(values, 0.62)},
        "yaxis": marks.rows_axis(heads),
        "annotations": marks.beside(said, [max(value or 0.0, 0.0) for value in values], range(len(rows))),
    }
    subtitle = words["alerts"].format(shown=wording.count(len(rows)), all=wording.count(everything))
    bars = _bars(rows, names, currency, locale)
    return house.figure([bars], title=title, subtitle=subtitle, height=108 + 40 * len(rows), layout=layout)


def _head(row: dict[str, Any], names: dict[str, str]) -> str:
    rule = labels.shortened(names.get(row["rule"], row["rule"]), 28)
    small = f'<span style="font-size:11px;color:{house.QUIET}">{rule}</span>'
    return f"{labels.shortened(row['customer_id'], 24)}<br>{small}"


def _said(row: dict[str, Any], currency: str, locale: Locale) -> str:
    severity = texts(locale).get(row["severity"] or "", row["severity"] or wording.MISSING)
    return wording.escaped(f"{wording.money(row['value_at_risk'], currency)} · {severity}")


def _bars(rows: list[dict[str, Any]], names: dict[str, str], currency: str, locale: Locale) -> go.Bar:
    words = texts(locale)
    colors = {"critical": marks.WINE, "warning": marks.ROSE}
    hovers = [
        labels.hover(
            f"{row['customer_id']}: {names.get(row['rule'], row['rule'])}",
            row["reason"],
            row["since"]
            and words["since"].format(
                day=wording.day(row["since"], locale), severity=words.get(row["severity"] or "", row["severity"])
            ),
            words["at_risk"].format(money=wording.money(row["value_at_risk"], currency)),
            row["play"],
        )
        for row in rows
    ]
    return go.Bar(
        x=[row["value_at_risk"] for row in rows],
        y=list(range(len(rows))),
        orientation="h",
        marker={
            "color": [colors.get(row["severity"], marks.GREY) for row in rows],
            "line": {"color": house.QUIET, "width": 1},
        },
        hovertext=hovers,
        hoverinfo="text",
    )

"""Figure of what the score of one lead is made of."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import plotly.graph_objects as go

from crmkit import schema
from crmkit.errors import DomainError
from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.scoring.texts import texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

EXPLAINED = Table(
    "explained",
    "one row per lead and rule, from scoring.explain",
    (
        columns.ident("lead_id", "lead"),
        columns.text("rule", "code of the rule", nullable=False),
        columns.text("group", "code of its group"),
        columns.number("points", "what it adds", "points", nullable=False),
        columns.number("events", "events that count", "count"),
        columns.day("first_at", "first of them"),
        columns.day("last_at", "last of them"),
    ),
)
Rows = list[dict[str, Any]]


def plot_score_breakdown(explained: Any, *, lead_id: int | str, top: int = 12, locale: Locale = "en") -> go.Figure:
    """Draw what each rule adds to the score of one lead, or takes from it, down to the sum.

    Parameters
    ----------
    explained : data frame
        From `scoring.explain`; only the rows of the lead leave its engine.
    lead_id : int or str
        The lead.
    top : int
        Rules shown on their own, at least 1, those that move most; the others are one bar.
    locale : {"en", "zh"}
        Language; rules and groups stand as they are in the card.

    Returns
    -------
    plotly.graph_objects.Figure
        A waterfall from top to bottom.

    Raises
    ------
    DomainError
        `top` is below 1.
    """
    if top < 1:
        raise DomainError(f"top must be at least 1, got {top}.")
    words = texts(locale)
    entered = schema.admit(explained, EXPLAINED)
    rows = read.plain_rows(entered.filter(nw.col("lead_id") == lead_id), EXPLAINED.known)
    if not rows:
        return house.nothing(words["no_points"].format(lead=lead_id))
    rows.sort(key=lambda row: (-abs(row["points"]), row["rule"]))
    rest = rows[top:] if len(rows) > top + 1 else []
    shown = rows[: len(rows) - len(rest)]
    shown.sort(key=lambda row: (-row["points"], row["rule"]))
    steps = [(row["rule"], row["points"], _said(row, locale)) for row in shown]
    if rest:
        name, points = words["points_others"].format(n=len(rest)), sum(row["points"] for row in rest)
        steps.append((name, points, labels.hover(name, words["points_of"].format(points=_signed(points)))))
    return _figure(lead_id, steps, locale)


def _figure(lead_id: int | str, steps: list[tuple[str, float, str]], locale: Locale) -> go.Figure:
    words = texts(locale)
    score = sum(points for _, points, _ in steps)
    ends = [sum(points for _, points, _ in steps[: k + 1]) for k in range(len(steps))]
    starts = [0.0, *ends[:-1]]
    best, most, _ = max(steps, key=lambda step: step[1])
    title = words["points_title" if most > 0 else "points_title_bare"].format(
        lead=str(lead_id)[:24], points=f"{score:g}", rule=best[:32], most=_signed(most)
    )
    total = words["points_total"]
    reach = [max(pair) for pair in zip(starts, ends, strict=True)] + [max(score, 0.0)]
    said = [_signed(points) for _, points, _ in steps] + [f"{score:g}"]
    layout = {
        "margin": marks.MARGIN,
        "bargap": 0.35,
        "xaxis": {"visible": False, "range": marks.room_for([*starts, *ends], 0.18)},
        "yaxis": marks.rows_axis(
            [labels.shortened(name) for name, _, _ in steps] + [f"<b>{wording.escaped(total)}</b>"]
        ),
        "annotations": marks.beside(said, reach, range(len(said)), bold=[False] * len(steps) + [True]),
    }
    drawn = _waterfall(steps, score, total, locale)
    return house.figure([drawn], title=title, subtitle=words["points"], height=112 + 34 * len(said), layout=layout)


def _waterfall(steps: list[tuple[str, float, str]], score: float, total: str, locale: Locale) -> go.Waterfall:
    edge = {"line": {"color": house.QUIET, "width": 1}}
    return go.Waterfall(
        orientation="h",
        measure=["relative"] * len(steps) + ["total"],
        x=[points for _, points, _ in steps] + [None],
        y=list(range(len(steps) + 1)),
        increasing={"marker": {"color": marks.TEAL, **edge}},
        decreasing={"marker": {"color": marks.ROSE, **edge}},
        totals={"marker": {"color": marks.INDIGO, **edge}},
        connector={"line": {"color": house.RULE, "width": 1}},
        hovertext=[said for _, _, said in steps]
        + [labels.hover(total, texts(locale)["points_of"].format(points=f"{score:g}"))],
        hoverinfo="text",
    )


def _signed(points: float) -> str:
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points):g}"


def _said(row: dict[str, Any], locale: Locale) -> str:
    words = texts(locale)
    when = ""
    if row["events"] and row["first_at"] is not None:
        days = {"first": wording.day(row["first_at"], locale), "last": wording.day(row["last_at"], locale)}
        when = words["points_events"].format(n=wording.count(row["events"]), **days)
    group = words["points_group"].format(group=row["group"]) if row["group"] else ""
    return labels.hover(row["rule"], words["points_of"].format(points=_signed(row["points"])), when, group)

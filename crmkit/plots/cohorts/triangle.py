"""Figures of cohorts: who still orders, what they have brought, age by age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.cohorts.texts import texts
from crmkit.schema import Column, Table
from crmkit.segment_maps import Locale

_COHORT = (
    columns.day("cohort", "first day of its period", nullable=False),
    columns.number("age", "periods since, from 0", "periods", nullable=False),
    columns.number("customers", "of the cohort", "count", nullable=False),
    columns.number("complete", "1 if the period is over", nullable=False),
)


def _table(name: str, *own: Column) -> Table:
    return Table(name, f"one row per cohort and age, from cohorts.{name}", (*_COHORT, *own))


TRIANGLE = _table(
    "retention_triangle",
    columns.number("active", "ordered in the period", "count", nullable=False),
    columns.share("retention", "share that ordered"),
    columns.share("low", "lower end of its interval"),
    columns.share("high", "upper end of its interval"),
)
REVENUE = _table(
    "cohort_revenue",
    columns.number("revenue_per_customer", "in the period", "money"),
    columns.number("low", "lower end of its interval", "money"),
    columns.number("high", "upper end of its interval", "money"),
    columns.number("cumulative_revenue", "so far", "money"),
    columns.number("cumulative_per_customer", "so far", "money"),
)
Period = Literal["week", "month", "quarter"]
Row = dict[str, Any]
_NUMBERED = 13  # ages whose numbers can be read side by side


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells to draw: rows by cohort, oldest first, and the ages that any of them has."""

    cohorts: dict[dt.date, dict[int, Row]]
    ages: list[int]
    every: int


def plot_retention_triangle(
    triangle: Any, *, period: Period = "month", latest: int = 13, locale: Locale = "en"
) -> go.Figure:
    """Draw which share of each cohort still orders, age by age.

    Parameters
    ----------
    triangle : data frame
        From `cohorts.retention_triangle`.
    period : {"week", "month", "quarter"}
        As given there.
    latest : int
        Cohorts at most, the youngest, at least 1.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Cells that are not over are empty. Up to 13 ages carry their number; more are told by shade, scale and hover.
    """
    words = texts(locale)
    cells = _cells(read.rows(triangle, TRIANGLE), latest, "retention", first_age=1)
    if not cells.every:
        return house.nothing(words["no_cohorts"])
    title = _retention_title(cells, period, locale)

    def said(row: Row) -> str:
        return f"{100 * row['retention']:.0f}"

    def hover(row: Row) -> list[str]:
        counts = {key: wording.count(row[key]) for key in ("active", "customers")}
        if row["retention"] is None:
            return [words["active"].format(**counts), words["unfinished"]]
        shares = {"share": row["retention"], "low": row["low"], "high": row["high"]}
        between = words["share"].format(**{key: wording.percent(share, locale) for key, share in shares.items()})
        return [words["active"].format(**counts), between]

    subtitle = words["retention"].format(unit=words[period])
    subtitle += words["numbers_percent"] if len(cells.ages) <= _NUMBERED else ""
    return _figure(cells, "retention", said, hover, title, subtitle, period, ".0%", locale)


def plot_cohort_revenue(
    revenue: Any, *, period: Period = "month", latest: int = 13, currency: str = "", locale: Locale = "en"
) -> go.Figure:
    """Draw what each cohort has brought per customer so far, age by age.

    Parameters
    ----------
    revenue : data frame
        From `cohorts.cohort_revenue`.
    period : {"week", "month", "quarter"}
        As given there.
    latest : int
        Cohorts at most, the youngest, at least 1.
    currency : str
        Sign ("$") or word ("USD") of the money in the table.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Periods that are not over are empty. Up to 13 ages carry their number; more are told by shade, scale and hover.
    """
    words = texts(locale)
    found = [
        {**row, "shown": row["cumulative_per_customer"] if row["complete"] else None}
        for row in read.rows(revenue, REVENUE)
    ]
    cells = _cells(found, latest, "shown", first_age=0)
    if not cells.every:
        return house.nothing(words["no_cohorts"])

    def said(row: Row) -> str:
        return _short(row["shown"])

    def hover(row: Row) -> list[str]:
        sums = {
            "money": wording.money(row["cumulative_revenue"], currency),
            "customers": wording.count(row["customers"]),
        }
        names = (("money", "revenue_per_customer"), ("low", "low"), ("high", "high"))
        period_said = {key: wording.money(row[name], currency) for key, name in names}
        return [
            words["money"].format(money=wording.money(row["cumulative_per_customer"], currency)),
            words["money_period"].format(unit=words[period], **period_said) if row["complete"] else words["unfinished"],
            words["money_all"].format(**sums),
        ]

    title = _revenue_title(cells, period, currency, locale)
    subtitle = words["revenue"].format(unit=words[period])
    return _figure(cells, "shown", said, hover, title, subtitle, period, ",.3~s", locale)


def _cells(rows: Sequence[Row], latest: int, column: str, *, first_age: int) -> _Cells:
    cohorts: dict[dt.date, dict[int, Row]] = {}
    for row in sorted(rows, key=lambda row: (row["cohort"], row["age"])):
        cohorts.setdefault(row["cohort"], {})[int(row["age"])] = row
    shown = dict(list(cohorts.items())[-max(latest, 1) :])
    drawn = [(age, row) for by_age in shown.values() for age, row in by_age.items() if age >= first_age]
    ages = {age for age, row in drawn if row[column] is not None} or {age for age, _ in drawn}
    # Without a later age there is still the first: who came.
    return _Cells(shown, sorted(ages) or [0], len(cohorts))


def _figure(
    cells: _Cells,
    column: str,
    said: Callable[[Row], str],
    hover: Callable[[Row], list[str]],
    title: str,
    subtitle: str,
    period: Period,
    scale_format: str,
    locale: Locale,
) -> go.Figure:
    words = texts(locale)
    grid = [[by_age.get(age) for age in cells.ages] for by_age in cells.cohorts.values()]
    values = [[None if row is None else row[column] for row in line] for line in grid]
    known = [value for line in values for value in line if value is not None]
    numbered = len(cells.ages) <= _NUMBERED
    low, high = min(known, default=0.0), max(known, default=1.0)
    low = min(0.0, low) if column != "retention" else 0.0
    heat = go.Heatmap(
        x=cells.ages,
        y=list(range(len(grid))),
        z=values,
        zmin=low,
        zmax=high if high > low else low + 1.0,
        colorscale=[[step / 4, house.shade(step / 4)] for step in range(5)],
        showscale=not numbered,
        colorbar={"tickformat": scale_format, "thickness": 12, "outlinewidth": 0, "nticks": 5},
        hovertext=[
            [_hover(row, cohort, hover, period, locale) for row in line]
            for cohort, line in zip(cells.cohorts, grid, strict=True)
        ],
        hoverinfo="text",
        hoverongaps=True,
        xgap=1,
        ygap=1,
    )
    traces: list[Any] = [heat]
    if numbered:
        width = high - low or 1.0
        filled = [(x, y, row) for y, line in enumerate(grid) for x, row in zip(cells.ages, line, strict=True) if row]
        filled = [(x, y, row) for x, y, row in filled if row[column] is not None]
        fills = [house.shade((row[column] - low) / width) for _, _, row in filled]
        traces.append(
            house.numbers([(x, y) for x, y, _ in filled], [said(row) for _, _, row in filled], fills, size=11)
        )
    if cells.every > len(cells.cohorts):
        subtitle += words["cut"].format(shown=len(cells.cohorts), all=cells.every)
    layout = {
        "margin": {**marks.MARGIN, "b": 30},
        "xaxis": {
            "title": {"text": words["axis"].format(unit=words[period + "s"])},
            "range": [cells.ages[0] - 0.5, cells.ages[-1] + 0.5],
            "dtick": 1 if len(cells.ages) <= _NUMBERED else None,
            "showline": False,
        },
        "yaxis": marks.rows_axis(
            [_row_name(cohort, by_age, period, locale) for cohort, by_age in cells.cohorts.items()]
        ),
    }
    return house.figure(traces, title=title, subtitle=subtitle, height=170 + 24 * len(grid), layout=layout)


def _row_name(cohort: dt.date, by_age: dict[int, Row], period: Period, locale: Locale) -> str:
    customers = wording.count(next(iter(by_age.values()))["customers"])
    quiet = f'<span style="color:{house.QUIET}">{customers}</span>'
    return f"{wording.escaped(_cohort_name(cohort, period, locale))} · {quiet}"


def _cohort_name(cohort: dt.date, period: Period, locale: Locale) -> str:
    said = wording.day(cohort, locale)
    if period == "month":  # the same words without the day
        return said[: said.index("月") + 1] if locale == "zh" else said.split("\N{NO-BREAK SPACE}", 1)[1]
    if period == "quarter":
        return texts(locale)["quarter_name"].format(quarter=(cohort.month + 2) // 3, year=cohort.year)
    return said


def _age(age: int, period: Period, locale: Locale) -> str:
    words = texts(locale)
    unit = words[period] if age == 1 and locale == "en" else words[period + "s"]
    return words["age"].format(n=age, unit=unit)


def _hover(row: Row | None, cohort: dt.date, hover: Callable[[Row], list[str]], period: Period, locale: Locale) -> str:
    if row is None:
        return ""
    head = texts(locale)["cell"].format(
        cohort=_cohort_name(cohort, period, locale), age=_age(int(row["age"]), period, locale)
    )
    return labels.hover(head, *hover(row))


def _short(amount: float) -> str:
    """Money in a cell: three digits."""
    size = abs(amount)
    sign = "−" if amount < 0 else ""
    if size >= 999_500:
        return f"{sign}{size / 1e6:.1f}M"
    if size >= 9_995:
        return f"{sign}{size / 1e3:.0f}k"
    return f"{sign}{size / 1e3:.1f}k" if size >= 999.5 else f"{sign}{size:.0f}" if size >= 10 else f"{sign}{size:.1f}"


def _retention_title(cells: _Cells, period: Period, locale: Locale) -> str:
    """Say which share orders one period later, all finished cohorts together."""
    words = texts(locale)
    age = cells.ages[0]
    over = [by_age[age] for by_age in cells.cohorts.values() if age in by_age and by_age[age]["retention"] is not None]
    customers = sum(row["customers"] for row in over)
    if age == 0 or not customers:
        everyone = sum(next(iter(by_age.values()))["customers"] for by_age in cells.cohorts.values())
        return words["retention_open"].format(unit=words[period], customers=wording.count(everyone))
    share = wording.percent(sum(row["active"] for row in over) / customers, locale)
    return words["retention_title"].format(share=share, age=_age(age, period, locale))


def _revenue_title(cells: _Cells, period: Period, currency: str, locale: Locale) -> str:
    """Say what a customer has brought at the highest age that at least half of the cohorts have reached."""
    words = texts(locale)
    reached = {
        age: [by_age[age] for by_age in cells.cohorts.values() if age in by_age and by_age[age]["shown"] is not None]
        for age in cells.ages
    }
    half = [age for age, rows in reached.items() if rows and 2 * len(rows) >= len(cells.cohorts)]
    half = half or [age for age, rows in reached.items() if rows]
    if not half:
        everyone = sum(next(iter(by_age.values()))["customers"] for by_age in cells.cohorts.values())
        return words["revenue_open"].format(unit=words[period], customers=wording.count(everyone))
    rows = reached[half[-1]]
    mean = sum(row["cumulative_revenue"] for row in rows) / sum(row["customers"] for row in rows)
    money = {
        "money": wording.money(mean, currency),
        "low": wording.money(min(row["shown"] for row in rows), currency),
        "high": wording.money(max(row["shown"] for row in rows), currency),
    }
    return words["revenue_title"].format(age=_age(half[-1] + 1, period, locale), **money)

"""Who stays? Retention by cohort, repurchase, what the base is made of, five rates against the window before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import ROWS, Edition
from crmkit.report.section import Cell, Column, Fact, Section, Sheet

_NUMBERS: Final = ("age", "customers", "active", "retention", "complete")
_TRIANGLE: Final[dict[str, reading.Kind]] = {"cohort": "day", **dict.fromkeys(_NUMBERS, "number")}
_AGAIN_NUMBERS: Final = ("customers", "bought_again", "repurchase_rate", "low", "high", "window_open")
_AGAIN: Final[dict[str, reading.Kind]] = {"cohort_month": "day", **dict.fromkeys(_AGAIN_NUMBERS, "number")}
_SHARES: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("state", "definition"), "text"),
    **dict.fromkeys(("customers", "of_customers", "share", "low", "high"), "number"),
}
_RATES: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("side", "rate", "verdict", "reading"), "text"),
    **dict.fromkeys(("now", "before", "change", "low", "high"), "number"),
}
_STATES: Final = ("new", "returning", "waiting", "silent", "lost", "complaining")
_RATE_NAMES: Final = ("new_customers", "conversion", "repurchase", "churn", "complaints")
_AGES: Final = 12  # side by side in a table
_Period = Literal["week", "month", "quarter"]
_CELLS: Final = 20_000  # of a triangle: 200 cohorts of weeks


def cohorts_section(edition: Edition) -> Section | None:
    """Make the section of "cohorts_triangle" and of the other tables of cohorts that are there."""
    results, words = edition.results, edition.words("cohorts")
    if not results.has("cohorts_triangle"):
        return None
    again, shares, rates = (
        _read(edition, "cohorts_repurchase", _AGAIN, "cohort_month"),
        _shares(edition),
        _rates(edition),
    )
    cells = reading.top(results.tables["cohorts_triangle"], _TRIANGLE, by="cohort", key=["cohort", "age"], limit=_CELLS)
    if not cells:
        return None
    return Section(
        "cohorts",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, cells, again, shares, rates)),
        drawings=_drawings(edition),
        sheets=(
            _triangle(edition, cells),
            *_five(edition, rates),
            *_states(edition, shares),
            *_repurchase(edition, again),
        ),
        definitions=tuple(_definitions(edition)),
        trust=(words["trust_count"],),
        limits=tuple(words[key] for key in ("limits_first", "limits_season", "limits_rhythm")),
        facts=_facts(edition, again),
        news=tuple(_news(edition, shares)),
    )


def _read(edition: Edition, name: str, columns: dict[str, reading.Kind], by: str) -> list[reading.Row]:
    tables = edition.results.tables
    return reading.top(tables[name], columns, by=by, key=[by], limit=ROWS) if name in tables else []


def _shares(edition: Edition) -> dict[str, reading.Row]:
    found = {row["state"]: row for row in _read(edition, "cohorts_shares", _SHARES, "state")}
    return {state: found[state] for state in _STATES if state in found}


def _rates(edition: Edition) -> list[reading.Row]:
    found = {row["rate"]: row for row in _read(edition, "cohorts_rates", _RATES, "rate")}
    return [found[rate] for rate in _RATE_NAMES if rate in found]


def _days(edition: Edition, name: str, default: int) -> str:
    return edition.count(edition.results.settings("cohorts").get(name, default))


def _period(edition: Edition) -> _Period:
    found: _Period = edition.results.settings("cohorts").get("period", "month")
    return found


def _unit(edition: Edition) -> str:
    return edition.words("cohorts")[f"unit_{_period(edition)}"]


def _named(edition: Edition, cohort: dt.date) -> Cell:
    """Name a cohort by its period: 2024-05, 2024 Q2, or the first day of a week."""
    period = _period(edition)
    name = f"{cohort:%Y-%m}" if period == "month" else f"{cohort.year} Q{(cohort.month + 2) // 3}"
    return Cell(edition.day(cohort) if period == "week" else name, str(cohort.toordinal()))


def _drawings(edition: Edition) -> tuple[Drawing, ...]:
    tables, period, locale = edition.results.tables, _period(edition), edition.locale
    triangle = plots.plot_retention_triangle(tables["cohorts_triangle"], period=period, locale=locale)
    drawn = [drawing("retention-triangle", triangle, least_width=560)]
    if "cohorts_revenue" in tables:
        money = plots.plot_cohort_revenue(
            tables["cohorts_revenue"], period=period, currency=edition.about.currency, locale=locale
        )
        drawn.append(drawing("cohort-revenue", money, least_width=560))
    return tuple(drawn)


def _sentences(
    edition: Edition,
    cells: Sequence[reading.Row],
    again: Sequence[reading.Row],
    shares: dict[str, reading.Row],
    rates: Sequence[reading.Row],
) -> list[str]:
    words, said = edition.words("cohorts"), []
    first = [row for row in cells if row["age"] == 1 and row["complete"]][:_AGES]
    customers, active = (sum(row[name] for row in first) for name in ("customers", "active"))
    if customers:
        counts = {"customers": edition.count(customers), "active": edition.count(active)}
        said.append(words["say_first"].format(share=edition.share(active / customers), unit=_unit(edition), **counts))
    judged = [row for row in again if row["customers"]]
    if judged:
        ends = {name: edition.share(judged[0][name]) for name in ("low", "high")}
        month, days = f"{judged[0]['cohort_month']:%Y-%m}", _days(edition, "repurchase_days", 90)
        share = edition.share(_rate(judged))
        said.append(words["say_again"].format(share=share, days=days, month=month, **ends))
    if shares:
        facts = {state: edition.share(row["share"]) for state, row in shares.items()}
        total = edition.count(next(iter(shares.values()))["of_customers"])
        said.append(words["say_states"].format(customers=total, **facts))
    return said + _changes(edition, rates)


def _rate(judged: Sequence[reading.Row]) -> float:
    return float(sum(row["bought_again"] for row in judged) / sum(row["customers"] for row in judged))


def _changes(edition: Edition, rates: Sequence[reading.Row]) -> list[str]:
    words, days, said = edition.words("cohorts"), _days(edition, "window_days", 30), []
    for verdict in ("worse", "better"):
        those = [
            words["rate_now"].format(
                rate=words[f"rate_{row['rate']}"],
                now=_level(edition, row, "now"),
                before=_level(edition, row, "before"),
            )
            for row in rates
            if row["verdict"] == verdict
        ]
        if those:
            said.append(words[f"say_{verdict}"].format(days=days, rates=words["and"].join(those)))
    if not said and any(row["verdict"] == "noise" for row in rates):
        return [words["say_noise"].format(days=days)]
    return said


def _level(edition: Edition, row: reading.Row, name: str) -> str:
    return edition.count(row[name]) if row["rate"] == "new_customers" else edition.share(row[name])


def _facts(edition: Edition, again: Sequence[reading.Row]) -> tuple[Fact, ...]:
    judged = [row for row in again if row["customers"]]
    if not judged:
        return ()
    words, customers = edition.words("cohorts"), sum(row["customers"] for row in judged)
    label = words["fact"].format(days=_days(edition, "repurchase_days", 90))
    note = words["fact_note"].format(customers=edition.count(customers))
    return (Fact(label, edition.share(_rate(judged)), note, "cohorts"),)


def _news(edition: Edition, shares: dict[str, reading.Row]) -> list[str]:
    earlier = edition.results.earlier
    if "cohorts_shares" not in earlier or not shares:
        return []
    then = {
        row["state"]: row
        for row in reading.top(earlier["cohorts_shares"], _SHARES, by="state", key=["state"], limit=ROWS)
    }
    active = [sum(one[state]["share"] or 0.0 for state in _STATES[:2] if state in one) for one in (shares, then)]
    now, before = (edition.share(share) for share in active)
    days = _days(edition, "window_days", 30)
    return [edition.words("cohorts")["news"].format(days=days, now=now, then=before, before=edition.since)]


def _triangle(edition: Edition, cells: Sequence[reading.Row]) -> Sheet:
    words = edition.words("cohorts")
    by_cohort: dict[dt.date, dict[int, reading.Row]] = {}
    for row in cells:
        by_cohort.setdefault(row["cohort"], {})[int(row["age"])] = row
    ages = range(1, 1 + min(_AGES, max((age for own in by_cohort.values() for age in own), default=0)))
    columns = (Column(words["cohort"], "name"), Column(words["customers"]), *(Column(str(age)) for age in ages))
    rows = tuple(
        (
            _named(edition, cohort),
            edition.count_cell(own[0]["customers"]),
            *(edition.share_cell(own[age]["retention"] if age in own else None) for age in ages),
        )
        for cohort, own in list(by_cohort.items())[:ROWS]
    )
    unit = _unit(edition)
    title, note = words["triangle_title"].format(unit=unit), words["triangle_note"].format(unit=unit)
    return Sheet("triangle", title, columns, rows, len(by_cohort), note)


def _five(edition: Edition, rates: Sequence[reading.Row]) -> tuple[Sheet, ...]:
    if not rates:
        return ()
    words = edition.words("cohorts")
    columns = (
        Column(words["rate"], "name"),
        Column(words["side"], "text", choice=True),
        *(Column(words[name]) for name in ("now", "before", "change", "low", "high")),
        Column(words["verdict"], "text", choice=True),
        Column(words["reading"], "words"),
    )
    rows = tuple(
        (
            edition.named_cell(words[f"rate_{row['rate']}"], place),
            edition.text_cell(words[f"side_{row['side']}"]),
            *(Cell(_level(edition, row, name), _sorted(row[name])) for name in ("now", "before")),
            *(edition.share_cell(row[name]) for name in ("change", "low", "high")),
            edition.text_cell(words[f"verdict_{row['verdict']}"]),
            edition.text_cell(row["reading"]),
        )
        for place, row in enumerate(rates)
    )
    return (Sheet("five-rates", words["rates_title"], columns, rows, len(rows)),)


def _sorted(number: float | None) -> str:
    return "" if number is None else repr(float(number))


def _states(edition: Edition, shares: dict[str, reading.Row]) -> tuple[Sheet, ...]:
    if not shares:
        return ()
    words = edition.words("cohorts")
    columns = (
        Column(words["state"], "name"),
        *(Column(words[name]) for name in ("customers", "share", "low", "high")),
        Column(words["definition"], "words"),
    )
    rows = tuple(
        (
            edition.named_cell(words[f"state_{state}"], place),
            edition.count_cell(row["customers"]),
            edition.share_cell(row["share"], bar=True),
            *(edition.share_cell(row[name]) for name in ("low", "high")),
            edition.text_cell(row["definition"]),
        )
        for place, (state, row) in enumerate(shares.items())
    )
    return (Sheet("base", words["shares_title"], columns, rows, len(rows)),)


def _repurchase(edition: Edition, again: Sequence[reading.Row]) -> tuple[Sheet, ...]:
    if not again:
        return ()
    words = edition.words("cohorts")
    names = ("customers", "bought_again", "rate", "low", "high", "window_open")
    columns = (Column(words["month"], "name"), *(Column(words[name]) for name in names))
    rows = tuple(
        (
            Cell(f"{row['cohort_month']:%Y-%m}", str(row["cohort_month"].toordinal())),
            *(edition.count_cell(row[name]) for name in ("customers", "bought_again")),
            edition.share_cell(row["repurchase_rate"], bar=True),
            *(edition.share_cell(row[name]) for name in ("low", "high")),
            edition.count_cell(row["window_open"]),
        )
        for row in again
    )
    total = reading.counted(edition.results.tables["cohorts_repurchase"])
    return (Sheet("again", words["again_title"], columns, rows, total),)


def _definitions(edition: Edition) -> list[tuple[str, str]]:
    words, level = edition.words("cohorts"), edition.results.settings("cohorts").get("level", 0.95)
    days = {
        name: _days(edition, f"{name}_days", usual) for name, usual in (("window", 30), ("silent", 90), ("lost", 365))
    }
    return [
        (words["cohort"], words["cohort_is"].format(unit=_unit(edition))),
        (words["bought_again"], words["again_is"].format(days=_days(edition, "repurchase_days", 90))),
        (words["state"], words["state_is"].format(**days)),
        (f"{words['low']}, {words['high']}", words["interval_is"].format(level=edition.share(level))),
        (words["verdict"], words["verdict_is"]),
    ]

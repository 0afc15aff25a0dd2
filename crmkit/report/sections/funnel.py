"""Where do deals get stuck, and what will be sold? Stages, days in each, the forecast with its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import ROWS, Edition
from crmkit.report.section import Column, Fact, Section, Sheet
from crmkit.report.sections.funnel_forecast import (
    backtest_sheet,
    chain_sheet,
    forecast_rows,
    forecast_sheet,
    whole_months,
)

_COUNTS: Final = ("entered", "passed", "stopped", "open")
_SHARES: Final = ("conversion", "low", "high", "threshold", "conversion_before", "change")
_STAGES: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("stage", "status", "verdict"), "text"),
    **dict.fromkeys(("place", "short", "bottleneck", *_COUNTS, *_SHARES), "number"),
}
_DAYS: Final = ("median_days", "low", "high", "median_before", "change_days")
_DURATIONS: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("stage", "verdict"), "text"),
    **dict.fromkeys(("place", "watched", "ended", *_DAYS), "number"),
}


def funnel_section(edition: Edition) -> Section | None:
    """Make the section of "funnel_stages" and of the other tables of the funnel that are there."""
    results, words = edition.results, edition.words("funnel")
    if not results.has("funnel_stages"):
        return None
    stages, durations = (_read(results.tables, *what) for what in (("funnel_stages", _STAGES), _LASTS))
    if not stages:
        return None
    forecast = forecast_rows(edition)
    return Section(
        "funnel",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, stages, durations, forecast)),
        drawings=_drawings(edition, stages, durations, forecast),
        sheets=(
            _stages(edition, stages),
            *_durations(edition, durations),
            *forecast_sheet(edition, forecast),
            *backtest_sheet(edition),
            *chain_sheet(edition),
        ),
        definitions=tuple(_definitions(edition)),
        trust=tuple(_trust(edition, forecast)),
        limits=tuple(words[key] for key in ("limits_why", "limits_season", "limits_history")),
        facts=_facts(edition, forecast),
        news=tuple(_news(edition, stages)),
    )


_LASTS: Final = ("funnel_durations", _DURATIONS)


def _read(tables: Any, name: str, columns: dict[str, reading.Kind]) -> list[reading.Row]:
    """Read rows by their place, the first first."""
    found = reading.top(tables[name], columns, by="place", key=["place"], limit=ROWS) if name in tables else []
    return found[::-1]


def _period(edition: Edition) -> str:
    return edition.count(edition.results.settings("funnel").get("period_days", 90))


def _stage_name(edition: Edition, row: reading.Row, last: float) -> str:
    """Name a stage as the table does; what comes after the last one, and the whole, in words."""
    words = edition.words("funnel")
    name = words["cycle"] if row["place"] == 0 else words["won"] if row["place"] == last else row["stage"]
    return str(name)


def _last(stages: Sequence[reading.Row]) -> float:
    return max(float(row["place"]) for row in stages)


def _drawings(
    edition: Edition,
    stages: Sequence[reading.Row],
    durations: Sequence[reading.Row],
    forecast: Sequence[reading.Row],
) -> tuple[Drawing, ...]:
    tables, locale, drawn = edition.results.tables, edition.locale, []
    drawn.append(drawing("funnel-stages", plots.plot_funnel(tables["funnel_stages"], locale=locale), least_width=520))
    if any(row["median_days"] is not None for row in durations):
        lasts = plots.plot_stage_durations(tables["funnel_durations"], locale=locale)
        drawn.append(drawing("stage-durations", lasts))
    if forecast:
        ahead = plots.plot_sales_forecast(
            tables["funnel_forecast"],
            backtest=whole_months(tables),
            currency=edition.about.currency,
            locale=locale,
        )
        drawn.append(drawing("sales-forecast", ahead, least_width=620))
    return tuple(drawn)


def _narrow(stages: Sequence[reading.Row]) -> reading.Row | None:
    return next((row for row in stages if row["bottleneck"]), None)


def _sentences(
    edition: Edition,
    stages: Sequence[reading.Row],
    durations: Sequence[reading.Row],
    forecast: Sequence[reading.Row],
) -> list[str]:
    words, narrow = edition.words("funnel"), _narrow(stages)
    counts = {"entered": stages[0]["entered"], "won": stages[-1]["entered"], "open": sum(r["open"] for r in stages)}
    said = [words["say_won"].format(days=_period(edition), **{key: edition.count(n) for key, n in counts.items()})]
    if narrow is not None:
        shares = {name: edition.share(narrow[name]) for name in ("conversion", "low", "high", "threshold")}
        short = edition.count(narrow["short"])
        said.append(words["say_narrow"].format(stage=narrow["stage"], short=short, **shares))
    elif any(row["threshold"] is not None for row in stages):
        said.append(words["say_wide"])
    cycle = next((row for row in durations if row["place"] == 0 and row["median_days"] is not None), None)
    if cycle is not None:
        days = {name: edition.count(cycle[name]) for name in ("low", "high")}
        said.append(words["say_cycle"].format(days=edition.count(cycle["median_days"]), **days))
    return said + _ahead(edition, forecast)


def _ahead(edition: Edition, forecast: Sequence[reading.Row]) -> list[str]:
    words, whole = edition.words("funnel"), _whole(forecast)
    if whole is None:
        return [words["say_no_forecast"]]
    money = {name: edition.money(whole[name]) for name in ("forecast", "low", "high")}
    days = {"first": edition.day(whole["first_day"]), "last": edition.day(whole["last_day"])}
    said = [words["say_forecast"].format(**money, **days)]
    if whole["tests"] and whole["naive_wape"] is not None:
        errors = {"wape": edition.share(whole["wape"]), "naive": edition.share(whole["naive_wape"])}
        said.append(words["say_error"].format(tests=edition.count(whole["tests"]), **errors))
    return said


def _whole(forecast: Sequence[reading.Row]) -> reading.Row | None:
    return next((row for row in forecast if row["kind"] == "total"), None)


def _facts(edition: Edition, forecast: Sequence[reading.Row]) -> tuple[Fact, ...]:
    words, whole = edition.words("funnel"), _whole(forecast)
    if whole is None:
        return ()
    ends = {name: edition.money(whole[name]) for name in ("low", "high")}
    note = words["fact_note"].format(last=edition.day(whole["last_day"]), **ends)
    return (Fact(words["fact"], edition.money(whole["forecast"]), note, "funnel"),)


def _news(edition: Edition, stages: Sequence[reading.Row]) -> list[str]:
    earlier, words = edition.results.earlier, edition.words("funnel")
    then = _narrow(_read(earlier, "funnel_stages", _STAGES))
    now = _narrow(stages)
    names = [words["nobody"] if row is None else str(row["stage"]) for row in (now, then)]
    if "funnel_stages" not in earlier or names[0] == names[1]:
        return []
    return [words["news_narrow"].format(stage=names[0], then=names[1], before=edition.since)]


def _stages(edition: Edition, stages: Sequence[reading.Row]) -> Sheet:
    words, last = edition.words("funnel"), _last(stages)
    columns = (
        Column(words["stage"], "name"),
        *(Column(words[name]) for name in (*_COUNTS, *_SHARES)),
        *(Column(words[name], "text", choice=True) for name in ("status", "verdict")),
    )
    rows = tuple(
        (
            edition.named_cell(_stage_name(edition, row, last), int(row["place"])),
            *(edition.count_cell(row[name]) for name in _COUNTS),
            *(edition.share_cell(row[name], bar=name == "conversion") for name in _SHARES),
            edition.text_cell(words[f"status_{row['status']}"] if row["status"] else None),
            edition.text_cell(words[f"verdict_{row['verdict']}"] if row["verdict"] else None),
        )
        for row in stages
    )
    return Sheet("stages", words["stages_title"].format(days=_period(edition)), columns, rows, len(rows))


def _durations(edition: Edition, durations: Sequence[reading.Row]) -> tuple[Sheet, ...]:
    if not durations:
        return ()
    words, said = (
        edition.words("funnel"),
        {"up": "longer", "down": "shorter", "not told apart": "verdict_not told apart"},
    )
    names = ("watched", "ended", "median", "low", "high", "median_before", "change")
    columns = (
        Column(words["stage"], "name"),
        *(Column(words[name]) for name in names),
        Column(words["verdict"], "text", choice=True),
    )
    rows = tuple(
        (
            edition.named_cell(_stage_name(edition, row, -1), int(row["place"])),
            *(edition.count_cell(row[name]) for name in ("watched", "ended", *_DAYS)),
            edition.text_cell(words[said[row["verdict"]]] if row["verdict"] else None),
        )
        for row in durations
    )
    return (Sheet("durations", words["durations_title"], columns, rows, len(rows)),)


def _trust(edition: Edition, forecast: Sequence[reading.Row]) -> list[str]:
    words = edition.words("funnel")
    said = [
        words["trust_forecast"].format(
            first=edition.day(row["first_day"]),
            last=edition.day(row["last_day"]),
            verdict=words[row["verdict"]],
            tests=edition.count(row["tests"]),
        )
        for row in forecast
        if row["verdict"] in ("better", "worse", "no better")
    ]
    return [*said, words["trust_level"]]


def _definitions(edition: Edition) -> list[tuple[str, str]]:
    words, settings = edition.words("funnel"), edition.results.settings("funnel")
    level, ahead = (edition.share(settings.get(name, usual)) for name, usual in _LEVELS)
    return [
        (words["entered"], words["cohort_is"]),
        (words["conversion"], words["conversion_is"].format(level=level)),
        (f"{words['threshold']}, {words['status']}", words["threshold_is"]),
        (words["median"], words["median_is"]),
        (words["forecast"], words["forecast_is"].format(level=ahead)),
        (f"{words['wape']}, {words['coverage']}", words["error_is"]),
        (words["per_step"], words["chain_is"]),
    ]


_LEVELS: Final = (("level", 0.95), ("forecast_level", 0.8))

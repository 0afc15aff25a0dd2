"""Tables of the sales to come: the forecast, its rehearsals, and the chain from reach to return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.report import reading
from crmkit.report.edition import ROWS, Edition
from crmkit.report.section import Cell, Column, Sheet

_MONEY: Final = ("won_so_far", "from_open", "from_new", "forecast", "low", "high")
_FORECAST: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("kind", "verdict"), "text"),
    **dict.fromkeys(("first_day", "last_day"), "day"),
    **dict.fromkeys((*_MONEY, "tests", "wape", "coverage", "naive_wape"), "number"),
}
_BACKTEST: Final[dict[str, reading.Kind]] = {
    "kind": "text",
    **dict.fromkeys(("origin", "first_day", "last_day"), "day"),
    **dict.fromkeys(("forecast", "low", "high", "actual", "inside"), "number"),
}
_CHAIN: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("step", "verdict"), "text"),
    **dict.fromkeys(("place", "count", "count_before", "change", "per_step"), "number"),
}


def forecast_rows(edition: Edition) -> list[reading.Row]:
    """Read the months to come and, last, all of them; empty where there is no forecast."""
    tables = edition.results.tables
    if "funnel_forecast" not in tables:
        return []
    found = reading.top(tables["funnel_forecast"], _FORECAST, by="first_day", key=["first_day", "kind"], limit=ROWS)
    return sorted(found, key=lambda row: (row["kind"] == "total", row["first_day"]))


def whole_months(tables: Mapping[str, Any]) -> Any:
    """Give the rehearsals of whole months: beside them the rest of one, as there is in its middle, is no month."""
    if "funnel_backtest" not in tables:
        return None
    table = tables["funnel_backtest"]
    first = nw.col("first_day").cast(nw.Date)
    return frames.leave(frames.enter(table).filter(first.dt.day().cast(nw.Int64) == 1), like=table)


def forecast_sheet(edition: Edition, forecast: Sequence[reading.Row]) -> tuple[Sheet, ...]:
    """Lay the months to come out with their parts, and how far off such forecasts were."""
    if not forecast:
        return ()
    words = edition.words("funnel")
    names = ("tests", "wape", "coverage", "naive_wape")
    columns = (
        Column(words["month"], "name"),
        *(Column(words[name]) for name in (*_MONEY, *names)),
        Column(words["verdict"], "text"),
    )
    rows = tuple(
        (
            _span(edition, row, place),
            *(edition.money_cell(row[name]) for name in _MONEY),
            edition.count_cell(row["tests"]),
            *(edition.share_cell(row[name]) for name in names[1:]),
            edition.text_cell(words.get(row["verdict"] or "")),
        )
        for place, row in enumerate(forecast)
    )
    return (Sheet("forecast", words["forecast_title"], columns, rows, len(rows)),)


def backtest_sheet(edition: Edition) -> tuple[Sheet, ...]:
    """List what was forecast in past months, and what came, the latest first."""
    tables, words = edition.results.tables, edition.words("funnel")
    if "funnel_backtest" not in tables:
        return ()
    found = reading.top(tables["funnel_backtest"], _BACKTEST, by="origin", key=["origin", "first_day"], limit=ROWS)
    if not found:
        return ()
    found.sort(key=lambda row: (-row["origin"].toordinal(), row["kind"] == "total", row["first_day"]))
    columns = (
        Column(words["origin"], "name"),
        Column(words["month"], "name"),
        *(Column(words[name]) for name in ("forecast", "low", "high", "actual")),
        Column(words["inside"], "text", choice=True),
    )
    rows = tuple(
        (
            edition.day_cell(row["origin"]),
            _span(edition, row, row["first_day"].toordinal()),
            *(edition.money_cell(row[name]) for name in ("forecast", "low", "high", "actual")),
            edition.text_cell(words["yes" if row["inside"] else "no"]),
        )
        for row in found
    )
    total = reading.counted(tables["funnel_backtest"])
    return (Sheet("rehearsals", words["backtest_title"], columns, rows, total),)


def chain_sheet(edition: Edition) -> tuple[Sheet, ...]:
    """Lay out reach, leads, deals and customers who came back, where all four tables were there."""
    tables, words = edition.results.tables, edition.words("funnel")
    if "funnel_chain" not in tables:
        return ()
    found = reading.top(tables["funnel_chain"], _CHAIN, by="place", key=["place"], limit=ROWS)[::-1]
    if not found:
        return ()
    columns = (
        Column(words["step"], "name"),
        *(Column(words[name]) for name in ("count", "conversion_before", "change", "per_step")),
        Column(words["verdict"], "text"),
    )
    rows = tuple(
        (
            edition.named_cell(words[f"step_{row['step']}"], int(row["place"])),
            *(edition.count_cell(row[name]) for name in ("count", "count_before")),
            *(edition.share_cell(row[name]) for name in ("change", "per_step")),
            edition.text_cell(words[f"verdict_{row['verdict']}"] if row["verdict"] else None),
        )
        for row in found
    )
    return (Sheet("chain", words["chain_title"], columns, rows, len(rows)),)


def _span(edition: Edition, row: reading.Row, place: int) -> Cell:
    words = edition.words("funnel")
    said = words["span"].format(first=edition.day(row["first_day"]), last=edition.day(row["last_day"]))
    is_all = row["kind"] == "total"
    return Cell(f"{words['total']}: {said}" if is_all else said, str(place))

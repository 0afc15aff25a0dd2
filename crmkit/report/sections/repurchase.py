"""Who buys again, when, and whom to remind? Expected orders, status, reminders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import FEW, ROWS, Edition
from crmkit.report.section import Call, CallList, Cell, Column, Fact, Section, Sheet
from crmkit.report.sections.model_status import fitted

_STATUSES: Final = ("new", "not due", "due", "overdue", "lapsed")
_FORECAST: Final[dict[str, reading.Kind]] = {
    "customer_id": "text",
    "status": "text",
    "p_order": "number",
    "days_since_order": "number",
    "usual_gap_days": "number",
    "next_order_day": "day",
    "window_start": "day",
    "window_end": "day",
}
_REMINDER: Final[dict[str, reading.Kind]] = {
    "customer_id": "text",
    "product_id": "text",
    "reason_code": "text",
    "reason": "text",
    "due_on": "day",
    "remind_on": "day",
    "chance": "number",
    "order_value": "number",
    "expected_value": "number",
}


def repurchase_section(edition: Edition) -> Section | None:
    """Make the section of "repurchase_forecast" and "repurchase_reminders"."""
    results, words = edition.results, edition.words("repurchase")
    if not results.has("repurchase_forecast", "repurchase_reminders"):
        return None
    settings = results.settings("repurchase")
    horizon = edition.count(settings.get("horizon_days", 30))
    statuses = _by_status(edition)
    today, whole = _worth(edition, today=True), _worth(edition, today=False)
    level = edition.share(settings.get("level", 0.8))
    return Section(
        "repurchase",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, statuses, today, whole, horizon)),
        drawings=_drawings(edition, settings.get("horizon_days", 30)) if statuses else (),
        sheets=(
            *_status(edition, statuses),
            *_reminders(edition, whole, horizon),
            *_overdue(edition, statuses, horizon),
        ),
        definitions=tuple(_definitions(edition, horizon, level)),
        trust=fitted(edition, "chance"),
        limits=tuple(words[key] for key in ("limits_many", "limits_effect", "limits_events")),
        facts=(
            Fact(
                words["fact"],
                edition.count(today["reminders"]),
                words["fact_note"].format(expected=edition.money(today["expected"])),
                "repurchase",
            ),
        ),
        news=(words["news"].format(today=edition.count(today["reminders"]), expected=edition.money(today["expected"])),)
        if today["reminders"]
        else (),
        calls=_calls(edition, today),
    )


def _drawings(edition: Edition, horizon_days: int) -> tuple[Drawing, ...]:
    forecast, locale = edition.results.tables["repurchase_forecast"], edition.locale
    return (
        drawing("expected", plots.plot_repurchase_forecast(forecast, locale=locale)),
        drawing("windows", plots.plot_order_windows(forecast, horizon_days=horizon_days, locale=locale)),
    )


def _by_status(edition: Edition) -> dict[str, reading.Row]:
    found = reading.grouped(
        edition.results.tables["repurchase_forecast"],
        _FORECAST,
        by=["status"],
        aggregates={"customers": nw.len(), "expected": nw.col("p_order").sum()},
    )
    return {row["status"]: row for row in found}


def _today(edition: Edition) -> nw.Expr:
    return nw.col("remind_on") <= nw.lit(edition.results.day)


def _worth(edition: Edition, *, today: bool) -> reading.Row:
    found = reading.summed(
        edition.results.tables["repurchase_reminders"],
        _REMINDER,
        aggregates={
            "reminders": nw.len(),
            "value": nw.col("order_value").sum(),
            "expected": nw.col("expected_value").sum(),
        },
        where=_today(edition) if today else None,
    )
    return {name: value or 0 for name, value in found.items()}


def _sentences(
    edition: Edition, statuses: dict[str, reading.Row], today: reading.Row, whole: reading.Row, horizon: str
) -> list[str]:
    words = edition.words("repurchase")
    customers = sum(row["customers"] for row in statuses.values())
    expected = sum(row["expected"] or 0.0 for row in statuses.values())
    said = words["say_expected"].format(
        customers=edition.count(customers),
        expected=edition.count(round(expected)),
        horizon=horizon,
        share=edition.share(expected / customers if customers else None),
    )
    standing = {
        name: edition.count(statuses[name]["customers"] if name in statuses else 0)
        for name in ("due", "overdue", "lapsed")
    }
    reminded = words["say_reminders"].format(
        today=edition.count(today["reminders"]),
        all=edition.count(whole["reminders"]),
        horizon=horizon,
        value=edition.money(whole["value"]),
        expected=edition.money(whole["expected"]),
    )
    return [said, words["say_status"].format(**standing), *([reminded] if whole["reminders"] else [])]


def _status(edition: Edition, statuses: dict[str, reading.Row]) -> tuple[Sheet, ...]:
    words = edition.words("repurchase")
    customers = sum(row["customers"] for row in statuses.values())
    columns = (
        Column(words["status"], "name"),
        *(Column(words[name]) for name in ("customers", "customer_share", "expected", "mean_chance")),
    )
    order = [*_STATUSES, *sorted(set(statuses) - set(_STATUSES))]
    rows = tuple(
        (
            Cell(words.get(f"status_{name}", name), str(place)),
            edition.count_cell(statuses[name]["customers"]),
            edition.share_cell(statuses[name]["customers"] / customers, bar=True),
            edition.count_cell(round(statuses[name]["expected"] or 0.0)),
            edition.share_cell((statuses[name]["expected"] or 0.0) / statuses[name]["customers"]),
        )
        for place, name in enumerate(order)
        if name in statuses
    )
    return (Sheet("statuses", words["status_title"], columns, rows, len(rows)),)


def _reminders(edition: Edition, whole: reading.Row, horizon: str) -> tuple[Sheet, ...]:
    words, table = edition.words("repurchase"), edition.results.tables["repurchase_reminders"]
    found = reading.top(table, _REMINDER, by="expected_value", key=["customer_id"], limit=ROWS)
    if not found:
        return ()
    with_product = any(row["product_id"] for row in found)
    columns = (
        Column(words["customer"], "text"),
        Column(words["expected_value"]),
        Column(words["reason"], "words"),
        Column(words["cause"], "text", choice=True),
        *((Column(words["product"], "text"),) if with_product else ()),
        *(Column(words[name]) for name in ("remind_on", "due_on", "chance", "order_value")),
    )
    rows = tuple(
        (
            edition.text_cell(row["customer_id"]),
            edition.money_cell(row["expected_value"]),
            edition.text_cell(row["reason"]),
            edition.text_cell(words.get(f"cause_{row['reason_code']}", row["reason_code"])),
            *((edition.text_cell(row["product_id"]),) if with_product else ()),
            edition.day_cell(row["remind_on"]),
            edition.day_cell(row["due_on"]),
            edition.share_cell(row["chance"]),
            edition.money_cell(row["order_value"]),
        )
        for row in found
    )
    title = words["reminders_title"].format(horizon=horizon)
    return (Sheet("reminders", title, columns, rows, int(whole["reminders"])),)


def _overdue(edition: Edition, statuses: dict[str, reading.Row], horizon: str) -> tuple[Sheet, ...]:
    if "overdue" not in statuses:
        return ()
    words, table = edition.words("repurchase"), edition.results.tables["repurchase_forecast"]
    chosen = nw.col("status") == nw.lit("overdue")
    found = reading.top(table, _FORECAST, by="p_order", key=["customer_id"], limit=ROWS, where=chosen)
    columns = (
        Column(words["customer"], "text"),
        Column(words["p_order"].format(horizon=horizon)),
        *(Column(words[name]) for name in ("days_since_order", "usual_gap", "next_order_day", "window")),
    )
    rows = tuple(
        (
            edition.text_cell(row["customer_id"]),
            edition.share_cell(row["p_order"]),
            edition.count_cell(row["days_since_order"]),
            edition.count_cell(row["usual_gap_days"]),
            edition.day_cell(row["next_order_day"]),
            _window(edition, row),
        )
        for row in found
    )
    return (Sheet("overdue", words["forecast_title"], columns, rows, statuses["overdue"]["customers"]),)


def _window(edition: Edition, row: reading.Row) -> Cell:
    start = edition.day_cell(row["window_start"])
    said = edition.words("repurchase")["window_is"].format(start=start.text, end=edition.day(row["window_end"]))
    return Cell(said if start.sort else start.text, start.sort)


def _calls(edition: Edition, today: reading.Row) -> tuple[CallList, ...]:
    if not today["reminders"]:
        return ()
    words, table = edition.words("repurchase"), edition.results.tables["repurchase_reminders"]
    found = reading.top(table, _REMINDER, by="expected_value", key=["customer_id"], limit=FEW, where=_today(edition))
    calls = tuple(_call(edition, row) for row in found)
    return (CallList(words["calls"], calls, int(today["reminders"]), "reminders"),)


def _call(edition: Edition, row: reading.Row) -> Call:
    return Call(row["customer_id"] or "", edition.money(row["expected_value"]), row["reason"] or "")


def _definitions(edition: Edition, horizon: str, level: str) -> Sequence[tuple[str, str]]:
    words = edition.words("repurchase")
    return [
        (words["chance"], words["chance_is"].format(horizon=horizon, as_of=edition.as_of)),
        (words["status"], words["status_is"].format(level=level)),
        (words["window_term"], words["window_def"].format(level=level)),
        (words["usual_gap"], words["gap_is"]),
        (words["expected_value"], words["expected_is"]),
        (f"{words['due_on']}, {words['remind_on']}", words["due_is"].format(as_of=edition.as_of)),
    ]

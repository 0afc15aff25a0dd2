"""What will customers be worth? The sum, how few bring how much of it, the list."""

from __future__ import annotations

import math
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import ROWS, Edition
from crmkit.report.section import Column, Fact, Section, Sheet
from crmkit.report.sections.model_status import compared, fitted

_VALUE: Final[dict[str, reading.Kind]] = {
    "customer_id": "text",
    "p_order": "number",
    "p_alive": "number",
    "expected_orders": "number",
    "expected_order_value": "number",
    "clv": "number",
    "clv_low": "number",
    "clv_high": "number",
}
_PARTS: Final = (0.01, 0.1, 0.2, 0.5, 1.0)  # of the customers, the best first


def clv_section(edition: Edition) -> Section | None:
    """Make the section of "clv"; with that of the run before, say how the sum has changed."""
    results, words = edition.results, edition.words("clv")
    if not results.has("clv"):
        return None
    sums = _sums(results.tables["clv"])
    horizon = edition.count(results.settings("clv").get("horizon_days", 365))
    parts = _parts(results.tables["clv"], sums["customers"])
    return Section(
        "clv",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, sums, parts, horizon)),
        drawings=_drawings(edition) if sums["customers"] else (),
        sheets=(_shares(edition, parts), _customers(edition, sums), *compared(edition, "orders", "models")),
        definitions=tuple(_definitions(edition, horizon)),
        trust=fitted(edition, "orders"),
        limits=tuple(words[key] for key in ("limits_future", "limits_one", "limits_new")),
        facts=(
            Fact(
                words["fact"].format(horizon=horizon),
                edition.money(sums["clv"]),
                words["fact_note"].format(customers=edition.count(sums["customers"])),
                "clv",
            ),
        ),
        news=_news(edition, sums, horizon),
    )


def _drawings(edition: Edition) -> tuple[Drawing, ...]:
    drawn = plots.plot_customer_value(
        edition.results.tables["clv"], currency=edition.about.currency, locale=edition.locale
    )
    return (drawing("spread", drawn),)


def _sums(table: Any) -> reading.Row:
    columns = ("clv", "expected_orders", "p_order")
    aggregates = {"customers": nw.len(), **{name: nw.col(name).sum() for name in columns}}
    found = reading.summed(table, _VALUE, aggregates=aggregates)
    return {name: value or 0 for name, value in found.items()}


def _parts(table: Any, customers: int) -> list[tuple[float, int, float]]:
    """Sum up the best customers: share of the customers, how many, what they bring."""
    found = []
    for share in _PARTS:
        best = math.ceil(share * customers)
        ranked = reading.entered(table, _VALUE).sort("clv", "customer_id", descending=[True, False], nulls_last=True)
        brought = reading.rows(ranked.head(best).select(clv=nw.col("clv").sum()), ["clv"])[0]["clv"]
        found.append((share, best, brought or 0.0))
    return found


def _sentences(edition: Edition, sums: reading.Row, parts: list[tuple[float, int, float]], horizon: str) -> list[str]:
    words = edition.words("clv")
    said = words["say_total"].format(
        total=edition.money(sums["clv"]), horizon=horizon, orders=edition.count(round(sums["expected_orders"]))
    )
    ordering = words["say_order"].format(
        ordering=edition.count(round(sums["p_order"])), customers=edition.count(sums["customers"])
    )
    _, best, brought = parts[1]
    if not sums["clv"] > 0:
        return [said, ordering]
    top = words["say_top"].format(customers=edition.count(best), share=edition.share(brought / sums["clv"]))
    return [said, top, ordering]


def _news(edition: Edition, sums: reading.Row, horizon: str) -> tuple[str, ...]:
    words, results = edition.words("clv"), edition.results
    if "clv" not in results.earlier:
        return ()
    then = _sums(results.earlier["clv"])["clv"]
    key = "same" if edition.money(sums["clv"]) == edition.money(then) else "more" if sums["clv"] > then else "less"
    said = words["news"].format(
        horizon=horizon,
        now=edition.money(sums["clv"]),
        change=words[key].format(change=edition.money(abs(sums["clv"] - then))),
        before=edition.since,
        then=edition.money(then),
    )
    return (said,)


def _shares(edition: Edition, parts: list[tuple[float, int, float]]) -> Sheet:
    words, whole = edition.words("clv"), parts[-1][2]
    columns = (
        Column(words["part"], "name"),
        *(Column(words[name]) for name in ("customers", "clv", "share", "mean")),
    )
    rows = tuple(
        (
            edition.named_cell(
                words["everyone"] if share == 1.0 else words["best"].format(share=f"{100 * share:g}"), place
            ),
            edition.count_cell(customers),
            edition.money_cell(brought),
            edition.share_cell(brought / whole if whole > 0 else None, bar=True),
            edition.money_cell(brought / customers if customers else None),
        )
        for place, (share, customers, brought) in enumerate(parts)
    )
    return Sheet("parts", words["parts_title"], columns, rows, len(rows))


def _customers(edition: Edition, sums: reading.Row) -> Sheet:
    words = edition.words("clv")
    found = reading.top(edition.results.tables["clv"], _VALUE, by="clv", key=["customer_id"], limit=ROWS)
    names = ("clv", "low", "high", "expected_orders", "order_value", "p_order", "p_alive")
    columns = (Column(words["customer"], "text"), *(Column(words[name]) for name in names))
    rows = tuple(
        (
            edition.text_cell(row["customer_id"]),
            edition.money_cell(row["clv"]),
            edition.money_cell(row["clv_low"]),
            edition.money_cell(row["clv_high"]),
            edition.count_cell(row["expected_orders"]),
            edition.money_cell(row["expected_order_value"]),
            edition.share_cell(row["p_order"]),
            edition.share_cell(row["p_alive"]),
        )
        for row in found
    )
    return Sheet("values", words["list_title"], columns, rows, int(sums["customers"]))


def _definitions(edition: Edition, horizon: str) -> list[tuple[str, str]]:
    words, settings = edition.words("clv"), edition.results.settings("clv")
    level = edition.share(settings.get("level", 0.8))
    value = words["clv_is"].format(
        horizon=horizon,
        as_of=edition.as_of,
        margin=edition.share(settings.get("margin", 1.0)),
        rate=edition.share(settings.get("discount_rate_per_year", 0.1)),
    )
    found = [
        (words["clv"], value),
        (
            f"{words['low']}, {words['high']}",
            words["interval_is"].format(level=level),
        ),
        (words["expected_orders"], words["orders_is"].format(horizon=horizon)),
        (words["order_value"], words["order_value_is"]),
        (words["p_order"], words["p_order_is"].format(horizon=horizon)),
        (words["p_alive"], words["p_alive_is"]),
    ]
    return found if edition.results.fit("orders") is None else [*found, (words["holdout"], words["holdout_is"])]

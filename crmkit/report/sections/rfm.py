"""Who are our best customers? Segments, who has gone quiet, who moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import plots, rfm
from crmkit.plots import house
from crmkit.plots.rfm.tables import Flow, SegmentRow, flows, segment_names, summary_rows
from crmkit.report import reading
from crmkit.report.cut_table import cut_rows
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import FEW, ROWS, Edition
from crmkit.report.section import Call, CallList, Cell, Column, Fact, Section, Sheet
from crmkit.report.sections.rfm_words import definitions, limits, sentences
from crmkit.segment_maps import REFUNDS_ONLY

# Segments of the published maps whose play is to win them back: good customers who have stopped.
QUIET: Final = frozenset({"cannot_lose", "at_risk", "important_keep", "important_retain"})
_NUMBERS: Final = (
    *("customers", "customer_share", "revenue", "revenue_share"),
    *("median_days_since_order", "median_order_count", "median_revenue"),
)
_CUSTOMER: Final[dict[str, reading.Kind]] = {
    "customer_id": "text",
    "segment": "text",
    "segment_name": "text",
    "revenue": "number",
    "order_count": "number",
    "average_order_value": "number",
    "days_since_order": "number",
    "last_order_day": "day",
}


def rfm_section(edition: Edition) -> Section | None:
    """Make the section of "rfm_summary", with "rfm_segments" and the segments of the run before if they are there."""
    results, words = edition.results, edition.words("rfm")
    if not results.has("rfm_summary"):
        return None
    listed = summary_rows(results.tables["rfm_summary"], scheme=edition.scheme)
    migration = _migration(edition)
    moves = [] if migration is None else flows(migration, scheme=edition.scheme)
    quiet = [row for row in listed if row.segment in QUIET and row.customers]
    customers = _quiet_customers(edition, quiet)
    return Section(
        "rfm",
        words["menu"],
        words["question"],
        sentences=tuple(sentences(edition, listed, quiet)),
        drawings=_drawings(edition, migration),
        sheets=(
            _segments(edition, listed),
            *_quiet(edition, quiet, customers),
            *_flows(edition, moves),
            *_cuts(edition),
        ),
        definitions=tuple(definitions(edition, moves=bool(moves))),
        trust=(words["trust_is"],),
        limits=tuple(limits(edition, moves=bool(moves))),
        facts=_facts(edition, listed, quiet),
        news=tuple(_moved(moves, edition)),
        calls=_calls(edition, quiet, customers),
    )


def _migration(edition: Edition) -> Any:
    results = edition.results
    if not results.has("rfm_segments") or "rfm_segments" not in results.earlier:
        return None
    return rfm.segment_migration(results.earlier["rfm_segments"], results.tables["rfm_segments"])


def _drawings(edition: Edition, migration: Any) -> tuple[Drawing, ...]:
    tables, locale = edition.results.tables, edition.locale
    look: dict[str, Any] = {"scheme": edition.scheme, "locale": locale}
    tree = plots.plot_segment_summary(tables["rfm_summary"], currency=edition.about.currency, **look)
    drawn = [drawing("tree", tree)]
    if "rfm_segments" in tables:
        drawn.append(drawing("grid", plots.plot_rf_heatmap(tables["rfm_segments"], **look)))
    if migration is not None:
        days: dict[str, Any] = {"before": edition.results.before, "after": edition.results.day}
        drawn.append(drawing("moves", plots.plot_segment_migration(migration, **days, **look), least_width=660))
    return tuple(drawn)


def _segments(edition: Edition, listed: Sequence[SegmentRow]) -> Sheet:
    words, colors = edition.words("rfm"), house.segment_colors(edition.scheme)
    columns = (
        Column(words["segment"], "name"),
        *(Column(words[name]) for name in _NUMBERS),
        Column(words["play"], "words"),
    )
    rows = tuple(
        (
            Cell(row.segment_name, str(place), color=colors[row.segment]),
            *(_cell(edition, name, getattr(row, name)) for name in _NUMBERS),
            edition.text_cell(row.play),
        )
        for place, row in enumerate(listed)
    )
    return Sheet("segments", words["table_title"], columns, rows, len(rows))


def _cell(edition: Edition, name: str, value: float | None) -> Cell:
    if name.endswith("_share"):
        return edition.share_cell(value, bar=True)
    return edition.money_cell(value) if name.endswith("revenue") else edition.count_cell(value)


def _quiet_customers(edition: Edition, quiet: Sequence[SegmentRow]) -> list[reading.Row]:
    if not quiet or not edition.results.has("rfm_segments"):
        return []
    return reading.top(
        edition.results.tables["rfm_segments"],
        _CUSTOMER,
        by="revenue",
        key=["customer_id"],
        limit=ROWS,
        where=nw.col("segment").is_in([row.segment for row in quiet]),
    )


def _quiet(edition: Edition, quiet: Sequence[SegmentRow], customers: Sequence[reading.Row]) -> tuple[Sheet, ...]:
    words, total = edition.words("rfm"), sum(row.customers for row in quiet)
    if not customers:
        return ()
    names = ("revenue", "order_count", "average_order_value", "days_since_order", "last_order_day")
    columns = (
        Column(words["customer"], "text"),
        Column(words["segment"], "text", choice=True),
        *(Column(words[name]) for name in names),
    )
    rows = tuple(
        (
            edition.text_cell(row["customer_id"]),
            edition.text_cell(row["segment_name"]),
            edition.money_cell(row["revenue"]),
            edition.count_cell(row["order_count"]),
            edition.money_cell(row["average_order_value"]),
            edition.count_cell(row["days_since_order"]),
            edition.day_cell(row["last_order_day"]),
        )
        for row in customers
    )
    note = words["quiet_note"].format(names=words["or"].join(row.segment_name for row in quiet))
    return (Sheet("quiet", words["quiet_title"], columns, rows, total, note),)


def _flows(edition: Edition, moves: Sequence[Flow]) -> tuple[Sheet, ...]:
    if not moves:
        return ()
    words = edition.words("rfm")
    names = {**segment_names(edition.scheme, locale=edition.locale), rfm.ABSENT: words["came"]}
    rank = {code: str(place) for place, code in enumerate(names)}
    rows = tuple(
        (
            Cell(names[flow.segment_before], rank[flow.segment_before]),
            Cell(names[flow.segment_after], rank[flow.segment_after]),
            edition.count_cell(flow.customers),
            edition.share_cell(flow.share),
        )
        for flow in moves
    )
    columns = (
        Column(words["before"], "name", choice=True),
        Column(words["after"], "name", choice=True),
        Column(words["customers"]),
        Column(words["share_before"]),
    )
    return (Sheet("flows", words["moves_title"], columns, rows, len(rows)),)


def _cuts(edition: Edition) -> tuple[Sheet, ...]:
    if edition.about.cuts is None:
        return ()
    words = edition.words("rfm")
    columns = (
        Column(words["cuts_score"], "name"),
        *(Column(words[name], "text") for name in ("cuts_r", "cuts_f", "cuts_m")),
    )
    found = cut_rows(edition.about.cuts, currency=edition.about.currency, locale=edition.locale)
    rows = tuple((Cell(score, score), *(Cell(text, text) for text in texts)) for score, *texts in found)
    return (Sheet("cuts", words["cuts_title"], columns, rows, len(rows)),)


def _facts(edition: Edition, listed: Sequence[SegmentRow], quiet: Sequence[SegmentRow]) -> tuple[Fact, ...]:
    """Say what the quiet ones paid; where no other room speaks of money, all of them and the best too."""
    words, alone = edition.words("rfm"), not edition.results.has("clv")
    note = words["fact_base_note"].format(customers=edition.count(sum(row.customers for row in listed)))
    base = Fact(words["fact_base"], edition.money(sum(row.revenue for row in listed)), note, "rfm")
    best = max(listed, key=lambda row: row.revenue, default=None)
    facts = [base] if alone or not quiet else []
    if alone and best is not None and best.revenue > 0:
        facts.append(_fact(edition, words["fact_best"].format(name=best.segment_name), [best], "fact_best_note"))
    return (*facts, *([_fact(edition, words["fact_quiet"], quiet, "fact_quiet_note")] if quiet else []))


def _fact(edition: Edition, label: str, rows: Sequence[SegmentRow], note: str) -> Fact:
    shares = [row.revenue_share for row in rows if row.revenue_share is not None]
    said = edition.words("rfm")[note].format(
        customers=edition.count(sum(row.customers for row in rows)),
        share=edition.share(sum(shares) if shares else None),
    )
    return Fact(label, edition.money(sum(row.revenue for row in rows)), said, "rfm")


def _calls(edition: Edition, quiet: Sequence[SegmentRow], customers: Sequence[reading.Row]) -> tuple[CallList, ...]:
    """List whom to call of the segments, where no room says it more exactly."""
    if not customers or edition.results.has("churn_alert_state"):
        return ()
    words = edition.words("rfm")
    calls = tuple(
        Call(
            row["customer_id"] or "",
            edition.money(row["revenue"]),
            words["call_why"].format(
                segment=row["segment_name"],
                orders=edition.count(row["order_count"]),
                days=edition.count(row["days_since_order"]),
            ),
        )
        for row in customers[:FEW]
    )
    return (CallList(words["calls"], calls, sum(row.customers for row in quiet), "quiet"),)


def _moved(moves: Sequence[Flow], edition: Edition) -> list[str]:
    """Say how many of those known on both dates moved, up or down the map, and how many came."""
    words, before = edition.words("rfm"), edition.results.before
    codes = [*segment_names(edition.scheme, locale=edition.locale), REFUNDS_ONLY.code]
    both = [move for move in moves if rfm.ABSENT not in (move.segment_before, move.segment_after)]
    known = sum(move.customers for move in both)
    if not known:
        return []
    up = sum(move.customers for move in both if codes.index(move.segment_after) < codes.index(move.segment_before))
    down = sum(move.customers for move in both if codes.index(move.segment_after) > codes.index(move.segment_before))
    came = sum(move.customers for move in moves if move.segment_before == rfm.ABSENT)
    said = words["say_moved"].format(
        since=words["since_day"].format(day=edition.day(before)) if before else words["since"],
        customers=edition.count(up + down),
        known=edition.count(known),
        share=edition.share((up + down) / known),
        up=edition.count(up),
        down=edition.count(down),
    )
    return [said, *([words["say_came"].format(customers=edition.count(came))] if came else [])]

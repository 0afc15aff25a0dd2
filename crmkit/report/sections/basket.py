"""What goes together, which products warm up, what to offer: pairs, heat, offers to those who bought last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import FEW, ROWS, Edition
from crmkit.report.section import Column, Section, Sheet

_SHARES: Final = ("confidence_ab", "confidence_ba")
_RATIOS: Final = ("adjusted_lift", "lift_low")
_PAIRS: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("product_a", "product_b", "verdict"), "text"),
    **dict.fromkeys(("together", "expected", *_SHARES, *_RATIOS), "number"),
}
_COUNTS: Final = ("orders", "orders_before", "rank", "rank_before")
_HEAT: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("product_id", "verdict", "reading"), "text"),
    **dict.fromkeys((*_COUNTS, "revenue", "ratio", "low", "high"), "number"),
}
_OFFERS: Final[dict[str, reading.Kind]] = {
    **dict.fromkeys(("customer_id", "product_id", "because_of", "basis", "reason"), "text"),
    **dict.fromkeys(("rank", "chance", "chance_low"), "number"),
}
_MOVING: Final = ("rising", "falling", "new")


def basket_section(edition: Edition) -> Section | None:
    """Make the section of "basket_pairs" and of the other tables of baskets that are there."""
    results, words = edition.results, edition.words("basket")
    if not results.has("basket_pairs"):
        return None
    is_together = nw.col("verdict") == nw.lit("together")
    table, key = results.tables["basket_pairs"], ["product_a", "product_b"]
    pairs = reading.top(table, _PAIRS, by="lift_low", key=key, limit=ROWS, where=is_together)
    total = reading.summed(table, _PAIRS, aggregates={"pairs": nw.len()}, where=is_together)["pairs"]
    return Section(
        "basket",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, pairs, total)),
        drawings=_drawings(edition) if pairs else (),
        sheets=(*_pairs(edition, pairs, total), *_heat(edition), *_offers(edition)),
        definitions=tuple(_definitions(edition)),
        trust=(words["trust_list"].format(miss=edition.share(1.0 - _level(edition))),),
        limits=tuple(words[key] for key in ("limits_cause", "limits_new", "limits_refill")),
        news=tuple(_news(edition)),
    )


def _level(edition: Edition) -> float:
    return float(edition.results.settings("basket").get("level", 0.95))


def _drawings(edition: Edition) -> tuple[Drawing, ...]:
    drawn = plots.plot_product_pairs(edition.results.tables["basket_pairs"], locale=edition.locale)
    return (drawing("product-pairs", drawn),)


def _times(number: float | None) -> str:
    return "–" if number is None else f"{number:.1f}"


def _sentences(edition: Edition, pairs: Sequence[reading.Row], total: int) -> list[str]:
    words, said = edition.words("basket"), []
    if pairs:
        best = {"a": pairs[0]["product_a"], "b": pairs[0]["product_b"], "lift": _times(pairs[0]["adjusted_lift"])}
        said.append(words["say_pairs"].format(pairs=edition.count(total), **best))
    else:
        said.append(words["say_no_pairs"])
    heat = _by_verdict(edition.results.tables)
    if heat:
        counts = {verdict: edition.count(heat.get(verdict, 0)) for verdict in _MOVING}
        said.append(words["say_heat"].format(products=edition.count(sum(heat.values())), **counts))
    offered = _offered(edition)
    if offered["offers"]:
        counts = {name: edition.count(offered[name]) for name in ("offers", "customers", "own")}
        said.append(words["say_offers"].format(**counts))
    return said


def _by_verdict(tables: Any) -> dict[str, int]:
    if "basket_heat" not in tables:
        return {}
    found = reading.grouped(tables["basket_heat"], _HEAT, by=["verdict"], aggregates={"products": nw.len()})
    return {row["verdict"]: int(row["products"]) for row in found}


def _offered(edition: Edition) -> reading.Row:
    """Count offers, customers who get one, and the offers that follow from own purchases."""
    tables = edition.results.tables
    if "basket_offers" not in tables:
        return {"offers": 0, "customers": 0, "own": 0}
    first, own = nw.col("rank") == 1.0, nw.col("basis") == nw.lit("pair")
    counts = [
        reading.summed(tables["basket_offers"], _OFFERS, aggregates={"rows": nw.len()}, where=where)["rows"]
        for where in (None, first, own)
    ]
    return dict(zip(("offers", "customers", "own"), counts, strict=True))


def _news(edition: Edition) -> list[str]:
    """Name products that rise and did not at the time of the results before."""
    results, words = edition.results, edition.words("basket")
    if "basket_heat" not in results.earlier or "basket_heat" not in results.tables:
        return []
    now, then = (_rising(tables["basket_heat"]) for tables in (results.tables, results.earlier))
    fresh = [product for product in now if product not in then][:FEW]
    return [words["news"].format(products=words["and"].join(fresh))] if fresh else []


def _rising(table: Any) -> list[str]:
    found = reading.top(
        table, _HEAT, by="orders", key=["product_id"], limit=ROWS, where=nw.col("verdict") == nw.lit("rising")
    )
    return [str(row["product_id"]) for row in found]


def _pairs(edition: Edition, pairs: Sequence[reading.Row], total: int) -> tuple[Sheet, ...]:
    if not pairs:
        return ()
    words = edition.words("basket")
    numbers = ("together", "expected", *_SHARES, *_RATIOS)
    columns = (
        *(Column(words[name], "text") for name in ("product_a", "product_b")),
        *(Column(words[name]) for name in numbers),
    )
    rows = tuple(
        (
            *(edition.text_cell(row[name]) for name in ("product_a", "product_b")),
            edition.count_cell(row["together"]),
            edition.ratio_cell(row["expected"]),
            *(edition.share_cell(row[name]) for name in _SHARES),
            *(edition.ratio_cell(row[name]) for name in _RATIOS),
        )
        for row in pairs
    )
    return (Sheet("pairs", words["pairs_title"], columns, rows, total),)


def _heat(edition: Edition) -> tuple[Sheet, ...]:
    tables, words = edition.results.tables, edition.words("basket")
    if "basket_heat" not in tables:
        return ()
    moving = nw.col("verdict").is_in(list(_MOVING))
    found = [
        row
        for where in (moving, ~moving)
        for row in reading.top(tables["basket_heat"], _HEAT, by="orders", key=["product_id"], limit=ROWS, where=where)
    ][:ROWS]
    if not found:
        return ()
    columns = (
        Column(words["product"], "text"),
        Column(words["verdict"], "text", choice=True),
        *(Column(words[name]) for name in (*_COUNTS, "revenue", "ratio", "low", "high")),
        Column(words["reading"], "words"),
    )
    rows = tuple(
        (
            edition.text_cell(row["product_id"]),
            edition.text_cell(words[f"verdict_{row['verdict']}"]),
            *(edition.count_cell(row[name]) for name in _COUNTS),
            edition.money_cell(row["revenue"]),
            *(edition.ratio_cell(row[name]) for name in ("ratio", "low", "high")),
            edition.text_cell(row["reading"]),
        )
        for row in found
    )
    return (Sheet("heat", words["heat_title"], columns, rows, reading.counted(tables["basket_heat"])),)


def _offers(edition: Edition) -> tuple[Sheet, ...]:
    tables, words = edition.results.tables, edition.words("basket")
    if "basket_offers" not in tables:
        return ()
    key = ["customer_id", "rank"]
    found = reading.top(tables["basket_offers"], _OFFERS, by="chance_low", key=key, limit=ROWS)
    if not found:
        return ()
    columns = (
        Column(words["customer"], "text"),
        Column(words["product"], "text"),
        Column(words["because_of"], "text"),
        Column(words["chance"]),
        Column(words["chance_low"]),
        Column(words["basis"], "text", choice=True),
        Column(words["reason"], "words"),
    )
    rows = tuple(
        (
            *(edition.text_cell(row[name]) for name in ("customer_id", "product_id", "because_of")),
            *(edition.share_cell(row[name]) for name in ("chance", "chance_low")),
            edition.text_cell(words[f"basis_{row['basis']}"]),
            edition.text_cell(row["reason"]),
        )
        for row in found
    )
    offered = _offered(edition)
    note = words["offers_note"].format(customers=edition.count(offered["customers"]))
    return (Sheet("offers", words["offers_title"], columns, rows, offered["offers"], note),)


def _definitions(edition: Edition) -> list[tuple[str, str]]:
    words, settings = edition.words("basket"), edition.results.settings("basket")
    unit = words[f"unit_{settings.get('by', 'order')}"]
    days = edition.count(settings.get("window_days", 28))
    return [
        (f"{words['together']}, {words['expected']}", words["pair_is"].format(unit=unit)),
        (
            f"{words['adjusted_lift']}, {words['lift_low']}",
            words["lift_is"].format(level=edition.share(_level(edition))),
        ),
        (words["verdict"], words["heat_is"].format(days=days)),
        (f"{words['chance']}, {words['basis']}", words["offer_is"]),
    ]

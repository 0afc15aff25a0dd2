"""Which leads to call first? Bands, leads that became due, the list."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit import plots, scoring
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import FEW, ROWS, Edition
from crmkit.report.section import Call, CallList, Column, Fact, Section, Sheet

_LEAD: Final[dict[str, reading.Kind]] = {
    "lead_id": "text",
    "fit_points": "number",
    "engagement_points": "number",
    "score": "number",
    "band": "text",
    "grade": "text",
    "trend": "text",
    "stage": "text",
    "handed_off_at": "day",
}


def scoring_section(edition: Edition) -> Section | None:
    """Make the section of "scoring_scores"."""
    results, words = edition.results, edition.words("scoring")
    if not results.has("scoring_scores"):
        return None
    bands = _by_band(edition)
    leads, due = sum(band["leads"] for band in bands), _due(edition)
    return Section(
        "scoring",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, bands, due)) if leads else (),
        drawings=_drawings(edition) if leads else (),
        sheets=(_bands(edition, bands, leads), _leads(edition, leads)) if leads else (),
        definitions=tuple(_definitions(edition)),
        trust=(words["trust_card"], words["trust_learn"]),
        limits=(words["limits_chance"], words["limits_seen"]),
        facts=(
            Fact(words["fact"], edition.count(due), words["fact_note"].format(leads=edition.count(leads)), "scoring"),
        ),
        news=(words["news"].format(today=edition.count(due)),) if due else (),
        calls=_calls(edition, due),
    )


def _drawings(edition: Edition) -> tuple[Drawing, ...]:
    drawn = plots.plot_lead_scores(edition.results.tables["scoring_scores"], locale=edition.locale)
    return (drawing("scores", drawn),)


def _today(edition: Edition) -> nw.Expr:
    return nw.col("handed_off_at") >= nw.lit(edition.results.day)


def _due(edition: Edition) -> int:
    table = edition.results.tables["scoring_scores"]
    return int(reading.summed(table, _LEAD, aggregates={"leads": nw.len()}, where=_today(edition))["leads"])


def _by_band(edition: Edition) -> list[reading.Row]:
    """Read a row per band, the highest mean score first."""
    frame = reading.entered(edition.results.tables["scoring_scores"], _LEAD)
    told = {
        name: (nw.col("trend") == nw.lit(name)).fill_null(False).cast(nw.Int64) for name in ("improving", "declining")
    }
    flagged = frame.with_columns(handed=(~nw.col("handed_off_at").is_null()).cast(nw.Int64), **told)
    sums = {name: nw.col(name).sum() for name in ("handed", "improving", "declining")}
    by_band = flagged.group_by("band").agg(
        leads=nw.len(), mean=nw.col("score").mean(), best=nw.col("score").max(), **sums
    )
    names = ["band", "leads", "mean", "best", "handed", "improving", "declining"]
    found = reading.rows(by_band.sort("band"), names)
    return sorted(found, key=lambda band: -(band["mean"] or 0.0))


def _sentences(edition: Edition, bands: list[reading.Row], due: int) -> list[str]:
    words, table = edition.words("scoring"), edition.results.tables["scoring_scores"]
    median = reading.summed(table, _LEAD, aggregates={"median": nw.col("score").median()})["median"]
    whole = {name: sum(band[name] for band in bands) for name in ("leads", "handed", "improving", "declining")}
    best = max(band["best"] for band in bands)
    return [
        words["say_all"].format(
            leads=edition.count(whole["leads"]), best=edition.count(best), median=edition.count(median)
        ),
        words["say_today"].format(today=edition.count(due), as_of=edition.as_of, ever=edition.count(whole["handed"])),
        words["say_trend"].format(
            improving=edition.count(whole["improving"]), declining=edition.count(whole["declining"])
        ),
    ]


def _bands(edition: Edition, bands: list[reading.Row], leads: int) -> Sheet:
    words = edition.words("scoring")
    names = ("leads", "lead_share", "mean_score", "handed", "improving")
    columns = (Column(words["band"], "name"), *(Column(words[name]) for name in names))
    rows = tuple(
        (
            edition.named_cell(_name(edition, band["band"]), place),
            edition.count_cell(band["leads"]),
            edition.share_cell(band["leads"] / leads, bar=True),
            edition.count_cell(band["mean"]),
            edition.count_cell(band["handed"]),
            edition.count_cell(band["improving"]),
        )
        for place, band in enumerate(bands)
    )
    return Sheet("bands", words["bands_title"], columns, rows, len(rows))


def _name(edition: Edition, code: str | None) -> str:
    """Name of a band of the presets; the code of another card's."""
    for band in scoring.BANDS:
        if band.code == code:
            return (band.name_zh if edition.locale == "zh" else "") or band.name
    return code or ""


def _leads(edition: Edition, leads: int) -> Sheet:
    words, table = edition.words("scoring"), edition.results.tables["scoring_scores"]
    found = reading.top(table, _LEAD, by="score", key=["lead_id"], limit=ROWS)
    columns = (
        Column(words["lead"], "text"),
        *(Column(words[name]) for name in ("score", "fit", "engagement")),
        *(Column(words[name], "text", choice=True) for name in ("band", "grade", "trend", "stage")),
        Column(words["handed_off_at"]),
    )
    rows = tuple(
        (
            edition.text_cell(row["lead_id"]),
            *(edition.count_cell(row[name]) for name in ("score", "fit_points", "engagement_points")),
            edition.text_cell(_name(edition, row["band"])),
            edition.text_cell(row["grade"]),
            edition.text_cell(words.get(f"trend_{row['trend']}", row["trend"])),
            edition.text_cell(row["stage"]),
            edition.day_cell(row["handed_off_at"]),
        )
        for row in found
    )
    return Sheet("leads", words["list_title"], columns, rows, leads)


def _calls(edition: Edition, due: int) -> tuple[CallList, ...]:
    if not due:
        return ()
    words, table = edition.words("scoring"), edition.results.tables["scoring_scores"]
    found = reading.top(table, _LEAD, by="score", key=["lead_id"], limit=FEW, where=_today(edition))
    calls = tuple(
        Call(
            row["lead_id"] or "",
            words["call_worth"].format(score=edition.count(row["score"])),
            words["call_why"].format(
                engagement=edition.count(row["engagement_points"]),
                fit=edition.count(row["fit_points"]),
                trend=words.get(f"trend_{row['trend']}", row["trend"]),
            ),
        )
        for row in found
    )
    return (CallList(words["calls"], calls, due, "leads"),)


def _definitions(edition: Edition) -> list[tuple[str, str]]:
    words = edition.words("scoring")
    return [
        (words["score"], words["score_is"].format(as_of=edition.as_of)),
        (words["band"], words["band_is"]),
        (words["trend"], words["trend_is"]),
        (words["handed_off_at"], words["handed_is"]),
    ]

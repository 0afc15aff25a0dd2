"""Are the data sound? What was read, what was set aside and why, from the manifest of the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit.report import reading
from crmkit.report.edition import ROWS, Edition
from crmkit.report.found import reasoned, told, warned
from crmkit.report.section import Column, Fact, Section, Sheet

_REJECT: Final[dict[str, reading.Kind]] = {"reasons": "text"}


def quality_section(edition: Edition) -> Section | None:
    """Make the section of the manifest."""
    words, inputs = edition.words("quality"), _inputs(edition.results.manifest)
    if not inputs:
        return None
    rows, aside = (sum(table[name] for table in inputs.values()) for name in ("rows_in", "rows_set_aside"))
    findings = _findings(edition, inputs)
    facts = {
        "rows": edition.count(rows),
        "tables": edition.count(len(inputs)),
        "aside": edition.count(aside),
        "share": edition.share(aside / rows if rows else None),
    }
    said = words["say_all" if aside else "say_clean"].format(**facts)
    more = words["say_findings"].format(findings=edition.count(len(findings)))
    return Section(
        "quality",
        words["menu"],
        words["question"],
        sentences=(said, more) if findings else (said,),
        sheets=(_tables(edition, inputs), *_listed(edition, findings), *_reasons(edition, inputs)),
        definitions=(
            (f"{words['rows_aside']}, {words['kind_error']}", words["aside_is"]),
            (words["kind_warning"], words["kept_is"]),
        ),
        trust=tuple(_run(edition)),
        limits=(words["limits_rules"],),
        facts=(
            Fact(words["fact"], edition.count(aside), words["fact_note"].format(rows=edition.count(rows)), "quality"),
        )
        if aside
        else (),
    )


def _inputs(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the entry of each table that was read; rooms of one run share theirs."""
    found: dict[str, Mapping[str, Any]] = {}
    for job in manifest.get("jobs", {}).values():
        found |= job["inputs"]
    return dict(sorted(found.items()))


def _findings(edition: Edition, inputs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """List table or room, weight, finding."""
    found = []
    for name, table in inputs.items():
        if "findings" in table:
            found += [(name, f"kind_{one['weight']}", told(edition, name, one)) for one in table["findings"]]
        else:  # a manifest of before findings had codes
            found += [(name, "kind_error", text) for text in table["errors"]]
            found += [(name, "kind_warning", text) for text in table["warnings"]]
    for room, job in edition.results.manifest.get("jobs", {}).items():
        found += [(room, "kind_room", warned(edition, text)) for text in job["warnings"]]
    return found


def _tables(edition: Edition, inputs: Mapping[str, Mapping[str, Any]]) -> Sheet:
    words = edition.words("quality")
    names = ("rows_in", "rows_kept", "rows_aside", "aside_share")
    columns = (
        Column(words["table"], "text"),
        *(Column(words[name]) for name in names),
        Column(words["files"], "text"),
    )
    rows = tuple(
        (
            edition.text_cell(name),
            edition.count_cell(table["rows_in"]),
            edition.count_cell(table["rows_kept"]),
            edition.count_cell(table["rows_set_aside"]),
            edition.share_cell(table["rows_set_aside"] / table["rows_in"] if table["rows_in"] else None, bar=True),
            edition.text_cell(_files(table)),
        )
        for name, table in inputs.items()
    )
    return Sheet("inputs", words["tables_title"], columns, rows, len(rows))


def _files(table: Mapping[str, Any]) -> str:
    names = [str(file["name"]) for file in table["files"]]
    return ", ".join(names[:3]) + (f" + {len(names) - 3}" if len(names) > 3 else "")


def _listed(edition: Edition, findings: list[tuple[str, str, str]]) -> tuple[Sheet, ...]:
    if not findings:
        return ()
    words = edition.words("quality")
    columns = (
        Column(words["table"], "text", choice=True),
        Column(words["kind"], "text", choice=True),
        Column(words["finding"], "words"),
    )
    rows = tuple(
        (edition.text_cell(name), edition.text_cell(words[kind]), edition.text_cell(text))
        for name, kind, text in findings[:ROWS]
    )
    return (Sheet("findings", words["findings_title"], columns, rows, len(findings)),)


def _reasons(edition: Edition, inputs: Mapping[str, Mapping[str, Any]]) -> tuple[Sheet, ...]:
    """Count rows set aside by table and reason."""
    words, tables = edition.words("quality"), edition.results.tables
    found: list[tuple[str, str, int]] = []
    for name in inputs:
        if f"rejects_{name}" in tables:
            counted = reading.grouped(tables[f"rejects_{name}"], _REJECT, by=["reasons"], aggregates={"rows": nw.len()})
            found += [(name, row["reasons"], row["rows"]) for row in counted]
    if not found:
        return ()
    found.sort(key=lambda reason: -reason[2])
    columns = (Column(words["table"], "text", choice=True), Column(words["reason"], "text"), Column(words["rows"]))
    rows = tuple(
        (edition.text_cell(name), edition.text_cell(reasoned(edition, reason)), edition.count_cell(rows))
        for name, reason, rows in found[:ROWS]
    )
    return (Sheet("reasons", words["reasons_title"], columns, rows, len(found)),)


def _run(edition: Edition) -> list[str]:
    words, manifest = edition.words("quality"), edition.results.manifest
    job = next(iter(manifest["jobs"].values()))
    versions = {name: job["versions"].get(name, "?") for name in ("crmkit", "duckdb", "python")}
    said = [words["trust_run"].format(seconds=f"{manifest.get('seconds', {}).get('all', 0):,.0f}", **versions)]
    state = job.get("state_of")
    return [*said, words["trust_state"].format(day=edition.day(dt.date.fromisoformat(state)))] if state else said

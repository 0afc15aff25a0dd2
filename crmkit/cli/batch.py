"""The commands `init`, `run` and `check`: a batch run, its log, its summary, its exit code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from crmkit import batch
from crmkit.cli import report, summary
from crmkit.cli.console import screen
from crmkit.cli.log import Form, Log
from crmkit.cli.reported import read_config, reported
from crmkit.cli.texts import Language
from crmkit.segment_maps import Locale

_ASIDE: Final = 1


_File = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file.")]
_Only = Annotated[str, typer.Option(help="Rooms to run, as in rfm,churn; all of the config by default.")]
_Form = Annotated[Form, typer.Option(help="What is told on standard error: text for people, or JSON lines.")]
_Spoken = Annotated[Language | None, typer.Option(help="Language of the summary; by default the config's locale.")]


def run(
    config: _File,
    only: _Only = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but publish.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what would be done, and do nothing.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run on the same target.", min=0)] = 0.0,
    log: _Form = Form.text,
    locale: _Spoken = None,
) -> None:
    """Read the tables of CONFIG, run its rooms, publish the results whole or not at all.

    Exit codes: 0 done; 1 done, with rows set aside; 2 config; 3 data; 4 source or target unreachable.
    """
    told = Log(log)
    read, rooms = reported(lambda: read_config(config), told), _rooms(only)
    if explain:
        for line in reported(lambda: batch.explained(read, only=rooms), told):
            screen().print(line)
        return
    total, language = reported(lambda: batch.steps(read, rooms), told), _language(locale, read)
    told.tell("started", _about(read, rooms, "run") | {"dry_run": dry_run})

    def job() -> batch.Done:
        with told.steps(total, lambda name: summary.spoken(name, language)) as step:
            return batch.run(read, only=rooms, dry=dry_run, wait_seconds=wait, step=step)

    done = reported(job, told)
    code = _ASIDE if done.rows_aside else 0
    _tell_tables(told, done.inputs)
    _tell_rooms(told, done)
    page = report.written(read, told) if read.report is not None and not dry_run else None
    if page is not None:
        told.tell("page", {"file": str(page)})
    told.tell("done", {"exit_code": code, "rows_set_aside": done.rows_aside, "published": not dry_run})
    lines = (*summary.tables(done.inputs, language), *summary.results(done, language), *summary.today(done, language))
    for line in lines:
        screen().print(line)
    if page is not None:
        screen().print(summary.page(page, language))
    raise typer.Exit(code)


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With CSV, Parquet or DuckDB files.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Write a commented FOLDER/config.toml for the tables found in FOLDER; says what was guessed and how surely."""
    made = reported(lambda: batch.init(folder, now=dt.datetime.now(dt.UTC), force=force), Log(Form.text))
    for line in made.said:
        screen().print(line)
    screen().print(f"Written: {made.file}\nLook through it, then: crmkit check {made.file}")


def check(config: _File, only: _Only = "", log: _Form = Form.text, locale: _Spoken = None) -> None:
    """Do all of a run but the rooms: config, sources, every rule of every table. Exit codes as of `run`."""
    told = Log(log)
    read, rooms = reported(lambda: read_config(config), told), _rooms(only)
    total, language = reported(lambda: batch.steps(read, rooms, jobs=False), told), _language(locale, read)
    told.tell("started", _about(read, rooms, "check"))

    def job() -> Sequence[batch.Checked]:
        with told.steps(total, lambda name: summary.spoken(name, language)) as step:
            return batch.check(read, only=rooms, step=step)

    inputs = reported(job, told)
    aside = sum(table.rows_aside for table in inputs)
    code = _ASIDE if aside else 0
    _tell_tables(told, inputs)
    told.tell("done", {"exit_code": code, "rows_set_aside": aside, "published": False})
    for line in summary.tables(inputs, language):
        screen().print(line)
    raise typer.Exit(code)


def _rooms(only: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in only.split(",") if part.strip())


def _language(asked: Language | None, config: batch.Config) -> Locale:
    return config.locale if asked is None else asked.value


def _about(config: batch.Config, rooms: Sequence[str], command: str) -> dict[str, object]:
    return {
        "command": command,
        "config": str(config.file),
        "as_of": config.day.isoformat(),
        "rooms": list(rooms or config.wanted),
    }


def _tell_tables(log: Log, inputs: Sequence[batch.Checked]) -> None:
    for table in inputs:
        counts = {"rows_in": table.rows_in, "rows_kept": table.rows_kept, "rows_set_aside": table.rows_aside}
        log.tell("table", {"table": table.name, **counts})
        for text in (*table.errors, *table.warnings):
            log.tell("finding", {"table": table.name, "text": text}, level="warning")


def _tell_rooms(log: Log, done: batch.Done) -> None:
    for room, job in done.jobs.items():
        log.tell("room", {"room": room, "seconds": round(job.seconds, 3), "tables": dict(job.rows)})
        for text in job.warnings:
            log.tell("finding", {"room": room, "text": text}, level="warning")
    if done.later:
        log.tell("later_days", {"days": [str(day) for day in done.later]}, level="warning")
    if done.gone:
        log.tell("removed_days", {"days": [str(day) for day in done.gone]})

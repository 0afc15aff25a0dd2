"""The commands `run` and `check`: a batch run, its progress, its summary, its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from crmkit import batch
from crmkit.cli import report
from crmkit.cli.console import screen
from crmkit.cli.progress import progress
from crmkit.cli.reported import read_config, reported

_File = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file.")]
_Only = Annotated[str, typer.Option(help="Rooms to run, as in rfm,churn; all of the config by default.")]
_ASIDE = 1


def run(
    config: _File,
    only: _Only = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but publish.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what would be done, and do nothing.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run on the same target.", min=0)] = 0.0,
) -> None:
    """Read the tables of CONFIG, run its rooms, publish the results whole or not at all.

    Exit codes: 0 done; 1 done, with rows set aside; 2 config; 3 data; 4 source or target unreachable.
    """
    read, rooms = reported(lambda: read_config(config)), _rooms(only)
    if explain:
        for line in reported(lambda: batch.explained(read, only=rooms)):
            screen().print(line)
        return
    total = reported(lambda: batch.steps(read, rooms))

    def job() -> batch.Done:
        with progress(Console(stderr=True, highlight=False), total=total) as step:
            return batch.run(read, only=rooms, dry=dry_run, wait_seconds=wait, step=step)

    done = reported(job)
    for line in (*_tables(done.inputs), *_results(done), *_today(done)):
        screen().print(line)
    if read.report is not None and not dry_run:
        screen().print(f"Page: {report.written(read)}")
    raise typer.Exit(_ASIDE if done.rows_aside else 0)


def check(config: _File, only: _Only = "") -> None:
    """Do all of a run but the rooms: config, sources, every rule of every table. Exit codes as of `run`."""
    read, rooms = reported(lambda: read_config(config)), _rooms(only)
    total = reported(lambda: batch.steps(read, rooms, jobs=False))

    def job() -> Sequence[batch.Checked]:
        with progress(Console(stderr=True, highlight=False), total=total) as step:
            return batch.check(read, only=rooms, step=step)

    inputs = reported(job)
    for line in _tables(inputs):
        screen().print(line)
    raise typer.Exit(_ASIDE if any(table.rows_aside for table in inputs) else 0)


def _rooms(only: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in only.split(",") if part.strip())


def _tables(inputs: Iterable[batch.Checked]) -> Iterable[str]:
    yield "Read:"
    for table in inputs:
        yield f"  {table.name}: {table.rows_in:,} rows, {table.rows_aside:,} set aside"
        for text in (*table.errors, *table.warnings):
            yield "    " + text.replace("\n", "\n    ")


def _results(done: batch.Done) -> Iterable[str]:
    yield f"Done for {done.day}:"
    for room, job in done.jobs.items():
        made = ", ".join(f"{name} {rows:,}" for name, rows in job.rows.items())
        yield f"  {room} ({job.seconds:.1f} s): {made}"
        yield from (f"    {text}" for text in job.warnings)
    if done.later:
        days = ", ".join(map(str, done.later))
        yield f"  Results of later days began with an older state: run {days} again, in this order."


def _today(done: batch.Done) -> Iterable[str]:
    lists = {
        "New or graver alerts, by value at risk:": done.today.alerts,
        "To be reminded today, by expected value:": done.today.reminders,
        "Leads due for sales today, by score:": done.today.leads,
    }
    for title, rows in lists.items():
        if rows:
            yield title
            yield from (f"  {who}: {what}" for who, what in rows)

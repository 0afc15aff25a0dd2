"""Commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import crmkit
from crmkit.cli import batch as batch_job
from crmkit.cli import demo as demo_job
from crmkit.cli import report as report_job
from crmkit.cli.console import failed, screen
from crmkit.cli.progress import progress
from crmkit.cli.texts import Language, texts
from crmkit.errors import CrmkitError


def build() -> typer.Typer:
    """Make the application: one object per call, nothing at import."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_crmkit)
    app.command("demo")(demo)
    app.command("init")(batch_job.init)
    app.command("run")(batch_job.run)
    app.command("check")(batch_job.check)
    app.command("report")(report_job.report)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        screen().print(f"crmkit {crmkit.__version__}")
        raise typer.Exit


def _crmkit(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Who is worth what, and whom to call first: tables from the order log of a CRM."""


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the tables and the page.", file_okay=False)] = Path("out"),
    locale: Annotated[Language, typer.Option(help="Language of page and names.")] = Language.en,
) -> None:
    """Segment 23,570 real customers (CDNOW, 1997-98): tables as Parquet and one page under OUT."""
    console, words = screen(), texts(locale.value)
    try:
        with progress(Console(stderr=True, highlight=False), total=demo_job.STEPS) as step:
            made = demo_job.run(out, locale=locale.value, step=step)
    except CrmkitError as error:
        raise failed(str(error), code=3) from None
    except OSError as error:
        raise failed(words["unwritable"].format(place=out, error=error), code=4) from None
    console.print(words["written"])
    width = max(len(str(file)) for file in made.rows)
    for file, rows in made.rows.items():
        console.print(f"  {str(file).ljust(width)}  {words['rows'].format(rows=f'{rows:,}')}")
    console.print(f"  {str(made.page).ljust(width)}  {words['page']}")
    console.print()
    console.print(words["says"])
    for sentence in made.sentences:
        console.print("  " + sentence.replace("\N{NO-BREAK SPACE}", " "))

"""The command `report`: the published results of a config as one page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from crmkit import batch
from crmkit import report as page
from crmkit.cli.console import screen
from crmkit.cli.log import Form, Log
from crmkit.cli.reported import read_config, reported
from crmkit.cli.texts import Language, texts

_Out = Annotated[Path | None, typer.Option(help="By default report.html beside the results.", dir_okay=False)]
_Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of the results; by default the latest.")]
_Language = Annotated[Language | None, typer.Option(help="Language of the page; by default that of CONFIG.")]


def report(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file.")],
    out: _Out = None,
    locale: _Language = None,
    day: _Day = None,
) -> None:
    """Make one page of the published results of CONFIG: what changed, whom to call, a section per room.

    Exit codes: 0 done; 2 config; 3 data; 4 no results, or the page can't be written.
    """
    told = Log(Form.text)
    read = reported(lambda: read_config(config), told)
    place = written(read, told, out=out, locale=locale, day=None if day is None else day.date())
    screen().print(str(place))


def written(
    config: batch.Config,
    log: Log,
    *,
    out: Path | None = None,
    locale: Language | None = None,
    day: dt.date | None = None,
) -> Path:
    """Write the page of published results; gives its place."""
    place, language = out or _beside(config), locale.value if locale else config.locale

    def job() -> Path:
        with batch.opened(config, day=day) as found:
            results = page.Results(
                found.day, found.tables, manifest=found.manifest, before=found.before, earlier=found.earlier
            )
            about = _about(config)
            return page.write_report(place, results, about=about, locale=language)

    try:
        return reported(job, log)
    except OSError as error:
        said = texts(language)["unwritable"].format(place=place, error=error)
        raise log.stopped(said, code=4, kind=type(error).__name__) from None


def _about(config: batch.Config) -> page.About:
    return page.About() if config.report is None else page.About(config.report.title, currency=config.report.currency)


def _beside(config: batch.Config) -> Path:
    if config.output.folder is not None:
        return config.place(config.output.folder) / "report.html"
    if config.output.duckdb is not None:
        return config.place(config.output.duckdb).with_suffix(".html")
    return config.place("report.html")

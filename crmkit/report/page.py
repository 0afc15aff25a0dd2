"""The page: results in, one self-contained HTML text out."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

import crmkit
from crmkit import frames
from crmkit.report.about import About
from crmkit.report.edition import Edition
from crmkit.report.results import Results
from crmkit.report.section import Section
from crmkit.report.sections import sections
from crmkit.segment_maps import Locale

_BRIEF = 12  # rows of a table that stand there before all of them are asked for


def render(results: Results, *, about: About | None = None, locale: Locale = "en") -> str:
    """Make the page as HTML text: what changed, whom to call, what it is worth; then a section per room.

    Parameters
    ----------
    results : Results
        Tables of a day, of any library and size: aggregates and the first 200 rows of a list leave their engine.
    about : About, optional
        Whose customers they are, currency.
    locale : {"en", "zh"}
        Language of the page; segment names, reasons and plays stand as they are in the tables.

    Returns
    -------
    str
        One HTML page, some 5 MB, most of it plotly.js. It loads nothing: its own content security policy forbids it,
        and forbids every script but the two it brings. The same tables give the same text.

    Raises
    ------
    DomainError
        A segment is not of the map; `locale` is unknown.
    """
    edition = Edition(results, about or About(), locale)
    made, words = sections(edition), edition.words("page")
    plotly, script = get_plotlyjs(), _packaged("page.js")
    return _template().render(
        words=words,
        source=edition.about.source or words["title"],
        as_of=edition.as_of,
        news_title=_news_title(edition, words),
        news=_news(edition, made),
        facts=[fact for section in made for fact in section.facts],
        calls=[calls for section in made for calls in section.calls],
        sections=made,
        brief=_BRIEF,
        made=words["made"].format(version=crmkit.__version__),
        style=Markup(_packaged("page.css")),
        script=Markup(script),
        plotly=Markup(plotly),
        allowed=f"{_fingerprint(plotly)} {_fingerprint(script)}",
    )


def headlines(results: Results, *, about: About | None = None, locale: Locale = "en") -> list[str]:
    """Say in a few sentences what the page says first: for a terminal or a mail.

    Parameters
    ----------
    results, about, locale
        As for `render`.

    Returns
    -------
    list of str
        What changed; then the first sentences of each section.
    """
    edition = Edition(results, about or About(), locale)
    made = sections(edition)
    news = [sentence for section in made for sentence in section.news]
    return [*(sentence for section in made for sentence in section.sentences), *news]


def write_report(
    path: str | os.PathLike[str], results: Results, *, about: About | None = None, locale: Locale = "en"
) -> Path:
    """Write the page to a file: aside first, then renamed, so that no reader meets half a page.

    Parameters
    ----------
    path : path
        Where the page goes; its folder is made if needed, and a file that is there is replaced.
    results, about, locale
        As for `render`.

    Returns
    -------
    Path
        Where the page is.
    """
    page = render(results, about=about, locale=locale)
    with frames.written_aside(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")
    return Path(path)


def _news_title(edition: Edition, words: Mapping[str, str]) -> str:
    return words["in_short"] if edition.results.before is None else words["changed"].format(day=edition.since)


def _news(edition: Edition, made: Sequence[Section]) -> list[str]:
    """Say what changed; of a first run, the first sentence of each section."""
    words = edition.words("page")
    if not made:
        return [words["nothing"]]
    if edition.results.before is None:
        first = [sentence for section in made if section.id != "quality" for sentence in section.sentences[:1]]
        return [words["first_run"], *first] if edition.results.manifest else first
    return [sentence for section in made for sentence in section.news] or [words["unchanged"]]


def _packaged(name: str) -> str:
    return (files("crmkit.report") / name).read_text(encoding="utf-8")


def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_packaged("page.html.jinja"))


def _fingerprint(script: str) -> str:
    """Source expression by which a content security policy lets exactly this script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"

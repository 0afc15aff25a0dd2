"""The page: tables in, one self-contained HTML text out."""

from __future__ import annotations

import base64
import hashlib
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

import crmkit
from crmkit import frames, rfm
from crmkit.plots import wording
from crmkit.plots.rfm.tables import summary_rows
from crmkit.report.about import About
from crmkit.report.cut_table import cut_rows
from crmkit.report.definitions import definitions
from crmkit.report.drawings import draw_all
from crmkit.report.segment_table import COLUMNS, lines
from crmkit.report.sentences import key_sentences
from crmkit.report.texts import texts
from crmkit.segment_maps import Locale


def render(
    *,
    segments: Any,
    segment_summary: Any,
    about: About,
    migration: Any = None,
    scheme: rfm.Scheme = "grid",
    locale: Locale = "en",
) -> str:
    """Make the report as HTML text: what the segments say, figures, the table, definitions.

    Parameters
    ----------
    segments : data frame
        From `rfm.rfm_segments` or `rfm.segment` at `about.as_of`; counted in its engine.
    segment_summary : data frame
        From `rfm.segment_summary` of these segments.
    about : About
        Source, period, refunds rule, currency, cuts.
    migration : data frame, optional
        From `rfm.segment_migration` between `about.before` and `about.as_of`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map that made the tables.
    locale : {"en", "zh"}
        Language of the page; segment names and plays stand as they are in the summary.

    Returns
    -------
    str
        One HTML page, some 5 MB, most of it plotly.js. It loads nothing: its own content security policy forbids it,
        and forbids every script but the two it brings. The same tables give the same text.
    """
    plotly, script = get_plotlyjs(), _packaged("page.js")
    rows = summary_rows(segment_summary, scheme=scheme)
    facts: dict[str, Any] = {
        "sentences": key_sentences(segment_summary, about=about, migration=migration, scheme=scheme, locale=locale),
        "drawings": draw_all(segments, segment_summary, migration, about=about, scheme=scheme, locale=locale),
        "columns": COLUMNS,
        "rows": lines(rows, scheme=scheme, currency=about.currency, locale=locale),
        "definitions": definitions(about, scheme=scheme, moves=migration is not None, locale=locale),
        "cuts": cut_rows(about.cuts, currency=about.currency, locale=locale) if about.cuts else [],
    }
    return _template().render(
        **facts,
        words=texts(locale),
        about=about,
        as_of=wording.day(about.as_of, locale),
        made=texts(locale)["made"].format(version=crmkit.__version__),
        style=Markup(_packaged("page.css")),
        script=Markup(script),
        plotly=Markup(plotly),
        allowed=f"{_fingerprint(plotly)} {_fingerprint(script)}",
    )


def write_report(
    path: str | os.PathLike[str],
    *,
    segments: Any,
    segment_summary: Any,
    about: About,
    migration: Any = None,
    scheme: rfm.Scheme = "grid",
    locale: Locale = "en",
) -> Path:
    """Write the report to a file: aside first, then renamed, so that no reader meets half a page.

    Parameters
    ----------
    path : path
        Where the page goes; its folder is made if needed, and a file that is there is replaced.
    segments, segment_summary, about, migration, scheme, locale
        As for `render`.

    Returns
    -------
    Path
        Where the page is.
    """
    page = render(
        segments=segments,
        segment_summary=segment_summary,
        about=about,
        migration=migration,
        scheme=scheme,
        locale=locale,
    )
    with frames.written_aside(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")
    return Path(path)


def _packaged(name: str) -> str:
    return (files("crmkit.report") / name).read_text(encoding="utf-8")


def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_packaged("page.html.jinja"))


def _fingerprint(script: str) -> str:
    """Source expression by which a content security policy lets exactly this script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"

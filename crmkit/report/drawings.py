"""Figures as the page holds them: words as HTML, so that they wrap and are read aloud, the drawing as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from crmkit import plots, rfm
from crmkit.plots import wording
from crmkit.plots.rfm.tables import flows, segment_names
from crmkit.report.about import About
from crmkit.report.texts import texts
from crmkit.segment_maps import Locale

Rows = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure without its title.

    Attributes
    ----------
    id : str
        Of its element in the page.
    title, subtitle : str
        Plain text.
    height, least_width : int
        Pixels; a narrower page scrolls it.
    json : Markup
        The figure for plotly.js; no sign in it can end a script element.
    head : tuple of str
        Headings of its numbers as a table.
    rows : sequence of tuples of str
        Its numbers as a table.
    """

    id: str
    title: str
    subtitle: str
    height: int
    least_width: int
    json: Markup
    head: tuple[str, ...] = ()
    rows: Rows = ()


def draw_all(
    segments: Any, summary: Any, migration: Any, *, about: About, scheme: rfm.Scheme, locale: Locale
) -> dict[str, Drawing]:
    """Draw the figures of a report: "tree", "grid" and, if there is a migration, "moves".

    Parameters
    ----------
    segments, summary, migration, about, scheme, locale
        As for `page.render`.

    Returns
    -------
    dict of str to Drawing
    """
    tree = plots.plot_segment_summary(summary, scheme=scheme, currency=about.currency, locale=locale)
    grid = plots.plot_rf_heatmap(segments, scheme=scheme, locale=locale)
    drawn = {"tree": _drawing("tree", tree, top=4), "grid": _drawing("grid", grid, top=4)}
    if migration is not None:
        moves = plots.plot_segment_migration(
            migration, scheme=scheme, before=about.before, after=about.as_of, locale=locale
        )
        words = texts(locale)
        head = (words["before"], words["after"], words["customers"], words["share_before"])
        rows = _flow_rows(migration, scheme, locale)
        drawn["moves"] = _drawing("moves", moves, top=64, least_width=660, head=head, rows=rows)
    return drawn


def _drawing(
    name: str, figure: go.Figure, *, top: int, least_width: int = 0, head: tuple[str, ...] = (), rows: Rows = ()
) -> Drawing:
    title, subtitle = (
        wording.plain(text or "") for text in (figure.layout.title.text, figure.layout.title.subtitle.text)
    )
    saved = (figure.layout.margin.t or figure.layout.template.layout.margin.t) - top
    height = figure.layout.height - saved
    bare = go.Figure(figure).update_layout(title=None, height=height, margin={"t": top})
    return Drawing(name, title, subtitle, height, least_width, _harmless(bare.to_json()), head, rows)


def _harmless(json: str) -> Markup:
    """JSON with every sign escaped that HTML could take for its own."""
    return Markup(json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _flow_rows(migration: Any, scheme: rfm.Scheme, locale: Locale) -> Rows:
    names = {**segment_names(scheme, locale=locale), rfm.ABSENT: texts(locale)["came"]}
    return [
        (
            names[flow.segment_before],
            names[flow.segment_after],
            wording.count(flow.customers),
            wording.percent(flow.share, locale),
        )
        for flow in flows(migration, scheme=scheme)
    ]

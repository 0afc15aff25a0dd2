"""Figures as the page holds them: words as HTML, so that they wrap and are read aloud, the drawing as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
from markupsafe import Markup

from crmkit.plots import wording

_TITLE = 72  # pixels of the house's upper margin that title and subtitle take; more if they have several lines


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
    """

    id: str
    title: str
    subtitle: str
    height: int
    least_width: int
    json: Markup


def drawing(name: str, figure: go.Figure, *, least_width: int = 0) -> Drawing:
    """Take a figure of `crmkit.plots` apart for the page.

    Parameters
    ----------
    name : str
        Id of its element.
    figure : plotly.graph_objects.Figure
        Of the house: a title, maybe a subtitle, a height.
    least_width : int
        Pixels below which it would not be read; 0 if it fits any page.

    Returns
    -------
    Drawing
    """
    words = figure.layout.title
    title, subtitle = (wording.plain(text or "") for text in (words.text, words.subtitle.text))
    before = figure.layout.margin.t or figure.layout.template.layout.margin.t
    taken = _TITLE + 20 * (words.text or "").count("<br>") + 9 * (words.subtitle.text or "").count("<br>")
    top = max(4, before - taken)
    height = figure.layout.height - (before - top)
    bare = go.Figure(figure).update_layout(title=None, height=height, margin={"t": top})
    return Drawing(name, title, subtitle, height, least_width, _harmless(bare.to_json()))


def _harmless(json: str) -> Markup:
    """JSON with every sign escaped that HTML could take for its own."""
    return Markup(json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))

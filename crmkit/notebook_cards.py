"""What a notebook shows of a result: a heading, some sentences, a small table; plain HTML, every text escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

# Left-aligned: notebooks set tables to the right. No colours: they are light or dark as the reader likes.
_TABLE = '<table style="margin: 0.4em 0; font-size: inherit"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
_CELL = '<{0} style="text-align: left; padding: 0.15em 1em 0.15em 0">{1}</{0}>'


def notebook_card(
    title: str, *, lines: Sequence[str] = (), columns: Sequence[str] = (), rows: Sequence[Sequence[object]] = ()
) -> str:
    """Write a card.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    lines : sequence of str
        Sentences under the title; empty ones are left out.
    columns : sequence of str
        Headings of the table; no table without rows.
    rows : sequence of rows
        Cells; floats are given to four digits, NaN and None as nothing.

    Returns
    -------
    str
        HTML. Nothing in it is executed: texts are escaped.
    """
    said = "".join(f"<div>{escape(line)}</div>" for line in lines if line)
    body = "".join(f"<tr>{''.join(_cell('td', cell) for cell in row)}</tr>" for row in rows)
    table = _TABLE.format("".join(_cell("th", name) for name in columns), body) if rows else ""
    return f"<div><strong>{escape(title)}</strong>{said}{table}</div>"


def _cell(tag: str, value: object) -> str:
    return _CELL.format(tag, escape(_text(value)))


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return "not known" if math.isinf(value) else f"{value:.4g}"

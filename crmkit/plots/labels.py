"""Texts of unknown length and origin, made to fit where figures show them."""

from __future__ import annotations

import textwrap

from crmkit.plots import wording

_HOVER_WIDTH = 60  # letters of a line
_CJK = "\N{CJK RADICAL REPEAT}"  # from here on letters are twice as wide


def shortened(text: object, most: int = 26) -> str:
    """Cut a name to `most` letters with an ellipsis and escape it; the hover says all of it."""
    said = " ".join(str(text).split())
    least = max(4, _letters(said, most))
    return wording.escaped(said if len(said) <= least else said[: least - 1].rstrip() + "…")


def wrapped(text: object, width: int = _HOVER_WIDTH) -> str:
    """Break a text into lines of at most `width` letters, escaped."""
    said = str(text)
    return "<br>".join(wording.escaped(line) for line in textwrap.wrap(said, _letters(said, width)) or [""])


def hover(head: object, *lines: object) -> str:
    """Say all of a mark: a head in bold, then lines; those that are None or empty are left out."""
    return "<br>".join([f"<b>{wrapped(head)}</b>", *(wrapped(line) for line in lines if line not in (None, ""))])


def _letters(text: str, most: int) -> int:
    """How many letters of this text are as wide as `most` Latin ones."""
    wide = sum(letter >= _CJK for letter in text)
    return round(most / (1.0 + wide / max(len(text), 1)))

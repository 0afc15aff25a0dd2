"""Numbers, dates and names as people read them, in English and Chinese."""

from __future__ import annotations

import datetime as dt
import html
import unicodedata

from crmkit.segment_maps import Locale

MISSING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LETTER, _WIDE = 3, 7  # widths, roughly, of a letter and of a Chinese sign
_UNIT_GAP = "\N{NO-BREAK SPACE}"


def count(number: float | None) -> str:
    """Write a count with thousands separated; a median between two counts keeps its half."""
    if number is None:
        return MISSING
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def percent(share: float | None, locale: Locale) -> str:
    """Write a share of 1 as per cent: two significant digits, never 0 for what is not nothing or 100 for not all."""
    if share is None:
        return MISSING
    value = 100.0 * share
    decimals = 1 if 0.0 < abs(value) < 9.95 or 99.5 <= value < 100.0 else 0
    number = "<0.1" if 0.0 < abs(value) < 0.05 else f"{value:.{decimals}f}"
    number = ">99.9" if 99.95 <= value < 100.0 else number
    return number + ("%" if locale == "zh" else _UNIT_GAP + "%")


def money(amount: float | None, currency: str) -> str:
    """Write an amount of money; cents below a thousand. A sign stands before the number, a word or code after it."""
    if amount is None:
        return MISSING
    number = f"{abs(amount):,.0f}" if abs(amount) >= 1000 or amount == 0 else f"{abs(amount):,.2f}"
    sign = "−" if amount < 0 else ""
    if not currency:
        return sign + number
    if any(letter.isalpha() for letter in currency):
        return f"{sign}{number}{_UNIT_GAP}{currency}"
    return f"{sign}{currency}{number}"


def round_money(amount: float, currency: str) -> str:
    """Write a round amount, on an axis: no cents where there are none."""
    return money(amount, currency).replace(".00", "")


def day(date: dt.date, locale: Locale) -> str:
    """Write a date: 31 Dec 1997, 1997年12月31日."""
    if locale == "zh":
        return f"{date.year}年{date.month}月{date.day}日"
    return _UNIT_GAP.join((str(date.day), _MONTHS[date.month - 1], str(date.year)))


def day_ticks(locale: Locale) -> str:
    """Format of days on a time axis (d3); the year stands where it begins anew."""
    return "%-m月%-d日\n%Y年" if locale == "zh" else "%-d %b\n%Y"


def month_ticks(locale: Locale) -> str:
    """Format of months on a time axis (d3)."""
    return "%-m月\n%Y年" if locale == "zh" else "%b\n%Y"


def short(text: str, most: int) -> str:
    """Cut a name that is too long to stand beside a line."""
    return text if len(text) <= most else text[: most - 1] + "…"


def escaped(text: str) -> str:
    """Turn text of unknown origin into text that Plotly shows as it is: its labels understand some HTML."""
    return html.escape(text, quote=False)


def wrapped(text: str, width: int) -> str:
    """Break plain text into escaped lines of like length, of at most `width` letters; a Chinese sign is wider.

    Lines end after a space, or beside a Chinese sign. `plain` undoes it.
    """
    lines = _lines(text, _LETTER * width)
    narrow = width
    while narrow > 1 and len(_lines(text, _LETTER * (narrow - 1))) == len(lines):
        narrow -= 1
    return "<br>".join(escaped(line) for line in _lines(text, _LETTER * narrow))


def _lines(text: str, width: int) -> list[str]:
    lines, line, taken = [], "", 0
    for word in _words(text):
        if line and taken + _length(word.rstrip(" ")) > width:
            lines.append(line)
            line, taken = "", 0
        line += word
        taken += _length(word)
    return [*lines, line]


def plain(shown: str) -> str:
    """Give back what `wrapped` or `escaped` was given."""
    return html.unescape(shown.replace("<br>", ""))


def _words(text: str) -> list[str]:
    """Cut a text where a line may end; no line begins with a stop or ends with an opening bracket."""
    words = [""]
    for sign in text:
        before, kind = words[-1][-1:], unicodedata.category(sign)
        chinese = _is_wide(before) or _is_wide(sign)
        if before == " " or (chinese and before not in ("", "（", "“") and kind not in ("Pe", "Pf", "Po", "Zs")):
            words.append(sign)
        else:
            words[-1] += sign
    return words


def _length(text: str) -> int:
    return sum(_WIDE if _is_wide(sign) else _LETTER for sign in text)


def _is_wide(sign: str) -> bool:
    return bool(sign) and unicodedata.east_asian_width(sign) in "WF"

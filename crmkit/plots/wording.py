"""Numbers, dates and names as people read them, in English and Chinese."""

from __future__ import annotations

import datetime as dt
import html

from crmkit.segment_maps import Locale

MISSING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNIT_GAP = "\N{NO-BREAK SPACE}"


def count(number: float | None) -> str:
    """Write a count with thousands separated; a median between two counts keeps its half."""
    if number is None:
        return MISSING
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def percent(share: float | None, locale: Locale) -> str:
    """Write a share of 1 as per cent: two significant digits, and never 0 for what is not nothing."""
    if share is None:
        return MISSING
    value = 100.0 * share
    decimals = 1 if 0.0 < abs(value) < 9.95 else 0
    number = "<0.1" if 0.0 < abs(value) < 0.05 else f"{value:.{decimals}f}"
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


def day(date: dt.date, locale: Locale) -> str:
    """Write a date: 31 Dec 1997, 1997年12月31日."""
    if locale == "zh":
        return f"{date.year}年{date.month}月{date.day}日"
    return _UNIT_GAP.join((str(date.day), _MONTHS[date.month - 1], str(date.year)))


def escaped(text: str) -> str:
    """Turn text of unknown origin into text that Plotly shows as it is: its labels understand some HTML."""
    return html.escape(text, quote=False)

"""Whole numbers and days in words, written inside an engine; English and Chinese."""

from __future__ import annotations

from typing import Final

import narwhals.stable.v2 as nw

from crmkit.segment_maps import Locale

_DAYS: Final = {"en": ("1 day", " days"), "zh": ("1 天", " 天")}
_AGO: Final = {"en": ("today", " ago"), "zh": ("今天", "前")}


def whole(number: nw.Expr) -> nw.Expr:
    """Nearest whole number, halves upwards: engines round them differently."""
    return (number + 0.5).floor().cast(nw.Int64)


def days(count: nw.Expr, locale: Locale) -> nw.Expr:
    """Words for a whole number of days: "1 day", "45 days"."""
    one, many = _DAYS[locale]
    written = count.cast(nw.Int64).cast(nw.String)
    return nw.when(count == 1).then(nw.lit(one)).otherwise(nw.concat_str(written, nw.lit(many)))


def ago(count: nw.Expr, locale: Locale) -> nw.Expr:
    """Words for a day so many days before: "today", "1 day ago"."""
    today, back = _AGO[locale]
    return nw.when(count == 0).then(nw.lit(today)).otherwise(nw.concat_str(days(count, locale), nw.lit(back)))

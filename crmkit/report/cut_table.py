"""Score cuts in words: which days, orders and revenue make which score."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import ceil, floor, inf

from crmkit.models.cuts import Cuts
from crmkit.plots import wording
from crmkit.report.texts import texts
from crmkit.segment_maps import Locale


def cut_rows(cuts: Cuts, *, currency: str, locale: Locale) -> list[tuple[str, str, str, str]]:
    """Rows of score, days, orders, revenue; best score first.

    Parameters
    ----------
    cuts : Cuts
        The cuts that made the scores.
    currency : str
        Sign or word of money.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    list of four texts
        A measure with fewer scores than another leaves its cells empty.
    """
    # Days are whole and pass a cut when below it; counts are whole and pass when above it; money passes when above.
    days = [ceil(cut) - 1 for cut in reversed(cuts.days_since_order)]
    ranges_r = [_whole(low, high, locale) for low, high in pairwise([-inf, *days, inf])][::-1]
    counts = [floor(cut) for cut in cuts.order_count]
    ranges_f = [_whole(low, high, locale) for low, high in pairwise([-inf, *counts, inf])]
    ranges_m = [_money(low, high, currency, locale) for low, high in pairwise([-inf, *cuts.revenue, inf])]
    best = max(cuts.scores)
    columns = [ranges + [""] * (best - len(ranges)) for ranges in (ranges_r, ranges_f, ranges_m)]
    return [(str(place + 1), *(column[place] for column in columns)) for place in reversed(range(best))]  # type: ignore[misc]


def _whole(low: float, high: float, locale: Locale) -> str:
    """Whole numbers above `low`, up to `high`."""
    if low == high:
        return texts("rfm", locale)["cut_empty"]
    if low != -inf and low + 1 == high:
        return wording.count(high)
    if low != -inf and high != inf:
        return texts("rfm", locale)["cut_between"].format(low=wording.count(low + 1), high=wording.count(high))
    return _open(low, high, wording.count, locale)


def _money(low: float, high: float, currency: str, locale: Locale) -> str:
    """Amounts above `low`, up to `high`."""
    if low == high:
        return texts("rfm", locale)["cut_empty"]
    return _open(low, high, lambda amount: wording.money(amount, currency), locale)


def _open(low: float, high: float, said: Callable[[float], str], locale: Locale) -> str:
    words = texts("rfm", locale)
    parts = [words["cut_over"].format(low=said(low))] if low != -inf else []
    parts += [words["cut_up_to"].format(high=said(high))] if high != inf else []
    return ("，" if locale == "zh" else ", ").join(parts)

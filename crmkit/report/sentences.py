"""The sentences a reader sees first, computed from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit import rfm
from crmkit.plots import wording
from crmkit.plots.rfm.tables import Flow, SegmentRow, flows, segment_names, summary_rows
from crmkit.report.about import About
from crmkit.report.texts import texts
from crmkit.segment_maps import REFUNDS_ONLY, Locale

# Segments of the published maps whose play is to win them back: good customers who have stopped.
_SLIPPING = frozenset({"cannot_lose", "at_risk", "important_keep", "important_retain"})


def key_sentences(
    segment_summary: Any, *, about: About, migration: Any = None, scheme: rfm.Scheme = "grid", locale: Locale = "en"
) -> list[str]:
    """Say what the tables mean, the most important first.

    Parameters
    ----------
    segment_summary : data frame
        From `rfm.segment_summary` at `about.as_of`.
    about : About
        Period, source, currency.
    migration : data frame, optional
        From `rfm.segment_migration` between `about.before` and `about.as_of`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map that made the tables.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    list of str
        At most five: the base, the segment that brings most, the good customers who have stopped, the largest
        segment, who moved. What the tables cannot say is left out.
    """
    words = texts(locale)
    rows = [row for row in summary_rows(segment_summary, scheme=scheme) if row.customers]
    if not rows:
        return [words["say_nobody"].format(as_of=wording.day(about.as_of, locale))]
    said = [_base(rows, about, locale)]
    buyers = [row for row in rows if row.segment != REFUNDS_ONLY.code]
    if not buyers:
        return [*said, words["say_refunds_only"]]
    paid = [row for row in buyers if row.revenue_share is not None]
    best = max(paid, key=lambda row: row.revenue, default=None)
    largest = max(buyers, key=lambda row: row.customers)
    slipping = [row for row in buyers if row.segment in _SLIPPING]
    said += [_row(best, "say_best", about, locale)] if best else []
    said += [_slipping(slipping, about, locale)] if slipping else []
    said += [_row(largest, "say_largest", about, locale)] if largest is not best else []
    if migration is not None:
        said += _moved(flows(migration, scheme=scheme), scheme, about, locale)
    return said


def _base(rows: Sequence[SegmentRow], about: About, locale: Locale) -> str:
    words = texts(locale)
    facts = {
        "customers": wording.count(sum(row.customers for row in rows)),
        "revenue": wording.money(sum(row.revenue for row in rows), about.currency),
        "as_of": wording.day(about.as_of, locale),
    }
    if about.orders is None or about.first_day is None:
        return words["say_base_short"].format(**facts)
    return words["say_base"].format(
        **facts, orders=wording.count(about.orders), first_day=wording.day(about.first_day, locale)
    )


def _row(row: SegmentRow, key: str, about: About, locale: Locale) -> str:
    return texts(locale)[key].format(
        name=row.segment_name,
        customers=wording.count(row.customers),
        share=wording.percent(row.customer_share, locale),
        revenue=wording.money(row.revenue, about.currency),
        revenue_share=wording.percent(row.revenue_share, locale),
        days=wording.count(row.median_days_since_order),
    )


def _slipping(rows: Sequence[SegmentRow], about: About, locale: Locale) -> str:
    words = texts(locale)
    shares = [row.revenue_share for row in rows if row.revenue_share is not None]
    return words["say_slipping"].format(
        names=words["or"].join(row.segment_name for row in rows),
        customers=wording.count(sum(row.customers for row in rows)),
        revenue=wording.money(sum(row.revenue for row in rows), about.currency),
        share=wording.percent(sum(shares) if shares else None, locale),
    )


def _moved(moves: Sequence[Flow], scheme: rfm.Scheme, about: About, locale: Locale) -> list[str]:
    """Say how many of those known on both dates moved, up or down the map."""
    rank = {code: place for place, code in enumerate(segment_names(scheme, locale=locale))}
    both = [move for move in moves if rfm.ABSENT not in (move.segment_before, move.segment_after)]
    known = sum(move.customers for move in both)
    if not known:
        return []
    up = sum(move.customers for move in both if rank[move.segment_after] < rank[move.segment_before])
    down = sum(move.customers for move in both if rank[move.segment_after] > rank[move.segment_before])
    words = texts(locale)
    return [
        words["say_moved"].format(
            since=words["since_day"].format(day=wording.day(about.before, locale)) if about.before else words["since"],
            customers=wording.count(up + down),
            known=wording.count(known),
            share=wording.percent((up + down) / known, locale),
            up=wording.count(up),
            down=wording.count(down),
        )
    ]

"""Tables that figures and pages show, checked and read into rows in the order of their segment map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from crmkit import rfm
from crmkit.errors import DomainError
from crmkit.plots import rows as read
from crmkit.schema import Column, Table
from crmkit.segment_maps import REFUNDS_ONLY, Locale

_SEGMENT = Column("segment", "text", "code of the segment", domain="never empty", required=True, nullable=False)
_CUSTOMERS = Column("customers", "number", "customers", "count", "at least 0", True, False, 0.0)


def _number(name: str, meaning: str, unit: str, *, nullable: bool) -> Column:
    return Column(name, "number", meaning, unit, "finite", required=True, nullable=nullable)


SEGMENT_SUMMARY = Table(
    "segment_summary",
    "one row per segment, from rfm.segment_summary",
    (
        _SEGMENT,
        Column("segment_name", "text", "its name", required=True),
        _CUSTOMERS,
        _number("customer_share", "share of all customers", "share of 1", nullable=False),
        _number("revenue", "what they paid", "money", nullable=False),
        _number("revenue_share", "share of all revenue", "share of 1", nullable=True),
        _number("median_days_since_order", "median of the days since the last order", "days", nullable=True),
        _number("median_order_count", "median number of orders", "count", nullable=True),
        _number("median_revenue", "median of what a customer paid", "money", nullable=True),
        Column("play", "text", "what to do", required=True),
    ),
)
SEGMENT_MIGRATION = Table(
    "segment_migration",
    "one row per pair of segments, from rfm.segment_migration",
    (
        replace(_SEGMENT, name="segment_before", meaning="code of the segment before"),
        replace(_SEGMENT, name="segment_after", meaning="code of the segment after"),
        _CUSTOMERS,
        _number("share", "share of the customers of segment_before", "share of 1", nullable=False),
    ),
)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One row of `rfm.segment_summary`; what is missing there is None here."""

    segment: str
    segment_name: str
    customers: int
    customer_share: float
    revenue: float
    revenue_share: float | None
    median_days_since_order: float | None
    median_order_count: float | None
    median_revenue: float | None
    play: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One row of `rfm.segment_migration`."""

    segment_before: str
    segment_after: str
    customers: int
    share: float


def summary_rows(summary: Any, *, scheme: rfm.Scheme) -> list[SegmentRow]:
    """Read a segment summary; rows come in the order of the map.

    Parameters
    ----------
    summary : data frame
        From `rfm.segment_summary`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        As given to `rfm.segment_summary`.

    Returns
    -------
    list of SegmentRow

    Raises
    ------
    DomainError
        A segment is not of this map.
    """
    rows = [SegmentRow(**row) for row in read.rows(summary, SEGMENT_SUMMARY)]
    order = _order(scheme, (row.segment for row in rows), table="segment_summary.segment")
    rows = [replace(row, customers=int(row.customers), segment_name=row.segment_name or row.segment) for row in rows]
    return sorted(rows, key=lambda row: order[row.segment])


def flows(migration: Any, *, scheme: rfm.Scheme) -> list[Flow]:
    """Read a segment migration; rows come in the order of the map, customers that came or went last.

    Parameters
    ----------
    migration : data frame
        From `rfm.segment_migration`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map of both tables that were compared.

    Returns
    -------
    list of Flow

    Raises
    ------
    DomainError
        A segment is not of this map.
    """
    rows = [Flow(**{**row, "customers": int(row["customers"])}) for row in read.rows(migration, SEGMENT_MIGRATION)]
    codes = [code for row in rows for code in (row.segment_before, row.segment_after)]
    order = _order(scheme, codes, table="segment_migration")
    return sorted(rows, key=lambda row: (order[row.segment_before], order[row.segment_after]))


def segment_names(scheme: rfm.Scheme, *, locale: Locale) -> dict[str, str]:
    """Names by code, best segment first, then refunds only; "absent" has none."""
    listed = [*rfm.segment_map(scheme).segments, REFUNDS_ONLY]
    return {segment.code: segment.text(locale)[0] for segment in listed}


def _order(scheme: rfm.Scheme, found: Iterable[str], *, table: str) -> dict[str, int]:
    known = [*segment_names(scheme, locale="en"), rfm.ABSENT]
    strange = sorted(set(found) - set(known))
    if strange:
        raise DomainError(
            f"{table} holds {strange[0]!r}, which the map {rfm.segment_map(scheme).name!r} does not know.\n"
            f"Give the scheme that made the table."
        )
    return {code: position for position, code in enumerate(known)}

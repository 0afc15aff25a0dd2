"""The segment table as the page shows it: texts to read, numbers to sort by, bars to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmkit import rfm
from crmkit.plots import house, wording
from crmkit.plots.rfm.tables import SegmentRow
from crmkit.segment_maps import Locale

COLUMNS = (
    "customers",
    "customer_share",
    "revenue",
    "revenue_share",
    "median_days_since_order",
    "median_order_count",
    "median_revenue",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A number: as text, as the key to sort by (empty where it is missing), as a bar of so many per cent."""

    text: str
    sort: str
    bar: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A segment: name, colour, cells in the order of `COLUMNS`, what to do."""

    name: str
    color: str
    cells: tuple[Cell, ...]
    play: str


def lines(rows: Sequence[SegmentRow], *, scheme: rfm.Scheme, currency: str, locale: Locale) -> list[Line]:
    """Lay the rows of a segment summary out for the page.

    Parameters
    ----------
    rows : sequence of SegmentRow
        From `plots.rfm.tables.summary_rows`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map that made them.
    currency : str
        Sign or word of money.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    list of Line
    """
    colors = house.segment_colors(scheme)
    return [
        Line(
            row.segment_name,
            colors[row.segment],
            tuple(_cell(name, getattr(row, name), currency, locale) for name in COLUMNS),
            row.play or "",
        )
        for row in rows
    ]


def _cell(name: str, value: float | None, currency: str, locale: Locale) -> Cell:
    sort = "" if value is None else repr(float(value))
    if name.endswith("_share"):
        bar = f"{100 * min(value, 1.0):.1f}" if value and value > 0 else ""
        return Cell(wording.percent(value, locale), sort, bar)
    if name.endswith("revenue"):
        return Cell(wording.money(value, currency), sort)
    return Cell(wording.count(value), sort)

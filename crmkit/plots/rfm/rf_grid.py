"""The grid of R and F scores: customers counted in their engine, cells claimed by the segments of a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, rfm, schema
from crmkit.schema import Column, Table
from crmkit.segment_maps import SegmentMap

Cell = tuple[int, int]
Line = tuple[float, float, float, float]
_REVENUE = Column("revenue", "number", "what they paid", "money", "finite", required=True, nullable=False)


@dataclass(frozen=True, slots=True)
class RfGrid:
    """Customers by R and F score.

    Attributes
    ----------
    scores : int
        Scores run from 1 to this number.
    customers : dict of (r, f) to int
        Cells with customers only.
    median_revenue : dict of (r, f) to float
        The same cells; empty if it was not asked for.
    codes : dict of (r, f) to tuple of str
        Segments that claim the cell, best first; several where money decides.
    """

    scores: int
    customers: dict[Cell, int]
    median_revenue: dict[Cell, float]
    codes: dict[Cell, tuple[str, ...]]

    def corners(self) -> Iterator[tuple[Cell, int]]:
        """Upper left cell of each block of segments, with the cells to its right that belong to it."""
        for codes in dict.fromkeys(self.codes.values()):
            r, f = min((cell for cell, owners in self.codes.items() if owners == codes), key=lambda c: (-c[0], c[1]))
            width = 1
            while self.codes.get((r, f + width)) == codes:
                width += 1
            yield (r, f), width

    def borders(self) -> Iterator[Line]:
        """Lines x0, y0, x1, y1 between cells of different segments, and around the grid; F runs along x, R along y."""
        for (r, f), codes in self.codes.items():
            if self.codes.get((r, f + 1)) != codes:
                yield f + 0.5, r - 0.5, f + 0.5, r + 0.5
            if self.codes.get((r + 1, f)) != codes:
                yield f - 0.5, r + 0.5, f + 0.5, r + 0.5
        yield 0.5, 0.5, 0.5, self.scores + 0.5
        yield 0.5, 0.5, self.scores + 0.5, 0.5


def rf_grid(segments: Any, *, with_revenue: bool, scheme: rfm.Scheme) -> RfGrid:
    """Count customers by R and F score, with the median of what they paid if wanted.

    Parameters
    ----------
    segments : data frame
        From `rfm.rfm_segments`; only one row per cell leaves its engine. Rows without scores are left aside.
    with_revenue : bool
        Take the median of `revenue` too.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        As given to `rfm.rfm_segments`.

    Returns
    -------
    RfGrid
    """
    chosen = rfm.segment_map(scheme)
    entered = schema.admit(segments, _scored(chosen.scores, with_revenue=with_revenue))
    scored = entered.filter(~nw.col("r_score").is_null() & ~nw.col("f_score").is_null())
    scored = scored.with_columns(nw.col("r_score", "f_score").cast(nw.Int64))
    if with_revenue:
        cells = scored.group_by("r_score", "f_score").agg(customers=nw.len(), median=nw.col("revenue").median())
    else:
        cells = scored.group_by("r_score", "f_score").agg(customers=nw.len())
    columns = ["r_score", "f_score", "customers", *(["median"] if with_revenue else [])]
    found = frames.arrays(cells.sort("r_score", "f_score"), columns)
    places = list(zip(found["r_score"].tolist(), found["f_score"].tolist(), strict=True))
    medians = dict(zip(places, found["median"].tolist(), strict=True)) if with_revenue else {}
    counts = [int(count) for count in found["customers"].tolist()]
    return RfGrid(chosen.scores, dict(zip(places, counts, strict=True)), medians, _codes(chosen))


def _scored(highest: int, *, with_revenue: bool) -> Table:
    scores = [
        replace(column, required=True) for column in schema.scores_up_to(highest).columns if column.name[0] in "rf"
    ]
    return Table(
        "segments", "one row per customer, from rfm.rfm_segments", (*scores, *([_REVENUE] if with_revenue else []))
    )


def _codes(chosen: SegmentMap) -> dict[Cell, tuple[str, ...]]:
    claims: dict[Cell, set[str]] = {}
    for (r, f, _), segment in chosen.cells().items():
        claims.setdefault((r, f), set()).add(segment.code)
    order = [segment.code for segment in chosen.segments]
    return {cell: tuple(sorted(codes, key=order.index)) for cell, codes in sorted(claims.items())}

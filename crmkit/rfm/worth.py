"""What each segment is worth, with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.rfm.segments import Scheme, segment_map
from crmkit.rfm.table import MEASURES
from crmkit.segment_maps import REFUNDS_ONLY, Locale, checked_locale

_MEASURED = replace(
    schema.SEGMENTS, columns=tuple(replace(column, required=True) for column in schema.SEGMENTS.columns)
)
_EMPTY: dict[str, Any] = {"customers": 0, "revenue": 0.0, **{f"median_{name}": None for name in MEASURES}}


def segment_summary(segments: IntoFrameT, *, scheme: Scheme = "grid", locale: Locale = "en") -> IntoFrameT:
    """Sum up what each segment is worth, with what to do about it.

    Parameters
    ----------
    segments : data frame
        From `rfm_segments` or `segment`.
    scheme, locale
        As given to `rfm_segments`.

    Returns
    -------
    data frame like `segments`
        One row per segment in the map's order, empty ones included, refunds only last if there are any: `segment`,
        `segment_name`, `customers` (count), `customer_share` (in [0, 1]), `revenue` (money), `revenue_share` (of all
        revenue; missing where that is not positive), `median_days_since_order` (days), `median_order_count`,
        `median_revenue` (missing for an empty segment), `play`.

    Raises
    ------
    SchemaError
        The table holds a segment that the map does not know.
    """
    chosen = segment_map(scheme)
    checked_locale(locale)
    found = _by_segment(schema.admit(segments, _MEASURED))
    listed = list(chosen.segments)
    if REFUNDS_ONLY.code in found:
        listed.append(REFUNDS_ONLY)
    strange = sorted(set(found) - {item.code for item in listed})
    if strange:
        raise SchemaError(
            f"segments.segment holds {strange[0]!r}, which the map {chosen.name!r} does not know.\n"
            f"Give the scheme that made the table."
        )
    rows = [found.get(item.code, _EMPTY) for item in listed]
    customers = sum(row["customers"] for row in rows)
    revenue = sum(row["revenue"] for row in rows)
    columns: dict[str, Sequence[Any]] = {
        "segment": [item.code for item in listed],
        "segment_name": [item.text(locale)[0] for item in listed],
        "customers": [int(row["customers"]) for row in rows],
        "customer_share": [row["customers"] / customers if customers else 0.0 for row in rows],
        "revenue": [float(row["revenue"]) for row in rows],
        "revenue_share": [row["revenue"] / revenue if revenue > 0 else None for row in rows],
        **{f"median_{name}": [row[f"median_{name}"] for row in rows] for name in MEASURES},
        "play": [item.text(locale)[1] for item in listed],
    }
    return frames.build(columns, like=segments)


def _by_segment(entered: frames.Frame) -> dict[str, dict[str, Any]]:
    medians = {f"median_{name}": nw.col(name).median() for name in MEASURES}
    sums = (
        entered.with_columns(nw.col(*MEASURES).cast(nw.Float64))
        .group_by("segment")
        .agg(customers=nw.len(), revenue=nw.col("revenue").sum(), **medians)
    )
    columns = ["segment", "customers", "revenue", *medians]
    rows = frames.arrays(sums.with_columns(frames.money(nw.col("revenue"))), columns)
    cells = {name: [None if value != value else value for value in rows[name].tolist()] for name in columns}
    return {str(code): {name: cells[name][i] for name in columns[1:]} for i, code in enumerate(cells["segment"])}

"""Where journeys begin and end: windows before conversions, and what lies outside every window."""

from __future__ import annotations

from typing import Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.journeys.log import DAY, FAR, Log

Sharing: TypeAlias = Literal["split", "shared"]


def winning(log: Log, sharing: Sharing) -> frames.Frame:
    """Touches within the windows of conversions, with what is known of the conversion."""
    touched = nw.col("touched")
    inside = (touched <= nw.col("sold")) & (touched >= nw.col("opens"))
    if sharing == "split":
        inside = inside & (touched > nw.col("before"))
    rows = log.touches.join(log.sales.drop("customer_id"), on="customer", how="inner").filter(inside)
    return rows.drop("opens", "before")


def between(log: Log, gap_days: float | None) -> frames.Frame:
    """Touches outside every window, of customers who converted.

    `journey` is 2 number of the conversion that follows, -2 after the last; `part` numbers what lies between silences
    longer than `gap_days`.
    """
    ends = log.sales.group_by("customer").agg(before=nw.col("sold").max())
    open_ends = ends.with_columns(
        sold=nw.lit(FAR).cast(nw.Int64), opens=nw.lit(FAR).cast(nw.Int64), number=nw.lit(-1).cast(nw.Int32)
    )
    names = ["customer", "before", "sold", "opens", "number"]
    spans = nw.concat([log.sales.select(*names), open_ends.select(*names)])
    touched = nw.col("touched")
    outside = (touched > nw.col("before")) & (touched <= nw.col("sold")) & (touched < nw.col("opens"))
    rows = log.touches.join(spans, on="customer", how="inner").filter(outside)
    whole = rows.with_columns(journey=nw.col("number") * 2).drop("number", "sold", "opens", "before")
    return _parted(whole, log, gap_days)


def of_strangers(log: Log, gap_days: float | None) -> frames.Frame:
    """Touches of customers who never converted, in one journey, numbered 0, but for `part` as of `between`."""
    return _parted(log.strangers.with_columns(journey=nw.lit(0).cast(nw.Int32)), log, gap_days)


def _parted(rows: frames.Frame, log: Log, gap_days: float | None) -> frames.Frame:
    if gap_days is None:
        return rows.with_columns(part=nw.lit(0).cast(nw.Int64))
    key = ["customer", "journey"]
    silent = frames.with_places(rows, by=key, order=["touched", *log.ties], before="touched")
    late = nw.col("touched") - nw.col("before") > round(gap_days * DAY)
    fresh = silent.with_columns(part=frames.one_if(late.fill_null(False))).drop("before")
    summed = nw.col("part").cum_sum().over(*key, order_by=["place"])
    return fresh.with_columns(part=summed).drop("place")

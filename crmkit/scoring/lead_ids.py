"""Ids of leads in two tables: joined as what they stand for, whatever types they have."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames


def same_ids(left: frames.Frame, right: frames.Frame) -> tuple[frames.Frame, frames.Frame]:
    """Give the `lead_id` of two tables one type: 7, 7.0 and "7" are one lead."""
    kinds = [frames.kinds_of(frame, ["lead_id"])["lead_id"] for frame in (left, right)]
    if kinds[0] == kinds[1]:
        return left, right
    return left.with_columns(_as_text(kinds[0])), right.with_columns(_as_text(kinds[1]))


def _as_text(kind: nw.dtypes.DType) -> nw.Expr:
    whole = nw.col("lead_id").cast(nw.Int64) if kind.is_float() else nw.col("lead_id")
    return whole.cast(nw.String)

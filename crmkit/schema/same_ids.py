"""Ids in two tables of one call: joined as what they stand for, whatever types they have."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames


def same_ids(left: frames.Frame, right: frames.Frame, key: str = "customer_id") -> tuple[frames.Frame, frames.Frame]:
    """Give the ids of two admitted tables one type: 7, 7.0 and "7" are one id.

    Parameters
    ----------
    left, right : lazy frame
        Admitted rows, so that numbers among the ids are whole.
    key : str
        Column of ids, such as "customer_id" or "lead_id".
    """
    kinds = [frames.kinds_of(frame, [key])[key] for frame in (left, right)]
    if kinds[0] == kinds[1]:
        return left, right
    return left.with_columns(_as_text(key, kinds[0])), right.with_columns(_as_text(key, kinds[1]))


def _as_text(key: str, kind: nw.dtypes.DType) -> nw.Expr:
    # pandas makes 7.0 of 7 where some ids are missing.
    whole = nw.col(key).cast(nw.Int64) if kind.is_float() else nw.col(key)
    return whole.cast(nw.String)

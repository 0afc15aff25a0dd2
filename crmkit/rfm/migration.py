"""Who moved from which segment to which between two dates."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.segment_maps import ABSENT

_MEMBER = ("customer_id", "segment")


def segment_migration(before: IntoFrameT, after: IntoFrameT) -> IntoFrameT:
    """Count who moved from which segment to which between two dates.

    Parameters
    ----------
    before, after : data frame
        From `rfm_segments` or `segment`, of two dates, in one library.

    Returns
    -------
    data frame like `before`
        One row per pair that occurs, sorted: `segment_before`, `segment_after` (codes; "absent" where the customer is
        in one table only), `customers` (count), `share` (of the customers of `segment_before`, in [0, 1]).
    """
    pairs = _paired(before, after).group_by("segment_before", "segment_after").agg(customers=nw.len())
    pairs = pairs.with_columns(nw.col("customers").cast(nw.Int64))
    share = nw.col("customers") / nw.col("customers").sum().over("segment_before")
    return frames.leave(pairs.with_columns(share=share), like=before, sort=["segment_before", "segment_after"])


def segment_moves(before: IntoFrameT, after: IntoFrameT) -> IntoFrameT:
    """List the customers whose segment changed between two dates.

    Parameters
    ----------
    before, after : data frame
        From `rfm_segments` or `segment`, of two dates, in one library.

    Returns
    -------
    data frame like `before`
        One row per customer who moved, came or went, sorted by `customer_id`: `segment_before`, `segment_after` (codes;
        "absent" where the customer is in one table only).

    Raises
    ------
    SchemaError
        A customer stands in several rows of a table.

    Examples
    --------
    >>> import pandas as pd
    >>> before = pd.DataFrame({"customer_id": ["ann", "bob"], "segment": ["new", "loyal"]})
    >>> segment_moves(before, before.assign(segment=["loyal", "loyal"])).to_numpy().tolist()
    [['ann', 'new', 'loyal']]
    """
    moved = _paired(before, after).filter(nw.col("segment_before") != nw.col("segment_after"))
    return frames.leave(moved, like=before, sort=["customer_id"])


def _paired(before: Any, after: Any) -> frames.Frame:
    first = schema.admit(before, schema.SEGMENTS, columns=_MEMBER)
    second = schema.admit(after, schema.SEGMENTS, columns=_MEMBER, beside=first)
    for name, table in (("before", first), ("after", second)):
        _check_once(table, name)
    none = nw.lit(None).cast(nw.String)
    both = nw.concat(
        [
            first.select("customer_id", segment_before=nw.col("segment"), segment_after=none),
            second.select("customer_id", segment_before=none, segment_after=nw.col("segment")),
        ]
    )
    paired = both.group_by("customer_id").agg(nw.col("segment_before").max(), nw.col("segment_after").max())
    return paired.with_columns(nw.col("segment_before").fill_null(ABSENT), nw.col("segment_after").fill_null(ABSENT))


def _check_once(table: frames.Frame, name: str) -> None:
    """Refuse a table that lists a customer twice: one of the two segments would be lost."""
    repeated = table.group_by("customer_id").agg(rows=nw.len()).filter(nw.col("rows") > 1)
    counts = frames.arrays(
        repeated.select(customers=nw.len(), example=nw.col("customer_id").min()), ["customers", "example"]
    )
    customers = int(counts["customers"][0])
    if customers:
        raise SchemaError(
            f"segments.customer_id: {customers} customers of `{name}` stand in several rows "
            f"(first: {counts['example'].tolist()[0]!r}); expected one row a customer.\n"
            f"Give the segments of one date."
        )

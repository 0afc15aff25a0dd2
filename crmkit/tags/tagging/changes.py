"""What changed between two runs: tags entered, left, changed."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.tags.tables import KEY, TAGS

_TAG: Final = ("customer_id", "dimension", "tag")
_COLUMNS: Final = (*_TAG, "change", "value_before", "value", "changed_on")


def tag_changes(before: Any, after: IntoFrameT, *, as_of: dt.date) -> IntoFrameT:
    """List the tags that customers got, lost, or have with another value since the last run.

    Parameters
    ----------
    before : data frame or None
        What `tag_customers` returned the last time; None: the first run.
    after : data frame
        What it returned now. Who is no longer a customer has lost all tags.
    as_of : date
        Day of `after`.

    Returns
    -------
    data frame like `after`
        One row per change, sorted by `customer_id`, `dimension`, `tag`, `change`, `value_before` and `value`: `change`
        ("entered", "left", "changed"), `value_before` (empty of entered), `value` (empty of left), `changed_on` (date:
        `since` of a tag that is new, or has a new value; `as_of` of one that is gone).

    Notes
    -----
    A tag is "changed" where exactly one value of it went and exactly one came. Of a tag with several values, each is
    entered or left by itself. A new `since` alone is no change.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> row = {"customer_id": "ann", "dimension": "transaction", "tag": "level", "since": pd.Timestamp("2024-06-30")}
    >>> before, after = (pd.DataFrame([row | {"value": value}]) for value in ("key", "VIP"))
    >>> tag_changes(before, after, as_of=dt.date(2024, 6, 30))[["change", "value_before", "value"]].values.tolist()
    [['changed', 'key', 'VIP']]
    """
    day = frames.as_day(as_of)
    now = _side(after, 1, day, beside=None)
    both = now if before is None else nw.concat([now, _side(before, 0, day, beside=now)])
    sides = both.group_by(*KEY).agg(here=nw.col("here").max(), there=nw.col("there").max(), since=nw.col("since").min())
    moved = sides.filter((nw.col("here") + nw.col("there")) == 1)
    counted = moved.with_columns(
        came=nw.col("here").sum().over(*_TAG).cast(nw.Int64), went=nw.col("there").sum().over(*_TAG).cast(nw.Int64)
    )
    swaps = (nw.col("came") == 1) & (nw.col("went") == 1)
    rows = nw.concat([_swapped(counted.filter(swaps)), _single(counted.filter(~swaps), day)])
    order = ["customer_id", "dimension", "tag", "change", "value_before", "value"]
    return frames.leave(rows.select(*_COLUMNS), like=after, sort=order, same=["customer_id"])


def _side(table: Any, here: int, day: dt.date, *, beside: frames.Frame | None) -> frames.Frame:
    """Take tags, marked as those of now or of before; `since` counts for those of now alone."""
    rows = schema.admit(table, TAGS, columns=(*KEY, "since"), beside=beside)
    since = nw.lit(day) if "since" not in frames.names_of(rows) else nw.col("since").cast(nw.Date).fill_null(day)
    known = since if here else nw.lit(None, dtype=nw.Date)
    marked = rows.with_columns(here=nw.lit(here), there=nw.lit(1 - here), since=known)
    return marked.select(*KEY, "here", "there", "since")


def _swapped(rows: frames.Frame) -> frames.Frame:
    sides = rows.with_columns(
        old=nw.when(nw.col("there") == 1).then(nw.col("value")),
        new=nw.when(nw.col("here") == 1).then(nw.col("value")),
    )
    table = sides.group_by(*_TAG).agg(
        value_before=nw.col("old").max(), value=nw.col("new").max(), changed_on=nw.col("since").max()
    )
    return table.with_columns(change=nw.lit("changed")).select(*_COLUMNS)


def _single(rows: frames.Frame, day: dt.date) -> frames.Frame:
    came, value = nw.col("here") == 1, nw.col("value")
    return rows.with_columns(
        change=nw.when(came).then(nw.lit("entered")).otherwise(nw.lit("left")),
        value_before=nw.when(~came).then(value),
        value=nw.when(came).then(value),
        changed_on=nw.when(came).then(nw.col("since")).otherwise(nw.lit(day)),
    ).select(*_COLUMNS)

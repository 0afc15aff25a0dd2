"""The touches of each customer in order, and the first of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.journeys.log import DAY


def touch_timeline(touches: IntoFrameT, *, as_of: dt.date) -> IntoFrameT:
    """Order the touches of each customer: site, white paper, phone number, call.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        One row per touch, in any order. Touches of one time are ordered by `touch_id` if there is one, then by channel.
    as_of : date
        Last day the log covers, inclusive; later rows are left out.

    Returns
    -------
    data frame like `touches`
        Its rows sorted by `customer_id`, `place`: `place` (from 1) of `touches`, `channel`, `touched_at`, the other
        columns of `schema.TOUCHES` that are there, `days_since_first`, `days_since_last` (days since the touch
        before; missing for the first).
    """
    rows = _placed(touches, as_of)
    days = {
        "days_since_first": (nw.col("touched") - nw.col("began")).cast(nw.Float64) / DAY,
        "days_since_last": (nw.col("touched") - nw.col("before")).cast(nw.Float64) / DAY,
    }
    began = rows.with_columns(began=nw.col("touched").min().over("customer_id"))
    shown = [name for name in schema.TOUCHES.known if name in frames.names_of(rows) and name != "customer_id"]
    whole = began.with_columns(**days).select(
        "customer_id", "place", *shown[:2], *days, *shown[2:], touches=nw.col("length")
    )
    return frames.leave(whole, like=touches, sort=["customer_id", "place"], same=("customer_id",))


def first_touch(touches: IntoFrameT, *, as_of: dt.date) -> IntoFrameT:
    """Where did each customer come from? The first touch of each.

    Parameters
    ----------
    touches, as_of
        As for `touch_timeline`.

    Returns
    -------
    data frame like `touches`
        One row per customer, sorted: `customer_id`, `first_channel`, `first_touched_at`, `first_campaign` (if there
        are campaigns), `touches` (count up to `as_of`).
    """
    first = _placed(touches, as_of).filter(nw.col("place") == 1)
    shown = {
        f"first_{name}": nw.col(name)
        for name in ("channel", "touched_at", "campaign")
        if name in frames.names_of(first)
    }
    whole = first.select("customer_id", **shown, touches=nw.col("length"))
    return frames.leave(whole, like=touches, sort=["customer_id"], same=("customer_id",))


def _placed(touches: Any, as_of: dt.date) -> frames.Frame:
    rows = schema.admit(touches, schema.TOUCHES)
    past = rows.filter(nw.col("touched_at").cast(nw.Date) <= nw.lit(frames.as_day(as_of)))
    timed = frames.with_microseconds(past.with_columns(nw.col("channel").cast(nw.String)), touched="touched_at")
    ties = [name for name in ("touch_id", "channel") if name in frames.names_of(timed)]
    return frames.with_places(timed, by=["customer_id"], order=["touched", *ties], lengths=True, before="touched")

"""Touches in their journeys, row by row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.journeys.cutting import Sharing, between, of_strangers, winning
from crmkit.journeys.log import DAY, MILESTONES, UNATTRIBUTED, Log, Window, read_window

KEPT = ("customer_id", "touched_at", "channel", "campaign", "kind", "cost")
OWN = ("customer_id", "number", "part")


def journeys(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    gap_days: float | None = None,
) -> IntoFrameT:
    """Cut the touches of each customer into journeys: those that led to a conversion, and those that did not.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        One row per touch, in any order. Touches of one time are ordered by `touch_id` if there is one, then by channel.
    conversions : data frame, `schema.CONVERSIONS`
        In the library of `touches`. Rows whose `milestone` is "lead" or "opportunity" are no conversions.
    as_of : date
        Last day the logs cover, inclusive; later rows are left out.
    lookback_days : float or None
        How long before a conversion a touch belongs to it; days, above 0. None: however long ago.
    sharing : {"split", "shared"}
        "split": a touch belongs to the customer's next conversion only. "shared": to each one within reach.
    gap_days : float, optional
        Cut journeys without a conversion where the customer was silent for longer; days, above 0.

    Returns
    -------
    data frame like `touches`
        One row per touch in a journey, sorted by `customer_id`, `journey`, `place`: `journey` (number, from 1, in the
        order in which the customer's journeys began), `place` (from 1) of `length` touches, `channel`, `touched_at`,
        other columns of `schema.TOUCHES` that are there, `converted` (1 or 0), and of the conversion `converted_at`,
        `conversion_id` (if there is one), `conversions` (count), `value`, `days_before` (days from the touch to it).
        A conversion without a touch is a row of channel "(unattributed)" with `place` and `length` 0.

    Notes
    -----
    A journey without a conversion is what lies outside every window, cut at conversions. Who was touched shortly
    before `as_of` may convert yet. A conversion given as a date, or at midnight sharp, is at the end of its day, a
    touch at its beginning; `days_before` counts to the beginning. Conversions of a customer at one time are one journey
    that counts as often.
    """
    log = read_rows(touches, conversions, Window(as_of, lookback_days, sharing, gap_days, "channel"))
    won = placed_winning(log, sharing, like=touches)
    lost = nw.concat([_plain(rows, log) for rows in (between(log, gap_days), of_strangers(log, gap_days))])
    lost = lost.with_columns(number=nw.col("journey").cast(nw.Int64)).drop("journey")
    lost = frames.with_places(lost, by=OWN, order=["touched", *log.ties], lengths=True)
    missing = {name: _nothing(kind) for name, kind in _sale_kinds(won).items()}
    counts = {"converted": nw.lit(0), "conversions": nw.lit(0)}
    none = lost.with_columns(**missing, **_cast(counts), value=nw.lit(0.0), days_before=_nothing(nw.Float64()))
    names = _columns(won)
    both = nw.concat([won.select(*names), _as(none, won, names)])
    key = ["customer_id", "journey", "place"]
    return frames.leave(_numbered(both), like=touches, sort=key)


def read_rows(touches: object, conversions: object, window: Window, *, milestones: bool = False) -> Log:
    """Read both logs with the columns that rows show."""
    return read_window(touches, conversions, window, milestones=milestones, keep=KEPT)


def placed_winning(log: Log, sharing: Sharing, *, like: Any, milestones: bool = False) -> frames.Frame:
    """Touches of conversions with `place`, `length` and `days_before`, and conversions without a touch.

    `number` is 2 number of the conversion + 1; with `milestones`, `lead_place` and `opportunity_place` are the places
    of the touches at which these were reached, 0 for never.
    """
    rows = (
        winning(log, sharing)
        .drop("customer")
        .with_columns(number=(nw.col("number") * 2 + 1).cast(nw.Int64), part=nw.lit(0).cast(nw.Int64))
    )
    placed = frames.with_places(rows, by=OWN, order=["touched", *log.ties], lengths=True)
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    placed = placed.with_columns(days_before=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)))
    places = [f"{name}_place" for name in MILESTONES] if milestones else []
    if milestones:
        reached = {f"{name}_place": frames.one_if(nw.col("touched") <= nw.col(name)) for name in MILESTONES}
        placed = placed.with_columns(**reached)
        placed = placed.with_columns(**{name: nw.col(name).sum().over(*OWN) for name in reached})
    placed = frames.settled(placed, like=like)  # the conversions without a touch are found by it, too
    sold = log.sales.drop("customer").with_columns(
        number=(nw.col("number") * 2 + 1).cast(nw.Int64), part=nw.lit(0).cast(nw.Int64), touched=nw.col("sold")
    )
    empty = sold.join(placed.select(*OWN), on=list(OWN), how="anti")
    kinds = frames.kinds_of(placed, frames.names_of(placed))
    lacking = {name: _nothing(kind) for name, kind in kinds.items() if name not in frames.names_of(empty)}
    zero = _cast(dict.fromkeys(("place", "length", *places), nw.lit(0)))
    empty = empty.with_columns(**{**lacking, **zero, "channel": nw.lit(UNATTRIBUTED)})
    names = list(kinds)
    whole = nw.concat([placed.select(*names), _as(empty, placed, names)])
    counts = _cast({"converted": nw.lit(1), "conversions": nw.col("sales")})
    return whole.with_columns(**counts).drop("sales")


def _nothing(kind: nw.dtypes.DType) -> nw.Expr:
    return nw.lit(None).cast(kind)


def _as(rows: frames.Frame, other: frames.Frame, names: list[str]) -> frames.Frame:
    """Give the columns of rows the types that they have in another frame."""
    return rows.select(*[nw.col(name).cast(kind) for name, kind in frames.kinds_of(other, names).items()])


def _cast(counts: dict[str, nw.Expr]) -> dict[str, nw.Expr]:
    return {name: value.cast(nw.Int64) for name, value in counts.items()}


def _plain(rows: frames.Frame, log: Log) -> frames.Frame:
    names = [name for name in frames.names_of(log.touches) if name not in ("customer", "customer_id")]
    return rows.select("customer_id", "journey", "part", *names)


def _sale_kinds(won: frames.Frame) -> dict[str, nw.dtypes.DType]:
    return frames.kinds_of(won, [name for name in ("converted_at", "conversion_id") if name in frames.names_of(won)])


def _columns(won: frames.Frame) -> list[str]:
    names = frames.names_of(won)
    shown = ("channel", "touched_at", "touch_id", "campaign", "kind", "cost")
    sale = ("converted", "converted_at", "conversion_id", "conversions", "value", "days_before")
    return [*OWN, "touched", "place", "length", *[name for name in (*shown, *sale) if name in names]]


def _numbered(rows: frames.Frame) -> frames.Frame:
    """Give each customer's journeys numbers in the order in which they began."""
    began = rows.group_by(*OWN).agg(nw.col("touched").min())
    ordered = frames.with_places(began, by=["customer_id"], order=["touched", "number", "part"])
    named = rows.join(ordered.select(*OWN, journey=nw.col("place")), on=list(OWN), how="left")
    shown = [name for name in frames.names_of(rows) if name not in (*OWN, "touched")]
    return named.select("customer_id", "journey", *shown)

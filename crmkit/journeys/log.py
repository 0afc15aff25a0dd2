"""Touches and conversions, checked, cut at a day and numbered: what journeys are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError

UNATTRIBUTED = "(unattributed)"
NONE = "(none)"
# Microseconds before and after every time that a table may hold.
FAR = 1 << 60
DAY = 86_400_000_000
MILESTONES = ("lead", "opportunity")
_LONGEST_DAYS = 365_250  # a thousand years


@dataclass(frozen=True, slots=True)
class Log:
    """A touch log and a conversion log in one engine.

    Attributes
    ----------
    touches : lazy frame
        Of customers who converted: `customer` (a number from 1 in the order of ids; on Spark the id), `touched`
        (microseconds), `code` (place of the channel in `channels`, from 1), columns that break ties, and those asked
        for.
    strangers : lazy frame
        The same of customers who never did, but `customer` is the id; nothing is computed before it is asked for.
    sales : lazy frame
        One row per customer and time of conversion: `customer_id`, `customer`, `sold` (microseconds; conversions of a
        date are at its end, and midnight sharp is a date), `clock` (the same, of a date its beginning), `opens` (the
        first microsecond of its window), `before` (the conversion before it), `number` (of the customer's conversions,
        from 1), `sales` (count), `value`, `square` (sum of squared values), `converted_at`, `conversion_id` (the
        first), and `lead`, `opportunity` (microseconds) where there are milestones.
    channels : object, shape (k,)
        Names in ascending order.
    ties : tuple of str
        Columns that order touches after `touched`.
    like : data frame
        The touches as the caller gave them.
    """

    touches: frames.Frame
    strangers: frames.Frame
    sales: frames.Frame
    channels: NDArray[Any]
    ties: tuple[str, ...]
    like: Any


@dataclass(frozen=True, slots=True)
class Window:
    """What a call asks of journeys: see `attribution.attribute`."""

    as_of: dt.date
    lookback_days: float | None
    sharing: Literal["split", "shared"]
    gap_days: float | None
    by: str

    def __post_init__(self) -> None:
        if self.sharing not in ("split", "shared"):
            raise DomainError(f'sharing must be "split" or "shared", got {self.sharing!r}.')
        for name, days in (("lookback_days", self.lookback_days), ("gap_days", self.gap_days)):
            is_number = isinstance(days, Real) and not isinstance(days, bool)
            if days is not None and not (is_number and 0 < days <= _LONGEST_DAYS):
                raise DomainError(
                    f"{name} must be above 0 and at most {_LONGEST_DAYS:,} (days), or None for no limit, got {days!r}."
                )


def read_window(
    touches: object, conversions: object, window: Window, *, milestones: bool, keep: Sequence[str] = ()
) -> Log:
    """Return `read` for a window."""
    return read(
        *(touches, conversions),
        as_of=window.as_of,
        lookback_days=window.lookback_days,
        by=window.by,
        keep=keep,
        milestones=milestones,
    )


def read(
    touches: Any,
    conversions: Any,
    *,
    as_of: dt.date,
    lookback_days: float | None,
    by: str = "channel",
    keep: Sequence[str] = (),
    milestones: bool = False,
) -> Log:
    """Check both logs, leave out what lies after `as_of`, and number channels and conversions."""
    day = frames.as_day(as_of)
    rows, tied = _touch_rows(touches, day, by, keep)
    sold = _sale_rows(conversions, day, beside=rows)
    rows, sold = schema.same_ids(rows, sold)
    channels = np.array(frames.distinct_rows(rows, ["channel"])["channel"].tolist(), dtype=object)
    _check_names(channels)
    marks = {name: sold.filter(nw.col("milestone") == name) for name in MILESTONES} if milestones else {}
    goals = sold.filter(~nw.col("milestone").is_in(list(MILESTONES)))
    sales = frames.settled(_numbered(goals, lookback_days, marks), like=touches)
    # Most customers never convert, and rules ask nothing about them: they are parted before anything is encoded.
    buyers = sales.filter(nw.col("number") == 1).select("customer_id", "customer")
    known = rows.join(buyers, on="customer_id", how="inner")
    unknown = rows.join(buyers, on="customer_id", how="anti").with_columns(customer=nw.col("customer_id"))
    kept = (*tied, *[name for name in keep if name in frames.names_of(rows)])
    own, others = (_encoded(part, channels, kept) for part in (known, unknown))
    return Log(frames.settled(own, like=touches), others, sales, channels, (*tied, "code"), touches)


def _encoded(rows: frames.Frame, channels: NDArray[Any], kept: Sequence[str]) -> frames.Frame:
    numbers = {"channel": channels, "code": np.arange(1, len(channels) + 1, dtype=np.int16)}
    named = frames.join_small(rows, numbers, on=["channel"]) if len(channels) else rows.with_columns(code=nw.lit(1))
    timed = frames.with_microseconds(named, touched="touched_at")
    return timed.select("customer", "touched", "code", *dict.fromkeys(kept))


def _touch_rows(touches: Any, day: dt.date, by: str, keep: Sequence[str]) -> tuple[frames.Frame, list[str]]:
    own = by != "channel" or bool(keep)
    columns = ("customer_id", "channel", "touched_at", "touch_id", *(schema.TOUCHES.known[4:] if own else ()))
    entered = schema.admit(touches, schema.TOUCHES, columns=columns, passing=by not in schema.TOUCHES.known)
    names = frames.names_of(entered)
    if by not in names:
        raise SchemaError(
            f"touches.{by}: the column is missing; expected one, as by={by!r} asks for it.\n"
            f"Name it with schema.conform(touches, schema.TOUCHES, rename={{...}}), or leave by out."
        )
    past = entered.filter(nw.col("touched_at").cast(nw.Date) <= nw.lit(day))
    text = nw.col(by).cast(nw.String)
    named = past.with_columns(channel=text if by == "channel" else text.fill_null(NONE))
    return named, ["touch_id"] if "touch_id" in names else []


def _sale_rows(conversions: Any, day: dt.date, *, beside: frames.Frame) -> frames.Frame:
    columns = ("customer_id", "converted_at", "value", "milestone", "conversion_id")
    entered = schema.admit(conversions, schema.CONVERSIONS, columns=columns, beside=beside)
    names = frames.names_of(entered)
    past = entered.filter(nw.col("converted_at").cast(nw.Date) <= nw.lit(day))
    value = nw.col("value").cast(nw.Float64).fill_null(0.0) if "value" in names else nw.lit(0.0)
    written = nw.col("milestone").cast(nw.String).fill_null("") if "milestone" in names else nw.lit("")
    mark = written.str.strip_chars().str.to_lowercase()
    timed = frames.with_microseconds(past, clock="converted_at").with_columns(value=value, milestone=mark)
    # pandas keeps dates as stamps at midnight: a row at midnight sharp is a date, whatever its column is.
    sold = nw.when(nw.col("clock") % DAY == 0).then(nw.col("clock") + (DAY - 1)).otherwise(nw.col("clock"))
    squared = timed.with_columns(sold=sold, square=nw.col("value") * nw.col("value"))
    named = [name for name in ("conversion_id",) if name in names]
    return squared.select("customer_id", "sold", "clock", "value", "square", "milestone", "converted_at", *named)


def _check_names(channels: NDArray[Any]) -> None:
    if UNATTRIBUTED in channels:
        raise SchemaError(
            f"touches.channel: a channel is called {UNATTRIBUTED!r}, the name for conversions without a touch.\n"
            f"Rename the channel."
        )
    if len(channels) > np.iinfo(np.int16).max:
        raise SchemaError(
            f"touches.channel: {len(channels)} different channels; expected at most 32767.\n"
            f"Group them first: a channel is a kind of contact, not a single one."
        )


def _numbered(goals: frames.Frame, lookback_days: float | None, marks: dict[str, frames.Frame]) -> frames.Frame:
    """One row per customer and time: conversions of one time are one journey that counts as often."""
    named = [name for name in ("conversion_id",) if name in frames.names_of(goals)]
    at = goals.group_by("customer_id", "sold", "clock").agg(
        nw.col("value").sum(),
        nw.col("square").sum(),
        *[nw.col(name).min() for name in ("converted_at", *named)],
        sales=nw.len(),
    )
    placed = frames.with_places(at, by=["customer_id"], order=["sold", "clock"], before="sold")
    opens = nw.lit(-FAR) if lookback_days is None else nw.col("clock") - round(lookback_days * DAY)
    sales = placed.with_columns(
        sales=nw.col("sales").cast(nw.Int64), number=nw.col("place").cast(nw.Int32), opens=opens.cast(nw.Int64)
    ).with_columns(before=nw.col("before").fill_null(-FAR))
    for name, rows in marks.items():
        sales = _with_milestone(sales, rows.select("customer_id", at=nw.col("sold")), name)
    return frames.value_numbers(sales, of="customer_id", new="customer").select(
        *("customer_id", "customer", "sold", "clock", "opens", "before", "number", "sales", "value", "square"),
        *("converted_at", *named, *marks),
    )


def _with_milestone(sales: frames.Frame, rows: frames.Frame, name: str) -> frames.Frame:
    """Add when the last milestone of a name was reached since the conversion before; `-FAR` if never."""
    between = (nw.col("at") > nw.col("before")) & (nw.col("at") <= nw.col("sold"))
    reached = sales.select("customer_id", "number", "before", "sold").join(rows, on="customer_id", how="inner")
    last = reached.filter(between).group_by("customer_id", "number").agg(nw.col("at").max().alias(name))
    return sales.join(last, on=["customer_id", "number"], how="left").with_columns(nw.col(name).fill_null(-FAR))

"""Summaries that can be merged: yesterday's and today's give the summary of both logs, without reading the old one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.models.season_clock import SeasonClock
from crmkit.summary.tables import Refunds, at_day, checked_keys, history_sums, on_clock, order_rows, settled_refunds

_DAYS = ("first_order_day", "last_order_day")
_MONEY = ("first_amount", "repeat_amount", "early_refunds")
_COUNTS = ("orders", "order_days")
_COLUMNS = (*_COUNTS, *_DAYS, *_MONEY, "sum_log_gap")


def mergeable_summary(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    refunds: Refunds = "exclude",
    by: Sequence[str] = ("customer_id",),
    clock: SeasonClock | None = None,
) -> IntoFrameT:
    """Keep of an order log what it takes to add a later log without reading this one again.

    Parameters
    ----------
    orders, as_of, refunds, by, clock
        As for `purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted by `by`: `orders`, `order_days` (counts), `first_order_day`, `last_order_day`
        (dates), `first_amount` (money of the first order day), `repeat_amount` (money of the order days after it),
        `early_refunds` (refunds before the first order under "net", 0 or less), `sum_log_gap` (as in
        `purchase_summary`). Under "net" a customer with refunds only is kept, with 0 orders and no days: a refund may
        belong to an order of an earlier log. Nothing in it depends on `as_of` but the rows that it saw.
    """
    keys = checked_keys(by)
    rows = order_rows(orders, as_of=as_of, refunds=refunds, by=keys)
    return frames.leave(_mergeable(rows, as_of, refunds, keys, clock), like=orders, sort=keys)


def _mergeable(
    rows: frames.Frame, as_of: dt.date, refunds: Refunds, keys: list[str], clock: SeasonClock | None
) -> frames.Frame:
    amount = nw.col("amount")
    if refunds == "net":
        sales = settled_refunds(rows, keys)
    else:
        sales = rows.filter(amount >= 0).with_columns(sale=nw.lit(1), early=nw.lit(0))
    is_early = nw.col("early") > 0
    sums = history_sums(
        sales,
        as_of,
        keys,
        clock,
        orders=nw.col("sale"),
        first_amount=nw.when((nw.col("rank") == 1) & ~is_early).then(amount).otherwise(0.0),
        early_refunds=nw.when(is_early).then(amount).otherwise(0.0),
    )
    bought = nw.col("orders") > 0
    return sums.with_columns(
        order_days=nw.when(bought).then(nw.col("frequency") + 1).otherwise(0),
        sum_log_gap=nw.col("log_units").cast(nw.Int64) / 1e9,
        **{name: nw.when(bought).then(nw.col(name)) for name in _DAYS},
    ).select(*keys, *_in_kind())


def _in_kind() -> list[nw.Expr]:
    return [
        *[nw.col(name).cast(nw.Int64) for name in _COUNTS],
        *[nw.col(name).cast(nw.Date) for name in _DAYS],
        *[frames.money(nw.col(name)) for name in _MONEY],
        nw.col("sum_log_gap").cast(nw.Float64),
    ]


def merge_summaries(
    earlier: IntoFrameT,
    later: IntoFrameT,
    *,
    by: Sequence[str] = ("customer_id",),
    clock: SeasonClock | None = None,
) -> IntoFrameT:
    """Merge the summaries of two logs that follow each other: what the summary of both logs in one would be.

    Parameters
    ----------
    earlier, later : data frame, `schema.MERGEABLE`
        From `mergeable_summary` or from this function, with the same `refunds`, `by` and `clock`. All orders of `later`
        lie on days after those of `earlier`. Either may be empty.
    by, clock
        As for `mergeable_summary`.

    Returns
    -------
    data frame like `earlier`
        As of `mergeable_summary`, one row per customer of either, sorted by `by`.

    Raises
    ------
    SchemaError
        The days of the two overlap, or a customer stands in one of them twice.

    Notes
    -----
    Equal to the summary of the whole log to the last digit, if money has at most 6 decimals and the lines of an order
    are all in one of the two logs. Merging is associative: days may be merged to weeks, weeks to years. A gap spans
    the two logs, from `last_order_day` of the one to `first_order_day` of the other; the first order day of `later`
    becomes a repeat; its `early_refunds` are taken off the last order day of `earlier`.

    References
    ----------
    Agarwal, Cormode, Huang, Phillips, Wei & Yi (2012), Mergeable summaries, PODS, section 1, for the notion.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> log = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "amount": [20.0, 40.0, 15.0],
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-03-01"])})
    >>> february, march = dt.date(2024, 2, 29), dt.date(2024, 3, 31)
    >>> kept = mergeable_summary(log[:1], as_of=february)
    >>> kept = merge_summaries(kept, mergeable_summary(log[1:], as_of=march))
    >>> summary_at(kept, as_of=march)[["customer_id", "frequency", "recency", "T", "monetary_value"]]
      customer_id  frequency  recency   T  monetary_value
    0         ann          1       56  86            40.0
    1         bob          0        0  30             0.0
    """
    keys = checked_keys(by)
    before = _admitted(earlier, keys, "earlier")
    after = _admitted(later, keys, "later", beside=before)
    for key in keys:
        before, after = frames.same_keys(before, after, key)
    rows = nw.concat([before.with_columns(part=nw.lit(0)), after.with_columns(part=nw.lit(1))])
    paired = frames.settled(_paired(rows, keys), like=earlier)
    until = _checked(paired, keys)
    return frames.leave(_merged(paired, keys, clock, until), like=earlier, sort=keys, same=keys)


def _admitted(table: Any, keys: list[str], name: str, beside: frames.Frame | None = None) -> frames.Frame:
    lacking = [key for key in keys if key not in frames.column_names(table)]
    if lacking:
        raise SchemaError(
            f"{name}.{lacking[0]}: the column is missing; expected one, as by={keys} asks for it.\n"
            f"Make the summary with mergeable_summary(orders, by={keys}, ...)."
        )
    entered = schema.admit(table, schema.MERGEABLE, columns=(*keys, *_COLUMNS), beside=beside)
    return entered.select(*keys, *_in_kind())


def _paired(rows: frames.Frame, keys: list[str]) -> frames.Frame:
    """One row per customer: what both parts add up to, and of each part what the other's place decides on."""
    is_before = nw.col("part") == 0
    units = (nw.col("sum_log_gap") * 1e9).round(0).cast(nw.Int64)  # back to the integers that they were summed as
    parted = rows.with_columns(
        parts_before=frames.one_if(is_before),
        parts_after=frames.one_if(~is_before),
        days_before=nw.when(is_before).then(nw.col("order_days")).otherwise(0),
        first_before=nw.when(is_before).then(nw.col("first_amount")).otherwise(0.0),
        first_after=nw.when(is_before).then(0.0).otherwise(nw.col("first_amount")),
        early_before=nw.when(is_before).then(nw.col("early_refunds")).otherwise(0.0),
        early_after=nw.when(is_before).then(0.0).otherwise(nw.col("early_refunds")),
        ended=nw.when(is_before).then(nw.col("last_order_day")),
        begun=nw.when(~is_before).then(nw.col("first_order_day")),
        log_units=units,
    )
    summed = ("parts_before", "parts_after", "days_before")
    money = ("first_before", "first_after", "early_before", "early_after", "repeat_amount")
    return parted.group_by(*keys).agg(
        *[nw.col(name).sum() for name in (*summed, *money, *_COUNTS, "log_units")],
        nw.col("first_order_day").min(),
        nw.col("last_order_day").max(),
        nw.col("ended").max(),
        nw.col("begun").min(),
    )


def _checked(paired: frames.Frame, keys: list[str]) -> dt.date | None:
    """Refuse what can't be merged; returns the last of the days on which the later log begins for a customer."""
    most = paired.select(
        nw.col("parts_before").max(),
        nw.col("parts_after").max(),
        nw.col("ended").max(),
        nw.col("begun").min(),
        latest=nw.col("begun").max(),
    )
    found = frames.arrays(most, ["parts_before", "parts_after", "ended", "begun", "latest"])
    for name, rows in (("earlier", found["parts_before"][0]), ("later", found["parts_after"][0])):
        if rows is not None and rows > 1:
            raise SchemaError(
                f"{name}: {' and '.join(keys)} stand in more than one row; expected one row each.\n"
                f"Merge what was appended: merge_summaries(earlier, later)."
            )
    ended, begun, latest = (found[name].astype("datetime64[D]")[0].item() for name in ("ended", "begun", "latest"))
    if ended is not None and begun is not None and begun <= ended:
        raise SchemaError(
            f"later begins on {begun}, and earlier ends on {ended}; expected logs that follow each other.\n"
            f"Give each day to one log, the earlier first: orders of earlier up to a day, of later from the day after."
        )
    return None if latest is None else latest


def _merged(paired: frames.Frame, keys: list[str], clock: SeasonClock | None, until: dt.date | None) -> frames.Frame:
    spanned = _spanned(paired, clock, until)
    is_new, is_second = nw.col("days_before") == 0, nw.col("days_before") == 1
    first, early = nw.col("first_after"), nw.col("early_after")
    # What is taken off the last order day of the earlier log is taken off its first where that is the same day.
    off_first = nw.when(is_second).then(early).otherwise(0.0)
    off_repeats = nw.when(is_new | is_second).then(0.0).otherwise(early)
    return spanned.with_columns(
        first_amount=nw.when(is_new).then(first).otherwise(nw.col("first_before") + off_first),
        repeat_amount=nw.col("repeat_amount") + off_repeats + nw.when(is_new).then(0.0).otherwise(first),
        early_refunds=nw.col("early_before") + nw.when(is_new).then(early).otherwise(0.0),
        sum_log_gap=(nw.col("log_units") + nw.col("log_gap")).cast(nw.Int64) / 1e9,
    ).select(*keys, *_in_kind())


def _spanned(paired: frames.Frame, clock: SeasonClock | None, until: dt.date | None) -> frames.Frame:
    """Add the gap from the last order day of the earlier log to the first of the later one."""
    if clock is None or until is None:
        return frames.with_log_gap(paired, start="ended", end="begun")
    left = on_clock(paired, clock, until, day="ended", at="clock_ended").drop("day_number")
    timed = on_clock(left, clock, until, day="begun", at="clock_begun")
    return frames.with_log_gap(timed, start="ended", end="begun", clock=("clock_ended", "clock_begun"))


def summary_at(merged: IntoFrameT, *, as_of: dt.date, by: Sequence[str] = ("customer_id",)) -> IntoFrameT:
    """Purchase summary at a day, from what was kept of the log.

    Parameters
    ----------
    merged : data frame, `schema.MERGEABLE`
        From `merge_summaries` or `mergeable_summary`.
    as_of : date
        Last day that the merged logs cover, inclusive.
    by
        As for `mergeable_summary`.

    Returns
    -------
    data frame like `merged`
        As of `purchase_summary`: customers with at least one order.

    Raises
    ------
    DomainError
        There are orders after `as_of`: what has been summed up can't be taken apart.
    """
    keys = checked_keys(by)
    kept = mergeable_rows(merged, as_of=as_of, by=keys)
    sums = kept.filter(nw.col("order_days") > 0).with_columns(
        frequency=nw.col("order_days") - 1, log_units=(nw.col("sum_log_gap") * 1e9).round(0)
    )
    return frames.leave(at_day(sums, as_of, keys), like=merged, sort=keys, same=keys)


def mergeable_rows(merged: Any, *, as_of: dt.date, by: Sequence[str] = ("customer_id",)) -> frames.Frame:
    """Take a mergeable summary in for what is read off it at a day; DomainError if it holds orders after that."""
    day, kept = frames.as_day(as_of), _admitted(merged, checked_keys(by), "merged")
    last = frames.arrays(kept.select(nw.col("last_order_day").max()), ["last_order_day"])["last_order_day"]
    latest = last.astype("datetime64[D]")[0].item()
    if latest is not None and latest > day:
        raise DomainError(
            f"as_of is {day}, and the summary holds orders up to {latest}; expected no day before the last order.\n"
            f"What has been summed up can't be taken apart: take the summary that was kept on {day}."
        )
    return kept

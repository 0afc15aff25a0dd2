"""What each channel cost in a period."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError

Period: TypeAlias = tuple[dt.date, dt.date]


def cost_by_channel(costs: Any, period: Period | None) -> dict[str, float]:
    """Add up costs by channel; rows that lie partly in the period count by their share of days in it."""
    bounds = None if period is None else _checked(period)
    dated = [] if bounds is None else ["period_start", "period_end"]
    entered = schema.admit(costs, schema.COSTS, columns=["channel", "cost", *dated])
    if bounds is not None:
        absent = [name for name in dated if name not in frames.names_of(entered)]
        if absent:
            raise SchemaError(
                f"costs: column {absent[0]!r} is missing; a period needs the days that each cost is for.\n"
                f"Add period_start and period_end (first and last day), or leave period out to count every row."
            )
        entered = _within(entered, *bounds)
    sums = entered.group_by("channel").agg(cost=nw.col("cost").sum()).with_columns(cost=frames.money(nw.col("cost")))
    cells = frames.arrays(sums, ["channel", "cost"])
    return {str(name): float(cost) for name, cost in zip(cells["channel"], cells["cost"], strict=True)}


def days_of(costs: Any) -> Period | None:
    """First and last day that costs are for; None where they do not say, or only in part."""
    if not {"period_start", "period_end"} <= set(frames.column_names(costs)):
        return None
    entered = schema.admit(costs, schema.COSTS, columns=["channel", "cost", "period_start", "period_end"])
    days = entered.with_columns(begins=nw.col("period_start").cast(nw.Date), ends=nw.col("period_end").cast(nw.Date))
    numbered = frames.with_day_numbers(days, begin="begins", end="ends")
    ends = frames.arrays(
        numbered.select(
            first=nw.col("begin").min(),
            last=nw.col("end").max(),
            undated=(frames.one_if(nw.col("begin").is_null() | nw.col("end").is_null())).sum(),
            rows=nw.len(),
        ),
        ["first", "last", "undated", "rows"],
    )
    if not int(ends["rows"][0]) or int(ends["undated"][0]):
        return None
    return dt.date.fromordinal(int(ends["first"][0])), dt.date.fromordinal(int(ends["last"][0]))


def _checked(period: Period) -> Period:
    if not isinstance(period, tuple) or len(period) != 2:
        raise DomainError(f"period must be a pair of dates, its first and its last day, got {period!r}.")
    first, last = (frames.as_day(day) for day in period)
    if first > last:
        raise DomainError(f"period must begin before it ends, got {first} to {last}.")
    return first, last


def _within(entered: frames.Frame, first: dt.date, last: dt.date) -> frames.Frame:
    """Cut each cost to the period, evenly over its days, the last one included."""
    days = entered.with_columns(
        begins=nw.col("period_start").cast(nw.Date),
        ends=nw.col("period_end").cast(nw.Date),
    )
    numbered = frames.with_day_numbers(days, begin="begins", end="ends")
    _check_days(numbered)
    cut = numbered.with_columns(
        begin_in=nw.col("begin").clip(lower_bound=first.toordinal()),
        end_in=nw.col("end").clip(upper_bound=last.toordinal()),
    )
    inside = cut.with_columns(inside=(nw.col("end_in") - nw.col("begin_in") + 1).clip(lower_bound=0).cast(nw.Float64))
    share = nw.col("inside") / (nw.col("end") - nw.col("begin") + 1).cast(nw.Float64)
    return inside.with_columns(cost=nw.col("cost").cast(nw.Float64) * share)


def _check_days(numbered: frames.Frame) -> None:
    unknown = nw.col("begin").is_null() | nw.col("end").is_null()
    flags = numbered.with_columns(
        undated=frames.one_if(unknown), turned=frames.one_if(~unknown & (nw.col("begin") > nw.col("end")))
    )
    sums = frames.arrays(
        flags.select(nw.col("undated").sum(), nw.col("turned").sum(), rows=nw.len()), ["undated", "turned", "rows"]
    )
    rows = int(sums["rows"][0])
    undated, turned = (int(sums[name][0]) if rows else 0 for name in ("undated", "turned"))
    if undated:
        raise SchemaError(
            f"costs: {undated} of {rows} rows lack period_start or period_end; with period, each cost needs both.\n"
            f"Fill them in, or leave period out to count every row."
        )
    if turned:
        raise SchemaError(
            f"costs: {turned} of {rows} rows end before they begin; expected period_start <= period_end.\n"
            f"Correct them where the table is made."
        )

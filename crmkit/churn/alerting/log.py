"""One pass over an order log: what was known of each customer on several days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, summary
from crmkit.churn.alerting.rules import DECLINES, AlertRule

YEAR = 365
# Money is summed in ten-thousandths: whole sums are the same in every run and on every engine.
UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Days:
    """Days of one call, as ordinals: today first, then the earlier days of the back-test, a horizon apart."""

    today: int
    horizon: int
    cuts: int

    @property
    def snapshots(self) -> list[int]:
        """Every day on which the rules are asked; on none before the calendar."""
        return [day for k in range(self.cuts + 1) if (day := self.today - k * self.horizon) > 0]

    def counted(self, rules: Sequence[AlertRule]) -> list[int]:
        """Days up to which order days are counted."""
        return sorted({*self.snapshots, *self._edges(rules, DECLINES)})

    def summed(self, rules: Sequence[AlertRule], *, revenue: bool) -> list[int]:
        """Days up to which money is summed."""
        year = {self.today, self.today - YEAR} if revenue else set()
        return sorted({*year, *self._edges(rules, ("falling_spend",))})

    def _edges(self, rules: Sequence[AlertRule], kinds: Iterable[str]) -> set[int]:
        windows = {(rule.window_days, rule.windows_before) for rule in rules if rule.kind in kinds}
        return {day - back for day in self.snapshots for w, m in windows for back in (0, w, (m + 1) * w)}


def booked_days(orders: Any, *, as_of: dt.date, refunds: summary.Refunds) -> frames.Frame:
    """One row per customer and day on which something was booked: `customer_id`, `order_day`, `sale`, `units`.

    `sale` is 1 on an order day; only then are refunds absent, so that the columns are the same for all. What was booked
    on a day never depends on later rows: an order is a sale by its rows of its first day, and whatever is booked on
    it later is money of the later day.
    """
    lines = summary.order_lines(orders, as_of=as_of, refunds=refunds)
    first = frames.one_if(nw.lit(True))
    if "order_id" in frames.names_of(lines):
        lines = _parts_of_orders(lines)
        first = frames.one_if(nw.col("is_first"))
    if refunds != "net":
        lines = lines.filter(nw.col("amount") >= 0)
    marked = lines.with_columns(sale=first * frames.one_if(nw.col("amount") >= 0))
    days = marked.group_by("customer_id", "order_day").agg(nw.col("sale").max(), nw.col("amount").sum())
    return days.with_columns(nw.col("sale").cast(nw.Int64), units=(nw.col("amount") * UNITS).round(0).cast(nw.Int64))


def _parts_of_orders(lines: frames.Frame) -> frames.Frame:
    """One row per order and day on which it was booked; a row without order id is an order."""
    columns = ["customer_id", "order_day", "amount", "is_first"]
    without = nw.col("order_id").is_null()
    parts = lines.filter(~without).group_by("customer_id", "order_id", "order_day").agg(nw.col("amount").sum())
    first_day = nw.col("order_day").min().over("customer_id", "order_id")
    whole = parts.with_columns(frames.money(nw.col("amount")), is_first=nw.col("order_day") == first_day)
    single = lines.filter(without).with_columns(is_first=nw.lit(True))
    return nw.concat([whole.select(*columns), single.select(*columns)])


def numbered_days(booked: frames.Frame) -> frames.Frame:
    """Add `day` (ordinal) and `gap_days` (to the order day before) to `booked_days`."""
    # Gaps lie between order days; days with nothing but refunds stand in a partition of their own.
    rows = frames.with_gaps(booked, day="order_day", by=["customer_id", "sale"])
    return frames.with_day_numbers(rows, day="order_day").select("customer_id", "day", "sale", "units", "gap_days")


def known_on(rows: frames.Frame, rules: Sequence[AlertRule], days: Days, *, revenue: bool) -> frames.Frame:
    """One row per customer with an order day, from `numbered_days`.

    For each day c of `days.snapshots`: `last_c` (ordinal of the last order day on or before it), `cycle_c` (median gap
    between order days up to it; days), both missing before the first; `n_c` (order days up to it), also for the edges
    of windows; `s_c` (money up to it, in units); and `first` (ordinal of the first order day).
    """
    day, is_sale = nw.col("day"), nw.col("sale") == 1
    columns: dict[str, nw.Expr] = {"first": nw.when(is_sale).then(day)}
    columns |= {f"last_{c}": nw.when(is_sale & (day <= c)).then(day) for c in days.snapshots}
    columns |= {f"n_{c}": frames.one_if(is_sale & (day <= c)) for c in days.counted(rules)}
    sums = days.summed(rules, revenue=revenue)
    columns |= {f"s_{c}": nw.when(day <= c).then(nw.col("units")).otherwise(0) for c in sums}
    totals = rows.with_columns(**columns).group_by("customer_id").agg(*[_total(name) for name in columns])
    known = totals.filter(~nw.col("first").is_null()).with_columns(nw.col(*columns).cast(nw.Int64))
    if not any(rule.kind == "own_cycle_silence" for rule in rules):
        return known
    return known.join(_cycles(rows, days), on="customer_id", how="left")


def _cycles(rows: frames.Frame, days: Days) -> frames.Frame:
    """Median gaps; apart from the sums, as both in one grouping leave the memory."""
    gaps = rows.filter((nw.col("sale") == 1) & ~nw.col("gap_days").is_null())
    columns = {f"cycle_{c}": nw.when(nw.col("day") <= c).then(nw.col("gap_days")) for c in days.snapshots}
    medians = gaps.with_columns(**columns).group_by("customer_id").agg(*[nw.col(name).median() for name in columns])
    return medians.with_columns(nw.col(*columns).cast(nw.Float64))


def _total(name: str) -> nw.Expr:
    column = nw.col(name)
    return column.min() if name == "first" else column.max() if name.startswith("last") else column.sum()

"""Windows over the log, written so that one sort serves them."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from crmkit.frames import spark
from crmkit.frames.expressions import quoted
from crmkit.frames.native import Frame, wrapped

_LOG_GAP = "case when gap_days > 0 then cast(round(ln({}) * 1e9) as bigint) else 0 end as log_gap"


def with_gaps(frame: Frame, *, day: str, by: Sequence[str], clock: str | None = None) -> Frame:
    """Add what lies between the rows of each `by`, in the order of a date column.

    Adds `gap_days` (days since the row before; missing on the first), `log_gap` (ln of a gap of a day or more in units
    of 1e-9, whole so that sums are the same in every run; else 0) and `rank` (from 1; rows of one day alike). With
    `clock`, a column that rises with the day, `log_gap` is that of the clock's time between the rows.
    """
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        return _with_gaps_polars(frame, day, by, clock)
    own, parts = quoted(day, engine), ", ".join(quoted(name, engine) for name in by)
    # narwhals orders missing values first in one window and last in the other, which costs a second sort.
    window = f"over (partition by {parts} order by {own})"
    before = f"lag({own}) {window}"
    gap = f"{own} - {before}" if engine.is_duckdb() else f"cast(datediff({own}, {before}) as bigint)"
    gaps, time = ["*", f"{gap} as gap_days", f"rank() {window} as rank"], "gap_days"
    if clock is not None:
        time = quoted("clock_gap", engine)
        gaps.append(f"{quoted(clock, engine)} - lag({quoted(clock, engine)}) {window} as {time}")
    logs = ["*", _LOG_GAP.format(time)]
    if engine.is_duckdb():
        return wrapped(native.project(", ".join(gaps)).project(", ".join(logs)))
    return wrapped(native.selectExpr(*gaps).selectExpr(*logs))


def _with_gaps_polars(frame: Frame, day: str, by: Sequence[str], clock: str | None) -> Frame:
    before = nw.col(day).shift(1).over(*by, order_by=[day])
    windows = frame.with_columns(gap_days=before, rank=nw.col(day).rank("min").over(*by))
    time = nw.col("gap_days")
    if clock is not None:
        ticks = nw.col(clock)
        windows = windows.with_columns(clock_gap=ticks - ticks.shift(1).over(*by, order_by=[day]))
        time = nw.col("clock_gap")
    gap = (nw.col(day) - nw.col("gap_days")).dt.total_seconds() // 86_400
    return windows.with_columns(gap_days=gap).with_columns(log_gap=_log_gap_polars(time))


def _log_gap_polars(time: nw.Expr) -> nw.Expr:
    known = nw.when(nw.col("gap_days") > 0).then(time).otherwise(1).cast(nw.Float64)
    return (known.log() * 1e9).round(0).cast(nw.Int64)


def with_log_gap(frame: Frame, *, start: str, end: str, clock: Sequence[str] = ()) -> Frame:
    """Add the `gap_days` between two date columns, and its `log_gap` as `with_gaps` has it; 0 where a date is missing.

    With `clock`, the columns of a clock at `start` and `end`, `log_gap` is that of the time between them.
    """
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        gap = (nw.col(end) - nw.col(start)).dt.total_seconds() // 86_400
        time = nw.col(clock[1]) - nw.col(clock[0]) if clock else nw.col("gap_days")
        return frame.with_columns(gap_days=gap).with_columns(log_gap=_log_gap_polars(time))
    first, last = quoted(start, engine), quoted(end, engine)
    gap_days = f"{last} - {first}" if engine.is_duckdb() else f"cast(datediff({last}, {first}) as bigint)"
    passed = f"{quoted(clock[1], engine)} - {quoted(clock[0], engine)}" if clock else "gap_days"
    gaps, logs = ["*", f"{gap_days} as gap_days"], ["*", _LOG_GAP.format(passed)]
    if engine.is_duckdb():
        return wrapped(native.project(", ".join(gaps)).project(", ".join(logs)))
    return wrapped(native.selectExpr(*gaps).selectExpr(*logs))


def with_places(
    frame: Frame, *, by: Sequence[str], order: Sequence[str], lengths: bool = False, before: str | None = None
) -> Frame:
    """Count the rows of each `by` in an order: `place` from 1; missing values of `order` come last.

    With `lengths`, `length` is the number of rows of the group; with `before`, `before` is that column's value in the
    row before, missing in the first.
    """
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        return _with_places_polars(frame, by, order, lengths, before)
    parts = ", ".join(quoted(name, engine) for name in by)
    ordered = ", ".join(f"{quoted(name, engine)} asc nulls last" for name in order)
    window = f"over (partition by {parts} order by {ordered}"
    made = ["*", f"cast(row_number() {window}) as bigint) as place"]
    if lengths:
        # In the order of the other windows, so that one sort serves all.
        whole = "rows between unbounded preceding and unbounded following)"
        made.append(f"cast(count(*) {window} {whole} as bigint) as length")
    if before is not None:
        made.append(f"lag({quoted(before, engine)}) {window}) as before")
    return wrapped(native.project(", ".join(made)) if engine.is_duckdb() else native.selectExpr(*made))


def ranked(frame: Frame, *, by: str) -> Frame:
    """Rank all rows by a column of floats in `rank`: 1 is the greatest, equal ones share it, missing ones have none."""
    if frame.implementation.is_spark_like():
        return wrapped(spark.ranked(frame.to_native(), by, "rank"))
    return frame.with_columns(rank=nw.col(by).rank("min", descending=True).cast(nw.Int64))


def row_numbers(frame: Frame, *, by: str, new: str) -> Frame:
    """Give each row something of its own that is quickly joined and grouped; rows differ in the column `by`.

    A whole number, from 0 in the order of `by`; on Spark, where that needs all rows in one task, `by` itself.
    """
    if frame.implementation.is_spark_like():
        return frame.with_columns(**{new: nw.col(by)})
    return frame.with_row_index(new, order_by=by)


def _with_places_polars(
    frame: Frame, by: Sequence[str], order: Sequence[str], lengths: bool, before: str | None
) -> Frame:
    import polars as pl

    sorted_ = frame.to_native().sort(*by, *order, nulls_last=True)
    made = {"place": pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(*by)}
    if lengths:
        made["length"] = pl.len().cast(pl.Int64).over(*by)
    if before is not None:
        made["before"] = pl.col(before).shift(1).over(*by)
    return wrapped(sorted_.with_columns(**made))

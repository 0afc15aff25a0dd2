"""Windows over the log, written so that one sort serves them."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit.frames.expressions import quoted
from crmkit.frames.native import Frame, wrapped


def with_row_before(frame: Frame, *, order: str, by: str) -> Frame:
    """Add `before` (`order` of the row before, within `by`) and `rank` (from 1; equal rows alike).

    narwhals orders missing values first in one of these and last in the other, which costs SQL engines a second sort.
    """
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        before = nw.col(order).shift(1).over(by, order_by=[order])
        return frame.with_columns(before=before, rank=nw.col(order).rank("min").over(by))
    value = quoted(order, engine)
    window = f"over (partition by {quoted(by, engine)} order by {value})"
    parts = ["*", f"lag({value}) {window} as before", f"rank() {window} as rank"]
    return wrapped(native.project(", ".join(parts)) if engine.is_duckdb() else native.selectExpr(*parts))

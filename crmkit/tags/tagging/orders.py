"""From order lines to orders, with what rules ask of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.tags.rules.conditions import Attribute
from crmkit.tags.tagging.matches import holds

_KEY: Final = ["customer_id", "order_id"]
_ADDED_UP: Final = ("amount", "quantity")  # of the lines of an order; of other numbers the largest counts


def marked_rows(rows: frames.Frame, marks: Mapping[str, Attribute], numbers: list[str]) -> frames.Frame:
    """Mark the rows of a log: `customer_id`, `crmkit_day`, `numbers`, and 0 or 1 by mark."""
    found = {name: frames.one_if(holds(when)) for name, when in marks.items()}
    chosen = rows.with_columns(**found) if found else rows
    return chosen.select("customer_id", "crmkit_day", *dict.fromkeys(numbers), *marks)


def marked_orders(
    lines: frames.Frame, marks: Mapping[str, Attribute], numbers: list[str], *, net: bool
) -> frames.Frame:
    """Make one row per order, marked as by `marked_rows`, with `crmkit_sale`: 1, or 0 for a refund.

    Rows of one customer with one `order_id` are an order, on the day of the first; a row without is one of its own. A
    text of an order is that of any of its lines; its amount and quantity are added up, other numbers are the largest.
    Refunds stay only if `net`.
    """
    kinds = frames.kinds_of(lines, {when.column for when in marks.values()})
    counted = list(dict.fromkeys(["amount", *numbers, *(name for name, kind in kinds.items() if kind == nw.Float64)]))
    of_lines = {name: when for name, when in marks.items() if when.column not in counted}
    whole = marked_rows(lines.with_columns(nw.col("amount").cast(nw.Float64)), of_lines, counted)
    if "order_id" in frames.names_of(lines):
        whole = _added_up(lines, of_lines, counted)
    of_orders = {name: when for name, when in marks.items() if name not in of_lines}
    found = {name: frames.one_if(holds(when)) for name, when in of_orders.items()}
    marked = whole.with_columns(**found, crmkit_sale=frames.one_if(nw.col("amount") >= 0))
    return marked if net else marked.filter(nw.col("crmkit_sale") == 1)


def _added_up(lines: frames.Frame, marks: Mapping[str, Attribute], numbers: list[str]) -> frames.Frame:
    found = {name: frames.one_if(holds(when)) for name, when in marks.items()}
    rows = lines.with_columns(nw.col("amount").cast(nw.Float64), **found)
    columns = ["customer_id", "crmkit_day", *numbers, *marks]
    without = nw.col("order_id").is_null()
    sums = {name: nw.col(name).sum() if name in _ADDED_UP else nw.col(name).max() for name in numbers}
    most = {name: nw.col(name).max() for name in marks}
    whole = rows.filter(~without).group_by(*_KEY).agg(crmkit_day=nw.col("crmkit_day").min(), **sums, **most)
    rounded = whole.with_columns(frames.money(nw.col(name)) for name in numbers if name in _ADDED_UP)
    return nw.concat([rounded.select(*columns), rows.filter(without).select(*columns)])

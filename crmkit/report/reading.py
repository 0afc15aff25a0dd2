"""Looks into result tables of any size: the first few rows, counts, sums; nothing else leaves the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from crmkit import frames

Kind: TypeAlias = Literal["text", "number", "day"]
Row: TypeAlias = dict[str, Any]


def entered(table: Any, columns: Mapping[str, Kind]) -> frames.Frame:
    """Take columns of a table into its engine, as the types that they have in the batch's Parquet files.

    Results that were kept as CSV are texts; a column that the table lacks is missing in every row.
    """
    there = [name for name in columns if name in frames.column_names(table)]
    types: dict[Kind, Any] = {"text": nw.String, "number": nw.Float64, "day": nw.Date}
    frame = frames.enter(table, columns=there)
    return frame.select(
        *[
            nw.col(name).cast(types[kind]) if name in there else nw.lit(None).cast(types[kind]).alias(name)
            for name, kind in columns.items()
        ]
    )


def top(
    table: Any,
    columns: Mapping[str, Kind],
    *,
    by: str,
    key: Sequence[str],
    limit: int,
    where: nw.Expr | None = None,
) -> list[Row]:
    """Read the rows with the largest value of a column, the largest first, ties by `key`.

    Parameters
    ----------
    table : data frame
        Of any library and size.
    columns : mapping of str to {"text", "number", "day"}
        What is read.
    by : str
        Column to sort by; rows without a value come last.
    key : sequence of str
        Columns that tell rows apart.
    limit : int
        Rows at most.
    where : expression, optional
        Which rows.

    Returns
    -------
    list of dict
        Texts, floats, dates; None where there is nothing.
    """
    frame = entered(table, columns)
    chosen = frame if where is None else frame.filter(where)
    order = [by, *(name for name in key if name != by)]
    first = chosen.sort(*order, descending=[True, *(False for _ in order[1:])], nulls_last=True).head(limit)
    return rows(first, list(columns))


def grouped(
    table: Any,
    columns: Mapping[str, Kind],
    *,
    by: Sequence[str],
    aggregates: Mapping[str, nw.Expr],
    where: nw.Expr | None = None,
) -> list[Row]:
    """Aggregate a table by columns of few values; rows are sorted by these."""
    frame = entered(table, columns)
    chosen = frame if where is None else frame.filter(where)
    return rows(chosen.group_by(*by).agg(**aggregates).sort(*by), [*by, *aggregates])


def summed(
    table: Any, columns: Mapping[str, Kind], *, aggregates: Mapping[str, nw.Expr], where: nw.Expr | None = None
) -> Row:
    """Aggregate a whole table to one row."""
    frame = entered(table, columns)
    chosen = frame if where is None else frame.filter(where)
    return rows(chosen.select(**aggregates), list(aggregates))[0]


def counted(table: Any) -> int:
    """Count the rows of a table."""
    return int(rows(frames.enter(table).select(rows=nw.len()), ["rows"])[0]["rows"])


def rows(frame: frames.Frame, names: Sequence[str]) -> list[Row]:
    """Hand a few rows over as plain values."""
    columns = frames.arrays(frame, list(names))
    cells = zip(*(_plain(columns[name]) for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in cells]


def _plain(column: npt.NDArray[Any]) -> list[Any]:
    if column.dtype.kind == "M":
        return [_date(value) for value in column.astype("datetime64[D]")]
    return [None if value is None or value != value else value for value in column.tolist()]


def _date(value: np.datetime64) -> dt.date | None:
    found: Any = value.item()
    return found if isinstance(found, dt.date) else None

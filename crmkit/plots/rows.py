"""Tables that figures show, checked and read into rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from crmkit import frames, schema
from crmkit.schema import Table


def rows(table: Any, expected: Table) -> list[dict[str, Any]]:
    """Read a finished table, small enough to be drawn, row by row in its own order.

    Parameters
    ----------
    table : data frame
        From the function that `expected` names.
    expected : Table
        Its columns; optional ones that the table lacks are absent from the rows.

    Returns
    -------
    list of dict of str to value
        Texts, floats, ints, truth values, `datetime.datetime`; None where the table has nothing.

    Raises
    ------
    SchemaError
        A column is missing or holds what it may not.
    """
    names = [name for name in expected.known if name in frames.column_names(table)]
    return plain_rows(schema.admit(table, expected), names)


def plain_rows(entered: frames.Frame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Hand over what was cut down or counted in its engine, row by row; None where there is nothing.

    Parameters
    ----------
    entered : lazy frame
        Admitted by `schema.admit`, small by now.
    names : sequence of str
        Its columns to read.

    Returns
    -------
    list of dict of str to value
        As `rows` gives them.
    """
    columns = frames.arrays(entered, names)
    cells = zip(*(_plain(columns[name]) for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in cells]


def _plain(column: npt.NDArray[Any]) -> list[Any]:
    if column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # in nanoseconds, a list of them would be integers
    return [None if value != value else value for value in column.tolist()]

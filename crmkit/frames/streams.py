"""Arrow streams of other systems: a few rows, or the names of their columns."""

from __future__ import annotations

from typing import Any

import duckdb


def rows_of(stream: Any) -> list[tuple[Any, ...]]:
    """Read all rows of a short Arrow stream; time stamps with a zone are not among them."""
    with duckdb.connect() as connection:
        return list(connection.from_arrow(stream).fetchall())


def names_in(stream: Any) -> list[str]:
    """Names of the columns of an Arrow stream."""
    with duckdb.connect() as connection:
        return list(connection.from_arrow(stream).columns)

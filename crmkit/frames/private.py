"""A DuckDB of one's own."""

from __future__ import annotations

import duckdb


def private_connection() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB in memory that draws no progress bar: a library says nothing of its own accord.

    Private, because other systems call from threads. The bar is asked about before it is turned off: in a notebook
    without ipywidgets there is none, and DuckDB refuses every change of its setting, even to "off".
    """
    connection = duckdb.connect()
    if connection.execute("select current_setting('enable_progress_bar')").fetchall()[0][0]:
        connection.execute("set enable_progress_bar = false")
    return connection

"""Parquet files are whole or absent, the same from every library."""

import datetime as dt

import duckdb
import pandas as pd
import pytest

from crmkit import frames
from tests.engines import to_engine, to_pandas

TABLE = pd.DataFrame(
    {
        "customer_id": ["ann", "bob", None],
        "orders": [1, 2, 3],
        "revenue": [1.5, None, -2.0],
        "last_order_day": pd.to_datetime([dt.date(2024, 1, 5), None, dt.date(2024, 2, 29)]).astype("datetime64[us]"),
    }
).astype({"customer_id": "str"})


def test_parquet_holds_the_same_rows_from_every_library(engine, tmp_path):
    file = tmp_path / "it's a folder" / "table.parquet"
    assert frames.write_parquet(to_engine(engine, TABLE), file) == file
    with duckdb.connect() as connection:
        written = to_pandas(connection.read_parquet(str(file)))
    pd.testing.assert_frame_equal(written, to_pandas(TABLE))
    assert [found.name for found in file.parent.iterdir()] == ["table.parquet"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    file = tmp_path / "table.parquet"
    file.write_text("old")
    nothing_written = frames.written_aside(file)
    with pytest.raises(FileNotFoundError), nothing_written:
        pass
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("table.parquet", "old")]

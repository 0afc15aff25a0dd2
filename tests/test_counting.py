"""Rows that meet conditions: counted as pandas counts them, on every engine."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from crmkit import frames
from tests import engines

ROWS = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": ["x", None, "y", "x"]})
CONDITIONS = {"large": nw.col("a") > 1.5, "x": nw.col("b") == "x", "none": nw.col("a") > 9}


@pytest.mark.parametrize("engine", engines.EVERY_ENGINE)
@pytest.mark.parametrize("rows", [4, 0])
def test_rows_are_counted_and_what_is_unknown_is_not_met(engine: str, rows: int) -> None:
    table = ROWS.head(rows).astype({"b": "str"})
    entered = frames.enter(engines.to_engine(engine, table)).with_columns(a=nw.when(~nw.col("a").is_nan()).then("a"))
    expected = {"large": 2, "x": 2, "none": 0} if rows else dict.fromkeys(CONDITIONS, 0)
    assert frames.counts(entered, CONDITIONS) == (rows, expected)
    assert frames.counts(entered, {}) == (rows, {})

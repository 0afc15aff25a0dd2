"""pandera's lazy validation: all findings at once, as `schema.violations` gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import table


def check(frame: pd.DataFrame) -> Any:
    finite = pa.Check(lambda s: ~np.isinf(s), name="finite")
    between = pa.Check.in_range(pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31"))
    columns = {
        "customer_id": pa.Column(float, nullable=False),
        "ordered_at": pa.Column(frame["ordered_at"].dtype, between, nullable=False),
        "amount": pa.Column(float, finite, nullable=False),
        "quantity": pa.Column(float, finite, nullable=True),
        "channel": pa.Column("category", nullable=True),
    }
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as found:
        return found.failure_cases
    return pd.DataFrame({"column": []})


def answer(found: Any) -> Any:
    counts = found["column"].value_counts()
    return {"bad cells": [int(counts.get(name, 0)) for name in ("customer_id", "ordered_at", "amount")]}


WAYS = {"check": Way(table("orders"), check, answer)}

if __name__ == "__main__":
    main(WAYS, "pandera")

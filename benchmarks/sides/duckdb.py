"""DuckDB's own query from a pandas frame to a pandas frame: the floor under what the embedded engine can do."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import AS_OF, by_customer, table

RFM = f"""
    select customer_id, date '{AS_OF}' - max(ordered_at::date) as days_since_order, count(*) as order_count,
        sum(amount) as revenue, min(ordered_at::date) as first_order_day, max(ordered_at::date) as last_order_day
    from log where ordered_at::date <= date '{AS_OF}' and amount >= 0 group by 1 order by 1
"""


def rfm(log: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.from_df(log).query("log", RFM).df()


def rfm_answer(found: Any) -> Any:
    return by_customer(found, "order_count", "days_since_order", "revenue")


WAYS = {"rfm": Way(table("orders"), rfm, rfm_answer)}

if __name__ == "__main__":
    main(WAYS, "duckdb")

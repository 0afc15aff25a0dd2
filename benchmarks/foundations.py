"""RFM table, purchase summary, table check and import time, beside pandas, bare DuckDB, lifetimes and pandera."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import warnings
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from benchmarks.timing import Timing, race
from crmkit import datasets, rfm, schema, summary

AS_OF = dt.date(2024, 12, 31)
_BARE = """
    select customer_id, date '2024-12-31' - max(ordered_at::date) as days_since_order, count(*) as order_count,
        sum(amount) as revenue, min(ordered_at::date) as first_order_day, max(ordered_at::date) as last_order_day
    from log where ordered_at::date <= date '2024-12-31' and amount >= 0 group by 1 order by 1
"""


def order_log(orders: int) -> pd.DataFrame:
    """Simulate sales with text ids, about ten per customer, shuffled as exports are not but hashes like."""
    company = datasets.simulate_company(
        orders // 8, rng=np.random.default_rng(20240501), ids="text", refunds=None, days=1096, crm=None
    )
    log = company.orders[["customer_id", "ordered_at", "amount"]]
    if len(log) < orders:
        raise RuntimeError(f"the simulated log holds {len(log)} orders, fewer than {orders}")
    return log.head(orders).reset_index(drop=True)


def rfm_race(log: pd.DataFrame, rounds: int) -> Timing:
    """RFM table from a pandas frame to a pandas frame."""

    def bare() -> pd.DataFrame:
        return duckdb.connect().from_df(log).query("log", _BARE).df()

    def native() -> pd.DataFrame:
        sales = log[(log["amount"] >= 0) & (log["ordered_at"] < "2025-01-01")]
        grouped = sales.assign(day=sales["ordered_at"].dt.normalize()).groupby("customer_id")
        table = grouped.agg(
            order_count=("amount", "size"),
            revenue=("amount", "sum"),
            first_order_day=("day", "min"),
            last_order_day=("day", "max"),
        )
        table["days_since_order"] = (pd.Timestamp(AS_OF) - table["last_order_day"]).dt.days
        return table.reset_index()

    ours = rfm.rfm_table(log, as_of=AS_OF)
    for other in (bare(), native()):
        for column in ("customer_id", "order_count", "days_since_order", "first_order_day"):
            assert (ours[column].to_numpy() == other[column].to_numpy()).all(), column
        np.testing.assert_allclose(ours["revenue"], other["revenue"], rtol=1e-12)
    ways = {"crmkit": lambda: rfm.rfm_table(log, as_of=AS_OF), "bare DuckDB": bare, "native pandas": native}
    work = f"RFM table, {len(log):,} orders of {len(ours):,} customers, text ids, pandas in and out"
    return race(work, ways, rounds=rounds, target="pandas 4x slower; at most 1.3x bare DuckDB (ratio .77)")


def summary_race(log: pd.DataFrame, rounds: int) -> Timing:
    """Purchase summary; lifetimes makes frequency, recency, T and monetary value, without the gaps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

    def peer() -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return summary_data_from_transaction_data(
                log, "customer_id", "ordered_at", "amount", observation_period_end=pd.Timestamp(AS_OF), freq="D"
            )

    ours, theirs = summary.purchase_summary(log, as_of=AS_OF), peer().reset_index()
    for column in ("customer_id", "frequency", "recency", "T"):
        assert (ours[column].to_numpy() == theirs[column].to_numpy()).all(), column
    np.testing.assert_allclose(ours["monetary_value"], theirs["monetary_value"], rtol=1e-9)
    ways = {"crmkit": lambda: summary.purchase_summary(log, as_of=AS_OF), "lifetimes": peer}
    work = f"purchase summary, {len(log):,} orders of {len(ours):,} customers, text ids"
    return race(work, ways, rounds=rounds, target="lifetimes 6x slower")


def damaged(rows: int, bad: int) -> pd.DataFrame:
    """Five columns of orders with `bad` cells spoilt: no customer, no date, an infinite amount, no amount."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 500_000, rows).astype(np.float64),
            "ordered_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 86400 * 365, rows), unit="s"),
            "amount": np.round(rng.gamma(2.0, 30.0, rows), 2),
            "quantity": rng.integers(1, 9, rows).astype(np.float64),
            "channel": pd.Categorical.from_codes(rng.integers(0, 4, rows), ["web", "shop", "phone", "app"]),
        }
    )
    spoilt = rng.choice(rows, bad, replace=False)
    quarter = bad // 4
    table.loc[spoilt[:quarter], "customer_id"] = np.nan
    table.loc[spoilt[quarter : 2 * quarter], "ordered_at"] = pd.NaT
    table.loc[spoilt[2 * quarter : 3 * quarter], "amount"] = np.inf
    table.loc[spoilt[3 * quarter :], "amount"] = np.nan
    return table


def check_race(rows: int, rounds: int) -> Timing:
    """Table check of 5,000 bad cells: counts by column and rule beside pandera's lazy validation."""
    import pandera.pandas as pa

    table = damaged(rows, 5_000)
    finite = pa.Check(lambda s: ~np.isinf(s), name="finite")
    between = pa.Check.in_range(pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31"))
    columns: dict[str, Any] = {
        "customer_id": pa.Column(float, nullable=False),
        "ordered_at": pa.Column(table["ordered_at"].dtype, between, nullable=False),
        "amount": pa.Column(float, finite, nullable=False),
        "quantity": pa.Column(float, finite, nullable=True),
        "channel": pa.Column("category", nullable=True),
    }
    judge = pa.DataFrameSchema(columns)

    def peer() -> int:
        try:
            judge.validate(table, lazy=True)
        except pa.errors.SchemaErrors as found:
            return len(found.failure_cases)
        return 0

    found = schema.violations(table, schema.ORDERS)
    assert int(found.loc[found["severity"] == "error", "rows"].sum()) == 5_000
    assert peer() == 5_000
    ways = {"crmkit": lambda: schema.violations(table, schema.ORDERS), "pandera": peer}
    return race(f"table check, {rows:,} x 5, 5,000 bad cells", ways, rounds=rounds, target="pandera 3x slower")


def import_race(rounds: int) -> Timing:
    """Import time in fresh processes, the bare interpreter beside it."""

    def start(code: str) -> None:
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)

    ways = {
        "crmkit": lambda: start("import crmkit"),
        "bare interpreter": lambda: start("pass"),
        "lifetimes": lambda: start("import lifetimes"),
    }
    return race("import, in a fresh process", ways, rounds=rounds, target="crmkit less the interpreter at most .1 s")


def run() -> list[Timing]:
    """Run all races of this file."""
    log = order_log(10_000_000)
    return [
        rfm_race(log, rounds=5),
        summary_race(log.sample(5_000_000, random_state=1).reset_index(drop=True), rounds=3),
        check_race(5_000_000, rounds=5),
        import_race(rounds=7),
    ]

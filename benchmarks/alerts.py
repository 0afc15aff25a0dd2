"""Alerts: speed of a million customers, and 192 daily runs of a published log: rows, episodes, gaps, precision."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks.foundations import order_log
from benchmarks.timing import peak_gib
from crmkit import churn

FIRST, DAYS = dt.date(2011, 5, 31), 192
END = dt.date(2024, 12, 31)


def retail_days(folder: Path) -> pd.DataFrame:
    """UCI Online Retail, lines of a positive quantity with a customer: one row per customer and day."""
    columns = ["InvoiceDate", "CustomerID", "Quantity", "UnitPrice"]
    lines = pd.read_parquet(folder / "online_retail_uci.parquet", columns=columns)
    lines = lines[(lines["Quantity"] > 0) & lines["CustomerID"].notna()]
    days = pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype("int64"),
            "ordered_at": lines["InvoiceDate"].dt.normalize(),
            "amount": lines["Quantity"] * lines["UnitPrice"],
        }
    )
    return days.groupby(["customer_id", "ordered_at"], as_index=False)["amount"].sum()


def daily_runs(orders: pd.DataFrame) -> Iterator[str]:
    """Raw rows and episodes of each rule over 192 days, without a cool-down, with 30 days, without hysteresis."""
    days = [FIRST + dt.timedelta(days=k) for k in range(DAYS)]
    asked = [
        rule for rule in churn.DEFAULT_RULES if rule.code in ("off_cycle", "dormant", "fewer_orders", "less_spend")
    ]
    flickering = [replace(rule, code=f"{rule.code}_flicker", clear_at=None) for rule in asked[2:]]
    rules = [*asked, *flickering]
    states = dict.fromkeys((0, 30))
    rows: dict[str, int] = {}
    for day in days:
        current = churn.alerts(orders, as_of=day, rules=rules, cuts=1)
        for rule, count in current["rule"].value_counts().items():
            rows[str(rule)] = rows.get(str(rule), 0) + int(count)
        for wait in states:
            waiting = [replace(rule, cool_down_days=wait) for rule in rules]
            states[wait] = churn.update_alerts(states[wait], current, as_of=day, rules=waiting)
    yield f"\n{DAYS} daily runs from {FIRST}: rows on the lists; alerts opened without and with a cool-down of 30 days"
    for rule in rules:
        opened = [int((state["rule"] == rule.code).sum()) for state in states.values() if state is not None]
        yield f"  {rule.code:<22} {rows.get(rule.code, 0):7,} rows  {opened[0]:6,}  {opened[1]:6,}"


def precision(orders: pd.DataFrame) -> str:
    """Back-test of the default rules, beside the longest silence."""
    table = churn.alert_quality(orders, as_of=dt.date(2011, 12, 9))
    over_all = table[table["cut"].isna()].drop(columns="cut").round(3)
    return f"\nBack-test at three earlier days, 90 days each\n{over_all.to_string(index=False)}"


def speed(orders: int) -> str:
    """Alerts with their back-test, then the state of the next day, pandas in and out."""
    log = order_log(orders)
    before, start = peak_gib(), time.perf_counter()
    current = churn.alerts(log, as_of=END)
    listed = time.perf_counter()
    state = churn.update_alerts(None, current, as_of=END)
    opened = time.perf_counter()
    churn.update_alerts(state, current, as_of=END + dt.timedelta(days=1))
    done = time.perf_counter()
    return (
        f"\n{len(log):,} orders, pandas in and out: alerts {listed - start:.1f} s ({len(current):,} listed), "
        f"first state {opened - listed:.1f} s, update of {len(state):,} open alerts {done - opened:.1f} s; "
        f"peak {peak_gib():.2f} GiB ({before:.2f} GiB with the log alone)"
    )


def run() -> Iterator[str]:
    """Public data first (only where `CRMKIT_DATA` is set), then a million customers."""
    folder = os.environ.get("CRMKIT_DATA")
    if folder:
        orders = retail_days(Path(folder))
        yield precision(orders)
        yield from daily_runs(orders)
    yield speed(10_000_000)

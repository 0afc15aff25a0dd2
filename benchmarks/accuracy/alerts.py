"""Alerts: speed of a million customers, and 192 daily runs of a published log: rows, episodes, gaps, precision."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks.accuracy.table import Table, of_frame
from crmkit import churn

FIRST, DAYS = dt.date(2011, 5, 31), 192


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


def daily_runs(orders: pd.DataFrame) -> Table:
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
    told = {}
    for rule in rules:
        opened = [int((state["rule"] == rule.code).sum()) for state in states.values() if state is not None]
        told[rule.code] = {
            "rows on the lists": rows.get(rule.code, 0),
            "alerts opened": opened[0],
            "with a cool-down of 30 days": opened[1],
        }
    return Table(f"{DAYS} daily runs from {FIRST}", told)


def precision(orders: pd.DataFrame) -> Table:
    """Back-test of the default rules, beside the longest silence."""
    table = churn.alert_quality(orders, as_of=dt.date(2011, 12, 9))
    over_all = table[table["cut"].isna()].drop(columns="cut").round(3)
    return Table("Back-test at three earlier days, 90 days each", of_frame(over_all.set_index("rule")))


def run(_: float) -> Iterator[Table]:
    """Precision, then the days."""
    orders = retail_days(Path(os.environ["CRMKIT_DATA"]))
    yield precision(orders)
    yield daily_runs(orders)

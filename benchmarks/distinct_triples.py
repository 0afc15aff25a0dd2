"""Numbers behind docs/internet_scale.md: distinct histories as customers grow, bytes per row, seconds per row.

python -m benchmarks.distinct_triples            # ten million customers: about two minutes of one core, 3 GB
python -m benchmarks.distinct_triples 1000000    # fewer
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from crmkit import summary

I64 = NDArray[np.int64]
DAYS = 730  # customers arrive evenly over two years
END = dt.date(2025, 12, 31)
ORDERS, PER_CUSTOMER = 3_000_000, 5
# A day's buyers: of a thousand days of 50 orders per customer, one in twenty buys on a day.
BUYS_ON_A_DAY = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """A population of BG/NBD customers: r, alpha (days), a, b of Fader, Hardie & Lee (2005)."""

    r: float
    alpha: float
    a: float
    b: float


# CDNOW's are table 2 of the paper, alpha in weeks there. The grocer's customers come every ten days in the mean.
SHOPS = {"records (CDNOW)": Shop(0.243, 7 * 4.414, 0.793, 2.426), "groceries": Shop(2.0, 20.0, 0.3, 6.0)}


def histories(shop: Shop, customers: int, rng: np.random.Generator) -> tuple[I64, I64, I64, I64]:
    """Simulate frequency, recency, T and the sum of ln of the gaps (units of 1e-9) of each customer."""
    rate = rng.gamma(shop.r, 1.0 / shop.alpha, customers)
    drop = rng.beta(shop.a, shop.b, customers)
    until = rng.integers(0, DAYS, customers)
    x, last, logs = (np.zeros(customers, dtype=np.int64) for _ in range(3))
    clock, alive = np.zeros(customers), np.arange(customers)
    while len(alive):
        clock[alive] += rng.exponential(1.0, len(alive)) / np.maximum(rate[alive], 1e-12)
        alive = alive[clock[alive] < until[alive] + 1]
        day = clock[alive].astype(np.int64)
        moved = day > last[alive]  # two orders on a day are one order day
        who, days = alive[moved], day[moved]
        logs[who] += np.rint(np.log(days - last[who]) * 1e9).astype(np.int64)
        x[who] += 1
        last[who] = days
        alive = alive[rng.random(len(alive)) >= drop[alive]]
    return x, last, until, logs


def growth(shop: Shop, customers: int) -> list[dict[str, float]]:
    """Count distinct histories among the first 10,000, 100,000 ... customers."""
    x, t_x, T, logs = histories(shop, customers, np.random.default_rng(7))
    triple = (x * DAYS + t_x) * DAYS + T
    found = []
    size = 10_000
    while size <= customers:
        part = triple[:size]
        with_gaps = np.unique(np.stack([part, logs[:size]]), axis=1).shape[1] if size <= 1_000_000 else None
        found.append({"customers": size, "triples": len(np.unique(part)), "with_gaps": with_gaps})
        size *= 10
    return found


def extrapolated(found: list[dict[str, float]], customers: float) -> tuple[float, float]:
    """Give the exponent of the last decade, and what it makes of `customers`: too many, for the exponent falls."""
    before, last = found[-2:]
    exponent = float(np.log10(last["triples"] / before["triples"]))
    return exponent, last["triples"] * (customers / last["customers"]) ** exponent


def order_log(connection: Any, folder: Path) -> None:
    """Write a log of orders: text ids, a time stamp, money, an order id."""
    connection.execute(f"""
        copy (
            select 'c' || lpad(cast(hash(i) % {ORDERS // PER_CUSTOMER} as varchar), 9, '0') as customer_id,
                timestamp '2024-01-01' + to_seconds(cast(hash(i + 1000000007) % 63072000 as bigint)) as ordered_at,
                round(cast(exp(3 + (hash(i + 2000000011) % 1000) / 500) as double), 2) as amount,
                'o' || lpad(cast(i as varchar), 11, '0') as order_id
            from range({ORDERS}) t(i) order by ordered_at
        ) to '{folder}/orders.parquet' (compression zstd)
    """)


def sizes_and_seconds(folder: Path) -> dict[str, float]:
    """Measure bytes per row in Parquet, and processor seconds of a full scan and of a daily update."""
    connection = duckdb.connect()
    order_log(connection, folder)
    log = connection.from_parquet(f"{folder}/orders.parquet")
    days = log.filter("ordered_at < timestamp '2025-12-31'").project("customer_id, ordered_at, amount")
    log_seconds = _seconds(
        lambda: summary.purchase_summary(days, as_of=END).write_parquet(f"{folder}/summary.parquet", compression="zstd")
    )
    summary.mergeable_summary(days, as_of=END - dt.timedelta(1)).write_parquet(
        f"{folder}/kept.parquet", compression="zstd"
    )
    kept = connection.from_parquet(f"{folder}/kept.parquet")
    customers = kept.aggregate("count(*)").fetchall()[0][0]
    today = f"select customer_id, timestamp '2025-12-31 12:00' as ordered_at, 20.0 as amount from kept where hash(customer_id) % {BUYS_ON_A_DAY} = 0"  # noqa: E501
    new = kept.query("kept", today)

    def update() -> None:
        merged = summary.merge_summaries(kept, summary.mergeable_summary(new, as_of=END))
        merged.write_parquet(f"{folder}/merged.parquet", compression="zstd")

    update_seconds = _seconds(update)
    bytes_of = {name: (folder / f"{name}.parquet").stat().st_size for name in ("orders", "summary", "merged")}
    return {
        "bytes_per_order": bytes_of["orders"] / ORDERS,
        "bytes_per_customer_summary": bytes_of["summary"] / customers,
        "bytes_per_customer_kept": bytes_of["merged"] / customers,
        "cpu_seconds_per_million_orders_scanned": log_seconds / ORDERS * 1e6,
        "cpu_seconds_per_million_customers_merged": update_seconds / customers * 1e6,
    }


def _seconds(work: Any) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Measure and print as JSON."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    found: dict[str, Any] = {}
    for name, shop in SHOPS.items():
        rows = growth(shop, most)
        exponent, billion = extrapolated(rows, 1e9)
        found[name] = {"growth": rows, "exponent_of_last_decade": exponent, "at_1e9_at_most": billion}
        print(json.dumps({name: found[name]}, indent=1), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(sizes_and_seconds(Path(folder)), indent=1))


if __name__ == "__main__":
    main()

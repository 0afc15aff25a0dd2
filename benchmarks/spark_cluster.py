"""The whole order job on a Spark cluster of one and of two workers; what comes to the driver as customers grow.

    python -m benchmarks.spark_cluster 100000 1      # customers, workers: one measurement, as JSON
    python -m benchmarks.spark_cluster               # the table: 10,000, 100,000 and 1,000,000 customers

A process holds one Spark, so each measurement is a process of its own. A worker is a process of one core on this
machine: two of them on two cores leave none for the driver.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.sides.measure import peak_gib
from crmkit import churn, clv, datasets, purchases, repurchase, rfm
from tests import spark_cluster, spark_plans

AS_OF = dt.date(2023, 12, 31)
SETTINGS = {
    "spark.executor.memory": "2g",
    "spark.executor.cores": "1",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "8",
}


def written(place: Path, customers: int) -> int:
    """Write orders of two years, some seven a customer, as ten Parquet files; gives their number."""
    company = datasets.simulate_company(
        customers, rng=np.random.default_rng(20240501), days=730, crm=None, refunds=None, season=None
    )
    orders = company.orders[["customer_id", "ordered_at", "amount"]]
    for part in range(10):
        duckdb.from_df(orders.iloc[part::10]).write_parquet(str(place / f"{part}.parquet"))
    return len(orders)


def calls(orders: Any, fit: purchases.PurchaseFit) -> dict[str, Any]:
    """The job: tables by name, nothing of them computed yet but what the calls themselves ask for."""
    return {
        "rfm.segment": lambda: rfm.segment(orders, as_of=AS_OF),
        "repurchase_forecast": lambda: repurchase.repurchase_forecast(orders, as_of=AS_OF, horizon_days=30, fit=fit),
        "churn_risk": lambda: churn.churn_risk(orders, as_of=AS_OF, horizon_days=90, fit=fit),
        "customer_value": lambda: clv.customer_value(orders, as_of=AS_OF, horizon_days=365, fit=fit),
    }


def measured(customers: int, workers: int) -> dict[str, Any]:
    """Do the job on a cluster; rows of results go nowhere (Spark's sink "noop")."""
    names = [f"worker{i}" for i in range(workers)]
    with (
        tempfile.TemporaryDirectory(prefix="crmkit-orders-") as place,
        spark_cluster.cluster(*names, memory="3g") as cluster,
    ):
        count = subprocess.run(  # in a process of its own, so that its memory does not count
            [sys.executable, "-m", "benchmarks.spark_cluster", "write", place, str(customers)],
            check=True,
            capture_output=True,
            text=True,
        )
        with spark_cluster.session(cluster.url, SETTINGS) as spark:
            return {"customers": customers, "orders": int(count.stdout), "workers": workers} | _job(
                spark, cluster, place
            )


def _job(spark: Any, cluster: spark_cluster.Cluster, place: str) -> dict[str, Any]:
    orders = spark.read.parquet(place)
    parts: dict[str, Any] = {}
    began, used = time.perf_counter(), time.process_time()
    with spark_plans.watched() as watch:
        fit = purchases.fit_purchase_process(orders, as_of=AS_OF, model="mbg")
        parts["fit"] = {"seconds": round(time.perf_counter() - began, 1), "rows": max(watch.rows)}
        for name, call in calls(orders, fit).items():
            start, seen = time.perf_counter(), len(watch.rows)
            call().write.format("noop").mode("overwrite").save()
            rows = max(watch.rows[seen:], default=0)
            parts[name] = {"seconds": round(time.perf_counter() - start, 1), "rows": rows}
    heap = _heap(spark)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "executors' processor seconds": round(cluster.processor_seconds(), 1),
        "peak of an executor's Python, MB": round(cluster.python_peak() / 2**20),
        "Python's processor seconds": round(time.process_time() - used, 1),
        "rows that came to the driver": sum(watch.rows),
        "MB that came to the driver": round(watch.bytes / 1e6, 1),
        "driver's heap in use, MB": round(heap / 1e6),
        "Python's peak, MB": round(peak_gib() * 1024),
        "calls": parts,
    }


def _heap(spark: Any) -> int:
    """Heap that the driver holds when what is not needed has gone."""
    spark._jvm.java.lang.System.gc()
    return int(spark._jvm.java.lang.management.ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed())


def run(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> Iterator[str]:
    """Give a line for each size and number of workers."""
    for customers in sizes:
        for workers in (1, 2):
            line = [sys.executable, "-m", "benchmarks.spark_cluster", str(customers), str(workers)]
            yield subprocess.run(line, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout.strip()


def main(words: list[str]) -> None:
    """Write a log, measure once, or print the table."""
    if words[:1] == ["write"]:
        print(written(Path(words[1]), int(words[2])))
    elif words:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            print(json.dumps(measured(int(words[0]), int(words[1]))))
    else:
        for line in run():
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

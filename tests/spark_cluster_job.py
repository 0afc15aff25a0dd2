"""The whole job on a cluster of two workers of which one dies in the middle, beside the embedded engine.

A script, run by tests/test_spark_cluster.py: a process holds one Spark. The first argument is a folder with the tables
as folders of Parquet files; what was seen is printed as JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from crmkit import attribution, churn, clv, purchases, repurchase, rfm, scoring
from crmkit.scoring import Attribute, Decay, Event, Group, Rule, Scorecard
from tests import engines, spark_cluster

AS_OF = dt.date(2023, 12, 31)
TABLES = ("orders", "touches", "conversions", "leads", "lead_events")
CARD = Scorecard(
    "cluster",
    (
        Group("fit", "fit", (Rule("region", Attribute("region", equals=("Beijing",)), 10),)),
        Group("acts", "engagement", (Rule("demo", Event("demo"), 15), Rule("page", Event("product_page"), 2.5)),
              decay=Decay(30, 20)),
    ),
    hand_off_at=20,
)  # fmt: skip
SMALL = {
    "spark.executor.memory": "640m",
    "spark.executor.cores": "1",
    "spark.driver.memory": "768m",
    "spark.sql.shuffle.partitions": "4",
    # Expressions are interpreted: Java is written and compiled for each of them otherwise.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}


def answers(tables: Mapping[str, Any], fit: purchases.PurchaseFit) -> dict[str, Callable[[], Any]]:
    """Calls of the whole job but the fit."""
    orders, day = tables["orders"], AS_OF
    return {
        "rfm": lambda: rfm.segment(orders, as_of=day),
        "forecast": lambda: repurchase.repurchase_forecast(orders, as_of=day, horizon_days=30, fit=fit),
        "churn": lambda: churn.churn_risk(orders, as_of=day, horizon_days=90, fit=fit),
        "value": lambda: clv.customer_value(orders, as_of=day, horizon_days=365, fit=fit),
        "attribution": lambda: attribution.attribute_all(
            *(tables["touches"], tables["conversions"]),
            models=("linear", "time_decay", "shapley", "markov_1"),
            as_of=day,
            replicates=5,
            rng=np.random.default_rng(1),
        ),
        "leads": lambda: scoring.score_leads(tables["leads"], tables["lead_events"], card=CARD, as_of=day),
    }


def fitted(orders: Any) -> purchases.PurchaseFit:
    """The fit that the job begins with."""
    return purchases.fit_purchase_process(orders, as_of=AS_OF, model="mbg")


def kill_while(cluster: spark_cluster.Cluster, name: str, spark: Any, work: Callable[[], Any]) -> tuple[Any, int]:
    """Kill a worker while `work` is under way, at a stage that reads what stages before it left on that worker."""
    killed: list[int] = []
    ended = threading.Event()

    def wait_and_kill() -> None:
        tracker, seen = spark.sparkContext.statusTracker(), set[int]()
        while not killed and not ended.wait(0.005):
            running = set(tracker.getActiveStageIds())
            seen |= running
            if len(seen) > 2 and running:
                killed.append(cluster.kill_worker(name))

    watch = threading.Thread(target=wait_and_kill, daemon=True)
    watch.start()
    found = work()
    ended.set()
    watch.join()
    return found, sum(killed)


def difference(found: pd.DataFrame, expected: pd.DataFrame) -> float:
    """Greatest relative difference of numbers; what is no number must be equal."""
    greatest = 0.0
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        if expected[name].dtype.kind != "f":
            pd.testing.assert_series_equal(found[name], expected[name])
            continue
        left, right = found[name].to_numpy(), expected[name].to_numpy()
        assert (np.isnan(left) == np.isnan(right)).all(), name
        apart = np.abs(left - right) / np.maximum(np.abs(right), 1.0)
        greatest = max(greatest, float(np.nanmax(apart, initial=0.0)))
    return greatest


def main(folder: Path) -> dict[str, Any]:
    """Run the job on both, with a death in the middle and another at the end."""
    embedded = {name: duckdb.read_parquet(f"{folder}/{name}/*.parquet") for name in TABLES}
    own = fitted(embedded["orders"])
    expected = {name: engines.to_pandas(call()) for name, call in answers(embedded, own).items()}
    with spark_cluster.cluster("one", "two") as cluster, spark_cluster.session(cluster.url, SMALL) as spark:
        tables = {name: spark.read.parquet(f"{folder}/{name}") for name in TABLES}
        fit = fitted(tables["orders"])
        frames: dict[str, Any] = {}

        def asked(name: str) -> pd.DataFrame:
            frames[name] = answers(tables, fit)[name]()
            return engines.to_pandas(frames[name])

        found = {"rfm": asked("rfm")}
        found["churn"], killed = kill_while(cluster, "one", spark, lambda: asked("churn"))
        cluster.add_worker("three")
        found |= {name: asked(name) for name in expected if name not in found}
        # What was settled lies on both executors by now: one of them goes, and answers are asked for
        # once more, by a plan of their own: one that ran before has left its shuffles.
        later = cluster.kill_worker("two")
        again = {name: engines.to_pandas(frames[name].select("*")) for name in ("churn", "forecast")}
        return {
            "the fit is the same": fit == own,
            "executors killed": [killed, later],
            "tasks that failed": _failed(spark),
            "rows": {name: len(table) for name, table in expected.items()},
            "difference": {name: difference(table, expected[name]) for name, table in found.items()},
            "difference again": {name: difference(table, expected[name]) for name, table in again.items()},
        }


def _failed(spark: Any) -> int:
    """Tasks that did not end as they should."""
    listed = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(listed.apply(i).failedTasks() for i in range(listed.size()))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))

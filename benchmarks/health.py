"""Speed of health scores and of retention, from a pandas frame to a pandas frame."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import churn

DAY = dt.date(2024, 6, 30)
NAMES = ("usage", "logins", "tickets", "nps", "calls", "bills")
SCHEME = churn.HealthScheme(
    "six",
    (
        *(churn.Metric(name, 1.0 + i) for i, name in enumerate(NAMES[:5])),
        churn.Metric("bills", 2.0, "lower", churn.Bands((60.0, 30.0), (0.0, 60.0, 100.0))),
    ),
    vetoes=(churn.Veto(),),
)


def readings(customers: int) -> pd.DataFrame:
    """One reading of each of six metrics, within the last half year."""
    rng, rows = np.random.default_rng(1), customers * len(NAMES)
    ids = pd.Series([f"c{i:07d}" for i in range(customers)], dtype="str")
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(len(NAMES)).reset_index(drop=True),
            "metric": pd.Series(np.tile(NAMES, customers), dtype="str"),
            "value": rng.uniform(0.0, 100.0, rows),
            "measured_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 15_000_000, rows), unit="s"),
        }
    )


def contracts(customers: int) -> pd.DataFrame:
    """Contracts of three plans that began within five years; half of them have ended."""
    rng = np.random.default_rng(2)
    start = pd.Timestamp("2019-07-01") + pd.to_timedelta(rng.integers(0, 1826, customers), unit="D")
    end = pd.Series(start + pd.to_timedelta(rng.geometric(1 / 900, customers), unit="D"))
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{i:07d}" for i in range(customers)], dtype="str"),
            "started_at": start,
            "ended_at": end.where(end <= pd.Timestamp(DAY)),
            "plan": pd.Series(np.array(["basic", "plus", "pro"])[rng.integers(0, 3, customers)], dtype="str"),
            "amount": rng.uniform(5.0, 100.0, customers).round(2),
        }
    )


def timed(work: str, call: Callable[[], Any], target: str) -> str:
    """Time one call, cold."""
    start, used = time.perf_counter(), time.process_time()
    rows = len(call())
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    return (
        f"{work}: {seconds:.1f} s ({cpu:.1f} s of processor), {rows:,} rows; target {target}; peak {peak_gib():.2f} GiB"
    )


def run() -> Iterator[str]:
    """A million customers each."""
    table = readings(1_000_000)
    score = lambda: churn.health_score(table, as_of=DAY, scheme=SCHEME)  # noqa: E731
    yield timed("health_score, 1 M customers x 6 metrics", score, "5 s")
    subscriptions = contracts(1_000_000)
    yield timed("retention by plan, 1 M contracts", lambda: churn.retention(subscriptions, as_of=DAY, by="plan"), "3 s")
    rest = lambda: churn.remaining_lifetime(subscriptions, as_of=DAY, by="plan")  # noqa: E731
    yield timed("remaining_lifetime by plan, 1 M contracts", rest, "5 s")

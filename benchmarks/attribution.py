"""Attribution from raw touches: speed and memory, beside what the peers took."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import attribution

DAY = dt.date(2024, 6, 30)
# Figures of an earlier measurement, not of this run; it names no version of ChannelAttribution.
STORED = (
    "stored: MAM 2.1: 19.7 CPU s, +3.0 GB for fewer models on 4 M touches",
    "stored: ChannelAttribution: 2.1-4 s on grouped strings, worst channel 10-14 % off",
)


def touches_and_conversions(touches: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half a year of a shop: 4 touches a customer, 7 conversions per 100 touches, 12 channels."""
    rng = np.random.default_rng(seed)
    customers = touches // 4
    start = np.datetime64("2024-01-01", "us")
    names = np.array([f"channel {i:02d}" for i in range(12)], dtype=object)
    popular = rng.dirichlet(np.full(12, 2.0))

    def times(n: int) -> np.ndarray:
        return start + rng.integers(0, 182 * 86_400, n).astype("timedelta64[s]")

    log = pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, touches),
            "touched_at": times(touches),
            "channel": pd.Series(names[rng.choice(12, touches, p=popular)], dtype="str"),
        }
    )
    n = touches * 7 // 100
    sales = pd.DataFrame({"customer_id": rng.integers(0, customers, n), "converted_at": times(n)})
    return log, sales.assign(value=np.round(rng.gamma(2.0, 50.0, n), 2))


def measured(name: str, call: Callable[[], object]) -> str:
    before, wall, cpu = peak_gib(), time.perf_counter(), time.process_time()
    call()
    took = f"{time.perf_counter() - wall:7.2f} s wall {time.process_time() - cpu:7.2f} s CPU"
    return f"  {name:48s} {took}   peak memory +{peak_gib() - before:.2f} GiB"


def run() -> Iterator[str]:
    """Yield a line per measurement; memory is what the peak rose by, so later lines show less than they take."""
    yield "\n  ".join(["\nattribution from raw touches, pandas in and out", *STORED])
    rules = [model for model in attribution.ALL if not model.startswith("markov")]
    for size in (4_000_000, 10_000_000):
        touches, sales = touches_and_conversions(size)
        millions = f"{size // 1_000_000} M touches"

        def call(models: list[str], replicates: int = 2, log: object = touches, sold: object = sales) -> object:
            options = {"as_of": DAY, "rng": np.random.default_rng(1), "replicates": replicates}
            return attribution.attribute_all(log, sold, models=models, **options)

        yield measured(f"{millions}: 9 rules with standard errors", lambda: call(rules))
        yield measured(f"{millions}: rules, exact Markov 1 to 3", lambda: call(list(attribution.ALL)))
        yield measured(f"{millions}: Markov 1 with 50 replicates", lambda: call(["markov_1"], 50))

"""Tags of a simulated million customers: processor time and memory of 19 rules over orders and events."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import tags
from crmkit.tags import AllOf, Attribute, Measure, NoneOf, TagRule

AS_OF = dt.date(2024, 6, 30)
_NORTH = Attribute("region", equals="north")
_BIG = Attribute("amount", low=500)
RULES = (
    *tags.value_levels({"VIP": 5_000, "key": 2_000, "grown": 800}, window_days=365),
    tags.price_sensitive(),
    tags.long_decision_chain(levels=3, window_days=365),
    tags.viewed_without_order(),
    *tags.keyword_rules({"factory": ("factory", "工厂"), "shop": ("store", "商店"), "school": ("school", "学校")}),
    TagRule("often", "transaction", "often", Measure("orders", "count", low=10, window_days=365)),
    TagRule("big", "transaction", "big order", Measure("orders", "count", low=1, where=(_BIG,))),
    TagRule("most", "transaction", "most", Measure("orders", "max", low=900, column="amount")),
    TagRule("mean", "transaction", "mean", Measure("orders", "mean", low=200, column="amount", least_rows=3)),
    TagRule("lost", "behaviour", "lost", Measure("orders", "days_since", low=365)),
    TagRule("new", "behaviour", "bought lately", Measure("orders", "days_since", high=30)),
    TagRule("busy", "behaviour", "busy", Measure("events", "count", low=2, window_days=90)),
    TagRule("silent", "behaviour", "silent", Measure("events", "days_since", low=180)),
    TagRule("young", "basic", "young", AllOf((Attribute("age", high=30), NoneOf((_NORTH,))))),
    TagRule("region", "basic", "south", Attribute("region", equals="south")),
)  # fmt: skip


def company(customers: int, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Customers, ten orders and three events for each, on average."""
    rng = np.random.default_rng(seed)
    ids = pd.Series([f"c{i:08d}" for i in range(customers)], dtype="str")
    said = np.array(["owns a store", "有两家工厂", "the school in town", "no remark", "", "a long text of no matter"])
    people = pd.DataFrame(
        {
            "customer_id": ids,
            "region": pd.Series(np.array(["north", "south", "east"])[rng.integers(0, 3, customers)], dtype="str"),
            "age": rng.integers(18, 80, customers).astype(float),
            "remark": pd.Series(said[rng.integers(0, 6, customers)], dtype="str"),
        }
    )
    return people, _orders(rng, ids, 10 * customers), _events(rng, ids, 3 * customers)


def _orders(rng: np.random.Generator, ids: pd.Series, rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ids.take(rng.integers(0, len(ids), rows)).reset_index(drop=True),
            "ordered_at": _times(rng, rows),
            "amount": np.round(rng.gamma(1.0, 120.0, rows), 2),
            "discount": np.where(rng.random(rows) < 0.4, 0.1, 0.0),
            "approval_levels": rng.integers(0, 4, rows),
        }
    )


def _events(rng: np.random.Generator, ids: pd.Series, rows: int) -> pd.DataFrame:
    kinds = np.array(["view", "click", "webinar"])[rng.integers(0, 3, rows)]
    return pd.DataFrame(
        {
            "customer_id": ids.take(rng.integers(0, len(ids), rows)).reset_index(drop=True),
            "event": pd.Series(kinds, dtype="str"),
            "occurred_at": _times(rng, rows),
            "value": rng.gamma(1.0, 4.0, rows),
        }
    )


def _times(rng: np.random.Generator, rows: int) -> pd.Series:
    return pd.Series(pd.Timestamp("2024-06-30") - pd.to_timedelta(rng.integers(0, 900 * 24, rows), unit="h"))


def run(sizes: tuple[int, ...] = (2_000, 200_000, 1_000_000)) -> Iterator[str]:
    """Few customers show what planning costs, whatever the size."""
    for customers in sizes:
        people, orders, events = company(customers)
        before, start, wall = peak_gib(), time.process_time(), time.perf_counter()
        found = tags.tag_customers(RULES, people, as_of=AS_OF, orders=orders, events=events)
        yield (
            f"tags of {customers:,} customers, {len(RULES)} rules: {time.process_time() - start:.1f} s of processor "
            f"time, {time.perf_counter() - wall:.1f} s, {len(found):,} rows, peak {before:.1f} to {peak_gib():.1f} GiB"
        )

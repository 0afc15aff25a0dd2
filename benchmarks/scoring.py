"""Rule scores: speed of a million leads with ten million events, pandas in and out."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import scoring
from crmkit.scoring import Attribute, Decay, Event, Group, Override, Rule, Scorecard

END = dt.date(2024, 5, 14)
SHARES = {
    "page": 0.5,
    "mail_open": 0.25,
    "ad_click": 0.1,
    "white_paper": 0.06,
    "webinar": 0.03,
    "form": 0.04,
    "unsubscribe": 0.015,
    "demo": 0.005,
}
CARD = Scorecard(
    "benchmark",
    (
        Group(
            "fit",
            "fit",
            (
                Rule("manufacturing", Attribute("industry", equals=("manufacturing",)), 20),
                Rule("size", Attribute("employees", low=200, high=1000), 10),
                Rule("north", Attribute("region", equals=("north",)), 5),
            ),
            cap=30,
        ),
        Group(
            "activity",
            "engagement",
            (
                Rule("page", Event(("page",)), 1),
                Rule("mail", Event(("mail_open",)), 1),
                Rule("ad", Event(("ad_click",)), 5),
                Rule("form", Event(("form",)), 15),
                Rule("white_paper", Event(("white_paper",)), 15),
                Rule("webinar", Event(("webinar",)), 25),
                Rule("unsubscribe", Event(("unsubscribe",)), -15, "once"),
            ),
            cap=100,
            decay=Decay(50, 30),
        ),
    ),
    overrides=(Override("demo", "hand_off", Event(("demo",))),),
    fit_edges=(20, 10),
    engagement_edges=(40, 15),
)


def log(leads: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make leads with ten events each in the mean, over 500 days."""
    rng = np.random.default_rng(0)
    ids = pd.Series([f"L{i:07d}" for i in range(leads)], dtype="str")
    start = pd.Timestamp("2023-01-01")
    kinds = {"industry": ["manufacturing", "retail", "services", "public"], "region": ["north", "south"]}
    people = pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": start + pd.to_timedelta(rng.integers(0, 500, leads), unit="D"),
            "employees": rng.integers(1, 2000, leads).astype(float),
            **{name: pd.Series(rng.choice(values, leads), dtype="str") for name, values in kinds.items()},
        }
    )
    count = 10 * leads
    events = pd.DataFrame(
        {
            "lead_id": ids.to_numpy()[(leads * rng.random(count) ** 1.3).astype(int)],
            "event": rng.choice(list(SHARES), count, p=list(SHARES.values())),
            "occurred_at": start + pd.to_timedelta(rng.integers(0, 500 * 86_400, count), unit="s"),
        }
    )
    return people, events.astype({"lead_id": "str", "event": "str"})


def speed(name: str, function: Callable[..., Any], people: pd.DataFrame, events: pd.DataFrame) -> str:
    """Wall and processor seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    rows = len(function(people, events, card=CARD, as_of=END))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"  {name:<12} {wall:6.1f} s wall {cpu:6.1f} s processor   {rows:,} rows   peak {peak_gib():.2f} GiB"


def run() -> Iterator[str]:
    """Scores, then what is behind them."""
    people, events = log(1_000_000)
    yield f"\n{len(people):,} leads, {len(events):,} events, pandas in and out (target: scores 4 s, explain 12 s)"
    yield speed("score_leads", scoring.score_leads, people, events)
    yield speed("explain", scoring.explain, people, events)

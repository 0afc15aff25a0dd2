"""Speed of the funnel room, from a pandas frame of a million rows of deals to a pandas frame."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import funnel

DAY, SINCE = dt.date(2024, 6, 30), dt.date(2024, 1, 1)
STAGES = ("lead", "visit", "quote", "contract", "won")


def deals(rows: int) -> pd.DataFrame:
    """Deals of three years through four stages, in the order of an export: by day."""
    rng, many = np.random.default_rng(1), int(rows / 2.98)
    when = pd.Timestamp("2021-07-01") + pd.to_timedelta(rng.uniform(0, 1095, many), unit="D")
    here = pd.DataFrame(
        {
            "deal_id": pd.Series([f"d{i:07d}" for i in range(many)], dtype="str"),
            "amount": rng.lognormal(8.0, 0.6, many).round(2),
            "owner_id": rng.integers(1, 200, many),
            "region": np.array(["north", "south", "east", "west"])[rng.integers(0, 4, many)],
            "entered_at": when.as_unit("us"),
        }
    )
    parts = []
    for stage, goes_on, days in (
        ("lead", 0.5, 10.0),
        ("visit", 0.6, 15.0),
        ("quote", 0.4, 20.0),
        ("contract", 0.9, 9.0),
    ):
        parts.append(here.assign(stage=stage, outcome=None))
        on = rng.random(len(here)) < goes_on
        here = here.assign(
            entered_at=here["entered_at"] + pd.to_timedelta(rng.exponential(days, len(here)).round(3), unit="D")
        )
        parts.append(here[~on].assign(stage="closed", outcome="lost"))
        here = here[on]
    parts.append(here.assign(stage="closed", outcome="won"))
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"stage": "str", "outcome": "str"}).sort_values("entered_at", ignore_index=True)


def run() -> Iterator[str]:
    """A million rows; seconds of processor, as the machine may be shared."""
    log = deals(1_000_000)
    period = {"as_of": DAY, "since": SINCE}
    model = funnel.fit_win_model(log, as_of=DAY, stages=STAGES, features=["region"])
    calls = {
        "funnel_table by region": lambda: funnel.funnel_table(log, **period, stages=STAGES, by="region"),
        "stage_counts": lambda: funnel.stage_counts(log, **period, stages=STAGES),
        "step_chains": lambda: funnel.step_chains(log, as_of=DAY, steps=STAGES[:4], within_days=90),
        "stage_durations": lambda: funnel.stage_durations(log, **period, stages=STAGES),
        "win_rate by owner": lambda: funnel.win_rate(log, **period, by="owner_id"),
        "owner_ranking": lambda: funnel.owner_ranking(log, **period),
        "fit_win_model": lambda: funnel.fit_win_model(log, as_of=DAY, stages=STAGES, features=["region"]),
        "win_probabilities": lambda: funnel.win_probabilities(model, log, as_of=DAY),
        "forecast_sales, 3 months, 12 tests": lambda: funnel.forecast_sales(log, as_of=DAY, stages=STAGES),
    }
    for name, call in calls.items():
        used = time.process_time()
        call()
        yield f"{name}, {len(log):,} rows: {time.process_time() - used:.1f} s of processor; peak {peak_gib():.2f} GiB"

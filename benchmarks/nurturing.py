"""Speed of the effects of contents, from pandas frames to a pandas frame."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import scoring

DAY = dt.date(2024, 6, 30)


def leads(many: int) -> pd.DataFrame:
    """Leads of a year; a fifth convert."""
    rng = np.random.default_rng(1)
    created = pd.Timestamp("2023-07-01") + pd.to_timedelta(rng.integers(0, 360 * 86_400, many), unit="s")
    won = pd.Series(created + pd.to_timedelta(rng.exponential(30.0, many), unit="D"))
    return pd.DataFrame(
        {
            "lead_id": pd.Series([f"l{i:07d}" for i in range(many)], dtype="str"),
            "created_at": created,
            "converted_at": won.where(rng.random(many) < 0.2),
        }
    )


def events(people: pd.DataFrame, per_lead: int, contents: int) -> pd.DataFrame:
    """Events in the first sixty days of the leads."""
    rng, many = np.random.default_rng(2), per_lead * len(people)
    who = rng.integers(0, len(people), many)
    age = pd.to_timedelta(rng.integers(0, 60 * 86_400, many), unit="s")
    return pd.DataFrame(
        {
            "lead_id": people["lead_id"].take(who).reset_index(drop=True),
            "event": "view",
            "content": pd.Series([f"content {i:02d}" for i in range(contents)], dtype="str")
            .take(rng.integers(0, contents, many))
            .reset_index(drop=True),
            "occurred_at": people["created_at"].to_numpy()[who] + age,
        }
    )


def run() -> Iterator[str]:
    """A million leads, ten million events, thirty contents."""
    people = leads(1_000_000)
    log = events(people, 10, 30)
    start, used = time.perf_counter(), time.process_time()
    found = scoring.content_effects(people, log, as_of=DAY, horizon_days=30)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    yield (
        f"content_effects, 1 M leads, 10 M events, {len(found)} contents: {seconds:.1f} s ({cpu:.1f} s of processor); "
        f"peak {peak_gib():.2f} GiB"
    )

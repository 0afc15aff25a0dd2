"""Speed and quality of the cleaning of leads, from pandas frames to pandas frames."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import leads
from tests.dirty_leads import dirty_leads


def quality(crosswalk: pd.DataFrame, truth: pd.DataFrame) -> tuple[float, float]:
    """Precision and recall of the pairs that are one person."""
    both = crosswalk.merge(truth[["lead_id", "person"]], on="lead_id")
    found, hit, there = (
        int((size * (size - 1) // 2).sum())
        for size in (
            both.groupby("survivor_id").size(),
            both.groupby(["survivor_id", "person"]).size(),
            both.groupby("person").size(),
        )
    )
    return hit / found, hit / there


def run() -> Iterator[str]:
    """A million leads, and both kinds of weights on a hundred thousand."""
    small = dirty_leads(75_000, np.random.default_rng(1))
    for name, weights in (("stated", leads.MatchWeights()), ("learnt", leads.fit_match_weights(small))):
        precision, recall = quality(leads.merge_leads(small, weights=weights).crosswalk, small)
        yield f"merge_leads, {len(small)} leads, {name} weights: precision {precision:.4f}, recall {recall:.4f}"
    many = dirty_leads(740_000, np.random.default_rng(2)).drop(columns="person")
    before = peak_gib()
    start, used = time.perf_counter(), time.process_time()
    merged = leads.merge_leads(many)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    yield (
        f"merge_leads, {len(many)} leads, {len(merged.removals)} removed: {seconds:.1f} s ({cpu:.1f} s of processor); "
        f"peak {peak_gib():.2f} GiB, {before:.2f} before"
    )

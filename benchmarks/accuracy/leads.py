"""Quality of the cleaning of leads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.accuracy.table import Table
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


def run(scale: float) -> Iterator[Table]:
    """Stated and learnt weights."""
    table = dirty_leads(max(1_000, int(75_000 * scale)), np.random.default_rng(1))
    rows = {}
    for name, weights in (("stated", leads.MatchWeights()), ("learnt", leads.fit_match_weights(table))):
        precision, recall = quality(leads.merge_leads(table, weights=weights).crosswalk, table)
        rows[f"{name} weights"] = {"precision": precision, "recall": recall}
    yield Table(f"{len(table):,} leads", rows)

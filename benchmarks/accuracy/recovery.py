"""Parameters drawn from, found again: how far off, and how often an interval holds the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.accuracy.table import Table
from benchmarks.small_data import CDNOW, REGULAR, base
from crmkit import purchases
from crmkit.models.forecast_scores.score import share_of
from crmkit.models.pareto_nbd import ParetoNBD

CUSTOMERS, LEVEL = 5_000, 0.8
PARETO = ParetoNBD(r=0.55, alpha=25.0, s=0.61, beta=80.0)
TRUTHS: dict[str, Any] = {"bg": CDNOW, "mbg_cnbd": REGULAR, "pareto": PARETO}


def recovered(model: Any, truth: Any, fits: int) -> dict[str, dict[str, Any]]:
    """By parameter: the truth, the middle estimate, its middle error, and the share of intervals that hold."""
    estimates, held = [], []
    for seed in range(fits):
        process = purchases.fit_purchase_process(base(truth, CUSTOMERS, seed), model=model).process
        estimate = process.estimate
        found = dict(zip(estimate.names, estimate.values, strict=True))
        names = [name for name in found if hasattr(truth, name)]
        intervals = estimate.confidence_intervals(LEVEL)
        estimates.append([found[name] for name in names])
        held.append([intervals[name][0] <= getattr(truth, name) <= intervals[name][1] for name in names])
    rows = {}
    for name, values, flags in zip(names, np.array(estimates).T, np.array(held).T, strict=True):
        true, share = getattr(truth, name), share_of(flags.astype(float))
        rows[name] = {
            "truth": float(true),
            "median estimate": float(np.median(values)),
            "median error": f"{np.median(np.abs(values / true - 1.0)):.1%}",
            f"intervals of {LEVEL:.0%} that hold": f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})",
        }
    return rows


def run(scale: float) -> Iterator[Table]:
    """A table per process; 200 fits each at full scale."""
    fits = max(5, int(200 * scale))
    for model, truth in TRUTHS.items():
        title = f"{type(truth).__name__} as `{model}`: {fits} bases of {CUSTOMERS:,} customers in whole days"
        yield Table(title, recovered(model, truth, fits))

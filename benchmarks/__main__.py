"""Run the benchmarks and print what they measured."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version

from benchmarks import (
    accuracy,
    alerts,
    attribution,
    baskets,
    churn_accuracy,
    data,
    foundations,
    funnel,
    health,
    lead_model,
    leads,
    nurturing,
    purchase_processes,
    repurchase,
    scoring,
    seasons,
    tags,
)
from benchmarks.timing import Timing, peak_gib

CASES: dict[str, Callable[[], Iterable[Timing | str]]] = {
    "foundations": foundations.run,
    "processes": purchase_processes.run,
    "accuracy": accuracy.run,
    "seasons": seasons.run,
    "repurchase": repurchase.run,
    "health": health.run,
    "churn": churn_accuracy.run,
    "alerts": alerts.run,
    "lead-model": lead_model.run,
    "leads": leads.run,
    "nurturing": nurturing.run,
    "funnel": funnel.run,
    "scoring": scoring.run,
    "attribution": attribution.run,
    "baskets": baskets.run,
    "tags": tags.run,
    "pareto-million": purchase_processes.pareto_million,
}
# The peer alone takes minutes: only by name.
LONG = ("pareto-million",)


def main(names: list[str]) -> None:
    """Run the named cases; by default all that are not long."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; "
        + ", ".join(f"{name} {version(name)}" for name in ("pandas", "duckdb", "narwhals", "polars", "numpy"))
    )
    for name in names or [name for name in CASES if name not in LONG]:
        for found in CASES[name]():
            show(found) if isinstance(found, Timing) else print(found)
    print(f"\npeak memory of the whole run: {peak_gib():.1f} GiB")


def show(timing: Timing) -> None:
    """Print one race."""
    print(f"\n{timing.work}\n  target: {timing.target}")
    for way, seconds in timing.seconds.items():
        print(f"  {way:<18} {seconds:8.3f} s   {timing.ratios[way]:6.2f} x crmkit")


if __name__ == "__main__":
    data.main(sys.argv[2:]) if sys.argv[1:2] == ["data"] else main(sys.argv[1:])

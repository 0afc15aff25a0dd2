"""Time several ways of doing one thing in turns: machines are shared, only ratios within one run mean anything."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timing:
    """Median seconds of each way, and the median over rounds of its ratio to the first."""

    work: str
    seconds: dict[str, float]
    ratios: dict[str, float]
    target: str


def race(work: str, ways: Mapping[str, Callable[[], Any]], *, rounds: int, target: str, warm_up: bool = True) -> Timing:
    """Run each way once to warm up, then all of them in turns, `rounds` times; cold, if a way takes minutes."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(0 if warm_up else 1, rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    ours = seconds[next(iter(ways))]
    ratios = {
        name: statistics.median(other / own for other, own in zip(taken, ours, strict=True))
        for name, taken in seconds.items()
    }
    return Timing(work, {name: statistics.median(taken) for name, taken in seconds.items()}, ratios, target)


def peak_gib() -> float:
    """Highest resident memory of this process so far, as the operating system counts it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

"""The stop-watch of every side: `python -m benchmarks.sides.pandas rfm FOLDER --calls 3` prints one line of JSON.

Standard library and NumPy only: it runs in the environment of every peer.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("numpy", "pandas", "duckdb", "polars", "narwhals", "scipy", "scikit-learn", "pyarrow", "pymc", "pytensor")


@dataclass(frozen=True, slots=True)
class Way:
    """How one side does a work.

    Attributes
    ----------
    prepare : callable
        Reads the data from a folder into what the side takes; not timed.
    call : callable
        What is timed.
    answer : callable
        The result as arrays by name, in an order that does not depend on the side; not timed.
    """

    prepare: Callable[[Path], Any]
    call: Callable[[Any], Any]
    answer: Callable[[Any], Mapping[str, Any]]


def _status(line: str) -> float | None:
    """GiB of a line of /proc/self/status."""
    try:
        told = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(row.split()[1]) / 2**20 for row in told.splitlines() if row.startswith(line)), None)


def forget_peak() -> None:
    """Let the operating system's peak begin anew: reading the data may have needed more than the work."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_gib() -> float:
    """Most resident memory of this process, of its own address space: `ru_maxrss` holds the parent's before exec."""
    own = _status("VmHWM")
    return own if own is not None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def cpu_seconds() -> float:
    """Processor time of this process and of the children it has waited for, all threads."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(ways: Mapping[str, Way], distribution: str) -> None:
    """Measure the way that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=ways)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--warm", action="store_true", help="one call before, that is not timed")
    parser.add_argument("--answer", type=Path, help="where to write the answer, as .npz")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    way = ways[asked.way]
    given = way.prepare(asked.folder)
    if asked.warm:
        way.call(given)
    forget_peak()
    before, wall, cpu, result = _status("VmRSS") or peak_gib(), [], [], None
    for _ in range(asked.calls):
        result = None  # or two results are there at once
        start, used = time.perf_counter(), cpu_seconds()
        result = way.call(given)
        wall.append(time.perf_counter() - start)
        cpu.append(cpu_seconds() - used)
    peak = peak_gib()
    if asked.answer:
        np.savez(asked.answer, **{name: np.asarray(values) for name, values in way.answer(result).items()})
    found = {"wall": wall, "cpu": cpu, "peak_gib": peak, "growth_gib": max(peak - before, 0.0)}
    print(json.dumps(found | {"versions": versions(distribution)}))


def versions(distribution: str) -> dict[str, str]:
    """Versions of the packages that figures hang on."""
    found = {"Python": platform.python_version()}
    for name in (distribution, *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""Larger than memory: `python -m benchmarks curve [--sizes 1 3 10] [--only rfm] [--engines duckdb]`.

Orders of a tenth as many customers, or touches, in folders of Parquet; every measurement is a process of its own. What
was measured stays in the results, point by point, so that a long curve is made in several goes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import page, race
from benchmarks.sides.folders import FIT, WORKS

# Millions of rows; touches are asked for up to fifty.
SIZES = {"orders": (1, 3, 10, 30, 100), "touches": (1, 3, 10, 30, 50)}
ENGINES = ("duckdb", "polars")
LIMIT = "1500MiB"
FILE = page.RESULTS / "curve.json"


def parsed(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks curve", description=(__doc__ or "").split("\n")[0])
    every = sorted({size for sizes in SIZES.values() for size in sizes})
    parser.add_argument("--sizes", nargs="+", type=float, default=every, help="millions of rows")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS), help="these works alone")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=["duckdb"])
    parser.add_argument("--limit", default=LIMIT, help="of DuckDB's memory")
    parser.add_argument("--data", type=Path, default=race.DATA, help="folder of the data; made if needed")
    parser.add_argument("--results", type=Path, default=FILE)
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds for each process")
    return parser.parse_args(words)


def asked_for(asked: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """Engines, works and sizes, small ones first; sizes that are no point of the curve are taken as they are."""
    every = {size for sizes in SIZES.values() for size in sizes}
    for size in asked.sizes:
        for engine in asked.engines:
            for work in asked.only:
                own = SIZES[WORKS[work].tables[0]]
                if size in own or size not in every:
                    yield engine, work, size


def folder_of(work: str, size: float, root: Path) -> Path:
    """Make the data of a work in a process of its own, once."""
    kind = WORKS[work].tables[0]
    folder = root / f"{kind}-{size:g}M"
    words = [sys.executable, "-m", "benchmarks", "data", kind, "--rows", str(size * 1e6), "--out", str(folder)]
    subprocess.run(words, cwd=race.ROOT, check=True, capture_output=True)
    return folder


def measured(engine: str, work: str, folder: Path, *, limit: str, timeout: float) -> dict[str, Any]:
    """One work in a process of its own."""
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.sides.folders", work, engine, str(folder)]
    words += ["--limit", limit]
    done = subprocess.run(words, cwd=race.ROOT, check=True, capture_output=True, text=True, timeout=timeout)
    found = dict(json.loads(done.stdout.splitlines()[-1]))
    machine, versions = race.machine(), found.pop("versions")
    return {
        **{name: round(value, 3) for name, value in found.items()},
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "limit": limit if engine == "duckdb" else "",
        "machine": "{cores} cores ({processor}), {memory_gib} GiB, {system}".format(**machine),
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
    }


def point(engine: str, work: str, asked: argparse.Namespace, size: float) -> dict[str, Any]:
    """Measure one point; what is lacking for it is made before."""
    folder = folder_of(work, size, asked.data)
    if WORKS[work].takes_fit and not (folder / FIT).exists():
        measured("duckdb", "fit", folder, limit=asked.limit, timeout=asked.timeout)
    found = measured(engine, work, folder, limit=asked.limit, timeout=asked.timeout)
    return {"engine": engine, "work": work, "millions": size, **found}


def keep(file: Path, found: dict[str, Any]) -> None:
    """Put one point beside those that are there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    name = "{engine} {work} {millions:g}".format(**found)
    known = page.load(file) | {name: found}
    file.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def main(words: list[str]) -> int:
    """Run what is asked; 1 if something failed."""
    asked, failed = parsed(words), 0
    for engine, work, size in asked_for(asked):
        try:
            found = point(engine, work, asked, size)
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", None) or str(error)
            print(f"{engine} {work} {size:g} M failed: {str(said).strip().splitlines()[-1]}", flush=True)
            failed = 1
            continue
        keep(asked.results, found)
        told = "{wall:.1f} s, processor {cpu:.1f} s, peak {peak_gib:.2f} GiB".format(**found)
        print(f"{engine} {work} {size:g} M: {told}", flush=True)
    return failed

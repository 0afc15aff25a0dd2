"""The Markov chain beside a linear solve by hand, and beside ChannelAttribution's simulation of journeys."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import peers, small_data
from benchmarks.accuracy.table import Table
from benchmarks.sides.exact_chain import markov as by_hand
from crmkit import attribution

ROOT = Path(__file__).parent.parent.parent


def by_crmkit(paths: pd.DataFrame) -> Any:
    """Conversions of each channel, in the order of their names."""
    found = attribution.attribute_paths(paths, models=["markov_1"], replicates=2, rng=np.random.default_rng(1))
    return found[found["channel"] != "(unattributed)"].sort_values("channel")["conversions"].to_numpy()


def by_simulation(folder: Path) -> Any:
    """ChannelAttribution's, in its own environment; words, if it cannot be had."""
    peer = peers.installed(peers.PEERS["ChannelAttribution"])
    if peer.missing:
        return f"ChannelAttribution cannot be installed here: {peer.missing}"
    answer = folder / "answer.npz"
    command = [str(peer.python), "-m", "benchmarks.sides.channel_attribution", "markov", str(folder)]
    done = subprocess.run([*command, "--answer", str(answer)], cwd=ROOT, capture_output=True, text=True, timeout=600)
    return np.load(answer)["conversions"] if done.returncode == 0 else "ChannelAttribution failed"


def beside(title: str, paths: pd.DataFrame) -> Table:
    """How far each is from the solve by hand, relative to the channel's conversions."""
    with tempfile.TemporaryDirectory() as scratch:
        paths.to_parquet(Path(scratch) / "paths.parquet", index=False)
        simulated = by_simulation(Path(scratch))
    truth, words, rows = by_hand(paths), [], {}
    for name, found in (("crmkit", by_crmkit(paths)), ("ChannelAttribution, 1e5 journeys", simulated)):
        if isinstance(found, str):
            words.append(f"{found}.")
        else:
            off = np.abs(found / truth - 1.0)
            rows[name] = {"worst channel off by": f"{off.max():.1e}", "mean": f"{off.mean():.1e}"}
    return Table(f"{title}: {len(truth)} channels, {int(paths['conversions'].sum()):,} conversions", rows, words)


def run(scale: float) -> Iterator[Table]:
    """A simulated chain; and `PathData`, where it is."""
    with tempfile.TemporaryDirectory() as scratch:
        small_data.counted_paths(int(500_000 * scale), Path(scratch))
        yield beside("Simulated journeys", pd.read_parquet(Path(scratch) / "paths.parquet"))
    folder = os.environ.get("CRMKIT_DATA")
    if folder and (Path(folder) / "PathData.csv").exists():
        table = pd.read_csv(Path(folder) / "PathData.csv", sep=None, engine="python")
        names = {"total_conversions": "conversions", "total_null": "nulls"}
        yield beside("PathData", table.rename(columns=names)[["path", "conversions", "nulls"]])

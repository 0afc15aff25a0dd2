"""Attribution beside MAM in one run: `python -m benchmarks.attribution_peer [millions of touches]`, it installed.

A log that both understand: a customer converts at a touch, whose flag MAM reads, and a journey is all that came since
the conversion before. Each works in a process of its own, so that the peaks of memory are its own, too.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.timing import peak_gib
from crmkit import attribution

DAY = dt.date(2024, 6, 30)
# What both have, under MAM's names; its Markov chain shares by removal effects, which it then spreads over touches.
SHARED = {
    "first_click": "first",
    "last_click": "last",
    "linear": "linear",
    "position_based": "position",
    "time_decay": "time_decay",
    "markov": "markov_1",
}


def flagged_touches(touches: int, seed: int = 1) -> pd.DataFrame:
    """Half a year of 10 touches a customer over 10 channels, no two at one time; 3 in 100 are conversions."""
    rng = np.random.default_rng(seed)
    customers = pd.Series([f"C{i:07d}" for i in range(touches // 10)], dtype="str")
    step = 182 * 86_400_000 // touches
    return pd.DataFrame(
        {
            "customer_id": customers.array.take(rng.integers(0, len(customers), touches)),
            "touched_at": np.datetime64("2024-01-01", "us")
            + (rng.permutation(touches) * step + 1).astype("timedelta64[ms]"),
            "channel": pd.Series([f"channel {i}" for i in range(10)], dtype="str").array.take(
                rng.choice(10, touches, p=rng.dirichlet(np.full(10, 2.0)))
            ),
            "converted": rng.random(touches) < 0.03,
        }
    )


def by_crmkit(log: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Credit all models with standard errors, and give the conversions of the shared ones."""
    sales = log.loc[log["converted"], ["customer_id", "touched_at"]].rename(columns={"touched_at": "converted_at"})
    options: dict[str, Any] = {"as_of": DAY, "lookback_days": None, "replicates": 2, "rng": np.random.default_rng(1)}
    found = attribution.attribute_all(log.drop(columns="converted"), sales, **options)
    return {
        name: dict(zip(own["channel"], own["conversions"], strict=True))
        for name in SHARED.values()
        for own in [found[found["model"] == name]]
    }


def by_mam(log: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Credit the models that MAM has, Shapley's value of up to 4 channels among them; without standard errors."""
    from mam.core import MAM

    peer = MAM(
        log,
        "session",
        *("channel", "converted", "touched_at", "customer_id"),
        create_journey_id_based_on_conversion=True,
    )
    peer.run_shapley(max_size=4)
    found = {}
    for theirs, ours in SHARED.items():
        result = getattr(peer, f"run_{theirs}")()
        if theirs == "markov":
            effect = result.metadata["removal_effect"]["removal_effect"]
            found[ours] = (effect / effect.sum() * log["converted"].sum()).to_dict()
        else:
            credit = result.to_pandas()
            found[ours] = dict(zip(credit["channels"].astype(str), credit["attribution"], strict=True))
    return found


def work(way: str, touches: int, out: Any) -> None:
    """Run one way and hand over its seconds of processor and clock, its growth of memory, and what it found."""
    log = flagged_touches(touches)
    before, wall, cpu = peak_gib(), time.perf_counter(), time.process_time()
    found = {"crmkit": by_crmkit, "MAM": by_mam}[way](log)
    out.put((time.process_time() - cpu, time.perf_counter() - wall, peak_gib() - before, found))


def main(touches: int) -> None:
    """Print what each took, and how far the credits of models that both have lie apart."""
    import mam  # noqa: F401 (better now than in a process that nobody hears)

    names = ("marketing-attribution-models", "polars", "duckdb", "numpy", "pandas")
    print(", ".join(f"{name} {version(name)}" for name in names), f"; {touches / 1e6:g} M touches")
    spawned, found = multiprocessing.get_context("spawn"), {}
    for way in ("crmkit", "MAM"):
        out = spawned.Queue()
        process = spawned.Process(target=work, args=(way, touches, out))
        process.start()
        cpu, wall, memory, found[way] = out.get(timeout=900)
        process.join()
        print(f"  {way:8s} {cpu:7.2f} s CPU {wall:7.2f} s wall   peak memory +{memory:.2f} GiB")
    for name, ours in found["crmkit"].items():
        theirs = found["MAM"][name]
        apart = max(abs(theirs.get(channel, 0.0) - credit) for channel, credit in ours.items())
        print(f"  {name:12s} largest difference of a channel: {apart:.3g} conversions of {sum(ours.values()):.0f}")


if __name__ == "__main__":
    main(int(float((sys.argv[1:] or ["4"])[0]) * 1_000_000))

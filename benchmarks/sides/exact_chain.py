"""Removal effects of a first-order chain by a linear solve per channel, in plain NumPy: the truth for the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import table


def markov(paths: pd.DataFrame) -> Any:
    """Count the moves by hand; removed means lost."""
    channels = sorted({name for path in paths["path"] for name in path.split(" > ")})
    k, place = len(channels), {name: i for i, name in enumerate(channels)}
    start, moves, sold = np.zeros(k), np.zeros((k, k)), np.zeros(k)
    visits = np.zeros(k)
    for path, conversions, nulls in paths[["path", "conversions", "nulls"]].itertuples(index=False):
        steps, many = [place[name] for name in path.split(" > ")], conversions + nulls
        start[steps[0]] += many
        sold[steps[-1]] += conversions
        for here, there in zip(steps, [*steps[1:], None], strict=True):
            visits[here] += many
            if there is not None:
                moves[here, there] += many
    start, moves, sold = start / start.sum(), moves / visits[:, None], sold / visits

    def converts(kept: Any) -> float:
        inside = np.eye(kept.sum()) - moves[np.ix_(kept, kept)]
        return float(start[kept] @ np.linalg.solve(inside, sold[kept]))

    whole = converts(np.ones(k, dtype=bool))
    effects = np.array([1.0 - converts(np.arange(k) != i) / whole for i in range(k)])
    return effects / effects.sum() * paths["conversions"].sum()


WAYS = {"markov": Way(table("paths"), markov, lambda found: {"conversions": found})}

if __name__ == "__main__":
    main(WAYS, "numpy")

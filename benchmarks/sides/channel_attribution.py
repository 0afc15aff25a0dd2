"""ChannelAttribution: Markov order 1 by its simulation, seeded, with its own defaults."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import table


def markov(paths: pd.DataFrame) -> Any:
    import ChannelAttribution

    return ChannelAttribution.markov_model(
        paths, "path", "conversions", var_null="nulls", order=1, seed=1, ncore=1, verbose=False, flg_pro=False
    )


def answer(found: Any) -> Any:
    credit = found.set_index("channel_name")["total_conversions"].astype(float).sort_index()
    return {"conversions": credit.to_numpy()}


WAYS = {"markov": Way(table("paths"), markov, answer)}

if __name__ == "__main__":
    main(WAYS, "ChannelAttribution")

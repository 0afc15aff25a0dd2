"""MAM: what it has of the models, Shapley's value of up to 4 channels among them; without standard errors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import table

# MAM's names of the models that both have; its Markov chain shares by removal effects, then spreads over touches.
SHARED = {
    "first_click": "first",
    "last_click": "last",
    "linear": "linear",
    "position_based": "position",
    "markov": "markov_1",
}


def attribution(log: pd.DataFrame) -> dict[str, Any]:
    from mam.core import MAM

    names = ("channel", "converted", "touched_at", "customer_id")
    peer = MAM(log, "session", *names, create_journey_id_based_on_conversion=True)
    peer.run_shapley(max_size=4)
    peer.run_time_decay()
    found = {theirs: getattr(peer, f"run_{theirs}")() for theirs in SHARED}
    return found | {"sales": int(log["converted"].sum())}


def answer(found: dict[str, Any]) -> Any:
    credits = {}
    for theirs, ours in SHARED.items():
        if theirs == "markov":
            effect = found[theirs].metadata["removal_effect"]["removal_effect"]
            one = effect / effect.sum() * found["sales"]
        else:
            own = found[theirs].to_pandas()
            one = pd.Series(own["attribution"].to_numpy(), own["channels"].astype(str))
        credits[ours] = one.sort_index().to_numpy(dtype=float)
    return credits


WAYS = {"attribution": Way(table("touches"), attribution, answer)}

if __name__ == "__main__":
    main(WAYS, "marketing-attribution-models")

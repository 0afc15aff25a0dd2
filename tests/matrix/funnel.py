"""Calls of the funnel room from histories of deals, and the tables that only they take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from crmkit import funnel
from tests.matrix.case import AS_OF, EARLIER, Case

STAGES = ("lead", "报价", "contract", "won")
SINCE = EARLIER + dt.timedelta(days=1)


@cache
def _model() -> funnel.WinModel:
    return funnel.fit_win_model(
        histories(seed=3), as_of=AS_OF, stages=STAGES, horizon_days=40, features=["region"], ignore=["pause"]
    )


CASES: Mapping[str, Case] = {
    "funnel.funnel_table": Case(
        lambda f: funnel.funnel_table(
            f, as_of=AS_OF, since=SINCE, stages=STAGES, thresholds={"lead": 0.6}, by="region", ignore=["pause"]
        ),
        ("deals",),
        ("region", "place"),
    ),
    "funnel.stage_counts": Case(
        lambda f: funnel.stage_counts(f, as_of=AS_OF, since=SINCE, stages=STAGES, by="owner_id", ignore=["pause"]),
        ("deals",),
        ("owner_id", "place"),
    ),
    "funnel.step_chains": Case(
        lambda f: funnel.step_chains(f, as_of=AS_OF, steps=("lead", "报价", "contract"), within_days=30),
        ("deals",),
        ("place",),
    ),
    "funnel.stage_durations": Case(
        lambda f: funnel.stage_durations(f, as_of=AS_OF, since=SINCE, stages=STAGES, ignore=["pause"]), ("deals",), ()
    ),
    "funnel.lifecycle": Case(
        lambda f: funnel.lifecycle(f, as_of=AS_OF, stages=(*STAGES[:3], "pause")), ("customer stages",), ()
    ),
    "funnel.fit_win_model": Case(
        lambda f: funnel.fit_win_model(
            f, as_of=AS_OF, stages=STAGES, horizon_days=40, features=["region"], ignore=["pause"]
        ),
        ("deals",),
        (),
    ),
    "funnel.win_probabilities": Case(
        lambda f: funnel.win_probabilities(_model(), f, as_of=AS_OF, locale="zh"), ("deals",), ("deal_id",)
    ),
    "funnel.forecast_sales": Case(
        lambda f: funnel.forecast_sales(f, as_of=AS_OF, stages=STAGES, months=2, tests=3, ignore=["pause"]),
        ("deals",),
        (),
    ),
    "funnel.forecast_backtest": Case(
        lambda f: funnel.forecast_backtest(f, as_of=AS_OF, stages=STAGES, months=2, tests=3, ignore=["pause"]),
        ("deals",),
        (),
    ),
    "funnel.win_rate": Case(
        lambda f: funnel.win_rate(f, as_of=AS_OF, since=SINCE, by="owner_id", targets={"7": 1e5, "nobody": 1.0}),
        ("deals",),
        ("owner_id",),
    ),
    "funnel.owner_ranking": Case(lambda f: funnel.owner_ranking(f, as_of=AS_OF, since=EARLIER), ("deals",), ("rank",)),
    "funnel.whole_chain": Case(
        lambda t, leads, d, o: funnel.whole_chain(t, leads, d, o, as_of=AS_OF, since=SINCE),
        ("stage touches", "stage leads", "deals", "orders"),
        ("place",),
    ),
}


def histories(seed: int = 17, many: int = 420) -> pd.DataFrame:
    """Deals of fourteen months: skipped stages, pauses, ties, missing amounts and regions, rows after as_of."""
    rng = np.random.default_rng(seed)
    time = pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 420 * 24, many), unit="h")
    ids, alive = np.arange(many), np.ones(many, dtype=bool)
    amount = np.round(rng.lognormal(7.0, 0.7, many), 2)
    amount[rng.random(many) < 0.1] = np.nan
    owner, region = rng.integers(5, 9, many), rng.integers(0, 3, many)
    parts = []

    def entered(who: np.ndarray, stage: str, outcome: str | None, at: pd.DatetimeIndex) -> None:
        names = np.array(["north", "李", None], dtype=object)[region[who]]
        parts.append(
            pd.DataFrame(
                {
                    "deal_id": [f"d{i:03d}" for i in who],
                    "stage": stage,
                    "entered_at": at[who],
                    "amount": amount[who],
                    "owner_id": owner[who],
                    "region": names,
                    "outcome": outcome,
                }
            )
        )

    for stage in ("lead", "报价", "pause", "contract"):
        here = alive & (rng.random(many) < {"pause": 0.1, "报价": 0.8}.get(stage, 1.0))
        entered(ids[here], stage, None, time)
        time = time + pd.to_timedelta(np.where(here, rng.integers(0, 30 * 24, many), 0), unit="h")
        lost = alive & (rng.random(many) < 0.15)
        entered(ids[lost], "lost", "Lost", time)
        alive &= ~lost
    entered(ids[alive], "closed", "won", time)
    table = pd.concat(parts, ignore_index=True).sample(frac=1.0, random_state=seed, ignore_index=True)
    kinds = dict.fromkeys(("deal_id", "stage", "region", "outcome"), "str")
    typed = table.astype({**kinds, "owner_id": "int64", "entered_at": "datetime64[us]"})
    return typed.assign(outcome=typed["outcome"].where(table["outcome"].notna()))  # pandas 2 writes None out


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Deals, the stages of customers, and who was touched and came as a lead at the times of a log."""
    deals = histories()
    staged = deals[deals["outcome"].isna()][:300]
    return {
        "deals": deals,
        "customer stages": staged[["stage", "entered_at"]].assign(customer_id=staged["owner_id"]),
        "stage touches": pd.DataFrame(
            {"customer_id": orders["customer_id"], "channel": "mail", "touched_at": orders["ordered_at"], "touch_id": 1}
        ),
        "stage leads": pd.DataFrame({"lead_id": orders.index, "created_at": orders["ordered_at"]}),
    }

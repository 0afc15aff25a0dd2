"""Calls of journeys and attribution, and the tables that only they take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import attribution, journeys
from tests.matrix.case import AS_OF, Case

LOGS = ("touches", "conversions")
ROW = ("customer_id", "converted_at", "place")
ALL = {"lookback_days": 60, "sharing": "shared", "as_of": AS_OF}
MODELS = (
    "first",
    "last_non_direct",
    "time_decay",
    "w_shaped",
    "participation",
    "shapley",
    "shapley_learned",
    "markov_2",
)

CASES: Mapping[str, Case] = {
    "journeys.stitch_identities": Case(
        journeys.stitch_identities, ("touches", "identities"), ("customer_id", "touched_at", "touch_id")
    ),
    "journeys.journeys": Case(
        lambda t, c: journeys.journeys(t, c, gap_days=20, **ALL), LOGS, ("customer_id", "journey", "place")
    ),
    "journeys.paths": Case(lambda t, c: journeys.paths(t, c, as_of=AS_OF, top=6), LOGS, ()),
    "journeys.transitions": Case(
        lambda t, c: journeys.transitions(t, c, as_of=AS_OF, gap_days=9), LOGS, ("channel", "next_channel")
    ),
    "journeys.touch_timeline": Case(
        lambda t: journeys.touch_timeline(t, as_of=AS_OF), ("touches",), ("customer_id", "place")
    ),
    "journeys.first_touch": Case(lambda t: journeys.first_touch(t, as_of=AS_OF), ("touches",)),
    "attribution.attribute": Case(
        lambda t, c: attribution.attribute(t, c, model="position", by="campaign", **ALL), LOGS, ("channel",)
    ),
    "attribution.attribute_all": Case(
        lambda t, c: attribution.attribute_all(t, c, models=MODELS, rng=np.random.default_rng(2), replicates=3, **ALL),
        LOGS,
        (),
    ),
    "attribution.attribute_paths": Case(
        lambda f: attribution.attribute_paths(f, models=["linear", "markov_1"], rng=np.random.default_rng(2)),
        ("paths",),
        (),
    ),
    "attribution.credits": Case(
        lambda t, c: attribution.credits(t, c, model="full_path", lookback_days=None, as_of=AS_OF), LOGS, ROW
    ),
    "attribution.customer_credits": Case(
        lambda t, c: attribution.customer_credits(t, c, model="shapley", as_of=AS_OF), LOGS, ("customer_id", "channel")
    ),
    "attribution.side_by_side": Case(
        lambda f: attribution.side_by_side(f, value="value"), ("credit by models",), ("channel",)
    ),
}


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Touches in the weeks around the orders of a log, some at one instant; every second order is a conversion."""
    place = np.arange(len(orders))
    channels = np.array(["search", "mail", "direct", "李 video"], dtype=object)
    parts = [
        orders[["customer_id"]].assign(
            touched_at=(orders["ordered_at"] - pd.to_timedelta(back, unit="D")).astype("datetime64[us]"),
            channel=channels[(place + turn) % 4],
            campaign=np.where((place + turn) % 3, np.array("spring", dtype=object), None),
        )
        for turn, back in enumerate((40, 12, 12, 0, -3))
    ]
    touches = pd.concat(parts, ignore_index=True)
    touches["touch_id"] = [f"t{(7 * i) % len(touches):05d}" for i in range(len(touches))]
    touches["cost"] = (np.arange(len(touches)) % 7) / 4.0
    sold = orders.loc[place % 2 == 0, ["customer_id", "ordered_at", "amount"]]
    marks = np.array([None, "lead", None, "opportunity", "sale"], dtype=object)
    conversions = pd.DataFrame(
        {
            "customer_id": sold["customer_id"],
            "converted_at": sold["ordered_at"],
            "value": sold["amount"].abs(),
            "milestone": marks[np.arange(len(sold)) % 5],
            "conversion_id": [f"c{i}" for i in range(len(sold))],
        }
    ).reset_index(drop=True)
    ids = sorted(orders["customer_id"].unique())
    identities = pd.DataFrame({"alias_id": ids[:3], "customer_id": [*ids[1:3], "somebody"]})
    paths = pd.DataFrame(
        {
            "path": ["a > b", "b", "a > b > c", "b"],
            "conversions": [3, 1, 2, 0],
            "value": [9.5, 1, 4, 0],
            "nulls": [4, 2, 0, 5],
        }
    )
    made = {"touches": touches, "conversions": conversions, "identities": identities, "paths": paths}
    texts = {
        name: table.astype({column: "str" for column, kind in table.dtypes.items() if kind.kind == "O"})
        for name, table in made.items()
    }
    credit = attribution.attribute_all(
        *(texts["touches"], texts["conversions"]), models=["first", "linear"], as_of=AS_OF
    ).astype({"model": "str", "channel": "str"})
    return {**texts, "credit by models": credit}

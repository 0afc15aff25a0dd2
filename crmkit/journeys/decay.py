"""Shares that depend on the days before the conversion: no two journeys are alike, so the engine computes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.journeys.cutting import Sharing, winning
from crmkit.journeys.log import DAY, Log
from crmkit.models.paths import F64, summed


def with_decay(rows: frames.Frame, *, by: Sequence[str], half_life_days: float) -> frames.Frame:
    """Add `weight`, the share of each touch in its journey, halved for each half-life of `days_before`."""
    # Relative to the last touch: however long ago all is, not every weight is 0.
    latest = rows.with_columns(latest=nw.col("days_before").min().over(*by))
    rate = math.log(2.0) / half_life_days
    weighed = latest.with_columns(weight=((nw.col("latest") - nw.col("days_before")) * rate).exp()).drop("latest")
    return weighed.with_columns(weight=nw.col("weight") / nw.col("weight").sum().over(*by))


def decayed_sums(log: Log, *, sharing: Sharing, half_life_days: float) -> dict[str, F64]:
    """Sum up the decaying shares of each channel, shape (channels,) each.

    `conversions`, `value`, and `conversions_square`, `value_square`: the sums of their squares over conversions.
    """
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    rows = winning(log, sharing).with_columns(days_before=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)))
    weighed = with_decay(rows, by=["customer_id", "number"], half_life_days=half_life_days)
    own = weighed.group_by("customer_id", "number", "code").agg(
        nw.col("weight").sum(), *[nw.col(name).max() for name in ("sales", "value", "square")]
    )
    share = nw.col("weight")
    parts = {
        "conversions": nw.col("sales") * share,
        "value": nw.col("value") * share,
        "conversions_square": nw.col("sales") * share * share,
        "value_square": nw.col("square") * share * share,
    }
    sums = own.with_columns(**parts).group_by("code").agg(*[nw.col(name).sum() for name in parts])
    found = frames.arrays(sums, ["code", *parts])
    place = found["code"].astype(np.int64) - 1
    return {name: summed(place, found[name].astype(np.float64), len(log.channels)) for name in parts}

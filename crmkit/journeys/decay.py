"""Shares that depend on the days before the conversion: no two journeys are alike, so the engine computes them."""

from __future__ import annotations

import math

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.journeys.cutting import Sharing, winning
from crmkit.journeys.log import DAY, Log
from crmkit.models.paths import F64, summed


def decaying(log: Log, *, sharing: Sharing, half_life_days: float) -> frames.Frame:
    """Touches within windows with their `share` of the conversion, halved for each half-life before it."""
    rows = winning(log, sharing)
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    rows = rows.with_columns(days=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)))
    # Relative to the last touch: however long ago all is, not every weight is 0.
    latest = rows.with_columns(latest=nw.col("days").min().over("customer_id", "number"))
    weighed = latest.with_columns(weight=((nw.col("latest") - nw.col("days")) * (math.log(2.0) / half_life_days)).exp())
    return weighed.with_columns(share=nw.col("weight") / nw.col("weight").sum().over("customer_id", "number")).drop(
        "latest", "weight"
    )


def decayed_sums(log: Log, *, sharing: Sharing, half_life_days: float) -> dict[str, F64]:
    """Sum up the decaying shares of each channel, shape (channels,) each.

    `conversions`, `value`, and `conversions_square`, `value_square`: the sums of their squares over conversions.
    """
    rows = decaying(log, sharing=sharing, half_life_days=half_life_days)
    own = rows.group_by("customer_id", "number", "code").agg(
        nw.col("share").sum(), *[nw.col(name).max() for name in ("sales", "value", "square")]
    )
    share = nw.col("share")
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

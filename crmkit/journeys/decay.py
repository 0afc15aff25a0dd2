"""Shares that depend on the days before the conversion: no two journeys are alike, so they come before the paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.journeys.cutting import Sharing, winning
from crmkit.journeys.handed import Won
from crmkit.journeys.log import DAY, Log
from crmkit.models.paths import F64, Paths, summed
from crmkit.models.touch_weights import Pairs, by_decay


def with_decay(rows: frames.Frame, *, by: Sequence[str], half_life_days: float) -> frames.Frame:
    """Add `weight`, the share of each touch in its journey, halved for each half-life of `days_before`."""
    # Relative to the last touch: however long ago all is, not every weight is 0.
    latest = rows.with_columns(latest=nw.col("days_before").min().over(*by))
    rate = math.log(2.0) / half_life_days
    weighed = latest.with_columns(weight=((nw.col("latest") - nw.col("days_before")) * rate).exp()).drop("latest")
    return weighed.with_columns(weight=nw.col("weight") / nw.col("weight").sum().over(*by))


def decayed_sums(log: Log, won: Won | None, *, sharing: Sharing, half_life_days: float) -> dict[str, F64]:
    """Sum up the decaying shares of each channel, shape (channels,) each.

    `conversions`, `value`, and `conversions_square`, `value_square`: the sums of their squares over conversions. `won`
    as `handed_over` brings it out of the log, for the same `sharing`.
    """
    if won is None:
        return _sums_there(log, sharing, half_life_days)
    starts = np.append(won.first, len(won.code))
    own = {name: won.sales[name][won.sale].astype(np.float64) for name in ("sales", "value", "square")}
    paths = Paths(
        won.code.astype(np.int64) - 1, starts, own["sales"], np.zeros(len(won.sale)), own["value"], len(log.channels)
    )
    pairs = Pairs.of(paths)
    share = pairs.shares(by_decay(paths, won.days_before(), half_life_days))
    of = {name: values[pairs.path] for name, values in own.items()}
    parts = _parts(of["sales"], of["value"], of["square"], share)
    return {name: summed(pairs.channel, values, len(log.channels)) for name, values in parts.items()}


def _sums_there(log: Log, sharing: Sharing, half_life_days: float) -> dict[str, F64]:
    """Return what `decayed_sums` does, from an engine that keeps its touches."""
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    rows = winning(log, sharing).with_columns(days_before=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)))
    weighed = with_decay(rows, by=["customer", "number"], half_life_days=half_life_days)
    own = weighed.group_by("customer", "number", "code").agg(
        nw.col("weight").sum(), *[nw.col(name).max() for name in ("sales", "value", "square")]
    )
    parts = _parts(*[nw.col(name) for name in ("sales", "value", "square", "weight")])
    sums = own.with_columns(**parts).group_by("code").agg(*[nw.col(name).sum() for name in parts])
    found = frames.arrays(sums, ["code", *parts])
    place = found["code"].astype(np.int64) - 1
    return {name: summed(place, found[name].astype(np.float64), len(log.channels)) for name in parts}


def _parts(sales: Any, value: Any, square: Any, share: Any) -> dict[str, Any]:
    """Credit of a share of conversions, as arrays or as expressions."""
    return {
        "conversions": sales * share,
        "value": value * share,
        "conversions_square": sales * share * share,
        "value_square": square * share * share,
    }

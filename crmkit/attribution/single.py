"""Credit of single conversions: by touch, and by customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.attribution.models import (
    LastNonDirect,
    Milestones,
    Model,
    Participation,
    Shapley,
    TimeDecay,
    model_of,
)
from crmkit.attribution.sharing import weights_of_touches
from crmkit.errors import DomainError
from crmkit.journeys.cutting import Sharing
from crmkit.journeys.decay import with_decay
from crmkit.journeys.log import Window
from crmkit.journeys.rows import OWN, placed_winning, read_rows
from crmkit.models.paths import Paths

_PLACES = ["lead_place", "opportunity_place"]


def credits(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    model: str | Model,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    by: str = "channel",
) -> IntoFrameT:
    """Credit each touch with its part of each conversion.

    Parameters
    ----------
    touches, conversions, as_of, lookback_days, sharing, by
        As for `attribute`.
    model : str or model
        A rule, "participation" or "shapley". Removal effects and worths of your own belong to all conversions
        together: a Markov chain has no credit of a single one.

    Returns
    -------
    data frame like `touches`
        One row per touch in the window of a conversion, sorted by customer, conversion, `place`: `customer_id`,
        `converted_at`, `conversion_id` (if there is one), `touched_at`, `channel`, `place` (from 1) of `length`,
        `credit` (of the conversions of that time) and `value`. A conversion without a touch is one row of channel
        "(unattributed)". The rows of a conversion sum to it and to its value; those of a channel to `attribute`.

    Raises
    ------
    SchemaError, DomainError
        As `attribute`; DomainError also for a model without credit of single conversions.
    """
    rows = _credited(touches, conversions, model_of(model), _window(as_of, lookback_days, sharing, by))
    names = frames.names_of(rows)
    shown = (
        "customer_id",
        "converted_at",
        "conversion_id",
        "touched_at",
        "channel",
        "place",
        "length",
        "credit",
        "value",
    )
    whole = rows.select(*[name for name in shown if name in names])
    return frames.leave(whole, like=touches, sort=["customer_id", "converted_at", "place"])


def customer_credits(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    model: str | Model,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    by: str = "channel",
) -> IntoFrameT:
    """Credit channels with the conversions of each customer.

    Parameters
    ----------
    touches, conversions, model, as_of, lookback_days, sharing, by
        As for `credits`.

    Returns
    -------
    data frame like `touches`
        One row per customer who converted and channel credited, sorted by both: `customer_id`, `channel`,
        `conversions`, `value` (9 decimals).
    """
    rows = _credited(touches, conversions, model_of(model), _window(as_of, lookback_days, sharing, by))
    summed = rows.group_by("customer_id", "channel").agg(
        conversions=nw.col("credit").sum(), value=nw.col("value").sum()
    )
    rounded = summed.with_columns(nw.col("conversions").round(9), nw.col("value").round(9))
    return frames.leave(rounded, like=touches, sort=["customer_id", "channel"])


def _window(as_of: dt.date, lookback_days: float | None, sharing: Sharing, by: str) -> Window:
    return Window(as_of, lookback_days, sharing, None, by)


def _credited(touches: Any, conversions: Any, model: Model, window: Window) -> frames.Frame:
    """Touches of conversions with `credit` and `value`."""
    milestones = isinstance(model, Milestones)
    log = read_rows(touches, conversions, window, milestones=milestones)
    rows = placed_winning(log, window.sharing, like=touches, milestones=milestones)
    weighed = _weighed(rows, model, list(log.channels)).with_columns(
        weight=nw.when(nw.col("length") == 0).then(nw.lit(1.0)).otherwise(nw.col("weight"))
    )
    return weighed.with_columns(
        credit=nw.col("weight") * nw.col("conversions"), value=nw.col("weight") * nw.col("value")
    )


def _weighed(rows: frames.Frame, model: Model, channels: list[str]) -> frames.Frame:
    """Add `weight`, the share of each touch in its conversions."""
    match model:
        case TimeDecay(half_life):
            return with_decay(rows, by=OWN, half_life_days=half_life)
        case LastNonDirect():
            return _last_other(rows, (np.flatnonzero(model.passed_over(channels)) + 1).tolist())
        case Participation():
            return _per_channel(rows, nw.lit(1.0))
        case Shapley():
            return _per_channel(rows, 1.0 / nw.col("distinct"))
    return _by_place(rows, model, _PLACES if isinstance(model, Milestones) else [])


def _by_place(rows: frames.Frame, model: Model, places: Sequence[str]) -> frames.Frame:
    """Weights that depend on the place alone: computed for each kind of journey that there is, and joined."""
    keys = ["length", *places]
    kinds = frames.distinct_rows(rows.filter(nw.col("length") > 0), keys)
    lengths = kinds["length"].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    none = np.zeros(len(lengths))
    shapes = Paths(np.zeros(int(starts[-1]), dtype=np.int64), starts, none, none, none, 1)
    reached = (
        np.column_stack([kinds[name].astype(np.int64) for name in places]) if places else np.zeros((0, 2), np.int64)
    )
    weights = weights_of_touches(model, shapes, np.array(["any"], dtype=object), reached)
    if weights is None:
        raise DomainError(
            f"{model.name} gives no credit to single conversions, only to all of them together: use attribute(...).\n"
            f"For single conversions take a rule such as 'position', or 'shapley'."
        )
    if len(weights) == 0:
        return rows.with_columns(weight=nw.lit(1.0))
    table = {name: np.repeat(kinds[name].astype(np.int64), lengths) for name in keys}
    return frames.join_small(rows, {**table, "place": shapes.place + 1, "weight": weights}, on=[*keys, "place"])


def _last_other(rows: frames.Frame, direct: list[int]) -> frames.Frame:
    counts = ~nw.col("code").is_in(direct) if direct else nw.lit(True)
    marked = rows.with_columns(other=frames.one_if(counts) * nw.col("place"))
    latest = marked.with_columns(latest=nw.col("other").max().over(*OWN))
    chosen = nw.when(nw.col("latest") > 0).then(nw.col("latest")).otherwise(nw.col("length"))
    return latest.with_columns(weight=frames.one_if(nw.col("place") == chosen).cast(nw.Float64))


def _per_channel(rows: frames.Frame, share: nw.Expr) -> frames.Frame:
    """Give each distinct channel of a journey a share, its touches equal parts of it."""
    again = frames.with_places(
        rows.rename({"place": "at", "length": "touches"}), by=[*OWN, "code"], order=["at"], lengths=True
    ).rename({"place": "time", "length": "same"})
    named = again.rename({"at": "place", "touches": "length"}).with_columns(first=frames.one_if(nw.col("time") == 1))
    counted = named.with_columns(distinct=nw.col("first").sum().over(*OWN).cast(nw.Float64))
    return counted.with_columns(weight=share / nw.col("same").cast(nw.Float64))

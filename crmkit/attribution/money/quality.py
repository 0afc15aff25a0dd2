"""What the customers that a channel brought are worth later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from scipy.special import stdtrit

from crmkit import frames, schema
from crmkit.attribution.money.spending import Period, cost_by_channel
from crmkit.attribution.money.tables import FIRST_TOUCH, UNATTRIBUTED, VALUED
from crmkit.models.forecast_scores.score import F64, normal_width, wilson_ends


def channel_quality(
    first_touch: IntoFrameT,
    customers: IntoFrameT,
    *,
    costs: IntoFrameT | None = None,
    period: Period | None = None,
    level: float = 0.8,
) -> IntoFrameT:
    """Say what the customers that each channel brought are worth later, and what they cost.

    Parameters
    ----------
    first_touch : data frame
        `customer_id` and the channel that brought each customer, as `first_channel` (from `journeys.first_touch`) or as
        `channel`; one row per customer. Customers with an empty channel are "(unattributed)".
    customers : data frame
        `customer_id`, `value`: what each customer is worth, such as `clv` of `clv.customer_value` or the revenue since;
        one row per customer. Who has no row is worth 0: brought, and bought nothing.
    costs : data frame, optional
        `schema.COSTS`: what each channel cost.
    period : pair of dates, optional
        As for `channel_returns`.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `first_touch`
        One row per channel, sorted: `customers` (count), `share` (of all customers), `buyers` (with a value above 0),
        `buyer_share` with `buyer_share_low`, `buyer_share_high`, `mean_value` per customer with `mean_value_low`,
        `mean_value_high`, `value_per_buyer`, `value` (total); `cost`, `cost_per_customer`, `value_per_cost` with
        `value_per_cost_low`, `value_per_cost_high`, `net_value` (value less cost); missing where no cost is on record.
        Customers who have a value but no first touch are "(unattributed)", so that values add up.

    Raises
    ------
    SchemaError
        A customer stands twice in one of the tables.

    Notes
    -----
    Interval of the mean: Student's t; a few large customers can make a mean, so small channels have wide ones, and with
    one customer there is none. Where no value is negative it does not go below 0. Shares: Wilson's. Costs are taken as
    known. Values are taken as given: where they are forecasts, their own error comes on top. Customers of a young
    channel have had less time; compare channels of one time, or use forecasts over one horizon.
    """
    normal_width(level)  # refuses a level that is none
    touched = _touched(first_touch)
    valued = schema.admit(customers, VALUED, columns=["customer_id", "value"], beside=touched)
    schema.check_once(touched, "first_touch")
    schema.check_once(valued, "customers")
    sums = _sums(_joined(touched, valued))
    spent = {} if costs is None else cost_by_channel(costs, period)
    return frames.build(_table(sums, spent, level), like=first_touch)


def _touched(first_touch: Any) -> frames.Frame:
    """Take first touches in, as `channel`."""
    if "first_channel" not in frames.column_names(first_touch):
        return schema.admit(first_touch, FIRST_TOUCH)
    columns = (FIRST_TOUCH["customer_id"], replace(FIRST_TOUCH["channel"], name="first_channel"))
    table = schema.Table(FIRST_TOUCH.name, FIRST_TOUCH.row, columns)
    return schema.admit(first_touch, table).rename({"first_channel": "channel"})


def _joined(touched: frames.Frame, valued: frames.Frame) -> frames.Frame:
    """One row per customer of either table: channel, value; 0 where there is none."""
    touched, valued = schema.same_ids(touched, valued)
    named = touched.select("customer_id", nw.col("channel").cast(nw.String).fill_null(UNATTRIBUTED))
    worth = valued.select("customer_id", nw.col("value").cast(nw.Float64))
    brought = named.join(worth, on="customer_id", how="left").with_columns(nw.col("value").fill_null(0.0))
    others = worth.join(named, on="customer_id", how="anti")
    unknown = others.select("customer_id", nw.lit(UNATTRIBUTED).cast(nw.String).alias("channel"), "value")
    return nw.concat([brought.select("customer_id", "channel", "value"), unknown])


def _sums(rows: frames.Frame) -> dict[str, Any]:
    """Add up by channel; squares about the mean of all, because those of large values lose their digits."""
    overall = frames.arrays(rows.select(mean=nw.col("value").mean(), least=nw.col("value").min()), ["mean", "least"])
    centre = round(float(np.nan_to_num(np.asarray(overall["mean"], dtype=np.float64))[0]), 6)
    off = rows.with_columns(off=nw.col("value") - centre, buyer=frames.one_if(nw.col("value") > 0.0))
    squared = off.with_columns(square=nw.col("off") * nw.col("off"))
    sums = squared.group_by("channel").agg(
        customers=nw.len(),
        buyers=nw.col("buyer").sum(),
        value=nw.col("value").sum(),
        off=nw.col("off").sum(),
        square=nw.col("square").sum(),
    )
    names = ["channel", "customers", "buyers", "value", "off", "square"]
    cells = frames.arrays(sums.sort("channel"), names)
    least = float(np.nan_to_num(np.asarray(overall["least"], dtype=np.float64))[0])
    return {**cells, "floor": 0.0 if least >= 0.0 else -np.inf}


def _table(sums: dict[str, Any], spent: dict[str, float], level: float) -> dict[str, Any]:
    """Put the columns together; channels that cost and brought nobody stay."""
    known = [str(channel) for channel in sums["channel"]]
    channels = sorted({*known, *spent})
    place = {channel: i for i, channel in enumerate(known)}
    at = [place.get(channel, -1) for channel in channels]
    n, buyers, value, off, square = (
        np.array([float(sums[name][i]) if i >= 0 else 0.0 for i in at], dtype=np.float64)
        for name in ("customers", "buyers", "value", "off", "square")
    )
    some = np.where(n > 0.0, n, np.nan)
    half = _half_width(n, off, square, level)
    mean, floor = value / some, sums["floor"]
    ends = [
        wilson_ends(float(b / c), float(c), level=level) if c else (np.nan, np.nan)
        for b, c in zip(buyers, n, strict=True)
    ]
    cost = np.array([spent.get(channel, np.nan) for channel in channels], dtype=np.float64)
    per_cost = n / np.where(cost > 0.0, cost, np.nan)
    low, high = np.maximum(mean - half, floor), mean + half
    shares = {
        "buyer_share": buyers / some,
        "buyer_share_low": np.array([low for low, _ in ends], dtype=np.float64),
        "buyer_share_high": np.array([high for _, high in ends], dtype=np.float64),
    }
    money = {
        "mean_value": mean,
        "mean_value_low": low,
        "mean_value_high": high,
        "value_per_buyer": value / np.where(buyers > 0.0, buyers, np.nan),
        "value": value,
        "cost": cost,
        "cost_per_customer": cost / some,
        "value_per_cost": mean * per_cost,
        "value_per_cost_low": low * per_cost,
        "value_per_cost_high": high * per_cost,
        "net_value": value - cost,
    }
    # A channel that cost something and brought nobody returned nothing, for certain.
    money["value_per_cost"] = np.where((n == 0.0) & (cost > 0.0), 0.0, money["value_per_cost"])
    return {
        "channel": np.array(channels, dtype=object),
        "customers": n.astype(np.int64),
        "share": np.round(n / max(n.sum(), 1.0), 9),
        "buyers": buyers.astype(np.int64),
        **{name: np.round(column, 9) for name, column in shares.items()},
        **{name: np.round(column, 6) for name, column in money.items()},
    }


def _half_width(n: F64, off: F64, square: F64, level: float) -> F64:
    """Half of the interval of a mean (Student's t); NaN below two customers."""
    several = np.where(n > 1.0, n, np.nan)
    variance = np.maximum(square - off**2 / several, 0.0) / (several - 1.0)
    return np.asarray(stdtrit(several - 1.0, 0.5 + level / 2.0) * np.sqrt(variance / several))

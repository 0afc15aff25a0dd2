"""Refills: products have cycles of their own, and their buyers are told by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.purchases import customers

CYCLE = "cycle_days"
# A product's own gaps weigh against so many of the whole assortment.
_PRIOR_GAPS = 10.0


def product_cycles(orders: IntoFrameT, *, as_of: dt.date, refunds: summary.Refunds = "exclude") -> IntoFrameT:
    """Find after how many days each product is bought again by the same customer.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` with `product_id`
        One row per order line. Rows without a product take no part.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per product that was bought, sorted by `product_id`: `buyers`, `repeat_buyers` (customers; with one
        order day of the product, with two or more), `gaps` (count), `own_gap_days` (geometric mean of these gaps; days;
        missing where there are none), `cycle_days` (the same, drawn towards all products by the weight of 10 gaps;
        days; what forecasts by product use; missing where nobody bought any product twice).

    Raises
    ------
    SchemaError
        `orders` has no `product_id`.

    Notes
    -----
    The geometric mean is the typical gap: one forgotten refill of a year does not make a monthly product a quarterly
    one. Gaps still open at `as_of` are not in it, so cycles near the length of the log come out too short.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann"] * 3 + ["bob"], "product_id": ["tea"] * 3 + ["pot"],
    ...     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-31", "2024-03-01", "2024-02-01"]), "amount": 9.0})
    >>> cycles = product_cycles(orders, as_of=dt.date(2024, 3, 31))
    >>> cycles[["product_id", "gaps", "cycle_days"]].round(1).to_numpy().tolist()
    [['pot', 0, 30.0], ['tea', 2, 30.0]]
    """
    keys = ["customer_id", "product_id"]
    rows = summary.summary_rows(orders, as_of=as_of, refunds=refunds, by=keys)
    cycles = _cycles(frames.settled(rows, like=orders), ["product_id"]).select(
        "product_id", "buyers", "repeat_buyers", "gaps", "own_gap_days", CYCLE
    )
    return frames.leave(cycles, like=orders, sort=["product_id"])


def with_cycles(entered: frames.Frame, by: Sequence[str]) -> frames.Frame:
    """Add `cycle_days` of what was bought to a summary of customers and products; to one of customers, nothing."""
    within = [name for name in by if name != "customer_id"]
    if not within:
        return entered
    # Without a gap there is no cycle, and no forecast: any will do to say so.
    cycles = _cycles(entered, within).select(*within, nw.col(CYCLE).fill_null(1.0))
    return entered.join(cycles, on=within, how="inner")


def _cycles(entered: frames.Frame, within: Sequence[str]) -> frames.Frame:
    """One row per product: buyers, gaps and the cycle."""
    logs, gaps = nw.col("log_sum") / 1e9, nw.col("gaps")
    # Whole numbers, so that the sums are the same in every run.
    whole = entered.with_columns(
        log_sum=(nw.col(customers.GAPS) * 1e9).round(0).cast(nw.Int64), again=frames.one_if(nw.col("frequency") > 0)
    )
    sums = whole.group_by(*within).agg(
        buyers=nw.len(),
        repeat_buyers=nw.col("again").sum(),
        gaps=nw.col("frequency").sum(),
        log_sum=nw.col("log_sum").sum(),
    )
    sums = sums.with_columns(nw.col("buyers", "repeat_buyers", "gaps", "log_sum").cast(nw.Int64))
    total = frames.arrays(sums.select(nw.col("log_sum").sum(), nw.col("gaps").sum()), ["log_sum", "gaps"])
    n = float(np.nan_to_num(np.asarray(total["gaps"], dtype=np.float64))[0])
    mean = float(np.asarray(total["log_sum"], dtype=np.float64)[0]) / 1e9 / n if n else 0.0
    drawn = ((logs + _PRIOR_GAPS * mean) / (gaps + _PRIOR_GAPS)).exp().round(6)
    counted = nw.when(gaps > 0).then(gaps).otherwise(1)
    return sums.with_columns(
        own_gap_days=nw.when(gaps > 0).then((logs / counted).exp().round(6)),
        # Rounded: it is part of the key that forecasts are joined on.
        **{CYCLE: drawn if n else nw.lit(None, dtype=nw.Float64)},
    )

"""First this, then that: what customers buy after a product, and how soon."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames
from crmkit.basket.counting import checked
from crmkit.basket.lines import order_lines
from crmkit.errors import DomainError
from crmkit.models.gamma_poisson import F64, fit_gamma_poisson

_UNITS = 1e9  # rates as whole numbers, so that sums are the same in every run


def product_sequences(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    within_days: int = 90,
    least_followed: int = 5,
    level: float = 0.95,
) -> IntoFrameT:
    """Find what customers buy within some days after they first bought a product: laptop, then dock.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` with `product_id`
        As for `product_pairs`.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    within_days : int
        Length of the window after the day of the first purchase; days, at least 1. Customers whose window is still open
        at `as_of` are left out: young, not lost.
    least_followed : int
        Pairs that fewer customers bought in this order are left out, at least 1.
    level : float
        Certainty of `lift_low`, one-sided, in (0, 1).

    Returns
    -------
    data frame like `orders`
        One row per ordered pair, sorted by both products: `first_product`, `then_product`, `starts` (customers who
        bought the first one, window over), `at_risk` (of these, without the second one by that day), `followed` (of
        these, first bought it within the window), `chance` (`followed` over `at_risk`), `mean_days` (from one to the
        other), `expected`, `adjusted_lift`, `lift_low`, `verdict` ("follows": `lift_low` above 1, or "not shown").

    Raises
    ------
    SchemaError
        `orders` has no `product_id`.
    DomainError
        An option is out of its domain.

    Notes
    -----
    The first purchase of each product by each customer counts; two on one day are no sequence. `expected` is the
    share of all starts, of whatever product, that the second one follows, times `at_risk`, scaled to how much the
    buyers of the first one buy at all: keen customers buy everything sooner. The rest is that of `product_pairs`.
    """
    checked("customer", least_followed, None, level)
    if within_days < 1:
        raise DomainError(f"within_days must be at least 1 (days), got {within_days}.")
    firsts = _first_days(orders, as_of)
    products, firsts, starts = _known(firsts, orders, frames.as_day(as_of).toordinal() - within_days, least_followed)
    joined = _ordered_pairs(firsts, frames.as_day(as_of).toordinal() - within_days, within_days)
    cells = frames.settled(joined, like=orders)
    margins = _margins(cells, starts)
    shown = frames.arrays(cells.filter(nw.col("followed") >= least_followed), ["a", "b", "before", "followed", "days"])
    found = {name: values.astype(np.int64) for name, values in shown.items()}
    order = np.lexsort((found["b"], found["a"]))
    return frames.build(
        _columns({name: v[order] for name, v in found.items()}, products, starts, margins, least_followed, level),
        like=orders,
    )


def _first_days(orders: Any, as_of: dt.date) -> frames.Frame:
    lines = order_lines(orders, as_of=as_of).group_by("customer_id", "product_id").agg(day=nw.col("order_day").min())
    return frames.settled(frames.with_day_numbers(lines, day="day"), like=orders)


def _known(
    firsts: frames.Frame, like: Any, last: int, least: int
) -> tuple[NDArray[Any], frames.Frame, NDArray[np.int64]]:
    """Give numbers to the products that enough customers bought; count their starts whose window is over."""
    marked = firsts.with_columns(over=frames.one_if(nw.col("day") <= last))
    counts = marked.group_by("product_id").agg(buyers=nw.len(), starts=nw.col("over").sum())
    enough = counts.filter(nw.col("buyers") >= least)
    table = frames.arrays(enough, ["product_id", "starts"])
    products, at = np.unique(table["product_id"], return_index=True)
    codes = {"product_id": products, "item": np.arange(len(products), dtype=np.int64)}
    if not len(products):
        codes = {"product_id": np.array(["-"], dtype=object), "item": np.array([0], dtype=np.int64)}
        return products, firsts.filter(nw.col("day") < 0).select("customer_id", "day", item=nw.col("day")), at
    numbered = frames.join_small(firsts, codes, on=["product_id"]).filter(~nw.col("item").is_null())
    kept = numbered.select("customer_id", "day", nw.col("item").cast(nw.Int64))
    return products, frames.settled(kept, like=like), table["starts"].astype(np.int64)[at]


def _ordered_pairs(firsts: frames.Frame, last: int, within_days: int) -> frames.Frame:
    """Count for each ordered pair who had the second one `before`, and whom it `followed` after how many `days`."""
    left = firsts.filter(nw.col("day") <= last).select("customer_id", a=nw.col("item"), start=nw.col("day"))
    right = firsts.select("customer_id", b=nw.col("item"), then=nw.col("day"))
    both = left.join(right, on="customer_id", how="inner").filter(nw.col("a") != nw.col("b"))
    waited = both.with_columns(wait=nw.col("then") - nw.col("start")).filter(nw.col("wait") <= within_days)
    marked = waited.with_columns(
        before=frames.one_if(nw.col("wait") <= 0),
        followed=frames.one_if(nw.col("wait") > 0),
        days=nw.max_horizontal(nw.col("wait"), nw.lit(0)),
    )
    sums = marked.group_by("a", "b").agg(*[nw.col(name).sum() for name in ("before", "followed", "days")])
    return sums.with_columns(nw.col("before", "followed", "days").cast(nw.Int64))


def _margins(cells: frames.Frame, starts: NDArray[np.int64]) -> tuple[F64, F64]:
    """Learn how often each product follows any other, and how much the buyers of each buy at all."""
    into = frames.arrays(
        cells.group_by("b").agg(nw.col("before").sum(), nw.col("followed").sum()), ["b", "before", "followed"]
    )
    before, followed = np.zeros(len(starts)), np.zeros(len(starts))
    before[into["b"].astype(np.int64)], followed[into["b"].astype(np.int64)] = into["before"], into["followed"]
    at_risk = starts.sum() - starts - before
    rate = np.rint(np.where(at_risk > 0.0, followed / np.where(at_risk > 0.0, at_risk, 1.0), 0.0) * _UNITS)
    if not len(starts):
        return rate, rate
    priced = frames.join_small(
        cells, {"b": np.arange(len(starts)), "rate": rate.astype(np.int64)}, on=["b"]
    ).with_columns(had=nw.col("before") * nw.col("rate"))
    out = frames.arrays(
        priced.group_by("a").agg(nw.col("had").sum(), nw.col("followed").sum()), ["a", "had", "followed"]
    )
    had, left = np.zeros(len(starts)), np.zeros(len(starts))
    had[out["a"].astype(np.int64)], left[out["a"].astype(np.int64)] = out["had"], out["followed"]
    usual = (starts * (rate.sum() - rate) - had) / _UNITS
    return rate / _UNITS, np.where(usual > 0.0, left / np.where(usual > 0.0, usual, 1.0), 0.0)


def _columns(
    found: dict[str, NDArray[np.int64]],
    products: NDArray[Any],
    starts: NDArray[np.int64],
    margins: tuple[F64, F64],
    least: int,
    level: float,
) -> dict[str, Any]:
    rate, keen = margins
    a, b, followed = found["a"], found["b"], found["followed"]
    at_risk = starts[a] - found["before"]
    expected: F64 = at_risk * rate[b] * keen[a]
    model = fit_gamma_poisson(followed, expected, least=least)
    low = model.quantile(1.0 - level, followed, expected)
    return {
        "first_product": frames.Coded(products, a),
        "then_product": frames.Coded(products, b),
        "starts": starts[a],
        "at_risk": at_risk,
        "followed": followed,
        "chance": np.round(followed / np.maximum(at_risk, 1), 9),
        "mean_days": np.round(found["days"] / np.maximum(followed, 1), 9),
        "expected": np.round(expected, 9),
        "adjusted_lift": np.round(model.ratio(followed, expected), 9),
        "lift_low": np.round(low, 9),
        "verdict": frames.Coded(np.array(["not shown", "follows"], dtype=object), (low > 1.0).astype(np.int64)),
    }

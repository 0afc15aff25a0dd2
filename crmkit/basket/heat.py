"""Which products warm up and which cool down, told from noise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames
from crmkit.basket.lines import ORDER, order_lines
from crmkit.basket.wording import HEAT
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.models.rate_ratios import F64, dispersion, false_discovery, rate_ratio
from crmkit.segment_maps import Locale, checked_locale

_YEAR = 364  # whole weeks, so that weekdays meet weekdays
_MOST_DAYS = 182


def product_heat(
    orders: IntoFrameT, *, as_of: dt.date, window_days: int = 28, level: float = 0.95, locale: Locale = "en"
) -> IntoFrameT:
    """Say how hot each product is, and whether that has changed.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` with `product_id`
        As for `product_pairs`.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    window_days : int
        Length of the last window and of the one before; days, 2 to 182.
    level : float
        Of the intervals, in (0, 1); 1 - `level` is the share of false alarms among "rising" and "falling".
    locale : {"en", "zh"}
        Language of `reading`.

    Returns
    -------
    data frame like `orders`
        One row per product sold in one of the windows, sorted by `rank` and `product_id`: `product_id`, `orders`,
        `revenue` (of the last `window_days`), `orders_before`, `revenue_before` (of as many days before),
        `orders_year_ago`, `revenue_year_ago` (of the same window 364 days earlier; all missing where the log begins
        later), `rank` (by `orders`; ties share the best), `rank_before`, `rank_change` (places won), `ratio` (`orders`
        over `orders_before`), `low`, `high` (its interval), `q_value` (share of false alarms at which it counts),
        `ratio_year_ago`, `first_sold_on` (date), `verdict` ("rising", "falling", "not shown", "new": first sold in the
        last window, or "no history"), `reading` (text).

    Raises
    ------
    SchemaError
        `orders` has no `product_id`.
    DomainError
        An option is out of its domain.

    Notes
    -----
    Counts of orders are compared, not pieces or money: one bulk order is one. They scatter more than Poisson counts do
    (promotions, weekdays); by how much is learnt from the weeks of both windows, of single days below 28, product by
    product and drawn towards all. Thousands of products are compared at once: the verdict holds the share of false
    alarms (Benjamini-Hochberg) over all products sold in either window that are not new.
    """
    normal_width(level)
    checked_locale(locale)
    if not 2 <= window_days <= _MOST_DAYS:
        raise DomainError(f"window_days must lie between 2 and {_MOST_DAYS} (days), got {window_days}.")
    today = frames.as_day(as_of).toordinal()
    piece = 7 if window_days >= 28 else 1
    table, products, first = _table(orders, as_of, window_days, piece)
    kept = np.flatnonzero((table["orders"] > 0.0).any(axis=(1, 2))) if len(products) else np.array([], dtype=int)
    goes_back = int(first.min(initial=today)) if len(first) else today
    known = [
        goes_back <= today - 2 * window_days + 1,
        goes_back <= today - _YEAR - window_days + 1,
    ]
    columns = _columns(
        {name: cells[kept] for name, cells in table.items()}, first[kept], known, today, window_days, level
    )
    columns = {"product_id": products[kept], **columns, "reading": _readings(columns, window_days, locale)}
    order = np.lexsort((np.arange(len(kept)), columns["rank"]))
    return frames.build({name: column[order] for name, column in columns.items()}, like=orders)


def _table(
    orders: Any, as_of: dt.date, window_days: int, piece: int
) -> tuple[dict[str, F64], NDArray[Any], NDArray[np.int64]]:
    """Orders and revenue by product, window and piece, products ascending, and the day each was first sold."""
    rows = order_lines(orders, as_of=as_of).group_by(*ORDER, "product_id").agg(
        nw.col("order_day").min(), nw.col("amount").sum()
    )  # fmt: skip
    today = frames.as_day(as_of).toordinal()
    aged = frames.with_day_numbers(rows, number="order_day").with_columns(age=today - nw.col("number"))
    age = nw.col("age")
    window = (
        nw.when(age < window_days).then(nw.lit(0))
        .when(age < 2 * window_days).then(nw.lit(1))
        .when((age >= _YEAR) & (age < _YEAR + window_days)).then(nw.lit(2))
        .otherwise(nw.lit(3))
    )  # fmt: skip
    marked = frames.settled(aged.with_columns(window=window.cast(nw.Int64)), like=orders)
    since = frames.arrays(marked.group_by("product_id").agg(first=nw.col("number").min()), ["product_id", "first"])
    products, at = np.unique(since["product_id"], return_index=True)
    start = nw.when(nw.col("window") == 2).then(nw.lit(_YEAR)).otherwise(nw.col("window") * window_days)
    pieced = marked.filter(nw.col("window") < 3).with_columns(piece=((age - start) // piece).cast(nw.Int64))
    sums = pieced.group_by("product_id", "window", "piece").agg(orders=nw.len(), revenue=nw.col("amount").sum())
    cells = frames.arrays(sums, ["product_id", "window", "piece", "orders", "revenue"])
    shape = (len(products), 3, -(-window_days // piece))
    where = (
        np.searchsorted(products, cells["product_id"]) if len(products) else np.array([], dtype=int),
        cells["window"].astype(np.int64),
        cells["piece"].astype(np.int64),
    )
    table = {}
    for name in ("orders", "revenue"):
        table[name] = np.zeros(shape)
        table[name][where] = cells[name]
    return table, products, since["first"].astype(np.int64)[at]


def _columns(
    table: dict[str, F64], first: NDArray[np.int64], known: list[bool], today: int, window_days: int, level: float
) -> dict[str, Any]:
    counts, revenue = table["orders"].sum(axis=2), np.round(table["revenue"].sum(axis=2), 6)
    now, before, year_ago = counts[:, 0], counts[:, 1], counts[:, 2]
    full = table["orders"].shape[2] if window_days % 7 == 0 or window_days < 28 else table["orders"].shape[2] - 1
    pieces = table["orders"][:, :2, :full].reshape(len(counts), 2 * full)
    scatter = dispersion(pieces, np.repeat([0, 1], full))
    ratio, low, high, p_value = rate_ratio(now, before, scatter, level=level)
    is_new = (first > today - window_days) & known[0]
    judged = (now + before > 0.0) & ~is_new & known[0]
    q_value = np.full(len(now), np.nan)
    q_value[judged] = false_discovery(p_value[judged])
    found = judged & (np.nan_to_num(q_value, nan=1.0) <= 1.0 - level)
    verdict = np.select(
        [np.full(len(now), not known[0]), is_new, found & (now > before), found],
        ["no history", "new", "rising", "falling"],
        "not shown",
    ).astype(object)
    rank, rank_before = _ranks(now), _ranks(before)
    held = [np.where(known[0], column, np.nan) for column in (before, revenue[:, 1], ratio, low, high, rank_before)]
    then = [np.where(known[1], column, np.nan) for column in (year_ago, revenue[:, 2])]
    year_ratio = np.where(known[1] & (year_ago > 0.0), now / np.where(year_ago > 0.0, year_ago, 1.0), np.nan)
    return {
        "orders": now.astype(np.int64),
        "revenue": revenue[:, 0],
        "orders_before": held[0],
        "revenue_before": held[1],
        "orders_year_ago": then[0],
        "revenue_year_ago": then[1],
        "rank": rank.astype(np.int64),
        "rank_before": held[5],
        "rank_change": held[5] - rank,
        "ratio": np.round(held[2], 9),
        "low": np.round(held[3], 9),
        "high": np.round(held[4], 9),
        "q_value": np.round(q_value, 9),
        "ratio_year_ago": np.round(year_ratio, 9),
        "first_sold_on": (first - dt.date(1970, 1, 1).toordinal()).astype("datetime64[D]"),
        "verdict": verdict,
    }


def _ranks(counts: F64) -> F64:
    """Place of each count, largest first; equal ones share the best."""
    ordered = np.sort(-counts)
    return np.asarray(np.searchsorted(ordered, -counts, side="left") + 1.0)


def _readings(columns: dict[str, Any], window_days: int, locale: Locale) -> NDArray[Any]:
    texts = HEAT[locale]
    rows = zip(*(columns[name] for name in ("verdict", "ratio", "low", "high")), strict=True)
    said = [
        texts[_plain(code, ratio)].format(days=window_days, ratio=ratio, low=low, high=high)
        for code, ratio, low, high in rows
    ]
    return np.array(said, dtype=object)


def _plain(code: str, ratio: float) -> str:
    """Choose the text: a product that comes back from nothing has no ratio to speak of."""
    return code if ratio == ratio or code in ("new", "no history", "not shown") else "back"

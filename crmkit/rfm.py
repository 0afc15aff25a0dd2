"""Who are my best customers? Recency, frequency and money per customer, scores, segments and who moved."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.cuts import Cuts, tied_quantiles
from crmkit.segment_maps import MAPS, REFUNDS_ONLY, Box, Locale, Segment, SegmentMap

__all__ = [
    "Box",
    "Cuts",
    "Segment",
    "SegmentMap",
    "fit_cuts",
    "fit_level_cuts",
    "rfm_scores",
    "rfm_segments",
    "rfm_table",
    "segment",
    "segment_migration",
    "segment_moves",
    "segment_summary",
]

Scheme: TypeAlias = Literal["grid", "types", "tiers"] | SegmentMap
ABSENT = "absent"
_MEMBER = ("customer_id", "segment")

_MEASURES = ("days_since_order", "order_count", "revenue")
_SCORES = ("r_score", "f_score", "m_score")


def rfm_table(
    orders: IntoFrameT, *, as_of: dt.date, window_days: int | None = None, refunds: summary.Refunds = "exclude"
) -> IntoFrameT:
    """Recency, frequency and money of each customer.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line; rows with one `order_id` are one order.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    window_days : int, optional
        Count the last `window_days` days only, `as_of` included; at least 1. All days by default. Customers without a
        row in the window are not in the table.
    refunds : {"exclude", "net", "raise"}
        What orders of a negative amount are. "exclude": left out of the revenue. "net": taken off it. "raise": refused.
        A refund is never an order, so it moves neither recency nor frequency.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted by `customer_id`: `days_since_order` (days from the last order to `as_of`),
        `order_count`, `revenue` (money, 6 decimals), `average_order_value` (revenue per order), `first_order_day`,
        `last_order_day` (dates). A customer with refunds only has `order_count` 0 and no days and no average.

    Raises
    ------
    DomainError
        `window_days` is below 1, or `refunds` is none of the three.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "amount": [20.0, 40.0, 15.0],
    ...     "ordered_at": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-10"])})
    >>> rfm_table(orders, as_of=dt.date(2024, 3, 31))[["customer_id", "days_since_order", "order_count", "revenue"]]
      customer_id  days_since_order  order_count  revenue
    0         ann                30            2     60.0
    1         bob                50            1     15.0
    """
    rows = summary.order_rows(orders, as_of=as_of, refunds=refunds, window_days=window_days)
    amount, is_sale = nw.col("amount"), nw.col("amount") >= 0
    counted = amount if refunds == "net" else nw.when(is_sale).then(amount).otherwise(0.0)
    marked = rows.with_columns(
        revenue=counted, order_count=frames.one_if(is_sale), sale_day=nw.when(is_sale).then(nw.col("order_day"))
    )
    sums = marked.group_by("customer_id").agg(
        nw.col("order_count").sum(),
        nw.col("revenue").sum(),
        first_order_day=nw.col("sale_day").min(),
        last_order_day=nw.col("sale_day").max(),
    )
    sums = sums.with_columns(nw.col("order_count").cast(nw.Int64), frames.money(nw.col("revenue")))
    count = nw.col("order_count")
    table = frames.with_day_numbers(sums, last="last_order_day").select(
        "customer_id",
        "order_count",
        "revenue",
        "first_order_day",
        "last_order_day",
        days_since_order=frames.as_day(as_of).toordinal() - nw.col("last"),
        average_order_value=nw.when(count > 0).then(nw.col("revenue") / nw.when(count > 0).then(count).otherwise(1)),
    )
    columns = ["customer_id", *_MEASURES, "average_order_value", "first_order_day", "last_order_day"]
    return frames.leave(table.select(*columns), like=orders, sort=["customer_id"])


def fit_cuts(table: Any, *, scores: int = 5) -> Cuts:
    """Quantile cuts of an RFM table that keep equal customers together.

    Parameters
    ----------
    table : data frame
        From `rfm_table`. Customers with refunds only are left aside.
    scores : int
        Number of scores, 2 to 20.

    Returns
    -------
    Cuts
        Usable on next month's table, so that a score does not move because others changed.

    Raises
    ------
    DomainError
        `scores` lies outside 2 to 20.
    FitError
        There are fewer customers than scores.

    Warns
    -----
    UserWarning
        There are fewer than 4 scores² customers: a quantile's standard error, sqrt(p (1 - p) / n), then exceeds a
        quarter of a score's share.

    Notes ----- A score is 1 + floor(scores (minimum rank - 1) / n). Where many customers are equal, scores stay
    empty: with 700, 200, 80 and 20 customers of 1, 2, 3 and 4 orders the frequency scores are 1, 4, 5 and 5 of 5.
    """
    if not 2 <= scores <= 20:
        raise DomainError(f"scores must lie between 2 and 20, got {scores}.")
    buyers = schema.admit(table, schema.RFM).filter(nw.col("order_count") > 0)
    cuts: dict[str, tuple[float, ...]] = {}
    customers = 0
    for measure in _MEASURES:
        rows = frames.distinct_rows(buyers, [measure])
        values, counts = rows[measure].astype(np.float64), rows["count"].astype(np.int64)
        customers = int(counts.sum())
        _check_base(customers, scores)
        if measure == "days_since_order":
            cuts[measure] = tuple(-cut for cut in tied_quantiles(-values[::-1], counts[::-1], scores))
        else:
            cuts[measure] = tied_quantiles(values, counts, scores)
    if customers < 4 * scores**2:
        warnings.warn(
            f"Cuts of {scores} scores from {customers} customers are unstable; {4 * scores**2} or more are "
            f"needed. Use fewer scores or thresholds of your own: Cuts(...).",
            stacklevel=2,
        )
    return Cuts(**cuts, customers=customers)


def fit_level_cuts(table: Any, *, at: Literal["mean", "median"]) -> Cuts:
    """Cuts into two levels at the mean or the median, as the eight customer types need.

    Parameters
    ----------
    table : data frame
        From `rfm_table`. Customers with refunds only are left aside.
    at : {"mean", "median"}
        Where to cut. A customer is good with more than that (orders, revenue) or fewer than that (days).

    Returns
    -------
    Cuts
        One cut a measure.

    Raises
    ------
    DomainError
        `at` is neither.
    FitError
        There are fewer than two customers.
    """
    if at not in ("mean", "median"):
        raise DomainError(f'at must be "mean" or "median", got {at!r}.')
    buyers = schema.admit(table, schema.RFM).filter(nw.col("order_count") > 0)
    measures = frames.arrays(buyers, _MEASURES)
    _check_base(len(measures["revenue"]), 2)
    center = np.mean if at == "mean" else np.median
    cuts = {
        name: (float(np.round(center(np.sort(values.astype(np.float64))), 6)),) for name, values in measures.items()
    }
    return Cuts(**cuts, customers=len(measures["revenue"]))


def rfm_scores(table: IntoFrameT, *, cuts: Cuts, weights: tuple[float, float, float] | None = None) -> IntoFrameT:
    """Score each customer's recency, frequency and money by given cuts.

    Parameters
    ----------
    table : data frame
        From `rfm_table`.
    cuts : Cuts
        From `fit_cuts`, `fit_level_cuts`, or thresholds of your own.
    weights : tuple of three floats, optional
        Weights of R, F and M, at least 0 and not all 0: adds `rfm_score`, the weighted mean of the three scores.

    Returns
    -------
    data frame like `table`
        The table with `r_score`, `f_score`, `m_score` (1 to n, n is best; missing for customers with refunds only).

    Raises
    ------
    DomainError
        `weights` are not three numbers of at least 0 with a positive sum.
    """
    entered = schema.admit(table, schema.RFM, passing=True)
    bought = nw.col("order_count") > 0
    for name, measure in zip(_SCORES, _MEASURES, strict=True):
        entered = entered.with_columns(nw.when(bought).then(_score(measure, getattr(cuts, measure))).alias(name))
    if weights is not None:
        if len(weights) != 3 or min(weights) < 0 or not 0 < sum(weights) < float("inf"):
            raise DomainError(f"weights must be three numbers of at least 0 with a positive sum, got {weights!r}.")
        r, f, m = (weight / sum(weights) for weight in weights)
        total = r * nw.col("r_score") + f * nw.col("f_score") + m * nw.col("m_score")
        entered = entered.with_columns(rfm_score=total.round(6))
    return _left(entered, like=table)


def rfm_segments(scores: IntoFrameT, *, scheme: Scheme = "grid", locale: Locale = "en") -> IntoFrameT:
    """Name the segment of each customer.

    Parameters
    ----------
    scores : data frame
        From `rfm_scores`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        "grid": ten segments over five R and F scores. "types": the eight types over two levels each, from
        `fit_level_cuts`. "tiers": high value, ordinary, sleeping, over five scores. Or a map of your own.
    locale : {"en", "zh"}
        Language of `segment_name`.

    Returns
    -------
    data frame like `scores`
        The scores with `segment` (code; "refunds_only" for customers without scores) and `segment_name`.

    Raises
    ------
    DomainError
        `scheme` or `locale` is not known.
    SchemaError
        A score lies outside the map's grid.
    """
    chosen = segment_map(scheme)
    entered = schema.admit(scores, schema.scores_up_to(chosen.scores), passing=True)
    cells = chosen.cells()
    grid = np.array(list(cells), dtype=np.int64)
    names = [found.text(_checked(locale))[0] for found in cells.values()]
    small = {name: grid[:, i] for i, name in enumerate(_SCORES)}
    joined = frames.join_small(
        entered.with_columns(nw.col(*_SCORES).cast(nw.Int64)),
        {**small, "segment": [found.code for found in cells.values()], "segment_name": names},
        on=_SCORES,
    )
    labelled = joined.with_columns(
        nw.col("segment").fill_null(REFUNDS_ONLY.code), nw.col("segment_name").fill_null(REFUNDS_ONLY.text(locale)[0])
    )
    return _left(labelled, like=scores)


def segment(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    scheme: Scheme = "grid",
    cuts: Cuts | None = None,
    window_days: int | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """RFM table, scores and segments of an order log in one call.

    Parameters
    ----------
    orders, as_of, window_days, refunds
        As for `rfm_table`.
    scheme, locale
        As for `rfm_segments`.
    cuts : Cuts, optional
        By default made from these orders: at the mean where the map has two scores, else quantiles.

    Returns
    -------
    data frame like `orders`
        As from `rfm_segments`.
    """
    chosen = segment_map(scheme)
    table = rfm_table(orders, as_of=as_of, window_days=window_days, refunds=refunds)
    if cuts is None:
        cuts = fit_level_cuts(table, at="mean") if chosen.scores == 2 else fit_cuts(table, scores=chosen.scores)
    return rfm_segments(rfm_scores(table, cuts=cuts), scheme=chosen, locale=locale)


def segment_summary(segments: IntoFrameT, *, scheme: Scheme = "grid", locale: Locale = "en") -> IntoFrameT:
    """Sum up what each segment is worth, with what to do about it.

    Parameters
    ----------
    segments : data frame
        From `rfm_segments` or `segment`.
    scheme, locale
        As given to `rfm_segments`.

    Returns
    -------
    data frame like `segments`
        One row per segment in the map's order, empty ones included, refunds only last if there are any: `segment`,
        `segment_name`, `customers` (count), `customer_share` (in [0, 1]), `revenue` (money), `revenue_share` (of all
        revenue; missing where that is not positive), `median_days_since_order` (days), `median_order_count`,
        `median_revenue` (missing for an empty segment), `play`.

    Raises
    ------
    SchemaError
        The table holds a segment that the map does not know.
    """
    entered = schema.admit(segments, schema.SEGMENTS, columns=("customer_id", "segment", *_MEASURES))
    found = _by_segment(entered)
    listed = list(segment_map(scheme).segments)
    if REFUNDS_ONLY.code in found:
        listed.append(REFUNDS_ONLY)
    strange = sorted(set(found) - {item.code for item in listed})
    if strange:
        raise DomainError(
            f"segments.segment holds {strange[0]!r}, which the map {segment_map(scheme).name!r} does not know.\n"
            f"Give the scheme that made the table."
        )
    rows = [found.get(item.code, _EMPTY) for item in listed]
    customers = sum(row["customers"] for row in rows)
    revenue = sum(row["revenue"] for row in rows)
    columns: dict[str, Sequence[Any]] = {
        "segment": [item.code for item in listed],
        "segment_name": [item.text(_checked(locale))[0] for item in listed],
        "customers": [int(row["customers"]) for row in rows],
        "customer_share": [row["customers"] / customers if customers else 0.0 for row in rows],
        "revenue": [float(row["revenue"]) for row in rows],
        "revenue_share": [row["revenue"] / revenue if revenue > 0 else None for row in rows],
        **{f"median_{name}": [row[f"median_{name}"] for row in rows] for name in _MEASURES},
        "play": [item.text(locale)[1] for item in listed],
    }
    return frames.build(columns, like=segments)


def segment_migration(before: IntoFrameT, after: IntoFrameT) -> IntoFrameT:
    """Count who moved from which segment to which between two dates.

    Parameters
    ----------
    before, after : data frame
        From `rfm_segments` or `segment`, of two dates, in one library.

    Returns
    -------
    data frame like `before`
        One row per pair that occurs, sorted: `segment_before`, `segment_after` (codes; "absent" where the customer is
        in one table only), `customers` (count), `share` (of the customers of `segment_before`, in [0, 1]).
    """
    pairs = _paired(before, after).group_by("segment_before", "segment_after").agg(customers=nw.len())
    pairs = pairs.with_columns(nw.col("customers").cast(nw.Int64))
    share = nw.col("customers") / nw.col("customers").sum().over("segment_before")
    return frames.leave(pairs.with_columns(share=share), like=before, sort=["segment_before", "segment_after"])


def segment_moves(before: IntoFrameT, after: IntoFrameT) -> IntoFrameT:
    """List the customers whose segment changed between two dates.

    Parameters
    ----------
    before, after : data frame
        From `rfm_segments` or `segment`, of two dates, in one library.

    Returns
    -------
    data frame like `before`
        One row per customer who moved, came or went, sorted by `customer_id`: `segment_before`, `segment_after` (codes;
        "absent" where the customer is in one table only).
    """
    moved = _paired(before, after).filter(nw.col("segment_before") != nw.col("segment_after"))
    return frames.leave(moved, like=before, sort=["customer_id"])


def segment_map(scheme: Scheme) -> SegmentMap:
    """Look a published segment map up by its name; a map of the caller's is returned as it is."""
    if isinstance(scheme, SegmentMap):
        return scheme
    if scheme not in MAPS:
        raise DomainError(f"scheme must be one of {', '.join(map(repr, MAPS))} or a SegmentMap, got {scheme!r}.")
    return MAPS[scheme]


def _checked(locale: Locale) -> Locale:
    if locale not in ("en", "zh"):
        raise DomainError(f'locale must be "en" or "zh", got {locale!r}.')
    return locale


def _check_base(customers: int, scores: int) -> None:
    if customers < scores:
        raise FitError(
            f"{customers} customers with orders are too few for {scores} scores; give thresholds of your own: "
            f"Cuts(days_since_order=(90, 30), order_count=(1, 3), revenue=(100, 1000))."
        )


def _score(measure: str, cuts: tuple[float, ...]) -> nw.Expr:
    value = nw.col(measure)
    passed = [frames.one_if(value < cut if measure == "days_since_order" else value > cut) for cut in cuts]
    return nw.sum_horizontal(*passed) + 1


def _left(result: frames.Frame, *, like: IntoFrameT) -> IntoFrameT:
    return frames.leave(result, like=like, sort=["customer_id"], same=frames.names_of(result))


_EMPTY: dict[str, Any] = {"customers": 0, "revenue": 0.0, **{f"median_{name}": None for name in _MEASURES}}


def _by_segment(entered: frames.Frame) -> dict[str, dict[str, Any]]:
    medians = {f"median_{name}": nw.col(name).median() for name in _MEASURES}
    sums = (
        entered.with_columns(nw.col(*_MEASURES).cast(nw.Float64))
        .group_by("segment")
        .agg(customers=nw.len(), revenue=nw.col("revenue").sum(), **medians)
    )
    columns = ["segment", "customers", "revenue", *medians]
    rows = frames.arrays(sums.with_columns(frames.money(nw.col("revenue"))), columns)
    cells = {name: [None if value != value else value for value in rows[name].tolist()] for name in columns}
    return {str(code): {name: cells[name][i] for name in columns[1:]} for i, code in enumerate(cells["segment"])}


def _paired(before: Any, after: Any) -> frames.Frame:
    first = schema.admit(before, schema.SEGMENTS, columns=_MEMBER)
    second = schema.admit(after, schema.SEGMENTS, columns=_MEMBER, beside=first)
    none = nw.lit(None).cast(nw.String)
    both = nw.concat(
        [
            first.select("customer_id", segment_before=nw.col("segment"), segment_after=none),
            second.select("customer_id", segment_before=none, segment_after=nw.col("segment")),
        ]
    )
    paired = both.group_by("customer_id").agg(nw.col("segment_before").max(), nw.col("segment_after").max())
    return paired.with_columns(nw.col("segment_before").fill_null(ABSENT), nw.col("segment_after").fill_null(ABSENT))

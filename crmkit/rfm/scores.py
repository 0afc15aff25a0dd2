"""Scores: cuts fitted to a table or set by hand, and each customer's place between them."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError, FitError
from crmkit.models.cuts import Cuts, tied_quantiles
from crmkit.rfm.table import MEASURES

SCORES = ("r_score", "f_score", "m_score")


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

    Notes
    -----
    A score is 1 + floor(scores (minimum rank - 1) / n). Where many customers are equal, scores stay
    empty: with 700, 200, 80 and 20 customers of 1, 2, 3 and 4 orders the frequency scores are 1, 4, 5 and 5 of 5.
    """
    if not 2 <= scores <= 20:
        raise DomainError(f"scores must lie between 2 and 20, got {scores}.")
    buyers = schema.admit(table, schema.RFM).filter(nw.col("order_count") > 0)
    cuts: dict[str, tuple[float, ...]] = {}
    customers = 0
    for measure in MEASURES:
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
    measures = frames.arrays(buyers, MEASURES)
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

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"customer_id": ["ann", "bob"], "days_since_order": [30, 100], "order_count": [2, 1],
    ...     "revenue": [60.0, 15.0]})
    >>> cuts = Cuts(days_since_order=(90,), order_count=(1,), revenue=(50,))
    >>> rfm_scores(table, cuts=cuts)[["r_score", "f_score", "m_score"]].to_numpy().tolist()
    [[2, 2, 2], [1, 1, 1]]
    """
    entered = schema.admit(table, schema.RFM, passing=True)
    bought = nw.col("order_count") > 0
    for name, measure in zip(SCORES, MEASURES, strict=True):
        entered = entered.with_columns(nw.when(bought).then(_score(measure, getattr(cuts, measure))).alias(name))
    if weights is not None:
        if len(weights) != 3 or min(weights) < 0 or not 0 < sum(weights) < float("inf"):
            raise DomainError(f"weights must be three numbers of at least 0 with a positive sum, got {weights!r}.")
        r, f, m = (weight / sum(weights) for weight in weights)
        total = r * nw.col("r_score") + f * nw.col("f_score") + m * nw.col("m_score")
        entered = entered.with_columns(rfm_score=total.round(6))
    return frames.leave(entered, like=table, sort=["customer_id"], same=frames.names_of(entered))


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

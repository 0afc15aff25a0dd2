"""Can't we sell, or can't we keep? Five rates of this window against the one before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.cohorts.complaints import WORDS
from crmkit.cohorts.counting import Counts, Windows, counted
from crmkit.cohorts.wording import RATES, VERDICTS
from crmkit.models.forecast_scores.score import normal_width
from crmkit.models.rate_ratios import dispersion, rate_ratio
from crmkit.models.two_samples import difference_of_proportions
from crmkit.segment_maps import Locale, checked_locale

# Whose side a rate is on, and whether more of it is better.
_RATES = {
    "new_customers": ("sell", True),
    "conversion": ("sell", True),
    "repurchase": ("keep", True),
    "churn": ("keep", False),
    "complaints": ("keep", False),
}


def sell_or_keep(
    orders: IntoFrameT,
    deals: IntoFrameT | None = None,
    complaints: IntoFrameT | None = None,
    *,
    as_of: dt.date,
    window_days: int = 30,
    repurchase_days: int = 90,
    churn_days: int = 180,
    complaint_words: Sequence[str] = WORDS,
    refunds: summary.Refunds = "exclude",
    level: float = 0.95,
    locale: Locale = "en",
) -> IntoFrameT:
    """Tell "can't sell" from "can't keep": five rates, how each has changed, and whether that is noise.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    deals : data frame, `schema.DEALS`, optional
        One row per deal and stage entered; the closing row carries `outcome` "won" or "lost".
    complaints : data frame, optional
        As for `customer_shares`.
    as_of : date
        Last day the tables cover, inclusive; later rows are ignored.
    window_days : int
        Length of this window, which ends on `as_of`, and of the one before; days, at least 2.
    repurchase_days : int
        In which a first-time buyer buys again; days, at least 1.
    churn_days : int
        Without an order after which a customer is gone; days, at least 1.
    complaint_words, refunds
        As for `customer_shares`.
    level : float
        Certainty of all intervals and verdicts of the table together, in (0, 1).
    locale : {"en", "zh"}
        Language of `reading`.

    Returns
    -------
    data frame like `orders`
        One row per rate: `side` ("sell" or "keep"), `rate` ("new_customers", "conversion", "repurchase", "churn",
        "complaints"), `now`, `of_now`, `before`, `of_before` (new customers: a count, and missing; otherwise a share,
        and what it is of), `change` (relative for new customers, in shares for the rest) with `low`, `high`,
        `verdict` ("better", "worse", "noise", "too few"; "no table" or "no history": left out), `reading` (what the
        rate is, and the verdict).

    Raises
    ------
    DomainError
        An option is out of its domain.
    SchemaError
        A table is not what it should be.

    Notes
    -----
    - Intervals: ratio of two counts that scatter more than Poisson counts do, as far as their days show, for new
      customers; Newcombe's difference of two shares for the rest. Each has the level 1 - (1 - `level`) / m, m being
      the rates that could be compared: with nothing changed, a table is free of "better" and "worse" with `level`.
    - Churn looks at many customers twice; it is taken as two samples, which makes its interval too wide, not too
      narrow.
    - A season is a change: hold `as_of` a year earlier against it before you act.
    - What needs days before the first row of the log is "no history", not 0.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8), method 10.
    """
    normal_width(level)
    checked_locale(locale)
    windows = Windows(frames.as_day(as_of), window_days, repurchase_days, churn_days)
    found = counted(orders, deals, complaints, windows=windows, words=list(complaint_words), refunds=refunds)
    many = sum(found.comparable(rate) for rate in _RATES)
    each = 1.0 - (1.0 - level) / max(many, 1)
    rows = [_row(rate, found, each) for rate in _RATES]
    given = {"repurchase": repurchase_days, "churn": churn_days}
    texts = [
        RATES[locale][rate].format(**given)
        + (" " if locale == "en" else "")
        + VERDICTS[locale][row.verdict].format(table="deals" if rate == "conversion" else "complaints")
        for rate, row in zip(_RATES, rows, strict=True)
    ]
    columns: dict[str, Any] = {
        "side": np.array([side for side, _ in _RATES.values()], dtype=object),
        "rate": np.array(list(_RATES), dtype=object),
        **{
            name: np.round(np.array([getattr(row, name) for row in rows], dtype=np.float64), 9)
            for name in ("now", "of_now", "before", "of_before", "change", "low", "high")
        },
        "verdict": np.array([row.verdict for row in rows], dtype=object),
        "reading": np.array(texts, dtype=object),
    }
    return frames.build(columns, like=orders)


@dataclass(frozen=True, slots=True)
class _Row:
    """One rate; NaN is missing."""

    verdict: str
    now: float = np.nan
    of_now: float = np.nan
    before: float = np.nan
    of_before: float = np.nan
    change: float = np.nan
    low: float = np.nan
    high: float = np.nan


def _row(rate: str, found: Counts, level: float) -> _Row:
    if rate in found.missing:
        return _Row(found.missing[rate])
    more_is_better = _RATES[rate][1]
    if rate == "new_customers":
        return _of_counts(found, level)
    (x, n), (x_before, n_before) = found.shares[rate]
    now, before = x / n if n else np.nan, x_before / n_before if n_before else np.nan
    if not (n and n_before):
        return _Row("too few", now, float(n), before, float(n_before))
    gap = difference_of_proportions(x_before, n_before, x, n, level=level)
    return _Row(
        _verdict(gap.low, gap.high, more_is_better),
        now,
        float(n),
        before,
        float(n_before),
        gap.value,
        gap.low,
        gap.high,
    )


def _of_counts(found: Counts, level: float) -> _Row:
    days = found.new_by_day
    length = len(days) // 2
    scatter = dispersion(days[None, :], np.repeat([0, 1], length))
    before, now = float(days[:length].sum()), float(days[length:].sum())
    if now + before == 0.0:
        return _Row("too few", now, np.nan, before)
    ratio, low, high, _ = (
        float(value[0]) for value in rate_ratio(np.array([now]), np.array([before]), scatter, level=level)
    )
    low = 0.0 if np.isnan(low) else low
    top = np.inf if np.isnan(high) else high
    return _Row(_verdict(low - 1.0, top - 1.0, True), now, np.nan, before, np.nan, ratio - 1.0, low - 1.0, high - 1.0)


def _verdict(low: float, high: float, more_is_better: bool) -> str:
    if low > 0.0:
        return "better" if more_is_better else "worse"
    if high < 0.0:
        return "worse" if more_is_better else "better"
    return "noise"

"""Who buys again, when, and within which window: one row per customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError
from crmkit.models.histories import F64
from crmkit.models.regularity_mixture.next_purchase import Returns
from crmkit.models.row_blocks import in_blocks
from crmkit.models.season_clock import SeasonClock
from crmkit.purchases import customers
from crmkit.repurchase import wording
from crmkit.repurchase.products import CYCLE, with_cycles
from crmkit.repurchase.rhythm import LONGEST_DAYS, TWO_YEARS, Paces, Rhythm
from crmkit.segment_maps import Locale, checked_locale

# A customer is lapsed who, even within one more typical gap, comes back less often than one time in ten.
_LAPSED = 0.1
_STATUSES = ("new", "not due", "due", "overdue", "lapsed")
_COLUMNS = (
    *("order_days", "days_since_order", "usual_gap_days", "regularity", "p_order"),
    *("next_order_day", "window_start", "window_end", "status", "basis", "reason"),
)


def repurchase_forecast(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int = 30,
    level: float = 0.8,
    by: str | Sequence[str] = "customer_id",
    within_days: int | None = None,
    fit: purchases.PurchaseFit | None = None,
    clock: SeasonClock | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """Forecast for each customer whether, when and within which window the next order comes.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    horizon_days : int
        Days after `as_of` that `p_order` speaks of, 1 to 36525.
    level : float
        Probability of the window, in (0, 1).
    by : str or sequence of str
        "customer_id", or with it "product_id", "category" or "channel": each customer's refills of each product, on
        the product's own cycle (`product_cycles`). Rows without a product take no part then.
    within_days : int, optional
        Windows and `next_order_day` are given that the customer comes back within so many days, 1 to 36525. By default
        two years, or four usual gaps where these are longer; 36525 for a return at any time.
    fit : PurchaseFit, optional
        Process of `p_order`, from `purchases.fit_purchase_process`. By default the one whose chances a rolling holdout
        of these orders prefers (judge "chance"), and of products the regularity mixture. With a clock, and of products,
        its family is fitted anew to their own time.
    clock : SeasonClock, optional
        Season of the base, from `purchases.fit_season_clock`; None: every day is like every other.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `orders`
        One row per customer with an order (per customer and product), sorted by `by`: `order_days` (count),
        `days_since_order` (days), `usual_gap_days` (mean gap between own order days, days; where there is none, the
        median wait of those who order a second time within two years), `regularity` (E[k]: 1 buys at random, 3 and
        more keeps a rhythm), `p_order` (P(order within `horizon_days`)), `next_order_day` (date; median),
        `window_start`, `window_end` (dates; `level` lies between them), `status` ("new", "not due", "due", "overdue",
        "lapsed"), `basis` ("own history" or "pooled": no gap of the customer's own yet), `reason` (text).

    Raises
    ------
    DomainError
        `horizon_days`, `within_days`, `level`, `by` or `locale` out of its domain.
    FitError
        Nobody has ordered on two days: there is no gap to learn from.

    Notes
    -----
    Windows come from the regularity mixture: the gap distribution of a customer is drawn from the own gaps as far as
    there are any and from the base's otherwise, and it is conditioned on the silence so far. A day belongs to the
    window if its middle lies between the quantiles; the day of the median always does. Windows end a hundred years
    ahead at the latest.

    The status compares the silence with the gap that could be expected on the day of the last order: "not due" below
    the window of that day, "due" within it, "overdue" beyond it. "lapsed", whatever the silence: even within one more
    such gap, at its median, an order comes with less than one chance in ten. "new": one order day, neither overdue nor
    lapsed.

    References
    ----------
    Reutterer, Platzer & Schroeder (2021), IJRM 38(1), for the process with a regularity k; the mixture over k is in
    `models.regularity_mixture`.

    Examples
    --------
    >>> import datetime as dt
    >>> from crmkit import datasets
    >>> orders = datasets.load_cdnow(sample=True)
    >>> table = repurchase_forecast(orders, as_of=dt.date(1997, 9, 30), horizon_days=90)
    >>> bool((table["window_start"] <= table["window_end"]).all())
    True
    """
    keys = summary.checked_keys(by)
    checked_locale(locale)
    check(horizon_days, level, within_days)
    if fit is None and len(keys) == 1:
        fit = purchases.fit_purchase_process(orders, as_of=as_of, judge="chance", refunds=refunds)
    rows = summary.summary_rows(orders, as_of=as_of, refunds=refunds, by=keys, clock=clock)
    forecast = forecast_frame(
        frames.settled(rows, like=orders),
        as_of=as_of,
        horizon_days=horizon_days,
        level=level,
        by=keys,
        within_days=within_days,
        fit=fit,
        clock=clock,
    )
    worded = forecast.with_columns(reason=wording.forecast_reason(locale))
    return frames.leave(worded.select(*keys, *_COLUMNS), like=orders, sort=keys)


def forecast_frame(
    summarised: frames.Frame,
    *,
    as_of: dt.date,
    horizon_days: int,
    level: float,
    by: Sequence[str],
    within_days: int | None,
    fit: purchases.PurchaseFit | None,
    clock: SeasonClock | None,
) -> frames.Frame:
    """Forecast in the engine from a settled summary, without words, beside the columns of the summary."""
    entered = with_cycles(summarised, by)
    keys = [*customers.keys(entered, gaps=True), *([CYCLE] if len(by) > 1 else [])]
    asked = frames.Asked.of(entered, keys)
    rhythm = Rhythm.of(asked, as_of=as_of, fit=fit, clock=clock)
    joined = asked.answered(partial(_answers, rhythm, horizon_days, level, within_days))
    return joined.with_columns(
        nw.col("next_order_day", "window_start", "window_end").cast(nw.Date),
        order_days=nw.col("frequency") + 1,
        days_since_order=nw.col("T") - nw.col("recency"),
        basis=nw.when(nw.col("frequency") > 0).then(nw.lit("own history")).otherwise(nw.lit("pooled")),
        status=_status_name(),
    )


def _answers(
    rhythm: Rhythm, horizon_days: int, level: float, within_days: int | None, rows: frames.Rows
) -> dict[str, NDArray[Any]]:
    """Columns of the forecast that depend on the history alone."""
    paces = rhythm.paces(rows)
    return in_blocks(len(paces.histories), lambda block: _of_block(paces.take(block), horizon_days, level, within_days))


def _of_block(paces: Paces, horizon_days: int, level: float, within_days: int | None) -> dict[str, NDArray[Any]]:
    day, single = paces.rhythm.day, paces.histories.x == 0
    returns, before = Returns.of(paces.rhythm.mixture, paces.histories), paces.at_last_order()
    typical = paces.typical_gap(before)
    usual = np.where(single, typical / paces.scale, paces.own_gap_days)
    tail = (1.0 - level) / 2.0
    within = np.maximum(TWO_YEARS, 4.0 * usual) if within_days is None else np.full(len(usual), float(within_days))
    days = paces.windows(returns, (tail, 0.5, 1.0 - tail), within)
    middle = np.maximum(np.ceil(days[:, 1]), 1.0)
    another = paces.p_order(typical, returns)
    return {
        "usual_gap_days": usual,
        "regularity": returns.regularity,
        "p_order": paces.p_order(paces.own_days(np.full(len(usual), float(horizon_days))), returns),
        "next_order_day": _date(day, middle),
        # The day of the median belongs to the window, even where both quantiles lie within one day.
        "window_start": _date(day, np.minimum(np.ceil(days[:, 0] + 0.5), middle)),
        "window_end": _date(day, np.maximum(np.floor(days[:, 2] + 0.5), middle)),
        "status_code": _status(paces.silence_rank(before), single, another, tail),
    }


def _status(rank: F64, single: NDArray[np.bool_], another: F64, tail: float) -> NDArray[np.int64]:
    """Position in `_STATUSES`, shape (n,): the engine makes words of a few numbers, not of a text per row."""
    found = np.where(rank < tail, 1, np.where(rank <= 1.0 - tail, 2, 3))
    found = np.where(single & (rank <= 1.0 - tail), 0, found)
    return np.where(another < _LAPSED, 4, found)


def _status_name() -> nw.Expr:
    named = nw.lit(_STATUSES[-1])
    for code, status in enumerate(_STATUSES[:-1]):
        named = nw.when(nw.col("status_code") == code).then(nw.lit(status)).otherwise(named)
    return named


def _date(day: int, ahead: F64) -> NDArray[np.datetime64]:
    epoch = dt.date(1970, 1, 1).toordinal()
    return (day - epoch + ahead).astype(np.int64).astype("datetime64[D]").astype("datetime64[us]")


def check(horizon_days: int, level: float, within_days: int | None = None) -> None:
    """Refuse arguments out of their domains."""
    if not 1 <= horizon_days <= LONGEST_DAYS:
        raise DomainError(f"horizon_days must lie between 1 and {LONGEST_DAYS} (days), got {horizon_days}.")
    if within_days is not None and not 1 <= within_days <= LONGEST_DAYS:
        raise DomainError(f"within_days must lie between 1 and {LONGEST_DAYS} (days), got {within_days}.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, such as 0.8, got {level}.")

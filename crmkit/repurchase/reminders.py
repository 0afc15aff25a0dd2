"""Whom to remind, when and why: one list over seasons, big orders of a year ago, refills and cycles."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError
from crmkit.models.season_clock import SeasonClock
from crmkit.repurchase import candidates
from crmkit.repurchase.candidates import CODES, Question
from crmkit.repurchase.forecast import check
from crmkit.segment_maps import Locale, checked_locale

_LONGEST = 366


def reminders(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    lead_days: int = 14,
    horizon_days: int = 30,
    level: float = 0.8,
    fit: purchases.PurchaseFit | None = None,
    clock: SeasonClock | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """List the customers to be reminded in the next days, each once, with the day and the reason.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line; with `product_id`, refills are looked at.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    lead_days : int
        How long before the due day, or before the window opens, to remind; days, 0 to 366.
    horizon_days : int
        Reminders of the days from `as_of` to so many days later are listed; 1 to 366.
    level, fit, clock, refunds
        As for `repurchase_forecast`.
    locale : {"en", "zh"}
        Language of `reason` and `evidence`.

    Returns
    -------
    data frame like `orders`
        One row per customer to remind, sorted by `customer_id`: `product_id` (of a refill; the column is there if
        `orders` has it), `reason_code` ("season", "year_ago", "refill", "cycle"), `reason`, `evidence` (texts),
        `due_on`, `remind_on` (dates; a reminder that is overdue falls on `as_of`), `chance` (probability of the order:
        within `horizon_days` + `lead_days` by the forecast; of a season, the share of years in which its months were
        kept), `order_value` (money: mean of the repeat order days, of the product for a refill; of a year ago, that
        order), `expected_value` (their product), `other_reasons` (codes, as in "cycle, year_ago"; empty for none).

    Raises
    ------
    DomainError
        An argument is out of its domain.
    FitError
        Nobody has ordered on two days: there is no gap to learn from.

    Notes
    -----
    - "season": a calendar pattern (`seasonal_pattern`) of a customer who ordered within the last 400 days; due on the
      first day of its next month, or of this one if it has begun without an order.
    - "year_ago": a big order whose anniversary is near (`year_ago_orders`): within `horizon_days` + `lead_days`, at
      least 30 and at most 182 days.
    - "refill": a product bought on two days or more, on its own cycle; "cycle": the customer's orders altogether. Both
      are due on the median day of the forecast, listed if that lies within `horizon_days` + `lead_days`. `remind_on`
      is `lead_days` before the window of probability `level` opens, not before `due_on`: half of those who come back
      do so before `due_on`. The window is in `reason`; of a short history it is wide, and the reminder comes weeks
      before `due_on`, which the gaps of other customers then move away from the own mean gap. Lapsed customers need
      another campaign and are not listed; nor is who ordered once, without a cycle of the own.

    A customer with a calendar pattern gets no cycle, one with a refill on the list neither. Of several reasons the
    earliest reminder stands, of the same day the first in the order above; the others are named beside it.

    Examples
    --------
    >>> import datetime as dt
    >>> from crmkit import datasets
    >>> orders = datasets.load_cdnow(sample=True)
    >>> todo = reminders(orders, as_of=dt.date(1997, 9, 30))
    >>> bool(todo["customer_id"].is_unique)
    True
    """
    checked_locale(locale)
    _check(lead_days, horizon_days)
    check(horizon_days + lead_days, level)
    day = frames.as_day(as_of)
    if fit is None:
        fit = purchases.fit_purchase_process(orders, as_of=day, judge="chance", refunds=refunds)
    days = frames.settled(summary.day_rows(orders, as_of=day, refunds=refunds), like=orders)
    question = Question(orders, days, day, lead_days, horizon_days, level, fit, clock, refunds, locale)
    known = candidates.customers(question)
    sources = [
        candidates.season(known, question),
        candidates.year_ago(known, question),
        candidates.cycle(known, question),
    ]
    product = ["product_id"] if "product_id" in frames.column_names(orders) else []
    if product:
        refills = candidates.refill(known, question)
        kind = frames.kinds_of(refills, product)["product_id"]
        sources = [part.with_columns(product_id=nw.lit(None).cast(kind)) for part in sources] + [refills]
    listed = _on_the_list(nw.concat(sources), question)
    columns = ["reason_code", "reason", "evidence", "due_on", "remind_on", "chance", "order_value", "expected_value"]
    chosen = _one_each(listed).with_columns(expected_value=frames.money(nw.col("chance") * nw.col("order_value")))
    return frames.leave(
        chosen.select("customer_id", *product, *columns, "other_reasons"),
        like=orders,
        sort=["customer_id"],
        same=product,
    )


def _on_the_list(rows: frames.Frame, question: Question) -> frames.Frame:
    """Add `remind_on`, no earlier than today, and keep what falls into the horizon."""
    today = question.day.toordinal()
    numbered = frames.with_day_numbers(rows, start_number="start", due_number="due_on")
    early = nw.col("start_number") - question.lead_days
    dated = numbered.with_columns(
        remind_number=nw.when(early < today).then(nw.lit(today)).otherwise(early).cast(nw.Int64)
    )
    days = np.arange(question.horizon_days + 1)
    calendar = {
        "remind_number": today + days,
        "remind_on": (np.datetime64(question.day, "us") + days.astype("timedelta64[D]")).astype("datetime64[us]"),
    }
    # Of a customer without rhythm the window is always open: the order itself must be near, too.
    near = nw.col("due_number") <= today + question.ahead
    listed = dated.filter((nw.col("remind_number") <= today + question.horizon_days) & near)
    return frames.join_small(listed, calendar, on=["remind_number"]).with_columns(nw.col("remind_on").cast(nw.Date))


def _one_each(listed: frames.Frame) -> frames.Frame:
    """Keep the first reason of each customer and name the others."""
    is_code = {f"is_{code}": frames.one_if(nw.col("reason_code") == code) for code in CODES}
    flagged = listed.with_columns(**is_code)
    counted = flagged.with_columns(**{f"n_{code}": nw.col(f"is_{code}").sum().over("customer_id") for code in CODES})
    kept = counted.filter(~((nw.col("reason_code") == "cycle") & (nw.col("n_refill") > 0)))
    rank = sum((i * nw.col(f"is_{code}") for i, code in enumerate(CODES[1:], 1)), start=nw.lit(0))
    ordered = kept.with_columns(rank=rank, one=nw.lit(1))
    by = ["remind_number", "rank", "due_number", *(["product_id"] if "product_id" in frames.names_of(kept) else [])]
    first = ordered.with_columns(place=nw.col("one").cum_sum().over("customer_id", order_by=by))
    return first.filter(nw.col("place") == 1).with_columns(other_reasons=_others())


def _others() -> nw.Expr:
    """Codes of the reasons that a customer has besides the one that stands."""
    named = []
    for code in CODES:
        gives_way = (nw.col("n_refill") > 0) if code == "cycle" else nw.lit(False)
        more = (nw.col(f"n_{code}") > nw.col(f"is_{code}")) & ~gives_way
        named.append(nw.when(more).then(nw.lit(f", {code}")).otherwise(nw.lit("")))
    return nw.concat_str(*named).str.slice(2)


def _check(lead_days: int, horizon_days: int) -> None:
    if not 0 <= lead_days <= _LONGEST:
        raise DomainError(f"lead_days must lie between 0 and {_LONGEST} (days), got {lead_days}.")
    if not 1 <= horizon_days <= _LONGEST:
        raise DomainError(f"horizon_days must lie between 1 and {_LONGEST} (days), got {horizon_days}.")

"""Each instalment today: paid, not due, to be reminded of, overdue or escalated."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import day_words, frames
from crmkit.errors import DomainError
from crmkit.funnel.payments.cents import in_money
from crmkit.funnel.payments.matching import KEY, matched
from crmkit.segment_maps import Locale, checked_locale

_REASONS: Final = {
    "en": {
        "escalate": "Overdue for {days}, more than {limit}.",
        "overdue": "Overdue for {days}.",
        "remind": "Due in {days}.",
        "not due": "Due in {days}.",
        "paid": "Paid.",
        "today": "Due today.",
    },
    "zh": {
        "escalate": "已逾期 {days}，超过 {limit}。",
        "overdue": "已逾期 {days}。",
        "remind": "{days}后到期。",
        "not due": "{days}后到期。",
        "paid": "已付清。",
        "today": "今天到期。",
    },
}


def receivables(
    instalments: IntoFrameT,
    payments: Any,
    *,
    as_of: dt.date,
    remind_days: int = 7,
    escalate_days: int = 15,
    locale: Locale = "en",
) -> IntoFrameT:
    """List what is to be paid, what has been paid of it, and what is to be done about it today.

    Parameters
    ----------
    instalments : data frame, `schema.INSTALMENTS`
        Of `payment_plan` or your own; those issued after `as_of` are not seen.
    payments : data frame, `schema.PAYMENTS`
        `customer_id`, `paid_at`, `amount`, and `contract_id` if there; those after `as_of` are not seen. Take a payment
        that was sent back out of the table.
    as_of : date
        The day it is looked at, inclusive.
    remind_days : int
        Days ahead of the due day from which on a reminder is due, at least 0.
    escalate_days : int
        An instalment that is overdue for more days escalates, at least 0.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `instalments`
        One row per instalment, sorted by `customer_id`, `contract_id`, `instalment`: these, `due_on` (date), `amount`,
        `paid`, `open` (money), `overdue_days` (0 if it is paid or not over), `action` ("paid", "not due", "remind",
        "overdue", "escalate"), `reason`.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A contract has an instalment twice.

    Notes
    -----
    A payment that names a contract pays the oldest instalment of it that is open, then the next; one that names none
    pays the oldest of the customer. What is left over is credit (`ageing`), never moved to another contract in silence.
    An instalment is overdue from the day after its due day.
    """
    texts = _REASONS[checked_locale(locale)]
    if remind_days < 0 or escalate_days < 0:
        raise DomainError(
            f"remind_days and escalate_days must be at least 0 (days), got {remind_days} and {escalate_days}."
        )
    today = frames.as_day(as_of).toordinal()
    late, ahead = today - nw.col("due_day"), nw.col("due_day") - today
    rows = matched(instalments, payments, as_of).instalments
    action = nw.lit("not due")
    for code, holds in (
        ("remind", ahead <= remind_days),
        ("overdue", late > 0),
        ("escalate", late > escalate_days),
        ("paid", nw.col("open") == 0),
    ):
        action = nw.when(holds).then(nw.lit(code)).otherwise(action)
    acted = rows.with_columns(action=action)
    is_late = (nw.col("open") > 0) & (late > 0)
    days = {
        "days": day_words.days(nw.when(late > 0).then(late).otherwise(ahead), locale),
        "limit": day_words.days(nw.lit(escalate_days), locale),
    }
    is_today = (nw.col("action") == "remind") & (late == 0)
    said = acted.with_columns(code=nw.when(is_today).then(nw.lit("today")).otherwise(nw.col("action")))
    dated = frames.with_dates(said, due_on="due_day")
    reason = nw.lit("")
    for name, text in texts.items():
        reason = nw.when(nw.col("code") == name).then(frames.sentence(text, days)).otherwise(reason)
    table = dated.select(
        *KEY,
        "due_on",
        amount=in_money(nw.col("billed")),
        paid=in_money(nw.col("paid")),
        open=in_money(nw.col("open")),
        overdue_days=nw.when(is_late).then(late).otherwise(0).cast(nw.Int64),
        action=nw.col("action"),
        reason=reason,
    )
    return frames.leave(table, like=instalments, sort=list(KEY))

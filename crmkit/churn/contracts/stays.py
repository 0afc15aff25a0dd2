"""From contracts to stays: who was there from when to when, in whole periods."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.whole_numbers import is_whole

Period: TypeAlias = Literal["month", "quarter", "year"] | int

NO_GROUP = "(no group)"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_YEAR_DAYS = 365.25
_LAST = dt.date(2199, 12, 31)
_RUNNING = 10**7  # a day number, and a month number, beyond all calendars


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table of subscriptions."""

    as_of: dt.date
    by: str | None
    period: Period
    bridge_days: int

    def __post_init__(self) -> None:
        is_days = isinstance(self.period, int) and not isinstance(self.period, bool)
        if self.period not in _MONTHS and not (is_days and 1 <= int(self.period) <= 3660):
            raise DomainError(
                f'period must be "month", "quarter", "year" or a number of days from 1 to 3660, got {self.period!r}.'
            )
        if not is_whole(self.bridge_days, 0, 3660):
            raise DomainError(f"bridge_days must lie between 0 and 3660 (whole days), got {self.bridge_days!r}.")
        if self.as_of > _LAST:
            raise DomainError(f"as_of must be a day up to {_LAST}, the last that a table may hold, got {self.as_of}.")
        is_name = self.by is None or isinstance(self.by, str)
        if not is_name or self.by in ("customer_id", "started_at", "ended_at", "amount"):
            raise DomainError(f"by must name a column that groups contracts, such as 'plan', got {self.by!r}.")

    @property
    def years_per_period(self) -> float:
        """Length of a period in years."""
        return _MONTHS[self.period] / 12.0 if isinstance(self.period, str) else self.period / _YEAR_DAYS


def stays(subscriptions: Any, question: Question) -> frames.Frame:
    """One row per stay: a customer's contracts, of one group, that overlap or follow one another.

    Returns
    -------
    lazy frame
        `customer_id`, `group` (text), `periods` (complete ones: of a stay that ended, that at whose end it did; int64),
        `ended` (1 or 0: whether the end is counted), `running` (1 or 0: on `as_of`), and `amount` of the contracts that
        run, if the table has it.
    """
    entered = schema.admit(subscriptions, _table(question.by))
    started = entered.with_columns(
        first=nw.col("started_at").cast(nw.Date),
        last=nw.col("ended_at").cast(nw.Date),
        group=nw.lit(NO_GROUP) if question.by is None else nw.col(question.by).cast(nw.String).fill_null(NO_GROUP),
    ).filter(nw.col("first") <= nw.lit(question.as_of))
    numbered = _numbered(started, question.as_of)
    _check_order(numbered)
    return _in_periods(_joined_up(numbered, question.bridge_days), question)


def _table(by: str | None) -> schema.Table:
    """Give the reference table with the column that is asked for."""
    known = schema.SUBSCRIPTIONS
    if by is None or by in known.known:
        return known if by is None else replace(known, columns=tuple(_needed(c, by) for c in known.columns))
    return replace(known, columns=(*known.columns, schema.Column(by, "id", "group of the contract", required=True)))


def _needed(column: schema.Column, by: str) -> schema.Column:
    return replace(column, required=True) if column.name == by else column


def _numbered(started: frames.Frame, as_of: dt.date) -> frames.Frame:
    """Days as numbers and as 32 times the month's number plus the day; an end after `as_of` is not known yet."""
    known = started.with_columns(last=nw.when(nw.col("last") <= nw.lit(as_of)).then(nw.col("last")))
    days = frames.with_month_numbers(
        frames.with_day_numbers(known, start="first", end="last"), start_key="first", end_key="last"
    )
    return days.with_columns(
        nw.col("end").fill_null(_RUNNING),
        start_key=32 * nw.col("start_key") + nw.col("first").dt.day().cast(nw.Int64),
        end_key=(32 * nw.col("end_key") + nw.col("last").dt.day().cast(nw.Int64)).fill_null(_RUNNING),
    )


def _check_order(numbered: frames.Frame) -> None:
    wrong = numbered.filter(nw.col("end") < nw.col("start"))
    found = frames.arrays(wrong.select(rows=nw.len(), first=nw.col("customer_id").min()), ["rows", "first"])
    rows = int(found["rows"][0])
    if rows:
        raise SchemaError(
            f"subscriptions.ended_at: {rows} rows end before they start (first: customer_id "
            f"{found['first'].tolist()[0]!r}); expected the last day, on or after started_at.\nDrop contracts that "
            "never began, or correct their days."
        )


def _joined_up(numbered: frames.Frame, bridge_days: int) -> frames.Frame:
    """Merge the contracts of a stay; numbers only, as a running maximum must meet no null."""
    whose, order = ("customer_id", "group"), ("start", "end")
    reach = numbered.with_columns(reach=nw.col("end").cum_max().over(*whose, order_by=order))
    before = reach.with_columns(before=nw.col("reach").shift(1).over(*whose, order_by=order))
    opens = nw.when(nw.col("before").is_null()).then(nw.lit(0)).otherwise(
        frames.one_if(nw.col("start") > nw.col("before") + 1 + bridge_days)
    )  # fmt: skip
    numbers = before.with_columns(opens=opens.cast(nw.Int64))
    stay = numbers.with_columns(stay=nw.col("opens").cum_sum().over(*whose, order_by=order))
    sums = {name: nw.col(name).min() for name in ("start", "start_key")}
    sums |= {name: nw.col(name).max() for name in ("end", "end_key")}
    if "amount" in frames.names_of(stay):
        paid = nw.when(nw.col("end") == _RUNNING).then(nw.col("amount").cast(nw.Float64)).otherwise(nw.lit(0.0))
        stay = stay.with_columns(amount=paid)
        sums["amount"] = nw.col("amount").sum()
    return stay.group_by(*whose, "stay").agg(**sums)


def _in_periods(joined: frames.Frame, question: Question) -> frames.Frame:
    """Count complete periods up to the day after `as_of`, and to the end if it lies in one of them."""
    after = question.as_of + dt.timedelta(days=1)
    if isinstance(question.period, str):
        length = _MONTHS[question.period]
        joined = _with_months(joined, after)
        seen, end = nw.col("months_seen") // length, nw.col("months_stayed") // length + 1
    else:
        seen = (after.toordinal() - nw.col("start")) // question.period
        end = (nw.col("end") - nw.col("start")) // question.period + 1
    running = nw.col("end") == _RUNNING
    counted = joined.with_columns(seen=seen, left=nw.when(~running).then(end), running=frames.one_if(running))
    # The end of a stay counts when its period is over, as staying does: else leavers of the period in progress would
    # stand against nobody who stayed.
    over = counted.with_columns(ended=frames.one_if(nw.col("left") <= nw.col("seen")))
    return over.with_columns(periods=nw.when(nw.col("ended") == 1).then(nw.col("left")).otherwise(nw.col("seen")))


def _with_months(joined: frames.Frame, after: dt.date) -> frames.Frame:
    """Count the anniversaries of the first day up to a day, and up to the last day.

    Step by step: a long expression is repeated in each of its uses.
    """
    split = joined.with_columns(
        month=nw.col("end_key") // 32, day=nw.col("end_key") % 32, own=nw.col("start_key") % 32
    ).with_columns(year=nw.col("month") // 12, number=nw.col("month") % 12, months=nw.col("start_key") // 32)
    year, number = nw.col("year"), nw.col("number")
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    february = nw.when(leap).then(nw.lit(29)).otherwise(nw.lit(28))
    short = number.is_in([3, 5, 8, 10])
    length = nw.when(number == 1).then(february).when(short).then(nw.lit(30)).otherwise(nw.lit(31))
    dated = split.with_columns(length=length.cast(nw.Int64))
    own, last = nw.col("own"), calendar.monthrange(after.year, after.month)[1]
    # The anniversary of a 31st is the last day of a shorter month.
    early = (nw.col("day") < own) & (nw.col("day") < nw.col("length"))
    not_yet = (after.day < own) & nw.lit(after.day < last)
    return dated.with_columns(
        months_stayed=nw.col("month") - nw.col("months") - frames.one_if(early),
        months_seen=12 * after.year + after.month - 1 - nw.col("months") - frames.one_if(not_yet),
    )

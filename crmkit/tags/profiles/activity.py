"""How active and how loyal each customer is: the numbers, not a verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.errors import DomainError
from crmkit.tags.rules.values import check_days, check_text
from crmkit.tags.tagging.entrance import admitted_log, admitted_people
from crmkit.tags.tagging.matches import one_of

_UNITS: Final = 10_000  # whole sums are the same on every engine
_DAY: Final = "crmkit_day"
_COLUMNS: Final = (
    *("customer_id", "last_interaction", "last_kind", "days_since_interaction", "interactions", "active_days"),
    *("participations", "satisfaction", "satisfaction_answers", "order_days", "repeat", "referrals"),
)


def activity_metrics(
    customers: IntoFrameT,
    *,
    as_of: dt.date,
    orders: Any = None,
    contacts: Any = None,
    events: Any = None,
    window_days: int = 365,
    participation: Sequence[str] = ("webinar", "visit", "campaign"),
    satisfaction: Sequence[str] = ("survey",),
    referral: Sequence[str] = ("referral",),
) -> IntoFrameT:
    """Measure activity and loyalty: last interaction, participation, satisfaction, repeat, referral.

    Parameters
    ----------
    customers : data frame, `schema.CUSTOMERS`
        One row per customer; those who never did anything are in the answer too.
    as_of : date
        Last day that is known, inclusive; later rows are ignored.
    orders, contacts, events : data frame, optional
        At least one of these logs. Refunds are no orders; rows of one customer and order day are one interaction.
    window_days : int
        `interactions`, `active_days`, `participations`, `satisfaction` and `referrals` are of the last so many days.
    participation, satisfaction, referral : sequence of str
        Names of events that are a participation, an answer about satisfaction (its `value` is the mark), a referral.

    Returns
    -------
    data frame like `customers`
        One row per customer, sorted: `last_interaction` (date), `last_kind` ("order", "contact", "event"; of several on
        one day the first of these), `days_since_interaction` (days; all three missing if never), `interactions`
        (order days, contacts and events), `active_days` (days with one), `participations` (counts), `satisfaction`
        (mean mark; missing without an answer), `satisfaction_answers`, `order_days` (counts; order days since ever),
        `repeat` (1 with two or more order days, else 0), `referrals` (count).

    Raises
    ------
    DomainError
        No log is given, or an argument is out of its domain.
    SchemaError
        A customer stands twice; a column is missing.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["ann"]})
    >>> events = pd.DataFrame({"customer_id": "ann", "event": ["survey", "webinar", "survey"],
    ...     "value": [8.0, None, 9.0], "occurred_at": pd.to_datetime(["2024-03-01", "2024-05-01", "2024-06-20"])})
    >>> row = activity_metrics(customers, events=events, as_of=dt.date(2024, 6, 30)).iloc[0]
    >>> int(row.days_since_interaction), float(row.satisfaction), int(row.participations)
    (10, 8.5, 1)
    """
    day = frames.as_day(as_of)
    check_days(window_days, "window_days")
    names = {"participations": participation, "satisfaction_answers": satisfaction, "referrals": referral}
    for name in (text for texts in names.values() for text in texts):
        check_text(name, "Names of events")
    parts = _logs(orders, contacts, events, names, day)
    if not parts:
        raise DomainError("Give at least one log: orders, contacts or events.")
    people = admitted_people(customers, {}, day, beside=next(iter(parts.values())))
    rows = nw.concat([part.select(*_ROW) for part in parts.values()])
    totals = _totals(rows, day.toordinal(), window_days)
    whole = people.join(totals, on="customer_id", how="left")
    return frames.leave(_finished(whole, day), like=customers, sort=["customer_id"], same=["customer_id"])


_COUNTS: Final = ("participations", "satisfaction_answers", "referrals")
_ROW: Final = ("customer_id", _DAY, "crmkit_kind", "crmkit_mark", *_COUNTS)
_KINDS: Final = {"order": 2, "contact": 1, "event": 0}


def _logs(
    orders: Any, contacts: Any, events: Any, names: Mapping[str, Sequence[str]], day: dt.date
) -> dict[str, frames.Frame]:
    """Take each log as rows of one form; the first of them is whom the others stand beside."""
    made: dict[str, frames.Frame] = {}
    if orders is not None:
        days = summary.day_rows(orders, as_of=day, refunds="exclude")
        numbered = frames.with_day_numbers(days, **{_DAY: "order_day"})
        made["order"] = _as_rows(numbered.select("customer_id", _DAY), "order", {})
    if contacts is not None:
        rows = admitted_log(contacts, "contacts", {}, day, beside=next(iter(made.values()), None))
        made["contact"] = _as_rows(rows.select("customer_id", _DAY), "contact", {})
    if events is not None:
        asked = {"value": "number"} if "value" in frames.column_names(events) else {}
        rows = admitted_log(events, "events", asked, day, beside=next(iter(made.values()), None))
        made["event"] = _as_rows(rows, "event", names)
    return made


def _as_rows(rows: frames.Frame, kind: str, names: Mapping[str, Sequence[str]]) -> frames.Frame:
    is_of = {
        name: frames.one_if(one_of(nw.col("event").cast(nw.String()), names[name])) if names.get(name) else nw.lit(0)
        for name in _COUNTS
    }
    made = rows.with_columns(
        crmkit_kind=nw.lit(_KINDS[kind]), **{name: one.cast(nw.Int64) for name, one in is_of.items()}
    )
    if not ("value" in frames.names_of(rows) and names.get("satisfaction_answers")):
        return made.with_columns(crmkit_mark=nw.lit(0).cast(nw.Int64), satisfaction_answers=nw.lit(0).cast(nw.Int64))
    marked = (nw.col("satisfaction_answers") == 1) & ~nw.col("value").is_null()
    units = nw.when(marked).then((nw.col("value") * _UNITS).round(0)).otherwise(0.0)
    return made.with_columns(crmkit_mark=units.cast(nw.Int64), satisfaction_answers=frames.one_if(marked))


def _totals(rows: frames.Frame, today: int, window_days: int) -> frames.Frame:
    """Bring rows together by day, then by customer; days in a whole number that also tells the kind."""
    by_day = rows.with_columns(crmkit_one=nw.lit(1), crmkit_order=frames.one_if(nw.col("crmkit_kind") == 2))
    sums = ("crmkit_one", "crmkit_mark", *_COUNTS)
    days = by_day.group_by("customer_id", _DAY).agg(
        nw.col("crmkit_kind").max(), nw.col("crmkit_order").max(), *[nw.col(name).sum() for name in sums]
    )
    inside = nw.col(_DAY) > today - window_days
    marked = days.with_columns(
        crmkit_last=nw.col(_DAY) * 3 + nw.col("crmkit_kind"),
        crmkit_active=frames.one_if(inside),
        **{name: nw.when(inside).then(nw.col(name)).otherwise(0).cast(nw.Int64) for name in sums},
    )
    added = ("crmkit_active", "crmkit_order", *sums)
    totals = marked.group_by("customer_id").agg(nw.col("crmkit_last").max(), *[nw.col(name).sum() for name in added])
    return totals.with_columns(nw.col("crmkit_last", *added).cast(nw.Int64))


def _finished(whole: frames.Frame, day: dt.date) -> frames.Frame:
    counts = ("crmkit_active", "crmkit_order", "crmkit_one", *_COUNTS)
    filled = whole.with_columns(nw.col(*counts).fill_null(0))
    answers = nw.col("satisfaction_answers")
    mean = nw.col("crmkit_mark") / (nw.when(answers > 0).then(answers).otherwise(nw.lit(1)) * _UNITS)
    last = (nw.col("crmkit_last") / 3).floor().cast(nw.Int64)
    dated = filled.with_columns(
        crmkit_on=last,
        interactions=nw.col("crmkit_one"),
        active_days=nw.col("crmkit_active"),
        order_days=nw.col("crmkit_order"),
        repeat=frames.one_if(nw.col("crmkit_order") >= 2),
        satisfaction=nw.when(answers > 0).then(mean.round(6)),
    )
    kind = nw.col("crmkit_last") - 3 * nw.col("crmkit_on")
    named = nw.when(kind == 2).then(nw.lit("order")).when(kind == 1).then(nw.lit("contact"))
    worded = dated.with_columns(
        last_kind=named.when(kind == 0).then(nw.lit("event")),
        days_since_interaction=(day.toordinal() - nw.col("crmkit_on")).cast(nw.Int64),
    )
    return frames.with_dates(worded, last_interaction="crmkit_on").select(*_COLUMNS)

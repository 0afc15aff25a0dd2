"""How complete and how fresh the profile of each customer is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.tags.rules.conditions import LOGS
from crmkit.tags.rules.values import check_choice, check_days, check_text, make_tuple
from crmkit.tags.tagging.entrance import admitted_log, admitted_people

QUARTER: Final = 91  # days
HALF_YEAR: Final = 182
_COLUMNS: Final = (
    *("customer_id", "dimension", "fields", "filled", "share", "missing"),
    *("verified_on", "days_since_verified", "due_on", "state", "profile_share"),
)


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """A dimension of the profile: which columns it has, or which log fills it, and how long it stays fresh.

    Attributes
    ----------
    dimension : str
        What it is called.
    columns : str or several
        Columns of the customers that should be filled.
    verified : str
        Column of the customers: the day on which they were last verified or updated. Empty: nobody knows.
    log : {"", "orders", "contacts", "events"}
        Instead of columns: a log in which the customer should stand; its last row is the last verification.
    due_days : int
        After so many days it is due again: 91 is a quarter, 182 half a year.

    Raises
    ------
    DomainError
        A field is out of its domain.
    """

    dimension: str
    columns: tuple[str, ...] = ()
    verified: str = ""
    log: str = ""
    due_days: int = QUARTER

    def __post_init__(self) -> None:
        make_tuple(self, "columns")
        check_text(self.dimension, "dimension")
        for name in self.columns:
            check_text(name, "columns")
        if bool(self.columns) == bool(self.log) or (self.log and self.verified):
            raise DomainError(f"Profile part {self.dimension!r}: give columns (and verified), or a log; not both.")
        if self.log:
            check_choice(self.log, "log", LOGS)
        check_days(self.due_days, "due_days")


def six_dimensions(
    *,
    basic: Sequence[str],
    need: Sequence[str],
    decision_chain: Sequence[str],
    verified: str = "",
    due_days: int = QUARTER,
) -> tuple[ProfilePart, ...]:
    """Make the six dimensions of a profile: three of columns, three of logs.

    "basic", "need" and "decision chain" are columns of the customers; "follow-up" is filled by contacts, "transactions"
    by orders, "activity" by events.
    """
    named = (("basic", basic), ("need", need), ("decision chain", decision_chain))
    of_columns = [ProfilePart(name, tuple(columns), verified, due_days=due_days) for name, columns in named]
    of_logs = [("follow-up", "contacts"), ("transactions", "orders"), ("activity", "events")]
    return (*of_columns, *(ProfilePart(name, log=log, due_days=due_days) for name, log in of_logs))


def profile_completeness(
    customers: IntoFrameT,
    *,
    parts: Sequence[ProfilePart],
    as_of: dt.date,
    orders: Any = None,
    contacts: Any = None,
    events: Any = None,
) -> IntoFrameT:
    """Say of each customer and dimension what is filled, what is missing, and when it is due to be verified.

    Parameters
    ----------
    customers : data frame, `schema.CUSTOMERS`
        One row per customer, with the columns of `parts`.
    parts : sequence of ProfilePart
        The dimensions, such as those of `six_dimensions`.
    as_of : date
        Last day that is known, inclusive; later rows of logs, and later verifications, are ignored.
    orders, contacts, events : data frame, optional
        Logs that `parts` ask for. A refund is no order.

    Returns
    -------
    data frame like `customers`
        One row per customer and dimension, sorted by both: `fields`, `filled` (counts), `share` (filled, in [0, 1]),
        `missing` (names, or the log; empty if none), `verified_on` (date; missing if never), `days_since_verified`
        (days), `due_on` (date; `as_of` if never verified), `state` ("fresh"; "due" from `due_on` on; "never"),
        `profile_share` (filled share of all fields of the customer).

    Raises
    ------
    DomainError
        `parts` is empty, names a dimension twice, or asks for a log that was not given.
    SchemaError
        A customer stands twice; a column is missing.

    Notes
    -----
    A field is filled if it holds a value: not null, NaN or a text of blanks. Whether the value is right is not judged.
    """
    day, checked = frames.as_day(as_of), _checked(parts)
    logs = {"orders": orders, "contacts": contacts, "events": events}
    for part in checked:
        if part.log and logs[part.log] is None:
            raise DomainError(f"Profile part {part.dimension!r} needs the table {part.log}, which was not given.")
    asked = {name: "any" for part in checked for name in part.columns}
    for part in checked:
        if part.verified:
            asked[part.verified] = "date"
    people = admitted_people(customers, asked, day)
    for name in dict.fromkeys(part.log for part in checked if part.log):
        people = people.join(_last_rows(logs[name], name, day, people), on="customer_id", how="left")
    marked = people.with_columns(
        **{
            f"crmkit_p{i}": reduce(add, [frames.one_if(~is_empty) for is_empty in _empties(part).values()])
            for i, part in enumerate(checked)
        }
    )
    fields = sum(max(len(part.columns), 1) for part in checked)
    filled = reduce(add, [nw.col(f"crmkit_p{i}") for i in range(len(checked))])
    whole = frames.settled(marked.with_columns(profile_share=(filled / fields).round(9)), like=customers)
    rows = nw.concat([_part_rows(whole, part, i, day) for i, part in enumerate(checked)])
    return frames.leave(rows, like=customers, sort=["customer_id", "dimension"], same=["customer_id"])


def _checked(parts: Sequence[ProfilePart]) -> tuple[ProfilePart, ...]:
    if not parts or not all(isinstance(part, ProfilePart) for part in parts):
        raise DomainError(f"parts must be a sequence of at least one ProfilePart, got {parts!r:.60}.")
    names = [part.dimension for part in parts]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DomainError(f"Each dimension stands once; {twice[0]!r} stands twice.")
    return tuple(parts)


def _last_rows(log: Any, name: str, day: dt.date, people: frames.Frame) -> frames.Frame:
    rows = admitted_log(log, name, {}, day, beside=people)
    kept = rows.filter(nw.col("amount") >= 0) if name == "orders" else rows
    last = kept.group_by("customer_id").agg(crmkit_last=nw.col("crmkit_day").max())
    return frames.with_dates(last, **{f"crmkit_{name}": "crmkit_last"}).drop("crmkit_last")


def _empties(part: ProfilePart) -> Mapping[str, nw.Expr]:
    """Whether each field is empty, by its name."""
    if part.log:
        return {part.log: nw.col(f"crmkit_{part.log}").is_null()}
    return {name: nw.col(name).is_null() for name in part.columns}


def _part_rows(whole: frames.Frame, part: ProfilePart, i: int, day: dt.date) -> frames.Frame:
    fields = max(len(part.columns), 1)
    said = [
        nw.when(is_empty).then(nw.lit(f", {name}")).otherwise(nw.lit("")) for name, is_empty in _empties(part).items()
    ]
    rows = whole.with_columns(
        dimension=nw.lit(part.dimension),
        fields=nw.lit(fields).cast(nw.Int64),
        filled=nw.col(f"crmkit_p{i}"),
        share=(nw.col(f"crmkit_p{i}") / fields).round(9),
        missing=nw.concat_str(nw.lit(""), *said).str.slice(2),
        verified_on=_verified(part, day),
    )
    today = day.toordinal()
    numbered = frames.with_day_numbers(rows, crmkit_verified="verified_on")
    due = nw.coalesce(nw.col("crmkit_verified") + part.due_days, nw.lit(today)).cast(nw.Int64)
    is_due = nw.when(due <= today).then(nw.lit("due")).otherwise(nw.lit("fresh"))
    state = nw.when(nw.col("crmkit_verified").is_null()).then(nw.lit("never")).otherwise(is_due)
    since = (today - nw.col("crmkit_verified")).cast(nw.Int64)
    dated = numbered.with_columns(days_since_verified=since, crmkit_due=due, state=state)
    return frames.with_dates(dated, due_on="crmkit_due").select(*_COLUMNS)


def _verified(part: ProfilePart, day: dt.date) -> nw.Expr:
    if part.log:
        return nw.col(f"crmkit_{part.log}")
    if not part.verified:
        return nw.lit(None, dtype=nw.Date)
    known = nw.col(part.verified)
    return nw.when(known <= nw.lit(day)).then(known)

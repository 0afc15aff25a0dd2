"""Scores as events arrive: the past is kept as a ledger and not read again."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Generic, NamedTuple

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.schema import LEADS, Column, Table
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import admitted_events, conditions, numbered_leads
from crmkit.scoring.cards.handing import crossings
from crmkit.scoring.cards.ledger import day_ledger, merged
from crmkit.scoring.cards.marked import asked_events, marked_ledger
from crmkit.scoring.cards.near import near_threshold
from crmkit.scoring.cards.scores import checked_card, scores_of
from crmkit.scoring.cards.standing import lead_standing, standing_totals


def _time(name: str, meaning: str) -> Column:
    return Column(name, "time", meaning, "local time", "years 1900 to 2199", True, False)


LEDGER: Final = Table(
    "ledger",
    "one row per lead, rule and day, from scoring.update_scores",
    (
        LEADS["lead_id"],
        Column("rule", "text", "code of the rule", domain="never empty", required=True, nullable=False),
        _time("day", "day of the events"),
        Column("events", "number", "how many", "count", "at least 1", True, False, 1.0),
        _time("first_at", "time of the first one"),
        _time("last_at", "time of the last one"),
    ),
)


class Update(NamedTuple, Generic[IntoFrameT]):
    """Scores, and the ledger to keep for the next time.

    Attributes
    ----------
    scores : data frame
        As `score_leads` returns.
    ledger : data frame
        One row per lead, rule and day with events: `lead_id`, `rule`, `day` (date), `events` (count), `first_at`,
        `last_at` (times).
    """

    scores: IntoFrameT
    ledger: IntoFrameT


def update_scores(
    previous: Any, new_events: Any, *, leads: IntoFrameT, card: Scorecard, as_of: dt.date
) -> Update[IntoFrameT]:
    """Score leads again with the events that came since, without reading the past again.

    Parameters
    ----------
    previous : data frame or None
        The `ledger` of the update before; None: the first time.
    new_events : data frame, `schema.LEAD_EVENTS`
        Events that were in no update before, in any order; late ones too.
    leads : data frame, `schema.LEADS`
        All leads as they are now.
    card : Scorecard
        The rules. Points, decay, windows, caps, bands may change from update to update; what a rule asks for may not:
        give a changed condition a new code and start again from all events.
    as_of : date
        Last day that is known, inclusive. Later events are not taken into the ledger: give them again then.

    Returns
    -------
    Update
        `scores`, bit for bit what `score_leads` gives for all events so far, and `ledger`; both like `leads`.

    Raises
    ------
    DomainError
        `previous` holds a rule that the card does not have, or a day after `as_of`.
    SchemaError
        As `score_leads`.
    """
    day, checked = frames.as_day(as_of), checked_card(card)
    people = numbered_leads(leads, checked, day)
    log = admitted_events(new_events, checked, day, beside=people)
    ledger = day_ledger(asked_events(log, checked), checked, by="lead_id")
    if previous is not None:
        before = _admitted_ledger(previous, checked, day, beside=people)
        ledger = merged(*schema.same_ids(before, ledger, key="lead_id"))
    # The ledger goes out with the ids of leads: else 7.0 would be kept as the text "7.0", and never meet 7 again.
    ledger, named = schema.same_ids(ledger, people.select("lead_id", "lead"), key="lead_id")
    ledger = frames.settled(ledger, like=leads)
    rows = frames.settled(ledger.join(named, on="lead_id", how="inner").drop("lead_id"), like=leads)
    totals = standing_totals(marked_ledger(rows, checked), checked, day, like=leads)
    standing = frames.settled(lead_standing(people, totals, checked, day), like=leads)
    crossed = crossings(near_threshold(rows, marked_ledger, standing, checked, day, like=leads), checked, like=leads)
    scores = scores_of(standing, crossed, checked, day)
    dated = frames.with_dates(ledger.with_columns(number=nw.col("day")).drop("day"), day="number")
    kept = dated.select(*LEDGER.known)
    return Update(
        frames.leave(scores, like=leads, sort=["lead_id"], same=["lead_id"]),
        frames.leave(kept, like=leads, sort=["lead_id", "rule", "day"], same=["lead_id"]),
    )


def _admitted_ledger(previous: Any, card: Scorecard, day: dt.date, *, beside: frames.Frame) -> frames.Frame:
    rows = schema.admit(previous, LEDGER, beside=beside)
    times = {name: nw.col(name).cast(nw.Datetime("us")) for name in ("first_at", "last_at")}
    dated = rows.with_columns(on=nw.col("day").cast(nw.Date), events=nw.col("events").cast(nw.Int64), **times).drop(
        "day"
    )
    ledger = frames.with_day_numbers(dated, day="on")
    known = [code for code, _ in conditions(card, Event)]
    last = frames.arrays(ledger.group_by("rule").agg(nw.col("day").max()).sort("rule"), ["rule", "day"])
    strange = [code for code in last["rule"] if code not in known]
    if strange:
        raise DomainError(
            f"previous holds events of the rule {strange[0]!r}, which the card does not have ({', '.join(known)}).\n"
            f"Start again from all events, with previous=None."
        )
    if len(last["day"]) and max(last["day"]) > day.toordinal():
        latest = dt.date.fromordinal(int(max(last["day"])))
        raise DomainError(f"as_of is {day}, but previous holds events up to {latest}; updates only go forward.")
    return ledger

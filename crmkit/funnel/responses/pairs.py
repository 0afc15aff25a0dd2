"""Requests and their answers, paired from a log of events."""

from __future__ import annotations

import datetime as dt
import warnings

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError


def response_pairs(events: IntoFrameT, *, start: str, answer: str, as_of: dt.date) -> IntoFrameT:
    """Pair each request in a log with its answer: "quote sent" with "quote approved", the first visit with the second.

    Parameters
    ----------
    events : data frame, `schema.LEAD_EVENTS`
        `lead_id`, `event`, `occurred_at`; whatever the key is (a deal, an order, a ticket), it stands in `lead_id`.
    start, answer : str
        Events that begin a request, and that answer it. The same name twice pairs the first event with the second.
    as_of : date or datetime
        A date is seen to the end of its day, a time stamp to itself.

    Returns
    -------
    data frame like `events`
        One row per request, in the form that `response_times` takes: `lead_id`, `created_at`, `first_response_at`
        (empty: not yet), `request` (from 1 for each lead), sorted by `lead_id` and `request`.

    Raises
    ------
    DomainError
        `start` or `answer` is no name.

    Notes
    -----
    A request waits until the first answer at or after it. What asks again while it waits is a reminder, no second
    request; an answer to nothing is left out. At one instant the request comes first. A log with events, none of
    which is called `start`, is warned of.
    """
    if not start or not answer:
        raise DomainError(f"start and answer must be names of events, got {start!r} and {answer!r}.")
    seen_before, _ = frames.as_moment(as_of)
    rows = schema.admit(events, schema.LEAD_EVENTS, columns=("lead_id", "event", "occurred_at"))
    _report_no_start(rows, start)
    asks, answers = nw.col("event") == start, nw.col("event") == answer
    chosen = frames.with_seconds(rows.filter(asks | answers), second="occurred_at")
    known = chosen.filter(nw.col("second") < seen_before).with_columns(is_answer=frames.one_if(~asks))
    paired = _first_two(known) if start == answer else _alternating(known)
    made = paired.group_by("lead_id", "request").agg(
        created_at=nw.col("asked_at").min(), first_response_at=nw.col("answered_at").max()
    )
    columns = ("lead_id", "created_at", "first_response_at", "request")
    return frames.leave(made.select(*columns), like=events, sort=["lead_id", "request"])


def _report_no_start(rows: frames.Frame, start: str) -> None:
    """Warn of a log in which nothing begins a request: the name is another one, more likely than not."""
    marked = rows.select("event", asks=frames.one_if(nw.col("event") == start))
    sums = marked.select(events=nw.len(), asks=nw.col("asks").sum(), first=nw.col("event").min())
    found = frames.arrays(sums, ["events", "asks", "first"])
    if found["events"][0] and not found["asks"][0]:
        warnings.warn(
            f"None of the {found['events'][0]} events is called {start!r}, so there is no request to pair; the log has "
            f"{found['first'].tolist()[0]!r}. Give start= as the log spells it.",
            stacklevel=3,
        )


def _first_two(known: frames.Frame) -> frames.Frame:
    placed = frames.with_places(known, by=["lead_id"], order=["occurred_at"])
    return placed.filter(nw.col("place") <= 2).with_columns(
        asked_at=nw.when(nw.col("place") == 1).then(nw.col("occurred_at")),
        answered_at=nw.when(nw.col("place") == 2).then(nw.col("occurred_at")),
        request=nw.lit(1).cast(nw.Int64),
    )


def _alternating(known: frames.Frame) -> frames.Frame:
    """Keep the first request of each wait and the first answer to it: they alternate, a request first."""
    order = ["occurred_at", "is_answer"]
    placed = frames.with_places(known, by=["lead_id"], order=order, before="is_answer")
    # Nothing before counts as answered: a request opens a wait then, and an answer answers nothing.
    turns = placed.filter(nw.col("is_answer") != nw.col("before").fill_null(1)).drop("place", "before")
    numbered = frames.with_places(turns, by=["lead_id"], order=order)
    return numbered.with_columns(
        asked_at=nw.when(nw.col("is_answer") == 0).then(nw.col("occurred_at")),
        answered_at=nw.when(nw.col("is_answer") == 1).then(nw.col("occurred_at")),
        request=(nw.col("place") + 1) // 2,
    )

"""Whom to call first: points, band, grade, trend and hand-off of each lead."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.scoring.cards.card import DISQUALIFIED, LETTERS, Scorecard
from crmkit.scoring.cards.conditions import Event
from crmkit.scoring.cards.entrance import admitted_events, admitted_leads, conditions, numbered_leads
from crmkit.scoring.cards.handing import crossings, hand_off_moments
from crmkit.scoring.cards.marked import asked_events, marked_events, numbered_events
from crmkit.scoring.cards.near import near_threshold
from crmkit.scoring.cards.points import as_points, units
from crmkit.scoring.cards.standing import lead_standing, standing_totals

COLUMNS: Final = (
    *("lead_id", "fit_points", "engagement_points", "score", "band", "grade", "trend", "stage", "handed_off_at"),
)


def score_leads(leads: IntoFrameT, events: Any, *, card: Scorecard, as_of: dt.date) -> IntoFrameT:
    """Score leads by a card: who they are, what they did, how near to sales they stand.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        One row per lead, with the columns that the card asks for. Leads created after `as_of` are left out.
    events : data frame, `schema.LEAD_EVENTS`
        One row per thing a lead did, in any order; with `content` and `channel` if the card asks for them. Events that
        no rule asks for are passed over; a log in which nothing is asked for is warned of.
    card : Scorecard
        The rules.
    as_of : date
        Last day that is known, inclusive; later rows are ignored.

    Returns
    -------
    data frame like `leads`
        One row per lead, sorted by `lead_id`:

        - `fit_points`, `engagement_points` (points, within the floors and caps of the groups),
        - `score` (their sum; 0 of a lead that an override disqualifies),
        - `band` (code; "disqualified"), `grade` ("A1"; missing if the card has no edges),
        - `trend` ("improving", "steady", "declining" against the score `card.trend_days` earlier; "not_enough_info" for
          a lead that is younger or did nothing that the card asks for),
        - `stage` (highest stage so far; missing if none),
        - `handed_off_at` (time at which the lead was first due for sales; missing if never).

    Raises
    ------
    DomainError
        `card` is no scorecard.
    SchemaError
        Also: a lead stands twice; a column that the card asks for is missing or of another type.

    Warns
    -----
    UserWarning
        Events belong to leads that are not in `leads`: how many, and the first.

    Notes
    -----
    The unit of time is the day: the score of a day is the score at its end, so the order of events within a day, and
    equal time stamps, decide nothing. An event of day d has lost its first step of decay at the end of day d +
    `interval_days`, and leaves a window on day d + `window_days`.

    Events before the lead was created count with their own date: form and visit often come before the record. The lead
    cannot be handed off before it exists.

    A lead is handed off on the first day that ends at or above `card.threshold`, at the time of its last event that
    day, or at an override before it; it stays handed off. On the day of a disqualification, and after it, nobody is.

    Attributes are those of today: a table of leads does not tell what they were before.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> from crmkit.scoring.cards.presets import seventy_points
    >>> leads = pd.DataFrame({"lead_id": ["a"], "created_at": pd.to_datetime(["2024-05-01"]), "industry": ["retail"]})
    >>> events = pd.DataFrame({"lead_id": "a", "event": ["white_paper"] * 3 + ["webinar"],
    ...     "occurred_at": pd.date_range("2024-05-02", periods=4)})
    >>> scores = score_leads(leads, events, card=seventy_points(), as_of=dt.date(2024, 5, 31))
    >>> scores[["score", "band", "handed_off_at"]]
       score   band handed_off_at
    0   70.0  ready    2024-05-05
    """
    day, checked = frames.as_day(as_of), checked_card(card)
    people = numbered_leads(leads, checked, day)
    log = admitted_events(events, checked, day, beside=people)
    rows = numbered_events(log, people, checked, like=leads)
    _report_unasked(rows, log, checked, day)
    _report_unknown(rows, log, people, leads, checked)
    totals = standing_totals(marked_events(rows, checked), checked, day, like=leads)
    standing = frames.settled(lead_standing(people, totals, checked, day), like=leads)
    crossed = crossings(near_threshold(rows, marked_events, standing, checked, day, like=leads), checked, like=leads)
    return frames.leave(scores_of(standing, crossed, checked, day), like=leads, sort=["lead_id"], same=["lead_id"])


def checked_card(card: Scorecard) -> Scorecard:
    """Return a scorecard; DomainError for anything else."""
    if not isinstance(card, Scorecard):
        raise DomainError(f"card must be a Scorecard, such as read_scorecard gives, got {type(card).__name__}.")
    return card


def _report_unasked(rows: frames.Frame, log: frames.Frame, card: Scorecard, day: dt.date) -> None:
    """Warn of a log in which nothing bears a name that the card asks for: the two were not made for each other."""
    asked = sorted({name for _, when in conditions(card, Event) for name in when.event})
    if not asked or len(frames.arrays(rows.select("day").head(1), ["day"])["day"]):
        return
    named = log.select("event", met=frames.one_if(nw.col("event").is_in(asked)))
    found = frames.arrays(
        named.select(events=nw.len(), met=nw.col("met").sum(), first=nw.col("event").min()), ["events", "met", "first"]
    )
    if found["events"][0] and not found["met"][0]:
        warnings.warn(
            f"None of the {found['events'][0]} events up to {day} is one that the card scores, so nobody has a point "
            f"for what they did: the log has {found['first'].tolist()[0]!r}, the card asks for "
            f"{', '.join(map(repr, asked[:3]))}{' ...' if len(asked) > 3 else ''}. Rename the events, or write the "
            f"card with your names.",
            stacklevel=3,
        )


def _report_unknown(rows: frames.Frame, log: frames.Frame, people: frames.Frame, leads: Any, card: Scorecard) -> None:
    """Warn of events whose leads are nowhere; leads that are not there yet are somewhere."""
    strays = rows.filter(nw.col("lead").is_null()).select("day").head(1)
    if not len(frames.arrays(strays, ["day"])["day"]):
        return
    asked = asked_events(log, card).select("lead_id").unique(subset=["lead_id"])
    later = admitted_leads(leads, card, dt.date.max, beside=people).select("lead_id")
    asked, now, later = schema.same_ids(asked, people.select("lead_id"), later, key="lead_id")
    unknown = asked.join(now, on="lead_id", how="anti").join(later, on="lead_id", how="anti")
    found = frames.arrays(unknown.select(leads=nw.len(), first=nw.col("lead_id").min()), ["leads", "first"])
    if found["leads"][0]:
        warnings.warn(
            f"Events of {found['leads'][0]} leads are not scored, because leads does not have them (first: "
            f"{found['first'].tolist()[0]!r}). Add these leads, or leave their events out.",
            stacklevel=3,
        )


def scores_of(standing: frames.Frame, crossed: frames.Frame, card: Scorecard, day: dt.date) -> frames.Frame:
    """Finish the table of scores."""
    handed = hand_off_moments(standing, crossed)
    return handed.with_columns(
        fit_points=as_points(nw.col("fit")),
        engagement_points=as_points(nw.col("engagement_now")),
        score=as_points(nw.col("score_now")),
        band=_band(card),
        grade=_grade(card),
        trend=_trend(card, day),
        stage=_stage(card),
    ).select(*COLUMNS)


def _band(card: Scorecard) -> nw.Expr:
    band = nw.lit(card.bands[0].code)
    for one in card.bands[1:]:
        band = nw.when(nw.col("score_now") >= units(one.low)).then(nw.lit(one.code)).otherwise(band)
    return nw.when(~nw.col("out_day").is_null()).then(nw.lit(DISQUALIFIED)).otherwise(band)


def _grade(card: Scorecard) -> nw.Expr:
    if not card.fit_edges:
        return nw.lit(None).cast(nw.String)
    numbers = [str(number) for number in range(1, len(card.engagement_edges) + 2)]
    letter = _step("fit", card.fit_edges, LETTERS)
    return nw.concat_str(letter, _step("engagement_now", card.engagement_edges, numbers))


def _step(column: str, edges: tuple[float, ...], names: Any) -> nw.Expr:
    step = nw.lit(names[len(edges)])
    for edge, name in reversed(list(zip(edges, names, strict=False))):
        step = nw.when(nw.col(column) >= units(edge)).then(nw.lit(name)).otherwise(step)
    return step


def _trend(card: Scorecard, day: dt.date) -> nw.Expr:
    change, least = nw.col("score_now") - nw.col("score_before"), units(card.trend_points)
    trend = nw.when(change >= least).then(nw.lit("improving")).otherwise(nw.lit("steady"))
    trend = nw.when(change <= -least).then(nw.lit("declining")).otherwise(trend)
    known = (nw.col("created") <= day.toordinal() - card.trend_days) & ~nw.col("did").is_null()
    return nw.when(known).then(trend).otherwise(nw.lit("not_enough_info"))


def _stage(card: Scorecard) -> nw.Expr:
    stage = nw.lit(None).cast(nw.String)
    for place, name in enumerate(card.stages, 1):
        stage = nw.when(nw.col("stage_number") == place).then(nw.lit(name)).otherwise(stage)
    return stage

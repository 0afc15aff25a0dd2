"""Leads with their times in seconds, and their outcomes."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.schema import LEADS, Column, Table
from crmkit.whole_numbers import checked_whole

DAY: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1)
SCORES: Final = Table(
    "scores",
    "one row per lead: its score, as it was known before the outcome",
    (LEADS["lead_id"], Column("score", "number", "its score", "points", "finite", True, False)),
)


def end_of(as_of: dt.date) -> int:
    """Give the second after the last one of a day, since the start of 1970."""
    return ((frames.as_day(as_of) - _EPOCH).days + 1) * DAY


def checked_horizon(horizon_days: int) -> int:
    """Refuse a horizon that is none."""
    return checked_whole(horizon_days, "horizon_days", most=36_525, unit="days")


def leads_until(leads: Any, as_of: dt.date, *, by: str | None = None, outcome: bool = True) -> frames.Frame:
    """Take leads in that were there by the end of a day: `lead_id`, `created`, `converted` (seconds), `by`.

    A conversion given as a date, or at midnight sharp, counts at the end of its day; after `as_of` there is none.
    """
    table = _table(by)
    if not outcome:
        table = replace(table, columns=tuple(column for column in table.columns if column.name != "converted_at"))
    entered = schema.admit(leads, table)
    schema.check_once(entered, "leads", "lead_id")
    if not outcome:
        entered = entered.with_columns(converted_at=nw.lit(None).cast(nw.Datetime("us")))
    timed = frames.with_seconds(entered, created="created_at", converted="converted_at")
    midnight = nw.col("converted") % DAY == 0
    ended = timed.with_columns(
        converted=nw.when(midnight).then(nw.col("converted") + DAY - 1).otherwise(nw.col("converted"))
    )
    known = ended.filter(nw.col("created") < end_of(as_of))
    seen = nw.when(nw.col("converted") < end_of(as_of)).then(nw.col("converted"))
    group = nw.lit("") if by is None else nw.col(by).cast(nw.String).fill_null("")
    return known.select("lead_id", "created", converted=seen, by=group)


def scored_outcomes(scores: Any, leads: Any, as_of: dt.date, horizon_days: int) -> dict[str, NDArray[Any]]:
    """Count leads by score, maturity and outcome: arrays `score`, `mature`, `converted`, `count`.

    Mature: the horizon after the lead's creation is over by the end of `as_of`. Converted: within it.
    """
    seconds = checked_horizon(horizon_days) * DAY
    met = scored(scores, leads, as_of)
    rows = met.rows
    due = nw.col("created") + seconds
    flagged = rows.with_columns(
        mature=frames.one_if(due <= end_of(as_of)),
        won=frames.one_if(~nw.col("converted").is_null() & (nw.col("converted") < due)),
    )
    cells = frames.distinct_rows(flagged, ["score", "mature", "won"])
    met.report(len(cells["count"]))
    return {"score": cells["score"], "mature": cells["mature"], "converted": cells["won"], "count": cells["count"]}


@dataclass(frozen=True, slots=True)
class Scored:
    """Leads with their scores, and the two tables that they come from."""

    rows: frames.Frame
    known: frames.Frame
    given: frames.Frame

    def report(self, found: int) -> None:
        """Warn where there are leads, and scores, and nothing was found: the ids are not of one kind."""
        if found:
            return
        first = [
            frames.arrays(table.select(first=nw.col("lead_id").min()), ["first"])["first"].tolist()[0]
            for table in (self.known, self.given)
        ]
        if not any(one is None or one != one for one in first):
            warnings.warn(
                f"No score is of a lead that was there by as_of, so all are left out: the first of the leads is "
                f"{first[0]!r}, of the scores {first[1]!r}. Give both tables the same lead_id.",
                stacklevel=4,
            )


def scored(scores: Any, leads: Any, as_of: dt.date, *, outcome: bool = True) -> Scored:
    """Join scores (float64) to what `leads_until` gives; leads without a score are left out."""
    known = leads_until(leads, as_of, outcome=outcome)
    given = schema.admit(scores, SCORES, beside=known)
    schema.check_once(given, "scores", "lead_id")
    known, given = schema.same_ids(known, given, key="lead_id")
    points = given.select("lead_id", score=nw.col("score").cast(nw.Float64))
    return Scored(known.join(points, on="lead_id", how="inner"), known, points)


def _table(by: str | None) -> Table:
    """Leads with the outcome, and with the attribute that strata are made of."""
    own = (LEADS["lead_id"], LEADS["created_at"], replace(LEADS["converted_at"], required=True))
    if by is None:
        return Table("leads", LEADS.row, own)
    if by in {column.name for column in own}:
        raise DomainError(f"by must be an attribute of the leads, such as 'source', got {by!r}.")
    known = by in LEADS.known
    column = replace(LEADS[by], required=True) if known else Column(by, "id", "an attribute", required=True)
    return Table("leads", LEADS.row, (*own, column))

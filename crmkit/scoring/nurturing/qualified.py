"""How many of the new leads qualify, and whether that changes."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width, wilson_ends
from crmkit.scoring.nurturing.bands import compared_in_turn
from crmkit.scoring.nurturing.leads import DAY, scored


def qualified_share(
    scores: IntoFrameT, leads: IntoFrameT, *, as_of: dt.date, threshold: float = 60.0, level: float = 0.95
) -> IntoFrameT:
    """Share of each month's new leads that qualify, and its change.

    Parameters
    ----------
    scores : data frame
        `lead_id`, `score`; one row per lead. Scores that grow with age favour old months: score all leads at one age,
        or read the last months with care.
    leads : data frame, `schema.LEADS`
        `lead_id`, `created_at`. Leads without a score are left out; where no score is of a lead, a warning says so.
    as_of : date
        Last day of the leads, inclusive.
    threshold : float
        Lowest score that qualifies.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `scores`
        One row per month in which leads were created, sorted: `month` (its first day), `leads`, `qualified`, `share`
        with `low`, `high` (Wilson), `change` (from the month before in the table, in shares) with `change_low`,
        `change_high` (Newcombe), `verdict` ("up", "down", "not told apart"; "" for the first), `complete` (1, or 0
        where `as_of` ends the month early).

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A lead stands twice in one of the tables.
    """
    normal_width(level)
    if not math.isfinite(threshold):
        raise DomainError(f"threshold must be a finite score, such as 60, got {threshold}.")
    met = scored(scores, leads, as_of, outcome=False)
    rows = met.rows.with_columns(qualifies=frames.one_if(nw.col("score") >= threshold))
    numbered = _with_month(rows)
    sums = numbered.group_by("month").agg(leads=nw.len(), qualified=nw.col("qualifies").sum())
    cells = frames.arrays(sums.sort("month"), ["month", "leads", "qualified"])
    met.report(len(cells["month"]))
    x, n = (np.asarray(cells[name], dtype=np.float64) for name in ("qualified", "leads"))
    ends = [wilson_ends(float(a / b), float(b), level=level) for a, b in zip(x, n, strict=True)]
    steps, verdicts = compared_in_turn(x, n, level)
    month = cells["month"].astype(np.int64)
    whole = _next_month(frames.as_day(as_of))
    columns: dict[str, Any] = {
        "month": (month - 12 * 1970).astype("datetime64[M]").astype("datetime64[D]"),
        "leads": n.astype(np.int64),
        "qualified": x.astype(np.int64),
        "share": np.round(x / np.maximum(n, 1.0), 9),
        "low": np.round(np.array([low for low, _ in ends], dtype=np.float64), 9),
        "high": np.round(np.array([high for _, high in ends], dtype=np.float64), 9),
        **{f"change{name.removeprefix('difference')}": np.round(column, 9) for name, column in steps.items()},
        "verdict": np.array(verdicts, dtype=object),
        "complete": (month < whole).astype(np.int64),
    }
    return frames.build(columns, like=scores)


def _with_month(rows: frames.Frame) -> frames.Frame:
    """Add 12 times the year plus the month of creation, January 0."""
    first = dt.date(1970, 1, 1).toordinal()
    days = rows.with_columns(
        day=(nw.col("created") + first * DAY) // DAY
    )  # engines divide negative numbers differently
    return frames.with_month_numbers(frames.with_dates(days, on="day"), month="on")


def _next_month(as_of: dt.date) -> int:
    """Give the number of the month that is not over on a day: the next one, if it is the last of its month."""
    is_over = as_of.day == calendar.monthrange(as_of.year, as_of.month)[1]
    return 12 * as_of.year + as_of.month - 1 + is_over

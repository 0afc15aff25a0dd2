"""Lead conversion per group and period, of leads whose horizon is over."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.funnel.anomalies.periods import Period, checked_period, first_days, number_of, with_period

DAY = 86_400


def conversion_kpis(
    leads: IntoFrameT, *, as_of: dt.date, horizon_days: int, by: str = "region", period: Period = "month"
) -> IntoFrameT:
    """Count leads and conversions by group and period of arrival, to be judged by `kpi_anomalies`.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        `created_at`, `converted_at`, and the column `by`; one row per lead.
    as_of : date
        Last day of the leads, inclusive.
    horizon_days : int
        A conversion within so many days of the arrival counts, 1 to 36525.
    by : str
        Column to group by; empty cells are the group "(none)".
    period : {"day", "week", "month"}
        Of the arrival; weeks begin on Monday.

    Returns
    -------
    data frame like `leads`, `schema.KPIS`
        One row per group and period, sorted: `group`, `period` (its first day), `numerator` (leads that converted
        within the horizon), `denominator` (leads). Periods whose last leads are younger than the horizon are left out:
        their rate would seem to drop.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    """
    checked_period(period)
    if not 1 <= horizon_days <= 36_525:
        raise DomainError(f"horizon_days must lie between 1 and 36525 (days), got {horizon_days}.")
    table = schema.narrowed(schema.LEADS, ("created_at", "converted_at"), by=(by,))
    rows = schema.admit(leads, table)
    timed = frames.with_seconds(rows, created="created_at", converted="converted_at")
    took = nw.col("converted") - nw.col("created")
    end = dt.date.fromordinal(max(frames.as_day(as_of).toordinal() - horizon_days, 1))
    last = number_of(end + dt.timedelta(days=1), period)  # the first period that is not over
    won = frames.one_if(~nw.col("converted").is_null() & (took < horizon_days * DAY))
    named = timed.with_columns(group=nw.col(by).cast(nw.String).fill_null("(none)"), won=won)
    dated = with_period(named.with_columns(day=nw.col("created_at").cast(nw.Date)), "day", period)
    sums = dated.filter(nw.col("at") < last).group_by("group", "at")
    counted = sums.agg(numerator=nw.col("won").sum(), denominator=nw.len()).sort("group", "at")
    cells = frames.arrays(counted, ["group", "at", "numerator", "denominator"])
    columns = {
        "group": cells["group"],
        "period": first_days(cells["at"].astype("int64"), period),
        "numerator": cells["numerator"].astype("int64"),
        "denominator": cells["denominator"].astype("int64"),
    }
    return frames.build(columns, like=leads)

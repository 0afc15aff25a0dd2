"""What people have said of alerts: somebody is at it, or it may stay quiet until a day."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.schema import Column, Table

_DOMAIN: Final = "years 1900 to 2199"
ALERT_MARKS: Final = Table(
    "alert_marks",
    "one row per alert that somebody has looked at",
    (
        Column("alert_id", "id", "as in churn_alert_state", domain="never empty", required=True, nullable=False),
        Column("acknowledged_on", "time", "day on which somebody took it on", "local time", _DOMAIN),
        Column("snoozed_until", "time", "last day on which it stays quiet", "local time", _DOMAIN),
    ),
)


def marked(state: Any, marks: Any, *, day: dt.date) -> Any:
    """Put marks into the state of alerts.

    Parameters
    ----------
    state : DuckDB relation
        `churn_alert_state` of the run before.
    marks : DuckDB relation, `ALERT_MARKS`
        May lack either column of days. Of several rows of an alert the latest days count.
    day : date
        Later acknowledgements are not seen yet.

    Returns
    -------
    DuckDB relation
        The state. An alert that has escalated takes a mark only if its `acknowledged_on` is after that: what was said
        before was said of something less grave.
    """
    given = frames.enter(marks)
    there = frames.names_of(given)
    absent = [name for name in ("acknowledged_on", "snoozed_until") if name not in there]
    if absent:
        given = given.with_columns(**{name: nw.lit(None, dtype=nw.Date()) for name in absent})
    given = given.with_columns(nw.col("acknowledged_on").cast(nw.Date), nw.col("snoozed_until").cast(nw.Date))
    seen = given.filter(nw.col("acknowledged_on").is_null() | (nw.col("acknowledged_on") <= nw.lit(day)))
    latest = seen.group_by("alert_id").agg(
        marked_on=nw.col("acknowledged_on").max(), quiet_until=nw.col("snoozed_until").max()
    )
    rows = frames.enter(state)
    names = frames.names_of(rows)
    joined = rows.join(latest, on="alert_id", how="left")
    counts = nw.col("escalated_on").is_null() | (nw.col("marked_on") > nw.col("escalated_on"))
    changed = joined.with_columns(
        acknowledged_on=nw.when(counts & ~nw.col("marked_on").is_null())
        .then(nw.col("marked_on"))
        .otherwise(nw.col("acknowledged_on").cast(nw.Date)),
        snoozed_until=nw.when(counts & ~nw.col("quiet_until").is_null())
        .then(nw.col("quiet_until"))
        .otherwise(nw.col("snoozed_until").cast(nw.Date)),
    )
    return changed.select(*names).to_native()

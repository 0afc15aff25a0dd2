"""Leads that nobody follows."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.leads.following.open_leads import open_leads
from crmkit.segment_maps import Locale, checked_locale

_REASONS: Final = {
    "en": (
        "Nobody has contacted this lead since it arrived {hours} hours ago; the limit is {idle}.",
        "The last contact was {hours} hours ago; the limit is {silent}.",
    ),
    "zh": ("到达后 {hours} 小时无人联系，时限为 {idle} 小时。", "距上次联系已 {hours} 小时，时限为 {silent} 小时。"),
}


def unfollowed_leads(
    leads: IntoFrameT,
    *,
    as_of: dt.date,
    contacts: Any = None,
    idle_hours: int = 24,
    silent_days: int = 3,
    locale: Locale = "en",
) -> IntoFrameT:
    """List the open leads that nobody follows.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        `lead_id`, `created_at`, and `owner_id`, `first_response_at` (a contact), `converted_at`, `closed_at` if there;
        one row per lead.
    as_of : date or datetime
        A date is seen to the end of its day, a time stamp to itself; what comes later is not seen.
    contacts : data frame, optional, `schema.LEAD_CONTACTS`
        `lead_id`, `contacted_at`: calls, mails, visits of the own team. What a lead did itself (`schema.LEAD_EVENTS`)
        is no contact; events that are, renamed, make such a table.
    idle_hours : int
        A lead without any contact is listed when it arrived more than so many hours ago, at least 0.
    silent_days : int
        A lead with a contact is listed when the last one is more than so many days (of 24 hours) ago, at least 0.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `leads`
        One row per unfollowed lead, sorted by `lead_id`: `lead_id`, `owner_id` (empty if unknown), `created_at`,
        `idle_hours` (since the last contact, or the arrival), `rule` ("never contacted", "silent"), `reason`.

    Raises
    ------
    DomainError
        A limit is negative.
    SchemaError
        A lead stands twice.

    Notes
    -----
    Converted and closed leads are left out. A contact before the arrival, such as the call by which the lead came in,
    counts at the arrival.
    """
    never, silent = _REASONS[checked_locale(locale)]
    if idle_hours < 0 or silent_days < 0:
        raise DomainError(f"idle_hours and silent_days must be at least 0, got {idle_hours} and {silent_days}.")
    _, now = frames.as_moment(as_of)
    rows = open_leads(leads, contacts, as_of)
    met = ~nw.col("contacted").is_null()
    waited = rows.with_columns(idle=now - nw.coalesce(nw.col("contacted"), nw.col("created")), met=frames.one_if(met))
    is_met = nw.col("met") == 1
    limit = nw.when(is_met).then(silent_days * 86_400).otherwise(idle_hours * 3600)
    listed = waited.filter(nw.col("idle") > limit)
    parts = {
        "hours": (nw.col("idle") // 3600).cast(nw.String),
        "idle": nw.lit(str(idle_hours)),
        "silent": nw.lit(str(24 * silent_days)),
    }
    table = listed.select(
        "lead_id",
        "owner_id",
        "created_at",
        idle_hours=(nw.col("idle").cast(nw.Float64) / 3600.0).round(9),
        rule=nw.when(is_met).then(nw.lit("silent")).otherwise(nw.lit("never contacted")),
        reason=nw.when(is_met).then(frames.sentence(silent, parts)).otherwise(frames.sentence(never, parts)),
    )
    return frames.leave(table, like=leads, sort=["lead_id"], same=["owner_id"])

"""Owned leads without progress: back to the pool."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import day_words, frames, schema
from crmkit.errors import DomainError
from crmkit.leads.following.open_leads import open_leads
from crmkit.segment_maps import Locale, checked_locale

_REASON: Final = {
    "en": "No progress for {days}; the last was {what}. The rule is {limit}.",
    "zh": "已 {days}无进展，上次进展：{what}。规则为 {limit}。",
}
_WHAT: Final = {
    "en": {"arrival": "the arrival", "contact": "a contact", "stage": "a change of stage"},
    "zh": {"arrival": "线索到达", "contact": "联系", "stage": "阶段变化"},
}


def stale_ownership(
    leads: IntoFrameT,
    *,
    as_of: dt.date,
    deals: Any = None,
    contacts: Any = None,
    stale_days: int = 60,
    locale: Locale = "en",
) -> IntoFrameT:
    """List the leads that their owner should give back to the pool.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        As for `unfollowed_leads`, with `owner_id`; leads without an owner are in the pool already.
    as_of : date
        Last day of all tables, inclusive.
    deals : data frame, optional, `schema.DEALS`
        `deal_id`, `stage`, `entered_at`, `lead_id`, `outcome`: each stage entered is progress of its lead.
    contacts : data frame, optional, `schema.LEAD_CONTACTS`
        `lead_id`, `contacted_at`.
    stale_days : int
        Days without progress from which on a lead is stale, at least 1; 60 are two months.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `leads`
        One row per stale lead, sorted by `lead_id`: `lead_id`, `owner_id`, `last_progress_on` (date), `progress`
        ("stage", "contact", "arrival": what it was), `idle_days`, `reason`.

    Raises
    ------
    DomainError
        `stale_days` is below 1.
    SchemaError
        A lead stands twice; `owner_id`, or `lead_id` of the deals, is missing.

    Notes
    -----
    Converted and closed leads are left out, and so are leads with a won deal, or whose deals are all lost: a deal is
    open unless its last row says otherwise.
    """
    checked_locale(locale)
    if stale_days < 1:
        raise DomainError(f"stale_days must be at least 1 (days), got {stale_days}.")
    day = frames.as_day(as_of)
    rows = open_leads(leads, contacts, day, owned=True).filter(~nw.col("owner_id").is_null())
    moved = _with_stages(rows, deals, day)
    last = moved.with_columns(last=nw.max_horizontal("created", "contacted", "staged"))
    kind = nw.when(nw.col("last") == nw.col("contacted")).then(nw.lit("contact")).otherwise(nw.lit("arrival"))
    kind = nw.when(nw.col("last") == nw.col("staged")).then(nw.lit("stage")).otherwise(kind)
    first = dt.date(1970, 1, 1).toordinal()
    number = (nw.col("last") + first * 86_400) // 86_400  # engines divide negative numbers differently
    aged = last.with_columns(progress=kind, number=number).with_columns(idle_days=day.toordinal() - nw.col("number"))
    listed = frames.with_dates(aged.filter(nw.col("idle_days") >= stale_days), last_progress_on="number")
    table = listed.select(
        "lead_id", "owner_id", "last_progress_on", "progress", "idle_days", reason=_reason(stale_days, locale)
    )
    return frames.leave(table, like=leads, sort=["lead_id"], same=["owner_id"])


def _reason(stale_days: int, locale: Locale) -> nw.Expr:
    what = nw.lit("")
    for code, words in _WHAT[locale].items():
        what = nw.when(nw.col("progress") == code).then(nw.lit(words)).otherwise(what)
    limit = day_words.days(nw.lit(stale_days), locale)
    parts = {"days": day_words.days(nw.col("idle_days"), locale), "what": what, "limit": limit}
    return frames.sentence(_REASON[locale], parts)


def _with_stages(rows: frames.Frame, deals: Any, day: dt.date) -> frames.Frame:
    """Add `staged`, the last stage entered; leave out leads that a deal has closed."""
    if deals is None:
        return rows.with_columns(staged=nw.lit(None).cast(nw.Int64))
    seen_before, _ = frames.as_moment(day)
    table = schema.narrowed(schema.DEALS, ("deal_id", "stage", "entered_at", "lead_id"), optional=("outcome",))
    given = frames.with_seconds(schema.admit(deals, table, beside=rows), second="entered_at")
    past = given.filter((nw.col("second") < seen_before) & ~nw.col("lead_id").is_null())
    rows, past = frames.same_keys(rows, past, "lead_id")
    outcome = nw.col("outcome") if "outcome" in frames.names_of(past) else nw.lit("")
    said = past.with_columns(said=outcome.cast(nw.String).fill_null(""), latest=nw.col("second").max().over("deal_id"))
    at_end = nw.col("second") == nw.col("latest")
    ended = said.with_columns(
        won=frames.one_if(at_end & (nw.col("said") == "won")),
        lost=frames.one_if(at_end & (nw.col("said") == "lost")),
    )
    per_deal = ended.group_by("lead_id", "deal_id").agg(
        nw.col("won").max(), nw.col("lost").max(), staged=nw.col("second").max()
    )
    per_lead = per_deal.group_by("lead_id").agg(nw.col("won").max(), nw.col("staged").max(), lost=nw.col("lost").min())
    both = rows.join(per_lead, on="lead_id", how="left")
    gone = (nw.col("won").fill_null(0) == 1) | (nw.col("lost").fill_null(0) == 1)
    return both.filter(~gone).drop("won", "lost")

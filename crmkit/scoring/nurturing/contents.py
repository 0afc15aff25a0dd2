"""What each nurturing content has to do with later conversion: leads that saw it against those that had not yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.schema import LEAD_EVENTS, Table
from crmkit.scoring.nurturing import texts
from crmkit.scoring.nurturing.leads import checked_horizon, end_of, leads_until
from crmkit.scoring.nurturing.risk_hours import HOUR, Found, Question, compared, subjects
from crmkit.segment_maps import Locale, checked_locale
from crmkit.whole_numbers import checked_whole

BASIS: Final = "observed, not causal"
# Hours that make every age positive: engines divide negative numbers differently.
_BEFORE: Final = 3_000_000
LEAST_EVENTS: Final = 5.0


def content_effects(
    leads: IntoFrameT,
    events: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int,
    of: Literal["content", "event"] = "content",
    by: str | None = None,
    within_days: int = 90,
    activity: Sequence[int] = (1, 3, 6),
    level: float = 0.95,
    locale: Locale = "en",
) -> IntoFrameT:
    """Compare leads that saw a content with leads of the same age and activity that had not seen it yet.

    Comparing all who ever saw it with all who never did is a trap: only a lead that has not converted yet can still see
    anything, so those who saw it are known to have lived that long. Here each exposure counts from the moment it
    happens, against the leads that could have seen it at the same age.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        `lead_id`, `created_at`, `converted_at` (empty if not); one row per lead. A conversion given as a date counts at
        the end of its day.
    events : data frame, `schema.LEAD_EVENTS`
        `lead_id`, `event`, `occurred_at`, and `content` unless `of` is "event".
    as_of : date
        Last day of both tables, inclusive; what comes later is not seen.
    horizon_days : int
        Days after the exposure in which a conversion counts.
    of : {"content", "event"}
        What a content is: the column `content` (rows without one are activity only), or the kind of event.
    by : str, optional
        An attribute of the leads, such as "source": only leads that agree in it are compared.
    within_days : int
        Ages at which an exposure is looked at: the first so many days of a lead.
    activity : sequence of int
        Numbers of earlier events, ascending, at which a new stratum begins; by default 0, 1-2, 3-5, 6 and more. Empty:
        activity is not looked at.
    level : float
        Of the intervals, in (0, 1). With 20 contents, one of 20 intervals of .95 misses by chance.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `leads`
        One row per content, sorted by `content`: `exposed` (leads compared), `immature` (saw it, but their horizon is
        not over), `after_conversion` (saw it first in the hour of their conversion or later), `unmatched` (saw it later
        than `within_days`, or with no lead to compare with); `others_per_exposed` (leads in the mean comparison),
        `others_saw_later` (share of them who see it within the horizon, too);
        `rate_exposed`, `rate_others` (converted within the horizon), `difference` with `low`, `high`, `ratio` with
        `ratio_low`, `ratio_high` (missing without a conversion in both groups); `verdict` ("more convert", "fewer
        convert", "no difference shown", "too few"), `basis` (constant), `reason`. Shares have 9 decimals.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A lead stands twice, or `content` is missing.

    Notes
    -----
    - **Not causal.** Who opens a price list may have been about to buy: age and number of events are made alike, intent
      is not. A content that is sent to half of the leads by lot answers the question (`evaluation.compare_variants`).
    - Risk sets: age in hours since creation. A lead that first sees the content in an hour of its age is compared, from
      the end of that hour, with all leads that at that age have neither converted nor seen it, in the stratum of its
      earlier events (and of `by`). They may see it afterwards: the difference is that of seeing it now and not yet,
      smaller than that of seeing it at all where `others_saw_later` is large. Conversions within the hour of exposure
      count on neither side. Events before the creation of a lead are activity, and exposures at age 0.
    - Strata are pooled by Mantel-Haenszel; the interval (Sato 1989) holds with one exposed lead per stratum. A lead
      stands in many risk sets; given who converts when, exposures are draws from one risk set after the other, whose
      errors do not add up to more than that (the argument of the log-rank test).
    - "too few": fewer than 5 conversions are to be expected among the exposed, at either rate.

    References
    ----------
    Greenland & Robins (1985), Biometrics 41(1); Sato (1989), Biometrics 45(4). On immortal time: Suissa (2008),
    "Immortal time bias in pharmacoepidemiology", American Journal of Epidemiology 167(4).
    """
    checked_locale(locale)
    normal_width(level)
    question = Question(end_of(as_of), 24 * checked_horizon(horizon_days), _checked_hours(within_days))
    rises = _checked_activity(activity)
    # Whole numbers in the place of ids: engines group them several times faster.
    known = frames.settled(frames.row_numbers(leads_until(leads, as_of, by=by), by="lead_id", new="lead"), like=leads)
    done = frames.settled(_events(events, of, known, question), like=leads)
    known = known.drop("lead_id")
    active = frames.settled(_with_rises(known, done, rises), like=leads)
    groups = frames.distinct_rows(active, ["by"])["by"].tolist()
    numbered = _numbered(active, "by", "kind", groups)
    everyone = subjects(frames.arrays(numbered, _columns(rises)), question, len(rises))
    seen = frames.settled(_exposures(done, numbered), like=leads)
    contents = frames.distinct_rows(seen, ["content"])["content"].tolist()
    cells = frames.arrays(_numbered(seen, "content", "which", contents), ["which", "at", *_columns(rises)])
    found = compared(everyone, cells, question, len(contents), len(groups), len(rises), level)
    return frames.build(_table([str(name) for name in contents], found, horizon_days, locale), like=leads)


def _checked_hours(within_days: int) -> int:
    return 24 * checked_whole(within_days, "within_days", most=3650, unit="days")


def _checked_activity(activity: Sequence[int]) -> tuple[int, ...]:
    steps = tuple(activity)
    if any(step < 1 for step in steps) or list(steps) != sorted(set(steps)) or len(steps) > 20:
        raise DomainError(f"activity must be at most 20 ascending numbers of events, at least 1, got {steps}.")
    return steps


def _columns(rises: Sequence[int]) -> list[str]:
    return ["created", "converted", "kind", *(f"rise_{step}" for step in rises)]


def _events(events: Any, of: str, known: frames.Frame, question: Question) -> frames.Frame:
    """Events of known leads up to the end: `lead`, `content`, `at` (seconds), `hour` of the lead's age."""
    if of not in ("content", "event"):
        raise DomainError(f'of must be "content" or "event", got {of!r}.')
    column = replace(LEAD_EVENTS[of], required=True)
    columns = tuple(column if one.name == of else one for one in LEAD_EVENTS.columns)
    needed = ["lead_id", "event", "occurred_at", *(["content"] if of == "content" else [])]
    entered = schema.admit(events, Table("lead_events", LEAD_EVENTS.row, columns), columns=needed, beside=known)
    timed = frames.with_seconds(entered, at="occurred_at").filter(nw.col("at") < question.end)
    seen = timed.select("lead_id", "at", content=nw.col(of).cast(nw.String))
    own, others = schema.same_ids(known, seen, key="lead_id")
    joined = others.join(own.select("lead_id", "lead", "created"), on="lead_id", how="inner")
    hour = (nw.col("at") - nw.col("created") + _BEFORE * HOUR) // HOUR - _BEFORE
    return joined.select("lead", "content", "at", hour=hour)


def _with_rises(known: frames.Frame, done: frames.Frame, rises: Sequence[int]) -> frames.Frame:
    """Add the hour from which on a lead has had so many events: the one after the event itself."""
    if not rises:
        return known
    hourly = done.group_by("lead", "hour").agg(events=nw.len()).with_columns(nw.col("events").cast(nw.Int64))
    counted = hourly.with_columns(total=nw.col("events").cum_sum().over("lead", order_by="hour"))
    reached = {f"rise_{step}": nw.when(nw.col("total") >= step).then(nw.col("hour") + 1) for step in rises}
    first = counted.with_columns(**reached).group_by("lead").agg(**{name: nw.col(name).min() for name in reached})
    return known.join(first, on="lead", how="left")


def _exposures(done: frames.Frame, numbered: frames.Frame) -> frames.Frame:
    """First time that each lead saw each content, beside what is known of the lead."""
    first = done.filter(~nw.col("content").is_null()).group_by("lead", "content").agg(at=nw.col("at").min())
    return first.join(numbered, on="lead", how="inner")


def _numbered(rows: frames.Frame, column: str, new: str, values: list[Any]) -> frames.Frame:
    """Give each value of a text column its place."""
    small = {column: np.array(values, dtype=object), new: np.arange(len(values), dtype=np.int64)}
    return frames.join_small(rows, small, on=[column])


def _table(contents: list[str], found: list[Found], horizon_days: int, locale: Locale) -> dict[str, Any]:
    counts = {
        name: np.array([getattr(one, name) for one in found], dtype=np.int64)
        for name in ("exposed", "immature", "after_conversion", "unmatched")
    }
    verdicts = [_verdict(one) for one in found]
    lines = [texts.effect(one, verdict, horizon_days, locale) for one, verdict in zip(found, verdicts, strict=True)]
    shares = {
        "rate_exposed": "exposed",
        "rate_others": "unexposed",
        **{name: name for name in ("difference", "low", "high", "ratio", "ratio_low", "ratio_high")},
    }
    return {
        "content": np.array(contents, dtype=object),
        **counts,
        "others_per_exposed": np.round(np.array([one.others for one in found], dtype=np.float64), 6),
        "others_saw_later": np.round(np.array([one.saw_later for one in found], dtype=np.float64), 9),
        **{new: np.array([_figure(one, old) for one in found], dtype=np.float64) for new, old in shares.items()},
        "verdict": np.array(verdicts, dtype=object),
        "basis": np.array([BASIS] * len(found), dtype=object),
        "reason": np.array(lines, dtype=object),
    }


def _figure(one: Found, name: str) -> float:
    value = None if one.contrast is None else getattr(one.contrast, name)
    without_error = one.contrast is not None and one.contrast.low == one.contrast.high
    return np.nan if value is None or (without_error and name in ("low", "high")) else round(float(value), 9)


def _verdict(one: Found) -> texts.Verdict:
    found = one.contrast
    if found is None or one.exposed * max(found.exposed, found.unexposed) < LEAST_EVENTS:
        return "too few"
    if found.low > 0.0:
        return "more convert"
    return "fewer convert" if found.high < 0.0 else "no difference shown"

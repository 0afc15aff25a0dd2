"""The funnel: how many deals enter each stage, how many go on, where it is too narrow, and what changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import F64, I64, LOST, NEVER, DealLog, read_deals, standing
from crmkit.funnel.pipeline.shares import Span, groups_of, texts


def funnel_table(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    since: dt.date,
    thresholds: Mapping[str, float] | None = None,
    by: str | None = None,
    ignore: Sequence[str] = (),
    level: float = 0.95,
) -> IntoFrameT:
    """Follow the deals that began in a period through the stages, beside those of the period before.

    Counts are **by cohort**: the deals whose first row lies in the period, followed to its end. A deal that is still
    open in a stage has not decided there, and counts neither as passed nor as stopped. The period before is seen as it
    stood at its own end, so that both cohorts had the same time. For what happened in a period, whenever the deals
    began, see `stage_counts`.

    Parameters
    ----------
    deals : data frame, `schema.DEALS`
        One row per deal and stage entered, in any order; the closing row has `outcome` "won" or "lost".
    as_of : date
        Last day of the period and of the log, inclusive.
    stages : sequence of str
        In their order. Winning comes after the last one; "won" may stand at the end.
    since : date
        First day of the period; the period before has as many days.
    thresholds : mapping of str to float, optional
        Stage -> least share that should go on to the next one, in (0, 1].
    by : str, optional
        Column to group by, such as "owner_id", "region" or one of your own: its last known value in each deal.
    ignore : sequence of str
        Further stages that may occur and say nothing of the way.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `deals`
        One row per group and stage, with "won" the last: the column `by` (text; not there without it), `place` (from
        1), `stage`, `entered`, `passed` (went on, or further), `stopped` (lost in it), `open` (deals), `conversion`
        (share of the decided that passed) with `low`, `high` (Wilson), `lowest`, `highest` (share of all that entered,
        if the open ones all stop, all pass: it ends between them), `threshold`, `short` (passes that the decided ones
        lack to the threshold; deals), `status` ("ok", "below", "maybe below": no more than noise; "" without threshold
        or decided deals), `bottleneck` (1 for the stage of a group that is below its threshold for sure, and by the
        largest factor; else 0), `entered_before`, `conversion_before`, `change` (of the conversion, in shares) with
        `change_low`, `change_high` (Newcombe), `verdict` ("up", "down", "not told apart", "").

    Raises
    ------
    DomainError
        A stage, an outcome or an argument is not known.

    Notes
    -----
    A stage that is skipped counts as passed, and one entered again counts once. A lost row whose `stage` is one of the
    stages counts as having entered it. With many groups and stages, one in twenty changes by chance at 95 %.

    References
    ----------
    Wilson (1927), JASA 22(158); Newcombe (1998), Statistics in Medicine 17(8), method 10.
    """
    period = shares.span(since, as_of)
    log = read_deals(deals, as_of=as_of, stages=stages, ignore=ignore, texts=shares.checked_by(by))
    limits = _limits(thresholds or {}, log.stages)
    group, names = groups_of(log, by)
    now, then = (_cohort(log, one, group, len(names)) for one in (period, period.before))
    columns = _columns(now, then, np.tile(limits, len(names)), len(log.stages) + 1, shares.checked_level(level))
    columns["bottleneck"] = _bottlenecks(columns, len(log.stages) + 1)
    places = np.tile(np.arange(1, len(log.stages) + 2), len(names))
    head = {} if by is None else {by: texts(np.repeat(texts(names), len(log.stages) + 1))}
    stage = texts([*log.stages, "won"] * len(names))
    ordered = {name: columns[name] for name in _ORDER}
    return frames.build({**head, "place": places, "stage": stage, **ordered}, like=deals)


_ORDER = (
    *("entered", "passed", "stopped", "open", "conversion", "low", "high", "lowest", "highest", "threshold", "short"),
    *("status", "bottleneck", "entered_before", "conversion_before", "change", "change_low", "change_high", "verdict"),
)


def stage_counts(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    since: dt.date,
    by: str | None = None,
    ignore: Sequence[str] = (),
    level: float = 0.95,
) -> IntoFrameT:
    """Count the deals that came to each stage in a period, and in the period before.

    Counts are **by event**: a deal counts in a stage if it first came to it, or beyond it, in the period, whenever it
    began. They say what happened, not which share goes on: for that see `funnel_table`.

    Parameters
    ----------
    deals, as_of, stages, since, by, ignore, level
        As for `funnel_table`.

    Returns
    -------
    data frame like `deals`
        One row per group and stage, with "won" the last: the column `by` (text; not there without it), `place` (from
        1), `stage`, `entered`, `entered_before` (deals), `change` (relative; missing where there were none before) with
        `change_low`, `change_high`, `verdict` ("up", "down", "not told apart"; "" where there are none), `now_in`,
        `now_in_before` (open deals that stand in the stage at the end of each period; 0 for "won").

    Notes
    -----
    Interval of the change: two Poisson counts of equally long periods, compared given their sum, exactly.
    """
    period = shares.span(since, as_of)
    log = read_deals(deals, as_of=as_of, stages=stages, ignore=ignore, texts=shares.checked_by(by))
    group, names = groups_of(log, by)
    steps, size = len(log.stages) + 1, len(names)
    now, then = (_came(log, one, group, size) for one in (period, period.before))
    stood, stood_before = (_standing_in(log.until(one.last), group, size) for one in (period, period.before))
    head = {} if by is None else {by: texts(np.repeat(texts(names), steps))}
    columns = {
        **head,
        "place": np.tile(np.arange(1, steps + 1), size),
        "stage": texts([*log.stages, "won"] * size),
        "entered": now.astype(np.int64),
        "entered_before": then.astype(np.int64),
        **shares.count_changes(then, now, shares.checked_level(level)),
        "now_in": stood,
        "now_in_before": stood_before,
    }
    return frames.build(columns, like=deals)


def first_reached(log: DealLog) -> I64:
    """Day on which each deal first came to each stage or beyond it, shape (d, stages + 1); NEVER where it did not."""
    steps = len(log.stages) + 1
    found = np.full((len(log.ids), steps), NEVER, dtype=np.int64)
    rows = np.flatnonzero(log.place >= 0)[::-1]
    found[log.deal[rows], log.place[rows]] = log.day[rows]  # the earliest row is written last
    return np.minimum.accumulate(found[:, ::-1], axis=1)[:, ::-1]


def _cohort(log: DealLog, period: Span, group: I64, groups: int) -> dict[str, F64]:
    """Count the deals of a cohort, as known at the end of its period, by group and stage."""
    seen = log.until(period.last)
    found = standing(seen)
    mine = found.known & period.holds(found.started)
    steps = len(log.stages) + 1
    entered, passed, stopped = np.zeros((3, groups, steps))
    for step in range(steps):
        there = mine & (found.furthest >= step)
        on = there & (found.furthest > step)
        entered[:, step] = np.bincount(group[there], minlength=groups)
        passed[:, step] = np.bincount(group[on], minlength=groups)
        stopped[:, step] = np.bincount(group[there & ~on & (found.outcome == LOST)], minlength=groups)
    stopped[:, -1] = 0.0  # what is won has no further to go
    return {"entered": entered.ravel(), "passed": passed.ravel(), "stopped": stopped.ravel()}


def _columns(now: dict[str, F64], then: dict[str, F64], limits: F64, steps: int, level: float) -> dict[str, Any]:
    decided, before = now["passed"] + now["stopped"], then["passed"] + then["stopped"]
    low, high = shares.wilson_columns(now["passed"], decided, level)
    conversion = shares.share(now["passed"], decided)
    known = ~np.isnan(conversion) & ~np.isnan(limits)
    below = (conversion < limits).astype(int) + (high < limits)
    is_last = np.arange(len(limits)) % steps == steps - 1
    still = np.where(is_last, 0.0, now["entered"] - decided)
    return {
        **{name: now[name].astype(np.int64) for name in ("entered", "passed", "stopped")},
        "open": still.astype(np.int64),
        "conversion": conversion,
        "low": low,
        "high": high,
        "lowest": np.where(is_last, np.nan, shares.share(now["passed"], now["entered"])),
        "highest": np.where(is_last, np.nan, shares.share(now["passed"] + still, now["entered"])),
        "threshold": limits,
        "short": np.where(known, np.maximum(limits * decided - now["passed"], 0.0), np.nan).round(6),
        "status": texts(np.where(known, texts(("ok", "maybe below", "below"))[below], "")),
        "entered_before": then["entered"].astype(np.int64),
        "conversion_before": shares.share(then["passed"], before),
        **shares.share_changes(then["passed"], before, now["passed"], decided, level),
    }


def _bottlenecks(columns: dict[str, Any], steps: int) -> I64:
    """Mark the stage of each group that misses its threshold for sure, and by the largest factor."""
    with np.errstate(invalid="ignore"):
        factor = np.where(columns["status"] == "below", columns["conversion"] / columns["threshold"], np.inf)
    rows = factor.reshape(-1, steps)
    worst = rows.argmin(axis=1)
    marked = np.zeros(rows.shape, dtype=np.int64)
    missed = np.isfinite(rows.min(axis=1)) if len(rows) else np.zeros(0, dtype=bool)
    marked[np.flatnonzero(missed), worst[missed]] = 1
    return marked.ravel()


def _limits(thresholds: Mapping[str, float], stages: tuple[str, ...]) -> F64:
    """Threshold of each stage and of won; NaN without one."""
    for name, least in thresholds.items():
        if name not in stages:
            raise DomainError(f"thresholds names {name!r}, which is no stage; expected {', '.join(stages)}.")
        if not 0.0 < least <= 1.0:
            raise DomainError(f"A threshold must lie in (0, 1], such as 0.2, got {least} for {name!r}.")
    return np.array([*(thresholds.get(name, np.nan) for name in stages), np.nan], dtype=np.float64)


def _came(log: DealLog, period: Span, group: I64, groups: int) -> F64:
    reached = period.holds(first_reached(log))
    return np.array([np.bincount(group[column], minlength=groups) for column in reached.T], dtype=np.float64).T.ravel()


def _standing_in(log: DealLog, group: I64, groups: int) -> I64:
    """Count the open deals by the stage of their last row that has one."""
    found, steps = standing(log), len(log.stages) + 1
    there = found.is_open & (found.place >= 0) & (found.place < steps - 1)
    return np.bincount(group[there] * steps + found.place[there], minlength=groups * steps).astype(np.int64)

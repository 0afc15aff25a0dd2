"""Chains of steps, counted exactly: every start counts, not only the first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import F64, I64
from crmkit.models.step_chains import chain_depths

DONE: Final = schema.Table(
    "events",
    "one row per thing a customer did",
    (
        schema.ORDERS["customer_id"],
        schema.LEAD_EVENTS["event"],
        schema.LEAD_EVENTS["occurred_at"],
    ),
)


def step_chains(
    events: IntoFrameT,
    *,
    as_of: dt.date,
    steps: Sequence[str],
    within_days: float,
    since: dt.date | None = None,
    level: float = 0.95,
) -> IntoFrameT:
    """Count who went through a chain of steps, in order and in time.

    Parameters
    ----------
    events : data frame
        What customers did (`customer_id`, `event`, `occurred_at`), or stages of deals (`schema.DEALS`: `deal_id`,
        `stage`, `entered_at`). In any order; events that are no step may lie between.
    as_of : date
        Last day of the log, inclusive.
    steps : sequence of str
        In their order, two or more; one may stand twice.
    within_days : float
        Time from the start of a chain to its last step, at most; days of 24 hours, above 0.
    since : date, optional
        First day of a start.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `events`
        One row per step: `place` (from 1), `step`, `reached` (customers, or deals, of whom at least one chain came so
        far), `share` of those of the first step with `low`, `high` (Wilson), `step_share` (of those of the step
        before), `starts` (chains: events of the first step that were followed so far), `young` (customers who came no
        further than this, and have a start whose time is not over; they may still go on).

    Raises
    ------
    DomainError
        An argument is out of its domain.

    Notes
    -----
    Every event of the first step starts a chain, and each chain takes the earliest next step, which is never worse. A
    shortcut that follows the first start alone misses those who came back and then went on. A step at the very time of
    the one before counts as after it: logs of days hold all events of a day at midnight.
    """
    day, first = frames.as_day(as_of), None if since is None else frames.as_day(since)
    names = _checked(steps, within_days)
    key, step, time = _events(events, day, names)
    start, depth = chain_depths(key, step, time, tuple(names.index(name) for name in steps), within_days * 86_400e6)
    if first is not None:
        kept = time[start] >= np.datetime64(first, "us").astype(np.int64)
        start, depth = start[kept], depth[kept]
    # A start of the last days: its time is not over at the end of as_of.
    is_young = time[start] + within_days * 86_400e6 > np.datetime64(day + dt.timedelta(days=1), "us").astype(np.int64)
    return frames.build(_columns(tuple(steps), key[start], depth, is_young, shares.checked_level(level)), like=events)


def _columns(steps: tuple[str, ...], key: I64, depth: I64, is_young: Any, level: float) -> dict[str, Any]:
    many = len(steps)
    best, young = np.zeros((2, int(key.max(initial=-1)) + 1), dtype=np.int64)
    np.maximum.at(best, key, depth)
    young[key[is_young]] = 1
    reached: F64 = np.array([(best >= place).sum() for place in range(1, many + 1)], dtype=np.float64)
    whole, before = np.full(many, reached[0]), np.concatenate([reached[:1], reached[:-1]])
    low, high = shares.wilson_columns(reached, whole, level)
    return {
        "place": np.arange(1, many + 1),
        "step": shares.texts(steps),
        "reached": reached.astype(np.int64),
        "share": shares.share(reached, whole),
        "low": low,
        "high": high,
        "step_share": shares.share(reached, before),
        "starts": np.array([(depth >= place).sum() for place in range(1, many + 1)], dtype=np.int64),
        "young": np.array(
            [((best == place) & (young == 1)).sum() * (place < many) for place in range(1, many + 1)], dtype=np.int64
        ),
    }


def _checked(steps: Sequence[str], within_days: float) -> list[str]:
    if isinstance(steps, str) or len(steps) < 2:
        raise DomainError(f"steps must be a sequence of two or more texts, got {steps!r}.")
    if not 0.0 < within_days <= 36_600.0:
        raise DomainError(f"within_days must lie above 0 and be at most 36600 (days), got {within_days}.")
    return list(dict.fromkeys(steps))


def _events(events: Any, day: dt.date, names: list[str]) -> tuple[I64, I64, I64]:
    """Key, step and time (microseconds) of the events that are steps."""
    is_done = "event" in frames.column_names(events)
    table, columns = (
        (DONE, ("customer_id", "event", "occurred_at"))
        if is_done
        else (schema.DEALS, ("deal_id", "stage", "entered_at"))
    )
    key, step, time = columns
    entered = schema.admit(events, table, columns=columns)
    kept = entered.filter((nw.col(time).cast(nw.Date) <= nw.lit(day)) & nw.col(step).is_in(names))
    cells = frames.arrays(kept.with_columns(nw.col(time).cast(nw.Datetime("us"))), columns)
    (codes,) = frames.numbered([cells[key]])
    place = {name: i for i, name in enumerate(names)}
    which = np.array([place[name] for name in cells[step].tolist()], dtype=np.int64)
    return codes, which, cells[time].astype("datetime64[us]").astype(np.int64)

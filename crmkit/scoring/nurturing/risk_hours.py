"""One content after the other: those who saw it against the risk sets of the hours in which they did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crmkit.models.risk_sets import NEVER, Subjects, at_risk
from crmkit.models.stratified import Contrast, mantel_haenszel

HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Question:
    """End of what is seen (seconds), horizon and greatest age (hours)."""

    end: int
    horizon: int
    ages: int


@dataclass(frozen=True, slots=True)
class Found:
    """A content: who was compared, who was left out, how the risks differ."""

    exposed: int
    immature: int
    after_conversion: int
    unmatched: int
    others: float
    saw_later: float
    contrast: Contrast | None


def subjects(cells: dict[str, NDArray[Any]], question: Question, rises: int) -> Subjects:
    """Leads in hours of age."""
    created = cells["created"].astype(np.int64)
    converted = np.asarray(cells["converted"], dtype=np.float64)
    age = np.floor((np.where(np.isnan(converted), created, converted) - created) / HOUR)
    hour = np.where(np.isnan(converted), NEVER, age).astype(np.int64)
    ripe = (question.end - created) // HOUR - question.horizon
    until = np.clip(np.minimum(np.minimum(hour, ripe), question.ages), 0, None)
    steps = [np.asarray(cells[name], dtype=np.float64) for name in cells if name.startswith("rise_")]
    levels = np.column_stack(steps) if rises else np.zeros((len(created), 0))
    ascending = np.where(np.isnan(levels), NEVER, levels).astype(np.int64)
    return Subjects(until, hour, cells["kind"].astype(np.int64), ascending)


def compared(
    everyone: Subjects,
    cells: dict[str, NDArray[Any]],
    question: Question,
    contents: int,
    groups: int,
    rises: int,
    level: float,
) -> list[Found]:
    """Compare one content after the other."""
    strata, ages = max(groups, 1) * (rises + 1), int(everyone.until.max(initial=0))
    size = {"cells": ages, "strata": strata, "horizon": question.horizon}
    whole = at_risk(everyone, np.zeros_like(everyone.until), **size)
    exposed = subjects(cells, question, rises)
    hour = np.maximum((cells["at"].astype(np.int64) - cells["created"].astype(np.int64)) // HOUR, 0)
    order = np.argsort(cells["which"], kind="stable")
    ends = np.searchsorted(cells["which"][order], np.arange(contents + 1))
    rows = (order[ends[i] : ends[i + 1]] for i in range(contents))
    return [_one(exposed.of(mine), hour[mine], whole, question, size, level) for mine in rows]


def _one(
    mine: Subjects, hour: NDArray[np.int64], whole: Any, question: Question, size: dict[str, int], level: float
) -> Found:
    """Compare those who saw one content, at the hour they did, with those who had not by its end."""
    late = hour >= mine.converted
    immature = ~late & (hour >= mine.until) & (hour < question.ages)
    ready = hour < mine.until
    took_part = mine.of(np.flatnonzero(ready))
    at = hour[ready]
    seen, seen_events = at_risk(took_part, at, **size)
    place = at * size["strata"] + took_part.stratum_at(at)
    won = took_part.converts_after(at, question.horizon)
    spots, spot = np.unique(place, return_inverse=True)
    n1, x1 = (np.bincount(spot, weights, len(spots)) for weights in (None, won.astype(np.float64)))
    n0, x0 = ((all_ - own).ravel()[spots] for all_, own in zip(whole, (seen, seen_events), strict=True))
    matched = n0 > 0
    count = float(n1[matched].sum())
    later = _see_later(mine, hour, question, size).ravel()[spots][matched]
    contrast = mantel_haenszel(x1[matched], n1[matched], x0[matched], n0[matched], level=level) if count else None
    return Found(
        exposed=int(count),
        immature=int(immature.sum()),
        after_conversion=int(late.sum()),
        unmatched=int((~late & ~immature & ~ready).sum() + ready.sum() - count),
        others=float(n1[matched] @ n0[matched]) / count if count else 0.0,
        saw_later=float(n1[matched] @ (later / n0[matched])) / count if count else 0.0,
        contrast=contrast,
    )


def _see_later(
    mine: Subjects, hour: NDArray[np.int64], question: Question, size: dict[str, int]
) -> NDArray[np.float64]:
    """Count those in each risk set who see the content themselves within the horizon."""
    waiting = replace(mine, until=np.minimum(mine.until, hour))
    return at_risk(waiting, np.maximum(hour - question.horizon, 0), **size)[0]

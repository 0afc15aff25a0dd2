"""Columns of shares with their intervals, and how they changed; groups; the period and the one before it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.funnel.pipeline.log import DealLog, last_text
from crmkit.models.forecast_scores.score import F64, normal_width, wilson_ends
from crmkit.models.two_samples import difference_of_proportions, ratio_of_counts

I64 = NDArray[np.int64]
UP, DOWN, SAME, UNKNOWN = "up", "down", "not told apart", ""


@dataclass(frozen=True, slots=True)
class Span:
    """A period and the equally long one before it, as ordinals of days, ends inclusive."""

    first: int
    last: int

    @property
    def before(self) -> Span:
        """Period of the same length that ends the day before."""
        return Span(2 * self.first - self.last - 1, self.first - 1)

    def holds(self, day: I64) -> NDArray[np.bool_]:
        """Tell which days lie in it."""
        return np.asarray((day >= self.first) & (day <= self.last))


def span(since: dt.date, as_of: dt.date) -> Span:
    """Check a period."""
    first, last = frames.as_day(since), frames.as_day(as_of)
    if first > last:
        raise DomainError(f"since must not lie after as_of, got {first} and {last}.")
    return Span(first.toordinal(), last.toordinal())


def checked_level(level: float) -> float:
    """Refuse a level outside (0, 1)."""
    normal_width(level)
    return level


def checked_by(by: str | None) -> tuple[str, ...]:
    """Refuse columns that group nothing."""
    if by in ("deal_id", "stage", "entered_at", "amount", "outcome"):
        raise DomainError(f"by must name a column that groups deals, such as 'owner_id' or 'region', got {by!r}.")
    return () if by is None else (by,)


def groups_of(log: DealLog, by: str | None) -> tuple[I64, tuple[str, ...]]:
    """Group of each deal, and the names of the groups, ascending; one group, "", without `by`."""
    if by is None:
        return np.zeros(len(log.ids), dtype=np.int64), ("",)
    codes, labels = last_text(log, by)
    known = np.unique(codes[np.unique(log.deal)])
    names = [labels[code] for code in known]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.zeros(len(labels) + 1, dtype=np.int64)
    place[known[order]] = np.arange(len(order))
    return place[codes], tuple(names[i] for i in order)


def texts(values: Any) -> NDArray[Any]:
    """Make a column of texts."""
    return np.array(list(values), dtype=object)


def share(x: F64, n: F64) -> F64:
    """X / n with 9 decimals; NaN where n is 0."""
    return np.round(x / np.where(n > 0, n, np.nan), 9)


def wilson_columns(x: F64, n: F64, level: float) -> tuple[F64, F64]:
    """Give the ends of Wilson's interval row for row; NaN where n is 0."""
    ends = [
        wilson_ends(float(a / b), float(b), level=level) if b > 0 else (np.nan, np.nan)
        for a, b in zip(x.tolist(), n.tolist(), strict=True)
    ]
    found = np.array(ends, dtype=np.float64).reshape(-1, 2).round(9)
    return found[:, 0], found[:, 1]


def share_changes(x_before: F64, n_before: F64, x: F64, n: F64, level: float) -> dict[str, Any]:
    """Change of shares row for row by Newcombe's interval: `change`, `change_low`, `change_high`, `verdict`."""
    found = np.full((len(n), 3), np.nan)
    verdicts = [UNKNOWN] * len(n)
    for i in np.flatnonzero((n > 0) & (n_before > 0)).tolist():
        one = difference_of_proportions(int(x_before[i]), int(n_before[i]), int(x[i]), int(n[i]), level=level)
        found[i] = one.value, one.low, one.high
        verdicts[i] = told(one.low, one.high)
    return _changes(found, verdicts)


def count_changes(before: F64, now: F64, level: float) -> dict[str, Any]:
    """Relative change of counts row for row: `change`, `change_low`, `change_high`, `verdict`."""
    found = np.full((len(now), 3), np.nan)
    verdicts = [UNKNOWN] * len(now)
    for i, (old, new) in enumerate(zip(before.tolist(), now.tolist(), strict=True)):
        if old + new > 0:
            one = ratio_of_counts(int(old), int(new), level=level)
            found[i] = [np.nan if end is None else end - 1.0 for end in (one.value, one.low, one.high)]
            verdicts[i] = told(one.low - 1.0, np.inf if one.high is None else one.high - 1.0)
    return _changes(found, verdicts)


def told(low: float, high: float) -> str:
    """Say whether an interval of a change lies on one side of 0."""
    return UP if low > 0.0 else DOWN if high < 0.0 else SAME


def _changes(found: F64, verdicts: list[str]) -> dict[str, Any]:
    names = ("change", "change_low", "change_high")
    return {**{name: found[:, i].round(9) for i, name in enumerate(names)}, "verdict": texts(verdicts)}

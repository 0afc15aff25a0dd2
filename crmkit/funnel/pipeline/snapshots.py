"""Open deals as they were on past days: what was known of each then, and what came within a horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmkit.frames.local import Categories, Numbers, rows_of
from crmkit.funnel.pipeline.log import F64, I64, WON, DealLog, Standing, last_amount, last_known, standing

# What an owner's past wins count against: so many deals of the rate of all.
_OWNER_TRIALS = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Open deals of some days.

    Attributes
    ----------
    deal, day : int64, shape (n,)
        Place of the deal in the log's ids; the day.
    columns : dict of str to column
        What was known on the day, n rows each.
    came : float64, shape (n,)
        1 if won within the horizon after the day.
    """

    deal: I64
    day: I64
    columns: dict[str, Numbers | Categories]
    came: F64

    @property
    def weight(self) -> F64:
        """Equal weights that add up to the number of deals.

        Every row is an open deal of its day, so that all count alike: were each deal to count once, those that close at
        once would speak for those that stay. But rows of one deal are no new evidence, hence the sum.
        """
        rows = len(self.deal)
        return np.full(rows, len(np.unique(self.deal)) / max(rows, 1))


def snapshot_days(first: int, last: int, *, every: int, most: int) -> list[int]:
    """Days from the last one backwards, not before the first, ascending."""
    return [last - every * back for back in range(most) if last - every * back >= first][::-1]


def snapshots(log: DealLog, days: Sequence[int], *, horizon: int, owner: str | None, traits: Sequence[str]) -> Snapshot:
    """Look at the open deals of each day with the eyes of that day."""
    final = standing(log)
    won = np.where(final.outcome == WON, final.closed, 0)
    parts = []
    for day in days:
        seen = log.until(day)
        found = standing(seen)
        deal = np.flatnonzero(found.is_open)
        came = ((won[deal] > day) & (won[deal] <= day + horizon)).astype(np.float64)
        parts.append((deal, np.full(len(deal), day), _known(seen, found, deal, day, owner, traits), came))
    if not parts:
        empty = log.until(-1)
        nobody = np.zeros(0, dtype=np.int64)
        parts = [(nobody, nobody, _known(empty, standing(empty), nobody, 0, owner, traits), np.zeros(0))]
    columns = {name: _stacked([part[2][name] for part in parts]) for name in parts[0][2]}
    return Snapshot(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        columns,
        np.concatenate([part[3] for part in parts]),
    )


def of_rows(snapshot: Snapshot, kept: np.ndarray) -> Snapshot:
    """Keep some rows."""
    columns = {name: rows_of(column, kept) for name, column in snapshot.columns.items()}
    return Snapshot(snapshot.deal[kept], snapshot.day[kept], columns, snapshot.came[kept])


def _known(
    seen: DealLog, found: Standing, deal: I64, day: int, owner: str | None, traits: Sequence[str]
) -> dict[str, Numbers | Categories]:
    columns: dict[str, Numbers | Categories] = {
        # A deal that was won and taken up again may stand beyond the stages.
        "stage": Categories(np.where(found.place[deal] < len(seen.stages), found.place[deal], -1), seen.stages),
        "days_since_move": Numbers((day - found.moved[deal]).astype(np.float64)),
        "days_since_start": Numbers((day - found.started[deal]).astype(np.float64)),
        "amount": Numbers(last_amount(seen)[deal]),
    }
    if owner is not None:
        columns["owner_win_rate"] = Numbers(_owner_rates(seen, found, owner)[deal])
    for name in traits:
        columns[name] = _last(seen, name, deal)
    return columns


def _owner_rates(seen: DealLog, found: Standing, owner: str) -> F64:
    """Share that the owner of each deal had won of what was closed by then, drawn towards that of all."""
    column = seen.columns[owner]
    assert isinstance(column, Categories)
    at = last_known(seen, column.codes >= 0)
    codes = np.where(at >= 0, column.codes[at] if len(column.codes) else -1, -1)
    closed = found.known & ~found.is_open
    won = closed & (found.outcome == WON)
    size = len(column.labels) + 1
    n, x = (np.bincount(codes[one] + 1, minlength=size).astype(np.float64) for one in (closed, won))
    mean = float(x.sum() / n.sum()) if n.sum() else 0.5
    rate = (x + _OWNER_TRIALS * mean) / (n + _OWNER_TRIALS)
    rate[0] = np.nan
    return np.asarray(rate[codes + 1].round(9))


def _last(seen: DealLog, name: str, deal: I64) -> Numbers | Categories:
    column = seen.columns[name]
    filled = ~np.isnan(column.values) if isinstance(column, Numbers) else column.codes >= 0
    at = last_known(seen, filled)[deal]
    if isinstance(column, Numbers):
        values = column.values[at] if len(column.values) else np.full(len(at), np.nan)
        return Numbers(np.where(at >= 0, values, np.nan))
    codes = column.codes[at] if len(column.codes) else np.full(len(at), -1)
    return Categories(np.where(at >= 0, codes, -1).astype(np.int64), column.labels)


def _stacked(parts: list[Numbers | Categories]) -> Numbers | Categories:
    first = parts[0]
    if isinstance(first, Numbers):
        return Numbers(np.concatenate([part.values for part in parts if isinstance(part, Numbers)]))
    return Categories(np.concatenate([part.codes for part in parts if isinstance(part, Categories)]), first.labels)

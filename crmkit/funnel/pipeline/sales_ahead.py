"""What will be won in the days after an origin, from what was known then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmkit.errors import FitError
from crmkit.funnel.pipeline.durations import Stays, stays_in
from crmkit.funnel.pipeline.log import F64, I64, LOST, NEVER, OPEN, WON, DealLog, last_amount, last_known, standing
from crmkit.models.cumulative_incidence import cumulative_incidence
from crmkit.models.sales_totals import Total, compound_poisson, sum_with_chances

# Snapshots to learn from: a year of them, a month apart. Classes of age, and the deals of the wider class that each
# starts with.
_SNAPSHOTS, _EVERY, _AGES, _DEALS = 12, 30, 6, 20.0
_YEAR = 365


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a window brings: of the deals open at the origin, and of those to come.

    Attributes
    ----------
    of_open, of_new : Total
    shared : float
        Relative variance that all deals share: whole months go well or badly.
    """

    of_open: Total
    of_new: Total
    shared: float

    @property
    def total(self) -> Total:
        """Both, with what they share."""
        both = self.of_open.plus(self.of_new)
        return Total(both.mean, both.variance + self.shared * both.mean**2)


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What was known at an origin.

    Attributes
    ----------
    origin, first : int
        Last day known; first day of the log.
    stays, place : Stays, int64
        In stages, and of which.
    won_on : int64, shape (d,)
        Day of winning; NEVER for the others.
    paid : float64, shape (d,)
        Amount of the won; 0 where it is not known.
    offered : float64, shape (d,)
        Amount as last known while the deal was open; NaN without one.
    started, closed, outcome : int64, shape (d,)
    """

    origin: int
    first: int
    stays: Stays
    place: I64
    won_on: I64
    paid: F64
    offered: F64
    started: I64
    closed: I64
    outcome: I64

    @classmethod
    def of(cls, log: DealLog, origin: int) -> Past:
        """Look at a log with the eyes of a day."""
        seen = log.until(origin)
        found = standing(seen)
        stays, place = stays_in(seen)
        at = last_known(seen, (seen.outcome == OPEN) & ~np.isnan(seen.amount))
        offered = np.where(at >= 0, seen.amount[at] if len(seen.amount) else np.nan, np.nan)
        won = found.outcome == WON
        paid = np.where(won, np.nan_to_num(last_amount(seen)), 0.0)
        return cls(
            origin,
            int(seen.day.min(initial=origin)),
            stays,
            place,
            np.where(won, found.closed, NEVER),
            paid,
            offered,
            np.where(found.known, found.started, NEVER),
            found.closed,
            found.outcome,
        )

    def won_between(self, first: int, last: int) -> float:
        """Money won on the days from first to last."""
        return float(self.paid[(self.won_on >= first) & (self.won_on <= last)].sum())


def can_look_ahead(past: Past, after: int, until: int) -> bool:
    """Whether a snapshot of the past has a whole window behind it, and something was won."""
    return past.origin - until >= past.first and bool((past.won_on <= past.origin).any())


def ahead(past: Past, after: int, until: int) -> Ahead:
    """Forecast what is won in the days (origin + after, origin + until].

    Raises
    ------
    FitError
        The log is too short.
    """
    if not can_look_ahead(past, after, until):
        raise FitError(
            f"A forecast of {until} days needs deals that began and were won at least so long before as_of; the log "
            f"begins {past.origin - past.first} days before it.\nTake fewer months, or a longer history."
        )
    mean, square = _amounts(past)
    now = _open_on(past, past.origin)
    deal = past.stays.deal[now]
    chance, shared = _chances(past, after, until, past.place[now], past.origin - past.stays.first[now])
    ratio, ratio_square = _paid_of_offered(past)
    known = ~np.isnan(past.offered[deal])
    own = np.nan_to_num(past.offered[deal])
    of_open = sum_with_chances(
        chance, np.where(known, own * ratio, mean), np.where(known, own**2 * ratio_square, square)
    )
    expected, arrivals = _new_wins(past, after, until)
    return Ahead(of_open, compound_poisson(expected, mean, square, arrivals=arrivals), shared)


def _open_on(past: Past, day: int) -> I64:
    return np.flatnonzero((past.stays.first <= day) & (past.stays.last > day))


def _chances(past: Past, after: int, until: int, place: I64, age: I64) -> tuple[F64, float]:
    """Chance that an open deal is won in a window: the share of those of its stage and age that were, a year back.

    Only snapshots whose window is over count, so that nothing is censored. The share of a class of age is drawn to that
    of its stage, and that to all. Second, the relative variance of what whole snapshots brought, chance taken off.
    """
    days = [past.origin - until - _EVERY * back for back in range(_SNAPSHOTS)]
    parts = [(_open_on(past, day), day) for day in days if day >= past.first]
    rows = np.concatenate([row for row, _ in parts])
    which = np.repeat(np.arange(len(parts)), [len(row) for row, _ in parts])
    since = np.array([day for _, day in parts])[which]
    won_on = past.won_on[past.stays.deal[rows]]
    came = ((won_on > since + after) & (won_on <= since + until)).astype(np.float64)
    ages, stage = since - past.stays.first[rows], past.place[rows]
    if not len(rows):
        return np.zeros(len(place)), 0.0
    size = int(max(past.place.max(initial=0), place.max(initial=0))) + 1
    edges = np.unique(np.quantile(ages, np.arange(1, _AGES) / _AGES, method="lower"))
    cell, mine = (
        stages * _AGES + np.searchsorted(edges, old, side="right") for stages, old in ((stage, ages), (place, age))
    )
    of_stage = _drawn(stage, came, np.full(size, float(came.mean())))
    share = _drawn(cell, came, np.repeat(of_stage, _AGES))
    return share[mine], shared_variance(which, came, share[cell])


def shared_variance(which: I64, came: F64, chance: F64) -> float:
    """Relative variance of the sums of groups beyond that of independent chances, at least 0."""
    happened, expected, own = (np.bincount(which, part) for part in (came, chance, chance * (1.0 - chance)))
    beyond = float(((happened - expected) ** 2 - own).sum())
    return max(0.0, beyond / float((expected**2).sum())) if (expected > 0.0).any() else 0.0


def _drawn(group: I64, came: F64, towards: F64) -> F64:
    n, x = np.bincount(group, minlength=len(towards)), np.bincount(group, came, len(towards))
    return np.asarray((x + _DEALS * towards) / (n + _DEALS))


def _amounts(past: Past) -> tuple[float, float]:
    """Mean amount of a won deal, and of its square: those of the last year, or of all if there are none."""
    recent = past.won_on > past.origin - _YEAR
    won = past.won_on <= past.origin
    paid = past.paid[won & recent] if (won & recent).any() else past.paid[won]
    return float(paid.mean()), float((paid**2).mean())


def _paid_of_offered(past: Past) -> tuple[float, float]:
    """Paid amount over the one last offered, and of their squares; 1 where nothing tells."""
    both = (past.won_on <= past.origin) & (past.won_on > past.origin - _YEAR) & (np.nan_to_num(past.offered) > 0.0)
    if not both.any():
        return 1.0, 1.0
    paid, offered = past.paid[both], past.offered[both]
    return float(paid.sum() / offered.sum()), float((paid**2).sum() / (offered**2).sum())


def _new_wins(past: Past, after: int, until: int) -> tuple[float, float]:
    """Wins to expect of deals that begin after the origin, and the arrivals that their rate was learnt from."""
    began = past.started <= past.origin
    seen = max(1, min(_YEAR, past.origin - past.first + 1))
    arrivals = float((began & (past.started > past.origin - seen)).sum())
    age = np.minimum(past.closed[began], past.origin) - past.started[began]
    kind = np.select([past.outcome[began] == WON, past.outcome[began] == LOST], [1, 2], 0)
    curve = np.concatenate([[0.0], cumulative_incidence(age, kind, longest=until)])  # curve[u + 1]: won by age u
    day = np.arange(1, until + 1)
    share = curve[until - day + 1] - curve[np.maximum(after - day + 1, 0)]
    return arrivals / seen * float(share.sum()), arrivals

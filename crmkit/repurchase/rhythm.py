"""Each customer's rhythm: what is fitted, and histories on the season's clock and the product's cycle, to be asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from crmkit import frames, purchases
from crmkit.errors import FitError
from crmkit.models.histories import F64, Histories
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from crmkit.models.regularity_mixture.next_purchase import Returns, quantiles
from crmkit.models.season_clock import SeasonClock
from crmkit.purchases import customers, processes
from crmkit.purchases.processes import Process
from crmkit.repurchase.products import CYCLE

# A window is drawn in whole days: from so many customers on, more of them do not move it.
_ENOUGH = 100_000
# Who comes back later is won anew.
TWO_YEARS = 730.0
# Nobody waits longer than a hundred years.
LONGEST_DAYS = 36_525


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """The process that returns of customers (or customers and products) follow, as it was fitted to them.

    Attributes
    ----------
    mixture : RegularityMixture
        Windows come from it.
    process : purchase process
        Probabilities come from it.
    day : int
        Ordinal of `as_of`.
    clock : SeasonClock or None
    """

    mixture: RegularityMixture
    process: Process
    day: int
    clock: SeasonClock | None

    @classmethod
    def of(
        cls, asked: frames.Asked, *, as_of: dt.date, fit: purchases.PurchaseFit | None, clock: SeasonClock | None
    ) -> Self:
        """Take what was fitted, and fit what is missing to the histories of a summary, made on the clock."""
        if asked.maximum("frequency") == 0:
            raise FitError(
                "No customer has ordered on two days up to as_of: there is no gap between orders to learn from.\n"
                "Look at as_of and at by: a longer log, or customers instead of customers and products."
            )
        day, given = frames.as_day(as_of).toordinal(), fit.process if fit else None
        plain = clock is None and CYCLE not in asked.columns
        if plain and isinstance(given, RegularityMixture):
            return cls(given, given, day, clock)
        grouped = _timed(asked.spaced(_ENOUGH), day, clock)[0].grouped()[0]
        family = given.family if isinstance(given, RegularityMixture) else "MBG"
        mixture = fit_regularity_mixture(grouped, family=family, off_limits=False)
        process = given if plain and given else _like(given, grouped, mixture)
        return cls(mixture, process, day, clock)

    def paces(self, rows: frames.Rows) -> Paces:
        """Put rows of a summary on the clock, to be asked."""
        histories, scale = _timed(rows, self.day, self.clock)
        x, t_x = (rows[name].astype(np.float64) for name in ("frequency", "recency"))
        return Paces(self, histories, scale, np.asarray(t_x / np.maximum(x, 1.0), dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Paces:
    """Histories that follow a rhythm, one row each.

    Attributes
    ----------
    rhythm : Rhythm
    histories : Histories
        In days of the clock and of the cycle.
    scale : float64, shape (n,)
        Days of the histories per day of the clock.
    own_gap_days : float64, shape (n,)
        Mean gap between order days, in calendar days; 0 where there is none.
    """

    rhythm: Rhythm
    histories: Histories
    scale: F64
    own_gap_days: F64

    def take(self, rows: slice) -> Paces:
        """Return some of the rows."""
        return Paces(self.rhythm, self.histories.take(rows), self.scale[rows], self.own_gap_days[rows])

    def p_order(self, days: F64, returns: Returns) -> F64:
        """P(at least one order in so many days of the histories' own time), shape (n,)."""
        if isinstance(self.rhythm.process, RegularityMixture):
            return np.clip(returns.p_alive * returns.returned(days), 0.0, 1.0)
        return self.rhythm.process.p_any_purchase(self.histories.without_gaps(), days) + 0.0  # no table says -0.0

    def own_days(self, days: F64) -> F64:
        """Calendar days after `as_of` in the histories' own time, shape (n,)."""
        clock, day = self.rhythm.clock, self.rhythm.day
        return (days if clock is None else clock.days_within(day, days)) * self.scale

    def windows(self, returns: Returns, levels: Sequence[float], within_days: F64) -> F64:
        """Calendar days after `as_of` at which each level is reached, given a return in time, shape (n, levels)."""
        own = quantiles(returns, levels, within=self.own_days(within_days)) / self.scale[:, None]
        ahead = own if self.rhythm.clock is None else self.rhythm.clock.days_after(self.rhythm.day, own)
        return np.minimum(ahead, LONGEST_DAYS)

    def at_last_order(self) -> Returns:
        """Return the next order as it stood on the day of the last one."""
        return Returns.at_last_purchase(self.rhythm.mixture, self.histories)

    def silence_rank(self, before: Returns) -> F64:
        """P(a gap as long as the silence, or shorter), as it stood at the last order (`before`), shape (n,).

        .5 is an ordinary silence, .95 one that one gap in twenty outlasts; 0 where the order came on the last day.
        """
        return before.returned(self.histories.T - self.histories.t_x)

    def typical_gap(self, before: Returns) -> F64:
        """Median gap that could be expected on the day of the last order, in the histories' own time, shape (n,)."""
        # Who comes back at all: some so late that no log could show their median.
        within = np.maximum(TWO_YEARS, 4.0 * self.own_gap_days) * self.scale
        return quantiles(before, (0.5,), within=within)[:, 0]


def _like(given: Process | None, histories: Histories, mixture: RegularityMixture) -> Process:
    """Fit the family of a process to histories in a time of their own."""
    if given is None or isinstance(given, RegularityMixture):
        return mixture
    return processes.fitted(processes.model_of(given), histories, off_limits=False)[0]


def _timed(rows: frames.Rows, day: int, clock: SeasonClock | None) -> tuple[Histories, F64]:
    x, t_x, T, gaps = (rows[name].astype(np.float64) for name in (*customers.TRIPLE, customers.GAPS))
    count = rows["count"].astype(np.float64) if "count" in rows else None
    if clock is not None:
        on_clock = clock.histories(Histories.in_order(x, t_x, T, None, count), day)
        t_x, T = on_clock.t_x, on_clock.T
    scale = 1.0 / rows[CYCLE].astype(np.float64) if CYCLE in rows else np.ones(len(x))
    logs = np.where(x > 0, gaps + x * np.log(scale), 0.0)
    return Histories.in_order(x, t_x * scale, T * scale, logs, count), scale

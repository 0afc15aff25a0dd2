"""Each customer's rhythm: distinct histories, on the season's clock and the product's cycle, with what is fitted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmkit import frames, purchases
from crmkit.errors import FitError
from crmkit.models.histories import F64, Histories
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from crmkit.models.regularity_mixture.next_purchase import Returns, quantiles
from crmkit.models.season_clock import SeasonClock
from crmkit.purchases import customers, processes
from crmkit.purchases.processes import Process
from crmkit.repurchase.products import CYCLE, with_cycles

# A window is drawn in whole days: from so many customers on, more of them do not move it.
_ENOUGH = 100_000
# Who comes back later is won anew.
TWO_YEARS = 730.0
# Nobody waits longer than a hundred years.
LONGEST_DAYS = 36_525


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Customers (or customers and products) with the process that their returns follow.

    Attributes
    ----------
    entered : lazy frame
        Their summary, in its engine.
    keys : dict of arrays, each of shape (n,)
        The columns that a forecast depends on, their distinct rows.
    histories : Histories
        The same rows in days of the clock and of the cycle.
    scale : float64, shape (n,)
        Days of the histories per day of the clock.
    mixture : RegularityMixture
        Fitted to them; windows come from it.
    process : purchase process
        Fitted to them; probabilities come from it.
    day : int
        Ordinal of `as_of`.
    clock : SeasonClock or None
    """

    entered: frames.Frame
    keys: dict[str, NDArray[Any]]
    histories: Histories
    scale: F64
    mixture: RegularityMixture
    process: Process
    day: int
    clock: SeasonClock | None

    @classmethod
    def of(
        cls,
        summarised: frames.Frame,
        *,
        as_of: dt.date,
        by: Sequence[str],
        fit: purchases.PurchaseFit | None,
        clock: SeasonClock | None,
    ) -> Self:
        """Fit to a summary of the orders, made on the clock."""
        entered = with_cycles(summarised, by)
        keys = [*customers.keys(entered, gaps=True), *([CYCLE] if len(by) > 1 else [])]
        rows = frames.distinct_rows(entered, keys)
        day = frames.as_day(as_of).toordinal()
        histories, scale = _timed(rows, day, clock)
        if len(histories) == 0 or histories.x.max() == 0:
            raise FitError(
                "No customer has ordered on two days up to as_of: there is no gap between orders to learn from.\n"
                "Look at as_of and at by: a longer log, or customers instead of customers and products."
            )
        grouped = histories.grouped()[0].spaced(_ENOUGH)[0]
        plain = clock is None and len(by) == 1
        given = fit.process if fit else None
        if plain and isinstance(given, RegularityMixture):
            mixture = given
        else:
            family = given.family if isinstance(given, RegularityMixture) else "MBG"
            mixture = fit_regularity_mixture(grouped, family=family, off_limits=False)
        process = given if plain and given else _like(given, grouped, mixture)
        return cls(entered, {name: rows[name] for name in keys}, histories, scale, mixture, process, day, clock)

    def take(self, rows: slice) -> Rhythm:
        """Return the rhythm of some of the distinct rows, for the same customers."""
        keys = {name: values[rows] for name, values in self.keys.items()}
        return replace(self, keys=keys, histories=self.histories.take(rows), scale=self.scale[rows])

    def p_order(self, days: F64, returns: Returns) -> F64:
        """P(at least one order in so many days of the histories' own time), shape (n,)."""
        if isinstance(self.process, RegularityMixture):
            return np.clip(returns.p_alive * returns.returned(days), 0.0, 1.0)
        return self.process.p_any_purchase(self.histories.without_gaps(), days) + 0.0  # no table says -0.0

    def own_days(self, days: F64) -> F64:
        """Calendar days after `as_of` in the histories' own time, shape (n,)."""
        return (days if self.clock is None else self.clock.days_within(self.day, days)) * self.scale

    def windows(self, returns: Returns, levels: Sequence[float], within_days: F64) -> F64:
        """Calendar days after `as_of` at which each level is reached, given a return in time, shape (n, levels)."""
        own = quantiles(returns, levels, within=self.own_days(within_days)) / self.scale[:, None]
        ahead = own if self.clock is None else self.clock.days_after(self.day, own)
        return np.minimum(ahead, LONGEST_DAYS)

    def at_last_order(self) -> Returns:
        """Return the next order as it stood on the day of the last one."""
        return Returns.at_last_purchase(self.mixture, self.histories)

    def silence_rank(self, before: Returns) -> F64:
        """P(a gap as long as the silence, or shorter), as it stood at the last order (`before`), shape (n,).

        .5 is an ordinary silence, .95 one that one gap in twenty outlasts; 0 where the order came on the last day.
        """
        return before.returned(self.histories.T - self.histories.t_x)

    def own_gap_days(self) -> F64:
        """Mean gap between order days; 0 where there is none; shape (n,)."""
        x, t_x = (self.keys[name].astype(np.float64) for name in ("frequency", "recency"))
        return np.asarray(t_x / np.maximum(x, 1.0), dtype=np.float64)

    def typical_gap(self, before: Returns) -> F64:
        """Median gap that could be expected on the day of the last order, in the histories' own time, shape (n,)."""
        # Who comes back at all: some so late that no log could show their median.
        within = np.maximum(TWO_YEARS, 4.0 * self.own_gap_days()) * self.scale
        return quantiles(before, (0.5,), within=within)[:, 0]


def _like(given: Process | None, histories: Histories, mixture: RegularityMixture) -> Process:
    """Fit the family of a process to histories in a time of their own."""
    if given is None or isinstance(given, RegularityMixture):
        return mixture
    return processes.fitted(processes.model_of(given), histories, off_limits=False)[0]


def _timed(rows: dict[str, NDArray[Any]], day: int, clock: SeasonClock | None) -> tuple[Histories, F64]:
    x, t_x, T, gaps, count = (rows[name].astype(np.float64) for name in (*customers.TRIPLE, customers.GAPS, "count"))
    if clock is not None:
        on_clock = clock.histories(Histories.in_order(x, t_x, T, None, count), day)
        t_x, T = on_clock.t_x, on_clock.T
    scale = 1.0 / rows[CYCLE].astype(np.float64) if CYCLE in rows else np.ones(len(x))
    logs = np.where(x > 0, gaps + x * np.log(scale), 0.0)
    return Histories.in_order(x, t_x * scale, T * scale, logs, count), scale

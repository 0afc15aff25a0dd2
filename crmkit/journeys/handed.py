"""Journeys in memory: their touches are handed over in order, and gone through as arrays; on Spark they stay there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.journeys.chunks import bits_of, keyed
from crmkit.journeys.cutting import Sharing, between, of_strangers, winning
from crmkit.journeys.log import DAY, MILESTONES, Log
from crmkit.models.paths import F64, I64

# Journeys of one kind. Per key: `keys`, and `begins`, whether it is the first of its journey. Per journey: `customer`,
# -1 for nobody in particular, places of milestones, and those of the measures that are not 0 for all.
Part: TypeAlias = dict[str, NDArray[Any]]
MEASURES = ("sales", "lost", "value", "square", "days")


@dataclass(frozen=True, slots=True, eq=False)
class Won:
    """The conversions of a log, and the touches of those that have one.

    Attributes
    ----------
    sales : dict of arrays, shape (conversions,) each
        The rows of `Log.sales`, in the order of customers and times: `customer` (from 0), `clock`, `sales`, `value`,
        `square`, and times of milestones.
    sale : int64, shape (journeys,)
        Conversion that each journey led to.
    first : int64, shape (journeys,)
        First touch of each journey.
    fresh : bool, shape (touches,)
        Whether a touch is the first of its journey.
    code : int16, shape (touches,)
        Channel, from 1.
    touched : int64, shape (touches,)
        Microseconds.
    """

    sales: dict[str, NDArray[Any]]
    sale: I64
    first: I64
    fresh: NDArray[np.bool_]
    code: NDArray[Any]
    touched: I64

    def of_touches(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat what is known of journeys for each of their touches."""
        return np.repeat(values, np.diff(np.append(self.first, len(self.code))))

    def days_before(self) -> F64:
        """Days from each touch to its conversion, at least 0."""
        before = self.of_touches(self.sales["clock"][self.sale]) - self.touched
        return np.maximum(before / DAY, 0.0)


def handed_over(log: Log, sharing: Sharing) -> Won | None:
    """Bring out the conversions and their touches; None on Spark, where touches stay."""
    if frames.is_spread(log.touches):
        return None
    marks = [name for name in MILESTONES if name in frames.names_of(log.sales)]
    known = ["customer", "clock", "sales", "value", "square", *marks]
    sales = frames.arrays(log.sales.sort("customer", "number"), known)
    sales["customer"] = sales["customer"].astype(np.int64) - 1
    # Times of a customer are numbered from 1 without gaps, and customers too.
    begins = np.searchsorted(sales["customer"], np.arange(int(sales["customer"].max(initial=-1)) + 1))
    own = ["customer", "number"]
    rows = frames.runs(winning(log, sharing), [*own, "touched", "code"], by=own, order=["touched", *log.ties])
    first = np.flatnonzero(rows["fresh"])
    customer, number = (rows[name][first].astype(np.int64) for name in own)
    sale = begins[customer - 1] + number - 1
    return Won(sales, sale, first, rows["fresh"], rows["code"], rows["touched"])


def won_journeys(won: Won, log: Log, places: Sequence[str]) -> Part:
    """Journeys of all conversions, as `tally` counts them; one without a touch has the key 0."""
    sales, has_touch = won.sales, np.zeros(len(won.sales["sales"]), dtype=bool)
    has_touch[won.sale] = True
    none = np.flatnonzero(~has_touch)
    keys, begins = keyed(won.code, won.fresh, bits_of(log))
    of = np.concatenate([won.sale, none])
    waited = np.maximum((sales["clock"][won.sale] - won.touched[won.first]) / DAY, 0.0)
    days = np.concatenate([waited, np.zeros(len(none))]) * sales["sales"][of]
    return {
        "keys": np.concatenate([keys, np.zeros(len(none), dtype=np.int64)]),
        "begins": np.concatenate([begins, np.ones(len(none), dtype=bool)]),
        "customer": sales["customer"][of],
        "days": days,
        **{name: sales[name][of].astype(np.float64) for name in ("sales", "value", "square")},
        **{f"{name}_place": _reached(won, name, len(none)) for name in MILESTONES if f"{name}_place" in places},
    }


def _reached(won: Won, name: str, without: int) -> I64:
    """Place of the last touch at or before a milestone, 0 for none."""
    before = won.touched <= won.of_touches(won.sales[name][won.sale])
    places = np.add.reduceat(before.astype(np.int64), won.first) if len(won.first) else np.zeros(0, dtype=np.int64)
    return np.concatenate([places, np.zeros(without, dtype=np.int64)])


def lost_journeys(won: Won, log: Log, gap_days: float | None, places: Sequence[str]) -> list[Part]:
    """Journeys that led nowhere, of customers who converted and of strangers.

    Strangers are nobody in particular, -1, unless `gap_days` gives them several journeys.
    """
    parts = ["part"] if gap_days is not None else []
    by = ["customer", "journey", *parts]
    order = ["touched", *log.ties]
    rows = frames.runs(between(log, gap_days), ["customer", "code"], by=by, order=order)
    own = _lost(rows, log, places, rows["customer"][rows["fresh"]].astype(np.int64) - 1)
    # One journey of each stranger, unless gaps cut it: their ids, of any type, tell them apart and stay in the engine.
    whole = of_strangers(log, gap_days).select("customer", "touched", *log.ties, *parts)
    strangers = frames.tabled(whole, like=log.like)
    rows = frames.runs(strangers, [*parts, "code"], by=["customer", *parts], order=order)
    first = rows["fresh"]
    nobody = np.full(np.count_nonzero(first), -1, dtype=np.int64)
    known = int(won.sales["customer"].max(initial=-1)) + 1
    customer = nobody if gap_days is None else np.cumsum(rows["part"][first] == 0) - 1 + known
    return [own, _lost(rows, log, places, customer)]


def _lost(rows: dict[str, NDArray[Any]], log: Log, places: Sequence[str], customer: I64) -> Part:
    keys, begins = keyed(rows["code"], rows["fresh"], bits_of(log))
    none = {name: np.zeros_like(customer) for name in places}
    return {"keys": keys, "begins": begins, "customer": customer, "lost": np.ones(len(customer)), **none}

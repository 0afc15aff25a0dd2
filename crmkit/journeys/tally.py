"""Distinct paths with what became of the journeys along them: the small arrays that attribution computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit.journeys.chunks import bits_of, decoded
from crmkit.journeys.cutting import Sharing
from crmkit.journeys.handed import MEASURES, Won, lost_journeys, won_journeys
from crmkit.journeys.log import MILESTONES, Log
from crmkit.journeys.spread import counted
from crmkit.models.paths import F64, I64, Paths, summed

_PLACES = tuple(f"{name}_place" for name in MILESTONES)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Distinct paths of a log, and the totals that they reconcile to.

    Attributes
    ----------
    channels : object, shape (k,)
        Names of the codes of `paths`.
    paths : Paths
    squares : float64, shape (n,)
        Sum of the squared values of the conversions.
    days : float64, shape (n,)
        Days from the first touch to the conversion, summed over conversions.
    milestones : int64, shape (n, 2)
        Place (from 1) of the touch at which the journeys became lead and opportunity; 0 for never. Paths are told
        apart by it, if it was asked for.
    conversions, value, square : float
        Of all conversions, with a touch or without.
    clusters : Clusters, optional
    """

    channels: NDArray[Any]
    paths: Paths
    squares: F64
    days: F64
    milestones: I64
    conversions: float
    value: float
    square: float
    clusters: Clusters | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Who went along which path: journeys of one customer come and go together.

    Attributes
    ----------
    alone : float64, shape (n,)
        Customers per path of whom nothing is known but one journey without a conversion.
    customer, path : int64, shape (j,)
        Of each other journey; the path is -1 for a conversion without a touch.
    conversions, nulls, values : float64, shape (j,)
    """

    alone: F64
    customer: I64
    path: I64
    conversions: F64
    nulls: F64
    values: F64


def tally_of(
    log: Log,
    won: Won | None,
    *,
    sharing: Sharing,
    nulls: bool,
    gap_days: float | None = None,
    milestones: bool = False,
    clustered: bool = False,
) -> Tally:
    """Count the distinct paths of a log; without `nulls` those of conversions alone, which is quicker.

    `won` as `handed_over` brings it out of the log, for the same `sharing`.
    """
    places = _PLACES if milestones else ()
    if won is None:
        parts = counted(log, sharing=sharing, nulls=nulls, gap_days=gap_days, places=places, clustered=clustered)
    else:
        parts = [won_journeys(won, log, places), *(lost_journeys(won, log, gap_days, places) if nulls else ())]
    return _assembled(log, parts, places, clustered=clustered)


def _assembled(log: Log, parts: list[dict[str, NDArray[Any]]], places: tuple[str, ...], *, clustered: bool) -> Tally:
    # Each part lets go of a column as soon as it is with the others, or all journeys are there twice.
    rows = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    keys, begins, customer = (rows.pop(name) for name in ("keys", "begins", "customer"))
    first = np.flatnonzero(begins)
    marks = np.zeros((len(first), len(places)), dtype=np.int64)
    for i, place in enumerate(places):
        marks[:, i] = rows.pop(place)
    touched = keys[first] > 0
    kept = np.repeat(touched, np.diff(np.append(first, len(keys))))
    found = decoded(keys[kept], begins[kept], bits_of(log), marks[touched])
    n = len(found.starts) - 1
    sums = {name: summed(found.path_of, rows[name][touched], n) for name in MEASURES}
    seen = np.zeros((n, len(_PLACES)), dtype=np.int64)
    if places:
        seen[found.path_of] = marks[touched]
    path = np.full(len(first), -1)
    path[touched] = found.path_of
    return Tally(
        log.channels,
        Paths(found.codes, found.starts, sums["sales"], sums["lost"], sums["value"], len(log.channels)),
        sums["square"],
        sums["days"],
        seen,
        float(rows["sales"].sum()),
        float(rows["value"].sum()),
        float(rows["square"].sum()),
        _clusters(customer, path, rows, n) if clustered else None,
    )


def _clusters(customer: I64, path: I64, measured: dict[str, F64], n: int) -> Clusters:
    alone, told = customer < 0, customer >= 0
    conversions, nulls, values = (measured[name][told] for name in ("sales", "lost", "value"))
    return Clusters(
        summed(path[alone], measured["lost"][alone], n), customer[told], path[told], conversions, nulls, values
    )

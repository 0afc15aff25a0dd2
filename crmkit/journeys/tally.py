"""Distinct paths with what became of the journeys along them: the small arrays that attribution computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit.journeys.chunks import bits_of, decoded
from crmkit.journeys.cutting import Sharing
from crmkit.journeys.handed import MEASURES, Part, Won, lost_journeys, won_journeys
from crmkit.journeys.log import MILESTONES, Log
from crmkit.journeys.spread import counted
from crmkit.models.paths import F64, I64, Paths, summed

_OF_JOURNEYS = ("sales", "lost", "value")
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


def _assembled(log: Log, parts: list[Part], places: tuple[str, ...], *, clustered: bool) -> Tally:
    keys, begins, *marked = (np.concatenate([part.pop(name) for part in parts]) for name in ("keys", "begins", *places))
    first = np.flatnonzero(begins)
    marks = np.stack(marked, axis=1) if marked else np.zeros((len(first), 0), dtype=np.int64)
    touched = keys[first] > 0
    kept = np.repeat(touched, np.diff(np.append(first, len(keys))))
    found = decoded(keys[kept], begins[kept], bits_of(log), marks[touched])
    n = len(found.starts) - 1
    path = np.full(len(first), -1)
    path[touched] = found.path_of
    paths = np.split(path, np.cumsum([len(part["customer"]) for part in parts])[:-1])
    sums = {name: _summed(parts, paths, name, n) for name in MEASURES}
    totals = {name: sum(float(part[name].sum()) for part in parts if name in part) for name in MEASURES}
    seen = np.zeros((n, len(_PLACES)), dtype=np.int64)
    if places:
        seen[found.path_of] = marks[touched]
    return Tally(
        log.channels,
        Paths(found.codes, found.starts, sums["sales"], sums["lost"], sums["value"], len(log.channels)),
        sums["square"],
        sums["days"],
        seen,
        totals["sales"],
        totals["value"],
        totals["square"],
        _clusters(parts, paths, n) if clustered else None,
    )


def _summed(parts: list[Part], paths: list[I64], name: str, n: int) -> F64:
    """Sum a measure by path; parts without it have none of it."""
    whole = np.zeros(n)
    for part, path in zip(parts, paths, strict=True):
        if name in part:
            whole += summed(path[path >= 0], part[name][path >= 0], n)
    return whole


def _clusters(parts: list[Part], paths: list[I64], n: int) -> Clusters:
    told = [part["customer"] >= 0 for part in parts]
    alone = np.zeros(n)
    for part, path, own in zip(parts, paths, told, strict=True):
        if not own.all():
            alone += summed(path[~own], part["lost"][~own], n)

    def those(name: str) -> F64:
        known = [
            part[name][own] if name in part else np.zeros(own.sum()) for part, own in zip(parts, told, strict=True)
        ]
        return np.concatenate(known)

    customer = np.concatenate([part["customer"][own] for part, own in zip(parts, told, strict=True)])
    path = np.concatenate([path[own] for path, own in zip(paths, told, strict=True)])
    return Clusters(alone, customer, path, those("sales"), those("lost"), those("value"))

"""Distinct paths with what became of the journeys along them: the small arrays that attribution computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.journeys.chunks import bits_of, chunked, decoded, is_whole
from crmkit.journeys.cutting import Sharing, between, of_strangers, winning
from crmkit.journeys.log import DAY, MILESTONES, Log
from crmkit.models.paths import F64, I64, Paths, summed

_MEASURES = ("sales", "lost", "value", "square", "days")
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
    *,
    sharing: Sharing,
    nulls: bool,
    gap_days: float | None = None,
    milestones: bool = False,
    clustered: bool = False,
) -> Tally:
    """Count the distinct paths of a log; without `nulls` those of conversions alone, which is quicker."""
    places = list(_PLACES) if milestones else []
    own = ["customer_id", "journey", *(["part"] if gap_days is not None else [])]
    known = _won(log, sharing, places)
    if nulls:
        known = nw.concat([known, _lost(log, between(log, gap_days), own, places)])
    parts = [_fetched(known, log, own, places, one_by_one=clustered)]
    if nulls:
        own.remove("journey")  # a customer without conversions has one, unless gaps cut it
        strangers = _lost(log, of_strangers(log, gap_days), own, places)
        parts.append(_fetched(strangers, log, own, places, one_by_one=clustered and gap_days is not None))
    return _assembled(log, parts, places, clustered=clustered)


def _won(log: Log, sharing: Sharing, places: list[str]) -> frames.Frame:
    """One row per conversion and chunk of its path; the key is 0 if it has none."""
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    reached = zip(places, MILESTONES, strict=False)
    rows = winning(log, sharing).with_columns(
        days=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)),
        **{place: frames.one_if(nw.col("touched") <= nw.col(name)) for place, name in reached},
    )
    by = ["customer_id", "number"]
    slim = rows.select(*by, "touched", *log.ties, "days", *places)
    paths = chunked(slim, log, by=by, sums=places, same=["days"])
    whole = log.sales.select(*by, "sales", "value", "square").join(paths, on=by, how="left")
    counts = {name: nw.col(name).fill_null(0) for name in ("block", "key", "touches", *places)}
    zero = {name: nw.lit(0) for name in ("part", "lost")}
    days = nw.col("days").fill_null(0.0) * nw.col("sales")
    return _in_order(whole.with_columns(**counts, **zero, days=days, journey=nw.col("number") * 2 + 1), places)


def _lost(log: Log, rows: frames.Frame, by: list[str], places: list[str]) -> frames.Frame:
    """One row per journey without a conversion and chunk of its path."""
    whole = chunked(rows.select(*by, "touched", *log.ties), log, by=by)
    none = [name for name in ("journey", "part", *places, "sales", "value", "square", "days") if name not in by]
    return _in_order(whole.with_columns(**{name: nw.lit(0) for name in none}, lost=nw.lit(1)), places)


def _in_order(rows: frames.Frame, places: list[str]) -> frames.Frame:
    whole = ("journey", "part", "block", "key", "touches", "sales", "lost", *places)
    counts = [nw.col(name).cast(nw.Int64) for name in whole]
    return rows.select("customer_id", *counts, *[nw.col(name).cast(nw.Float64) for name in ("value", "square", "days")])


def _fetched(
    rows: frames.Frame, log: Log, by: list[str], places: list[str], *, one_by_one: bool
) -> dict[str, NDArray[Any]]:
    """Bring journeys out: one by one, each with its customer, or one row for all of one path.

    A journey of several chunks is always brought out by itself.
    """
    wanted = ["block", "key", *places, *_MEASURES]
    if one_by_one:
        # A row per journey is handed over, millions of them: counts need no more than 4 bytes.
        slim = rows.with_columns(*[nw.col(name).cast(nw.Int32) for name in ("block", "sales", "lost", *places)])
        found = frames.arrays(slim.sort(*by, "block"), ["customer_id", *wanted])
        ids = found.pop("customer_id")
        fresh = np.concatenate([np.ones(min(len(ids), 1), dtype=bool), ids[1:] != ids[:-1]])
        return found | {"customer": np.cumsum(fresh) - 1}
    alone = is_whole(bits_of(log))
    numbers = [name for name in by if name != "customer_id"]
    marked = rows.with_columns(
        customer_id=nw.when(~alone).then(nw.col("customer_id")),
        **{name: nw.when(alone).then(nw.lit(0).cast(nw.Int64)).otherwise(nw.col(name)) for name in numbers},
    )
    keys = [*by, "block", "key", *places]
    summed = marked.group_by(*keys).agg(*[nw.col(name).sum() for name in _MEASURES])
    found = frames.arrays(summed.sort(*keys), wanted)
    return found | {"customer": np.full(len(found["key"]), -1)}


def _assembled(log: Log, parts: list[dict[str, NDArray[Any]]], places: list[str], *, clustered: bool) -> Tally:
    # Each part lets go of a column as soon as it is with the others, or all journeys are there twice.
    rows = {name: np.concatenate([part.pop(name) for part in parts]) for name in ("block", "key", *places, *_MEASURES)}
    begins = rows["block"] == 0
    first = np.flatnonzero(begins)
    measured = {name: rows.pop(name)[first].astype(np.float64) for name in _MEASURES}
    marks = np.zeros((len(first), len(_PLACES)), dtype=np.int64)
    for i, place in enumerate(places):
        marks[:, i] = np.add.reduceat(rows[place].astype(np.int64), first) if len(first) else 0
    keys = rows["key"].astype(np.int64)
    touched = keys[first] > 0
    kept = np.repeat(touched, np.diff(np.append(first, len(keys))))
    found = decoded(keys[kept], begins[kept], bits_of(log), marks[touched])
    n = len(found.starts) - 1
    sums = {name: summed(found.path_of, values[touched], n) for name, values in measured.items()}
    seen = np.zeros((n, len(_PLACES)), dtype=np.int64)
    seen[found.path_of] = marks[touched]
    path = np.full(len(first), -1)
    path[touched] = found.path_of
    return Tally(
        log.channels,
        Paths(found.codes, found.starts, sums["sales"], sums["lost"], sums["value"], len(log.channels)),
        sums["square"],
        sums["days"],
        seen,
        float(measured["sales"].sum()),
        float(measured["value"].sum()),
        float(measured["square"].sum()),
        _clusters(_customers(parts)[first], path, measured, n) if clustered else None,
    )


def _customers(parts: list[dict[str, NDArray[Any]]]) -> I64:
    """Count customers across parts, which have none in common; -1 for nobody in particular."""
    numbers, before = [], 0
    for part in parts:
        own = part["customer"].astype(np.int64)
        numbers.append(np.where(own >= 0, own + before, -1))
        before += int(own.max(initial=-1)) + 1
    return np.concatenate(numbers)


def _clusters(customer: I64, path: I64, measured: dict[str, F64], n: int) -> Clusters:
    alone, told = customer < 0, customer >= 0
    conversions, nulls, values = (measured[name][told] for name in ("sales", "lost", "value"))
    return Clusters(
        summed(path[alone], measured["lost"][alone], n), customer[told], path[told], conversions, nulls, values
    )

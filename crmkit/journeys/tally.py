"""Distinct paths with what became of the journeys along them: the small arrays that attribution computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.journeys.chunks import bits_of, chunked, decoded, is_whole
from crmkit.journeys.cutting import Sharing, losing, winning
from crmkit.journeys.log import DAY, MILESTONES, Log
from crmkit.models.paths import F64, I64, Paths, summed

_MEASURES = ("sales", "lost", "value", "square", "days")
_PLACES = tuple(f"{name}_place" for name in MILESTONES)
# Whose journeys: those that need not be told apart have none.
_NOBODY = -(1 << 62)


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


def tally(
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
    rows = _won(log, sharing, places)
    single = is_whole(bits_of(log)) & (nw.col("lost") == 1) if clustered else is_whole(bits_of(log))
    if nulls:
        rows = nw.concat([rows, _lost(log, gap_days, places).select(*frames.names_of(rows))])
        if clustered:  # a customer without conversions has one journey, unless gaps cut it
            single = single & (nw.col("journey") == 0) & nw.lit(gap_days is None)
    return _assembled(log, _fetched(rows, single, places), places, clustered=clustered)


def _won(log: Log, sharing: Sharing, places: list[str]) -> frames.Frame:
    """One row per conversion and chunk of its path; the key is 0 if it has none."""
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    rows = winning(log, sharing).with_columns(
        days=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)),
        **{
            place: frames.one_if(nw.col("touched") <= nw.col(name))
            for place, name in zip(places, MILESTONES, strict=False)
        },
    )
    by = ["customer_id", "number"]
    slim = rows.select(*by, "touched", *log.ties, "days", *places)
    paths = chunked(slim, log, by=by, sums=places, same=["days"])
    sales = log.sales.select(*by, "sales", "value", "square")
    whole = sales.join(paths, on=by, how="left")
    counts = {name: nw.col(name).fill_null(0).cast(nw.Int64) for name in ("block", "key", "touches", *places)}
    return whole.select(
        "customer_id",
        **counts,
        journey=(nw.col("number") * 2 + 1).cast(nw.Int64),
        part=nw.lit(0).cast(nw.Int64),
        sales=nw.col("sales").cast(nw.Int64),
        lost=nw.lit(0).cast(nw.Int64),
        value=nw.col("value").cast(nw.Float64),
        square=nw.col("square").cast(nw.Float64),
        days=nw.col("days").fill_null(0.0) * nw.col("sales"),
    )


def _lost(log: Log, gap_days: float | None, places: list[str]) -> frames.Frame:
    """One row per journey without a conversion and chunk of its path."""
    by = ["customer_id", "journey", *(["part"] if gap_days is not None else [])]
    rows = losing(log, gap_days).select(*by, "touched", *log.ties)
    zero = {name: nw.lit(0).cast(nw.Int64) for name in ("sales", *places, *(["part"] if gap_days is None else []))}
    none = {name: nw.lit(0.0).cast(nw.Float64) for name in ("value", "square", "days")}
    whole = chunked(rows, log, by=by).with_columns(**zero, **none, lost=nw.lit(1).cast(nw.Int64))
    return whole.with_columns(nw.col("journey").cast(nw.Int64), part=nw.col("part").cast(nw.Int64))


def _fetched(rows: frames.Frame, single: nw.Expr, places: list[str]) -> dict[str, NDArray[Any]]:
    """Bring journeys out: one row for all that are alike and need not be told apart, and the others one by one."""
    kind = frames.kinds_of(rows, ["customer_id"])["customer_id"]
    told = rows.with_columns(single=frames.one_if(single))
    alone = nw.col("single") == 1
    zero = {name: nw.when(alone).then(nw.lit(0)).otherwise(nw.col(name)).cast(nw.Int64) for name in ("journey", "part")}
    told = told.with_columns(who=nw.when(~alone).then(nw.col("customer_id")), **zero)
    if kind.is_integer():  # a missing integer would turn all of them into floats
        told = told.with_columns(nw.col("who").cast(nw.Int64).fill_null(_NOBODY))
    by = ["who", "journey", "part", "block", "key", *places]
    summed = told.group_by(*by, "single").agg(*[nw.col(name).sum() for name in _MEASURES])
    return frames.arrays(summed.sort(*by), [*by, "single", *_MEASURES])


def _assembled(log: Log, rows: dict[str, NDArray[Any]], places: list[str], *, clustered: bool) -> Tally:
    begins = rows["block"] == 0
    first = np.flatnonzero(begins)
    measured = {name: rows[name][first].astype(np.float64) for name in _MEASURES}
    marks = np.zeros((len(first), len(_PLACES)), dtype=np.int64)
    for i, place in enumerate(places):
        marks[:, i] = np.add.reduceat(rows[place].astype(np.int64), first) if len(first) else 0
    keys = rows["key"].astype(np.int64)
    touched = keys[first] > 0
    kept = np.repeat(touched, np.diff(np.append(first, len(keys))))
    found = decoded(keys[kept], begins[kept], bits_of(log), marks[touched])
    n = len(found.starts) - 1
    path = np.full(len(first), -1)
    path[touched] = found.path_of
    sums = {name: summed(found.path_of, values[touched], n) for name, values in measured.items()}
    paths = Paths(found.codes, found.starts, sums["sales"], sums["lost"], sums["value"], len(log.channels))
    seen = np.zeros((n, len(_PLACES)), dtype=np.int64)
    seen[found.path_of] = marks[touched]
    single = rows["single"][first] == 1
    return Tally(
        log.channels,
        paths,
        sums["square"],
        sums["days"],
        seen,
        float(measured["sales"].sum()),
        float(measured["value"].sum()),
        float(measured["square"].sum()),
        _clusters(rows["who"][first], single, path, measured, n) if clustered else None,
    )


def _clusters(who: NDArray[Any], single: NDArray[np.bool_], path: I64, measured: dict[str, F64], n: int) -> Clusters:
    kept = single & (path >= 0)
    alone = summed(path[kept], measured["lost"][kept], n)
    told = ~single
    ids = who[told]
    fresh = np.concatenate([[False], ids[1:] != ids[:-1]]) if len(ids) else np.zeros(0, dtype=bool)
    customer = np.cumsum(fresh).astype(np.int64)
    conversions, nulls, values = (measured[name][told] for name in ("sales", "lost", "value"))
    return Clusters(alone, customer, path[told], conversions, nulls, values)

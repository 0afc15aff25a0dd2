"""Journeys on Spark: the executors count them, path by path, and nothing of the size of the log is brought out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.journeys.chunks import bits_of, chunked, is_whole
from crmkit.journeys.cutting import Sharing, between, of_strangers, winning
from crmkit.journeys.handed import MEASURES, Part
from crmkit.journeys.log import DAY, MILESTONES, Log


def counted(
    log: Log, *, sharing: Sharing, nulls: bool, gap_days: float | None, places: Sequence[str], clustered: bool
) -> list[Part]:
    """Journeys as `tally` counts them: those of one path in one row, those of customers who converted one by one.

    The latter only if `clustered`; else customers are nobody in particular, -1.
    """
    own = ["customer", "journey", *(["part"] if gap_days is not None else [])]
    known = _won(log, sharing, places)
    if nulls:
        known = nw.concat([known, _lost(log, between(log, gap_days), own, places)])
    parts = [_fetched(known, log, own, places, one_by_one=clustered)]
    if nulls:
        own.remove("journey")  # a customer without conversions has one, unless gaps cut it
        strangers = _lost(log, of_strangers(log, gap_days), own, places)
        parts.append(_fetched(strangers, log, own, places, one_by_one=clustered and gap_days is not None))
        told = parts[1]["customer"] >= 0
        parts[1]["customer"][told] += parts[0]["customer"].max(initial=-1) + 1
    return parts


def _won(log: Log, sharing: Sharing, places: Sequence[str]) -> frames.Frame:
    """One row per conversion and chunk of its path; the key is 0 if it has none."""
    days = (nw.col("clock") - nw.col("touched")).cast(nw.Float64) / DAY
    reached = [(f"{name}_place", name) for name in MILESTONES if f"{name}_place" in places]
    rows = winning(log, sharing).with_columns(
        days=nw.when(days > 0).then(days).otherwise(nw.lit(0.0)),
        **{place: frames.one_if(nw.col("touched") <= nw.col(name)) for place, name in reached},
    )
    by = ["customer", "number"]
    slim = rows.select(*by, "touched", *log.ties, "days", *places)
    paths = chunked(slim, log, by=by, sums=places, same=["days"])
    whole = log.sales.select(*by, "sales", "value", "square").join(paths, on=by, how="left")
    counts = {name: nw.col(name).fill_null(0) for name in ("block", "key", "touches", *places)}
    zero = {name: nw.lit(0) for name in ("part", "lost")}
    days = nw.col("days").fill_null(0.0) * nw.col("sales")
    return _in_order(whole.with_columns(**counts, **zero, days=days, journey=nw.col("number") * 2 + 1), places)


def _lost(log: Log, rows: frames.Frame, by: list[str], places: Sequence[str]) -> frames.Frame:
    """One row per journey without a conversion and chunk of its path."""
    whole = chunked(rows.select(*by, "touched", *log.ties), log, by=by)
    none = [name for name in ("journey", "part", *places, "sales", "value", "square", "days") if name not in by]
    return _in_order(whole.with_columns(**{name: nw.lit(0) for name in none}, lost=nw.lit(1)), places)


def _in_order(rows: frames.Frame, places: Sequence[str]) -> frames.Frame:
    whole = ("journey", "part", "block", "key", "touches", "sales", "lost", *places)
    counts = [nw.col(name).cast(nw.Int64) for name in whole]
    return rows.select("customer", *counts, *[nw.col(name).cast(nw.Float64) for name in ("value", "square", "days")])


def _fetched(rows: frames.Frame, log: Log, by: list[str], places: Sequence[str], *, one_by_one: bool) -> Part:
    """Bring journeys out: one by one, each with its customer, or one row for all of one path.

    A journey of several chunks is always brought out by itself.
    """
    wanted = ["block", "key", *places, *MEASURES]
    if one_by_one:
        # A row per journey is handed over, millions of them: counts need no more than 4 bytes.
        slim = rows.with_columns(*[nw.col(name).cast(nw.Int32) for name in ("block", "sales", "lost", *places)])
        found = frames.arrays(slim.sort(*by, "block"), ["customer", *wanted])
        ids = found.pop("customer")
        fresh = np.concatenate([np.ones(min(len(ids), 1), dtype=bool), ids[1:] != ids[:-1]])
        return _by_journey(found, np.cumsum(fresh) - 1, places)
    alone = is_whole(bits_of(log))
    numbers = [name for name in by if name != "customer"]
    marked = rows.with_columns(
        customer=nw.when(~alone).then(nw.col("customer")),
        **{name: nw.when(alone).then(nw.lit(0).cast(nw.Int64)).otherwise(nw.col(name)) for name in numbers},
    )
    keys = [*by, "block", "key", *places]
    summed = marked.group_by(*keys).agg(*[nw.col(name).sum() for name in MEASURES])
    found = frames.arrays(summed.sort(*keys), wanted)
    return _by_journey(found, np.full(len(found["key"]), -1), places)


def _by_journey(rows: dict[str, NDArray[Any]], customer: NDArray[np.int64], places: Sequence[str]) -> Part:
    """Turn rows of chunks into keys, and what is known of journeys; places are counted over their chunks."""
    begins = rows["block"] == 0
    first = np.flatnonzero(begins)
    counts = {name: rows[name].astype(np.int64) for name in places}
    return {
        "keys": rows["key"].astype(np.int64),
        "begins": begins,
        "customer": customer[first],
        **{name: np.add.reduceat(own, first) if len(first) else own for name, own in counts.items()},
        **{name: rows[name][first].astype(np.float64) for name in MEASURES},
    }

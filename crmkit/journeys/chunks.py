"""Paths as whole numbers: the channels of a journey are written into the bits of a few integers.

A channel takes as many bits as there are channels to tell apart, so that 15 touches of 12 channels are one integer,
exactly, and journeys of one path have one key: grouping by it needs neither text nor list. A longer journey is a row of
such integers. Keys are written from touches that were handed over in order (`keyed`), on Spark where they are
(`chunked`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.journeys.log import Log
from crmkit.models.paths import I64, numbered

# Below 63: the last channel of a key is counted as a float before it is an integer again.
_BITS = 62
# Keys that are read back at a time, and touches that are written.
_BLOCK = 1 << 18


def bits_of(log: Log) -> int:
    """Bits that tell the channels of a log from one another and from none."""
    return max(len(log.channels).bit_length(), 1)


def touches_per_key(bits: int) -> int:
    """Touches that one key holds."""
    return _BITS // bits


def chunked(
    rows: frames.Frame, log: Log, *, by: Sequence[str], sums: Sequence[str] = (), same: Sequence[str] = ()
) -> frames.Frame:
    """One row per journey and `block` of its touches: `key`, `touches` (count), sums of `sums`, `same` as it is.

    Journeys are told apart by `by`; what is in `same` has one value in each.
    """
    bits = bits_of(log)
    per = touches_per_key(bits)
    placed = frames.with_places(rows, by=by, order=["touched", *log.ties])
    numbered = placed.with_columns(block=(nw.col("place") - 1) // per)
    power = nw.lit(2.0) ** ((nw.col("place") - 1 - nw.col("block") * per) * bits)
    coded = numbered.with_columns(key=(nw.col("code") * power).cast(nw.Int64))
    whole = coded.group_by(*by, "block").agg(
        nw.col("key").sum(),
        *[nw.col(name).sum() for name in sums],
        *[nw.col(name).max() for name in same],
        touches=nw.len(),
    )
    counts = {name: nw.col(name).cast(nw.Int64) for name in ("key", "touches", "block")}
    return whole.with_columns(**counts)


def is_whole(bits: int) -> nw.Expr:
    """Whether a row of `chunked` is a whole journey; one that fills its key may go on."""
    return (nw.col("block") == 0) & (nw.col("touches") < touches_per_key(bits))


def keyed(code: NDArray[Any], fresh: NDArray[np.bool_], bits: int) -> tuple[I64, NDArray[np.bool_]]:
    """Write the channels of journeys into keys, as `chunked` does, from touches in order.

    Parameters
    ----------
    code : int16, shape (touches,)
        Channels from 1.
    fresh : bool, shape (touches,)
        Whether a touch is the first of its journey.
    bits : int

    Returns
    -------
    keys : int64, begins : bool, shape (keys,) each
        `begins` marks the first key of each journey.
    """
    first = np.flatnonzero(fresh)
    ends = np.append(first, len(code))
    # Blocks of whole journeys, which stay in the processor's memory.
    cuts = np.unique(np.append(np.searchsorted(first, np.arange(0, len(code), _BLOCK)), len(first)))
    blocks = [_keyed(code[ends[i] : ends[j]], first[i:j] - ends[i], bits) for i, j in itertools.pairwise(cuts)]
    none = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    keys, begins = zip(none, *blocks, strict=True)
    return np.concatenate(keys), np.concatenate(begins)


def _keyed(code: NDArray[Any], first: I64, bits: int) -> tuple[I64, NDArray[np.bool_]]:
    place = _places(np.diff(np.append(first, len(code))))
    within = place % touches_per_key(bits)
    begins = np.flatnonzero(within == 0)
    return np.add.reduceat(code.astype(np.int64) << within * bits, begins), place[begins] == 0


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Distinct paths of journeys.

    Attributes
    ----------
    codes : int64, shape (m,)
        Channels from 0, path after path.
    starts : int64, shape (paths + 1,)
    path_of : int64, shape (journeys,)
    """

    codes: I64
    starts: I64
    path_of: I64


def decoded(keys: I64, begins: NDArray[np.bool_], bits: int, marks: I64) -> Decoded:
    """Read keys back into distinct paths.

    `begins` marks the first key of each journey; paths are told apart by the rows of `marks`, shape (journeys, d), too.
    """
    first = np.flatnonzero(begins)
    counts = np.diff(np.append(first, len(keys)))
    name = np.unique(keys[first], return_inverse=True)[1].astype(np.int64)
    for mark in marks.T[marks.any(axis=0)]:  # what is 0 everywhere tells no paths apart
        name = np.unique(name * (int(mark.max(initial=0)) + 1) + mark, return_inverse=True)[1].astype(np.int64)
    for j in range(1, int(counts.max(initial=1))):
        longer = np.flatnonzero(counts > j)
        key = np.unique(keys[first[longer] + j], return_inverse=True)[1]
        pair = name[longer] * (int(key.max()) + 1) + key
        name[longer] = name.max() + 1 + np.unique(pair, return_inverse=True)[1]
    _, path_of = numbered(name, int(name.max(initial=-1)) + 1)
    shown = np.empty(int(path_of.max(initial=-1)) + 1, dtype=np.int64)
    shown[path_of] = np.arange(len(name))  # any journey of a path shows it
    return _read(keys, first[shown], counts[shown], bits, path_of)


def _read(keys: I64, first: I64, counts: I64, bits: int, path_of: I64) -> Decoded:
    rows = keys[np.repeat(first, counts) + _places(counts)]
    # Touches of a key: its digits, of which none is 0.
    touches = np.searchsorted(1 << bits * np.arange(touches_per_key(bits)), rows, side="right")
    ends = np.concatenate([[0], np.cumsum(touches)])
    codes = np.empty(int(ends[-1]), dtype=np.int64)
    # Blocks, because keys that are spelled out take a hundred bytes each: a GB at ten million paths.
    for left in range(0, len(rows), _BLOCK):
        many = touches[left : left + _BLOCK]
        digits = np.repeat(rows[left : left + _BLOCK], many) >> bits * _places(many)
        codes[ends[left] : ends[left + len(many)]] = (digits & ((1 << bits) - 1)) - 1
    return Decoded(codes, ends[np.concatenate([[0], np.cumsum(counts)])], path_of)


def _places(counts: I64) -> I64:
    """Count through groups that stand one after another, each from 0."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)

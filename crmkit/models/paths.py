"""Journeys as arrays: distinct paths of channels with how often each ended in a conversion, and how often in none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Paths, one after another.

    Attributes
    ----------
    codes : int64, shape (m,)
        Channel of each touch, 0 to channels - 1; the touches of a path stand together, in their order.
    starts : int64, shape (n + 1,)
        Where each path begins in `codes`; the last one is m. No path is empty.
    conversions, nulls : float64, shape (n,)
        Journeys along the path that converted, and that did not; at least 0.
    values : float64, shape (n,)
        Money of the conversions.
    channels : int
    """

    codes: I64
    starts: I64
    conversions: F64
    nulls: F64
    values: F64
    channels: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> I64:
        """Touches of each path, shape (n,)."""
        return np.diff(self.starts)

    @property
    def path_of(self) -> I64:
        """Path of each touch, shape (m,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def place(self) -> I64:
        """Place of each touch in its path, from 0, shape (m,)."""
        return np.arange(len(self.codes)) - np.repeat(self.starts[:-1], self.lengths)

    def chosen(self, kept: NDArray[np.bool_]) -> Paths:
        """Keep some paths, bool, shape (n,)."""
        starts = np.concatenate([[0], np.cumsum(self.lengths[kept])])
        codes = self.codes[np.repeat(kept, self.lengths)]
        return Paths(codes, starts, self.conversions[kept], self.nulls[kept], self.values[kept], self.channels)


def summed(place: I64, weights: F64, n: int) -> F64:
    """Sum weights by place, shape (n,)."""
    return np.bincount(place, weights, n).astype(np.float64, copy=False)


# So many places may be counted through, beside 4 times as many as there are numbers: sorting takes longer beyond.
_COUNTED = 1 << 20


def numbered(values: NDArray[Any], bound: int, kind: type[np.signedinteger[Any]] = np.int64) -> tuple[I64, Any]:
    """Return the distinct values in ascending order, and the place of each value among them.

    Parameters
    ----------
    values : int64 or int32, shape (m,)
        From 0 to bound - 1.
    bound : int
    kind : type
        Of the places.
    """
    if bound > max(_COUNTED, 4 * len(values)):
        distinct, place = np.unique(values, return_inverse=True)
        return distinct.astype(np.int64, copy=False), place.astype(kind, copy=False)
    there = np.zeros(bound, dtype=bool)
    there[values] = True
    distinct = np.flatnonzero(there)
    place_of = np.empty(bound, dtype=kind)
    place_of[distinct] = np.arange(len(distinct), dtype=kind)
    return distinct, place_of[values]

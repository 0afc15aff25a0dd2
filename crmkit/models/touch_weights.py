"""Rules that share a conversion among the touches of its path: weights of touches, which sum to 1 per path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.models.paths import F64, I64, Paths, numbered, summed


def by_position(paths: Paths, first: float, middle: float, last: float) -> F64:
    """Weights of the first touch, the last, and those between, which share `middle`; shape (m,).

    One touch has all. Of two, the first and the last, `middle` is left out; without weights they share equally.
    """
    lengths = np.repeat(paths.lengths, paths.lengths)
    is_first, is_last = paths.place == 0, paths.place == lengths - 1
    between = np.where(lengths > 2, middle / np.maximum(lengths - 2, 1), 0.0)
    return normalised(paths, first * is_first + last * is_last + between * ~(is_first | is_last))


def equally(paths: Paths) -> F64:
    """Return the same weight for each touch of a path, shape (m,)."""
    return np.asarray(1.0 / np.repeat(paths.lengths, paths.lengths), dtype=np.float64)


def by_decay(paths: Paths, days: F64, half_life_days: float) -> F64:
    """Weights that are halved for each half-life that a touch lies before the conversion, shape (m,).

    Parameters
    ----------
    paths : Paths
        No two journeys together: their days differ.
    days : float64, shape (m,)
        From each touch to the conversion, at least 0.
    half_life_days : float
    """
    if not len(paths):
        return np.zeros(0)
    # Relative to the last touch: however long ago all is, not every weight is 0.
    latest = np.repeat(np.minimum.reduceat(days, paths.starts[:-1]), paths.lengths)
    weights = np.exp((latest - days) * (math.log(2.0) / half_life_days))
    total = np.repeat(np.add.reduceat(weights, paths.starts[:-1]), paths.lengths)
    return np.asarray(weights / total, dtype=np.float64)


def by_last_other(paths: Paths, passed_over: NDArray[np.bool_]) -> F64:
    """All to the last touch of a channel that is not passed over; to the last if all are, shape (m,).

    Parameters
    ----------
    paths : Paths
    passed_over : bool, shape (channels,)
    """
    # The touch that comes latest, with those that count ahead of all others.
    rank = paths.place + np.where(passed_over[paths.codes], 0, int(paths.lengths.max(initial=0)))
    highest = np.maximum.reduceat(rank, paths.starts[:-1]) if len(paths) else rank
    return np.asarray(rank == np.repeat(highest, paths.lengths), dtype=np.float64)


def by_milestones(paths: Paths, places: I64, roles: tuple[float, float, float, float], rest: float) -> F64:
    """Weights of the touches at which something was reached; all other touches share `rest`, shape (m,).

    Parameters
    ----------
    paths : Paths
    places : int64, shape (n, 2)
        Place, from 1, of the touches of the second and the third role; 0 where there is none.
    roles : four floats
        Weights of the first touch, of the two of `places`, and of the last touch. A touch of several roles has all
        their weights; the share of a role that nobody has goes to the others in proportion.
    rest : float
    """
    lengths = np.repeat(paths.lengths, paths.lengths)
    at = paths.place + 1
    held = [at == 1, *(at == np.repeat(places[:, i], paths.lengths) for i in (0, 1)), at == lengths]
    has_role = np.zeros(len(at), dtype=bool)
    for own, weight in zip(held, roles, strict=True):
        has_role |= own & (weight > 0)
    others = np.add.reduceat(~has_role, paths.starts[:-1]) if len(paths) else np.zeros(0)
    share = rest / np.maximum(np.repeat(others, paths.lengths), 1)
    return normalised(paths, sum(weight * own for own, weight in zip(held, roles, strict=True)) + share * ~has_role)


def normalised(paths: Paths, weights: F64) -> F64:
    """Scale weights of touches to sum to 1 per path; where all are 0 the touches share equally."""
    total = summed(paths.path_of, weights, len(paths))
    whole = np.repeat(total, paths.lengths)
    return np.where(whole > 0, weights / np.where(whole > 0, whole, 1.0), equally(paths))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Paths and the channels on them, each pair once.

    Attributes
    ----------
    path, channel : int64, shape (pairs,)
    of_touch : int64, shape (m,)
        Pair of each touch.
    """

    path: I64
    channel: I64
    of_touch: I64

    @classmethod
    def of(cls, paths: Paths) -> Pairs:
        """Find the pairs of paths, in the order of both."""
        own = paths.path_of * paths.channels + paths.codes
        pairs, of_touch = numbered(own, len(paths) * paths.channels)
        return cls(pairs // paths.channels, pairs % paths.channels, of_touch)

    def shares(self, weights: F64) -> F64:
        """Sum weights of touches up to pairs, shape (pairs,)."""
        return summed(self.of_touch, weights, len(self.path))

    def equal_shares(self, paths: Paths) -> F64:
        """Return the same share for each channel of a path, whatever its touches, shape (pairs,)."""
        return np.asarray(1.0 / np.bincount(self.path, minlength=len(paths))[self.path], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Credit:
    """What channels are credited with.

    Attributes
    ----------
    conversions, conversions_se, value, value_se : float64, shape (channels,)
        Sums, and their standard errors.
    """

    conversions: F64
    conversions_se: F64
    value: F64
    value_se: F64


def credited(paths: Paths, squares: F64, pairs: Pairs, shares: F64, total: float) -> Credit:
    """Add up the shares of channels in conversions and in their value.

    Parameters
    ----------
    paths : Paths
    squares : float64, shape (n,)
        Sum of the squared values of a path's conversions.
    pairs : Pairs
    shares : float64, shape (pairs,)
        Share of a path's conversions that a channel has.
    total : float
        All conversions, those without a touch included.

    Notes
    -----
    Conversions are drawn one by one: with c the credit that each gives a channel, the variance of the sum over n
    conversions is sum c^2 - (sum c)^2 / n.
    """

    def added(weights: F64, part: F64) -> F64:
        return summed(pairs.channel, weights[pairs.path] * part, paths.channels)

    conversions, value = added(paths.conversions, shares), added(paths.values, shares)
    return Credit(
        conversions,
        error_of_sum(added(paths.conversions, shares**2), conversions, total),
        value,
        error_of_sum(added(squares, shares**2), value, total),
    )


def error_of_sum(square: F64, sums: F64, n: float) -> F64:
    """Return the standard error of sums over n independent draws, from the sum of squares."""
    return np.asarray(np.sqrt(np.maximum(square - sums**2 / max(n, 1.0), 0.0)), dtype=np.float64)

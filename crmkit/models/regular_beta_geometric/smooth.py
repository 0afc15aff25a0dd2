"""Answers given alive are smooth in alpha + T: of many customers of one x they are read off a polynomial."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.polynomial import chebyshev

from crmkit.models.histories import F64, I64
from crmkit.models.regular_beta_geometric.forecast import Pairs

Answer = Callable[[Pairs], F64]

# Points of a polynomial: the more only where the fewer are not enough. Regular customers climb a staircase.
_POINTS = (40, 120)
# Pairs of one x per point below which each is worked out itself.
_WORTH = 4
# Last coefficients of the logarithm: what they leave out is a relative error of the answer.
_LAST, _NEGLIGIBLE = 6, 1e-12


def by_pair(pairs: Pairs, answer: Answer) -> F64:
    """Answer for each pair, shape (m, k): itself, or by Chebyshev interpolation of its logarithm in log(alpha + T).

    Parameters
    ----------
    pairs : Pairs
        Interpolated where they are many of one x, of one length of forecast and one a.
    answer : callable
        Takes pairs, gives at least 0 for each and each hidden phase, shape (m, k).

    References
    ----------
    Trefethen (2013), Approximation Theory and Approximation Practice, chapters 3 and 8: coefficients of an analytic
    function fall geometrically, and those that are left out bound the error.
    """
    if len(pairs.x) == 0 or np.ptp(pairs.days) > 0 or np.ptp(pairs.a) > 0 or pairs.days[0] == 0.0:
        return answer(pairs)
    edges = np.append(np.flatnonzero(np.diff(pairs.x, prepend=np.nan)), len(pairs.x))
    runs = [np.arange(start, stop) for start, stop in pairwise(edges.tolist())]
    found: F64 | None = None
    for points in _POINTS:
        many = [run for run in runs if len(run) >= _WORTH * points]
        if not many:
            continue
        left, values = _interpolated(pairs, many, points, answer)
        for run, own in values:
            found = np.empty((len(pairs.x), own.shape[1])) if found is None else found
            found[run] = own
        runs = [run for run in runs if len(run) < _WORTH * points] + left
    if found is None:
        return answer(pairs)
    rest = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *runs]))
    if len(rest):
        found[rest] = answer(_at(pairs, rest, pairs.end[rest]))
    return found


def _interpolated(
    pairs: Pairs, runs: list[I64], points: int, answer: Answer
) -> tuple[list[I64], list[tuple[I64, F64]]]:
    """Give the runs that need more points, and the others with their answers."""
    nodes = np.cos((np.arange(points) + 0.5) * np.pi / points)
    to_coefficients = chebyshev.chebvander(nodes, points - 1).T * (2.0 / points)
    to_coefficients[0] /= 2.0
    low, high = (np.array([f(np.log(pairs.end[run])) for run in runs]) for f in (np.min, np.max))
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    ends = np.exp(middle[:, None] + half[:, None] * nodes).ravel()
    firsts = np.repeat([run[0] for run in runs], points)
    logs = np.log(np.maximum(answer(_at(pairs, firsts, ends)), 1e-300)).reshape(len(runs), points, -1)
    coefficients = np.einsum("cp,rpk->rck", to_coefficients, logs)
    size = np.maximum(np.abs(coefficients[:, 0]).max(axis=1), 1.0)
    fine = np.abs(coefficients[:, -_LAST:]).max(axis=(1, 2)) <= _NEGLIGIBLE * size
    left, values = [], []
    for i, run in enumerate(runs):
        if fine[i]:
            place = (np.log(pairs.end[run]) - middle[i]) / half[i]
            values.append((run, np.exp(chebyshev.chebval(place, coefficients[i])).T))
        else:
            left.append(run)
    return left, values


def _at(pairs: Pairs, rows: I64, ends: F64) -> Pairs:
    """Pairs of the x, length and a of some rows, at other ends."""
    return Pairs(pairs.x[rows], ends, pairs.days[rows], pairs.a[rows], np.arange(len(rows)))

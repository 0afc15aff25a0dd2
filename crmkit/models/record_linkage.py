"""Which records are one: pairs within blocks, agreement weights, clusters around a centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from crmkit.errors import FitError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_ROUNDS: Final = 1000
_CLOSE: Final = 1e-10
# Half a pair per level: no level that was never seen has a weight without end.
_HALF: Final = 0.5


def pairs_in_blocks(block: I64, row: I64, *, most: int, window: int) -> tuple[I64, I64]:
    """All pairs of rows that share a block, each once.

    Parameters
    ----------
    block, row : int64, shape (n,)
        Which row is in which block; rows of a block stand together, in an order of their own.
    most : int
        Rows of a block that are all compared with one another.
    window : int
        In a larger block, each row is compared with so many rows that follow it.

    Returns
    -------
    first, second : int64, shape (pairs,)
        first < second, ascending.
    """
    begins = np.flatnonzero(np.append(True, block[1:] != block[:-1])) if len(block) else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.append(begins, len(block)))
    length = np.repeat(lengths, lengths)
    left = length - (np.arange(len(block)) - np.repeat(begins, lengths)) - 1  # rows of the block behind this one
    reach = np.minimum(left, np.where(length > most, window, most))
    width = np.int64(row.max(initial=0)) + 1
    seen = [np.empty(0, dtype=np.int64)]
    places = np.flatnonzero(reach > 0)
    for step in range(1, int(reach.max(initial=0)) + 1):
        places = places[reach[places] >= step]
        one, other = row[places], row[places + step]
        seen.append(np.minimum(one, other) * width + np.maximum(one, other))
    both = np.unique(np.concatenate(seen))
    both = both[both // width != both % width]
    return both // width, both % width


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Fellegi-Sunter probabilities of the levels of agreement.

    Attributes
    ----------
    matched, unmatched : tuple of float64, one per field, shape (levels,)
        P(level | the pair is one person) and P(level | two persons), of pairs in which both know the field.
    share : float
        Share of the pairs that are one person.
    rounds : int
        Rounds until nothing moved.
    """

    matched: tuple[F64, ...]
    unmatched: tuple[F64, ...]
    share: float
    rounds: int


def fit_agreement(
    patterns: I64, counts: I64, *, matched: Sequence[F64], unmatched: Sequence[F64], share: float
) -> Agreement:
    """Estimate what levels of agreement say, by expectation and maximisation without any label.

    Parameters
    ----------
    patterns : int64, shape (p, fields)
        Distinct patterns; 0 is unknown, else the level from 1.
    counts : int64, shape (p,)
        Pairs of each.
    matched, unmatched : sequence of float64
        Where to begin: probabilities of the levels, per field.
    share : float
        Where to begin: share of the pairs that are one person, in (0, 1).

    Returns
    -------
    Agreement

    Raises
    ------
    FitError
        There is no pair, or it does not settle.

    Notes
    -----
    Fields are taken as independent given the truth; an unknown field says nothing.

    References
    ----------
    Fellegi & Sunter (1969), JASA 64(328); Winkler (1988), Proc. ASA Survey Research Methods, on the EM steps.
    """
    if not counts.sum():
        raise FitError("There is no candidate pair to learn weights from; expected leads that share a block.")
    m, u, level = list(matched), list(unmatched), patterns - 1
    weight = counts.astype(np.float64)
    for done in range(1, _ROUNDS + 1):
        odds = np.full(len(patterns), float(logit(share)))
        for field, (ours, theirs) in enumerate(zip(m, u, strict=True)):
            odds += np.append(np.log(ours / theirs), 0.0)[level[:, field]]  # place -1, unknown, adds 0
        one = expit(odds) * weight
        before = share
        share = float(np.clip(one.sum() / weight.sum(), 1e-9, 1.0 - 1e-9))
        moved = abs(share - before)
        for field in range(len(m)):
            for side, mass in ((m, one), (u, weight - one)):
                seen = level[:, field] >= 0
                total = np.bincount(level[seen, field], mass[seen], len(side[field])) + _HALF
                renewed = total / total.sum()
                moved = max(moved, float(np.abs(renewed - side[field]).max()))
                side[field] = renewed
        if moved < _CLOSE:
            return Agreement(tuple(m), tuple(u), share, done)
    raise FitError(f"The weights did not settle within {_ROUNDS} rounds; give more leads, or use the stated weights.")


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """Clusters in which every member is linked to the centre itself.

    Attributes
    ----------
    centre : int64, shape (n,)
        Whose cluster a node is in; a centre is its own.
    link : int64, shape (n,)
        Which link made it so; -1 for centres.
    component : int64, shape (n,)
        Nodes that are linked in any way have one number.
    """

    centre: I64
    link: I64
    component: I64


def star_clusters(nodes: int, first: I64, second: I64, score: F64, rank: I64) -> Stars:
    """Cluster linked nodes around centres, so that no chain of links joins what is not linked itself.

    The best node that is not yet in a cluster becomes a centre and takes those that are linked to it; and so on.
    Centres are never linked to each other. A node that is linked to several centres goes where its link is strongest.

    Parameters
    ----------
    nodes : int
        How many there are.
    first, second : int64, shape (links,)
    score : float64, shape (links,)
    rank : int64, shape (nodes,)
        All different; the lowest is best.

    Returns
    -------
    Stars

    References
    ----------
    Hassanzadeh, Chiang, Lee & Miller (2009), Framework for evaluating clustering algorithms in duplicate detection,
    PVLDB 2(1), section 3.2 (CENTER and star clustering).
    """
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1].astype(np.int64)
    ends = np.concatenate([first, second]), np.concatenate([second, first])
    undecided, chosen = np.ones(nodes, dtype=bool), np.zeros(nodes, dtype=bool)
    left = np.arange(len(ends[0]))
    while len(left):  # all nodes better than their neighbours at once: the same set as one by one
        best = np.full(nodes, np.iinfo(np.int64).max)
        np.minimum.at(best, ends[0][left], rank[ends[1][left]])
        new = undecided & (rank < best)
        chosen |= new
        undecided &= ~new
        undecided[ends[1][left[new[ends[0][left]]]]] = False
        left = left[undecided[ends[0][left]] & undecided[ends[1][left]]]
    chosen |= undecided
    centre, link = np.arange(nodes), np.full(nodes, -1)
    to = np.flatnonzero(chosen[ends[1]] & ~chosen[ends[0]])
    to = to[np.lexsort((rank[ends[1][to]], -score[to % len(score)] if len(score) else to, ends[0][to]))]
    member, place = np.unique(ends[0][to], return_index=True)
    centre[member] = ends[1][to[place]]
    link[member] = to[place] % max(len(score), 1)
    return Stars(centre.astype(np.int64), link.astype(np.int64), component)

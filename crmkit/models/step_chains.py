"""How far a chain of steps is followed from each of its starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


def chain_depths(key: I64, step: I64, time: I64, chain: Sequence[int], longest: float) -> tuple[I64, I64]:
    """Follow the chain from every event of its first step.

    Parameters
    ----------
    key, step, time : int64, shape (n,)
        Whose event it is, which step, when; in any order.
    chain : sequence of int
        Steps in their order, one or more; one may stand in it several times, each time another event.
    longest : float
        Time from the start to the last step, at most.

    Returns
    -------
    start, depth : int64, shape (s,)
        Row of each event of the first step; how many steps of the chain follow from it, itself included.

    Notes
    -----
    Each step takes the earliest event of its kind at or after the one before that the chain has not used: by exchange,
    no other choice comes further. Events of one time may stand in any order, so that a step can follow another at once.
    """
    _, at = np.unique(time, return_inverse=True)
    line = key * np.int64(at.max(initial=0) + 2) + at  # keys one after the other, times within
    rows = {one: _sorted(np.flatnonzero(step == one), line) for one in set(chain)}
    start = rows[chain[0]]
    depth = np.ones(len(start), dtype=np.int64)
    here, used = start, {chain[0]: np.arange(len(start))}
    alive = np.ones(len(start), dtype=np.bool_)
    for one in chain[1:]:
        mine = rows[one]
        found = np.searchsorted(line[mine], line[here], side="left")
        if one in used:
            found = np.maximum(found, used[one] + 1)
        inside = found < len(mine)
        safe = mine[np.minimum(found, len(mine) - 1)] if len(mine) else here
        alive &= inside & (key[safe] == key[start]) & (time[safe] - time[start] <= longest)
        depth += alive
        here = np.where(alive, safe, here)
        used = {**used, one: found}
    return start, depth


def _sorted(rows: NDArray[np.intp], line: I64) -> I64:
    return rows[np.argsort(line[rows], kind="stable")].astype(np.int64)

"""Who could have been exposed when: numbers at risk by age and stratum, and what became of them.

Age runs in cells. A subject is watched in the cells [0, until), in each of which it is in one stratum; it is compared
at the end of a cell, if it has not converted by then. A conversion in cell v counts as an outcome of the cells
[v - horizon, v): those whose end lies at most `horizon` cells before the end of cell v.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.models.histories import F64

I64 = NDArray[np.int64]
# Stands for a cell that never comes.
NEVER = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """Subjects, in cells of age.

    Attributes
    ----------
    until : int64, shape (n,)
        Cells that can be compared: neither converted by their end nor too young for the horizon after it.
    converted : int64, shape (n,)
        Cell of the conversion; NEVER where there is none.
    kind : int64, shape (n,)
        Stratum by what does not change, from 0.
    rises : int64, shape (n, k)
        First cell of each higher level of what does change, ascending along a row.
    """

    until: I64
    converted: I64
    kind: I64
    rises: I64

    def of(self, rows: NDArray[np.int64]) -> Subjects:
        """Take some of the subjects, repeated ones included."""
        return Subjects(self.until[rows], self.converted[rows], self.kind[rows], self.rises[rows])

    def stratum_at(self, cell: I64) -> I64:
        """Stratum of each subject in a cell of its own, shape (n,)."""
        levels = self.rises.shape[1] + 1
        return np.asarray(self.kind * levels + (self.rises <= cell[:, None]).sum(axis=1), dtype=np.int64)

    def converts_after(self, cell: I64, horizon: int) -> NDArray[np.bool_]:
        """Whether each converts within the horizon after the end of a cell of its own, shape (n,)."""
        return np.asarray((cell < self.converted) & (self.converted <= cell + horizon))


def at_risk(subjects: Subjects, start: I64, *, cells: int, strata: int, horizon: int) -> tuple[F64, F64]:
    """Count subjects from a cell on.

    Parameters
    ----------
    subjects : Subjects
    start : int64, shape (n,)
        Cell from which each is counted, at least 0.
    cells, strata : int
        Size of the answer: ages, kinds times levels.
    horizon : int
        In cells, at least 1.

    Returns
    -------
    subjects, events : float64, shape (cells, strata)
        Number in each cell and stratum; those of them who convert within the horizon after its end.
    """
    levels = subjects.rises.shape[1] + 1
    edges = np.column_stack([np.zeros_like(start), subjects.rises, np.full_like(start, NEVER)])
    first = np.maximum(start, subjects.converted - horizon)
    last = np.minimum(subjects.until, subjects.converted)
    present, events = np.zeros((2, (cells + 1) * strata))
    for level in range(levels):
        stratum = subjects.kind * levels + level
        spans = (
            (present, np.maximum(start, edges[:, level]), np.minimum(subjects.until, edges[:, level + 1])),
            (events, np.maximum(first, edges[:, level]), np.minimum(last, edges[:, level + 1])),
        )
        for steps, begin, end in spans:
            real = begin < end
            for at, sign in ((begin, 1.0), (end, -1.0)):
                steps += sign * np.bincount(at[real] * strata + stratum[real], minlength=len(steps))
    return tuple(np.cumsum(steps.reshape(cells + 1, strata), axis=0)[:cells] for steps in (present, events))  # type: ignore[return-value]

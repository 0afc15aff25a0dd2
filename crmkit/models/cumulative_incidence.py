"""Aalen-Johansen: the share that has ended in one way by each age, while others still run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def cumulative_incidence(age: I64, kind: I64, *, longest: int) -> F64:
    """Share that has ended in the way 1 by the end of each age.

    Parameters
    ----------
    age : int64, shape (n,)
        Whole ages at the end, or as far as was watched; at least 0.
    kind : int64, shape (n,)
        1: ended in the way asked for; 2: in any other way; 0: still watched when the data end.
    longest : int
        Last age of the answer, at least 0.

    Returns
    -------
    float64, shape (longest + 1,)
        Rising; flat where nobody is watched any longer.

    References
    ----------
    Aalen & Johansen (1978), "An empirical transition matrix for non-homogeneous Markov chains based on censored
    observations", Scandinavian Journal of Statistics 5(3); Kalbfleisch & Prentice (2002), section 8.2.
    """
    cut = np.minimum(age, longest + 1)
    watched, ended, mine = (
        np.bincount(part, minlength=longest + 2)[: longest + 2].astype(np.float64)
        for part in (cut, cut[kind > 0], cut[kind == 1])
    )
    at_risk = np.maximum(watched[::-1].cumsum()[::-1], 1.0)
    left = np.cumprod(1.0 - ended / at_risk)
    before = np.concatenate([[1.0], left[:-1]])
    return np.asarray(np.cumsum(before * mine / at_risk)[: longest + 1])

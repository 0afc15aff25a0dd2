"""Many tests at once: p-values adjusted so that false alarms stay rare over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.errors import DomainError


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each test would be called.

    Parameters
    ----------
    p_values : array-like, shape (n,)
        In [0, 1].

    Returns
    -------
    float64, shape (n,)
        Calling those at most q keeps the expected share of false calls at q, and where no effect is there at all the
        chance of any call. Holds for independent tests and for positively dependent ones.

    References
    ----------
    Benjamini & Hochberg (1995), JRSS B 57(1); Benjamini & Yekutieli (2001), Annals of Statistics 29(4).
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0.0) & (p <= 1.0)).all():
        raise DomainError("p-values must have one dimension and lie between 0 and 1.")
    order = np.argsort(p, kind="stable")
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return np.minimum(adjusted, 1.0)

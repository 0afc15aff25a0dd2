"""Shares of few observations, drawn towards what is usual."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from crmkit.errors import DomainError

F64 = npt.NDArray[np.float64]


def shrunk_share(hits: F64, of: F64, usual: F64, *, strength: float, level: float = 0.95) -> tuple[F64, F64, F64]:
    """Share of hits with an interval, the usual share counting as `strength` observations.

    Parameters
    ----------
    hits, of : float64, shape (n,)
        Hits, and observations; counts, 0 <= hits <= of.
    usual : float64, shape (n,)
        Share before anything is observed; in [0, 1].
    strength : float
        How many observations the usual share is worth; above 0.
    level : float
        Of the interval; in (0, 1).

    Returns
    -------
    share, low, high : float64, shape (n,)
        Mean and central interval of Beta(hits + strength usual, of - hits + strength (1 - usual)), the posterior of a
        binomial share; where the usual share is 0 or 1 and nothing speaks against it, all three are that.

    Raises
    ------
    DomainError
        `strength` or `level` is out of its domain.
    """
    if not (np.isfinite(strength) and strength > 0.0 and 0.0 < level < 1.0):
        raise DomainError(f"strength must be above 0 and level in (0, 1), got {strength!r} and {level!r}.")
    a, b = hits + strength * usual, of - hits + strength * (1.0 - usual)
    share = a / (of + strength)
    sure = (a == 0.0) | (b == 0.0)
    safe_a, safe_b = np.where(sure, 1.0, a), np.where(sure, 1.0, b)
    low, high = (betaincinv(safe_a, safe_b, q) for q in ((1.0 - level) / 2.0, (1.0 + level) / 2.0))
    return share, np.where(sure, share, low), np.where(sure, share, high)

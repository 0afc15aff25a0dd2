"""The largest of each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import DomainError


def strongest(contributions: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Columns of the k largest contributions above 0, the largest first; -1 where there are fewer; shape (n, k).

    Parameters
    ----------
    contributions : float64, shape (n, c)
    k : int
        At least 1.
    """
    if k < 1:
        raise DomainError(f"k must be at least 1 (reasons), got {k}.")
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :k]
    found = np.where(np.take_along_axis(contributions, order, axis=1) > 0.0, order, -1)
    return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)

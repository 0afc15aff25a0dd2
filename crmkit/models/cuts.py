"""Score cuts: quantiles that keep ties together, or thresholds of the caller's, as values that can be kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from crmkit.errors import DomainError

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Cuts between scores: a score is 1 plus the number of cuts passed.

    Attributes
    ----------
    days_since_order : tuple of float
        Days; descending, passed by fewer days than the cut: (365, 90) scores 400 days 1, 100 days 2, 89 days 3.
    order_count, revenue : tuple of float
        Count, money; ascending, passed by more than the cut: (1, 3) scores one order 1, two orders 2, four orders 3.
    customers : int
        Customers that the cuts were made from; 0 for thresholds set by hand.

    Raises
    ------
    DomainError
        A cut is not finite or out of order, or a measure has none.
    """

    days_since_order: tuple[float, ...]
    order_count: tuple[float, ...]
    revenue: tuple[float, ...]
    customers: int = 0

    def __post_init__(self) -> None:
        for name, sign in (("days_since_order", -1.0), ("order_count", 1.0), ("revenue", 1.0)):
            cuts = tuple(float(cut) for cut in getattr(self, name))
            object.__setattr__(self, name, cuts)
            order = "descending" if sign < 0 else "ascending"
            if not cuts or not np.isfinite(cuts).all() or any(sign * a > sign * b for a, b in pairwise(cuts)):
                raise DomainError(f"{name} must hold finite cuts, {order}, one fewer than scores, got {cuts}.")

    @property
    def scores(self) -> tuple[int, int, int]:
        """Number of scores for days, count and revenue."""
        return len(self.days_since_order) + 1, len(self.order_count) + 1, len(self.revenue) + 1

    def to_json(self) -> str:
        """Write the cuts as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Cuts:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def tied_quantiles(values: F64, counts: npt.NDArray[np.int64], scores: int) -> tuple[float, ...]:
    """Quantile cuts at observed values, so that equal values always get one score.

    With n observations in ascending order, cut s (s = 1 .. scores - 1) is observation number ceil(n s / scores) and is
    passed by greater values: a value's score is 1 + floor(scores (its minimum rank - 1) / n).

    Parameters
    ----------
    values : float64, shape (m,)
        Distinct observed values, ascending.
    counts : int64, shape (m,)
        How often each was observed, at least 1.
    scores : int
        Number of scores, at least 2.

    Returns
    -------
    tuple of float, length scores - 1
        Ascending.
    """
    n = int(counts.sum())
    upto = np.cumsum(counts)
    ranks = [-(-n * s // scores) for s in range(1, scores)]  # integers: n s / scores in floats may miss a rank
    return tuple(float(values[i]) for i in np.searchsorted(upto, ranks))


def least_of_top(values: F64, counts: npt.NDArray[np.int64], share: float) -> float:
    """Least value of the upper share: a smaller share than `share` of the observations is greater.

    Parameters
    ----------
    values : float64, shape (m,)
        Distinct observed values, ascending.
    counts : int64, shape (m,)
        How often each was observed, at least 1.
    share : float
        In (0, 1].

    Returns
    -------
    float
        An observed value, 0 if there is none. Equal values are in the upper share together.
    """
    if not len(values):
        return 0.0
    n = int(counts.sum())
    greater = n - np.cumsum(counts)
    return float(values[np.argmax(greater / n < share)])  # the quotient is rounded as `share` was: .7 is 7 / 10

"""Rates of owners within segments: do they differ by more than chance, what is each worth, and who takes whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog, minimize_scalar
from scipy.special import betaincinv, betaln, chdtrc

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import wilson_ends

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_MOST_ALIKE: Final = 1e5  # a prior of so many leads leaves nothing of what one owner did


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Whether owners differ within segments.

    Attributes
    ----------
    statistic, freedom : float
        Chi-square and its degrees of freedom; 0 of 0 where nothing can be compared.
    p_value : float
    """

    statistic: float
    freedom: float
    p_value: float


def heterogeneity(x: F64, n: F64, segment: I64) -> Heterogeneity:
    """Test whether the rates of the cells of one segment are equal, over all segments.

    Parameters
    ----------
    x, n : float64, shape (k,)
        Conversions and leads of each cell (an owner in a segment), n above 0.
    segment : int64, shape (k,)
        From 0.

    Notes
    -----
    Pearson's statistic of each segment's table of owners by outcome, times (N - 1) / N, which gives it the mean k - 1
    that its chi-square has exactly, however small the cells; summed over segments.

    References
    ----------
    Haldane (1940), "The mean and variance of chi-squared, when used as a test of homogeneity, when expectations are
    small", Biometrika 31(3/4).
    """
    many = int(segment.max()) + 1 if len(segment) else 0
    won, total = np.bincount(segment, x, many), np.bincount(segment, n, many)
    owners = np.bincount(segment, minlength=many)
    rate = won / np.maximum(total, 1.0)
    spread = rate * (1.0 - rate)
    used = (owners > 1) & (spread > 0.0)
    inside = used[segment]
    parts = (x - n * rate[segment])[inside] ** 2 / (n * spread[segment])[inside]
    scaled = parts * ((total - 1.0) / np.maximum(total, 1.0))[segment][inside]
    freedom, statistic = float((owners[used] - 1).sum()), float(scaled.sum())
    return Heterogeneity(statistic, freedom, float(chdtrc(freedom, statistic)) if freedom else 1.0)


def prior_leads(x: F64, n: F64, mean: F64) -> float:
    """How many leads' worth of the segment's rate each cell is shrunk by: beta-binomial likelihood, maximised.

    Parameters
    ----------
    x, n : float64, shape (k,)
    mean : float64, shape (k,)
        Rate of the cell's segment, inside (0, 1).
    """

    def loss(log_size: float) -> float:
        a, b = np.exp(log_size) * mean, np.exp(log_size) * (1.0 - mean)
        return -float((betaln(a + x, b + n - x) - betaln(a, b)).sum())

    found = minimize_scalar(loss, bounds=(0.0, np.log(_MOST_ALIKE)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def shrunken(x: F64, n: F64, mean: F64, size: float, *, level: float) -> tuple[F64, F64, F64]:
    """Posterior mean and interval of each cell's rate, given a beta prior with that mean and size."""
    a, b, tail = size * mean + x, size * (1.0 - mean) + n - x, (1.0 - level) / 2.0
    return a / (a + b), np.asarray(betaincinv(a, b, tail)), np.asarray(betaincinv(a, b, 1.0 - tail))


def segment_rates(x: F64, n: F64, *, level: float) -> tuple[F64, F64, F64]:
    """Rate of each segment with half a conversion and half a failure added, and Wilson's interval of it."""
    ends = [wilson_ends(float(a / b), float(b), level=level) if b else (0.0, 1.0) for a, b in zip(x, n, strict=True)]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    return (x + 0.5) / (n + 1.0), low, high


def most_expected(worth: F64, leads: I64, capacity: I64) -> I64:
    """Share classes of leads out so that the sum of their worth is largest.

    Parameters
    ----------
    worth : float64, shape (c, o)
        Of a lead of the class with the owner, in [0, 1].
    leads : int64, shape (c,)
    capacity : int64, shape (o,)

    Returns
    -------
    int64, shape (c, o)
        Leads of each class to each owner: as many as fit in all, and of these the most worth.

    Notes
    -----
    The transport problem as a linear programme; its vertices are whole (Hitchcock 1941, Journal of Mathematics and
    Physics 20).
    """
    classes, owners = worth.shape
    if min(classes, owners) == 0:
        return np.zeros(worth.shape, dtype=np.int64)
    rows = sparse.kron(sparse.eye_array(classes), np.ones((1, owners)))
    columns = sparse.kron(np.ones((1, classes)), sparse.eye_array(owners))
    limits = np.concatenate([leads, capacity]).astype(np.float64)
    # 2 for being taken at all: worth differs by less than that, so no lead is left while somebody is free.
    uses: Any = sparse.vstack([rows, columns]).tocsr()  # the stubs know dense tables only
    found = linprog(-(2.0 + worth.ravel()), uses, limits, method="highs-ds")
    if found.x is None:
        raise DomainError(f"The leads can't be shared out: {found.message}")
    return np.asarray(np.rint(found.x), dtype=np.int64).reshape(worth.shape)


def in_turn(leads: I64, capacity: I64) -> list[I64]:
    """Share classes of leads out in proportion to capacity, one owner after the other.

    Returns
    -------
    list of int64 arrays
        Per class, the owner of each of its leads in turn; shorter than the class where capacity ends.
    """
    taken = min(int(leads.sum()), int(capacity.sum()))
    owner = np.repeat(np.arange(len(capacity)), capacity)
    first = np.cumsum(capacity) - capacity
    turn = (np.arange(len(owner)) - first[owner] + 0.5) / capacity[owner]
    queue = owner[np.lexsort((owner, turn))][:taken]
    ends = np.cumsum(leads)
    return [queue[start:end] for start, end in zip((ends - leads).tolist(), ends.tolist(), strict=True)]

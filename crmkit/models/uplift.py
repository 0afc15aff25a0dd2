"""Did a ranking put first whom the treatment moves? Gain and Qini curves of a test with a hold-out.

With y the outcome, N_t and N_c the treated and the held out, a ranking's gain at share s is
g(s) = sum of y over the treated in the top s / N_t - sum of y over the held out in the top s / N_c: outcomes per head
of the whole base that treating the top s brings about. It needs no equal groups. The Qini coefficient is the area
between g and the line s g(1) of a random order. Both are differences of two means, so their intervals have a closed
form.

Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing Analytics Journal; in counts per
head of each group instead of counts, so that the hold-out may be small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import F64, columns
from crmkit.models.two_samples import Difference, difference_of_means


def qini(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike, *, level: float = 0.95) -> Difference:
    """Qini coefficient of a ranking: outcomes per head gained over a random order, averaged over all shares.

    Parameters
    ----------
    score : array-like, shape (n,)
        Higher is first; equal scores enter together.
    treated : array-like of 0 and 1, shape (n,)
        Assigned by chance; at least two of each.
    outcome : array-like, shape (n,)
        1 or 0, or money.

    Returns
    -------
    Difference
        Mean of y (1/2 - s) over the treated less that over the held out, s the share at which the row enters. The
        interval takes the ranking as given: scores must come from other rows than these (cross-fitting).
    """
    rank, t, y = _checked(score, treated, outcome)
    return _between(y * (0.5 - rank), t, level)


def qini_difference(
    score: ArrayLike, other: ArrayLike, treated: ArrayLike, outcome: ArrayLike, *, level: float = 0.95
) -> Difference:
    """Qini coefficient of a ranking less that of another one, of the same rows."""
    rank, t, y = _checked(score, treated, outcome)
    rank_other, _, _ = _checked(other, treated, outcome)
    return _between(y * (rank_other - rank), t, level)


def gain(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike, share: float, *, level: float = 0.95) -> Difference:
    """g(s): outcomes per head of the base that treating the top share brings about; share in [0, 1]."""
    rank, t, y = _checked(score, treated, outcome)
    return _between(y * _entered(rank, share), t, level)


def uplift_in_top(
    score: ArrayLike, treated: ArrayLike, outcome: ArrayLike, share: float, *, level: float = 0.95
) -> Difference | None:
    """Mean outcome of the treated less that of the held out among the top share; None with fewer than two of either."""
    rank, t, y = _checked(score, treated, outcome)
    top = rank <= share
    if min(int(t[top].sum()), int((1.0 - t[top]).sum())) < 2:
        return None
    return _between(y[top], t[top], level)


def _checked(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> tuple[F64, F64, F64]:
    """Return the share at which each row enters, the middle of its own; treatment; outcome."""
    s, t, y = columns(score=score, treated=treated, outcome=outcome)
    if not np.isin(t, (0.0, 1.0)).all() or min(t.sum(), (1.0 - t).sum()) < 2:
        raise DomainError("treated must be 0 or 1, with at least two of each: the held out are what uplift is against.")
    return (rankdata(-s, method="average") - 0.5) / len(s), t, y


def _entered(rank: F64, share: float) -> F64:
    """Part of each row in the top share; rows of equal rank enter together, bit by bit."""
    if not 0.0 <= share <= 1.0:
        raise DomainError(f"share must lie between 0 and 1, got {share}.")
    _, place, count = np.unique(rank, return_inverse=True, return_counts=True)
    width = count[place] / len(rank)
    part: F64 = np.clip((share - (rank - width / 2.0)) / width, 0.0, 1.0)
    return part


def _between(values: F64, treated: F64, level: float) -> Difference:
    b, a = values[treated == 1.0], values[treated == 0.0]
    moments = [(float(v.mean()), float(v.std(ddof=1)), len(v)) for v in (a, b)]
    return difference_of_means(*moments[0], *moments[1], level=level)

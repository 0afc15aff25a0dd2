"""Two groups compared within strata: Mantel-Haenszel difference and ratio of risks, their intervals.

With n1 exposed, x1 events among them, n0 and x0 of the others and N = n1 + n0 in each stratum. The weights
w = n1 n0 / N make the estimates hold for a few large strata and for many with a single exposed alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import columns, normal_width


@dataclass(frozen=True, slots=True)
class Contrast:
    """Risks of two groups over the same strata.

    Attributes
    ----------
    exposed, unexposed : float
        Risk of each, both over the strata in the weights w: their difference is `difference`.
    difference, low, high : float
        Mantel-Haenszel difference of risks and its interval, within [-1, 1].
    ratio, ratio_low, ratio_high : float or None
        Mantel-Haenszel ratio and its interval; None where a group has no event.
    """

    exposed: float
    unexposed: float
    difference: float
    low: float
    high: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


def mantel_haenszel(
    events_exposed: ArrayLike, exposed: ArrayLike, events_others: ArrayLike, others: ArrayLike, *, level: float = 0.95
) -> Contrast:
    """Compare risks within strata and pool.

    Parameters
    ----------
    events_exposed, exposed, events_others, others : array-like, shape (k,)
        x1, n1, x0, n0 of each stratum; 0 <= x <= n. Strata in which a group is empty count for nothing; at least one
        must have both.
    level : float
        Of the intervals, in (0, 1).

    References
    ----------
    Greenland & Robins (1985), "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41(1):
    difference, ratio and the variance of its logarithm. Sato (1989), "On the variance estimator for the
    Mantel-Haenszel risk difference", Biometrics 45(4): a variance for large strata and for sparse ones.
    """
    x1, n1, x0, n0 = columns(exposed_events=events_exposed, exposed=exposed, others_events=events_others, others=others)
    if not ((x1 >= 0).all() and (x1 <= n1).all() and (x0 >= 0).all() and (x0 <= n0).all()):
        raise DomainError("Events must lie between 0 and the size of their group in every stratum.")
    both = (n1 > 0) & (n0 > 0)
    if not both.any():
        raise DomainError("A comparison needs a stratum with both exposed and others; there is none.")
    x1, n1, x0, n0 = (part[both] for part in (x1, n1, x0, n0))
    total = n1 + n0
    weight = float((n1 * n0 / total).sum())
    above, below = float((x1 * n0 / total).sum()), float((x0 * n1 / total).sum())
    difference, width = (above - below) / weight, normal_width(level)
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2.0) / total**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2.0 * total)
    error = math.sqrt(max(difference * float(p.sum()) + float(q.sum()), 0.0)) / weight
    ends = max(difference - width * error, -1.0), min(difference + width * error, 1.0)
    if above == 0.0 or below == 0.0:
        return Contrast(above / weight, below / weight, difference, *ends, None, None, None)
    spread = float(((n1 * n0 * (x1 + x0) - x1 * x0 * total) / total**2).sum())
    factor = math.exp(width * math.sqrt(max(spread, 0.0) / (above * below)))
    ratio = above / below
    return Contrast(above / weight, below / weight, difference, *ends, ratio, ratio / factor, ratio * factor)

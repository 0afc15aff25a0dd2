"""Weight of evidence: bins of a column, what each says of the odds, and how far two distributions lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import xlogy

F64 = NDArray[np.float64]
Direction: TypeAlias = Literal["increasing", "decreasing", "none"]
# One parameter more must gain this much deviance (Akaike 1974).
_WORTH = 2.0


@dataclass(frozen=True, slots=True)
class NumberBins:
    """Half-open ranges of a number.

    Attributes
    ----------
    edges : tuple of float
        Ascending lower ends of all ranges but the first, each an observed value: bin i holds `edges[i - 1]` <= x <
        `edges[i]`.
    direction : {"increasing", "decreasing", "none"}
        Which way the rate goes from bin to bin; "none" where it was left free.
    """

    edges: tuple[float, ...]
    direction: Direction


def number_bins(
    values: F64,
    came: F64,
    count: F64,
    *,
    least: float,
    direction: Literal["auto", "increasing", "decreasing", "none"] = "auto",
) -> NumberBins:
    """Cut a number into ranges whose rates go one way.

    Parameters
    ----------
    values : float64, shape (n,)
        Finite, at least one.
    came, count : float64, shape (n,)
        Outcomes, 1 or 0; weights, above 0.
    least : float
        Smallest weight of a bin, above 0; fewer rows in all make one bin.
    direction : {"auto", "increasing", "decreasing", "none"}
        "auto" takes the direction of higher likelihood; "none" leaves the rate free to turn.

    Notes
    -----
    Isotonic regression is the maximum-likelihood fit of a monotone rate, and its level sets are the finest bins it can
    tell apart. Bins below `least` join the neighbour that costs the least likelihood; then neighbours are joined as
    long as the deviance lost is below 2 (AIC). Only the order of the values matters: any increasing function of them
    gives the same bins. Sums of whole weights are exact, so that rows may come in any order.

    References
    ----------
    Barlow, Bartholomew, Bremner & Brunk (1972), "Statistical Inference under Order Restrictions", section 1.2; Zeng
    (2014), "A necessary condition for a good binning algorithm in credit scoring", Applied Mathematical Sciences 8(65).
    """
    distinct, weight, events = _by_value(values, came, count)
    if direction == "none":
        groups = max(1, int(weight.sum() / least))
        before = np.cumsum(weight) - weight
        starts = np.flatnonzero(np.diff(np.floor(groups * before / weight.sum()), prepend=-1.0))
        kept = _joined(weight, events, starts, least)
        return NumberBins(tuple(distinct[kept[1:]].tolist()), "none")
    best: tuple[float, Direction, NDArray[np.intp]] | None = None
    ways: tuple[Direction, ...] = ("increasing", "decreasing") if direction == "auto" else (direction,)
    for way in ways:
        blocks = isotonic_regression(events / weight, weights=weight, increasing=way == "increasing").blocks
        starts = _joined(weight, events, blocks[:-1], least)
        likelihood = float(_likelihood(np.add.reduceat(events, starts), np.add.reduceat(weight, starts)).sum())
        # Sums of logarithms differ in the last bits: what is no better is not taken.
        if best is None or likelihood > best[0] + 1e-9 * abs(best[0]):
            best = (likelihood, way, starts)
    assert best is not None
    return NumberBins(tuple(distinct[best[2][1:]].tolist()), best[1])


def _by_value(values: F64, came: F64, count: F64) -> tuple[F64, F64, F64]:
    """Distinct values, ascending, with their weight and what came."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
    weight = count[order]
    return ordered[starts], np.add.reduceat(weight, starts), np.add.reduceat(weight * came[order], starts)


def _joined(weight: F64, events: F64, starts: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    """Join neighbours until all bins are large enough and worth their parameter; returns where bins start."""
    n, e = np.add.reduceat(weight, starts), np.add.reduceat(events, starts)
    kept, own = np.asarray(starts, dtype=np.intp), _likelihood(e, n)
    while len(kept) > 1:
        both = _likelihood(e[:-1] + e[1:], n[:-1] + n[1:])
        lost = 2.0 * (own[:-1] + own[1:] - both)
        small = n < least
        if small.any():
            lost = np.where(small[:-1] | small[1:], lost, np.inf)
        i = int(np.argmin(lost))
        if not small.any() and lost[i] >= _WORTH:
            break
        n[i], e[i], own[i] = n[i] + n[i + 1], e[i] + e[i + 1], both[i]
        n, e, own, kept = (np.delete(part, i + 1) for part in (n, e, own, kept))
    return kept


def _likelihood(events: F64, weight: F64) -> F64:
    rest = weight - events
    return np.asarray(xlogy(events, events / weight) + xlogy(rest, rest / weight))


def weight_of_evidence(events: F64, others: F64, *, smoothing: float = 0.0) -> F64:
    """Logarithm of the odds of each bin over the odds of all: above 0 speaks for the event.

    Parameters
    ----------
    events, others : float64, shape (b,)
        Weight of those who came, and of those who did not, per bin; both above 0 in sum.
    smoothing : float
        Rows of the average rate that are added to each bin, at least 0: holds small bins near 0 and keeps bins of one
        class finite. At 0 they are infinite; a bin without rows is 0.

    References
    ----------
    Good (1985), "Weight of evidence: a brief survey", Bayesian Statistics 2; smoothing: Cestnik's m-estimate (1990).
    """
    rate = float(events.sum()) / float(events.sum() + others.sum())
    with np.errstate(divide="ignore", invalid="ignore"):  # a bin without rows: 0 over 0
        found = np.log(events + smoothing * rate) - np.log(others + smoothing * (1.0 - rate))
        found = np.where(events + others > 0.0, found - np.log(rate / (1.0 - rate)), 0.0)
    return np.asarray(found, dtype=np.float64)


def information_value(events: F64, others: F64) -> float:
    """How far the two classes lie apart over bins, at least 0: below .02 next to nothing, above .5 suspiciously much.

    Sum over bins of (share of the events - share of the others) times the weight of evidence: the symmetric divergence
    of Jeffreys (1946). Infinite where a bin holds one class only.

    Parameters
    ----------
    events, others : float64, shape (b,)
        As `weight_of_evidence`.
    """
    return divergence(events / events.sum(), others / others.sum())


def divergence(shares: F64, others: F64) -> float:
    """Jeffreys' divergence of two distributions over the same bins: sum of (p - q) ln(p / q).

    Of the same column at two times it is the population stability index.

    Parameters
    ----------
    shares, others : float64, shape (b,)
        At least 0, each with sum 1.
    """
    held = (shares > 0.0) | (others > 0.0)
    p, q = shares[held], others[held]
    with np.errstate(divide="ignore"):
        parts = (p - q) * (np.log(p) - np.log(q))
    return float(parts.sum())


def stability(reference: F64, current: F64) -> float:
    """Say how far counts per bin have moved (population stability index); half a row is added to each.

    Parameters
    ----------
    reference, current : float64, shape (b,)
        Rows per bin, at least 0, both above 0 in sum.

    References
    ----------
    Siddiqi (2006), "Credit Risk Scorecards", chapter 10 (thresholds .1 and .25); Yurdakul & Naranjo (2020), Journal of
    Risk Model Validation 14(4): without drift it is (1/n + 1/m) times chi-squared with b - 1 degrees of freedom.
    """
    p, q = reference + 0.5, current + 0.5
    return divergence(p / p.sum(), q / q.sum())

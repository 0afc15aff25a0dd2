"""What a score earns: expected maximum profit, and whom it says to call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import F64, Rows, columns


@dataclass(frozen=True, slots=True)
class CallProfit:
    """What a call costs and brings.

    A call costs `cost`. A lead that converts brings `value`, and a share g of that is owed to the call: some would have
    converted without one. g is not known; it is Beta(`alpha`, `beta`) with mean alpha / (alpha + beta), .3 by default
    (alpha 6, beta 14: Verbraken, Verbeke & Baesens 2013, for offers to customers).

    Attributes
    ----------
    value, cost : float
        Money per conversion, above 0; money per call, at least 0.
    alpha, beta : float
        Above 0.

    Raises
    ------
    DomainError
        A number is out of its domain.
    """

    value: float
    cost: float
    alpha: float = 6.0
    beta: float = 14.0

    def __post_init__(self) -> None:
        numbers = (self.value, self.cost, self.alpha, self.beta)
        if not (np.isfinite(numbers).all() and self.value > 0.0 <= self.cost and min(self.alpha, self.beta) > 0.0):
            raise DomainError(
                f"value, alpha and beta must be above 0 and cost at least 0, all finite, got {self.value}, "
                f"{self.alpha}, {self.beta} and {self.cost}."
            )

    @property
    def mean_share(self) -> float:
        """Mean of the share that is owed to the call."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True, slots=True)
class ExpectedProfit:
    """Expected maximum profit of a score.

    Attributes
    ----------
    profit : float
        Money per lead of the whole list, each g with its own best cut-off; at least 0, for calling nobody earns 0.
    share_to_call : float
        Share of the list that is called, in the mean.
    cutoff : float or None
        Least score among that share; None where nobody is worth a call.
    profit_of_all : float
        Money per lead where all are called: what the score must beat.
    """

    profit: float
    share_to_call: float
    cutoff: float | None
    profit_of_all: float


def expected_maximum_profit(
    came: ArrayLike, score: ArrayLike, *, call: CallProfit, count: ArrayLike | None = None
) -> ExpectedProfit:
    """Integrate the profit of the best cut-off over what a call may bring.

    Parameters
    ----------
    came, score, count : array-like, shape (n,)
        As `auc`.
    call : CallProfit

    Notes
    -----
    Calling all with a score of at least t earns, per lead, P(t; g) = (g `value` - `cost`) p1 F1(t) - `cost` p0 F0(t),
    where p1, p0 are the shares of those who convert and those who don't, and F1, F0 the shares of them that are called.
    The best t for a g lies on the convex hull of the ROC curve, and on each piece of the hull the profit is linear in
    g: the integral over Beta(g) is a finite sum of incomplete beta functions. Scores that are equal are called
    together.

    References
    ----------
    Verbraken, Verbeke & Baesens (2013), IEEE Transactions on Knowledge and Data Engineering 25(5): their EMPC with an
    offer d of 0 (delta = 0, phi = cost / value), and their share of customers to target.
    """
    happened, scores = columns(came=np.asarray(came, dtype=np.float64), score=score)
    rows = Rows.of(len(scores), count, None)
    yes, no = _hull(happened, scores, rows)
    # g at which the next point of the hull earns more than the one before.
    gain, price = np.diff(yes), np.diff(yes + no)
    turns = np.minimum(call.cost * price / (call.value * np.maximum(gain, 1e-300)), 1.0)
    ends = np.concatenate([[0.0], np.maximum.accumulate(turns), [1.0]])
    mass = np.diff(betainc(call.alpha, call.beta, ends))
    first = call.mean_share * np.diff(betainc(call.alpha + 1.0, call.beta, ends))
    profit = float((call.value * first) @ yes - (call.cost * mass) @ (yes + no))
    share = min(float(mass @ (yes + no)), 1.0)
    of_all = call.value * call.mean_share * float(yes[-1]) - call.cost
    return ExpectedProfit(max(profit, 0.0), share, _cutoff(scores, rows, share), of_all)


def _hull(happened: F64, scores: F64, rows: Rows) -> tuple[F64, F64]:
    """Corners of the upper hull of (did not come, came) as shares of all, from nobody to all."""
    distinct, place = np.unique(-scores, return_inverse=True)
    part = rows.count / rows.total
    yes = np.concatenate([[0.0], np.cumsum(np.bincount(place, part * happened, minlength=len(distinct)))])
    no = np.concatenate([[0.0], np.cumsum(np.bincount(place, part * (1.0 - happened), minlength=len(distinct)))])
    kept: list[int] = []
    for i in range(len(yes)):
        while len(kept) > 1 and _turns_left(yes, no, kept[-2], kept[-1], i):
            kept.pop()
        kept.append(i)
    corners = np.array(kept)
    return yes[corners], no[corners]


def _turns_left(yes: F64, no: F64, a: int, b: int, c: int) -> bool:
    return bool((yes[b] - yes[a]) * (no[c] - no[a]) <= (yes[c] - yes[a]) * (no[b] - no[a]))


def _cutoff(scores: F64, rows: Rows, share: float) -> float | None:
    order = np.argsort(-scores)
    upto = np.cumsum(rows.count[order]) / rows.total
    held = int(np.searchsorted(upto, share + 1e-12, side="right"))
    return float(scores[order[held - 1]]) if held else None

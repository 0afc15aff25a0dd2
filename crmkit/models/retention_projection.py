"""Retention beyond what was seen: the shifted beta-geometric carries the observed curve on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.models.histories import F64
from crmkit.models.kaplan_meier import log_log_ends
from crmkit.models.shifted_beta_geometric import ShiftedBetaGeometric, Tenures

_STEP = 1e-4  # on the scale of logarithms: differences lose 1e-8 by curvature and 1e-12 / 1e-8 by rounding


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Values with the ends of their intervals; float64, all of one shape."""

    value: F64
    low: F64
    high: F64


def project(
    tenures: Tenures, model: ShiftedBetaGeometric, *, start: int, survival: float, periods: F64, level: float
) -> Interval:
    """Carry an observed survival curve on: S(start) observed, times what the model says of those who were there then.

    Parameters
    ----------
    tenures : Tenures
        What both were estimated from.
    model : ShiftedBetaGeometric
        Fitted to `tenures`.
    start : int
        Last observed period, at least 0.
    survival : float
        Kaplan-Meier at `start`, in [0, 1].
    periods : float64, shape (k,)
        Whole, above `start`.
    level : float
        In (0, 1).

    Returns
    -------
    Interval
        Of the share of a cohort, shape (k,). Symmetric on the scale of ln(-ln S).

    Notes
    -----
    Both factors come from the same customers, so their errors do not simply add: the variance of ln S is the sum over
    customers of the square of what each of them does to both together (infinitesimal jackknife). Of Kaplan-Meier alone
    this is Greenwood's variance. Where nobody has left, the lower end is that of a constant rate with which so many
    periods without a loss have the probability (1 - level) / 2.
    """
    width = normal_width(level)
    ahead = model.survival(periods - start, start)
    value = survival * ahead
    if survival == 0.0:
        return Interval(value, value, value)
    if tenures.left.sum() == 0.0:
        exposed = float(tenures.periods @ tenures.stayed)
        return Interval(value, np.exp(periods * math.log((1.0 - level) / 2.0) / exposed), np.ones(len(value)))
    cells = _Cells.of(tenures)
    moves = cells.parameter_moves(model)
    slopes = _slopes(lambda m: np.log(m.survival(periods - start, start)), model, moves.shape[1])
    both = cells.curve_moves(start)[:, None] + moves @ slopes
    variance = cells.count @ both**2
    low, high = log_log_ends(value, variance, width)
    return Interval(value, low, high)


def remaining_periods(
    tenures: Tenures,
    model: ShiftedBetaGeometric,
    *,
    renewals: F64,
    rate_per_period: float,
    horizon: int | None,
    level: float,
) -> Interval:
    """Expect the periods to come of customers who made so many renewals, discounted, the next one in full.

    Parameters
    ----------
    tenures, model
        The model was fitted to these.
    renewals : float64, shape (k,)
        Whole, at least 0.
    rate_per_period : float
        At least 0; above 0 without a horizon.
    horizon : int or None
        Periods that count; None for all.
    level : float
        In (0, 1).

    Returns
    -------
    Interval
        Shape (k,). Of the expectation, by what is not known of the parameters (delta method on the logarithm); a
        customer's own stay varies far more.

    References
    ----------
    Fader & Hardie (2010), Marketing Science 29(1): discounted expected residual lifetime.
    """
    width = normal_width(level)
    if horizon is not None and horizon < 1:
        raise DomainError(f"horizon must be at least 1, got {horizon}.")

    def expected(m: ShiftedBetaGeometric) -> F64:
        if horizon is None:
            return m.discounted_expected_residual_lifetime(renewals, rate_per_period)
        ahead = np.arange(1.0, horizon + 1.0)
        factors = (1.0 + rate_per_period) ** -(ahead - 1.0)
        return m.survival(ahead[None, :], renewals[:, None]) @ factors

    value = expected(model)
    cells = _Cells.of(tenures)
    moves = cells.parameter_moves(model)
    slopes = _slopes(lambda m: np.log(expected(m)), model, moves.shape[1])
    error = np.minimum(width * np.sqrt(cells.count @ (moves @ slopes) ** 2), 600.0)
    if horizon is None:
        most = (1.0 + rate_per_period) / rate_per_period  # as if nobody left
    else:
        most = float(np.sum((1.0 + rate_per_period) ** -np.arange(float(horizon))))
    return Interval(value, value * np.exp(-error), np.minimum(value * np.exp(error), most))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Customers alike: a period, left at its end or not, and how many."""

    period: F64
    gone: F64
    count: F64

    @classmethod
    def of(cls, tenures: Tenures) -> _Cells:
        period = np.concatenate([tenures.periods, tenures.periods])
        gone = np.repeat([1.0, 0.0], len(tenures.periods))
        count = np.concatenate([tenures.left, tenures.stayed])
        known = count > 0
        return cls(period[known], gone[known], count[known])

    def curve_moves(self, start: int) -> F64:
        """Tell what one more customer of a cell does to ln S(start) of Kaplan-Meier."""
        move = np.zeros(len(self.period))
        for j in range(1, start + 1):
            here, leaves = self.period >= j, (self.period == j) * self.gone
            at_risk, gone = float(self.count @ here), float(self.count @ leaves)
            if gone:
                move -= (leaves - here * gone / at_risk) / (at_risk - gone)
        return move

    def parameter_moves(self, model: ShiftedBetaGeometric) -> F64:
        """Tell what one more customer of a cell does to the parameters, shape (n, free): score over information."""
        free = 1 if model.estimate is not None and model.estimate.status != "converged" else 2

        def likelihood(m: ShiftedBetaGeometric) -> F64:
            leaves = np.log(m.p_leaving(np.maximum(self.period, 1.0)))
            return np.where(self.gone > 0, leaves, np.log(m.survival(self.period)))

        scores = _slopes(likelihood, model, free).T
        # The information as the sum of squared scores: never negative, and near the curvature for some hundred rows.
        information = (scores * self.count[:, None]).T @ scores
        found: F64 = scores @ np.linalg.pinv(information)
        return found


def _slopes(of: Callable[[ShiftedBetaGeometric], F64], model: ShiftedBetaGeometric, free: int) -> F64:
    """Differentiate by the logit of the mean rate and, if free, the logarithm of alpha + beta; shape (free, k)."""
    rows = []
    for shift in ((_STEP, 0.0), (0.0, _STEP))[:free]:
        up, down = (of(_moved(model, sign * shift[0], sign * shift[1])) for sign in (1.0, -1.0))
        rows.append((up - down) / (2.0 * _STEP))
    return np.array(rows)


def _moved(model: ShiftedBetaGeometric, by_logit: float, by_size: float) -> ShiftedBetaGeometric:
    size = (model.alpha + model.beta) * math.exp(by_size)
    odds = model.alpha / model.beta * math.exp(by_logit)
    return ShiftedBetaGeometric(size * odds / (1.0 + odds), size / (1.0 + odds))

"""Maximum likelihood for Pareto/NBD."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from crmkit.errors import FitError
from crmkit.models.estimation import LIMIT_LOSS, Estimate, Kind, Maximum, Objective, estimate_at, maximise
from crmkit.models.histories import F64, Histories, standing_for
from crmkit.models.nbd import NBD, fit_nbd
from crmkit.models.off_limit import off_limit
from crmkit.models.pareto_nbd.likelihood import Pairs, slopes
from crmkit.models.pareto_nbd.process import ParetoNBD

_NAMES = ("r", "alpha", "s", "beta")
_KINDS: tuple[Kind, ...] = ("positive",) * 4
# Coordinates: log r, log(alpha/r) (mean days between purchases), log s, log(s/beta) (mean rate of leaving).
# A shape of 1e6 is a population with one rate, to every digit of the log-likelihood; a mean rate of leaving of 1e-6
# of the time observed is nobody leaving.
_LARGEST_SHAPE, _SMALLEST_SHAPE = 1e6, 1e-4
_FASTEST, _SLOWEST = 1e6, 1e-6
# (r, mean days between purchases over those seen, s, mean rate of leaving per time observed): some leave at once and
# some never; all leave alike, late.
_STARTS = ((0.6, 0.5, 0.6, 1.0), (1.0, 0.8, 5.0, 0.3))
# The start is chosen on so many histories.
_SCOUTS = 1500

_AT_UPPER = {
    0: "purchase rate (r and alpha run to infinity: one rate for all)",
    2: "dropout (s and beta run to infinity: one rate for all)",
}
_AT_LOWER = {
    0: "purchase rate (r runs to 0: customers never buy again or always)",
    2: "dropout (s runs to 0: customers leave at once or never)",
}


def fit_pareto_nbd(histories: Histories, *, off_limits: bool = True) -> ParetoNBD:
    """Fit Pareto/NBD by maximum likelihood.

    Parameters
    ----------
    histories : Histories
        Best `Histories.distinct`: sorted rows give the same digits on every engine, and fewer rows are faster.
    off_limits : bool
        Whether the estimate tells what lies off the limits, as `estimation.maximise`.

    Returns
    -------
    ParetoNBD
        Its `estimate` holds standard errors (observed information, delta method), log-likelihood and a status in
        words: "converged", or which heterogeneity the data do not identify. There the limiting model answers.

    Raises
    ------
    FitError
        There is no customer, or none was observed for any time.
    """
    if len(histories) == 0:
        raise FitError("There are no customers to fit to.")
    if histories.T.max() == 0:
        raise FitError("No customer has been observed for any time: every first purchase was on the last day (T is 0).")
    if histories.x.max() == 0:
        return _nothing(histories)
    whole = Pairs.of(histories)
    few = histories.thinned(_SCOUTS)
    part = Pairs.of(few)
    many = standing_for(histories)
    sampled = Pairs.of(many) if many else part
    span = float(np.average(histories.T, weights=histories.count))
    lower = np.array([np.log(_SMALLEST_SHAPE), -np.inf, np.log(_SMALLEST_SHAPE), -np.inf])
    upper = np.array([np.log(_LARGEST_SHAPE), np.inf, np.log(_LARGEST_SHAPE), np.inf])
    found = maximise(
        lambda z: _objective(whole, span, z),
        _starts(histories, span),
        lower,
        upper,
        n_customers=histories.n_customers,
        scout=(lambda z: _objective(part, span, z), few.n_customers) if len(histories) > 2 * _SCOUTS else None,
        sample=(lambda z: _objective(sampled, span, z), many.n_customers) if many else None,
        off_limits=off_limits,
    )
    stays = fit_nbd(histories, off_limits=off_limits)
    # Two parameters fewer, each at its limit.
    if stays.estimate is not None and found.log_likelihood < stays.estimate.log_likelihood + 2.0 * LIMIT_LOSS:
        sides = _leaving(stays, stays.estimate, span, lambda z: _objective(whole, span, z)) if off_limits else ()
        return _nobody_leaves(stays, stays.estimate, span, sides)
    estimate = estimate_at(
        found,
        lambda z: _values(z, span),
        names=_NAMES,
        kinds=_KINDS,
        n_customers=histories.n_customers,
        n_free=4,
        status=_status(found, lower, upper),
    )
    r, alpha, s, beta = estimate.values
    return ParetoNBD(r, alpha, s, beta, estimate)


def _values(z: F64, span: float) -> F64:
    # Beyond these rates of leaving there is only a plateau, on which nothing must overflow.
    leaving = np.clip(np.exp(np.clip(z[3], -700.0, 700.0)), _SLOWEST / span, _FASTEST / span)
    r, gap, s = np.exp(z[:3])
    return np.array([r, r * gap, s, s / leaving])


def _objective(pairs: Pairs, span: float, z: F64) -> tuple[float, F64]:
    r, alpha, s, beta = _values(z, span)
    found = slopes(pairs, r=r, alpha=alpha, s=s, beta=beta)
    by_alpha, by_beta = alpha * found.alpha, beta * found.beta
    on_plateau = not _SLOWEST < s / beta * span < _FASTEST
    by_leaving = 0.0 if on_plateau else -by_beta
    return found.log_likelihood, np.array([r * found.r + by_alpha, by_alpha, s * found.s + by_beta, by_leaving])


def _starts(histories: Histories, span: float) -> list[F64]:
    gap = float((histories.count * histories.T).sum() / (histories.count * histories.x).sum())
    return [np.log([r, gaps * gap, s, leaving / span]) for r, gaps, s, leaving in _STARTS]


def _status(found: Maximum, lower: F64, upper: F64) -> str:
    if not found.settled:
        return "not converged: the gradient does not vanish"
    texts = [_AT_UPPER[i] for i in (0, 2) if found.at_limit[i] and found.z[i] >= upper[i]]
    texts += [_AT_LOWER[i] for i in (0, 2) if found.at_limit[i] and found.z[i] <= lower[i]]
    return "heterogeneity not identified: " + "; ".join(texts) if texts else "converged"


def _nobody_leaves(nbd: NBD, estimate: Estimate, span: float, sides: tuple[tuple[float, ...], ...]) -> ParetoNBD:
    """Stay with the NBD limit: s means nothing there, and beta is far beyond all time observed."""
    values = (nbd.r, nbd.alpha, 1.0, span / _SLOWEST)
    given_limit = np.zeros((4, 4))
    given_limit[:2, :2] = estimate.limit_covariance or estimate.covariance
    covariance = np.zeros((4, 4))
    covariance[:2, :2] = estimate.covariance
    covariance[2, 2] = covariance[3, 3] = math.inf
    known, rows = (tuple(tuple(float(v) for v in row) for row in matrix) for matrix in (given_limit, covariance))
    text = "heterogeneity not identified: dropout (s/beta runs to 0: nobody is seen to leave)"
    size = (estimate.log_likelihood, estimate.n_customers, 4)
    return ParetoNBD(*values, Estimate(_NAMES, values, _KINDS, rows, *size, text, known, sides))


def _leaving(nbd: NBD, estimate: Estimate, span: float, objective: Objective) -> tuple[tuple[float, ...], ...]:
    """Points off the limits where nobody leaves: those of the NBD, and how many may leave after all.

    The latter is asked of s = 1: were s free, a few who leave at once would hide any rate.
    """

    def exponential(z: F64) -> tuple[float, F64]:
        value, gradient = objective(np.array([z[0], z[1], 0.0, z[2]]))
        return value, gradient[[0, 1, 3]]

    lower = np.array([np.log(_SMALLEST_SHAPE), -np.inf, np.log(_SLOWEST / span)])
    upper = np.array([np.log(_LARGEST_SHAPE), np.inf, np.log(_FASTEST / span)])
    start = np.array([np.log(nbd.r), np.log(nbd.alpha / nbd.r), lower[2]])
    point = off_limit(exponential, start, estimate.log_likelihood, 2, lower, upper, estimate.n_customers)
    sides = [(*side, 1.0, span / _SLOWEST) for side in estimate.off_limits]
    if point is not None:
        sides.append(tuple(_values(np.array([point[0], point[1], 0.0, point[2]]), span).tolist()))
    return tuple(sides)


def _nothing(histories: Histories) -> ParetoNBD:
    """All customers bought once: half a purchase in all the time observed stands for a rate that may be 0."""
    days = float((histories.count * histories.T).sum())
    process = ParetoNBD(1.0, 2.0 * days, 1.0, days / histories.n_customers)
    unknown = tuple(tuple(math.inf if i == j else 0.0 for j in range(4)) for i in range(4))
    text = "nothing identified: no customer has bought twice, so neither the rate nor dropout is known"
    value = float((histories.count * process.log_likelihood(histories)).sum())
    values = tuple(process.parameters.values())
    return replace(process, estimate=Estimate(_NAMES, values, _KINDS, unknown, value, histories.n_customers, 4, text))

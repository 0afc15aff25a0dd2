"""Maximum likelihood for Pareto/NBD."""

from __future__ import annotations

import numpy as np

from crmkit.errors import FitError
from crmkit.models.estimation import Maximum, estimate_at, maximise
from crmkit.models.histories import F64, Histories
from crmkit.models.pareto_nbd.likelihood import Pairs, slopes
from crmkit.models.pareto_nbd.process import ParetoNBD

# Coordinates: log r, log(alpha/r) (mean days between purchases), log s, log(s/beta) (mean rate of leaving).
# A shape of 1e6 is a population with one rate, to every digit of the log-likelihood; a rate of leaving of 1e-6 of the
# observation is nobody leaving.
_LARGEST_SHAPE = 1e6
_SMALLEST_SHAPE = 1e-3
_SLOWEST = 1e-6
# The start is chosen on so many histories, evenly spread over the sorted rows.
_SCOUTS = 1500


def fit_pareto_nbd(histories: Histories) -> ParetoNBD:
    """Fit Pareto/NBD by maximum likelihood.

    Parameters
    ----------
    histories : Histories
        Best `Histories.distinct`: sorted rows give the same digits on every engine, and fewer rows are faster.

    Returns
    -------
    ParetoNBD
        Its `estimate` holds standard errors (observed information, delta method), log-likelihood and status.

    Raises
    ------
    FitError
        There is no customer, or nobody bought again: then no parameter is identified.
    """
    if not (histories.x > 0).any():
        raise FitError(
            f"Pareto/NBD: none of {histories.n_customers:.0f} customers bought again, so neither how often they buy "
            "nor whether they left can be told; observe for longer."
        )
    whole, part = Pairs.of(histories), _scouts(histories)
    span = float(np.average(histories.T, weights=histories.count))
    lower = np.log([_SMALLEST_SHAPE, 1e-300, _SMALLEST_SHAPE, _SLOWEST / span])
    upper = np.log([_LARGEST_SHAPE, 1e300, _LARGEST_SHAPE, 1e6 / span])
    lower[1], upper[1] = -np.inf, np.inf
    found = maximise(
        lambda z: _objective(whole, z),
        _starts(histories, span),
        lower,
        upper,
        n_customers=histories.n_customers,
        scout=None if part is None else lambda z: _objective(part, z),
    )
    estimate = estimate_at(
        found,
        _values,
        names=("r", "alpha", "s", "beta"),
        kinds=("positive",) * 4,
        n_customers=histories.n_customers,
        n_free=4,
        status=_status(found, upper),
    )
    r, alpha, s, beta = estimate.values
    return ParetoNBD(r, alpha, s, beta, estimate)


def _values(z: F64) -> F64:
    r, gap, s, leaving = np.exp(z)
    return np.array([r, r * gap, s, s / leaving])


def _objective(pairs: Pairs, z: F64) -> tuple[float, F64]:
    r, alpha, s, beta = _values(z)
    found = slopes(pairs, r=r, alpha=alpha, s=s, beta=beta)
    by_alpha, by_beta = alpha * found.alpha, beta * found.beta
    return found.log_likelihood, np.array([r * found.r + by_alpha, by_alpha, s * found.s + by_beta, -by_beta])


def _scouts(histories: Histories) -> Pairs | None:
    if len(histories) <= 2 * _SCOUTS:
        return None
    return Pairs.of(histories.take(np.linspace(0, len(histories) - 1, _SCOUTS).astype(np.int64)))


def _starts(histories: Histories, span: float) -> list[F64]:
    """Two kinds of base that logs have shown: some leave at once and some never; all leave alike, late."""
    gap = float(histories.count @ histories.T) / float(histories.count @ histories.x)
    seen = ((0.6, 2.0, 0.6, 1.0), (1.0, 1.3, 5.0, 0.3))
    return [np.log([r, gap / buys, s, leaves / span]) for r, buys, s, leaves in seen]


def _status(found: Maximum, upper: F64) -> str:
    texts = []
    r_limit, _, s_limit, leaving_limit = found.at_limit
    if r_limit:
        texts.append("heterogeneity of purchase rates not identified: r and alpha at their limit, r/alpha is")
    if leaving_limit and found.z[3] < upper[3]:
        texts.append("nobody seen to leave: dropout at its limit 0, s and beta not identified (NBD)")
    elif s_limit or leaving_limit:
        texts.append("heterogeneity of dropout not identified: s and beta at their limit, s/beta is")
    if not found.settled:
        texts.append("not converged: the slope does not vanish")
    return "; ".join(texts) or "converged"

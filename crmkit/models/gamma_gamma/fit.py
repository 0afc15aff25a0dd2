"""Maximum likelihood for Gamma-Gamma."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, psi

from crmkit.errors import FitError
from crmkit.models.estimation import Kind, Maximum, estimate_at, maximise
from crmkit.models.gamma_gamma.model import GammaGamma
from crmkit.models.gamma_gamma.spend import Spend
from crmkit.models.histories import F64

_NAMES = ("p", "q", "gamma")
_KINDS: tuple[Kind, ...] = ("positive",) * 3
# Coordinates: log p, log q, log(p gamma / q), the last a typical value. Beyond the edges the log-likelihood is that of
# the limit to every digit.
_LOWER = np.array([np.log(1e-4), np.log(1e-4), -np.inf])
_UPPER = np.array([np.log(1e6), np.log(1e6), np.inf])
_STARTS = ((5.0, 4.0), (0.7, 2.0), (20.0, 1.5))
# The start is chosen on so many customers.
_SCOUTS = 3000


def fit_gamma_gamma(spend: Spend) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood.

    Parameters
    ----------
    spend : Spend
        By `Spend.distinct`: customers without orders are left out there.

    Returns
    -------
    GammaGamma
        Its `estimate` holds standard errors, log-likelihood, and a status that says whether a population mean exists.

    Raises
    ------
    FitError
        Fewer than three customers, or all values alike: three parameters can't be found.
    """
    if len(spend.x) < 3:
        raise FitError(f"Gamma-Gamma needs at least 3 customers with different spend, got {len(spend.x)}.")
    if spend.m.max() == spend.m.min():
        raise FitError(f"Gamma-Gamma: all customers spend {spend.m[0]:g} per order; there is nothing to model.")
    n = float(spend.count.sum())
    # Half of the spend below: a mean would follow one customer of millions.
    typical = float(np.exp((spend.count * np.log(spend.m)).sum() / n))
    few = spend.thinned(_SCOUTS)
    found = maximise(
        lambda z: _objective(spend, z),
        [np.log([p, q, typical]) for p, q in _STARTS],
        _LOWER,
        _UPPER,
        n_customers=n,
        scout=(lambda z: _objective(few, z), float(few.count.sum())) if len(few.x) < len(spend.x) else None,
    )
    estimate = estimate_at(found, _values, names=_NAMES, kinds=_KINDS, n_customers=n, n_free=3, status=_status(found))
    p, q, gamma = estimate.values
    return GammaGamma(p, q, gamma, estimate)


def _values(z: F64) -> F64:
    p, q, typical = np.exp(z)
    return np.array([p, q, typical * q / p])


def _objective(spend: Spend, z: F64) -> tuple[float, F64]:
    p, q, gamma = _values(z)
    total, shape = spend.x * spend.m / gamma, p * spend.levels
    log_out, log_in = np.log1p(total), np.log1p(1.0 / total)
    by_level = np.bincount(spend.level_of, spend.count, len(spend.levels))
    value = -(by_level * betaln(shape, q)).sum()
    value -= (spend.count * (p * spend.x * log_in + q * log_out + np.log(spend.m))).sum()
    rise = psi(shape + q)
    by_p = (by_level * spend.levels * (rise - psi(shape))).sum() - (spend.count * spend.x * log_in).sum()
    by_q = (by_level * (rise - psi(q))).sum() - (spend.count * log_out).sum()
    by_log_gamma = (spend.count * (q * total - p * spend.x) / (1.0 + total)).sum()
    return float(value), np.array([p * by_p - by_log_gamma, q * by_q + by_log_gamma, by_log_gamma])


def _status(found: Maximum) -> str:
    if not found.settled:
        return "not converged: the gradient does not vanish"
    at_edge = [(found.at_limit[i], found.z[i] > 0) for i in (0, 1)]
    texts = {
        (0, True): "within customers (p runs to infinity: a customer's orders are all worth the same)",
        (0, False): "within customers (p runs to 0)",
        (1, True): "between customers (q and gamma run to infinity: all customers spend alike)",
        (1, False): "between customers (q runs to 0)",
    }
    lost = [texts[i, high] for i, (edge, high) in enumerate(at_edge) if edge]
    if lost:
        return "heterogeneity not identified: " + "; ".join(lost)
    if np.exp(found.z[1]) <= 1.0:
        return (
            "converged, but q <= 1: the population has no mean value per order; medians and other quantiles hold, and "
            "means of customers with p x + q > 1"
        )
    return "converged"

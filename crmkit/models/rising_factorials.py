"""Ratios of gamma functions at whole distances, exact also where the argument is huge."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, psi

from crmkit.models.histories import F64

# Above this the difference of two gammaln loses digits; Stirling's formula there errs by 1 / (360 c^3) < 1e-14.
_LARGE = 3e3


def log_rising(c: F64 | float, n: F64) -> F64:
    """Log of c (c + 1) ... (c + n - 1) = Gamma(c + n) / Gamma(c).

    Parameters
    ----------
    c : float64, scalar or shape of n
        Above 0.
    n : float64
        Whole, at least 0.
    """
    if isinstance(c, float) and c <= _LARGE:  # small logs are fitted in thousands of calls of a few numbers
        return np.asarray(gammaln(c + n) - gammaln(c), dtype=np.float64)
    c = np.asarray(c, dtype=np.float64)
    small = np.minimum(c, _LARGE)
    exact = gammaln(small + n) - gammaln(small)
    if (c <= _LARGE).all():
        return np.asarray(exact, dtype=np.float64)
    large = np.maximum(c, _LARGE)
    stirling = (large + n - 0.5) * np.log1p(n / large) + n * (np.log(large) - 1.0) - n / (12.0 * large * (large + n))
    return np.where(c <= _LARGE, exact, stirling)


def digamma_rise(c: F64 | float, n: F64) -> F64:
    """Slope of `log_rising` in c: psi(c + n) - psi(c) = 1/c + ... + 1/(c + n - 1)."""
    if isinstance(c, float) and c <= _LARGE:
        return np.asarray(psi(c + n) - psi(c), dtype=np.float64)
    c = np.asarray(c, dtype=np.float64)
    small = np.minimum(c, _LARGE)
    exact = psi(small + n) - psi(small)
    if (c <= _LARGE).all():
        return np.asarray(exact, dtype=np.float64)
    large = np.maximum(c, _LARGE)
    end = large + n
    series = np.log1p(n / large) + n / (2.0 * large * end) + n * (large + end) / (12.0 * (large * end) ** 2)
    return np.where(c <= _LARGE, exact, series)

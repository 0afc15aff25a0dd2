"""Counts against what was expected: ratios drawn towards one another, so that rare ones don't head the list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import gammainc, gammaincinv, gammaln, psi

from crmkit.errors import DomainError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# ln of shape and rate of both parts, and the log odds of the first: most ratios near 1, a few far above.
_CENTRE = np.array([np.log(4.0), np.log(4.0), np.log(0.5), np.log(0.1), 2.0])
_SPREAD = 2.0  # a weak prior on these five, which speaks where there are few pairs
_LIMITS = [(-4.0, 6.0)] * 4 + [(-6.0, 7.0)]
_NODES = 200  # of a spline over ln E; its error is below 1e-4 (a test)
_MANY = 600  # pairs of one count, from which on the spline pays


@dataclass(frozen=True, slots=True)
class GammaPoisson:
    """A mixture of two gamma distributions of the ratio between counts and expectations.

    Attributes
    ----------
    shape, rate : tuple of float
        Of both parts, above 0; the mean of a part is shape / rate.
    weight : float
        Share of the first part, in (0, 1).

    References
    ----------
    DuMouchel (1999), "Bayesian data mining in large frequency tables", The American Statistician 53(3), equations 4 to
    9; stratified expectations: section 2.
    """

    shape: tuple[float, float]
    rate: tuple[float, float]
    weight: float

    def parts(self, n: I64, expected: F64) -> F64:
        """Posterior weight of the first part (equation 6); shape of `n`."""
        logs = [_log_negative_binomial(n, expected, a, b) for a, b in zip(self.shape, self.rate, strict=True)]
        odds = np.log(self.weight) - np.log1p(-self.weight) + logs[0] - logs[1]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0))))

    def ratio(self, n: I64, expected: F64) -> F64:
        """Geometric posterior mean of the ratio (equation 8); shape of `n`."""
        first = self.parts(n, expected)
        logs = [psi(a + n) - np.log(b + expected) for a, b in zip(self.shape, self.rate, strict=True)]
        return np.asarray(np.exp(first * logs[0] + (1.0 - first) * logs[1]))

    def below(self, x: F64, n: I64, expected: F64) -> F64:
        """P(ratio <= x | n); shape of `n`."""
        return self._below(x, n, expected, self.parts(n, expected))

    def _below(self, x: F64, n: I64, expected: F64, first: F64) -> F64:
        down = [gammainc(a + n, x * (b + expected)) for a, b in zip(self.shape, self.rate, strict=True)]
        return np.asarray(first * down[0] + (1.0 - first) * down[1])

    def quantile(self, share: float, n: I64, expected: F64) -> F64:
        """Posterior quantile of the ratio; shape of `n`.

        Parameters
        ----------
        share : float
            In (0, 1): 0.05 is the bound below which the ratio lies one time in twenty.
        n : int64, shape (k,)
            Counts, at least 0.
        expected : float64, shape (k,)
            Above 0.

        Notes
        -----
        Pairs are many and counts few: of a count that many share, the bound is a smooth function of ln E, solved at 200
        places and read off between them.
        """
        if not 0.0 < share < 1.0:
            raise DomainError(f"share must lie between 0 and 1, such as 0.05, got {share}.")
        order = np.argsort(n.astype(np.uint16) if n.max(initial=0) < 65536 else n, kind="stable")  # 16 bits: by radix
        found = np.empty(len(n))
        starts = np.flatnonzero(np.diff(n[order], prepend=-1))
        single = []
        for part in np.split(order, starts[1:]) if len(n) else []:
            logs = np.log(expected[part])
            if len(part) < _MANY or np.ptp(logs) == 0.0:
                single.append(part)
                continue
            nodes = np.linspace(logs.min(), logs.max(), _NODES)
            exact = self._solved(share, np.full(_NODES, n[part[0]]), np.exp(nodes))
            found[part] = np.exp(CubicSpline(nodes, np.log(exact))(logs))
        if single:
            rest = np.concatenate(single)
            found[rest] = self._solved(share, n[rest], expected[rest])
        return found

    def _solved(self, share: float, n: I64, expected: F64) -> F64:
        """Bisect between the quantiles of the parts, on the scale of logs."""
        ends = [gammaincinv(a + n, share) / (b + expected) for a, b in zip(self.shape, self.rate, strict=True)]
        low = np.log(np.maximum(np.minimum(*ends), 1e-300))
        high = np.log(np.maximum(np.maximum(*ends), 1e-300))
        first = self.parts(n, expected)
        for _ in range(34):
            middle = 0.5 * (low + high)
            over = self._below(np.exp(middle), n, expected, first) > share
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        return np.asarray(np.exp(0.5 * (low + high)))


def fit_gamma_poisson(n: I64, expected: F64, *, least: int = 0) -> GammaPoisson:
    """Learn how ratios are spread over all pairs.

    Parameters
    ----------
    n : int64, shape (k,)
        Counts, each at least `least`.
    expected : float64, shape (k,)
        What chance alone would give; above 0.
    least : int
        Pairs with a smaller count are not among them: the likelihood is that of counts from there on.

    Returns
    -------
    GammaPoisson
        Maximum of the likelihood times a weak prior; of the same counts, the same digits.

    Notes
    -----
    Alike cells are joined first: expectations within 10 % of one another, and counts above 30 within 10 %.
    """
    if len(n) != len(expected) or (len(n) and not (n.min() >= least >= 0 and expected.min() > 0.0)):
        raise DomainError(f"Counts must be at least {least} and as many as their expectations, which are above 0.")
    if not len(n):
        return _model(_CENTRE)
    cells = _joined(n, expected, least)
    found = minimize(
        _loss, _CENTRE, args=(cells,), method="L-BFGS-B", bounds=_LIMITS, options={"maxiter": 60, "ftol": 1e-10}
    )
    return _model(np.asarray(found.x, dtype=np.float64))


def _model(theta: F64) -> GammaPoisson:
    a, b, c, d = np.exp(theta[:4]).tolist()
    return GammaPoisson((a, c), (b, d), float(1.0 / (1.0 + np.exp(-theta[4]))))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Alike pairs joined: count `n` at expectation number `at`, `many` of them; `least` is the smallest count shown."""

    n: I64
    at: I64
    many: F64
    expected: F64
    least: int


def _joined(n: I64, expected: F64, least: int) -> _Cells:
    wide = np.where(n > 30, 30 + np.rint(np.log(np.maximum(n, 1) / 30.0) / 0.1), n).astype(np.int64)
    bins, at = np.unique(np.rint(np.log(expected) / 0.1).astype(np.int64), return_inverse=True)
    key, cell, many = np.unique(wide * len(bins) + at.ravel(), return_inverse=True, return_counts=True)
    counts = np.rint(np.bincount(cell.ravel(), n) / many).astype(np.int64)
    mean = np.exp(np.bincount(at.ravel(), np.log(expected)) / np.bincount(at.ravel()))
    return _Cells(counts, key % max(len(bins), 1), many.astype(np.float64), mean, least)


def _loss(theta: F64, cells: _Cells) -> float:
    model = _model(theta)
    seen = _log_mixture(model, cells.n, cells.expected[cells.at])
    hidden = np.zeros(len(cells.expected))
    for k in range(cells.least):
        hidden += np.exp(_log_mixture(model, np.full(len(hidden), k), cells.expected))
    shown = np.log(np.maximum(1.0 - hidden, 1e-12))[cells.at]
    prior = (((theta - _CENTRE) / _SPREAD) ** 2).sum() / 2.0
    return float(prior - cells.many @ (seen - shown))


def _log_mixture(model: GammaPoisson, n: I64, expected: F64) -> F64:
    logs = [_log_negative_binomial(n, expected, a, b) for a, b in zip(model.shape, model.rate, strict=True)]
    return np.asarray(np.logaddexp(np.log(model.weight) + logs[0], np.log1p(-model.weight) + logs[1]))


def _log_negative_binomial(n: I64, expected: F64, shape: float, rate: float) -> F64:
    """Log probability of a count whose ratio is gamma distributed (equation 5)."""
    total = np.log(rate + expected)
    return np.asarray(
        gammaln(shape + n) - gammaln(shape) - gammaln(n + 1.0)
        + shape * (np.log(rate) - total) + n * (np.log(expected) - total)
    )  # fmt: skip

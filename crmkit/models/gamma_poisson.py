"""Counts against what was expected: ratios drawn towards one another, so that rare ones don't head the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
_TURNS = 120  # of the search for a bound, at most; some eight are made
_PRECISE = 1e-11  # of ln of a bound


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
        logs = [_digamma(a, n) - np.log(b + expected) for a, b in zip(self.shape, self.rate, strict=True)]
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
        starts = np.flatnonzero(np.diff(n[order], prepend=-1))
        parts = np.split(order, starts[1:]) if len(n) else []
        logs = np.log(expected)
        many = [part for part in parts if len(part) >= _MANY and np.ptp(logs[part]) > 0.0]
        few = np.concatenate([part for part in parts if len(part) < _MANY or np.ptp(logs[part]) == 0.0] or [order[:0]])
        nodes = np.array([np.linspace(logs[part].min(), logs[part].max(), _NODES) for part in many]).reshape(-1)
        shared = np.repeat(np.array([n[part[0]] for part in many], dtype=np.int64), _NODES)
        exact = self._log_solved(
            share, np.concatenate([shared, n[few]]), np.concatenate([np.exp(nodes), expected[few]])
        )
        found = np.empty(len(n))
        found[few] = exact[len(nodes) :]
        for i, part in enumerate(many):
            here = slice(i * _NODES, (i + 1) * _NODES)
            found[part] = CubicSpline(nodes[here], exact[here])(logs[part])
        return np.exp(found)

    def _log_solved(self, share: float, n: I64, expected: F64) -> F64:
        """Solve between the quantiles of the parts, on the scale of logs: Newton, and halves where it leaves them."""
        ends = [gammaincinv(a + n, share) / (b + expected) for a, b in zip(self.shape, self.rate, strict=True)]
        low = np.log(np.maximum(np.minimum(*ends), 1e-300))
        high = np.log(np.maximum(np.maximum(*ends), 1e-300))
        first = self.parts(n, expected)
        found, open_ = 0.5 * (low + high), np.arange(len(n))
        for turn in range(_TURNS):
            at, k, e, w = found[open_], n[open_], expected[open_], first[open_]
            below = self._below(np.exp(at), k, e, w)
            over = below > share
            low[open_], high[open_] = np.where(over, low[open_], at), np.where(over, at, high[open_])
            left, right = low[open_], high[open_]
            slope = self._slope(at, k, e, w)
            # Newton of ln P, which is near a line in the lower tail; each third turn halves, so that none stalls.
            step = np.log(np.maximum(below, 1e-300) / share) * below / np.maximum(slope, 1e-300)
            to, half = at - step, 0.5 * (left + right)
            is_newton = (to >= left) & (to <= right) & ((turn % 3 < 2) | (np.abs(step) < 1e-6))
            found[open_] = np.where(is_newton, to, half)
            open_ = open_[(np.abs(found[open_] - at) > _PRECISE) & (right - left > _PRECISE)]
            if not len(open_):
                break
        return found

    def _slope(self, log_x: F64, n: I64, expected: F64, first: F64) -> F64:
        """Give the derivative of `_below` by ln x."""
        dense = []
        for a, b in zip(self.shape, self.rate, strict=True):
            y = log_x + np.log(b + expected)
            dense.append(np.exp((a + n) * y - np.exp(y) - gammaln(a + n)))
        return np.asarray(first * dense[0] + (1.0 - first) * dense[1])


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
        _loss, _CENTRE, args=(cells,), jac=True, method="L-BFGS-B", bounds=_LIMITS,
        options={"maxiter": 60, "ftol": 1e-10},
    )  # fmt: skip
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
    wide = _of_counts(lambda k: np.where(k > 30, 30 + np.rint(np.log(np.maximum(k, 1) / 30.0) / 0.1), k), n)
    logs = np.log(expected)
    place = np.rint(logs / 0.1).astype(np.int64)
    place -= place.min()
    held = np.bincount(place)
    width = len(held)
    key = wide.astype(np.int64) * width + place
    alike = np.bincount(key)
    cell = np.flatnonzero(alike)
    many = alike[cell]
    counts = np.rint(np.bincount(key, n)[cell] / many).astype(np.int64)
    kept = np.flatnonzero(held)
    mean = np.exp(np.bincount(place, logs)[kept] / held[kept])
    return _Cells(counts, np.searchsorted(kept, cell % width), many.astype(np.float64), mean, least)


def _loss(theta: F64, cells: _Cells) -> tuple[float, F64]:
    """Give minus the log of likelihood times prior, and its derivatives."""
    model = _model(theta)
    seen, by_seen = _mixed(model, [_log_count(cells.n, cells.expected[cells.at], *part) for part in _parts(model)])
    shown, by_shown = _mixed(model, [_log_shown(cells.expected, cells.least, *part) for part in _parts(model)])
    pairs = np.bincount(cells.at, cells.many, len(shown))
    away = (theta - _CENTRE) / _SPREAD
    value = (away**2).sum() / 2.0 - cells.many @ seen + pairs @ shown
    return float(value), np.asarray(away / _SPREAD - by_seen @ cells.many + by_shown @ pairs)


def _parts(model: GammaPoisson) -> Iterator[tuple[float, float]]:
    return zip(model.shape, model.rate, strict=True)


def _mixed(model: GammaPoisson, parts: list[tuple[F64, F64]]) -> tuple[F64, F64]:
    """Mix logs of two parts, each with its derivatives by ln shape and ln rate; add that by the odds: shape (5, k)."""
    logs = [np.log(model.weight) + parts[0][0], np.log1p(-model.weight) + parts[1][0]]
    whole = np.logaddexp(*logs)
    share = [np.exp(log - whole) for log in logs]
    slopes = [one * slope for one, (_, by) in zip(share, parts, strict=True) for slope in by]
    return np.asarray(whole), np.array([*slopes, share[0] - model.weight])


def _log_count(n: I64, expected: F64, shape: float, rate: float) -> tuple[F64, F64]:
    """Log probability of a count, and its derivatives by ln shape and ln rate."""
    total = rate + expected
    grown = _digamma(shape, n) - psi(shape)
    slopes = [shape * (grown + np.log(rate / total)), shape - rate * (shape + n) / total]
    return _log_negative_binomial(n, expected, shape, rate), np.array(slopes)


def _log_shown(expected: F64, least: int, shape: float, rate: float) -> tuple[F64, F64]:
    """Log probability of a count of at least `least`, and its derivatives.

    Where nearly all counts are smaller, one minus their sum has no digits left: there the larger ones are added up.
    """
    k = np.arange(4 * least + 100)
    log, slopes = _log_count(np.tile(k, len(expected)), np.repeat(expected, len(k)), shape, rate)
    chance, slopes = np.exp(log).reshape(-1, len(k)), slopes.reshape(2, -1, len(k))
    upward = (shape * expected / rate < least) & (expected / (rate + expected) < 0.75)
    tail = chance[:, least:].sum(axis=1)
    shown = np.where(upward, tail, 1.0 - chance[:, :least].sum(axis=1))
    shown = np.maximum(shown, 1e-290)
    moved = chance * slopes
    by = np.where(upward, moved[:, :, least:].sum(axis=2), -moved[:, :, :least].sum(axis=2))
    return np.log(shown), by / shown


def _log_negative_binomial(n: I64, expected: F64, shape: float, rate: float) -> F64:
    """Log probability of a count whose ratio is gamma distributed (equation 5)."""
    total = np.log(rate + expected)
    counts = _of_counts(lambda k: gammaln(shape + k) - gammaln(shape) - gammaln(k + 1.0), n)
    return np.asarray(counts + shape * (np.log(rate) - total) + n * (np.log(expected) - total))


def _digamma(shape: float, n: I64) -> F64:
    return _of_counts(lambda k: np.asarray(psi(shape + k)), n)


def _of_counts(function: Callable[[I64], F64], n: I64) -> F64:
    """Compute a function of counts; pairs are many and counts few, so of each count but once."""
    most = int(n.max(initial=0))
    return function(np.arange(most + 1))[n] if most < len(n) else function(n)

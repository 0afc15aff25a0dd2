"""Unconstrained coordinates in which a parameter that runs to infinity is one coordinate at the edge of a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crmkit.models.histories import F64, Histories
from crmkit.models.regular_beta_geometric.likelihood import Slopes

# Within these edges the likelihood is exact to a dozen digits, and beyond them indistinguishable from its limit.
_LOWER = np.array([-np.inf, np.log(1e-4), -16.0, np.log(1e-4)])
_UPPER = np.array([np.inf, np.log(1e7), 16.0, np.log(1e7)])
# (r, mean probability to leave, a + b); the mean rate comes from the data.
_STARTS = ((0.5, 0.25, 3.0), (2.0, 0.1, 2.0), (0.3, 0.6, 1.5))

_AT_UPPER = {
    1: "purchase rate (r and alpha run to infinity: one rate for all)",
    2: "dropout (b runs to 0: everyone leaves at the first chance)",
    3: "dropout (a and b run to infinity: one probability for all)",
}
_AT_LOWER = {
    1: "purchase rate (r runs to 0: customers never buy again or always)",
    2: "dropout (a runs to 0: nobody is seen to leave)",
    3: "dropout (a and b run to 0: customers leave at once or never)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """log r/alpha, log r, logit a/(a+b), log (a+b), then effects of standardised covariates on rate and dropout.

    Attributes
    ----------
    centre, spread : float64, shape (m,)
        Weighted mean and standard deviation of the covariates.
    """

    centre: F64
    spread: F64

    @classmethod
    def of(cls, histories: Histories) -> Coordinates:
        """Standardise the covariates of these histories."""
        z = histories.covariates
        if z is None:
            return cls(np.zeros(0), np.ones(0))
        centre = np.average(z, axis=0, weights=histories.count)
        spread = np.sqrt(np.average((z - centre) ** 2, axis=0, weights=histories.count))
        return cls(centre, np.where(spread > 0, spread, 1.0))

    @property
    def m(self) -> int:
        """Covariates."""
        return len(self.centre)

    @property
    def lower(self) -> F64:
        """Edges of the box."""
        return np.concatenate([_LOWER, np.full(2 * self.m, -np.inf)])

    @property
    def upper(self) -> F64:
        """Edges of the box."""
        return np.concatenate([_UPPER, np.full(2 * self.m, np.inf)])

    def starts(self, histories: Histories) -> list[F64]:
        """Return starting points around the mean rate of the data, in purchases per day."""
        rate = (histories.count @ histories.x + 0.5) / max(float(histories.count @ histories.T), 1e-300)
        effects = np.zeros(2 * self.m)
        return [
            np.concatenate([[np.log(1.5 * rate), np.log(r), np.log(p / (1 - p)), np.log(size)], effects])
            for r, p, size in _STARTS
        ]

    def centred(self, z: F64) -> tuple[float, float, float, float]:
        """r, alpha, a, b of a customer with mean covariates."""
        r, size = float(np.exp(z[1])), float(np.exp(z[3]))
        return r, r / float(np.exp(z[0])), size * float(expit(z[2])), size * float(expit(-z[2]))

    def values(self, z: F64) -> F64:
        """r, alpha, a, b, effects on the scale of the covariates; alpha and a for covariates of 0."""
        r, alpha, a, b = self.centred(z)
        purchase, dropout = z[4 : 4 + self.m] / self.spread, z[4 + self.m :] / self.spread
        shift_rate, shift_leave = float(purchase @ self.centre), float(dropout @ self.centre)
        return np.array([r, alpha * np.exp(shift_rate), a * np.exp(-shift_leave), b, *purchase, *dropout])

    def moved(self, z: F64, standardised: F64 | None) -> tuple[float, F64 | float, F64 | float, float]:
        """r, alpha, a, b with alpha and a of each row where there are covariates."""
        r, alpha, a, b = self.centred(z)
        if standardised is None:
            return r, alpha, a, b
        by_rate, by_leave = standardised @ z[4 : 4 + self.m], standardised @ z[4 + self.m :]
        # Steps of the optimiser may overshoot: exp(50) is already beyond any customer.
        return r, alpha * np.exp(-np.clip(by_rate, -50, 50)), a * np.exp(np.clip(by_leave, -50, 50)), b

    def standardised(self, histories: Histories) -> F64 | None:
        """Covariates with mean 0 and deviation 1, shape (n, m)."""
        if histories.covariates is None:
            return None
        scaled: F64 = (histories.covariates - self.centre) / self.spread
        return scaled

    def gradient(self, z: F64, rows: Slopes, weights: F64, alpha: F64 | float, a: F64 | float, t: F64 | None) -> F64:
        """Slopes in r, alpha, a, b of each row, summed with weights, in these coordinates.

        Parameters
        ----------
        z : float64, shape (4 + 2 m,)
        rows : Slopes
        weights : float64, shape (n,)
        alpha, a : float, or float64, shape (n,)
            As `moved` returned them.
        t : float64, shape (n, m), or None
            `standardised`.
        """
        r, _, _, b = self.centred(z)
        in_alpha, in_a = weights * rows.alpha * alpha, weights * rows.a * a
        # Sums, not products of vectors: threaded BLAS waits longer for its threads than it adds.
        by_alpha, by_a, by_b = float(in_alpha.sum()), float(in_a.sum()), float((weights * rows.b).sum()) * b
        by_r, p = float((weights * rows.r).sum()) * r, float(expit(z[2]))
        plain = np.array([-by_alpha, by_r + by_alpha, (1.0 - p) * by_a - p * by_b, by_a + by_b])
        if t is None:
            return plain
        return np.concatenate([plain, -(in_alpha @ t), in_a @ t])

    def lost(self, z: F64, at_limit: NDArray[np.bool_]) -> list[str]:
        """In words, the heterogeneity that the data do not identify."""
        texts = []
        for i in (1, 2, 3):
            if at_limit[i] and z[i] >= _UPPER[i]:
                texts.append(_AT_UPPER[i])
            elif at_limit[i] and z[i] <= _LOWER[i]:
                texts.append(_AT_LOWER[i])
        if at_limit[3] and not texts:
            texts.append("dropout (too few customers leave to tell a + b)")
        texts.extend(f"effect of covariate {(i - 4) % self.m + 1}" for i in np.flatnonzero(at_limit[4:]) + 4)
        return texts


def status_of(lost: list[str], *, settled: bool) -> str:
    """Say in words what a fit is worth."""
    if not settled:
        return "not converged: the gradient does not vanish"
    return "heterogeneity not identified: " + "; ".join(lost) if lost else "converged"

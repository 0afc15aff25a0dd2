"""How much will be sold in all: sums of amounts that each come with a chance, and of a random number of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from crmkit.models.forecast_scores.score import normal_width

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Total:
    """Mean and variance of a sum."""

    mean: float
    variance: float

    def plus(self, other: Total) -> Total:
        """Add an independent sum."""
        return Total(self.mean + other.mean, self.variance + other.variance)

    def interval(self, *, level: float, inflation: float = 1.0) -> tuple[float, float]:
        """Give the ends of the central interval of a gamma distribution with this mean and a multiple of the variance.

        A sum of amounts is at least 0 and leans to the left; a gamma has both and the normal as its limit.
        """
        normal_width(level)
        spread = self.variance * inflation
        if self.mean <= 0.0 or spread <= 0.0:
            return max(self.mean, 0.0), max(self.mean, 0.0)
        shape, tail = self.mean**2 / spread, (1.0 - level) / 2.0
        low, high = (float(gammaincinv(shape, q)) * spread / self.mean for q in (tail, 1.0 - tail))
        return low, high


def sum_with_chances(p: F64, mean: F64, square: F64) -> Total:
    """Sum of independent amounts, each of which comes with a chance.

    Parameters
    ----------
    p, mean, square : float64, shape (n,)
        Chance; mean of the amount if it comes, and of its square (at least the square of the mean).
    """
    return Total(float(p @ mean), float(p @ square - (p * mean) @ (p * mean)))


def compound_poisson(expected: float, mean: float, square: float, *, arrivals: float) -> Total:
    """Sum of a Poisson number of amounts, whose rate was learnt from a number of arrivals.

    Parameters
    ----------
    expected : float
        Expected number, at least 0.
    mean, square : float
        Of the amount, and of its square.
    arrivals : float
        Arrivals that the rate was learnt from: its variance is its square over them.
    """
    doubt = (expected * mean) ** 2 / arrivals if arrivals > 0.0 else 0.0
    return Total(expected * mean, expected * square + doubt)

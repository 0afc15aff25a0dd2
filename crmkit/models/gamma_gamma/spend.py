"""What the spend model sees of customers: orders and their mean value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crmkit.errors import DomainError
from crmkit.models.histories import F64, I64

# Parallel sums of money differ in their last bits from run to run; so many decimals are kept.
_DECIMALS = 9


@dataclass(frozen=True, slots=True, eq=False)
class Spend:
    """Orders and their mean value per customer, one row per distinct pair.

    Attributes
    ----------
    x : float64, shape (n,)
        Orders behind the mean; whole, at least 1.
    m : float64, shape (n,)
        Their mean value, above 0; money.
    count : float64, shape (n,)
        Customers who share the row.
    levels, level_of : float64, shape (k,); int64, shape (n,)
        Distinct x, and where each row's x is among them.
    """

    x: F64
    m: F64
    count: F64
    levels: F64
    level_of: I64

    @classmethod
    def distinct(cls, x: ArrayLike, m: ArrayLike, count: ArrayLike | None = None) -> Spend:
        """Distinct sorted rows of the customers with at least one order; rows with x = 0 say nothing and are left out.

        Raises
        ------
        DomainError
            x is not whole or negative, or a customer with orders has a mean value that is not above 0.
        """
        xs, means = checked_spend(x, m)
        counts = np.ones(len(xs)) if count is None else np.asarray(count, dtype=np.float64)
        if counts.shape != xs.shape or not (np.isfinite(counts) & (counts > 0)).all():
            raise DomainError("count must be finite, above 0, and as long as x.")
        bought = xs > 0
        xs, means, counts = xs[bought], np.round(means[bought], _DECIMALS), counts[bought]
        order = np.lexsort((means, xs))
        xs, means, counts = xs[order], means[order], counts[order]
        first = np.ones(len(xs), dtype=bool)
        first[1:] = (xs[1:] != xs[:-1]) | (means[1:] != means[:-1])
        counts = np.add.reduceat(counts, np.flatnonzero(first)) if len(xs) else counts
        return cls._of_sorted(xs[first], means[first], counts)

    def thinned(self, n: int) -> Spend:
        """Return about n of the rows, evenly spaced in their order."""
        step = max(1, len(self.x) // max(n, 1))
        return self if step == 1 else self._of_sorted(self.x[::step], self.m[::step], self.count[::step])

    @classmethod
    def _of_sorted(cls, x: F64, m: F64, count: F64) -> Spend:
        levels, level_of = np.unique(x, return_inverse=True)
        return cls(x, m, count, levels, level_of)


def checked_spend(x: ArrayLike, m: ArrayLike) -> tuple[F64, F64]:
    """Orders and mean values as float64; the mean value counts only where there are orders.

    Raises
    ------
    DomainError
        All violations, each with its first row.
    """
    xs, means = np.asarray(x, dtype=np.float64), np.asarray(m, dtype=np.float64)
    if xs.ndim != 1 or xs.shape != means.shape:
        raise DomainError(f"x and m must have one dimension and be equally long, got {xs.shape} and {means.shape}.")
    bad_x = ~(np.isfinite(xs) & (xs >= 0) & (xs == np.floor(xs)))
    bad_m = (xs > 0) & ~(np.isfinite(means) & (means > 0))
    rules = (
        ("x must be a whole number, at least 0", xs, bad_x),
        (
            "the mean value of customers with orders must be finite and above 0 (net refunds, or leave them out)",
            means,
            bad_m,
        ),
    )
    texts = [
        f"{rule}; {bad.sum()} of {len(xs)} rows are not (first: row {np.argmax(bad)}, {values[np.argmax(bad)]})."
        for rule, values, bad in rules
        if bad.any()
    ]
    if texts:
        raise DomainError("Spend: " + " ".join(texts))
    return xs, means

"""An additive model of a probability: log-odds as a base plus one term per feature, so that reasons are exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
# Beyond four standard deviations a value says no more: nobody's chance hangs on one odd cell.
_FARTHEST = 4.0
_FOLDS = 5
_STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
# Below so many of either class folds say nothing, and this penalty is taken.
_FEW, _CAUTIOUS = 25, 0.1


@dataclass(frozen=True, slots=True)
class Term:
    """What one feature adds to the log-odds.

    A known value v adds `weight` * z - `missing_weight` * `missing_share`, with z = (t(v) - `mean`) / `spread`, kept
    within four standard deviations, and t(v) = sign(v) ln(1 + |v| / `scale`), or v where `scale` is None. A missing one
    adds `missing_weight` * (1 - `missing_share`). Over the customers fitted, the mean of both together is 0.

    Attributes
    ----------
    name : str
    scale : float or None
        In units of the feature: a low quantile of its sizes, so that units of money don't matter.
    mean, spread : float
        Of t(v).
    weight, missing_weight, missing_share : float
        The first two in log-odds, the last in [0, 1].
    """

    name: str
    scale: float | None
    mean: float
    spread: float
    weight: float
    missing_weight: float
    missing_share: float

    def place(self, values: F64) -> F64:
        """Count standard deviations from the mean, 0 for missing values, shape (n,)."""
        transformed = _on_scale(values, self.scale)
        places = np.clip((transformed - self.mean) / self.spread, -_FARTHEST, _FARTHEST)
        return np.where(np.isnan(values), 0.0, places)

    def of(self, values: F64) -> F64:
        """Say what the values add to the log-odds, shape (n,)."""
        missing = np.isnan(values) - self.missing_share
        return self.weight * self.place(values) + self.missing_weight * missing


@dataclass(frozen=True, slots=True)
class Additive:
    """Log-odds = `base` + the sum of the terms.

    Attributes
    ----------
    base : float
        Log-odds of a customer whose terms are 0.
    terms : tuple of Term
    strength : float
        Inverse penalty (C) of the weights.
    """

    base: float
    terms: tuple[Term, ...]
    strength: float

    def contributions(self, X: F64) -> F64:
        """Say what each feature adds, shape (n, k)."""
        return np.column_stack([term.of(X[:, i]) for i, term in enumerate(self.terms)])

    def log_odds(self, X: F64) -> F64:
        """Add base and contributions up, shape (n,)."""
        return np.asarray(self.base + self.contributions(X).sum(axis=1), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"base": self.base, "strength": self.strength, "terms": [asdict(term) for term in self.terms]}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read what `as_dict` returned."""
        return cls(plain["base"], tuple(Term(**term) for term in plain["terms"]), plain["strength"])


def fit_additive(
    X: F64, y: F64, names: Sequence[str], *, strength: float | None, groups: NDArray[np.int64] | None
) -> Additive:
    """Fit by penalised likelihood.

    Parameters
    ----------
    X : float64, shape (n, k)
        NaN is missing.
    y : float64, shape (n,)
        0 and 1, both there.
    names : sequence of str, length k
    strength : float or None
        Inverse penalty (C); None: the heaviest penalty whose log loss is within a standard error of the best over five
        folds (the one-standard-error rule: Breiman, Friedman, Olshen & Stone 1984, section 3.4.3).
    groups : int64, shape (n,), or None
        Rows of one group stay in one fold.
    """
    terms = _terms(X, names)
    places = np.column_stack([term.place(X[:, i]) for i, term in enumerate(terms)])
    missing = np.isnan(X) - np.array([term.missing_share for term in terms])
    told = _told_apart(np.isnan(X))
    design = np.column_stack([places, missing[:, told]])
    chosen = _best_strength(design, y, groups) if strength is None else strength
    base, weights = _fitted(design, y, chosen)
    absent = np.zeros(len(terms))
    absent[told] = weights[len(terms) :]
    return Additive(
        base,
        tuple(
            Term(t.name, t.scale, t.mean, t.spread, float(w), float(m), t.missing_share)
            for t, w, m in zip(terms, weights, absent, strict=False)
        ),
        chosen,
    )


def _terms(X: F64, names: Sequence[str]) -> list[Term]:
    found = []
    for i, name in enumerate(names):
        known = X[~np.isnan(X[:, i]), i]
        scale = _scale(known)
        shaped = _on_scale(known, scale)
        mean, spread = (float(shaped.mean()), float(shaped.std())) if len(known) else (0.0, 1.0)
        # Where all are alike the standard deviation is what rounding leaves of 0.
        spread = spread if spread > 1e-9 * max(abs(mean), 1.0) else 1.0
        share = 1.0 - len(known) / len(X)
        found.append(Term(name, scale, mean, spread, 0.0, 0.0, share))
    return found


def _scale(known: F64) -> float | None:
    """Take logarithms of what is at least 0 and less skewed with them."""
    if not len(known) or known.min() < 0.0 or known.max() == known.min():
        return None
    scale = float(np.quantile(known[known > 0.0], 0.1))
    return scale if abs(_skewness(np.log1p(known / scale))) < abs(_skewness(known)) else None


def _skewness(values: F64) -> float:
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float(((centred / spread) ** 3).mean()) if spread > 0.0 else 0.0


def _on_scale(values: F64, scale: float | None) -> F64:
    if scale is None:
        return values
    return np.asarray(np.sign(values) * np.log1p(np.abs(values) / scale), dtype=np.float64)


def _told_apart(missing: NDArray[np.bool_]) -> list[int]:
    """Columns with missing values, the first of those that miss the same rows: the rest would say it again."""
    found: list[int] = []
    for i in range(missing.shape[1]):
        gaps = missing[:, i]
        if gaps.any() and not gaps.all() and not any((gaps == missing[:, j]).all() for j in found):
            found.append(i)
    return found


def _fitted(design: F64, y: F64, strength: float) -> tuple[float, F64]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8, max_iter=200).fit(design, y)
    # Threads add in any order: a fit is the same digits in every run.
    return round(float(model.intercept_[0]), 9), model.coef_[0].round(9)


def _best_strength(design: F64, y: F64, groups: NDArray[np.int64] | None) -> float:
    fold = _folds(y, groups)
    if min(y.sum(), len(y) - y.sum()) < _FEW or any(np.ptp(y[fold != k]) == 0 for k in range(_FOLDS)):
        return _CAUTIOUS
    losses = np.empty((len(_STRENGTHS), len(y)))
    for k in range(_FOLDS):
        held = fold == k
        for i, strength in enumerate(_STRENGTHS):
            base, weights = _fitted(design[~held], y[~held], strength)
            eta = base + design[held] @ weights
            losses[i, held] = np.logaddexp(0.0, eta) - y[held] * eta
    owner = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    best = int(losses.mean(axis=1).argmin())
    behind = [np.bincount(owner, row) for row in losses - losses[best]]
    errors = [float(np.sqrt((d**2).sum())) for d in behind]
    near = [i for i, (d, e) in enumerate(zip(behind, errors, strict=True)) if d.sum() <= e]
    return _STRENGTHS[min(near)]


def _folds(y: F64, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Folds without chance: rows of each class, or groups, dealt out in turn."""
    if groups is not None:
        return np.unique(groups, return_inverse=True)[1] % _FOLDS
    fold = np.empty(len(y), dtype=np.int64)
    for kind in (0.0, 1.0):
        rows = np.flatnonzero(y == kind)
        fold[rows] = np.arange(len(rows)) % _FOLDS
    return fold

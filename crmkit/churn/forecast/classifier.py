"""A scikit-learn classifier whose reasons are exact: what each feature adds to the log-odds, and nothing else."""

from __future__ import annotations

import json
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from crmkit.churn.forecast.additive import F64, Additive, fit_additive
from crmkit.errors import DomainError
from crmkit.frames.local import with_read_names
from crmkit.models.ranks import strongest
from crmkit.models.stored import read_stored
from crmkit.models.two_classes import two_classes
from crmkit.whole_numbers import is_whole

_ADVICE = "Take more or earlier snapshots, or a longer horizon."


class ChurnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probability of churn from features of customers, additive on the log-odds.

    Every feature is put on its natural scale (logarithms where they make it less skewed), standardised, kept within
    four standard deviations and weighted; a missing value has a weight of its own. Weights come from an L2-penalised
    logistic regression. So the log-odds of a customer are the base value plus one contribution per feature, exactly.

    Parameters
    ----------
    strength : float or None
        Inverse of the penalty (scikit-learn's C), above 0. None: by five folds, the heaviest penalty within a standard
        error of the best.
    least_events : int
        How many of each class are needed to learn from, at least 1.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The second one is what is predicted: 1 of `churn_labels`.
    additive_ : Additive
        The fitted terms.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a frame with names.

    Notes
    -----
    X may be an array, a pandas or a Polars frame of numbers; NaN is missing. Rows of a classifier are customers at a
    date, so `groups` of `fit` should hold the customer where a customer stands in several snapshots.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> X = rng.exponential(size=(400, 2))
    >>> y = rng.random(400) < X[:, 0] / (1 + X[:, 0])
    >>> model = ChurnClassifier().fit(X, y)
    >>> total = model.base_value_ + model.contributions(X).sum(axis=1)
    >>> bool(np.array_equal(total, model.decision_function(X)))
    True
    """

    def __init__(self, *, strength: float | None = None, least_events: int = 50) -> None:
        self.strength = strength
        self.least_events = least_events

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Learn the terms.

        Parameters
        ----------
        X : array-like, shape (n, k)
            Numbers; NaN is missing.
        y : array-like, shape (n,)
            Two classes; the one that sorts last is predicted.
        groups : array-like, shape (n,), optional
            Whose row it is: rows of one customer are never on both sides of a fold.

        Raises
        ------
        FitError
            Fewer than `least_events` of a class.
        DomainError
            `strength` or `least_events` out of its domain.
        """
        if self.strength is not None and not self.strength > 0.0:
            raise DomainError(f"strength must be above 0, or None to have it chosen, got {self.strength}.")
        if not is_whole(self.least_events, 1):
            raise DomainError(f"least_events must be at least 1 (a whole number), got {self.least_events!r}.")
        checked, labels = validate_data(self, with_read_names(X), y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(labels)
        self.classes_ = two_classes(labels, least=self.least_events, kind=type_of_target(labels), advice=_ADVICE)
        owners = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        if owners is not None and owners.shape != labels.shape:
            raise DomainError(f"groups must hold one customer per row ({len(labels)}), got shape {owners.shape}.")
        happened = (labels == self.classes_[1]).astype(np.float64)
        names = [str(name) for name in getattr(self, "feature_names_in_", np.arange(checked.shape[1]))]
        self.additive_ = fit_additive(checked, happened, names, strength=self.strength, groups=owners)
        return self

    @property
    def base_value_(self) -> float:
        """Log-odds of a customer whose contributions are 0."""
        return self._fitted().base

    def decision_function(self, X: ArrayLike) -> F64:
        """Log-odds, shape (n,)."""
        return self._fitted().log_odds(self._checked(X))

    def predict_proba(self, X: ArrayLike) -> F64:
        """Probability of each class, shape (n, 2)."""
        chance = expit(self.decision_function(X))
        return np.column_stack([1.0 - chance, chance])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class, shape (n,)."""
        likelier = (self.decision_function(X) > 0.0).astype(np.int64)
        return np.asarray(self.classes_[likelier])

    def contributions(self, X: ArrayLike) -> F64:
        """Say what each feature adds, shape (n, k); with `base_value_` the row sums are `decision_function`."""
        return self._fitted().contributions(self._checked(X))

    def reasons(self, X: ArrayLike, k: int = 3) -> NDArray[Any]:
        """Names of the features that raise the risk most, shape (n, k), the strongest first; "" where fewer do."""
        found = self._fitted()
        columns, names = strongest(found.contributions(self._checked(X)), k), [term.name for term in found.terms]
        return np.array([*names, ""], dtype=object)[columns]

    def to_json(self) -> str:
        """Return the fitted classifier as JSON."""
        named = hasattr(self, "feature_names_in_")
        plain = {"crmkit": "churn classifier", "strength": self.strength, "least_events": self.least_events}
        classes = {"kind": self.classes_.dtype.kind, "classes": self.classes_.tolist()}
        return json.dumps({**plain, "named": named, **classes, "additive": self._fitted().as_dict()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same classifier, digit for digit."""
        plain = read_stored(text, "churn classifier")
        made = cls(strength=plain["strength"], least_events=plain["least_events"])
        made.classes_ = np.array(plain["classes"], dtype=object if plain["kind"] == "O" else None)
        made.additive_ = Additive.from_dict(plain["additive"])
        made.n_features_in_ = len(made.additive_.terms)
        if plain["named"]:
            made.feature_names_in_ = np.array([term.name for term in made.additive_.terms], dtype=object)
        return made

    def _checked(self, X: ArrayLike) -> F64:
        check_is_fitted(self, "additive_")
        checked = validate_data(self, with_read_names(X), reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        return np.asarray(checked, dtype=np.float64)

    def _fitted(self) -> Additive:
        check_is_fitted(self, "additive_")
        found: Additive = self.additive_
        return found

"""A scikit-learn classifier whose score is a sum of points, one bin per column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers, header, is_table, local_arrays, local_columns, rows_of
from crmkit.models.ranks import strongest
from crmkit.models.stored import read_stored
from crmkit.models.two_classes import two_classes
from crmkit.scoring.cards import Band, Scorecard
from crmkit.scoring.learned.as_scorecard import as_scorecard
from crmkit.scoring.learned.evidence import Monotone, fit_point_card
from crmkit.scoring.learned.point_card import F64, I64, PointCard, Scale

_WAYS = ("auto", "increasing", "decreasing", "none")

_ADVICE = "Take leads of a longer time."


class LeadClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Chance that a lead converts, as points that add up.

    Every column is cut into bins: a number into ranges whose rates go one way, texts and truth values into categories,
    missing values into a bin of their own. A logistic regression weighs their evidence, and what each bin adds is
    written as points in whole hundredths. The chance is a function of the sum of points alone, so points rise with the
    chance, always, and reasons are exact.

    Parameters
    ----------
    monotone : {"auto", "increasing", "decreasing", "none"} or mapping of column to one of them
        Which way the rate of a number may go: "auto" takes the way that fits better, "none" lets it turn. Columns that
        the mapping does not name are "auto".
    least_bin_share : float
        Smallest share of the rows in a bin, in (0, .5]; rarer categories go together. The missing bin is free.
    least_bin_rows : float
        Smallest number of rows in a bin, at least 0.
    smoothing : float
        Rows of the average rate added to each bin, at least 0.
    strength : float
        Inverse of the penalty of the weights (scikit-learn's C), above 0.
    even_points, double_points : float
        Scale: points of an even chance; points that double the odds, above 0.
    least_events : int
        How many of each class are needed to learn from, at least 1.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The second one is what is predicted.
    card_ : PointCard
        Bins with their points.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a frame with names.

    Notes
    -----
    X may be an array, a pandas, Polars or PyArrow table. A category never seen counts as the rare ones do; what
    nothing is known of (rare categories of less than the least share together, a missing value where there was none)
    counts as the average lead does. A column that tells nothing (constant, all missing, an id) gets
    points of 0. Weights of the regression are at least 0, so a column never counts against its own bins, and they are
    shrunk by what so many bins fit by chance (van Houwelingen & le Cessie 1990).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> X = rng.exponential(size=(400, 2))
    >>> y = rng.random(400) < X[:, 0] / (1 + X[:, 0])
    >>> model = LeadClassifier().fit(X, y)
    >>> bool((np.diff(model.predict_proba(X)[np.argsort(model.points(X)), 1]) >= 0).all())
    True
    """

    def __init__(
        self,
        *,
        monotone: Monotone | Mapping[str, Monotone] = "auto",
        least_bin_share: float = 0.03,
        least_bin_rows: float = 20.0,
        smoothing: float = 10.0,
        strength: float = 1.0,
        even_points: float = 50.0,
        double_points: float = 10.0,
        least_events: int = 40,
    ) -> None:
        self.monotone = monotone
        self.least_bin_share = least_bin_share
        self.least_bin_rows = least_bin_rows
        self.smoothing = smoothing
        self.strength = strength
        self.even_points = even_points
        self.double_points = double_points
        self.least_events = least_events

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the points.

        Parameters
        ----------
        X : table or array-like, shape (n, k)
            Numbers, texts, categories, truth values; NaN, None and empty texts are missing.
        y : array-like, shape (n,)
            Two classes; the one that sorts last is predicted.
        sample_weight : array-like, shape (n,), optional
            How many leads a row stands for, at least 0.

        Raises
        ------
        FitError
            Fewer than `least_events` of a class.
        DomainError
            An argument is out of its domain, or a column holds times or infinities.
        """
        scale = self._checked_parameters()
        columns, labels = self._taken(X, y)
        weights = _weights(sample_weight, X, len(labels))
        kept = weights > 0.0
        self.classes_ = two_classes(labels[kept], least=self.least_events, kind=type_of_target(labels), advice=_ADVICE)
        monotone = self._ways(list(columns))
        if not kept.all():
            columns = {name: rows_of(column, kept) for name, column in columns.items()}
        self.card_ = fit_point_card(
            columns,
            (labels[kept] == self.classes_[1]).astype(np.float64),
            weights[kept],
            monotone=monotone,
            least_share=self.least_bin_share,
            least_rows=self.least_bin_rows,
            smoothing=self.smoothing,
            strength=self.strength,
            scale=scale,
        )
        return self

    def decision_function(self, X: Any) -> F64:
        """Log-odds, shape (n,)."""
        return self._fitted().scale.log_odds(self._hundredths(X))

    def predict_proba(self, X: Any) -> F64:
        """Probability of each class, shape (n, 2)."""
        chance = self._fitted().chance(self._hundredths(X))
        return np.column_stack([1.0 - chance, chance])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class, shape (n,)."""
        likelier = (self.decision_function(X) > 0.0).astype(np.int64)
        return np.asarray(self.classes_[likelier])

    def points(self, X: Any) -> F64:
        """Points, shape (n,): `even_points` for an even chance, `double_points` more for twice the odds."""
        return np.asarray(self._hundredths(X) / 100.0, dtype=np.float64)

    def contributions(self, X: Any) -> F64:
        """Points of each column above those of the average lead, shape (n, k).

        With `reference_points_` the sums of rows are `points`, exactly in hundredths.
        """
        return np.asarray(self._contributions(X) / 100.0, dtype=np.float64)

    @property
    def reference_points_(self) -> float:
        """Points of the average lead learnt from."""
        return self._fitted().reference / 100.0

    def reasons(self, X: Any, k: int = 3) -> NDArray[Any]:
        """Names of the columns that raise the points most above the average lead's, shape (n, k); "" where fewer do."""
        columns = strongest(self._contributions(X).astype(np.float64), k)
        names = [column.name for column in self._fitted().columns]
        return np.array([*names, ""], dtype=object)[columns]

    def bin_points(self) -> dict[str, list[Any]]:
        """List all bins, ready for `pandas.DataFrame` or `polars.DataFrame`.

        `column`, `kind` ("range", "categories", "other", "missing"), `lower` (inclusive), `upper` (exclusive; None is
        open), `categories` (texts), `points`, `woe` (log-odds), `count` (rows), `rate` (share converted).
        """
        return self._fitted().bin_points()

    def to_scorecard(self, *, name: str = "Learned score", bands: tuple[Band, ...] | None = None) -> Scorecard:
        """Write the points as a rule `Scorecard`: the same points for every lead.

        `bands` are your own, or by default: "cold" below the average lead learnt from, "warm" from it on, "ready" from
        twice its odds to convert on.
        """
        return as_scorecard(self._fitted(), name=name, bands=bands)

    def to_json(self) -> str:
        """Return the fitted classifier as JSON; it holds bins and counts, no lead."""
        named = hasattr(self, "feature_names_in_")
        classes = {"kind": self.classes_.dtype.kind, "classes": self.classes_.tolist()}
        parameters = {
            **self.get_params(),
            **({} if isinstance(self.monotone, str) else {"monotone": {**self.monotone}}),
        }
        plain = {"crmkit": "lead classifier", "parameters": parameters, "named": named, **classes}
        return json.dumps({**plain, "card": self._fitted().as_dict()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same classifier, digit for digit."""
        plain = read_stored(text, "lead classifier")
        made = cls(**plain["parameters"])
        made.classes_ = np.array(plain["classes"], dtype=object if plain["kind"] == "O" else None)
        made.card_ = PointCard.from_dict(plain["card"])
        made.n_features_in_ = len(made.card_.columns)
        if plain["named"]:
            made.feature_names_in_ = np.array([column.name for column in made.card_.columns], dtype=object)
        return made

    def _checked_parameters(self) -> Scale:
        if not 0.0 < self.least_bin_share <= 0.5:
            raise DomainError(f"least_bin_share must lie in (0, .5], got {self.least_bin_share}.")
        if not (0.0 <= self.least_bin_rows < np.inf and 0.0 <= self.smoothing < np.inf):
            raise DomainError(
                f"least_bin_rows and smoothing must be at least 0 and finite, got {self.least_bin_rows} and "
                f"{self.smoothing}."
            )
        if not self.strength > 0.0:
            raise DomainError(f"strength must be above 0, got {self.strength}.")
        if not self.least_events >= 1:
            raise DomainError(f"least_events must be at least 1, got {self.least_events}.")
        return Scale(self.even_points, self.double_points)

    def _ways(self, names: list[str]) -> dict[str, Monotone]:
        ways = dict.fromkeys(names, self.monotone) if isinstance(self.monotone, str) else dict(self.monotone)
        unknown = [name for name in ways if name not in names]
        if unknown:
            raise DomainError(f"monotone names {unknown[0]!r}, which X does not have; it has {', '.join(names)}.")
        wrong = [way for way in ways.values() if way not in _WAYS]
        if wrong:
            raise DomainError(f"monotone must be one of {', '.join(map(repr, _WAYS))}, got {wrong[0]!r}.")
        return ways

    def _taken(self, X: Any, y: ArrayLike) -> tuple[dict[str, Numbers | Categories], NDArray[Any]]:
        if is_table(X):
            columns = local_columns(X)
            if not columns:
                raise DomainError("X has no column to learn from; expected at least one.")
            validate_data(self, header(X), y, skip_check_array=True)
            labels = column_or_1d(y, warn=True)
            check_consistent_length(X, labels)
        else:
            checked, labels = validate_data(self, X, y, dtype=None, ensure_all_finite="allow-nan")
            columns = _of_array(checked)
        check_classification_targets(labels)
        return columns, np.asarray(labels)

    def _columns(self, X: Any) -> dict[str, Numbers | Categories]:
        check_is_fitted(self, "card_")
        if is_table(X):
            columns = local_columns(X)
            validate_data(self, header(X), reset=False, skip_check_array=True)
            return columns
        checked = validate_data(self, X, reset=False, dtype=None, ensure_all_finite="allow-nan")
        names = [column.name for column in self._fitted().columns]
        return dict(zip(names, _of_array(checked).values(), strict=True))

    def _hundredths(self, X: Any) -> I64:
        return self._fitted().hundredths(self._columns(X))

    def _contributions(self, X: Any) -> I64:
        card = self._fitted()
        reference = np.array([column.reference for column in card.columns], dtype=np.int64)
        return np.asarray(card.parts(self._columns(X)) - reference, dtype=np.int64)

    def _fitted(self) -> PointCard:
        check_is_fitted(self, "card_")
        found: PointCard = self.card_
        return found


def _of_array(checked: NDArray[Any]) -> dict[str, Numbers | Categories]:
    return local_arrays({str(i): checked[:, i] for i in range(checked.shape[1])})


def _weights(given: ArrayLike | None, X: Any, n: int) -> F64:
    if given is None:
        return np.ones(n)
    weights = np.asarray(_check_sample_weight(given, np.empty((n, 1)), dtype=np.float64))
    if (weights < 0.0).any():
        raise DomainError(f"sample_weight must be at least 0, got {weights.min():g}.")
    return weights

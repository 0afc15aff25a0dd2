"""A lead model held against the most recent leads, beside boosted trees on the same columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmkit.frames.local import Categories, Numbers
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score
from crmkit.scoring.learned.point_card import F64

# Fewer of a class among the recent leads say nothing.
LEAST_RECENT = 20
# A challenger so much better is worth a word.
_WORTH_A_WORD = 0.02
# A tree's categories are bytes.
_MOST_CATEGORIES = 200


@dataclass(frozen=True, slots=True)
class LeadTest:
    """How the model did on leads later than all it had learnt from.

    Attributes
    ----------
    from_day : str
        First day of creation of the leads tested (ISO date).
    leads, converted : int
    auc : Score
        With 95 % interval (DeLong).
    lift : Score
        Of the tenth with the most points.
    slope : Score or None
        Of calibration; 1 is calibrated.
    predicted, observed : float
        Mean chance, and share that converted.
    challenger : Score or None
        AUC of boosted trees learnt from the same columns and leads.
    behind : Score or None
        AUC of the trees less that of the model; they are clearly ahead where `low` is above 0.
    """

    from_day: str
    leads: int
    converted: int
    auc: Score
    lift: Score
    slope: Score | None
    predicted: float
    observed: float
    challenger: Score | None
    behind: Score | None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong: "order" (none to speak of), "slope", "level", "trees" (clearly ahead, by .02 or more)."""
        order = (self.auc.low or 0.0) <= 0.5
        trees = self.behind is not None and (self.behind.low or 0.0) > 0.0 and self.behind.value >= _WORTH_A_WORD
        calibrated = scores.calibration_faults(self.slope, self.predicted, self.observed)
        return (*(("order",) if order else ()), *calibrated, *(("trees",) if trees else ()))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` returned."""
        figures = {
            name: None if plain[name] is None else Score(**plain[name])
            for name in ("auc", "lift", "slope", "challenger", "behind")
        }
        return cls(**{**plain, **figures})


def recent_rows(day: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Mark the most recent share; leads of one day stay together, so that it may be a little more."""
    first = int(day[min(int(len(day) * (1.0 - share)), len(day) - 1)])
    return np.asarray(day >= first)


def tested(day: int, came: F64, chance: F64, trees: F64 | None) -> LeadTest | None:
    """Judge chances by what came; None where a class has too few."""
    if min(came.sum(), len(came) - came.sum()) < LEAST_RECENT:
        return None
    area, lift = scores.auc(came, chance), scores.lift_of_top(came, chance)
    assert area is not None
    assert lift is not None
    return LeadTest(
        dt.date.fromordinal(day).isoformat(),
        len(came),
        int(came.sum()),
        area,
        lift,
        scores.calibration(came, chance).slope,
        float(chance.mean()),
        float(came.mean()),
        None if trees is None else scores.auc(came, trees),
        None if trees is None else scores.auc_difference(came, trees, chance),
    )


def challenger(columns: Mapping[str, Numbers | Categories], came: F64, recent: NDArray[np.bool_]) -> F64:
    """Chances of the recent leads by boosted trees, as scikit-learn sets them, learnt from the others."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    told = {name: column for name, column in columns.items() if _tells(column, ~recent)}
    if not told:
        return np.full(int(recent.sum()), float(came[~recent].mean()))
    X = np.column_stack([_plain(column) for column in told.values()])
    is_category = [isinstance(column, Categories) for column in told.values()]
    trees = HistGradientBoostingClassifier(categorical_features=is_category, random_state=0)
    return np.asarray(trees.fit(X[~recent], came[~recent]).predict_proba(X[recent])[:, 1], dtype=np.float64)


def _tells(column: Numbers | Categories, rows: NDArray[np.bool_]) -> bool:
    values = _plain(column)[rows]
    return not np.isnan(values).all()


def _plain(column: Numbers | Categories) -> F64:
    if isinstance(column, Numbers):
        return column.values
    # The most frequent categories have numbers of their own, the rest are missing.
    frequency = np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels))
    kept = np.argsort(-frequency, kind="stable")[:_MOST_CATEGORIES]
    place = np.full(len(column.labels) + 1, np.nan)
    place[kept] = np.arange(len(kept))
    return np.asarray(place[column.codes], dtype=np.float64)

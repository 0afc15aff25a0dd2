"""Scores of probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from crmkit.errors import DomainError
from crmkit.models.forecast_scores.recalibration import recalibrated
from crmkit.models.forecast_scores.score import F64, Rows, Score, columns, mean_of, share_of

# A probability of 0 or 1 that turns out wrong costs ln 1e-12, not infinity; in logits 1e-9 is as far.
_LEAST, _LEAST_LOGIT = 1e-12, 1e-9
_SLOPE, _LEVEL = (0.8, 1.25), 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic recalibration.

    Attributes
    ----------
    intercept : Score or None
        At slope 1, in logits: 0 is calibrated, above 0 more came than was forecast.
    slope : Score or None
        1 is calibrated, below 1 the probabilities lie too far apart (overconfident). None where there is no finite
        answer: all or none came, equal probabilities, or a threshold that parts those who came from the others.
    """

    intercept: Score | None
    slope: Score | None


@dataclass(frozen=True, slots=True)
class Bin:
    """A row of a calibration table: customers of like probability.

    Attributes
    ----------
    customers : float
    predicted : float
        Mean probability.
    observed, observed_low, observed_high : float
        Share who came, with its Wilson interval.
    """

    customers: float
    predicted: float
    observed: float
    observed_low: float | None
    observed_high: float | None


def brier(
    came: ArrayLike,
    p: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Mean squared difference of probability and outcome (Brier 1950); smaller is better.

    Parameters
    ----------
    came : array-like, shape (n,)
        1 or 0, or truth values.
    p : array-like, shape (n,)
        In [0, 1].
    """
    happened, chance = chances(came, p)
    return mean_of((chance - happened) ** 2, count=count, cluster=cluster, level=level)


def log_score(
    came: ArrayLike,
    p: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Score:
    """Mean of -ln P(what happened) (Good 1952); smaller is better; parameters as `brier`."""
    return mean_of(log_score_losses(came, p), count=count, cluster=cluster, level=level)


def log_score_losses(came: ArrayLike, p: ArrayLike) -> F64:
    """-ln P(what happened) row for row, at most 27.6; parameters as `brier`."""
    happened, chance = chances(came, p)
    return np.asarray(-np.log(np.maximum(np.where(happened > 0, chance, 1.0 - chance), _LEAST)))


def calibration(
    came: ArrayLike,
    p: ArrayLike,
    *,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Calibration:
    """Regress what happened on the logit of its probability; parameters as `brier`.

    References
    ----------
    Cox (1958), "Two further applications of a model for binary regression", Biometrika 45(3/4).
    """
    happened, chance = chances(came, p)
    logits = logit(np.clip(chance, _LEAST_LOGIT, 1.0 - _LEAST_LOGIT))
    return Calibration(*recalibrated(happened, logits, link="logit", count=count, cluster=cluster, level=level))


def calibration_faults(slope: Score | None, predicted: float, observed: float) -> tuple[str, ...]:
    """Name what is wrong with probabilities: "slope" (not .8 to 1.25, or unknown), "level" (mean five points off).

    A slope of .8 and one of 1.25 are equally far off; a level that is five points off misleads a budget.
    """
    steep = slope is None or not _SLOPE[0] <= slope.value <= _SLOPE[1]
    return (*(("slope",) if steep else ()), *(("level",) if abs(predicted - observed) > _LEVEL else ()))


def calibration_table(
    came: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    count: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> tuple[Bin, ...]:
    """Compare probability and share in groups of equal size, lowest first; equal probabilities stay together.

    Parameters
    ----------
    came, p : as `brier`
    bins : int
        Groups, at least 2; fewer come out where many probabilities are equal.
    """
    happened, chance = chances(came, p)
    rows = Rows.of(len(chance), count, cluster)
    found = []
    for group in groups_of(chance, rows.count, bins):
        part = None if rows.cluster is None else rows.cluster[group]
        share = share_of(happened[group], count=rows.count[group], cluster=part, level=level)
        mean = float(np.average(chance[group], weights=rows.count[group]))
        found.append(Bin(float(rows.count[group].sum()), mean, share.value, share.low, share.high))
    return tuple(found)


def groups_of(values: F64, count: F64, groups: int) -> list[NDArray[np.bool_]]:
    """Masks of groups of equal weight in ascending order of `values`; ties go together, by their first rank."""
    if groups < 2:
        raise DomainError(f"Groups must be at least 2, got {groups}.")
    distinct, inverse = np.unique(values, return_inverse=True)
    weights = np.bincount(inverse, count, minlength=len(distinct))
    before = np.cumsum(weights) - weights
    # Rounding of sums of weights must not move a border: whole numbers of customers are exact.
    which = np.minimum(np.floor(groups * before / weights.sum() + 1e-12), groups - 1)[inverse]
    return [which == one for one in np.unique(which)]


def chances(came: ArrayLike, p: ArrayLike) -> list[F64]:
    """Check outcomes and probabilities."""
    found = columns(came=np.asarray(came, dtype=np.float64), p=p)
    if not np.isin(found[0], (0.0, 1.0)).all():
        raise DomainError("came must hold 0 and 1, or truth values.")
    if found[1].min() < 0.0 or found[1].max() > 1.0:
        raise DomainError(f"p must lie in [0, 1], got {found[1].min():g} to {found[1].max():g}.")
    return found

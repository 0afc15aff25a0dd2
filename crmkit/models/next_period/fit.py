"""Level of each series, season of all, overdispersion of each: by quasi-likelihood that outliers do not move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr

from crmkit.errors import DomainError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Kind: TypeAlias = Literal["rate", "count", "value"]
_ROUNDS, _CLOSE = 200, 1e-10
_CUT: Final = 2.0  # Huber's constant: outliers beyond two standard deviations count as two


@dataclass(frozen=True, slots=True, eq=False)
class SeriesFit:
    """What a history says of the next period.

    Attributes
    ----------
    kind : {"rate", "count", "value"}
    level : float64, shape (g,)
        Of each series, on the scale of the link: logit, log, identity.
    season : float64, shape (s,)
        Added to it; they sum to 0, weighted by what was seen.
    level_weight, season_weight : float64, shape (g,), (s,)
        Information on each; its inverse, times the dispersion, is the variance.
    dispersion : float64, shape (g,)
        Variance of each series over that of the binomial or Poisson law (of a value: the variance itself).
    freedom : float64, shape (g,)
        Degrees of freedom that the dispersion is worth.
    periods : int64, shape (g,)
    """

    kind: Kind
    level: F64
    season: F64
    level_weight: F64
    season_weight: F64
    dispersion: F64
    freedom: F64
    periods: I64


def mean_of(kind: Kind, eta: F64) -> F64:
    """Inverse link."""
    if kind == "rate":
        return np.asarray(expit(eta))
    return np.asarray(np.exp(np.minimum(eta, 600.0))) if kind == "count" else eta


def variance_of(kind: Kind, mean: F64, n: F64) -> F64:
    """Variance of a figure at dispersion 1, which is the weight of its link as well (all three are canonical)."""
    if kind == "rate":
        return np.asarray(n * mean * (1.0 - mean))
    return mean if kind == "count" else np.ones_like(mean)


def fit_series(kind: Kind, y: F64, n: F64, series: I64, season: I64) -> SeriesFit:
    """Fit levels and seasons of several series at once.

    Parameters
    ----------
    kind : {"rate", "count", "value"}
    y : float64, shape (k,)
        Successes, count or value.
    n : float64, shape (k,)
        Trials, above 0; read for rates alone.
    series, season : int64, shape (k,)
        From 0; every number up to the highest occurs.

    Notes
    -----
    Link logit, log or identity; E[y] = n mean(level + season). Scores are weighted by Huber's min(1, c / |r|) with r
    the standardised residual, c = 2 + 3 / sqrt(variance): counts of a few are skewed, and their upper values are no
    outliers. Dispersion: Huber's proposal 2, the root of mean min(r^2, c^2) = its expectation under the normal law,
    with the degrees of freedom that are left.

    References
    ----------
    McCullagh & Nelder (1989), "Generalized Linear Models", chapter 9; Huber (1964), Annals of Mathematical Statistics
    35(1).
    """
    if len(y) == 0:
        raise DomainError("A fit needs at least one period of history.")
    groups, seasons = int(series.max()) + 1, int(season.max()) + 1
    level, wave = _start(kind, y, n, series, groups), np.zeros(seasons)
    periods = np.bincount(series, minlength=groups)
    free = np.maximum(periods - 1.0 - (seasons - 1.0) * periods / len(y), 0.0)
    phi, weight = np.ones(groups), np.ones(len(y))
    parts = [(series, level, _edge(kind, y, n, series, groups)), (season, wave, _edge(kind, y, n, season, seasons))]
    parts = parts if seasons > 1 else parts[:1]
    info = np.ones(len(y))
    for _ in range(_ROUNDS):
        before = np.concatenate([level, wave, phi])
        for place, effect, edge in parts:
            mean = mean_of(kind, level[series] + wave[season])
            info = np.maximum(variance_of(kind, mean, n), 1e-300)
            fitted = n * mean if kind == "rate" else mean
            weight = _weights((y - fitted) / np.sqrt(np.maximum(info * phi[series], 1e-300)), info, kind)
            up, down = (np.bincount(place, weight * part, len(effect)) for part in (y - fitted, info))
            effect += up / down if kind == "value" else np.clip((up + edge) / down, -2.0, 2.0)
        wave -= wave.mean() if seasons > 1 else wave
        mean = mean_of(kind, level[series] + wave[season])
        info = np.maximum(variance_of(kind, mean, n), 1e-300)
        fitted = n * mean if kind == "rate" else mean
        phi = _dispersion((y - fitted) ** 2 / info, info, kind, series, phi, free)
        now = np.concatenate([level, wave, phi])
        if np.max(np.abs(now - before)) <= _CLOSE * (1.0 + np.max(np.abs(now))):
            break
    known: F64 = weight * info
    level_weight: F64 = np.bincount(series, known, groups).astype(np.float64)
    season_weight: F64 = np.bincount(season, known, seasons).astype(np.float64)
    worth = np.bincount(series, _worth(_cuts(info, kind)), groups) / periods
    return SeriesFit(kind, level, wave, level_weight, season_weight, phi, free * worth, periods)


def _start(kind: Kind, y: F64, n: F64, series: I64, groups: int) -> F64:
    """Give the first levels: medians of values, shares and means of the rest, inside their domain."""
    if kind == "value":
        return np.array([np.median(y[series == g]) for g in range(groups)])
    total, trials = np.bincount(series, y, groups), np.bincount(series, n, groups)
    if kind == "count":
        return np.asarray(np.log(np.maximum(total, 0.5) / np.bincount(series, minlength=groups)))
    return np.asarray(logit(np.clip(total, 0.5, np.maximum(trials - 0.5, 0.5)) / np.maximum(trials, 1.0 + 1e-9)))


def _edge(kind: Kind, y: F64, n: F64, place: I64, many: int) -> F64:
    """Half a success where there was none, half a failure where there was no other: levels stay finite."""
    total, trials = np.bincount(place, y, many), np.bincount(place, n, many)
    return np.asarray(0.5 * (total == 0.0) - 0.5 * ((kind == "rate") & (total == trials)))


def _cuts(info: F64, kind: Kind) -> F64:
    return np.full(len(info), _CUT) if kind == "value" else _CUT + 3.0 / np.sqrt(np.maximum(info, 1e-6))


def _weights(residual: F64, info: F64, kind: Kind) -> F64:
    return np.asarray(np.minimum(1.0, _cuts(info, kind) / np.maximum(np.abs(residual), 1e-300)))


def _dispersion(squares: F64, info: F64, kind: Kind, series: I64, phi: F64, free: F64) -> F64:
    """One step towards the root of sum min(r^2 / phi, c^2) = free share of its expectation."""
    cuts = _cuts(info, kind)
    kept = np.minimum(squares / np.maximum(phi[series], 1e-300), cuts**2) * phi[series]
    periods = np.bincount(series, minlength=len(phi))
    expected = np.bincount(series, _clipped_square(cuts), len(phi)) * free / np.maximum(periods, 1)
    found = np.bincount(series, kept, len(phi)) / np.maximum(expected, 1e-300)
    return np.where(free > 0.0, found, phi)


def _density(c: F64) -> F64:
    return np.asarray(np.exp(-0.5 * c**2) / np.sqrt(2.0 * np.pi))


def _inner_square(c: F64) -> F64:
    """E[Z^2; |Z| < c]."""
    return np.asarray(2.0 * ndtr(c) - 1.0 - 2.0 * c * _density(c))


def _clipped_square(c: F64) -> F64:
    """E[min(Z^2, c^2)]."""
    return np.asarray(_inner_square(c) + 2.0 * c**2 * ndtr(-c))


def _worth(c: F64) -> F64:
    """Degrees of freedom that one of Huber's proposal 2 is worth: 2 over its variance, by the delta method."""
    fourth = 3.0 * (2.0 * ndtr(c) - 1.0) - 2.0 * _density(c) * (c**3 + 3.0 * c) + 2.0 * c**4 * ndtr(-c)
    spread = fourth - _clipped_square(c) ** 2
    return np.asarray(2.0 * _inner_square(c) ** 2 / spread)

"""Shares of conversions by each model, from distinct paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmkit.attribution.models import (
    LastNonDirect,
    LearnedShapley,
    Linear,
    Markov,
    Milestones,
    Model,
    Participation,
    Position,
    Shapley,
    WorthShapley,
)
from crmkit.errors import DomainError
from crmkit.journeys.tally import Tally
from crmkit.models import shapley, touch_weights
from crmkit.models.channel_logit import fit_channel_logit
from crmkit.models.paths import F64, I64, Paths
from crmkit.models.touch_weights import Credit, Pairs


def weights_of_touches(model: Model, paths: Paths, channels: NDArray[Any], milestones: I64) -> F64 | None:
    """Weights of the touches of paths, shape (m,); None for a model that weighs channels, not touches."""
    match model:
        case Position(first, middle, last):
            return touch_weights.by_position(paths, first, middle, last)
        case Linear():
            return touch_weights.equally(paths)
        case LastNonDirect():
            return touch_weights.by_last_other(paths, model.passed_over(channels))
        case Milestones(first, lead, opportunity, last, rest):
            return touch_weights.by_milestones(paths, milestones, (first, lead, opportunity, last), rest)
    return None


def shares_of_channels(model: Model, tally: Tally, pairs: Pairs, *, rng: np.random.Generator | None) -> F64 | None:
    """Shares of the channels of paths, shape (pairs,); None for a model that is no sum over conversions."""
    weights = weights_of_touches(model, tally.paths, tally.channels, tally.milestones)
    if weights is not None:
        return pairs.shares(weights)
    match model:
        case Participation():
            return np.ones(len(pairs.path))
        case Shapley():
            return pairs.equal_shares(tally.paths)
        case LearnedShapley():
            return _learned(model, tally.paths, pairs, rng)
    return None


def credited_by(model: Model, tally: Tally, pairs: Pairs, *, rng: np.random.Generator | None) -> Credit:
    """Credit of the channels by a model that weighs the conversions one by one, or by a caller's game."""
    if isinstance(model, WorthShapley):
        return _by_worth(model, tally)
    shares = shares_of_channels(model, tally, pairs, rng=rng)
    assert shares is not None, model  # Markov and time decay go elsewhere
    return touch_weights.credited(tally.paths, tally.squares, pairs, shares, tally.conversions)


def _by_worth(model: WorthShapley, tally: Tally) -> Credit:
    names = list(tally.channels)
    values = shapley.shapley_values(shapley.tabulated(lambda masks: model.worth(masks, names), len(names)))
    if not values.sum() > 0:
        raise DomainError(
            f"worth must give all channels together more than none of them, got a difference of {values.sum():g}."
        )
    share, paths = values / values.sum(), tally.paths
    attributed = np.array([paths.conversions.sum(), paths.values.sum()])
    squares = np.array([paths.conversions.sum(), tally.squares.sum()])
    # The game is given, so what varies is how much there is to share.
    errors = touch_weights.error_of_sum(squares, attributed, tally.conversions)
    return Credit(share * attributed[0], np.abs(share) * errors[0], share * attributed[1], np.abs(share) * errors[1])


def _learned(model: LearnedShapley, paths: Paths, pairs: Pairs, rng: np.random.Generator | None) -> F64:
    held = sparse.csr_matrix(
        (np.ones(len(pairs.path)), (pairs.path, pairs.channel)), shape=(len(paths), paths.channels)
    )
    intercept, effects = fit_channel_logit(held, paths.conversions, paths.nulls, penalty=model.penalty)
    counts = np.bincount(pairs.path, minlength=len(paths))
    starts = np.cumsum(counts) - counts
    shares = np.zeros(len(pairs.path))
    for size in np.unique(counts):
        own = np.flatnonzero(counts == size)
        at = starts[own][:, None] + np.arange(size)
        shares[at] = _of_one_size(pairs.channel[at], effects, intercept, model, rng)
    return shares


def _of_one_size(
    members: I64, effects: F64, intercept: float, model: LearnedShapley, rng: np.random.Generator | None
) -> F64:
    """Shares of the members of coalitions of one size, each coalition computed once."""
    size = members.shape[1]
    if size > shapley.EXACT_MEMBERS and rng is None:
        raise DomainError(
            f"Journeys of {size} distinct channels are shared by drawn orders; give rng=np.random.default_rng(seed)."
        )
    distinct, of = np.unique(members, axis=0, return_inverse=True)
    chance = np.random.default_rng(0) if rng is None else rng  # not drawn from where shares are exact
    values, _ = shapley.logit_shares(effects, intercept, distinct, draws=model.draws, rng=chance)
    positive = np.maximum(values, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    return np.where(total > 0, positive / np.where(total > 0, total, 1.0), 1.0 / size)[of.ravel()]


def orders_of(models: Sequence[Model]) -> list[int]:
    """Orders of the Markov chains among models."""
    return sorted({model.order for model in models if isinstance(model, Markov)})

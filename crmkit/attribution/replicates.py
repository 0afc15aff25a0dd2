"""How much a Markov chain's credit would differ if other customers had come: Poisson replicates of the customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from crmkit.journeys.tally import Tally
from crmkit.models.markov_chain import MarkovChain, Removal
from crmkit.models.paths import F64, I64, summed
from crmkit.models.touch_weights import Credit

# A replicate's spread is all that counts.
_ACCURACY = 1e-7


def markov_credits(
    tally: Tally, orders: Sequence[int], *, replicates: int, rng: np.random.Generator | None
) -> dict[int, Credit]:
    """Credit by chains of several orders; standard errors are 0 without `rng`.

    Notes
    -----
    In a replicate each customer counts Poisson(1) times, with all its journeys. Like the closed form of the rules, the
    error is that of sums over the same number of conversions.
    """
    if not len(tally.paths):
        none = np.zeros(len(tally.channels))
        return dict.fromkeys(orders, Credit(none, none, none, none))
    chains = {order: MarkovChain.of(tally.paths, order) for order in orders}
    paths = tally.paths
    found = {
        order: _shared(chain.removal(paths.conversions, paths.nulls, paths.values), paths.conversions, paths.values)
        for order, chain in chains.items()
    }
    drawn: dict[int, list[F64]] = {order: [] for order in orders}
    for conversions, nulls, values, scale in _draws(tally, replicates, rng) if rng is not None else ():
        for order, chain in chains.items():
            removal = chain.removal(conversions, nulls, values, accuracy=_ACCURACY)
            drawn[order].append(scale * _shared(removal, conversions, values))
    errors = {o: np.std(np.stack(d), axis=0, ddof=1) if d else np.zeros_like(found[o]) for o, d in drawn.items()}
    return {o: Credit(found[o][0], errors[o][0], found[o][1], errors[o][1]) for o in orders}


def _shared(removal: Removal, conversions: F64, values: F64) -> F64:
    """Share totals in proportion to removal effects, shape (2, channels)."""
    both = np.stack([removal.effects, removal.value_effects])
    sums = both.sum(axis=1, keepdims=True)
    totals = np.array([[conversions.sum()], [values.sum()]])
    return np.asarray(both / np.where(sums > 0, sums, 1.0) * totals, dtype=np.float64)


def _draws(tally: Tally, replicates: int, rng: np.random.Generator) -> Iterator[tuple[F64, F64, F64, float]]:
    """Conversions, nulls and values of the paths in a replicate, and the scale to the same number of conversions."""
    paths, n = tally.paths, len(tally.paths)
    clusters = tally.clusters
    if clusters is None:
        mean = paths.values / np.where(paths.conversions > 0, paths.conversions, 1.0)
        without = tally.conversions - paths.conversions.sum()
        for _ in range(replicates):
            conversions = rng.poisson(paths.conversions).astype(np.float64)
            total = conversions.sum() + rng.poisson(max(without, 0.0))
            yield conversions, rng.poisson(paths.nulls).astype(np.float64), conversions * mean, _scale(tally, total)
        return
    sold = np.flatnonzero(clusters.conversions > 0)
    lost = np.flatnonzero(clusters.nulls > 0)
    some = np.flatnonzero(clusters.alone > 0)
    customers = int(clusters.customer.max(initial=-1)) + 1
    for _ in range(replicates):
        times = rng.poisson(1.0, customers).astype(np.float64)
        on_path, total = _with_total(
            clusters.path[sold], times[clusters.customer[sold]] * clusters.conversions[sold], n
        )
        worth, _ = _with_total(clusters.path[sold], times[clusters.customer[sold]] * clusters.values[sold], n)
        nulls, _ = _with_total(clusters.path[lost], times[clusters.customer[lost]] * clusters.nulls[lost], n)
        nulls[some] += rng.poisson(clusters.alone[some])
        yield on_path, nulls, worth, _scale(tally, total)


def _with_total(path: I64, weights: F64, n: int) -> tuple[F64, float]:
    """Sum up per path, and of all with those that have no path."""
    return summed(path + 1, weights, n + 1)[1:], float(weights.sum())


def _scale(tally: Tally, conversions: float) -> float:
    return tally.conversions / conversions if conversions > 0 else 0.0

"""How much a Markov chain's credit would differ if other customers had come: Poisson replicates of the customers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy import sparse

from crmkit.journeys.tally import Clusters, Tally
from crmkit.models.markov_chain import MarkovChain, Removal
from crmkit.models.paths import F64, I64, Paths, summed
from crmkit.models.touch_weights import Credit

# A replicate's spread is all that counts.
_ACCURACY = 1e-7
# Counts of paths that are drawn at a time, over all replicates of a block.
_BLOCK = 2_000_000


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
    paths = tally.paths
    # NumPy lets other threads in while it goes through millions of steps: each order has one.
    with ThreadPoolExecutor(max_workers=len(orders)) as pool:
        chains = list(pool.map(lambda order: MarkovChain.of(paths, order), orders))
        found = list(pool.map(lambda chain: _of_all(chain, paths), chains))
        drawn: list[list[F64]] = [[] for _ in orders]
        for counts in _draws(tally, replicates, rng) if rng is not None else ():
            for own, more in zip(drawn, pool.map(partial(_of_drawn, counts=counts), chains), strict=True):
                own += more
    errors = [np.std(np.stack(d), axis=0, ddof=1) if d else np.zeros_like(f) for d, f in zip(drawn, found, strict=True)]
    return {o: Credit(f[0], e[0], f[1], e[1]) for o, f, e in zip(orders, found, errors, strict=True)}


def _of_all(chain: MarkovChain, paths: Paths) -> F64:
    removal = chain.removal(paths.conversions, paths.nulls, paths.values)
    return _shared(removal, paths.conversions, paths.values)


def _of_drawn(chain: MarkovChain, counts: tuple[F64, F64, F64, F64]) -> list[F64]:
    conversions, nulls, values, scale = counts
    lost = chain.removals(conversions, nulls, values, accuracy=_ACCURACY)
    return [scale[i] * _shared(own, conversions[:, i], values[:, i]) for i, own in enumerate(lost)]


def _shared(removal: Removal, conversions: F64, values: F64) -> F64:
    """Share totals in proportion to removal effects, shape (2, channels)."""
    both = np.stack([removal.effects, removal.value_effects])
    sums = both.sum(axis=1, keepdims=True)
    totals = np.array([[conversions.sum()], [values.sum()]])
    return np.asarray(both / np.where(sums > 0, sums, 1.0) * totals, dtype=np.float64)


def _draws(tally: Tally, replicates: int, rng: np.random.Generator) -> Iterator[tuple[F64, F64, F64, F64]]:
    """Conversions, nulls and values of the paths, shape (n, r), and the scale to the same number of conversions.

    All replicates come in blocks of r.
    """
    width = max(2, _BLOCK // len(tally.paths))
    sizes = [min(width, replicates - done) for done in range(0, replicates, width)]
    if tally.clusters is None:
        yield from _of_paths(tally, sizes, rng)
    else:
        yield from _of_customers(tally, tally.clusters, sizes, rng)


def _of_paths(tally: Tally, sizes: Sequence[int], rng: np.random.Generator) -> Iterator[tuple[F64, F64, F64, F64]]:
    paths = tally.paths
    mean = paths.values / np.where(paths.conversions > 0, paths.conversions, 1.0)
    without = max(tally.conversions - paths.conversions.sum(), 0.0)
    for size in sizes:
        conversions, nulls = (_poisson(own, size, rng) for own in (paths.conversions, paths.nulls))
        total = conversions.sum(axis=0) + rng.poisson(without, size)
        yield conversions, nulls, conversions * mean[:, None], _scale(tally, total)


def _of_customers(
    tally: Tally, own: Clusters, sizes: Sequence[int], rng: np.random.Generator
) -> Iterator[tuple[F64, F64, F64, F64]]:
    customers = int(own.customer.max(initial=-1)) + 1
    measures = (own.conversions, own.nulls, own.values)
    sold, lost, worth = (_by_path(own.path, own.customer, each, (len(tally.paths), customers)) for each in measures)
    of_each = summed(own.customer, own.conversions, customers)
    for size in sizes:
        times = _poisson(np.ones(customers), size, rng)
        yield sold @ times, lost @ times + _poisson(own.alone, size, rng), worth @ times, _scale(tally, of_each @ times)


def _by_path(path: I64, customer: I64, weights: F64, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Weights of the journeys that have a path, by path and customer."""
    kept = np.flatnonzero((weights != 0) & (path >= 0))
    return sparse.csr_matrix((weights[kept], (path[kept], customer[kept])), shape=shape)


def _poisson(mean: F64, size: int, rng: np.random.Generator) -> F64:
    """Draw counts of given means, shape (n, size); those of mean 1 from a table, to within 1e-5."""
    drawn = np.zeros((len(mean), size))
    once, more = np.flatnonzero(mean == 1.0), np.flatnonzero((mean != 1.0) & (mean > 0))
    drawn[once] = _ones()[rng.integers(0, 1 << 16, (len(once), size), dtype=np.uint16)]
    drawn[more] = rng.poisson(mean[more, None], (len(more), size))
    return drawn


def _ones() -> F64:
    """Poisson(1) counts by 65536 equal parts of their distribution."""
    below = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(12)])
    return np.searchsorted(below, (np.arange(1 << 16) + 0.5) / (1 << 16), side="right").astype(np.float64)


def _scale(tally: Tally, conversions: F64) -> F64:
    return np.where(conversions > 0, tally.conversions / np.where(conversions > 0, conversions, 1.0), 0.0)

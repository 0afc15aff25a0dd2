"""Cuts of a score against all cuts there are."""

import itertools

import numpy as np
import pytest

from crmkit.models.score_bands import best_cuts


def by_force(x, n, most, least):
    """Try every set of cuts with rising rates and bands that are large enough."""
    best, found = -np.inf, []
    for bands in range(1, most + 1):
        for cuts in itertools.combinations(range(1, len(x)), bands - 1):
            won, of = (np.add.reduceat(part, [0, *cuts]) for part in (x, n))
            rate = won / of
            if (of < least).any() or (np.diff(rate) <= 0).any():
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                parts = np.nan_to_num(won * np.log(rate)) + np.nan_to_num((of - won) * np.log(1 - rate))
            score = parts.sum() - 0.5 * np.log(n.sum()) * (2 * bands - 1)
            if score > best + 1e-9:
                best, found = score, list(cuts)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_no_other_cuts_say_more(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 60, 9).astype(float)
    rate = np.sort(rng.uniform(0.05, 0.9, 3))[np.sort(rng.integers(0, 3, 9))]
    x = rng.binomial(n.astype(int), rate).astype(float)
    # A least size of 1 leaves the problem as the theorem of the isotonic borders has it.
    assert best_cuts(x, n, most=4, least=1.0) == by_force(x, n, 4, 1.0)


def test_a_score_that_says_nothing_has_no_cut():
    n = np.full(50, 100.0)
    assert best_cuts(np.full(50, 20.0), n, most=5, least=50.0) == []
    assert best_cuts(np.linspace(60.0, 5.0, 50).round(), n, most=5, least=50.0) == []  # falling


def test_known_steps_are_found_among_very_many_scores():
    rng = np.random.default_rng(3)
    score = np.sort(rng.uniform(0, 100, 20_000))
    x = (rng.random(20_000) < np.where(score >= 70, 0.5, np.where(score >= 40, 0.2, 0.05))).astype(float)
    cuts = best_cuts(x, np.ones(20_000), most=6, least=50.0)
    # Among 400 groups of 50 neighbours a cut is known to a quarter of a point; the chance of the outcomes adds another.
    np.testing.assert_allclose(score[cuts], [40.0, 70.0], atol=0.8)

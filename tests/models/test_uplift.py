"""Qini and gain: areas by brute force, truth by simulation, ties, unequal groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import DomainError
from crmkit.models.uplift import gain, qini, qini_difference, uplift_in_top


def area_by_hand(score, treated, outcome):
    """Area between the gain curve, straight between its points, and the line of a random order."""
    values = sorted(set(score), reverse=True)
    x, g = [0.0], [0.0]
    for value in values:  # equal scores enter together, in a straight line
        top = score >= value
        x.append(top.mean())
        g.append(
            (outcome * treated * top).sum() / treated.sum()
            - (outcome * (1 - treated) * top).sum() / (1 - treated).sum()
        )
    return float(np.trapezoid(g, x)) - g[-1] / 2.0


tests = st.integers(4, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda t: 2 <= sum(t) <= len(t) - 2),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)


@given(tests)
def test_the_coefficient_is_the_area(test):
    score, treated, outcome = (np.array(column, dtype=float) for column in test)
    found = qini(score, treated, outcome).value
    np.testing.assert_allclose(found, area_by_hand(score, treated, outcome), atol=1e-12)
    np.testing.assert_allclose(qini(-score, treated, outcome).value, -found, atol=1e-12)  # turned round
    np.testing.assert_allclose(qini(np.exp(score), treated, outcome).value, found, atol=1e-12)  # ranks alone count
    assert qini_difference(score, score, treated, outcome).value == 0.0
    other = qini_difference(score, -score, treated, outcome).value
    np.testing.assert_allclose(other, 2.0 * found, atol=1e-12)
    effect = outcome[treated == 1].mean() - outcome[treated == 0].mean()
    np.testing.assert_allclose(gain(score, treated, outcome, 1.0).value, effect, atol=1e-12)
    assert gain(score, treated, outcome, 0.0).value == 0.0
    assert abs(qini(np.zeros(len(score)), treated, outcome).value) < 1e-12  # all alike: a random order


def test_intervals_hold_the_truth_at_any_share_of_treated():
    """Known effects: E g(s) is their sum in the top share per head; a half and nine tenths are treated."""
    rng, n = np.random.default_rng(8), 1000
    score = np.arange(n) / n
    effect, base = 0.4 * score - 0.1, 0.2 + 0.3 * (1 - score)
    rank = 1.0 - (np.arange(n) + 0.5) / n
    truth = {"qini": float((effect * (0.5 - rank)).mean()), "gain": float((effect * (rank <= 0.3)).mean())}
    for share in (0.5, 0.9):
        held = []
        for _ in range(600):
            treated = (rng.random(n) < share).astype(float)
            outcome = (rng.random(n) < base + treated * effect).astype(float)
            ends = qini(score, treated, outcome, level=0.8), gain(score, treated, outcome, 0.3, level=0.8)
            held.append([e.low <= t <= e.high for e, t in zip(ends, truth.values(), strict=True)])
        # 600 runs: a standard error of .016. Customers are fixed here, so the interval may be a little wide.
        assert ((np.mean(held, axis=0) > 0.755) & (np.mean(held, axis=0) < 0.86)).all()


def test_the_effect_of_the_top_share_by_hand():
    score, treated = np.array([9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0, 1, 0, 1, 0, 1, 0])
    outcome = np.array([1.0, 0, 1, 1, 0, 0, 0, 1])
    assert uplift_in_top(score, treated, outcome, 0.5).value == 0.5  # 2 of 2 against 1 of 2
    assert uplift_in_top(score, treated, outcome, 0.25) is None
    assert gain(score, treated, outcome, 0.5).value == 0.25  # 2 of 4 against 1 of 4


def test_a_test_without_hold_out_is_refused():
    with pytest.raises(DomainError, match="with at least two of each"):
        qini([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0])
    with pytest.raises(DomainError, match="share must lie between 0 and 1, got 2"):
        gain([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], 2)

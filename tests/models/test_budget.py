"""The best split of a budget against a general optimiser; groups of overlapping intervals against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from crmkit.errors import DomainError
from crmkit.models.budget import best_factors, overlapping_groups


def case(seed, n):
    rng = np.random.default_rng(seed)
    spend, returns = rng.lognormal(3.0, 1.0, n), rng.lognormal(0.0, 1.0, n)
    return spend, returns, rng.uniform(0.3, 1.0, n), rng.uniform(1.0, 2.0, n)


def worth(spend, returns, factors, b):
    return float(spend * returns @ factors**b)


@pytest.mark.parametrize("b", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("seed", "n"), [(1, 2), (2, 4), (3, 8), (4, 8)])
def test_nothing_brings_more_than_the_split(seed, n, b):
    spend, returns, lowest, highest = case(seed, n)
    found = best_factors(spend, returns, lowest, highest, elasticity=b)
    judge = minimize(
        lambda f: -worth(spend, returns, f, b) / (spend @ returns),
        np.ones(n),
        jac=lambda f: -b * spend * returns * f ** (b - 1.0) / (spend @ returns),
        bounds=list(zip(lowest, highest, strict=True)),
        constraints=[LinearConstraint(spend / spend.sum(), 1.0, 1.0)],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert judge.success
    # SLSQP stops at about 1e-7 of the optimum; ours is exact, so it is never below by more than rounding.
    assert worth(spend, returns, found, b) >= worth(spend, returns, judge.x, b) * (1.0 - 1e-9)
    np.testing.assert_allclose(found, judge.x, atol=2e-4)


def test_without_bounds_the_split_is_the_closed_form():
    spend, returns, _, _ = case(7, 6)
    b = 0.4
    weight = spend * returns ** (1.0 / (1.0 - b))
    found = best_factors(spend, returns, np.zeros(6), np.full(6, 1e9), elasticity=b)
    np.testing.assert_allclose(found * spend, spend.sum() * weight / weight.sum(), rtol=1e-12)


numbers = st.floats(0.0, 1e6).map(lambda x: x if x > 1e-6 else 0.0)
channels = st.lists(st.tuples(st.floats(1e-3, 1e9), numbers, st.floats(0.0, 1.0), st.floats(1.0, 10.0)), max_size=12)


@given(channels.filter(bool), st.floats(0.01, 0.99))
def test_total_bounds_and_order_hold_for_any_budget(rows, b):
    spend, returns, lowest, highest = (np.array(column) for column in zip(*rows, strict=True))
    found = best_factors(spend, returns, lowest, highest, elasticity=b)
    assert np.isfinite(found).all()
    assert ((lowest <= found) & (found <= highest)).all()
    # Sums of spends that are 1e12 apart lose some digits; 1e-9 is what is promised.
    assert abs(found @ spend - spend.sum()) <= 1e-9 * spend.sum()
    same = best_factors(spend, returns, np.full(len(spend), 0.8), np.full(len(spend), 1.2), elasticity=b)
    order = np.argsort(returns, kind="stable")
    assert (np.diff(same[order]) >= -1e-12).all()  # more return, no smaller factor
    ties = np.flatnonzero(np.diff(returns[order]) == 0.0)
    np.testing.assert_allclose(same[order][ties + 1], same[order][ties], rtol=1e-12)


def test_a_higher_return_never_lowers_the_own_spend():
    spend, returns, lowest, highest = case(11, 7)
    for i in range(7):
        ladder = []
        for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
            changed = returns.copy()
            changed[i] *= factor
            ladder.append(best_factors(spend, changed, lowest, highest, elasticity=0.6)[i])
        assert (np.diff(ladder) >= -1e-12).all()


@pytest.mark.parametrize(
    ("returns", "expected"),
    [([0.0, 0.0], [1.0, 1.0]), ([0.0, 1e-300], [0.8, 1.2]), ([5.0, 5.0], [1.0, 1.0]), ([3.0], [1.0])],
)
def test_edges(returns, expected):
    n = len(returns)
    found = best_factors(np.full(n, 10.0), np.array(returns), np.full(n, 0.8), np.full(n, 1.2), elasticity=0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_the_best_can_not_take_goes_to_those_without_return_in_proportion():
    spend = np.array([10.0, 10.0, 30.0])
    found = best_factors(spend, np.array([9.0, 0.0, 0.0]), np.zeros(3), np.array([1.2, 2.0, 2.0]), elasticity=0.3)
    np.testing.assert_allclose(found, [1.2, 0.95, 0.95], rtol=1e-12)


@pytest.mark.parametrize("b", [0.0, 1.0, -0.5, np.nan])
def test_an_elasticity_lies_between_0_and_1(b):
    with pytest.raises(DomainError, match=r"^elasticity must lie between 0 and 1, such as 0\.5, got "):
        best_factors(np.ones(2), np.ones(2), np.ones(2), np.ones(2), elasticity=b)


def components(low, high):
    """Groups by brute force: join any two that overlap until nothing changes."""
    groups = list(range(len(low)))
    for _ in low:
        for i, j in itertools.combinations(range(len(low)), 2):
            if low[i] <= high[j] and low[j] <= high[i]:
                least = min(groups[i], groups[j])
                groups[i] = groups[j] = least
    return groups


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=10))
def test_groups_are_all_that_hang_together(intervals):
    low = np.array([start for start, _ in intervals], dtype=float)
    high = low + np.array([length for _, length in intervals], dtype=float)
    found, expected = overlapping_groups(low, high), components(low, high)
    for i, j in itertools.combinations(range(len(low)), 2):
        assert (found[i] == found[j]) == (expected[i] == expected[j])
        if found[i] < found[j]:
            assert high[i] < low[j]

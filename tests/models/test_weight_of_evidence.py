"""Weight of evidence, information value and stability against closed forms; bins against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import entropy
from sklearn.linear_model import LogisticRegression

from crmkit.models.positive_logistic import fit_positive_logistic
from crmkit.models.weight_of_evidence import (
    NumberBins,
    divergence,
    information_value,
    number_bins,
    stability,
    weight_of_evidence,
)


def test_by_hand():
    """Three bins: 10 of 100, 30 of 100 and 60 of 100 came; in all 100 of 300, odds 1 to 2."""
    events, others = np.array([10.0, 30.0, 60.0]), np.array([90.0, 70.0, 40.0])
    odds = np.array([1 / 9, 3 / 7, 3 / 2])
    np.testing.assert_allclose(weight_of_evidence(events, others), np.log(odds / 0.5), rtol=1e-14)
    expected = (0.1 - 0.45) * np.log(0.1 / 0.45) + (0.3 - 0.35) * np.log(0.3 / 0.35) + 0.4 * np.log(3.0)
    assert information_value(events, others) == pytest.approx(expected, rel=1e-14)


def test_evidence_of_given_bins_is_optbinnings():
    """Stored from optbinning 1.0.0, which is not installed here: its table prints six decimals.

    `OptimalBinning(user_splits=[2, 4, 7, 10], user_splits_fixed=[True] * 4).fit(x, y).binning_table.build()`; its
    evidence is ln(others / events), with the sign turned.
    """
    rng = np.random.default_rng(11)
    x = np.round(rng.gamma(2, 3, 600), 2)
    y = rng.random(600) < 1 / (1 + np.exp(1.5 - 0.2 * x))
    x[::9] = np.nan
    at = np.where(np.isnan(x), 5, np.searchsorted([2.0, 4.0, 7.0, 10.0], x, side="right"))
    events, others = np.bincount(at[y], minlength=6).astype(float), np.bincount(at[~y], minlength=6).astype(float)
    assert events.tolist() == [14, 32, 70, 51, 71, 25]
    stored = [1.271897, 0.717152, -0.042077, -0.442085, -1.56617, 0.270865]
    np.testing.assert_allclose(-weight_of_evidence(events, others), stored, atol=5e-7)
    assert information_value(events, others) == pytest.approx(0.638948, abs=5e-7)


def test_evidence_is_what_a_saturated_logistic_regression_finds():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, 800)
    y = (rng.random(800) < np.array([0.1, 0.3, 0.5, 0.8])[codes]).astype(float)
    model = LogisticRegression(C=1e12, tol=1e-12, max_iter=1000, fit_intercept=False).fit(np.eye(4)[codes], y)
    events, size = np.bincount(codes, y), np.bincount(codes).astype(float)
    found = weight_of_evidence(events, size - events) + logit(y.mean())
    np.testing.assert_allclose(found, model.coef_[0], atol=1e-5)  # lbfgs stops at gradients of that size


def test_smoothing_adds_rows_of_the_average_rate():
    events, others = np.array([0.0, 20.0]), np.array([5.0, 25.0])
    found = weight_of_evidence(events, others, smoothing=10.0)
    assert found[0] == pytest.approx(logit(4.0 / 15.0) - logit(0.4), rel=1e-13)  # 10 rows of rate .4: 4 and 6
    assert np.isneginf(weight_of_evidence(events, others)[0])
    assert weight_of_evidence(np.array([0.0, 2.0]), np.array([0.0, 3.0]))[0] == 0.0


def test_divergence_is_the_sum_of_both_relative_entropies():
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(6), 2)
    assert divergence(p, q) == pytest.approx(entropy(p, q) + entropy(q, p), rel=1e-12)
    assert divergence(p, p) == 0.0


def test_stability_without_drift_is_chi_squared():
    """(1/n + 1/m) times chi-squared with b - 1 degrees of freedom; 20,000 draws leave 1 % on the mean."""
    rng = np.random.default_rng(4)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    left, right = rng.multinomial(2000, shares, 20_000), rng.multinomial(3000, shares, 20_000)
    found = np.array([stability(a, b) for a, b in zip(left[:4000], right[:4000], strict=True)])
    scaled = found / (1 / 2000 + 1 / 3000)
    assert scaled.mean() == pytest.approx(3.0, rel=0.05)  # standard error of 4,000 means .04
    assert (scaled > 7.815).mean() == pytest.approx(0.05, abs=0.012)  # three standard errors


def likelihood(groups):
    total = 0.0
    for came in groups:
        rate = came.mean()
        total += sum(np.log(rate if one else 1.0 - rate) for one in came)
    return total


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=6, max_size=14))
def test_bins_are_the_best_monotone_ones_by_aic(rows):
    """Brute force over all ways to cut six values: no monotone cut with bins of one row and more beats it in AIC.

    Joining neighbours one by one is no search of all cuts: it may miss by a little, never by a whole parameter.
    """
    values = np.array([v for v, _ in rows], dtype=float)
    came = np.array([c for _, c in rows], dtype=float)
    found = number_bins(values, came, np.ones(len(rows)), least=1.0, direction="increasing")
    distinct = np.unique(values)
    best = -np.inf
    for size in range(len(distinct)):
        for cut in combinations(distinct[1:], size):
            codes = np.searchsorted(np.array(cut), values, side="right")
            groups = [came[codes == i] for i in range(size + 1)]
            rates = [g.mean() for g in groups]
            if rates == sorted(rates):
                best = max(best, likelihood(groups) - size)
    codes = np.searchsorted(np.array(found.edges), values, side="right")
    groups = [came[codes == i] for i in range(len(found.edges) + 1)]
    assert [g.mean() for g in groups] == sorted(g.mean() for g in groups)
    assert likelihood(groups) - len(found.edges) >= best - 1.0


def drawn(n=3000, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return x, (rng.random(n) < 1.0 / (1.0 + np.exp(1.0 - 1.5 * x))).astype(float)


def rates(x, y, cut):
    codes = np.searchsorted(np.array(cut.edges), x, side="right")
    return np.bincount(codes, y) / np.bincount(codes), np.bincount(codes)


def test_bins_are_monotone_large_enough_and_find_the_direction():
    x, y = drawn()
    for values, way in ((x, "increasing"), (-x, "decreasing")):
        cut = number_bins(values, y, np.ones(len(x)), least=90.0)
        found, size = rates(values, y, cut)
        assert cut.direction == way
        assert (np.diff(found) * (1 if way == "increasing" else -1) > 0).all()
        assert size.min() >= 90
        assert len(found) >= 5
    assert number_bins(x, y, np.ones(len(x)), least=90.0, direction="decreasing").edges == ()


def test_a_rate_left_free_may_turn():
    rng = np.random.default_rng(6)
    x = rng.uniform(-2, 2, 4000)
    y = (rng.random(4000) < 0.05 + 0.2 * x**2).astype(float)
    found, size = rates(x, y, number_bins(x, y, np.ones(4000), least=120.0, direction="none"))
    assert found[0] > 2 * found[len(found) // 2] < found[-1]
    assert size.min() >= 120


def test_only_the_order_of_the_values_matters():
    x, y = drawn()
    ones = np.ones(len(x))
    cut = number_bins(x, y, ones, least=90.0)
    for change in (np.exp, lambda v: v**3, lambda v: 1e6 * v + 3.0):
        other = number_bins(change(x), y, ones, least=90.0)
        np.testing.assert_array_equal(other.edges, change(np.array(cut.edges)))
    shuffled = np.random.default_rng(1).permutation(len(x))
    assert number_bins(x[shuffled], y[shuffled], ones, least=90.0) == cut
    twice = number_bins(np.tile(x, 2), np.tile(y, 2), np.full(2 * len(x), 0.5), least=90.0)
    assert twice == cut


def test_edges_of_degenerate_columns():
    ones = np.ones(6)
    y = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    assert number_bins(np.full(6, 3.0), y, ones, least=1.0) == NumberBins((), "increasing")
    assert number_bins(np.arange(6.0), y, ones, least=10.0).edges == ()
    assert number_bins(np.arange(6.0), np.array([0.0, 0, 0, 1, 1, 1]), ones, least=1.0).edges == (3.0,)


def test_positive_logistic_is_scikit_learns_where_no_weight_is_held():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(600, 3))
    count = rng.integers(1, 4, 600).astype(float)
    y = (rng.random(600) < 1.0 / (1.0 + np.exp(1.0 - X @ [1.0, 0.5, 0.3]))).astype(float)
    found = fit_positive_logistic(X, y, count, strength=0.5)
    judge = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(X, y, sample_weight=count)
    np.testing.assert_allclose(found.weights, judge.coef_[0], atol=1e-5)  # lbfgs stops at gradients of 1e-6
    assert found.base == pytest.approx(float(judge.intercept_[0]), abs=1e-5)


def test_weights_that_would_fall_below_0_are_held_there_and_the_rest_is_the_fit_without_them():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(800, 3))
    y = (rng.random(800) < 1.0 / (1.0 + np.exp(-X @ [1.0, -0.8, 0.4]))).astype(float)
    found = fit_positive_logistic(X, y, np.ones(800), strength=1.0)
    judge = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(X[:, [0, 2]], y)
    assert found.weights[1] == 0.0
    np.testing.assert_allclose([found.weights[0], found.weights[2]], judge.coef_[0], atol=1e-5)

"""Shifted beta-geometric: the paper's cohorts, closed forms, sums by hand, recovery, messages."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import beta as beta_function
from scipy.special import hyp2f1

from crmkit.errors import DomainError, FitError
from crmkit.models.shifted_beta_geometric import (
    ShiftedBetaGeometric,
    Tenures,
    _objective,
    fit_shifted_beta_geometric,
)

# Fader & Hardie (2007), tables 1 and 2; survivors of 1,000 customers over seven years.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


@pytest.mark.parametrize(("retained", "printed"), [(REGULAR, (0.704, 1.182)), (HIGH_END, (0.668, 3.806))])
def test_the_papers_cohorts(retained, printed):
    fit = fit_shifted_beta_geometric(Tenures.of_retained(retained))
    assert fit.estimate.status == "converged"
    np.testing.assert_allclose((fit.alpha, fit.beta), printed, atol=6e-4)  # printed to .001
    # The curve the paper draws runs within a point or two of the data.
    np.testing.assert_allclose(1000 * fit.survival(np.arange(8)), retained, atol=25)


def test_survival_and_retention_by_hand():
    model = ShiftedBetaGeometric(0.668, 3.806)
    t = np.arange(1, 13)
    survival = beta_function(0.668, 3.806 + t) / beta_function(0.668, 3.806)
    np.testing.assert_allclose(model.survival(t), survival, rtol=1e-12)
    np.testing.assert_allclose(model.p_leaving(t), -np.diff(survival, prepend=1.0), rtol=1e-11)
    np.testing.assert_allclose(model.retention_rate(t), survival / np.r_[1.0, survival[:-1]], rtol=1e-12)
    np.testing.assert_allclose(
        model.survival(3, renewals=[0, 2, 5]), survival[[2, 4, 7]] / np.r_[1.0, survival[[1, 4]]]
    )
    # Uniform theta: P(T = t) = 1 / (t (t + 1)), S(t) = 1 / (t + 1).
    uniform = ShiftedBetaGeometric(1.0, 1.0)
    np.testing.assert_allclose(uniform.p_leaving(t), 1 / (t * (t + 1.0)), rtol=1e-13)
    np.testing.assert_allclose(uniform.survival(t), 1 / (t + 1.0), rtol=1e-13)
    assert uniform.expected_lifetime() == math.inf
    # Mean of 1/theta: (alpha + beta - 1) / (alpha - 1).
    assert ShiftedBetaGeometric(3.0, 4.0).expected_lifetime() == 3.0


def test_discounted_lifetime_is_its_sum():
    years = np.arange(0, 4000)
    for model in (ShiftedBetaGeometric(0.668, 3.806), ShiftedBetaGeometric(3.0, 0.4), ShiftedBetaGeometric(0.05, 0.1)):
        for rate in (0.1, 0.02):
            discount = (1.0 + rate) ** -years
            assert model.discounted_expected_lifetime(rate) == pytest.approx(model.survival(years) @ discount, rel=1e-9)
            for n in (0, 1, 4, 30):
                by_hand = model.survival(years + 1, renewals=n) @ discount
                got = model.discounted_expected_residual_lifetime(n, rate)
                assert float(got) == pytest.approx(by_hand, rel=1e-9)  # 1.02^-4000 is left out of the sum


def test_discounted_residual_lifetime_is_the_papers_formula():
    alpha, beta, d = 0.764, 1.296, 0.1
    model = ShiftedBetaGeometric(alpha, beta)
    n = np.arange(0, 6)
    formula = (beta + n) / (alpha + beta + n) * hyp2f1(1, beta + n + 1, alpha + beta + n + 1, 1 / (1 + d))
    np.testing.assert_allclose(model.discounted_expected_residual_lifetime(n, d), formula, rtol=1e-10)
    whole = hyp2f1(1, beta, alpha + beta, 1 / (1 + d))
    assert model.discounted_expected_lifetime(d) == pytest.approx(whole, rel=1e-10)


def test_slopes_against_differences():
    rng = np.random.default_rng(61)
    tenures = Tenures.of_customers(rng.integers(1, 15, 80), rng.random(80) < 0.6, rng.integers(1, 9, 80))
    for _ in range(10):
        z = rng.normal((-1.0, 1.0), 1.5)
        # Fourth order at h = 1e-4: rounding of log-likelihoods of size 1e4, 1e-12 / 1e-4.
        slope = [
            (
                8 * (_objective(tenures, z + h)[0] - _objective(tenures, z - h)[0])
                - _objective(tenures, z + 2 * h)[0]
                + _objective(tenures, z - 2 * h)[0]
            )
            / (12 * 1e-4)
            for h in 1e-4 * np.eye(2)
        ]
        np.testing.assert_allclose(_objective(tenures, z)[1], slope, rtol=1e-7, atol=1e-6)


def test_recovery_from_customers_with_open_ends():
    rng, n = np.random.default_rng(62), 20_000
    theta = rng.beta(0.7, 2.4, n)
    leaves = np.ceil(rng.exponential(size=n) / np.maximum(-np.log1p(-theta), 1e-300))
    seen = rng.integers(0, 12, n)  # renewals each customer has had the chance to make
    ended = leaves <= seen
    fit = fit_shifted_beta_geometric(Tenures.of_customers(np.where(ended, leaves, seen), ended))
    z = (np.array(fit.estimate.values) - (0.7, 2.4)) / fit.estimate.standard_errors
    assert np.abs(z).max() < 3.5  # two normal deviates exceed 3.5 once in 1,000 seeds


def test_customers_and_cohort_are_the_same_data():
    sizes = -np.diff(REGULAR)
    rows = Tenures.of_customers(np.r_[np.arange(1, 8), 7], [True] * 7 + [False], np.r_[sizes, 241])
    one, other = fit_shifted_beta_geometric(rows), fit_shifted_beta_geometric(Tenures.of_retained(REGULAR))
    assert one.estimate.values == pytest.approx(other.estimate.values, rel=1e-7)  # the gradient tolerance


@pytest.mark.parametrize(
    ("retained", "status"),
    [
        ([1000, 1000, 1000], "nothing identified: nobody has left"),
        ([1000, 800], "one renewal tells the mean rate"),
        ([1000, 900, 810, 729, 656.1, 590.49], "all leave with one probability"),
        ([1000, 600, 600, 600, 600], "leave at the first renewal or never"),
    ],
)
def test_what_is_not_identified_is_a_status(retained, status):
    fit = fit_shifted_beta_geometric(Tenures.of_retained(retained))
    assert status in fit.estimate.status
    assert np.isinf(fit.estimate.standard_errors).all()
    # What was seen is still reproduced.
    np.testing.assert_allclose(1000 * fit.survival(np.arange(len(retained))), retained, atol=0.5)


def test_messages():
    with pytest.raises(DomainError, match="does from 800 to 900 in period 2"):
        Tenures.of_retained([1000, 800, 900])
    with pytest.raises(DomainError, match=r"1 of 2 rows are not \(first: row 1, 0\.0\)"):
        Tenures.of_customers([1, 0], [True, True])
    with pytest.raises(FitError, match="first renewal"):
        fit_shifted_beta_geometric(Tenures.of_customers([0, 0], [False, False]))
    with pytest.raises(DomainError, match="rate_per_period"):
        ShiftedBetaGeometric(1.0, 1.0).discounted_expected_lifetime(0.0)
    with pytest.raises(DomainError, match="at least 1"):
        ShiftedBetaGeometric(1.0, 1.0).retention_rate(0)


def test_json_is_small_and_exact():
    fit = fit_shifted_beta_geometric(Tenures.of_retained(REGULAR))
    assert len(fit.to_json()) < 600
    assert ShiftedBetaGeometric.from_json(fit.to_json()) == fit


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(0, 500), st.floats(1e-6, 2.0))
def test_finite_and_in_range(alpha, beta, n, rate):
    model = ShiftedBetaGeometric(alpha, beta)
    survival = model.survival(np.arange(60), renewals=n)
    assert ((survival >= 0) & (survival <= 1 + 1e-12)).all()
    assert (np.diff(survival) <= 1e-12).all()
    retention = model.retention_rate(np.arange(1, 60))
    assert (np.diff(retention) >= -1e-12).all()  # the restless leave first
    periods = float(model.discounted_expected_residual_lifetime(n, rate))
    # Between the next renewal alone and staying for ever, up to rounding.
    assert survival[1] * (1 - 1e-9) <= periods <= (1 + rate) / rate * (1 + 1e-9)

"""Fits of (M)BG/CNBD-k: slopes, recovery, limits, covariates, storage."""

import json
import pickle

import numpy as np
import pytest

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import likelihood_ratio_test
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric, fit_best_regularity, fit_regular_beta_geometric
from crmkit.models.regular_beta_geometric.coordinates import Coordinates
from crmkit.models.regular_beta_geometric.fit import objective


def mixed_histories(with_covariates=False):
    rng = np.random.default_rng(3)
    T = np.ceil(rng.uniform(1, 400, 300))
    x = np.minimum(rng.poisson(3, 300), T)
    x[0], T[0] = 600, 7305
    t_x = np.where(x > 0, np.maximum(np.ceil(T * rng.random(300) ** 0.3), x), 0.0)
    t_x[5] = T[5]
    t_x[x == 0] = 0.0
    gaps = x * np.log(np.maximum(t_x, 1) / np.maximum(x, 1)) - rng.random(300) * (x > 1)
    z = rng.normal(3, 2, (300, 2)) if with_covariates else None
    return Histories.in_order(x, np.minimum(t_x, T), T, gaps, covariates=z)


@pytest.mark.parametrize("family", ["BG", "MBG"])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("covariates", [False, True])
def test_slopes_against_differences_of_the_likelihood(family, k, covariates):
    h = mixed_histories(covariates)
    coordinates = Coordinates.of(h)
    f = objective(h, coordinates, RegularBetaGeometric(family, 1, 1, 1, 1, k), 0.0)
    rng = np.random.default_rng(k)
    for spread in (0.5, 3.0):
        z = np.array([-3.0, 0.0, -1.0, 1.0, *([0.1] * 2 * coordinates.m)])
        z[:4] += rng.normal(0, spread, 4)
        steps = 1e-5 * np.eye(len(z))
        differences = np.array([(f(z + e)[0] - f(z - e)[0]) / 2e-5 for e in steps])
        # A likelihood of 1e4 to 1e5 has an error of 1e-11, divided by the step: 1e-6 of the largest slope.
        np.testing.assert_allclose(f(z)[1], differences, rtol=1e-5, atol=1e-6 * np.abs(differences).max())


def test_likelihood_has_no_seam_where_gamma_ratios_change_their_formula():
    h = mixed_histories()
    below, above = (RegularBetaGeometric("MBG", r, 40 * r, 0.5 * r, r).log_likelihood(h) for r in (2999.999, 3000.001))
    np.testing.assert_allclose(below, above, rtol=1e-6)


@pytest.mark.parametrize("family", ["BG", "MBG"])
def test_cnbd_3_is_recovered_within_ten_percent(family):
    true = RegularBetaGeometric(family, 0.85, 1.45 * 7, 0.79, 2.42, 3)
    h = true.simulate(np.full(20_000, 365.0), np.random.default_rng(1))
    fit = fit_best_regularity(h, family=family, regularities=(1, 2, 3, 4))
    assert fit.k == 3
    for letter, value in true.parameters.items():
        assert fit.parameters[letter] == pytest.approx(value, rel=0.1)
        low, high = fit.estimate.confidence_intervals(0.999)[letter]
        assert low < value < high


def test_the_same_customers_in_another_order_give_the_same_fit_digit_for_digit(cdnow):
    order = np.random.default_rng(0).permutation(len(cdnow))
    assert fit_regular_beta_geometric(cdnow, family="BG") == fit_regular_beta_geometric(cdnow.take(order), family="BG")


def test_the_unit_of_time_scales_alpha_and_nothing_else(cdnow):
    days = fit_regular_beta_geometric(cdnow, family="MBG")
    seconds = Histories.in_order(cdnow.x, 86_400 * cdnow.t_x, 86_400 * cdnow.T)
    fit = fit_regular_beta_geometric(seconds, family="MBG")
    np.testing.assert_allclose(
        (fit.r, fit.alpha / 86_400, fit.a, fit.b), (days.r, days.alpha, days.a, days.b), rtol=1e-5
    )


def test_many_rows_take_the_short_way_to_the_same_maximum():
    true = RegularBetaGeometric("BG", 0.5, 50.0, 0.7, 2.0)
    h = true.simulate(np.random.default_rng(2).uniform(50, 500, 12_000), np.random.default_rng(3))
    fit = fit_regular_beta_geometric(h, family="BG")
    assert fit.estimate.status == "converged"
    z = np.log([fit.r, fit.alpha, fit.a, fit.b])
    for i in range(4):
        for step in (-1e-3, 1e-3):
            near = fit.with_parameters(np.exp(z + step * np.eye(4)[i]))
            assert near.log_likelihood(h).sum() < fit.log_likelihood(h).sum()


class TestLimits:
    """Parameters that run to infinity are reported, stay usable, and are never called converged."""

    def test_one_rate_for_all(self):
        rng = np.random.default_rng(4)
        h = RegularBetaGeometric("BG", 1e7, 30e7, 0.8, 2.4).simulate(np.full(4_000, 200.0), rng)
        fit = fit_regular_beta_geometric(h, family="BG")
        assert fit.estimate.status.startswith(
            "heterogeneity not identified: purchase rate (r and alpha run to infinity"
        )
        assert fit.r / fit.alpha == pytest.approx(1 / 30, rel=0.05)
        assert np.isinf(fit.estimate.standard_errors[:2]).all()
        assert np.isfinite(fit.estimate.standard_errors[2:]).all()
        assert fit.estimate.confidence_intervals()["r"] == (0.0, np.inf)
        h_new = Histories.in_order([0], [0], [0])
        if_poisson = RegularBetaGeometric("BG", 1e5, fit.alpha / fit.r * 1e5, fit.a, fit.b)
        np.testing.assert_allclose(
            fit.expected_purchases(h_new, 365.0), if_poisson.expected_purchases(h_new, 365.0), rtol=1e-3
        )

    def test_one_probability_to_leave_for_all(self):
        rng = np.random.default_rng(5)
        h = RegularBetaGeometric("MBG", 0.8, 20.0, 1e7, 4e7).simulate(np.full(4_000, 200.0), rng)
        fit = fit_regular_beta_geometric(h, family="MBG")
        assert fit.estimate.status.startswith("heterogeneity not identified: dropout (a and b run to infinity")
        assert fit.a / (fit.a + fit.b) == pytest.approx(0.2, abs=0.02)
        assert np.isfinite(fit.expected_purchases(h, 100.0)).all()

    def test_nobody_leaves(self):
        # Every customer is seen on the last day: silence, the only sign of leaving, is not in the data at all.
        rng = np.random.default_rng(6)
        x = rng.poisson(rng.gamma(2.0, 1 / 60.0, 4_000) * 300.0)
        h = Histories.in_order(x, np.where(x > 0, 300.0, 0.0), np.full(4_000, 300.0))
        fit = fit_regular_beta_geometric(h, family="BG")
        assert fit.estimate.status.startswith("heterogeneity not identified: dropout (")
        assert fit.p_alive(h).mean() > 0.98
        nbd = (2.0 + h.x) / (60.0 + h.T) * 100
        assert fit.expected_purchases(h, 100.0).sum() == pytest.approx(nbd.sum(), rel=0.05)

    @pytest.mark.parametrize("family", ["BG", "MBG"])
    @pytest.mark.parametrize("k", [1, 3])
    def test_customers_with_one_order_identify_nothing(self, family, k):
        h = Histories.distinct(np.zeros(100), np.zeros(100), np.arange(100.0), np.zeros(100))
        fit = fit_regular_beta_geometric(h, family=family, k=k)
        assert fit.estimate.status.startswith("nothing identified: no customer has bought twice")
        assert np.isinf(fit.estimate.standard_errors).all()
        assert (fit.expected_purchases(h, 365.0) < 1).all()

    def test_everyone_leaves_at_once_or_the_data_are_tiny(self):
        for columns in (([1], [3], [9]), ([1, 0], [3, 0], [9, 9]), ([5], [9], [9]), ([1, 1], [9, 9], [9, 9])):
            for family in ("BG", "MBG"):
                fit = fit_regular_beta_geometric(Histories.distinct(*columns), family=family)
                assert fit.estimate.status != "converged"
                assert np.isfinite(fit.expected_purchases(Histories.distinct(*columns), 30.0)).all()
                assert max(fit.parameters.values()) < 1e12

    def test_no_customers_or_no_time_is_an_error_in_words(self):
        with pytest.raises(FitError, match="no customers to fit to"):
            fit_regular_beta_geometric(Histories.distinct([], [], []), family="BG")
        with pytest.raises(FitError, match=r"every first purchase was on the last day \(T is 0\)"):
            fit_regular_beta_geometric(Histories.distinct([0, 0], [0, 0], [0, 0]), family="BG")

    def test_regularity_needs_gaps(self):
        h = Histories.distinct([2], [5], [9])
        with pytest.raises(DomainError, match="likelihood of MBG/CNBD-2 needs sum_log_gap"):
            fit_regular_beta_geometric(h, family="MBG", k=2)
        assert np.isfinite(RegularBetaGeometric("MBG", 1, 9, 1, 2, 2).expected_purchases(h, 9.0)).all()


class TestCovariates:
    @pytest.fixture(scope="class")
    @staticmethod
    def company():
        rng = np.random.default_rng(7)
        true = RegularBetaGeometric("MBG", 0.9, 40.0, 0.7, 2.5, 2, (0.8, 0.0), (0.0, -0.6))
        z = np.stack([rng.integers(0, 2, 8_000), rng.integers(0, 3, 8_000)], axis=1).astype(float)
        return true, true.simulate(np.full(8_000, 400.0), rng, z)

    def test_effects_are_recovered(self, company):
        true, h = company
        fit = fit_regular_beta_geometric(h, family="MBG", k=2)
        assert fit.estimate.status == "converged"
        intervals = fit.estimate.confidence_intervals(0.999)
        for name, value in true.parameters.items():
            assert intervals[name][0] < value < intervals[name][1]
        assert intervals["purchase_effect_1"][0] > 0
        assert intervals["dropout_effect_2"][1] < 0

    def test_likelihood_ratio_against_the_model_without(self, company):
        _, h = company
        larger = fit_regular_beta_geometric(h, family="MBG", k=2)
        smaller = fit_regular_beta_geometric(h.without_covariates(), family="MBG", k=2)
        test = likelihood_ratio_test(larger.estimate, smaller.estimate)
        assert test.degrees_of_freedom == 4
        assert test.p_value < 1e-10
        noise = np.random.default_rng(1).normal(size=(len(h), 1))
        idle = Histories.in_order(h.x, h.t_x, h.T, h.sum_log_gap, covariates=noise)
        test = likelihood_ratio_test(fit_regular_beta_geometric(idle, family="MBG", k=2).estimate, smaller.estimate)
        assert test.p_value > 0.001

    def test_standard_errors_do_not_depend_on_the_covariates_scale(self, company):
        _, h = company
        scaled = Histories.in_order(h.x, h.t_x, h.T, h.sum_log_gap, covariates=1000 * h.covariates + 500)
        one, other = (fit_regular_beta_geometric(g, family="MBG", k=2).estimate for g in (h, scaled))
        np.testing.assert_allclose(one.values[4:], 1000 * np.array(other.values[4:]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(one.standard_errors[4:], 1000 * np.array(other.standard_errors[4:]), rtol=1e-3)

    def test_effects_of_zero_are_the_model_without(self, company):
        _, h = company
        h = h.take(slice(0, 200))
        plain = RegularBetaGeometric("MBG", 0.9, 40.0, 0.7, 2.5, 2)
        idle = RegularBetaGeometric("MBG", 0.9, 40.0, 0.7, 2.5, 2, (0.0, 0.0), (0.0, 0.0))
        for answer in ("log_likelihood", "p_alive"):
            np.testing.assert_allclose(getattr(idle, answer)(h), getattr(plain, answer)(h), rtol=1e-10)
        np.testing.assert_allclose(idle.expected_purchases(h, 90.0), plain.expected_purchases(h, 90.0), rtol=1e-10)

    def test_each_row_gets_its_own_alpha_and_a(self, company):
        true, h = company
        h = h.take(slice(0, 60))
        answers = true.expected_purchases(h, 90.0), true.discounted_expected_purchases_ever(h, 1e-3)
        for i in range(0, 60, 7):
            alpha = 40.0 * np.exp(-0.8 * h.covariates[i, 0])
            own = RegularBetaGeometric("MBG", 0.9, alpha, 0.7 * np.exp(-0.6 * h.covariates[i, 1]), 2.5, 2)
            row = h.take(slice(i, i + 1))
            assert answers[0][i] == pytest.approx(own.expected_purchases(row, 90.0)[0], rel=1e-10)
            assert answers[1][i] == pytest.approx(own.discounted_expected_purchases_ever(row, 1e-3)[0], rel=1e-9)

    def test_a_model_with_effects_asks_for_its_covariates(self, company):
        true, h = company
        with pytest.raises(DomainError, match="The model has 2 covariates, the histories have 0"):
            true.p_alive(h.without_covariates())


def test_a_fit_is_small_and_survives_json_and_pickle_digit_for_digit(cdnow):
    fit = fit_regular_beta_geometric(cdnow, family="BG")
    assert RegularBetaGeometric.from_json(fit.to_json()) == fit
    assert pickle.loads(pickle.dumps(fit)) == fit
    assert len(fit.to_json()) < 800
    assert json.loads(fit.to_json())["model"] == "RegularBetaGeometric"
    nothing = fit_regular_beta_geometric(Histories.distinct([0], [0], [9]), family="BG")
    assert RegularBetaGeometric.from_json(nothing.to_json()) == nothing  # infinite variances survive, too
    with pytest.raises(DomainError, match="not a stored RegularBetaGeometric"):
        RegularBetaGeometric.from_json('{"model": "Other"}')


def test_parameters_drawn_for_uncertainty_have_the_estimates_covariance(cdnow_master):
    estimate = fit_regular_beta_geometric(cdnow_master, family="BG").estimate
    drawn = estimate.draw(20_000, np.random.default_rng(0))
    assert (drawn > 0).all()
    # Lognormal around small relative errors: the mean shifts by half their square, the spread by a few percent.
    np.testing.assert_allclose(drawn.std(axis=0), estimate.standard_errors, rtol=0.05)
    correlation = estimate.covariance[2][3] / np.prod(estimate.standard_errors[2:])
    np.testing.assert_allclose(np.corrcoef(drawn.T)[2, 3], correlation, atol=0.03)


@pytest.mark.parametrize(
    ("arguments", "text"), [((0.0, 1, 1, 1), "r must lie between"), ((1, 1, np.nan, 1), "a must lie")]
)
def test_parameters_outside_their_domain_are_refused(arguments, text):
    with pytest.raises(DomainError, match=text):
        RegularBetaGeometric("BG", *arguments)

import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import logsumexp

from crmkit.errors import DomainError
from crmkit.models.estimation import likelihood_ratio_test
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric, fit_regular_beta_geometric
from crmkit.models.regular_beta_geometric.coordinates import Coordinates
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from crmkit.models.regularity_mixture.fit import _Likelihood, _with_shares_in_use
from tests.models.logs import cdnow_orders, summarised

MIXTURE = RegularityMixture("MBG", 0.8, 60.0, 0.5, 2.5, (1, 2, 4), (0.4, 0.4, 0.2))


def some_histories():
    rng = np.random.default_rng(1)
    return MIXTURE.simulate(rng.uniform(20, 400, 400), rng)


def weekly(fit, h):
    return fit.estimate.log_likelihood + float(h.count @ h.x) * np.log(7.0)


@pytest.mark.parametrize(("log", "reference"), [("cdnow", -9580.8), ("uci", -57535.8)])
def test_log_likelihoods_of_the_reference_are_reached(log, reference, request):
    h = request.getfixturevalue(log)
    fit = fit_regularity_mixture(h)
    assert fit.estimate.status == "converged"
    assert weekly(fit, h) >= reference
    # A maximum, not the sum of a mistake: it is what the components' likelihoods say at these parameters.
    parts = [c.log_likelihood(h) + np.log(s) for c, s in zip(fit.components(), fit.shares, strict=True) if s > 0]
    assert logsumexp(parts, axis=0) @ h.count == pytest.approx(fit.estimate.log_likelihood, rel=1e-12)
    plain = fit_regular_beta_geometric(h, family="MBG")
    assert fit.estimate.log_likelihood >= plain.estimate.log_likelihood


def test_all_weight_on_one_regularity_is_that_regularity():
    h = some_histories()
    for k in (1, 3):
        one = RegularityMixture("MBG", 0.8, 60.0, 0.5, 2.5, (1, 3), (float(k == 1), float(k == 3)))
        alone = RegularBetaGeometric("MBG", 0.8, 60.0 / k, 0.5, 2.5, k)
        for answer in ("log_likelihood", "p_alive"):
            np.testing.assert_allclose(getattr(one, answer)(h), getattr(alone, answer)(h), rtol=1e-12)
        for answer in ("expected_purchases", "p_any_purchase"):
            np.testing.assert_allclose(getattr(one, answer)(h, 90.0), getattr(alone, answer)(h, 90.0), rtol=1e-12)
        np.testing.assert_allclose(one.next_purchase_quantile(h, 0.5), alone.next_purchase_quantile(h, 0.5), rtol=1e-9)
        np.testing.assert_array_equal(one.expected_regularity(h), float(k))


@pytest.mark.parametrize("covariates", [False, True])
def test_slopes_against_differences(covariates):
    h = some_histories()
    if covariates:
        z = np.random.default_rng(0).normal(size=(400, 1))
        h = Histories.in_order(h.x, h.t_x, h.T, h.sum_log_gap, covariates=z)
    ks = (1, 2, 4)
    likelihood = _Likelihood.of(h, Coordinates.of(h), "MBG", ks)
    z = np.array([-4.0, -0.3, -1.5, 1.0, *([0.2, -0.1] if covariates else [])])
    shares = np.array([0.5, 0.3, 0.2])
    _, gradient, gains = likelihood.at(z, shares, ks)
    for i, step in enumerate(1e-5 * np.eye(len(z))):
        up, down = likelihood.at(z + step, shares, ks)[0], likelihood.at(z - step, shares, ks)[0]
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-4)
    for i, step in enumerate(1e-6 * np.eye(3)):
        up, down = likelihood.at(z, shares + step, ks)[0], likelihood.at(z, shares - step, ks)[0]
        assert gains[i] == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_forecasts_are_right_on_average_given_regularity_and_frequency():
    """Whole lives simulated from the definition, cut at T: forecasts hold in groups of the posterior."""
    rng, n, T, days = np.random.default_rng(2), 60_000, 150.0, 120.0
    k = rng.choice(MIXTURE.regularities, n, p=MIXTURE.shares)
    rate, leave = rng.gamma(MIXTURE.r, 1 / MIXTURE.alpha, n), rng.beta(MIXTURE.a, MIXTURE.b, n)
    gaps = rng.gamma(k[:, None], 1.0, (n, 60)) / (rate * k)[:, None]
    times = np.cumsum(gaps, axis=1)
    real = np.arange(1, 61) <= (rng.geometric(np.maximum(leave, 1e-12)) - 1)[:, None]
    seen = real & (times <= T)
    x = seen.sum(axis=1)
    future = (real & (times > T) & (times <= T + days)).sum(axis=1)
    t_x = np.where(x > 0, np.take_along_axis(times, np.maximum(x - 1, 0)[:, None], axis=1)[:, 0], 0.0)
    h = Histories.in_order(x, t_x, np.full(n, T), np.where(seen, np.log(gaps), 0.0).sum(axis=1))
    regularity = MIXTURE.expected_regularity(h)
    assert abs((regularity - k).mean()) < 4 * k.std() / np.sqrt(n)
    error, hit = MIXTURE.expected_purchases(h, days) - future, MIXTURE.p_any_purchase(h, days) - (future > 0)
    typical = np.quantile(regularity[x >= 3], [0, 0.33, 0.67, 1.0])
    groups = [
        x == 0,
        x == 1,
        x == 2,
        *((x >= 3) & (regularity >= a) & (regularity < b) for a, b in pairwise(typical)),
    ]
    for group in groups:
        for miss in (error, hit):
            assert abs(miss[group].mean()) < 4 * miss[group].std() / np.sqrt(group.sum())
    assert (MIXTURE.simulate_future(h, days, rng) > 0).mean() == pytest.approx((future > 0).mean(), abs=0.01)


def test_recovery_of_shares_and_parameters():
    rng = np.random.default_rng(3)
    h = MIXTURE.simulate(np.full(15_000, 500.0), rng)
    fit = fit_regularity_mixture(h, regularities=(1, 2, 4))
    intervals = fit.estimate.confidence_intervals(0.999)
    for name, value in MIXTURE.parameters.items():
        assert intervals[name][0] < value < intervals[name][1]
    assert fit.estimate.n_free == 6


def test_covariates_with_standard_errors_and_likelihood_ratio():
    rng = np.random.default_rng(4)
    true = RegularityMixture("MBG", 0.8, 60.0, 0.5, 2.5, (1, 3), (0.5, 0.5), (0.7,), (-0.5,))
    z = rng.integers(0, 2, (6_000, 1)).astype(float)
    h = true.simulate(np.full(6_000, 400.0), rng, z)
    fit = fit_regularity_mixture(h, regularities=(1, 3))
    intervals = fit.estimate.confidence_intervals(0.999)
    for name, value in true.parameters.items():
        assert intervals[name][0] < value < intervals[name][1]
    plain = fit_regularity_mixture(h.without_covariates(), regularities=(1, 3))
    test = likelihood_ratio_test(fit.estimate, plain.estimate)
    assert test.degrees_of_freedom == 2
    assert test.p_value < 1e-6


def test_regular_customers_get_a_narrower_window():
    even = Histories.in_order([12], [360], [365], [12 * np.log(30.0)])
    wild = Histories.in_order([12], [360], [365], [12 * np.log(30.0) - 12.0])
    assert MIXTURE.expected_regularity(even)[0] > 3.5
    assert MIXTURE.expected_regularity(wild)[0] < 1.5
    width = [MIXTURE.next_purchase_quantile(h, 0.9) / MIXTURE.next_purchase_quantile(h, 0.1) for h in (even, wild)]
    assert width[0] < width[1]


def test_forecasts_without_gaps_use_what_recency_tells():
    h = some_histories()
    bare = h.without_gaps()
    known = np.flatnonzero(h.x <= 1)
    np.testing.assert_allclose(MIXTURE.p_alive(bare)[known], MIXTURE.p_alive(h)[known], rtol=1e-8)  # nine decimals
    assert np.isfinite(MIXTURE.expected_purchases(bare, 90.0)).all()
    with pytest.raises(DomainError, match="needs sum_log_gap"):
        MIXTURE.log_likelihood(bare)
    with pytest.raises(DomainError, match="needs sum_log_gap"):
        fit_regularity_mixture(bare)


def test_one_timers_only_identify_nothing():
    h = Histories.distinct(np.zeros(50), np.zeros(50), np.arange(50.0) + 1, np.zeros(50))
    fit = fit_regularity_mixture(h)
    assert fit.estimate.status.startswith("nothing identified")
    assert np.isfinite(fit.expected_purchases(h, 90.0)).all()


def test_storage_digit_for_digit():
    fit = fit_regularity_mixture(some_histories(), regularities=(1, 2, 4))
    assert RegularityMixture.from_json(fit.to_json()) == fit
    assert pickle.loads(pickle.dumps(fit)) == fit
    assert len(fit.to_json()) < 1500


def test_order_of_customers_does_not_matter():
    h = some_histories()
    order = np.random.default_rng(0).permutation(len(h))
    columns = [(g.x, g.t_x, g.T, g.sum_log_gap) for g in (h, h.take(order))]
    first, second = (fit_regularity_mixture(Histories.distinct(*c)) for c in columns)
    assert first == second


def test_a_regularity_given_up_too_early_comes_back():
    h = some_histories()
    likelihood = _Likelihood.of(h, Coordinates.of(h), "MBG", (1, 2, 4))
    start = np.array([-4.0, -0.3, -1.5, 1.0, 1.0, 0.0, 0.0])
    found, active = _with_shares_in_use(likelihood, start)
    assert {1, 4} <= set(active)
    whole = likelihood.maximum([np.array([-4.0, -0.3, -1.5, 1.0, 0.6, 0.6, 0.5])], (1, 2, 4))
    assert found.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)


def test_the_search_over_shares_ends_in_any_order_of_the_rows():
    # The whole of CDNOW up to June 1998, as an engine sorts it: shares that came back used to be started at 0 again
    # from a sample's maximum, and the search never ended.
    customer, day = cdnow_orders("CDNOW_master.txt")
    h = summarised(customer, day, 545)
    by_column = h.take(np.lexsort([h.sum_log_gap, h.T, h.t_x, h.x]))
    distinct = by_column.grouped()[0]
    fit = fit_regularity_mixture(
        distinct.take(np.lexsort([distinct.sum_log_gap, distinct.T, distinct.t_x, distinct.x]))
    )
    # The maximum that the other order finds; a test sees differences of 1 or more.
    assert fit.estimate.log_likelihood == pytest.approx(
        fit_regularity_mixture(distinct).estimate.log_likelihood, abs=1e-2
    )

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import Estimate, estimate_at, likelihood_ratio_test, maximise
from crmkit.models.histories import Histories
from crmkit.models.nbd import fit_nbd
from crmkit.models.parameter_axes import neighbours, sigma_points
from crmkit.models.pareto_nbd import ParetoNBD, fit_pareto_nbd
from crmkit.models.regular_beta_geometric import RegularBetaGeometric, fit_best_regularity, fit_regular_beta_geometric
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture

EDGE = np.array([np.inf, 40.0])


def normal(z):
    """Sample of 100 with mean 3 and deviation 2: coordinates mean and log deviation."""
    n, deviation = 100, np.exp(z[1])
    squares = 4.0 + (3.0 - z[0]) ** 2
    value = -n * (z[1] + squares / (2 * deviation**2))
    return value, n * np.array([(3.0 - z[0]) / deviation**2, squares / deviation**2 - 1.0])


def fitted():
    found = maximise(normal, [np.zeros(2), np.array([-5.0, 2.0])], -EDGE, EDGE, n_customers=100)
    positive = estimate_at(
        found,
        lambda z: np.array([z[0], np.exp(z[1])]),
        names=["mean", "deviation"],
        kinds=["real", "positive"],
        n_customers=100,
        n_free=2,
        status="converged",
    )
    return found, positive


def test_textbook_maximum_and_standard_errors():
    found, estimate = fitted()
    assert found.settled
    assert not found.at_limit.any()
    np.testing.assert_allclose(estimate.values, (3.0, 2.0), rtol=1e-8)
    # s / sqrt(n) and s / sqrt(2 n); second derivatives by differences keep six digits.
    np.testing.assert_allclose(estimate.standard_errors, (0.2, 2 / np.sqrt(200)), rtol=1e-5)
    low, high = estimate.confidence_intervals(0.95)["mean"]
    assert (high - low) / 2 == pytest.approx(1.959964 * 0.2, rel=1e-5)
    low, high = estimate.confidence_intervals(0.95)["deviation"]
    assert low * high == pytest.approx(4.0)  # symmetric on the logarithm
    assert estimate.aic == pytest.approx(4 - 2 * estimate.log_likelihood)
    assert estimate.bic == pytest.approx(2 * np.log(100) - 2 * estimate.log_likelihood)


def test_a_likelihood_that_only_flattens_is_moved_to_its_limit():
    """Rising in z1 for ever, but by less and less: the optimiser stops where the slope vanishes, short of the edge."""
    found = maximise(
        lambda z: (-50 * z[0] ** 2 - 3 * np.exp(-z[1]), np.array([-100 * z[0], 3 * np.exp(-z[1])])),
        [np.array([1.0, 0.0])],
        -EDGE,
        EDGE,
        n_customers=100,
    )
    assert found.at_limit.tolist() == [False, True]
    assert found.z[1] == 40.0
    # Off it, the profile has fallen by pi / 4: 3 exp(-z1) = pi / 4, met within 5 %.
    assert len(found.off_limits) == 1
    assert 3 * np.exp(-found.off_limits[0][1]) == pytest.approx(np.pi / 4, rel=0.05)


def test_a_coordinate_that_moves_nothing_stays_where_it_is():
    found = maximise(
        lambda z: (-50 * z[0] ** 2, np.array([-100 * z[0], 0.0])), [np.array([1.0, 3.0])], -EDGE, EDGE, n_customers=100
    )
    assert found.at_limit.tolist() == [False, True]
    assert found.z[1] == 3.0
    assert found.off_limits == ()


def test_a_limit_that_costs_likelihood_is_not_taken():
    found = maximise(
        lambda z: (-50 * z[0] ** 2 - (z[1] - 2) ** 2, np.array([-100 * z[0], 4 - 2 * z[1]])),
        [np.zeros(2)],
        -EDGE,
        EDGE,
        n_customers=100,
    )
    assert not found.at_limit.any()
    assert found.z[1] == pytest.approx(2.0)


def test_the_best_of_several_hills_is_climbed():
    def hills(z):
        a, b = np.exp(-((z[0] - 3) ** 2)), 2 * np.exp(-((z[0] + 3) ** 2))
        return a + b, np.array([-2 * (z[0] - 3) * a - 2 * (z[0] + 3) * b])

    edge = np.array([np.inf])
    found = maximise(hills, [np.array([2.0]), np.array([-2.0])], -edge, edge, n_customers=1)
    assert found.z[0] == pytest.approx(-3.0, abs=1e-6)


def test_nowhere_finite_is_an_error_in_words():
    with pytest.raises(FitError, match="finite at none of the starting points"):
        maximise(lambda z: (np.nan, z), [np.zeros(2)], -EDGE, EDGE, n_customers=1)


def test_intervals_stay_in_their_domain_and_json_keeps_every_digit():
    variances = ((0.04, 0.0, 0.0), (0.0, np.inf, 0.0), (0.0, 0.0, 0.0))
    estimate = Estimate(("a", "b", "c"), (0.1, 0.3, 0.0), ("share", "positive", "share"), variances, -1.5, 7.0, 2, "no")
    intervals = estimate.confidence_intervals()
    assert 0 < intervals["a"][0] < 0.1 < intervals["a"][1] < 1
    assert intervals["b"] == (0.0, np.inf)
    assert intervals["c"] == (0.0, 0.0)
    assert Estimate.from_json(estimate.to_json()) == estimate
    drawn = estimate.draw(50, np.random.default_rng(0))
    assert (drawn[:, 1] == 0.3).all()  # not identified: stays
    np.testing.assert_allclose(drawn[:, [0, 2]].sum(axis=1), 1.0)


def test_likelihood_ratio_needs_a_larger_model_of_the_same_customers():
    _, estimate = fitted()
    with pytest.raises(DomainError, match="larger model with more parameters, got 100 and 100 customers, 2 and 2"):
        likelihood_ratio_test(estimate, estimate)


def poisson_base(n=300, days=1000.0):
    """Customers who all buy 4 or 5 times: more alike than Poisson customers of one rate, so r runs to infinity."""
    x = np.where(np.arange(n) % 2 == 0, 4.0, 5.0)
    return Histories.distinct(x, np.full(n, 900.0), np.full(n, days))


def test_a_rate_is_known_though_its_shape_is_not():
    """One rate for all: the standard error of its logarithm is 1 / sqrt(purchases), in closed form."""
    h = poisson_base()
    estimate = fit_nbd(h).estimate
    assert "one rate for all" in estimate.status
    assert estimate.standard_errors == (np.inf, np.inf)
    steps = np.log(neighbours(estimate)[..., 0] / neighbours(estimate)[..., 1])  # of log r / alpha
    rate = np.log(estimate.values[0] / estimate.values[1])
    # Six digits of the stored covariance.
    assert np.sqrt(((steps[:, 0] - rate) ** 2).sum()) == pytest.approx(1 / np.sqrt(h.count @ h.x), rel=1e-4)


@pytest.mark.parametrize(
    "fit",
    [
        fit_nbd,
        fit_pareto_nbd,
        partial(fit_regular_beta_geometric, family="MBG"),
        partial(fit_best_regularity, family="MBG", regularities=(1, 2)),
        partial(fit_regularity_mixture, regularities=(1, 2)),
    ],
    ids=["NBD", "Pareto/NBD", "MBG/NBD", "MBG/CNBD-k", "mixture"],
)
def test_a_fit_without_the_points_off_its_limits_is_the_same_fit(fit):
    """Comparisons and scouts go without: what they compare must be what is kept."""
    h = replace(poisson_base(), sum_log_gap=np.array([4.0, 5.0]) * np.log(200.0))
    whole, quick = fit(h), fit(h, off_limits=False)
    assert whole.estimate.off_limits
    assert not quick.estimate.off_limits
    assert replace(whole, estimate=replace(whole.estimate, off_limits=())) == quick


def test_what_is_known_at_a_limit_is_stored_digit_for_digit():
    estimate = fit_nbd(poisson_base()).estimate
    assert estimate.limit_covariance
    assert len(estimate.off_limits) == 1
    assert Estimate.from_json(estimate.to_json()) == estimate
    assert len(estimate.to_json()) < 600


def test_sigma_points_have_the_mean_and_the_variance_of_a_half_normal_curve():
    """Off a limit at signed root sqrt(pi / 2) with weight 2 / pi: sqrt(2 / pi) and 1 - 2 / pi."""
    off = float(np.sqrt(np.pi / 2))
    estimate = Estimate(("a",), (0.0,), ("real",), ((np.inf,),), -1.0, 9.0, 1, "limit", ((0.0,),), ((off,),))
    points = sigma_points(estimate)
    weights, values = np.array([w for w, _ in points]), np.array([v[0] for _, v in points])
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ values == pytest.approx(np.sqrt(2 / np.pi))
    assert weights @ values**2 - (weights @ values) ** 2 == pytest.approx(1 - 2 / np.pi)


def test_sigma_points_around_a_limit_keep_the_covariance_given_it():
    known = ((0.0, 0.0), (0.0, 0.04 * 1e26))
    unknown = ((np.inf, 0.0), (0.0, np.inf))
    kinds = ("positive", "positive")
    estimate = Estimate(("s", "beta"), (1e6, 1e13), kinds, unknown, -1.0, 9.0, 2, "limit", known, ((0.5, 4e6),))
    points = np.log([values for _, values in sigma_points(estimate)])
    steps = np.array([[0, 0.2], [0, -0.2], [0, 0.2], [0, -0.2]])
    expected = np.log(np.array([[1e6, 1e13], [1e6, 1e13], [0.5, 4e6], [0.5, 4e6]])) + steps
    np.testing.assert_allclose(points[np.lexsort(points.T)], expected[np.lexsort(expected.T)], rtol=1e-9)


REGULAR = RegularityMixture("MBG", 1.2, 40.0, 0.7, 4.0, (1, 2, 4), (0.4, 0.35, 0.25), (), ())
PARTS = {
    "bg": (RegularBetaGeometric("BG", 0.6, 40.0, 0.7, 2.5, 1), partial(fit_regular_beta_geometric, family="BG"), 3_000),
    "cnbd": (
        RegularBetaGeometric("MBG", 0.6, 40.0, 0.7, 2.5, 2),
        partial(fit_regular_beta_geometric, family="MBG", k=2),
        3_000,
    ),
    "pareto": (ParetoNBD(0.8, 30.0, 0.7, 90.0), fit_pareto_nbd, 3_000),
    "mixture": (REGULAR, partial(fit_regularity_mixture, regularities=(1, 2, 4)), 3_000),
    # Of these 1,500 customers a share is 0 that is not 0 of all.
    "a share of 0": (
        RegularBetaGeometric("BG", 0.6, 40.0, 0.7, 2.5, 2),
        partial(fit_regularity_mixture, regularities=(1, 2, 3)),
        1_500,
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_customers_leads_to_the_maximum_of_all(name, monkeypatch):
    """The maximum is that of all, to a thousandth of its error; the error is a sample's: 3,000 know it to 10 %."""
    true, fit, enough = PARTS[name]
    rows = true.simulate(np.random.default_rng(5).uniform(50, 700, 15_000), np.random.default_rng(6))
    whole = fit(rows).estimate
    monkeypatch.setattr("crmkit.models.histories._ENOUGH", enough)
    quick = fit(rows).estimate
    assert quick.status == whole.status == "converged"
    assert quick.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-5)
    errors, found = (np.sqrt(np.diag(estimate.covariance)) for estimate in (whole, quick))
    assert (np.abs(np.array(quick.values) - whole.values) <= 1e-3 * errors + 1e-7).all()
    if name != "a share of 0":  # a share on its edge sends all customers up the hill once more
        assert (found != errors).any()
    np.testing.assert_allclose(found, errors, rtol=0.1)


def test_where_a_part_runs_to_a_limit_all_are_climbed_from_the_start():
    """On the plateau there, where no gradient points the way back, all customers would be taken as settled."""
    edge = np.array([40.0])

    def hill(z):
        height = 100.0 * np.exp(-((z[0] - 1.0) ** 2) / 2.0)
        return height, -(z - 1.0) * height

    def drift(z):
        return 100.0 * np.tanh(z[0] / 10.0), 10.0 / np.cosh(z / 10.0) ** 2

    found = maximise(hill, [np.zeros(1)], -edge, edge, n_customers=100, scout=(hill, 100), sample=(drift, 100))
    assert found.z == pytest.approx([1.0], abs=1e-6)
    assert found.settled

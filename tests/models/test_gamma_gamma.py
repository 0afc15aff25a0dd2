"""Gamma-Gamma: published figures, algebra by hand, simulation, recovery, messages."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma, spearmanr

from crmkit.errors import DomainError, FitError
from crmkit.models.gamma_gamma import GammaGamma, Spend, assess_spend, fit_gamma_gamma
from crmkit.models.gamma_gamma.fit import _objective

# Fader & Hardie (2013), section 4, as printed.
PRINTED = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def cdnow_spend():
    """Orders x and mean value m of 2,357 customers over repeat order days of 39 weeks."""
    package = importlib.util.find_spec("lifetimes")  # found, not imported: it warns on current pandas
    if package is None:
        pytest.skip("lifetimes is not installed; the CDNOW logs are in its wheel")
    file = Path(package.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    days: dict[int, dict[str, float]] = {}
    for line in file.read_text().splitlines():
        _, customer, date, _, value = line.split()
        if date <= "19970930":
            log = days.setdefault(int(customer), {})
            log[date] = log.get(date, 0.0) + float(value)
    repeat = [[value for date, value in log.items() if date > min(log)] for log in days.values()]
    return np.array([len(v) for v in repeat], dtype=float), np.array([np.mean(v) if v else 0.0 for v in repeat])


def simulated(model, x, rng):
    nothing = np.zeros(len(x))
    return np.where(x > 0, model.draw_total_value(nothing, nothing, x, rng) / np.maximum(x, 1), 0.0)


def test_cdnow(cdnow_spend):
    fit = fit_gamma_gamma(Spend.distinct(*cdnow_spend))
    assert fit.estimate.n_customers == 946
    assert fit.estimate.status == "converged"
    assert fit.estimate.log_likelihood == pytest.approx(-4055.918, abs=5e-4)  # printed to .001
    np.testing.assert_allclose((fit.p, fit.q, fit.gamma), (6.25, 3.74, 15.44), atol=5e-3)  # printed to .01
    rows = fit.log_likelihood(*cdnow_spend)
    assert rows.sum() == pytest.approx(fit.estimate.log_likelihood, rel=1e-12)


def test_density_is_its_definition():
    """Integrate the gamma density of the mean of x orders over nu ~ Gamma(q, gamma)."""
    for x, m in ((1, 20.0), (4, 55.0), (12, 9.0)):

        def joint(nu, x=x, m=m):
            mean = gamma.pdf(m, PRINTED.p * x, scale=1 / (nu * x))
            return mean * gamma.pdf(nu, PRINTED.q, scale=1 / PRINTED.gamma)

        density = quad(joint, 0, 5, limit=400, epsabs=0, epsrel=1e-11)[0]
        assert PRINTED.log_likelihood([x], [m])[0] == pytest.approx(np.log(density), abs=1e-9)  # the quadrature's error


def test_expected_value_by_hand():
    # Equation 5: (gamma + x m) p / (p x + q - 1).
    np.testing.assert_allclose(PRINTED.expected_value([2], [60.0]), (15.44 + 120.0) * 6.25 / (12.5 + 2.74), rtol=1e-14)
    assert PRINTED.expected_value([0], [np.nan])[0] == PRINTED.population_mean == pytest.approx(6.25 * 15.44 / 2.74)
    c = PRINTED.coefficients
    x, m = np.array([1.0, 3.0, 40.0]), np.array([5.0, 30.0, 90.0])
    by_column = (c.constant + c.total * x * m) / (c.offset + c.slope * x)
    np.testing.assert_allclose(by_column, PRINTED.expected_value(x, m), rtol=1e-14)


def test_quantiles_against_draws():
    rng, n = np.random.default_rng(51), 200_000
    x, m = np.repeat([0.0, 1.0, 8.0], n), np.repeat([0.0, 90.0, 20.0], n)
    drawn = PRINTED.draw_mean_value(x, m, rng).reshape(3, n)
    for level in (0.1, 0.5, 0.9):
        at = PRINTED.mean_value_quantile([0, 1, 8], [0.0, 90.0, 20.0], level)
        below = (drawn <= at[:, None]).mean(axis=1)
        np.testing.assert_allclose(below, level, atol=4 * 0.5 / np.sqrt(n))  # four standard errors
    expected = PRINTED.expected_value([0, 1, 8], [0.0, 90.0, 20.0])
    assert (np.abs(drawn.mean(axis=1) - expected) < 4 * drawn.std(axis=1) / np.sqrt(n)).all()
    total = PRINTED.draw_total_value(x, m, np.full(3 * n, 3.0), rng).reshape(3, n)
    assert (np.abs(total.mean(axis=1) - 3 * expected) < 4 * total.std(axis=1) / np.sqrt(n)).all()
    assert (PRINTED.draw_total_value([5.0], [9.0], [0.0], rng) == 0).all()


def test_slopes_against_differences():
    rng = np.random.default_rng(52)
    x = rng.integers(1, 30, 60).astype(float)
    spend = Spend.distinct(x, rng.lognormal(3, 1, 60), rng.integers(1, 5, 60))
    for _ in range(10):
        z = rng.normal((1.0, 1.0, 3.0), 1.0)
        steps = 1e-4 * np.eye(3)
        # Fourth order at h = 1e-4: rounding of log-likelihoods of size 1e4, 1e-12 / 1e-4.
        slope = [
            (
                8 * (_objective(spend, z + h)[0] - _objective(spend, z - h)[0])
                - _objective(spend, z + 2 * h)[0]
                + _objective(spend, z - 2 * h)[0]
            )
            / (12 * 1e-4)
            for h in steps
        ]
        np.testing.assert_allclose(_objective(spend, z)[1], slope, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("true", [GammaGamma(6.0, 4.0, 15.0), GammaGamma(1.2, 2.5, 300.0)])
def test_recovery(true):
    rng = np.random.default_rng(53)
    x = rng.geometric(0.4, 20_000) - 1.0
    fit = fit_gamma_gamma(Spend.distinct(x, simulated(true, x, rng)))
    z = (np.array(fit.estimate.values) - list(true.parameters.values())) / fit.estimate.standard_errors
    assert np.abs(z).max() < 3.5  # three normal deviates exceed 3.5 once in 700 seeds
    assert fit.estimate.status == "converged"


def test_no_mean_is_a_status_and_an_infinite_expectation():
    rng = np.random.default_rng(54)
    x = rng.geometric(0.4, 8000) - 1.0
    true = GammaGamma(6.0, 0.6, 15.0)
    fit = fit_gamma_gamma(Spend.distinct(x, simulated(true, x, rng)))
    assert fit.q == pytest.approx(0.6, abs=4 * fit.estimate.standard_errors[1])
    assert "q <= 1: the population has no mean" in fit.estimate.status
    assert fit.population_mean == np.inf
    assert fit.expected_value([0], [0.0])[0] == np.inf
    assert np.isfinite(fit.expected_value([1], [20.0]))[0]
    assert np.isfinite(fit.mean_value_quantile([0], [0.0], 0.5))[0]
    assert GammaGamma(0.1, 0.6, 15.0).expected_value([1], [20.0])[0] == np.inf  # p x + q <= 1


def test_all_customers_alike_is_a_status():
    rng = np.random.default_rng(55)
    x = rng.integers(1, 9, 900).astype(float)
    fit = fit_gamma_gamma(Spend.distinct(x, rng.gamma(3 * x) / (3 * x)))
    if fit.estimate.status != "converged":
        assert "all customers spend alike" in fit.estimate.status
        assert np.isinf(fit.estimate.standard_errors[1:]).all()
    np.testing.assert_allclose(fit.expected_value(x, np.ones(900)), 1.0, rtol=0.1)
    assert fit.q > 50


def test_money_scales():
    rng = np.random.default_rng(56)
    x = rng.geometric(0.4, 3000) - 1.0
    m = simulated(PRINTED, x, rng)
    one, other = (fit_gamma_gamma(Spend.distinct(x, unit * m)) for unit in (1.0, 160.0))
    np.testing.assert_allclose((other.p, other.q, other.gamma / 160), (one.p, one.q, one.gamma), rtol=1e-5)


def test_rows_with_counts_are_customers():
    x, m = [3, 1, 0, 3, 1], [10.0, 20.0, 0.0, 10.0, 30.0]
    spend = Spend.distinct(x, m)
    np.testing.assert_array_equal(spend.count, [1, 1, 2])
    again = Spend.distinct(spend.x, spend.m, spend.count)
    np.testing.assert_array_equal(again.count, spend.count)
    np.testing.assert_array_equal(again.m, [20.0, 30.0, 10.0])


def test_messages():
    with pytest.raises(DomainError, match=r"finite and above 0 .*; 2 of 4 rows are not \(first: row 1, -5\.0\)"):
        Spend.distinct([1, 2, 0, 1], [9.0, -5.0, 0.0, 0.0])
    with pytest.raises(DomainError, match="x must be a whole number"):
        PRINTED.expected_value([1.5], [9.0])
    with pytest.raises(FitError, match="at least 3 customers"):
        fit_gamma_gamma(Spend.distinct([1, 0], [9.0, 0.0]))
    with pytest.raises(FitError, match="all customers spend 9 per order"):
        fit_gamma_gamma(Spend.distinct([1, 2, 3], [9.0, 9.0, 9.0]))
    with pytest.raises(DomainError, match="between 1e-12 and 1e18"):
        GammaGamma(1.0, -1.0, 1.0)


def test_json_is_small_and_exact(cdnow_spend):
    fit = fit_gamma_gamma(Spend.distinct(*cdnow_spend))
    assert len(fit.to_json()) < 700
    assert GammaGamma.from_json(fit.to_json()) == fit


def test_assumptions_of_cdnow(cdnow_spend):
    x, m = cdnow_spend
    found = assess_spend(x, m)
    assert (found.customers, found.without_orders, found.not_positive) == (2357, 1411, 0)
    # Fader & Hardie report .11 for these customers, weak enough; scipy is the judge of the other.
    assert found.correlation == pytest.approx(np.corrcoef(x[x > 0], m[x > 0])[0, 1], rel=1e-12)
    assert found.correlation == pytest.approx(0.11, abs=0.01)
    assert found.rank_correlation == pytest.approx(spearmanr(x[x > 0], m[x > 0]).statistic, rel=1e-12)
    assert found.rank_interval[0] < found.rank_correlation < found.rank_interval[1]
    assert sum(n for _, n, _ in found.mean_by_frequency) == 946


def test_assumptions_with_counts_and_verdicts():
    rng = np.random.default_rng(57)
    x, m, count = rng.integers(0, 6, 300), rng.lognormal(3, 1, 300), rng.integers(1, 4, 300)
    weighted, plain = assess_spend(x, m, count), assess_spend(np.repeat(x, count), np.repeat(m, count))
    for name in ("customers", "correlation", "rank_correlation"):
        assert getattr(weighted, name) == pytest.approx(getattr(plain, name), rel=1e-12)
    assert assess_spend(x, m * (1.0 + x) ** 2).verdict.startswith("not met: frequent customers spend more")
    assert assess_spend(x, m / (1.0 + x) ** 2).verdict.startswith("not met: frequent customers spend less")
    refunds = assess_spend([1, 1, 2, 3], [5.0, -2.0, 7.0, 9.0])
    assert refunds.not_positive == 1
    assert "1 customers have a mean value that is not above 0" in refunds.verdict
    assert assess_spend([0, 0], [0.0, 0.0]).verdict.startswith("not known")


positive = st.floats(1e-6, 1e6)


@settings(max_examples=100, deadline=None)
@given(positive, positive, positive, st.integers(0, 5000), st.floats(1e-3, 1e9), st.floats(0.01, 0.99))
def test_never_nan_and_between_prior_and_data(p, q, scale, x, m, level):
    model = GammaGamma(p, q, scale)
    expected, quantile = model.expected_value([x], [m])[0], model.mean_value_quantile([x], [m], level)[0]
    assert expected > 0
    assert quantile > 0
    assert not np.isnan(expected)
    assert np.isfinite(model.log_likelihood([x], [m])).all()
    if np.isfinite(model.population_mean) and x > 0:
        low, high = sorted((model.population_mean, m))
        assert low * (1 - 1e-9) <= expected <= high * (1 + 1e-9)  # a weighted mean of the two, rounded

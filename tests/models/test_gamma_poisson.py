"""Shrunk ratios against numerical integration, and against simulated pairs whose truth is known."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import gamma, nbinom, poisson

from crmkit.errors import DomainError
from crmkit.models import gamma_poisson
from crmkit.models.gamma_poisson import GammaPoisson, fit_gamma_poisson

MODEL = GammaPoisson((3.0, 0.6), (3.5, 0.15), 0.8)


def posterior(n, expected):
    """Density of the ratio by the definition: prior times Poisson, not normalised."""

    def density(x):
        prior = sum(
            w * gamma.pdf(x, a, scale=1.0 / b) for w, a, b in zip((0.8, 0.2), MODEL.shape, MODEL.rate, strict=True)
        )
        return prior * poisson.pmf(n, x * expected)

    return density


@pytest.mark.parametrize(("n", "expected"), [(1, 0.02), (5, 0.3), (5, 6.0), (40, 3.0), (0, 2.0)])
def test_posterior_is_what_the_definition_integrates_to(n, expected):
    density, counts, what = posterior(n, expected), np.array([n]), np.array([expected])
    top = 40.0 + 5.0 * n / expected
    points = [max(n, 1) / expected]
    total = quad(density, 0.0, top, points=points, limit=200)[0]
    log_mean = quad(lambda x: np.log(x) * density(x), 0.0, top, points=points, limit=200)[0] / total
    assert MODEL.ratio(counts, what)[0] == pytest.approx(np.exp(log_mean), rel=1e-5)  # quad's own error
    bound = MODEL.quantile(0.05, counts, what)[0]
    assert quad(density, 0.0, bound, limit=200)[0] / total == pytest.approx(0.05, abs=1e-6)


def test_many_pairs_of_one_count_get_the_bound_that_each_would_get_alone():
    rng = np.random.default_rng(2)
    expected = np.exp(rng.uniform(-6.0, 4.0, 3000))
    n = np.repeat([1, 5, 60], 1000)
    together = MODEL.quantile(0.05, n, expected)
    single = np.concatenate(
        [MODEL.quantile(0.05, n[i : i + 100], expected[i : i + 100]) for i in range(0, len(n), 100)]
    )
    np.testing.assert_allclose(together, single, rtol=1e-4)  # a spline of 200 nodes against bisection
    np.testing.assert_allclose(MODEL.below(single, n, expected), 0.05, atol=1e-8)


def simulated(rng, pairs=40_000):
    """Pairs that chance made, and a few that belong together; expectations spread over four decades."""
    expected = np.exp(rng.normal(0.0, 1.5, pairs))
    linked = rng.random(pairs) < 0.03
    truth = np.where(linked, 1.0 + rng.gamma(1.0, 6.0, pairs), rng.gamma(40.0, 0.9 / 40.0, pairs))
    n = rng.poisson(truth * expected)
    seen = n >= 3
    return n[seen], expected[seen], truth[seen]


def test_of_the_pairs_called_together_few_are_chance():
    """Though counts below 3 are not shown, and the best of thousands are picked."""
    called, false = 0, 0
    for seed in range(5):
        n, expected, truth = simulated(np.random.default_rng(seed))
        model = fit_gamma_poisson(n, expected, least=3)
        found = model.quantile(0.05, n, expected) > 1.0
        called, false = called + found.sum(), false + (truth[found] <= 1.0).sum()
    assert called > 1500
    assert false / called <= 0.05  # what is promised
    # Single intervals that know nothing of the other pairs: Poisson, one-sided 95 %.
    alone = gamma.ppf(0.05, n) / expected > 1.0
    assert (truth[alone] <= 1.0).mean() > 0.15


def test_ranking_by_the_bound_finds_what_ranking_by_lift_does_not():
    rng = np.random.default_rng(9)
    expected = np.exp(rng.normal(-2.5, 2.0, 60_000))  # rare products mostly
    linked = rng.random(60_000) < 0.01
    truth = np.where(linked, 5.0 + rng.gamma(1.0, 5.0, 60_000), rng.gamma(2.0, 0.5, 60_000))
    n = rng.poisson(truth * expected)
    n, expected, truth = n[n > 0], expected[n > 0], truth[n > 0]
    model = fit_gamma_poisson(n, expected, least=1)
    best = np.argsort(-model.quantile(0.05, n, expected))[:100]
    naive = np.argsort(-n / expected)[:100]
    assert (truth[best] >= 5.0).mean() > 0.8
    assert (truth[naive] >= 5.0).mean() < 0.2  # seen once where a thousandth was expected


def test_no_pairs_and_wrong_arguments():
    none = np.array([], dtype=np.int64)
    assert fit_gamma_poisson(none, none.astype(float)).weight > 0.5
    assert len(MODEL.quantile(0.05, none, none.astype(float))) == 0
    with pytest.raises(DomainError, match="at least 3"):
        fit_gamma_poisson(np.array([2]), np.array([1.0]), least=3)
    with pytest.raises(DomainError, match="share must lie between 0 and 1"):
        MODEL.quantile(1.0, np.array([2]), np.array([1.0]))


@pytest.mark.parametrize("least", [0, 1, 5, 20])
def test_chance_to_be_shown_is_that_of_the_negative_binomial(least):
    expected = np.exp(np.linspace(-9.0, 7.0, 40))
    for shape, rate in ((36.0, 37.0), (0.02, 0.2), (1.3, 0.8), (400.0, 1.0)):
        found = gamma_poisson._log_shown(expected, least, shape, rate)[0]
        # Down to e-100 and below, where one minus the sum of the smaller counts is 0.
        np.testing.assert_allclose(
            found, nbinom.logsf(least - 1, shape, rate / (rate + expected)), rtol=1e-9, atol=1e-9
        )


def test_fit_stands_at_the_maximum_though_pairs_are_many():
    """With derivatives by differences, the search once ended far below it and called that convergence."""
    n, expected, _ = simulated(np.random.default_rng(4), pairs=400_000)
    cells = gamma_poisson._joined(n, expected, 3)
    point = np.array([1.0, 2.0, 0.3, -1.0, 1.0])
    value, slope = gamma_poisson._loss(point, cells)
    by_differences = approx_fprime(point, lambda theta: gamma_poisson._loss(theta, cells)[0], 1e-6)
    np.testing.assert_allclose(slope, by_differences, rtol=1e-3)  # of differences: 1e-6 of a curved sum
    model = fit_gamma_poisson(n, expected, least=3)
    a, c, b, d = np.log([*model.shape, *model.rate])
    best = np.array([a, b, c, d, np.log(model.weight / (1.0 - model.weight))])
    least = gamma_poisson._loss(best, cells)[0]
    around = [gamma_poisson._loss(best + step, cells)[0] for step in np.vstack([np.eye(5), -np.eye(5)]) * 0.02]
    assert least < min(around) < value

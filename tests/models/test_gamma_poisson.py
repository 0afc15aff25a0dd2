"""Shrunk ratios against numerical integration, and against simulated pairs whose truth is known."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, poisson

from crmkit.errors import DomainError
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

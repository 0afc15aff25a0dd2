import numpy as np

from crmkit.models import waiting_time


def test_quantiles_of_known_distributions_over_many_scales():
    scale = 10.0 ** np.arange(-8, 9)
    level = np.linspace(0.01, 0.99, len(scale))
    weibull = waiting_time.quantile(lambda t: -np.expm1(-np.sqrt(t / scale)), level, np.ones(len(scale)))
    np.testing.assert_allclose(weibull, scale * np.log1p(-level) ** 2, rtol=1e-10)  # tolerance of the search


def test_a_level_that_is_never_reached_is_infinitely_far():
    found = waiting_time.quantile(lambda t: 0.4 * -np.expm1(-t), np.array([0.39, 0.41]), np.ones(2))
    assert np.isfinite(found[0])
    assert np.isinf(found[1])

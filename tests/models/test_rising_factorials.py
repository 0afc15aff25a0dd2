import mpmath
import numpy as np
import pytest

from crmkit.models.rising_factorials import digamma_rise, log_rising


# Near 1 / c the differences of gammaln lose what their size takes: 1e-13 of the larger of them.
@pytest.mark.parametrize("c", [1e-6, 0.2426, 3.7, 2999.0, 3001.0, 1e5, 1e8, 1e12])
@pytest.mark.parametrize("n", [0, 1, 7, 600, 7200])
def test_ratios_of_gamma_functions_keep_their_digits(c, n):
    with mpmath.workdps(40):
        log = float(mpmath.loggamma(mpmath.mpf(c) + n) - mpmath.loggamma(c))
        slope = float(mpmath.digamma(mpmath.mpf(c) + n) - mpmath.digamma(c))
    size = abs(np.log(c)) * c if c < 3000 else 0.0
    assert log_rising(c, np.array([float(n)]))[0] == pytest.approx(log, rel=2e-14, abs=1e-15 * size + 1e-13)
    assert digamma_rise(c, np.array([float(n)]))[0] == pytest.approx(
        slope, rel=1e-11, abs=1e-14 * (1 + np.log1p(c)) * (c < 3000)
    )


def test_scalars_and_rows_agree():
    c, n = np.array([0.5, 5e3, 2.0]), np.array([3.0, 10.0, 0.0])
    np.testing.assert_allclose(
        log_rising(c, n), [log_rising(float(a), np.array([b]))[0] for a, b in zip(c, n, strict=True)]
    )

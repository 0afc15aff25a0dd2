"""The Pareto/NBD integral against arithmetic of 40 digits (mpmath, a development dependency)."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.models.power_integral import discounted_integral, power_integral

mp.mp.dps = 40
LETTERS = ("a", "b", "alpha", "beta")


def exact(a, b, alpha, beta, start):
    """Log of the integral to infinity by Gauss's hypergeometric function."""
    a, b, alpha, beta, start = map(mp.mpf, (a, b, alpha, beta, start))
    if alpha > beta:
        a, b, alpha, beta = b, a, beta, alpha
    zeta = (beta - alpha) / (beta + start)
    front = mp.log(alpha) + (1 - a) * mp.log1p(start / alpha) - b * mp.log1p(start / beta)
    return front - mp.log(a + b - 1) + mp.log(mp.hyp2f1(1, b, a + b, zeta))


def cases(n, seed):
    """Customers of the two families of the likelihood: four decades of parameters, x to 600, 20 years of days."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        r, s = 10 ** rng.uniform(-2, 2, 2)
        alpha, beta = 10 ** rng.uniform(-1, 4, 2)
        x = 0 if i % 3 == 0 else int(10 ** rng.uniform(0, np.log10(600)))
        start = 0.0 if i % 5 == 0 else rng.uniform(0, 7300)
        yield (r + x, s + 1, alpha, beta, start) if i % 2 else (r + x + 1, s, alpha, beta, start)


def test_log_integral_to_infinity():
    errors = []
    for a, b, alpha, beta, start in cases(250, seed=11):
        got = power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=start).log_value[0]
        errors.append(abs(got - float(exact(a, b, alpha, beta, start))))
    # Reached: worst 1e-12 of 2,000; the bound of the rules is 1e-10. Logs of size 5,000 round at 1e-12.
    assert max(errors) < 1e-10
    assert np.median(errors) < 1e-13


def test_hard_cases_of_quadrature():
    """A tiny base with a wide range, a long tail, exponents of 1e4: where fixed nodes fail by 1e-4."""
    hard = [
        (0.05, 1.02, 0.1, 1e5, 0.0),
        (1.0348, 250.4, 0.1, 202.0, 0.0),
        (0.011, 1.011, 0.01, 1e6, 0.0),
        (1.5, 1e4, 3.0, 1e7, 0.0),
        (600.5, 0.01, 1e4, 0.1, 7300.0),
        (190.55, 1.6, 74.0, 81.7, 3000.0),
        (0.5, 1.5, 1e-6, 1e6, 1e-3),
    ]
    for case in hard:
        a, b, alpha, beta, start = case
        got = power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=start).log_value[0]
        assert got == pytest.approx(float(exact(*case)), abs=1e-10), case  # bound of the rules


def test_finite_range_keeps_its_digits_however_short():
    rng = np.random.default_rng(12)
    for a, b, alpha, beta, start in cases(120, seed=12):
        days = 10 ** rng.uniform(-6, 4)
        got = power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=start, stop=start + days).log_value[0]
        with mp.workdps(80):
            stop = mp.mpf(start + days)
            wanted = mp.log(mp.exp(exact(a, b, alpha, beta, start)) - mp.exp(exact(a, b, alpha, beta, stop)))
        # start + days rounds in double precision: start 7300 and days 1e-6 leave 1e-16 * 7300 / 1e-6 = 1e-6 of days.
        assert got == pytest.approx(float(wanted), abs=1e-10 + 2e-12 * start / days)


def test_derivatives_under_the_integral_sign():
    for case in cases(40, seed=13):
        a, b, alpha, beta, start = case
        got = power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=start)
        for i, letter in enumerate(LETTERS):
            slope = mp.diff(lambda v, i=i, case=case: exact(*case[:i], v, *case[i + 1 :]), case[i])
            # Means under the integrand: as exact as the rule, 1e-10 relative to their size.
            assert getattr(got, f"by_{letter}")[0] == pytest.approx(float(slope), rel=1e-9, abs=1e-13)


def test_equal_scales_have_a_closed_form():
    a, start = np.array([0.6, 3.6, 190.6]), 250.0
    got = power_integral(a, 1.6, alpha=80.0, beta=80.0, start=start).log_value
    wanted = np.log(80.0) - (a + 0.6) * np.log1p(start / 80.0) - np.log(a + 0.6)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)  # rounding
    near = power_integral(a, 1.6, alpha=80.0, beta=80.0 * (1 + 1e-9), start=start).log_value
    np.testing.assert_allclose(near, got, rtol=0, atol=1e-8)  # slope 1.6 times a step of 1e-9, not 0/0


def test_discounted_integral_is_tricomi_and_incomplete_gamma():
    rng = np.random.default_rng(14)
    for i in range(40):
        a, alpha, rate = 10 ** rng.uniform(-2, 2.5), 10 ** rng.uniform(-1, 5), 10 ** rng.uniform(-6, 0)
        with mp.workdps(150):
            z = mp.mpf(rate) * alpha
            if i % 2:
                stop = math.inf
                wanted = alpha * z ** (mp.mpf(a) - 1) * mp.hyperu(a, a, z)
            else:
                stop = 10 ** rng.uniform(-1, 4)
                wanted = (
                    alpha * mp.exp(z) * z ** (mp.mpf(a) - 1) * mp.gammainc(1 - mp.mpf(a), z, z + rate * mp.mpf(stop))
                )
        got = discounted_integral(a, alpha=np.array([alpha]), rate=rate, stop=stop)[0]
        assert got == pytest.approx(float(wanted), rel=1e-10)


positive = st.floats(1e-6, 1e6)


@given(positive, positive, positive, positive, st.floats(0, 1e5), st.floats(1e-6, 1e6))
def test_finite_and_additive(a, b, alpha, beta, start, days):
    a += 1.0  # so that the integral to infinity exists
    middle = start + days
    whole, head = (
        power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=start, stop=stop) for stop in (math.inf, middle)
    )
    tail = power_integral(np.array([a]), b, alpha=alpha, beta=beta, start=middle)
    numbers = [whole.log_value, whole.by_a, whole.by_b, whole.by_alpha, whole.by_beta, head.log_value, tail.log_value]
    assert np.isfinite(numbers).all()
    # Logs of size a log(1 + start/alpha), up to 3e7, round at 1e-16 of themselves.
    size = (a + b) * np.log1p(middle / min(alpha, beta))
    rounding = 1e-8 + 1e-14 * size + 1e-9 * middle / days * 1e-6
    assert np.logaddexp(head.log_value[0], tail.log_value[0]) == pytest.approx(whole.log_value[0], abs=rounding)

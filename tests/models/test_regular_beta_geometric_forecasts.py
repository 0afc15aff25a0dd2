"""Forecasts of (M)BG/CNBD-k against closed forms in 50 digits, against simulation, and at their limits."""

import mpmath
import numpy as np
import pytest
from scipy.special import gammaln

from crmkit.errors import DomainError
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric, forecast

TWENTY_YEARS = 7305.0


def random_case(rng, k=1):
    """Parameters over four decades, x up to 600, T up to twenty years."""
    r, a, b = 10.0 ** rng.uniform(-2, 2, 3)
    alpha = 10.0 ** rng.uniform(0, 4)
    T = np.ceil(10.0 ** rng.uniform(0, np.log10(TWENTY_YEARS)))
    x = float(rng.choice([0, 1, 2, 7, 40, 200, 600]))
    x = min(x, T)
    t_x = 0.0 if x == 0 else float(rng.choice([max(x, np.ceil(T * rng.random())), T]))
    family = "BG" if rng.random() < 0.5 else "MBG"
    model = RegularBetaGeometric(family, r, alpha, a, b, k)
    return model, Histories.in_order([x], [t_x], [T]), float(np.ceil(10.0 ** rng.uniform(0, 3.5)))


def alive_in_50_digits(model, h):
    """P(alive): the odds of having left are a / (b + n - 1) ((alpha + T) / (alpha + t_x))^s / S."""
    r, alpha, a, b = (mpmath.mpf(v) for v in (model.r, model.alpha, model.a, model.b))
    x, t, T, k = int(h.x[0]), mpmath.mpf(h.t_x[0]), mpmath.mpf(h.T[0]), model.k
    n, s, z = x + (model.family == "MBG"), r + k * x, (T - t) / (alpha + T)
    if n == 0:
        return mpmath.mpf(1)
    live = mpmath.fsum(mpmath.rf(s, j) / mpmath.factorial(j) * z**j for j in range(k))
    return 1 / (1 + a / (b + n - 1) * ((alpha + T) / (alpha + t)) ** s / live)


def expected_in_50_digits(model, h, days):
    """Fader, Hardie & Lee (2005), eq. 10, and its MBG twin, k = 1."""
    r, alpha, a, b = (mpmath.mpf(v) for v in (model.r, model.alpha, model.a, model.b))
    x, T = int(h.x[0]), mpmath.mpf(h.T[0])
    left, s = b + x + (model.family == "MBG"), r + x
    z, q = days / (alpha + T + days), (alpha + T) / (alpha + T + days)
    paper = (a + left - 1) / (a - 1) * (1 - q**s * mpmath.hyp2f1(s, left, a + left - 1, z))
    return alive_in_50_digits(model, h) * paper


@pytest.mark.parametrize("seed", range(60))
def test_expected_purchases_agree_with_the_papers_closed_form_in_50_digits(seed):
    model, h, days = random_case(np.random.default_rng(seed))
    with mpmath.workdps(50):
        expected, alive = float(expected_in_50_digits(model, h, days)), float(alive_in_50_digits(model, h))
    # Logs of size 1e4 to 1e5 are exponentiated: a dozen digits less four or five are left.
    assert model.p_alive(h)[0] == pytest.approx(alive, rel=1e-9, abs=1e-300)
    assert model.expected_purchases(h, days)[0] == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("seed", range(24))
def test_regular_forecasts_agree_with_the_sum_over_purchases_in_30_digits(seed):
    """Reference formula: sum over phases j and purchases n of ratios times negative binomial tails."""
    rng = np.random.default_rng(seed)
    model, h, _ = random_case(rng, k=int(rng.integers(2, 13)))
    with mpmath.workdps(30):
        r, alpha, a, b = (mpmath.mpf(v) for v in (model.r, model.alpha, model.a, model.b))
        k, x, T = model.k, int(h.x[0]), mpmath.mpf(h.T[0])
        s, left = r + k * x, b + x + (model.family == "MBG")
        z = (T - mpmath.mpf(h.t_x[0])) / (alpha + T)
        # A horizon in which a handful of purchases are due keeps the sum short.
        days = float((alpha + T) * k / s * rng.uniform(0.2, 3))
        y = days / (alpha + T + days)
        weights = [mpmath.rf(s, j) / mpmath.factorial(j) * z**j for j in range(k)]
        expected, back = mpmath.mpf(0), mpmath.mpf(0)
        for j, weight in enumerate(weights):
            mass, cdf, ratio, total, m = (1 - y) ** (s + j), mpmath.mpf(0), mpmath.mpf(1), mpmath.mpf(0), 0
            for n in range(1, 4_000):
                while m < n * k - j:
                    cdf += mass
                    mass *= (s + j + m) / (m + 1) * y
                    m += 1
                total += ratio * (1 - cdf)
                if n == 1:
                    back += weight * (1 - cdf)
                if 1 - cdf < mpmath.mpf(10) ** -18:
                    break
                ratio *= (left + n - 1) / (a + left + n - 1)
            expected += weight * total
        alive = alive_in_50_digits(model, h) / mpmath.fsum(weights)
    assert model.expected_purchases(h, days)[0] == pytest.approx(float(alive * expected), rel=1e-8, abs=1e-300)
    assert model.p_any_purchase(h, days)[0] == pytest.approx(float(alive * back), rel=1e-8, abs=1e-14)


def test_k_of_one_is_bg_and_mbg():
    """Textbook formulas of both models, in doubles where these are harmless."""
    h = Histories.in_order([0, 1, 3, 12], [0, 20, 80, 100], [90, 90, 90, 110])
    for family, d0 in (("BG", 0), ("MBG", 1)):
        model = RegularBetaGeometric(family, 0.5, 40.0, 0.8, 2.5)
        n, s = h.x + d0, 0.5 + h.x
        left = np.where(n > 0, 0.8 / np.where(n > 0, 2.5 + n - 1, 1.0) * ((40 + h.T) / (40 + h.t_x)) ** s, 0.0)
        np.testing.assert_allclose(model.p_alive(h), 1 / (1 + left), rtol=1e-12)
        stay = gammaln(2.5 + n) - gammaln(2.5) - gammaln(3.3 + n) + gammaln(3.3)
        rate = gammaln(s) - gammaln(0.5) + 0.5 * np.log(40) - s * np.log(40 + h.T)
        np.testing.assert_allclose(model.log_likelihood(h), stay + rate + np.log1p(left), rtol=1e-12)


@pytest.mark.parametrize("a", [0.02, 1.0, 1.0 + 1e-9, 0.5])
def test_no_pole_at_a_of_one_and_none_below_a_plus_b_of_one(a):
    """The closed form is NaN at a = 1 and, for one-timers, at a + b <= 1."""
    h = Histories.in_order([0, 0, 3], [0, 0, 30], [10, 400, 100])
    values = [
        RegularBetaGeometric("BG", 0.3, 30.0, a * (1 + step), 0.4).expected_purchases(h, 200.0)
        for step in (-1e-7, 0.0, 1e-7)
    ]
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)
    np.testing.assert_allclose((values[0] + values[2]) / 2, values[1], rtol=1e-11)


def test_a_long_sum_is_closed_by_an_integral_without_a_seam(monkeypatch):
    from crmkit.models.regular_beta_geometric import forecast

    h = Histories.in_order([0, 2, 40], [0, 30, 90], [0, 40, 100])
    for k, a in ((1, 0.3), (4, 2.0)):
        model = RegularBetaGeometric("MBG", 0.8, 0.5, a, 3.0, k)
        exact = model.expected_purchases(h, 3650.0)
        monkeypatch.setattr(forecast, "_LONGEST_SUM", 300)
        # The first term left out of Euler-Maclaurin is about 1e-9 of the whole at 128 purchases.
        np.testing.assert_allclose(model.expected_purchases(h, 3650.0), exact, rtol=1e-8)
        monkeypatch.undo()


def independent_customers(model, T, days, n, rng):
    """Simulate whole lives, purchase by purchase, from the definition of the model; look at them at T."""
    rate = rng.gamma(model.r, 1 / model.alpha, n)
    leave = rng.beta(model.a, model.b, n)
    gaps = rng.gamma(model.k, 1.0, (n, 80)) / rate[:, None]
    times = np.cumsum(gaps, axis=1)
    left_after = rng.geometric(np.maximum(leave, 1e-12)) - (model.family == "MBG")
    real = np.arange(1, 81) <= left_after[:, None]
    x = (real & (times <= T)).sum(axis=1)
    future = (real & (times > T) & (times <= T + days)).sum(axis=1)
    t_x = np.where(x > 0, np.take_along_axis(times, np.maximum(x - 1, 0)[:, None], axis=1)[:, 0], 0.0)
    return x.astype(float), t_x, future


@pytest.mark.parametrize("family", ["BG", "MBG"])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_forecasts_are_right_on_average_over_simulated_lives(family, k):
    rng = np.random.default_rng(k)
    model, T, days, n = RegularBetaGeometric(family, 1.5, 20.0, 0.6, 2.5, k), 60.0, 90.0, 40_000
    x, t_x, future = independent_customers(model, T, days, n, rng)
    h = Histories.in_order(x, t_x, np.full(n, T))
    silence = T - t_x
    groups = [x == 0, x == 1, x == 2, x >= 3, silence < 15, (silence >= 15) & (silence < 40)]
    counts = model.purchase_count_probabilities(h, days, 3)
    forecasts = [
        (model.expected_purchases(h, days), future),
        (model.p_any_purchase(h, days), future > 0),
        *((counts[:, i], future == i) for i in range(4)),
    ]
    for expected, happened in forecasts:
        for group in groups:
            if group.sum() < 200:
                continue
            error = (expected - happened)[group]
            # Four standard errors: 36 comparisons a run, one false alarm in 400 runs; the seed is fixed.
            assert abs(error.mean()) < 4.0 * error.std() / np.sqrt(group.sum()) + 1e-12


@pytest.mark.parametrize("family", ["BG", "MBG"])
@pytest.mark.parametrize("k", [1, 3])
def test_counts_expectation_and_return_tell_one_story(family, k):
    h = Histories.in_order([0, 1, 5, 30], [0, 20, 50, 200], [50, 60, 55, 230])
    model = RegularBetaGeometric(family, 0.7, 30.0, 0.8, 2.4, k)
    counts = model.purchase_count_probabilities(h, 120.0, 400)
    np.testing.assert_allclose(counts.sum(axis=1), 1.0, atol=1e-9)  # what lies beyond 400 purchases
    np.testing.assert_allclose(counts @ np.arange(401.0), model.expected_purchases(h, 120.0), rtol=1e-8)
    np.testing.assert_allclose(1 - counts[:, 0], model.p_any_purchase(h, 120.0), rtol=1e-10)


def test_drawn_futures_follow_the_forecast():
    h = Histories.in_order([0, 2, 9], [0, 30, 80], [50, 60, 90])
    for k in (1, 3):
        model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, k)
        rng, n = np.random.default_rng(5), 20_000
        drawn = model.simulate_future(h.take(np.repeat(np.arange(3), n)), 120.0, rng).reshape(3, n)
        expected = model.expected_purchases(h, 120.0)
        assert (np.abs(drawn.mean(axis=1) - expected) < 4 * drawn.std(axis=1) / np.sqrt(n)).all()


def test_simulated_histories_follow_the_counts():
    rng, n = np.random.default_rng(8), 40_000
    for family in ("BG", "MBG"):
        model = RegularBetaGeometric(family, 0.7, 30.0, 0.8, 2.4, 2)
        simulated = model.simulate(np.full(n, 200.0), rng)
        expected = model.purchase_count_probabilities(Histories.in_order([0], [0], [0]), 200.0, 6)[0]
        seen = np.array([(simulated.x == i).mean() for i in range(7)])
        assert (np.abs(seen - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


@pytest.mark.parametrize("k", [1, 2, 5])
def test_next_purchase_quantiles_invert_the_distribution(k):
    h = Histories.in_order([0, 1, 5, 30], [0, 20, 50, 200], [50, 60, 200, 230])
    model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, k)
    for level in (0.01, 0.5, 0.9):
        days = model.next_purchase_quantile(h, level)
        np.testing.assert_allclose(model.p_return(h, days), level, rtol=1e-10)  # tolerance of the search
        days = model.any_purchase_quantile(h, level)
        sure = model.p_alive(h) > level
        np.testing.assert_array_equal(np.isfinite(days), sure)
        np.testing.assert_allclose(model.p_any_purchase(h.take(np.flatnonzero(sure)), days[sure]), level, rtol=1e-9)


class TestDiscounting:
    h = Histories.in_order([0, 1, 5, 30], [0, 20, 50, 200], [50, 60, 200, 230])

    @pytest.mark.parametrize("k", [1, 3])
    @pytest.mark.parametrize("a", [0.05, 0.8, 40.0])
    def test_ever_is_the_limit_of_ever_longer_horizons(self, k, a):
        model, rate = RegularBetaGeometric("MBG", 0.7, 30.0, a, 2.4, k), 2e-3
        ever = model.discounted_expected_purchases_ever(self.h, rate)
        # Two independent algorithms: sums integrated over time, and an integral over rates and leaving. At thirty
        # times the discounting time the quadrature over time is at its worst, 1e-6.
        np.testing.assert_allclose(model.discounted_expected_purchases(self.h, 30.0 / rate, rate), ever, rtol=1e-6)

    def test_without_leaving_it_is_the_rate_over_the_discount(self):
        model = RegularBetaGeometric("BG", 0.7, 30.0, 1e-12, 1.0)
        rates = (0.7 + self.h.x) / (30.0 + self.h.T)
        np.testing.assert_allclose(model.discounted_expected_purchases_ever(self.h, 1e-3), rates / 1e-3, rtol=1e-8)

    def test_no_discount_is_the_plain_expectation(self):
        model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, 2)
        plain = model.expected_purchases(self.h, 365.0)
        np.testing.assert_array_equal(model.discounted_expected_purchases(self.h, 365.0, 0.0), plain)
        almost = model.discounted_expected_purchases(self.h, 365.0, 1e-9)
        np.testing.assert_allclose(almost, plain, rtol=4e-7)  # at most 365 times the rate apart

    @pytest.mark.parametrize("rate", [1e-4, 1e-3, 0.1, 5.0])
    def test_finite_horizon_against_a_fine_sum_over_days(self, rate):
        model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, 2)
        ends = np.concatenate([np.linspace(0, 2, 200)[1:], np.linspace(2, 200, 800)])
        steps = np.diff([model.expected_purchases(self.h, t) for t in ends], axis=0, prepend=0.0)
        middles = (ends + np.concatenate([[0.0], ends[:-1]])) / 2
        fine = (np.exp(-rate * middles)[:, None] * steps).sum(axis=0)
        got = model.discounted_expected_purchases(self.h, 200.0, rate)
        np.testing.assert_allclose(got, fine, rtol=5e-5 + (0.01 * rate) ** 2 / 20)  # midpoints of steps

    def test_for_ever_needs_a_rate(self):
        with pytest.raises(DomainError, match="rate_per_day must be finite and at least 1e-12, got 0"):
            RegularBetaGeometric("BG", 1, 1, 1, 1).discounted_expected_purchases_ever(self.h, 0.0)


def test_rows_in_any_order_and_days_per_row_give_the_same_answers():
    rng = np.random.default_rng(0)
    T = rng.integers(1, 60, 500).astype(float)
    x = np.minimum(rng.poisson(2, 500), T)
    h = Histories.in_order(x, np.where(x > 0, T, 0), T)
    model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, 3)
    whole = model.expected_purchases(h, 90.0)
    order = rng.permutation(500)
    np.testing.assert_allclose(model.expected_purchases(h.take(order), 90.0), whole[order], rtol=1e-12)
    np.testing.assert_allclose(model.expected_purchases(h, np.full(500, 90.0)), whole, rtol=1e-12)
    one = [model.expected_purchases(h.take(np.array([i])), 90.0)[0] for i in range(0, 500, 50)]
    np.testing.assert_allclose(one, whole[::50], rtol=1e-12)  # nobody's answer depends on who else is asked about


def test_a_one_timer_is_not_sure_to_be_alive_under_mbg():
    h = Histories.in_order([0], [0], [300])
    assert RegularBetaGeometric("BG", 0.7, 30.0, 0.8, 2.4).p_alive(h)[0] == 1.0
    assert RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4).p_alive(h)[0] < 0.5


@pytest.mark.parametrize("k", [1, 3, 9])
def test_rows_of_many_x_worked_on_together_are_those_of_each_alone(k):
    """Short runs of one x share their blocks: numbers are those of a call per row, to the rounding of a sum."""
    model = RegularBetaGeometric("MBG", r=0.9, alpha=40.0, a=0.7, b=9.0, k=k)
    x = np.repeat(np.arange(60.0), 2)
    h = Histories.in_order(x, np.where(x > 0, 30.0 + 10.0 * x, 0.0), np.tile([700.0, 950.0], 60))
    each = [h.take(slice(i, i + 1)) for i in range(len(h))]
    together = model.expected_purchases(h, 365.0)
    np.testing.assert_allclose(together, [model.expected_purchases(row, 365.0)[0] for row in each], rtol=1e-13)
    counts = model.purchase_count_probabilities(h, 365.0, 40)
    alone = [model.purchase_count_probabilities(row, 365.0, 40)[0] for row in each]
    np.testing.assert_allclose(counts, alone, rtol=1e-12, atol=1e-15)
    n = np.arange(200.0)
    mean = model.purchase_count_probabilities(h, 365.0, 199) @ n
    np.testing.assert_allclose(mean, together, rtol=1e-9)  # another sum, over counts up to 199


def test_rows_of_many_x_are_summed_in_few_calls(monkeypatch):
    """A call per x took half a minute for the customer values of 2,000 customers."""
    calls = []
    kept = forecast._short_sum
    monkeypatch.setattr(forecast, "_short_sum", lambda *given: calls.append(1) or kept(*given))
    x = np.arange(200.0)
    h = Histories.in_order(x, np.where(x > 0, 900.0, 0.0), np.full(200, 950.0))
    RegularBetaGeometric("MBG", r=0.9, alpha=40.0, a=0.7, b=9.0, k=2).expected_purchases(h, 365.0)
    assert len(calls) <= 15  # groups of a length within 1.5 of each other


@pytest.mark.parametrize("seed", range(12))
def test_many_rows_of_one_x_are_read_off_a_polynomial_as_each_alone(seed):
    """Up to twenty years, parameters over decades; interpolation leaves out 1e-12 of the logarithm."""
    rng = np.random.default_rng(seed)
    model, _, days = random_case(rng, k=int(rng.choice([1, 2, 4, 9, 12])))
    T = np.unique(np.ceil(10.0 ** rng.uniform(0, np.log10(TWENTY_YEARS), 2_000)))
    x = np.minimum(float(rng.choice([0, 1, 3, 10, 40])), T)
    h = Histories.in_order(x, np.where(x > 0, np.ceil((T + x) / 2.0), 0.0), T)
    days, rate = float(rng.choice([7.0, 90.0, 365.0, days])), np.log(1.1) / 365.0
    together = model.expected_purchases(h, days), model.discounted_expected_purchases(h, days, rate)
    some = np.linspace(0, len(h) - 1, 15).astype(int)
    for i in some:
        row = h.take(slice(i, i + 1))
        alone = model.expected_purchases(row, days), model.discounted_expected_purchases(row, days, rate)
        np.testing.assert_allclose([own[i] for own in together], np.ravel(alone), rtol=1e-10, atol=1e-250)


def test_a_thousand_days_of_one_x_are_worked_out_at_forty(monkeypatch):
    asked = []
    kept = forecast.expected_by_phase
    monkeypatch.setattr(
        forecast, "expected_by_phase", lambda some, *a, **b: asked.append(len(some.x)) or kept(some, *a, **b)
    )
    T = np.arange(100.0, 1100.0)
    h = Histories.in_order(np.full(1000, 3.0), T / 2.0, T)
    RegularBetaGeometric("MBG", r=0.9, alpha=40.0, a=0.7, b=9.0, k=2).expected_purchases(h, 365.0)
    assert asked == [40]

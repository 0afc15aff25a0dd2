"""When does a customer come back: quantiles of the mixture against other root finders, closed forms and themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import gamma

from crmkit.errors import DomainError
from crmkit.models import waiting_time
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture
from crmkit.models.regularity_mixture.next_purchase import (
    Returns,
    quantiles,
    return_times,
)

MIXTURE = RegularityMixture("MBG", 0.8, 60.0, 0.5, 2.5, (1, 2, 4, 9), (0.4, 0.3, 0.2, 0.1))
LEVELS = (0.001, 0.1, 0.5, 0.9, 0.999)


def return_quantiles(mixture, h, levels, within=None):
    return quantiles(Returns.of(mixture, h), levels, within=within)


def silence_rank(mixture, h):
    return Returns.at_last_purchase(mixture, h).returned(h.T - h.t_x)


def some_histories(n=300):
    rng = np.random.default_rng(1)
    return MIXTURE.simulate(rng.uniform(0, 700, n), rng)


def p_return(mixture, h, days):
    """P(return | alive) from the components' own answers: another formula, in logs."""
    share = mixture.regularity_probabilities(h).T
    alive = [s * c.p_alive(h) for s, c in zip(share, mixture.components(), strict=True)]
    back = [w * c.p_return(h, days) for w, c in zip(alive, mixture.components(), strict=True)]
    return np.sum(back, axis=0) / np.sum(alive, axis=0)


@st.composite
def histories(draw):
    T = float(draw(st.integers(0, 7305)))
    x = float(draw(st.integers(0, int(min(T, 600)))))
    t_x = 0.0 if x == 0 else float(draw(st.integers(int(x), int(T))))
    most, least = (x * np.log(t_x / x), np.log(t_x - x + 1)) if x else (0.0, 0.0)
    return Histories.in_order([x], [t_x], [T], [least + draw(st.floats(0, 1)) * (most - least) if x else 0.0])


@st.composite
def mixtures(draw):
    r, alpha = 10.0 ** draw(st.floats(-2, 1.5)), 10.0 ** draw(st.floats(-9, 5))
    a, b = (10.0 ** draw(st.floats(-3, 3)) for _ in range(2))
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    return RegularityMixture(draw(st.sampled_from(["BG", "MBG"])), r, alpha, a, b, (1, 9), (share, 1.0 - share))


# ----------------------------------------------------------------------------------- against other ways


@pytest.mark.parametrize("level", LEVELS)
def test_quantiles_against_another_root_finder(level):
    h = some_histories()
    scale = (h.T + MIXTURE.alpha) / (MIXTURE.r + h.x)
    other = waiting_time.quantile(lambda days: p_return(MIXTURE, h, days), np.full(len(h), level), scale)
    # The last Newton step is below 1e-5 in log time, what is left is its square; at .001 the other way's 1 - S has
    # lost three digits of sixteen, and hazards of k = 9 rise so steeply that nothing is lost in time.
    np.testing.assert_allclose(return_quantiles(MIXTURE, h, (level,))[:, 0], other, rtol=1e-7)
    np.testing.assert_allclose(MIXTURE.next_purchase_quantile(h, level), other, rtol=1e-7)


@pytest.mark.parametrize("within", [3.0, 60.0, 3650.0])
def test_within_some_days_the_levels_are_shares_of_those_who_come_in_time(within):
    h = some_histories()
    most = p_return(MIXTURE, h, np.full(len(h), within))
    found = return_quantiles(MIXTURE, h, LEVELS, within=np.full(len(h), within))
    assert (found <= within * (1 + 1e-12)).all()  # the exponential of a logarithm
    for level, days in zip(LEVELS, found.T, strict=True):
        # 3 days after an order k = 9 has 1 - S near 1e-9 there: the other way has seven digits of it left.
        reached = p_return(MIXTURE, h, days)
        np.testing.assert_allclose(reached, level * most, rtol=1e-6, atol=1e-14)


def test_any_purchase_quantiles_invert_the_probability_and_end_at_p_alive():
    h = some_histories()
    alive = MIXTURE.p_alive(h)
    for level in (0.05, 0.4, 0.8):
        due = MIXTURE.any_purchase_quantile(h, level)
        assert (np.isinf(due) == (alive <= level)).all()
        sure = np.isfinite(due)
        np.testing.assert_allclose(MIXTURE.p_any_purchase(h.take(sure), due[sure]), level, rtol=1e-9)


def test_with_covariates():
    rng, z = np.random.default_rng(4), np.array([[0.0], [1.0], [-2.0]] * 20)
    mixture = RegularityMixture("MBG", 0.8, 60.0, 0.5, 2.5, (1, 3), (0.5, 0.5), (0.7,), (-0.5,))
    h = mixture.simulate(rng.uniform(20, 400, 60), rng, z)
    reached = mixture.p_any_purchase(h, mixture.next_purchase_quantile(h, 0.3)) / mixture.p_alive(h)
    np.testing.assert_allclose(reached, 0.3, rtol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_all_weight_on_no_regularity_is_the_closed_form(level):
    h = some_histories()
    one = RegularityMixture("BG", 0.8, 60.0, 0.5, 2.5, (1, 3), (1.0, 0.0))
    closed = (60.0 + h.T) * np.expm1(-np.log1p(-level) / (0.8 + h.x))  # Pareto of the second kind
    np.testing.assert_allclose(return_quantiles(one, h, (level,))[:, 0], closed, rtol=1e-9)
    within = 100.0
    most = -np.expm1(-(0.8 + h.x) * np.log1p(within / (60.0 + h.T)))
    closed = (60.0 + h.T) * np.expm1(-np.log1p(-level * most) / (0.8 + h.x))
    found = return_quantiles(one, h, (level,), within=np.full(len(h), within))[:, 0]
    np.testing.assert_allclose(found, closed, rtol=1e-9)


def test_the_density_is_the_slope_of_the_curve():
    h = some_histories(60)
    returns = Returns.of(MIXTURE, h)
    for days in (0.5, 20.0, 400.0):
        t, step = np.full(len(h), days), 1e-5 * days
        slope = (returns.silent(t - step) - returns.silent(t + step)) / (2 * step)
        # Central differences: 1e-10 of the third derivative, and 1e-16 over a step of 5e-6 or more.
        np.testing.assert_allclose(returns.curve(t)[1], slope, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(
        returns.silent(np.full(60, 30.0)), 1 - p_return(MIXTURE, h, np.full(60, 30.0)), rtol=1e-12
    )


def test_few_who_come_soon_are_counted_to_many_digits():
    """A clockwork customer, the day after an order: 1 - S is 1e-12 and less, where 1 - S itself knows no digit."""
    clockwork = RegularityMixture("BG", 50.0, 50.0 * 90.0, 0.5, 2.5, (9,), (1.0,))
    h = Histories.in_order([20], [1800], [1800], [20 * np.log(90.0)])
    s, end = 50.0 + 9 * 20, 50.0 * 90.0 / 9 + 1800

    def exactly(days):  # Erlang-9 over a Gamma(s, end) rate
        density = lambda rate: gamma.pdf(rate, s, scale=1 / end) * gamma.cdf(days, 9, scale=1 / rate)  # noqa: E731
        return quad(density, 0.02, 0.4, epsabs=0, epsrel=1e-10)[0]

    returns = Returns.of(clockwork, h)
    for days in (0.5, 2.0, 5.0):
        assert exactly(days) < 1e-5
        assert returns.returned(np.array([days]))[0] == pytest.approx(exactly(days), rel=1e-8)  # of the integral
    found = quantiles(returns, (0.1, 0.5), within=np.array([2.0]))[0]
    expected = [brentq(lambda d, p=p: exactly(d) / exactly(2.0) - p, 0.1, 2.0, rtol=1e-10) for p in (0.1, 0.5)]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert found[0] > 1.5, "the chance rises with the ninth power: nearly all of it lies at the end"


# ----------------------------------------------------------------------------------- silence


def test_silence_rank_is_the_probability_of_a_gap_no_longer():
    h = some_histories()
    at_last = Histories.in_order(h.x, h.t_x, h.t_x, h.sum_log_gap)
    silence = h.T - h.t_x
    expected = MIXTURE.p_any_purchase(at_last, silence) / MIXTURE.p_alive(at_last)
    np.testing.assert_allclose(silence_rank(MIXTURE, h), expected, rtol=1e-9, atol=1e-15)
    now = Histories.in_order([0, 3], [0, 50], [0, 50], [0, 3 * np.log(50 / 3)])
    assert silence_rank(MIXTURE, now).tolist() == [0.0, 0.0]


def test_silence_ranks_of_new_gaps_are_uniform():
    """The next gap of a customer who stays, ranked by what was known at the last order, is uniform on [0, 1]."""
    rng, n = np.random.default_rng(6), 40_000
    k = rng.choice(MIXTURE.regularities, n, p=MIXTURE.shares)
    rate = rng.gamma(MIXTURE.r, 1 / MIXTURE.alpha, n)
    gaps = rng.gamma(k[:, None], 1.0, (n, 5)) / (rate * k)[:, None]
    t_x = gaps[:, :4].sum(axis=1)
    h = Histories.in_order(np.full(n, 4.0), t_x, gaps.sum(axis=1), np.log(gaps[:, :4]).sum(axis=1))
    rank = silence_rank(MIXTURE, h)
    # 4 standard errors of a share of 40,000; nobody left, and dropout says nothing of the rate or k.
    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert (rank <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / n))


# ----------------------------------------------------------------------------------- whatever the history


@settings(max_examples=150)
@given(mixtures(), histories(), st.sampled_from([None, 1.0, 30.0, 730.0, 36525.0]))
def test_any_history_gives_finite_times_that_rise_with_the_level(mixture, h, within):
    limit = None if within is None else np.array([within])
    days = return_quantiles(mixture, h, LEVELS, within=limit)[0]
    assert np.isfinite(days).all()
    assert (days > 0).all()
    assert (np.diff(days) >= -1e-9 * days[1:]).all()
    assert within is None or days[-1] <= within * (1 + 1e-12)
    returns = Returns.of(mixture, h)
    for days in (1e-3, 1.0, 1e4):
        silent, back, density = returns.precise_curve(np.array([days]))
        assert 0 <= silent[0] <= 1
        # Sums of nine phases with logarithms of size 5,000: four digits of sixteen are lost.
        assert silent[0] + back[0] == pytest.approx(1.0, abs=1e-9)
        assert np.isfinite(density[0])
        assert density[0] >= 0
    assert 0 <= silence_rank(mixture, h)[0] <= 1 + 1e-9


@settings(max_examples=100)
@given(mixtures(), histories(), st.integers(1, 3000), st.sampled_from([None, 30.0, 730.0]))
def test_more_silence_never_brings_the_return_forward(mixture, h, longer, within):
    later = Histories.in_order(h.x, h.t_x, h.T + longer, h.sum_log_gap)
    limit = None if within is None else np.array([within])
    now = h.T[:, None] + return_quantiles(mixture, h, (0.1, 0.5, 0.9), within=limit)
    then = later.T[:, None] + return_quantiles(mixture, later, (0.1, 0.5, 0.9), within=limit)
    assert (then >= now * (1 - 1e-7)).all()  # twice the solver's precision


@pytest.mark.parametrize("family", ["BG", "MBG"])
def test_the_edges_of_the_domain(family):
    year = 365.0
    h = Histories.in_order(
        [0, 0, 1, 600, 600, 600],
        [0, 0, 1, 600, 20 * year, 601],
        [0, 20 * year, 1, 600, 20 * year, 20 * year],
        [0, 0, 0, 0, 600 * np.log(20 * year / 600), 0.5],
    )
    for r, alpha in ((30.0, 1e-9), (1e-3, 1e-9), (30.0, 1e6), (0.5, 30.0)):
        mixture = RegularityMixture(family, r, alpha, 0.5, 2.5, (1, 9), (0.5, 0.5))
        for within in (None, np.full(6, 730.0)):
            days = return_quantiles(mixture, h, LEVELS, within=within)
            assert np.isfinite(days).all()
            assert (np.diff(days, axis=1) >= 0).all()
            assert (days > 0).all()
        assert np.isfinite(return_times(Returns.of(mixture, h), np.full(6, 0.5))).all()


def test_times_beyond_every_calendar_are_one_time():
    """At r = .01 nine of ten come back after more than e^100 days, however long they were silent."""
    mixture = RegularityMixture("BG", 0.01, 1.0, 1.0, 1.0, (1, 9), (0.0, 1.0))
    h = Histories.in_order(np.zeros(5), np.zeros(5), [0, 1, 2, 10, 3000], np.zeros(5))
    assert (Returns.of(mixture, h).returned(np.full(5, np.exp(100.0))) < 0.9).all()
    assert np.unique(return_quantiles(mixture, h, (0.9, 0.95))).tolist() == [np.exp(100.0)]


def test_who_is_alive_in_spite_of_everything_still_has_a_regularity():
    # 600 orders, one each day, then 18 years of silence: P(alive) is below the least double for every k.
    h = Histories.in_order([600], [601], [7305], [0.5])
    mixture = RegularityMixture("BG", 30.0, 30.0, 0.5, 2.5, (1, 9), (0.5, 0.5))
    assert mixture.p_alive(h)[0] == 0.0
    # Alive without an order for so long is far likelier at random than by clockwork: all weight is on k = 1.
    closed = (30.0 + 7305.0) * np.expm1(np.log(2.0) / 630.0)
    np.testing.assert_allclose(mixture.next_purchase_quantile(h, 0.5), closed, rtol=1e-9)
    assert mixture.any_purchase_quantile(h, 0.5)[0] == np.inf


def test_log_p_alive():
    h = some_histories()
    for k in (1, 4):
        process = RegularBetaGeometric("BG", 0.8, 60.0, 0.5, 2.5, k)
        np.testing.assert_allclose(np.exp(process.log_p_alive(h)), process.p_alive(h), rtol=1e-12)


# ----------------------------------------------------------------------------------- refused


def test_errors():
    h = some_histories(3)
    with pytest.raises(DomainError) as error:
        return_quantiles(MIXTURE, h, (0.1, 1.0))
    assert str(error.value) == "levels must lie between 0 and 1, got (0.1, 1.0)."
    with pytest.raises(DomainError) as error:
        return_quantiles(MIXTURE, h, (0.1,), within=np.array([1.0, 0.0, 5.0]))
    assert str(error.value) == "within must be above 0 (days), got 0.0."

"""Forecasts of Pareto/NBD and NBD: against lifetimes, quadrature of the definition, simulation, and invariants."""

import warnings

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from crmkit.models.histories import Histories
from crmkit.models.nbd import NBD
from crmkit.models.pareto_nbd import ParetoNBD, likelihood

CDNOW = ParetoNBD(r=0.553, alpha=74.0, s=0.606, beta=81.7)


def random_customers(n, rng, most=50, shortest=1.0, longest=400.0):
    T = rng.uniform(shortest, longest, n)
    x = np.floor(10 ** rng.uniform(0, np.log10(most), n)) * (rng.random(n) > 0.2)
    return Histories.in_order(x, np.where(x > 0, T * rng.uniform(0.01, 1.0, n), 0.0), T)


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes warns on current pandas
        lifetimes = pytest.importorskip("lifetimes")
        import pandas as pd

        def fitter(r, alpha, s, beta):
            made = lifetimes.ParetoNBDFitter()
            made.params_ = pd.Series({"r": r, "alpha": alpha, "s": s, "beta": beta})
            return made

        yield fitter


def test_agrees_with_lifetimes_on_its_own_ground(peer):
    """Moderate parameters, x to 50: there its 2F1 holds 1e-8 (its P(alive) and counts difference two of them)."""
    rng = np.random.default_rng(31)
    for _ in range(12):
        parameters = tuple(10 ** rng.uniform((-0.6, 0.8, -0.6, 0.8), (0.6, 2.2, 0.6, 2.2)))
        ours, theirs, h = ParetoNBD(*parameters), peer(*parameters), random_customers(25, rng)
        log_likelihood = theirs._conditional_log_likelihood(parameters, h.x, h.t_x, h.T)
        np.testing.assert_allclose(ours.log_likelihood(h), log_likelihood, rtol=1e-8, atol=1e-8)
        alive = theirs.conditional_probability_alive(h.x, h.t_x, h.T)
        np.testing.assert_allclose(ours.p_alive(h), alive, rtol=1e-6, atol=1e-9)
        future = theirs.conditional_expected_number_of_purchases_up_to_time(60.0, h.x, h.t_x, h.T)
        np.testing.assert_allclose(ours.expected_purchases(h, 60.0), future, rtol=1e-6, atol=1e-9)
        counts = ours.purchase_count_probabilities(h, 60.0, 2)
        for n in range(3):
            pmf = theirs.conditional_probability_of_n_purchases_up_to_time(n, 60.0, h.x, h.t_x, h.T)
            np.testing.assert_allclose(counts[:, n], pmf, rtol=1e-5, atol=1e-7)


def test_likelihood_is_its_definition():
    """Integrate the likelihood of a known lambda and mu over both gamma densities, by mpmath."""
    r, alpha, s, beta = 0.9, 30.0, 1.7, 60.0
    for x, t_x, T in ((0, 0.0, 50.0), (3, 20.0, 50.0), (3, 50.0, 50.0)):

        def of_y(y, x=x):
            """Density of leaving at y, with the purchases before."""
            rate = mp.gamma(r + x) / mp.gamma(r) * mp.mpf(alpha) ** r / (alpha + y) ** (r + x)
            return rate * s * mp.mpf(beta) ** s / (beta + y) ** (s + 1)

        stays = mp.gamma(r + x) / mp.gamma(r) * mp.mpf(alpha) ** r / (alpha + T) ** (r + x) * (beta / (beta + T)) ** s
        left = mp.quad(of_y, [t_x, T]) if t_x < T else mp.mpf(0)
        customer = Histories.in_order([x], [t_x], [T])
        process = ParetoNBD(r, alpha, s, beta)
        assert process.log_likelihood(customer)[0] == pytest.approx(float(mp.log(stays + left)), rel=1e-12)
        assert process.p_alive(customer)[0] == pytest.approx(float(stays / (stays + left)), rel=1e-12)


def test_slopes_against_differences():
    rng = np.random.default_rng(32)
    for spread in (0.5, 2.0):
        for _ in range(10):
            theta = np.log((0.6, 70.0, 0.6, 80.0)) + rng.normal(0, spread, 4)
            h = random_customers(40, rng, most=300)
            weighted = Histories.in_order(h.x, h.t_x, h.T, count=rng.integers(1, 9, 40))
            pairs = likelihood.Pairs.of(weighted)

            def value(log_theta, pairs=pairs):
                r, alpha, s, beta = np.exp(log_theta)
                return likelihood.slopes(pairs, r=r, alpha=alpha, s=s, beta=beta)

            found = np.array(value(theta)[1:]) * np.exp(theta)
            steps = 1e-4 * np.eye(4)
            differences = [
                (
                    8 * (value(theta + h).log_likelihood - value(theta - h).log_likelihood)
                    - value(theta + 2 * h).log_likelihood
                    + value(theta - 2 * h).log_likelihood
                )
                / (12 * 1e-4)
                for h in steps
            ]
            # Fourth order at h = 1e-4: the rounding of log-likelihoods of size 1e5, 1e-11 / 1e-4.
            np.testing.assert_allclose(found, differences, rtol=1e-7, atol=3e-6)
            rows = CDNOW.with_parameters(np.exp(theta)).log_likelihood(weighted)
            assert (weighted.count * rows).sum() == pytest.approx(value(theta).log_likelihood, rel=1e-13)


@pytest.mark.parametrize("process", [CDNOW, ParetoNBD(2.0, 20.0, 1.0, 50.0), NBD(0.8, 30.0)])
def test_simulated_futures(process):
    """Many futures of four customers: counts, any purchase, mean, each within four standard errors."""
    h = Histories.in_order([0, 1, 6, 40], [0, 30, 250, 180], [270, 200, 270, 270])
    rng, n, days = np.random.default_rng(33), 100_000, 120.0
    rows = np.repeat(np.arange(4), n)
    drawn = process.simulate_future(h.take(rows), days, rng).reshape(4, n)
    table = process.purchase_count_probabilities(h, days, 8)
    for k in range(9):
        share = (drawn == k).mean(axis=1)
        error = np.sqrt(table[:, k] * (1 - table[:, k]) / n)
        assert (np.abs(share - table[:, k]) <= 4 * error + 1e-12).all()
    np.testing.assert_allclose((drawn > 0).mean(axis=1), process.p_any_purchase(h, days), atol=4 * 0.5 / np.sqrt(n))
    error = drawn.std(axis=1) / np.sqrt(n)
    assert (np.abs(drawn.mean(axis=1) - process.expected_purchases(h, days)) < 4 * error + 1e-12).all()


def test_simulated_histories_are_their_own_future():
    """New customers: a first half observed, its second half against the forecasts; the next purchase's quantiles."""
    rng, n, half = np.random.default_rng(34), 100_000, 150.0
    rate, leaving = rng.gamma(CDNOW.r, 1 / CDNOW.alpha, n), rng.gamma(CDNOW.s, 1 / CDNOW.beta, n)
    lifetime, x, t_x = rng.exponential(1 / np.maximum(leaving, 1e-300)), np.zeros(n), np.zeros(n)
    next_purchase, clock, running = np.full(n, np.inf), np.zeros(n), np.arange(n)
    while len(running):
        clock[running] += rng.exponential(1 / np.maximum(rate[running], 1e-300))
        running = running[clock[running] < lifetime[running]]
        seen = running[clock[running] <= half]
        x[seen] += 1
        t_x[seen] = clock[seen]
        later = running[clock[running] > half]
        next_purchase[later] = clock[later] - half
        running = seen
    h = Histories.in_order(x, t_x, np.full(n, half))
    for days in (7.0, 60.0, 400.0):
        chance = CDNOW.p_any_purchase(h, days)
        error = np.sqrt((chance * (1 - chance)).sum())
        assert abs((next_purchase <= days).sum() - chance.sum()) < 4 * error
    for level in (0.2, 0.5):
        sure = CDNOW.p_alive(h) > 0.7
        due = CDNOW.any_purchase_quantile(h, level)
        reached = np.isfinite(due) & sure
        assert reached.sum() > 2500
        assert (next_purchase <= due)[reached].mean() == pytest.approx(level, abs=4 * 0.5 / np.sqrt(reached.sum()))
    simulated = CDNOW.simulate(np.full(n, half), rng)
    for count in range(4):
        share, error = (x == count).mean(), np.sqrt(2 * 0.25 / n)
        assert (simulated.x == count).mean() == pytest.approx(share, abs=4 * error)
    assert simulated.t_x.mean() == pytest.approx(t_x.mean(), abs=4 * t_x.std() * np.sqrt(2 / n))
    twice = simulated.x == 2
    gaps = np.exp(simulated.sum_log_gap[twice]) / simulated.t_x[twice] ** 2
    # The first of two gaps given their sum is uniform: E[u (1 - u)] = 1/6, standard deviation .0745.
    assert gaps.mean() == pytest.approx(1 / 6, abs=4 * 0.0745 / np.sqrt(twice.sum()))


@pytest.mark.parametrize(
    "process", [CDNOW, ParetoNBD(20.0, 400.0, 0.3, 5.0), ParetoNBD(0.4, 9.0, 30.0, 9000.0), NBD(0.4, 9.0)]
)
def test_counts_hang_together(process):
    h = random_customers(30, np.random.default_rng(35), most=60, shortest=100.0)
    days = 90.0
    table = process.purchase_count_probabilities(h, days, 400)
    # Sums of 401 rounded numbers; the tail beyond 400 purchases is below 1e-12 at 50 expected.
    np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-11)
    np.testing.assert_allclose(table @ np.arange(401.0), process.expected_purchases(h, days), rtol=1e-9)
    np.testing.assert_allclose(1 - table[:, 0], process.p_any_purchase(h, days), rtol=1e-9, atol=1e-12)


def test_nbd_is_negative_binomial():
    h = random_customers(30, np.random.default_rng(42), most=600)
    process, days = NBD(0.4, 30.0), 90.0
    stop = (30.0 + h.T) / (30.0 + h.T + days)
    table = process.purchase_count_probabilities(h, days, 5)
    for n in range(6):
        np.testing.assert_allclose(table[:, n], nbinom.pmf(n, 0.4 + h.x, stop), rtol=1e-9)  # scipy's own digits
    np.testing.assert_allclose(process.p_any_purchase(h, days), nbinom.sf(0, 0.4 + h.x, stop), rtol=1e-9)
    np.testing.assert_allclose(process.expected_purchases(h, days), nbinom.mean(0.4 + h.x, stop), rtol=1e-9)


def test_quantiles_invert_the_distribution():
    h = random_customers(40, np.random.default_rng(36), most=200)
    for process in (CDNOW, NBD(0.5, 40.0), ParetoNBD(3.0, 60.0, 0.2, 2.0)):
        for level in (0.01, 0.3, 0.6):
            due = process.any_purchase_quantile(h, level)
            ever = process.p_any_purchase(h, 1e15)
            assert (np.isfinite(due) == (ever > level)).all()
            some = np.flatnonzero(np.isfinite(due))
            np.testing.assert_allclose(process.p_any_purchase(h.take(some), due[some]), level, rtol=1e-10)
            alive = process.next_purchase_quantile(h, level)
            assert (alive <= due * (1 + 1e-12)).all()


def test_discounting():
    h = random_customers(20, np.random.default_rng(37))
    rate = 0.15 / 365
    for process in (CDNOW, NBD(0.5, 40.0), ParetoNBD(0.5, 40.0, 1.0, 90.0)):
        # Integrate the rate of purchases over time: differences of expected purchases, at Gauss-Legendre nodes.
        nodes, weights = np.polynomial.legendre.leggauss(60)
        u, step = 365.0 * (nodes + 1), 0.1
        slope = [(process.expected_purchases(h, v + step) - process.expected_purchases(h, v - step)) / 0.2 for v in u]
        brute = 365.0 * (weights * np.exp(-rate * u)) @ np.array(slope)
        got = process.discounted_expected_purchases(h, 730.0, rate)
        np.testing.assert_allclose(got, brute, rtol=1e-5)  # differences: third derivatives times .01/6; 60 nodes
        whole = process.discounted_expected_purchases(h, 730.0, 0.0)
        np.testing.assert_allclose(whole, process.expected_purchases(h, 730.0), rtol=1e-14)
        ever = process.discounted_expected_purchases_ever(h, rate)
        far = process.discounted_expected_purchases(h, 1e6, rate)
        np.testing.assert_allclose(ever, far, rtol=1e-9)  # e^-411 of the flow is left


def test_discounted_residual_transactions_as_printed_by_the_formula():
    """Fader, Hardie & Lee (2005), equation 2, with Tricomi's function in 40 digits."""
    r, alpha, s, beta, rate = CDNOW.r, CDNOW.alpha, CDNOW.s, CDNOW.beta, 0.14 / 365
    h = random_customers(10, np.random.default_rng(38))
    got = CDNOW.discounted_expected_purchases_ever(h, rate)
    for i in range(len(h)):
        x, T = h.x[i], h.T[i]
        top = mp.mpf(alpha) ** r * mp.mpf(beta) ** s * mp.mpf(rate) ** (s - 1) * mp.gamma(r + x + 1)
        top *= mp.hyperu(s, s, rate * (beta + T))
        bottom = mp.gamma(r) * (alpha + T) ** (r + x + 1) * mp.exp(CDNOW.log_likelihood(h)[i])
        assert got[i] == pytest.approx(float(top / bottom), rel=1e-11)


def test_limits_against_neighbours():
    h = random_customers(20, np.random.default_rng(39), most=600, longest=7300.0)
    edge = Histories.in_order([0, 0, 3, 600], [0, 0, 40, 7300], [0, 7300, 40, 7300])
    for histories in (h, edge):
        for at, near in (
            (ParetoNBD(0.6, 70.0, 1.0, 80.0), ParetoNBD(0.6, 70.0, 1.0 + 1e-8, 80.0)),
            (ParetoNBD(0.6, 80.0, 0.7, 80.0), ParetoNBD(0.6, 80.0, 0.7, 80.0 * (1 + 1e-8))),
            (ParetoNBD(0.6, 80.0, 0.7, 80.0), ParetoNBD(0.6, 80.0, 0.7, 80.0 * (1 - 1e-8))),
        ):
            np.testing.assert_allclose(at.log_likelihood(histories), near.log_likelihood(histories), atol=1e-5)
            np.testing.assert_allclose(at.p_alive(histories), near.p_alive(histories), atol=1e-5)
            # A step of 1e-8 times slopes of up to x = 600.
            one, two = (p.expected_purchases(histories, 300) for p in (at, near))
            np.testing.assert_allclose(one, two, rtol=1e-5)
    late = edge.take(np.array([2, 3]))
    np.testing.assert_array_equal(CDNOW.p_alive(late), 1.0)  # bought on the last day
    never = ParetoNBD(0.6, 70.0, 1.0, 1e14)
    # Who bought every day and then was silent for years has left even so: the others are alike.
    there = h.take(np.flatnonzero(never.p_alive(h) > 1 - 1e-9))
    assert len(there) > 8
    stays = NBD(0.6, 70.0).expected_purchases(there, 100)
    np.testing.assert_allclose(never.expected_purchases(there, 100), stays, rtol=1e-8)
    np.testing.assert_allclose(never.log_likelihood(there), NBD(0.6, 70.0).log_likelihood(there), atol=1e-8)


def test_one_rate_of_leaving_is_the_stable_limit():
    h = random_customers(20, np.random.default_rng(40))
    # Exponential lifetimes of 300 days: the difference from s = 1e6 is of order (T/300)^2 / s.
    one, more = ParetoNBD(0.6, 70.0, 1e6, 3e8), ParetoNBD(0.6, 70.0, 1e9, 3e11)
    np.testing.assert_allclose(one.log_likelihood(h), more.log_likelihood(h), atol=1e-5)
    np.testing.assert_allclose(one.expected_purchases(h, 90), more.expected_purchases(h, 90), rtol=1e-5)


def test_where_both_python_packages_fail():
    """Frequencies of 190 and more: scipy's 2F1 is inf or NaN there."""
    h = Histories.in_order([190, 250, 600], [600, 1000, 7290], [700, 1000, 7300])
    for answer in (CDNOW.log_likelihood(h), CDNOW.p_alive(h), CDNOW.expected_purchases(h, 365)):
        assert np.isfinite(answer).all()
    assert CDNOW.p_alive(h)[0] < 1e-6  # a hundred silent days after a purchase every third
    assert CDNOW.expected_purchases(h, 365)[1] == pytest.approx(250 / 1000 * 365, rel=0.2)


shape, scale = st.floats(1e-6, 1e6), st.floats(1e-4, 1e8)


@st.composite
def customers(draw):
    T = draw(st.floats(1e-3, 7300))
    x = draw(st.integers(0, 5000))
    return Histories.in_order([x], [T * draw(st.floats(1e-3, 1)) if x else 0.0], [T])


@settings(max_examples=100, deadline=None)
@given(customers(), shape, scale, shape, scale, st.just(0.0) | st.floats(1e-6, 1e6))
def test_finite_and_in_range_for_every_input(h, r, alpha, s, beta, days):
    for process in (ParetoNBD(r, alpha, s, beta), NBD(r, alpha)):
        alive, chance = process.p_alive(h), process.p_any_purchase(h, days)
        counts, expected = process.purchase_count_probabilities(h, days, 4), process.expected_purchases(h, days)
        discounted = process.discounted_expected_purchases(h, days, 1e-3)
        ever = process.discounted_expected_purchases_ever(h, 1e-3)
        for answer in (process.log_likelihood(h), expected, discounted, ever):
            assert np.isfinite(answer).all()
        for probability in (alive, chance, counts):
            assert ((probability >= 0) & (probability <= 1)).all()
        due = process.next_purchase_quantile(h, 0.5)
        assert (due >= 0).all()
        assert (chance <= alive).all()
        # Rounding of the integrals, 1e-9: an expectation is at least the chance of one, and at least what it is worth.
        assert (expected >= chance * (1 - 1e-9)).all()
        assert (expected >= discounted * (1 - 1e-9)).all()
        assert counts[:, 0] == pytest.approx(1 - chance, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(customers(), shape, scale, shape, scale, st.floats(0, 1e5), st.floats(1e-3, 1e3))
def test_monotone(h, r, alpha, s, beta, days, more):
    process = ParetoNBD(r, alpha, s, beta)
    # Never less purchases in a longer time; never more alive after a longer silence (rounding: 1e-9).
    assert process.expected_purchases(h, days + more) >= process.expected_purchases(h, days) * (1 - 1e-9)
    assert process.p_any_purchase(h, days + more) >= process.p_any_purchase(h, days) * (1 - 1e-9)
    silent = Histories.in_order(h.x, h.t_x, h.T + more)
    assert process.p_alive(silent) <= process.p_alive(h) * (1 + 1e-9)


def test_customers_with_one_history_get_one_answer():
    h = random_customers(6, np.random.default_rng(41))
    both = h.take(np.array([5, 0, 3, 0, 5, 5]))
    days = np.array([10.0, 20.0, 30.0, 20.0, 10.0, 11.0])
    chance = CDNOW.p_any_purchase(both, days)
    assert chance[0] == chance[4] < chance[5]
    assert chance[1] == chance[3]
    alone = CDNOW.p_any_purchase(h.take(np.array([3])), 30.0)
    assert chance[2] == pytest.approx(alone[0], rel=1e-14)  # sums over blocks of other shapes

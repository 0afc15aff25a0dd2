"""Mathematics of the funnel against loops, other packages and closed forms."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmkit.errors import DomainError, FitError
from crmkit.models.beta_binomial import BetaBinomial, fit_beta_binomial
from crmkit.models.cumulative_incidence import cumulative_incidence
from crmkit.models.kaplan_meier import kaplan_meier, median_of
from crmkit.models.sales_totals import Total, compound_poisson, sum_with_chances
from crmkit.models.step_chains import chain_depths
from crmkit.models.two_samples import ratio_of_counts

# ------------------------------------------------------------------------------------------- chains

events = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 6)), min_size=1, max_size=9)


@given(events, st.lists(st.integers(0, 2), min_size=1, max_size=4), st.integers(0, 6))
def test_chains_are_the_longest_that_any_choice_of_events_gives(log, chain, longest):
    key, step, time = (np.array(column, dtype=np.int64) for column in zip(*log, strict=True))
    start, depth = chain_depths(key, step, time, chain, longest)
    assert sorted(start) == np.flatnonzero(step == chain[0]).tolist()
    for row, found in zip(start.tolist(), depth.tolist(), strict=True):
        others = [i for i in range(len(log)) if i != row and key[i] == key[row] and 0 <= time[i] - time[row] <= longest]
        best = 1
        for many in range(1, len(chain)):
            ways = itertools.permutations(others, many)
            fits = (
                all(step[i] == one for i, one in zip(way, chain[1:], strict=False))
                and all(time[a] <= time[b] for a, b in itertools.pairwise((row, *way)))
                for way in ways
            )
            if any(fits):
                best = many + 1
        # Two events of the first step at one time are the same start: each may lead the chain.
        assert found == best


# ------------------------------------------------------------------------------------------- durations

late = st.lists(st.tuples(st.integers(-1, 6), st.integers(1, 5), st.booleans()), min_size=1, max_size=12)


@given(late)
def test_with_late_entries_the_curve_is_that_of_a_loop(table):
    entry = np.array([age for age, _, _ in table])
    time = np.array([age + more for age, more, _ in table])
    ended = np.array([over for _, _, over in table])
    curve = kaplan_meier(time, ended, entry=entry)
    share = 1.0
    for i, moment in enumerate(curve.time):
        there = ((entry < moment) & (time >= moment)).sum()
        gone = ((time == moment) & ended).sum()
        share *= 1.0 - gone / there
        assert (curve.at_risk[i], curve.ended[i]) == (there, gone)
        assert curve.survival[i] == pytest.approx(share, abs=1e-12)


def test_entries_before_all_times_change_nothing():
    time, ended = [3, 5, 5, 8], [True, True, False, True]
    plain, entered = kaplan_meier(time, ended), kaplan_meier(time, ended, entry=[-1] * 4)
    np.testing.assert_array_equal(plain.survival, entered.survival)
    np.testing.assert_array_equal(plain.low, entered.low)
    with pytest.raises(DomainError, match="entry must be as long as time and lie below it"):
        kaplan_meier(time, ended, entry=[3, 0, 0, 0])


def test_the_median_of_the_remissions_under_6_mp():
    """Freireich et al. (1963): 23 weeks, from 13 on, no upper end; printed by SAS PROC LIFETEST and R survfit."""
    weeks = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = median_of(kaplan_meier(weeks, [1] * 9 + [0] * 12))
    assert (found.value, found.low, found.high) == (23.0, 13.0, None)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=15))
def test_incidence_is_that_of_a_loop_and_of_the_plain_share_if_nobody_is_censored(table):
    age, kind = (np.array(column, dtype=np.int64) for column in zip(*table, strict=True))
    found = cumulative_incidence(age, kind, longest=5)
    left, sum_ = 1.0, 0.0
    for moment in range(6):
        there = (age >= moment).sum()
        if there:
            sum_ += left * ((age == moment) & (kind == 1)).sum() / there
            left *= 1.0 - ((age == moment) & (kind > 0)).sum() / there
        assert found[moment] == pytest.approx(sum_, abs=1e-12)
    if (kind > 0).all():
        assert found[5] == pytest.approx(((age <= 5) & (kind == 1)).mean(), abs=1e-12)


# ------------------------------------------------------------------------------------------- counts and rates


@pytest.mark.parametrize(("before", "after"), [(4, 6), (80, 120), (3, 0), (1, 1), (0, 5)])
def test_a_ratio_of_counts_has_the_ends_of_scipys_exact_binomial_interval(before, after):
    found = ratio_of_counts(before, after, level=0.9)
    ends = stats.binomtest(after, before + after).proportion_ci(0.9, method="exact")
    assert found.low == pytest.approx(ends.low / (1.0 - ends.low))
    assert found.high == (None if before == 0 else pytest.approx(ends.high / (1.0 - ends.high)))
    assert found.value == (None if before == 0 else after / before)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(DomainError, match="not both 0, got 0 and 0"):
        ratio_of_counts(0, 0)


def test_the_beta_binomial_is_as_likely_as_scipys_best_and_finds_the_truth():
    rng = np.random.default_rng(5)
    n = rng.integers(20, 200, 400)
    x = rng.binomial(n, rng.beta(6.0, 14.0, 400)).astype(float)
    fit = fit_beta_binomial(x, n.astype(float))
    # Likelihood theory: with 400 groups the log of the trials has a standard error of about .1.
    assert fit.mean == pytest.approx(0.3, abs=0.015)
    assert fit.trials == pytest.approx(20.0, rel=0.3)

    def loss(trials):
        return -stats.betabinom.logpmf(x, n, fit.mean * trials, (1 - fit.mean) * trials).sum()

    assert loss(fit.trials) <= min(loss(fit.trials * step) for step in (0.98, 1.02))


def test_equal_groups_do_not_differ_and_two_of_two_is_not_best():
    even = fit_beta_binomial(np.array([30.0, 31.0, 29.0]), np.array([100.0, 100.0, 100.0]))
    assert even.trials == 10_000.0
    spread = BetaBinomial(0.3, 10.0)
    expected = spread.expected(np.array([2.0, 60.0]), np.array([2.0, 100.0]))
    np.testing.assert_allclose(expected, [5.0 / 12.0, 63.0 / 110.0])
    low, high = spread.interval(np.array([2.0]), np.array([2.0]))
    np.testing.assert_allclose([low[0], high[0]], stats.beta(5.0, 7.0).ppf([0.025, 0.975]))
    assert spread.chance_above(np.array([2.0]), np.array([2.0]), 0.3)[0] == pytest.approx(stats.beta(5.0, 7.0).sf(0.3))
    with pytest.raises(FitError, match="at least one trial"):
        fit_beta_binomial(np.zeros(2), np.zeros(2))


# ------------------------------------------------------------------------------------------- sums


def test_sums_with_chances_are_those_of_all_outcomes():
    p, amount = np.array([0.2, 0.7, 0.5]), np.array([10.0, 4.0, 7.0])
    found = sum_with_chances(p, amount, amount**2)
    outcomes = list(itertools.product((0, 1), repeat=3))
    weights = np.array([np.prod(np.where(way, p, 1 - p)) for way in outcomes])
    sums = np.array([np.dot(way, amount) for way in outcomes])
    assert found.mean == pytest.approx(weights @ sums)
    assert found.variance == pytest.approx(weights @ sums**2 - (weights @ sums) ** 2)


def test_a_compound_poisson_has_the_moments_and_the_ends_of_a_simulation():
    rng = np.random.default_rng(2)
    found = compound_poisson(12.0, 3.0, 12.0, arrivals=np.inf)  # amounts of mean 3 and variance 3: gamma of shape 3
    drawn = rng.gamma(3.0 * np.maximum(rng.poisson(12.0, 200_000), 1e-9), 1.0)
    assert found.mean == pytest.approx(drawn.mean(), rel=0.005)  # errors of 200,000 draws: .1 % and .4 %
    assert found.variance == pytest.approx(drawn.var(), rel=0.02)
    low, high = found.interval(level=0.8)
    # A gamma of the same two moments, not the same law: its ends are right to two per cent of the mean.
    np.testing.assert_allclose([low, high], np.quantile(drawn, [0.1, 0.9]), atol=0.02 * found.mean)


def test_doubt_about_the_rate_and_inflation_widen_and_nothing_is_nothing():
    sure, unsure = (compound_poisson(12.0, 3.0, 12.0, arrivals=n) for n in (1e12, 12.0))
    assert unsure.variance == pytest.approx(sure.variance + 36.0**2 / 12.0)
    wide = sure.interval(level=0.8, inflation=4.0)
    assert wide[0] < sure.interval(level=0.8)[0] < 36.0 < sure.interval(level=0.8)[1] < wide[1]
    assert Total(0.0, 0.0).interval(level=0.8) == (0.0, 0.0)
    assert Total(5.0, 0.0).interval(level=0.8) == (5.0, 5.0)
    both = Total(1.0, 2.0).plus(Total(3.0, 4.0))
    assert (both.mean, both.variance) == (4.0, 6.0)

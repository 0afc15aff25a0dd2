"""The projection and the remaining periods: published cohorts, joint errors, intervals in simulation."""

import numpy as np
import pytest

from crmkit.errors import DomainError
from crmkit.models.kaplan_meier import kaplan_meier
from crmkit.models.retention_projection import _Cells, project, remaining_periods
from crmkit.models.shifted_beta_geometric import ShiftedBetaGeometric, Tenures, fit_shifted_beta_geometric

# Fader & Hardie (2007), table 1: survivors of 1,000 customers over 12 years; the model is fitted to the first 7.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


@pytest.mark.parametrize("cohort", [REGULAR, HIGH_END])
def test_the_papers_years_to_come(cohort):
    tenures = Tenures.of_retained(cohort[:8])
    model = fit_shifted_beta_geometric(tenures)
    found = project(tenures, model, start=7, survival=cohort[7] / 1000, periods=np.arange(8.0, 13.0), level=0.8)
    # The projection of five years is off by a point and a half of the cohort at most.
    np.testing.assert_allclose(found.value, np.array(cohort[8:]) / 1000, atol=0.015)
    assert ((found.low < np.array(cohort[8:]) / 1000) & (np.array(cohort[8:]) / 1000 < found.high)).all()


def drawn(rng, n, alpha, beta, watched):
    """Customers of a shifted beta-geometric, watched for up to so many periods."""
    life, seen = rng.geometric(np.maximum(rng.beta(alpha, beta, n), 1e-12)), rng.integers(0, watched + 1, n)
    gone = life <= seen
    return np.where(gone, life, seen), gone


def test_what_customers_do_to_the_curve_adds_up_to_greenwood():
    periods, gone = drawn(np.random.default_rng(2), 300, 0.7, 2.0, 8)
    cells = _Cells.of(Tenures.of_customers(periods, gone))
    greenwood = kaplan_meier(periods, gone, at=[1, 4, 8]).log_variance
    np.testing.assert_allclose([cells.count @ cells.curve_moves(t) ** 2 for t in (1, 4, 8)], greenwood, rtol=1e-10)


@pytest.mark.parametrize(("n", "alpha", "beta", "watched"), [(1000, 0.7, 3.8, 10), (2000, 0.3, 5.0, 24)])
def test_intervals_hold_what_they_say(n, alpha, beta, watched):
    rng, truth, held = np.random.default_rng(3), ShiftedBetaGeometric(alpha, beta), []
    ahead, renewals = np.array([1.0, 6.0, 24.0]) + watched, np.array([0.0, 3.0, float(watched)])
    future = truth.discounted_expected_residual_lifetime(renewals, 0.01)
    for _ in range(300):
        periods, gone = drawn(rng, n, alpha, beta, watched)
        tenures = Tenures.of_customers(periods, gone)
        model = fit_shifted_beta_geometric(tenures)
        seen = float(kaplan_meier(periods, gone, at=[watched]).survival[0])
        curve = project(tenures, model, start=watched, survival=seen, periods=ahead, level=0.8)
        rest = remaining_periods(tenures, model, renewals=renewals, rate_per_period=0.01, horizon=None, level=0.8)
        share = truth.survival(ahead)
        held.append([*((curve.low <= share) & (share <= curve.high)), *((rest.low <= future) & (future <= rest.high))])
    found = np.mean(held, axis=0)
    # 300 runs: a standard error of .023 each; the six of a run go together.
    assert (np.abs(found - 0.8) < 0.07).all()
    assert abs(found.mean() - 0.8) < 0.045


def test_remaining_periods_are_sums_of_survival():
    tenures = Tenures.of_retained(HIGH_END)
    model = fit_shifted_beta_geometric(tenures)
    for horizon, rate in ((24, 0.0), (24, 0.05), (None, 0.05)):
        found = remaining_periods(
            tenures, model, renewals=np.array([0.0, 7.0]), rate_per_period=rate, horizon=horizon, level=0.8
        )
        t = np.arange(1.0, (horizon or 2000) + 1.0)  # 1.05^-2000 is 4e-43
        by_hand = [(model.survival(t, n) * (1.0 + rate) ** -(t - 1.0)).sum() for n in (0, 7)]
        np.testing.assert_allclose(found.value, by_hand, rtol=1e-9)
        assert ((found.low < found.value) & (found.value < found.high)).all()


def test_where_nobody_left_the_lower_end_is_that_of_a_constant_rate():
    tenures = Tenures.of_customers([4.0] * 30, [False] * 30)
    model = fit_shifted_beta_geometric(tenures)
    found = project(tenures, model, start=4, survival=1.0, periods=np.array([5.0, 10.0]), level=0.8)
    np.testing.assert_allclose(found.low, 0.1 ** (np.array([5.0, 10.0]) / 120.0))  # 120 periods without a loss
    assert found.high.tolist() == [1.0, 1.0]


def test_all_gone_stay_gone_and_a_corner_has_no_overflow():
    tenures = Tenures.of_customers([1.0] * 4 + [2.0], [True] * 5)
    model = fit_shifted_beta_geometric(tenures)
    assert project(tenures, model, start=2, survival=0.0, periods=np.array([3.0]), level=0.8).high.tolist() == [0.0]
    one = Tenures.of_customers([1.0] * 3 + [0.0], [True] * 3 + [False])
    found = project(
        one, fit_shifted_beta_geometric(one), start=0, survival=1.0, periods=np.array([1.0, 9.0]), level=0.8
    )
    assert np.isfinite([found.value, found.low, found.high]).all()


def test_a_horizon_of_none_is_refused():
    tenures = Tenures.of_retained(HIGH_END)
    with pytest.raises(DomainError, match="horizon must be at least 1, got 0"):
        remaining_periods(
            tenures,
            fit_shifted_beta_geometric(tenures),
            renewals=np.array([0.0]),
            rate_per_period=0.0,
            horizon=0,
            level=0.8,
        )

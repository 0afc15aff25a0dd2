"""Kaplan-Meier against a textbook's table, a loop over subjects, and its own edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution

from crmkit.errors import DomainError
from crmkit.models.kaplan_meier import kaplan_meier

# Freireich et al. (1963): weeks of remission of 21 leukaemia patients under 6-MP, 9 relapses. In Kalbfleisch & Prentice
# and in every textbook since; intervals as printed by SAS and R for the log-log scale.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [1] * 9 + [0] * 12


def test_the_remissions_under_6_mp():
    curve = kaplan_meier(WEEKS, RELAPSED)
    assert curve.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.ended.tolist() == [3, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(curve.survival, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=6e-4)  # printed
    np.testing.assert_allclose(curve.low, [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188], atol=6e-4)
    np.testing.assert_allclose(curve.high, [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680], atol=6e-4)


rows = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=1, max_size=15)


@given(rows)
def test_the_curve_is_that_of_a_loop_over_subjects(table):
    time, ended, count = (np.array(column) for column in zip(*table, strict=True))
    at = np.arange(0, 10)
    curve = kaplan_meier(time, ended, count, at=at)
    subjects = [(t, e) for t, e, n in table for _ in range(n)]
    share, greenwood = 1.0, 0.0
    for i, moment in enumerate(at):
        here = sum(t >= moment for t, _ in subjects)
        gone = sum(t == moment and e for t, e in subjects)
        assert (curve.at_risk[i], curve.ended[i]) == (here, gone)
        if gone:
            share *= 1.0 - gone / here
            greenwood += gone / (here * (here - gone)) if here > gone else np.inf
        np.testing.assert_allclose(curve.survival[i], share, rtol=1e-12)
        np.testing.assert_allclose(curve.log_variance[i], greenwood, rtol=1e-12)
    assert (np.diff(curve.survival) <= 0).all()
    assert ((curve.low >= 0) & (curve.low <= curve.survival) & (curve.survival <= curve.high) & (curve.high <= 1)).all()
    np.testing.assert_array_equal(kaplan_meier(time[::-1], ended[::-1], count[::-1], at=at).survival, curve.survival)


def test_without_censoring_it_is_the_share_still_there():
    time = np.random.default_rng(1).integers(1, 20, 500)
    curve = kaplan_meier(time, np.ones(500))
    np.testing.assert_allclose(curve.survival, [(time > t).mean() for t in curve.time], atol=1e-12)


def test_ends_where_the_scale_has_no_value():
    nobody = kaplan_meier([5] * 20, [0] * 20, at=[3, 6])
    assert nobody.survival.tolist() == nobody.high.tolist() == [1.0, 1.0]
    np.testing.assert_allclose(
        nobody.low, [beta_distribution.ppf(0.025, 20, 1), 0.0]
    )  # Clopper & Pearson; none watched
    everyone = kaplan_meier([1] * 6, [1] * 6)
    assert everyone.survival.tolist() == everyone.low.tolist() == [0.0]
    np.testing.assert_allclose(everyone.high, beta_distribution.ppf(0.975, 1, 6))


def test_intervals_hold_what_they_say():
    rng, held = np.random.default_rng(5), []
    for _ in range(1500):
        life, watched = rng.geometric(0.1, 60), rng.integers(1, 25, 60)
        curve = kaplan_meier(np.minimum(life, watched), life <= watched, at=[3, 8, 15], level=0.8)
        held.append((curve.low <= 0.9**curve.time) & (0.9**curve.time <= curve.high))
    # 1,500 runs: a standard error of .0103; 3 of them, and the discreteness of 60 subjects.
    np.testing.assert_allclose(np.mean(held, axis=0), 0.8, atol=0.04)


@pytest.mark.parametrize("time", [[1.0, np.nan], [1.0, -1.0], [[1.0, 2.0]]])
def test_bad_durations_are_refused(time):
    with pytest.raises(DomainError, match="must"):
        kaplan_meier(time, [True, False])

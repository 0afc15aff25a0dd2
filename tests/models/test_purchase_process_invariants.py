"""What every history and every parameter of the BG family must satisfy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture


@st.composite
def histories(draw):
    T = float(draw(st.integers(0, 7305)))
    x = float(draw(st.integers(0, int(min(T, 600)))))
    t_x = 0.0 if x == 0 else float(draw(st.integers(int(x), int(T))))
    # Gaps as unequal as one long and many of a day, or all equal, or between.
    most = x * np.log(t_x / x) if x else 0.0
    least = np.log(t_x - x + 1) if x else 0.0
    return Histories.in_order([x], [t_x], [T], [least + draw(st.floats(0, 1)) * (most - least) if x else 0.0])


positive = st.floats(-4, 4).map(lambda e: 10.0**e)


@st.composite
def processes(draw):
    family, k = draw(st.sampled_from(["BG", "MBG"])), draw(st.integers(1, 12))
    r, alpha, a, b = (draw(positive) for _ in range(4))
    if draw(st.booleans()):
        return RegularBetaGeometric(family, r, alpha, a, b, k)
    share = draw(st.floats(0, 1))
    return RegularityMixture(family, r, alpha, a, b, (1, 3), (share, 1 - share))


@settings(max_examples=120, deadline=None)
@given(processes(), histories(), st.floats(0, 3650), st.floats(0.01, 0.99))
def test_every_answer_is_finite_and_in_its_range(process, h, days, level):
    log_likelihood, alive = process.log_likelihood(h)[0], process.p_alive(h)[0]
    assert np.isfinite(log_likelihood)
    assert 0 <= alive <= 1
    any_purchase = process.p_any_purchase(h, days)[0]
    expected = process.expected_purchases(h, days)[0]
    assert 0 <= any_purchase <= alive * (1 + 1e-12)
    assert np.isfinite(expected)
    assert expected >= any_purchase * (1 - 1e-9) - 1e-13  # at least one when any
    counts = process.purchase_count_probabilities(h, days, 3)[0]
    assert ((counts >= 0) & (counts <= 1 + 1e-12)).all()
    assert counts.sum() <= 1 + 1e-9
    discounted = process.discounted_expected_purchases(h, days, 1e-3)[0]
    assert expected * np.exp(-1e-3 * days) * (1 - 1e-6) <= discounted <= expected * (1 + 1e-6)
    ever = process.discounted_expected_purchases_ever(h, 1e-3)[0]
    assert discounted * (1 - 1e-5) <= ever < np.inf
    assert process.next_purchase_quantile(h, level)[0] > 0
    assert process.any_purchase_quantile(h, level)[0] > 0
    assert process.simulate_future(h, days, np.random.default_rng(0))[0] >= 0


@settings(max_examples=60, deadline=None)
@given(processes(), histories(), st.floats(0, 2000), st.floats(0, 2000))
def test_more_time_brings_more_purchases(process, h, first, second):
    short, long = sorted((first, second))
    for answer in (process.expected_purchases, process.p_any_purchase):
        # Sums are cut where a share of 1e-16 is left, and logs of size 1e4 lose four digits.
        assert answer(h, short)[0] <= answer(h, long)[0] * (1 + 1e-10) + 1e-14


@settings(max_examples=60, deadline=None)
@given(processes(), histories(), st.integers(1, 500))
def test_silence_makes_a_customer_less_likely_to_be_alive(process, h, longer):
    if isinstance(process, RegularityMixture):
        return  # silence also makes the less regular kind more likely, which waits longer
    later = Histories.in_order(h.x, h.t_x, h.T + longer, h.sum_log_gap)
    assert process.p_alive(later)[0] <= process.p_alive(h)[0] * (1 + 1e-10)


@pytest.mark.parametrize("k", [1, 4])
def test_neighbours_agree_at_the_edges_of_the_domain(k):
    """t_x = T, x = 0, T = 0 and a horizon of 0 are limits of what is beside them."""
    model = RegularBetaGeometric("MBG", 0.7, 30.0, 0.8, 2.4, k)
    edge, beside = (Histories.in_order([3], [50.0 - gap], [50]) for gap in (0.0, 1e-9))
    np.testing.assert_allclose(model.expected_purchases(edge, 90.0), model.expected_purchases(beside, 90.0), rtol=1e-8)
    fresh, nearly = (Histories.in_order([0], [0], [T]) for T in (0.0, 1e-9))
    np.testing.assert_allclose(model.p_alive(fresh), 2.4 / 3.2, rtol=1e-12)  # b / (a + b): left at the first or not
    np.testing.assert_allclose(model.expected_purchases(fresh, 9.0), model.expected_purchases(nearly, 9.0), rtol=1e-8)
    for answer in (model.expected_purchases, model.p_any_purchase):
        assert answer(edge, 0.0)[0] == 0.0
        assert 0 <= answer(edge, 1e-200)[0] < 1e-150

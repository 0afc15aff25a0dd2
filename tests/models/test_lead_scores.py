"""Kolmogorov-Smirnov, lift and expected maximum profit against scipy, tables by hand and plain integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from crmkit.errors import DomainError
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import CallProfit, Score


def test_kolmogorov_smirnov_is_scipys():
    rng = np.random.default_rng(1)
    for ties in (1e6, 5):
        y = (rng.random(400) < 0.3).astype(float)
        p = np.floor(rng.random(400) * ties) / ties + 0.2 * y
        judge = stats.ks_2samp(p[y > 0], p[y == 0]).statistic
        assert scores.kolmogorov_smirnov(y, p) == pytest.approx(judge, rel=1e-12)
    count = rng.integers(1, 4, 400)
    assert scores.kolmogorov_smirnov(y, p, count=count) == pytest.approx(
        stats.ks_2samp(np.repeat(p, count)[np.repeat(y, count) > 0], np.repeat(p, count)[np.repeat(y, count) == 0])[0]
    )
    assert scores.kolmogorov_smirnov(np.zeros(3), np.arange(3.0)) is None


def test_lift_by_hand():
    came = np.array([1, 1, 0, 0, 0, 0, 0, 1, 0, 0])
    score = np.arange(10.0, 0.0, -1.0)
    assert scores.lift_of_top(came, score, share=0.2).value == pytest.approx(1.0 / 0.3)
    assert scores.lift_of_top(came, score, share=1.0).value == pytest.approx(1.0)
    assert scores.lift_of_top(np.zeros(10), score) is None
    with pytest.raises(DomainError, match=r"share must lie in \(0, 1\]"):
        scores.lift_of_top(came, score, share=0.0)


def test_calibration_faults():
    assert scores.calibration_faults(Score(1.0, 0.9, 1.1), 0.30, 0.30) == ()
    assert scores.calibration_faults(Score(0.79, 0.5, 1.1), 0.30, 0.36) == ("slope", "level")
    assert scores.calibration_faults(None, 0.30, 0.34) == ("slope",)


def integrated(came, score, call):
    g = (np.arange(20_000) + 0.5) / 20_000
    density = stats.beta.pdf(g, call.alpha, call.beta)
    cuts = [(score >= cut) for cut in np.unique(score)]
    profits = np.array([g * call.value * came[c].sum() - call.cost * c.sum() for c in cuts]) / len(came)
    return float((np.maximum(profits.max(axis=0), 0.0) * density).mean())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(200.0, 1.0), (200.0, 20.0), (50.0, 10.0), (10.0, 9.0)]))
def test_expected_profit_is_the_integral_of_the_best_cut_off(seed, money):
    """Brute force over every cut-off and a grid of 20,000 g; the midpoint rule is good to 1e-6 of the value."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    came = (rng.random(n) < 0.4).astype(float)
    came[0], came[1] = 1.0, 0.0
    score = np.floor(6 * (rng.random(n) + 0.4 * came))
    call = CallProfit(*money)
    found = scores.expected_maximum_profit(came, score, call=call)
    assert found.profit == pytest.approx(integrated(came, score, call), abs=1e-6 * call.value)
    assert found.profit >= max(found.profit_of_all, 0.0) - 1e-9


def test_expected_profit_is_empulses():
    """Stored from empulse 0.13.1, which is not installed here.

    For each pair: `empc_score(came, score, clv=value, incentive_cost=0, contact_cost=cost, alpha=6, beta=14)`.
    """
    rng = np.random.default_rng(11)
    came = (rng.random(400) < 0.3).astype(int)
    score = np.round(1 / (1 + np.exp(-(rng.normal(size=400) + 1.2 * came))), 3)
    stored = {(200, 10): 11.808266926027152, (200, 40): 1.5691874860806942, (400, 25): 20.324716057298044}
    for money, judge in stored.items():
        found = scores.expected_maximum_profit(came, score, call=CallProfit(*money))
        assert found.profit == pytest.approx(judge, rel=1e-12)


def test_expected_profit_where_the_order_is_perfect():
    """Of 10 leads 4 convert and have the highest scores: a call pays where g value > cost, and for these alone.

    So the profit is .4 E[(g value - cost)+], an integral of its own by quadrature.
    """
    came = np.array([1.0] * 4 + [0.0] * 6)
    call = CallProfit(value=100.0, cost=25.0)
    found = scores.expected_maximum_profit(came, came, call=call)
    mean, _ = quad(lambda g: (100.0 * g - 25.0) * stats.beta.pdf(g, 6, 14), 0.25, 1.0)
    assert found.profit == pytest.approx(0.4 * mean, rel=1e-9)
    assert found.share_to_call == pytest.approx(0.4 * stats.beta.sf(0.25, 6, 14), rel=1e-9)
    assert found.profit_of_all == pytest.approx(0.4 * 30.0 - 25.0)
    certain = scores.expected_maximum_profit(came, came, call=CallProfit(100.0, 25.0, 6e6, 14e6))  # g is .3
    assert (certain.profit, certain.share_to_call, certain.cutoff) == (
        pytest.approx(2.0, rel=1e-4),
        pytest.approx(0.4),
        1,
    )


def test_expected_profit_of_free_calls_and_of_calls_that_never_pay():
    came = np.array([1.0, 0.0, 1.0, 0.0])
    free = scores.expected_maximum_profit(came, [4, 3, 2, 1], call=CallProfit(10.0, 0.0))
    assert free.profit == pytest.approx(10.0 * 0.3 * 0.5)
    assert free.share_to_call == 1.0
    rng = np.random.default_rng(0)  # sums of 400 shares: without a bound 1.0000000000000004 of the list is called
    many = scores.expected_maximum_profit(rng.integers(0, 2, 400), rng.random(400), call=CallProfit(100.0, 0.0))
    assert many.share_to_call <= 1.0
    dear = scores.expected_maximum_profit(came, [4, 3, 2, 1], call=CallProfit(10.0, 11.0))
    assert (dear.profit, dear.share_to_call, dear.cutoff) == (0.0, 0.0, None)


def test_equal_rows_may_be_counted():
    came, score, count = np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 2.0, 1.0, 1.0]), np.array([3, 2, 1, 9])
    call = CallProfit(40.0, 5.0)
    one = scores.expected_maximum_profit(came, score, call=call, count=count)
    each = scores.expected_maximum_profit(np.repeat(came, count), np.repeat(score, count), call=call)
    assert one.profit == pytest.approx(each.profit, rel=1e-12)
    assert one.cutoff == each.cutoff


def test_money_out_of_its_domain_is_refused():
    with pytest.raises(DomainError, match="value, alpha and beta must be above 0"):
        CallProfit(0.0, 1.0)
    with pytest.raises(DomainError, match="cost at least 0"):
        CallProfit(1.0, -1.0)

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmkit.errors import DomainError
from crmkit.models.cuts import Cuts, least_of_top, tied_quantiles


def scores_by_cuts(values, scores: int) -> np.ndarray:
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    cuts = tied_quantiles(distinct, counts, scores)
    assert len(cuts) == scores - 1
    return 1 + (np.asarray(values)[:, None] > np.array(cuts)).sum(axis=1)


# Few distinct values make ties; up to 400 observations make every remainder of n s / scores.
@given(st.lists(st.integers(0, 12), min_size=1, max_size=400), st.integers(2, 20))
def test_scores_are_the_floor_of_the_minimum_rank(values, scores):
    rank = stats.rankdata(values, method="min").astype(int)
    expected = [1 + scores * (r - 1) // len(values) for r in rank.tolist()]
    assert scores_by_cuts(values, scores).tolist() == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60, unique=True), st.integers(2, 10))
def test_without_ties_scores_are_filled_evenly(values, scores):
    filled = np.bincount(scores_by_cuts(values, scores), minlength=scores + 1)[1:]
    assert filled.max() - filled.min() <= 1


def test_the_example_of_one_to_four_orders():
    values = np.repeat([1, 2, 3, 4], [700, 200, 80, 20])
    assert tied_quantiles(np.array([1.0, 2, 3, 4]), np.array([700, 200, 80, 20]), 5) == (1.0, 1.0, 1.0, 2.0)
    found = scores_by_cuts(values, 5)
    assert [set(found[values == orders]) for orders in (1, 2, 3, 4)] == [{1}, {4}, {5}, {5}]


def test_a_thousand_clones_have_one_score():
    assert set(scores_by_cuts(np.full(1_000, 7.5), 5)) == {1}


@pytest.mark.parametrize("n", [7, 29, 49, 98, 1_000_003])
def test_cut_s_is_the_observation_at_the_exact_share(n):
    cuts = tied_quantiles(np.arange(1.0, n + 1), np.ones(n, dtype=np.int64), 7)
    assert cuts == tuple(float(math.ceil(Fraction(n * s, 7))) for s in range(1, 7))


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5),
    st.integers(0, 10**9),
)
def test_json_round_trip(days, orders, revenue, customers):
    cuts = Cuts(tuple(sorted(days, reverse=True)), tuple(sorted(orders)), tuple(sorted(revenue)), customers)
    assert Cuts.from_json(cuts.to_json()) == cuts
    assert cuts.scores == (len(days) + 1, len(orders) + 1, len(revenue) + 1)


def test_json_is_plain():
    text = Cuts((90, 30), (1, 3), (100, 1000)).to_json()
    assert text == (
        '{"days_since_order": [90.0, 30.0], "order_count": [1.0, 3.0], "revenue": [100.0, 1000.0], "customers": 0}'
    )


@pytest.mark.parametrize(
    ("cuts", "name", "order"),
    [
        (((30, 90), (1, 3), (1,)), "days_since_order", "descending"),
        (((90, 30), (3, 1), (1,)), "order_count", "ascending"),
        (((90, 30), (1, 3), ()), "revenue", "ascending"),
        (((90, 30), (1, 3), (float("nan"),)), "revenue", "ascending"),
        (
            ((float("inf"),), (1, 3), (1,)),
            "days_since_order",
            "descending",
        ),
    ],
)
def test_cuts_that_are_none(cuts, name, order):
    with pytest.raises(DomainError) as error:
        Cuts(*cuts)
    bad = dict(zip(("days_since_order", "order_count", "revenue"), cuts, strict=True))[name]
    assert str(error.value) == (
        f"{name} must hold finite cuts, {order}, one fewer than scores, got {tuple(map(float, bad))}."
    )


def test_equal_cuts_are_allowed():
    assert Cuts((30, 30), (1, 1), (5, 5)).scores == (3, 3, 3)


# Few distinct values make ties; shares like .7 are no exact floats.
@given(st.lists(st.integers(-3, 12), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 20))
def test_the_upper_share_begins_where_too_few_are_greater(values, part, whole):
    share = Fraction(min(part, whole), whole)
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    greater = {v: Fraction(sum(other > v for other in values), len(values)) for v in values}
    assert least_of_top(distinct, counts, float(share)) == min(v for v in values if greater[v] < share)


def test_nothing_has_no_upper_share():
    assert least_of_top(np.array([]), np.array([], dtype=np.int64), 0.2) == 0.0


def test_a_share_is_compared_as_it_was_written():
    hundred = np.arange(1.0, 101.0)  # .07 times 100 is a little more than 7 in floats
    assert least_of_top(hundred, np.ones(100, dtype=np.int64), 0.07) == 94.0

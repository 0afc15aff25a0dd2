"""Removal effects against hand computation, stored exact figures, enumeration and facts of every chain."""

from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import DomainError
from crmkit.models import shapley
from crmkit.models.markov_chain import MarkovChain, removal_effects
from crmkit.models.paths import Paths


def paths_of(rows, channels=None):
    """Paths as texts like "A>B" with (conversions, nulls, value)."""
    names = sorted({name for path, *_ in rows for name in path.split(">")}) if channels is None else channels
    steps = [[names.index(name) for name in path.split(">")] for path, *_ in rows]
    counts = np.array([row[1:] for row in rows], dtype=float)
    starts = np.concatenate([[0], np.cumsum([len(own) for own in steps])])
    values = counts[:, 2] if counts.shape[1] > 2 else counts[:, 0]
    return Paths(np.concatenate(steps).astype(np.int64), starts, counts[:, 0], counts[:, 1], values, len(names))


# Worked by hand in the reference: path, conversions, nulls; then order, P, effects.
THREE = [("C1>C2>C3", 1, 0), ("C1", 0, 1), ("C2>C3", 0, 1)]
TWO = [("G", 2, 1), ("M", 1, 0), ("G>M", 1, 0)]
LOOPS = [("A>A>B", 2, 1), ("B>A", 1, 3), ("C>A>C>B", 1, 0), ("C", 0, 4)]


@pytest.mark.parametrize(
    ("rows", "order", "chance", "effects"),
    [
        (THREE, 1, Fraction(1, 3), ("1/2", "1", "1")),
        (THREE, 2, Fraction(1, 3), ("1/2", "1", "1")),
        (THREE, 3, Fraction(1, 3), ("1", "1", "1")),
        (TWO, 1, Fraction(4, 5), ("3/4", "1/2")),
        (LOOPS, 1, Fraction(1, 3), ("35/64", "165/188", "45/208")),
        (LOOPS, 2, Fraction(1, 3), ("1", "1", "1/4")),
        (LOOPS, 9, Fraction(1, 3), ("1", "1", "1/4")),
    ],
)
def test_chains_worked_by_hand(rows, order, chance, effects):
    found = removal_effects(paths_of(rows), order=order)
    assert found.probability == pytest.approx(float(chance), abs=1e-14)
    assert found.effects == pytest.approx([float(Fraction(text)) for text in effects], abs=1e-13)


@pytest.fixture(scope="module")
def path_data(data):
    table = pd.read_csv(data / "PathData.csv")
    known = pd.read_csv(data / "PathData_reference.csv", index_col=0)
    rows = zip(
        table["path"].str.replace(" > ", ">", regex=False),
        table["total_conversions"],
        table["total_null"],
        table["total_conversion_value"],
        strict=True,
    )
    return paths_of(list(rows), channels=list(known.index)), known


@pytest.mark.parametrize("order", [1, 2, 3, 4, 100])
def test_the_exact_figures_of_ten_thousand_paths(path_data, order):
    paths, known = path_data
    found = removal_effects(paths, order=order)
    assert found.probability == pytest.approx(0.2238451356, abs=1e-10)
    # The stored figures were propagated to 1e-12; order 100 over the longest chains.
    assert found.effects == pytest.approx(known[f"RE_order{order}"].to_numpy(), abs=1e-12)
    for effects, total, name in (
        (found.effects, paths.conversions, "conv"),
        (found.value_effects, paths.values, "value"),
    ):
        credit = effects / effects.sum() * total.sum()
        assert credit == pytest.approx(known[f"{name}_order{order}"].to_numpy(), abs=1e-8, rel=1e-9)


def test_the_equal_split_of_ten_thousand_paths(path_data):
    paths, known = path_data
    for weights, name in ((paths.conversions, "shapley_conv"), (paths.values, "shapley_value")):
        assert shapley.equal_split(paths, weights) == pytest.approx(known[name].to_numpy(), abs=1e-9)


LOGS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("ABCD"), min_size=1, max_size=5).map(">".join),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[0],
)


def by_enumeration(rows, order, without):
    """P(conversion) avoiding a channel: the chain walked state by state with fractions, cycles solved by Gauss."""
    steps, ends, starts = {}, {}, {}
    for path, won, lost in rows:
        own = path.split(">")
        states = [tuple(own[max(0, i - order + 1) : i + 1]) for i in range(min(order, len(own)) - 1, len(own))]
        n = won + lost
        starts[states[0]] = starts.get(states[0], 0) + n
        for a, b in pairwise(states):
            steps[a, b] = steps.get((a, b), 0) + n
        ends.setdefault(states[-1], [0, 0])
        ends[states[-1]][0] += won
        ends[states[-1]][1] += n
    names = sorted({*starts, *ends, *(a for a, _ in steps), *(b for _, b in steps)})
    total = sum(starts.values())
    if total == 0:
        return Fraction(0)
    kept = [s for s in names if without is None or without not in s]
    leaving = {s: ends.get(s, [0, 0])[1] + sum(n for (a, _), n in steps.items() if a == s) for s in names}
    alive = [s for s in kept if leaving[s]]
    matrix = [
        [Fraction(int(a == b)) - Fraction(steps.get((a, b), 0), leaving[a]) for b in alive]
        + [Fraction(ends.get(a, [0, 0])[0], leaving[a])]
        for a in alive
    ]
    for i in range(len(alive)):
        pivot = next((r for r in range(i, len(alive)) if matrix[r][i] != 0), None)
        if pivot is None:
            continue
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        matrix[i] = [v / matrix[i][i] for v in matrix[i]]
        for r in range(len(alive)):
            if r != i and matrix[r][i]:
                matrix[r] = [v - matrix[r][i] * w for v, w in zip(matrix[r], matrix[i], strict=True)]
    chance = {s: matrix[i][-1] for i, s in enumerate(alive)}
    return sum((Fraction(n, total) * chance.get(s, 0) for s, n in starts.items()), Fraction(0))


@given(rows=LOGS, order=st.integers(1, 6))
def test_small_chains_by_enumeration(rows, order):
    paths = paths_of(rows, channels=list("ABCD"))
    found = removal_effects(paths, order=order)
    whole = by_enumeration(rows, order, None)
    assert found.probability == pytest.approx(float(whole), abs=1e-12)
    won, n = (sum(row[i] for row in rows) for i in (1, 2))
    # The chain converts as often as the journeys did, at every order.
    assert found.probability == pytest.approx(won / max(won + n, 1), abs=1e-12)
    for c, name in enumerate("ABCD"):
        expected = 1 - by_enumeration(rows, order, name) / whole if whole else Fraction(0)
        assert found.effects[c] == pytest.approx(float(expected), abs=1e-11)


@given(rows=LOGS)
def test_an_order_as_long_as_the_longest_path_counts_the_paths_with_the_channel(rows):
    paths = paths_of(rows, channels=list("ABCD"))
    won = paths.conversions.sum()
    held = [sum(row[1] for row in rows if name in row[0]) for name in "ABCD"]
    expected = np.array(held) / max(won, 1)
    for order in (5, 6, 100):
        assert removal_effects(paths, order=order).effects == pytest.approx(expected, abs=1e-12)


@given(rows=LOGS)
def test_repeats_of_a_channel_change_nothing_at_order_one(rows):
    once = {}
    for path, won, lost in rows:
        own = path.split(">")
        short = ">".join(c for i, c in enumerate(own) if i == 0 or own[i - 1] != c)
        once.setdefault(short, [0, 0])
        once[short] = [once[short][0] + won, once[short][1] + lost]
    left = removal_effects(paths_of(rows, channels=list("ABCD")))
    right = removal_effects(paths_of([(path, *n) for path, n in once.items()], channels=list("ABCD")))
    assert left.effects == pytest.approx(right.effects, abs=1e-12)


def test_a_chain_that_lingers_is_solved_as_exactly():
    # A and B hand a journey to and fro a thousand times before it ends: propagation alone would not settle.
    long = ">".join(["A", "B"] * 1000)
    found = removal_effects(paths_of([(long, 1, 0), (long + ">C", 0, 1), ("C", 1, 0)]))
    whole = by_enumeration([(long, 1, 0), (long + ">C", 0, 1), ("C", 1, 0)], 1, None)
    rest = by_enumeration([(long, 1, 0), (long + ">C", 0, 1), ("C", 1, 0)], 1, "C")
    assert found.probability == pytest.approx(2 / 3, abs=1e-9)
    assert found.effects[2] == pytest.approx(float(1 - rest / whole), abs=1e-9)


def test_without_conversions_nothing_is_lost_and_all_is_finite():
    found = removal_effects(paths_of([("A>B", 0, 3), ("B", 0, 1)]))
    assert found.probability == 0.0
    assert found.effects.tolist() == [0.0, 0.0]
    assert removal_effects(paths_of([("A>B", 0, 0)])).effects.tolist() == [0.0, 0.0]


def test_an_order_below_one_is_refused():
    with pytest.raises(DomainError, match="at least 1, got 0"):
        MarkovChain.of(paths_of(TWO), 0)


def test_every_worth_of_three_players_by_permutations():
    rng = np.random.default_rng(3)
    worth = rng.normal(size=8)
    gains = np.zeros(3)
    orders = list(permutations(range(3)))
    for order in orders:
        coalition = 0
        for player in order:
            gains[player] += worth[coalition | 1 << player] - worth[coalition]
            coalition |= 1 << player
    assert shapley.shapley_values(worth) == pytest.approx(gains / len(orders), abs=1e-14)


@given(rows=LOGS)
def test_the_equal_split_is_the_shapley_value_of_conversions_within_a_coalition(rows):
    paths = paths_of(rows, channels=list("ABCD"))

    def within(masks):
        held = [{"ABCD".index(c) for c in row[0].split(">")} for row in rows]
        return np.array(
            [sum(r[1] for r, h in zip(rows, held, strict=True) if h <= set(np.flatnonzero(m))) for m in masks]
        )

    expected = shapley.shapley_values(shapley.tabulated(within, 4))
    assert shapley.equal_split(paths, paths.conversions) == pytest.approx(expected, abs=1e-12)


def test_a_learned_worth_exactly_and_by_drawn_orders():
    rng = np.random.default_rng(8)
    effects = rng.normal(size=14)
    few = np.array([[0, 3, 5, 9]])
    shares, errors = shapley.logit_shares(effects, -2.0, few, draws=10, rng=rng)
    worth = shapley.tabulated(lambda masks: 1 / (1 + np.exp(2.0 - masks @ effects[few[0]])), 4)
    assert shares[0] == pytest.approx(shapley.shapley_values(worth), abs=1e-14)
    assert not errors.any()
    many = np.arange(14)[None, :]
    drawn, error = shapley.logit_shares(effects, -2.0, many, draws=4000, rng=rng)
    whole = shapley.tabulated(lambda masks: 1 / (1 + np.exp(2.0 - masks @ effects)), 14)
    exact = shapley.shapley_values(whole)
    # 14 values within four standard errors, and errors that mean something.
    assert (np.abs(drawn[0] - exact) <= 4.0 * error[0] + 1e-12).all()
    assert 0.0 < error.max() < 0.01
    assert drawn.sum() == pytest.approx(whole[-1] - whole[0], abs=1e-12)

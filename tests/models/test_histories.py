import numpy as np
import pytest

from crmkit.errors import DomainError
from crmkit.models.histories import Histories


def random_columns(n=5_000, seed=1, whole=True):
    rng = np.random.default_rng(seed)
    T = rng.integers(0, 40, n).astype(float) if whole else rng.uniform(1, 40, n)
    x = np.minimum(rng.poisson(1.0, n), np.floor(T)).astype(float)
    t_x = np.where(x > 0, T if whole else T * 0.5, 0.0)
    gaps = np.where(x > 0, x * np.log(np.maximum(t_x, 1e-9) / np.maximum(x, 1)), 0.0)
    return x, t_x, T, gaps


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("with_gaps", [True, False])
def test_distinct_rows_are_the_sorted_set_of_histories_with_their_counts(whole, with_gaps):
    x, t_x, T, gaps = random_columns(whole=whole)
    h = Histories.distinct(x, t_x, T, gaps if with_gaps else None)
    columns = np.stack([x, T, t_x, np.round(np.where(x == 1, np.log(np.maximum(t_x, 1e-9)), gaps), 9)])
    expected, counts = np.unique(columns[: 4 if with_gaps else 3], axis=1, return_counts=True)
    got = np.stack([h.x, h.T, h.t_x, *([h.sum_log_gap] if with_gaps else [])])
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(h.count, counts)


def test_grouped_rows_come_back_row_for_row():
    x, t_x, T, gaps = random_columns()
    rows = Histories.in_order(x, t_x, T, gaps, covariates=np.stack([x % 2, T % 3], axis=1))
    grouped, inverse = rows.grouped()
    for name in ("x", "t_x", "T", "sum_log_gap", "covariates"):
        np.testing.assert_array_equal(getattr(grouped, name)[inverse], getattr(rows, name))
    assert grouped.n_customers == rows.n_customers == 5_000


def test_weights_count_as_repeated_rows():
    x, t_x, T, gaps = random_columns(n=200)
    count = np.arange(200) % 4 + 1
    weighted = Histories.distinct(x, t_x, T, gaps, count=count)
    repeated = Histories.distinct(*(np.repeat(column, count) for column in (x, t_x, T, gaps)))
    np.testing.assert_array_equal(weighted.count, repeated.count)
    np.testing.assert_array_equal(weighted.sum_log_gap, repeated.sum_log_gap)


def test_last_bits_of_parallel_sums_do_not_split_a_row():
    h = Histories.distinct([2, 2], [7, 7], [9, 9], [1.7, 1.7 + 4e-16])
    assert len(h) == 1


def test_the_gap_of_a_single_repeat_purchase_is_its_recency():
    assert Histories.in_order([1], [7.0], [9.0], [0.0]).sum_log_gap[0] == pytest.approx(np.log(7.0), abs=1e-9)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (([1.5], [1], [2]), "x must be a whole number, at least 0; 1 of 1 rows break this (first: row 0, 1.5)."),
        (
            ([0, np.nan], [0, 0], [2, 2]),
            "x must be a whole number, at least 0; 1 of 2 rows break this (first: row 1, nan).",
        ),
        (([0], [0], [np.inf]), "T must be finite and at least 0 (days); 1 of 1 rows break this (first: row 0, inf)."),
        (([1], [3], [2]), "t_x must lie between 0 and T (days); 1 of 1 rows break this (first: row 0, 3.0)."),
        (([0], [1], [2]), "t_x must be 0 exactly when x is 0; 1 of 1 rows break this (first: row 0, 1.0)."),
        (([2], [0], [2]), "t_x must be 0 exactly when x is 0; 1 of 1 rows break this (first: row 0, 0.0)."),
        (([2], [4], [9], [3.0]), "at most x log(t_x / x) (gaps in days); 1 of 1 rows break this (first: row 0, 3.0)."),
    ],
)
def test_what_is_no_history_is_refused_with_row_and_value(columns, text):
    with pytest.raises(DomainError) as error:
        Histories.distinct(*columns)
    assert text in str(error.value)


def test_unequal_lengths_are_refused():
    with pytest.raises(DomainError, match=r"equally long, got .*'T': 2"):
        Histories.distinct([0], [0], [1, 2])


def test_histories_are_read_only_and_leave_the_callers_arrays_alone():
    x = np.array([0.0, 1.0])
    h = Histories.in_order(x, np.array([0.0, 3.0]), np.array([5.0, 5.0]))
    with pytest.raises(ValueError, match="read-only"):
        h.x[0] = 9
    x[0] = 0.0
    assert x.flags.writeable


def test_no_customers_are_no_rows():
    assert len(Histories.distinct([], [], [])) == 0


def test_many_customers_are_taken_evenly():
    count = np.array([60_000.0, 30_000.0, 10_000.0])
    part, rows = Histories.in_order([0, 1, 2], [0, 10, 20], [50, 50, 50], None, count).spaced(50_000)
    assert part.count.tolist() == [30_000, 15_000, 5_000]
    assert rows.tolist() == [0, 1, 2]
    few = Histories.in_order([0], [0], [50], None, [50_000.0])
    assert few.spaced(50_000)[0] is few


def test_covariates_of_those_taken_come_along():
    whole = Histories.in_order([0, 1, 2, 2], [0, 1, 2, 3], [9] * 4, None, None, [[1.0], [2.0], [3.0], [4.0]])
    part, rows = whole.spaced(2)
    assert rows.tolist() == [1, 3]
    assert part.covariates.tolist() == [[2.0], [4.0]]

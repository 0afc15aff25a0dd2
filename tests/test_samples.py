"""Samples of large bases: which customers they are by a sort by hand, on every engine; what is learnt from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmkit import frames, purchases
from crmkit.frames import spaced
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.purchases import customers
from tests import engines

RNG = np.random.default_rng(11)
ROWS = pd.DataFrame(
    {
        "frequency": RNG.geometric(0.4, 700) - 1,
        "recency": RNG.integers(0, 9, 700),
        "T": RNG.integers(9, 15, 700),
        "sum_log_gap": RNG.integers(0, 3, 700) / 4,
    }
)
COLUMNS = list(ROWS.columns)


def by_hand(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Sort all rows, take every n / most-th from the middle of the first step on, count equal ones."""
    ordered = rows.sort_values(COLUMNS, ignore_index=True)
    taken = ordered.iloc[[(i * len(rows) + len(rows) // 2) // most for i in range(most)]]
    return taken.groupby(COLUMNS, as_index=False).size().rename(columns={"size": "count"})


@pytest.mark.parametrize("engine", engines.EVERY_ENGINE)
@pytest.mark.parametrize("most", [1, 37, 699, 700, 5000])
def test_the_sample_is_that_of_a_sort_by_hand_on_every_engine(engine: str, most: int) -> None:
    found, many = frames.spaced_rows(frames.enter(engines.to_engine(engine, ROWS)), COLUMNS, most)
    assert many == 700
    expected = by_hand(ROWS, min(most, 700))
    for name in expected.columns:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_sample_of_nothing_is_nothing() -> None:
    found, many = frames.spaced_rows(frames.enter(ROWS.head(0)), COLUMNS, 10)
    assert many == 0
    assert [len(values) for values in found.values()] == [0] * 5


def test_places_of_a_billion_rows_are_counted_to_the_last(monkeypatch: Any) -> None:
    counts = np.array([333_333_333, 1, 666_666_666])
    monkeypatch.setattr(spaced, "distinct_rows", lambda *_: {"frequency": np.arange(3), "count": counts})
    found, many = frames.spaced_rows(frames.enter(ROWS), ["frequency"], 1_000_000)
    chosen = (np.arange(1_000_000) * 10**9 + 5 * 10**8) // 10**6
    rows, times = np.unique(np.searchsorted(counts.cumsum(), chosen, side="right"), return_counts=True)
    assert many == 10**9
    assert [found["frequency"].tolist(), found["count"].tolist()] == [rows.tolist(), times.tolist()]


@pytest.mark.parametrize("engine", ["polars", "duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def test_a_large_base_is_fitted_to_the_same_sample_on_every_engine(
    engine: str, base: pd.DataFrame, monkeypatch: Any
) -> None:
    monkeypatch.setattr(customers, "MOST", 2_000)
    found = purchases.fit_purchase_process(engines.to_engine(engine, base), model="bg")
    assert found.to_json() == purchases.fit_purchase_process(base, model="bg").to_json()


def test_a_sample_finds_what_the_base_was_drawn_from(base: pd.DataFrame, monkeypatch: Any) -> None:
    """Within three of the sample's standard errors of the truth; those are as wide as a sample of 2,000 has them."""
    whole = purchases.fit_purchase_process(base, model="bg")
    monkeypatch.setattr(customers, "MOST", 2_000)
    found = purchases.fit_purchase_process(base, model="bg")
    assert found.customers == whole.customers == len(base)
    known, sample = (fit.process.estimate for fit in (whole, found))
    assert known is not None
    assert sample is not None
    assert sample.n_customers == 2_000
    errors = np.sqrt(np.diag(sample.covariance))
    np.testing.assert_array_less(np.abs(np.array(sample.values) - [0.8, 40.0, 1.0, 2.5]), 3 * errors)
    # A tenth of the customers: errors of the square root of ten times those of all, within a fifth.
    np.testing.assert_allclose(errors / np.sqrt(np.diag(known.covariance)), np.sqrt(10), rtol=0.2)


@pytest.fixture(scope="module")
def base() -> pd.DataFrame:
    """20,000 customers of a BG/NBD process of known parameters."""
    drawn = RegularBetaGeometric("BG", 0.8, 40.0, 1.0, 2.5).simulate(np.full(20_000, 400.0), np.random.default_rng(3))
    columns = {"frequency": drawn.x, "recency": np.ceil(drawn.t_x), "T": drawn.T}
    whole = {name: values.astype(np.int64) for name, values in columns.items()}
    return pd.DataFrame({"customer_id": np.arange(20_000), **whole})

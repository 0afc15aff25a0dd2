"""Rows handed over group by group, numbers of values, and journeys written into keys and read back."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import attribution, frames
from crmkit.frames import eager
from crmkit.journeys import chunks
from crmkit.models import touch_weights
from crmkit.models.paths import Paths
from tests import engines
from tests.test_attribution import DAY, simulated

IN_MEMORY = [name for name in engines.ENGINES if name != "spark"]


def scattered(rows: int = 3_000) -> pd.DataFrame:
    chance = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "who": pd.Series([f"c{i}" for i in chance.integers(0, 400, rows)], dtype=engines.TEXT),
            "part": chance.integers(0, 3, rows),
            "at": chance.permutation(rows) // 4,
            "tie": pd.Series(
                [None if i % 3 == 0 else f"t{i:05d}" for i in chance.permutation(rows)], dtype=engines.TEXT
            ),
            "row": np.arange(rows),
        }
    )


@pytest.mark.parametrize("name", IN_MEMORY)
def test_groups_are_handed_over_whole_in_order_and_marked(name: str) -> None:
    table = scattered()
    frame = frames.enter(engines.to_engine(name, table))
    found = frames.runs(frame, ["row", "part"], by=["who", "part"], order=["at", "tie", "row"])
    expected = table.sort_values(["who", "part", "at", "tie", "row"], na_position="last")
    fresh = ~expected.duplicated(["who", "part"])
    assert set(found) == {"row", "part", "fresh"}
    np.testing.assert_array_equal(found["fresh"], fresh)
    np.testing.assert_array_equal(found["row"], expected["row"])


def test_duckdb_keeps_the_order_where_rows_need_not_wait_for_those_before_them(tmp_path: Path) -> None:
    """As the page on large logs sets it: two threads, several row groups, too little memory for all of them."""
    table = scattered(600_000)
    with duckdb.connect() as connection:
        for setting in ("preserve_insertion_order = false", "threads = 2", "memory_limit = '60MB'"):
            connection.execute(f"set {setting}")
        connection.execute(f"set temp_directory = '{tmp_path}'")
        duckdb.from_df(table).write_parquet(str(tmp_path / "rows.parquet"))
        rows = frames.enter(connection.read_parquet(str(tmp_path / "rows.parquet")))
        found = frames.runs(rows, ["row"], by=["who", "part"], order=["at", "row"])
    expected = table.sort_values(["who", "part", "at", "row"])
    np.testing.assert_array_equal(found["row"], expected["row"])
    np.testing.assert_array_equal(found["fresh"], ~expected.duplicated(["who", "part"]))


@pytest.mark.parametrize("name", IN_MEMORY)
def test_no_rows_are_no_groups(name: str) -> None:
    frame = frames.enter(engines.to_engine(name, scattered().head(0)))
    found = frames.runs(frame, ["row"], by=["who"], order=["at"])
    assert [len(found["row"]), len(found["fresh"])] == [0, 0]


@pytest.mark.parametrize("name", engines.EVERY_ENGINE)
@pytest.mark.parametrize("column", ["who", "at"])
def test_values_are_numbered_in_their_order_but_on_spark(name: str, column: str) -> None:
    table = scattered()
    frame = frames.enter(engines.to_engine(name, table))
    rows = frames.arrays(frames.value_numbers(frame, of=column, new="n").sort("row"), ["n"])["n"]
    expected = table[column] if name == "spark" else table[column].rank(method="dense").astype("int64")
    assert rows.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_categories_are_numbered(name: str) -> None:
    table = scattered().astype({"who": "category"})
    rows = frames.arrays(
        frames.value_numbers(frames.enter(engines.to_engine(name, table)), of="who", new="n").sort("row"), ["n"]
    )["n"]
    assert rows.tolist() == table["who"].cat.codes.add(1).tolist()


def test_only_rows_of_pandas_and_pyarrow_become_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    made, whole = [], eager.made
    monkeypatch.setattr(eager, "made", lambda *args, **options: made.append(1) or whole(*args, **options))
    for name in IN_MEMORY:
        given_ = engines.to_engine(name, scattered())
        frame = frames.enter(given_)
        found = frames.runs(frames.tabled(frame, like=given_), ["row"], by=["who"], order=["at", "row"])
        np.testing.assert_array_equal(found["row"], scattered().sort_values(["who", "at", "row"])["row"])
    assert len(made) == len([name for name in IN_MEMORY if name.startswith(("pandas", "pyarrow"))])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=50), max_size=30), st.integers(1, 40))
def test_what_is_written_into_keys_is_read_back(paths: list[list[int]], block: int) -> None:
    kept, chunks._BLOCK = chunks._BLOCK, block
    try:
        fresh = np.array([i == 0 for path in paths for i in range(len(path))], dtype=bool)
        code = np.array([code + 1 for path in paths for code in path], dtype=np.int16)
        keys, begins = chunks.keyed(code, fresh, 3)
        read = chunks.decoded(keys, begins, 3, np.zeros((len(paths), 0), dtype=np.int64))
    finally:
        chunks._BLOCK = kept
    spelled = [read.codes[a:b].tolist() for a, b in zip(read.starts[:-1], read.starts[1:], strict=True)]
    assert [spelled[i] for i in read.path_of] == paths
    assert len(spelled) == len({tuple(path) for path in paths})


def test_a_weight_halves_with_each_half_life_however_long_ago_all_is() -> None:
    none = np.zeros(2)
    paths = Paths(np.array([0, 1, 2, 0]), np.array([0, 3, 4]), none, none, none, 3)
    weights = touch_weights.by_decay(paths, np.array([100_014.0, 100_007.0, 100_000.0, 3.0]), 7.0)
    np.testing.assert_allclose(weights, [1 / 7, 2 / 7, 4 / 7, 1.0], rtol=1e-12)


def test_the_engine_lets_go_of_its_tables_before_the_models_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held tables of ten million touches and the paths of a chain were half a GB more than either."""
    import gc

    from crmkit.attribution import credit

    held, whole = [], credit.credits_of_tally
    private = type(frames.enter(scattered().head(1)).to_native())

    def watched(*args: object) -> object:
        gc.collect()
        held.append(sum(isinstance(each, private) for each in gc.get_objects()))
        return whole(*args)

    monkeypatch.setattr(credit, "credits_of_tally", watched)
    gc.collect()
    before = sum(isinstance(each, private) for each in gc.get_objects())
    touches, sales = simulated(np.random.default_rng(1), 300)
    attribution.attribute(touches, sales, model="markov_1", as_of=DAY, rng=np.random.default_rng(1), replicates=2)
    assert held == [before]

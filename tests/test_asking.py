"""What rows are asked: the same answers in memory and on executors, whatever the batches."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import frames
from crmkit.frames import spark
from tests import engines


def told(rows: frames.Rows) -> dict[str, Any]:
    """One answer of each kind; some of them are missing."""
    a, b = (rows[name].astype(np.float64) for name in ("a", "b"))
    return {
        "ratio": np.where(b == 0, np.nan, a / np.maximum(b, 1e-9)),
        "count": (a + 1).astype(np.int64),
        "is_even": a % 2 == 0,
        "word": np.array(["odd", "even"], dtype=object)[(a % 2 == 0).astype(int)],
        "day": np.datetime64("2024-01-01", "us") + a.astype("timedelta64[D]"),
    }


def height(rows: frames.Rows) -> Any:
    """Something that grows with the rows, to tell which of them were asked."""
    return rows["a"] * 1000.0 + rows["b"]


def log(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {"id": [f"c{i}" for i in range(n)], "a": rng.integers(0, 30, n), "b": rng.integers(0, 3, n) / 2}
    )
    return table.assign(kept=table["a"] * 2)


@pytest.mark.parametrize("engine", engines.EVERY_ENGINE)
@pytest.mark.parametrize("on", [(), ("id",)])
def test_every_row_gets_its_answers(engine: str, on: tuple[str, ...]) -> None:
    table = log()
    native = engines.to_engine(engine, table)
    asked = frames.Asked.of(frames.enter(native), ["a", "b"], on=on)
    found = engines.to_pandas(frames.leave(asked.answered(told), like=native)).sort_values("id", ignore_index=True)
    expected = table.assign(**told({"a": table["a"].to_numpy(), "b": table["b"].to_numpy()}))
    assert_frame_equal(found, engines.to_pandas(expected).sort_values("id", ignore_index=True)[list(found.columns)])
    assert asked.maximum("a") == table["a"].max()


@pytest.mark.parametrize("engine", engines.EVERY_ENGINE)
def test_some_rows_are_the_same_on_every_engine(engine: str) -> None:
    table = pd.DataFrame({"a": np.arange(5_000) % 2_500, "b": 0.0})
    asked = frames.Asked.of(frames.enter(engines.to_engine(engine, table)), ["a", "b"])
    # Of 2,500 distinct rows the greatest is asked only if it is among the sample: which one that is, is fixed.
    mixed = np.arange(2_500) * 7_919 % 1_000_003
    some = np.arange(2_500)[mixed * mixed % 1_000_003 % 25 == 0]
    assert 60 < len(some) < 140  # 100 were asked for; three standard deviations of a binomial count
    assert asked.greatest(height, among=100) == some.max() * 1000.0
    assert asked.greatest(height, among=10_000) == 2_499_000.0


@pytest.mark.parametrize("engine", engines.EVERY_ENGINE)
def test_nobody_has_a_greatest_answer_of_0(engine: str) -> None:
    native = engines.to_engine(engine, log())
    asked = frames.Asked.of(frames.enter(native).filter(nw.col("a") < 0), ["a", "b"])
    assert asked.maximum("a") == 0.0
    assert asked.greatest(height, among=10) == 0.0
    assert len(engines.to_pandas(frames.leave(asked.answered(told), like=native))) == 0


@pytest.mark.spark
@pytest.mark.skipif(engines.NO_SPARK is not None, reason=str(engines.NO_SPARK))
def test_a_machine_without_crmkit_says_what_it_lacks() -> None:
    from pyspark import cloudpickle

    sent = cloudpickle.dumps(spark._on_arrival(pickle.dumps(frames.Asked)))
    code = (
        "import pickle, sys\n"
        "sys.modules['crmkit'] = None\n"
        "batches = pickle.loads(sys.stdin.buffer.read())\n"
        "try:\n    next(batches(iter([])))\n"
        "except ImportError as error:\n    sys.stdout.write(str(error))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    said = run.stdout.decode()
    assert said.startswith("An executor of this cluster lacks what forecasts need (No module named 'crmkit")
    assert said.endswith(
        '); expected the packages of the driver.\nInstall them on every machine: pip install "crmkit[spark]".'
    )

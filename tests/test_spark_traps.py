"""Logs as they are on a cluster: a customer of a hundredth of all rows, a hundred small files, keys missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import attribution, purchases, repurchase, rfm
from crmkit.errors import SchemaError
from tests import engines
from tests.matrix.case import AS_OF, FIT

pytestmark = pytest.mark.spark
CUSTOMERS = 900


def log(customers: int = CUSTOMERS) -> pd.DataFrame:
    """Some seven orders a customer, and one customer (a till without a card) with a hundredth of all rows."""
    rng = np.random.default_rng(5)
    counts = 1 + rng.geometric(1 / 6, customers)
    counts[7] = counts.sum() // 100
    who = np.repeat(np.arange(customers), counts)
    day = rng.integers(0, 700, len(who))
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{i:06d}" for i in who], dtype="str"),
            "ordered_at": (pd.Timestamp("2022-08-01") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"),
            "amount": np.round(rng.gamma(2.0, 30.0, len(who)), 2),
        }
    )


def in_files(folder: Path, frame: pd.DataFrame, files: int) -> Any:
    for part in range(files):
        duckdb.from_df(frame.iloc[part::files]).write_parquet(str(folder / f"{part:03d}.parquet"))
    return engines.spark_session().read.parquet(str(folder))


@pytest.mark.filterwarnings("ignore:Cuts of .* customers are unstable")
def test_a_customer_of_a_hundredth_of_all_rows_and_a_hundred_small_files_change_nothing(tmp_path: Path) -> None:
    orders = log()
    assert orders["customer_id"].value_counts().iloc[0] > 0.009 * len(orders)
    spread = in_files(tmp_path, orders, 100)
    for call in (
        lambda f: rfm.segment(f, as_of=AS_OF),
        lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, fit=FIT),
    ):
        assert_frame_equal(engines.to_pandas(call(spread)), engines.to_pandas(call(orders)), rtol=1e-9)
    own, found = (purchases.fit_purchase_process(f, as_of=AS_OF, model="mbg") for f in (orders, spread))
    assert found == own


def test_orders_without_a_customer_are_refused_in_the_same_words() -> None:
    orders = log(50)
    orders.loc[[3, 11], "customer_id"] = None
    said = []
    for frame in (orders, engines.to_engine("spark", orders)):
        with pytest.raises(SchemaError) as caught:
            rfm.rfm_table(frame, as_of=AS_OF)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "orders.customer_id: 2 of" in said[0]


def test_touches_without_a_customer_are_refused_in_the_same_words() -> None:
    day = pd.Series(pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03"])).astype("datetime64[us]")
    who = pd.Series(["a", None, "b"], dtype="str")
    touches = pd.DataFrame({"customer_id": who, "channel": pd.Series(["mail"] * 3, dtype="str"), "touched_at": day})
    sold = pd.DataFrame({"customer_id": who.fillna("a"), "converted_at": day, "value": 10.0})
    said = []
    for name in ("pandas", "spark"):
        with pytest.raises(SchemaError) as caught:
            attribution.attribute(*(engines.to_engine(name, t) for t in (touches, sold)), model="linear", as_of=AS_OF)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("touches.customer_id: 1 of 3 rows have no value")

"""Attribution against stored exact figures, hand computation, published examples and brute force."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import attribution

DAY = dt.date(2024, 6, 30)
RNG = 5


def rng():
    return np.random.default_rng(RNG)


def a_log(rows, sales):
    """Touches as (customer, time, channel), conversions as (customer, time, value)."""
    touches = pd.DataFrame(rows, columns=["customer_id", "touched_at", "channel"])
    sold = pd.DataFrame(sales, columns=["customer_id", "converted_at", "value"])
    return (
        touches.assign(touched_at=pd.to_datetime(touches["touched_at"])),
        sold.assign(converted_at=pd.to_datetime(sold["converted_at"]), value=sold["value"].astype("float64")),
    )


def conversions_of(credit, model=None):
    own = credit if model is None else credit[credit["model"] == model]
    return dict(zip(own["channel"], own["conversions"], strict=True))


# ------------------------------------------------------------------------------------------- stored figures


@pytest.fixture(scope="module")
def path_data(data):
    table = pd.read_csv(data / "PathData.csv").rename(
        columns={"total_conversions": "conversions", "total_conversion_value": "value", "total_null": "nulls"}
    )
    known = pd.read_csv(data / "PathData_reference.csv", index_col=0)
    models = ["first", "last", "linear", "position", "shapley", "markov_1", "markov_2", "markov_3", "markov_4"]
    credit = attribution.attribute_paths(table, models=[*models, "markov_100"], replicates=2, rng=rng())
    return credit.set_index(["model", "channel"]), known


@pytest.mark.parametrize(
    ("model", "conversions", "value"),
    [
        ("first", "first_touch_conversions", "first_touch_value"),
        ("last", "last_touch_conversions", "last_touch_value"),
        ("linear", "linear_touch_conversions", "linear_touch_value"),
        ("position", "position_40_20_40", None),
        ("shapley", "shapley_conv", "shapley_value"),
        *((f"markov_{order}", f"conv_order{order}", f"value_order{order}") for order in (1, 2, 3, 4, 100)),
    ],
)
def test_ten_thousand_paths_to_nine_digits(path_data, model, conversions, value):
    credit, known = path_data
    own = credit.loc[model].drop("(unattributed)").loc[known.index]
    # Rounded to 9 decimals; the stored figures of chains were propagated to 1e-12 of several thousand conversions.
    assert own["conversions"].to_numpy() == pytest.approx(known[conversions].to_numpy(), rel=1e-9)
    if value is not None:
        assert own["value"].to_numpy() == pytest.approx(known[value].to_numpy(), rel=1e-9)
    assert own["conversions"].sum() == pytest.approx(19_785, abs=1e-6)


@pytest.fixture(scope="module")
def raw_touches(data):
    rows = pd.read_csv(data / "kaggle_attribution_subset_Si05.csv.gz")
    touches = rows.assign(touched_at=pd.to_datetime(rows["time"]).dt.tz_localize(None))
    sales = touches[touches["conversion"] == 1].rename(columns={"touched_at": "converted_at"})
    return (
        touches[["customer_id", "channel", "touched_at"]],
        sales[["customer_id", "converted_at"]],
        pd.read_csv(data / "kaggle_subset_reference.csv", index_col=0),
    )


def test_sixty_thousand_raw_touches(raw_touches):
    touches, sales, known = raw_touches
    models = ["first", "last", "linear", "shapley", "markov_1", "markov_2", "markov_3"]
    credit = attribution.attribute_all(
        touches, sales, models=models, as_of=dt.date(2018, 12, 31), lookback_days=None, replicates=2, rng=rng()
    ).set_index(["model", "channel"])["conversions"]
    for model, column in zip(models, ["first", "last", "linear", "shapley", "conv1", "conv2", "conv3"], strict=True):
        own = credit.loc[model].drop("(unattributed)").loc[known.index]
        assert own.to_numpy() == pytest.approx(known[column].to_numpy(), rel=1e-9), model

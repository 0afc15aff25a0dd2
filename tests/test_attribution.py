"""Attribution against stored exact figures, hand computation, published examples and brute force."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import attribution
from tests.engines import to_engine, to_pandas

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


# ------------------------------------------------------------------------------------------- by hand and published

BY_HAND = {
    "three": (
        [("C1>C2>C3", 1, 0), ("C1", 0, 1), ("C2>C3", 0, 1)],
        {
            "markov_1": {"C1": "1/5", "C2": "2/5", "C3": "2/5"},
            "markov_2": {"C1": "1/5", "C2": "2/5", "C3": "2/5"},
            "markov_3": {"C1": "1/3", "C2": "1/3", "C3": "1/3"},
            "shapley": {"C1": "1/3", "C2": "1/3", "C3": "1/3"},
        },
    ),
    "two": (
        [("G", 2, 1), ("M", 1, 0), ("G>M", 1, 0)],
        {"markov_1": {"G": "12/5", "M": "8/5"}, "shapley": {"G": "5/2", "M": "3/2"}},
    ),
    "loops": (
        [("A>A>B", 2, 1), ("B>A", 1, 3), ("C>A>C>B", 1, 0), ("C", 0, 4)],
        {
            # Removal effects 1, 1, 1/4 from order 2 on, shared over 4 conversions.
            "markov_2": {"A": "16/9", "B": "16/9", "C": "4/9"},
            "shapley": {"A": "11/6", "B": "11/6", "C": "1/3"},
        },
    ),
}


def journeys_of(rows):
    """Raw touches and conversions of paths with counts: a customer per journey."""
    touched, sold, n = [], [], 0
    for path, won, lost in rows:
        for turn in range(won + lost):
            n += 1
            touched += [(n, f"2024-03-01 00:{i:02d}", name) for i, name in enumerate(path.split(">"))]
            sold += [(n, "2024-03-02", 1.0)] if turn < won else []
    return a_log(touched, sold)


@pytest.mark.parametrize("example", BY_HAND)
def test_examples_worked_by_hand_from_raw_touches(example):
    rows, expected = BY_HAND[example]
    credit = attribution.attribute_all(*journeys_of(rows), models=list(expected), as_of=DAY, rng=rng(), replicates=2)
    for model, known in expected.items():
        found = conversions_of(credit, model)
        assert {name: found[name] for name in known} == pytest.approx(
            {name: float(Fraction(text)) for name, text in known.items()}, abs=1e-9
        ), model


def test_adobes_worked_example():
    # Experience League, "Attribution models": 50 USD, touches 9, 6, 0 and 0 days before, half-life 7 days.
    rows = [("x", "2024-03-01", "a"), ("x", "2024-03-04", "b"), ("x", "2024-03-10", "c"), ("x", "2024-03-10", "d")]
    touches, sales = a_log(rows, [("x", "2024-03-10", 50.0)])
    for model, expected in (("time_decay", [6.92, 9.32, 16.88, 16.88]), ("j_shaped", [10, 5, 5, 30])):
        value = attribution.attribute(touches, sales, model=model, as_of=DAY)["value"]
        assert value.tolist()[1:] == pytest.approx(expected, abs=0.005)


# ------------------------------------------------------------------------------------------- brute force

RULES = ("first", "last", "last_non_direct", "linear", "position", "j_shaped", "inverse_j", "time_decay", "shapley")
NAMES = ("ads", "direct", "mail")


def weights_by_hand(model, names, days):
    """Weights of the touches of one journey, written down from the vendors' words."""
    n = len(names)
    first, last = [float(i == 0) for i in range(n)], [float(i == n - 1) for i in range(n)]
    shaped = {"position": (0.4, 0.2, 0.4), "j_shaped": (0.2, 0.2, 0.6), "inverse_j": (0.6, 0.2, 0.2)}
    if model in ("first", "last"):
        return first if model == "first" else last
    if model == "last_non_direct":
        at = max((i for i in range(n) if names[i] != "direct"), default=n - 1)
        return [float(i == at) for i in range(n)]
    if model == "linear":
        return [1 / n] * n
    if model == "time_decay":
        raw = [2 ** (-d / 7) for d in days]
        return [w / sum(raw) for w in raw]
    if model == "shapley":
        return [1 / (len(set(names)) * names.count(name)) for name in names]
    a, m, z = shaped[model]
    if n == 1:
        return [1.0]
    if n == 2:
        return [a / (a + z), z / (a + z)]
    return [a, *[m / (n - 2)] * (n - 2), z]


def credit_by_hand(touches, sales, model, lookback, shared):
    """Walk over every conversion and touch."""
    credit, count = {}, 0.0
    for who, at, value in sales:
        before = max((s for w, s, _ in sales if w == who and s < at), default=-1e9)
        own = sorted(
            (t, name) for w, t, name in touches if w == who and at - lookback <= t <= at and (shared or t > before)
        )
        names, days = [name for _, name in own], [at - t for t, _ in own]
        count += 1
        for name, weight in (
            zip(names, weights_by_hand(model, names, days), strict=True) if own else [("(unattributed)", 1.0)]
        ):
            credit[name] = credit.get(name, 0.0) + weight * value
    return credit


LOGS = st.tuples(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 12), st.sampled_from(NAMES)), max_size=14),
    st.lists(st.tuples(st.sampled_from("xyzw"), st.integers(0, 12), st.integers(1, 9)), max_size=6),
)


def as_log(touches, sales):
    start = pd.Timestamp("2024-03-01")
    return (
        pd.DataFrame(
            {
                "customer_id": [w for w, _, _ in touches],
                "touched_at": [start + pd.Timedelta(days=t) for _, t, _ in touches],
                "channel": [name for _, _, name in touches],
            }
        ).astype({"customer_id": "str", "channel": "str", "touched_at": "datetime64[us]"}),
        pd.DataFrame(
            {
                "customer_id": [w for w, _, _ in sales],
                "converted_at": [start + pd.Timedelta(days=t) for _, t, _ in sales],
                "value": [float(v) for _, _, v in sales],
            }
        ).astype({"customer_id": "str", "converted_at": "datetime64[us]", "value": "float64"}),
    )


@settings(max_examples=25, deadline=None)
@given(log=LOGS, lookback=st.integers(1, 8), shared=st.booleans())
def test_every_rule_of_small_logs_by_hand(log, lookback, shared):
    touches, sales = log
    options = {"as_of": DAY, "lookback_days": lookback, "sharing": "shared" if shared else "split"}
    frames = [to_engine("polars", table) for table in as_log(touches, sales)]
    found = to_pandas(attribution.attribute_all(*frames, models=RULES, **options), sort=False)
    for model in RULES:
        own = found[found["model"] == model].set_index("channel")
        expected = credit_by_hand(touches, sales, model, lookback, shared)
        assert own["value"].to_dict() == pytest.approx({name: expected.get(name, 0.0) for name in own.index}, abs=1e-8)
        # Totals reconcile, with what has no touch.
        assert own["conversions"].sum() == pytest.approx(len(sales), abs=1e-8)
        assert own["share"].sum() == pytest.approx(1.0 if sales else 0.0, abs=1e-8)
        assert not own.isna().any(axis=None)


@settings(max_examples=15, deadline=None)
@given(log=LOGS, model=st.sampled_from([*RULES, "participation"]))
def test_credit_of_single_touches_sums_to_the_channels_and_to_the_customers(log, model):
    frames = [to_engine("polars", table) for table in as_log(*log)]
    whole = to_pandas(attribution.attribute(*frames, model=model, as_of=DAY), sort=False).set_index("channel")
    rows = to_pandas(attribution.credits(*frames, model=model, as_of=DAY))
    people = to_pandas(attribution.customer_credits(*frames, model=model, as_of=DAY))
    for table, name in ((rows, "credit"), (people, "conversions")):
        summed = table.groupby("channel")[name].sum()
        worth = table.groupby("channel")["value"].sum()
        zero = dict.fromkeys(whole.index, 0.0)
        assert {**zero, **summed.to_dict()} == pytest.approx(whole["conversions"].to_dict(), abs=1e-8)
        assert {**zero, **worth.to_dict()} == pytest.approx(whole["value"].to_dict(), abs=1e-8)
    if model != "participation" and len(rows):
        per_sale = rows.groupby(["customer_id", "converted_at"])["credit"].sum()
        assert np.allclose(per_sale, np.round(per_sale), atol=1e-9)


# ------------------------------------------------------------------------------------------- facts of every log


@pytest.fixture(scope="module")
def some_log():
    return simulated(np.random.default_rng(4), 400)


def simulated(chance, customers, channels=("ads", "direct", "mail", "video")):
    n = chance.poisson(2.5, customers)
    who = np.repeat(np.arange(customers), n)
    start = np.datetime64("2024-03-01", "us")
    seconds = chance.integers(0, 60 * 86_400, len(who))
    touches = pd.DataFrame(
        {
            "customer_id": who,
            "touched_at": start + seconds.astype("timedelta64[s]"),
            "channel": pd.Series(
                np.array(channels, dtype=object)[chance.integers(0, len(channels), len(who))], dtype="str"
            ),
        }
    )
    buyers = chance.choice(customers, customers // 2)
    sold = start + chance.integers(0, 70 * 86_400, len(buyers)).astype("timedelta64[s]")
    value = np.round(chance.gamma(2.0, 30.0, len(buyers)), 2)
    return touches, pd.DataFrame({"customer_id": buyers, "converted_at": sold, "value": value})


EVERY = (*attribution.ALL, "participation")


def everything(touches, sales, **options):
    given = {"models": EVERY, "as_of": DAY, "rng": rng(), "replicates": 2, **options}
    return attribution.attribute_all(touches, sales, **given)


def test_names_order_and_later_rows_change_nothing(some_log):
    touches, sales = some_log
    before = everything(touches, sales)
    shuffled = everything(touches.sample(frac=1, random_state=1), sales.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(before, shuffled, atol=1e-9)
    cut = dt.date(2024, 4, 10)
    late = [
        table.assign(**{name: table[name] + pd.Timedelta(days=200)})
        for table, name in ((touches, "touched_at"), (sales, "converted_at"))
    ]
    known = everything(touches[touches["touched_at"] < "2024-04-11"], sales[sales["converted_at"] < "2024-04-11"])
    full = everything(pd.concat([touches, late[0]]), pd.concat([sales, late[1]]), as_of=cut)
    pd.testing.assert_frame_equal(known, full, atol=1e-9)
    other = {"ads": "zebra", "direct": "(direct)", "mail": "A", "video": "李"}
    renamed = everything(touches.assign(channel=touches["channel"].map(other).astype("str")), sales)
    left = before.assign(channel=before["channel"].replace(other)).set_index(["model", "channel"])
    right = renamed.set_index(["model", "channel"]).loc[left.index]
    exact = ["conversions", "value", "share"]  # replicates are drawn in the order of the channels
    pd.testing.assert_frame_equal(left[exact], right[exact], atol=1e-8)


def test_a_doubled_log_has_doubled_credit(some_log):
    touches, sales = some_log
    again = [table.assign(customer_id=table["customer_id"] + 10_000) for table in some_log]
    once = everything(touches, sales).set_index(["model", "channel"])
    twice = everything(pd.concat([touches, again[0]]), pd.concat([sales, again[1]])).set_index(["model", "channel"])
    for name in ("conversions", "value"):
        assert twice[name].to_numpy() == pytest.approx(2.0 * once[name].to_numpy(), abs=1e-6)
    rules = [model for model in EVERY if not model.startswith("markov")]
    errors = [table.loc[rules, "conversions_se"].to_numpy() for table in (once, twice)]
    assert errors[1] == pytest.approx(np.sqrt(2.0) * errors[0], abs=1e-6)


def test_journeys_of_one_touch_are_equal_in_all_models(some_log):
    touches, _ = some_log
    single = touches.drop_duplicates("customer_id")
    sales = (
        single[::2].rename(columns={"touched_at": "converted_at"})[["customer_id", "converted_at"]].assign(value=2.0)
    )
    wide = attribution.side_by_side(everything(single, sales))
    assert wide["spread"].max() == pytest.approx(0.0, abs=1e-8)

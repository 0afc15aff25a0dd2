"""Journeys, paths and steps against a walk over every touch; timelines by hand; what each credit is made of."""

import datetime as dt
from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from crmkit import attribution, journeys
from tests.engines import to_engine, to_pandas

DAY = dt.date(2024, 6, 30)
START = pd.Timestamp("2024-03-01 08:00")

LOGS = st.tuples(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(0, 20), st.sampled_from(["ads", "mail", "tv"])), max_size=14
    ),
    st.lists(st.tuples(st.sampled_from("xyw"), st.integers(0, 20), st.integers(1, 9)), max_size=5),
)


def as_log(touched, sold):
    """Touches at eight of a day, conversions at noon."""
    touches = pd.DataFrame(
        {
            "customer_id": [who for who, _, _ in touched],
            "touched_at": [START + pd.Timedelta(days=day) for _, day, _ in touched],
            "channel": [name for _, _, name in touched],
        }
    )
    sales = pd.DataFrame(
        {
            "customer_id": [who for who, _, _ in sold],
            "converted_at": [START + pd.Timedelta(days=day, hours=4) for _, day, _ in sold],
            "value": [float(value) for _, _, value in sold],
        }
    )
    return (
        touches.astype({"customer_id": "str", "channel": "str", "touched_at": "datetime64[us]"}),
        sales.astype({"customer_id": "str", "converted_at": "datetime64[us]", "value": "float64"}),
    )


def by_hand(touched, sold, lookback, gap, shared):
    """Journeys as (customer, channels, conversions, value, days to convert), one by one."""
    found = []
    for who in sorted({row[0] for row in (*touched, *sold)}):
        own = sorted((day, name) for one, day, name in touched if one == who)
        sales = sorted({day for one, day, _ in sold if one == who})
        taken = set()
        for i, at in enumerate(sales):
            before = sales[i - 1] if i else -99
            inside = [k for k, (day, _) in enumerate(own) if at + 1 / 6 - lookback <= day <= at]
            inside = [k for k in inside if shared or own[k][0] > before]
            taken |= set(inside)
            worth = [value for one, day, value in sold if (one, day) == (who, at)]
            days = round(at + 1 / 6 - own[inside[0]][0], 6) if inside else None
            found.append((who, tuple(own[k][1] for k in inside), len(worth), float(sum(worth)), days))
        rest = [own[k] for k in range(len(own)) if k not in taken]
        parts = [[part for part in rest if a < part[0] <= b] for a, b in pairwise([-99, *sales, 99])]
        for part in parts:
            journey = part[:1]
            for before, later in pairwise(part):
                if gap is not None and later[0] - before[0] > gap:
                    found.append((who, tuple(name for _, name in journey), 0, 0.0, None))
                    journey = []
                journey.append(later)
            if journey:
                found.append((who, tuple(name for _, name in journey), 0, 0.0, None))
    return found


@settings(max_examples=30, deadline=None)
@given(LOGS, st.integers(1, 9), st.sampled_from([None, 2, 5]), st.booleans())
@example(
    ([("z", 0, "ads"), ("z", 2, "mail"), ("z", 5, "tv")], []), 1, 2, False
)  # a silence as long as the gap cuts not
def test_journeys_paths_and_steps_are_those_of_a_walk(log, lookback, gap, shared):
    tables = [to_engine("polars", table) for table in as_log(*log)]
    options = {"as_of": DAY, "lookback_days": lookback, "gap_days": gap, "sharing": "shared" if shared else "split"}
    expected = by_hand(*log, lookback, gap, shared)

    rows = to_pandas(journeys.journeys(*tables, **options), sort=False)
    got = []
    for (who, number), part in rows.groupby(["customer_id", "journey"]):
        one, names = part.iloc[0], tuple(part["channel"])
        assert number >= 1
        assert part["converted"].nunique() == part["value"].nunique() == 1
        names = () if names == ("(unattributed)",) else names
        assert part["place"].tolist() == (list(range(1, len(names) + 1)) or [0])
        assert (part["length"] == len(names)).all()
        assert one["converted"] == (one["conversions"] > 0)
        days = round(one["days_before"], 6) if names and one["converted"] else None
        got.append((who, names, int(one["conversions"]), one["value"], days))
    assert Counter(got) == Counter(expected)

    paths = to_pandas(journeys.paths(*tables, **options), sort=False)
    won, lost, worth, days = Counter(), Counter(), Counter(), Counter()
    for _, names, count, value, back in expected:
        if names:
            path = " > ".join(names)
            won[path] += count
            worth[path] += value
            lost[path] += count == 0
            days[path] += (back or 0.0) * count
    assert set(paths["path"]) == set(won)
    for row in paths.itertuples():
        assert (row.conversions, row.nulls) == (won[row.path], lost[row.path])
        assert row.value == pytest.approx(worth[row.path])
        assert row.conversion_rate == pytest.approx(won[row.path] / (won[row.path] + lost[row.path]))
        assert row.length == row.path.count(">") + 1
        if row.conversions:
            assert row.days_to_convert == pytest.approx(days[row.path] / won[row.path], abs=1e-5)
        else:
            assert np.isnan(row.days_to_convert)
    assert paths["conversions"].is_monotonic_decreasing

    steps = Counter()
    for _, names, count, _, _ in expected:
        times = max(count, 1)
        for a, b in pairwise(("(start)", *names, "(conversion)" if count else "(null)")) if names else ():
            steps[a, b] += times
    found = to_pandas(journeys.transitions(*tables, **options), sort=False)
    assert {(r.channel, r.next_channel): r.steps for r in found.itertuples()} == dict(steps)
    assert found.groupby("channel")["share"].sum().tolist() == pytest.approx([1.0] * found["channel"].nunique())


def test_top_paths_are_those_of_most_conversions():
    touched = [(str(i), 1, "ads" if i < 5 else "mail" if i < 8 else "tv") for i in range(9)]
    tables = as_log(touched, [(str(i), 2, 1) for i in range(9)])
    assert journeys.paths(*tables, as_of=DAY, top=2)[["path", "conversions"]].to_numpy().tolist() == [
        ["ads", 5],
        ["mail", 3],
    ]


def test_the_story_of_a_customer_by_hand():
    touches, _ = as_log([("x", 3, "mail"), ("x", 0, "ads"), ("x", 3, "direct"), ("y", 1, "tv")], [])
    told = touches.assign(campaign=["spring", None, "summer", "summer"], cost=[1.5, 2.0, 0.0, 9.0])
    rows = journeys.touch_timeline(told, as_of=DAY)
    assert rows["channel"].tolist() == ["ads", "direct", "mail", "tv"]  # of one time, by name
    assert rows[["place", "touches"]].to_numpy().tolist() == [[1, 3], [2, 3], [3, 3], [1, 1]]
    assert rows["days_since_first"].tolist() == [0.0, 3.0, 3.0, 0.0]
    assert rows["days_since_last"].fillna(-1).tolist() == [-1.0, 3.0, 0.0, -1.0]
    assert rows["cost"].tolist() == [2.0, 0.0, 1.5, 9.0]
    first = journeys.first_touch(told, as_of=dt.date(2024, 3, 3)).set_index("customer_id")
    assert first["first_channel"].to_dict() == {"x": "ads", "y": "tv"}
    assert first["touches"].to_dict() == {"x": 1, "y": 1}  # what came after the day was not known
    assert first["first_campaign"].isna().tolist() == [True, False]


# ------------------------------------------------------------------------------------------- credit, taken apart

RULES = ("first", "last", "last_non_direct", "linear", "position", "j_shaped", "inverse_j", "time_decay", "shapley")


@settings(max_examples=15, deadline=None)
@given(LOGS, st.sampled_from([*RULES, "participation"]))
@example(([("x", 1, "ads"), ("x", 2, "mail"), ("y", 1, "tv")], [("x", 3, 5), ("y", 3, 4)]), "time_decay")
@example(([("x", 1, "ads"), ("x", 2, "mail"), ("y", 1, "tv")], [("x", 3, 5), ("y", 3, 4)]), "linear")
def test_standard_errors_are_those_of_the_definition(log, model):
    """sqrt(sum c^2 - (sum c)^2 / n) over all n conversions, c what a channel has of each; its value likewise."""
    touched, sold = log
    sold = list({(who, day): (who, day, value) for who, day, value in sold}.values())  # one at a time
    tables = [to_engine("polars", table) for table in as_log(touched, sold)]
    rows = to_pandas(attribution.credits(*tables, model=model, as_of=DAY))
    found = to_pandas(attribution.attribute(*tables, model=model, as_of=DAY)).set_index("channel")
    for name, share in (("conversions", "credit"), ("value", "value")):
        for channel in found.index:
            own = rows[rows["channel"] == channel].groupby(["customer_id", "converted_at"])[share].sum().to_numpy()
            variance = (own**2).sum() - own.sum() ** 2 / max(len(sold), 1)
            # The square root of what rounding leaves of 0.
            assert found.loc[channel, f"{name}_se"] == pytest.approx(np.sqrt(max(variance, 0.0)), abs=1e-6), channel
            reach = 1.2815515655446004 * found.loc[channel, f"{name}_se"]
            ends = found.loc[channel, [f"{name}_low", f"{name}_high"]].tolist()
            middle = found.loc[channel, name]
            assert ends == pytest.approx([max(middle - reach, 0.0), middle + reach], abs=1e-7)


def test_credit_by_any_column_is_that_of_the_column_as_channel():
    touched = [("x", 1, "ads"), ("x", 2, "mail"), ("y", 3, "ads"), ("y", 4, "tv"), ("z", 3, "tv")]
    touches, sales = as_log(touched, [("x", 5, 2), ("y", 5, 3), ("w", 6, 4)])
    told = touches.assign(campaign=["spring", None, "summer", "spring", "summer"], landing_page=list("abaac"))
    for column in ("campaign", "landing_page"):
        renamed = touches.assign(channel=told[column].fillna("(none)").astype("str"))
        options = {"models": ["first", "linear", "time_decay", "markov_1"], "as_of": DAY, "replicates": 2}
        by, plain = (
            attribution.attribute_all(table, sales, rng=np.random.default_rng(1), **options, **more)
            for table, more in ((told, {"by": column}), (renamed, {}))
        )
        pd.testing.assert_frame_equal(by, plain)
        rows = attribution.credits(told, sales, model="linear", as_of=DAY, by=column)
        assert rows.groupby("channel")["credit"].sum().to_dict() == pytest.approx(
            by[(by["model"] == "linear") & (by["conversions"] > 0)].set_index("channel")["conversions"].to_dict()
        )


@pytest.mark.parametrize("lost", [True, False])
def test_a_channel_that_was_seen_once(lost):
    """Once on the way to a sale it earns its part of it, once on a way that led nowhere nothing; all stays finite."""
    touched = [(str(i), 1, name) for i in range(9) for name in ("ads", "mail")]
    sold = [(str(i), 5, 10) for i in range(4)]
    tables = as_log([*touched, ("8" if lost else "3", 2, "rare")], sold)
    many = attribution.attribute_all(*tables, as_of=DAY, rng=np.random.default_rng(1))
    assert not many.isna().any(axis=None)
    assert np.isfinite(many.select_dtypes("number")).all(axis=None)
    assert many.groupby("model")["conversions"].sum().tolist() == pytest.approx([4.0] * 12)
    rare = many[many["channel"] == "rare"].set_index("model")["conversions"]
    expected = {"first": 0.0, "last": 1.0, "linear": 1 / 3, "shapley": 1 / 3, "position": 0.4}
    assert rare[list(expected)].to_dict() == pytest.approx(dict.fromkeys(expected, 0.0) if lost else expected)
    # One of four sales is lost without it, all four without either other: 1/4 of 9/4.
    assert rare["markov_3"] == pytest.approx(0.0 if lost else 4.0 / 9.0)


def test_a_learned_worth_is_shared_over_all_orders():
    """The logistic regression by a general optimiser, the Shapley values by all orders of a journey's channels."""
    rng, names = np.random.default_rng(3), ("ads", "mail", "tv")
    kinds = [("ads",), ("mail",), ("ads", "mail"), ("ads", "mail", "tv"), ("tv",), ("mail", "tv")]
    chances = dict(zip(kinds, (0.2, 0.3, 0.6, 0.8, 0.1, 0.4), strict=True))
    people = [kinds[i] for i in rng.integers(0, len(kinds), 300)]
    won = [rng.random() < chances[kind] for kind in people]
    touched = [(str(i), 1 + k, name) for i, kind in enumerate(people) for k, name in enumerate(kind)]
    tables = as_log(touched, [(str(i), 9, 1) for i in range(300) if won[i]])
    found = attribution.attribute(*tables, model="shapley_learned", as_of=DAY).set_index("channel")["conversions"]

    held = np.array([[name in kind for name in names] for kind in people], dtype=float)
    sign = np.where(won, 1.0, -1.0)

    def loss(theta):
        return np.logaddexp(0.0, -sign * (theta[0] + held @ theta[1:])).sum() + 0.5 * (theta[1:] ** 2).sum()

    theta = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    expected = dict.fromkeys(names, 0.0)
    for kind, count in Counter(kind for kind, sold in zip(people, won, strict=True) if sold).items():
        gains = dict.fromkeys(kind, 0.0)
        orders = list(permutations(kind))
        for order in orders:
            eta = theta[0]
            for name in order:
                gains[name] += (expit(eta + theta[1 + names.index(name)]) - expit(eta)) / len(orders)
                eta += theta[1 + names.index(name)]
        positive = {name: max(gain, 0.0) for name, gain in gains.items()}
        total = sum(positive.values())
        for name in kind:
            expected[name] += count * (positive[name] / total if total else 1.0 / len(kind))
    assert found[list(names)].to_dict() == pytest.approx(expected, abs=1e-4)  # where the optimiser stopped

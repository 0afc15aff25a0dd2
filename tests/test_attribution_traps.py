"""Errors of attribution hold what they say; the traps of real logs one by one."""

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import attribution, journeys
from crmkit.attribution import credit, given_paths
from crmkit.attribution.models import models_of
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.journeys import chunks
from tests import engines

DAY = dt.date(2024, 6, 30)


def rng():
    return np.random.default_rng(5)


def a_log(rows, sales):
    touches = pd.DataFrame(rows, columns=["customer_id", "touched_at", "channel"])
    sold = pd.DataFrame(sales, columns=["customer_id", "converted_at"])
    return (
        touches.assign(touched_at=pd.to_datetime(touches["touched_at"], format="ISO8601")),
        sold.assign(converted_at=pd.to_datetime(sold["converted_at"], format="ISO8601")),
    )


def credited(touches, sales, model="last", **options):
    found = attribution.attribute(touches, sales, model=model, as_of=DAY, **options)
    return {name: n for name, n in zip(found["channel"], found["conversions"], strict=True) if n}


# ------------------------------------------------------------------------------------------- errors are what they say

SHARES = {"A > B": 0.3, "B": 0.3, "A > C > B": 0.25, "C > C": 0.15}
NULLS = {"A > B": 0.2, "B": 0.5, "C": 0.3}


def drawn(chance, base, names, n=1000):
    """Paths of a sample of customers, two in five of whom convert."""
    sold = chance.binomial(n, 0.4)
    won = chance.multinomial(sold, [SHARES.get(name, 0.0) for name in names]).astype(float)
    none = chance.multinomial(n - sold, [NULLS.get(name, 0.0) for name in names]).astype(float)
    paths = replace(base.paths, conversions=won, nulls=none, values=won)
    return replace(base, paths=paths, squares=won, conversions=won.sum(), value=won.sum(), square=won.sum())


@pytest.mark.parametrize(
    ("model", "logs", "within"), [("linear", 400, 0.03), ("shapley", 400, 0.03), ("markov_1", 300, 0.05)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(model, logs, within):
    chance, names = np.random.default_rng(17), sorted({*SHARES, *NULLS})
    counts = [(name, 4e6 * SHARES.get(name, 0.0), 6e6 * NULLS.get(name, 0.0)) for name in names]
    whole = pd.DataFrame(counts, columns=["path", "conversions", "nulls"])
    truth = attribution.attribute_paths(whole, models=model, replicates=2, rng=chance)["share"].to_numpy()[1:]
    base, held, shares, said = given_paths.tally_of_paths(whole, ">"), [], [], []
    for _ in range(logs):
        tally = drawn(chance, base, names)
        found = credit.credits_of_tally(models_of([model]), tally, credit.Chance(0.8, 50, chance), {})
        table = {name: own[1:] for name, own in credit.credit_columns(found, 0.8, named=False).items()}
        # Credit is that of the conversions there were: what is estimated is how they are shared.
        low, high, error = (table[f"conversions_{end}"] / tally.conversions for end in ("low", "high", "se"))
        held.append((low <= truth) & (truth <= high))
        shares.append(table["share"])
        said.append(error)
    # Three channels of one log are not independent: .80 has a standard error of about .014 over 400 logs and .016 over
    # 300. Over 1000 logs Markov's intervals held .789.
    assert np.mean(held) == pytest.approx(0.8, abs=within)
    # A spread over 300 logs is known to 4 %.
    assert np.mean(said, axis=0) == pytest.approx(np.std(shares, axis=0, ddof=1), rel=0.15)


# ------------------------------------------------------------------------------------------- traps


def test_touches_of_one_time_have_a_stated_order():
    rows = [("x", "2024-03-01", "b"), ("x", "2024-03-01", "a")]
    touches, sales = a_log(rows, [("x", "2024-03-02")])
    assert credited(touches, sales) == {"b": 1.0}
    assert credited(touches.assign(touch_id=["1", "2"]), sales) == {"a": 1.0}


def test_a_touch_after_the_conversion_does_not_count_and_one_at_its_time_does():
    rows = [("x", "2024-03-01 10:00", "a"), ("x", "2024-03-01 10:00:00.000001", "b")]
    assert credited(*a_log(rows, [("x", "2024-03-01 10:00")])) == {"a": 1.0}
    assert credited(*a_log(rows, [("x", "2024-03-01 09:59")])) == {"(unattributed)": 1.0}


def test_a_conversion_given_as_a_date_is_at_the_end_of_its_day():
    touches, stamps = a_log([("x", "2024-03-01 23:59", "a"), ("x", "2024-03-02 00:00", "b")], [("x", "2024-03-01")])
    dates = stamps.assign(converted_at=[dt.date(2024, 3, 1)])
    # The window is that of the day, too: a touch at the beginning of the day 30 days before is in it.
    early, _ = a_log([("x", "2024-01-31 00:00", "a")], [("x", "2024-03-01")])
    # pandas keeps dates as stamps at midnight.
    for sales in (dates, stamps):
        assert credited(touches, sales) == {"a": 1.0}
        assert credited(early, sales) == {"a": 1.0}
    _, second = a_log([], [("x", "2024-03-01 00:00:01")])
    assert credited(touches, second) == {"(unattributed)": 1.0}


def test_whether_a_conversion_is_a_date_is_told_row_by_row():
    rows = [("x", "2024-03-01 12:00", "a"), ("y", "2024-03-01 08:00", "b"), ("y", "2024-03-01 12:00", "c")]
    touches, sales = a_log([*rows, ("y", "2024-02-29 00:00", "d")], [("x", "2024-03-01"), ("y", "2024-03-01 10:00")])
    assert credited(touches, sales) == {"a": 1.0, "b": 1.0}
    rows = attribution.credits(touches, sales, model=attribution.TimeDecay(half_life_days=1), as_of=DAY)
    # The clock of decay runs to the beginning of a day, and to the time of a stamp.
    assert dict(zip(rows["channel"], rows["credit"], strict=True))["d"] == pytest.approx(1 / (1 + 2 ** (32 / 24)))
    whole, noon = a_log([("x", "2024-02-29 00:00", "d"), ("x", "2024-03-01 12:00", "a")], [("x", "2024-03-01")])
    given = attribution.credits(whole, noon, model=attribution.TimeDecay(half_life_days=1), as_of=DAY)
    assert given["credit"].tolist() == pytest.approx([1 / 3, 2 / 3])
    # A stamp earlier on the day of a date comes first, and cuts its journey.
    _, both = a_log([], [("x", "2024-03-01"), ("x", "2024-03-01 11:00")])
    later, _ = a_log([("x", "2024-03-01 10:00", "a"), ("x", "2024-03-01 12:00", "b")], [])
    assert credited(later, both) == {"a": 1.0, "b": 1.0}


def test_direct_traffic_is_the_same_whatever_its_case_and_whoever_asks():
    touches, sales = a_log([("x", "2024-03-01", "Mail"), ("x", "2024-03-02", "dIRECT web")], [("x", "2024-03-03")])
    for name in ("Direct Web", "direct web", "DIRECT WEB"):
        model = attribution.LastNonDirect(direct=(name,))
        assert credited(touches, sales, model) == {"Mail": 1.0}
        rows = attribution.credits(touches, sales, model=model, as_of=DAY)
        assert rows["credit"].tolist() == [1.0, 0.0]


def test_several_conversions_cut_each_others_journeys_unless_shared():
    rows = [("x", "2024-03-01", "a"), ("x", "2024-03-05", "b")]
    sales = [("x", "2024-03-02"), ("x", "2024-03-06"), ("x", "2024-03-07")]
    assert credited(*a_log(rows, sales), model="first") == {"a": 1.0, "b": 1.0, "(unattributed)": 1.0}
    assert credited(*a_log(rows, sales), model="first", sharing="shared") == {"a": 3.0}


def test_conversions_of_one_time_share_their_journey():
    touches, sales = a_log([("x", "2024-03-01", "a")], [("x", "2024-03-02")] * 3)
    assert credited(touches, sales) == {"a": 3.0}
    assert len(journeys.journeys(touches, sales, as_of=DAY)) == 1


def test_separators_in_names_of_channels():
    touches, sales = a_log([("x", "2024-03-01", "a > b"), ("x", "2024-03-02", "b")], [("x", "2024-03-03")])
    assert credited(touches, sales, model="linear") == {"a > b": 0.5, "b": 0.5}
    with pytest.raises(DomainError, match="stands in the name of a channel, 'a > b'"):
        journeys.paths(touches, sales, as_of=DAY)
    table = journeys.paths(touches, sales, as_of=DAY, separator=" | ")
    assert table["path"].tolist() == ["a > b | b"]
    again = attribution.attribute_paths(table, models="linear", separator="|")
    assert again["conversions"].tolist() == [0.0, 0.5, 0.5]


def test_paths_with_an_empty_place_are_refused_and_lists_are_taken():
    with pytest.raises(SchemaError, match=r"1 places hold no channel \(first: 'a >  > b'\)"):
        attribution.attribute_paths(pd.DataFrame({"path": ["a", "a >  > b"], "conversions": [1, 1]}), models="last")
    lists = pd.DataFrame({"path": [["a>", "b"], ["b"], []], "conversions": [1, 2, 4]})
    found = attribution.attribute_paths(lists, models="first")
    assert found["conversions"].tolist() == [4.0, 1.0, 2.0]
    with pytest.raises(SchemaError, match=r"2 of 2 cells are neither a text nor a list \(first: 1\)"):
        attribution.attribute_paths(pd.DataFrame({"path": [1, 2], "conversions": [1, 1]}), models="first")
    holes = pd.DataFrame({"path": [["a"], ["b", None]], "conversions": [1, 2]})
    with pytest.raises(SchemaError, match="1 places hold no channel"):
        attribution.attribute_paths(holes, models="first")


@given(
    st.lists(st.text(" >-ab\u3000", max_size=7), min_size=1, max_size=6),
    st.sampled_from([">", "->", ">>", " > ", "> "]),
)
def test_paths_are_split_as_one_would_split_each_by_itself(paths, separator):
    """Ends of one path and the beginning of the next, both full of pieces of separators, never make a touch."""
    parts = [[name.strip() for name in path.split(separator)] if path.strip() else [] for path in paths]
    table = pd.DataFrame({"path": pd.Series(paths, dtype="str"), "conversions": 1})
    if any("" in own for own in parts):
        with pytest.raises(SchemaError, match="hold no channel"):
            given_paths.tally_of_paths(table, separator)
        return
    found = given_paths.tally_of_paths(table, separator)
    names = found.channels[found.paths.codes].tolist()
    ends = found.paths.starts.tolist()
    assert [names[a:b] for a, b in pairwise(ends)] == [own for own in parts if own]
    assert found.channels.tolist() == sorted({name for own in parts for name in own})


def test_two_hundred_channels_and_long_journeys():
    chance = np.random.default_rng(2)
    rows = [
        (who, f"2024-03-{1 + i // 24:02d} {i % 24:02d}:00", f"c{chance.integers(200):03d}")
        for who in range(60)
        for i in range(int(chance.integers(1, 90)))
    ]
    touches, sales = a_log(rows, [(who, "2024-03-20") for who in range(0, 60, 2)])
    found = attribution.attribute_all(
        touches,
        sales,
        models=["first", "linear", "shapley", "markov_1", "markov_200"],
        as_of=DAY,
        rng=rng(),
        replicates=2,
    )
    sums = found.groupby("model")["conversions"].sum()
    assert sums.tolist() == pytest.approx([30.0] * 5, abs=1e-6)
    own = touches[touches["customer_id"] % 2 == 0]
    first = own.sort_values(["customer_id", "touched_at"]).drop_duplicates("customer_id")["channel"].value_counts()
    told = found[found["model"] == "first"].set_index("channel")["conversions"]
    assert told[told > 0].to_dict() == first.to_dict()
    # With an order beyond the longest path the effect of a channel is the share of conversions whose path holds it.
    held = own.drop_duplicates(["customer_id", "channel"])["channel"].value_counts()
    chain = found[found["model"] == "markov_200"].set_index("channel")["conversions"]
    assert chain[held.index].to_numpy() == pytest.approx((held / held.sum() * 30.0).to_numpy(), abs=1e-6)


def test_without_conversions_or_without_touches_all_is_finite():
    touches, sales = a_log([("x", "2024-03-01", "a")], [("y", "2024-03-02")])
    for t, s in ((touches, sales[:0]), (touches[:0], sales), (touches[:0], sales[:0])):
        found = attribution.attribute_all(t, s.assign(value=1.0), as_of=DAY, rng=rng(), replicates=2)
        assert not found.isna().any(axis=None)
        assert found.groupby("model")["conversions"].sum().tolist() == [float(len(s))] * 12


def test_where_all_converted():
    touches, sales = a_log(
        [("x", "2024-03-01", "a"), ("y", "2024-03-01", "b")], [("x", "2024-03-02"), ("y", "2024-03-02")]
    )
    assert credited(touches, sales, model="markov_1", rng=rng()) == {"a": 1.0, "b": 1.0}
    with pytest.raises(FitError, match="journeys that did not"):
        credited(touches, sales, model="shapley_learned")


def test_milestones():
    touches, sales = a_log(
        [("x", f"2024-03-0{i + 1}", name) for i, name in enumerate("abcd")],
        [("x", "2024-03-02 12:00"), ("x", "2024-03-03 12:00"), ("x", "2024-03-05")],
    )
    marked = sales.assign(milestone=["lead", "opportunity", None])
    assert credited(touches, marked, model="w_shaped") == pytest.approx({"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.1})
    assert credited(touches, marked, model="full_path") == pytest.approx({"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25})
    assert credited(touches, marked, model="u_shaped_marketo") == {"a": 0.5, "b": 0.5}
    shouted = sales.assign(milestone=["Lead ", "OPPORTUNITY", None])
    assert credited(touches, shouted, model="full_path") == credited(touches, marked, model="full_path")
    assert credited(touches, shouted) == {"d": 1.0}
    # Without an opportunity its 30 % go to the others in proportion: 30, 30 and 10 of 70.
    lead = marked[marked["milestone"].fillna("") != "opportunity"]
    rest = 0.05 / 0.7
    assert credited(touches, lead, model="w_shaped") == pytest.approx({"a": 3 / 7, "b": 3 / 7, "c": rest, "d": rest})


def test_identities_are_followed_through_chains_and_circles_are_refused():
    touches, _ = a_log([("cookie", "2024-03-01", "a"), ("mail", "2024-03-02", "b"), ("7", "2024-03-03", "c")], [])
    known = pd.DataFrame({"alias_id": ["cookie", "mail"], "customer_id": ["mail", "7"]})
    assert journeys.stitch_identities(touches, known)["customer_id"].tolist() == ["7"] * 3
    circle = pd.DataFrame({"alias_id": ["cookie", "mail", "7"], "customer_id": ["mail", "7", "cookie"]})
    with pytest.raises(SchemaError, match="3 ids stand for each other in a circle"):
        journeys.stitch_identities(touches, circle)
    twice = pd.DataFrame({"alias_id": ["cookie", "cookie"], "customer_id": ["mail", "7"]})
    with pytest.raises(SchemaError, match="1 ids stand for several"):
        journeys.stitch_identities(touches, twice)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "best"}, "There is no model 'best'"),
        ({"model": "markov"}, "There is no model 'markov'; expected one of .*, markov_1, markov_2, markov_3"),
        ({"model": "markov_01"}, "There is no model 'markov_01'"),
        ({"model": "markov_1"}, "give rng="),
        ({"lookback_days": 0}, "lookback_days must be above 0"),
        ({"gap_days": -1, "model": "markov_1", "rng": np.random.default_rng(1)}, "gap_days must be above 0"),
        ({"sharing": "both"}, 'sharing must be "split" or "shared"'),
        ({"level": 1.0}, "level must be above 0 and below 1"),
        ({"level": "0.9"}, "level must be above 0 and below 1, got '0.9'"),
        ({"lookback_days": float("inf")}, "at most 365,250 .*, or None for no limit, got inf"),
        ({"lookback_days": "30"}, "lookback_days must be above 0"),
        ({"gap_days": 1e300}, "gap_days must be above 0 and at most 365,250"),
        ({"gap_days": float("nan")}, "gap_days must be above 0"),
        ({"replicates": 1}, "replicates must be a whole number from 2"),
        ({"replicates": 2.5}, "replicates must be a whole number from 2 to 100000, got 2.5"),
        ({"rng": 5}, "rng must be a numpy Generator, .* got 5"),
        ({"by": "campaign"}, "touches.campaign: the column is missing"),
    ],
)
def test_what_is_refused_is_named(options, said):
    touches, sales = a_log([("x", "2024-03-01", "a")], [("x", "2024-03-02")])
    with pytest.raises((DomainError, SchemaError), match=said):
        attribution.attribute(touches, sales, **{"model": "last", "as_of": DAY, **options})


def test_a_markov_chain_has_no_credit_of_single_conversions():
    touches, sales = a_log([("x", "2024-03-01", "a")], [("x", "2024-03-02")])
    with pytest.raises(DomainError, match="markov_1 gives no credit to single conversions"):
        attribution.credits(touches, sales, model="markov_1", as_of=DAY)


def test_a_game_of_the_callers_own():
    touches, sales = a_log(
        [("x", "2024-03-01", "a"), ("x", "2024-03-02", "b"), ("y", "2024-03-01", "a")],
        [("x", "2024-03-03"), ("y", "2024-03-03")],
    )

    def worth(masks, names):
        return masks @ np.array([1.0, 3.0])

    assert credited(touches, sales, model=attribution.WorthShapley(worth)) == pytest.approx({"a": 0.5, "b": 1.5})


# ------------------------------------------------------------------------------------------- blocks change nothing


@pytest.mark.parametrize("keys", [1, 7])
def test_paths_are_the_same_in_blocks_of_any_size(keys, monkeypatch):
    chance = np.random.default_rng(8)
    who = np.repeat(np.arange(60), chance.integers(1, 60, 60))  # some of one key, some of four
    at = np.datetime64("2024-03-01", "us") + chance.integers(0, 60 * 86_400, len(who)).astype("timedelta64[s]")
    names = np.array(["ads", "direct", "mail", "video", "fair"], dtype=object)[chance.integers(0, 5, len(who))]
    touches = pd.DataFrame({"customer_id": who, "touched_at": at, "channel": pd.Series(names, dtype="str")})
    sales = touches.groupby("customer_id")["touched_at"].median()[::3].rename("converted_at").reset_index()
    given = {"as_of": DAY, "lookback_days": None}
    models = [*attribution.ALL, "shapley_learned"]

    def answers():
        credit = attribution.attribute_all(touches, sales, models=models, rng=rng(), replicates=2, **given)
        return journeys.paths(touches, sales, **given), credit

    whole = answers()
    monkeypatch.setattr(chunks, "_BLOCK", keys)
    for block, one in zip(answers(), whole, strict=True):
        pd.testing.assert_frame_equal(block, one, check_exact=True)
    assert whole[0]["length"].max() > 2 * chunks.touches_per_key(3)  # journeys of three keys
    assert (whole[0]["length"] == 1).any()


@pytest.mark.parametrize("gap_days", [None, 400.0])
def test_journeys_of_one_customer_are_drawn_together(gap_days):
    """Four journeys of each of 100 customers say as much as 100 journeys: the error is twice that of 400 customers."""

    def error(customers, journeys_each):
        who = np.repeat(np.arange(customers), journeys_each)
        month = np.tile(np.arange(journeys_each), customers) * 40
        at = np.datetime64("2024-01-02", "us") + month.astype("timedelta64[D]")
        channel = np.where(who % 2 == 0, "ads", "mail").astype(object)
        touches = pd.DataFrame({"customer_id": who, "touched_at": at, "channel": pd.Series(channel, dtype="str")})
        sold = touches.assign(converted_at=touches["touched_at"] + pd.Timedelta(hours=5))
        given = {"as_of": DAY, "gap_days": gap_days, "replicates": 400, "rng": rng()}
        found = attribution.attribute(touches, sold[["customer_id", "converted_at"]], model="markov_1", **given)
        assert found["conversions"].tolist() == pytest.approx([0.0, 200.0, 200.0])
        return found["conversions_se"].to_numpy()[1:]

    # The error of an error from 400 replicates is 1 in 28; of a ratio of two, 1 in 20; three of them.
    assert error(100, 4) / error(400, 1) == pytest.approx([2.0, 2.0], rel=0.15)


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
@pytest.mark.parametrize(("touched", "sold"), [("int64", "float64"), ("float64", "str"), ("int32", "int64")])
def test_customers_7_and_7_point_0_are_one(engine, touched, sold):
    who = pd.Series([7, 8, 9])
    touches = pd.DataFrame({"customer_id": who, "touched_at": pd.Timestamp("2024-01-01"), "channel": "mail"})
    sales = pd.DataFrame({"customer_id": who, "converted_at": pd.Timestamp("2024-01-05")})
    tables = (touches.astype({"customer_id": touched}), sales.astype({"customer_id": sold}))
    taken = [engines.to_engine(engine, table) for table in tables]
    found = engines.to_pandas(attribution.attribute(*taken, model="last", as_of=dt.date(2024, 1, 31)))
    assert found.set_index("channel")["conversions"].to_dict() == {"(unattributed)": 0.0, "mail": 3.0}

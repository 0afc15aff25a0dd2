"""Returns of channels, the worth of the customers they bring, budgets: worked examples, intervals, odd tables."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from crmkit import attribution
from crmkit.errors import DomainError, SchemaError
from tests import engines


def credit(rows, columns=("channel", "conversions", "conversions_se", "value", "value_se")):
    return pd.DataFrame(rows, columns=list(columns))


def costs(**spent):
    return pd.DataFrame({"channel": list(spent), "cost": [float(cost) for cost in spent.values()]})


def returns(table, spent, **options):
    return attribution.channel_returns(table, spent, **options).set_index("channel")


# ---------------------------------------------------------------------------------- what channels return


@pytest.mark.parametrize(
    ("cost", "leads", "deals", "value", "expected"),
    [
        (10_000, 50, 10, 500_000, {"roas": 50.0, "roi": 49.0, "cpl": 200.0, "cac": 1000.0}),
        (80_000, 100, 10, 220_000, {"roas": 2.75, "roi": 1.75}),
        (120_000, 100, 10, 450_000, {"roas": 3.75, "roi": 2.75}),
        (28_000, 100, 10, 1, {"cpl": 280.0}),
        (21_000, 100, 10, 1, {"cpl": 210.0}),
    ],
)
def test_worked_examples(cost, leads, deals, value, expected):
    table = credit([("ads", float(deals), float(value))], ("channel", "conversions", "value"))
    found = returns(table, costs(ads=cost), leads=pd.DataFrame({"channel": ["ads"], "leads": [leads]})).loc["ads"]
    assert {name: found[name] for name in expected} == expected
    assert found["basis"] == "average, not marginal, not causal"
    assert found[["roas_low", "cpl_low", "cac_high"]].isna().all()  # no standard errors, no intervals


def test_intervals_are_those_of_the_credit_divided():
    table = credit([("ads", 100.0, 10.0, 5000.0, 600.0)])
    leads = credit([("ads", 400.0, 20.0, 0.0, 0.0)])
    found = returns(table, costs(ads=1000.0), leads=leads, level=0.9).loc["ads"]
    z = 1.6448536269514722  # normal quantile of .95
    expected = {
        "roas_low": (5000 - z * 600) / 1000,
        "roas_high": (5000 + z * 600) / 1000,
        "roi_low": (5000 - z * 600) / 1000 - 1,
        "cac_low": 1000 / (100 + z * 10),
        "cac_high": 1000 / (100 - z * 10),
        "cpl_low": 1000 / (400 + z * 20),
        "cpl_high": 1000 / (400 - z * 20),
    }
    # Money has 6 decimals.
    np.testing.assert_allclose([found[name] for name in expected], list(expected.values()), atol=1e-6)


def test_the_intervals_hold_what_they_promise():
    rng = np.random.default_rng(5)
    runs, people, chance, mean = 3000, 20_000, 0.03, 80.0
    rows = []
    for run in range(runs):  # a channel of its own each
        paid = rng.gamma(2.0, mean / 2.0, rng.binomial(people, chance))
        won, value = float(len(paid)), float(paid.sum())
        # Errors of sums over people, those without a conversion included: what attribution states for its rule models.
        errors = [np.sqrt(square - total**2 / people) for square, total in ((won, won), (paid @ paid, value))]
        rows.append((f"c{run}", won, errors[0], value, errors[1]))
    found = returns(credit(rows), costs(**{name: 1000.0 for name, *_ in rows}))
    for name, true in {"roas": people * chance * mean / 1000.0, "cac": 1000.0 / (people * chance)}.items():
        held = ((found[f"{name}_low"] <= true) & (true <= found[f"{name}_high"])).mean()
        # 80 % intervals; the share of 3000 has a standard error of .7 points, whole numbers of conversions one more.
        assert 0.775 <= held <= 0.825, (name, held)


def test_channels_of_any_table_stay_and_nothing_is_infinite():
    table = credit(
        [
            ("direct", 5.0, 2.0, 50.0, 20.0),
            ("free", 4.0, 3.5, 40.0, 19.0),
            ("ads", 2.0, 1.9, 20.0, 19.0),
            ("none", 0.0, 0.0, 0.0, 0.0),
        ]
    )
    leads = pd.DataFrame({"channel": ["fair", "ads", "tv"], "leads": [3, 0, 4]})
    found = returns(table, costs(free=0, ads=100, tv=60, none=10), leads=leads)
    assert list(found.index) == ["ads", "direct", "fair", "free", "none", "tv"]
    numbers = found.select_dtypes("number").to_numpy()
    assert not np.isinf(numbers).any()
    assert found.loc["tv", ["cost", "conversions", "value", "roas", "roi", "cpl"]].tolist() == [60, 0, 0, 0, -1, 15]
    assert found.loc["tv", ["roas_low", "roas_high", "cac", "cac_low", "cac_high"]].isna().all()
    assert found.loc["none", ["roas", "roas_low", "roas_high"]].tolist() == [0.0, 0.0, 0.0]
    assert found.loc["direct", ["cost", "roas", "roi", "cpl", "cac"]].isna().all()
    assert found.loc["free", ["roas", "roi"]].isna().all()
    assert found.loc["free", ["cpl"]].isna().all()
    assert found.loc["free", ["cac", "cac_low", "cac_high"]].fillna(-1).tolist() == [0.0, 0.0, -1.0]
    # 2 - 1.28 x 1.9 is below 0: the highest cost per customer has no end.
    assert found.loc["ads", "cac_low"] > 0
    assert np.isnan(found.loc["ads", "cac_high"])
    assert found["note"].tolist() == [
        "No leads: no CPL.",
        "No cost on record: no ratios.",
        "No cost on record: no ratios.",
        "Cost 0: no ROAS, no ROI. No leads: no CPL.",
        "No conversions credited: no CAC. No leads: no CPL.",
        "No conversions credited: no CAC.",
    ]
    assert returns(table, costs(tv=60), locale="zh").loc["tv", "note"] == "未归因到任何转化：无 CAC。"


def test_the_range_over_models_stands_beside_each():
    rows = [
        ("ads", "first", 10.0, 1.0, 100.0, 10.0),
        ("ads", "last", 20.0, 2.0, 300.0, 20.0),
        ("tv", "last", 5.0, 1.0, 50.0, 9.0),
    ]
    table = credit(rows, ("channel", "model", "conversions", "conversions_se", "value", "value_se"))
    leads = pd.DataFrame({"channel": ["ads"], "leads": [40]})
    found = attribution.channel_returns(table, costs(ads=100, tv=10), leads=leads).set_index(["channel", "model"])
    assert len(found) == 4  # tv has no credit by the first model: 0
    for model in ("first", "last"):
        row = found.loc[("ads", model)]
        pairs = [row[[f"{name}_lowest", f"{name}_highest"]].tolist() for name in ("roas", "roi", "cac", "cpl")]
        assert pairs == [[1.0, 3.0], [0.0, 2.0], [5.0, 10.0], [2.5, 2.5]]
    assert found.loc[("tv", "first"), ["roas", "roas_lowest", "roas_highest"]].tolist() == [0.0, 0.0, 5.0]
    assert found.loc[("tv", "first"), ["cac_lowest", "cac_highest"]].tolist() == [2.0, 2.0]
    per_model = credit([("ads", "first", 8.0)], ("channel", "model", "conversions"))
    with pytest.raises(DomainError, match="leads has models and credit has none"):
        attribution.channel_returns(table.drop(columns="model")[1:], costs(ads=1), leads=per_model)


def test_costs_count_by_their_days_in_the_period():
    table = credit([("ads", 10.0, 100.0)], ("channel", "conversions", "value"))
    spent = pd.DataFrame(
        {
            "channel": ["ads", "ads", "ads", "tv"],
            "cost": [310.0, 300.0, 7.0, 50.0],
            "period_start": pd.to_datetime(["2024-03-01", "2024-04-01", "2024-06-01", "2024-01-01"]),
            "period_end": pd.to_datetime(["2024-03-31", "2024-04-30", "2024-06-30", "2024-01-31"]),
        }
    )
    every = returns(table, spent)
    said = "Costs of 2024-01-01 to 2024-06-30: the credit must be of these days, else give period."
    assert every["note"].str.contains(said, regex=False).tolist() == every["cost"].notna().tolist()
    assert "2024-06-30" in " ".join(returns(table, spent, locale="zh")["note"])
    period = (dt.date(2024, 3, 22), dt.date(2024, 4, 1))  # 10 of 31 days, 1 of 30
    found = returns(table, spent, period=period)["cost"]
    assert found.to_dict() == {"ads": 110.0, "tv": 0.0}
    assert returns(table, spent)["cost"].to_dict() == {"ads": 617.0, "tv": 50.0}
    whole = returns(table, spent, period=(dt.date(2024, 1, 1), dt.date(2024, 12, 31)))["cost"]
    assert not returns(table, spent, period=period)["note"].str.contains("Costs of").any()
    assert whole.to_dict() == {"ads": 617.0, "tv": 50.0}
    with pytest.raises(SchemaError, match=r"^costs: 1 of 4 rows lack period_start or period_end; with period"):
        returns(table, spent.assign(period_end=spent["period_end"].where(spent.index > 0)), period=period)
    swapped = spent.rename(columns={"period_start": "period_end", "period_end": "period_start"})
    with pytest.raises(SchemaError, match=r"^costs: 4 of 4 rows end before they begin"):
        returns(table, swapped, period=period)
    with pytest.raises(SchemaError, match=r"^costs: column 'period_start' is missing; a period needs the days"):
        returns(table, costs(ads=1), period=period)
    with pytest.raises(DomainError, match=r"^period must begin before it ends, got 2024-04-01 to 2024-03-22\."):
        returns(table, spent, period=period[::-1])


def test_a_channel_that_stands_twice_is_refused():
    table = credit([("ads", 10.0, 100.0), ("ads", 1.0, 5.0)], ("channel", "conversions", "value"))
    with pytest.raises(SchemaError, match=r"^credit\.channel: 1 channels stand in more than one row \(first: 'ads'\)"):
        returns(table, costs(ads=1))


def test_missing_numbers_are_null_not_nan_in_every_library():
    import polars as pl

    table = credit([("direct", 5.0, 50.0)], ("channel", "conversions", "value"))
    found = attribution.channel_returns(*(engines.to_engine("polars", t) for t in (table, costs(tv=1))))
    numbers = found.select(pl.selectors.float())
    assert sum(numbers[name].is_nan().fill_null(False).sum() for name in numbers.columns) == 0
    assert found["roas"].null_count() == 1
    arrow = attribution.channel_returns(*(engines.to_engine("pyarrow", t) for t in (table, costs(tv=1))))
    assert arrow["roas"].null_count == 1


# ------------------------------------------------------------------------------------------------ channel_quality


def test_quality_by_hand():
    touched = pd.DataFrame({"customer_id": list("abcdef"), "channel": ["ads", "ads", "ads", "tv", None, "tv"]})
    worth = pd.DataFrame({"customer_id": list("abdgh"), "value": [10.0, 20.0, 7.0, 1.0, 0.0]})
    found = attribution.channel_quality(touched, worth, costs=costs(ads=15, fair=9)).set_index("channel")
    assert found["customers"].to_dict() == {"(unattributed)": 3, "ads": 3, "fair": 0, "tv": 2}
    assert found["buyers"].to_dict() == {"(unattributed)": 1, "ads": 2, "fair": 0, "tv": 1}
    assert found["value"].to_dict() == {"(unattributed)": 1.0, "ads": 30.0, "fair": 0.0, "tv": 7.0}
    assert found["share"].to_dict() == {"(unattributed)": 0.375, "ads": 0.375, "fair": 0.0, "tv": 0.25}
    ads = found.loc["ads"]
    names = ["mean_value", "value_per_buyer", "cost", "cost_per_customer", "value_per_cost", "net_value"]
    assert ads[names].tolist() == [10.0, 15.0, 15.0, 5.0, 2.0, 15.0]
    # Mean 10, sd 10, n 3: Student's t of two degrees at .9 is 1.8856; the low end would be below 0.
    assert ads["mean_value_high"] == pytest.approx(10.0 + 1.885618083164127 * 10.0 / np.sqrt(3.0), abs=1e-6)
    assert ads["mean_value_low"] == 0.0
    assert ads["value_per_cost_high"] == pytest.approx(ads["mean_value_high"] * 3 / 15, abs=1e-6)
    assert found.loc["tv", ["cost", "cost_per_customer", "value_per_cost", "net_value"]].isna().all()
    assert found.loc["fair", ["value_per_cost", "net_value"]].tolist() == [0.0, -9.0]
    assert found.loc["fair", ["mean_value", "buyer_share", "cost_per_customer"]].isna().all()


def test_the_table_of_first_touches_is_taken_as_it_comes():
    touched = pd.DataFrame({"customer_id": list("ab"), "first_channel": ["ads", "tv"], "touches": [3, 1]})
    worth = pd.DataFrame({"customer_id": list("ab"), "value": [10.0, 20.0]})
    found = attribution.channel_quality(touched, worth)
    assert found[["channel", "value"]].to_numpy().tolist() == [["ads", 10.0], ["tv", 20.0]]


def test_the_interval_of_a_mean_holds_what_it_promises():
    rng, people = np.random.default_rng(2), 120_000
    worth = pd.DataFrame({"customer_id": np.arange(people), "value": rng.gamma(1.0, 50.0, people) + 1e6})
    touched = worth[["customer_id"]].assign(channel=rng.integers(0, 1200, people).astype(str))
    found = attribution.channel_quality(touched, worth)
    held = ((found["mean_value_low"] <= 1e6 + 50) & (found["mean_value_high"] >= 1e6 + 50)).mean()
    # 1200 intervals of 80 % of about 100 skewed values each: two standard errors, and about a point for the skew.
    assert 0.765 <= held <= 0.83


def test_a_customer_that_stands_twice_is_refused():
    touched = pd.DataFrame({"customer_id": ["a", "a"], "channel": ["ads", "tv"]})
    worth = pd.DataFrame({"customer_id": ["a"], "value": [1.0]})
    with pytest.raises(SchemaError, match=r"^first_touch\.customer_id: 1 customers stand in more than one row"):
        attribution.channel_quality(touched, worth)
    with pytest.raises(SchemaError, match=r"^customers\.customer_id: 1 customers stand in more than one row"):
        attribution.channel_quality(touched[:1], pd.concat([worth, worth]))


# ------------------------------------------------------------------------------------------------ reallocate


def known(rows):
    """Returns by hand: channel, cost, roas, roas_se."""
    return pd.DataFrame(rows, columns=["channel", "cost", "roas", "roas_se"])


def plan(table, **options):
    return attribution.reallocate(table, elasticity=options.pop("elasticity", 0.3), **options).set_index("channel")


CLEAR = known([("ads", 1000.0, 4.0, 0.1), ("mail", 500.0, 8.0, 0.2), ("fair", 700.0, 1.0, 0.1)])


def test_more_to_the_channels_that_return_most_from_the_same_total():
    found = plan(CLEAR)
    assert found["suggested"].sum() == pytest.approx(2200.0, rel=1e-9)
    assert found.loc["mail", "change_share"] == pytest.approx(0.2, abs=1e-12)
    assert found.loc["fair", "change_share"] == pytest.approx(-0.2, abs=1e-12)
    assert found.loc["ads", "suggested"] == pytest.approx(1000.0 - 100.0 + 140.0, rel=1e-12)
    assert found["value_expected"].sum() > found["value_now"].sum()
    value = 1000 * 4.0 * (1.04**0.3) + 500 * 8.0 * (1.2**0.3) + 700 * 1.0 * (0.8**0.3)
    assert found["value_expected"].sum() == pytest.approx(value, abs=3e-6)
    assert found["reason"].to_dict() == {
        "ads": "Returns 4.00 per 1 (3.87 to 4.13), the budget 3.95: +4.0 %.",
        "fair": "Returns 1.00 per 1 (0.87 to 1.13), the budget 3.95: -20.0 %. As far as the bounds let it.",
        "mail": "Returns 8.00 per 1 (7.74 to 8.26), the budget 3.95: +20.0 %. As far as the bounds let it.",
    }
    assert set(found["basis"]) == {"what-if at the given elasticity; average returns, not causal"}


def test_small_elasticities_stay_inside_the_bounds_and_follow_the_closed_form():
    table = known([("a", 100.0, 1.0, 0.001), ("b", 200.0, 1.05, 0.001), ("c", 50.0, 0.96, 0.001)])
    found = plan(table, elasticity=0.2, bounds=1.0)
    weight = table["cost"] * table["roas"] ** (1 / 0.8)
    np.testing.assert_allclose(found["suggested"], 350.0 * weight / weight.sum(), rtol=1e-12)


def test_channels_that_overlap_directly_or_by_others_move_as_one():
    # a and b overlap, b and c overlap, a and c do not; d stands apart.
    rows = [("a", 100.0, 1.0, 0.1), ("b", 300.0, 1.2, 0.1), ("c", 50.0, 1.4, 0.1), ("d", 200.0, 5.0, 0.1)]
    found = plan(known(rows))
    assert found["group"].tolist() == [1, 1, 1, 2]
    factors = found["suggested"] / found["spend_now"]
    assert np.ptp(factors[["a", "b", "c"]]) <= 1e-12
    assert factors["d"] == pytest.approx(1.2)
    assert found.loc["a", "reason"].endswith("Moves with b, c: their intervals overlap.")
    alone = plan(known(rows[:3]))
    assert (alone["change"] == 0.0).all()
    assert alone.loc["c", "reason"] == (
        "Returns 1.40 per 1 (1.27 to 1.53); not told apart from the others: nothing is moved."
    )
    for order in ([3, 2, 1, 0], [1, 3, 0, 2]):  # the order of rows changes nothing
        again = plan(known([rows[i] for i in order]))
        np.testing.assert_allclose(again["suggested"], found["suggested"], rtol=1e-12)


def test_no_two_channels_that_overlap_are_ever_moved_against_each_other():
    rng = np.random.default_rng(9)
    for _ in range(25):
        n = int(rng.integers(2, 9))
        rows = zip("abcdefghi", rng.lognormal(4, 1, n), rng.lognormal(0, 1, n), rng.uniform(0, 0.4, n), strict=False)
        tried = pd.DataFrame({"channel": list("abcdefghi")[:n], "lowest": 5.0, "highest": rng.uniform(20, 300, n)})
        found = plan(known(list(rows)), observed=tried, bounds=0.5)
        factors = found["suggested"] / found["spend_now"]
        for one, other in itertools.combinations(found.index, 2):
            if max(found.loc[[one, other], "roas_low"]) <= min(found.loc[[one, other], "roas_high"]):
                assert factors[one] == pytest.approx(factors[other], rel=1e-12)
        assert found["suggested"].sum() == pytest.approx(found["spend_now"].sum(), rel=1e-9)
        assert ((factors >= 0.5 - 1e-12) & (factors <= 1.5 + 1e-12)).all()
        outside = (found["suggested"] > tried.set_index("channel")["highest"]) & (found["change"] > 0)
        assert not outside.any()
        assert found["value_expected"].sum() >= found["value_now"].sum() * (1 - 1e-12)


def test_no_suggestion_leaves_what_was_tried():
    tried = pd.DataFrame({"channel": ["mail", "fair"], "lowest": [100.0, 650.0], "highest": [530.0, 660.0]})
    found = plan(CLEAR, observed=tried)
    assert found.loc["mail", "suggested"] == pytest.approx(530.0)
    assert found.loc["fair", "suggested"] == pytest.approx(650.0)  # now 700, above what the table says was tried
    assert found.loc["mail", "reason"].endswith(": +6.0 %. No further than spend has been tried.")
    with pytest.raises(SchemaError, match=r"^observed: 2 ranges end below their beginning \(first: channel 'fair'"):
        plan(CLEAR, observed=tried.rename(columns={"lowest": "highest", "highest": "lowest"}))


def test_a_lift_test_scales_the_return_and_widens_its_interval():
    tests = pd.DataFrame({"channel": ["mail"], "ratio": [0.25], "ratio_se": [0.05]})
    found = plan(CLEAR, lift_tests=tests)
    error = 8.0 * 0.25 * np.hypot(0.2 / 8.0, 0.05 / 0.25)  # relative variances add up
    z = 1.2815515655446004
    assert found.loc["mail", ["roas", "roas_low", "roas_high"]].tolist() == pytest.approx(
        [2.0, 2.0 - z * error, 2.0 + z * error], abs=1e-8
    )
    assert found["evidence"].to_dict() == {"ads": "attribution", "fair": "attribution", "mail": "lift test"}
    assert found.loc["mail", "change"] < 0 < found.loc["ads", "change"]
    assert "Return corrected by a lift test." in found.loc["mail", "reason"]
    unsure = plan(CLEAR, lift_tests=tests.assign(ratio_se=1.0))
    assert (unsure["change"] == 0.0).all()  # so unsure that it overlaps both others


def test_what_is_not_known_is_not_moved():
    extra = known(
        [("tv", 300.0, 0.0, np.nan), ("new", 0.0, np.nan, np.nan), ("(unattributed)", np.nan, np.nan, np.nan)]
    )
    found = plan(pd.concat([CLEAR, extra], ignore_index=True))
    assert found.loc["tv", ["suggested", "change"]].tolist() == [300.0, 0.0]
    assert found.loc["new", ["suggested", "change"]].tolist() == [0.0, 0.0]
    assert found.loc["(unattributed)", ["suggested", "change", "change_share"]].isna().all()
    np.testing.assert_allclose(found.loc[CLEAR["channel"], "suggested"], plan(CLEAR).loc[CLEAR["channel"], "suggested"])
    assert not np.isinf(found.select_dtypes("number").to_numpy()).any()
    assert plan(known([("ads", 10.0, 2.0, 0.1)])).loc["ads", "reason"] == ("The only channel to compare: spend kept.")
    assert plan(CLEAR, locale="zh").loc["mail", "reason"] == (
        "每投入 1 回报 8.00（7.74 至 8.26），整体预算为 3.95：+20.0%。已达允许幅度。"
    )


def test_refunds_may_exceed_what_a_channel_sold():
    table = credit([("ads", 10.0, 1.0, 900.0, 50.0), ("tv", 5.0, 1.0, -300.0, 80.0)])
    found = attribution.channel_returns(table, costs(ads=100, tv=100))
    tv = found.set_index("channel").loc["tv"]
    z = 1.2815515655446004
    assert tv[["roas", "roas_low", "roas_high"]].tolist() == pytest.approx([-3.0, -3.0 - z * 0.8, -3.0 + z * 0.8])
    moved = plan(found)
    assert moved["suggested"].to_dict() == pytest.approx({"ads": 120.0, "tv": 80.0})


def test_each_model_has_its_own_plan_and_they_may_disagree():
    both = pd.concat([CLEAR.assign(model="last"), CLEAR.assign(model="first", roas=[4.0, 1.0, 8.0])])
    found = attribution.reallocate(both, elasticity=0.3).set_index(["channel", "model"])
    assert found.loc[("mail", "last"), "change"] > 0 > found.loc[("mail", "first"), "change"]
    assert found["agreement"].to_dict() == {
        **{("ads", model): 0.5 for model in ("first", "last")},
        **{(name, model): 0.5 for name in ("mail", "fair") for model in ("first", "last")},
    }
    sums = found.groupby("model")["suggested"].sum()
    np.testing.assert_allclose(sums, 2200.0, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"elasticity": 1.0}, "elasticity must lie between 0 and 1, such as 0.2, got 1.0."),
        ({"bounds": 0.0}, "bounds must lie in (0, 1], such as 0.2 for a fifth more or less, got 0.0."),
        ({"level": 1.0}, "level must lie between 0 and 1, such as 0.95, got 1.0."),
    ],
)
def test_arguments_out_of_their_domain(options, said):
    with pytest.raises(DomainError) as raised:
        plan(CLEAR, **options)
    assert str(raised.value) == said

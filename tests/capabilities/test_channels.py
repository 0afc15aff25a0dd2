"""Which channel earned it: the examples of the capability page, worked by hand."""

import datetime as dt

import pandas as pd
import pytest

from crmkit import attribution, evaluation, journeys

DAY = dt.date(2024, 6, 30)


def touches(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "channel", "touched_at"])
    return table.assign(touched_at=pd.to_datetime(table["touched_at"]).astype("datetime64[us]"))


STORY = touches(
    ("ann", "phone call", "2024-06-04 10:00"),
    ("ann", "site", "2024-06-01 09:00"),
    ("ann", "phone left", "2024-06-03 12:00"),
    ("ann", "white paper", "2024-06-02 20:00"),
)


def test_cap_13_the_touchpoints_of_a_customer_in_order():
    found = journeys.touch_timeline(STORY, as_of=DAY)
    assert found["channel"].tolist() == ["site", "white paper", "phone left", "phone call"]
    assert len(journeys.touch_timeline(STORY, as_of=dt.date(2024, 6, 2))) == 2


def test_cap_14_the_first_source_of_each_lead():
    rows = pd.concat([STORY, touches(("bob", "fair", "2024-05-01"))])
    found = journeys.first_touch(rows, as_of=DAY).set_index("customer_id")
    assert found["first_channel"].to_dict() == {"ann": "site", "bob": "fair"}


def credit_of(channel, deals, value):
    return pd.DataFrame({"channel": [channel], "conversions": [float(deals)], "value": [float(value)]})


def cost_of(channel, cost):
    return pd.DataFrame({"channel": [channel], "cost": [float(cost)]})


def test_cap_17_quality_of_a_channel_by_volume_conversion_and_later_value():
    first = pd.DataFrame({"customer_id": list("abcd"), "first_channel": ["ads", "ads", "ads", "fair"]})
    worth = pd.DataFrame({"customer_id": ["a", "b", "d"], "value": [10.0, 20.0, 90.0]})
    costs = pd.DataFrame({"channel": ["ads", "fair"], "cost": [15.0, 45.0]})
    found = attribution.channel_quality(first, worth, costs=costs).set_index("channel")
    assert found.loc["ads", ["customers", "buyers", "value", "value_per_cost"]].tolist() == [3, 2, 30.0, 2.0]
    assert found.loc["fair", ["customers", "buyers", "value", "cost_per_customer"]].tolist() == [1, 1, 90.0, 45.0]


def test_cap_18_a_cookie_and_a_customer_are_one_person_before_anything_is_sorted():
    rows = touches(("cookie 1", "site", "2024-06-01"), ("ann", "mail", "2024-06-03"), ("cookie 2", "ads", "2024-05-20"))
    known = pd.DataFrame({"alias_id": ["cookie 1", "cookie 2"], "customer_id": ["ann", "ann"]})
    stitched = journeys.stitch_identities(rows, known)
    assert journeys.first_touch(stitched, as_of=DAY)["first_channel"].tolist() == ["ads"]
    assert journeys.touch_timeline(stitched, as_of=DAY)["channel"].tolist() == ["ads", "site", "mail"]


@pytest.mark.parametrize(
    ("model", "credit"),
    [
        ("first", {"Baidu ad": 900.0, "Douyin view": 0.0, "site": 0.0}),
        ("last", {"Baidu ad": 0.0, "Douyin view": 0.0, "site": 900.0}),
        ("linear", {"Baidu ad": 300.0, "Douyin view": 300.0, "site": 300.0}),
        (attribution.TimeDecay(half_life_days=7), {"Baidu ad": 900 / 7, "Douyin view": 1800 / 7, "site": 3600 / 7}),
        ("position", {"Baidu ad": 360.0, "Douyin view": 180.0, "site": 360.0}),
    ],
)
def test_cap_46_baidu_ad_then_douyin_view_then_site_order(model, credit):
    rows = touches(
        ("ann", "Baidu ad", "2024-06-01 12:00"),
        ("ann", "Douyin view", "2024-06-08 12:00"),
        ("ann", "site", "2024-06-15 12:00"),
    )
    order = pd.DataFrame({"customer_id": ["ann"], "converted_at": [pd.Timestamp("2024-06-15 12:30")], "value": [900.0]})
    found = attribution.attribute(rows, order, model=model, as_of=DAY).set_index("channel")
    assert found.loc[list(credit), "value"].to_dict() == pytest.approx(credit, abs=1e-6)  # money keeps six digits


def test_cap_47_revenue_over_cost_is_50():
    counts = pd.DataFrame({"channel": ["ads"], "leads": [50]})
    found = attribution.channel_returns(credit_of("ads", 10, 500_000), cost_of("ads", 10_000), leads=counts)
    assert found[["roas", "leads", "conversions"]].to_numpy().tolist() == [[50.0, 50, 10.0]]


@pytest.mark.parametrize(("cost", "value", "roi"), [(80_000, 220_000, 1.75), (120_000, 450_000, 2.75)])
def test_cap_48_net_return_is_another_name_than_revenue_over_cost(cost, value, roi):
    found = attribution.channel_returns(credit_of("ads", 10, value), cost_of("ads", cost))
    assert found["roi"].tolist() == [roi]
    assert found["roas"].tolist() == [roi + 1.0]


def test_cap_49_cost_per_lead_and_per_customer():
    counts = pd.DataFrame({"channel": ["ads"], "leads": [100]})
    before, after = (
        attribution.channel_returns(credit_of("ads", 10, 1), cost_of("ads", cost), leads=counts).iloc[0]
        for cost in (28_000, 21_000)
    )
    assert (before["cpl"], after["cpl"]) == (280.0, 210.0)
    assert (before["cac"], after["cac"]) == (2800.0, 2100.0)


def test_cap_50_more_to_the_channels_that_return_most_within_bounds():
    returns = pd.DataFrame(
        {
            "channel": ["ads", "fair", "mail"],
            "cost": [1000.0, 700.0, 500.0],
            "roas": [4.0, 1.0, 8.0],
            "roas_se": [0.1, 0.1, 0.2],
        }
    )
    found = attribution.reallocate(returns, elasticity=0.3, bounds=0.2).set_index("channel")
    assert found["suggested"].to_dict() == pytest.approx({"ads": 1040.0, "fair": 560.0, "mail": 600.0}, rel=1e-9)
    assert found["suggested"].sum() == pytest.approx(2200.0, rel=1e-12)


def test_cap_51_two_subject_lines_and_a_decision():
    found = evaluation.compare_proportions(412, 2000, 478, 2000, names=("Last chance", "Your points expire"))
    assert found.verdict == "b"
    assert found.words().startswith("Your points expire is better: 23.9 % for Your points expire against 20.6 %")

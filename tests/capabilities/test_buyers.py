"""Who buys, how well, and when again: the examples of the capability page, worked by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import clv, purchases, repurchase, rfm
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.regularity_mixture import RegularityMixture
from tests.capabilities import log

DAY = dt.date(2024, 6, 30)


def every(days, count, *, last, customer="ann", amount=100.0):
    """Orders `days` apart, the newest on `last`."""
    return [(customer, str(last - dt.timedelta(days=days * i)), amount) for i in range(count)]


@pytest.fixture(scope="module")
def shop():
    """Customers of all kinds; one buys often, much and just now, one did, one bought once long ago."""
    rows = [
        row
        for i in range(120)
        for row in every(
            20 + i % 40, 3 + i % 4, last=DAY - dt.timedelta(days=20 + i % 60), customer=f"c{i:03d}", amount=50.0
        )
    ]
    rows += every(10, 20, last=DAY, customer="best", amount=500.0)
    rows += every(10, 20, last=DAY - dt.timedelta(days=170), customer="gone", amount=500.0)
    rows += [("once", "2023-09-01", 5.0)]
    return log(rows)


@pytest.fixture(scope="module")
def tiers(shop):
    return rfm.segment(shop, as_of=DAY, scheme="tiers")


def test_cap_10_each_grade_has_its_play(tiers):
    summary = rfm.segment_summary(tiers, scheme="tiers").set_index("segment")
    assert summary.loc[["high_value", "ordinary", "sleeping"], "customers"].min() > 0
    assert summary["play"].str.len().min() > 10
    assert summary["play"].nunique() == len(summary)


def test_cap_12_a_big_order_of_last_year_is_recalled():
    rows = [("ann", "2023-07-10", 900.0), *((("bob", f"2024-0{m}-11", 10.0)) for m in range(1, 6))]
    found = repurchase.year_ago_orders(log(rows), as_of=DAY)
    assert found[["customer_id", "amount"]].to_numpy().tolist() == [["ann", 900.0]]
    assert found["due_on"].dt.date.tolist() == [dt.date(2024, 7, 10)]
    again = log([*rows, ("ann", "2024-06-20", 800.0)])
    assert len(repurchase.year_ago_orders(again, as_of=DAY)) == 0


def test_cap_30_march_and_september_are_prompted_in_february_and_august():
    days = [("ann", f"{year}-{month:02d}-10", 100.0) for year in range(2020, 2024) for month in (3, 9)]
    for as_of, reminded in [(dt.date(2024, 2, 20), dt.date(2024, 3, 1)), (dt.date(2024, 8, 20), dt.date(2024, 9, 1))]:
        held = [row for row in [*days, ("ann", "2024-03-10", 100.0)] if row[1] <= str(as_of)]
        row = repurchase.seasonal_pattern(log(held), as_of=as_of).iloc[0]
        assert (row["months"], row["next_month"].date()) == ("3,9", reminded)
        assert row["strength"] == "strong"


@pytest.fixture(scope="module")
def fit():
    """A base of some regularity, so that the examples do not hang on a fit of one customer."""
    process = RegularityMixture("MBG", 2.0, 90.0, 1.0, 20.0, (1, 4, 9), (0.2, 0.3, 0.5))
    money = purchases.Money(GammaGamma(4.0, 3.0, 40.0), "", 50, 50, 0, 80.0, None, None, (-1.0, 1.0), ())
    return purchases.PurchaseFit(process=process, compared=(), choice="", customers=100, money=money)


def test_cap_31_a_cycle_of_45_days_gives_the_next_window_with_notice(fit):
    last = DAY - dt.timedelta(days=30)
    row = repurchase.repurchase_forecast(log(every(45, 8, last=last)), as_of=DAY, fit=fit).iloc[0]
    assert row["usual_gap_days"] == 45.0
    # The cycle says 15 July, two weeks ahead; eight even gaps make a window of a few weeks around it.
    assert abs(row["next_order_day"].date() - (last + dt.timedelta(days=45))).days <= 5
    assert DAY < row["window_start"].date() <= dt.date(2024, 7, 15) <= row["window_end"].date()
    assert (row["window_end"] - row["window_start"]).days <= 45
    listed = repurchase.reminders(log(every(45, 8, last=last)), as_of=DAY, lead_days=14, fit=fit)
    assert listed["customer_id"].tolist() == ["ann"]


def test_cap_32_each_product_has_a_cycle_of_its_own(fit):
    filter_, ink = every(90, 5, last=DAY - dt.timedelta(days=10)), every(20, 10, last=DAY - dt.timedelta(days=10))
    orders = log(filter_ + ink).assign(product_id=["filter"] * 5 + ["ink"] * 10)
    cycles = repurchase.product_cycles(orders, as_of=DAY).set_index("product_id")
    assert cycles["own_gap_days"].to_dict() == pytest.approx({"filter": 90.0, "ink": 20.0})
    found = repurchase.repurchase_forecast(orders, as_of=DAY, by=["customer_id", "product_id"], fit=fit)
    next_day = found.set_index("product_id")["next_order_day"]
    assert next_day["ink"] < pd.Timestamp("2024-07-20") < next_day["filter"]


def test_cap_33_the_chance_to_buy_soon_is_higher_for_who_is_due(fit):
    due = every(45, 8, last=DAY - dt.timedelta(days=40), customer="due")
    fresh = every(45, 8, last=DAY, customer="fresh")
    found = repurchase.repurchase_forecast(log(due + fresh), as_of=DAY, horizon_days=14, fit=fit)
    chance = found.set_index("customer_id")["p_order"]
    assert 0.0 < chance["fresh"] < 0.1 < 0.4 < chance["due"] < 1.0


def test_cap_35_recency_frequency_and_money_of_each_customer():
    rows = [("ann", "2024-06-01", 40.0), ("ann", "2024-06-20", 60.0), ("bob", "2024-01-01", 5.5)]
    table = rfm.rfm_table(log([*rows, ("ann", "2024-07-01", 999.0)]), as_of=DAY)
    assert table["customer_id"].tolist() == ["ann", "bob"]
    assert table[["days_since_order", "order_count", "revenue"]].to_numpy().tolist() == [[10, 2, 100.0], [181, 1, 5.5]]


def test_cap_36_high_value_ordinary_and_sleeping_are_told_apart(tiers):
    tier = tiers.set_index("customer_id")["segment"]
    assert tier["best"] == "high_value"  # often, large, just bought
    assert tier["once"] == "sleeping"
    assert tier["gone"] != "high_value"  # as often, as large, but not just bought
    assert (tier.drop(["best", "gone", "once"]) == "ordinary").any()


def test_cap_37_maintain_cultivate_wake_up(tiers):
    summary = rfm.segment_summary(tiers, scheme="tiers").set_index("segment")
    assert [summary.loc[code, "play"].split(":")[0] for code in ("high_value", "ordinary", "sleeping")] == [
        "Maintain",
        "Cultivate",
        "Wake up",
    ]


def test_cap_64_the_value_of_a_customer_in_the_coming_year(fit):
    rows = every(30, 12, last=DAY, customer="often") + every(30, 12, last=DAY - dt.timedelta(days=300), customer="left")
    value = clv.customer_value(log(rows), as_of=DAY, horizon_days=365, discount_rate_per_year=0.0, fit=fit)
    found = value.set_index("customer_id")
    assert found.loc["often", "clv"] > 10 * found.loc["left", "clv"] > 0
    # A year of orders 30 days apart is 12 orders; the base's own rate and those who leave draw that down.
    assert 6 <= found.loc["often", "expected_orders"] <= 12.2
    worth = found["expected_orders"] * found["expected_order_value"]
    np.testing.assert_allclose(found["clv"], worth, rtol=1e-6, atol=1e-6)  # money is rounded to six digits

"""Risk, features and labels of the churn room against closed forms, plain Python and simulated truth."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import churn, purchases, summary
from crmkit.churn.forecast.history import _chances
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture
from tests import engines, order_logs

DAY = dt.date(2024, 6, 30)


def fit_of(process):
    return purchases.PurchaseFit(process, (), "", 100, None)


RANDOM = fit_of(RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1,), (1.0,)))
MIXED = fit_of(RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1, 2, 3), (0.5, 0.3, 0.2)))


def log_of(days, *, until=DAY, amount=10.0):
    """Orders from the days before `until` of each customer."""
    rows = [
        (name, pd.Timestamp(until) - pd.Timedelta(days=back), amount) for name, backs in days.items() for back in backs
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return table.astype({"customer_id": "str", "ordered_at": "datetime64[us]"})


def test_the_tail_of_a_random_buyer_is_that_of_a_gamma_mixed_exponential():
    """With k = 1 a gap outlasts s with ((alpha + t_x) / (alpha + t_x + s))^(r + x): exact."""
    orders = log_of({"ann": [100, 70, 20], "bob": [200], "cy": [5, 0]})
    table = churn.churn_risk(orders, as_of=DAY, fit=RANDOM).set_index("customer_id")
    for name, x, t_x, silence in (("ann", 2, 80, 20), ("bob", 0, 0, 200), ("cy", 1, 5, 0)):
        expected = ((60.0 + t_x) / (60.0 + t_x + silence)) ** (0.8 + x)
        assert table.loc[name, "silence_tail"] == pytest.approx(expected, rel=1e-12)
    process = RegularBetaGeometric("MBG", 0.8, 60.0, 0.5, 3.0, 1)
    rows = summary.purchase_summary(orders, as_of=DAY)
    histories = Histories.in_order(rows["frequency"], rows["recency"], rows["T"])
    # Two routes to one number, each a sum of some ten terms.
    np.testing.assert_allclose(table["p_no_order"], 1.0 - process.p_any_purchase(histories, 90.0), rtol=1e-9)
    np.testing.assert_allclose(table["p_alive"], process.p_alive(histories), rtol=1e-9)


def test_a_monthly_buyer_silent_for_a_quarter_stands_out():
    """Capability 23: the base buys every 30 days within 3; one stopped 92 days ago, one ordered 20 days ago."""
    rng = np.random.default_rng(4)
    backs = {f"c{i}": np.round(rng.integers(-20, 0) + np.cumsum(rng.normal(30, 3, 11))) for i in range(80)}
    backs |= {"stopped": 92 + 30 * np.arange(11), "fine": 20 + 30 * np.arange(11), "once": np.array([92])}
    orders = log_of(backs)
    fit = purchases.fit_purchase_process(orders, as_of=DAY, model="mbg_regularity_mixture")
    table = churn.churn_risk(orders, as_of=DAY, fit=fit).set_index("customer_id")
    assert table.loc["stopped", "silence_tail"] < 1e-4
    assert table.loc["fine", "silence_tail"] > 0.8
    assert "fewer than 1 of its gaps in 100 last so long" in table.loc["stopped", "reason"]
    assert table.loc["stopped", "p_no_order"] > table.loc["fine", "p_no_order"]
    # Capability 27: those to recall, by what their silence puts at risk.
    dormant = table[table["silence_tail"] < 0.05].sort_values("value_at_risk", ascending=False)
    assert dormant.index.tolist() == ["stopped", "once"]  # in a monthly base one order, 92 days ago, is dormant, too


def test_probabilities_hold_for_a_base_that_follows_the_process():
    process, rng = MIXED.process, np.random.default_rng(2)
    histories = process.simulate(np.full(40_000, 400.0), rng)
    later = process.simulate_future(histories, 90.0, rng)
    found = _chances(histories, process, process, 90)["p_no_order"]
    error = math.sqrt((found * (1 - found)).sum()) / len(found)
    assert found.mean() == pytest.approx((later == 0).mean(), abs=4 * error)
    top = found > np.quantile(found, 0.9)
    assert found[top].mean() == pytest.approx((later[top] == 0).mean(), abs=4 * 0.5 / math.sqrt(top.sum()))


def test_any_process_gives_chances_and_the_mixture_the_tail():
    orders = log_of({f"c{i}": [200 - i, 150 - 2 * (i % 9), 3 * (i % 30)] for i in range(60)})
    fit = purchases.fit_purchase_process(orders, as_of=DAY, model="pareto")
    table = churn.churn_risk(orders, as_of=DAY, fit=fit)
    assert table[["p_no_order", "p_alive", "silence_tail"]].stack().between(0.0, 1.0).all()


def test_value_is_a_year_of_revenue_or_what_the_customers_table_says():
    orders = log_of({"ann": [400, 364, 20], "bob": [365, 100]})
    table = churn.churn_risk(orders, as_of=DAY, fit=MIXED)
    assert table["value"].tolist() == [20.0, 10.0]  # the 365 days end today: the row 365 days ago is out
    worth = pd.DataFrame({"customer_id": ["bob", "zoe"], "value": [500.0, 1.0]})
    table = churn.churn_risk(orders, as_of=DAY, fit=MIXED, customers=worth)
    assert table["value"].isna().tolist() == [True, False]
    assert table["value_at_risk"].iloc[1] == pytest.approx(500.0 * table["p_no_order"].iloc[1], abs=1e-6)
    with pytest.raises(SchemaError, match="1 customers stand in more than one row \\(first: 'bob'\\)"):
        churn.churn_risk(orders, as_of=DAY, fit=MIXED, customers=pd.concat([worth, worth[:1]]))
    unknown = churn.churn_risk(orders, as_of=DAY, fit=MIXED, customers=worth[["customer_id"]].assign(tier="A"))
    assert unknown["value"].tolist() == [20.0, 10.0]  # customers without a value: the revenue of the year, as in alerts


def test_reasons_in_two_languages():
    orders = log_of({"ann": [50], "bob": [110, 100, 90]})
    english = churn.churn_risk(orders, as_of=DAY, fit=MIXED, horizon_days=30)["reason"].tolist()
    assert english[0].startswith("One order, 50 days ago. No order in the next 30 days: ")
    assert english[1].startswith("Orders every 10 days on average, last 90 days ago: ")
    chinese = churn.churn_risk(orders, as_of=DAY, fit=MIXED, locale="zh")["reason"].tolist()
    assert chinese[0].startswith("仅下单一次，50 天前。未来 90 天不下单的概率：")


def test_what_can_not_be_answered_is_refused():
    orders = log_of({"ann": [50], "bob": [110]})
    with pytest.raises(FitError, match="No customer has ordered on two days"):
        churn.churn_risk(orders, as_of=DAY, fit=MIXED)
    with pytest.raises(DomainError, match="horizon_days must lie between 1 and 36525"):
        churn.churn_risk(orders, as_of=DAY, horizon_days=0)
    with pytest.raises(DomainError, match=r"horizon_days must lie between 1 and 36525 \(whole days\), got 90.5"):
        churn.churn_risk(orders, as_of=DAY, horizon_days=90.5)
    with pytest.raises(DomainError, match=r"need the log up to 2024-09-28 \(90 days later\); it is observed to"):
        churn.churn_labels(orders, as_of=DAY, observed_to=dt.date(2024, 8, 31))


LATER = pd.DataFrame(
    {
        "customer_id": ["c1", "new"],
        "ordered_at": pd.to_datetime(["2024-07-01", "2024-07-02"]).astype("datetime64[us]"),
        "amount": [500.0, -3.0],
        "product_id": ["p9", "p9"],
    }
)


@pytest.mark.parametrize("refunds", ["exclude", "net"])
def test_rows_after_as_of_change_nothing(refunds):
    orders = log_of({f"c{i}": [200 - i, 150 - 2 * (i % 9), 3 * (i % 30)] for i in range(60)})
    orders = orders.assign(product_id="p1")
    contacts = pd.DataFrame({"customer_id": ["c1", "c2"], "contacted_at": pd.to_datetime(["2024-06-01", "2024-06-30"])})
    longer = pd.concat([contacts, contacts.assign(contacted_at=pd.Timestamp("2024-07-01"))])
    more = pd.concat([orders, LATER], ignore_index=True)
    for call in (
        lambda log, spoken: churn.churn_risk(log, as_of=DAY, refunds=refunds, fit=MIXED),
        lambda log, spoken: churn.churn_features(log, as_of=DAY, contacts=spoken, refunds=refunds),
    ):
        assert_frame_equal(call(more, longer), call(orders, contacts), check_exact=True)


def test_labels_end_with_the_horizon_and_begin_after_the_day():
    orders = log_of({"on the day": [0], "first": [9, -1], "last": [9, -90], "too late": [9, -91], "unborn": [-1]})
    table = churn.churn_labels(orders, as_of=DAY, observed_to=dt.date(2024, 9, 28))
    assert dict(zip(table["customer_id"], table["churned"], strict=True)) == {
        "first": 0,
        "last": 0,
        "on the day": 1,
        "too late": 1,
    }
    refund = log_of({"first": [-5]}, amount=-1.0)
    again = churn.churn_labels(pd.concat([orders, refund]), as_of=DAY, observed_to=dt.date(2024, 9, 28))
    assert_frame_equal(again, table)


@given(order_logs.logs(), st.integers(1, 20), st.integers(2, 26))
def test_features_are_what_plain_python_counts(rows, horizon, until):
    days = order_logs.order_days(order_logs.orders(rows, until=until), net=False)
    options = {"as_of": order_logs.date(until), "horizon_days": horizon, "fit": MIXED}
    if not any(len(own) > 1 for own in days.values()):
        with pytest.raises(FitError):
            engines.on_polars(churn.churn_features, order_logs.frame(rows), **options)
        return
    table = engines.on_polars(churn.churn_features, order_logs.frame(rows), **options)
    assert table["customer_id"].tolist() == sorted(days)
    assert table[["p_no_order", "silence_tail"]].stack().between(0.0, 1.0).all()
    for row in table.itertuples():
        own = sorted(days[row.customer_id])
        gaps = np.diff(own)
        recent = [day for day in own if day > until - horizon]
        assert row.days_since_order == until - own[-1]
        assert row.order_days == len(own)
        assert row.recent_revenue == sum(days[row.customer_id][day][1] for day in recent)
        worth = sum(amount for _, amount in days[row.customer_id].values())
        assert row.revenue_per_order_day == pytest.approx(worth / len(own), abs=1e-12)
        if len(gaps):
            assert (row.mean_gap_days, row.last_gap_days) == (pytest.approx(gaps.mean()), gaps[-1])
            assert row.silence_ratio == pytest.approx((until - own[-1]) / gaps.mean())
        else:
            assert math.isnan(row.mean_gap_days)
            assert math.isnan(row.silence_ratio)
        evenness = math.exp(np.log(gaps).mean()) / gaps.mean() if len(gaps) > 1 else math.nan
        assert row.gap_evenness == pytest.approx(evenness, abs=1e-6, nan_ok=True)  # rounded to 6 decimals
        known = until - own[0] + 1
        trend = len(recent) * known / (len(own) * horizon) if known > horizon else math.nan
        assert row.order_trend == pytest.approx(trend, nan_ok=True)
        refunds = [o.amount for o in order_logs.orders(rows, until=until) if o.customer_id == row.customer_id]
        assert row.refund_orders == sum(amount < 0 for amount in refunds)


def test_breadth_contacts_and_season():
    orders = log_of({"ann": [400, 340, 20], "bob": [100, 30]}).assign(
        product_id=["a", "b", "a", "x", None], category=["t", "t", "t", "u", "u"]
    )
    contacts = pd.DataFrame(
        {
            "customer_id": ["ann", "ann", "eve"],
            "contacted_at": pd.to_datetime(["2024-06-20", "2024-01-01", "2024-06-01"]),
        }
    )
    table = churn.churn_features(orders, as_of=DAY, contacts=contacts, fit=MIXED).set_index("customer_id")
    assert table["products"].tolist() == [2, 1]
    assert table["lines_per_order_day"].tolist() == [1.0, 0.5]
    assert table["categories"].tolist() == [1, 1]
    assert table["recent_contacts"].tolist() == [1, 0]
    assert table["days_since_contact"].tolist()[0] == 10
    assert math.isnan(table["days_since_contact"].iloc[1])
    # A year ago began the window that ends 275 days ago; 340 days ago lies in it. bob was no customer then.
    assert table["year_ago_order_days"].iloc[0] == 1
    assert math.isnan(table["year_ago_order_days"].iloc[1])


@pytest.mark.parametrize("kind", ["int64", "int32", "float64", "category"])
def test_ids_of_another_type_are_the_same_customers(kind):
    orders = log_of({"7": [400, 340, 20], "12": [100, 30]})
    ids = pd.Series(["12", "7"]).astype("category") if kind == "category" else pd.Series([12, 7], dtype=kind)
    worth = pd.DataFrame({"customer_id": ids, "value": [500.0, 1.0]})
    spoken = pd.DataFrame({"customer_id": ids, "contacted_at": pd.to_datetime(["2024-06-20", "2024-06-29"])})
    for name in ("pandas", "polars"):
        tables = [engines.to_engine(name, table) for table in (orders, worth, spoken)]
        risk = engines.to_pandas(churn.churn_risk(tables[0], as_of=DAY, fit=MIXED, customers=tables[1]))
        assert risk.set_index("customer_id")["value"].to_dict() == {"7": 1.0, "12": 500.0}
        known = engines.to_pandas(churn.churn_features(tables[0], as_of=DAY, fit=MIXED, contacts=tables[2]))
        assert known.set_index("customer_id")["days_since_contact"].to_dict() == {"7": 1, "12": 10}

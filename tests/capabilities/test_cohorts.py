"""Capabilities 25, 34, 65 and 70: shares of the base, repurchase, retention and referral, five rates side by side."""

import datetime as dt

import pandas as pd
import pytest

from crmkit import cohorts

AS_OF = dt.date(2024, 6, 30)


def orders(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(amount=10.0)
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]))


LOG = orders(
    ("ann", "2024-01-10"), ("ann", "2024-02-05"), ("ann", "2024-06-15"),
    ("bob", "2024-01-20"), ("bob", "2024-03-01"),
    ("cid", "2024-01-31"),
    ("dee", "2024-02-10"), ("dee", "2024-02-28"),
    ("eve", "2024-06-10"),
    ("old", "2023-01-01"),
)  # fmt: skip


def test_cap_25_shares_of_silent_lost_and_complaining_customers():
    calls = pd.DataFrame(
        {"customer_id": ["cid", "cid", "dee", "bob"], "kind": ["Complaint", "complaint", "call", "投诉"]}
    )
    calls["contacted_at"] = pd.to_datetime(["2024-06-20", "2024-06-21", "2024-06-22", "2024-02-01"])
    table = cohorts.customer_shares(LOG, calls, as_of=AS_OF).set_index("state")
    # ann ordered in June and before; eve for the first time; dee, bob and cid 123, 121 and 151 days ago; old 546.
    want = {"new": 1, "returning": 1, "waiting": 0, "silent": 3, "lost": 1, "complaining": 1}
    assert table["customers"].to_dict() == want
    assert (table["of_customers"] == 6).all()
    assert table["share"].to_dict() == pytest.approx({state: n / 6 for state, n in want.items()}, abs=1e-9)
    assert table.loc["lost", "definition"] == "Last order 365 days ago or longer."


def test_cap_34_repurchase_rate():
    table = cohorts.repurchase_rate(LOG, within_days=30, as_of=AS_OF).set_index("cohort_month")
    # January: ann after 26 days, bob after 41, cid never. February: dee after 18. June: eve's 30 days run to 10 July.
    assert table["customers"].tolist() == [1, 3, 1, 0]
    assert table["bought_again"].tolist() == [0, 1, 1, 0]
    assert table["repurchase_rate"].round(6).tolist()[:3] == [0.0, 0.333333, 1.0]
    assert table["repurchase_rate"].isna().tolist() == [False, False, False, True]
    assert table["window_open"].tolist() == [0, 0, 0, 1]


def test_cap_65_retention_by_cohort_and_referral():
    table = cohorts.retention_triangle(LOG, as_of=dt.date(2024, 6, 29))
    january = table[table["cohort"] == "2024-01-01"]
    assert january["active"].tolist() == [3, 1, 1, 0, 0, 1]  # ann in February and June, bob in March
    assert january["retention"].round(6).tolist()[:5] == [1.0, 0.333333, 0.333333, 0.0, 0.0]
    assert january["complete"].tolist() == [1, 1, 1, 1, 1, 0]  # June ends tomorrow: not a zero, not a third
    assert january["retention"].isna().tolist() == [False] * 5 + [True]
    people = pd.DataFrame({"customer_id": ["ann", "bob", "cid", "dee", "eve"]})
    people["referred_by"] = [None, "ann", "ann", "bob", None]
    brought = cohorts.referrals(LOG, people, as_of=AS_OF).set_index("cohort")
    assert brought["referred"].tolist() == [0, 2, 1, 0]  # of January bob and cid, of February dee
    assert brought["referrers"].tolist() == [0, 2, 0, 0]  # ann and bob
    assert brought["referred_share"].round(6).tolist() == [0.0, 0.666667, 1.0, 0.0]


def test_cap_70_cannot_sell_or_cannot_keep():
    # Two windows of 30 days. Sales are as good as ever; 10 of 100 customers leave, then 60 of 120.
    start = pd.Timestamp("2024-06-30")
    rows = [("first", "2023-01-01")]
    rows += [(f"s{i}", start - pd.Timedelta(days=85 if i >= 10 else 95)) for i in range(100)]  # before both windows
    rows += [(f"s{i}", start - pd.Timedelta(days=15)) for i in range(70, 100)]
    for i in range(30):
        rows += [(f"b{i}", start - pd.Timedelta(days=30 + i)), (f"n{i}", start - pd.Timedelta(days=i))]
    deals = pd.DataFrame({"deal_id": range(80), "stage": "closed", "outcome": ["won", "lost"] * 40})
    deals["entered_at"] = [start - pd.Timedelta(days=10 if i < 40 else 40) for i in range(80)]
    calls = pd.DataFrame({"customer_id": [f"n{i}" for i in range(25)], "kind": "complaint", "contacted_at": start})
    table = cohorts.sell_or_keep(
        orders(*rows), deals, calls, as_of=AS_OF, window_days=30, repurchase_days=20, churn_days=60
    ).set_index("rate")
    assert table["side"].to_dict() == {
        **dict.fromkeys(("new_customers", "conversion"), "sell"),
        **dict.fromkeys(("repurchase", "churn", "complaints"), "keep"),
    }
    assert table.loc["new_customers", ["now", "before", "change"]].tolist() == [30.0, 30.0, 0.0]
    assert table.loc["conversion", ["now", "of_now", "before", "of_before"]].tolist() == [0.5, 40.0, 0.5, 40.0]
    # There 60 days before the window: s10 to s99 and all b, of whom s10 to s69 have no order in the last 60 days.
    # One window earlier: all s, of whom s0 to s9 had gone.
    assert table.loc["churn", ["now", "of_now", "before", "of_before"]].tolist() == [0.5, 120.0, 0.1, 100.0]
    # Active in the last 60 days: s70 to s99, all b, all n; a window earlier s10 to s99 and all b.
    assert table.loc["complaints", ["now", "of_now", "before", "of_before"]].tolist() == [
        pytest.approx(25 / 90, abs=1e-9), 90.0, 0.0, 120.0,
    ]  # fmt: skip
    # First orders 20 to 49 days ago, whose 20 days ended in the window: ten n, 20 b; 50 to 79 days ago: ten b.
    assert table.loc["repurchase", ["now", "of_now", "before", "of_before"]].tolist() == [0.0, 30.0, 0.0, 10.0]
    assert table["verdict"].to_dict() == {
        "new_customers": "noise", "conversion": "noise", "repurchase": "noise", "churn": "worse", "complaints": "worse",
    }  # fmt: skip
    alone = cohorts.sell_or_keep(orders(*rows), as_of=AS_OF, window_days=30).set_index("rate")
    assert alone.loc["conversion", "verdict"] == "no table"
    assert alone.loc["conversion", "reading"].endswith("Left out: no table of deals was given.")

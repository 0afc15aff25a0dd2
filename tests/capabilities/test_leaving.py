"""Who is leaving: the examples of the capability page, worked by hand."""

import datetime as dt

import pandas as pd

from crmkit import churn
from tests.capabilities import log

LAST = dt.date(2024, 5, 30)
RULES = {rule.code: rule for rule in churn.DEFAULT_RULES}


def test_cap_23_a_monthly_buyer_silent_for_three_months_is_alarming_and_a_quarterly_one_is_not():
    monthly = [("monthly", str(LAST - dt.timedelta(days=30 * i)), 10.0) for i in range(6)]
    quarterly = [("quarterly", str(LAST - dt.timedelta(days=90 * i)), 10.0) for i in range(6)]
    orders, day = log(monthly + quarterly), LAST + dt.timedelta(days=90)
    found = churn.alerts(orders, as_of=day, rules=[RULES["off_cycle"]])
    assert found[["customer_id", "severity"]].to_numpy().tolist() == [["monthly", "critical"]]
    assert found["reason"].tolist() == [
        "Usually orders every 30 days; the last order was 90 days ago, 3.0 times as long."
    ]


def test_cap_24_a_vip_without_contact_for_30_days():
    people = pd.DataFrame({"customer_id": ["ann", "bob"], "tier": ["VIP", "B"]}).astype("str")
    met = pd.DataFrame({"customer_id": ["ann", "bob"], "contacted_at": pd.to_datetime(["2024-05-01", "2024-01-01"])})
    orders = log([("ann", "2024-04-01", 1.0), ("bob", "2024-04-01", 1.0)])
    tables = {"customers": people, "contacts": met, "rules": [RULES["vip_no_contact"]]}
    assert len(churn.alerts(orders, as_of=dt.date(2024, 5, 30), **tables)) == 0
    found = churn.alerts(orders, as_of=dt.date(2024, 5, 31), **tables)
    assert found[["customer_id", "measure", "reason"]].to_numpy().tolist() == [["ann", 30.0, "No contact for 30 days."]]


def test_cap_26_health_from_usage_communication_and_service():
    rows = [
        ("ann", "logins", 15.0),
        ("ann", "days_since_contact", 10.0),
        ("ann", "repairs", 1.0),
        ("bob", "logins", 2.0),
        ("bob", "days_since_contact", 60.0),
        ("bob", "repairs", 5.0),
    ]
    metrics = pd.DataFrame(rows, columns=["customer_id", "metric", "value"])
    metrics["measured_at"] = pd.Timestamp("2024-06-28")
    scheme = churn.HealthScheme(
        "three parts",
        (
            churn.Metric("logins", 2.0, scale=churn.Linear(0.0, 20.0)),
            churn.Metric("days_since_contact", 1.0, "lower", scale=churn.Linear(90.0, 0.0)),
            churn.Metric("repairs", 1.0, "lower", scale=churn.Linear(5.0, 0.0)),
        ),
    )
    score = churn.health_score(metrics, as_of=dt.date(2024, 6, 30), scheme=scheme).set_index("customer_id")["score"]
    # Halves and quarters: 15 of 20 logins are 75 points, 10 of 90 days 88.9, one of 5 repairs 80.
    assert abs(score["ann"] - (2 * 75.0 + 800 / 9 + 80.0) / 4) < 0.01  # scores keep two digits
    assert abs(score["bob"] - (2 * 10.0 + 300 / 9 + 0.0) / 4) < 0.01


def test_cap_27_the_dormant_list_for_recall():
    orders = log([("ann", "2024-01-01", 10.0), ("ann", "2024-03-02", 10.0), ("bob", "2024-05-01", 10.0)])
    found = churn.alerts(orders, as_of=LAST, rules=[churn.AlertRule("dormant", "silence", 60.0, "Dormant", "Recall.")])
    assert found[["customer_id", "measure", "play"]].to_numpy().tolist() == [["ann", 89.0, "Recall."]]
    assert found["since"].dt.date.tolist() == [dt.date(2024, 5, 1)]

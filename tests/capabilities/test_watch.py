"""Capabilities 19, 44, 59 and 71, each with its example worked by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmkit import funnel, scoring

NOON = dt.datetime(2024, 5, 6, 12, 0)


def requests(*rows):
    frame = pd.DataFrame(rows, columns=["lead_id", "owner_id", "created_at", "first_response_at"])
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("created_at", "first_response_at")})


def test_cap_19_response_times():
    leads = requests(
        ("L1", "ann", "2024-05-06 09:00:00", "2024-05-06 09:05:00"),  # 300 s: in time, to the second
        ("L2", "ann", "2024-05-06 09:00:00", "2024-05-06 09:05:01"),  # a second too late
        ("L3", "ann", "2024-05-06 10:00:00", None),  # waits since two hours
        ("L4", "ann", "2024-05-06 11:57:00", None),  # may still be in time
        ("L5", "bob", "2024-05-06 08:00:00", "2024-05-06 08:01:00"),
    )
    found = funnel.response_times(leads, as_of=NOON, limit_seconds=300, by="owner_id").set_index("owner_id")
    assert found.loc["ann", ["requests", "answered", "due", "kept"]].tolist() == [4, 2, 3, 1]
    assert found.loc["ann", "share_kept"] == pytest.approx(1 / 3, abs=1e-9)
    # Kaplan-Meier: the youngest leaves at 180 s, S(300) = 2/3, S(301) = 1/3; the third is still waiting.
    assert found.loc["ann", "median_seconds"] == 301
    assert np.isnan(found.loc["ann", "p90_seconds"])
    assert found.loc["bob", ["due", "kept", "median_seconds"]].tolist() == [1, 1, 60]

    late = funnel.overdue_responses(leads, as_of=NOON, limit_seconds=300, by=["owner_id"])
    assert late[["lead_id", "owner_id", "waited_seconds", "over_by_seconds"]].to_numpy().tolist() == [
        ["L3", "ann", 7200, 6900]
    ]
    assert late["reason"].item() == "Waits 2:00:00 for an answer; the limit is 0:05:00."

    visits = pd.DataFrame(
        {
            "lead_id": ["L1", "L1", "L1", "L2", "Q1", "Q1", "Q1"],
            "event": ["visit"] * 4 + ["quote", "quote", "approval"],
            "occurred_at": pd.to_datetime(
                [f"2024-05-{at}" for at in ("01 09:00", "02 09:00", "03 09:00", "02 10:00", "03 17:00", "05 09:00")]
                + ["2024-05-06 10:00"]
            ),
        }
    )
    second = funnel.response_pairs(visits, start="visit", answer="visit", as_of=NOON)
    kept = funnel.response_times(second, as_of=NOON, limit_seconds=86_400)
    assert kept[["requests", "due", "kept"]].to_numpy().tolist() == [[2, 2, 1]]  # exactly 24 hours; never

    quote = funnel.response_pairs(visits, start="quote", answer="approval", as_of=NOON)
    calendar = funnel.response_times(quote, as_of=NOON, limit_seconds=86_400)
    office = funnel.response_times(quote, as_of=NOON, limit_seconds=86_400, hours=funnel.OFFICE_HOURS)
    assert calendar["median_seconds"].item() == 65 * 3600  # Friday 17:00 to Monday 10:00
    assert office["median_seconds"].item() == 2 * 3600  # an hour on Friday, an hour on Monday


def test_cap_59_receivables():
    contracts = pd.DataFrame(
        {
            "customer_id": ["acme", "acme", "zen"],
            "contract_id": ["K1", "K2", "K3"],
            "signed_at": pd.to_datetime(["2024-01-01", "2024-03-10", "2024-03-01"]),
            "amount": [1000.0, 99.99, 0.05],
        }
    )
    day = dt.date(2024, 4, 3)
    plan = funnel.payment_plan(contracts, as_of=day)
    # 29.997 + 59.994 + 9.999: the two cents left over go to the fractions .9 and .7.
    assert plan["amount"].tolist() == [300.0, 600.0, 100.0, 30.0, 59.99, 10.0, 0.02, 0.03, 0.0]
    due = ["2024-01-01", "2024-01-31", "2024-03-31", "2024-03-10", "2024-04-09", "2024-06-08"]
    assert plan["due_at"].astype(str).tolist()[:6] == due

    payments = pd.DataFrame(
        {
            "customer_id": ["acme", "acme", "zen", "zen"],
            "contract_id": ["K1", None, None, "K9"],
            "paid_at": pd.to_datetime(["2024-01-05", "2024-02-10", "2024-03-01", "2024-03-02"]),
            "amount": [350.0, 540.0, 0.06, 7.0],
        }
    )
    found = funnel.receivables(plan, payments, as_of=day).set_index(["contract_id", "instalment"])
    # K1: 350 named, 540 to the oldest of acme: 300 + 590 of 600; 10 open since 63 days.
    assert found["open"].tolist() == [0.0, 10.0, 100.0, 30.0, 59.99, 10.0, 0.0, 0.0, 0.0]
    assert found["action"].tolist() == ["paid", "escalate", "overdue", "escalate", "remind", "not due"] + ["paid"] * 3
    assert found["overdue_days"].tolist() == [0, 63, 3, 24, 0, 0, 0, 0, 0]
    assert found.loc[("K1", 2), "reason"] == "Overdue for 63 days, more than 15 days."
    assert found.loc[("K2", 2), "reason"] == "Due in 6 days."

    aged = funnel.ageing(plan, payments, as_of=day).set_index("customer_id")
    assert aged.loc["acme", ["not_due", "days_1_30", "days_31_60", "days_61_90", "over_90"]].tolist() == [
        69.99,
        130.0,
        0.0,
        10.0,
        0.0,
    ]
    assert aged.loc["zen", ["billed", "paid", "open", "credit", "received"]].tolist() == [0.05, 0.05, 0.0, 7.01, 7.06]
    total = funnel.ageing_total(plan, payments, as_of=day)
    assert total["open"].tolist() == [69.99, 130.0, 0.0, 10.0, 0.0]
    assert total["instalments"].tolist() == [2, 2, 0, 1, 0]


def test_cap_71_kpi_anomaly():
    months = pd.date_range("2023-01-01", "2024-01-01", freq="MS")  # twelve of history, and the one that is judged
    won = {"north": [30, 29, 31, 30, 28, 32, 30, 31, 29, 30, 30, 30, 12], "south": [30, 31] * 6 + [29], "new": [30] * 3}
    rows = [
        (group, month, count, 200)
        for group, counts in won.items()
        for month, count in zip(months[-len(counts) :], counts, strict=True)
    ]
    kpis = pd.DataFrame(rows, columns=["group", "period", "numerator", "denominator"])
    found = funnel.kpi_anomalies(kpis, as_of=dt.date(2024, 1, 31)).set_index("group")
    assert found["verdict"].to_dict() == {"new": "too short", "north": "drop", "south": "usual"}
    north = found.loc["north"]
    assert (north["observed"], north["history"]) == (0.06, 12)
    # Less spread than chance counts as chance; the mean, 360 of 2400, was learnt from twelve months, which makes the
    # variance 13/12 of the binomial one. Mid-p of the beta-binomial law with that mean and variance:
    rho = (1 / 12) / 199
    law = stats.betabinom(200, 0.15 * (1 - rho) / rho, 0.85 * (1 - rho) / rho)
    assert north["expected"] == pytest.approx(0.15, abs=1e-9)
    assert north["p_value"] == pytest.approx(law.cdf(11) + law.cdf(12), rel=1e-6)
    assert north["p_adjusted"] == pytest.approx(2 * north["p_value"], abs=1e-9)  # the smaller of two tests
    assert north["once_in"] == pytest.approx(1 / north["p_value"])
    assert np.isnan(found.loc["new", "p_value"])

    leads = pd.DataFrame(
        {
            "created_at": pd.to_datetime(["2024-01-02", "2024-01-31", "2024-02-01", "2024-02-27"]),
            "converted_at": pd.to_datetime(["2024-01-31", "2024-03-05", None, None]),
            "region": ["north", "north", "north", "north"],
        }
    )
    series = funnel.conversion_kpis(leads, as_of=dt.date(2024, 3, 27), horizon_days=30)
    # 27 February is not 30 days old: its month is left out. 31 January to 5 March is too long.
    assert series[["numerator", "denominator"]].to_numpy().tolist() == [[1, 2]]


def test_cap_44_qualified_share():
    # January: 30 of 100 qualify, February 50 of 100; 60 points qualify.
    created = pd.to_datetime(["2024-01-10"] * 100 + ["2024-02-10"] * 100)
    leads = pd.DataFrame({"lead_id": range(200), "created_at": created})
    points = [60.0] * 30 + [59.0] * 70 + [75.0] * 50 + [10.0] * 50
    scores = pd.DataFrame({"lead_id": range(200), "score": points})
    found = scoring.qualified_share(scores, leads, as_of=dt.date(2024, 2, 29))
    assert found["share"].tolist() == [0.3, 0.5]
    assert found["verdict"].tolist() == ["", "up"]
    change = found.loc[1, ["change", "change_low", "change_high"]].astype(float)
    # Newcombe's method 10 of .5 less .3, from Wilson's (.2189, .3958) and (.4038, .5962).
    low, high = 0.2 - np.hypot(0.5 - 0.4038, 0.3958 - 0.3), 0.2 + np.hypot(0.5962 - 0.5, 0.3 - 0.2189)
    np.testing.assert_allclose(change, [0.2, low, high], atol=1e-4)

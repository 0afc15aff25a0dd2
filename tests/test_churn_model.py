"""The churn model: learnt from the past alone, rehearsed, refused where there is too little to learn from."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import churn, datasets, purchases
from crmkit.churn.forecast import snapshots
from crmkit.errors import DomainError, FitError
from crmkit.models import forecast_scores as scores

DAY = dt.date(2023, 9, 30)
END = dt.date(2023, 12, 29)


@cache
def company():
    """Without a season: what a log of less than two years can't tell is not what these tests are about."""
    made = datasets.simulate_company(
        900, rng=np.random.default_rng(3), start=dt.date(2022, 1, 1), days=730, season=None, calendar_buyers=None
    )
    return made.orders[["customer_id", "ordered_at", "amount", "order_id", "product_id"]]


@cache
def model():
    return churn.fit_churn_model(company(), as_of=DAY, snapshots=3)


@cache
def fit():
    return purchases.fit_purchase_process(company(), as_of=DAY, model="mbg_regularity_mixture")


def test_a_model_is_calibrated_and_ranks_on_a_simulated_company():
    forecast = churn.predict_churn(company(), model=model(), as_of=DAY, fit=fit())
    labels = churn.churn_labels(company(), as_of=DAY, observed_to=END)
    y, p = labels["churned"].to_numpy(float), forecast["p_churn"].to_numpy()
    assert forecast["customer_id"].tolist() == labels["customer_id"].tolist()
    recency = churn.churn_features(company(), as_of=DAY, fit=fit())["days_since_order"].to_numpy(float)
    assert scores.auc_difference(y, p, recency).low > 0.0
    slope = scores.calibration(y, p).slope
    assert slope.low < 1.25
    assert slope.high > 0.8
    assert p.mean() == pytest.approx(y.mean(), abs=0.04)  # .5 / sqrt(900) is .017 for either end


def test_figures_are_those_of_the_rehearsal():
    """Learnt by hand from the snapshots before the test day, the figures are the published ones."""
    test, log = model().test, snapshots.Log(company(), DAY, 90, None, 1, "exclude")
    day = DAY - dt.timedelta(days=90)
    before = [day - dt.timedelta(days=90 + 30 * i) for i in range(3)]
    past = snapshots.together([snapshots.snapshot(log, one) for one in before])
    later = snapshots.snapshot(log, day)
    learnt = churn.ChurnClassifier().fit(past.X, past.y, groups=past.owner)
    p = learnt.predict_proba(later.X)[:, 1]
    assert test.day == day.isoformat()
    assert test.auc == scores.auc(later.y, p)
    assert test.slope == scores.calibration(later.y, p).slope
    assert (test.customers, test.churned) == (len(later.y), int(later.y.sum()))
    top = np.sort(p)[::-1][round(len(p) / 10) - 1]
    assert test.lift.value == pytest.approx(later.y[p >= top].mean() / later.y.mean(), rel=1e-9)
    rules = {rule.name: rule for rule in test.baselines}
    silence = later.X[:, later.columns.index("days_since_order")]
    assert rules["recency"].auc == scores.auc(later.y, silence)
    assert model().verdict in ("ready", "usable")
    assert f"AUC {test.auc.value:.3f} in a rehearsal of {day}" in model().words()
    assert f"AUC {test.auc.value:.3f}" in model().words("zh")


def test_snapshots_see_the_past_and_labels_what_follows():
    """Without any row after the day the features are the same, and without any row up to it there are none."""
    day = dt.date(2023, 3, 1)
    end = day + dt.timedelta(days=90)
    whole = snapshots.snapshot(snapshots.Log(company(), DAY, 90, None, 1, "exclude"), day)
    stamps = pd.to_datetime(company()["ordered_at"])
    past = company()[stamps.dt.date <= day]
    alone = snapshots.snapshot(snapshots.Log(past, day, 90, None, 1, "exclude"), day)
    np.testing.assert_array_equal(alone.X, whole.X)
    assert alone.y.all()  # nobody is seen to come back
    came = set(company()[(stamps.dt.date > day) & (stamps.dt.date <= end) & (company()["amount"] >= 0)]["customer_id"])
    assert [customer not in came for customer in whole.customer_id] == (whole.y == 1.0).tolist()


def test_rows_after_as_of_change_nothing():
    stamps = pd.to_datetime(company()["ordered_at"])
    early = company()[stamps.dt.date <= dt.date(2023, 3, 1)]
    day = dt.date(2022, 11, 1)
    options = {"as_of": day, "horizon_days": 60, "snapshots": 2}
    found = churn.fit_churn_model(early, **options)
    cut = early[pd.to_datetime(early["ordered_at"]).dt.date <= day]
    assert found == churn.fit_churn_model(cut, **options)
    assert_frame_equal(
        churn.predict_churn(early, model=found, as_of=day),
        churn.predict_churn(cut, model=found, as_of=day),
        check_exact=True,
    )


def test_a_model_comes_back_from_json_digit_for_digit():
    again = churn.ChurnModel.from_json(model().to_json())
    assert again == model()
    with pytest.raises(DomainError, match="not a stored churn model"):
        churn.ChurnModel.from_json("{}")


def test_reasons_name_what_raises_the_risk():
    forecast = churn.predict_churn(company(), model=model(), as_of=DAY, fit=fit())
    assert set(forecast["band"]) <= {"low", "medium", "high"}
    odds = forecast["p_churn"] / (1 - forecast["p_churn"]) / (model().base_rate / (1 - model().base_rate))
    assert (odds[forecast["band"] == "high"] >= 2.0 - 1e-9).all()
    assert (odds[forecast["band"] == "low"] <= 0.5 + 1e-9).all()
    features = churn.churn_features(company(), as_of=DAY, fit=fit())
    parts = model().additive.contributions(features[list(model().columns)].to_numpy(float))
    silence = [model().columns.index(c) for c in ("days_since_order", "silence_ratio", "silence_tail", "p_no_order")]
    named = (forecast[["reason_1", "reason_2", "reason_3"]] == "silence").any(axis=1)
    assert (parts[:, silence].sum(axis=1)[named] > 0).all()
    chinese = churn.predict_churn(company(), model=model(), as_of=DAY, fit=fit(), locale="zh")
    assert chinese["reason"].str.endswith("。").all()
    with pytest.raises(DomainError, match="The model was learnt from days_since_order"):
        churn.predict_churn(company().drop(columns="product_id"), model=model(), as_of=DAY, fit=fit())


def test_too_little_is_refused_with_its_counts():
    few = company()[company()["customer_id"] < 40]
    with pytest.raises(FitError, match=r"Too few rows to learn from: \d+ of 0.0, \d+ of 1.0; expected at least 50"):
        churn.fit_churn_model(few, as_of=DAY, snapshots=1)
    with pytest.raises(FitError, match="The log is too short: a snapshot needs 90 days before it"):
        churn.fit_churn_model(company(), as_of=dt.date(2022, 5, 1))
    with pytest.raises(DomainError, match="snapshots must be dates up to 2023-07-02"):
        churn.fit_churn_model(company(), as_of=DAY, snapshots=[dt.date(2023, 7, 3)])
    short = churn.fit_churn_model(company(), as_of=DAY, snapshots=[dt.date(2023, 7, 2)])
    assert (short.test, short.verdict) == (None, "too_little_data")
    assert short.words() == "Too little data for a verdict: no earlier snapshot to rehearse on."


def test_where_nothing_can_be_told_the_verdict_says_so():
    """Every customer buys at one and the same rate, without memory: no feature says anything."""
    rng = np.random.default_rng(8)
    n = 1200
    gaps = np.ceil(rng.exponential(90.0, size=(n, 14)))
    days = np.cumsum(gaps, axis=1).ravel()
    orders = pd.DataFrame({"customer_id": np.repeat(np.arange(n), 14), "amount": 1.0})
    orders["ordered_at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(days, unit="D")
    found = churn.fit_churn_model(orders, as_of=dt.date(2023, 6, 30), snapshots=2)
    assert found.verdict == "not_better"
    assert found.words().startswith("Not better than a simple rule: AUC 0.")
    assert "not clearly better than" in found.words()
    assert found.words("zh").startswith("不优于简单规则")


def test_only_customers_of_enough_orders_take_part():
    found = churn.fit_churn_model(company(), as_of=DAY, snapshots=1, least_orders=3)
    table = churn.predict_churn(company(), model=found, as_of=DAY, fit=fit())
    features = churn.churn_features(company(), as_of=DAY, fit=fit())
    assert len(table) == (features["order_days"] >= 3).sum()

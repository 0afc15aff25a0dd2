"""Calls of the churn room, and the tables that only it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from crmkit import churn
from crmkit.churn.forecast import features
from crmkit.churn.forecast.additive import Additive, Term
from tests.matrix.case import AS_OF, EARLIER, FIT, Case

# Low thresholds, so that the small logs have alerts of every kind.
RULES = tuple(
    replace(rule, least_order_days=2, window_days=30, cool_down_days=20, tiers=("VIP",) if rule.tiers else ())
    if rule.kind in ("own_cycle_silence", "silence", "falling_frequency", "falling_spend")
    else rule
    for rule in churn.DEFAULT_RULES
)
HEALTH = churn.HealthScheme(
    "health",
    (
        churn.Metric("usage", 3.0, scale=churn.Linear(0.0, 80.0), max_age_days=120),
        churn.Metric("tickets", 2.0, "lower", churn.Bands((50.0, 20.0), (0.0, 60.0, 100.0)), missing=50.0),
        churn.Metric("支付", 1.0, scale=churn.Bands((10.0, 35.5), (10.0, 20.0, 90.0), "worse")),
    ),
    vetoes=(churn.Veto(),),
)
CHURN = churn.ChurnModel(
    additive=Additive(
        -0.5,
        tuple(
            Term(name, 2.0, 1.0, 0.5, 0.1 * place, 0.2, 0.3)
            for place, name in enumerate((*features.ORDERS, *features.CHANCES), -4)
        ),
        0.01,
    ),
    horizon_days=90,
    least_orders=1,
    snapshots=("2024-03-31",),
    rows=100,
    churned=40,
    test=None,
)


CASES: Mapping[str, Case] = {
    "churn.health_score": Case(lambda f: churn.health_score(f, as_of=AS_OF, scheme=HEALTH, locale="zh"), ("metrics",)),
    "churn.health_contributions": Case(
        lambda f: churn.health_contributions(f, as_of=AS_OF, scheme=HEALTH), ("metrics",), ("customer_id", "metric")
    ),
    "churn.retention": Case(
        lambda f: churn.retention(f, as_of=AS_OF, by="plan", least_at_risk=2), ("contracts",), ("plan", "period")
    ),
    "churn.remaining_lifetime": Case(
        lambda f: churn.remaining_lifetime(f, as_of=AS_OF, by="plan"), ("contracts",), ("customer_id", "plan")
    ),
    "churn.fit_uplift": Case(
        lambda f: churn.fit_uplift(f, features=["x", "z"], rng=np.random.default_rng(3)), ("campaign",), ()
    ),
    "churn.winback_ranking": Case(
        lambda f: churn.winback_ranking(f, features=["x", "z"], rng=np.random.default_rng(3), locale="zh"),
        ("campaign",),
    ),
    "churn.churn_risk": Case(
        lambda f, c: churn.churn_risk(f, as_of=AS_OF, fit=FIT, customers=c, refunds="net"), ("orders", "customers")
    ),
    "churn.churn_features": Case(
        lambda f, c: churn.churn_features(f, as_of=AS_OF, fit=FIT, contacts=c, refunds="net"), ("products", "contacts")
    ),
    "churn.churn_labels": Case(lambda f: churn.churn_labels(f, as_of=EARLIER, observed_to=AS_OF)),
    "churn.fit_churn_model": Case(
        lambda f: churn.fit_churn_model(f, as_of=AS_OF, horizon_days=50, snapshots=[EARLIER], least_events=1), key=()
    ),
    "churn.predict_churn": Case(lambda f: churn.predict_churn(f, model=CHURN, as_of=AS_OF, fit=FIT, refunds="net")),
    "churn.alerts": Case(
        lambda *f: churn.alerts(
            *f[:1],
            **dict(zip(("customers", "contacts", "subscriptions", "health", "open_alerts"), f[1:], strict=True)),
            as_of=AS_OF,
            rules=RULES,
            horizon_days=60,
            cuts=2,
            refunds="net",
        ),
        ("orders", "people", "contacts", "running contracts", "health", "alert states"),
        ("customer_id", "rule"),
    ),
    "churn.alert_quality": Case(
        lambda f, people, contacts: churn.alert_quality(
            f, as_of=AS_OF, customers=people, contacts=contacts, rules=RULES, horizon_days=60, cuts=2
        ),
        ("orders", "people", "contacts"),
        (),
    ),
    "churn.update_alerts": Case(
        lambda states, now: churn.update_alerts(states, now, as_of=AS_OF, rules=RULES),
        ("alert states", "alerts"),
        ("customer_id", "rule", "opened_on"),
    ),
}


def metrics(orders: pd.DataFrame) -> pd.DataFrame:
    """Readings at the times of a log; some undated, some of a metric that no scheme knows."""
    names = ["usage", "tickets", "支付", "usage", "other"]
    rows = pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "metric": pd.Series([names[i % 5] for i in range(len(orders))], dtype="str"),
            "value": orders["amount"],
            "measured_at": orders["ordered_at"].where(orders.index % 7 != 6),
        }
    )
    return pd.concat([rows, rows.assign(metric="usage")], ignore_index=True).astype({"metric": "str"})


def contracts(orders: pd.DataFrame) -> pd.DataFrame:
    """Contracts that begin at the times of a log: overlapping, adjoining, running, one that begins after as_of."""
    rows = orders[["customer_id"]].assign(started_at=orders["ordered_at"], amount=orders["amount"].clip(lower=0.0))
    days = pd.to_timedelta(np.array([0, 30, 61, 100, 200])[np.arange(len(rows)) % 5], unit="D")
    ended = (rows["started_at"] + days).where(rows.index % 3 > 0).astype("datetime64[us]")
    plan = pd.Series(np.where(rows.index % 2, "basic", "李"), dtype="str").where(rows.index % 11 != 10)
    return rows.assign(ended_at=ended, plan=plan)


def campaign() -> pd.DataFrame:
    """A test with a hold-out of a third."""
    rng = np.random.default_rng(7)
    x, z = rng.normal(size=(2, 600)).round(3)
    treated = (rng.random(600) < 0.67).astype("int64")
    returned = (rng.random(600) < 0.3 + 0.1 * x.clip(-1, 1) + 0.2 * treated * (z > 0)).astype("int64")
    names = pd.Series([f"c{i:03d}" for i in range(600)], dtype="str")
    value = np.round(20.0 + 10.0 * np.abs(z), 2)
    return pd.DataFrame(
        {"customer_id": names, "x": x, "z": z, "treated": treated, "returned": returned, "value": value}
    )


def beside_orders(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Customers with tiers (one never ordered), contacts, contracts and health of a log."""
    ids = pd.Series([*sorted(orders["customer_id"].unique()), "nobody"], dtype="str", name="customer_id")
    place = np.arange(len(ids))
    days = pd.Timestamp(AS_OF) - pd.to_timedelta(7 * (place % 20), unit="D")
    stamps = pd.Series(days.astype("datetime64[us]"))
    return {
        "people": pd.DataFrame(
            {
                "customer_id": ids,
                "tier": pd.Series([("VIP", "B", None)[i % 3] for i in place], dtype="str"),
                "created_at": stamps - pd.DateOffset(years=1),
            }
        ),
        "contacts": pd.DataFrame({"customer_id": ids, "contacted_at": stamps})[place % 4 > 0],
        "running contracts": pd.DataFrame(
            {
                "customer_id": ids,
                "started_at": stamps - pd.DateOffset(years=1),
                "ended_at": (stamps + pd.DateOffset(days=60)).where(place % 5 > 0),
            }
        ),
        "health": pd.DataFrame(
            {
                "customer_id": ids,
                "colour": pd.Series([("red", "yellow", "green", "unknown")[i % 4] for i in place], dtype="str"),
                "score": np.where(place % 4 == 3, np.nan, 10.0 * (place % 10)),
                "turned_red_on": stamps.where(place % 8 == 0),
            }
        ),
    }


def with_alerts(made: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Alerts of today, and the state of two earlier runs with something acknowledged and something snoozed."""
    given = {"customers": made["people"], "contacts": made["contacts"], "health": made["health"]}

    def listed(day: dt.date) -> pd.DataFrame:
        return churn.alerts(made["orders"], as_of=day, rules=RULES[:5] + RULES[6:], **given)

    early, later = EARLIER, EARLIER + dt.timedelta(days=30)
    states = churn.update_alerts(churn.update_alerts(None, listed(early), as_of=early), listed(later), as_of=later)
    place = pd.Series(range(len(states)))
    handled = states.assign(
        acknowledged_on=states["acknowledged_on"].where(place % 3 > 0, pd.Timestamp(later)),
        snoozed_until=states["snoozed_until"].where(place % 4 > 0, pd.Timestamp(AS_OF)),
    )
    return {**made, "alerts": listed(AS_OF), "alert states": handled}

"""Rooms for which no peer has the work: each makes its own data, a million customers or leads of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sides.measure import Way
from benchmarks.sides.reading import nothing, table
from crmkit import churn, clv, funnel, leads, purchases, repurchase, scoring, tags
from crmkit.scoring import Attribute, Decay, Event, Group, Override, Rule, Scorecard
from crmkit.tags import AllOf, Measure, NoneOf, TagRule
from tests.dirty_leads import dirty_leads

DAY = dt.date(2024, 6, 30)
END = dt.date(2024, 12, 31)
CARD = Scorecard(
    "benchmark",
    (
        Group(
            "fit",
            "fit",
            (
                Rule("manufacturing", Attribute("industry", equals=("manufacturing",)), 20),
                Rule("size", Attribute("employees", low=200, high=1000), 10),
                Rule("north", Attribute("region", equals=("north",)), 5),
            ),
            cap=30,
        ),
        Group(
            "activity",
            "engagement",
            (
                Rule("page", Event(("page",)), 1),
                Rule("mail", Event(("mail_open",)), 1),
                Rule("ad", Event(("ad_click",)), 5),
                Rule("form", Event(("form",)), 15),
                Rule("white_paper", Event(("white_paper",)), 15),
                Rule("webinar", Event(("webinar",)), 25),
                Rule("unsubscribe", Event(("unsubscribe",)), -15, "once"),
            ),
            cap=100,
            decay=Decay(50, 30),
        ),
    ),
    overrides=(Override("demo", "hand_off", Event(("demo",))),),
    fit_edges=(20, 10),
    engagement_edges=(40, 15),
)

_NORTH = tags.Attribute("region", equals="north")
_BIG = tags.Attribute("amount", low=500)
RULES = (
    *tags.value_levels({"VIP": 5_000, "key": 2_000, "grown": 800}, window_days=365),
    tags.price_sensitive(),
    tags.long_decision_chain(levels=3, window_days=365),
    tags.viewed_without_order(),
    *tags.keyword_rules({"factory": ("factory", "工厂"), "shop": ("store", "商店"), "school": ("school", "学校")}),
    TagRule("often", "transaction", "often", Measure("orders", "count", low=10, window_days=365)),
    TagRule("big", "transaction", "big order", Measure("orders", "count", low=1, where=(_BIG,))),
    TagRule("most", "transaction", "most", Measure("orders", "max", low=900, column="amount")),
    TagRule("mean", "transaction", "mean", Measure("orders", "mean", low=200, column="amount", least_rows=3)),
    TagRule("lost", "behaviour", "lost", Measure("orders", "days_since", low=365)),
    TagRule("new", "behaviour", "bought lately", Measure("orders", "days_since", high=30)),
    TagRule("busy", "behaviour", "busy", Measure("events", "count", low=2, window_days=90)),
    TagRule("silent", "behaviour", "silent", Measure("events", "days_since", low=180)),
    TagRule("young", "basic", "young", AllOf((tags.Attribute("age", high=30), NoneOf((_NORTH,))))),
    TagRule("region", "basic", "south", tags.Attribute("region", equals="south")),
)  # fmt: skip

STAGES = ("lead", "visit", "quote", "contract", "won")
NAMES = ("usage", "logins", "tickets", "nps", "calls", "bills")
SCHEME = churn.HealthScheme(
    "six",
    (
        *(churn.Metric(name, 1.0 + i) for i, name in enumerate(NAMES[:5])),
        churn.Metric("bills", 2.0, "lower", churn.Bands((60.0, 30.0), (0.0, 60.0, 100.0))),
    ),
    vetoes=(churn.Veto(),),
)


def readings(customers: int) -> pd.DataFrame:
    """One reading of each of six metrics, within the last half year."""
    rng, rows = np.random.default_rng(1), customers * len(NAMES)
    ids = pd.Series([f"c{i:07d}" for i in range(customers)], dtype="str")
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(len(NAMES)).reset_index(drop=True),
            "metric": pd.Series(np.tile(NAMES, customers), dtype="str"),
            "value": rng.uniform(0.0, 100.0, rows),
            "measured_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 15_000_000, rows), unit="s"),
        }
    )


def contracts(customers: int) -> pd.DataFrame:
    """Contracts of three plans that began within five years; half of them have ended."""
    rng = np.random.default_rng(2)
    start = pd.Timestamp("2019-07-01") + pd.to_timedelta(rng.integers(0, 1826, customers), unit="D")
    end = pd.Series(start + pd.to_timedelta(rng.geometric(1 / 900, customers), unit="D"))
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{i:07d}" for i in range(customers)], dtype="str"),
            "started_at": start,
            "ended_at": end.where(end <= pd.Timestamp(DAY)),
            "plan": pd.Series(np.array(["basic", "plus", "pro"])[rng.integers(0, 3, customers)], dtype="str"),
            "amount": rng.uniform(5.0, 100.0, customers).round(2),
        }
    )


def tagged_company(customers: int, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Customers, ten orders and three events for each, on average."""
    rng = np.random.default_rng(seed)
    ids = pd.Series([f"c{i:08d}" for i in range(customers)], dtype="str")
    said = np.array(["owns a store", "有两家工厂", "the school in town", "no remark", "", "a long text of no matter"])
    people = pd.DataFrame(
        {
            "customer_id": ids,
            "region": pd.Series(np.array(["north", "south", "east"])[rng.integers(0, 3, customers)], dtype="str"),
            "age": rng.integers(18, 80, customers).astype(float),
            "remark": pd.Series(said[rng.integers(0, 6, customers)], dtype="str"),
        }
    )
    return people, _tag_orders(rng, ids, 10 * customers), _tag_events(rng, ids, 3 * customers)


def _tag_orders(rng: np.random.Generator, ids: pd.Series, rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ids.take(rng.integers(0, len(ids), rows)).reset_index(drop=True),
            "ordered_at": _times(rng, rows),
            "amount": np.round(rng.gamma(1.0, 120.0, rows), 2),
            "discount": np.where(rng.random(rows) < 0.4, 0.1, 0.0),
            "approval_levels": rng.integers(0, 4, rows),
        }
    )


def _tag_events(rng: np.random.Generator, ids: pd.Series, rows: int) -> pd.DataFrame:
    kinds = np.array(["view", "click", "webinar"])[rng.integers(0, 3, rows)]
    return pd.DataFrame(
        {
            "customer_id": ids.take(rng.integers(0, len(ids), rows)).reset_index(drop=True),
            "event": pd.Series(kinds, dtype="str"),
            "occurred_at": _times(rng, rows),
            "value": rng.gamma(1.0, 4.0, rows),
        }
    )


def _times(rng: np.random.Generator, rows: int) -> pd.Series:
    return pd.Series(pd.Timestamp("2024-06-30") - pd.to_timedelta(rng.integers(0, 900 * 24, rows), unit="h"))


def two_days(alerts: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The stored state of so many open alerts, and those of the next day: a twentieth is over, as many are new."""
    rng = np.random.default_rng(4)
    rules = np.array([rule.code for rule in churn.DEFAULT_RULES])
    many = alerts + alerts // 20
    every = pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{i:07d}" for i in rng.permutation(many)], dtype="str"),
            "rule": pd.Series(rules[rng.integers(0, len(rules), many)], dtype="str"),
            "severity": pd.Series(np.array(["info", "warning", "critical"])[rng.integers(0, 3, many)], dtype="str"),
            "since": pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 100, many), unit="D"),
            "measure": rng.uniform(0.0, 1.0, many),
            "value_at_risk": rng.gamma(1.0, 100.0, many).round(2),
            "reason": pd.Series([f"no order for {i} days, one every 30 as a rule" for i in rng.integers(31, 99, many)]),
        }
    ).astype({"reason": "str"})
    state = churn.update_alerts(None, every[:alerts], as_of=DAY - dt.timedelta(days=1))
    return state, every[many - alerts :].reset_index(drop=True)


def deals(rows: int) -> pd.DataFrame:
    """Deals of three years through four stages, in the order of an export: by day."""
    rng, many = np.random.default_rng(1), int(rows / 2.98)
    when = pd.Timestamp("2021-07-01") + pd.to_timedelta(rng.uniform(0, 1095, many), unit="D")
    here = pd.DataFrame(
        {
            "deal_id": pd.Series([f"d{i:07d}" for i in range(many)], dtype="str"),
            "amount": rng.lognormal(8.0, 0.6, many).round(2),
            "owner_id": rng.integers(1, 200, many),
            "region": np.array(["north", "south", "east", "west"])[rng.integers(0, 4, many)],
            "entered_at": when.as_unit("us"),
        }
    )
    parts = []
    for stage, goes_on, days in (
        ("lead", 0.5, 10.0),
        ("visit", 0.6, 15.0),
        ("quote", 0.4, 20.0),
        ("contract", 0.9, 9.0),
    ):
        parts.append(here.assign(stage=stage, outcome=None))
        on = rng.random(len(here)) < goes_on
        here = here.assign(
            entered_at=here["entered_at"] + pd.to_timedelta(rng.exponential(days, len(here)).round(3), unit="D")
        )
        parts.append(here[~on].assign(stage="closed", outcome="lost"))
        here = here[on]
    parts.append(here.assign(stage="closed", outcome="won"))
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"stage": "str", "outcome": "str"}).sort_values("entered_at", ignore_index=True)


def nurtured(many: int) -> pd.DataFrame:
    """Leads of a year; a fifth convert."""
    rng = np.random.default_rng(1)
    created = pd.Timestamp("2023-07-01") + pd.to_timedelta(rng.integers(0, 360 * 86_400, many), unit="s")
    won = pd.Series(created + pd.to_timedelta(rng.exponential(30.0, many), unit="D"))
    return pd.DataFrame(
        {
            "lead_id": pd.Series([f"l{i:07d}" for i in range(many)], dtype="str"),
            "created_at": created,
            "converted_at": won.where(rng.random(many) < 0.2),
        }
    )


def contents_seen(people: pd.DataFrame, per_lead: int, contents: int) -> pd.DataFrame:
    """Events in the first sixty days of the leads."""
    rng, many = np.random.default_rng(2), per_lead * len(people)
    who = rng.integers(0, len(people), many)
    age = pd.to_timedelta(rng.integers(0, 60 * 86_400, many), unit="s")
    return pd.DataFrame(
        {
            "lead_id": people["lead_id"].take(who).reset_index(drop=True),
            "event": "view",
            "content": pd.Series([f"content {i:02d}" for i in range(contents)], dtype="str")
            .take(rng.integers(0, contents, many))
            .reset_index(drop=True),
            "occurred_at": people["created_at"].to_numpy()[who] + age,
        }
    )


def many(folder: Any) -> int:
    """Give how many customers, leads or rows a room is to make: the case wrote it down."""
    return int((folder / "customers.txt").read_text())


def value_given(folder: Any) -> Any:
    orders = table("orders")(folder)
    return orders, purchases.fit_purchase_process(orders, as_of=END, model="mbg")


def people_and_contents(folder: Any) -> Any:
    people = nurtured(many(folder))
    return people, contents_seen(people, 10, 30)


def forecast(given: Any) -> Any:
    return repurchase.repurchase_forecast(given[0], as_of=END, fit=given[1])


def reminded(given: Any) -> Any:
    return repurchase.reminders(given[0], as_of=END, fit=given[1])


def valued(given: Any) -> Any:
    return clv.customer_value(given[0], as_of=END, horizon_days=365, fit=given[1])


def tagged(given: Any) -> Any:
    people, orders, events = given
    return tags.tag_customers(RULES, people, as_of=DAY, orders=orders, events=events)


def effects(given: Any) -> Any:
    return scoring.content_effects(*given, as_of=DAY, horizon_days=30)


WAYS = {
    "forecast": Way(value_given, forecast, nothing),
    "reminders": Way(value_given, reminded, nothing),
    "value": Way(value_given, valued, nothing),
    "season": Way(table("orders"), lambda log: repurchase.seasonal_pattern(log, as_of=END), nothing),
    "alerts": Way(table("orders"), lambda log: churn.alerts(log, as_of=END), nothing),
    "states": Way(lambda folder: two_days(many(folder)), lambda days: churn.update_alerts(*days, as_of=DAY), nothing),
    "health": Way(
        lambda folder: readings(many(folder)), lambda t: churn.health_score(t, as_of=DAY, scheme=SCHEME), nothing
    ),
    "retention": Way(
        lambda folder: contracts(many(folder)), lambda t: churn.retention(t, as_of=DAY, by="plan"), nothing
    ),
    "tags": Way(lambda folder: tagged_company(many(folder)), tagged, nothing),
    "contents": Way(people_and_contents, effects, nothing),
    "sales": Way(
        lambda folder: deals(many(folder)), lambda t: funnel.forecast_sales(t, as_of=DAY, stages=STAGES), nothing
    ),
    "cleaning": Way(
        lambda folder: dirty_leads(int(many(folder) * 0.74), np.random.default_rng(2)).drop(columns="person"),
        leads.merge_leads,
        nothing,
    ),
}

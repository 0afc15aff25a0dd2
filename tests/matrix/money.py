"""Calls of what channels return, of nurturing and of score bands, and the tables that only they take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import attribution, scoring
from tests.matrix.case import AS_OF, Case

QUARTER = (dt.date(2024, 4, 1), dt.date(2024, 6, 30))

CASES: Mapping[str, Case] = {
    "attribution.channel_returns": Case(
        lambda credit, costs, leads: attribution.channel_returns(
            credit, costs, leads=leads, period=QUARTER, locale="zh"
        ),
        ("credit", "costs", "lead counts"),
        ("channel", "model"),
    ),
    "attribution.channel_quality": Case(
        lambda touched, customers, costs: attribution.channel_quality(touched, customers, costs=costs),
        ("first touch", "customers", "costs"),
        ("channel",),
    ),
    "attribution.reallocate": Case(
        lambda returns, lifts: attribution.reallocate(returns, elasticity=0.3, lift_tests=lifts),
        ("returns", "lift tests"),
        ("channel", "model"),
    ),
    "scoring.content_effects": Case(
        lambda leads, events: scoring.content_effects(
            leads, events, as_of=AS_OF, horizon_days=20, by="source", activity=(1, 3), locale="zh"
        ),
        ("nurtured leads", "nurturing events"),
        ("content",),
    ),
    "scoring.qualified_share": Case(
        lambda scores, leads: scoring.qualified_share(scores, leads, as_of=AS_OF),
        ("lead scores", "nurtured leads"),
        ("month",),
    ),
    "scoring.band_outcomes": Case(
        lambda scores, leads: scoring.band_outcomes(scores, leads, as_of=AS_OF, horizon_days=20),
        ("lead scores", "nurtured leads"),
        (),
    ),
    "scoring.suggest_bands": Case(
        lambda scores, leads: scoring.suggest_bands(scores, leads, as_of=AS_OF, horizon_days=20, least_converted=10),
        ("lead scores", "nurtured leads"),
        (),
    ),
}


def lead_tables() -> dict[str, pd.DataFrame]:
    """Leads of half a year with events: before their creation, after their conversion, after as_of, ties."""
    rng, n = np.random.default_rng(13), 240
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200 * 24 * 60, n), unit="min")
    life = pd.to_timedelta(rng.integers(1, 60 * 24, n), unit="h")
    won = pd.Series(created + life).where(rng.random(n) < 0.5)
    ids = pd.Series([f"l{i:03d}" for i in range(n)], dtype="str")
    source = pd.Series([("web", "李", None)[i % 3] for i in range(n)], dtype="str")
    who = rng.integers(0, n, 4 * n)
    ages = pd.to_timedelta(rng.integers(-20, 200, 4 * n), unit="h")
    content = pd.Series([("paper", "webinar", None, "价格")[i] for i in rng.integers(0, 4, 4 * n)], dtype="str")
    return {
        "nurtured leads": pd.DataFrame(
            {
                "lead_id": ids,
                "created_at": pd.Series(created).astype("datetime64[us]"),
                "converted_at": won.dt.floor("12h").astype("datetime64[us]"),
                "source": source,
                "age": np.arange(n),
            }
        ),
        "nurturing events": pd.DataFrame(
            {
                "lead_id": ids[who].reset_index(drop=True),
                "event": pd.Series(np.where(who % 2, "open", "click"), dtype="str"),
                "content": content,
                "occurred_at": pd.Series(created[who] + ages).astype("datetime64[us]"),
            }
        ),
        "lead scores": pd.DataFrame({"lead_id": ids[1:], "score": rng.integers(0, 100, n - 1)}).reset_index(drop=True),
    }


def channel_tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Credit by two models, costs by month, leads, first touches and returns of a few channels."""
    names, rows = ["ads", "mail", "李", "tv"], []
    for i, name in enumerate([*names[:3], "(unattributed)"]):
        for model, weight in (("first", 1.0), ("last", 1.25)):
            rows.append((name, model, 10.0 * weight + i, 2.5, 1234.5 * weight / (1 + i), 99.5))
    columns = ["channel", "model", "conversions", "conversions_se", "value", "value_se"]
    start = pd.Series(pd.to_datetime(["2024-03-15", "2024-04-01", "2024-05-01", "2024-06-15"]))
    costs = pd.DataFrame(
        {
            "channel": pd.Series(names, dtype="str"),
            "cost": [310.0, 99.99, 0.0, 45.5],
            "period_start": start.astype("datetime64[us]"),
            "period_end": (start + pd.Timedelta(days=30)).astype("datetime64[us]"),
        }
    )
    ids = pd.Series([*sorted(orders["customer_id"].unique()), "nobody"], dtype="str")
    place = np.arange(len(ids))
    returns = pd.DataFrame(
        {
            "channel": pd.Series([*names, "none"] * 2, dtype="str"),
            "model": pd.Series(["first"] * 5 + ["last"] * 5, dtype="str"),
            "cost": [100.0, 50.0, 70.0, 0.0, np.nan] * 2,
            "roas": [4.0, 8.0, 1.0, np.nan, np.nan, 1.0, 2.0, 9.0, np.nan, np.nan],
            "roas_se": [0.1, 0.2, np.nan, np.nan, np.nan, 0.1, 0.2, 0.3, np.nan, np.nan],
        }
    )
    return {
        "credit": pd.DataFrame(rows, columns=columns).astype({"channel": "str", "model": "str"}),
        "costs": costs,
        "lead counts": pd.DataFrame({"channel": pd.Series(["ads", "fair"], dtype="str"), "leads": [7, 2]}),
        "first touch": pd.DataFrame(
            {
                "customer_id": ids,
                "first_channel": pd.Series([("ads", "李", None)[i % 3] for i in place], dtype="str"),
                "touches": place,
            }
        ),
        "returns": returns,
        "lift tests": pd.DataFrame({"channel": pd.Series(["ads"], dtype="str"), "ratio": [0.5], "ratio_se": [0.01]}),
    }

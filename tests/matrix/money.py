"""Calls of what channels return, of nurturing and of score bands, and the tables that only they take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import attribution
from tests.matrix.case import Case

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
                "channel": pd.Series([("ads", "李", None)[i % 3] for i in place], dtype="str"),
                "touches": place,
            }
        ),
        "returns": returns,
        "lift tests": pd.DataFrame({"channel": pd.Series(["ads"], dtype="str"), "ratio": [0.5], "ratio_se": [0.01]}),
    }

"""Calls of response times, receivables, anomalies and followed leads, and the tables that they take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import funnel, leads
from tests.matrix.case import AS_OF, Case

NOW = dt.datetime(2024, 6, 30, 12, 0)
HOURS = funnel.WorkingHours(
    (
        *[((dt.time(9), dt.time(12)), (dt.time(13), dt.time(18)))] * 5,
        ((dt.time(10), dt.time(14)),),
        (),
    ),
    (dt.date(2024, 6, 10),),
)
HORIZON = {"as_of": AS_OF, "horizon_days": 14}

CASES: Mapping[str, Case] = {
    "funnel.response_times": Case(
        lambda f: funnel.response_times(f, as_of=NOW, limit_seconds=7200, by="region", hours=HOURS),
        ("asking leads",),
        ("region",),
    ),
    "funnel.overdue_responses": Case(
        lambda f: funnel.overdue_responses(f, as_of=NOW, limit_seconds=300, by=["owner_id"], locale="zh"),
        ("asking leads",),
        ("lead_id",),
    ),
    "funnel.response_pairs": Case(
        lambda f: funnel.response_pairs(f, start="ask", answer="reply", as_of=NOW),
        ("asking events",),
        ("lead_id", "request"),
    ),
    "funnel.payment_plan": Case(
        lambda f: funnel.payment_plan(f, as_of=AS_OF),
        ("signed contracts",),
        ("customer_id", "contract_id", "instalment"),
    ),
    "funnel.receivables": Case(
        lambda f, paid: funnel.receivables(f, paid, as_of=AS_OF),
        ("instalments", "payments"),
        ("customer_id", "contract_id", "instalment"),
    ),
    "funnel.ageing": Case(lambda f, paid: funnel.ageing(f, paid, as_of=AS_OF), ("instalments", "payments")),
    "funnel.ageing_total": Case(
        lambda f, paid: funnel.ageing_total(f, paid, as_of=AS_OF), ("instalments", "payments"), ()
    ),
    "funnel.conversion_kpis": Case(
        lambda f: funnel.conversion_kpis(f, **HORIZON, period="week"), ("asking leads",), ("group", "period")
    ),
    "funnel.kpi_anomalies": Case(lambda f: funnel.kpi_anomalies(f, as_of=AS_OF), ("kpis",), ("group",)),
    "leads.unfollowed_leads": Case(
        lambda f, met: leads.unfollowed_leads(f, contacts=met, as_of=NOW),
        ("asking leads", "lead contacts"),
        ("lead_id",),
    ),
    "leads.stale_ownership": Case(
        lambda f, deals, met: leads.stale_ownership(f, deals=deals, contacts=met, as_of=AS_OF, stale_days=20),
        ("asking leads", "deals of leads", "lead contacts"),
        ("lead_id",),
    ),
    "leads.owner_profiles": Case(
        lambda f: leads.owner_profiles(f, **HORIZON), ("asking leads",), ("owner_id", "region")
    ),
    "leads.owner_differences": Case(lambda f: leads.owner_differences(f, **HORIZON), ("asking leads",), ()),
    "leads.owner_match": Case(
        lambda new, f: leads.owner_match(new, f, **HORIZON, capacity={"李": 9, "bob": 40, "eve": 2}),
        ("fresh leads", "asking leads"),
        ("lead_id",),
    ),
}


def tables() -> dict[str, pd.DataFrame]:
    """Sixty leads with every edge: unanswered, answered before they came, after the end, without owner or region."""
    place = np.arange(60)
    ids = pd.Series([f"L{i:02d}" for i in place], dtype="str")
    created = pd.Timestamp("2024-05-01 08:30") + pd.to_timedelta(place * 1550, unit="min")
    answers = pd.to_timedelta(np.array([4, 5, 6, 90, 2000, -30, 0])[place % 7], unit="min")
    people = pd.DataFrame(
        {
            "lead_id": ids,
            "visits": place,
            "created_at": pd.Series(created.astype("datetime64[us]")),
            "first_response_at": pd.Series(created + answers).where(place % 4 > 0).astype("datetime64[us]"),
            "converted_at": pd.Series(created + pd.Timedelta(days=3)).where(place % 5 == 0).astype("datetime64[us]"),
            "closed_at": pd.Series(created + pd.Timedelta(days=9)).where(place % 11 == 4).astype("datetime64[us]"),
            "owner_id": pd.Series(np.array(["李", "bob", None], dtype=object)[place % 3], dtype="str"),
            "region": pd.Series(np.array(["south", "北"], dtype=object)[place % 2], dtype="str").where(place % 13 > 0),
        }
    )
    days = pd.Timestamp("2024-06-01") + pd.to_timedelta((place * 17) % 40, unit="D")
    return {
        "asking leads": people,
        "fresh leads": people[["lead_id", "visits", "created_at", "region"]].assign(region=people["region"].shift(3)),
        "asking events": pd.DataFrame(
            {
                "lead_id": pd.Series([f"L{i % 7}" for i in place], dtype="str"),
                "place": place,
                "event": pd.Series(
                    np.array(["ask", "reply", "ask", "other"], dtype=object)[(place * 7) % 4], dtype="str"
                ),
                "occurred_at": pd.Series((days + pd.to_timedelta(place % 3, unit="h")).astype("datetime64[us]")),
            }
        ),
        "lead contacts": pd.DataFrame({"lead_id": ids, "contacted_at": pd.Series(days.astype("datetime64[us]"))})[::3],
        "deals of leads": pd.DataFrame(
            {
                "deal_id": pd.Series([f"D{i // 2}" for i in place], dtype="str"),
                "stage": pd.Series(["visit", "quote"] * 30, dtype="str"),
                "entered_at": pd.Series(days.astype("datetime64[us]")),
                "lead_id": ids.where(place % 9 > 0),
                "outcome": pd.Series(np.array([None, "won", "lost"], dtype=object)[place % 3], dtype="str"),
            }
        )[1::2],
        **_money(place),
        "kpis": _kpis(),
    }


def _money(place: np.ndarray) -> dict[str, pd.DataFrame]:
    who = pd.Series([f"c{i % 5}" for i in place], dtype="str")
    signed = pd.Timestamp("2024-01-01") + pd.to_timedelta(place * 4, unit="D")
    contracts = pd.DataFrame(
        {
            "customer_id": who,
            "contract_id": pd.Series([f"K{i:02d}" for i in place], dtype="str"),
            "signed_at": pd.Series(signed.astype("datetime64[us]")),
            "amount": np.round(0.01 + place * 33.37, 2),
        }
    )[::3].reset_index(drop=True)
    payments = pd.DataFrame(
        {
            "customer_id": pd.Series([*contracts["customer_id"], "stranger"], dtype="str"),
            "paid_at": pd.Series([*contracts["signed_at"], pd.Timestamp("2024-02-01")], dtype="datetime64[us]"),
            "amount": [*(contracts["amount"] * 0.4).round(2), 5.0],
            "contract_id": pd.Series([*contracts["contract_id"], None], dtype="str"),
        }
    )
    payments["contract_id"] = payments["contract_id"].where(payments.index % 2 == 0)
    return {
        "signed contracts": contracts,
        "instalments": funnel.payment_plan(contracts, as_of=AS_OF),
        "payments": payments,
    }


def _kpis() -> pd.DataFrame:
    months = pd.date_range("2023-05-01", "2024-06-01", freq="MS")
    place = np.arange(14)
    rows = [
        pd.DataFrame(
            {
                "group": pd.Series([group] * 14, dtype="str"),
                "period": pd.Series(months.astype("datetime64[us]")),
                "numerator": np.where(place == 13, last, 20 + (7 * place + shift) % 5),
                "denominator": 100 + place,
            }
        )
        for shift, (group, last) in enumerate((("south", 22), ("北", 3)))
    ]
    return pd.concat([*rows, rows[0][-4:].assign(group="new")], ignore_index=True).astype({"group": "str"})

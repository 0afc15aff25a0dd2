"""Calls of the cohorts room, and the tables that only it takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import cohorts
from tests.matrix.case import AS_OF, Case

CASES: Mapping[str, Case] = {
    "cohorts.retention_triangle": Case(
        lambda f: cohorts.retention_triangle(f, as_of=AS_OF, refunds="net"), key=("cohort", "age")
    ),
    "cohorts.cohort_revenue": Case(
        lambda f: cohorts.cohort_revenue(f, as_of=AS_OF, period="week"), key=("cohort", "age")
    ),
    "cohorts.repurchase_rate": Case(
        lambda f: cohorts.repurchase_rate(f, within_days=45, as_of=AS_OF), key=("cohort_month",)
    ),
    "cohorts.referrals": Case(
        lambda f, c: cohorts.referrals(f, c, as_of=AS_OF, period="quarter"), ("orders", "brought"), ("cohort",)
    ),
    "cohorts.customer_shares": Case(
        lambda f, c: cohorts.customer_shares(f, c, as_of=AS_OF, lost_days=120, locale="zh"), ("orders", "calls"), ()
    ),
    "cohorts.sell_or_keep": Case(
        lambda f, d, c: cohorts.sell_or_keep(
            f, d, c, as_of=AS_OF, window_days=30, repurchase_days=40, churn_days=60, complaint_words=["Call"]
        ),
        ("orders", "deal stages", "calls"),
        (),
    ),
}


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Who brought whom, contacts with complaints, and the stages of deals, at the times of a log."""
    ids = pd.Series(sorted(orders["customer_id"].unique()), dtype="str", name="customer_id")
    brought = ids.shift(1).where(ids.index % 3 > 0)
    kinds = pd.Series([("Complaint", "call", None, " 投诉 ")[i % 4] for i in range(len(orders))], dtype="str")
    calls = pd.DataFrame({"customer_id": orders["customer_id"], "contacted_at": orders["ordered_at"], "kind": kinds})
    place = np.arange(len(orders))
    stages = pd.DataFrame(
        {
            "deal_id": place // 2,
            "stage": pd.Series(np.where(place % 2, "closed", "offer"), dtype="str"),
            "entered_at": orders["ordered_at"],
            "outcome": pd.Series([(None, ("won", "lost")[int(i % 3 > 0)])[i % 2] for i in place], dtype="str"),
        }
    )
    return {
        "brought": pd.DataFrame({"customer_id": ids, "referred_by": brought.astype("str").where(brought.notna())}),
        "calls": calls,
        "deal stages": stages,
    }

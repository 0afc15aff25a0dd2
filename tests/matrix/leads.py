"""Calls of the cleaning of leads, and the tables that only it takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import leads
from tests.dirty_leads import dirty_leads
from tests.matrix.case import AS_OF, Case

CASES: Mapping[str, Case] = {
    "leads.standardise": Case(lambda f: leads.standardise(f, locale="zh"), ("dirty leads",), ("lead_id",)),
    "leads.invalid_leads": Case(
        lambda f: leads.invalid_leads(f, remove="any_fault", locale="zh"), ("dirty leads",), ("lead_id",)
    ),
    "leads.clean_leads": Case(lambda f: leads.clean_leads(f).kept, ("dirty leads",), ("lead_id",)),
    "leads.duplicates": Case(
        lambda f: leads.duplicates(f, max_block=3, window=1), ("dirty leads",), ("lead_id", "other_id")
    ),
    "leads.fit_match_weights": Case(leads.fit_match_weights, ("dirty leads",), ()),
    "leads.merge_leads": Case(lambda f: leads.merge_leads(f).survivors, ("dirty leads",), ("lead_id",)),
    "leads.customer_view": Case(
        lambda crm, shop: leads.customer_view({"crm": crm, "shop": shop}, precedence={"phone": ["shop"]}).customers,
        ("crm records", "shop records"),
        ("customer_id",),
    ),
    "leads.reconcile_orders": Case(
        lambda f, records: leads.reconcile_orders(f, records, as_of=AS_OF, tolerance=0.01),
        ("orders", "sales records"),
        (),  # rows without an id stand first
    ),
    "leads.reconciliation_totals": Case(leads.reconciliation_totals, ("reconciled",), ()),
}
# The further tables of calls that give several.
VARIANTS: Mapping[str, Case] = {
    "removed leads": Case(lambda f: leads.clean_leads(f).removed, ("dirty leads",), ("lead_id",)),
    "crosswalk of merged leads": Case(lambda f: leads.merge_leads(f).crosswalk, ("dirty leads",), ("lead_id",)),
    "conflicts of sources": Case(
        lambda crm, shop: leads.customer_view({"crm": crm, "shop": shop}).conflicts,
        ("crm records", "shop records"),
        ("customer_id", "field", "source", "source_id"),
    ),
}


def some_leads() -> pd.DataFrame:
    """Duplicates of every kind, fakes, numbers and regions that no rule reads, attributes of several types."""
    rows = dirty_leads(24, np.random.default_rng(5), copies=0.8).drop(columns="person")
    odd = {
        "phone": [
            "12345678901",
            "13800138000",
            "+1 415 555 2671",
            "６５５２９９８８",
            "010-65529988/13907552016",
            "abc",
        ],
        "email": ["a@b", "X+y@Shop.CN", "test@shop.cn", "t@mailinator.com", " ", "lei＠shop。cn"],
        "region": ["吉林", "Suzhou", "Guangdong, Shenzhen", "广东省杭州市", "Atlantis", None],
        "name": [" 李　雷 ", "Li  Lei", "Lei Li", None, "韩梅", "韩女士"],
    }
    more = pd.DataFrame(odd, dtype="str").assign(lead_id=[f"Z{i}" for i in range(6)], company="A Ltd.")
    both = pd.concat([rows, more.astype({"lead_id": "str"})], ignore_index=True)
    return both.assign(
        visits=np.arange(len(both)), score=np.where(np.arange(len(both)) % 3, 0.5, np.nan), known=both.index % 2 == 0
    )


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Leads, the same as records of two sources, and sales records with every kind of difference."""
    rows = some_leads()
    records = rows.rename(columns={"lead_id": "source_id", "created_at": "updated_at"}).drop(
        columns=["visits", "known"]
    )
    shop = records.iloc[::2].drop(columns=["score", "company"]).assign(number=np.arange(len(records.iloc[::2])))
    taken = orders[["order_id", "ordered_at", "amount"]].iloc[::-1].reset_index(drop=True)
    place = np.arange(len(taken))
    kept = taken.assign(
        amount=taken["amount"] + np.select([place % 5 == 1, place % 5 == 2], [0.01, -3.0], 0.0),
        ordered_at=taken["ordered_at"] + pd.to_timedelta(np.where(place % 4 == 3, 2, 0), unit="D"),
    )[place % 7 != 4]
    records_of_sales = pd.concat([kept, kept[:2]], ignore_index=True).astype({"ordered_at": "datetime64[us]"})
    return {
        "dirty leads": rows,
        "crm records": records.iloc[1::2].drop(columns="region").reset_index(drop=True),
        "shop records": shop.reset_index(drop=True),
        "sales records": records_of_sales,
        "reconciled": leads.reconcile_orders(orders, records_of_sales, as_of=AS_OF),
    }

"""Capabilities 66 to 69: clean leads, one view of several sources, orders against sales records."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crmkit import leads, schema
from crmkit.errors import SchemaError


def test_cap_66_duplicates_and_invalid_leads_with_the_reason_per_row():
    given = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c", "d", "e", "f"],
            "name": ["李雷", "李雷", "韩梅", None, "王芳", "李 雷"],
            "phone": ["139 0755 2016", "+8613907552016", "12345678901", None, "13800000000", "13611112233"],
            "email": ["lei@shop.cn", None, "", " ", "t@mailinator.com", "mei@shop.cn"],
            "region": ["深圳", "广东深圳", "北京", "北京", "上海", "上海"],
        }
    )
    cleaned = leads.clean_leads(given)
    reasons = dict(zip(cleaned.removed["lead_id"], cleaned.removed["reason"], strict=True))
    assert reasons == {
        "c": "phone_sequence;email_missing",
        "d": "phone_missing;email_missing",
        "e": "phone_one_digit;email_throw_away",
    }
    assert len(cleaned.kept) + len(cleaned.removed) == len(given)

    merged = leads.merge_leads(cleaned.kept)
    # a says more than b (a mail address), f is another person of that name.
    assert merged.survivors["lead_id"].tolist() == ["a", "f"]
    assert merged.crosswalk.values.tolist() == [["a", "a"], ["b", "a"], ["f", "f"]]
    removal = merged.removals.iloc[0]
    assert (removal["lead_id"], removal["survivor_id"], removal["reason"]) == (
        "b",
        "a",
        "same phone; same name; same city",
    )
    assert removal["score"] == -10.0 + 15.0 + 6.0 + 2.5  # prior, mobile, name, city
    assert removal["probability"] == round(1.0 / (1.0 + 2.0**-13.5), 9)


def test_cap_67_phone_of_11_digits_and_region_as_province_and_city():
    given = pd.DataFrame(
        {
            "lead_id": list("abcdef"),
            "phone": [
                "+86 139-0755-2016",
                "００８６１３９０７５５２０１６",
                "86 139 0755 2016",
                "0755-8655 1234",
                "1390755",
                "+1 415 555 2671",
            ],
            "region": ["广东 深圳", "深圳市", "Guangdong, Shenzhen", "广东省深圳市南山区", "Beijing", "Suzhou"],
        }
    )
    found = leads.standardise(given, locale="zh")
    assert found["phone_standard"].fillna("-").tolist() == [
        *["13907552016"] * 3,
        *("0755-86551234", "-", "+14155552671"),
    ]
    assert found["region_province"].fillna("-").tolist() == ["广东省"] * 4 + ["北京市", "-"]
    assert found["region_city"].fillna("-").tolist() == ["深圳市"] * 4 + ["北京市", "-"]
    # Nothing is deleted; what can't be read is marked.
    assert found["problems"].tolist()[5] == "region_ambiguous"  # in Jiangsu and in Anhui
    assert found[["lead_id", "phone", "region"]].equals(given)


def test_cap_68_import_checks_and_orders_against_sales_records():
    orders = pd.DataFrame(
        {
            "CustomerID": ["ann", "bob", "cy", "dee", "eve", "eve"],
            "InvoiceNo": ["A1", "A2", "A3", "A4", "A5", "A5"],
            "OrderDate": ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04", "2024-05-05", "2024-05-05"],
            "amount": ["100.00", "50.10", "20", "7.5", "30", "30"],
        }
    )
    names = {"CustomerID": "customer_id", "InvoiceNo": "order_id", "OrderDate": "ordered_at"}
    bad = orders.assign(amount=orders["amount"].where(orders["InvoiceNo"] != "A2", "fifty"))
    wrong = schema.violations(bad.rename(columns=names), schema.ORDERS)
    assert wrong[["column", "severity", "rows"]].values.tolist() == [["amount", "error", 1]]
    with pytest.raises(SchemaError, match="fifty"):
        schema.conform(bad, schema.ORDERS, rename=names)

    checked = schema.conform(orders, schema.ORDERS, rename=names)
    records = pd.DataFrame(
        {
            "order_id": ["A1", "A2", "A3", "A5", "B9"],
            "ordered_at": pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-06", "2024-05-05", "2024-05-07"]),
            "amount": [100.0, 50.0, 20.0, 30.0, 12.0],
        }
    )
    found = leads.reconcile_orders(checked, records, as_of=dt.date(2024, 5, 31))
    assert found[["order_id", "place", "status", "difference"]].values.tolist() == [
        ["A1", 1, "matched", 0.0],
        ["A2", 1, "amount_differs", 0.1],
        ["A3", 1, "date_differs", 0.0],
        ["A4", 1, "only_in_orders", 7.5],
        ["A5", 1, "matched", 0.0],
        ["A5", 2, "duplicate_in_orders", 30.0],
        ["B9", 1, "only_in_records", -12.0],
    ]
    totals = leads.reconciliation_totals(found).set_index("status")
    assert totals.loc["total"].tolist() == [7, 237.6, 212.0, 25.6]  # 0.1 + 7.5 + 30 - 12
    cent = leads.reconcile_orders(checked, records, as_of=dt.date(2024, 5, 31), tolerance=0.1, within_days=3)
    assert cent["status"].tolist()[:3] == ["matched"] * 3


def test_cap_69_several_sources_into_one_customer_view():
    crm = pd.DataFrame(
        {
            "source_id": [1, 2],
            "name": ["李雷", "韩梅"],
            "phone": ["13907552016", "13611112233"],
            "email": ["lei@old.cn", None],
            "updated_at": pd.to_datetime(["2023-01-01", "2024-01-01"]),
            "grade": ["A", "B"],
        }
    )
    shop = pd.DataFrame(
        {
            "source_id": ["x", "y"],
            "name": ["李雷", "王芳"],
            "phone": ["+86 139 0755 2016", "13733334455"],
            "email": ["lei@new.cn", "fang@shop.cn"],
            "region": ["深圳", None],
            "updated_at": pd.to_datetime(["2024-06-01", "2024-03-01"]),
        }
    )
    view = leads.customer_view({"crm": crm, "shop": shop}, precedence={"email": ["shop"]})
    assert view.crosswalk.values.tolist() == [
        ["crm", "1", "shop:x"],
        ["crm", "2", "crm:2"],
        ["shop", "x", "shop:x"],
        ["shop", "y", "shop:y"],
    ]
    lei = view.customers.set_index("customer_id").loc["shop:x"]
    assert (lei["email"], lei["phone"], lei["city"], lei["grade"]) == ("lei@new.cn", "13907552016", "Shenzhen", "A")
    assert (lei["records"], lei["sources"], lei["updated_at"]) == (2, 2, pd.Timestamp("2024-06-01"))
    assert view.conflicts[["field", "value", "source", "chosen"]].values.tolist() == [
        ["email", "lei@old.cn", "crm", 0],
        ["email", "lei@new.cn", "shop", 1],
    ]

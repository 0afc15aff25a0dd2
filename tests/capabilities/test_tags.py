"""What customer portraits must do, each with its example worked by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crmkit import tags
from crmkit.tags import AllOf, Attribute, Measure, TagRule

AS_OF = dt.date(2024, 6, 30)


def table(columns, *rows):
    made = pd.DataFrame(list(rows), columns=columns.split())
    for name in made.columns:
        if name.endswith(("_at", "since")):
            made[name] = pd.to_datetime(made[name])
    return made


def people(*names, **columns):
    return pd.DataFrame({"customer_id": list(names), **columns})


def cells(found, *columns):
    return [tuple(row) for row in found[list(columns)].itertuples(index=False)]


def test_cap_1_often_bargains_makes_price_sensitive():
    orders = table(
        "customer_id ordered_at amount discount",
        *[("ann", f"2024-0{month}-01", 100.0, 20.0 * (month <= 2)) for month in (1, 2, 3, 4)],  # 2 of 4: half
        *[("bob", f"2024-0{month}-01", 100.0, 20.0 * (month <= 1)) for month in (1, 2, 3, 4)],  # 1 of 4
        ("cy", "2024-05-01", 100.0, 50.0),  # 1 of 1: says nothing
        *[("dee", f"2023-0{month}-01", 100.0, 20.0) for month in (1, 2, 3, 4)],  # all of them, longer than a year ago
    )
    found = tags.tag_customers(
        [tags.price_sensitive(share=0.5, least_orders=3)], people("ann", "bob", "cy", "dee"), orders=orders, as_of=AS_OF
    )
    assert cells(found, "customer_id", "dimension", "tag", "evidence") == [
        ("ann", "behaviour", "price-sensitive", "share(orders: discount > 0), 365 days = 0.50")
    ]


def test_cap_2_three_approval_levels_make_a_long_decision_chain():
    orders = table(
        "customer_id ordered_at amount approval_levels",
        ("ann", "2024-01-10", 5_000.0, 1),
        ("ann", "2024-03-10", 90_000.0, 3),
        ("ann", "2024-04-10", 90_000.0, 4),
        ("bob", "2024-03-10", 90_000.0, 2),
    )
    found = tags.tag_customers([tags.long_decision_chain(levels=3)], people("ann", "bob"), orders=orders, as_of=AS_OF)
    assert cells(found, "customer_id", "tag", "since", "evidence") == [
        ("ann", "long decision chain", pd.Timestamp("2024-03-10"), "count(orders: approval_levels >= 3) = 2")
    ]


def test_cap_3_more_than_a_million_in_a_year_makes_vip():
    orders = table(
        "customer_id ordered_at amount",
        ("ann", "2023-07-02", 600_000.0),  # the first of the 365 days that end on 2024-06-30
        ("ann", "2024-06-30", 400_000.01),
        ("bob", "2023-07-02", 600_000.0),
        ("bob", "2024-06-30", 400_000.0),  # a million, not more
        ("cy", "2023-07-01", 9_000_000.0),  # a day too old
        ("dee", "2024-07-01", 9_000_000.0),  # not yet
    )
    rules = [
        TagRule("vip", "transaction", "VIP", Measure("orders", "sum", above=1e6, column="amount", window_days=365))
    ]
    found = tags.tag_customers(rules, people("ann", "bob", "cy", "dee"), orders=orders, as_of=AS_OF)
    assert cells(found, "customer_id", "tag", "evidence") == [
        ("ann", "VIP", "sum(orders.amount), 365 days = 1000000.01")
    ]


def test_cap_4_four_dimensions():
    rules = [
        TagRule("north", "basic", "region", Attribute("region", equals="Beijing"), "north"),
        TagRule("buyer", "transaction", "buyer", Measure("orders", "count", low=1)),
        tags.inactive(days=7),
        *tags.keyword_rules({"phone": ("phone", "手机")}, tag="product"),
    ]
    customers = people("ann", region=["Beijing"], remark=["想换手机"])
    orders = table("customer_id ordered_at amount", ("ann", "2024-05-01", 10.0))
    events = table("customer_id event occurred_at", ("ann", "visit", "2024-06-20"))
    found = tags.tag_customers(rules, customers, orders=orders, events=events, as_of=AS_OF)
    assert set(found["dimension"]) == set(tags.DIMENSIONS) == {"basic", "behaviour", "transaction", "interest"}


def test_cap_5_tags_follow_the_data():
    customers = people("ann", "bob")
    rules = list(tags.value_levels({"VIP": 1_000.0, "key": 100.0}, window_days=30))
    orders = table(
        "customer_id ordered_at amount",
        ("ann", "2024-05-20", 200.0),
        ("ann", "2024-06-20", 1_100.0),
        ("bob", "2024-05-20", 200.0),
    )
    may = tags.tag_customers(rules, customers, orders=orders, as_of=dt.date(2024, 5, 31))
    june = tags.tag_customers(rules, customers, orders=orders, as_of=AS_OF, before=may)
    assert cells(may, "customer_id", "value") == [("ann", "key"), ("bob", "key")]
    moved = tags.tag_changes(may, june, as_of=AS_OF)
    # bob's order of 20 May is 41 days old: no condition, no tag.
    assert cells(moved.fillna(""), "customer_id", "change", "value_before", "value", "changed_on") == [
        ("ann", "changed", "key", "VIP", pd.Timestamp("2024-06-30")),
        ("bob", "left", "key", "", pd.Timestamp("2024-06-30")),
    ]


def test_cap_6_audience_of_tags_and_attributes():
    customers = people(
        *("ann", "bob", "cy", "dee", "eve"),
        region=["Beijing", "Beijing", "Shanghai", "Beijing", "Beijing"],
        age=[25, 30, 27, 29, None],
        industry=["manufacturing", "manufacturing", "retail", "manufacturing", "manufacturing"],
        revenue=[1e7, 9_999_999.0, 5e7, 2e7, None],
    )
    owned = table(
        "customer_id dimension tag value",
        *[(name, "interest", "bought phone", "yes") for name in ("ann", "bob", "cy", "eve")],
    )
    young = tags.audience(owned, customers, where="region = 'Beijing' and age in [25, 30) and tag('bought phone')")
    assert young["customer_id"].tolist() == ["ann"]  # bob is 30, cy in Shanghai, dee has no phone, eve no age
    for amount in ("10_000_000", "10 M", "1000万"):
        large = tags.audience(None, customers, where=f"industry = 'manufacturing' and revenue >= {amount}")
        assert large["customer_id"].tolist() == ["ann", "dee"]


def test_cap_7_preferred_channel():
    touches = table(
        "customer_id channel touched_at",
        *[("ann", "wechat", f"2024-06-{day:02d}") for day in range(1, 9)],
        ("ann", "phone", "2024-06-09"),
        ("bob", "phone", "2024-06-10"),
    )
    found = tags.preferred_channel(touches, as_of=AS_OF)
    # Of all ten touches 8 were by wechat, 2 by phone: ann (8 + 5 * .8) / (9 + 5), bob (1 + 5 * .2) / (1 + 5).
    assert cells(found, "customer_id", "channel", "touches", "all_touches", "verdict") == [
        ("ann", "wechat", 8, 9, "clear"),
        ("bob", "phone", 1, 1, "leaning"),
    ]
    assert found["share"].round(9).tolist() == [round(12 / 14, 9), round(2 / 6, 9)]
    groups = people("ann", "bob", group=["A", "A"])
    whole = tags.preferred_channel(touches, as_of=AS_OF, groups=groups)
    assert cells(whole, "group", "channel", "touches", "all_touches") == [("A", "wechat", 8, 10)]


def test_cap_8_industry_from_remarks():
    customers = people(
        "ann", "bob", "cy", "dee", remark=["有两家工厂，也做零售", "Owns a STORE.", "wants to restore data", None]
    )
    found = tags.tag_customers(tags.keyword_rules(), customers, as_of=AS_OF)
    assert cells(found, "customer_id", "tag", "value", "evidence") == [
        ("ann", "industry", "manufacturing", "工厂"),
        ("ann", "industry", "retail", "零售"),
        ("bob", "industry", "retail", "store"),  # cy restores: no word of its own
    ]


def test_cap_9_high_value_and_high_potential():
    customers = people(
        "ann", "bob", "cy", "dee", revenue=[120_000.0, 5_000.0, 3_000.0, None], clv=[9e4, 8e4, 10.0, 6e4]
    )
    rules = tags.worth_and_potential(high_worth=100_000, high_potential=50_000)
    found = tags.tag_customers(rules, customers, as_of=AS_OF)
    assert cells(found, "customer_id", "value") == [
        ("ann", "high value"),
        ("bob", "high potential"),
        ("dee", "high potential"),
    ]


def test_cap_11_profile_completeness_over_six_dimensions():
    customers = people(
        "ann", "bob",
        phone=["138", None], region=["Beijing", " "], budget=[5e4, None], approver=["cfo", None],
        verified_at=pd.to_datetime(["2024-03-31", "2024-04-01"]),
    )  # fmt: skip
    parts = tags.six_dimensions(
        basic=("phone", "region"), need=("budget",), decision_chain=("approver",), verified="verified_at"
    )
    logs = {
        "orders": table("customer_id ordered_at amount", ("ann", "2024-01-05", 10.0)),
        "contacts": table("customer_id contacted_at", ("ann", "2024-06-01"), ("bob", "2024-07-05")),
        "events": table("customer_id event occurred_at", ("bob", "visit", "2024-06-29")),
    }
    found = tags.profile_completeness(customers, parts=parts, as_of=AS_OF, **logs)
    # A quarter is 91 days: 31 March was 91 days before 30 June, 1 April 90.
    plain = found.fillna({"missing": "", "days_since_verified": -1.0})
    got = cells(plain, "customer_id", "dimension", "share", "missing", "days_since_verified", "state")
    assert got == [
        ("ann", "activity", 0.0, "events", -1, "never"),
        ("ann", "basic", 1.0, "", 91.0, "due"),
        ("ann", "decision chain", 1.0, "", 91.0, "due"),
        ("ann", "follow-up", 1.0, "", 29.0, "fresh"),
        ("ann", "need", 1.0, "", 91.0, "due"),
        ("ann", "transactions", 1.0, "", 177.0, "due"),
        ("bob", "activity", 1.0, "", 1.0, "fresh"),
        ("bob", "basic", 0.0, "phone, region", 90.0, "fresh"),
        ("bob", "decision chain", 0.0, "approver", 90.0, "fresh"),
        ("bob", "follow-up", 0.0, "contacts", -1, "never"),  # the contact of July is not known yet
        ("bob", "need", 0.0, "budget", 90.0, "fresh"),
        ("bob", "transactions", 0.0, "orders", -1, "never"),
    ]
    assert found["profile_share"].tolist() == [round(6 / 7, 9)] * 6 + [round(1 / 7, 9)] * 6


def test_cap_22_viewed_without_order_and_inactive():
    events = table(
        "customer_id event occurred_at value",
        ("ann", "view", "2024-06-20", 6.0),  # no order since
        ("bob", "view", "2024-06-20", 6.0),  # ordered on the fifth day
        ("cy", "view", "2024-06-20", 5.0),  # five minutes, not more
        ("dee", "view", "2024-06-24", 6.0),  # six days ago: there is still time
    )
    orders = table("customer_id ordered_at amount", ("ann", "2024-06-19", 9.0), ("bob", "2024-06-25", 9.0))
    rules = [tags.viewed_without_order(minutes=5, within_days=7), tags.inactive(days=7)]
    found = tags.tag_customers(
        rules, people("ann", "bob", "cy", "dee", "eve"), orders=orders, events=events, as_of=AS_OF
    )
    day = pd.Timestamp("2024-06-27")
    assert cells(found, "customer_id", "tag", "since", "evidence") == [
        ("ann", "inactive", day, "days_since(events) = 10"),
        ("ann", "viewed, no order", day, "since 2024-06-20"),
        ("bob", "inactive", day, "days_since(events) = 10"),
        ("cy", "inactive", day, "days_since(events) = 10"),
    ]


def test_cap_29_activity_and_loyalty():
    events = table(
        "customer_id event occurred_at value",
        ("ann", "webinar", "2024-02-01", None),
        ("ann", "survey", "2024-03-01", 8.0),
        ("ann", "survey", "2024-05-01", 9.0),
        ("ann", "referral", "2024-05-02", None),
        ("ann", "webinar", "2023-06-01", None),  # more than a year ago
    )
    orders = table("customer_id ordered_at amount", ("ann", "2022-01-01", 9.0), ("ann", "2024-06-10", 9.0))
    contacts = table("customer_id contacted_at", ("ann", "2024-06-10"))
    found = tags.activity_metrics(
        people("ann", "bob"), orders=orders, contacts=contacts, events=events, as_of=AS_OF, window_days=365
    )
    ann, bob = found.to_dict("records")
    assert (ann["last_interaction"], ann["last_kind"]) == (pd.Timestamp("2024-06-10"), "order")
    assert (ann["days_since_interaction"], ann["interactions"], ann["active_days"]) == (20, 6, 5)
    assert (ann["participations"], ann["satisfaction"], ann["satisfaction_answers"]) == (1, 8.5, 2)
    assert (ann["order_days"], ann["repeat"], ann["referrals"]) == (2, 1, 1)
    assert pd.isna(bob["last_interaction"])
    assert (bob["interactions"], bob["order_days"], bob["repeat"]) == (0, 0, 0)


def test_a_combination_over_tables():
    rule = TagRule(
        "recall",
        "behaviour",
        "recall",
        AllOf((Attribute("region", equals="Beijing"), Measure("orders", "days_since", low=60))),
    )
    orders = table("customer_id ordered_at amount", ("ann", "2024-05-01", 9.0), ("bob", "2024-05-02", 9.0))
    found = tags.tag_customers([rule], people("ann", "bob", region=["Beijing"] * 2), orders=orders, as_of=AS_OF)
    assert cells(found, "customer_id", "evidence") == [("ann", "region = Beijing; days_since(orders) = 60")]

"""Calls of the tags room, and the customers, contacts and events that they take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import tags
from crmkit.tags import AllOf, AnyOf, Attribute, Keywords, Measure, NoneOf, TagRule, Unanswered
from tests.matrix.case import AS_OF, EARLIER, Case

_BIG = Attribute("amount", low=50)
# A condition of every kind, so that each engine shows that it decides alike.
RULES = (
    TagRule("vip", "transaction", "level", Measure("orders", "sum", above=80, column="amount", window_days=200), "VIP"),
    TagRule("mean", "transaction", "mean", Measure("orders", "mean", low=30, column="amount", least_rows=2)),
    TagRule("most", "transaction", "most", Measure("orders", "max", low=50, column="amount"), "大", "size", 1),
    TagRule("least", "transaction", "least", Measure("orders", "min", high=40, column="amount"), "small", "size"),
    TagRule("share", "behaviour", "big orders", Measure("orders", "share", low=0.5, where=_BIG, least_rows=2)),
    TagRule("often", "behaviour", "often", Measure("orders", "count", low=2, where=_BIG, window_days=300)),
    TagRule("silent", "behaviour", "silent", Measure("contacts", "days_since", low=30)),
    TagRule("quiet", "behaviour", "quiet", Measure("events", "count", high=1, window_days=60)),
    TagRule(
        "viewed",
        "behaviour",
        "viewed",
        Unanswered((Attribute("event", equals="view"), Attribute("value", above=5)), 7),
    ),
    TagRule("asked", "interest", "phone", Keywords(("Phone", "手机"), table="contacts")),
    TagRule("phone", "interest", "phone", Keywords(("phone", "李"), window_days=None)),
    TagRule(
        "young",
        "basic",
        "young",
        AllOf((Attribute("age", low=25, high=30), NoneOf((Attribute("region", equals="south"),)))),
    ),
    TagRule("gap", "basic", "gap", AnyOf((Attribute("region", missing=True), Attribute("member", equals=True)))),
)
KEY = ("customer_id", "dimension", "tag", "value")
LOGS = ("orders", "tag contacts", "events")
PARTS = tags.six_dimensions(
    basic=("region", "age"), need=("remark",), decision_chain=("member", "amount_due"), verified="verified_at"
)
WHERE = "region in ('south', '李') and not age in [25, 30] or tag('phone') and amount_due >= 1 万"


def _tagged(people: object, orders: object, contacts: object, events: object, **options: object) -> object:
    return tags.tag_customers(RULES, people, as_of=AS_OF, orders=orders, contacts=contacts, events=events, **options)


CASES: Mapping[str, Case] = {
    "tags.tag_customers": Case(
        lambda people, orders, contacts, events, before: _tagged(
            people, orders, contacts, events, before=before, refunds="net"
        ),
        ("tag people", *LOGS, "tags before"),
        KEY,
    ),
    "tags.tag_changes": Case(
        lambda before, after: tags.tag_changes(before, after, as_of=AS_OF),
        ("tags before", "tags"),
        ("customer_id", "dimension", "tag", "change", "value_before", "value"),
    ),
    "tags.audience": Case(lambda found, people: tags.audience(found, people, where=WHERE), ("tags", "tag people")),
    "tags.preferred_channel": Case(
        lambda touches, groups: tags.preferred_channel(touches, as_of=AS_OF, groups=groups, window_days=400),
        ("tag touches", "groups"),
        ("group",),
    ),
    "tags.profile_completeness": Case(
        lambda people, *logs: tags.profile_completeness(
            people, parts=PARTS, as_of=AS_OF, **dict(zip(("orders", "contacts", "events"), logs, strict=True))
        ),
        ("tag people", *LOGS),
        ("customer_id", "dimension"),
    ),
    "tags.activity_metrics": Case(
        lambda people, *logs: tags.activity_metrics(
            people, as_of=AS_OF, **dict(zip(("orders", "contacts", "events"), logs, strict=True))
        ),
        ("tag people", *LOGS),
    ),
}


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Customers with attributes, some missing, beside contacts and events of a log, some after as_of."""
    ids = pd.Series([*sorted(orders["customer_id"].unique()), "nobody"], dtype="str", name="customer_id")
    place = np.arange(len(ids))
    people = pd.DataFrame(
        {
            "customer_id": ids,
            "region": pd.Series([("south", "李", None, " ")[i % 4] for i in place], dtype="str"),
            "age": np.where(place % 5 == 4, np.nan, 24.0 + place % 7),
            "member": place % 3 == 0,
            "amount_due": 4_000.0 * (place % 4),
            "remark": pd.Series([("two phones", "old Phone!", None, "姓李的客户")[i % 4] for i in place], dtype="str"),
            "verified_at": pd.Timestamp(AS_OF) - pd.to_timedelta(40 * (place % 4), unit="D"),
        }
    ).astype({"verified_at": "datetime64[us]"})
    people["verified_at"] = people["verified_at"].where(place % 5 > 0)
    day = pd.Timestamp(AS_OF) - pd.to_timedelta(9 * (place % 9) - 5, unit="D")
    stamps = pd.Series(day.astype("datetime64[us]"))
    said = pd.Series([("needs a phone", "要买手机", None)[i % 3] for i in place], dtype="str")
    contacts = pd.DataFrame({"customer_id": ids, "contacted_at": stamps, "remark": said})[place % 4 > 0]
    kinds = pd.Series([("view", "webinar", "survey", "view", "referral")[i % 5] for i in place], dtype="str")
    events = pd.DataFrame(
        {
            "customer_id": ids,
            "event": kinds,
            "occurred_at": stamps - pd.to_timedelta(11, unit="D"),
            "channel": pd.Series([("web", "app", None)[i % 3] for i in place], dtype="str"),
            "value": np.where(place % 7 == 6, np.nan, 2.0 * (place % 6)),
        }
    )
    logs = (orders, contacts.reset_index(drop=True), events)
    now = _tagged(people, *logs)
    before = tags.tag_customers(
        RULES[1:], people[1:], as_of=EARLIER, orders=logs[0], contacts=logs[1], events=logs[2], refunds="net"
    )
    channels = pd.Series([("web", "李", "phone", "web")[i % 4] for i in range(len(orders))], dtype="str")
    touches = orders[["customer_id"]].assign(channel=channels, touched_at=orders["ordered_at"], cost=1.0)
    return {
        "tag touches": touches,
        "tag people": people,
        "tag contacts": logs[1],
        "events": events,
        "tags": now,
        "tags before": before,
    }

"""Alerts: the examples to the day, every kind by brute force, point in time, what is refused."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import churn, datasets, summary
from crmkit.churn import AlertRule
from crmkit.errors import DomainError, SchemaError
from tests import engines, order_logs

DAY = dt.timedelta(days=1)
CYCLE = AlertRule("cycle", "own_cycle_silence", 2.0, "Off cycle", "Ask.", least_order_days=3)


def log(days, *, customer="ann", amount=100.0) -> pd.DataFrame:
    stamps = pd.to_datetime(list(days)).astype("datetime64[us]")
    table = pd.DataFrame({"customer_id": customer, "ordered_at": stamps, "amount": amount})
    return table.astype({"customer_id": "str", "amount": "float64"})


def found(orders, as_of, **options) -> pd.DataFrame:
    return engines.on_polars(churn.alerts, orders, as_of=as_of, **options)


def raised(orders, as_of, rule, **options) -> list[tuple]:
    table = found(orders, as_of, rules=[rule], **options)
    return [(row.customer_id, row.severity, row.since.date()) for row in table.itertuples(index=False)]


# ------------------------------------------------------------------------------------------- the examples, to the day


def test_a_monthly_buyer_with_nothing_for_three_months():
    """Capability 23. Every 30 days: suspicious after two own cycles, an alarm after three months, to the day."""
    last = dt.date(2024, 5, 30)
    orders = log(last - 30 * k * DAY for k in range(6))
    assert raised(orders, last + 59 * DAY, churn.DEFAULT_RULES[0]) == []
    assert raised(orders, last + 60 * DAY, churn.DEFAULT_RULES[0]) == [("ann", "warning", last + 60 * DAY)]
    assert raised(orders, last + 89 * DAY, churn.DEFAULT_RULES[0]) == [("ann", "warning", last + 60 * DAY)]
    assert raised(orders, last + 90 * DAY, churn.DEFAULT_RULES[0]) == [("ann", "critical", last + 60 * DAY)]
    row = found(orders, last + 90 * DAY, rules=[churn.DEFAULT_RULES[0]]).iloc[0]
    assert row["reason"] == "Usually orders every 30 days; the last order was 90 days ago, 3.0 times as long."
    assert row["evidence"] == "6 order days, the last on 2024-05-30"
    again = pd.concat([orders, log([last + 90 * DAY])])
    assert raised(again, last + 90 * DAY, churn.DEFAULT_RULES[0]) == []


def test_a_quarterly_buyer_with_nothing_for_three_months_is_no_alert():
    last = dt.date(2024, 5, 30)
    orders = log(last - 90 * k * DAY for k in range(6))
    assert raised(orders, last + 100 * DAY, churn.DEFAULT_RULES[0]) == []
    assert raised(orders, last + 180 * DAY, churn.DEFAULT_RULES[0]) == [("ann", "warning", last + 180 * DAY)]


def people(**tiers) -> pd.DataFrame:
    table = pd.DataFrame({"customer_id": list(tiers), "tier": list(tiers.values())}).astype("str")
    return table.assign(
        tier=table["tier"].where(table["tier"] != "None"), created_at=pd.Timestamp("2024-03-01").as_unit("us")
    )


def contacts(**days) -> pd.DataFrame:
    rows = [(customer, day) for customer, several in days.items() for day in several]
    table = pd.DataFrame(rows, columns=["customer_id", "contacted_at"]).astype({"customer_id": "str"})
    return table.assign(contacted_at=pd.to_datetime(table["contacted_at"]).astype("datetime64[us]"))


def test_a_vip_without_contact_for_30_days():
    """Capability 24: VIPs only, on day 30 and not on day 29; never contacted counts from the day of entry."""
    vip = next(rule for rule in churn.DEFAULT_RULES if rule.kind == "no_contact")
    given_ = {
        "customers": engines.to_engine("polars", people(ann="VIP", bob="B", cy="VIP", dee="None", eve="VIP")),
        "contacts": engines.to_engine("polars", contacts(ann=["2024-01-01", "2024-04-01"], bob=["2024-01-01"],
                                                         eve=["2024-03-10", "2024-07-01"])),
    }  # fmt: skip
    orders = pd.concat([log(["2024-02-01"]), log(["2024-02-01"], customer="zoe")])
    on = dt.date(2024, 4, 30)
    assert raised(orders, on, vip, **given_) == [
        ("cy", "critical", dt.date(2024, 3, 31)),
        ("eve", "warning", dt.date(2024, 4, 9)),
    ]
    later = raised(orders, on + DAY, vip, **given_)
    assert later[0] == ("ann", "warning", dt.date(2024, 5, 1))
    table = found(orders, on, rules=[vip], **given_)
    assert table["reason"].tolist() == ["No contact for 60 days.", "No contact for 51 days."]
    assert table["evidence"].tolist() == ["never contacted; known since 2024-03-01", "last contact on 2024-03-10"]
    everyone = replace(vip, code="any", tiers=())
    assert [row[0] for row in raised(orders, on, everyone, **given_)] == ["bob", "cy", "dee", "eve", "zoe"]


def test_the_dormant_list():
    """Capability 27: whoever has been silent for so many days, one order or many."""
    rule = AlertRule("dormant", "silence", 180.0, "Dormant", "Recall.", severity="info")
    orders = pd.concat([log(["2023-07-01"], customer="a"), log(["2023-07-02", "2022-01-01"], customer="b")])
    on = dt.date(2023, 12, 28)  # 180 days after 1 July
    assert raised(orders, on, rule) == [("a", "info", on)]
    assert raised(orders, on + DAY, rule) == [("a", "info", on), ("b", "info", on + DAY)]


def test_a_contract_near_its_end():
    rule = next(rule for rule in churn.DEFAULT_RULES if rule.kind == "subscription_end")
    rows = [
        ("ann", "2024-01-01", "2024-06-30"),
        ("bob", "2024-01-01", None),
        ("cy", "2024-01-01", "2024-06-30"),
        ("cy", "2024-05-01", "2025-05-31"),  # renewed
        ("dee", "2023-01-01", "2024-05-31"),  # over
        ("eve", "2024-06-25", "2024-07-01"),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at"]).astype({"customer_id": "str"})
    table = table.assign(
        started_at=pd.to_datetime(table["started_at"]).astype("datetime64[us]"),
        ended_at=pd.to_datetime(table["ended_at"]).astype("datetime64[us]"),
    )
    options = {"subscriptions": engines.to_engine("polars", table)}
    orders = log(["2024-02-01"], customer="zoe")
    assert raised(orders, dt.date(2024, 5, 30), rule, **options) == [("dee", "critical", dt.date(2024, 5, 1))]
    assert raised(orders, dt.date(2024, 5, 31), rule, **options) == [
        ("ann", "warning", dt.date(2024, 5, 31)),
        ("dee", "critical", dt.date(2024, 5, 1)),
    ]
    late = found(orders, dt.date(2024, 6, 30), rules=[rule], **options)
    assert late["customer_id"].tolist() == ["ann", "eve"]
    assert late["since"].dt.date.tolist() == [dt.date(2024, 5, 31), dt.date(2024, 6, 25)]
    assert late["reason"].tolist()[0] == "The contract ends on 2024-06-30, today."
    assert late["tested"][0].startswith("Not back-tested: the table says what holds today")


def test_health_that_turned_red_stays_until_it_is_green_again():
    rule = churn.DEFAULT_RULES[-1]
    colours = {"a": "red", "b": "yellow", "c": "green", "d": "unknown", "e": "yellow"}
    health = pd.DataFrame({"customer_id": list(colours), "colour": list(colours.values()), "score": 20.0}).astype(
        {"customer_id": "str", "colour": "str"}
    )
    health["turned_red_on"] = pd.Series([pd.Timestamp("2024-05-05"), *[pd.NaT] * 4], dtype="datetime64[us]")
    orders, on = log(["2024-05-01"], customer="zoe"), dt.date(2024, 6, 1)
    assert raised(orders, on, rule, health=engines.to_engine("polars", health)) == [
        ("a", "critical", dt.date(2024, 5, 5))
    ]
    before = health.assign(colour=["green", "red", "red", "red", "green"])
    state = churn.update_alerts(None, churn.alerts(orders, as_of=on, health=before, rules=[rule]), as_of=on)
    kept = churn.alerts(orders, as_of=on + DAY, health=health, rules=[rule], open_alerts=state)
    assert kept["customer_id"].tolist() == ["a", "b", "d"]
    assert kept["reason"].tolist()[1] == "Health is not yet green, score 20."


# ------------------------------------------------------------------------------------------- plain Python

FALLS = AlertRule("less", "falling_frequency", 0.5, "", "", clear_at=0.25, least_order_days=2, window_days=4)
SPENDS = replace(FALLS, code="spend", kind="falling_spend")


def is_on(days, rule, on, at):
    """Whether a customer's day -> money reaches a threshold of a rule on a day, read off the definition."""
    past = {day: money for day, money in days.items() if day <= on}
    if rule.kind == "silence":
        return len(past) >= rule.least_order_days and on - max(past) >= at
    if rule.kind == "own_cycle_silence":
        gaps = np.diff(sorted(past))
        enough = len(past) >= rule.least_order_days
        return bool(enough and on - max(past) >= at * max(np.median(gaps), rule.floor_days))
    w, m = rule.window_days, rule.windows_before
    then = [day for day in past if on - (m + 1) * w < day <= on - w]
    now = [day for day in past if day > on - w]
    if not past or min(past) + (m + 1) * w > on or len(then) < rule.least_order_days:
        return False
    worth = (lambda day: past[day]) if rule.kind == "falling_spend" else (lambda day: 1.0)
    usual = sum(map(worth, then)) / m
    return usual > 0 and sum(map(worth, now)) <= (1.0 - at) * usual


def followed(days, rule, until):
    """Since when the rule has been on, day after day; None if it is not."""
    since = None
    for on in range(min(days), until + 1):
        if not is_on(days, rule, on, rule.stays_at):
            since = None
        elif since is None and is_on(days, rule, on, rule.raise_at):
            since = on
    return since


BRUTE = [
    AlertRule("s", "silence", 3.5, "", "", least_order_days=2),
    AlertRule("c", "own_cycle_silence", 1.5, "", "", least_order_days=3, floor_days=2.0),
    FALLS,
    SPENDS,
    replace(FALLS, code="one", windows_before=1, window_days=3, least_order_days=1),
]


@pytest.mark.parametrize("rule", BRUTE, ids=lambda rule: rule.code)
@given(
    st.dictionaries(
        st.sampled_from("ab"),
        st.dictionaries(st.integers(0, 30), st.sampled_from([0.0, 1.0, 2.0, 4.0]), min_size=1),
        min_size=1,
    )
)
def test_a_rule_followed_day_by_day_agrees(rule, customers):
    orders = pd.concat(
        log([order_logs.date(day) for day in days], customer=name, amount=list(days.values()))
        for name, days in customers.items()
    )
    until = 32
    expected = [
        (name, rule.severity, order_logs.date(since))
        for name, days in sorted(customers.items())
        if (since := followed(days, rule, until)) is not None
    ]
    assert raised(orders, order_logs.date(until), rule) == expected


@given(order_logs.logs(sales_only=True), st.integers(5, 20), st.integers(1, 6), st.sampled_from([0, 1]))
def test_the_back_test_agrees_with_plain_python(rows, cut, horizon, which):
    rule = BRUTE[which]
    orders, end = order_logs.frame(rows).drop(columns="order_id"), cut + horizon
    quality = engines.on_polars(
        churn.alert_quality, orders, as_of=order_logs.date(end), rules=[rule], horizon_days=horizon, cuts=1
    )
    days: dict[str, dict[int, float]] = {}
    for row in rows:
        days.setdefault(row.customer_id, {})[row.day] = row.amount
    asked = [own for own in days.values() if sum(day <= cut for day in own) >= rule.least_order_days]
    flagged = [own for own in asked if is_on(own, rule, cut, rule.raise_at)]
    lost = [own for own in asked if not any(cut < day <= end for day in own)]
    hits = sum(own in lost for own in flagged)
    row = quality.iloc[0]
    assert (row["customers"], row["flagged"], row["churned"]) == (len(asked), len(flagged), len(lost))
    if flagged:
        assert row["precision"] == hits / len(flagged)
        assert row["precision_low"] <= row["precision"] <= row["precision_high"]
    if lost:
        assert row["recall"] == hits / len(lost)
    assert quality["cut"][0].date() == order_logs.date(cut)
    assert quality["cut"].isna().tolist() == [False, True]


def test_the_longest_silences_share_ties_evenly():
    """Two flagged; by silence alone one of 9 days stands first, then one of two of 7, of whom one came back."""
    days = {"a": [1], "b": [1, 3], "c": [3, 12], "d": [9], "e": [5, 9]}
    orders = pd.concat(
        log([order_logs.date(day) for day in own], customer=name, amount=50.0 if name in "be" else 5.0)
        for name, own in days.items()
    )
    tiers = pd.DataFrame({"customer_id": list("abcde"), "tier": ["B", "VIP", "B", "B", "VIP"]}).astype("str")
    rule = AlertRule("vip", "silence", 1.0, "", "", tiers=("VIP",))
    options = {"customers": engines.to_engine("polars", tiers), "horizon_days": 5, "cuts": 1}
    quality = engines.on_polars(
        churn.alert_quality,
        orders,
        as_of=order_logs.date(15),
        rules=[rule, replace(rule, code="all", tiers=())],
        **options,
    )
    assert quality["precision_by_silence"].tolist() == [1.0, 1.0, 0.8, 0.8]
    some = replace(rule, code="some", kind="own_cycle_silence", least_order_days=2, tiers=(), floor_days=1.0)
    assert engines.on_polars(
        churn.alert_quality, orders, as_of=order_logs.date(15), rules=[some], **options
    )["customers"].tolist() == [2, 2]  # the second order of c lies after the cut  # fmt: skip


# ------------------------------------------------------------------------------------------- public data


@pytest.mark.parametrize(
    ("cut", "base", "cycle", "days_90"),
    [
        (dt.date(2011, 5, 31), (756, 0.194), (0.365, 0.238), (0.588, 0.136)),
        (dt.date(2011, 7, 14), (992, 0.207), (0.336, 0.234), (0.457, 0.180)),
        (dt.date(2011, 8, 31), (1223, 0.200), (0.318, 0.283), (0.373, 0.242)),
    ],
)
def test_two_rules_on_retail(data, cut, base, cycle, days_90):
    """Precision and recall computed apart in pandas, silence to the day after the cut: 90 days there are 89 here."""
    lines = pd.read_parquet(
        data / "online_retail_uci.parquet", columns=["InvoiceDate", "CustomerID", "Quantity", "UnitPrice"]
    )
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0) & lines["CustomerID"].notna()]
    orders = pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype("int64"),
            "ordered_at": lines["InvoiceDate"],
            "amount": lines["Quantity"] * lines["UnitPrice"],
        }
    )
    rules = [replace(CYCLE, floor_days=1.0), AlertRule("days", "silence", 89.0, "", "", least_order_days=3)]
    table = churn.alert_quality(orders, as_of=cut + 90 * DAY, rules=rules, cuts=1).set_index("rule")
    rows = table[table["cut"].notna()]
    assert (rows.loc["cycle", "customers"], round(rows.loc["cycle", "base_rate"], 3)) == base
    assert (round(rows.loc["cycle", "precision"], 3), round(rows.loc["cycle", "recall"], 3)) == cycle
    assert (round(rows.loc["days", "precision"], 3), round(rows.loc["days", "recall"], 3)) == days_90
    # A rule of silence is the longest silence first; the own cycle is worse than that at as many customers.
    assert rows.loc["days", "precision"] == pytest.approx(rows.loc["days", "precision_by_silence"], abs=0.01)
    assert rows.loc["cycle", "precision"] < rows.loc["cycle", "precision_by_silence"]


# ------------------------------------------------------------------------------------------- point in time, money


@pytest.fixture(scope="module")
def company() -> pd.DataFrame:
    made = datasets.simulate_company(300, rng=np.random.default_rng(3), start=dt.date(2022, 1, 1), days=900, ids="text")
    return made.orders[["customer_id", "ordered_at", "amount", "order_id"]]


@pytest.mark.parametrize("refunds", ["exclude", "net"])
def test_nothing_after_the_day_counts(company, refunds):
    on = dt.date(2023, 12, 31)
    past = company[company["ordered_at"] < pd.Timestamp(on + DAY)]
    kept, whole = (found(orders, on, refunds=refunds) for orders in (past, company))
    assert len(kept) > 50
    assert_frame_equal(kept, whole)
    shuffled = company.sample(frac=1.0, random_state=5)
    assert_frame_equal(found(shuffled, on, refunds=refunds), whole)


def test_what_was_booked_after_an_earlier_day_does_not_change_what_was_known(company):
    """A refund and a later line of an old order, booked in the horizon, leave the flags of the cut alone."""
    on, cut = dt.date(2023, 12, 31), dt.date(2023, 10, 2)
    old = company[company["ordered_at"] < pd.Timestamp(cut)].groupby("customer_id").tail(1)
    booked = pd.Timestamp(cut) + pd.Timedelta(days=10)
    undone = pd.concat([company, old.assign(ordered_at=booked, amount=-2.0 * old["amount"])])
    for refunds in ("exclude", "net"):
        plain, later = (
            engines.on_polars(churn.alert_quality, orders, as_of=on, cuts=1, refunds=refunds)
            for orders in (company, undone)
        )
        assert plain["flagged"].sum() > 50
        assert_frame_equal(plain, later)


def test_order_days_are_those_of_the_summary(company):
    days = summary.order_days(company, as_of=dt.date(2023, 12, 31)).groupby("customer_id").size()
    rule = AlertRule("all", "silence", 1.0, "", "")
    table = found(company, dt.date(2023, 12, 31), rules=[rule])
    counts = table["evidence"].str.split().str[0].astype(int)
    assert counts.tolist() == days.loc[table["customer_id"]].tolist()


def test_value_at_risk_is_the_loss_to_expect():
    last = dt.date(2024, 5, 30)
    orders = log((last - 30 * k * DAY for k in range(16)), amount=10.0)
    rule, on = replace(CYCLE, raise_at=1.0), last + 30 * DAY
    row = found(orders, on, rules=[rule]).iloc[0]
    # Revenue of 365 days up to 29 June is 12 orders; on the three earlier days nobody was silent that long, and on all
    # of them ann ordered within 90 days: no loss is to be expected.
    assert (row["value_at_risk"], row["flagged"]) == (0.0, 0)
    both = pd.concat([orders, log(["2023-08-01", "2023-08-02"], customer="bob", amount=7.0)])
    table = found(both, on, rules=[AlertRule("days", "silence", 20.0, "", "")])
    # On 31 March, 1 January and 3 October ann has just ordered; bob is silent for 20 days, and stays so: 3 of 3.
    assert table[["flagged", "precision", "recall", "lift"]].to_numpy().tolist() == [[3, 1.0, 1.0, 2.0]] * 2
    assert table["value_at_risk"].tolist() == [120.0, 14.0]
    owned = pd.DataFrame({"customer_id": ["ann"], "value": [50.0]}).astype({"customer_id": "str"})
    options = {"customers": engines.to_engine("polars", owned), "rules": [AlertRule("days", "silence", 20.0, "", "")]}
    worth = found(both, on, **options).set_index("customer_id")["value_at_risk"]
    assert worth["ann"] == 50.0
    assert np.isnan(worth["bob"])  # the table does not say what bob is worth
    short = found(log(["2024-06-01", "2024-06-02", "2024-06-03"]), dt.date(2024, 6, 30), rules=[rule]).iloc[0]
    assert np.isnan(short["value_at_risk"])
    assert short["tested"] == "Not back-tested: the log is too short for an earlier day with 90 days after it."


# ------------------------------------------------------------------------------------------- edges


def test_nobody_to_speak_of():
    on = dt.date(2024, 6, 1)
    refunds_only = log(["2024-01-01", "2024-02-01"], amount=-5.0)
    for orders in (refunds_only, refunds_only[:0]):
        for refunds in ("exclude", "net"):
            assert len(found(orders, on, refunds=refunds)) == 0
            quality = engines.on_polars(churn.alert_quality, orders, as_of=on, refunds=refunds)
            assert (quality["customers"] == 0).all()
            assert quality["precision"].isna().all()
    assert raised(log(["2024-01-01"]), on, CYCLE) == []  # one order has no cycle


def test_the_callers_frames_are_untouched(company):
    before = company.copy(deep=True)
    churn.alerts(company, as_of=dt.date(2023, 12, 31))
    assert_frame_equal(company, before)


def test_a_default_rule_without_its_table_is_left_out_and_an_own_one_is_an_error():
    orders, on = log(["2024-01-01"]), dt.date(2024, 6, 1)
    assert len(found(orders, on)) == 0
    own = AlertRule("mine", "no_contact", 10.0, "", "")
    with pytest.raises(DomainError, match=r"^Alert rule 'mine' of kind 'no_contact' needs the table contacts, which"):
        found(orders, on, rules=[*churn.DEFAULT_RULES, own])
    tiered = AlertRule("mine", "silence", 10.0, "", "", tiers=("A",))
    with pytest.raises(DomainError, match="needs the table customers with a column tier"):
        found(orders, on, rules=[tiered])


def test_a_customer_twice_is_refused():
    twice = engines.to_engine("polars", pd.concat([people(ann="VIP"), people(ann="B")]))
    with pytest.raises(
        SchemaError, match=r"^customers.customer_id: 1 customers stand in more than one row \(first: 'ann'\)"
    ):
        found(log(["2024-01-01"]), dt.date(2024, 6, 1), customers=twice)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon_days": 0}, "horizon_days must lie between 1 and 3660"),
        ({"cuts": 0}, "cuts must lie between 1 and 40"),
        ({"locale": "fr"}, "locale must be"),
        ({"rules": []}, "rules must be at least one"),
        ({"rules": CYCLE}, "rules must be a sequence of AlertRule objects, such as DEFAULT_RULES"),
        ({"rules": None}, "rules must be a sequence of AlertRule objects"),
        ({"horizon_days": 90.5}, r"horizon_days must lie between 1 and 3660 \(whole days\), got 90.5"),
        ({"cuts": 2.5}, r"cuts must lie between 1 and 40 \(a whole number\), got 2.5"),
        ({"rules": [CYCLE, CYCLE]}, "of unique codes; got cycle twice"),
    ],
)
def test_what_is_refused(options, said):
    with pytest.raises(DomainError, match=said):
        found(log(["2024-01-01"]), dt.date(2024, 6, 1), **options)


def test_chinese_texts():
    last = dt.date(2024, 5, 30)
    orders = log(last - 30 * k * DAY for k in range(6))
    row = found(orders, last + 90 * DAY, rules=[churn.DEFAULT_RULES[0]], locale="zh").iloc[0]
    assert row["reason"] == "通常每 30 天下单一次，上次下单在 90 天前，为通常间隔的 3.0 倍。"
    assert row["play"] == churn.DEFAULT_RULES[0].play_zh


def test_each_kind_says_why_in_two_languages():
    """Read off the definitions: 5, 5 and 2 order days of 20 in windows of 30 days; contacts, a contract, health."""
    last = dt.date(2024, 6, 30)
    days = [*range(1, 30, 15), *range(31, 60, 6), *range(61, 90, 6), 200]
    orders = log((last - back * DAY for back in days), amount=20.0)
    one = {"window_days": 30, "windows_before": 2, "least_order_days": 2}
    rules = [
        AlertRule("cycle", "own_cycle_silence", 0.1, "", "", least_order_days=3, floor_days=1.0),
        AlertRule("end", "subscription_end", 30.0, "", ""),
        AlertRule("fewer", "falling_frequency", 0.5, "", "", **one),
        AlertRule("health", "health_red", 2.0, "", ""),
        AlertRule("quiet", "silence", 1.0, "", ""),
        AlertRule("spend", "falling_spend", 0.5, "", "", **one),
        AlertRule("unheard", "no_contact", 10.0, "", ""),
    ]
    stamp = {name: pd.Timestamp(day).as_unit("us") for name, day in (("a", "2024-06-10"), ("b", "2024-07-05"))}
    tables = {
        "contacts": pd.DataFrame({"customer_id": ["ann"], "contacted_at": [stamp["a"]]}),
        "subscriptions": pd.DataFrame({"customer_id": ["ann"], "started_at": [stamp["a"]], "ended_at": [stamp["b"]]}),
        "health": pd.DataFrame(
            {"customer_id": ["ann"], "colour": ["red"], "score": [31.6], "turned_red_on": [stamp["a"]]}
        ),
    }
    given_ = {name: engines.to_engine("polars", table) for name, table in tables.items()}
    said = {
        locale: found(orders, last, rules=rules, locale=locale, **given_)[["rule", "reason", "evidence"]]
        for locale in ("en", "zh")
    }
    assert said["en"].to_numpy().tolist() == [
        [
            "cycle",
            "Usually orders every 6 days; the last order was 1 day ago, 0.2 times as long.",
            "13 order days, the last on 2024-06-29",
        ],
        ["end", "The contract ends on 2024-07-05, in 5 days.", "runs since 2024-06-10"],
        [
            "fewer",
            "Order days in the last 30 days: 2, where 5.0 were usual.",
            "order days in the 60 days before: 10",
        ],
        ["health", "Health is red, score 32.", "red since 2024-06-10"],
        ["quiet", "The last order was 1 day ago.", "13 order days, the last on 2024-06-29"],
        ["spend", "Spent 40 in the last 30 days, where 100 was usual.", "200 in the 60 days before"],
        ["unheard", "No contact for 20 days.", "last contact on 2024-06-10"],
    ]
    assert said["zh"].to_numpy().tolist() == [
        ["cycle", "通常每 6 天下单一次，上次下单在 1 天前，为通常间隔的 0.2 倍。", "13 个下单日，最近 2024-06-29"],
        ["end", "合同将于 2024-07-05 到期，还有 5 天。", "自 2024-06-10 起生效"],
        ["fewer", "最近 30 天下单 2 天，以往通常 5.0 天。", "此前 60 天内 10 个下单日"],
        ["health", "健康度为红色，得分 32。", "自 2024-06-10 起为红色"],
        ["quiet", "上次下单在 1 天前。", "13 个下单日，最近 2024-06-29"],
        ["spend", "最近 30 天消费 40，以往通常 100。", "此前 60 天内 200"],
        ["unheard", "已 20 天未联系。", "最近联系 2024-06-10"],
    ]


def test_a_rule_that_could_not_be_asked_gives_an_empty_table():
    orders, on = log(["2024-01-01"]), dt.date(2024, 6, 1)
    vip = churn.DEFAULT_RULES[4]
    nobody = found(orders, on, rules=[vip])
    assert len(nobody) == 0
    assert list(nobody.columns) == list(found(orders, on).columns)
    assert len(engines.on_polars(churn.alert_quality, orders, as_of=on, rules=[vip, churn.DEFAULT_RULES[6]])) == 0


IDS = {"int32": "int32", "float64": "float64", "text": "str", "category": "category"}


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_ids_of_another_type_are_the_same_customers(name, kind):
    """An export numbers customers 1, 2, 3, another "1", "2", "3" or 1.0, 2.0, 3.0: all tables of a call meet."""
    orders = pd.concat([log(["2024-02-01", "2024-03-01"], customer=str(i)) for i in range(1, 4)])
    plain = {
        "customers": pd.DataFrame({"customer_id": [1, 2, 3, 4], "tier": ["VIP", "B", "VIP", "VIP"], "value": 10.0}),
        "contacts": pd.DataFrame({"customer_id": [1, 4], "contacted_at": pd.Timestamp("2024-04-01").as_unit("us")}),
        "health": pd.DataFrame({"customer_id": [2, 5], "colour": "red"}),
        "subscriptions": pd.DataFrame(
            {
                "customer_id": [3],
                "started_at": pd.Timestamp("2024-01-01").as_unit("us"),
                "ended_at": pd.Timestamp("2024-06-10").as_unit("us"),
            }
        ),
    }

    def listed(own, other):
        def given(table, kind_of):
            numbers = table["customer_id"].astype("int64")
            ids = numbers.astype("str").astype(kind_of) if kind_of in ("str", "category") else numbers.astype(kind_of)
            return engines.to_engine(name, table.assign(customer_id=ids).reset_index(drop=True))

        tables = {key: given(table, other) for key, table in plain.items()}
        today = churn.alerts(given(orders, own), as_of=dt.date(2024, 6, 1), **tables)
        state = engines.to_pandas(churn.update_alerts(None, today, as_of=dt.date(2024, 6, 1)))
        again = churn.alerts(given(orders, own), as_of=dt.date(2024, 6, 2), open_alerts=given(state, other), **tables)
        rows = engines.to_pandas(again)
        return sorted((int(customer), rule) for customer, rule in zip(rows["customer_id"], rows["rule"], strict=True))

    expected = [(1, "dormant"), (2, "dormant"), (3, "dormant")]
    expected += [(1, "vip_no_contact"), (3, "vip_no_contact"), (4, "vip_no_contact")]
    expected += [(2, "health_red"), (5, "health_red"), (3, "contract_ends")]
    assert listed("int64", IDS[kind]) == listed(IDS[kind], "int64") == sorted(expected)


def test_ids_that_the_own_type_can_not_hold_stay_as_they_are():
    orders = log(["2024-01-01"], customer="1").astype({"customer_id": "int64"})
    health = pd.DataFrame({"customer_id": ["1", "new"], "colour": "red"})
    for name in ("pandas", "pyarrow", "polars"):
        tables = [engines.to_engine(name, table) for table in (orders, health.astype("str"))]
        today = churn.alerts(tables[0], as_of=dt.date(2024, 6, 1), health=tables[1], rules=churn.DEFAULT_RULES[-1:])
        assert engines.to_pandas(today)["customer_id"].tolist() == ["1", "new"], name
    wide = pd.DataFrame({"customer_id": [1, 2**40], "colour": "red"})
    small = orders.astype({"customer_id": "int32"})
    found = churn.alerts(small, as_of=dt.date(2024, 6, 1), health=wide, rules=churn.DEFAULT_RULES[-1:])
    assert found["customer_id"].tolist() == [1, 2**40]  # as an int32 it would be 0


@pytest.mark.parametrize(("colours", "shown"), [(["red", "Red"], "'Red'"), ([3, 3], "'3'")])
def test_a_colour_that_is_none_is_refused_and_not_passed_over(colours, shown):
    health = pd.DataFrame({"customer_id": ["a", "b"], "colour": colours})
    with pytest.raises(SchemaError, match=f"^health.colour: {shown} is no colour; expected green, yellow, unknown, re"):
        churn.alerts(log(["2024-01-01"]), as_of=dt.date(2024, 6, 1), health=health)

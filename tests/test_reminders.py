"""One list over four reasons: the examples of a salesperson, and the rules of the list in plain pandas."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import datasets, purchases, repurchase
from crmkit.errors import DomainError, FitError
from crmkit.models.regularity_mixture import RegularityMixture

DAY = dt.date(2023, 2, 20)
MIXTURE = RegularityMixture("MBG", 1.0, 50.0, 0.6, 6.0, (1, 2, 4, 9), (0.3, 0.3, 0.2, 0.2))
FIT = purchases.PurchaseFit(process=MIXTURE, compared=(), choice="", customers=100, money=None)


def log(**days):
    """Orders of 50 each: customer -> list of days."""
    rows = [(name, pd.Timestamp(day), 50.0) for name, own in days.items() for day in own]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])


def every(gap, n, start="2022-01-10"):
    return [pd.Timestamp(start) + pd.Timedelta(days=gap * i) for i in range(n)]


MARCH_AND_SEPTEMBER = ["2021-03-08", "2021-09-20", "2022-03-17", "2022-09-05", "2023-03-12", "2023-09-21"]


def listed(orders, as_of, **options):
    """Reminders by customer; the process is given unless it is what is asked."""
    return repurchase.reminders(orders, as_of=as_of, **({"fit": FIT} | options)).set_index("customer_id")


@pytest.fixture(scope="module")
def company():
    made = datasets.simulate_company(
        1500, rng=np.random.default_rng(1), start=dt.date(2020, 1, 1), days=1461, ids="text"
    )
    return made.orders.astype({"product_id": "str"})[["customer_id", "ordered_at", "amount", "order_id", "product_id"]]


@pytest.mark.parametrize(
    ("as_of", "due", "remind"),
    [
        (dt.date(2024, 2, 10), "2024-03-01", "2024-02-16"),  # 14 days before 1 March
        (dt.date(2024, 2, 25), "2024-03-01", "2024-02-25"),  # late already: today
        (dt.date(2024, 8, 5), "2024-09-01", "2024-08-18"),
    ],
)
def test_who_orders_each_march_and_september_is_prompted_in_february_and_august(as_of, due, remind):
    kept = MARCH_AND_SEPTEMBER + (["2024-03-11"] if as_of.month > 3 else [])
    row = listed(log(ann=kept, **{f"b{i}": every(40 + i, 12) for i in range(20)}), as_of).loc["ann"]
    assert (row["reason_code"], str(row["due_on"].date()), str(row["remind_on"].date())) == ("season", due, remind)
    assert row["reason"] == f"Orders in March and September year after year: next {due}."
    # Every March and September since the first was kept.
    assert (row["chance"], row["order_value"], row["expected_value"]) == (1.0, 50.0, 50.0)


def test_a_month_of_the_pattern_that_has_begun_without_an_order_is_due():
    others = {f"b{i}": every(40 + i, 12) for i in range(20)}
    row = listed(log(ann=MARCH_AND_SEPTEMBER, **others), dt.date(2024, 3, 10)).loc["ann"]
    assert (str(row["due_on"].date()), str(row["remind_on"].date())) == ("2024-03-01", "2024-03-10")
    served = log(ann=[*MARCH_AND_SEPTEMBER, "2024-03-04"], **others)
    assert "ann" not in listed(served, dt.date(2024, 3, 10)).index
    # The day before it begins and the day it begins: neither loses the reminder.
    for day in (dt.date(2024, 2, 29), dt.date(2024, 3, 1)):
        assert str(listed(log(ann=MARCH_AND_SEPTEMBER, **others), day).loc["ann", "due_on"].date()) == "2024-03-01"


def test_who_missed_a_whole_year_of_the_pattern_is_not_reminded_of_it():
    # Four years of March and nothing else: 396 days after the last one the reminder still comes, 401 days after not.
    orders = log(ann=["2020-03-09", "2021-03-09", "2022-03-09", "2023-03-09"]).assign(amount=5.0)  # no big orders
    orders = pd.concat([orders, log(**{f"b{i}": every(40 + i, 24) for i in range(20)})])
    early, late = (dt.date(2023, 3, 9) + dt.timedelta(days=days) for days in (396, 401))
    assert "ann" in set(repurchase.seasonal_pattern(orders, as_of=late).query("months == '3'")["customer_id"])
    codes = [listed(orders, day, horizon_days=366)["reason_code"].get("ann") for day in (early, late)]
    assert codes == ["season", None]


def test_the_45_day_buyer_is_reminded_ahead_of_the_window():
    orders = log(ann=every(45, 8))  # the last on 2022-11-21, the next due on 2023-01-05
    last = dt.date(2022, 11, 21)
    row = listed(orders, last + dt.timedelta(days=5), fit=FIT).loc["ann"]
    forecast = repurchase.repurchase_forecast(orders, as_of=last + dt.timedelta(days=5), fit=FIT).iloc[0]
    assert row["reason_code"] == "cycle"
    assert row["remind_on"] == max(forecast["window_start"] - pd.Timedelta(days=14), pd.Timestamp("2022-11-26"))
    assert row["remind_on"] < forecast["window_start"] <= pd.Timestamp("2023-01-05") <= forecast["window_end"]
    assert row["due_on"] == forecast["next_order_day"]
    assert row["evidence"] == "8 order days; the fewer, the more the gaps of others count"
    opens = forecast["window_start"].date()
    assert f", {opens} to " in row["reason"]
    assert row["reason"].endswith(f"to be reminded before {opens}.")


def test_a_big_order_of_last_year_is_recalled():
    orders = log(ann=["2022-03-10"], **{f"b{i}": every(50, 10, "2021-06-01") for i in range(10)})
    orders.loc[orders["customer_id"] == "ann", "amount"] = 900.0
    row = listed(orders, DAY, fit=None).loc["ann"]
    assert (row["reason_code"], str(row["due_on"].date()), row["order_value"]) == ("year_ago", "2023-03-10", 900.0)
    assert row["reason"] == (
        "Placed a big order of 900 on 2022-03-10; its anniversary is 2023-03-10, and nothing like it came since."
    )
    assert "ann" not in listed(orders.assign(amount=50.0).query("customer_id != 'ann'"), DAY).index


def test_a_product_is_refilled_on_its_own_cycle():
    tea, ink = every(30, 13, "2022-01-20"), every(90, 5, "2022-01-20")
    orders = pd.concat([log(ann=tea).assign(product_id="tea"), log(ann=ink).assign(product_id="ink")])
    more = [
        log(**{f"b{i}": every(gap, n)}).assign(product_id=p)
        for i in range(8)
        for gap, n, p in ((30, 12, "tea"), (90, 5, "ink"))
    ]
    row = listed(pd.concat([orders, *more]), dt.date(2023, 2, 1)).loc["ann"]  # tea last on 15 January, ink too
    assert (row["reason_code"], row["product_id"]) == ("refill", "tea")
    assert dt.date(2023, 2, 9) <= row["due_on"].date() <= dt.date(2023, 2, 19)  # 14 February, give or take 5 days
    assert row["reason"].startswith("Buys tea every 30 days on average, last 17 days ago: next around ")


def by_the_rules(orders, as_of, lead, horizon):
    """The list as the docstring has it, in plain pandas, from the four tables."""
    today, last = pd.Timestamp(as_of), pd.Timestamp(as_of) + pd.Timedelta(days=horizon)
    near = last + pd.Timedelta(days=lead)
    forecast = repurchase.repurchase_forecast(orders, as_of=as_of, horizon_days=horizon + lead, fit=FIT)
    pattern = repurchase.seasonal_pattern(orders, as_of=as_of).query("months != ''")
    found = []
    silence = forecast.set_index("customer_id")["days_since_order"]
    for row in pattern.itertuples():
        if silence[row.customer_id] > 400:
            continue
        now = str(as_of.month) in row.months.split(",") and silence[row.customer_id] >= as_of.day
        due = today.replace(day=1) if now else row.next_month
        found.append((row.customer_id, "season", due, due, row.attendance))
    chance = forecast.set_index("customer_id")["p_order"]
    recall = repurchase.year_ago_orders(orders, as_of=as_of, within_days=max(30, lead + horizon)).itertuples()
    found += [(row.customer_id, "year_ago", row.due_on, row.due_on, chance[row.customer_id]) for row in recall]
    pairs = repurchase.repurchase_forecast(
        orders, as_of=as_of, horizon_days=horizon + lead, by=["customer_id", "product_id"], fit=FIT
    )
    for code, table in (("refill", pairs), ("cycle", forecast[~forecast["customer_id"].isin(pattern["customer_id"])])):
        kept = table.query("basis == 'own history' and status != 'lapsed'").itertuples()
        found += [(row.customer_id, code, row.next_order_day, row.window_start, row.p_order) for row in kept]
    table = pd.DataFrame(found, columns=["customer_id", "reason_code", "due_on", "start", "chance"])
    table["remind_on"] = (table["start"] - pd.Timedelta(days=lead)).clip(lower=today)
    table = table[(table["remind_on"] <= last) & (table["due_on"] <= near)]
    refilled = table.loc[table["reason_code"] == "refill", "customer_id"]
    table = table[(table["reason_code"] != "cycle") | ~table["customer_id"].isin(refilled)]
    order = {"season": 0, "year_ago": 1, "refill": 2, "cycle": 3}
    table = table.assign(rank=table["reason_code"].map(order)).sort_values(
        ["customer_id", "remind_on", "rank", "due_on"]
    )
    first = table.groupby("customer_id").head(1).set_index("customer_id")
    rest = table.groupby("customer_id").tail(-1)
    others = {c: ", ".join(sorted(set(g["reason_code"]), key=order.get)) for c, g in rest.groupby("customer_id")}
    return first.assign(other_reasons=[others.get(customer, "") for customer in first.index])


def test_the_list_follows_its_rules(company):
    want = by_the_rules(company, DAY, lead=14, horizon=30)
    got = listed(company, DAY, fit=FIT)
    assert list(got.index) == list(want.index)
    assert set(want["reason_code"]) == {"season", "year_ago", "refill", "cycle"}
    for column in ("reason_code", "due_on", "remind_on", "other_reasons"):
        assert (got[column].astype(str) == want[column].astype(str)).all(), column
    np.testing.assert_allclose(got["chance"].astype(float), want["chance"].astype(float), rtol=1e-12)
    assert (got["remind_on"] >= pd.Timestamp(DAY)).all()
    assert (got["remind_on"] <= pd.Timestamp(DAY) + pd.Timedelta(days=30)).all()
    np.testing.assert_allclose(
        got["expected_value"], got["chance"] * got["order_value"], atol=1e-6
    )  # money: 6 decimals
    assert (got["product_id"].notna() == (got["reason_code"] == "refill")).all()


def test_without_products_there_are_no_refills(company):
    plain = repurchase.reminders(company.drop(columns="product_id"), as_of=DAY, fit=FIT)
    assert "product_id" not in plain.columns
    assert set(plain["reason_code"]) == {"season", "year_ago", "cycle"}


def test_rows_after_as_of_change_nothing_and_the_table_is_untouched(company):
    before = company.copy()
    past = company[company["ordered_at"] < pd.Timestamp(DAY) + pd.Timedelta(days=1)]
    pd.testing.assert_frame_equal(
        repurchase.reminders(company, as_of=DAY), repurchase.reminders(past.reset_index(drop=True), as_of=DAY)
    )
    pd.testing.assert_frame_equal(company, before)


def test_texts_are_whole_in_both_languages(company):
    for locale, sign in (("en", "ext"), ("zh", "次")):
        table = repurchase.reminders(company, as_of=DAY, fit=FIT, locale=locale)
        assert table[["reason", "evidence"]].notna().all().all()
        assert not table["reason"].str.contains(r"[{}]|None|nan|\b1 days").any()
        assert table.loc[table["reason_code"] != "year_ago", "reason"].str.contains(sign).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lead_days": -1}, "lead_days must lie between 0 and 366 (days), got -1."),
        ({"horizon_days": 0}, "horizon_days must lie between 1 and 366 (days), got 0."),
        ({"level": 1.0}, "level must lie between 0 and 1, such as 0.8, got 1.0."),
    ],
)
def test_arguments_out_of_their_domain_are_refused(options, text):
    with pytest.raises(DomainError) as found:
        repurchase.reminders(log(ann=every(45, 4)), as_of=DAY, fit=FIT, **options)
    assert str(found.value) == text


def test_a_log_without_a_second_order_says_so():
    with pytest.raises(FitError, match="No customer has ordered on two days"):
        repurchase.reminders(log(ann=["2022-01-01"], bob=["2022-05-05"]), as_of=DAY, fit=FIT)

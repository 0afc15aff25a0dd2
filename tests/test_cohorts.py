"""Cohorts against counting by hand, verdicts against bases in which nothing changes, and what must not matter."""

import datetime as dt
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import cohorts, datasets
from crmkit.errors import DomainError, SchemaError
from crmkit.models.forecast_scores.score import wilson_ends
from tests.engines import on_polars

AS_OF = dt.date(2024, 3, 30)
CALLS = {
    "retention_triangle": lambda f: cohorts.retention_triangle(f, as_of=AS_OF),
    "cohort_revenue": lambda f: cohorts.cohort_revenue(f, as_of=AS_OF, period="quarter"),
    "repurchase_rate": lambda f: cohorts.repurchase_rate(f, within_days=20, as_of=AS_OF),
    "customer_shares": lambda f: cohorts.customer_shares(f, as_of=AS_OF),
    "sell_or_keep": lambda f: cohorts.sell_or_keep(f, as_of=AS_OF, window_days=20, repurchase_days=10, churn_days=20),
    "referrals": lambda f: cohorts.referrals(f, people(f), as_of=AS_OF),
}


def people(orders):
    ids = sorted(set(orders["customer_id"]))
    return pd.DataFrame({"customer_id": ids, "referred_by": [None, *ids[:-1]]}).astype("str")


def table(rows):
    made = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).astype({"customer_id": "str"})
    return made.assign(ordered_at=pd.to_datetime(made["ordered_at"]).astype("datetime64[us]"))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid", "dee"]),
        st.dates(dt.date(2023, 11, 1), dt.date(2024, 4, 5)),
        st.sampled_from([10.0, 0.0, 2.5, -5.0]),
    ),
    min_size=1,
    max_size=25,
)
NUMBER = {
    "month": lambda day: 12 * day.year + day.month - 1,
    "quarter": lambda day: 4 * day.year + (day.month - 1) // 3,
    "week": lambda day: (day.toordinal() - 1) // 7,
}


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
@settings(max_examples=10)
@given(ROWS)
def test_cohorts_are_those_that_counting_finds(period, rows):
    number = NUMBER[period]
    sales = [(c, number(day), amount) for c, day, amount in rows if day <= AS_OF and amount >= 0.0]
    first = {}
    for c, n, _ in sales:
        first[c] = min(n, first.get(c, n))
    active, revenue, orders = defaultdict(set), defaultdict(float), defaultdict(int)
    for c, n, amount in sales:
        cell = (first[c], n - first[c])
        active[cell].add(c)
        revenue[cell] += amount
        orders[cell] += 1
    last = number(AS_OF)
    want = [(cohort, age) for cohort in sorted(set(first.values())) for age in range(last - cohort + 1)]
    complete = [int(cohort + age < number(AS_OF + dt.timedelta(days=1))) for cohort, age in want]
    found = on_polars(cohorts.retention_triangle, table(rows), as_of=AS_OF, period=period)
    assert [number(day.date()) for day in found["cohort"]] == [cohort for cohort, _ in want]
    assert found["age"].tolist() == [age for _, age in want]
    assert found["active"].tolist() == [len(active[cell]) for cell in want]
    assert found["complete"].tolist() == complete
    for row in found.itertuples():
        if row.complete:
            share = row.active / row.customers
            assert (row.retention, row.low, row.high) == pytest.approx(
                (share, *wilson_ends(share, row.customers)), abs=1e-9
            )
        else:
            assert np.isnan([row.retention, row.low, row.high]).all()
    money = on_polars(cohorts.cohort_revenue, table(rows), as_of=AS_OF, period=period)
    assert money["orders"].tolist() == [orders[cell] for cell in want]
    assert money["revenue"].tolist() == pytest.approx([revenue[cell] for cell in want])
    for row in money[money["age"] == money.groupby("cohort")["age"].transform("max")].itertuples():
        own = sum(total for (cohort, _), total in revenue.items() if cohort == number(row.cohort.date()))
        assert row.cumulative_revenue == pytest.approx(own)
        assert row.cumulative_per_customer == pytest.approx(own / row.customers)


@settings(max_examples=15)
@given(ROWS, st.integers(1, 60))
def test_repurchase_is_what_counting_finds(rows, within):
    days = defaultdict(set)
    for c, day, amount in rows:
        if day <= AS_OF and amount >= 0.0:
            days[c].add(day)
    want = defaultdict(lambda: [0, 0, 0])
    for own in days.values():
        first, *later = sorted(own)
        cell = want[first.replace(day=1)]
        if first + dt.timedelta(days=within) > AS_OF:
            cell[2] += 1
            continue
        cell[0] += 1
        cell[1] += bool(later) and (later[0] - first).days <= within
    found = on_polars(cohorts.repurchase_rate, table(rows), within_days=within, as_of=AS_OF)
    columns = found[["customers", "bought_again", "window_open"]].to_numpy().tolist()
    assert columns == [want[month] for month in sorted(want)]
    assert [day.date() for day in found["cohort_month"]] == sorted(want)


def test_interval_of_revenue_per_customer_by_hand():
    orders = table([("ann", "2024-01-05", 10.0), ("bob", "2024-01-06", 20.0), ("cid", "2024-01-07", 60.0)])
    row = cohorts.cohort_revenue(orders, as_of=AS_OF).iloc[0]
    # Mean 30, standard deviation sqrt(700) = 26.458, over sqrt(3): 15.275; 1.96 times that is 29.939.
    assert (row["revenue_per_customer"], row["low"], row["high"]) == pytest.approx((30.0, 0.0609, 59.939), abs=1e-3)


def test_cdnow_cohorts_add_up():
    orders = datasets.load_cdnow(sample=True)
    found = cohorts.retention_triangle(orders, as_of=dt.date(1998, 6, 30))
    # Fader and Hardie's sample: 2,357 customers, all of whom began in the first quarter of 1997.
    assert found.loc[found["age"] == 0, "customers"].sum() == 2357
    assert found["cohort"].nunique() == 3
    money = cohorts.cohort_revenue(orders, as_of=dt.date(1998, 6, 30))
    assert money["revenue"].sum() == pytest.approx(orders["amount"].sum())


def test_refunds_are_no_activity_and_may_be_netted():
    orders = table([("ann", "2024-01-05", 10.0), ("ann", "2024-02-05", -4.0)])
    assert cohorts.retention_triangle(orders, as_of=AS_OF)["active"].tolist() == [1, 0, 0]
    assert cohorts.cohort_revenue(orders, as_of=AS_OF, refunds="net")["revenue"].tolist() == [6.0, 0.0, 0.0]


def steady(rng):
    """A base in which nothing changes: customers begin and leave at one rate, and order at random in between."""
    rows = [("first", dt.date(2022, 12, 1), 1.0)]
    for i in range(250):
        start = int(rng.integers(-400, 430))
        end = start + rng.exponential(150.0)
        day = float(start)
        while day < min(end, 430.0):
            if day >= 0:
                rows.append((f"c{i}", dt.date(2023, 1, 25) + dt.timedelta(days=int(day)), 1.0))
            day += rng.exponential(25.0)
    return table(rows)


def test_a_base_without_change_is_called_noise():
    wrong, tables = 0, 40
    for seed in range(tables):
        rng = np.random.default_rng(seed)
        orders = steady(rng)
        day = [AS_OF - dt.timedelta(days=int(back)) for back in rng.integers(0, 60, 80)]
        deals = pd.DataFrame({"deal_id": range(80), "stage": "x", "entered_at": pd.to_datetime(day)})
        deals["outcome"] = np.where(rng.random(80) < 0.4, "won", "lost")
        found = on_polars(
            cohorts.sell_or_keep, orders, deals, as_of=AS_OF, window_days=30, repurchase_days=30, churn_days=60
        )
        assert set(found["verdict"]) <= {"better", "worse", "noise", "no table"}
        wrong += found["verdict"].isin(["better", "worse"]).any()
    assert wrong <= 6  # 2 of 40 are due at 95 %; 7 or more come in less than one of two hundred


def test_what_the_log_does_not_hold_is_left_out_and_said():
    orders = table([("ann", AS_OF - dt.timedelta(days=back), 1.0) for back in (70, 40, 20)])
    found = cohorts.sell_or_keep(orders, as_of=AS_OF, window_days=30, churn_days=180).set_index("rate")
    assert found["verdict"].to_dict() == {
        "new_customers": "too few",
        "conversion": "no table",
        "repurchase": "no history",
        "churn": "no history",
        "complaints": "no table",
    }
    assert found.loc["churn", ["now", "before", "change"]].isna().all()


def test_deals_count_by_their_last_row():
    rows = [
        (1, "lead", "2024-03-01", None), (1, "closed", "2024-03-10", "won"),
        (2, "closed", "2024-03-11", "lost"),
        (3, "closed", "2024-03-12", "lost"), (3, "offer", "2024-03-20", None),  # opened again
        (4, "closed", "2024-04-02", "won"),  # after as_of
        (5, "closed", "2024-02-15", "won"),
    ]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at", "outcome"])
    deals["entered_at"] = pd.to_datetime(deals["entered_at"])
    orders = table([("ann", "2024-03-01", 1.0)])
    found = cohorts.sell_or_keep(orders, deals, as_of=AS_OF, window_days=30).set_index("rate")
    assert found.loc["conversion", ["now", "of_now", "before", "of_before"]].tolist() == [0.5, 2.0, 1.0, 1.0]


def test_complaints_from_three_tables():
    orders = table([("ann", "2024-03-01", 1.0), ("bob", "2024-03-01", 1.0)])
    when = pd.to_datetime(["2024-03-20", "2024-03-21"])
    given_ = [
        pd.DataFrame({"customer_id": ["ann", "stranger"], "kind": "complaint", "contacted_at": when}),
        pd.DataFrame({"customer_id": ["ann", "bob"], "event": ["complaint", "view"], "occurred_at": when}),
        pd.DataFrame({"customer_id": ["ann", "bob"], "metric": "complaints", "value": [2, 0], "measured_at": when}),
    ]
    for complaints in given_:
        found = cohorts.customer_shares(orders, complaints, as_of=AS_OF).set_index("state")
        assert found.loc["complaining", "customers"] == 1
    with pytest.raises(SchemaError, match="complaints: expected contacts"):
        cohorts.customer_shares(orders, orders, as_of=AS_OF)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_learnt_from_the_future(name):
    rng = np.random.default_rng(3)
    days = [AS_OF - dt.timedelta(days=int(back)) for back in rng.integers(0, 120, 200)]
    orders = table([(f"c{rng.integers(0, 40)}", day, 5.0) for day in days])
    known = set(orders["customer_id"])
    later = table([(customer, AS_OF + dt.timedelta(days=1), 1e6) for customer in known])
    expected = CALLS[name](orders)
    pd.testing.assert_frame_equal(CALLS[name](pd.concat([orders, later], ignore_index=True)), expected)


@pytest.mark.parametrize("name", CALLS)
def test_a_log_of_refunds_only(name):
    found = CALLS[name](table([("ann", "2024-03-01", -5.0)]))
    assert len(found) == {"customer_shares": 5, "sell_or_keep": 5}.get(name, 0)


def test_refusals():
    orders = table([("ann", "2024-03-01", 5.0)])
    with pytest.raises(DomainError, match='period must be "week", "month" or "quarter"'):
        cohorts.retention_triangle(orders, as_of=AS_OF, period="year")
    with pytest.raises(DomainError, match="within_days must be at least 1"):
        cohorts.repurchase_rate(orders, within_days=0, as_of=AS_OF)
    with pytest.raises(DomainError, match="must ascend from 1, got"):
        cohorts.customer_shares(orders, as_of=AS_OF, silent_days=10)
    with pytest.raises(DomainError, match="window_days must lie between 2 and 3660"):
        cohorts.sell_or_keep(orders, as_of=AS_OF, window_days=1)
    with pytest.raises(DomainError, match="level must lie between 0 and 1"):
        cohorts.cohort_revenue(orders, as_of=AS_OF, level=1.0)
    with pytest.raises(SchemaError, match=r"customers\.referred_by: the column is missing"):
        cohorts.referrals(orders, orders[["customer_id"]], as_of=AS_OF)
    with pytest.raises(SchemaError, match=r"deals\.outcome: the column is missing"):
        cohorts.sell_or_keep(orders, orders, as_of=AS_OF)


@pytest.mark.parametrize(
    ("first", "last", "state"),
    [
        (29, 29, "new"),  # a window of 30 days is today and the 29 days before
        (30, 30, "waiting"),
        (400, 29, "returning"),
        (400, 30, "waiting"),
        (400, 89, "waiting"),
        (400, 90, "silent"),
        (400, 364, "silent"),
        (400, 365, "lost"),
    ],
)
def test_a_state_begins_on_its_day(first, last, state):
    rows = [("ann", str(AS_OF - dt.timedelta(days=ago)), 1.0) for ago in (first, last)]
    found = cohorts.customer_shares(table(rows), as_of=AS_OF).set_index("state")["customers"]
    assert found[found > 0].to_dict() == {state: 1}

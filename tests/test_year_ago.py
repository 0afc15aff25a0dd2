"""Orders of a year ago against a plain Python reading of the definition, and every boundary by hand."""

import calendar
import datetime as dt
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import datasets
from crmkit.errors import DomainError
from crmkit.repurchase import year_ago_orders
from tests import engines

AS_OF = dt.date(2024, 6, 1)
BIG = [("ann", "2023-06-10", 900.0)]
SMALL = [("bob", f"2024-0{month}-{day}", 10.0) for month in range(1, 5) for day in (11, 21)]


def log(rows) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).astype({"customer_id": "str"})
    return table.assign(
        ordered_at=pd.to_datetime(table["ordered_at"]).astype("datetime64[us]"), amount=table["amount"].astype(float)
    )


def found(rows, *, as_of: dt.date = AS_OF, **options) -> pd.DataFrame:
    return engines.on_polars(year_ago_orders, log(rows), as_of=as_of, **options)


# ------------------------------------------------------------------------------------------- plain Python


def a_year_later(day: dt.date) -> dt.date:
    leap = (day.month, day.day) == (2, 29)
    return (
        dt.date(day.year + 1, 2, 28) if leap and not calendar.isleap(day.year + 1) else day.replace(year=day.year + 1)
    )


def expected(rows, as_of: dt.date, within: int, share: Fraction, early: int, repeat: float) -> list[tuple]:
    days: dict[str, dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
    for customer, day, amount in rows:
        if dt.date.fromisoformat(day) <= as_of and amount >= 0:
            days[customer][dt.date.fromisoformat(day)] += amount
    since = as_of.replace(year=as_of.year - 2, day=min(as_of.day, 28) if as_of.month == 2 else as_of.day)
    recent = [value for own in days.values() for day, value in own.items() if day > since]
    result = []
    for customer, own in sorted(days.items()):
        for day, value in sorted(own.items()):
            due = a_year_later(day)
            if not as_of - dt.timedelta(within) < due <= as_of + dt.timedelta(within):
                continue
            top = Fraction(sum(other > value for other in recent), len(recent)) < share
            later = [v for d, v in own.items() if d >= due - dt.timedelta(early)]
            if (
                value > 0
                and top
                and value >= np.median(list(own.values()))
                and not any(v >= repeat * value for v in later)
            ):
                result.append((customer, day, value, due, sum(later)))
    return result


_DAYS = st.integers(0, 1100).map(lambda k: (dt.date(2021, 12, 20) + dt.timedelta(days=k)).isoformat())
_ROWS = st.tuples(st.sampled_from(["ann", "bob", "cy"]), _DAYS, st.sampled_from([-4.0, 0.0, 1.0, 2.0, 4.0, 5.0, 8.0]))
_NEAR = st.sampled_from(["2023-02-28", "2024-02-28", "2024-02-29", "2024-02-27", "2024-12-30"])
_ANY = st.one_of(_ROWS, st.tuples(st.sampled_from(["ann", "bob", "cy"]), _NEAR, st.sampled_from([2.0, 4.0, 8.0])))


@given(
    st.lists(_ANY, min_size=1, max_size=25),
    st.sampled_from([dt.date(2024, 2, 29), dt.date(2025, 2, 28), dt.date(2024, 7, 3), dt.date(2024, 12, 31)]),
    st.sampled_from([1, 30, 182]),
    st.sampled_from([Fraction(1, 5), Fraction(7, 10), Fraction(1)]),
    st.sampled_from([0, 60, 300]),
    st.sampled_from([0.5, 1.0]),
)
def test_plain_python_agrees(rows, as_of, within, share, early, repeat):
    table = found(rows, as_of=as_of, within_days=within, top_share=float(share), early_days=early, repeat_share=repeat)
    got = [(row[0], row[1].date(), row[2], row[3].date(), row[4]) for row in table.itertuples(index=False)]
    assert got == expected(rows, as_of, within, share, early, repeat)


# ------------------------------------------------------------------------------------------- by hand


def test_a_big_order_comes_back_with_its_anniversary():
    table = year_ago_orders(log([*BIG, ("ann", "2024-05-02", 40.0), *SMALL]), as_of=AS_OF)
    assert table.columns.tolist() == ["customer_id", "ordered_on", "amount", "due_on", "since_amount"]
    row = table.iloc[0]
    assert (row["customer_id"], row["amount"], row["since_amount"]) == ("ann", 900.0, 40.0)
    assert (row["ordered_on"], row["due_on"]) == (pd.Timestamp("2023-06-10"), pd.Timestamp("2024-06-10"))
    assert len(table) == 1


@pytest.mark.parametrize(
    ("ordered", "as_of", "is_near"),
    [
        ("2023-05-02", "2024-06-01", False),  # due 30 days ago
        ("2023-05-03", "2024-06-01", True),
        ("2023-07-01", "2024-06-01", True),  # due in 30 days
        ("2023-07-02", "2024-06-01", False),
        ("2024-02-29", "2025-01-29", True),  # due on 28 February
        ("2024-02-29", "2025-01-28", False),
        ("2024-02-29", "2025-03-29", True),
        ("2024-02-29", "2025-03-30", False),
        ("2023-12-31", "2024-12-01", True),
        ("2023-01-10", "2023-12-20", True),
    ],
)
def test_how_near_an_anniversary_is(ordered, as_of, is_near):
    assert len(found([("ann", ordered, 900.0)], as_of=dt.date.fromisoformat(as_of))) == is_near


def test_two_days_can_share_an_anniversary():
    rows = [("ann", "2024-02-28", 70.0), ("ann", "2024-02-29", 80.0)]
    table = found(rows, as_of=dt.date(2025, 2, 20), top_share=1.0)
    assert table["due_on"].dt.date.tolist() == [dt.date(2025, 2, 28)]  # the 28th is below the own median of 75
    both = found([*rows, ("ann", "2023-05-05", 1.0)], as_of=dt.date(2025, 2, 20), top_share=1.0)
    assert both["due_on"].dt.date.tolist() == [dt.date(2025, 2, 28)] * 2
    assert both["ordered_on"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("later", "stays"),
    [
        (("2024-04-11", 450.0), False),  # 60 days before: half of it is enough
        (("2024-04-10", 450.0), True),  # too early to be the repetition
        (("2024-05-20", 449.99), True),
        (("2024-06-01", 450.0), False),
        (("2024-06-02", 9999.0), True),  # after as_of
    ],
)
def test_what_repeats_an_order(later, stays):
    assert len(found([*BIG, ("ann", *later), *SMALL])) == stays


def test_orders_of_one_day_are_one():
    halves = [("ann", "2023-06-10", 450.0), ("ann", "2023-06-10", 450.0)]
    assert_frame_equal(found([*halves, *SMALL]), found([*BIG, *SMALL]))
    repeated = [("ann", "2024-05-10", 225.0), ("ann", "2024-05-10", 225.0)]
    assert found([*BIG, *repeated, *SMALL]).empty


def test_equal_values_are_big_together():
    rows = [(f"c{i}", "2023-06-10", 50.0) for i in range(6)] + [(f"d{i}", "2024-01-10", 10.0) for i in range(4)]
    assert len(found(rows)) == 6
    rows += [(f"e{i}", "2024-01-10", 60.0) for i in range(3)]  # 3 of 13 are greater: more than a fifth
    assert found(rows).empty
    assert len(found(rows, top_share=0.25)) == 6


@pytest.mark.parametrize(("larger", "is_big"), [("2022-06-01", True), ("2022-06-02", False), ("2024-06-02", True)])
def test_two_years_say_what_is_big(larger, is_big):
    rows = [("ann", "2023-06-10", 50.0), *((f"c{i}", larger, 60.0) for i in range(9))]
    assert len(found(rows)) == is_big


def test_a_free_order_is_never_big():
    assert found([("ann", "2023-06-10", 0.0)], top_share=1.0).empty


def test_refunds_are_left_out_or_taken_off():
    rows = [*BIG, ("ann", "2023-06-12", -895.0), *SMALL]
    assert len(found(rows)) == 1
    assert found(rows, refunds="net").empty
    back = [*BIG, ("ann", "2024-05-10", 500.0), ("ann", "2024-05-12", -400.0), *SMALL]
    assert found(back).empty
    assert found(back, refunds="net")["since_amount"].tolist() == [100.0]


# ------------------------------------------------------------------------------------------- what changes nothing


@pytest.fixture(scope="module")
def orders():
    return datasets.simulate_company(600, rng=np.random.default_rng(6), start=dt.date(2021, 6, 1)).orders


def test_later_rows_change_nothing(orders):
    past = orders[orders["ordered_at"] < "2023-08-11"]
    day = dt.date(2023, 8, 10)
    table = year_ago_orders(orders, as_of=day, refunds="net")
    assert len(table) > 20
    assert_frame_equal(table, year_ago_orders(past, as_of=day, refunds="net"))


def test_order_of_rows_names_years_and_currency_mean_nothing(orders):
    day = dt.date(2023, 8, 10)
    table = year_ago_orders(orders, as_of=day)
    assert_frame_equal(year_ago_orders(orders.sample(frac=1.0, random_state=2), as_of=day), table)
    renamed = year_ago_orders(
        orders.assign(customer_id="c" + orders["customer_id"].astype("str").str.zfill(6)), as_of=day
    )
    assert_frame_equal(renamed.assign(customer_id=renamed["customer_id"].str[1:].astype("int64")), table)
    cents = year_ago_orders(orders.assign(amount=orders["amount"] * 4.0), as_of=day)
    assert_frame_equal(cents.assign(amount=cents["amount"] / 4.0, since_amount=cents["since_amount"] / 4.0), table)
    later = year_ago_orders(
        orders.assign(ordered_at=orders["ordered_at"] + pd.Timedelta(days=4 * 1461)), as_of=dt.date(2039, 8, 10)
    )
    back = {name: later[name] - pd.Timedelta(days=4 * 1461) for name in ("ordered_on", "due_on")}
    assert_frame_equal(later.assign(**back), table)


def test_about_a_fifth_is_big(orders):
    """Without the own median: of a fifth of all order days, less those that were repeated."""
    sales = orders[(orders["amount"] >= 0) & (orders["ordered_at"] < "2023-08-11")]
    days = sales.groupby(["customer_id", sales["ordered_at"].dt.date])["amount"].sum().round(6)
    table = year_ago_orders(orders, as_of=dt.date(2023, 8, 10))
    recent = days[days.index.get_level_values(1) > dt.date(2021, 8, 10)]
    assert table["amount"].min() >= np.sort(recent)[-int(np.ceil(0.2 * len(recent))) - 1]


# ------------------------------------------------------------------------------------------- edges, refused


def test_an_empty_log_gives_an_empty_table(engine):
    empty = engines.to_engine(engine, log(BIG).head(0))
    assert len(engines.to_pandas(year_ago_orders(empty, as_of=AS_OF))) == 0


@pytest.mark.parametrize("as_of", [dt.date(1, 1, 1), dt.date(9999, 12, 31)])
def test_the_ends_of_the_calendar(as_of):
    assert found(BIG, as_of=as_of, within_days=182).empty


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"within_days": 0}, "within_days must lie between 1 and 182 (days), got 0."),
        ({"within_days": 183}, "within_days must lie between 1 and 182 (days), got 183."),
        ({"early_days": -1}, "early_days must lie between 0 and 300 (days), got -1."),
        ({"early_days": 301}, "early_days must lie between 0 and 300 (days), got 301."),
        ({"top_share": 0.0}, "top_share must be a share above 0 and at most 1, got 0.0."),
        ({"top_share": float("nan")}, "top_share must be a share above 0 and at most 1, got nan."),
        ({"repeat_share": 1.5}, "repeat_share must be a share above 0 and at most 1, got 1.5."),
        ({"as_of": "today"}, "as_of must be a date, such as datetime.date(2024, 12, 31), got 'today'."),
        ({"refunds": "keep"}, 'refunds must be "exclude", "net" or "raise", got \'keep\'.'),
    ],
)
def test_what_lies_out_of_its_domain_is_refused(options, said):
    with pytest.raises(DomainError) as caught:
        year_ago_orders(log(BIG), **{"as_of": AS_OF, **options})
    assert str(caught.value) == said

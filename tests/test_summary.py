import datetime as dt
import math
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import summary
from crmkit.datasets import load_cdnow
from crmkit.errors import DomainError, SchemaError
from crmkit.models.season_clock import SeasonClock
from tests import order_logs
from tests.engines import on_polars

MODES = st.sampled_from(["exclude", "net"])
CLOCK = SeasonClock((0.80, 0.50, 1.70, 0.95, 1.00, 0.95, 0.85, 0.85, 1.00, 1.10, 1.35, 1.45))


def log(*rows: tuple) -> pd.DataFrame:
    return order_logs.frame([order_logs.Row(*row) for row in rows])


def brute_summary(days: dict, until: int) -> list[tuple]:
    rows = []
    for customer, own in sorted(days.items()):
        on = sorted(own)
        repeat = [own[day][1] for day in on[1:]]
        rows.append(
            (
                customer,
                len(repeat),
                on[-1] - on[0],
                until - on[0],
                sum(repeat) / len(repeat) if repeat else 0.0,
                len(on),
                order_logs.date(on[0]),
                order_logs.date(on[-1]),
                sum(math.log(b - a) for a, b in pairwise(on)),
            )
        )
    return rows


def rows_of(table: pd.DataFrame) -> list[tuple]:
    dates = {name: table[name].dt.date for name in table.columns if table[name].dtype.kind == "M"}
    return list(table.assign(**dates).itertuples(index=False, name=None))


# Each of up to 25 logarithms is rounded to 9 decimals before the sum, so that the sum is the same in every run.
def assert_same_rows(found: list[tuple], expected: list[tuple], logs_at: int = 8) -> None:
    assert [row[:logs_at] for row in found] == [row[:logs_at] for row in expected]
    got, want = [row[logs_at] for row in found], [row[logs_at] for row in expected]
    np.testing.assert_allclose(got, want, rtol=0, atol=25 * 0.5e-9)


# ------------------------------------------------------------------------------------------------- plain Python


@given(order_logs.logs(), st.integers(0, 27), MODES)
def test_purchase_summary_equals_plain_python(rows, until, refunds):
    found = on_polars(summary.purchase_summary, order_logs.frame(rows), as_of=order_logs.date(until), refunds=refunds)
    days = order_logs.order_days(order_logs.orders(rows, until=until), net=refunds == "net")
    assert_same_rows(rows_of(found), brute_summary(days, until))


@given(order_logs.logs(), st.integers(0, 27), MODES)
def test_order_days_equal_plain_python(rows, until, refunds):
    found = on_polars(summary.order_days, order_logs.frame(rows), as_of=order_logs.date(until), refunds=refunds)
    days = order_logs.order_days(order_logs.orders(rows, until=until), net=refunds == "net")
    expected = []
    for customer, own in sorted(days.items()):
        on = sorted(own)
        gaps = [None, *(b - a for a, b in pairwise(on))]
        expected += [(customer, order_logs.date(d), *own[d], gap) for d, gap in zip(on, gaps, strict=True)]
    missing_as_none = found.assign(gap_days=found["gap_days"].astype(object).where(found["gap_days"].notna(), None))
    assert rows_of(missing_as_none) == expected


@given(order_logs.logs(), st.integers(0, 27), st.integers(1, 15), MODES)
def test_holdout_summary_is_the_summary_beside_the_order_days_that_follow(rows, until, horizon, refunds):
    frame, as_of = order_logs.frame(rows), order_logs.date(until)
    found = on_polars(summary.holdout_summary, frame, as_of=as_of, horizon_days=horizon, refunds=refunds)
    past = on_polars(summary.purchase_summary, frame, as_of=as_of, refunds=refunds)
    assert_frame_equal(found[past.columns], past)
    after = order_logs.orders(rows, since=until, until=until + horizon)
    later = order_logs.order_days(after, net=refunds == "net")
    expected = [
        (customer, len(later.get(customer, {})), sum(value for _, value in later.get(customer, {}).values()))
        for customer in past["customer_id"]
    ]
    assert rows_of(found[["customer_id", "holdout_order_days", "holdout_amount"]]) == expected
    following = [order_logs.date(min(later[name])) if later.get(name) else None for name in past["customer_id"]]
    assert [None if pd.isna(day) else day.date() for day in found["holdout_first_day"]] == following


@given(order_logs.logs(), st.integers(0, 25))
def test_under_raise_refunds_are_refused_and_nothing_else_changes(rows, until):
    frame, as_of = order_logs.frame(rows), order_logs.date(until)
    if (frame["amount"] < 0).any():
        with pytest.raises(SchemaError, match="are negative"):
            on_polars(summary.purchase_summary, frame, as_of=as_of, refunds="raise")
    else:
        raised = on_polars(summary.purchase_summary, frame, as_of=as_of, refunds="raise")
        assert_frame_equal(raised, on_polars(summary.purchase_summary, frame, as_of=as_of, refunds="exclude"))


@given(order_logs.logs(), st.integers(0, 27))
def test_under_net_the_order_days_hold_all_net_revenue_of_customers_with_orders(rows, until):
    frame, as_of = order_logs.frame(rows), order_logs.date(until)
    table = on_polars(summary.purchase_summary, frame, as_of=as_of, refunds="net").set_index("customer_id")
    daily = on_polars(summary.order_days, frame, as_of=as_of, refunds="net")
    first = daily[daily["gap_days"].isna()].set_index("customer_id")["amount"]
    net = frame[frame["ordered_at"].dt.date <= as_of].groupby("customer_id")["amount"].sum()
    # A mean of quarters times its count: the division may round the last bit.
    np.testing.assert_allclose(
        table["monetary_value"] * table["frequency"] + first.reindex(table.index),
        net.reindex(table.index),
        rtol=1e-12,
        atol=1e-12,
    )


PRODUCTS = st.lists(st.sampled_from(["tea", "cup", "茶", None]), min_size=25, max_size=25)


def by_product(rows: list, products: list) -> pd.DataFrame:
    return order_logs.frame(rows).assign(product_id=pd.Series(products[: len(rows)], dtype="str"))


@given(order_logs.logs(), PRODUCTS, st.integers(0, 27), MODES)
def test_the_summary_of_customers_and_products_equals_plain_python(rows, products, until, refunds):
    """Each pair is a customer of its own: lines of one order are one order of each of their products."""
    keys = ["customer_id", "product_id"]
    found = on_polars(
        summary.purchase_summary, by_product(rows, products), as_of=order_logs.date(until), refunds=refunds, by=keys
    )
    pairs = [
        row._replace(customer_id=(row.customer_id, product))
        for row, product in zip(rows, products, strict=False)
        if product is not None
    ]
    days = order_logs.order_days(order_logs.orders(pairs, until=until), net=refunds == "net")
    expected = [(*pair, *rest) for pair, *rest in brute_summary(days, until)]
    assert_same_rows(rows_of(found), expected, logs_at=9)


@given(order_logs.logs(), st.integers(0, 27), MODES)
def test_gaps_on_a_clock_equal_plain_python(rows, until, refunds):
    options = {"as_of": order_logs.date(until), "refunds": refunds}
    plain = on_polars(summary.purchase_summary, order_logs.frame(rows), **options)
    found = on_polars(summary.purchase_summary, order_logs.frame(rows), clock=CLOCK, **options)
    assert_frame_equal(found.drop(columns="sum_log_gap"), plain.drop(columns="sum_log_gap"))
    days = order_logs.order_days(order_logs.orders(rows, until=until), net=refunds == "net")

    def passed(a: int, b: int) -> float:
        return sum(CLOCK.index[order_logs.date(day).month - 1] for day in range(a + 1, b + 1))

    expected = [sum(math.log(passed(a, b)) for a, b in pairwise(sorted(own))) for _, own in sorted(days.items())]
    # Each of up to 25 logarithms is rounded to 9 decimals; positions on the clock carry 1e-11.
    np.testing.assert_allclose(found["sum_log_gap"], expected, rtol=0, atol=25 * 0.6e-9)


@given(order_logs.logs(), st.integers(0, 27), MODES)
def test_buyers_by_day_equal_plain_python(rows, until, refunds):
    found = on_polars(summary.buyers_by_day, order_logs.frame(rows), as_of=order_logs.date(until), refunds=refunds)
    days = order_logs.order_days(order_logs.orders(rows, until=until), net=refunds == "net")
    on = sorted({day for own in days.values() for day in own})
    expected = [
        (order_logs.date(day), sum(day in own for own in days.values()), sum(min(own) == day for own in days.values()))
        for day in on
    ]
    assert rows_of(found) == expected


# ------------------------------------------------------------------------------------------------- by hand


def test_rows_without_a_product_take_no_part():
    orders = by_product([order_logs.Row("ann", d, 5.0) for d in (0, 3, 9)], ["tea", None, "tea"])
    table = summary.purchase_summary(orders, as_of=order_logs.date(9), by=["customer_id", "product_id"])
    assert table[["customer_id", "product_id", "order_days", "recency"]].to_numpy().tolist() == [["ann", "tea", 2, 9]]
    nothing = by_product([order_logs.Row("ann", 0, 5.0)], [None])
    assert len(summary.purchase_summary(nothing, as_of=order_logs.date(9), by=["customer_id", "product_id"])) == 0


@pytest.mark.parametrize("by", ["customer_id", ["customer_id"], ("customer_id",)])
def test_by_customer_is_the_default(by):
    orders = log(("ann", 0, 1.0), ("ann", 4, 2.0), ("bob", 1, 3.0))
    expected = summary.purchase_summary(orders, as_of=order_logs.date(9))
    assert_frame_equal(summary.purchase_summary(orders, as_of=order_logs.date(9), by=by), expected)


def test_the_order_of_by_is_that_of_columns_and_rows():
    orders = by_product([order_logs.Row("ann", 0, 1.0), order_logs.Row("bob", 0, 1.0)], ["tea", "cup"])
    table = summary.purchase_summary(orders, as_of=order_logs.date(9), by=["product_id", "customer_id"])
    assert list(table.columns[:2]) == ["product_id", "customer_id"]
    assert table["product_id"].tolist() == ["cup", "tea"]


def test_gaps_on_a_clock_may_be_shorter_than_a_day():
    slow = SeasonClock((0.1, 0.1, *(1.0,) * 10))
    orders = log(("ann", 0, 1.0), ("ann", 1, 1.0))  # 20 and 21 February
    table = summary.purchase_summary(orders, as_of=order_logs.date(9), clock=slow)
    assert table["sum_log_gap"].tolist() == pytest.approx([math.log(slow.index[1])], abs=1e-9)
    assert table["sum_log_gap"][0] < -2


def test_each_refund_is_taken_off_the_last_order_day_before_it():
    orders = log(
        ("ann", 0, 10.0), ("ann", 4, 20.0), ("ann", 5, -5.0), ("ann", 8, 30.0), ("ann", 9, -7.0), ("ann", 20, -1.0)
    )
    table = summary.order_days(orders, as_of=order_logs.date(30), refunds="net")
    assert table["amount"].tolist() == [10.0, 15.0, 22.0]
    assert table["orders"].tolist() == [1, 1, 1]


def test_a_refund_before_any_order_is_taken_off_the_first_and_one_of_the_same_day_off_that_day():
    orders = log(("ann", 0, -3.0), ("ann", 2, 10.0), ("ann", 6, -4.0), ("ann", 6, 5.0))
    table = summary.order_days(orders, as_of=order_logs.date(30), refunds="net")
    assert table["amount"].tolist() == [7.0, 1.0]


def test_a_customer_with_refunds_only_has_no_history():
    orders = log(("ann", 0, -3.0), ("bob", 2, 10.0))
    for refunds in ("exclude", "net"):
        table = summary.purchase_summary(orders, as_of=order_logs.date(9), refunds=refunds)
        assert table["customer_id"].tolist() == ["bob"]


def test_sum_log_gap_by_hand():
    # Order days 0, 1, 4 and 11, two orders on one of them: ln 1 + ln 3 + ln 7.
    orders = log(("ann", 0, 1.0), ("ann", 4, 1.0), ("ann", 4, 2.0), ("ann", 1, 1.0), ("ann", 11, 1.0), ("bob", 3, 1.0))
    table = summary.purchase_summary(orders, as_of=order_logs.date(20))
    assert table["sum_log_gap"].tolist() == pytest.approx([math.log(21), 0.0], abs=3 * 0.5e-9)
    assert table["frequency"].tolist() == [3, 0]
    assert table["recency"].tolist() == [11, 0]
    assert table["T"].tolist() == [20, 17]
    assert table["monetary_value"].tolist() == [5.0 / 3, 0.0]


def test_lines_of_one_order_are_one_order_on_the_day_of_the_first():
    orders = log(("ann", 0, 5.0, "a"), ("ann", 1, 7.0, "a"), ("ann", 3, 1.0, "b"), ("ann", 3, -4.0, "b"))
    table = summary.order_days(orders, as_of=order_logs.date(9))
    assert rows_of(table)[0][:4] == ("ann", order_logs.date(0), 1, 12.0)
    assert len(table) == 1, "order b is worth less than nothing: a refund"


@pytest.mark.parametrize(
    "ids", [pd.Series(["", "", None], dtype="str"), pd.Series([np.nan] * 3), pd.Series([pd.NA] * 3, dtype="Int64")]
)
def test_rows_without_order_id_are_orders_of_their_own(ids):
    orders = log(("ann", 0, 1.0), ("ann", 0, 2.0), ("ann", 1, 3.0)).assign(order_id=ids)
    assert summary.order_days(orders, as_of=order_logs.date(9))["orders"].tolist() == [2, 1]


def test_rows_without_order_id_are_orders_of_their_own_in_polars_nan():
    pl = pytest.importorskip("polars")
    orders = pl.from_pandas(log(("ann", 0, 1.0), ("ann", 0, 2.0))).with_columns(order_id=pl.lit(float("nan")))
    assert summary.order_days(orders, as_of=order_logs.date(9))["orders"].to_list() == [2]


def test_a_line_after_as_of_does_not_reach_back_into_the_history():
    orders = log(("ann", 0, 10.0, "a"), ("ann", 2, 20.0, "b"), ("ann", 7, -15.0, "b"), ("ann", 8, 4.0, "c"))
    table = summary.holdout_summary(orders, as_of=order_logs.date(5), horizon_days=5)
    assert table[["frequency", "monetary_value"]].to_numpy().tolist() == [[1, 20.0]]
    assert table[["holdout_order_days", "holdout_amount"]].to_numpy().tolist() == [[1, 4.0]]


@pytest.mark.parametrize("function", [summary.purchase_summary, summary.order_days])
def test_an_empty_log_gives_an_empty_table(function):
    empty = log(("ann", 0, 1.0)).head(0)
    filled = function(log(("ann", 0, 1.0)), as_of=order_logs.date(9))
    table = function(empty, as_of=order_logs.date(9))
    assert (len(table), list(table.columns)) == (0, list(filled.columns))


# ------------------------------------------------------------------------------------------------- metamorphic


@given(order_logs.logs(), st.integers(0, 25), MODES)
def test_rows_after_as_of_change_nothing(rows, until, refunds):
    as_of, frame = order_logs.date(until), order_logs.frame(rows)
    past = frame[frame["ordered_at"].dt.date <= as_of]
    whole = on_polars(summary.purchase_summary, frame, as_of=as_of, refunds=refunds)
    assert_frame_equal(whole, on_polars(summary.purchase_summary, past, as_of=as_of, refunds=refunds))


@given(order_logs.logs(), st.integers(0, 400), MODES)
def test_later_as_of_and_shifted_dates(rows, days, refunds):
    frame, as_of = order_logs.frame(rows), order_logs.date(25)
    table = on_polars(summary.purchase_summary, frame, as_of=as_of, refunds=refunds)
    later = on_polars(summary.purchase_summary, frame, as_of=as_of + dt.timedelta(days), refunds=refunds)
    assert_frame_equal(later, table.assign(T=table["T"] + days))
    moved = frame.assign(ordered_at=frame["ordered_at"] + pd.Timedelta(days=days))
    shifted = on_polars(summary.purchase_summary, moved, as_of=as_of + dt.timedelta(days), refunds=refunds)
    same = ["customer_id", "frequency", "recency", "T", "monetary_value", "sum_log_gap"]
    assert_frame_equal(shifted[same], table[same])


def test_a_time_stamp_as_as_of_counts_as_its_day():
    orders = log(("ann", 0, 1.0), ("ann", 5, 1.0), ("ann", 5, 2.0), ("ann", 6, 1.0))
    day = summary.purchase_summary(orders, as_of=order_logs.date(5))
    for hour in (0, 23):
        moment = dt.datetime.combine(order_logs.date(5), dt.time(hour))
        assert_frame_equal(summary.purchase_summary(orders, as_of=moment), day)


# ------------------------------------------------------------------------------------------------- errors


def test_domain_errors():
    orders = log(("ann", 0, 1.0))
    with pytest.raises(DomainError) as error:
        summary.purchase_summary(orders, as_of=order_logs.date(1), refunds="ignore")
    assert str(error.value) == 'refunds must be "exclude", "net" or "raise", got \'ignore\'.'
    with pytest.raises(DomainError) as error:
        summary.holdout_summary(orders, as_of=order_logs.date(1), horizon_days=0)
    assert str(error.value) == "horizon_days must be at least 1 (days), got 0."
    with pytest.raises(DomainError) as error:
        summary.purchase_summary(orders, as_of="2024-03-01")
    assert str(error.value) == "as_of must be a date, such as datetime.date(2024, 12, 31), got '2024-03-01'."


@pytest.mark.parametrize("by", ["product_id", ["customer_id", "amount"], ["customer_id", "customer_id"], []])
def test_an_unknown_by_is_refused(by):
    with pytest.raises(DomainError) as error:
        summary.purchase_summary(log(("ann", 0, 1.0)), as_of=order_logs.date(1), by=by)
    assert str(error.value) == (
        "by must be 'customer_id', alone or with any of 'product_id', 'category', 'channel', "
        f"got {by!r}.\nSuch as by=['customer_id', 'product_id'] for each customer's orders of each product."
    )


def test_a_log_without_the_column_of_by_is_refused():
    with pytest.raises(SchemaError) as error:
        summary.purchase_summary(log(("ann", 0, 1.0)), as_of=order_logs.date(1), by=["customer_id", "category"])
    assert str(error.value) == (
        "orders.category: the column is missing; expected one, as by=['customer_id', 'category'] asks for it.\n"
        "Name the column with schema.conform(orders, schema.ORDERS, rename={...}), or leave it out of by."
    )


def test_under_raise_the_text_says_where_and_what_to_do():
    with pytest.raises(SchemaError) as error:
        summary.purchase_summary(
            log(("ann", 0, 1.0), ("bob", 3, -12.5, "A-17")), as_of=order_logs.date(9), refunds="raise"
        )
    assert str(error.value) == (
        "orders.amount: 1 of 2 rows are negative (first: order_id 'A-17', -12.5); expected >= 0.\n"
        'Net refunds with refunds="net", or keep sales only: orders[orders["amount"] >= 0].'
    )


# ------------------------------------------------------------------------------------------------- lifetimes


def lifetimes_summary(orders: pd.DataFrame, end: dt.date) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes 0.11.3 is from 2020; its warnings are about its own code
        utils = pytest.importorskip("lifetimes.utils")
        return utils.summary_data_from_transaction_data(
            orders, "customer_id", "ordered_at", monetary_value_col="amount", observation_period_end=end, freq="D"
        )


@pytest.mark.parametrize("end", [dt.date(1997, 9, 30), dt.date(1998, 6, 30)])
def test_cdnow_equals_lifetimes(end):
    orders = load_cdnow(sample=True)
    ours = summary.purchase_summary(orders, as_of=end).set_index("customer_id")
    theirs = lifetimes_summary(orders, end)
    assert len(ours) == 2_357
    for name in ("frequency", "recency", "T"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    # Ours is rounded to 6 decimals before the division, theirs is a mean of raw float sums.
    np.testing.assert_allclose(ours["monetary_value"], theirs["monetary_value"], rtol=1e-12)


def test_differences_from_lifetimes():
    orders = log(("ann", 0, 10.0), ("ann", 3, -4.0), ("ann", 8, 6.0))
    theirs = lifetimes_summary(orders, order_logs.date(9)).loc["ann"]
    ours = summary.purchase_summary(orders, as_of=order_logs.date(9)).set_index("customer_id").loc["ann"]
    # To lifetimes the refund is a purchase, and lowers the mean value of an order.
    assert (theirs["frequency"], theirs["monetary_value"]) == (2, 1.0)
    assert (ours["frequency"], ours["monetary_value"]) == (1, 6.0)


def test_the_callers_frame_is_not_changed():
    orders = log(("ann", 0, 10.0, "x"), ("bob", 3, -4.0))
    before = orders.copy(deep=True)
    summary.purchase_summary(orders, as_of=order_logs.date(9), refunds="net")
    assert_frame_equal(orders, before)

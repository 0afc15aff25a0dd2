"""What holds for every order log, whatever is in it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import rfm
from crmkit.segment_maps import MAPS
from tests import order_logs
from tests.engines import on_polars, to_engine

# The base is as small as an example is; that this is said is tested in test_rfm.
pytestmark = pytest.mark.filterwarnings("ignore:Cuts of .* customers are unstable")

MEASURES = ["days_since_order", "order_count", "revenue"]
SCORES = ["r_score", "f_score", "m_score"]
UNTIL = 25
AS_OF = order_logs.date(UNTIL)
MODES = st.sampled_from(["exclude", "net"])


@st.composite
def order_frames(draw) -> pd.DataFrame:
    """Logs of 5 to 12 customers, who have at least an order each, so that quantiles of five can be made."""
    customers = [f"c{i:02d}" for i in range(draw(st.integers(5, 12)))]
    rows = [order_logs.Row(c, draw(st.integers(0, UNTIL)), draw(st.integers(0, 40)) / 4) for c in customers]
    more = draw(order_logs.logs(least=0))
    rows += [row._replace(customer_id=customers[(row.day + i) % len(customers)]) for i, row in enumerate(more)]
    return order_logs.frame(rows)


def segments_of(orders: pd.DataFrame, as_of: dt.date = AS_OF, **options) -> pd.DataFrame:
    return on_polars(rfm.segment, orders, as_of=as_of, **options)


def cuts_of(orders: pd.DataFrame) -> rfm.Cuts:
    return rfm.fit_cuts(rfm.rfm_table(to_engine("polars", orders), as_of=AS_OF))


@given(order_frames(), MODES)
def test_scores_are_monotone_and_ties_are_equal(orders, refunds):
    table = segments_of(orders, refunds=refunds)
    assert table[SCORES].min().min() >= 1
    assert table[SCORES].max().max() <= 5
    for name, score, sign in zip(MEASURES, SCORES, (-1, 1, 1), strict=True):
        ordered = (sign * table[name]).sort_values()
        assert table[score].loc[ordered.index].is_monotonic_increasing
        assert (table.groupby(name)[score].nunique() == 1).all()
    alike = table.groupby([*MEASURES])[["segment"]].nunique()
    assert (alike == 1).all(axis=None)


@given(order_frames(), st.sampled_from(list(MAPS)), MODES)
def test_segments_are_a_partition_of_the_customers(orders, scheme, refunds):
    table = segments_of(orders, scheme=scheme, refunds=refunds)
    assert table["customer_id"].tolist() == sorted(orders["customer_id"].unique())
    known = {segment.code for segment in MAPS[scheme].segments}
    assert set(table["segment"]) <= known
    summary = on_polars(rfm.segment_summary, table, scheme=scheme)
    assert summary["customers"].sum() == len(table)


@given(order_frames(), st.randoms(use_true_random=False), MODES)
def test_the_order_of_rows_says_nothing(orders, random, refunds):
    rows = list(range(len(orders)))
    random.shuffle(rows)
    shuffled = orders.iloc[rows].reset_index(drop=True)
    assert_frame_equal(segments_of(shuffled, refunds=refunds), segments_of(orders, refunds=refunds))


@given(order_frames(), MODES)
def test_names_of_customers_say_nothing(orders, refunds):
    renamed = orders.assign(customer_id="z" + orders["customer_id"].str[::-1])  # another order of the ids, too
    back = segments_of(renamed, refunds=refunds)
    back = back.assign(customer_id=back["customer_id"].str[1:].str[::-1]).sort_values("customer_id", ignore_index=True)
    assert_frame_equal(back, segments_of(orders, refunds=refunds))


@given(order_frames(), st.integers(-4_000, 4_000), MODES)
def test_shifted_dates_change_dates_alone(orders, days, refunds):
    moved = orders.assign(ordered_at=orders["ordered_at"] + pd.Timedelta(days=days))
    table = segments_of(orders, refunds=refunds)
    shifted = segments_of(moved, as_of=AS_OF + dt.timedelta(days), refunds=refunds)
    dates = ["first_order_day", "last_order_day"]
    assert_frame_equal(shifted.drop(columns=dates), table.drop(columns=dates))
    assert_frame_equal(shifted[dates], table[dates] + pd.Timedelta(days=days))


@given(order_frames(), st.sampled_from([0.25, 4.0, 1024.0]), MODES)
def test_another_currency_changes_money_alone(orders, rate, refunds):
    table = segments_of(orders, refunds=refunds)
    scaled = segments_of(orders.assign(amount=orders["amount"] * rate), refunds=refunds)
    money = ["revenue", "average_order_value"]
    assert_frame_equal(scaled.drop(columns=money), table.drop(columns=money))
    np.testing.assert_array_equal(scaled[money], table[money] * rate)  # powers of two: exact


@given(order_frames(), order_frames(), MODES)
def test_rows_after_as_of_change_nothing(orders, later, refunds):
    future = later.assign(ordered_at=later["ordered_at"] + pd.Timedelta(days=UNTIL + 1))
    both = pd.concat([orders, future], ignore_index=True)
    assert_frame_equal(segments_of(both, refunds=refunds), segments_of(orders, refunds=refunds))


@given(order_frames(), st.integers(2, 3))
def test_copies_of_all_customers_leave_cuts_and_scores(orders, times):
    copies = [orders.assign(customer_id=orders["customer_id"] + f"-{i}") for i in range(times)]
    many = pd.concat(copies, ignore_index=True)
    one, all_cuts = cuts_of(orders), cuts_of(many)
    assert all_cuts == rfm.Cuts(one.days_since_order, one.order_count, one.revenue, times * one.customers)
    table, copied = segments_of(orders), segments_of(many)
    of_first = copied[copied["customer_id"].str.endswith("-0")].reset_index(drop=True)
    assert_frame_equal(of_first.assign(customer_id=table["customer_id"]), table)


@given(order_frames(), st.integers(0, UNTIL), st.integers(1, 40).map(lambda quarters: quarters / 4))
def test_one_more_order_never_lowers_a_score_under_kept_cuts(orders, day, amount):
    cuts = cuts_of(orders)
    extra = order_logs.frame([order_logs.Row("c00", day, amount)])
    before = segments_of(orders, cuts=cuts).set_index("customer_id")
    after = segments_of(pd.concat([orders, extra], ignore_index=True), cuts=cuts).set_index("customer_id")
    assert (after.loc["c00", SCORES] >= before.loc["c00", SCORES]).all()
    assert_frame_equal(after.drop(index="c00"), before.drop(index="c00"))

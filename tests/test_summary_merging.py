"""The summary of two logs in one is the merge of their summaries, to the last digit."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crmkit import rfm, summary
from crmkit.datasets import load_cdnow
from crmkit.errors import DomainError, SchemaError
from crmkit.models.season_clock import SeasonClock
from tests import order_logs
from tests.engines import on_polars

MODES = st.sampled_from(["exclude", "net"])
CUTS = st.integers(0, 25)
END = 27
CLOCK = SeasonClock((0.80, 0.50, 1.70, 0.95, 1.00, 0.95, 0.85, 0.85, 1.00, 1.10, 1.35, 1.45))


def log(*rows: tuple) -> pd.DataFrame:
    return order_logs.frame([order_logs.Row(*row) for row in rows])


def split(rows: list, *cuts: int) -> list[list]:
    """Parts of a log by day. No order has lines in two parts: that is what merging asks for."""
    ends = [*sorted(cuts), END]
    starts = [-1, *ends[:-1]]
    parts = [[row for row in rows if start < row.day <= end] for start, end in zip(starts, ends, strict=True)]
    return [
        [row._replace(order_id=row.order_id and f"{row.order_id} of part {place}") for row in part]
        for place, part in enumerate(parts)
    ]


def kept(rows: list, until: int = END, **options) -> pd.DataFrame:
    return on_polars(summary.mergeable_summary, order_logs.frame(rows), as_of=order_logs.date(until), **options)


def merged(earlier: pd.DataFrame, later: pd.DataFrame, **options) -> pd.DataFrame:
    return on_polars(summary.merge_summaries, earlier, later, **options)


@given(order_logs.logs(least=0), CUTS, MODES, st.sampled_from([None, CLOCK]))
def test_the_summary_of_a_union_is_the_merge_of_the_summaries(rows, cut, refunds, clock):
    options = {"refunds": refunds, "clock": clock}
    earlier, later = split(rows, cut)
    parts = kept(earlier, cut, **options), kept(later, **options)
    whole = merged(*parts, clock=clock)
    assert_frame_equal(whole, kept(earlier + later, **options))
    found = on_polars(summary.summary_at, whole, as_of=order_logs.date(END))
    log = order_logs.frame(earlier + later)
    assert_frame_equal(found, on_polars(summary.purchase_summary, log, as_of=order_logs.date(END), **options))


@given(order_logs.logs(least=0), CUTS, CUTS, MODES)
def test_merging_is_associative(rows, first_cut, second_cut, refunds):
    a, b, c = (kept(part, refunds=refunds) for part in split(rows, first_cut, second_cut))
    assert_frame_equal(merged(merged(a, b), c), merged(a, merged(b, c)))


@given(order_logs.logs(least=0), MODES)
def test_an_empty_part_changes_nothing(rows, refunds):
    whole, nothing = kept(rows, refunds=refunds), kept([], refunds=refunds)
    assert_frame_equal(merged(whole, nothing), whole)
    assert_frame_equal(merged(nothing, whole), whole)


@given(order_logs.logs(least=0), CUTS, MODES)
def test_the_rfm_table_of_a_union_is_algebra_in_the_merged_summary(rows, cut, refunds):
    earlier, later = split(rows, cut)
    whole = merged(kept(earlier, cut, refunds=refunds), kept(later, refunds=refunds))
    found = on_polars(rfm.rfm_table_at, whole, as_of=order_logs.date(END))
    log = order_logs.frame(earlier + later)
    expected = on_polars(rfm.rfm_table, log, as_of=order_logs.date(END), refunds=refunds)
    if refunds == "exclude":  # a customer with refunds only has no orders, and nothing of it is kept
        expected = expected[expected["order_count"] > 0].reset_index(drop=True)
    assert_frame_equal(found, expected, check_dtype=False)


def test_a_month_of_cdnow_day_by_day():
    orders = load_cdnow(sample=True)
    start, end = dt.date(1997, 9, 30), dt.date(1997, 10, 31)
    day = orders["ordered_at"].dt.date
    state = summary.mergeable_summary(orders[day <= start], as_of=start)
    for number in range((end - start).days):
        today = start + dt.timedelta(number + 1)
        state = summary.merge_summaries(state, summary.mergeable_summary(orders[day == today], as_of=today))
        if number % 5 == 0 or today == end:
            whole = summary.purchase_summary(orders, as_of=today)
            assert_frame_equal(summary.summary_at(state, as_of=today), whole)
    assert_frame_equal(rfm.rfm_table_at(state, as_of=end), rfm.rfm_table(orders, as_of=end))
    assert len(state) == orders.loc[day <= end, "customer_id"].nunique() == 2_357


def test_by_hand():
    earlier = log(("ann", 0, 10.0), ("ann", 4, 20.0), ("bob", 3, 5.0), ("cy", 1, -2.0))
    later = log(("ann", 8, -1.0), ("ann", 11, 30.0), ("bob", 9, -4.0), ("cy", 10, 7.0), ("dan", 12, 8.0))
    parts = (
        summary.mergeable_summary(table, as_of=order_logs.date(day), refunds="net")
        for table, day in ((earlier, 7), (later, 12))
    )
    table = summary.merge_summaries(*parts).set_index("customer_id")
    assert table.loc["ann", ["orders", "order_days"]].tolist() == [3, 3]
    # Ann's refund comes off her last order day of the earlier log, a repeat; Bob's off his only one, the first.
    assert table["repeat_amount"].to_dict() == {"ann": 49.0, "bob": 0.0, "cy": 0.0, "dan": 0.0}
    assert table["first_amount"].to_dict() == {"ann": 10.0, "bob": 1.0, "cy": 7.0, "dan": 8.0}
    assert table["early_refunds"].to_dict() == {"ann": 0.0, "bob": 0.0, "cy": -2.0, "dan": 0.0}
    worth = rfm.rfm_table_at(table.reset_index(), as_of=order_logs.date(12)).set_index("customer_id")
    assert worth["revenue"].to_dict() == {"ann": 59.0, "bob": 1.0, "cy": 5.0, "dan": 8.0}


def test_histories_of_customers_and_products_merge_by_both():
    keys = ["customer_id", "product_id"]
    rows = log(("ann", 0, 1.0), ("ann", 1, 2.0), ("ann", 5, 4.0), ("bob", 6, 8.0))
    rows = rows.assign(product_id=pd.Series(["tea", "cup", "tea", "tea"], dtype="str"))
    day = order_logs.date(9)
    parts = (summary.mergeable_summary(part, as_of=day, by=keys) for part in (rows[:2], rows[2:]))
    whole = summary.merge_summaries(*parts, by=keys)
    found = summary.summary_at(whole, as_of=day, by=keys)
    assert_frame_equal(found, summary.purchase_summary(rows, as_of=day, by=keys))


def test_rows_after_as_of_change_nothing():
    rows = log(("ann", 0, 1.0), ("ann", 3, 2.0), ("ann", 5, 4.0), ("ann", 6, -8.0))
    cut = order_logs.date(4)
    for refunds in ("exclude", "net"):
        seen = summary.mergeable_summary(rows, as_of=cut, refunds=refunds)
        assert_frame_equal(seen, summary.mergeable_summary(rows[:2], as_of=cut, refunds=refunds))


# ------------------------------------------------------------------------------------------------- errors


def test_logs_that_overlap_are_refused():
    one, two = (
        summary.mergeable_summary(log(*rows), as_of=order_logs.date(9))
        for rows in ([("ann", 0, 1.0), ("bob", 5, 1.0)], [("ann", 5, 1.0)])
    )
    with pytest.raises(SchemaError) as error:
        summary.merge_summaries(one, two)
    assert str(error.value) == (
        "later begins on 2024-02-25, and earlier ends on 2024-02-25; expected logs that follow each other.\n"
        "Give each day to one log, the earlier first: orders of earlier up to a day, of later from the day after."
    )


def test_a_customer_who_stands_twice_is_refused():
    one = summary.mergeable_summary(log(("ann", 0, 1.0)), as_of=order_logs.date(9))
    two = summary.mergeable_summary(log(("ann", 5, 1.0)), as_of=order_logs.date(9))
    with pytest.raises(SchemaError) as error:
        summary.merge_summaries(pd.concat([one, two]), one[:0])
    assert str(error.value) == (
        "earlier: customer_id stand in more than one row; expected one row each.\n"
        "Merge what was appended: merge_summaries(earlier, later)."
    )


def test_a_day_before_the_last_order_is_refused():
    kept_ = summary.mergeable_summary(log(("ann", 5, 1.0)), as_of=order_logs.date(9))
    with pytest.raises(DomainError) as error:
        summary.summary_at(kept_, as_of=order_logs.date(4))
    assert str(error.value) == (
        "as_of is 2024-02-24, and the summary holds orders up to 2024-02-25; expected no day before the last order.\n"
        "What has been summed up can't be taken apart: take the summary that was kept on 2024-02-24."
    )


def test_a_summary_without_the_column_of_by_is_refused():
    kept_ = summary.mergeable_summary(log(("ann", 5, 1.0)), as_of=order_logs.date(9))
    with pytest.raises(SchemaError) as error:
        summary.merge_summaries(kept_, kept_, by=["customer_id", "product_id"])
    assert str(error.value) == (
        "earlier.product_id: the column is missing; expected one, as by=['customer_id', 'product_id'] asks for it.\n"
        "Make the summary with mergeable_summary(orders, by=['customer_id', 'product_id'], ...)."
    )

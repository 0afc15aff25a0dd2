import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import stats

from crmkit import rfm
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.segment_maps import GRID, TIERS, TYPES
from tests import order_logs
from tests.engines import on_polars

FEW = pytest.mark.filterwarnings("ignore:Cuts of .* customers are unstable")
MEASURES = ["days_since_order", "order_count", "revenue"]
SCORES = ["r_score", "f_score", "m_score"]
HAND_CUTS = rfm.Cuts(days_since_order=(120, 90, 60, 30), order_count=(1, 2, 3, 4), revenue=(10, 20, 30, 40))


def table_of(days, orders, revenue) -> pd.DataFrame:
    """Make an RFM table; customers 0, 1, ... in the order given."""
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(days)),
            "days_since_order": np.asarray(days, dtype="float64"),
            "order_count": np.asarray(orders, dtype="int64"),
            "revenue": np.asarray(revenue, dtype="float64"),
        }
    )


def score_table(*cells) -> pd.DataFrame:
    scores = pd.DataFrame(cells, columns=SCORES, dtype="float64")
    return scores.assign(customer_id=np.arange(len(scores)))


# --------------------------------------------------------------------------------------------- UCI Online Retail


@pytest.fixture(scope="module")
def retail(data) -> pd.DataFrame:
    columns = ["InvoiceNo", "InvoiceDate", "CustomerID", "Quantity", "UnitPrice"]
    lines = pd.read_parquet(data / "online_retail_uci.parquet", columns=columns).dropna(subset="CustomerID")
    return pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype("int64"),
            "ordered_at": lines["InvoiceDate"],
            "amount": lines["Quantity"] * lines["UnitPrice"],
            "order_id": lines["InvoiceNo"].astype("str"),
        }
    )


@pytest.fixture(scope="module")
def retail_table(retail) -> pd.DataFrame:
    return rfm.rfm_table(retail, as_of=dt.date(2011, 12, 9))


def test_retail_customers(retail, retail_table):
    assert len(retail_table) == retail["customer_id"].nunique() == 4_372
    # Without any positive amount: 33 with refunds only, and customer 13256 whose one order was free. It is an order.
    paid = retail.loc[retail["amount"] > 0, "customer_id"].unique()
    unpaid = retail_table[~retail_table["customer_id"].isin(paid)]
    assert len(unpaid) == 34
    assert (unpaid["order_count"] == 0).sum() == (retail_table["order_count"] == 0).sum() == 33
    assert unpaid.loc[unpaid["order_count"] > 0, ["customer_id", "order_count", "revenue"]].to_numpy().tolist() == [
        [13_256, 1, 0]
    ]


def test_retail_one_time_buyers_and_the_median_customer(retail, retail_table):
    buyers = retail_table[retail_table["order_count"] > 0]
    assert round(100 * (buyers["order_count"] == 1).mean(), 1) == 34.4
    assert buyers["order_count"].median() == 2  # invoices; their lines would make 41 "orders"
    assert retail[retail["amount"] >= 0].groupby("customer_id").size().median() == 41


def test_retail_net_revenue_that_is_not_positive(retail):
    # reference/rfm.md counts 50, from raw sums of floats: five customers whose refunds undo their orders to the penny
    # keep some 1e-14. Rounded to 6 decimals they have nothing: 55.
    raw = retail.groupby("customer_id")["amount"].sum()
    assert (raw <= 0).sum() == 50
    pennies = (retail["amount"] * 1_000).round().astype("int64").groupby(retail["customer_id"]).sum()
    assert (pennies <= 0).sum() == 55
    net = rfm.rfm_table(retail, as_of=dt.date(2011, 12, 9), refunds="net")
    assert (net["revenue"] <= 0).sum() == 55
    assert raw[(raw > 0) & (pennies <= 0)].max() < 1e-9


def test_retail_refunds_would_have_moved_444_recencies(retail, retail_table):
    last_row = retail.groupby("customer_id")["ordered_at"].max().dt.normalize()
    last_order = retail_table.set_index("customer_id")["last_order_day"].dropna()
    assert (last_row[last_order.index] > last_order).sum() == 444
    assert not (last_row[last_order.index] < last_order).any()


def test_retail_refunds_as_a_share_of_sales(retail, retail_table):
    net = rfm.rfm_table(retail, as_of=dt.date(2011, 12, 9), refunds="net")
    assert round(100 * (1 - net["revenue"].sum() / retail_table["revenue"].sum()), 1) == 6.9


def test_retail_equal_customers_get_equal_scores(retail_table):
    scores = rfm.rfm_scores(retail_table, cuts=rfm.fit_cuts(retail_table))
    one_time = scores[scores["order_count"] == 1]
    assert one_time["f_score"].unique().tolist() == [1]  # by order of appearance 868 would get 1 and 625 get 2


# --------------------------------------------------------------------------------------------- the table


@given(order_logs.logs(), st.integers(0, 27), st.sampled_from(["exclude", "net"]), st.sampled_from([None, 1, 7, 400]))
def test_rfm_table_equals_plain_python(rows, until, refunds, window):
    as_of = order_logs.date(until)
    found = on_polars(rfm.rfm_table, order_logs.frame(rows), as_of=as_of, refunds=refunds, window_days=window)
    since = -1 if window is None else until - window
    orders = order_logs.orders(rows, since=since, until=until)
    expected = []
    for customer in sorted({order.customer_id for order in orders}):
        own = [order for order in orders if order.customer_id == customer]
        sales = [order for order in own if order.amount >= 0]
        revenue = sum(order.amount for order in (own if refunds == "net" else sales))
        days = [order.day for order in sales]
        expected.append(
            (
                customer,
                until - max(days) if days else None,
                len(sales),
                revenue,
                revenue / len(sales) if sales else None,
                pd.Timestamp(order_logs.date(min(days))) if days else None,
                pd.Timestamp(order_logs.date(max(days))) if days else None,
            )
        )
    as_none = found.astype(object).where(found.notna(), None)
    assert list(as_none.itertuples(index=False, name=None)) == expected


@given(order_logs.logs(), st.integers(0, 27), st.integers(1, 30))
def test_a_window_is_the_log_of_its_days(rows, until, window):
    frame, as_of = order_logs.frame(rows), order_logs.date(until)
    inside = frame[frame["ordered_at"].dt.date > as_of - dt.timedelta(window)]
    windowed = on_polars(rfm.rfm_table, frame, as_of=as_of, window_days=window)
    assert_frame_equal(windowed, on_polars(rfm.rfm_table, inside, as_of=as_of))


def test_a_window_longer_than_the_calendar_is_no_window():
    frame = order_logs.frame([order_logs.Row("ann", 0, 1.0)])
    as_of = order_logs.date(3)
    assert_frame_equal(rfm.rfm_table(frame, as_of=as_of, window_days=10**9), rfm.rfm_table(frame, as_of=as_of))


def test_arguments_outside_their_domain():
    frame, as_of = order_logs.frame([order_logs.Row("ann", 0, 1.0)]), order_logs.date(3)
    with pytest.raises(DomainError) as error:
        rfm.rfm_table(frame, as_of=as_of, window_days=0)
    assert str(error.value) == "window_days must be at least 1 (days), got 0."
    with pytest.raises(DomainError) as error:
        rfm.rfm_table(frame, as_of=as_of, refunds=None)
    assert str(error.value) == 'refunds must be "exclude", "net" or "raise", got None.'


# --------------------------------------------------------------------------------------------- cuts


def test_seven_hundred_two_hundred_eighty_twenty():
    orders = np.repeat([1, 2, 3, 4], [700, 200, 80, 20])
    table = table_of(np.full(1_000, 9), orders, np.full(1_000, 5.0))
    scores = rfm.rfm_scores(table, cuts=rfm.fit_cuts(table))
    assert scores.groupby("order_count")["f_score"].unique().map(list).to_dict() == {1: [1], 2: [4], 3: [5], 4: [5]}
    # A thousand clones in days and money: one score each.
    assert (scores["r_score"].nunique(), scores["m_score"].nunique()) == (1, 1)


@FEW
@given(st.data(), st.integers(2, 10))
def test_scores_equal_ranks(data, scores):
    n = data.draw(st.integers(scores, 150))
    draw = lambda values: data.draw(st.lists(values, min_size=n, max_size=n))  # noqa: E731
    days, orders = draw(st.integers(0, 40)), draw(st.integers(1, 6))
    revenue = draw(st.integers(-8, 40).map(lambda quarters: quarters / 4))
    table = table_of(days, orders, revenue)
    found = on_polars(lambda t: rfm.rfm_scores(t, cuts=rfm.fit_cuts(t, scores=scores)), table)
    for name, values in zip(SCORES, (-np.array(days), orders, revenue), strict=True):
        ranks = stats.rankdata(values, method="min").astype(int)
        assert found[name].tolist() == [1 + scores * (rank - 1) // n for rank in ranks.tolist()]


def test_cuts_kept_as_json_score_next_month_whatever_others_do():
    rng = np.random.default_rng(3)
    table = table_of(rng.integers(0, 300, 400), rng.integers(1, 9, 400), rng.gamma(1, 50, 400).round(2))
    cuts = rfm.Cuts.from_json(rfm.fit_cuts(table).to_json())
    before = rfm.rfm_scores(table, cuts=cuts)
    others_grew = table.assign(
        order_count=table["order_count"].where(table.index < 10, 99),
        revenue=table["revenue"].where(table.index < 10, 1e6),
    )
    after = rfm.rfm_scores(others_grew, cuts=cuts)
    assert_frame_equal(after.head(10), before.head(10))
    assert (after["f_score"][10:] == 5).all()


def test_customers_with_refunds_only_have_no_part_in_cuts():
    table = table_of([10, 20, 30, 40, np.nan], [1, 2, 3, 4, 0], [1, 2, 3, 4, -50])
    with pytest.warns(UserWarning, match="from 4 customers"):
        cuts = rfm.fit_cuts(table, scores=2)
    assert cuts == rfm.Cuts((30,), (2,), (2,), customers=4)
    scores = rfm.rfm_scores(table, cuts=cuts, weights=(1, 1, 2))
    assert scores[SCORES].iloc[4].isna().all()
    assert np.isnan(scores["rfm_score"].iloc[4])
    assert scores[SCORES].head(4).to_numpy().tolist() == [[2, 1, 1], [2, 1, 1], [1, 2, 2], [1, 2, 2]]


def test_level_cuts():
    table = table_of([10, 20, 60, np.nan], [1, 2, 9, 0], [5.0, 5.0, 50.0, 0.0])
    assert rfm.fit_level_cuts(table, at="mean") == rfm.Cuts((30,), (4,), (20,), customers=3)
    assert rfm.fit_level_cuts(table, at="median") == rfm.Cuts((20,), (2,), (5,), customers=3)
    scores = rfm.rfm_scores(table, cuts=rfm.fit_level_cuts(table, at="median"))
    # Good is more than the cut (orders, money), fewer than it (days); a customer at the cut is not.
    assert scores[SCORES].head(3).to_numpy().tolist() == [[2, 1, 1], [1, 1, 1], [1, 2, 2]]


def test_a_mean_of_equal_customers_leaves_them_equal():
    table = table_of([3] * 7, [2] * 7, [0.1] * 7)  # seven times 0.1 is 0.7000000000000001 in floats
    scores = rfm.rfm_scores(table, cuts=rfm.fit_level_cuts(table, at="mean"))
    assert scores[SCORES].to_numpy().tolist() == [[1, 1, 1]] * 7


@pytest.mark.parametrize("weights", [(1, 1, 1), (5, 3, 2), (0, 0, 1), (0.2, 0.3, 0.5)])
def test_weighted_score_is_the_weighted_mean(weights):
    table = table_of([200, 100, 10], [1, 3, 9], [5, 25, 90])
    found = rfm.rfm_scores(table, cuts=HAND_CUTS, weights=weights)
    expected = np.average(found[SCORES], axis=1, weights=weights)
    np.testing.assert_allclose(found["rfm_score"], expected, rtol=0, atol=5e-7)  # ours has 6 decimals


@pytest.mark.parametrize("weights", [(1, 1), (1, -1, 1), (0, 0, 0), (1, float("nan"), 1), (float("inf"), 1, 1)])
def test_weights_that_are_none(weights):
    with pytest.raises(DomainError) as error:
        rfm.rfm_scores(table_of([1], [1], [1]), cuts=HAND_CUTS, weights=weights)
    assert str(error.value) == (f"weights must be three numbers of at least 0 with a positive sum, got {weights!r}.")


def test_a_base_too_small_is_said():
    with pytest.raises(FitError) as error:
        rfm.fit_cuts(table_of([1, 2, 3, 4, np.nan], [1, 1, 1, 1, 0], [1, 2, 3, 4, 0]))
    assert str(error.value) == (
        "4 customers with orders are too few for 5 scores; give thresholds of your own: "
        "Cuts(days_since_order=(90, 30), order_count=(1, 3), revenue=(100, 1000))."
    )
    with pytest.raises(FitError, match=r"^1 customers with orders are too few for 2 scores"):
        rfm.fit_level_cuts(table_of([1], [1], [1]), at="mean")
    with pytest.warns(UserWarning, match="unstable") as caught:
        rfm.fit_cuts(table_of(range(99), range(1, 100), range(99)))
    assert [str(warning.message) for warning in caught] == [
        "Cuts of 5 scores from 99 customers are unstable; 100 or more are needed. Use fewer scores or thresholds of "
        "your own: Cuts(...)."
    ]
    assert caught[0].filename == __file__
    rfm.fit_cuts(table_of(range(100), range(1, 101), range(100)))  # warns not: warnings are errors here


def test_arguments_of_cuts_outside_their_domain():
    table = table_of([1, 2], [1, 2], [1, 2])
    for scores in (1, 21):
        with pytest.raises(DomainError) as error:
            rfm.fit_cuts(table, scores=scores)
        assert str(error.value) == f"scores must lie between 2 and 20, got {scores}."
    with pytest.raises(DomainError) as error:
        rfm.fit_level_cuts(table, at="mode")
    assert str(error.value) == 'at must be "mean" or "median", got \'mode\'.'


# --------------------------------------------------------------------------------------------- segments


@pytest.mark.parametrize(("scheme", "name"), [(GRID, "grid"), (TYPES, "types"), (TIERS, "tiers")])
def test_every_cell_gets_its_segment(scheme, name):
    cells = scheme.cells()
    found = rfm.rfm_segments(score_table(*cells), scheme=name)
    assert found["segment"].tolist() == [segment.code for segment in cells.values()]
    assert found["segment_name"].tolist() == [segment.name for segment in cells.values()]


def test_chinese_names_and_the_tier_of_refunds_only():
    scores = score_table((2, 2, 2), (1, 1, 1), (None, None, None))
    found = rfm.rfm_segments(scores, scheme="types", locale="zh")
    assert found["segment"].tolist() == ["important_value", "general_retain", "refunds_only"]
    assert found["segment_name"].tolist() == ["重要价值客户", "一般挽留客户", "仅有退款"]


def test_a_map_of_the_callers_own():
    mine = rfm.SegmentMap(
        "mine",
        3,
        (
            rfm.Segment("vip", (rfm.Box((3, 3), m=(3, 3)),), "VIP", "Call."),
            rfm.Segment("rest", (rfm.Box((1, 2)), rfm.Box((3, 3), m=(1, 2))), "Rest", "Mail."),
        ),
    )
    found = rfm.rfm_segments(score_table((3, 1, 3), (3, 3, 2), (1, 3, 3)), scheme=mine)
    assert found["segment"].tolist() == ["vip", "rest", "rest"]
    assert rfm.segment_map(mine) is mine


def test_a_table_with_segments_takes_another_scheme():
    grid = rfm.rfm_segments(score_table((5, 5, 5), (1, 1, 1), (3, 3, 3)), scheme="grid")
    tiers = rfm.rfm_segments(grid, scheme="tiers")
    assert tiers["segment"].tolist() == ["high_value", "sleeping", "ordinary"]
    assert list(tiers.columns) == list(grid.columns)


def test_scores_outside_the_map_are_refused():
    with pytest.raises(SchemaError) as error:
        rfm.rfm_segments(score_table((3, 1, 1), (1, 5, 1)), scheme="types")
    assert str(error.value) == (
        "scores.r_score: 1 of 2 rows lie above 2 (first: customer_id 0, 3.0); expected 1 to 2.\n"
        "Correct them where the table is made.\n"
        "scores.f_score: 1 of 2 rows lie above 2 (first: customer_id 1, 5.0); expected 1 to 2.\n"
        "Correct them where the table is made."
    )


def test_scores_of_two_levels_in_a_map_of_five_are_noticed():
    rng = np.random.default_rng(4)
    table = table_of(rng.integers(0, 300, 100), rng.integers(1, 9, 100), rng.gamma(1, 50, 100))
    levels = rfm.rfm_scores(table, cuts=rfm.fit_level_cuts(table, at="median"))
    with pytest.warns(UserWarning, match="another map") as caught:
        rfm.rfm_segments(levels, scheme="grid")
    assert [str(warning.message) for warning in caught] == [
        "None of 100 customers scores above 2, and the map 'grid' has 5; the cuts may belong to another map. "
        "Make cuts for this one: fit_cuts(table, scores=5)."
    ]
    assert caught[0].filename == __file__
    rfm.rfm_segments(levels, scheme="types")
    rfm.rfm_segments(levels.head(99), scheme="grid")  # a handful of customers may well have no high score


def test_unknown_schemes_and_locales():
    scores = score_table((1, 1, 1))
    with pytest.raises(DomainError) as error:
        rfm.rfm_segments(scores, scheme="putler")
    assert str(error.value) == "scheme must be one of 'grid', 'types', 'tiers' or a SegmentMap, got 'putler'."
    for function in (rfm.rfm_segments, rfm.segment_summary):
        with pytest.raises(DomainError) as error:
            function(scores.assign(segment="new", **dict.fromkeys(MEASURES, 1)), locale="de")
        assert str(error.value) == 'locale must be "en" or "zh", got \'de\'.'


# --------------------------------------------------------------------------------------------- in one call

LOG = [
    order_logs.Row(f"c{customer:03d}", (customer * 7 + 5 * order) % 26, float((customer * 13 + order * 5) % 37), None)
    for customer in range(110)
    for order in range(customer % 4 + 1)
]
LOG += [order_logs.Row("zoe", 3, -5.0), order_logs.Row("c001", 20, -2.0)]
LOG_END = order_logs.date(25)


@pytest.mark.parametrize("scheme", ["grid", "types", "tiers"])
def test_segment_is_the_three_steps(scheme):
    frame = order_logs.frame(LOG)
    table = rfm.rfm_table(frame, as_of=LOG_END, window_days=20, refunds="net")
    cuts = rfm.fit_level_cuts(table, at="mean") if scheme == "types" else rfm.fit_cuts(table)
    steps = rfm.rfm_segments(rfm.rfm_scores(table, cuts=cuts), scheme=scheme, locale="zh")
    options = {"as_of": LOG_END, "window_days": 20, "refunds": "net", "scheme": scheme, "locale": "zh"}
    assert_frame_equal(rfm.segment(frame, **options), steps)
    assert_frame_equal(rfm.segment(frame, **options, cuts=cuts), steps)


def test_cuts_of_another_map_are_refused():
    two = rfm.Cuts((30,), (2,), (50,))
    with pytest.raises(DomainError) as error:
        rfm.segment(order_logs.frame(LOG), as_of=LOG_END, cuts=two)
    assert str(error.value) == (
        "cuts make (2, 2, 2) scores of days, orders and revenue, and the map 'grid' has 5 of each.\n"
        "Make cuts for this map: fit_cuts(table, scores=5)."
    )
    with pytest.raises(DomainError, match=r'Make cuts for this map: fit_level_cuts\(table, at="mean"\)\.$'):
        rfm.segment(order_logs.frame(LOG), as_of=LOG_END, cuts=HAND_CUTS, scheme="types")


# --------------------------------------------------------------------------------------------- what segments are worth


def test_segment_summary_by_hand():
    segments = table_of([5, 15, 40, 400, np.nan], [9, 5, 1, 1, 0], [60, 20, 15, 5, 0]).assign(
        segment=["champions", "champions", "about_to_sleep", "hibernating", "refunds_only"]
    )
    found = rfm.segment_summary(segments).set_index("segment")
    assert found.index.tolist() == [*(segment.code for segment in GRID.segments), "refunds_only"]
    champions = found.loc["champions"]
    assert champions[["customers", "customer_share", "revenue", "revenue_share"]].tolist() == [2, 0.4, 80, 0.8]
    assert champions[[f"median_{name}" for name in MEASURES]].tolist() == [10, 7, 40]
    empty = found.loc["loyal"]
    assert empty[["customers", "customer_share", "revenue", "revenue_share"]].tolist() == [0, 0, 0, 0]
    assert empty[[f"median_{name}" for name in MEASURES]].isna().all()
    assert np.isnan(found.loc["refunds_only", "median_days_since_order"])
    assert found["play"].tolist()[:10] == [segment.play for segment in GRID.segments]


def test_segment_summary_adds_up_to_the_table():
    segments = rfm.segment(order_logs.frame(LOG), as_of=LOG_END)
    found = rfm.segment_summary(segments, locale="zh")
    assert found["customers"].sum() == len(segments) == 111
    assert found["revenue"].sum() == segments["revenue"].sum()
    # Eleven shares, each rounded to the nearest float.
    np.testing.assert_allclose(found[["customer_share", "revenue_share"]].sum(), 1, rtol=1e-14)
    assert found["segment_name"].tolist()[0] == "冠军客户"
    by_pandas = segments.groupby("segment")[MEASURES].median()
    filled = found[found["customers"] > 0].set_index("segment")
    for name in MEASURES:
        assert_frame_equal(
            filled[[f"median_{name}"]].sort_index().astype("float64").set_axis([name], axis=1),
            by_pandas[[name]].astype("float64"),
        )


def test_shares_of_a_revenue_that_is_not_positive_are_missing():
    segments = table_of([5, 15], [1, 1], [-60, 20]).assign(segment=["new", "champions"])
    found = rfm.segment_summary(segments)
    assert found["revenue_share"].isna().all()
    assert found["revenue_share"].dtype == "float64"


def test_a_segment_that_the_map_does_not_know_is_refused():
    segments = table_of([5], [1], [60]).assign(segment="vip")
    with pytest.raises(SchemaError) as error:
        rfm.segment_summary(segments)
    assert str(error.value) == (
        "segments.segment holds 'vip', which the map 'grid' does not know.\nGive the scheme that made the table."
    )


def test_a_table_without_measures_has_no_worth():
    with pytest.raises(SchemaError, match="segments: column 'revenue' is missing"):
        rfm.segment_summary(pd.DataFrame({"customer_id": [1], "segment": ["new"]}))


# --------------------------------------------------------------------------------------------- migration


def members(**segments: str) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": list(segments), "segment": list(segments.values())})


BEFORE = members(ann="new", bob="new", cy="loyal", dee="loyal", eve="loyal", gus="refunds_only")
AFTER = members(ann="loyal", bob="new", cy="loyal", dee="at_risk", fay="new", gus="new")


def test_migration_by_hand():
    found = rfm.segment_migration(BEFORE, AFTER)
    assert found.to_numpy().tolist() == [
        ["absent", "new", 1, 1.0],
        ["loyal", "absent", 1, 1 / 3],
        ["loyal", "at_risk", 1, 1 / 3],
        ["loyal", "loyal", 1, 1 / 3],
        ["new", "loyal", 1, 0.5],
        ["new", "new", 1, 0.5],
        ["refunds_only", "new", 1, 1.0],
    ]


def test_moves_by_hand():
    assert rfm.segment_moves(BEFORE, AFTER).to_numpy().tolist() == [
        ["ann", "new", "loyal"],
        ["dee", "loyal", "at_risk"],
        ["eve", "loyal", "absent"],
        ["fay", "absent", "new"],
        ["gus", "refunds_only", "new"],
    ]


def test_migration_of_a_table_to_itself_is_diagonal():
    found = rfm.segment_migration(BEFORE, BEFORE)
    assert (found["segment_before"] == found["segment_after"]).all()
    assert rfm.segment_moves(BEFORE, BEFORE).empty


CODES = st.sampled_from(["new", "loyal", "at_risk"])
PEOPLE = st.dictionaries(st.sampled_from("abcdefghij"), CODES, min_size=1)


@given(PEOPLE, PEOPLE)
def test_migration_has_the_margins_of_both_tables(before, after):
    found = on_polars(rfm.segment_migration, members(**before), members(**after))
    for side, table in (("segment_before", before), ("segment_after", after)):
        margin = found.groupby(side)["customers"].sum().drop("absent", errors="ignore").to_dict()
        assert margin == pd.Series(table.values()).value_counts().to_dict()
    assert found["customers"].sum() == len(before.keys() | after.keys())
    # Up to five shares of one row, each rounded to the nearest float.
    np.testing.assert_allclose(found.groupby("segment_before")["share"].sum(), 1, rtol=1e-14)
    moved = on_polars(rfm.segment_moves, members(**before), members(**after))
    assert len(moved) == found.loc[found["segment_before"] != found["segment_after"], "customers"].sum()
    assert set(moved["customer_id"]) == {c for c in before.keys() | after.keys() if before.get(c) != after.get(c)}


@pytest.mark.parametrize("function", [rfm.segment_migration, rfm.segment_moves])
def test_a_customer_in_two_rows_is_refused(function):
    once = pd.DataFrame({"customer_id": ["a", "b"], "segment": ["new", "loyal"]})
    twice = pd.concat([once, once.assign(segment="champions").iloc[:1]])
    with pytest.raises(SchemaError) as error:
        function(once, twice)
    assert str(error.value) == (
        "segments.customer_id: 1 customers of `after` stand in several rows (first: 'a'); "
        "expected one row a customer.\n"
        "Give the segments of one date."
    )

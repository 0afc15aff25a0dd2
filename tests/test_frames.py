"""The door to the engines: what enters, what is handed over, what comes back, and what is left behind (nothing)."""

import datetime as dt
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from crmkit import frames, rfm, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.frames import door, eager
from tests import engines

ORDERS = pd.DataFrame(
    {
        "customer_id": ["b", "a", "b", "c"],
        "ordered_at": pd.to_datetime(["2024-01-05", "2024-02-29", "2024-03-01", "2024-03-02"]),
        "amount": [1.5, 2.0, 3.25, 4.0],
    }
)


# ---- integer days -----------------------------------------------------------------------------------------------


def sample_days() -> list[dt.date]:
    """First and last days of months of every kind of year, from the first year to the last."""
    years = [1, 2, 3, 4, 5, 99, 100, 101, 400, 1582, 1899, 1900, 1970, 1999, 2000, 2001, 2023, 2024, 2100, 2400, 9999]
    ends = [(1, 1), (1, 31), (2, 1), (2, 28), (3, 1), (6, 30), (12, 30), (12, 31)]
    leap = [dt.date(year, 2, 29) for year in years if year % 4 == 0 and (year % 100 or year % 400 == 0)]
    return [dt.date(year, month, day) for year in years for month, day in ends] + leap


def in_engine(engine: str, table: pa.Table) -> object:
    if engine == "spark":
        return engines.spark_session().createDataFrame(table)
    if engine == "duckdb":
        return duckdb.connect().from_arrow(table)
    if engine == "pyarrow":
        return table
    if engine.startswith("pandas"):
        return table.to_pandas(types_mapper=pd.ArrowDtype if engine == "pandas-arrow" else None)
    return pl.DataFrame(table) if engine == "polars" else pl.DataFrame(table).lazy()


def test_day_numbers_are_ordinals_from_the_first_day_to_the_last(engine):
    days = sample_days()
    frame = in_engine(engine, pa.table({"day": pa.array([*days, None], pa.date32())}))
    numbers = frames.arrays(frames.with_day_numbers(frames.enter(frame), number="day"), ["number"])["number"]
    assert numbers[:-1].tolist() == [day.toordinal() for day in days]
    assert np.isnan(numbers[-1])


def test_day_numbers_of_every_day_of_four_centuries():
    days = pl.DataFrame({"day": pl.date_range(dt.date(1800, 1, 1), dt.date(2200, 12, 31), eager=True)})
    numbers = frames.arrays(frames.with_day_numbers(frames.enter(days), number="day"), ["number"])["number"]
    first = dt.date(1800, 1, 1).toordinal()
    np.testing.assert_array_equal(numbers, np.arange(first, first + len(days)))


def test_month_numbers_count_from_the_first_year(engine):
    days = sample_days()
    frame = in_engine(engine, pa.table({"day": pa.array([*days, None], pa.date32())}))
    numbers = frames.arrays(frames.with_month_numbers(frames.enter(frame), number="day"), ["number"])["number"]
    assert numbers[:-1].tolist() == [12 * day.year + day.month - 1 for day in days]
    assert np.isnan(numbers[-1])


def test_a_settled_table_is_the_same_table(engine):
    orders = engines.to_engine(engine, ORDERS)
    days = frames.enter(orders).with_columns(day=nw.col("ordered_at").cast(nw.Date))
    settled = frames.settled(days, like=orders)
    assert settled.collect_schema()["day"] == nw.Date  # pandas knows no dates
    assert_same = pd.testing.assert_frame_equal
    assert_same(*(engines.to_pandas(frames.leave(frame, like=orders)) for frame in (settled, days)))


@pytest.mark.parametrize(
    ("given", "day"),
    [
        (dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
        (dt.datetime(2024, 2, 29, 23, 59), dt.date(2024, 2, 29)),
        (pd.Timestamp("2024-02-29 12:00", tz="UTC"), dt.date(2024, 2, 29)),
    ],
)
def test_a_day_may_be_a_time_stamp(given, day):
    assert frames.as_day(given) == day
    assert type(frames.as_day(given)) is dt.date


@pytest.mark.parametrize(
    ("given", "shown"),
    [("2024-12-31", "'2024-12-31'"), (None, "None"), (pd.NaT, "NaT"), (20241231, "20241231")],
)
def test_what_is_no_day_is_refused(given, shown):
    with pytest.raises(DomainError) as caught:
        frames.as_day(given)
    assert str(caught.value) == f"as_of must be a date, such as datetime.date(2024, 12, 31), got {shown}."


# ---- small arrays -----------------------------------------------------------------------------------------------


def test_arrays_say_what_is_missing_in_each_kind(engine):
    table = pa.table(
        {
            "text": pa.array(["a", None, ""]),
            "whole": pa.array([1, None, 3], pa.int32()),
            "number": pa.array([1.5, None, 2.0]),
            "truth": pa.array([True, None, False]),
            "time": pa.array([dt.datetime(2024, 1, 1), None, dt.datetime(1, 1, 1)], pa.timestamp("us")),
            "day": pa.array([dt.date(2024, 1, 1), None, dt.date(9999, 12, 31)]),
        }
    )
    got = frames.arrays(frames.enter(in_engine(engine, table)), table.column_names)
    assert got["text"].tolist() == ["a", None, ""]
    assert got["truth"].tolist() == [True, None, False]
    np.testing.assert_array_equal(got["whole"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(got["number"], [1.5, np.nan, 2.0])
    for name, last in (("time", "0001-01-01"), ("day", "9999-12-31")):
        assert got[name].dtype.kind == "M"
        np.testing.assert_array_equal(got[name], np.array(["2024-01-01", "NaT", last], "datetime64[us]"))


def test_arrays_without_gaps_keep_their_type(engine):
    table = pa.table({"whole": pa.array([2**53 + 1, -5]), "truth": [True, False], "text": ["x", "y"]})
    got = frames.arrays(frames.enter(in_engine(engine, table)), ["text", "whole", "truth"])
    assert list(got) == ["text", "whole", "truth"]
    assert got["whole"].dtype == np.int64
    assert got["whole"].tolist() == [2**53 + 1, -5]
    assert got["truth"].dtype == np.bool_
    assert got["text"].tolist() == ["x", "y"]


def test_distinct_rows_are_sorted_and_counted(engine):
    rng = np.random.default_rng(7)
    x, t = rng.integers(-3, 4, 500), rng.integers(0, 3, 500)
    got = frames.distinct_rows(frames.enter(in_engine(engine, pa.table({"t": t, "x": x, "rest": t + x}))), ["x", "t"])
    pairs, counts = np.unique(np.column_stack([x, t]), axis=0, return_counts=True)
    assert list(got) == ["x", "t", "count"]
    np.testing.assert_array_equal(np.column_stack([got["x"], got["t"]]), pairs)
    np.testing.assert_array_equal(got["count"], counts)
    assert got["count"].dtype == np.int64


def test_distinct_rows_of_no_rows(engine):
    table = pa.table({"x": pa.array([], pa.int64())})
    got = frames.distinct_rows(frames.enter(in_engine(engine, table)), ["x"])
    assert {name: values.tolist() for name, values in got.items()} == {"x": [], "count": []}


# ---- small tables into an engine -------------------------------------------------------------------------------


def test_a_small_table_joins_on_every_engine(engine):
    orders = engines.to_engine(engine, ORDERS)
    small = {"customer_id": ["a", "b", "z"], "tier": np.array(["gold", None, "x"], object), "rank": np.array([1, 2, 3])}
    joined = frames.leave(frames.join_small(frames.enter(orders), small, on=["customer_id"]), like=orders)
    assert engines.kind_of(joined) == engines.kind_of(orders)
    got = engines.to_pandas(joined).sort_values(["customer_id", "amount"], ignore_index=True)
    assert got["customer_id"].tolist() == ["a", "b", "b", "c"]
    assert got["tier"].fillna("-").tolist() == ["gold", "-", "-", "-"]
    np.testing.assert_array_equal(got["rank"].to_numpy("float64"), [1, 2, 2, np.nan])


def test_a_small_table_joins_narrow_keys(engine):
    frame = in_engine(engine, pa.table({"k": pa.array([3, 1, 2], pa.int16())}))
    joined = frames.join_small(frames.enter(frame), {"k": np.array([1, 2]), "v": ["one", "two"]}, on=["k"])
    got = frames.arrays(joined.sort("k"), ["k", "v"])
    assert got["v"].tolist() == ["one", "two", None]


def test_built_tables_have_one_shape_in_every_library(engine):
    like = engines.to_engine(engine, ORDERS)
    columns = {
        "code": ["x", None],
        "text": np.array(["p", "q"], dtype=object),
        "rows": np.array([1, 2]),
        "share": [0.5, None],
        "none": [None, None],
    }
    built = frames.build(columns, like=like)
    assert engines.kind_of(built) == engines.kind_of(like)
    got = engines.to_pandas(built, sort=False)
    assert {name: str(kind) for name, kind in got.dtypes.items()} == {
        "code": "str",
        "text": "str",
        "rows": "int64",
        "share": "float64",
        "none": "float64",
    }
    np.testing.assert_array_equal(got["share"], [0.5, np.nan])
    assert got["code"].isna().tolist() == [False, True]


def test_nothing_is_left_in_the_callers_duckdb():
    connection = duckdb.connect()
    connection.execute(
        "create table orders as select 'a' as customer_id, date '2024-01-01' as ordered_at, 1.0 as amount"
    )
    connection.execute("create table crmkit_small_table as select 42 as mine")
    relation = connection.table("orders")
    joined = frames.join_small(frames.enter(relation), {"customer_id": ["a"], "tier": ["gold"]}, on=["customer_id"])
    assert frames.leave(joined, like=relation).fetchall() == [("a", dt.date(2024, 1, 1), 1, "gold")]
    assert schema.violations(relation, schema.ORDERS).fetchall() == []
    cuts = rfm.Cuts(days_since_order=(30.0,), order_count=(1.0,), revenue=(10.0,))
    table = rfm.rfm_table(relation, as_of=dt.date(2024, 1, 31))
    assert len(rfm.rfm_segments(rfm.rfm_scores(table, cuts=cuts), scheme="types").fetchall()) == 1
    mine = "select table_name from duckdb_tables() union all select view_name from duckdb_views() where not internal"
    assert sorted(connection.sql(mine).fetchall()) == [("crmkit_small_table",), ("orders",)]
    assert connection.sql("select * from crmkit_small_table").fetchall() == [(42,)]


def test_a_connection_that_sees_no_local_tables_takes_them_or_is_told(monkeypatch):
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    connection.execute("create table orders as select 'a' as customer_id")
    entered = frames.enter(connection.table("orders"))
    joined = frames.join_small(entered, {"customer_id": ["a"], "tier": ["gold"]}, on=["customer_id"])
    assert joined.to_native().fetchall() == [("a", "gold")]
    monkeypatch.setattr(eager, "_connection", lambda relation: None)  # of a version that hides it
    with pytest.raises(DomainError) as caught:
        frames.join_small(frames.enter(connection.table("orders")), {"customer_id": ["a"]}, on=["customer_id"])
    assert str(caught.value) == (
        "The connection of the DuckDB relation does not see local tables; expected python_enable_replacements.\n"
        "Switch it on: connection.execute('set python_enable_replacements = true')."
    )


def test_what_is_settled_in_a_lazy_polars_plan_is_computed_once():
    """Steps that each use the one before twice: two to the fourth without."""
    computed = []

    def counted(rows):
        computed.append(len(rows))
        return rows

    log = pl.LazyFrame({"who": ["a", "a", "b"], "paid": [1.0, 2.0, 3.0], "day": [1, 2, 3]}).map_batches(counted)
    rows = frames.enter(log)
    for i in range(4):
        rows = frames.settled(rows, like=log)
        least = rows.filter(nw.col("paid") > 0).group_by("who").agg(nw.col("paid").min().alias(f"least_{i}"))
        rows = rows.join(least, on="who", how="left").with_columns(nw.col("paid") + nw.col(f"least_{i}"))
        rows = rows.with_columns(nw.col("paid").cum_sum().over("who", order_by="day").alias(f"sum_{i}"))
    both = nw.concat([rows.select("who", "paid"), rows.filter(nw.col("day") == 1).select("who", "paid")])
    found = frames.leave(both, like=log).sort("who", "paid").collect()
    # Four times the least is added: a's 1 doubles to 16, its 2 grows by 1 + 2 + 4 + 8, b's 3 doubles.
    assert found.rows() == [("a", 16.0), ("a", 16.0), ("a", 17.0), ("b", 48.0)]
    assert computed == [3]


def settled_and_joined(frame):
    """A settled table, used twice, with a small one brought in."""
    totals = frames.enter(frame).group_by("customer_id").agg(total=nw.col("amount").sum())
    settled = frames.settled(totals, like=frame)
    kept = type(settled.to_native()._step).__name__
    tiers = {"customer_id": ["a", "b"], "tier": ["gold", "李"]}
    both = settled.join(frames.join_small(settled, tiers, on=["customer_id"]), on="customer_id", suffix="_again")
    return kept, frames.leave(both, like=frame, sort=["customer_id"])


def test_what_is_settled_is_the_same_beside_the_database_and_in_it(monkeypatch):
    whole = door._SMALL_ROWS // len(ORDERS) + 1
    small = [settled_and_joined(engines.to_engine(name, ORDERS)) for name in ("pandas", "pyarrow")]
    assert [kept for kept, _ in small] == ["Held", "Held"]
    assert small[0][1]["total"].tolist() == [2.0, 4.75, 4.0]
    assert small[0][1]["tier"].tolist()[:2] == ["gold", "李"]
    assert engines.to_pandas(small[1][1]).equals(engines.to_pandas(small[0][1]))
    many = pd.concat([ORDERS] * whole, ignore_index=True)
    kept, large = settled_and_joined(many)
    assert kept == "Table"
    assert_frame_equal(large, small[0][1].assign(total=small[0][1]["total"] * whole, total_again=large["total"]))
    monkeypatch.setattr(eager, "_connection", lambda relation: None)  # of a version that hides it
    assert_frame_equal(settled_and_joined(many)[1], large)


@pytest.mark.spark
def test_nothing_is_collected_from_spark(monkeypatch):
    from pyspark.sql.classic.dataframe import DataFrame

    orders = engines.to_engine("spark", ORDERS)

    def forbidden(*_, **__):
        raise AssertionError("collected")

    for name in ("collect", "toPandas", "toArrow", "toLocalIterator", "take", "head", "first", "tail"):
        monkeypatch.setattr(DataFrame, name, forbidden)
    small = {"customer_id": ["a"], "tier": ["gold"]}
    joined = frames.leave(frames.join_small(frames.enter(orders), small, on=["customer_id"]), like=orders)
    numbered = frames.with_day_numbers(frames.enter(orders), number="ordered_at")
    assert engines.kind_of(joined) == engines.kind_of(frames.leave(numbered, like=orders)) == "spark"
    monkeypatch.undo()
    assert joined.count() == 4
    settings = engines.spark_session().conf
    length = settings.get("spark.sql.maxPlanStringLength")
    settings.set("spark.sql.maxPlanStringLength", "10000")  # the session of the tests cuts plans short
    try:
        assert "Broadcast" in joined._jdf.queryExecution().executedPlan().toString()
    finally:
        settings.set("spark.sql.maxPlanStringLength", length)


# ---- lazy stays lazy, types come back ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["conform", "rfm_table"])
def test_a_lazy_polars_plan_is_not_collected_for_its_result(call, monkeypatch):
    plan = pl.from_pandas(ORDERS).lazy()
    seen = []
    collect = pl.LazyFrame.collect

    def counted(self, *arguments, **named):
        table = collect(self, *arguments, **named)
        seen.append(table.shape)
        return table

    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    if call == "conform":
        result = schema.conform(plan, schema.ORDERS)
    else:
        result = rfm.rfm_table(plan, as_of=dt.date(2024, 3, 31))
    assert isinstance(result, pl.LazyFrame)
    assert all(rows == 1 for rows, _ in seen), "more than the counts of the check was collected"


def test_results_for_lazy_engines_are_lazy():
    relation = duckdb.connect().from_df(ORDERS)
    assert isinstance(schema.conform(relation, schema.ORDERS), duckdb.DuckDBPyRelation)
    assert isinstance(rfm.rfm_table(relation, as_of=dt.date(2024, 3, 31)), duckdb.DuckDBPyRelation)


IDS = {
    "str": pd.Series(["b", "a"], dtype="str"),
    "object": pd.Series(["b", "a"], dtype=object),
    "python strings": pd.Series(["b", "a"], dtype="string[python]"),
    "arrow strings": pd.Series(["b", "a"], dtype="string[pyarrow]"),
    "large strings": pd.Series(["b", "a"], dtype=pd.ArrowDtype(pa.large_string())),
    "dictionary": pd.Series(["b", "a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "category": pd.Series(["b", "a"], dtype=pd.CategoricalDtype(["a", "b", "never"])),
    "ordered category": pd.Series(["b", "a"], dtype=pd.CategoricalDtype(["b", "a"], ordered=True)),
    "whole category": pd.Series([2, 1], dtype=pd.CategoricalDtype([1, 2, 9])),
    "int64": pd.Series([2, 1], dtype="int64"),
    "int32": pd.Series([2, 1], dtype="int32"),
    "uint64": pd.Series([2**63 + 2, 2**63 + 1], dtype="uint64"),
    "Int64": pd.Series([2, 1], dtype="Int64"),
    "float": pd.Series([2.0, 1.0]),
    "arrow whole": pd.Series([2, 1], dtype="int64[pyarrow]"),
    "whole objects": pd.Series([2, 1], dtype=object),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_leave_with_the_type_they_came_with(kind):
    orders = ORDERS.iloc[:2].assign(customer_id=IDS[kind])
    table = rfm.rfm_table(orders, as_of=dt.date(2024, 3, 31))
    assert table["customer_id"].dtype == IDS[kind].dtype
    assert sorted(table["customer_id"], key=str) == sorted(IDS[kind], key=str)
    whole = schema.conform(orders, schema.ORDERS)
    pd.testing.assert_series_equal(whole["customer_id"], orders["customer_id"])


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_arrow_ids_leave_with_the_type_they_came_with(kind):
    orders = pa.Table.from_pandas(ORDERS).set_column(0, "customer_id", pa.array(ORDERS["customer_id"]).cast(kind))
    assert rfm.rfm_table(orders, as_of=dt.date(2024, 3, 31)).schema.field("customer_id").type == kind
    assert schema.conform(orders, schema.ORDERS).schema.field("customer_id").type == kind


def test_further_columns_of_a_room_come_back_as_they_were():
    scored = rfm.rfm_table(ORDERS, as_of=dt.date(2024, 3, 31))
    seen = pd.to_datetime(["2024-03-31 01:30", "2024-10-27 00:30", "2024-10-27 01:30"], utc=True)
    scored["seen"] = seen.tz_convert("Europe/Paris")  # the second and third have one wall clock
    scored["tier"] = pd.Categorical(["x", None, "y"], categories=["y", "x", "never"])
    scored["count"] = pd.array([1, None, 3], dtype="Int64")
    cuts = rfm.Cuts(days_since_order=(30.0,), order_count=(1.0,), revenue=(10.0,))
    for table in (scored, pa.Table.from_pandas(scored, preserve_index=False)):
        result = rfm.rfm_scores(table, cuts=cuts)
        back = result if isinstance(result, pd.DataFrame) else result.to_pandas()
        assert back["seen"].tolist() == scored["seen"].tolist()
        assert str(back["seen"].dt.tz) == "Europe/Paris"
    pd.testing.assert_frame_equal(rfm.rfm_scores(scored, cuts=cuts)[list(scored.columns)], scored)


@pytest.mark.parametrize("names", [("tier", "Tier"), ("tier", "")])
def test_names_that_sql_mixes_up_are_refused_where_they_must_pass(names):
    scored = rfm.rfm_table(ORDERS, as_of=dt.date(2024, 3, 31))
    scored = scored.assign(**{names[0]: 1}).assign(**{names[1]: 2})
    cuts = rfm.Cuts(days_since_order=(30.0,), order_count=(1.0,), revenue=(10.0,))
    with pytest.raises(SchemaError) as caught:
        rfm.rfm_scores(scored, cuts=cuts)
    assert str(caught.value) == (
        f"Column {names[1]!r} can't be told from another one, or has no proper name; expected names that differ by "
        f"more than upper and lower case.\nRename it, or leave it out."
    )


@pytest.mark.spark
def test_names_that_spark_mixes_up_are_refused():
    orders = engines.to_engine("spark", ORDERS).selectExpr("*", "1 as Amount")
    with pytest.raises(SchemaError, match=r"^Column 'amount' can't be told from another one"):
        schema.conform(orders, schema.ORDERS)


# ---- two tables of one call -------------------------------------------------------------------------------------


def test_two_tables_share_an_engine():
    first = frames.enter(ORDERS)
    second = frames.enter(pa.table({"customer_id": ["a"], "tier": ["gold"]}), beside=first)
    joined = frames.arrays(first.join(second, on="customer_id", how="inner"), ["amount", "tier"])
    assert joined["amount"].tolist() == [2.0]
    with pytest.raises(DomainError) as caught:
        frames.enter(pl.from_pandas(ORDERS), beside=first)
    assert str(caught.value) == "All tables of one call must live in one engine, got duckdb and polars."
    with pytest.raises(DomainError) as caught:
        frames.enter(ORDERS, beside=frames.enter(pl.from_pandas(ORDERS)))
    assert str(caught.value) == "All tables of one call must live in one engine, got polars and pandas."


# ---- threads and what calls leave behind ------------------------------------------------------------------------


def many_orders(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, 2000), unit="D")
    ids = [f"c{i}" for i in rng.integers(0, 400, 2000)]
    return pd.DataFrame({"customer_id": ids, "ordered_at": days, "amount": rng.integers(1, 100, 2000) / 4})


def eight_at_once(call):
    barrier = threading.Barrier(8)

    def one(i):
        barrier.wait()
        return call(i)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))


@pytest.mark.parametrize("kind", ["pandas", "pandas-arrow", "pyarrow", "polars", "polars-lazy"])
def test_eight_threads_get_eight_right_answers(kind):
    logs = [engines.to_engine(kind, many_orders(i)) for i in range(8)]

    def table(i):
        conformed = schema.conform(logs[i], schema.ORDERS)
        return engines.to_pandas(rfm.rfm_table(conformed, as_of=dt.date(2023, 12, 31)))

    one_by_one = [table(i) for i in range(8)]
    for got, wanted in zip(eight_at_once(table), one_by_one, strict=True):
        pd.testing.assert_frame_equal(got, wanted)


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars-lazy", "pyarrow"])
def test_eight_threads_share_one_frame(kind):
    log = engines.to_engine(kind, many_orders(0))

    def table(_):
        return engines.to_pandas(rfm.rfm_table(log, as_of=dt.date(2023, 12, 31)))

    wanted = table(0)
    for got in eight_at_once(table):
        pd.testing.assert_frame_equal(got, wanted)


def test_eight_threads_with_a_duckdb_connection_each():
    def table(i):
        relation = duckdb.connect().from_df(many_orders(i))
        return engines.to_pandas(rfm.rfm_table(relation, as_of=dt.date(2023, 12, 31)))

    one_by_one = [table(i) for i in range(8)]
    for got, wanted in zip(eight_at_once(table), one_by_one, strict=True):
        pd.testing.assert_frame_equal(got, wanted)


def tasks_and_files() -> tuple[int, int]:
    gc.collect()
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="counts threads in /proc")
def test_many_calls_leave_no_thread_and_no_file_open():
    broken = ORDERS.assign(amount=np.nan)
    before = None
    for i in range(60):
        schema.conform(ORDERS, schema.ORDERS)
        with pytest.raises(SchemaError):
            schema.conform(broken, schema.ORDERS)
        if i == 9:
            before = tasks_and_files()
    threads, files = tasks_and_files()
    assert threads <= before[0] + 2
    assert files <= before[1] + 2


# ---- unsupported frames -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (None, "builtins.NoneType"),
        ({"customer_id": ["a"]}, "builtins.dict"),
        ([1], "builtins.list"),
        (pd.Series([1]), f"{pd.Series.__module__}.Series"),
        (pl.Series([1]), "polars.series.series.Series"),
        (np.zeros((2, 2)), "numpy.ndarray"),
        (pl.DataFrame, "builtins.type"),
        (pa.record_batch({"a": [1]}), "pyarrow.lib.RecordBatch"),
    ],
)
def test_what_is_no_frame_is_named(given, named):
    wanted = f"Expected a pandas, Polars, PyArrow, DuckDB or Spark frame, got {named}."
    for call in (schema.conform, schema.violations):
        with pytest.raises(DomainError) as caught:
            call(given, schema.ORDERS)
        assert str(caught.value) == wanted


def test_a_narwhals_frame_is_taken_for_what_it_holds():
    import narwhals

    result = schema.conform(narwhals.from_native(ORDERS), schema.ORDERS)
    pd.testing.assert_frame_equal(result, ORDERS)


def test_leave_sorts_eager_results_only(engine):
    orders = engines.to_engine(engine, ORDERS)
    days = frames.enter(orders).select("customer_id", "amount").filter(nw.col("amount") > 1)
    left = frames.leave(days, like=orders, sort=["customer_id", "amount"])
    assert engines.kind_of(left) == engines.kind_of(orders)
    if engine in engines.EAGER:
        assert engines.to_pandas(left, sort=False)["customer_id"].tolist() == ["a", "b", "b", "c"]


# ---- the past of a log ------------------------------------------------------------------------------------------


def test_rows_until_a_day_keep_library_columns_and_the_last_second(engine):
    log = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "ordered_at": pd.to_datetime(
                ["2024-01-31 23:59:59.999999", "2024-02-01", "2023-12-31", "2024-01-31"], format="ISO8601"
            ).astype("datetime64[us]"),
            "note": ["x", None, "y", "z"],
        }
    ).astype({"note": "str"})
    past = frames.rows_until(engines.to_engine(engine, log), "ordered_at", dt.date(2024, 1, 31))
    assert engines.kind_of(past) == engine
    found = engines.to_pandas(past)
    assert found["customer_id"].tolist() == ["a", "c", "d"]
    assert list(found.columns) == list(log.columns)


@pytest.mark.parametrize("kind", ["datetime64[us]", "date", "Asia/Shanghai"])
def test_rows_until_takes_every_kind_of_day(kind):
    days = pd.Series(pd.to_datetime(["2024-01-31 00:00", "2024-02-01 00:30"]).astype("datetime64[us]"))
    if kind == "date":
        days = days.dt.date.astype(object)
    elif kind == "Asia/Shanghai":
        days = days.dt.tz_localize(kind)  # the second one is 31 January in UTC
    log = pd.DataFrame({"ordered_at": days, "x": [1, 2]}).set_axis([7, 9])
    past = frames.rows_until(log, "ordered_at", dt.date(2024, 1, 31))
    pd.testing.assert_frame_equal(past, log.loc[[7]])
    for library in (pl.from_pandas(log), pa.Table.from_pandas(log, preserve_index=False)):
        assert len(frames.rows_until(library, "ordered_at", dt.date(2024, 1, 31))) == 1


def test_ids_are_numbered_through():
    found = frames.numbered([np.array(["b", "a"], dtype=object), np.array(["a", "c", "b"], dtype=object)])
    assert [codes.tolist() for codes in found] == [[0, 1], [1, 2, 0]]


def test_a_frame_that_was_turned_round_enters():
    """DuckDB 2.0 can't read memory backwards (std::bad_cast)."""
    table = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "number": [0.5, 1.5, 2.5],
            "time": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "text": pd.Series(["a", "b", "c"], dtype=object),
            "flag": [True, False, True],
            "category": pd.Categorical(["x", "y", "x"]),
        }
    )[::-1]
    found = frames.leave(frames.enter(table), like=table)
    assert found["whole"].tolist() == [3, 2, 1]
    assert found["number"].tolist() == [2.5, 1.5, 0.5]
    assert found["time"].dt.day.tolist() == [3, 2, 1]
    assert found["nullable"].tolist() == [3, pd.NA, 1]
    assert found["text"].tolist() == ["c", "b", "a"]
    assert found["flag"].tolist() == [True, False, True]


def test_seconds_are_those_of_the_calendar_on_every_engine(engine: str) -> None:
    times = pd.to_datetime(
        ["1970-01-01", "1969-12-31 23:59:59.750", "1900-03-01 00:00:01", "2024-02-29 12:30:15.999", "2199-12-31", None],
        format="mixed",
    )
    table = pd.DataFrame({"row": range(6), "time": times.astype("datetime64[us]")})
    entered = frames.enter(engines.to_engine(engine, table))
    counted = frames.with_seconds(entered, second="time").sort("row")
    found = frames.arrays(counted, ["second", "row"])["second"]
    want = [np.floor((t - pd.Timestamp("1970-01-01")) / pd.Timedelta(seconds=1)) for t in times]
    np.testing.assert_array_equal(np.asarray(found, dtype=np.float64), want)


def test_texts_come_out_by_way_of_arrow_as_they_do_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame(
        {
            "id": [3, 1, 2],
            "text": pd.Series(["b", None, "李"], dtype="str"),
            "number": [1.5, np.nan, -0.0],
            "count": pd.array([1, None, 3], dtype="Int64"),
            "truth": [True, False, True],
            "day": pd.to_datetime(["2024-02-29 00:00:00.0", None, "1969-12-31 23:59:59.5"]).astype("datetime64[us]"),
        }
    )
    with_kinds = table.assign(kind=pd.Categorical(["x", "y", "x"], ordered=True))
    by_arrow, kinds = (frames.leave(frames.enter(t), like=t, sort=["id"]) for t in (table, with_kinds))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for found, like in ((by_arrow, table), (kinds, with_kinds)):
        pd.testing.assert_frame_equal(found, frames.leave(frames.enter(like), like=like, sort=["id"]))
    assert by_arrow["text"].isna().tolist() == [True, False, False]
    assert by_arrow["text"].tolist()[1:] == ["李", "b"]


def test_no_query_draws_a_progress_bar_into_a_notebook() -> None:
    asked = frames.enter(ORDERS).to_native().query("t", "select current_setting('enable_progress_bar')")
    assert asked.fetchall() == [(False,)]


def test_what_is_settled_on_duckdb_is_computed_once_however_deep_it_is_used():
    # Each row draws a number: computed anew for each use, the copies would differ.
    drawn = duckdb.connect().sql("select i as customer_id, random() as drawn from range(50) as t(i)")
    rows = frames.settled(frames.enter(drawn), like=drawn)
    both = rows.join(rows.rename({"drawn": "again"}), on="customer_id", how="inner")
    twice = frames.settled(both, like=drawn)
    joined = twice.join(twice.select("customer_id", later=nw.col("again")), on="customer_id", how="inner")
    cells = frames.arrays(joined, ["drawn", "again", "later"])
    assert (cells["drawn"] == cells["again"]).all()
    assert (cells["again"] == cells["later"]).all()
    handed = frames.leave(joined, like=drawn)
    assert "AS MATERIALIZED" in handed.sql_query()
    once_more = handed.df()
    assert (once_more["drawn"] == once_more["later"]).all()
    assert frames.leave(frames.enter(drawn), like=drawn).sql_query() == frames.enter(drawn).to_native().sql_query()


def test_a_column_of_few_values_is_that_of_its_rows(engine: str) -> None:
    names, codes = np.array(["b", "李", "a"], dtype=object), np.array([2, 0, 0, 1, 2])
    like = engines.to_engine(engine, pd.DataFrame({"x": [1]}))
    coded = {"name": frames.Coded(names, codes), "number": frames.Coded(np.array([5, 7, 9]), codes)}
    plain = {"name": names[codes], "number": np.array([5, 7, 9])[codes]}
    found, expected = (engines.to_pandas(frames.build(columns, like=like)) for columns in (coded, plain))
    pd.testing.assert_frame_equal(found, expected)


def test_a_database_of_our_own_keeps_what_was_computed_until_it_clears_it(tmp_path: Path) -> None:
    """Several statements of one call share a table there; in a caller's database none is ever made."""
    orders = pd.DataFrame({"customer_id": ["a", "b", "a"], "amount": [1.0, 2.0, 3.0]})
    tables = "select count(*) from duckdb_tables()"
    theirs = duckdb.connect()
    relation = theirs.from_df(orders)
    assert_frame_equal(frames.leave(frames.settled(frames.enter(relation), like=relation), like=relation).df(), orders)
    assert theirs.execute(tables).fetchall() == [(0,)]
    database = frames.Database(tmp_path / "spill")
    source = tmp_path / "orders.parquet"
    theirs.from_df(orders).write_parquet(str(source))
    database.read_parquet("orders", [source])
    own = database.table("orders")
    kept = frames.settled(frames.enter(own), like=own)
    assert own.query("t", tables).fetchall() == [(2,)]
    database.clear()
    assert own.query("t", tables).fetchall() == [(1,)]
    assert database.rows("orders") == 3
    with pytest.raises(duckdb.Error, match="crmkit_made"):
        frames.leave(kept, like=own).fetchall()
    database.close()


def test_relations_of_two_connections_are_refused_before_duckdb_fails():
    one, other = duckdb.connect(), duckdb.connect()
    for connection in (one, other):
        connection.execute("create table orders as select 'a' as customer_id")
    entered = frames.enter(one.table("orders"))
    assert frames.enter(one.table("orders").filter("customer_id > ''"), beside=entered).columns == ["customer_id"]
    with pytest.raises(DomainError, match="belong to two connections; expected one"):
        frames.enter(other.table("orders"), beside=entered)

"""What CRM exports hold is taken, what is wrong is counted, and nothing else is touched."""

import datetime as dt
import decimal
import math
import uuid

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import frames, rfm, schema
from tests import engines

DAY = dt.date(2024, 6, 30)


def orders(rows: int = 3, **columns) -> pd.DataFrame:
    good = {
        "customer_id": ["ann", "bob", "cyd"][:rows],
        "ordered_at": pd.to_datetime(["2024-01-05", "2024-02-10 12:30:00", "2024-03-01"], format="ISO8601")[:rows],
        "amount": [20.0, 15.5, 30.0][:rows],
    }
    return pd.DataFrame(good | columns)


def conformed(frame, **named):
    return schema.conform(frame, schema.ORDERS, **named)


# ---- ids --------------------------------------------------------------------------------------------------------

WHOLE = [12346, 2**53 + 1, -7]
IDS = {
    "texts": (["a", "b", "c"], ["a", "b", "c"]),
    "int32": (np.array([1, 2, 3], "int32"), [1, 2, 3]),
    "beyond 2**53": (WHOLE, WHOLE),
    "Int64": (pd.array(WHOLE, "Int64"), WHOLE),
    "Arrow": (pd.array(WHOLE, "int64[pyarrow]"), WHOLE),
    "beyond 2**63": (np.array([2**63 + 1, 2**63 + 3, 1], "uint64"), [2**63 + 1, 2**63 + 3, 1]),
    "beyond 2**64, as text": (pd.Series([2**70, 2**70 + 1, 1], dtype=object), [str(2**70), str(2**70 + 1), "1"]),
    "floats, as pandas makes them": ([12346.0, 12347.0, 1.0], [12346.0, 12347.0, 1.0]),
    "whole decimals": ([decimal.Decimal(2**60 + 1), decimal.Decimal(2), decimal.Decimal(3)], [2**60 + 1, 2, 3]),
    "mixed, as text": (pd.Series([7, "7", "x"], dtype=object), ["7", "7", "x"]),
    "mixed with floats, as text": (pd.Series([7.0, 7, "x"], dtype=object), ["7", "7", "x"]),
    "mixed with decimals, as text": (pd.Series([decimal.Decimal("7.0"), 8, "x"], dtype=object), ["7", "8", "x"]),
    "mixed category, as text": (pd.Categorical([7, "b", "b"]), ["7", "b", "b"]),
    "text category": (pd.Categorical(["b", "a", "a"], categories=["z", "b", "a"]), ["b", "a", "a"]),
    "whole category": (pd.Categorical([3, 1, 1], categories=[9, 3, 1]), [3, 1, 1]),
    "UUID": ([uuid.UUID(int=i) for i in range(3)], [str(uuid.UUID(int=i)) for i in range(3)]),
}


@pytest.mark.parametrize("case", IDS)
def test_ids_are_taken(case):
    given_ids, wanted = IDS[case]
    frame = orders(customer_id=given_ids)
    assert conformed(frame)["customer_id"].tolist() == wanted
    assert len(schema.violations(frame, schema.ORDERS)) == 0
    table = rfm.rfm_table(frame, as_of=DAY)
    assert sorted(table["customer_id"]) == sorted(set(wanted))


def test_uuids_of_arrow_and_duckdb_become_text():
    ids = [uuid.UUID(int=i) for i in range(3)]
    wanted = [str(i) for i in ids]
    table = pa.Table.from_pandas(orders()).set_column(0, "customer_id", pa.array([i.bytes for i in ids], pa.uuid()))
    relation = duckdb.connect().sql(
        "select uuid '00000000-0000-0000-0000-000000000001' as customer_id, date '2024-01-01' as ordered_at, "
        "1 as amount"
    )
    assert conformed(table)["customer_id"].cast(pa.string()).to_pylist() == wanted
    assert conformed(relation).fetchall() == [("00000000-0000-0000-0000-000000000001", dt.date(2024, 1, 1), 1)]
    assert rfm.rfm_table(relation, as_of=DAY).fetchall()[0][0] == "00000000-0000-0000-0000-000000000001"


def test_tables_whose_categories_differ_are_compared():
    kinds = (pd.CategoricalDtype(["a", "b"]), pd.CategoricalDtype(["c", "b"]), "str")
    before = pd.DataFrame({"customer_id": pd.Series(["a", "b"], dtype=kinds[0]), "segment": ["x", "y"]})
    for kind in kinds[1:]:
        after = pd.DataFrame({"customer_id": pd.Series(["b", "c"], dtype=kind), "segment": ["x", "y"]})
        moves = rfm.segment_moves(before, after)
        assert moves["customer_id"].tolist() == ["a", "b", "c"]
        assert moves["segment_after"].tolist() == ["absent", "x", "y"]


def test_enums_are_taken():
    relation = duckdb.connect().sql(
        "select 'a'::enum('b', 'a') as customer_id, timestamp '2024-01-01' as ordered_at, 7::hugeint as amount, "
        "''::enum('', 'x') as order_id"
    )
    assert conformed(relation).fetchall() == [("a", dt.datetime(2024, 1, 1), 7.0, None)]
    frame = pl.from_pandas(orders(order_id=["", "x", "y"])).with_columns(
        pl.col("customer_id").cast(pl.Enum(["cyd", "bob", "ann"])), pl.col("order_id").cast(pl.Categorical)
    )
    result = conformed(frame)
    assert result.schema["customer_id"] == frame.schema["customer_id"]
    assert result["order_id"].to_list() == [None, "x", "y"]


def test_columns_without_any_value_get_their_type(engine):
    frame = orders().assign(order_id=None, quantity=None, category=None)
    frame["quantity"] = frame["quantity"].astype("float64")
    table = engines.to_engine(engine, frame)
    result = engines.to_pandas(conformed(table), sort=False)
    assert result[["order_id", "quantity", "category"]].isna().all(axis=None)
    assert len(engines.to_pandas(schema.violations(table, schema.ORDERS))) == 0


@pytest.mark.parametrize(
    "values", [[math.nan] * 2, [None, None], [pd.NaT] * 2, ["", " "], pd.array([None] * 2, "Int64")]
)
def test_an_end_that_never_came(values):
    plans = pd.DataFrame({"customer_id": ["a", "b"], "started_at": [DAY, DAY], "ended_at": values})
    result = schema.conform(plans, schema.SUBSCRIPTIONS)
    assert result["ended_at"].dtype.kind == "M"
    assert result["ended_at"].isna().all()
    assert frames.kinds_of(schema.admit(plans.assign(ended_at=math.nan), schema.SUBSCRIPTIONS), ["ended_at"])


def test_empty_cells_of_optional_columns_are_null_in_rooms(engine):
    frame = orders(order_id=["o1", "", " "], quantity=[1.0, math.nan, 2.0])
    admitted = schema.admit(engines.to_engine(engine, frame), schema.ORDERS)
    cells = frames.arrays(admitted.sort("customer_id"), ["order_id", "quantity"])
    assert cells["order_id"].tolist() == ["o1", None, None]
    assert len(frames.arrays(admitted.filter(~nw_null("quantity")), ["quantity"])["quantity"]) == 2
    result = engines.to_pandas(conformed(engines.to_engine(engine, frame)), sort=False)
    assert result["order_id"].isna().tolist() == [False, True, True]


def nw_null(name):
    import narwhals.stable.v2 as nw

    return nw.col(name).is_null()


def test_orders_without_an_id_are_not_one_order():
    frame = orders(customer_id=["a"] * 3, order_id=["", "", ""])
    assert rfm.rfm_table(frame, as_of=DAY)["order_count"].tolist() == [3]


# ---- numbers ----------------------------------------------------------------------------------------------------

D = decimal.Decimal
AMOUNTS = {
    "int8": (np.array([1, 2, 100], "int8"), [1, 2, 100], "int64"),
    "uint64": (np.array([1, 2, 2**63], "uint64"), [1.0, 2.0, 2.0**63], "float64"),
    "float32": (np.array([0.5, 2, 3], "float32"), [0.5, 2.0, 3.0], "float64"),
    "Decimal": ([D("1.10"), D("-2.5"), D("3")], [1.1, -2.5, 3.0], "float64"),
    "whole Decimal": ([D(1), D(2), D(3)], [1, 2, 3], "int64"),
    "Arrow Decimal": (
        pd.array([D("1.10"), D("2.50"), D("3.00")], pd.ArrowDtype(pa.decimal128(9, 2))),
        [1.1, 2.5, 3.0],
        "double[pyarrow]",
    ),
    "text": (["1", " -2.5 ", "+3e2"], [1.0, -2.5, 300.0], "float64"),
    "text category": (pd.Categorical(["1", ".5", "3."]), [1.0, 0.5, 3.0], "float64"),
    "mixed": (pd.Series([1, 2.5, "3"], dtype=object), [1.0, 2.5, 3.0], "float64"),
    "number category": (pd.Categorical([1.5, 2.5, 1.5]), [1.5, 2.5, 1.5], "float64"),
}


@pytest.mark.parametrize("case", AMOUNTS)
def test_amounts_are_taken(case):
    amounts, wanted, kind = AMOUNTS[case]
    result = conformed(orders(amount=amounts))["amount"]
    assert result.tolist() == wanted
    assert str(result.dtype) == kind


def test_narrow_numbers_do_not_overflow_or_blur():
    million = pl.DataFrame({"customer_id": ["a"] * 3, "ordered_at": [DAY] * 3, "amount": [2_000_000_000] * 3})
    narrow = million.with_columns(pl.col("amount").cast(pl.Int32))
    assert rfm.rfm_table(narrow, as_of=DAY)["revenue"].to_list() == [6e9]
    cents = million.with_columns(amount=pl.lit(16777217.0).cast(pl.Float32) / 1)
    assert rfm.rfm_table(cents, as_of=DAY)["revenue"].to_list() == [3 * 16777216.0]


# ---- times ------------------------------------------------------------------------------------------------------

WALL = pd.Series(pd.to_datetime(["2024-01-05 00:00:00", "2024-02-10 12:30:00", "2024-03-01 23:59:59"]))
TIMES = {
    **{unit: WALL.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")},
    "objects": pd.Series([stamp.to_pydatetime() for stamp in WALL], dtype=object),
    "Arrow": WALL.astype(pd.ArrowDtype(pa.timestamp("ms"))),
    "text": WALL.dt.strftime("%Y-%m-%d %H:%M:%S"),
    "text with T": WALL.dt.strftime("%Y-%m-%dT%H:%M:%S.000"),
    "category": WALL.astype("category"),
    "Tokyo": WALL.dt.tz_localize("Asia/Tokyo"),
    "offset": WALL.dt.tz_localize(dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
    "Arrow in Tokyo": WALL.dt.tz_localize("Asia/Tokyo").astype(pd.ArrowDtype(pa.timestamp("us", "Asia/Tokyo"))),
    "objects in Tokyo": pd.Series(list(WALL.dt.tz_localize("Asia/Tokyo")), dtype=object),
}


@pytest.mark.parametrize("case", TIMES)
def test_times_are_given_as_naive_local_time(case):
    result = conformed(orders(ordered_at=TIMES[case]))["ordered_at"]
    assert result.astype("datetime64[us]").tolist() == WALL.tolist()
    assert getattr(result.dt, "tz", None) is None


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([dt.date(1900, 1, 1), dt.date(2199, 12, 31), None], dtype=object),
        pd.array([dt.date(1900, 1, 1), dt.date(2199, 12, 31), None], "date32[day][pyarrow]"),
        ["1900-01-01", "2199-12-31", ""],
    ],
)
def test_dates_are_taken_over_the_whole_range(values):
    people = pd.DataFrame({"customer_id": ["a", "b", "c"], "created_at": values})
    result = schema.conform(people, schema.CUSTOMERS)["created_at"].astype("datetime64[us]")
    assert result.tolist()[:2] == [pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31")]
    assert result.isna().tolist() == [False, False, True]


# The same instants everywhere; around midnight, in summer time, on both nights when the clocks change.
INSTANTS = ["2024-01-31 23:30", "2024-03-31 00:30", "2024-03-31 01:30", "2024-06-30 22:00", "2024-10-27 00:30",
            "2024-10-27 01:30", "2024-12-31 22:59:59"]  # fmt: skip
IN_PARIS = ["2024-02-01 00:30", "2024-03-31 01:30", "2024-03-31 03:30", "2024-07-01 00:00", "2024-10-27 02:30",
            "2024-10-27 02:30", "2024-12-31 23:59:59"]  # fmt: skip


@pytest.mark.parametrize("source", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_an_order_falls_on_its_local_day_on_every_engine(source, engine):
    stamps = pd.to_datetime(pd.Series(INSTANTS), format="ISO8601", utc=True).dt.tz_convert(source)
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(7)], "ordered_at": stamps, "amount": 1.0})
    result = conformed(engines.to_engine(engine, frame), time_zone="Europe/Paris")
    wanted = pd.to_datetime(pd.Series(IN_PARIS), format="ISO8601")
    assert engines.to_pandas(result)["ordered_at"].tolist() == wanted.tolist()


def test_without_a_zone_the_wall_clock_of_the_column_counts():
    stamps = pd.to_datetime(pd.Series(["2024-01-31 23:30"]), utc=True).dt.tz_convert("Asia/Tokyo")
    frame = orders(1, ordered_at=stamps)
    for table in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert engines.to_pandas(conformed(table))["ordered_at"].tolist() == [pd.Timestamp("2024-02-01 08:30")]
        days = rfm.rfm_table(table, as_of=DAY)
        assert engines.to_pandas(days)["last_order_day"].tolist() == [pd.Timestamp("2024-02-01")]


def test_in_duckdb_the_zone_of_the_session_counts():
    connection = duckdb.connect()
    connection.execute("set timezone = 'Asia/Tokyo'")
    relation = connection.sql(
        "select 'a' as customer_id, timestamptz '2024-01-31 23:30:00+00' as ordered_at, 1.0::double as amount"
    )
    assert conformed(relation).fetchall()[0][1] == dt.datetime(2024, 2, 1, 8, 30)
    assert conformed(relation, time_zone="UTC").fetchall()[0][1] == dt.datetime(2024, 1, 31, 23, 30)


# ---- conform changes nothing else -------------------------------------------------------------------------------


def rich() -> pd.DataFrame:
    """An export with all that crmkit does not know, under a repeated index."""
    return pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-02-10", "2024-01-05", "2024-03-01"]).tz_localize("Europe/Paris"),
            "customer_id": pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"]),
            "amount": pd.Series([decimal.Decimal("1.50"), decimal.Decimal("2"), decimal.Decimal("-3")], dtype=object),
            "Amount": pd.period_range("2024-01", periods=3, freq="M"),
            "": [[1], {}, None],
            7: pd.array([1, None, 3], dtype="Int64"),
            'x"; drop table t; --': [1, 2, 3],
            "order_id": pd.Series(["o1", "", None], dtype=object),
            "seen": pd.to_datetime(["2024-01-01"] * 3, utc=True),
        }
    ).set_index(pd.Index([5, 5, 1], name="row"))


def test_the_callers_frame_is_untouched_and_the_rest_comes_along():
    frame = rich()
    before = frame.copy(deep=True)
    result = conformed(frame, rename={"when": "ordered_at"}, time_zone="UTC")
    pd.testing.assert_frame_equal(frame, before)
    rest = ["Amount", "", 7, 'x"; drop table t; --', "seen"]
    pd.testing.assert_frame_equal(result[rest], before[rest])
    assert list(result.columns) == ["ordered_at", *before.columns[1:]]
    assert result["amount"].tolist() == [1.5, 2.0, -3.0]
    pd.testing.assert_series_equal(result["customer_id"], before["customer_id"])
    assert result["order_id"].isna().tolist() == [False, True, True]
    result.iloc[0, 2] = 99.0
    result.iloc[0, 6] = 99
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_the_callers_frame_is_untouched_without_a_rename_too(kind):
    frame = engines.to_engine(kind, orders(amount=["1", "2", "3"], order_id=["o1", "", "o3"]))
    conformed(frame)
    before = engines.to_pandas(orders(amount=["1", "2", "3"], order_id=["o1", "", "o3"]), sort=False)
    pd.testing.assert_frame_equal(engines.to_pandas(frame, sort=False), before)


def test_conforming_twice_changes_nothing(engine):
    frame = orders(amount=["1", "2.5", "-3"], order_id=["o1", "", "o3"], note=["x", None, ""])
    once = conformed(engines.to_engine(engine, frame))
    twice = conformed(once)
    assert engines.kind_of(once) == engines.kind_of(twice)
    pd.testing.assert_frame_equal(engines.to_pandas(twice), engines.to_pandas(once))


def test_conforming_pandas_twice_is_exact():
    once = conformed(rich(), rename={"when": "ordered_at"})
    pd.testing.assert_frame_equal(conformed(once), once)


def test_eager_rows_keep_their_order(engine):
    rng = np.random.default_rng(3)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, 5000), unit="s")
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in rng.integers(0, 99, 5000)], "ordered_at": stamps})
    frame["amount"] = np.arange(5000.0).astype(str)
    result = conformed(engines.to_engine(engine, frame))
    if engine in engines.EAGER:
        got = engines.to_pandas(result, sort=False)
        assert got["amount"].tolist() == list(np.arange(5000.0))
        assert got["customer_id"].tolist() == frame["customer_id"].tolist()


def test_one_row_and_no_row(engine):
    for rows in (1, 0):
        table = engines.to_engine(engine, orders().iloc[:rows])
        result = conformed(table)
        assert engines.kind_of(result) == engines.kind_of(table)
        assert len(engines.to_pandas(result)) == rows
        assert len(engines.to_pandas(schema.violations(table, schema.ORDERS))) == 0


def test_no_row_and_no_type():
    empty = {"customer_id": [], "ordered_at": [], "amount": []}
    typeless = pa.table({name: pa.nulls(0) for name in empty})
    for table in (pd.DataFrame(empty), pd.DataFrame(empty, dtype=object), pl.DataFrame(empty), typeless):
        result = engines.to_pandas(conformed(table))
        assert len(result) == 0
        assert [str(result[name].dtype) for name in ("ordered_at", "amount")] == ["datetime64[us]", "float64"]


def test_rows_may_have_any_index():
    for index in (pd.Index([1, 1, 1]), pd.MultiIndex.from_product([["x"], [1, 2, 3]]), pd.date_range(DAY, periods=3)):
        frame = orders().set_index(index)
        pd.testing.assert_frame_equal(conformed(frame), frame)


STRANGE = [
    *('a"b', "a b", "a`b", "a.b", "a'b", "select", "日期", "new\nline", "ordered_at "),
    *('x"; drop table orders; --', "x`; drop table orders; --"),
]


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("kind", ["pandas", "polars", "duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def test_strange_names_pass_and_can_be_renamed(name, kind):
    frame = orders(order_id=["1", "2", "3"]).rename(columns={"order_id": name})
    table = engines.to_engine(kind, frame)
    assert list(engines.to_pandas(conformed(table)).columns) == list(frame.columns)
    renamed = conformed(table, rename={name: "order_id"})
    assert engines.to_pandas(renamed)["order_id"].tolist() == ["1", "2", "3"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_of_zoned_times_and_texts(name):
    stamps = pd.to_datetime(pd.Series(INSTANTS[:3]), utc=True)
    frame = orders().drop(columns="ordered_at").assign(**{name: stamps})
    for table in (frame, pl.from_pandas(frame), duckdb.connect().from_df(frame)):
        result = conformed(table, rename={name: "ordered_at"}, time_zone="Europe/Paris")
        assert engines.to_pandas(result, sort=False)["ordered_at"].tolist() == [pd.Timestamp(t) for t in IN_PARIS[:3]]


def test_renaming_may_swap():
    frame = orders(net=[1.0, 2.0, 3.0])
    result = conformed(frame, rename={"amount": "gross", "net": "amount"})
    assert list(result.columns) == ["customer_id", "ordered_at", "gross", "amount"]
    assert result["amount"].tolist() == [1.0, 2.0, 3.0]


def test_a_rename_is_guessed():
    names = ["CustomerID", "InvoiceDate", "InvoiceNo", "Price", "note"]
    guess = schema.columns_like(schema.ORDERS, names)
    assert guess == {
        "CustomerID": "customer_id",
        "InvoiceDate": "ordered_at",
        "Price": "amount",
        "InvoiceNo": "order_id",
    }


# ---- violations -------------------------------------------------------------------------------------------------


def damaged(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    base = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) * 7919 % 300, unit="D")
    frame = pd.DataFrame({
        "customer_id": pd.Series([f"c{i % 37}" for i in range(rows)], dtype=object),
        "ordered_at": base.astype("datetime64[us]"),
        "amount": rng.integers(1, 500, rows) / 4,
        "order_id": [f"o{i // 2}" for i in range(rows)],
        "quantity": rng.integers(1, 9, rows).astype("float64"),
    })  # fmt: skip
    frame.loc[rng.random(rows) < 0.1, "customer_id"] = None
    frame.loc[rng.random(rows) < 0.1, "customer_id"] = " "
    for name, value in (("amount", math.nan), ("amount", math.inf), ("amount", -1.0), ("amount", 0.0)):
        frame.loc[rng.random(rows) < 0.05, name] = value
    for stamp in (None, "1899-12-31", "1970-01-01 10:00", "2200-01-01", "1900-01-01"):
        frame.loc[rng.random(rows) < 0.05, "ordered_at"] = pd.Timestamp(stamp)
    frame.loc[rng.random(rows) < 0.1, "quantity"] = -math.inf
    return frame


def test_violations_are_one_table_on_every_engine(engine):
    frame = damaged()
    wanted = engines.to_pandas(schema.violations(frame, schema.ORDERS, as_of=DAY), sort=False)
    found = schema.violations(engines.to_engine(engine, frame), schema.ORDERS, as_of=DAY)
    assert engines.kind_of(found) == engine
    got = engines.to_pandas(found, sort=False)
    # Which rows are "the first three" is the engine's choice where rows have no order.
    exact = [name for name in wanted.columns if name != "examples" or engine in engines.EAGER]
    pd.testing.assert_frame_equal(got[exact], wanted[exact])


def test_findings_are_bounded_whatever_is_wrong():
    few, many = damaged(400), damaged(20_000)
    found = [schema.violations(frame, schema.ORDERS, as_of=DAY) for frame in (few, many)]
    assert [len(table) for table in found] == [11, 11]
    assert found[1]["examples"].str.len().max() < 250
    assert found[1]["advice"].str.len().max() < 250


def test_a_finding_has_the_documented_columns():
    found = schema.violations(orders(order_id=["o1", "o1", "o2"], amount=[1.0, -2.0, 0.0]), schema.ORDERS)
    assert found.to_dict("records") == [
        {
            "column": "amount",
            "rule": "negative",
            "severity": "warning",
            "rows": 1,
            "share": 1 / 3,
            "examples": "order_id 'o1', -2.0",
            "advice": 'They count as refunds; say how with refunds="exclude", "net" or "raise".',
        },
        {
            "column": "amount",
            "rule": "zero",
            "severity": "warning",
            "rows": 1,
            "share": 1 / 3,
            "examples": "order_id 'o2'",
            "advice": "They count as orders of no value.",
        },
        {
            "column": "order_id",
            "rule": "several customers",
            "severity": "warning",
            "rows": 2,
            "share": 2 / 3,
            "examples": "'o1'",
            "advice": "They count as an order of each of these customers.",
        },
    ]


def test_warnings_do_not_stop_a_room():
    frame = orders(order_id=["o1", "o1", "o2"], amount=[1.0, -2.0, 0.0], ordered_at=[dt.date(1970, 1, 1)] * 3)
    assert set(schema.violations(frame, schema.ORDERS)["severity"]) == {"warning"}
    schema.admit(frame, schema.ORDERS)
    conformed(frame)


def test_future_dates_are_reported_from_the_day_after():
    frame = orders(ordered_at=pd.to_datetime(["2024-06-30 23:59:59", "2024-07-01", "2024-12-31"], format="ISO8601"))
    found = schema.violations(frame, schema.ORDERS, as_of=DAY)
    assert found.loc[0, ["column", "rule", "severity", "rows", "examples", "advice"]].tolist() == [
        "ordered_at",
        "future",
        "warning",
        2,
        "customer_id 'bob', 2024-07-01; customer_id 'cyd', 2024-12-31",
        "Everything after as_of is ignored.",
    ]
    assert len(schema.violations(frame, schema.ORDERS)) == 0


CELL = {
    "customer_id": st.sampled_from(["a", "b", "c", None, "", "  "]),
    "ordered_at": st.one_of(
        st.none(),
        st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2210, 1, 1)),
        st.sampled_from([dt.datetime(1970, 1, 1, 5), dt.datetime(1900, 1, 1), dt.datetime(2024, 7, 1)]),
    ),
    "amount": st.sampled_from([1.5, 2.0, -3.0, 0.0, math.nan, math.inf, -math.inf, -0.0, 1e300]),
    "order_id": st.sampled_from(["o1", "o2", "o3", None, ""]),
}


def counted(rows: list[dict]) -> dict[tuple[str, str], int]:
    """The rules in plain Python."""
    counts = dict.fromkeys(
        [
            ("customer_id", "missing"), ("ordered_at", "missing"), ("ordered_at", "implausible"),
            ("ordered_at", "sentinel"), ("ordered_at", "future"), ("amount", "missing"), ("amount", "infinite"),
            ("amount", "negative"), ("amount", "zero"), ("order_id", "several customers"),
        ],
        0,
    )  # fmt: skip
    customers: dict[str, set] = {}
    for row in rows:
        customer, when, amount, order = row["customer_id"], row["ordered_at"], row["amount"], row["order_id"]
        counts["customer_id", "missing"] += customer is None or not customer.strip()
        counts["ordered_at", "missing"] += when is None
        if when is not None:
            counts["ordered_at", "implausible"] += not 1900 <= when.year < 2200
            counts["ordered_at", "sentinel"] += when.date() in (dt.date(1900, 1, 1), dt.date(1970, 1, 1))
            counts["ordered_at", "future"] += when.date() > DAY
        counts["amount", "missing"] += math.isnan(amount)
        counts["amount", "infinite"] += math.isinf(amount)
        counts["amount", "negative"] += amount < 0
        counts["amount", "zero"] += amount == 0
        customers.setdefault(order, set()).add(customer)
    shared = {order for order, ids in customers.items() if order and len(ids - {None}) > 1}
    counts["order_id", "several customers"] = sum(row["order_id"] in shared for row in rows)
    return {rule: rows for rule, rows in counts.items() if rows}


@given(rows=st.lists(st.fixed_dictionaries(CELL), min_size=1, max_size=30), kind=st.sampled_from(["polars", "pandas"]))
@settings(max_examples=25)
def test_violations_count_as_plain_python_does(rows, kind):
    schema_ = pa.schema([
        ("customer_id", pa.string()), ("ordered_at", pa.timestamp("us")), ("amount", pa.float64()),
        ("order_id", pa.string()),
    ])  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=schema_)
    frame = pl.DataFrame(table) if kind == "polars" else table.to_pandas()
    found = engines.to_pandas(schema.violations(frame, schema.ORDERS, as_of=DAY), sort=False)
    got = {(column, rule): n for column, rule, n in zip(found["column"], found["rule"], found["rows"], strict=True)}
    assert got == counted(rows)
    np.testing.assert_allclose(found["share"], found["rows"] / len(rows))


def test_the_check_of_a_room_is_one_scan(monkeypatch):
    scans = []
    for name in ("arrays", "counts"):
        original = getattr(frames, name)
        monkeypatch.setattr(frames, name, lambda *given, ask=original: scans.append(given) or ask(*given))
    schema.admit(orders(order_id=["o1", "", "o2"], quantity=[1, 2, 3]), schema.ORDERS)
    assert len(scans) == 1


# ---- reference tables -------------------------------------------------------------------------------------------


def test_the_reference_tables_are_those_of_the_design():
    required = {table.name: table.required for table in schema.TABLES}
    assert required == {
        "orders": ("customer_id", "ordered_at", "amount"),
        "customers": ("customer_id",),
        "contacts": ("customer_id", "contacted_at"),
        "subscriptions": ("customer_id", "started_at", "ended_at"),
        "leads": ("lead_id", "created_at"),
        "lead_events": ("lead_id", "event", "occurred_at"),
        "touches": ("customer_id", "channel", "touched_at"),
        "conversions": ("customer_id", "converted_at"),
        "costs": ("channel", "cost"),
        "deals": ("deal_id", "stage", "entered_at"),
        "metrics": ("customer_id", "metric", "value"),
        "events": ("customer_id", "event", "occurred_at"),
        "lead_contacts": ("lead_id", "contacted_at"),
        "contracts": ("customer_id", "contract_id", "signed_at", "amount"),
        "instalments": ("customer_id", "contract_id", "due_at", "amount"),
        "payments": ("customer_id", "paid_at", "amount"),
    }


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.name)
def test_a_reference_table_is_sound(table):
    assert len(set(table.known)) == len(table.known)
    for column in table.columns:
        assert column.meaning
        assert column.kind != "number" or (column.unit and column.domain)
        assert all(alias == "".join(ch for ch in alias.lower() if ch.isalnum()) for alias in column.aliases)
    good = {"id": "x", "text": "x", "time": DAY, "number": 1.0}
    frame = pd.DataFrame({column.name: [good[column.kind]] for column in table.columns})
    assert len(schema.violations(frame, table)) == 0
    schema.admit(schema.conform(frame, table), table)


def test_a_table_prints_as_a_table():
    assert repr(schema.COSTS) == str(schema.COSTS)
    assert str(schema.COSTS).splitlines() == [
        "COSTS: one row per channel and period",
        "column        kind    needed  unit        domain              meaning",
        "channel       text    yes                 never empty         which channel",
        "cost          number  yes     money       finite, at least 0  what it cost",
        "campaign      text                                            which campaign",
        "period_start  time            local time  years 1900 to 2199  first day",
        "period_end    time            local time  years 1900 to 2199  last day",
    ]


def test_ids_of_several_tables_get_one_type():
    """All numbers: whole numbers; else text, in which 7, 7.0 and "7" are one id; as they are where they are alike."""
    table = schema.Table("t", "", (schema.Column("customer_id", "id", "who", required=True),))

    def admitted(engine, kinds):
        made = [pd.DataFrame({"customer_id": pd.Series([7, 12], dtype="int64").astype(kind)}) for kind in kinds]
        rows = []
        for frame in made:
            native = engines.to_engine(engine, frame)
            rows.append(schema.admit(native, table, beside=rows[0] if rows else None))
        return rows

    for engine in ("pandas", "polars", "pyarrow"):
        alike = admitted(engine, ["int64", "int64"])
        assert schema.same_ids(*alike) == tuple(alike)
        for kinds, expected in (
            (["int64", "int32", "float64"], [7, 12]),
            (["str", "int64", "float64"], ["12", "7"]),
            (["float64", "str"], ["12", "7"]),
            (["uint64", "int64"], ["12", "7"]),
        ):
            for rows in schema.same_ids(*admitted(engine, kinds)):
                assert frames.arrays(rows.sort("customer_id"), ["customer_id"])["customer_id"].tolist() == expected

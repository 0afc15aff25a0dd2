"""Every text that the entrance can say, whole."""

import datetime as dt
import decimal
import importlib
import pkgutil
import re

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import crmkit
from crmkit import schema, scoring
from crmkit.errors import CrmkitError, DomainError, FitError, SchemaError
from crmkit.schema.findings import name_findings
from tests import engines

FILL_ID = 'Give guests an id of their own, or leave them out knowingly: orders[orders["customer_id"].notna()].'
READ_TEXT = "crmkit.schema.conform(frame, schema.ORDERS) reads plain numbers and ISO dates from text."
REAL_DATES = "Correct them, or make them missing: such dates often stand for 'none' or for a wrong unit."
CONVERT = "Convert it first, or leave the column out."


def orders(rows: int = 3, **columns) -> pd.DataFrame:
    good = {
        "customer_id": ["ann", "bob", "cyd"][:rows],
        "ordered_at": pd.to_datetime(["2024-01-05", "2024-02-10 12:30:00", "2024-03-01"], format="ISO8601")[:rows],
        "amount": [20.0, 15.5, 30.0][:rows],
    }
    return pd.DataFrame(good | columns)


def said(call, *arguments, **named) -> str:
    with pytest.raises(SchemaError) as caught:
        call(*arguments, **named)
    return str(caught.value)


def conform_says(frame, **named) -> str:
    return said(schema.conform, frame, schema.ORDERS, **named)


def room_says(frame, table=schema.ORDERS, **named) -> str:
    return said(schema.admit, frame, table, **named)


# ---- cells: rooms and conform say the same ---------------------------------------------------------------------

NAN, INF, NOW = float("nan"), float("inf"), pd.Timestamp("2024-01-01")
CELLS = {
    "missing id": (
        {"customer_id": ["ann", None, "cyd"]},
        "orders.customer_id: 1 of 3 rows have no value (first: ordered_at 2024-02-10 12:30:00); "
        f"expected an id in every row.\n{FILL_ID}",
    ),
    "blank ids": (
        {"customer_id": ["ann", "", " \t"]},
        "orders.customer_id: 2 of 3 rows have no value (first: ordered_at 2024-02-10 12:30:00); "
        f"expected an id in every row.\n{FILL_ID}",
    ),
    "NaN among floats as ids": (
        {"customer_id": [12346.0, NAN, 12347.0]},
        "orders.customer_id: 1 of 3 rows have no value (first: ordered_at 2024-02-10 12:30:00); "
        f"expected an id in every row.\n{FILL_ID}",
    ),
    "fractions as ids": (
        {"customer_id": [12346.0, 1.5, 2.0**53]},
        "orders.customer_id: 2 of 3 rows are fractions or too large to be exact "
        "(first: ordered_at 2024-02-10 12:30:00, 1.5); expected text or whole numbers.\n"
        "Read them as text where the table is made: pandas.read_csv(..., dtype={'customer_id': 'string'}).",
    ),
    "missing date": (
        {"ordered_at": [NOW, pd.NaT, NOW]},
        "orders.ordered_at: 1 of 3 rows have no value (first: customer_id 'bob'); "
        "expected a date or time stamp in every row.\n"
        'Fill the value in, or leave the rows out knowingly: orders[orders["ordered_at"].notna()].',
    ),
    "implausible years": (
        {"ordered_at": np.array(["1899-12-31T23:59:59", "2200-01-01", "2199-12-31T23:59:59"], "datetime64[s]")},
        "orders.ordered_at: 2 of 3 rows lie outside the years 1900 to 2199 "
        f"(first: customer_id 'ann', 1899-12-31 23:59:59); expected years 1900 to 2199.\n{REAL_DATES}",
    ),
    "years that no calendar of Python has": (
        {"ordered_at": np.array(["2024-01-01", "55850-01-01", "2024-01-01"], "datetime64[s]")},
        "orders.ordered_at: 1 of 3 rows lie outside the years 1900 to 2199 "
        f"(first: customer_id 'bob', 55850-01-01); expected years 1900 to 2199.\n{REAL_DATES}",
    ),
    "missing amount": (
        {"amount": [1.0, NAN, NAN]},
        "orders.amount: 2 of 3 rows have no value (first: customer_id 'bob'); expected a number in every row.\n"
        'Fill the value in, or leave the rows out knowingly: orders[orders["amount"].notna()].',
    ),
    "infinite amounts": (
        {"amount": [INF, 1.0, -INF]},
        "orders.amount: 2 of 3 rows are infinite (first: customer_id 'ann', inf); expected finite.\n"
        "Look for a division by zero or an overflow where the table is made.",
    ),
    "several at once, with the order's own id": (
        {"order_id": ["o1", "o2", "o3"], "customer_id": [None, "", "x"], "amount": [1.0, INF, NAN]},
        "orders.customer_id: 2 of 3 rows have no value (first: order_id 'o1'); expected an id in every row.\n"
        f"{FILL_ID}\n"
        "orders.amount: 1 of 3 rows have no value (first: order_id 'o3'); expected a number in every row.\n"
        'Fill the value in, or leave the rows out knowingly: orders[orders["amount"].notna()].\n'
        "orders.amount: 1 of 3 rows are infinite (first: order_id 'o2', inf); expected finite.\n"
        "Look for a division by zero or an overflow where the table is made.",
    ),
}


@pytest.mark.parametrize("case", CELLS)
def test_bad_cells_are_named_alike_by_rooms_and_conform(case):
    columns, wanted = CELLS[case]
    assert conform_says(orders(**columns)) == wanted
    assert room_says(orders(**columns)) == wanted


@pytest.mark.parametrize("case", ["missing id", "blank ids", "missing date", "infinite amounts"])
def test_bad_cells_are_named_alike_on_every_engine(case, engine):
    columns, wanted = CELLS[case]
    assert room_says(engines.to_engine(engine, orders(**columns))) == wanted


def test_numbers_below_their_minimum():
    touches = pd.DataFrame(
        {"customer_id": ["a", "b"], "channel": ["mail", "ad"], "touched_at": [NOW, NOW], "cost": [-0.5, 0.0]}
    )
    wanted = (
        "touches.cost: 1 of 2 rows lie below 0 (first: customer_id 'a', -0.5); expected finite, at least 0.\n"
        'Correct them where the table is made, or leave the rows out knowingly: touches[touches["cost"] >= 0].'
    )
    assert said(schema.conform, touches, schema.TOUCHES) == room_says(touches, schema.TOUCHES) == wanted


def test_numbers_above_their_maximum():
    scores = pd.DataFrame({"customer_id": ["a", "b"], "r_score": [1, 6], "f_score": [1, 5], "m_score": [5, 0]})
    assert room_says(scores, schema.scores_up_to(5)) == (
        "scores.r_score: 1 of 2 rows lie above 5 (first: customer_id 'b', 6); expected 1 to 5.\n"
        "Correct them where the table is made.\n"
        "scores.m_score: 1 of 2 rows lie below 1 (first: customer_id 'b', 0); expected 1 to 5.\n"
        'Correct them where the table is made, or leave the rows out knowingly: scores[scores["m_score"] >= 1].'
    )


def test_negative_amounts_are_refused_on_request_only():
    refund = orders(order_id=["o1", "o2", "o3"], amount=[1.0, -12.5, 0.0])
    schema.admit(refund, schema.ORDERS)
    assert room_says(refund, non_negative=["amount"]) == (
        "orders.amount: 1 of 3 rows are negative (first: order_id 'o2', -12.5); expected >= 0.\n"
        'Net refunds with refunds="net", or keep sales only: orders[orders["amount"] >= 0].'
    )


def test_a_long_cell_is_shortened():
    text = conform_says(orders(amount=["1", "x" * 100_000, "2"]))
    assert text == (
        "orders.amount: 1 of 3 rows can't be read as plain numbers such as 1234.5 "
        f"(first: customer_id 'bob', '{'x' * 59} ...); expected numbers.\n"
        "Strip currency signs and thousands separators first, and write the decimal point as '.'."
    )


def test_a_row_without_anything_else():
    costs = pd.DataFrame({"channel": [None, "ad"], "cost": [1.0, 2.0]})
    assert room_says(costs, schema.COSTS, columns=["channel", "cost"]) == (
        "costs.channel: 1 of 2 rows have no value (first: cost 1.0); expected a text in every row.\n"
        'Fill the value in, or leave the rows out knowingly: costs[costs["channel"].notna()].'
    )


# ---- texts: rooms refuse the type, conform reads what can be read ----------------------------------------------


def test_text_numbers_in_a_room_and_at_the_entrance():
    assert room_says(orders(amount=["1", "2", "3"])) == (
        f"orders.amount: the column holds text; expected numbers.\n{READ_TEXT}"
    )
    assert room_says(orders(amount=pd.Categorical(["1", "2", "3"]))) == (
        f"orders.amount: the column holds text; expected numbers.\n{READ_TEXT}"
    )
    assert conform_says(orders(amount=["1", "$2", "1,000"])) == (
        "orders.amount: 2 of 3 rows can't be read as plain numbers such as 1234.5 (first: customer_id 'bob', '$2'); "
        "expected numbers.\nStrip currency signs and thousands separators first, and write the decimal point as '.'."
    )
    assert conform_says(orders(amount=["1", " ", "1e999"])) == (
        "orders.amount: 1 of 3 rows have no value (first: customer_id 'bob'); expected a number in every row.\n"
        'Fill the value in, or leave the rows out knowingly: orders[orders["amount"].notna()].\n'
        "orders.amount: 1 of 3 rows are infinite (first: customer_id 'cyd', inf); expected finite.\n"
        "Look for a division by zero or an overflow where the table is made."
    )


def test_text_dates_in_a_room_and_at_the_entrance():
    assert room_says(orders(ordered_at=["2024-01-01"] * 3)) == (
        f"orders.ordered_at: the column holds text; expected dates or time stamps.\n{READ_TEXT}"
    )
    assert conform_says(orders(ordered_at=["2024-01-01", "31/12/2024", "2024-02-30"])) == (
        "orders.ordered_at: 2 of 3 rows can't be read as ISO dates such as 2024-12-31 or 2024-12-31 23:59:59 "
        "(first: customer_id 'bob', '31/12/2024'); expected dates or time stamps.\n"
        "Read the column with its own format first, for example pandas.to_datetime(..., dayfirst=True)."
    )
    assert conform_says(orders(ordered_at=["2024-01-01", None, "1200-01-01"])) == (
        "orders.ordered_at: 1 of 3 rows have no value (first: customer_id 'bob'); "
        "expected a date or time stamp in every row.\n"
        'Fill the value in, or leave the rows out knowingly: orders[orders["ordered_at"].notna()].\n'
        "orders.ordered_at: 1 of 3 rows lie outside the years 1900 to 2199 (first: customer_id 'cyd', 1200-01-01); "
        f"expected years 1900 to 2199.\n{REAL_DATES}"
    )


# ---- columns ----------------------------------------------------------------------------------------------------

TYPES = {
    "Unix seconds": (
        {"ordered_at": [1700000000, 1700000001, 1700000002]},
        "orders.ordered_at: the column holds Int64; expected dates or time stamps.\n"
        "Convert it first, for example pandas.to_datetime(frame['ordered_at'], unit='s') for Unix seconds.",
    ),
    "truth as amount": (
        {"amount": [True, False, True]},
        f"orders.amount: the column holds Boolean; expected numbers.\n{CONVERT}",
    ),
    "truth as id": (
        {"customer_id": [True, False, True]},
        f"orders.customer_id: the column holds Boolean; expected text or whole numbers.\n{CONVERT}",
    ),
    "time as id": (
        {"customer_id": pd.Series([NOW, NOW, NOW], dtype="datetime64[us]")},
        "orders.customer_id: the column holds Datetime(time_unit='us', time_zone=None); "
        f"expected text or whole numbers.\n{CONVERT}",
    ),
    "number as text": (
        {"category": [1.5, 2.5, 3.5], "channel": pd.to_timedelta([1, 2, 3])},
        f"orders.channel: the column holds Duration(time_unit='us'); expected text.\n{CONVERT}",
    ),
    "two at once": (
        {"customer_id": [True, False, True], "amount": ["1", "2", "3"]},
        f"orders.customer_id: the column holds Boolean; expected text or whole numbers.\n{CONVERT}\n"
        f"orders.amount: the column holds text; expected numbers.\n{READ_TEXT}",
    ),
}


@pytest.mark.parametrize("case", TYPES)
def test_columns_of_a_wrong_type(case):
    columns, wanted = TYPES[case]
    assert room_says(orders(**columns)) == wanted
    if case != "two at once":  # conform reads text
        assert conform_says(orders(**columns)) == wanted


def test_fractional_decimals_are_no_ids():
    cents = pa.array([decimal.Decimal("1.00")] * 3, pa.decimal128(10, 2))
    table = pa.Table.from_pandas(orders()).set_column(0, "customer_id", cents)
    assert conform_says(table) == (
        "orders.customer_id: the column holds Decimal(precision=10, scale=2); expected text or whole numbers.\n"
        f"{CONVERT}"
    )


def dtype_says(name: str, kind: str) -> str:
    return (
        f"Column {name!r} has dtype {kind}; expected text, numbers or time stamps.\n"
        f"Convert it first, for example frame[{name!r}].astype(str), or leave it out."
    )


def objects_say(name: str, kind: str) -> str:
    return (
        f"Column {name!r} holds {kind} objects; expected text, numbers or time stamps.\n"
        f"Convert it first, for example frame[{name!r}].astype(str), or leave it out."
    )


DTYPES = {
    "period": (pd.period_range("2024-01", periods=3, freq="M"), dtype_says("ordered_at", "period[M]")),
    "interval": (pd.interval_range(0, 3), dtype_says("ordered_at", "interval[int64, right]")),
    "complex": (np.array([1j, 2j, 3j]), dtype_says("ordered_at", "complex128")),
    "sparse": (pd.arrays.SparseArray([1, 2, 3]), dtype_says("ordered_at", "Sparse[int64, 0]")),
    "bytes": ([b"a", b"b", b"c"], objects_say("ordered_at", "bytes")),
    "lists": ([[1], [2], [3]], objects_say("ordered_at", "mixed")),
    "tuples": ([(1,), "a", 3], objects_say("ordered_at", "mixed-integer")),
    "times of day": ([dt.time(1), dt.time(2), None], objects_say("ordered_at", "time")),
    "mixed zones": (
        pd.Series([NOW.tz_localize("UTC"), NOW.tz_localize("Asia/Tokyo"), NOW.tz_localize("UTC")], dtype=object),
        "Column 'ordered_at' mixes time zones; expected one zone for all rows.\n"
        "Convert it first: pandas.to_datetime(frame['ordered_at'], utc=True).",
    ),
    "aware and naive": (
        pd.Series([NOW.tz_localize("UTC"), NOW, NOW], dtype=object),
        "Column 'ordered_at' mixes time zones; expected one zone for all rows.\n"
        "Convert it first: pandas.to_datetime(frame['ordered_at'], utc=True).",
    ),
    "a wrong unit": (
        np.array(["2024-01-01", "300000-01-01", "NaT"], "datetime64[s]"),
        "Column 'ordered_at' holds time stamps more than 290000 years away; expected dates of a calendar.\n"
        "They were read in a wrong unit: try pandas.to_datetime(..., unit='ms') or 'us'.",
    ),
}


@pytest.mark.parametrize("case", DTYPES)
def test_pandas_columns_that_no_engine_reads(case):
    values, wanted = DTYPES[case]
    frame = orders(ordered_at=values)
    assert conform_says(frame) == room_says(frame) == wanted


def test_half_a_character():
    wanted = (
        "A text holds half a character (a lone surrogate, from a broken export); expected Unicode.\n"
        "Repair text columns first: frame[column].str.encode('utf-8', 'replace').str.decode('utf-8')."
    )
    frame = orders(customer_id=pd.Series(["a", "b\ud800", "c"], dtype=object))
    assert conform_says(frame) == room_says(frame) == wanted


# ---- names ------------------------------------------------------------------------------------------------------


def test_a_missing_column_with_and_without_a_guess(engine):
    table = engines.to_engine(engine, orders().rename(columns={"customer_id": "Customer ID", "amount": "paid_sum"}))
    wanted = (
        "orders: column 'customer_id' is missing; did you mean 'Customer ID'?\n"
        "Rename it once: schema.conform(frame, schema.ORDERS, rename={'Customer ID': 'customer_id'}).\n"
        "orders: column 'amount' is missing (what was paid; negative for a refund); "
        "the table has 'Customer ID', 'ordered_at', 'paid_sum'.\n"
        "Rename yours once: schema.conform(frame, schema.ORDERS, rename={'yours': 'amount'})."
    )
    assert conform_says(table) == room_says(table) == wanted


@pytest.mark.parametrize(
    ("theirs", "column"),
    [
        ("CustomerID", "customer_id"),
        ("custmer_id", "customer_id"),
        ("InvoiceDate", "ordered_at"),
        ("Total Price", "amount"),
        ("AMOUNT", "amount"),
    ],
)
def test_did_you_mean(theirs, column):
    text = room_says(orders().rename(columns={column: theirs}))
    assert text.startswith(f"orders: column {column!r} is missing; did you mean {theirs!r}?\n")


def test_the_list_of_columns_is_bounded():
    wide = pd.DataFrame({f"x{i}": [1] for i in range(1000)} | {"customer_id": ["a"], "ordered_at": [NOW]})
    assert room_says(wide) == (
        "orders: column 'amount' is missing (what was paid; negative for a refund); "
        "the table has 'x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7' and 994 more.\n"
        "Rename yours once: schema.conform(frame, schema.ORDERS, rename={'yours': 'amount'})."
    )


def test_no_columns_and_names_that_are_no_text():
    for frame, names in (
        (pd.DataFrame(), "no columns"),
        (orders().set_axis([1, ("a", 2), None], axis=1), "1, ('a', 2), None"),
    ):
        first = conform_says(frame).split("\n")[0]
        assert first == f"orders: column 'customer_id' is missing (who the customer is); the table has {names}."


TWICE = "orders: 2 columns are named 'amount'; expected one.\nDrop or rename the others first."


def repeated(engine: str, name: str):
    if engine == "spark":
        return engines.to_engine("spark", orders()).selectExpr("*", f"1 as {name}", f"2 as {name}")
    twice = pd.concat([orders(), pd.DataFrame({0: [1, 2, 3], 1: [1, 2, 3]}).set_axis([name, name], axis=1)], axis=1)
    if engine == "pandas":
        return twice
    plain = pa.Table.from_pandas(orders())
    return plain.append_column(name, pa.array([1, 2, 3])).append_column(name, pa.array([1, 2, 3]))


REPEATING = ["pandas", "pyarrow", pytest.param("spark", marks=pytest.mark.spark)]


@pytest.mark.parametrize("kind", REPEATING)
def test_repeated_columns(kind):
    table = repeated(kind, "amount")
    wanted = TWICE.replace("2", "3", 1)
    assert conform_says(table) == conform_says(table, rename={"amount": "x"}) == room_says(table) == wanted
    found = engines.to_pandas(schema.violations(table, schema.ORDERS), sort=False)
    assert found[["column", "rule", "severity", "rows"]].values.tolist() == [
        ["amount", "duplicated column", "error", 0]
    ]


@pytest.mark.parametrize("kind", REPEATING)
def test_repeated_columns_that_no_room_reads(kind):
    table = repeated(kind, "note")
    schema.admit(table, schema.ORDERS)
    assert len(engines.to_pandas(schema.violations(table, schema.ORDERS))) == 0
    wanted = TWICE.replace("amount", "note")
    assert conform_says(table) == room_says(table, passing=True) == wanted


# ---- arguments --------------------------------------------------------------------------------------------------


def refused(**named) -> str:
    frame = named.pop("frame", orders())
    with pytest.raises(DomainError) as caught:
        schema.conform(frame, schema.ORDERS, **named)
    return str(caught.value)


def test_renaming_a_column_that_is_not_there(engine):
    table = engines.to_engine(engine, orders())
    assert refused(frame=table, rename={"paid": "amount"}) == (
        "rename names 'paid', which the table does not have; it has 'customer_id', 'ordered_at', 'amount'."
    )


def test_renaming_onto_a_column_that_is_there(engine):
    table = engines.to_engine(engine, orders(net=1.0))
    assert refused(frame=table, rename={"net": "amount"}) == (
        "rename gives 'amount' and 'net' one name, 'amount'; rename the others to a name of their own or drop them "
        "first."
    )


def test_renaming_two_columns_to_one():
    assert refused(frame=orders(a=1.0, b=2.0), rename={"a": "value", "b": "value"}) == (
        "rename gives 'a' and 'b' one name, 'value'; rename the others to a name of their own or drop them first."
    )


@pytest.mark.parametrize("zone", ["Mars/Base", "", "+02:00", "../etc/passwd", 7])
def test_a_time_zone_that_is_none(zone):
    wanted = f"time_zone must be a zone such as 'Europe/Paris' or 'UTC', got {zone!r}."
    assert refused(time_zone=zone) == wanted
    assert refused(frame=pl.from_pandas(orders()), time_zone=zone) == wanted
    assert refused(frame=duckdb.connect().from_df(orders()), time_zone=zone) == wanted


def test_an_unknown_column_of_a_table():
    with pytest.raises(KeyError) as caught:
        schema.COSTS["amount"]
    assert caught.value.args == (
        "the table costs knows no column 'amount'; it knows channel, cost, campaign, period_start, period_end",
    )


def test_all_errors_are_value_errors():
    for error in (SchemaError, DomainError, FitError):
        assert issubclass(error, CrmkitError)
        assert issubclass(error, ValueError)


def test_what_an_error_tells_to_do_can_be_done():
    """No error names a table that `crmkit.schema` lacks: tables of a room, such as "scored leads", are not there."""
    rooms = [importlib.import_module(found.name) for found in pkgutil.walk_packages(crmkit.__path__, "crmkit.")]
    tables = {id(value): value for room in rooms for value in vars(room).values() if isinstance(value, schema.Table)}
    assert len(tables) > 30
    for table in tables.values():
        for finding in name_findings(["other"], table, []):
            named = re.findall(r"schema\.([A-Z_ ]+)", finding.text)
            for name in named:
                assert getattr(schema, name).columns[0].name == table.columns[0].name
            assert named or f"The table is {table.row}. Give that one, or name your column" in finding.text
    assert "schema.RFM, rename" in name_findings(["other"], schema.RFM, [])[0].text
    with pytest.raises(SchemaError) as told:
        scoring.lead_report(pd.DataFrame({"lead_id": [1], "p_convert": [0.5]}))
    assert str(told.value) == (
        "scored leads: column 'converted' is missing (1 if it did, else 0); the table has 'lead_id', 'p_convert'.\n"
        "The table is one row per lead with a chance and what came. Give that one, or name your column 'converted'."
    )

"""Audiences: the expression as text and as data, and whom it means, against a plain evaluator."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import tags
from crmkit.errors import DomainError, SchemaError
from crmkit.tags.audiences.tree import And, Between, Compare, Contains, Missing, Not, Or, Tagged, Within
from crmkit.tags.audiences.words import KEYWORDS
from tests import engines

TEXTS = st.text(min_size=1, max_size=6).filter(lambda text: text.strip())
NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15).map(float), st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
)
DATES = st.dates(dt.date(1, 1, 1))
NAMES = st.one_of(TEXTS, st.sampled_from(["age", "地区", "and", "tag", "Contains", "a b", "x`y"]))


def spans(values):
    pairs = st.tuples(values, values).map(sorted)
    closed = pairs.map(lambda pair: (*pair, True))
    return st.one_of(closed, pairs.filter(lambda pair: pair[0] < pair[1]).map(lambda pair: (*pair, False)))


def some_tests(names, texts, numbers, dates, tag_names):
    ordered = st.one_of(numbers, dates)
    lists = st.one_of(
        *(st.lists(one, min_size=1, max_size=3).map(tuple) for one in (texts, numbers, dates, st.booleans()))
    )
    return st.one_of(
        st.builds(Compare, names, st.sampled_from(["=", "!="]), st.one_of(texts, st.booleans())),
        st.builds(Compare, names, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), ordered),
        st.builds(Within, names, lists, st.booleans()),
        st.builds(
            lambda name, span, negated: Between(name, *span, negated),
            names,
            st.one_of(spans(numbers), spans(dates)),
            st.booleans(),
        ),
        st.builds(Contains, names, texts, st.booleans()),
        st.builds(Missing, names, st.booleans()),
        st.builds(Tagged, tag_names, st.one_of(st.just(""), tag_names), st.lists(texts, max_size=2).map(tuple)),
    )


def joined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, parts))


WHERES = st.recursive(some_tests(NAMES, TEXTS, NUMBERS, DATES, TEXTS), joined, max_leaves=8)


@settings(max_examples=100)
@given(WHERES)
def test_an_expression_printed_and_read_again_is_the_same(where):
    assert tags.parse_where(tags.where_text(where)) == where


PIECES = st.sampled_from(
    [*KEYWORDS, "(", ")", "[", "]", ",", "=", "<=", "'", '"', "`", "age", "地区", "25", "10 M", "1e999", "2024-02-30"]
)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map(" ".join)))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    try:
        where = tags.parse_where(text)
    except DomainError as error:
        said = str(error)
    else:
        assert tags.parse_where(tags.where_text(where)) == where
        return
    assert said.startswith("Audience, ")
    assert said.endswith("^")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "region = and age > 3",
            "Audience, column 10: expected a 'text', a number, a date, true or false, got and.\n"
            "  region = and age > 3\n           ^",
        ),
        ("", "Audience, column 1: expected a column, tag(...), not or (, got the end.\n  \n  ^"),
        ("age in [30, 25)", "Audience, column 8: no value lies in this range.\n  age in [30, 25)\n         ^"),
        ("a = 'x", "Audience, column 5: ' is never closed.\n  a = 'x\n      ^"),
        ("a = 1\nor b ? 2", "Audience, line 2, column 6: '?' means nothing here.\n  or b ? 2\n       ^"),
        ("a < 'x'", "Audience, column 5: a text has no order; compare it by = or !=.\n  a < 'x'\n      ^"),
        ("a = 2024-02-30", "Audience, column 5: 2024-02-30 is in no calendar.\n  a = 2024-02-30\n      ^"),
        ("a = 1e999", "Audience, column 5: The number is too large.\n  a = 1e999\n      ^"),
        ("a = 1 b = 2", "Audience, column 7: expected and, or, or the end, got b.\n  a = 1 b = 2\n        ^"),
        (
            "a in (1, 'x')",
            "Audience, column 6: a list holds texts, or numbers, or dates, or true and false.\n"
            "  a in (1, 'x')\n       ^",
        ),
    ],
)
def test_an_error_points_at_its_place(text, says):
    with pytest.raises(DomainError) as caught:
        tags.parse_where(text)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "a = 1", "not " * 4000 + "a = 1", " or ".join(["a = 1"] * 201), "a" * 20_001]
)
def test_a_text_without_measure_is_refused_in_words(text):
    with pytest.raises(DomainError, match="at most"):
        tags.parse_where(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10_000_000", 1e7),
        ("10 M", 1e7),
        ("10M", 1e7),
        ("1000万", 1e7),
        ("1.1 亿", 1.1e8),
        ("-2.5K", -2500.0),
        ("3B", 3e9),
    ],
)
def test_units_of_numbers(text, number):
    assert tags.parse_where(f"revenue >= {text}") == Compare("revenue", ">=", number)


def test_precedence_is_not_then_and_then_or():
    a, b, c = (Compare(name, "=", 1.0) for name in "abc")
    assert tags.parse_where("a=1 or not b=1 and c=1") == Or((a, And((Not(b), c))))
    assert tags.parse_where("NOT (a == 1 OR b = 1) And c = 1") == And((Not(Or((a, b))), c))


# ------------------------------------------------------------------------- whom it means, by a plain evaluator

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [f"c{i:02d}" for i in range(24)],
        "region": pd.Series([("Beijing", "上海", None, " ", "x'y")[i % 5] for i in range(24)], dtype="str"),
        "age": [(25.0, 30.0, None, 29.5, math.nan)[i % 5 if i < 12 else (i * 7) % 5] for i in range(24)],
        "joined": pd.to_datetime(
            [(None, "2024-01-01 00:00", "2024-03-05 12:30", "2023-12-31 23:59")[i % 4] for i in range(24)]
        ).astype("datetime64[us]"),
        "member": np.arange(24) % 3 == 0,
    }
)
OWNED = pd.DataFrame(
    [
        (f"c{i:02d}", ("interest", "basic")[i % 2], ("phone", "level")[i % 3 % 2], ("yes", "VIP", "x")[i % 3])
        for i in range(0, 24, 2)
    ]
    + [("c00", "basic", "level", "VIP"), ("stranger", "basic", "level", "x")],
    columns=["customer_id", "dimension", "tag", "value"],
)
LOCAL_TEXTS = st.sampled_from(["Beijing", "上海", "x'y", "j", "x", "VIP", "yes"])
LOCAL_NUMBERS = st.sampled_from([25.0, 29.5, 30.0, 40.0])
LOCAL_DATES = st.sampled_from([dt.date(2024, 1, 1), dt.date(2024, 3, 5), dt.date(2023, 12, 31)])
_TEXT = some_tests(
    st.just("region"), LOCAL_TEXTS, LOCAL_NUMBERS, LOCAL_DATES, st.sampled_from(["phone", "level", "basic"])
)


def suits(test):
    """Give a test the column of its kind."""
    if isinstance(test, Tagged | Missing):
        return test
    value = test.text if isinstance(test, Contains) else None
    value = test.values[0] if isinstance(test, Within) else value
    value = test.low if isinstance(test, Between) else test.value if isinstance(test, Compare) else value
    column = {bool: "member", str: "region", float: "age", dt.date: "joined"}[type(value)]
    return type(test)(column, *[getattr(test, name) for name in test.__slots__[1:]])


LOCAL = st.recursive(_TEXT.map(suits), joined, max_leaves=8)


def means(where, row, owned):
    """Whether one customer is meant: the rules of the documentation in plain Python."""
    if isinstance(where, And):
        return all(means(part, row, owned) for part in where.parts)
    if isinstance(where, Or):
        return any(means(part, row, owned) for part in where.parts)
    if isinstance(where, Not):
        return not means(where.part, row, owned)
    if isinstance(where, Tagged):
        return any(
            tag == where.tag and where.dimension in ("", dimension) and (not where.values or value in where.values)
            for dimension, tag, value in owned
        )
    value = row[where.column]
    value = None if value is None or value != value or (isinstance(value, str) and not value.strip()) else value
    if isinstance(where, Missing):
        return (value is None) != where.negated
    if value is None:
        return False
    value = value.date() if isinstance(value, dt.datetime) else value
    if isinstance(where, Compare):
        signs = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
        return bool(getattr(value, signs[where.sign])(where.value))
    if isinstance(where, Within):
        return (value in where.values) != where.negated
    if isinstance(where, Contains):
        return (where.text in value) != where.negated
    inside = where.low <= value and (value <= where.high if where.closed else value < where.high)
    return inside != where.negated


def meant(where):
    owned = {}
    for row in OWNED.itertuples(index=False):
        owned.setdefault(row[0], []).append(row[1:])
    return [
        row["customer_id"]
        for row in CUSTOMERS.to_dict("records")
        if means(where, row, owned.get(row["customer_id"], []))
    ]


@settings(max_examples=60)
@given(LOCAL)
def test_an_audience_is_whom_a_plain_evaluator_takes(where):
    found = engines.on_polars(lambda tag, people: tags.audience(tag, people, where=where), OWNED, CUSTOMERS)
    assert found["customer_id"].tolist() == meant(where)


@settings(max_examples=8)
@given(LOCAL)
def test_and_so_does_duckdb_that_serves_pandas(where):
    assert tags.audience(OWNED, CUSTOMERS, where=tags.where_text(where))["customer_id"].tolist() == meant(where)


def test_not_takes_who_has_no_value_and_unequal_does_not():
    some = [tags.audience(None, CUSTOMERS, where=text) for text in ("region != 'Beijing'", "not region = 'Beijing'")]
    missing = CUSTOMERS["region"].isna() | (CUSTOMERS["region"] == " ")
    assert len(some[1]) - len(some[0]) == missing.sum() > 0


def test_rows_come_back_untouched():
    people = CUSTOMERS.assign(
        region=CUSTOMERS["region"].astype("category"),
        joined=CUSTOMERS["joined"].dt.tz_localize("Asia/Shanghai"),
        size=pd.array([None, 3] * 12, dtype="Int64"),
    )
    found = tags.audience(None, people, where="joined >= 2024-03-05")
    expected = people[people["joined"] >= "2024-03-05"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


def test_a_narwhals_expression_is_taken_as_it_is():
    import narwhals as nw
    import narwhals.stable.v2 as nw2

    found = [tags.audience(None, CUSTOMERS, where=one.col("age") >= 30) for one in (nw, nw2)]
    expected = CUSTOMERS.loc[CUSTOMERS["age"] >= 30, "customer_id"].tolist()
    assert [part["customer_id"].tolist() for part in found] == [expected, expected]


def test_what_can_not_be_asked_is_refused():
    with pytest.raises(DomainError, match="column 15: customers has no column height; it has customer_id, region"):
        tags.audience(None, CUSTOMERS, where="age > 20 and (height > 1)")
    with pytest.raises(DomainError, match="tags is None"):
        tags.audience(None, CUSTOMERS, where="tag('phone')")
    with pytest.raises(DomainError, match="held against a number and against a text"):
        tags.audience(None, CUSTOMERS, where="age > 20 or age = 'x'")
    with pytest.raises(SchemaError, match=r"customers\.region: the column holds text; a number is asked for"):
        tags.audience(None, CUSTOMERS, where="region > 20")
    with pytest.raises(SchemaError, match="stand in more than one row"):
        tags.audience(None, pd.concat([CUSTOMERS, CUSTOMERS[:1]]), where="age > 20")

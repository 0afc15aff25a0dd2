"""Recency, frequency and money as dots and bars: counted in the engine, few marks for many customers."""

import numpy as np
import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import SchemaError
from crmkit.plots import wording
from crmkit.plots.classes import classes
from tests.engines import to_engine
from tests.plots.drawn import assert_says, words

NBSP = "\N{NO-BREAK SPACE}"


def table(rows):
    days, orders, revenue = zip(*rows, strict=True)
    columns = {"days_since_order": days, "order_count": orders, "revenue": revenue}
    return pd.DataFrame({"customer_id": range(len(rows)), **columns}).astype(
        {"days_since_order": float, "order_count": "int64", "revenue": float}
    )


CUSTOMERS = table([(0, 1, 20.0), (0, 1, 20.5), (35, 1, 5.0), (3, 4, 80.0), (10, 2, 0.0), (None, 0, -5.0)])


def dots(figure):
    (trace,) = figure.data
    return sorted(zip(trace.x, trace.y, trace.marker.size, strict=True))


def test_dots_hold_the_customers_of_a_cell_on_every_engine(engine):
    given = to_engine(engine, CUSTOMERS)
    figure = plots.plot_recency_frequency(given)
    assert dots(figure) == [(0, 1, 2), (3, 4, 1), (10, 2, 1), (35, 1, 1)]
    assert words(figure)[0] == f"Most customers in one place: 1 order, the last 0 days ago: 2 of 5 (40{NBSP}%)"
    money = plots.plot_frequency_money(given, currency="$")
    assert dots(money) == [(1, 5.0, 1), (1, 20.25, 2), (4, 80.0, 1)]
    assert words(money)[0].startswith("Most customers in one place: 1 order, $20.00 to $20.50 in all: 2 of 4")
    assert words(money)[1].endswith("Not drawn: 1 customers without revenue.")
    (bars,) = plots.plot_order_counts(given).data
    assert (list(bars.x), list(bars.y)) == (["1", "2", "3", "4"], [3, 1, 0, 1])


def test_very_many_customers_are_few_dots():
    rng = np.random.default_rng(3)
    orders = rng.geometric(0.05, 200_000)
    many = pd.DataFrame(
        {
            "days_since_order": rng.integers(0, 3000, 200_000),
            "order_count": orders,
            "revenue": rng.lognormal(4, 2, 200_000),
        }
    )
    for figure in (plots.plot_recency_frequency(many), plots.plot_frequency_money(many)):
        (trace,) = figure.data
        assert sum(trace.marker.size) == 200_000
        assert len(trace.x) < 4000
        assert len(figure.to_json()) < 500_000  # a page of many figures stays below 8 MB
    assert len(plots.plot_order_counts(many).data[0].x) <= 13


def test_one_customer_nobody_and_a_missing_column():
    one = table([(7, 1, 12.5)])
    assert dots(plots.plot_recency_frequency(one)) == [(7, 1, 1)]
    assert dots(plots.plot_frequency_money(one)) == [(1, 12.5, 1)]
    assert words(plots.plot_order_counts(one))[0] == f"1 of 1 customers (100{NBSP}%) have ordered just once"
    for draw in (plots.plot_recency_frequency, plots.plot_frequency_money, plots.plot_order_counts):
        assert_says(draw(one.head(0)), "No customers in this table")
        assert_says(draw(table([(None, 0, -5.0)])), "No customers in this table")
    with pytest.raises(SchemaError, match="order_count"):
        plots.plot_order_counts(one.drop(columns="order_count"))


def test_currency_is_escaped_and_chinese_is_spoken():
    figure = plots.plot_frequency_money(CUSTOMERS, currency="<b>", locale="zh")
    assert "<b>" not in figure.layout.title.text.replace("<br>", "")
    assert all("<b>" not in text for text in figure.layout.yaxis.ticktext)
    assert words(plots.plot_order_counts(CUSTOMERS, locale="zh"))[0] == "5 位客户中有 3 位（60%）只下过一单"
    assert words(plots.plot_recency_frequency(CUSTOMERS, locale="zh"))[0].startswith("客户最集中：1 单")
    again = words(plots.plot_order_counts(table([(1, 3, 9.0), (2, 2, 5.0)])))[0]
    assert again == "All 2 customers have ordered more than once"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({1: 5}, [("1", 5)]),
        ({1: 90, 13: 2, 40: 1}, [("1", 90)] + [(str(n), 0) for n in range(2, 13)] + [("13+", 3)]),
        (
            {30: 50, 31: 50},
            [("1–5", 0), ("6–10", 0), ("11–15", 0), ("16–20", 0), ("21–25", 0), ("26–30", 50), ("31–35", 50)],
        ),
    ],
)
def test_classes_have_round_limits_and_lose_nobody(counts, expected):
    found = classes(counts)
    assert [(bar.name, bar.count) for bar in found][: len(expected)] == expected
    assert sum(bar.count for bar in found) == sum(counts.values())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three four", 9, ["one two ", "three ", "four"]),
        ("12 of 20 customers have ordered just once", 38, ["12 of 20 customers ", "have ordered just once"]),
        ("a" * 80, 40, ["a" * 80]),
        ("", 40, [""]),
        ("最有价值的客户，占未来价值。", 19, ["最有价值的客户，", "占未来价值。"]),
    ],
)
def test_titles_are_broken_into_lines_of_like_length(text, width, lines):
    shown = wording.wrapped(text, width)
    assert shown.split("<br>") == lines
    assert wording.plain(shown) == text


def test_what_looks_like_a_tag_is_no_line_break():
    shown = wording.wrapped("a <br> & <b>b</b>", 80)
    assert shown == "a &lt;br&gt; &amp; &lt;b&gt;b&lt;/b&gt;"
    assert wording.plain(shown) == "a <br> & <b>b</b>"


@pytest.mark.parametrize(
    ("share", "said"), [(0.9949, "99"), (0.996, "99.6"), (0.99951, ">99.9"), (1.0, "100"), (-0.5, "-50")]
)
def test_not_all_is_never_a_hundred_per_cent(share, said):
    assert wording.percent(share, "zh") == said + "%"

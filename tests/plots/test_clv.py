"""Figures of customer value hold the numbers of their tables."""

import numpy as np
import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError
from tests.engines import to_engine
from tests.plots.drawn import BAD, assert_says, is_harmless, words

NBSP = "\N{NO-BREAK SPACE}"


def valued(values, ids=None):
    clv = np.array(values, dtype=float)
    columns = {"p_order": 0.5, "expected_orders": 1.25, "clv": clv, "clv_low": 0.5 * clv, "clv_high": 2.0 * clv}
    return pd.DataFrame({"customer_id": ids or [f"c{n}" for n in range(len(clv))], **columns}).astype(
        {"customer_id": "str"}
    )


VALUES = valued([600.0, 200.0, 100.0, 50.0, 30.0, 20.0, 0.0, 0.0, 0.0, 0.0])
GROUPS = pd.DataFrame(
    {
        "group": ["web", "shop"],
        "customers": [10, 20],
        "expected_orders": [12.4, 30.0],
        "clv": [1500.0, 400.0],
        "clv_low": [1200.0, 300.0],
        "clv_high": [1900.0, 520.0],
        "clv_per_customer": [150.0, 20.0],
    }
)


def test_concentration_is_the_share_of_the_best_on_every_engine(engine):
    figure = plots.plot_customer_value(to_engine(engine, VALUES), currency="$")
    _, curve, told = figure.data
    np.testing.assert_allclose(curve.x, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0])
    np.testing.assert_allclose(curve.y, [0, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0, 1.0])
    assert (told.x[0], told.y[0]) == (0.1, 0.6)
    assert words(figure) == (
        f"The best 10{NBSP}% of customers hold 60{NBSP}% of the value to come",
        "Value held by the best customers, of $1,000 in all. Dashed: if all were worth the same.",
    )


def test_classes_of_value_hold_everybody_on_every_engine(engine):
    (bars,) = plots.plot_value_classes(to_engine(engine, VALUES), currency="$").data
    assert list(bars.y) == [
        *("less than $0.50", "$0.50 to $1", "$1 to $2", "$2 to $5", "$5 to $10", "$10 to $20", "$20 to $50"),
        *("$50 to $100", "$100 to $200", "$200 to $500", "$500 and more"),
    ]
    assert list(bars.x) == [4, 0, 0, 0, 0, 0, 2, 1, 1, 1, 1]
    assert f"$600.00 in all (60{NBSP}%)" in bars.customdata[-1].replace("<br>", " ")


def test_intervals_are_those_of_the_table():
    rows, whiskers, dots, numbers = plots.plot_value_of_groups(GROUPS, currency="$").data
    assert list(whiskers.x) == [1200.0, 1900.0, None, 300.0, 520.0, None]
    assert list(dots.x) == [1500.0, 400.0]
    assert [text.strip() for text in numbers.text] == ["$1,500", "$400.00"]
    assert list(rows.y) == [0, 0, None, -1, -1, None]
    figure = plots.plot_top_customers(VALUES, top=2, currency="$")
    assert list(figure.data[2].x) == [600.0, 200.0]
    assert words(figure)[0] == "Worth most: c0, $600.00 expected (between $300.00 and $1,200)"
    assert [note.text for note in figure.layout.annotations] == ["c0", "c1"]


def test_many_groups_are_cut_and_counted():
    many = pd.concat([GROUPS.assign(group=[f"g{n}", f"h{n}"], clv=float(n)) for n in range(20)])
    figure = plots.plot_value_of_groups(many)
    assert len(figure.data[2].x) == 25
    assert words(figure)[1].endswith("Not drawn: 15 groups worth less.")


def test_zero_one_missing_and_no_values():
    nobody, unknown = VALUES.head(0), valued([np.nan, np.nan])
    for draw in (plots.plot_customer_value, plots.plot_value_classes):
        assert_says(draw(nobody), "No customers in this table")
        said = "No value is known: the log gives nothing to learn the value of an order from"
        assert_says(draw(unknown), said)
    assert_says(plots.plot_customer_value(valued([0.0, 0.0])), "Nothing is expected of any of 2 customers")
    assert_says(plots.plot_top_customers(unknown), "No customers in this table")
    assert_says(plots.plot_value_of_groups(GROUPS.head(0), locale="zh"), "表中没有客户")
    assert list(plots.plot_value_classes(valued([0.0, 0.0])).data[0].x) == [2]
    assert list(plots.plot_customer_value(valued([5.0])).data[1].y) == [0, 1]
    assert words(plots.plot_value_classes(valued([5.0, np.nan])))[1].endswith("Not drawn: 1 without a value.")
    one = plots.plot_top_customers(valued([0.0]))
    assert one.layout.xaxis.range[0] < one.layout.xaxis.range[1]
    negative = plots.plot_value_of_groups(GROUPS.assign(clv=-5.0, clv_low=-9.0, clv_high=-1.0))
    assert negative.layout.xaxis.range[0] < -9.0


def test_very_many_customers_are_a_short_curve():
    many = pd.DataFrame({"clv": np.random.default_rng(2).lognormal(3, 2, 100_000)})
    _, curve, _ = plots.plot_customer_value(many).data
    assert len(curve.x) < 600
    clv = np.sort(many["clv"])[::-1]
    place = len(curve.x) // 2
    so_far = clv[: round(curve.x[place] * len(clv))].sum() / clv.sum()
    assert curve.y[place] == pytest.approx(so_far, rel=1e-9)  # where cells meet the curve is exact


def test_names_are_escaped_and_chinese_is_spoken():
    assert is_harmless(plots.plot_value_of_groups(GROUPS.assign(group=[BAD, "x"]), currency=BAD))
    assert is_harmless(plots.plot_top_customers(valued([9.0, 5.0], ids=[BAD, BAD + "2"]), currency="<img src=x>"))
    assert is_harmless(plots.plot_customer_value(VALUES, currency="<img src=x>"))
    assert is_harmless(plots.plot_value_classes(VALUES, currency="<img src=x>"))
    assert words(plots.plot_customer_value(VALUES, locale="zh"))[0] == "最有价值的 10% 客户占未来价值的 60%"
    assert words(plots.plot_value_of_groups(GROUPS, locale="zh"))[0] == "价值最高：web，1,500（区间 1,200 至 1,900）"
    assert words(plots.plot_value_classes(VALUES, locale="zh"))[0].startswith("最常见的价值：低于 0.50")
    with pytest.raises(DomainError, match=r"^top must lie between 1 and 50 \(customers\), got 51\.$"):
        plots.plot_top_customers(VALUES, top=51)

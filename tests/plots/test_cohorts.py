"""Figures of `cohorts` hold the numbers of their tables."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.plots.cohorts import texts
from tests.engines import to_engine
from tests.plots.said import NBSP, same_keys, title

JAN, FEB = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")
TRIANGLE = pd.DataFrame(
    [
        (JAN, 0, 100, 100, 1.0, 1),
        (JAN, 1, 100, 20, 0.2, 1),
        (JAN, 2, 100, 30, 0.3, 1),
        (FEB, 0, 50, 50, 1.0, 1),
        (FEB, 1, 50, 25, 0.5, 1),
        (FEB, 2, 50, 1, None, 0),
    ],
    columns=["cohort", "age", "customers", "active", "retention", "complete"],
).assign(low=0.1, high=0.6)


def test_the_triangle_holds_the_shares_on_every_engine(engine):
    figure = plots.plot_retention_triangle(to_engine(engine, TRIANGLE))
    cells, numbers = figure.data
    assert [list(line) for line in cells.z] == [[0.2, 0.3], [0.5, None]]
    assert list(cells.x) == [1, 2]
    assert list(numbers.text) == ["20", "30", "50"]
    # 45 of 150 together, not the mean of 20 % and 50 %.
    assert title(figure) == f"30{NBSP}% of new customers order again 1 month later"
    assert "Not over yet" in cells.hovertext[1][1]


def test_many_ages_are_told_by_shade_and_scale():
    rows = [(JAN, age, 100, 50, 0.5, 1) for age in range(30)]
    table = pd.DataFrame(rows, columns=["cohort", "age", "customers", "active", "retention", "complete"])
    figure = plots.plot_retention_triangle(table.assign(low=0.1, high=0.6))
    assert (len(figure.data), figure.data[0].showscale) == (1, True)


REVENUE = TRIANGLE.drop(columns=["active", "retention"]).assign(
    revenue_per_customer=[10.0, 5.0, -2.0, 8.0, 1.0, 0.0],
    cumulative_revenue=[1000.0, 1500.0, 1300.0, 400.0, 450.0, 450.0],
    cumulative_per_customer=[10.0, 15.0, 13.0, 8.0, 9.0, 9.0],
)


def test_revenue_is_what_a_customer_has_brought_so_far():
    figure = plots.plot_cohort_revenue(REVENUE, currency="$")
    assert [list(line) for line in figure.data[0].z] == [[10.0, 15.0, 13.0], [8.0, 9.0, None]]
    assert title(figure) == "$13.00 per customer after 3 months: $13.00 to $13.00 by cohort"
    refunded = plots.plot_cohort_revenue(REVENUE.assign(cumulative_per_customer=-5.0))
    assert (refunded.data[0].zmin, refunded.data[1].text[0]) == (-5.0, "−5.0")


@pytest.mark.parametrize(
    ("period", "locale", "name"),
    [
        ("month", "en", f"Jan{NBSP}2024"),
        ("quarter", "en", "Q1 2024"),
        ("week", "en", f"1{NBSP}Jan{NBSP}2024"),
        ("month", "zh", "2024年1月"),
        ("quarter", "zh", "2024年第1季度"),
    ],
)
def test_cohorts_are_named_by_their_period(period, locale, name):
    figure = plots.plot_retention_triangle(TRIANGLE, period=period, locale=locale)
    assert figure.layout.yaxis.ticktext[0].startswith(f"{name} · ")


def test_what_is_not_there_is_said():
    assert title(plots.plot_retention_triangle(TRIANGLE.head(0))) == "No cohorts in this table"
    assert title(plots.plot_cohort_revenue(REVENUE.head(0), locale="zh")) == "表中没有客户群组"
    assert title(plots.plot_retention_triangle(TRIANGLE[:1])) == "No later month is over yet: 100 new customers"


def test_chinese_has_every_word():
    assert same_keys(texts)

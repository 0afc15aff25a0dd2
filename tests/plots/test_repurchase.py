"""Figures of the forecast and of its checks hold the numbers of their tables."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import plots, purchases, repurchase
from crmkit.errors import DomainError
from crmkit.models.regularity_mixture import RegularityMixture
from crmkit.plots import wording
from tests.engines import to_engine
from tests.plots.drawn import BAD, assert_says, is_harmless, words

NBSP = "\N{NO-BREAK SPACE}"
FIT = purchases.PurchaseFit(
    process=RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1, 3), (0.6, 0.4)),
    compared=(),
    choice="",
    customers=100,
    money=None,
)
AS_OF = dt.date(2024, 6, 30)


def day(text):
    return pd.Timestamp(text)


def forecast(rows):
    names = ["customer_id", "p_order", "next_order_day", "window_start", "window_end", "status", "basis"]
    frame = pd.DataFrame(rows, columns=names)
    dates = dict.fromkeys(names[2:5], "datetime64[us]")
    return frame.astype({"customer_id": "str", "status": "str", "basis": "str", **dates})


FORECAST = forecast(
    [
        ("ann", 0.9, "2024-07-03", "2024-07-01", "2024-07-09", "due", "own history"),
        ("bob", 0.2, "2024-07-07", "2024-07-02", "2024-08-01", "new", "pooled"),
        ("cy", 0.4, "2024-07-08", "2024-07-05", "2024-07-20", "not due", "own history"),
        ("dee", 0.01, "2024-09-01", "2024-07-05", "2025-07-20", "lapsed", "own history"),
        ("eve", 0.3, "2025-07-08", "2025-07-05", "2025-07-20", "not due", "own history"),
    ]
)
GRID = pd.DataFrame(
    {
        "frequency": [0, 1, 1, 2, 2],
        "recency": [0, 100, 60, 100, 60],
        "T": 100,
        "days_since_order": [100, 0, 40, 0, 40],
        "p_alive": [0.5, 1.0, 0.6, 1.0, 0.4],
        "p_order": [0.05, 0.3, 0.2, 0.5, 0.1],
        "expected_orders": [0.06, 0.35, 0.22, 0.8, 0.11],
    }
)
TRACKING = pd.DataFrame(
    {
        "period_start": [day("2024-01-01"), day("2024-01-08"), day("2024-01-15")],
        "period_end": [day("2024-01-07"), day("2024-01-14"), day("2024-01-21")],
        "part": ["fitted", "fitted", "holdout"],
        "actual_orders": [4, 6, 11],
        "expected_orders": [4.4, 5.5, 10.0],
        "actual_so_far": [4, 10, 21],
        "expected_so_far": [4.4, 9.9, 19.9],
    }
)
COUNTS = pd.DataFrame({"repeat_orders": [0, 1, 2], "customers": [60, 30, 10], "expected_customers": [58.6, 31.0, 10.4]})
GAPS = pd.DataFrame(
    {"from_days": [1, 8, 15], "to_days": [7.0, 14.0, np.nan], "gaps": [2, 6, 2], "random_gaps": [5.0, 3.0, 2.0]}
)


def test_grid_holds_the_cells_of_its_table():
    figure = plots.plot_forecast_grid(GRID, horizon_days=30)
    (cells,) = figure.data
    assert list(cells.x) == [0, 40, 100]
    assert [list(row) for row in cells.z] == [[None, None, 0.05], [0.3, 0.2, None], [0.5, 0.1, None]]
    assert words(figure) == (
        f"Likeliest to order: 50{NBSP}%, after 2 repeat orders and 0 days of silence",
        "Probability of an order within 30 days, of customers who came 100 days ago.",
    )
    assert f"50{NBSP}%" in cells.customdata[2][0][1]
    orders = plots.plot_forecast_grid(GRID, value="expected_orders")
    assert words(orders)[0] == "Most orders expected: 0.80, after 2 repeat orders and 0 days of silence"
    assert words(plots.plot_forecast_grid(GRID, value="p_alive"))[0].startswith(f"Surest to be alive: 100{NBSP}%")
    with pytest.raises(DomainError, match=r'^value must be "p_order", "expected_orders" or "p_alive", got \'x\'\.$'):
        plots.plot_forecast_grid(GRID, value="x")


def test_tracking_draws_both_lines_and_the_split():
    figure = plots.plot_order_tracking(TRACKING)
    actual, expected = figure.data
    assert (list(actual.y), list(expected.y)) == ([4, 6, 11], [4.4, 5.5, 10.0])
    assert (actual.line.dash, expected.line.dash) == (None, "dash")  # never by colour alone
    assert pd.Timestamp(figure.layout.shapes[0].x0) == day("2024-01-14")
    assert (
        words(figure)[0] == f"After 14{NBSP}Jan{NBSP}2024: 11 repeat orders, 10 expected (10{NBSP}% more than expected)"
    )
    so_far = plots.plot_order_tracking(TRACKING, value="so_far")
    assert (list(so_far.data[0].y), list(so_far.data[1].y)) == ([4, 10, 21], [4.4, 9.9, 19.9])
    fitted = plots.plot_order_tracking(TRACKING[:2])
    assert words(fitted)[0].startswith(f"Up to 14{NBSP}Jan{NBSP}2024: 10 repeat orders, 10 expected (1.0{NBSP}% more")
    assert len(plots.plot_order_tracking(TRACKING[2:]).layout.shapes) == 0  # a log that begins after the split
    with pytest.raises(DomainError, match="value must be"):
        plots.plot_order_tracking(TRACKING, value="week")


def test_repeat_counts_and_gaps_hold_their_tables():
    counts = plots.plot_repeat_counts(COUNTS)
    assert [list(bars.y) for bars in counts.data] == [[60, 30, 10], [58.6, 31.0, 10.4]]
    assert list(counts.data[0].x) == ["0", "1", "2+"]
    assert words(counts)[0] == "No repeat order: 60 of 100 customers; the model expects 59"
    gaps = plots.plot_order_gaps(GAPS)
    assert [list(trace.y) for trace in gaps.data] == [[2, 6, 2], [5.0, 3.0, 2.0]]
    assert list(gaps.data[0].x) == ["1–7", "8–14", "15+"]
    assert words(gaps)[0] == f"Most frequent gap: 8–14 days, 6 of 10 (60{NBSP}%); at random 3"


def test_customers_are_due_in_the_week_of_their_day_on_every_engine(engine):
    figure = plots.plot_repurchase_forecast(to_engine(engine, FORECAST), weeks=2)
    own, pooled = figure.data
    assert [str(week)[:10] for week in own.x] == ["2024-07-01", "2024-07-08"]  # Mondays
    assert (list(own.y), list(pooled.y)) == ([1, 1], [1, 0])
    assert words(figure)[0] == f"Most customers due: 2 in the week of 1{NBSP}Jul{NBSP}2024"
    assert words(figure)[1].endswith("Not drawn: 1 lapsed, 1 later.")
    assert own.marker.color != pooled.marker.color


def test_windows_are_those_of_the_likeliest(engine):
    figure = plots.plot_order_windows(to_engine(engine, FORECAST), top=2, horizon_days=30)
    lines, dots = figure.data
    assert [str(end)[:10] for end in lines.x] == [
        "2024-07-01",
        "2024-07-09",
        "None",
        "2024-07-05",
        "2024-07-20",
        "None",
    ]
    assert [str(middle)[:10] for middle in dots.x] == ["2024-07-03", "2024-07-08"]
    assert list(figure.layout.yaxis.ticktext) == ["ann  ", "cy  "]
    assert words(figure)[0] == f"Likeliest to order: ann, 90{NBSP}% within 30 days"


def test_names_of_customers_are_shown_as_they_are_written():
    figure = plots.plot_order_windows(FORECAST.assign(customer_id=BAD))
    assert is_harmless(figure)
    assert words(figure)[0].startswith(f"Likeliest to order: {BAD}")
    assert wording.escaped(BAD) in figure.data[1].customdata[0][0]
    products = FORECAST.assign(product_id=BAD)
    assert is_harmless(plots.plot_order_windows(products))


def test_empty_tables_say_so():
    for draw, table in [
        (plots.plot_forecast_grid, GRID),
        (plots.plot_order_tracking, TRACKING),
        (plots.plot_repeat_counts, COUNTS),
        (plots.plot_order_gaps, GAPS),
        (plots.plot_repurchase_forecast, FORECAST),
    ]:
        assert_says(draw(table.head(0)), "No rows in this table")
        assert_says(draw(table.head(0), locale="zh"), "表中没有数据")
    assert_says(plots.plot_order_gaps(GAPS.assign(gaps=0)), "No gaps: no customer ordered on two days")
    assert_says(plots.plot_order_windows(FORECAST.head(0)), "No customer with a window to draw")
    assert_says(plots.plot_repurchase_forecast(FORECAST[3:4]), "Nobody is due: every customer has lapsed (1)")


def test_chinese_figures_speak_chinese():
    said = [
        words(plots.plot_forecast_grid(GRID, horizon_days=30, locale="zh"))[1],
        words(plots.plot_order_tracking(TRACKING, locale="zh"))[0],
        words(plots.plot_repeat_counts(COUNTS, locale="zh"))[0],
        words(plots.plot_order_gaps(GAPS, locale="zh"))[0],
        words(plots.plot_repurchase_forecast(FORECAST, locale="zh"))[0],
        words(plots.plot_order_windows(FORECAST, horizon_days=30, locale="zh"))[0],
    ]
    assert said == [
        "首单在 100 天前的客户未来 30 天内下单的概率。",
        "2024年1月14日之后：复购 11 单，预期 10 单（比预期多10%）",
        "未复购：100 位客户中 60 位；模型预期 59 位",
        "最常见的间隔：8–14 天，10 个中的 6 个（60%）；随机时 3 个",
        "预计下单最集中：2024年7月1日那一周，2 位客户",
        "最可能下单：ann，30 天内 90%",
    ]


def test_what_the_room_makes_can_be_drawn():
    rng = np.random.default_rng(1)
    orders = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 40, 300),
            "ordered_at": day("2023-01-01") + pd.to_timedelta(rng.integers(0, 540, 300), unit="D"),
            "amount": 10.0,
        }
    )
    split = dt.date(2024, 1, 31)
    figures = [
        plots.plot_forecast_grid(repurchase.forecast_grid(orders, as_of=AS_OF, fit=FIT)),
        plots.plot_order_tracking(repurchase.order_tracking(orders, as_of=AS_OF, split=split, fit=FIT)),
        plots.plot_repeat_counts(repurchase.repeat_counts(orders, as_of=AS_OF, fit=FIT)),
        plots.plot_order_gaps(repurchase.order_gaps(orders, as_of=AS_OF)),
        plots.plot_repurchase_forecast(repurchase.repurchase_forecast(orders, as_of=AS_OF, fit=FIT)),
        plots.plot_order_windows(repurchase.repurchase_forecast(orders, as_of=AS_OF, fit=FIT)),
    ]
    assert all(len(figure.data) for figure in figures)


@pytest.mark.parametrize("library", ["polars-lazy", "duckdb", "pyarrow"])
def test_finished_tables_of_every_library_are_read_alike(library):
    assert plots.plot_order_tracking(to_engine(library, TRACKING)) == plots.plot_order_tracking(TRACKING)
    assert plots.plot_forecast_grid(to_engine(library, GRID)) == plots.plot_forecast_grid(GRID)
    with pytest.raises(DomainError, match=r"^top must lie between 1 and 50 \(customers\), got 0\.$"):
        plots.plot_order_windows(FORECAST, top=0)
    with pytest.raises(DomainError, match=r"^weeks must be at least 1, got 0\.$"):
        plots.plot_repurchase_forecast(FORECAST, weeks=0)

"""Figures of `funnel` hold the numbers of their tables."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError
from crmkit.plots.funnel import texts
from tests.engines import to_engine
from tests.plots.drawn import BAD, NBSP, is_escaped, same_keys, title

FUNNEL = pd.DataFrame(
    {
        "place": [1, 2, 3],
        "stage": ["lead", "quote", "won"],
        "entered": [100, 60, 20],
        "passed": [60, 20, 0],
        "stopped": [40, 30, 0],
        "open": [0, 10, 0],
        "conversion": [0.6, 0.4, None],
        "low": [0.5, 0.3, None],
        "high": [0.7, 0.5, None],
        "lowest": [0.6, 1 / 3, None],
        "highest": [0.6, 0.5, None],
        "threshold": [0.5, 0.6, None],
        "status": ["ok", "below", ""],
        "bottleneck": [0, 1, 0],
        "conversion_before": [None, 0.5, None],
        "verdict": ["", "down", ""],
    }
)


def test_a_funnel_holds_deals_shares_and_thresholds(engine):
    figure = plots.plot_funnel(to_engine(engine, FUNNEL))
    bars, shares = figure.data
    assert (list(bars.x), list(shares.x)) == ([100, 60, 20], [0.6, 0.4])
    assert list(shares.marker.symbol) == ["circle", "diamond"]
    assert [line.x0 for line in figure.layout.shapes] == [0.5, 0.6]
    assert title(figure) == f"quote is the bottleneck: 40{NBSP}% go on, 60{NBSP}% are wanted"
    assert f"<b>40{NBSP}% · bottleneck</b>" in [note.text for note in figure.layout.annotations]


def test_one_of_several_funnels_is_drawn():
    several = pd.concat([FUNNEL.assign(team="a"), FUNNEL.assign(team="b", bottleneck=0)])
    with pytest.raises(DomainError, match=r"^table holds several funnels\."):
        plots.plot_funnel(several, by="team")
    figure = plots.plot_funnel(several, by="team", group="b", locale="zh")
    assert title(figure) == "b：100 个商机中 20 个到达“won”；没有阶段确定低于阈值"


def forecast(rows):
    table = pd.DataFrame(rows, columns=["kind", "first_day", "last_day", "from_open", "from_new", "forecast"])
    table[["first_day", "last_day"]] = table[["first_day", "last_day"]].apply(pd.to_datetime)
    known = {
        "won_so_far": 0.0,
        "tests": 12,
        "wape": 0.1,
        "naive": "last period",
        "naive_wape": 0.2,
        "verdict": "better",
    }
    return table.assign(low=table["forecast"] - 10.0, high=table["forecast"] + 20.0, **known)


FORECAST = forecast(
    [
        ("total", "2024-07-01", "2024-08-31", 110.0, 90.0, 200.0),
        ("month", "2024-08-01", "2024-08-31", 30.0, 70.0, 100.0),
        ("month", "2024-07-01", "2024-07-31", 80.0, 20.0, 100.0),
    ]
)


def test_a_forecast_stands_on_its_parts_behind_what_came():
    days = pd.to_datetime(["2024-05-01", "2024-06-01", "2024-06-01", "2024-07-01"])
    past = pd.DataFrame({"kind": ["month"] * 3 + ["total"], "first_day": days, "actual": [5.0, 6.0, 6.0, 99.0]})
    figure = plots.plot_sales_forecast(FORECAST, backtest=past, currency="$")
    came, from_open, from_new, whole = figure.data
    assert (list(came.x), list(came.y)) == ([0, 1], [5.0, 6.0])
    assert (list(from_open.x), list(from_open.y), list(from_new.y)) == ([2, 3], [80.0, 30.0], [20.0, 70.0])
    assert (list(whole.error_y.array), list(whole.error_y.arrayminus)) == ([20.0, 20.0], [10.0, 10.0])
    assert title(figure) == (f"$200.00 expected from 1{NBSP}Jul{NBSP}2024 to 31{NBSP}Aug{NBSP}2024: $190.00 to $220.00")


DURATIONS = pd.DataFrame(
    {
        "place": [0, 1, 2],
        "stage": ["sales cycle", "lead", "quote"],
        "watched": [10, 10, 5],
        "ended": [8, 9, 1],
        "median_days": [30.0, 12.0, None],
        "low": [20.0, 10.0, None],
        "high": [45.0, None, None],
        "median_before": [25.0, None, None],
        "verdict": ["up", "", ""],
    }
)


def test_durations_hold_medians_and_leave_out_what_has_none():
    before, now = plots.plot_stage_durations(DURATIONS).data
    assert (list(now.x), list(now.y), list(before.x)) == ([30.0, 12.0], [0, 1], [25.0])
    assert list(now.error_x.array) == [15.0, None]
    assert title(plots.plot_stage_durations(DURATIONS)) == "lead takes longest: 12 days in the median"


def test_empty_tables_say_so():
    empty = [
        plots.plot_funnel(FUNNEL.head(0)),
        plots.plot_sales_forecast(FORECAST.head(0)),
        plots.plot_stage_durations(DURATIONS[2:], locale="zh"),
    ]
    assert [title(figure) for figure in empty] == ["No deals in this table", "No months in this table", "表中没有阶段"]


def test_names_are_shown_as_they_are_written():
    assert is_escaped(plots.plot_funnel(FUNNEL.assign(stage=BAD)))
    assert is_escaped(plots.plot_stage_durations(DURATIONS.assign(stage=BAD)))
    assert is_escaped(plots.plot_sales_forecast(FORECAST, currency=BAD))


def test_chinese_has_every_word():
    assert same_keys(texts)

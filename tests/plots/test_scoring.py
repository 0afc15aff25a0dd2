"""Figures of `scoring` hold the numbers of their tables."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError
from crmkit.plots.scoring import texts
from tests.engines import to_engine
from tests.plots.said import BAD, NBSP, is_escaped, same_keys, title

SCORES = pd.DataFrame(
    {
        "score": [0.0, 10.0, 10.5, 35.0, 60.0, 80.0, -5.0],
        "band": ["cold", "cold", "cold", "warm", "ready", "ready", None],
    }
)


def test_scores_are_counted_by_band_on_every_engine(engine):
    figure = plots.plot_lead_scores(to_engine(engine, SCORES))
    # From -5 to 80 in at most 40 bars: 85 / 40 = 2.1, so bars of 5 points; the lead without a band comes first.
    assert [(list(bar.x), list(bar.y)) for bar in figure.data] == [
        ([-2.5], [1]),
        ([2.5, 12.5], [1, 2]),
        ([37.5], [1]),
        ([62.5, 82.5], [1, 1]),
    ]
    assert title(figure) == f"Ready for sales: 2 of 7 leads (29{NBSP}%)"


def test_one_lead_and_learnt_points_are_drawn():
    figure = plots.plot_lead_scores(pd.DataFrame({"points": [57.08], "band": ["high"]}), locale="zh")
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([57.5], [1])
    assert title(figure) == "高：1 条线索中的 1 条（100%）"


def explained(rows):
    table = pd.DataFrame(rows, columns=["lead_id", "rule", "points"])
    return table.assign(group="g", events=2, first_at=pd.Timestamp("2024-05-03"), last_at=pd.Timestamp("2024-05-08"))


WHY = explained([("ann", "webinar", 25.0), ("ann", "paper", 45.0), ("ann", "cap", -20.0), ("bob", "paper", 15.0)])


def test_a_score_falls_apart_into_its_rules_on_every_engine(engine):
    figure = plots.plot_score_breakdown(to_engine(engine, WHY), lead_id="ann")
    (steps,) = figure.data
    assert list(steps.x) == [45.0, 25.0, -20.0, None]
    assert list(steps.measure) == ["relative"] * 3 + ["total"]
    assert [note.text for note in figure.layout.annotations] == ["+45", "+25", "−20", "<b>50</b>"]
    assert title(figure) == "Lead ann: 50 points, most from paper (+45)"
    assert f"2 events, 3{NBSP}May{NBSP}2024 to 8{NBSP}May{NBSP}2024" in steps.hovertext[0]


def test_many_rules_are_drawn_as_a_few_and_the_others():
    many = explained([("ann", f"rule {k:02d}", float(k)) for k in range(1, 31)])
    figure = plots.plot_score_breakdown(many, lead_id="ann", top=5)
    assert list(figure.data[0].x) == [30.0, 29.0, 28.0, 27.0, 26.0, sum(range(1, 26)), None]
    assert title(plots.plot_score_breakdown(many, lead_id="eve")) == "No points: no rule holds for lead eve"


GAIN = pd.DataFrame(
    {
        "leads": [10, 10, 30],
        "predicted": [0.5, 0.3, 0.1],
        "observed": [0.6, 0.2, 0.1],
        "lift": [2.7, 0.9, 0.45],
        "leads_so_far": [0.2, 0.4, 1.0],
        "gain": [0.55, 0.73, 1.0],
    }
)


def test_lift_and_gain_hold_the_table():
    (bars,) = plots.plot_lift(GAIN[::-1]).data
    assert (list(bars.y), list(bars.width)) == ([2.7, 0.9, 0.45], pytest.approx([0.2, 0.2, 0.6]))
    assert title(plots.plot_lift(GAIN)) == f"The first 20{NBSP}% of leads convert 2.7 times as often as all"
    (line,) = plots.plot_gain(GAIN).data
    assert (list(line.x), list(line.y)) == ([0.0, 0.2, 0.4, 1.0], [0.0, 0.55, 0.73, 1.0])
    assert title(plots.plot_gain(GAIN)) == f"The first 20{NBSP}% of leads hold 55{NBSP}% of all conversions"


def test_calibration_marks_what_lies_outside():
    table = GAIN.assign(observed_low=[0.4, 0.05, 0.02], observed_high=[0.8, 0.25, None])
    (points,) = plots.plot_calibration(table).data
    assert list(points.marker.symbol) == ["circle", "diamond-open", "circle"]
    assert list(points.error_y.array) == [None, pytest.approx(0.05), pytest.approx(0.2)]
    assert title(plots.plot_calibration(table, locale="zh")) == "3 组中有 2 组的预测落在实际结果的区间内"


BINS = {
    "column": ["source"] * 3,
    "kind": ["categories", "categories", "missing"],
    "lower": [None] * 3,
    "upper": [None] * 3,
    "categories": [("web",), ("fair", "call"), ()],
    "points": [-3.5, 8.0, 0.0],
    "woe": [-0.4, 0.9, 0.0],
    "count": [900.0, 100.0, 0.0],
    "rate": [0.1, 0.4, None],
}


def test_bins_hold_their_evidence():
    figure = plots.plot_bin_points(BINS, column="source")
    assert list(figure.data[0].x) == [-0.4, 0.9, 0.0]
    assert list(figure.layout.yaxis.ticktext) == ["web", "fair and 1 more", "missing"]
    assert title(figure) == f"source: 40{NBSP}% convert if fair and 1 more, 10{NBSP}% if web"
    with pytest.raises(DomainError, match=r"^column must be one of those learnt, got 'x'\.\nLearnt: source\.$"):
        plots.plot_bin_points(BINS, column="x")
    with pytest.raises(DomainError, match=r"^bins lack woe\."):
        plots.plot_bin_points({name: cells for name, cells in BINS.items() if name != "woe"}, column="source")


def test_empty_tables_say_so():
    empty = [plots.plot_lead_scores(SCORES.head(0)), plots.plot_lift(GAIN.head(0)), plots.plot_gain(GAIN.head(0))]
    assert [title(figure) for figure in empty] == ["No leads in this table"] * 3
    assert (
        title(plots.plot_score_breakdown(WHY.head(0), lead_id="ann", locale="zh")) == "无分数：没有规则适用于线索 ann"
    )


def test_names_are_shown_as_they_are_written():
    assert is_escaped(plots.plot_lead_scores(SCORES.assign(band=BAD)))
    assert is_escaped(plots.plot_score_breakdown(WHY.assign(rule=BAD), lead_id="ann"))
    assert is_escaped(plots.plot_bin_points({**BINS, "column": [BAD] * 3, "categories": [(BAD,)] * 3}, column=BAD))


def test_chinese_has_every_word():
    assert same_keys(texts)

"""Figures of `attribution` and `journeys` hold the numbers of their tables."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError
from crmkit.plots.attribution import texts
from tests.engines import to_engine
from tests.plots.drawn import BAD, NBSP, is_escaped, same_keys, title


def credit(rows):
    table = pd.DataFrame(rows, columns=["model", "channel", "conversions"])
    ends = {"conversions_low": table["conversions"] - 2.0, "conversions_high": table["conversions"] + 3.0}
    return table.assign(**ends, share=0.5)


CREDIT = credit([("last", "mail", 10.0), ("last", "fair", 30.0), ("mine", "mail", 40.0), ("mine", "fair", 5.0)])


def test_credit_stands_by_the_highest_figure_with_intervals(engine):
    figure = plots.plot_channel_credit(to_engine(engine, CREDIT))
    last, mine = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["mail", "fair"]
    assert (list(last.x), list(mine.x)) == ([10.0, 30.0], [40.0, 5.0])
    assert (set(last.error_x.array), set(last.error_x.arrayminus)) == ({3.0}, {2.0})
    assert [(box.x0, box.x1) for box in figure.layout.shapes] == [(10.0, 40.0), (5.0, 30.0)]
    assert title(figure) == "mail: 10 to 40 conversions, depending on the model"


def test_one_model_has_no_legend_and_no_range():
    figure = plots.plot_channel_credit(CREDIT[:2], locale="zh")
    assert (len(figure.layout.shapes), figure.layout.showlegend) == (0, None)
    assert title(figure) == "fair：转化 30，为各渠道之首"
    with pytest.raises(DomainError, match=r"^models must be 1 to 4 of those in the table, got \['x'\]\."):
        plots.plot_channel_credit(CREDIT, models=["x"])


def test_what_no_channel_earned_is_drawn_but_leads_no_title():
    both = credit([("last", "(unattributed)", 90.0), ("last", "mail", 10.0)])
    figure = plots.plot_channel_credit(both)
    assert list(figure.layout.yaxis.ticktext) == ["(unattributed)", "mail"]
    assert title(figure).startswith("mail: 10 conversions")
    assert title(plots.plot_channel_credit(both[:1])).startswith("(unattributed): 90")


def test_many_channels_are_cut_and_counted():
    many = credit([("last", f"channel {k:02d}", float(k)) for k in range(40)])
    figure = plots.plot_channel_credit(many)
    assert len(figure.data[0].x) == 15
    assert "Not drawn: 25 smaller channels." in figure.layout.title.subtitle.text.replace("<br>", " ")


PATHS = pd.DataFrame(
    {
        "path": ["mail", "mail > fair"],
        "conversions": [3, 9],
        "nulls": [1, 0],
        "conversion_rate": [0.75, 1.0],
        "value": [30.0, None],
        "days_to_convert": [0.0, 2.25],
    }
)


def test_paths_stand_by_conversions():
    figure = plots.plot_paths(PATHS)
    assert list(figure.data[0].x) == [9, 3]
    assert list(figure.layout.yaxis.ticktext) == ["mail → fair", "mail"]
    assert [note.text for note in figure.layout.annotations] == [f"9 · 100{NBSP}%", f"3 · 75{NBSP}%"]
    assert title(figure) == "Most sales come by mail → fair: 9 conversions"


STEPS = pd.DataFrame(
    [
        ("(start)", "mail", 10, 1.0),
        ("mail", "(conversion)", 4, 0.4),
        ("mail", "mail", 1, 0.1),
        ("mail", "(null)", 5, 0.5),
        ("fair", "(conversion)", 1, 1.0),
    ],
    columns=["channel", "next_channel", "steps", "share"],
)


def test_steps_join_what_was_to_what_came_next():
    figure = plots.plot_transitions(STEPS)
    (flow,) = figure.data
    assert list(flow.node.label) == ["start", "mail", "fair", "mail", "conversion", "no conversion"]
    joined = zip(flow.link.source, flow.link.target, flow.link.value, strict=True)
    assert set(joined) == {(0, 3, 10), (1, 4, 4), (1, 3, 1), (1, 5, 5), (2, 4, 1)}
    assert title(figure) == "Most sales follow mail: 4 journeys go from it to a conversion"
    assert (
        len(plots.plot_transitions(pd.concat([STEPS.assign(channel=f"c{k}") for k in range(20)])).data[0].link.value)
        == 60
    )


RETURNS = pd.DataFrame(
    {
        "channel": ["fair", "mail", "web"],
        "cost": [100.0, 50.0, None],
        "value": [80.0, 200.0, 5.0],
        "roas": [0.8, 4.0, None],
        "roas_low": [0.5, 3.0, None],
        "roas_high": [1.1, 5.0, None],
        "note": ["", "", "No cost on record: no ratios."],
    }
)


def test_returns_stand_by_return_and_tell_break_even():
    figure = plots.plot_channel_returns(RETURNS)
    (points,) = figure.data
    assert (list(points.x), list(points.marker.symbol)) == ([4.0, 0.8], ["circle", "diamond"])
    assert title(figure) == "Highest return: mail, 4.00 per 1 spent (3.00 to 5.00)"
    assert "No cost on record: web." in figure.layout.title.subtitle.text.replace("<br>", " ")


PLAN = pd.DataFrame(
    {
        "channel": ["fair", "mail", "web"],
        "spend_now": [100.0, 50.0, None],
        "suggested": [80.0, 70.0, None],
        "change": [-20.0, 20.0, None],
        "change_share": [-0.2, 0.4, None],
        "value_now": [80.0, 200.0, None],
        "value_expected": [70.0, 217.0, None],
        "reason": ["Less.", "More.", "None."],
    }
)


def test_a_budget_is_drawn_before_and_after():
    figure = plots.plot_reallocation(PLAN, currency="$")
    now, then = figure.data
    assert (list(now.x), list(then.x)) == ([50.0, 100.0], [70.0, 80.0])
    assert list(then.marker.symbol) == ["triangle-right", "triangle-left"]
    # 287 instead of 280 is 2.5 % more.
    assert title(figure) == f"The same $150.00 would bring +2.5{NBSP}% with $20.00 moved"
    still = PLAN.assign(suggested=PLAN["spend_now"], change=0.0, change_share=0.0)
    assert title(plots.plot_reallocation(still, locale="zh")) == "不作调整：各渠道的回报无法区分"


def test_empty_tables_say_so():
    empty = [
        plots.plot_channel_credit(CREDIT.head(0)),
        plots.plot_paths(PATHS.head(0)),
        plots.plot_transitions(STEPS.head(0)),
        plots.plot_channel_returns(RETURNS[2:]),
        plots.plot_reallocation(PLAN.head(0), locale="zh"),
    ]
    assert [title(figure) for figure in empty] == [
        "No channel has any credit in this table",
        "No paths in this table",
        "No steps in this table",
        "No channel has a cost on record",
        "无可调整：没有渠道有成本记录",
    ]


def test_names_are_shown_as_they_are_written():
    assert is_escaped(plots.plot_channel_credit(CREDIT.assign(channel=BAD, model=BAD)[:1]))
    assert is_escaped(plots.plot_paths(PATHS.assign(path=BAD)))
    assert is_escaped(plots.plot_transitions(STEPS.assign(channel=BAD)))
    assert is_escaped(plots.plot_channel_returns(RETURNS.assign(channel=BAD, note=BAD)))
    assert is_escaped(plots.plot_reallocation(PLAN.assign(channel=BAD, reason=BAD)))


def test_chinese_has_every_word():
    assert same_keys(texts)

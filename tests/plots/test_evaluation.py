"""Figures of back-tests and comparisons hold the numbers of their results."""

import datetime as dt
from dataclasses import replace

import pytest

from crmkit import evaluation, plots
from crmkit.errors import DomainError
from crmkit.evaluation import Backtest, CutDay, Figure, Verdict
from crmkit.models.forecast_scores import Bin, Gain
from tests.plots.drawn import BAD, assert_says, is_harmless, words

NBSP = "\N{NO-BREAK SPACE}"


def figure_of(method, value, metric="rmse", question="counts", cut="all"):
    return Figure(cut, question, method, metric, value, 0.9 * value, 1.2 * value, 500)


BACKTEST = Backtest(
    as_of=dt.date(2024, 6, 30),
    horizon_days=30,
    level=0.8,
    cuts=(CutDay(dt.date(2024, 5, 31), 500, 90, 120),),
    figures=(
        figure_of("all zeros", 0.9),
        figure_of("own rate", 0.7),
        figure_of("forecast", 0.5),
        figure_of("forecast", 0.4, cut="2024-05-31"),
        figure_of("forecast", 0.3, metric="mae"),
        figure_of("forecast", 0.11, metric="brier", question="probability"),
    ),
    advantages=(),
    calibration=(Bin(250.0, 0.05, 0.04, 0.02, 0.08), Bin(250.0, 0.4, 0.44, 0.38, 0.5), Bin(1.0, 0.3, 0.0, None, None)),
    gain=(Gain(100.0, 1.2, 1.0, 4.0, 0.2, 0.8), Gain(400.0, 0.1, 0.06, 0.25, 1.0, 1.0)),
    verdicts=(Verdict("counts", "ready", 300, ()),),
)


def test_calibration_holds_predictions_outcomes_and_intervals():
    figure = plots.plot_calibration(BACKTEST)
    _, dots = figure.data
    assert (list(dots.x), list(dots.y)) == ([0.05, 0.4, 0.3], [0.04, 0.44, 0.0])
    assert list(dots.error_y.array) == pytest.approx([0.04, 0.06, 0.0])
    assert list(dots.error_y.arrayminus) == pytest.approx([0.02, 0.06, 0.0])
    assert words(figure)[0] == f"Likeliest group: 40{NBSP}% predicted, 44{NBSP}% ordered (38{NBSP}% to 50{NBSP}%)"


def test_gain_runs_from_nothing_to_all():
    figure = plots.plot_gain(BACKTEST)
    assert (list(figure.data[1].x), list(figure.data[1].y)) == ([0, 0.2, 1.0], [0, 0.8, 1.0])
    assert words(figure)[0] == f"The first 20{NBSP}% of customers place 80{NBSP}% of all order days"


def test_methods_stand_beside_the_forecast_with_the_verdict():
    figure = plots.plot_backtest(BACKTEST)
    _, whiskers, dots, _ = figure.data
    assert list(dots.x) == [0.5, 0.7, 0.9]  # all cuts, one metric, the forecast first
    assert list(whiskers.x[:2]) == pytest.approx([0.45, 0.6])
    assert dots.marker.color[0] != dots.marker.color[1]
    assert words(figure)[0] == "Number of orders: ready. Error 0.5, best baseline 0.7 (own rate)"
    alone = plots.plot_backtest(BACKTEST, question="probability")
    assert words(alone)[0] == "Probability to order: error 0.11"
    little = replace(BACKTEST, verdicts=(Verdict("counts", "too_little_data", 9, ()),))
    assert words(plots.plot_backtest(little))[0] == "Number of orders: too little data for a verdict"
    with pytest.raises(DomainError, match=r"^question must be"):
        plots.plot_backtest(BACKTEST, question="money")


def test_a_comparison_is_drawn_with_its_words():
    found = evaluation.compare_proportions(412, 2000, 478, 2000, smallest_effect=0.005)
    figure = plots.plot_comparison(found)
    assert figure.data[2].x[0] == pytest.approx(3.3)
    assert list(figure.data[1].x[:2]) == pytest.approx([100 * found.low, 100 * found.high])
    assert words(figure)[0] == found.words()
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (-0.5, 0.5)
    means = plots.plot_comparison(evaluation.compare_means(20.0, 5.0, 50, 18.0, 6.0, 60), currency="$")
    assert means.data[2].x[0] == pytest.approx(-2.0)
    assert means.data[3].text[0].strip() == "−$2.00"


def test_nothing_to_draw_is_said():
    bare = replace(BACKTEST, figures=(), calibration=(), gain=(), verdicts=())
    for draw in (plots.plot_calibration, plots.plot_gain, plots.plot_backtest):
        assert_says(draw(bare), "The forecast that was tested gives nothing to draw here")
    assert_says(plots.plot_backtest(BACKTEST, question="timing", locale="zh"), "被检验的预测没有可画的内容")


def test_names_are_escaped_and_chinese_is_spoken():
    found = evaluation.compare_proportions(5, 20, 9, 20, names=(BAD, BAD + "2"))
    assert is_harmless(plots.plot_comparison(found))
    assert (
        words(plots.plot_backtest(BACKTEST, locale="zh"))[0]
        == "订单次数：可以使用。误差 0.5，最好的基线 0.7（自身频率）"
    )
    assert words(plots.plot_gain(BACKTEST, locale="zh"))[0] == "前 20% 的客户贡献全部下单日的 80%"
    assert words(plots.plot_calibration(BACKTEST, locale="zh"))[0].startswith("概率最高的一组：预测 40%")

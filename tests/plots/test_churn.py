"""Figures of `churn` hold the numbers of their tables."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError, SchemaError
from crmkit.plots.churn import texts
from tests.engines import to_engine
from tests.plots.said import BAD, NBSP, is_escaped, same_keys, title


def alerts(rows):
    columns = ["customer_id", "rule", "severity", "reason", "value_at_risk"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(since=pd.Timestamp("2024-06-03"), play="Call.")


ALERTS = alerts(
    [
        (7, "dormant", "info", "Silent.", 50.0),
        (8, "off_cycle", "critical", "Late.", 300.0),
        (9, "dormant", "warning", "Silent.", None),
        (3, "own_rule", "warning", "So.", 50.0),
    ]
)


def test_alerts_stand_by_value_at_risk_on_every_engine(engine):
    figure = plots.plot_alerts(to_engine(engine, ALERTS), currency="$", top=3)
    (bars,) = figure.data
    assert list(bars.x) == [300.0, 50.0, 50.0]  # ties by customer: 3 before 7
    heads = figure.layout.yaxis.ticktext
    assert [head.split("<br>")[0] for head in heads] == ["8", "3", "7"]
    assert [note.text for note in figure.layout.annotations] == [
        "$300.00 · critical",
        "$50.00 · warning",
        "$50.00 · info",
    ]
    assert title(figure) == "Most is at stake with 8: $300.00"
    assert f"Since 3{NBSP}Jun{NBSP}2024; critical" in bars.hovertext[0]


def test_alerts_without_a_value_come_last_and_say_so():
    figure = plots.plot_alerts(ALERTS)
    assert list(figure.data[0].x) == [300.0, 50.0, 50.0, None]
    assert figure.layout.annotations[3].text == "– · warning"
    assert title(plots.plot_alerts(ALERTS[2:3])) == "1 alerts, no value on record"


def risk(rows):
    return pd.DataFrame(rows, columns=["p_no_order", "value_at_risk"])


def test_risk_is_counted_in_bands_whose_lower_edge_is_in_them(engine):
    table = risk([(0.6, 30.0), (0.59999, 10.0), (1.0, 20.0), (0.0, None), (0.8, 40.0)])
    customers, money = plots.plot_churn_risk(to_engine(engine, table)).data
    assert list(customers.x) == pytest.approx([0.4, 0.2, 0.2, 0.0, 0.2])
    assert list(money.x) == pytest.approx([0.6, 0.3, 0.1, 0.0, 0.0])


def test_risk_without_money_speaks_of_customers():
    figure = plots.plot_churn_risk(risk([(0.9, 0.0), (0.1, None), (0.95, 0.0)]))
    assert title(figure) == f"2 of 3 customers: 80{NBSP}% to 100{NBSP}% likely to stay away"
    assert list(figure.data[1].x) == [None] * 5


def retention(group=None):
    rows = [(1, 100, 10, 0.9, 0.85, 0.94, "observed"), (2, 50, 5, 0.81, 0.7, 0.88, "observed")]
    rows.append((3, None, None, 0.75, 0.6, 0.85, "projected"))
    table = pd.DataFrame(rows, columns=["period", "at_risk", "ended", "survival", "low", "high", "basis"])
    table = table.assign(check="holds")
    return table if group is None else table.assign(plan=group)


def test_curves_begin_at_1_and_go_on_dotted():
    figure = plots.plot_retention(retention())
    band, seen, ahead = figure.data
    assert (list(seen.x), list(seen.y)) == ([0, 1, 2], [1.0, 0.9, 0.81])
    assert (list(ahead.x), list(ahead.y), ahead.line.dash) == ([2, 3], [0.81, 0.75], "dot")
    assert list(band.y) == [1.0, 0.94, 0.88, 0.85, 0.6, 0.7, 0.85, 1.0]
    assert title(figure) == f"75{NBSP}% are still there after 3 months"


def test_six_groups_are_drawn_and_the_others_named():
    table = pd.concat([retention(f"plan {k}").assign(at_risk=100 - k) for k in range(8)])
    figure = plots.plot_retention(table, by="plan", period="year", locale="zh")
    assert len(figure.data) == 3 * 6
    assert "plan 6, plan 7" in figure.layout.title.subtitle.text.replace("<br>", " ")


def parts(rows):
    return pd.DataFrame(rows, columns=["metric", "colour", "lost"])


HEALTH = parts(
    [("logins", "red", 40.0), ("logins", "green", 0.0), ("tickets", "yellow", 10.0), ("tickets", None, None)]
)


def test_health_is_counted_by_metric_on_every_engine(engine):
    figure = plots.plot_health_contributions(to_engine(engine, HEALTH))
    red, yellow, green, unknown = (list(bar.x) for bar in figure.data)
    assert [red, yellow, green, unknown] == [[0.5, 0.0], [0.0, 0.5], [0.5, 0.0], [0.0, 0.5]]
    assert title(figure) == "logins costs most: 20 of 100 points in the mean of 2 customers"


def test_empty_tables_say_so_in_both_languages():
    drawn = [
        plots.plot_alerts(ALERTS.head(0)),
        plots.plot_churn_risk(risk([]).astype(float)),
        plots.plot_retention(retention().head(0), locale="zh"),
        plots.plot_health_contributions(HEALTH.head(0), locale="zh"),
    ]
    assert [(title(figure), len(figure.data)) for figure in drawn] == [
        ("No alerts in this table: nobody is on the list", 0),
        ("No customers in this table", 0),
        ("表中没有合同", 0),
        ("表中没有指标", 0),
    ]


def test_names_are_shown_as_they_are_written():
    bad = alerts([(BAD, BAD, BAD, BAD, 5.0)])
    assert is_escaped(plots.plot_alerts(bad, currency=BAD))
    assert is_escaped(plots.plot_retention(retention(BAD), by="plan"))
    assert is_escaped(plots.plot_health_contributions(HEALTH.assign(metric=BAD)))


def test_chinese_says_the_same():
    assert same_keys(texts)
    assert title(plots.plot_alerts(ALERTS, currency="¥", locale="zh")) == "风险最大：8，¥300.00"
    with pytest.raises(DomainError, match=r"locale must be"):
        plots.plot_alerts(ALERTS, locale="fr")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(DomainError, match=r"^top must be at least 1, got 0\.$"):
        plots.plot_alerts(ALERTS, top=0)
    with pytest.raises(SchemaError, match="p_no_order"):
        plots.plot_churn_risk(ALERTS)

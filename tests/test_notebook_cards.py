"""What a notebook shows of results: short, escaped, and nothing that is not in the result."""

import dataclasses
import datetime as dt
import html
import re

import numpy as np
import pandas as pd
import pytest

from crmkit import churn, datasets, evaluation, purchases, scoring
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.nbd import NBD
from crmkit.models.pareto_nbd import ParetoNBD
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.shifted_beta_geometric import ShiftedBetaGeometric
from crmkit.notebook_cards import notebook_card

EVIL = '<script>alert("x")</script>&'
DAY = dt.date(1997, 9, 30)


def cells(card):
    return [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", card)]


def test_every_text_is_escaped_wherever_it_stands():
    card = notebook_card(EVIL, lines=[EVIL], columns=[EVIL], rows=[[EVIL]])
    assert "<script" not in card
    assert card.count(html.escape(EVIL)) == 4


def test_cells_say_numbers_as_people_read_them():
    card = notebook_card("t", columns=["a"] * 6, rows=[[1.23456, 7, None, float("nan"), float("inf"), "text"]])
    assert cells(card) == ["1.235", "7", "", "", "not known", "text"]
    assert "<table" not in notebook_card("t", lines=["a", ""], columns=["a"])


@pytest.mark.parametrize(
    ("model", "title"),
    [
        (RegularBetaGeometric("MBG", 0.5, 43.0, 0.9, 1.6, k=2), "MBG/CNBD-2"),
        (ParetoNBD(0.55, 74.0, 0.6, 81.0), "Pareto/NBD"),
        (NBD(0.38, 84.0), "NBD"),
        (GammaGamma(6.25, 3.74, 15.44), "Gamma-Gamma"),
        (ShiftedBetaGeometric(0.7, 1.2), "Shifted beta-geometric"),
    ],
)
def test_a_model_shows_its_parameters_and_that_they_were_given(model, title):
    card = model._repr_html_()
    assert f"<strong>{title}</strong>" in card
    assert "as given, not estimated" in card
    expected = [text for name, value in model.parameters.items() for text in (name, f"{value:.4g}", "")]
    assert cells(card) == expected


def test_a_purchase_fit_shows_process_choice_errors_and_money():
    fit = purchases.fit_purchase_process(datasets.load_cdnow(sample=True), as_of=DAY, model="bg")
    card = fit._repr_html_()
    assert "<strong>Purchase fit: BG/NBD</strong>" in card
    assert html.escape(fit.choice) in card
    assert html.escape(fit.money.status) in card
    shown = cells(card)
    # Fader, Hardie & Lee (2005): r .243 with standard error .0126; it has no unit of time.
    assert shown[:3] == ["r", "0.2426", "0.01256"]
    assert [name for name in shown if name.startswith("spend: ")] == ["spend: p", "spend: q", "spend: gamma"]
    assert "BG/NBD" in fit.process._repr_html_()
    without = dataclasses.replace(fit, money=None)._repr_html_()
    assert "spend" not in without
    assert len(card) < 5_000


def test_a_scorecard_shows_each_rule_once_with_its_points():
    card = scoring.seventy_points()
    shown = cells(card._repr_html_())
    assert len(shown) == 3 * len(card.rules)
    assert shown[:2] == ["Who they are", "+20"]
    assert "Ready for sales" in card._repr_html_()
    spoiled = dataclasses.replace(card, name=EVIL, overrides=(scoring.Override(EVIL_RULE, "disqualify", WHEN),))
    assert "<script" not in spoiled._repr_html_()
    assert "disqualifies: score 0" in spoiled._repr_html_()


EVIL_RULE, WHEN = "bad_mail", scoring.Attribute(column="email", ends_with=(EVIL,))


def test_a_lead_model_shows_verdict_reach_and_suspects():
    rng, n = np.random.default_rng(1), 1_500
    came = rng.random(n) < 0.3
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    leads = pd.DataFrame({"lead_id": np.arange(n), "created_at": day, "size": rng.normal(size=n) + came})
    leads["converted_at"] = (leads["created_at"] + pd.Timedelta(days=3)).where(pd.Series(came))
    leads["stage"] = np.where(came, "won", "open")
    model = scoring.fit_lead_model(leads, as_of=dt.date(2024, 12, 31), horizon_days=30)
    card = model._repr_html_()
    assert html.escape(model.words()) in card
    rows = [cells(card)[i : i + 4] for i in range(0, len(cells(card)), 4)]
    assert [row[0] for row in rows] == ["size", "stage"]
    points = [b.hundredths - model.card.columns[0].reference for b in model.card.columns[0].bins]
    assert rows[0][1:] == [f"{min(points) / 100:.4g}", f"{max(points) / 100:.4g}", ""]
    assert "predicts alone" in rows[1][3]


def test_a_backtest_shows_verdicts_and_its_own_figures():
    def everybody(orders, cut, horizon_days):
        return pd.DataFrame({"customer_id": orders["customer_id"].unique()}).assign(p_order=0.2)

    found = evaluation.backtest(
        datasets.load_cdnow(sample=True), as_of=dt.date(1998, 6, 30), horizon_days=91, forecast=everybody, cuts=1
    )
    card = found._repr_html_()
    assert html.escape(found.words().splitlines()[0]) in card
    own = [f for f in found.figures if f.cut == "all" and f.method == "forecast"]
    assert cells(card)[1::5] == [figure.metric for figure in own]


def test_models_of_churn_and_uplift_show_their_words():
    company = datasets.simulate_company(400, rng=np.random.default_rng(1), days=730, crm=None)
    model = churn.fit_churn_model(company.orders, as_of=dt.date(2023, 12, 31), snapshots=1)
    assert html.escape(model.words()) in model._repr_html_()
    rng = np.random.default_rng(2)
    campaign = pd.DataFrame({"customer_id": np.arange(600), "visits": rng.normal(size=600)})
    campaign["treated"], campaign["returned"] = rng.integers(0, 2, 600), rng.integers(0, 2, 600)
    fit = churn.fit_uplift(campaign, features=["visits"], rng=rng)
    assert html.escape(fit.words()) in fit._repr_html_()
    assert fit.verdict in fit._repr_html_()

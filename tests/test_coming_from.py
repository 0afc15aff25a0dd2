"""The pages for people who come from elsewhere: both sides on one data set, and the numbers that the pages print."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit import attribution

PAGES = Path(__file__).parent.parent / "docs" / "coming_from"


def run(name):
    """Run our blocks of a page; those marked "py" hold calls of the package that people come from."""
    names: dict = {}
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for source in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        exec(compile(source, name, "exec"), names)
    return names, text


def rows_of(text):
    """Cells of every table row whose last cells are numbers."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def printed(cell):
    """A number as the page prints it, and half a unit of its last digit."""
    digits = len(cell.partition(".")[2])
    return float(cell), 0.51 * 10.0**-digits


@pytest.fixture(scope="module")
def beside_lifetimes():
    pytest.importorskip("lifetimes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes warns on current pandas and NumPy
        text = (PAGES / "lifetimes.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```(python|py)\n(.*?)```", text, flags=re.S)
        names: dict = {}
        for _, source in blocks:
            exec(compile(source, "lifetimes.md", "exec"), names)
    return names, text


def test_both_summaries_agree_for_every_customer(beside_lifetimes):
    names, _ = beside_lifetimes
    theirs, ours = names["theirs"], names["ours"].set_index("customer_id")
    for column in ("frequency", "recency", "T"):
        assert (theirs[column] == ours[column]).all()
    np.testing.assert_allclose(theirs["monetary_value"], ours["monetary_value"], atol=1e-9)


def test_both_fits_are_what_the_page_prints(beside_lifetimes):
    names, text = beside_lifetimes
    theirs = {**names["bg"].params_, **names["spend"].params_}
    theirs["v (gamma)"] = theirs["v"]
    ours = {**names["process"], **names["money"]}
    ours["v (gamma)"] = ours["gamma"]
    rows = rows_of(text)
    for name in ("r", "alpha", "a", "b", "p", "q", "v (gamma)"):
        for cell, value in zip(rows[name], (theirs[name], ours[name]), strict=True):
            shown, half = printed(cell)
            assert abs(value - shown) < half, name


def test_both_forecasts_agree_for_every_customer(beside_lifetimes):
    names, _ = beside_lifetimes
    forecast = names["forecast"].set_index("customer_id")
    # The fits differ in the seventh digit: each stops where its optimiser is content.
    np.testing.assert_allclose(forecast["expected_orders"], names["expected"], atol=1e-5)
    np.testing.assert_allclose(forecast["p_alive"], names["alive"], atol=1e-6)
    assert round(forecast["expected_orders"].sum()) == 1653
    assert names["taken_over"].parameters == pytest.approx(names["process"], rel=1e-5)


def test_what_the_page_says_of_one_timers_and_of_a_at_1_is_so(beside_lifetimes):
    names, _ = beside_lifetimes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bg = names["bg"]
        assert bg.conditional_probability_alive(0, 0, 273) == pytest.approx(1.0)
        at_one = names["lifetimes"].BetaGeoFitter()
        at_one.params_ = bg.params_.copy()
        at_one.params_["a"] = 1.0
        assert not np.isfinite(at_one.conditional_expected_number_of_purchases_up_to_time(273, 3, 100, 273))


def test_log_likelihoods_are_the_published_ones():
    names, text = run("pymc_marketing")
    for model, title in {"bg": "BG/NBD", "mbg": "MBG/NBD", "pareto": "Pareto/NBD", "nbd": "NBD"}.items():
        published, ours = rows_of(text)[title]
        shown, half = printed(ours)
        assert abs(names["found"][model] - shown) < half
        assert float(published) == float(ours)


def test_paths_by_hand():
    names, text = run("channel_attribution")
    np.testing.assert_allclose(names["share"]["markov_1"], [0.2, 0.4, 0.4], rtol=1e-9)
    np.testing.assert_allclose(names["share"]["markov_3"], [1 / 3] * 3, rtol=1e-9)
    two = names["by_two"]
    np.testing.assert_allclose(two.loc[["G", "M"], "markov_1"], [2.4, 1.6])
    np.testing.assert_allclose(two.loc[["G", "M"], "shapley"], [2.5, 1.5])
    assert rows_of(text)["alpha"] == [".5584", "5344.95"]


def test_path_data_is_what_the_page_prints(data):
    table = pd.read_csv(data / "PathData.csv").rename(
        columns={"total_conversions": "conversions", "total_conversion_value": "value", "total_null": "nulls"}
    )
    credit = attribution.attribute_paths(table, models="markov_1", replicates=2, rng=np.random.default_rng(1))
    ours = credit.set_index("channel")["conversions"]
    rows = rows_of((PAGES / "channel_attribution.md").read_text(encoding="utf-8"))
    for channel in ("alpha", "iota", "eta", "beta", "theta"):
        shown, half = printed(rows[channel][1])
        assert abs(ours[channel] - shown) < half


def test_mbg_cnbd_is_what_was_published():
    names, text = run("r_rfm_and_btydplus")
    rows = rows_of(text)
    titles = {"k chosen by likelihood": "k", "r": "r", "alpha (weeks)": "alpha", "a": "a", "b": "b"}
    for title, name in titles.items():
        shown, half = printed(rows[title][1])
        assert abs(names["in_weeks"][name] - shown) < half
        assert rows[title][0] == rows[title][1]
    shown, half = printed(rows["log-likelihood (weeks)"][1])
    assert abs(names["log_likelihood"] - shown) < half

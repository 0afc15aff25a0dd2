"""Purchase processes fitted to a log: published figures through the room, what is chosen and said, what is refused."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest

from crmkit import clv, datasets, purchases, summary
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models.histories import Histories
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.purchases.choice import chosen
from crmkit.purchases.holdout import Holdout
from tests import engines

CUT = dt.date(1997, 9, 30)
COLUMNS = ["customer_id", "frequency", "recency", "T", "monetary_value", "sum_log_gap"]


@pytest.fixture(scope="module")
def cdnow():
    return summary.purchase_summary(datasets.load_cdnow(sample=True), as_of=CUT)


@pytest.fixture(scope="module")
def auto(cdnow):
    return purchases.fit_purchase_process(cdnow)


@pytest.fixture(scope="module")
def bg(cdnow):
    return purchases.fit_purchase_process(cdnow, model="bg")


def base(*rows):
    """Summary of frequency, recency, T, monetary_value; gaps all alike."""
    table = pd.DataFrame(rows, columns=["frequency", "recency", "T", "monetary_value"]).assign(
        customer_id=lambda t: np.arange(len(t))
    )
    gap = table["recency"] / table["frequency"].clip(lower=1)
    return table.assign(
        sum_log_gap=np.where(table["frequency"] > 0, table["frequency"] * np.log(gap.clip(lower=1)), 0)
    )[COLUMNS].astype({"monetary_value": "float64"})


def one_timers(n):
    return base(*[(0, 0, 100 + i, 0.0) for i in range(n)])


# ------------------------------------------------------------------------------------------- published figures


def test_bg_of_the_cdnow_sample_is_the_published_one(bg):
    """Fader, Hardie & Lee (2005), table 2; weeks there, so alpha is 7 times theirs."""
    fit = bg
    r, alpha, a, b = fit.process.parameters.values()
    # Days since the first order differ from the paper's weeks by rounding to whole days: a few units of the 3rd digit.
    np.testing.assert_allclose([r, alpha / 7, a, b], [0.2426, 4.4136, 0.7929, 2.4259], rtol=2e-3)
    assert fit.customers == 2357
    assert fit.status == "converged"
    assert fit.choice == f"BG/NBD was asked for; log-likelihood {fit.compared[0].log_likelihood:.1f}."


def test_gamma_gamma_of_the_cdnow_sample_is_the_published_one(auto):
    """Fader & Hardie (2013): 946 repeat customers, p 6.25, q 3.74, gamma 15.44."""
    money = auto.money
    assert money.repeat_customers == 946
    assert money.one_timers == 2357 - 946
    assert [round(v, 2) for v in (money.model.p, money.model.q, money.model.gamma)] == [6.25, 3.74, 15.44]
    assert money.correlation == pytest.approx(0.114, abs=5e-4)  # the note's "simple correlation ... .11"
    assert money.status == (
        "Gamma-Gamma: converged. Value unrelated to frequency: not met: frequent customers spend more per order, so "
        "the value of frequent customers is misjudged."
    )


def test_of_a_summary_the_choice_is_the_smallest_bic_and_says_so(cdnow, auto):
    names = [candidate.name for candidate in auto.compared]
    assert names[:2] == ["MBG/NBD", "BG/NBD"]
    assert sorted(names) == sorted(
        ["MBG/NBD", "BG/NBD", "Pareto/NBD", "NBD", "MBG/CNBD regularity mixture"]
    )  # the search for k ends at 1: the same as MBG/NBD, named once
    assert [c.bic for c in auto.compared] == sorted(c.bic for c in auto.compared)
    best, second = auto.compared[:2]
    assert auto.choice == (
        f"MBG/NBD was chosen among 5 processes by BIC, as a summary has no days to hold out: its {best.bic:.1f} is the "
        f"smallest, {second.bic - best.bic:.1f} ahead of BG/NBD. The two are close: forecasts of both are worth "
        f"comparing."
    )
    assert {c.holdout_score for c in auto.compared} == {None}
    for candidate in auto.compared:
        assert candidate.aic == pytest.approx(2 * candidate.parameters - 2 * candidate.log_likelihood)
        assert candidate.bic == pytest.approx(candidate.parameters * np.log(2357) - 2 * candidate.log_likelihood)
    # A density per week is one per day times 7, for each repeat order day; Batislam et al.'s -9582.14 counts sevenths
    # of weeks from purchase to purchase as the days here do.
    assert best.log_likelihood + cdnow["frequency"].sum() * np.log(7) == pytest.approx(-9582.136, abs=0.01)


def test_regular_buyers_get_the_mixture_or_a_regularity():
    rng = np.random.default_rng(3)
    T = np.floor(rng.uniform(500, 2000, 800))
    h = RegularBetaGeometric("MBG", 3.0, 60.0, 0.5, 4.0, 3).simulate(T, rng)
    t = np.where(h.x > 0, np.minimum(np.maximum(np.ceil(h.t_x), h.x), T), 0)
    gaps = np.minimum(h.sum_log_gap, h.x * np.log(np.maximum(t, 1) / np.maximum(h.x, 1)))
    table = pd.DataFrame(
        {"customer_id": range(800), "frequency": h.x.astype(int), "recency": t, "T": T, "sum_log_gap": gaps}
    )
    fit = purchases.fit_purchase_process(table)
    assert fit.compared[0].name == "MBG/CNBD-3"
    assert fit.compared[0].parameters == 5  # k counts
    assert fit.money is None  # the table has no monetary_value
    without = purchases.fit_purchase_process(table.drop(columns="sum_log_gap"))
    assert {c.model for c in without.compared} == {"nbd", "bg", "mbg", "pareto"}


# ------------------------------------------------------------------------------------------- chosen by a holdout


@pytest.fixture(scope="module")
def fifth():
    orders = datasets.load_cdnow(sample=True)
    return orders[orders["customer_id"] % 5 == 0]


@pytest.fixture(scope="module")
def held(fifth):
    return purchases.fit_purchase_process(fifth, as_of=CUT, judge="chance")


def test_a_log_is_held_out_and_what_is_simpler_within_an_error_wins(held, fifth):
    """The figures by hand: fit to the past of each cut, score what came, one customer after the other."""
    logs = {}
    for model in ("bg", "mbg"):
        for back in (1, 2):
            cut = CUT - dt.timedelta(days=68 * back)  # 272 days from 1 January to 30 September, a quarter each
            table = summary.holdout_summary(fifth, as_of=cut, horizon_days=68)
            process = purchases.fit_purchase_process(table, model=model).process
            x, t, T, y = (table[n].to_numpy(float) for n in ("frequency", "recency", "T", "holdout_order_days"))
            assert y.max() < 20  # in the room, counts of 20 and more are one
            chances = process.purchase_count_probabilities(Histories.in_order(x, t, T), 68.0, 20)
            logs[model, back] = np.log(chances[np.arange(len(y)), y.astype(int)])
    scores = {model: (logs[model, 1].mean() + logs[model, 2].mean()) / 2 for model in ("bg", "mbg")}
    found = {c.model: c.holdout_score for c in held.compared}
    assert found["bg"] == pytest.approx(scores["bg"], abs=1e-9)
    assert found["mbg"] == pytest.approx(scores["mbg"], abs=1e-9)
    error = np.mean([(logs["bg", k] - logs["mbg", k]).std(ddof=1) / np.sqrt(len(y)) for k in (1, 2)])
    # Within one error of each other, of equally many parameters: the smaller BIC, which is the best score here, too.
    assert held.choice == (
        f"BG/NBD was chosen among 5 processes by a rolling holdout (2 cuts, 68 days each, {2 * len(y)} customers): "
        f"its mean log score of {scores['bg']:.4f} is the best, {scores['bg'] - scores['mbg']:.4f} (standard error "
        f"{error:.4f}) ahead of MBG/NBD."
    )
    assert [c.holdout_score for c in held.compared] == sorted((c.holdout_score for c in held.compared), reverse=True)
    assert purchases.PurchaseFit.from_json(held.to_json()) == held
    # What was chosen is fitted to the whole log.
    assert held.process == purchases.fit_purchase_process(fifth, as_of=CUT, model="bg").process


def test_another_engine_names_and_rows_after_as_of_choose_nothing(held, fifth):
    assert fifth["ordered_at"].max() > pd.Timestamp("1998-06-01")
    past = fifth[fifth["ordered_at"] < "1997-10-01"].assign(customer_id=lambda t: "c" + t["customer_id"].astype(str))
    shuffled = past.sample(frac=1, random_state=1).reset_index(drop=True)
    assert purchases.fit_purchase_process(engines.to_engine("polars", shuffled), as_of=CUT, judge="chance") == held


def test_clv_of_orders_chooses_by_the_holdout_of_orders(fifth, held):
    fit = purchases.fit_purchase_process(fifth, as_of=CUT, judge="orders")
    found = clv.expected_orders(fifth, as_of=CUT, horizon_days=30)
    pd.testing.assert_frame_equal(found, clv.expected_orders(fifth, as_of=CUT, horizon_days=30, fit=fit))
    # The score by hand: the errors of both cuts over the smallest of each among the candidates.
    errors = {}
    for model in ("nbd", "bg", "mbg", "pareto", "mbg_cnbd", "mbg_regularity_mixture"):
        parts = []
        for back in (1, 2):
            cut = CUT - dt.timedelta(days=68 * back)
            table = summary.holdout_summary(fifth, as_of=cut, horizon_days=68)
            e = clv.expected_orders(table, horizon_days=68, fit=purchases.fit_purchase_process(table, model=model))
            e, y = e["expected_orders"], table["holdout_order_days"]
            parts.append([((e - y) ** 2).sum(), ((np.log1p(e) - np.log1p(y)) ** 2).sum()])
        errors[model] = np.sum(parts, axis=0)
    least = np.min(list(errors.values()), axis=0)
    scores = {c.model: c.holdout_score for c in fit.compared}
    for model, error in errors.items():
        assert scores.get(model, -(error / least).mean()) == pytest.approx(-(error / least).mean(), abs=1e-9)
    assert len(scores) >= 4  # a mixture that came out as another process is not listed twice
    # Candidates fitted once for both purposes: each fit is the one that was asked for alone.
    assert purchases.fit_for_judges(fifth, as_of=CUT) == {"orders": fit, "chance": held}
    with pytest.raises(DomainError, match='judge must be "orders" or "chance", got \'clicks\''):
        purchases.fit_purchase_process(fifth, as_of=CUT, judge="clicks")


def a_holdout(scores, error):
    return Holdout("chance", 68, 4000, scores, {(a, b): error for a in scores for b in scores})


def fits_of(*rows):
    return [(name, purchases.Candidate(name, name, free, -10.0, 0.0, bic, status)) for name, free, bic, status in rows]


def test_where_the_holdout_cannot_tell_the_likelihood_decides():
    good = "converged"
    fits = fits_of(("large", 9, 80.0, good), ("small", 4, 70.0, good), ("even", 4, 60.0, good), ("far", 2, 10.0, good))
    scores = {"large": -1.0, "small": -1.01, "even": -1.015, "far": -2.0}
    process, compared, words = chosen(fits, a_holdout(scores, 0.01))
    assert process == "even"  # .015 behind the best with an error of .01, and of those near it the smallest BIC
    assert words.endswith(
        "within two standard errors (0.0100 each) of the best, large (-1.0000), and its BIC is the smallest of these."
    )
    assert [c.name for c in compared] == ["large", "small", "even", "far"]
    process, _, words = chosen(fits, a_holdout(scores, 0.0049))
    assert process == "large"
    assert words.endswith("is the best, 0.0100 (standard error 0.0049) ahead of small.")
    unsettled = fits_of(("large", 9, 50.0, "not converged: x"), ("small", 4, 70.0, good), ("far", 2, 10.0, good))
    assert chosen(unsettled, a_holdout(scores, 0.0049))[0] == "small"
    assert chosen(fits, "the log is short")[0] == "far"
    assert chosen(fits, a_holdout({}, 0.0))[2].startswith(
        "far was chosen among 4 processes by BIC, as no process could be fitted to the past"
    )


@pytest.mark.parametrize(
    ("until", "customers", "why"),
    [
        ("1997-02-20", None, "the log spans 50 days, a holdout needs 56"),
        ("1997-09-30", 99, "only 99 customers are known at 1997-07-24, a holdout needs 100"),
    ],
)
def test_a_short_log_is_chosen_by_bic_and_says_why(fifth, until, customers, why):
    orders = fifth
    if customers:
        early = orders.groupby("customer_id")["ordered_at"].min().sort_values().index[:customers]
        orders = orders[orders["customer_id"].isin(early)]
    fit = purchases.fit_purchase_process(orders, as_of=dt.date.fromisoformat(until))
    assert f" by BIC, as {why}: " in fit.choice


def test_a_large_base_is_fitted_whole_to_what_each_judge_takes(fifth, monkeypatch):
    """Compared on a sample; what each judge takes is then fitted to everyone, once."""
    taken = {"orders": "bg", "chance": "mbg"}
    whole = {model: purchases.fit_purchase_process(fifth, as_of=CUT, model=model).process for model in taken.values()}

    def by_name(fits, held):
        process = next(process for process, candidate in fits if candidate.model == taken[held.judge])
        return process, chosen(fits, held)[1], "by name"

    monkeypatch.setattr("crmkit.purchases.holdout.SAMPLE", 200)
    monkeypatch.setattr("crmkit.purchases.choice.chosen", by_name)
    found = purchases.fit_for_judges(fifth, as_of=CUT)
    assert {judge: fit.process for judge, fit in found.items()} == {j: whole[model] for j, model in taken.items()}


def test_regular_buyers_are_seen_in_the_holdout():
    """A simulated log of customers who buy every 20 days or so, each at a pace of their own."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(150):
        days = rng.uniform(0, 100) + np.cumsum(rng.gamma(6.0, rng.gamma(4, 5.0) / 6.0, 40))
        rows += [(i, int(d)) for d in np.unique(np.floor(days[: rng.geometric(0.05)])) if d < 400]
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    at = pd.Timestamp("2022-01-01") + pd.to_timedelta(table.pop("day"), unit="D")
    fit = purchases.fit_purchase_process(table.assign(ordered_at=at, amount=1.0), as_of=dt.date(2023, 2, 4))
    assert "CNBD" in fit.process.name
    assert fit.compared[0].holdout_score > next(c.holdout_score for c in fit.compared if c.model == "mbg")


# ------------------------------------------------------------------------------------------- one result, kept


def test_a_fit_survives_json_and_pickle(auto):
    assert purchases.PurchaseFit.from_json(auto.to_json()) == auto
    assert pickle.loads(pickle.dumps(auto)) == auto
    assert len(auto.to_json()) < 8_000
    with pytest.raises(AttributeError):
        auto.customers = 3


@pytest.mark.parametrize("model", ["nbd", "bg", "mbg", "pareto", "bg_cnbd", "mbg_cnbd", "mbg_regularity_mixture"])
def test_every_model_is_fitted_by_name_and_kept(cdnow, model):
    fit = purchases.fit_purchase_process(cdnow, model=model)
    assert [candidate.model for candidate in fit.compared] == [model]
    assert purchases.PurchaseFit.from_json(fit.to_json()) == fit


def test_orders_and_their_summary_give_one_fit(cdnow, bg):
    assert purchases.fit_purchase_process(datasets.load_cdnow(sample=True), as_of=CUT, model="bg") == bg
    assert purchases.fit_purchase_process(cdnow.sample(frac=1, random_state=1), model="bg") == bg


def test_rows_after_as_of_names_and_refunds_change_nothing(bg):
    orders = datasets.load_cdnow(sample=True)
    refund = orders.iloc[[0]].assign(amount=-5.0)
    later = orders.iloc[[0]].assign(ordered_at=pd.Timestamp("1997-10-01"), customer_id=10**6)
    changed = pd.concat([orders, refund, later]).assign(customer_id=lambda t: "c" + t["customer_id"].astype(str))
    assert purchases.fit_purchase_process(changed, as_of=CUT, model="bg") == bg


# ------------------------------------------------------------------------------------------- small and strange bases


def test_one_timers_only_say_that_nothing_is_known():
    fit = purchases.fit_purchase_process(one_timers(20))
    assert fit.choice == "BG/NBD; no customer has bought twice, so no process can be told from another."
    assert fit.status == "nothing identified: no customer has bought twice, so neither the rate nor dropout is known"
    assert fit.money.model is None
    assert fit.money.status == "No spend model: no customer has a repeat order day of positive value."
    assert purchases.PurchaseFit.from_json(fit.to_json()) == fit


@pytest.mark.parametrize("rows", [[(3, 80, 100, 20.0)], [(0, 0, 100, 0.0)], [(1, 1, 1, 5.0)], [(2, 50, 50, -3.0)]])
def test_one_customer_is_fitted_in_words_not_in_a_crash(rows):
    fit = purchases.fit_purchase_process(base(*rows))
    assert fit.customers == 1
    assert fit.status
    assert fit.money.status
    assert purchases.PurchaseFit.from_json(fit.to_json()) == fit


def test_zero_and_negative_values_are_counted_and_named():
    rng = np.random.default_rng(1)
    good = [(int(x), 90, 100, float(m)) for x, m in zip(rng.integers(1, 6, 60), rng.gamma(3, 10, 60), strict=True)]
    fit = purchases.fit_purchase_process(base(*good, (2, 50, 100, 0.0), (1, 50, 100, -4.0), (0, 0, 9, 0.0)), model="bg")
    assert (fit.money.repeat_customers, fit.money.not_positive, fit.money.one_timers) == (60, 2, 1)
    assert fit.money.status.endswith(
        " 2 customers whose repeat order days are worth 0 or less in the mean are not in the fit; their orders are "
        "valued as if they had spent 0."
    )


def test_orders_all_alike_are_worth_that():
    fit = purchases.fit_purchase_process(base(*[(2, 50, 100, 12.5)] * 9), model="bg")
    assert fit.money.status.startswith("All repeat order days are worth 12.5 in the mean: so are all to come.")
    assert fit.money.model.expected_value([0.0, 3.0], [0.0, 12.5]) == pytest.approx([12.5, 12.5])


def test_two_customers_with_money_are_too_few():
    fit = purchases.fit_purchase_process(base((2, 50, 100, 12.5), (1, 50, 100, 20.0)), model="bg")
    assert fit.money.model is None
    assert fit.money.status == ("No spend model: Gamma-Gamma needs at least 3 customers with different spend, got 2.")


# ------------------------------------------------------------------------------------------- refused, with what to do


def test_an_empty_log_is_refused(cdnow):
    with pytest.raises(FitError) as error:
        purchases.fit_purchase_process(cdnow[:0])
    assert str(error.value) == (
        "There are no customers to fit to: the log holds no order up to as_of that is not a refund.\n"
        "Look at as_of, and at the table: crmkit.schema.violations(orders, schema.ORDERS, as_of=...)."
    )


def test_customers_of_the_last_day_only_are_refused():
    with pytest.raises(FitError) as error:
        purchases.fit_purchase_process(base((0, 0, 0, 0.0), (0, 0, 0, 0.0)))
    assert str(error.value) == (
        "No customer has been observed for any time: every first purchase was on the last day (T is 0)."
    )


def test_orders_need_as_of():
    with pytest.raises(DomainError) as error:
        purchases.fit_purchase_process(datasets.load_cdnow(sample=True))
    assert str(error.value) == (
        "as_of is needed with orders: the last day the log covers, such as datetime.date(2024, 12, 31).\n"
        "Only a purchase summary (columns frequency, recency, T) goes without."
    )


def test_an_unknown_model_is_refused(cdnow):
    with pytest.raises(DomainError) as error:
        purchases.fit_purchase_process(cdnow, model="bgnbd")
    assert str(error.value) == (
        "model must be one of 'auto', 'nbd', 'bg', 'mbg', 'pareto', 'bg_cnbd', 'mbg_cnbd', 'bg_regularity_mixture', "
        "'mbg_regularity_mixture', got 'bgnbd'."
    )


def test_regularity_needs_the_gaps(cdnow):
    with pytest.raises(SchemaError) as error:
        purchases.fit_purchase_process(cdnow.drop(columns="sum_log_gap"), model="mbg_cnbd")
    assert str(error.value) == (
        "summary.sum_log_gap: the column is missing; expected the sum of ln of the gaps between order days.\n"
        "Take the summary from crmkit.summary.purchase_summary, or a process without regularity: model='mbg'."
    )


def test_a_summary_that_is_none_is_refused(cdnow):
    with pytest.raises(SchemaError, match=r"^summary\.frequency: 2357 of 2357 rows lie below 0"):
        purchases.fit_purchase_process(cdnow.assign(frequency=-1))
    with pytest.raises(DomainError, match=r"^Purchase histories: t_x must lie between 0 and T"):
        purchases.fit_purchase_process(cdnow.assign(T=1), model="bg")


def test_another_text_is_no_fit():
    with pytest.raises(DomainError) as error:
        purchases.PurchaseFit.from_json("{}")
    assert str(error.value) == "The text is not a stored purchase fit: '{}'."

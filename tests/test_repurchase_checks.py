"""Tables that hold a purchase process against its base: tracking, repeat counts, gaps, the grid of forecasts."""

import datetime as dt
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import clv, datasets, purchases, repurchase, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.random_gaps import share_longer
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture

CUT, END = dt.date(1997, 9, 30), dt.date(1998, 6, 30)
# Fader, Hardie & Lee (2005), table 2: CDNOW, weeks.
R, ALPHA, A, B = 0.242594, 4.413602, 0.792920, 2.425752
MIXTURE = RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1, 3), (0.6, 0.4))


def fit_of(process):
    return purchases.PurchaseFit(process=process, compared=(), choice="", customers=100, money=None)


PUBLISHED = fit_of(RegularBetaGeometric("BG", R, 7 * ALPHA, A, B))


@pytest.fixture(scope="module")
def cdnow():
    return datasets.load_cdnow(sample=True)


@pytest.fixture(scope="module")
def judge():
    """The same model by lifetimes, in days."""
    lifetimes = pytest.importorskip("lifetimes")
    fitter = lifetimes.BetaGeoFitter()
    fitter.params_ = pd.Series({"r": R, "alpha": 7 * ALPHA, "a": A, "b": B})
    return fitter


def log(**customers):
    rows = [(customer, pd.Timestamp(day)) for customer, days in customers.items() for day in days]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(amount=20.0)


# ------------------------------------------------------------------------------------------------------------ tracking


def test_tracking_counts_and_expects_what_brute_force_does(cdnow, judge):
    found = repurchase.order_tracking(cdnow, as_of=END, split=CUT, fit=PUBLISHED)
    first = cdnow.groupby("customer_id")["ordered_at"].min()
    days = cdnow[["customer_id", "ordered_at"]].drop_duplicates()
    repeats = days[days["ordered_at"] > days["customer_id"].map(first)]
    assert len(found) == 78
    assert (found["part"] == "fitted").sum() == 39
    for row in found.iloc[[0, 7, 38, 39, 77]].itertuples():
        assert row.actual_orders == repeats["ordered_at"].between(row.period_start, row.period_end).sum()
        ages = (row.period_end - first).dt.days
        expected = judge.expected_number_of_purchases_up_to_time(ages[ages > 0].to_numpy().astype(float)).sum()
        assert row.expected_so_far == pytest.approx(expected, rel=1e-8)  # the same closed form, 9 decimals kept
    assert (found["actual_orders"].cumsum() == found["actual_so_far"]).all()
    assert found["period_end"].iloc[38] == pd.Timestamp(CUT)


def test_repeat_counts_of_a_simulated_truth_agree():
    process = RegularBetaGeometric("MBG", 1.2, 60.0, 0.8, 4.0)
    rng = np.random.default_rng(4)
    begun = np.repeat(np.arange(100), 40)
    T = 500.0 - begun
    x = process.simulate(T, rng).x
    rows = repurchase.repeat_counts(
        pd.DataFrame({"customer_id": range(len(x)), "frequency": x, "recency": np.where(x > 0, T, 0.0), "T": T}).astype(
            "int64"
        ),
        fit=fit_of(process),
        most_repeats=20,
    )
    error = np.sqrt(np.maximum(rows["expected_customers"], 1.0))
    # Counts are at most as noisy as Poisson counts: 4.5 deviations in 21 of them by chance once in 7,000 draws.
    assert (np.abs(rows["customers"] - rows["expected_customers"]) < 4.5 * error).all()
    assert rows["customers"].sum() == pytest.approx(rows["expected_customers"].sum()) == len(x)


def test_tracking_leaves_out_new_customers_and_what_came_after():
    orders = log(ann=["2024-01-01", "2024-01-10", "2024-02-20"], bob=["2024-02-05", "2024-02-06"])
    call = {"as_of": dt.date(2024, 2, 20), "split": dt.date(2024, 1, 31), "period_days": 10, "fit": PUBLISHED}
    found = repurchase.order_tracking(orders, **call)
    assert found["actual_orders"].tolist() == [0, 1, 0, 0, 0, 1]
    assert found["period_start"].dt.day.tolist() == [1, 2, 12, 22, 1, 11]  # the first is short
    later = pd.concat([orders, log(ann=["2024-02-21"], cy=["2024-03-01", "2024-03-02"])])
    assert_frame_equal(repurchase.order_tracking(later, **call), found)
    cut_short = repurchase.order_tracking(orders, **{**call, "as_of": dt.date(2024, 2, 19)})
    assert_frame_equal(cut_short, found[:-1])


def test_tracking_by_default_learns_from_the_past_alone(cdnow):
    call = {"as_of": END, "split": CUT, "period_days": 91}
    changed = cdnow[cdnow["ordered_at"] <= pd.Timestamp(CUT)]
    found, other = (repurchase.order_tracking(log, **call) for log in (cdnow, changed))
    assert found["expected_orders"].tolist() == other["expected_orders"].tolist()
    assert other["actual_orders"].iloc[-3:].tolist() == [0, 0, 0]


# ------------------------------------------------------------------------------------------------------- repeat counts


def test_repeat_counts_are_those_of_the_published_model(cdnow, judge):
    found = repurchase.repeat_counts(cdnow, as_of=CUT, fit=PUBLISHED)
    ages = summary.purchase_summary(cdnow, as_of=CUT)
    for n in range(7):
        expected = sum(judge.probability_of_n_purchases_up_to_time(T, n) for T in ages["T"].astype(float))
        assert found["expected_customers"][n] == pytest.approx(expected, rel=1e-7)
        assert found["customers"][n] == (ages["frequency"] == n).sum()
    assert found["customers"].iloc[0] == 1411  # of 2,357: Fader, Hardie & Lee, figure 1
    assert found["customers"].sum() == len(ages) == pytest.approx(found["expected_customers"].sum())


# ---------------------------------------------------------------------------------------------------------------- gaps


@pytest.mark.parametrize(("x", "t_x"), [(1, 6), (2, 2), (2, 9), (3, 8), (5, 9)])
def test_random_gaps_are_those_of_all_choices_of_days(x, t_x):
    gaps = [np.diff([0, *between, t_x]) for between in combinations(range(1, t_x), x - 1)]
    for g in range(t_x + 2):
        brute = np.mean([gap > g for choice in gaps for gap in choice])
        closed = share_longer(np.array([float(g)]), np.array([float(x)]), np.array([float(t_x)]))[0, 0]
        assert closed == pytest.approx(brute, abs=1e-12)


def test_gaps_by_hand():
    orders = log(ann=["2024-01-01", "2024-01-02", "2024-01-09"], bob=["2024-01-01", "2024-02-10"], cy=["2024-01-05"])
    found = repurchase.order_gaps(orders, as_of=dt.date(2024, 3, 1), bin_days=3, longest_days=9)
    assert found["gaps"].tolist() == [1, 0, 1, 1]
    assert found["from_days"].tolist() == [1, 4, 7, 10]
    assert found["to_days"].tolist()[:3] == [3, 6, 9]
    assert pd.isna(found["to_days"].iloc[3])
    # ann's middle day is any of 7: gaps of 1 to 7 days, each as likely, two of them; bob's 40 days are given.
    np.testing.assert_allclose(found["random_gaps"], [6 / 7, 6 / 7, 2 / 7, 1], atol=1e-6)
    later = pd.concat([orders, log(ann=["2024-03-02"])])
    assert_frame_equal(repurchase.order_gaps(later, as_of=dt.date(2024, 3, 1), bin_days=3, longest_days=9), found)


def test_a_rhythm_shows_in_the_gaps():
    every = {f"c{n}": pd.date_range("2024-01-01", periods=8, freq="10D") for n in range(5)}
    found = repurchase.order_gaps(log(**every), as_of=dt.date(2024, 12, 31), bin_days=1, longest_days=60)
    assert found["gaps"].tolist() == [0] * 9 + [35] + [0] * 51
    assert found["random_gaps"].sum() == pytest.approx(35)
    assert found["random_gaps"].idxmax() == 0  # at random, short gaps are the most frequent ones


# ---------------------------------------------------------------------------------------------------------------- grid


@pytest.mark.parametrize("process", [PUBLISHED.process, RegularBetaGeometric("MBG", 1.2, 30.0, 0.6, 3.0, 2)])
def test_grid_says_what_customers_are_told(cdnow, process):
    fit = fit_of(process)
    found = repurchase.forecast_grid(cdnow, as_of=CUT, horizon_days=60, fit=fit)
    people = found[["frequency", "recency", "T"]].assign(customer_id=range(len(found)), monetary_value=1.0)
    told = clv.expected_orders(people, horizon_days=60, fit=fit)
    for column in ("p_alive", "p_order", "expected_orders"):
        np.testing.assert_allclose(found[column], told[column], rtol=1e-12)
    assert (found["T"] == 272).all()
    assert found["days_since_order"].max() == 272


def test_grid_is_the_matrix_of_lifetimes(cdnow, judge):
    found = repurchase.forecast_grid(cdnow, as_of=CUT, horizon_days=7, fit=PUBLISHED, most_repeats=12)
    x, t_x, T = (found[name].to_numpy().astype(float) for name in ("frequency", "recency", "T"))
    expected = judge.conditional_expected_number_of_purchases_up_to_time(7.0, x, t_x, T)
    np.testing.assert_allclose(found["expected_orders"], expected, rtol=1e-9)  # two ways to one closed form
    np.testing.assert_allclose(found["p_alive"], judge.conditional_probability_alive(x, t_x, T), rtol=1e-9)


def test_grid_of_a_mixture_and_its_sizes(cdnow):
    found = repurchase.forecast_grid(
        cdnow, as_of=CUT, fit=fit_of(MIXTURE), observed_days=100, step_days=30, most_repeats=2
    )
    assert found["frequency"].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert found["days_since_order"].tolist() == [100, 0, 30, 60, 90, 0, 30, 60, 90]
    assert found["p_order"].between(0, 1).all()
    narrow = repurchase.forecast_grid(cdnow, as_of=CUT, fit=PUBLISHED, observed_days=1, most_repeats=3)
    assert narrow[["frequency", "recency"]].to_numpy().tolist() == [[0, 0], [1, 1]]


def test_numbers_out_of_their_domain_are_refused(cdnow):
    with pytest.raises(DomainError, match="split must not lie after as_of"):
        repurchase.order_tracking(cdnow, as_of=CUT, split=END)
    with pytest.raises(DomainError, match=r"^most_repeats must be at least 1, got 0\.$"):
        repurchase.repeat_counts(cdnow, as_of=CUT, most_repeats=0)
    with pytest.raises(DomainError, match=r"^bin_days must be at least 1 and at most longest_days \(days\), got 0"):
        repurchase.order_gaps(cdnow, as_of=CUT, bin_days=0)
    with pytest.raises(DomainError, match=r"^step_days must be at least 1, got 0\.$"):
        repurchase.forecast_grid(cdnow, as_of=CUT, fit=PUBLISHED, step_days=0)
    with pytest.raises(DomainError, match="horizon_days"):
        repurchase.forecast_grid(cdnow, as_of=CUT, fit=PUBLISHED, horizon_days=0)


def test_a_split_before_the_first_order_is_said():
    orders = log(a=["1997-12-01"], b=["1998-01-05"])
    with pytest.raises(
        FitError, match=r"no order up to split, 1997-09-30, that is not a refund\.\nChoose a later split"
    ):
        repurchase.order_tracking(orders, as_of=END, split=CUT)
    assert len(repurchase.order_tracking(orders, as_of=END, split=CUT, fit=PUBLISHED)) == 0

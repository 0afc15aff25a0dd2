"""Orders to come and what they are worth: closed forms, simulations of a known truth, what may not change anything."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import kstest

from crmkit import clv, datasets, purchases, summary
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models.estimation import Estimate
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.histories import Histories
from crmkit.models.order_counts import order_counts
from crmkit.models.order_value import total_quantile, value_per_scale
from crmkit.models.outlook import outlook
from crmkit.models.parameter_axes import neighbours, sigma_points
from crmkit.models.pareto_nbd import ParetoNBD
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from tests import engines

CUT = dt.date(1997, 9, 30)
BG = RegularBetaGeometric("BG", 0.67, 400.0, 0.5, 2.5)
PROCESSES = [
    BG,
    RegularBetaGeometric("MBG", 2.0, 130.0, 0.5, 2.5, 3),
    ParetoNBD(0.6, 400.0, 0.6, 800.0),
    RegularityMixture("MBG", 0.8, 400.0, 0.5, 3.0, (1, 3), (0.6, 0.4)),
]
SPEND = GammaGamma(5.0, 3.8, 20.0)


def a_fit(process, spend=SPEND, mean=35.0):
    money = purchases.Money(spend, "given", 10, 10, 0, mean, None, None, (-1.0, 1.0), ())
    return purchases.PurchaseFit(process, (), "given", 20, money)


def company(process, n, rng, days=730):
    """Draw a base in whole days, its order days of the next `days`, and their value."""
    T = np.floor(rng.uniform(500, 2000, n))
    drawn = process.simulate(T, rng)
    future = process.simulate_future(drawn, days, rng)
    x = drawn.x
    t = np.where(x > 0, np.minimum(np.maximum(np.ceil(drawn.t_x), x), T), 0)
    gaps = np.where(x > 0, np.minimum(drawn.sum_log_gap, x * np.log(np.maximum(t, 1) / np.maximum(x, 1))), 0.0)
    nu = rng.gamma(SPEND.q, 1.0 / SPEND.gamma, n)
    mean = np.where(x > 0, rng.gamma(SPEND.p * np.maximum(x, 1)) / nu / np.maximum(x, 1), 0.0)
    value = np.where(future > 0, rng.gamma(SPEND.p * np.maximum(future, 1)) / nu, 0.0)
    columns = {"frequency": x, "recency": t, "T": T}
    table = pd.DataFrame({"customer_id": np.arange(n), **columns}).astype("int64")
    return table.assign(monetary_value=mean, sum_log_gap=np.round(gaps, 9)), future, value


@pytest.fixture(scope="module")
def cdnow():
    return summary.purchase_summary(datasets.load_cdnow(sample=True), as_of=CUT)


@pytest.fixture(scope="module")
def bg(cdnow):
    return purchases.fit_purchase_process(cdnow, model="bg")


@pytest.fixture(scope="module")
def base():
    return company(PROCESSES[-1], 400, np.random.default_rng(2))[0]


# ------------------------------------------------------------------------------------------- published figures


def test_customer_1516(cdnow, bg):
    """Fader, Hardie & Lee: x 26, t_x 30.857, T 31 weeks; BG: 25.75659 orders in 52 weeks, P(alive) .9688523."""
    customer = pd.DataFrame(
        {"customer_id": [1516], "frequency": [26], "recency": [216], "T": [217], "monetary_value": [40.0]}
    )
    found = clv.expected_orders(customer, horizon_days=364, fit=bg).iloc[0]
    # 216 and 217 days are their 30.857 and 31 weeks; the parameters agree with the published ones to four digits.
    assert found["expected_orders"] == pytest.approx(25.75659, rel=1e-3)
    assert found["p_alive"] == pytest.approx(0.9688523, abs=2e-5)


def test_lifetimes_expects_the_same(cdnow, bg):
    """Its own closed form at the same parameters; it knows neither P(order) nor an interval."""
    lifetimes = pytest.importorskip("lifetimes")
    judge = lifetimes.BetaGeoFitter()
    judge.params_ = pd.Series(bg.process.parameters)
    x, t, T = (cdnow[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    theirs = judge.conditional_expected_number_of_purchases_up_to_time(273, x, t, T)
    alive = judge.conditional_probability_alive(x, t, T)
    found = clv.expected_orders(cdnow, horizon_days=273, fit=bg)
    np.testing.assert_allclose(found["expected_orders"], theirs, rtol=1e-6)  # their hyp2f1
    np.testing.assert_allclose(found["p_alive"], alive, rtol=1e-9)
    spend = lifetimes.GammaGammaFitter()
    model = bg.money.model
    spend.params_ = pd.Series({"p": model.p, "q": model.q, "v": model.gamma})
    value = spend.conditional_expected_average_profit(cdnow["frequency"], cdnow["monetary_value"])
    worth = clv.customer_value(cdnow, horizon_days=273, fit=bg)
    np.testing.assert_allclose(worth["expected_order_value"], value, atol=1e-6)  # rounded to 6 decimals


# ------------------------------------------------------------------------------------------- discounting


def test_without_discount_the_value_is_orders_times_value(base):
    table = clv.customer_value(base, horizon_days=365, discount_rate_per_year=0.0, fit=a_fit(BG))
    np.testing.assert_allclose(
        table["clv"], table["expected_orders"] * table["expected_order_value"], rtol=1e-6, atol=1e-6
    )


def test_a_small_rate_is_nearly_none(base):
    still, nearly = (
        clv.customer_value(base, horizon_days=365, discount_rate_per_year=rate, fit=a_fit(BG)) for rate in (0.0, 1e-7)
    )
    np.testing.assert_allclose(nearly["clv"], still["clv"], rtol=2e-7, atol=1e-6)


def test_discount_of_orders_at_a_steady_rate_is_the_integral():
    """Shapes of 1e6: everybody buys at rate .02 and nobody leaves, so clv = value .02 (1 - v^2) / ln 1.1 * 365."""
    steady = RegularBetaGeometric("BG", 2e6, 1e8, 1e-9, 1e3)
    base = pd.DataFrame({"customer_id": [1, 2], "frequency": [9, 30], "recency": [400, 1490], "T": [410, 1500]})
    base = base.assign(monetary_value=[20.0, 60.0])
    table = clv.customer_value(base, horizon_days=730, discount_rate_per_year=0.1, fit=a_fit(steady))
    years = (1.0 - 1.1**-2) / np.log(1.1)
    np.testing.assert_allclose(table["clv"], 0.02 * 365 * years * table["expected_order_value"], rtol=2e-4)


def test_discounted_value_is_that_of_simulated_order_times():
    """One history, 40,000 futures of BG/NBD with their days: the mean of v^(u/365) over orders."""
    rng = np.random.default_rng(8)
    n, days = 40_000, 1000
    rate = rng.gamma(BG.r + 4.0, 1.0 / (BG.alpha + 600.0), n)
    leave = rng.beta(BG.a, BG.b + 4.0 - 1.0 + 1.0, n)
    total, now, active = np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while active.any():
        now = now + np.where(active, rng.exponential(1.0, n) / rate, 0.0)
        active &= now <= days
        total += np.where(active, 1.2 ** (-now / 365.0), 0.0)
        active &= rng.random(n) >= leave
    alive = pd.DataFrame({"customer_id": [1], "frequency": [4], "recency": [600], "T": [600], "monetary_value": [30.0]})
    row = clv.customer_value(alive, horizon_days=days, discount_rate_per_year=0.2, fit=a_fit(BG)).iloc[0]
    p_alive = row["p_alive"]  # the simulation begins with a live customer, who left with this order or stays
    per_order = row["clv"] / row["expected_order_value"]
    assert per_order == pytest.approx(p_alive * total.mean(), rel=4 * total.std() / total.mean() / np.sqrt(n))


# ------------------------------------------------------------------------------------------- scale, shape, order


def test_margin_and_money_scale_the_value(base):
    options = {"horizon_days": 365, "fit": a_fit(BG)}
    whole = clv.customer_value(base, **options)
    part = clv.customer_value(base, margin=0.3, **options)
    for name in ("clv", "clv_low", "clv_high"):
        np.testing.assert_allclose(part[name], 0.3 * whole[name], rtol=1e-6, atol=1e-6)
    tenfold = base.assign(monetary_value=10 * base["monetary_value"])
    dearer = clv.customer_value(tenfold, horizon_days=365, fit=a_fit(BG, GammaGamma(5.0, 3.8, 200.0), 350.0))
    for name in ("expected_order_value", "clv", "clv_low", "clv_high"):
        np.testing.assert_allclose(dearer[name], 10 * whole[name], rtol=1e-6, atol=1e-5)


def test_a_log_in_cents_is_worth_a_hundred_times_as_much():
    orders = datasets.load_cdnow(sample=True)
    cents = orders.assign(amount=100 * orders["amount"])
    values = []
    for log in (orders, cents):
        fit = purchases.fit_purchase_process(log, as_of=CUT, model="bg")
        values.append(clv.customer_value(log, as_of=CUT, horizon_days=273, fit=fit)["clv"])
    np.testing.assert_allclose(values[1], 100 * values[0], rtol=1e-5, atol=1e-4)  # where the optimiser stops; cents


def test_shuffles_and_rows_after_as_of_change_nothing(bg):
    orders = datasets.load_cdnow(sample=True)
    options = {"as_of": CUT, "horizon_days": 273, "fit": bg}
    expected = clv.customer_value(orders, **options)
    late = orders.iloc[:50].assign(ordered_at=pd.Timestamp("1998-01-01"), amount=1e6)
    changed = pd.concat([orders, late]).sample(frac=1, random_state=4)
    assert_frame_equal(clv.customer_value(changed, **options), expected)
    assert_frame_equal(
        clv.customer_value(summary.purchase_summary(orders, as_of=CUT), horizon_days=273, fit=bg), expected
    )
    renamed = clv.customer_value(orders.assign(customer_id="c" + orders["customer_id"].astype(str)), **options)
    assert_frame_equal(
        renamed.drop(columns="customer_id").sort_values(list(expected.columns[1:]), ignore_index=True),
        expected.drop(columns="customer_id").sort_values(list(expected.columns[1:]), ignore_index=True),
    )


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_longer_horizon_never_lowers_anything(base, process):
    short, longer = (clv.customer_value(base, horizon_days=days, fit=a_fit(process)) for days in (90, 91))
    for name in ("p_order", "expected_orders", "clv", "orders_high"):
        assert (longer[name] >= short[name] - 1e-9 * short[name] - 1e-6 * (name == "clv")).all()
    assert (short["p_alive"] == longer["p_alive"]).all()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_answers_keep_their_domains(base, process):
    table = clv.customer_value(base, horizon_days=2000, level=0.95, fit=a_fit(process))
    assert np.isfinite(table.drop(columns="customer_id").to_numpy(float)).all()
    assert table[["p_order", "p_alive"]].stack().between(0, 1).all()
    assert (table["p_order"] <= table["p_alive"] + 1e-9).all()
    assert (table["p_order"] <= table["expected_orders"] + 1e-9).all()
    assert (table["orders_low"] <= table["orders_high"]).all()
    assert (table["clv_low"] <= table["clv_high"]).all()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_extreme_customers_get_finite_answers(process):
    """Daily buyers of 20 years, some of them silent for 15: an order is next to impossible, and nothing overflows."""
    table = pd.DataFrame(
        {
            "customer_id": range(5),
            "frequency": [7000, 2000, 600, 0, 0],
            "recency": [7300, 2000, 700, 0, 0],
            "T": [7300, 7300, 710, 7300, 0],
            "monetary_value": [1e6, 0.01, 10.0, 0.0, 0.0],
        }
    )
    gap = table["recency"] / table["frequency"].clip(lower=1)
    table["sum_log_gap"] = table["frequency"] * np.log(gap.clip(lower=1))
    found = clv.customer_value(table, horizon_days=3650, fit=a_fit(process))
    assert np.isfinite(found.to_numpy(float)).all()
    assert (found["orders_low"] <= found["expected_orders"]).all()


def test_one_timers_zero_values_and_refunds_get_a_value(bg):
    orders = pd.DataFrame(
        {
            "customer_id": ["once", "free", "free", "free", "back", "back", "back"],
            "ordered_at": pd.to_datetime(["1997-03-01", *["1997-01-05", "1997-02-05", "1997-04-05"] * 2]),
            "amount": [20.0, 30.0, 0.0, 0.0, 30.0, 40.0, -60.0],
        }
    )
    table = clv.customer_value(orders, as_of=CUT, horizon_days=273, fit=bg, refunds="net").set_index("customer_id")
    model = bg.money.model
    assert table.loc["once", "expected_order_value"] == pytest.approx(model.population_mean, abs=1e-6)
    least = model.p * model.gamma / (model.p * 2 + model.q - 1)
    assert table.loc["free", "expected_order_value"] == pytest.approx(least, abs=1e-6)
    less = model.p * model.gamma / (model.p + model.q - 1)  # a repeat day worth -20 counts as 0
    assert table.loc["back", "expected_order_value"] == pytest.approx(less, abs=1e-6)


def test_without_a_spend_model_money_is_missing_and_orders_are_there():
    once = pd.DataFrame({"customer_id": [1, 2], "frequency": 0, "recency": 0, "T": [50, 60], "monetary_value": 0.0})
    table = clv.customer_value(once, horizon_days=90)
    assert table[["expected_order_value", "clv", "clv_low", "clv_high"]].isna().all(axis=None)
    assert (table["expected_orders"] > 0).all()


def test_without_a_population_mean_the_base_mean_stands_in(base):
    """At q below 1 a customer without repeat orders has no expected value; quantiles exist all the same."""
    table = clv.customer_value(base, horizon_days=365, fit=a_fit(BG, GammaGamma(2.0, 0.8, 20.0), 44.0))
    assert np.isfinite(table["clv"]).all()
    assert table.loc[base["frequency"] == 0, "expected_order_value"].to_numpy() == pytest.approx(44.0)


def test_no_customers_with_a_given_fit_are_an_empty_table(base, bg):
    assert len(clv.customer_value(base[:0], horizon_days=90, fit=bg)) == 0


# ------------------------------------------------------------------------------------------- chance


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_moments_and_quantiles_are_those_of_the_whole_distribution(process):
    rng = np.random.default_rng(4)
    rows = process.simulate(np.floor(rng.uniform(10, 2000, 150)), rng)
    found = outlook(process, rows, 500.0, rate_per_day=0.0, level=0.8)
    table = process.purchase_count_probabilities(rows, 500.0, 400)
    n = np.arange(401)
    np.testing.assert_allclose(found.mean, table @ n, rtol=1e-8)
    # The tail beyond the table is taken as geometric: with at most 2.5 % of the probability there, 1 % at most.
    np.testing.assert_allclose(found.square, table @ (n * n), rtol=1e-2)
    below = np.cumsum(table, axis=1)
    assert (found.low == (below < 0.1 - 1e-12).sum(axis=1)).all()
    assert (found.high == (below < 0.9 - 1e-12).sum(axis=1)).all()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_answers_do_not_depend_on_who_else_is_asked(process):
    """Row by row, as a batch of Spark may have it; and all together, a buyer of every day among them."""
    rng = np.random.default_rng(6)
    rows = process.simulate(np.floor(rng.uniform(10, 2000, 60)), rng)
    columns = [np.append(part, 700.0) for part in (rows.x, rows.t_x, rows.T)]
    gaps = None if rows.sum_log_gap is None else np.append(rows.sum_log_gap, 0.0)
    whole = Histories.in_order(*columns, gaps)
    asked = {"rate_per_day": 0.001, "level": 0.8}
    all_at_once = outlook(process, whole, 500.0, **asked)
    for i in range(len(whole)):
        alone = outlook(process, whole.take(slice(i, i + 1)), 500.0, **asked)
        for name in ("p_alive", "orders", "discounted", "low", "high", "p_none", "mean", "square"):
            # Sums over columns of a matrix end in other last bits where it has more rows.
            np.testing.assert_allclose(getattr(alone, name), getattr(all_at_once, name)[i : i + 1], rtol=1e-11)


def test_what_is_not_known_of_a_mixture_is_mixed_in_with_shares_of_its_own():
    """Each neighbour of the estimate has shares of its own: brute force over the whole distributions of all of them."""
    rng = np.random.default_rng(5)
    truth = RegularityMixture("MBG", 1.0, 40.0, 0.5, 8.0, (1, 2, 4), (0.3, 0.4, 0.3))
    process = fit_regularity_mixture(truth.simulate(np.floor(rng.uniform(20, 600, 200)), rng), regularities=(1, 2, 4))
    rows = truth.simulate(np.floor(rng.uniform(10, 300, 60)), rng)
    found = outlook(process, rows, 365.0, rate_per_day=0.0, level=0.8)
    table = sum(
        weight * process.with_parameters(values.tolist()).purchase_count_probabilities(rows, 365.0, 600)
        for weight, values in sigma_points(process.estimate)
    )
    n = np.arange(601)
    np.testing.assert_allclose(found.mean, table @ n, rtol=1e-8)
    np.testing.assert_allclose(found.square, table @ (n * n), rtol=1e-2)  # the geometric tail, as above
    below = np.cumsum(table, axis=1)
    assert (found.low == (below < 0.1 - 1e-12).sum(axis=1)).all()
    assert (found.high == (below < 0.9 - 1e-12).sum(axis=1)).all()
    assert np.abs(found.mean - found.orders).max() > 0.01  # or there was nothing to mix in


def test_value_quantiles_are_those_of_simulated_values():
    rng = np.random.default_rng(9)
    history = Histories.in_order([6.0], [500.0], [520.0])
    found = outlook(BG, history, 700.0, rate_per_day=0.0, level=0.8)
    worth = value_per_scale(SPEND, history.x, found, margin=1.0, level=0.8, base_mean=30.0)
    n = 40_000
    orders = BG.simulate_future(history.take(np.zeros(n, dtype=np.int64)), 700.0, rng)
    scale = SPEND.gamma + 6.0 * 25.0
    nu = rng.gamma(SPEND.p * 6.0 + SPEND.q, 1.0 / scale, n)
    value = np.where(orders > 0, rng.gamma(SPEND.p * np.maximum(orders, 1)) / nu, 0.0)
    assert worth.clv[0] * scale == pytest.approx(value.mean(), rel=0.02)
    assert worth.square[0] * scale**2 == pytest.approx((value**2).mean(), rel=0.04)
    # The quantiles come from matched moments of the sum, given one order: 2 % of the probability is their error.
    assert (value <= worth.high[0] * scale).mean() == pytest.approx(0.9, abs=0.02)
    assert (value <= worth.low[0] * scale).mean() == pytest.approx(max(0.1, found.p_none[0]), abs=0.02)


def test_neighbours_carry_the_covariance():
    estimate = Estimate(
        ("r", "alpha"), (2.0, 50.0), ("positive", "positive"), ((0.04, 0.5), (0.5, 25.0)), -1.0, 10.0, 2, "converged"
    )
    moved = np.log(neighbours(estimate)) - np.log([2.0, 50.0])
    found = sum(np.outer(step, step) for pair in moved for step in pair) / 2
    np.testing.assert_allclose(found, [[0.01, 0.005], [0.005, 0.01]], rtol=1e-9)
    assert neighbours(None).shape == (0, 2, 0)


def test_total_quantile_without_variance_is_the_mean():
    assert total_quantile(np.array([3.0, 0.0]), np.array([0.0, 0.0]), 0.9).tolist() == [3.0, 0.0]


# Companies are small enough that not knowing the parameters is a large part of the interval of a total.
COMPANIES, SIZE, GROUPS = 30, 150, 6


@pytest.fixture(scope="module")
def simulated():
    """Many companies of a known truth, each fitted anew: what came, and what was forecast."""
    rng = np.random.default_rng(77)
    inside, ranks, tails = [], [], []
    for _ in range(COMPANIES):
        table, future, value = company(BG, SIZE, rng)
        fit = purchases.fit_purchase_process(engines.to_engine("polars", table), model="bg")
        group = np.arange(SIZE) % GROUPS
        groups = pd.DataFrame({"customer_id": table["customer_id"], "group": group})
        options = {"horizon_days": 730, "discount_rate_per_year": 0.0, "fit": fit}
        sums = engines.on_polars(clv.value_of_groups, table, groups, **options)
        orders, money = np.bincount(group, future), np.bincount(group, value)
        inside.append(
            np.stack(
                [
                    sums["orders_low"] <= orders,
                    orders <= sums["orders_high"],
                    sums["clv_low"] <= money,
                    money <= sums["clv_high"],
                ]
            )
        )
        each = engines.on_polars(clv.customer_value, table, **options)
        tails.append([(value[each["clv_high"] > 0] > each["clv_high"][each["clv_high"] > 0]).mean()])
        h = Histories.in_order(*(table[name].to_numpy(float) for name in ("frequency", "recency", "T")))
        below = np.cumsum(fit.process.purchase_count_probabilities(h, 730.0, 200), axis=1)
        low = np.where(future > 0, below[np.arange(SIZE), np.maximum(future - 1, 0)], 0.0)
        ranks.append(low + rng.random(SIZE) * (below[np.arange(SIZE), future] - low))
    return np.concatenate(inside, axis=1), np.concatenate(ranks), np.array(tails)


def test_intervals_of_groups_hold_what_they_say(simulated):
    inside, _, _ = simulated
    orders, money = inside[0] & inside[1], inside[2] & inside[3]
    # 180 groups: a share of .8 has a standard error of .03; over 800 groups it was .80 and .80.
    assert 0.74 <= orders.mean() <= 0.86
    assert 0.74 <= money.mean() <= 0.86


def test_counts_of_single_customers_are_calibrated(simulated):
    """A count can't meet 80 % exactly; its randomised rank in the forecast must be uniform."""
    _, ranks, _ = simulated
    assert kstest(ranks, "uniform").statistic < 0.03  # 4,500 ranks: 1.36 / sqrt(4500) = .02, and estimated parameters


def test_one_in_ten_single_values_lies_above(simulated):
    _, _, tails = simulated
    assert 0.08 <= tails.mean() <= 0.12


def test_one_rate_for_all_is_known_as_well_as_its_purchases_say():
    """Nobody leaves, all buy at one rate: orders vary by T (Poisson), and T^2 / N by the rate that N purchases tell."""
    n = 400
    x = np.where(np.arange(n) % 2 == 0, 1, 2)
    table = pd.DataFrame({"customer_id": range(n), "frequency": x, "recency": 700, "T": 1000, "monetary_value": 30.0})
    table["monetary_value"] += np.arange(n) % 7
    fit = purchases.fit_purchase_process(table, model="nbd")
    assert "one rate for all" in fit.process.estimate.status
    row = clv.value_of_groups(table, table[["customer_id"]].assign(group="all"), horizon_days=2000, fit=fit).iloc[0]
    total, known = 2000 * x.sum() / 1000, x.sum()
    expected = total_quantile(np.array([total]), np.array([total + total**2 / known]), np.array([0.1, 0.9]))
    # The heterogeneity off the limit adds a little to chance alone: 1 % of the interval.
    assert row[["orders_low", "orders_high"]].tolist() == pytest.approx(expected.tolist(), rel=0.01)


@pytest.fixture(scope="module")
def at_limit():
    """Pareto/NBD base of 400 whose dropout runs to one rate for all, though rates differ: s is .6."""
    table, future, _ = company(PROCESSES[2], 400, np.random.default_rng([2, 29]))
    return table, future, purchases.fit_purchase_process(table, model="pareto")


def test_off_a_limit_is_where_the_profile_likelihood_has_fallen(at_limit):
    table, _, fit = at_limit
    estimate = fit.process.estimate
    h = Histories.distinct(*(table[name].to_numpy(float) for name in ("frequency", "recency", "T")))
    assert "s and beta run to infinity" in estimate.status
    (point,) = estimate.off_limits

    def fall(values):
        return estimate.log_likelihood - h.count @ fit.process.with_parameters(values).log_likelihood(h)

    assert fall(point) == pytest.approx(np.pi / 4, rel=0.05)
    r, alpha, s, beta = point
    for moved in ((1.03 * r, 1.03 * alpha), (r, 1.03 * alpha), (r / 1.03, alpha)):  # the others are at their best
        assert fall((*moved, s, beta)) > fall(point)
    assert fall((r, alpha, s, 1.03 * beta)) > fall(point)
    assert fall((r, alpha, s, beta / 1.03)) > fall(point)


def test_intervals_hold_what_a_limit_leaves_open(at_limit):
    """A base that came back more than one rate of leaving for all lets expect; the interval knows that it may."""
    table, future, fit = at_limit
    every = table[["customer_id"]].assign(group="all")

    def row(**without):
        process = replace(fit.process, estimate=replace(fit.process.estimate, **without))
        known = replace(fit, process=process)
        return clv.value_of_groups(table, every, horizon_days=730, discount_rate_per_year=0.0, fit=known).iloc[0]

    whole, at_the_limit = row(), row(off_limits=())
    assert at_the_limit["orders_high"] < future.sum() < whole["orders_high"]
    assert whole["clv_parameter_error"] > 1.1 * at_the_limit["clv_parameter_error"]
    # Half-normal off the limit: the middle moves by 2 / pi of the way to the point (skewness moves it by little more).
    h = Histories.in_order(*(table[name].to_numpy(float) for name in ("frequency", "recency", "T")))
    (point,) = fit.process.estimate.off_limits
    off = fit.process.with_parameters(point).expected_purchases(h, 730.0).sum() - whole["expected_orders"]
    middle = (whole["orders_low"] + whole["orders_high"] - at_the_limit["orders_low"] - at_the_limit["orders_high"]) / 2
    assert middle == pytest.approx(2 / np.pi * off, rel=0.1)
    # And the rate of leaving is known at the limit, though neither s nor beta is: dropping it narrows the interval.
    nothing = row(limit_covariance=(), off_limits=())
    width, narrower = (one["orders_high"] - one["orders_low"] for one in (at_the_limit, nothing))
    assert narrower < 0.9 * width


def test_counts_over_models_of_a_mixture_are_those_of_the_average_table():
    mixture = PROCESSES[-1]
    rng = np.random.default_rng(6)
    rows = mixture.simulate(np.floor(rng.uniform(10, 2000, 200)), rng)
    other = mixture.with_parameters((0.5, 300.0, 0.8, 2.0, 0.1, 0.9))
    models = [(0.7, mixture), (0.3, other)]
    mean = sum(w * model.expected_purchases(rows, 500.0) for w, model in models)
    found = order_counts(models, rows, 500.0, level=0.9, if_alive=mean, mean=mean)
    table = sum(w * model.purchase_count_probabilities(rows, 500.0, 400) for w, model in models)
    below, n = np.cumsum(table, axis=1), np.arange(401)
    assert (found.low == (below < 0.05 - 1e-12).sum(axis=1)).all()
    assert (found.high == (below < 0.95 - 1e-12).sum(axis=1)).all()
    np.testing.assert_allclose(found.p_none, table[:, 0], rtol=1e-12)
    np.testing.assert_allclose(found.square, table @ (n * n), rtol=1e-2)  # a geometric tail beyond the table


# ------------------------------------------------------------------------------------------- groups


def test_groups_add_up_and_parameters_do_not_average_out(cdnow, bg):
    options = {"horizon_days": 273, "fit": bg}
    each = clv.customer_value(cdnow, **options)
    half = cdnow[["customer_id"]].assign(group=np.where(cdnow["customer_id"] % 2 == 0, "even", "odd"))
    two = clv.value_of_groups(cdnow, half, **options)
    one = clv.value_of_groups(cdnow, half.assign(group="all"), **options).iloc[0]
    for name in ("clv", "expected_orders", "customers"):
        assert two[name].sum() == pytest.approx(one[name], rel=1e-9)
    assert one["clv"] == pytest.approx(each["clv"].sum(), rel=1e-6)
    assert np.hypot(*two["clv_chance_error"]) == pytest.approx(one["clv_chance_error"], rel=1e-9)
    # Nearly the same gradient in both halves: the errors add up, not their squares.
    assert two["clv_parameter_error"].sum() == pytest.approx(one["clv_parameter_error"], rel=0.02)
    assert one["clv_per_customer"] == pytest.approx(one["clv"] / 2357, abs=1e-6)


def test_parameter_error_is_that_of_drawn_parameters(cdnow, bg):
    """Delta method against 400 draws of the parameters; logarithms in both."""
    rng = np.random.default_rng(1)
    all_of_them = cdnow[["customer_id"]].assign(group="all")
    found = clv.value_of_groups(cdnow, all_of_them, horizon_days=273, fit=bg, discount_rate_per_year=0.0).iloc[0]
    h = Histories.distinct(*(cdnow[name].to_numpy(float) for name in ("frequency", "recency", "T")))
    draws = [bg.process.with_parameters(v) for v in bg.process.estimate.draw(400, rng)]
    totals = [float(h.count @ process.expected_purchases(h, 273.0)) for process in draws]
    width = found["orders_high"] - found["orders_low"]
    chance = outlook(
        bg.process.with_parameters(list(bg.process.parameters.values())), h, 273.0, rate_per_day=0.0, level=0.8
    )
    by_chance = float(h.count @ (chance.square - chance.mean**2))
    assert width / (2 * 1.2816) == pytest.approx(np.sqrt(np.var(totals) + by_chance), rel=0.1)


def test_customers_without_a_group_are_one_of_their_own(cdnow, bg):
    some = cdnow[["customer_id"]].iloc[:100].assign(group="some")
    some = pd.concat([some, pd.DataFrame({"customer_id": [-7], "group": ["nobody's"]})])
    table = clv.value_of_groups(cdnow, some, horizon_days=90, fit=bg)
    assert table["group"].tolist() == ["(no group)", "some"]
    assert table["customers"].tolist() == [2257, 100]
    named = clv.value_of_groups(cdnow, some.rename(columns={"group": "tier"}), by="tier", horizon_days=90, fit=bg)
    assert_frame_equal(named, table)
    for kind in ("float64", "int32", "str"):  # 7.0, 7 and "7" are one customer
        others = clv.value_of_groups(cdnow, some.astype({"customer_id": kind}), horizon_days=90, fit=bg)
        assert_frame_equal(others, table)
    for by in ("customer_id", ""):
        with pytest.raises(DomainError, match="by must name the column of groups that holds the group"):
            clv.value_of_groups(cdnow, some, by=by, horizon_days=90, fit=bg)
    with pytest.raises(SchemaError, match="groups: column 'segment' is missing"):
        clv.value_of_groups(cdnow, some, by="segment", horizon_days=90, fit=bg)


# ------------------------------------------------------------------------------------------- refused


def test_a_customer_in_two_groups_is_refused(cdnow, bg):
    twice = pd.DataFrame({"customer_id": [4, 4], "group": ["a", "b"]})
    with pytest.raises(SchemaError) as error:
        clv.value_of_groups(cdnow, twice, horizon_days=90, fit=bg)
    assert str(error.value) == (
        "groups.customer_id: 1 customers stand in more than one row (first: 4); expected one row each.\n"
        "Keep one row per customer."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon_days": 0}, "horizon_days must lie between 1 and 36525 (days), got 0."),
        ({"level": 1.0}, "level must lie between 0 and 1, such as 0.8, got 1.0."),
        ({"margin": 0.0}, "margin must be finite and above 0 (the share of an order's value kept), got 0.0."),
        (
            {"discount_rate_per_year": -0.1},
            "discount_rate_per_year must be finite and at least 0 (.1 is ten per cent), got -0.1.",
        ),
    ],
)
def test_numbers_out_of_their_domain_are_refused(cdnow, bg, options, said):
    with pytest.raises(DomainError) as error:
        clv.customer_value(cdnow, **{"horizon_days": 90, "fit": bg, **options})
    assert str(error.value) == said


def test_value_needs_money(cdnow, bg):
    with pytest.raises(FitError) as error:
        clv.customer_value(cdnow.drop(columns="monetary_value"), horizon_days=90, fit=bg)
    assert str(error.value) == (
        "There is no money to value orders by: the summary or the fit lacks monetary_value.\n"
        "Take the summary from crmkit.summary.purchase_summary and fit to it again."
    )


def test_groups_without_a_spend_model_are_refused():
    once = pd.DataFrame({"customer_id": [1, 2], "frequency": 0, "recency": 0, "T": [50, 60], "monetary_value": 0.0})
    with pytest.raises(FitError) as error:
        clv.value_of_groups(once, once[["customer_id"]].assign(group="a"), horizon_days=90)
    assert str(error.value) == (
        "Groups can't be valued. No spend model: no customer has a repeat order day of positive value."
    )

import datetime as dt
import importlib.util
import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import special, stats

from crmkit.datasets import (
    CalendarBuyers,
    Catalogue,
    Channels,
    Company,
    PurchaseProcess,
    Refunds,
    Season,
    Spend,
    load_cdnow,
    simulate_company,
)
from crmkit.errors import CrmkitError, DomainError

START, DAYS = dt.date(2022, 1, 1), 1096
DAY = pd.Timedelta(days=1)
# Seeds are fixed, so a test passes or fails for good. Four standard errors: a right simulation exceeds them for one
# seed in 16,000. P values of distribution tests: the same odds.
Z, P = 4.0, 6e-5


def at(day: int) -> pd.Timestamp:
    return pd.Timestamp(START) + day * DAY


# ---------------------------------------------------------------------------------------------------------- CDNOW


def test_cdnow_master_has_the_published_counts():
    orders = load_cdnow()
    assert list(orders.columns) == ["customer_id", "ordered_at", "quantity", "amount"]
    assert (len(orders), orders["customer_id"].nunique()) == (69_659, 23_570)
    assert (orders["ordered_at"].min(), orders["ordered_at"].max()) == (at_date(1997, 1, 1), at_date(1998, 6, 30))
    # The cohort: every customer first bought in the first quarter of 1997 (Fader & Hardie 2001).
    assert orders.groupby("customer_id")["ordered_at"].min().max() == at_date(1997, 3, 25)
    assert [str(dtype) for dtype in orders.dtypes] == ["int64", "datetime64[us]", "int64", "float64"]


def test_cdnow_sample_has_the_published_counts():
    orders = load_cdnow(sample=True)
    assert (len(orders), orders["customer_id"].nunique()) == (6_919, 2_357)
    in_39_weeks = orders[orders["ordered_at"] <= at_date(1997, 9, 30)]
    # Fader, Hardie & Lee (2005): 946 customers buy again in the calibration period.
    assert (in_39_weeks.groupby("customer_id")["ordered_at"].nunique() > 1).sum() == 946


def test_cdnow_sample_is_a_part_of_the_master_under_the_same_ids():
    master, sample = load_cdnow(), load_cdnow(sample=True)
    same = master[master["customer_id"].isin(sample["customer_id"])]
    assert_frame_equal(same.reset_index(drop=True), sample)


def test_cdnow_keeps_every_order_of_a_day():
    orders = load_cdnow()
    two = orders[(orders["customer_id"] == 2) & (orders["ordered_at"] == at_date(1997, 1, 12))]
    assert two[["quantity", "amount"]].to_numpy().tolist() == [[1, 12.0], [5, 77.0]]
    assert orders.duplicated(["customer_id", "ordered_at"]).sum() == 2_068


def test_cdnow_does_not_run_lifetimes():
    program = "import sys, crmkit.datasets as d; d.load_cdnow(); sys.exit('lifetimes' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", program], check=False).returncode == 0


def test_cdnow_without_lifetimes_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CrmkitError) as error:
        load_cdnow()
    assert str(error.value) == (
        "load_cdnow: the CDNOW files are part of the package lifetimes, which is not installed; expected the extra "
        'crmkit[lifetimes]. Install it: pip install "crmkit[lifetimes]".'
    )


def at_date(year: int, month: int, day: int) -> pd.Timestamp:
    return pd.Timestamp(year, month, day)


# ------------------------------------------------------------------------------------------- the purchase process

PROCESS = PurchaseProcess(r=0.9, alpha=30.0, a=0.7, b=4.0, k=(1, 2, 3, 4, 6, 9), pi=(0.3, 0.2, 0.15, 0.15, 0.1, 0.1))


@pytest.fixture(scope="module")
def plain() -> Company:
    """Nothing but the regularity mixture."""
    return simulate_company(
        25_000,
        rng=np.random.default_rng(20_240),
        start=START,
        days=DAYS,
        acquisition_days=365,
        purchases=PROCESS,
        season=None,
        calendar_buyers=None,
        refunds=None,
    )


@pytest.fixture(scope="module")
def full() -> Company:
    """Everything on."""
    return simulate_company(20_000, rng=np.random.default_rng(11), start=START, days=DAYS, refunds=Refunds(0.1))


def sales(company: Company) -> pd.DataFrame:
    """Sales with the truth of their customer and the days since the start."""
    orders = company.orders[~company.orders["order_id"].isin(company.refunds["order_id"])]
    joined = orders.merge(company.truth, on="customer_id", validate="many_to_one")
    return joined.assign(day=(joined["ordered_at"] - at(0)) / DAY)


def gaps(company: Company, *, clock=lambda day: day) -> pd.DataFrame:
    """Gaps between the orders of a customer, and the days that were left when each began; days of `clock`."""
    log = sales(company).sort_values(["customer_id", "order_id"])
    log["day"] = clock(log["day"].to_numpy())
    before = log.groupby("customer_id")["day"].shift()
    return log.assign(gap=log["day"] - before, left=clock(float(DAYS)) - before)[before.notna()]


def test_traits_follow_the_stated_distributions(plain):
    truth = plain.truth
    assert stats.kstest(truth["rate_per_day"], stats.gamma(PROCESS.r, scale=1 / PROCESS.alpha).cdf).pvalue > P
    assert stats.kstest(truth["dropout_probability"], stats.beta(PROCESS.a, PROCESS.b).cdf).pvalue > P
    # A Gamma variate below its mean order value: p / nu with nu ~ Gamma(q, gamma) is inverse Gamma.
    assert stats.kstest(truth["mean_order_value"], stats.invgamma(3.74, scale=6.25 * 15.44).cdf).pvalue > P
    # Sharper than a distance: nu has mean q / gamma and coefficient of variation 1 / sqrt(q).
    nu = 6.25 / truth["mean_order_value"]
    assert abs(nu.mean() * 15.44 / 3.74 - 1) < Z / np.sqrt(3.74 * len(truth))
    counts = truth["k"].value_counts().reindex(list(PROCESS.k)).to_numpy(dtype=float)
    assert stats.chisquare(counts, len(truth) * np.array(PROCESS.pi)).pvalue > P
    # Independent of each other, as the models assume.
    ranks = stats.spearmanr(truth[["rate_per_day", "k", "dropout_probability", "mean_order_value"]]).statistic
    assert np.abs(ranks[~np.eye(4, dtype=bool)]).max() < Z / np.sqrt(len(truth))


def test_first_orders_are_spread_evenly_over_the_acquisition_days(plain):
    day = (plain.truth["acquired_at"] - at(0)) / DAY
    assert stats.kstest(day, stats.uniform(0, 365).cdf).pvalue > P


def test_gaps_have_the_stated_regularity(plain):
    # Only gaps that began when 15 mean gaps fitted in before the end: the end cuts off 3e-7 of them.
    free = gaps(plain).query("left * rate_per_day > 15")
    for k, group in free.groupby("k"):
        scaled = (group["gap"] * group["rate_per_day"]).to_numpy()
        n = len(scaled)
        assert n > 1_000  # of every k: none is skipped for want of gaps
        assert abs(scaled.mean() - 1) < Z / np.sqrt(k * n)
        # Variance of a sample variance: (kurtosis - 1) sigma^4 / n, kurtosis of the Gamma distribution 3 + 6 / k.
        assert abs(scaled.var() * k - 1) < Z * np.sqrt((2 + 6 / k) / n)
        assert scaled.std() / scaled.mean() == pytest.approx(1 / np.sqrt(k), rel=0.03)  # what a reader would check


def gap_p_values(observed: pd.DataFrame) -> list[float]:
    """Each observed gap through its distribution function, given that it ended before the end: uniform, exactly."""
    p_values = []
    for k, group in observed.groupby("k"):
        pace = float(k) * group["rate_per_day"]
        uniform = special.gammainc(k, pace * group["gap"]) / special.gammainc(k, pace * group["left"])
        p_values.append(stats.kstest(uniform, "uniform").pvalue)
    return p_values


def test_every_gap_is_erlang_given_the_time_that_was_left(plain):
    p_values = gap_p_values(gaps(plain))
    assert len(p_values) == 6
    assert min(p_values) > P


def test_customers_leave_after_each_order_with_their_probability(plain):
    log = sales(plain)
    leaves = (log["ordered_at"] == log["left_at"]).to_numpy(dtype=float)
    p = log["dropout_probability"]
    # Given the past each order is a coin of its own: the differences add up to 0, with the variances of the coins.
    first = ~log["customer_id"].duplicated()
    for rows in (first, ~first, p < 0.05, p > 0.2, log["k"] == 1, log["k"] > 4):
        miss = (leaves - p)[rows].sum() / np.sqrt((p * (1 - p))[rows].sum())
        assert abs(miss) < Z


def test_customers_without_a_second_order_are_as_many_as_the_closed_form_says(plain):
    truth = plain.truth
    days_left = DAYS - (truth["acquired_at"] - at(0)) / DAY
    k = truth["k"].to_numpy(dtype=float)
    # Left after the first order, or fewer than k phases since: phases in T are negative binomial (r, q).
    leave = PROCESS.a / (PROCESS.a + PROCESS.b)
    p = leave + (1 - leave) * stats.nbinom.cdf(k - 1, PROCESS.r, PROCESS.alpha / (PROCESS.alpha + k * days_left))
    single = truth["order_count"] == 1
    for each in PROCESS.k:
        of_k = k == each
        assert abs((single - p)[of_k].sum()) < Z * np.sqrt((p * (1 - p))[of_k].sum())


def test_order_counts_have_the_mean_of_the_closed_form(plain):
    truth = plain.truth
    days_left = (DAYS - (truth["acquired_at"] - at(0)) / DAY).to_numpy()
    k = truth["k"].to_numpy(dtype=float)
    q = PROCESS.alpha / (PROCESS.alpha + k * days_left)
    # E[orders] = 1 + sum over n of P(stays n times) P(at least nk phases); terms beyond 400 orders are below 1e-9.
    n = np.arange(1, 400)
    stays = np.exp(special.betaln(PROCESS.a, PROCESS.b + n) - special.betaln(PROCESS.a, PROCESS.b))
    some = np.random.default_rng(3).choice(len(k), 2_000, replace=False)
    expected = 1 + (stays * stats.nbinom.sf(n * k[some, None] - 1, PROCESS.r, q[some, None])).sum(axis=1)
    miss = truth["order_count"].to_numpy()[some] - expected
    assert abs(miss.mean()) < Z * miss.std() / np.sqrt(len(some))


def log_likelihoods(theta, x, recency, T, sum_log_gap, k):
    """MBG/CNBD-k log-likelihood per customer (orders 1 + x), phase rate k times the purchase rate."""
    r, alpha, a, b = np.exp(theta)
    alpha = alpha / k
    gap_term = (k - 1) * sum_log_gap - x * special.gammaln(k)
    at_scale = gap_term + r * np.log(alpha) - special.gammaln(r)
    left = special.betaln(a + 1, b + x) + special.gammaln(r + k * x) - (r + k * x) * np.log(alpha + recency)
    j = np.arange(k)[:, None]
    waits = special.gammaln(r + k * x + j) - special.gammaln(j + 1) + special.xlogy(j, T - recency)
    stays = special.betaln(a, b + x + 1) + special.logsumexp(waits - (r + k * x + j) * np.log(alpha + T), axis=0)
    return at_scale + np.logaddexp(left, stays) - special.betaln(a, b)


def test_the_likelihood_of_the_mixture_is_stationary_at_the_truth(plain):
    """Recovery without an optimiser: at the true parameters the score of the papers' likelihood has mean 0."""
    # The likelihood knows neither the gaps' order nor the truth: only x, t_x, T and the sum of log gaps.
    some = plain.truth[plain.truth["customer_id"] <= 15_000].set_index("customer_id")
    log = gaps(plain)
    log["log_gap"] = np.log(log["gap"].clip(lower=0.5 / 86_400))  # two orders can fall into one second
    sums = log.groupby("customer_id")[["gap", "log_gap"]].sum().reindex(some.index, fill_value=0.0)
    x = some["order_count"].to_numpy() - 1.0
    recency, sum_log_gap = sums["gap"].to_numpy(), sums["log_gap"].to_numpy()
    T = (DAYS - (some["acquired_at"] - at(0)) / DAY).to_numpy()

    def by_k(theta):
        return np.array([log_likelihoods(theta, x, recency, T, sum_log_gap, k) for k in PROCESS.k])

    def mixture(theta):
        return special.logsumexp(by_k(theta).T, b=PROCESS.pi, axis=1)

    truth = np.log([PROCESS.r, PROCESS.alpha, PROCESS.a, PROCESS.b])
    step = 1e-4
    scores = [(mixture(truth + step * e) - mixture(truth - step * e)) / (2 * step) for e in np.eye(4)]
    # Along pi_k the score is L_k / L - 1.
    scores += list(np.exp(by_k(truth) - mixture(truth)) - 1)
    for score in scores:
        assert abs(score.mean()) < Z * score.std() / np.sqrt(len(score))
    # It is the truth that does it: 5 % off in r or alpha costs more than sampling explains.
    for wrong in 0.05 * np.eye(4)[:2]:
        assert mixture(truth + wrong).sum() < mixture(truth).sum() - 5


def test_amounts_are_gamma_about_the_customers_mean(plain):
    log = sales(plain)
    ratio = log["amount"] / log["mean_order_value"]
    # Amounts are cut to the cent, 3e-4 of the usual amount: far below what a distance of 300,000 rows notices.
    assert stats.kstest(ratio, stats.gamma(6.25, scale=1 / 6.25).cdf).statistic < 2.2 / np.sqrt(len(log))
    np.testing.assert_array_equal(log["amount"], log["amount"].round(2))
    assert (log["amount"] > 0).all()


# ------------------------------------------------------------------------------- season, calendar buyers, refunds


def season_clock(season: Season):
    """Operational days at a calendar day, day by day from the definition."""
    index = np.array(season.index) / np.mean(season.index)
    passed = np.cumsum([0.0] + [index[(START + dt.timedelta(days=d)).month - 1] for d in range(DAYS)])
    return lambda day: np.interp(day, np.arange(DAYS + 1.0), passed)


def test_with_a_season_gaps_keep_their_regularity_on_the_seasons_clock():
    season = Season(index=(0.3, 0.3, 0.5, 0.8, 1, 1, 1, 1, 1, 1.5, 2.5, 3.5))
    company = simulate_company(
        20_000, rng=np.random.default_rng(5), start=START, days=DAYS, season=season, calendar_buyers=None, refunds=None
    )
    clock = season_clock(season)
    assert min(gap_p_values(gaps(company, clock=clock))) > P
    first = clock(((company.truth["acquired_at"] - at(0)) / DAY).to_numpy())
    assert stats.kstest(first, stats.uniform(0, clock(float(DAYS))).cdf).pvalue > P
    # On the calendar they don't fit, and December is full.
    assert max(gap_p_values(gaps(company))) < P
    by_month = sales(company)["ordered_at"].dt.month.value_counts(normalize=True)
    assert by_month[12] > 6 * by_month[2]


def test_calendar_buyers_order_once_in_their_months_only(full):
    log = sales(full).dropna(subset="calendar_months")
    months = log["calendar_months"].astype(str).str.split(",").map(lambda texts: {int(text) for text in texts})
    assert all(month in mine for month, mine in zip(log["ordered_at"].dt.month, months, strict=True))
    assert not log.assign(month=log["ordered_at"].dt.to_period("M")).duplicated(["customer_id", "month"]).any()


def test_calendar_buyers_have_the_stated_share_and_attendance(full):
    truth, buyers = full.truth, CalendarBuyers()
    seasonal = truth["calendar_months"].notna()
    assert abs(seasonal.mean() - buyers.share) < Z * np.sqrt(buyers.share * (1 - buyers.share) / len(truth))
    counts = truth["calendar_months"].value_counts()
    assert set(counts.index) == {"3,9", "12", "5,11", "1,4,7,10"}
    assert stats.chisquare(counts).pvalue > P
    assert (truth["k"].isna() == seasonal).all()
    # A chance to come is each month of the pattern after the first order, up to the month of leaving, which ends a
    # number of visits fixed beforehand: a stopping time, so that visits - attendance * chances has mean 0.
    mine = truth[seasonal]
    last_months = mine["left_at"].fillna(at(DAYS - 1)).dt.to_period("M")
    chances = 0
    for first, last, text in zip(
        mine["acquired_at"].dt.to_period("M"), last_months, mine["calendar_months"], strict=True
    ):
        pattern = {int(month) for month in text.split(",")}
        chances += sum(n % 12 + 1 in pattern for n in range(first.ordinal + 1, last.ordinal + 1))
    visits = (mine["order_count"] - 1).sum()
    p = buyers.attendance
    assert abs(visits - p * chances) < Z * np.sqrt(p * (1 - p) * chances)


def test_refunds_follow_an_order_of_the_same_customer_and_never_exceed_it(full):
    links = full.refunds
    assert links["refunded_order_id"].is_unique
    assert links["order_id"].is_monotonic_increasing
    orders = full.orders.set_index("order_id")
    back = orders.loc[links["order_id"]].reset_index()
    paid = orders.loc[links["refunded_order_id"]].reset_index()
    for column in ("customer_id", "product_id", "category", "channel"):
        assert (back[column] == paid[column]).all()
    assert (back["order_id"] > paid["order_id"]).all()
    assert (back["ordered_at"] > paid["ordered_at"]).all()
    assert (back["amount"] < 0).all()
    assert (back["amount"] >= -paid["amount"]).all()
    assert (back["quantity"] <= -1).all()
    assert (back["quantity"] >= -paid["quantity"]).all()
    assert (orders.drop(links["order_id"])["amount"] > 0).all()


def test_refunds_have_the_stated_frequency_size_and_delay(full):
    assumed = Refunds(0.1)
    propensity = full.truth["refund_probability"]
    assert stats.kstest(propensity, stats.beta(1.0, 9.0).cdf).pvalue > P
    log = sales(full)
    seen = -np.expm1(-(DAYS - log["day"]) / assumed.delay_days)
    p = log["refund_probability"] * seen
    refunded = log["order_id"].isin(full.refunds["refunded_order_id"])
    assert abs((refunded - p).sum()) < Z * np.sqrt((p * (1 - p)).sum())
    orders = full.orders.set_index("order_id")
    back, paid = orders.loc[full.refunds["order_id"]], orders.loc[full.refunds["refunded_order_id"]]
    part = -back["amount"].to_numpy() / paid["amount"].to_numpy()
    n = len(part)
    # A uniform part rounds up to the whole for amounts of a few coins only.
    assert abs((part == 1).mean() - assumed.full_share) < Z * np.sqrt(0.24 / n) + 1e-3
    assert abs(part[part < 1].mean() - 0.5) < Z * np.sqrt(1 / 12 / (part < 1).sum()) + 1e-3
    early = paid["ordered_at"].to_numpy() < at(DAYS - 200)
    delay = (back["ordered_at"].to_numpy() - paid["ordered_at"].to_numpy())[early] / DAY
    assert stats.kstest(delay, stats.expon(scale=assumed.delay_days).cdf).pvalue > P


def test_refunds_leave_the_sales_as_they_are():
    def sold(refunds: Refunds | None) -> pd.DataFrame:
        company = simulate_company(500, rng=np.random.default_rng(1), refunds=refunds)
        return sales(company).drop(columns=["order_id", "refund_probability"])

    assert_frame_equal(sold(None), sold(Refunds(0.3)))


# ------------------------------------------------------------------------------------------ products and channels


def test_the_favourite_product_has_the_cycle_nearest_to_the_customers_gap(full):
    cycles = np.array(Catalogue().refill_days)
    gap = 1 / full.truth["rate_per_day"].to_numpy()
    nearest = cycles[np.argmin(np.abs(np.log(cycles) - np.log(gap)[:, None]), axis=1)]
    products = full.products.set_index("product_id")
    favourite = products.loc[full.truth["favourite_product_id"]]
    np.testing.assert_array_equal(favourite["refill_days"], nearest)
    assert stats.chisquare(favourite["category"].value_counts()).pvalue > P


def test_orders_go_to_the_favourite_product_and_the_preferred_channel_as_stated(full):
    log, catalogue, channels = sales(full), Catalogue(), Channels()
    any_product, any_channel = 1 / len(full.products), 1 / len(channels.names)
    for hit, share in (
        (log["product_id"] == log["favourite_product_id"], 0.8 + 0.2 * any_product),
        (log["channel"] == log["preferred_channel"], 0.75 + 0.25 * any_channel),
    ):
        assert abs(hit.mean() - share) < Z * np.sqrt(share * (1 - share) / len(log))
    preferred = full.truth["preferred_channel"].value_counts().reindex(list(channels.names))
    assert stats.chisquare(preferred, len(full.truth) * np.array(channels.shares)).pvalue > P
    assert set(log["product_id"]) == set(full.products["product_id"])
    assert len(full.products) == len(catalogue.categories) * len(catalogue.refill_days)


def test_units_and_category_follow_from_the_product(full):
    log = sales(full).merge(full.products, on="product_id", suffixes=("", "_of_product"))
    assert (log["category"] == log["category_of_product"]).all()
    units = np.maximum(np.rint(log["amount"] / log["unit_price"]), 1)
    np.testing.assert_array_equal(log["quantity"], units)


# -------------------------------------------------------------------------------------------------- what always holds


@st.composite
def companies(draw) -> Company:
    positive = st.floats(0.01, 20)
    days = draw(st.integers(1, 900))
    start = draw(st.dates(dt.date(1999, 1, 1), dt.date(2030, 12, 31)))
    return simulate_company(
        draw(st.integers(1, 60)),
        rng=np.random.default_rng(draw(st.integers(0, 2**32))),
        start=start,
        days=days,
        acquisition_days=draw(st.none() | st.integers(1, days)),
        purchases=PurchaseProcess(
            r=draw(positive),
            alpha=draw(st.floats(1, 1000)),
            a=draw(positive),
            b=draw(positive),
            k=(1, 5),
            pi=(0.4, 0.6),
        ),
        spend=Spend(p=draw(positive), q=draw(st.floats(0.5, 20)), gamma=draw(positive)),
        season=draw(st.none() | st.just(Season())),
        calendar_buyers=draw(st.none() | st.builds(CalendarBuyers, st.floats(0, 1), st.just(((start.month,),)))),
        refunds=draw(st.none() | st.builds(Refunds, st.floats(0.01, 0.99))),
        ids=draw(st.sampled_from(["integer", "text"])),
    )


@settings(max_examples=60, deadline=None)
@given(companies())
def test_whatever_is_assumed_the_tables_hang_together(company):
    orders, truth, links = company.orders, company.truth, company.refunds
    assert truth["customer_id"].is_unique
    assert truth["customer_id"].is_monotonic_increasing
    assert orders["order_id"].tolist() == list(range(1, len(orders) + 1))
    assert orders["ordered_at"].is_monotonic_increasing
    assert not orders.isna().any(axis=None)
    assert np.isfinite(orders["amount"]).all()
    sold = orders[~orders["order_id"].isin(links["order_id"])]
    assert (sold["amount"] > 0).all()
    by_customer = sold.groupby("customer_id")["ordered_at"].agg(["min", "max", "size"])
    facts = truth.set_index("customer_id")
    # Everybody has an order, nobody has one before the first or after leaving.
    assert_columns_equal(by_customer["min"], facts["acquired_at"])
    assert_columns_equal(by_customer["size"], facts["order_count"])
    left = facts["left_at"].dropna()
    assert_columns_equal(by_customer["max"].loc[left.index], left)
    assert (facts["alive_at_end"] == facts["left_at"].isna()).all()
    assert len(links) == (orders["amount"] < 0).sum()


def assert_columns_equal(left: pd.Series, right: pd.Series) -> None:
    pd.testing.assert_series_equal(left, right, check_names=False, check_dtype=False)


@settings(max_examples=25, deadline=None)
@given(days=st.integers(1, 400), acquisition=st.integers(1, 400), seed=st.integers(0, 2**32))
def test_nothing_happens_outside_the_span(days, acquisition, seed):
    acquisition = min(days, acquisition)
    company = simulate_company(
        50,
        rng=np.random.default_rng(seed),
        start=START,
        days=days,
        acquisition_days=acquisition,
        calendar_buyers=CalendarBuyers(months=((1,),)),
    )
    assert company.orders["ordered_at"].min() >= at(0)
    assert company.orders["ordered_at"].max() < at(days)
    all_year = company.truth["calendar_months"].isna()
    assert (company.truth["acquired_at"][all_year] < at(acquisition)).all()


def test_the_end_of_the_span_cuts_the_log_and_does_not_gather_it(plain):
    """An order beyond the end is dropped, not moved to the last moment."""
    ordered_at = plain.orders["ordered_at"]
    assert (ordered_at >= at(DAYS) - pd.Timedelta(seconds=2)).sum() <= 2
    by_day = ((ordered_at - at(0)) // DAY).value_counts()
    month = by_day.loc[range(DAYS - 31, DAYS - 1)]
    assert abs(by_day[DAYS - 1] - month.mean()) < Z * np.sqrt(month.mean())  # days are near Poisson counts


def test_the_same_state_of_chance_gives_the_same_company():
    rng = np.random.default_rng(8)
    state = rng.bit_generator.state
    first, second = simulate_company(300, rng=rng), simulate_company(300, rng=rng)
    rng.bit_generator.state = state
    again = simulate_company(300, rng=rng)
    for table in ("orders", "refunds", "products", "truth"):
        assert_frame_equal(getattr(first, table), getattr(again, table))
    assert not first.orders.equals(second.orders)


def test_parts_that_come_later_will_leave_the_earlier_ones_as_they_are():
    four, nine = (np.random.default_rng(1).integers(2**32, size=(parts, 4)) for parts in (4, 9))
    np.testing.assert_array_equal(four, nine[:4])


def test_text_ids_name_the_same_customers():
    number, text = (simulate_company(50, rng=np.random.default_rng(2), ids=ids) for ids in ("integer", "text"))
    assert number.orders["customer_id"].dtype == np.int64
    assert text.truth["customer_id"].iloc[0] == "C0000001"
    for table in ("orders", "truth"):
        as_text = "C" + getattr(number, table)["customer_id"].astype(str).str.zfill(7)
        pd.testing.assert_series_equal(getattr(text, table)["customer_id"], as_text)


def test_by_default_a_customer_places_about_ten_orders(full):
    assert 8 < full.truth["order_count"].mean() < 11
    assert list(full.orders.columns) == [
        *("order_id", "customer_id", "ordered_at", "amount", "product_id", "quantity", "category", "channel")
    ]


def test_a_company_of_calendar_buyers_only():
    company = simulate_company(
        100, rng=np.random.default_rng(1), calendar_buyers=CalendarBuyers(share=1.0, months=((9, 3),), attendance=1.0)
    )
    assert (company.truth["calendar_months"] == "3,9").all()
    assert set(company.orders["ordered_at"].dt.month.where(company.orders["amount"] > 0).dropna()) == {3, 9}


def test_assumptions_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Spend().p = 2.0  # type: ignore[misc]


# --------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: PurchaseProcess(r=0), "PurchaseProcess.r must be finite and above 0, got 0."),
        (lambda: PurchaseProcess(b=np.inf), "PurchaseProcess.b must be finite and above 0, got inf."),
        (lambda: PurchaseProcess(k=(0,)), "PurchaseProcess.k must hold integers of at least 1, got (0,)."),
        (
            lambda: PurchaseProcess(k=(1, 2), pi=(0.5, 0.6)),
            "PurchaseProcess.pi must hold 2 shares of at least 0 that sum to 1, got (0.5, 0.6).",
        ),
        (lambda: Spend(gamma=-1), "Spend.gamma must be finite and above 0, got -1."),
        (lambda: Season(index=(1.0,)), "Season.index must hold 12 finite numbers above 0, got (1.0,)."),
        (lambda: CalendarBuyers(share=2), "CalendarBuyers.share must lie in [0, 1], got 2."),
        (lambda: CalendarBuyers(attendance=0), "CalendarBuyers.attendance must lie in (0, 1], got 0."),
        (
            lambda: CalendarBuyers(months=((0, 3),)),
            "CalendarBuyers.months must hold patterns of months from 1 to 12, got ((0, 3),).",
        ),
        (lambda: Refunds(probability=0), "Refunds.probability must lie in (0, 1), got 0."),
        (lambda: Refunds(full_share=-1), "Refunds.full_share must lie in [0, 1], got -1."),
        (lambda: Refunds(delay_days=0), "Refunds.delay_days must be finite and above 0, got 0."),
        (
            lambda: Catalogue(categories=("tea",)),
            "Catalogue needs one unit price per category, at least one: got 1 categories with 5 unit_prices.",
        ),
        (
            lambda: Catalogue(categories=("tea",), unit_prices=(0.0,)),
            "Catalogue.unit_prices must be finite and above 0, got (0.0,).",
        ),
        (
            lambda: Catalogue(refill_days=(30, 14)),
            "Catalogue.refill_days must ascend from at least 1 (days), got (30, 14).",
        ),
        (lambda: Catalogue(favourite_share=7), "Catalogue.favourite_share must lie in [0, 1], got 7."),
        (
            lambda: Channels(names=("web",)),
            "Channels.shares must hold 1 shares of at least 0 that sum to 1, got (0.45, 0.35, 0.2).",
        ),
        (lambda: Channels(preferred_share=7), "Channels.preferred_share must lie in [0, 1], got 7."),
        (lambda: company(customers=0), "customers must be at least 1, got 0."),
        (lambda: company(days=0), "days must be at least 1, got 0."),
        (
            lambda: company(days=9, acquisition_days=10),
            "acquisition_days must lie between 1 and days = 9, got 10.",
        ),
        (lambda: company(ids="uuid"), 'ids must be "integer" or "text", got \'uuid\'.'),
        (
            lambda: company(start=dt.date(2022, 4, 1), days=60),
            "calendar_buyers.months holds (3, 9), but none of these months lies within the first 60 days from "
            "2022-04-01, when first orders are placed. Take a longer span, other months, or calendar_buyers=None.",
        ),
    ],
)
def test_what_lies_outside_its_domain_is_refused_in_words(make, text):
    with pytest.raises(DomainError) as error:
        make()
    assert str(error.value) == text


def company(customers=10, **changes):
    return simulate_company(customers, rng=np.random.default_rng(0), **changes)

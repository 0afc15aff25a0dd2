"""When do they come back: one customer by hand, what may not move a forecast, words, refills, windows that hold."""

import datetime as dt
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import datasets, purchases, repurchase, summary
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models.histories import Histories
from crmkit.models.nbd import NBD
from crmkit.models.pareto_nbd import ParetoNBD
from crmkit.models.regular_beta_geometric import RegularBetaGeometric
from crmkit.models.regularity_mixture import RegularityMixture
from crmkit.models.season_clock import SeasonClock
from crmkit.repurchase import wording
from tests import engines

AS_OF = dt.date(2024, 7, 31)
MIXTURE = RegularityMixture("MBG", 1.2, 42.0, 0.6, 8.0, (1, 2, 3, 4, 6, 9), (0.30, 0.25, 0.15, 0.15, 0.10, 0.05))
CLOCK = SeasonClock(datasets.Season().index)
COLUMNS = ["customer_id", "order_days", "days_since_order", "usual_gap_days", "regularity", "p_order",
           "next_order_day", "window_start", "window_end", "status", "basis", "reason"]  # fmt: skip


def fit_of(process) -> purchases.PurchaseFit:
    return purchases.PurchaseFit(process=process, compared=(), choice="", customers=100, money=None)


FIT = fit_of(MIXTURE)


def log(**customers) -> pd.DataFrame:
    rows = [(customer, pd.Timestamp(day)) for customer, days in customers.items() for day in days]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).astype({"customer_id": "str"})
    return table.assign(ordered_at=table["ordered_at"].astype("datetime64[us]"), amount=20.0)


def every(days: int, *, orders: int, last: str) -> list:
    return list(pd.date_range(end=last, periods=orders, freq=f"{days}D"))


def forecast(orders, as_of=AS_OF, **options) -> pd.DataFrame:
    options = {"fit": FIT} | options
    return engines.on_polars(repurchase.repurchase_forecast, orders, as_of=as_of, **options)


def of(customer: str, orders, as_of=AS_OF, **options) -> pd.Series:
    return forecast(orders, as_of, **options).set_index("customer_id").loc[customer]


@pytest.fixture(scope="module")
def base():
    """An ordinary base up to the end of July 2024, with refills."""
    company = datasets.simulate_company(
        800, rng=np.random.default_rng(9), season=None, calendar_buyers=None, refunds=None, ids="text", days=943
    )
    kept = company.orders[["customer_id", "ordered_at", "amount", "product_id", "category"]]
    return kept.astype({"product_id": "str", "category": "str"})


# ----------------------------------------------------------------------------------- one customer, day by day


ANN = every(45, orders=6, last="2024-06-16")  # the next 45 days end on 2024-07-31


def test_the_buyer_of_every_45_days_among_an_ordinary_base(base):
    orders = pd.concat([base, log(ann=ANN, two=ANN[-2:])])
    table = repurchase.repurchase_forecast(orders, as_of=dt.date(2024, 7, 21))
    assert list(table.columns) == COLUMNS
    rows = table.set_index("customer_id")
    ann, two = rows.loc["ann"], rows.loc["two"]
    assert (ann["order_days"], ann["days_since_order"], ann["usual_gap_days"]) == (6, 35, 45.0)
    assert ann["status"] == "due"
    assert ann["basis"] == "own history"
    assert ann["regularity"] > 4 > two["regularity"]
    assert ann["window_start"] <= pd.Timestamp("2024-07-31") <= ann["window_end"]
    width = (rows["window_end"] - rows["window_start"]).dt.days
    assert 2 * width["ann"] < width["two"], "two orders say little of a rhythm"
    assert abs(ann["next_order_day"] - pd.Timestamp("2024-07-31")) <= pd.Timedelta(days=10)


def test_the_status_moves_on_with_the_silence():
    """One history, looked at on each of 500 days: a customer each, of the same fit."""
    silences = range(500)
    shifted = {f"a{s:03d}": [day + (pd.Timestamp(AS_OF) - ANN[-1]) - pd.Timedelta(days=s) for day in ANN]
               for s in silences}  # fmt: skip
    table = forecast(log(**shifted))
    assert table["days_since_order"].tolist() == list(silences)
    status = table["status"].tolist()
    changes = [status[0]] + [b for a, b in pairwise(status) if a != b]
    assert changes == ["not due", "due", "overdue", "lapsed"]
    assert 20 <= status.index("due") <= 35
    assert 60 <= status.index("overdue") <= 90
    last = pd.Timestamp(AS_OF) - pd.to_timedelta(table["days_since_order"], unit="D")
    names = ["next_order_day", "window_start", "window_end"]
    after = table[names].sub(last, axis=0).apply(lambda c: c.dt.days)
    assert (after.diff()[1:] >= 0).all(axis=None), "more silence never moves the window earlier"
    # The 45th day lies in the window until it is so near that less than a tenth comes by then.
    early = table["days_since_order"] <= 35
    assert ((after["window_start"] <= 45) & (after["window_end"] >= 45))[early].all()


def test_the_numbers_are_those_of_the_model():
    orders = log(ann=ANN, bob=["2024-01-10"], cy=["2023-05-01", "2023-05-02", "2024-07-31"])
    table = forecast(orders, horizon_days=90, level=0.5, within_days=400)
    past = summary.purchase_summary(orders, as_of=AS_OF)
    h = Histories.in_order(past["frequency"], past["recency"], past["T"], past["sum_log_gap"])
    np.testing.assert_allclose(table["p_order"], MIXTURE.p_any_purchase(h, 90.0), rtol=1e-9)
    np.testing.assert_allclose(table["regularity"], MIXTURE.expected_regularity(h), rtol=1e-9)
    most = MIXTURE.p_any_purchase(h, 400.0)
    ahead = (table[["window_start", "next_order_day", "window_end"]] - pd.Timestamp(AS_OF)).apply(lambda c: c.dt.days)
    # The middle of the first day is past the lower quarter and that of the day before is not; so at the other end.
    for name, level, late, early in (("window_start", 0.25, 0.5, 1.5), ("window_end", 0.75, -0.5, 0.5)):
        assert (MIXTURE.p_any_purchase(h, ahead[name].to_numpy() - early) < level * most).all()
        assert (MIXTURE.p_any_purchase(h, ahead[name].to_numpy() - late) >= level * most).all()
    assert (MIXTURE.p_any_purchase(h, ahead["next_order_day"].to_numpy(dtype=float)) >= 0.5 * most).all()
    assert (MIXTURE.p_any_purchase(h, ahead["next_order_day"].to_numpy() - 1.0) < 0.5 * most).all()


def test_the_usual_gap_without_a_gap_is_the_median_wait_of_those_who_order_again_within_two_years():
    row = of("bob", log(ann=ANN, bob=["2024-07-01"]))
    new = Histories.in_order([0], [0], [0], [0])
    expected = MIXTURE.next_purchase_quantile(new, 0.5 * MIXTURE.p_any_purchase(new, 730)[0] / MIXTURE.p_alive(new)[0])
    assert row["usual_gap_days"] == pytest.approx(expected[0], rel=1e-7)  # the solver's precision
    assert (row["status"], row["basis"]) == ("new", "pooled")


def test_the_day_of_the_median_lies_in_the_window_at_any_level(base):
    for level in (0.001, 0.3, 0.99):
        table = forecast(base, level=level)
        assert (table["window_start"] <= table["next_order_day"]).all()
        assert (table["next_order_day"] <= table["window_end"]).all()
        assert (table["window_start"] > pd.Timestamp(AS_OF)).all()


# ----------------------------------------------------------------------------------- what moves and what does not


def test_a_longer_horizon_never_lowers_the_probability(base):
    for process in (MIXTURE, RegularBetaGeometric("BG", 0.5, 40.0, 0.8, 2.5), NBD(0.5, 40.0)):
        found = [forecast(base, horizon_days=days, fit=fit_of(process))["p_order"] for days in (1, 30, 31, 400, 36_525)]
        assert all((short <= long + 1e-12).all() for short, long in pairwise(found))
        assert ((found[0] > 0) & (found[-1] <= 1)).all()


def test_what_other_customers_do_changes_nothing_if_the_fit_is_given(base):
    some = base[base["customer_id"] < "C0000100"]
    alone = forecast(some)
    among = forecast(base)
    assert_frame_equal(among[among["customer_id"] < "C0000100"].reset_index(drop=True), alone)


def test_rows_after_as_of_and_the_order_of_rows_change_nothing(base):
    as_of = dt.date(2024, 2, 29)
    past = base[base["ordered_at"] < "2024-03-01"]
    for options in ({"fit": None}, {"fit": None, "by": ["customer_id", "product_id"]}):
        alone = forecast(past, as_of, **options)
        assert_frame_equal(forecast(base.sample(frac=1, random_state=3), as_of, **options), alone)


def test_the_callers_frame_is_not_changed(base):
    before = base.copy(deep=True)
    repurchase.repurchase_forecast(base, as_of=AS_OF, fit=FIT)
    repurchase.product_cycles(base, as_of=AS_OF)
    assert_frame_equal(base, before)


def test_within_days_bounds_the_window(base):
    narrow, wide = (forecast(base, within_days=days) for days in (60, 36_525))
    assert (narrow["window_end"] <= pd.Timestamp(AS_OF) + pd.Timedelta(days=60)).all()
    assert (narrow["next_order_day"] <= wide["next_order_day"]).all()
    assert wide["window_end"].max() > pd.Timestamp(AS_OF) + pd.Timedelta(days=730)
    one_day = forecast(base, within_days=1)
    for name in ("window_start", "next_order_day", "window_end"):
        assert (one_day[name] == pd.Timestamp(AS_OF) + pd.Timedelta(days=1)).all()
    for name in ("status", "p_order", "usual_gap_days"):
        assert_frame_equal(narrow[[name]], wide[[name]])


def test_a_clock_stretches_the_window_over_slow_months(base):
    """On the clock, a window that ends in the slow months after December is as long in operational days."""
    flat = SeasonClock((1.0,) * 12)
    fit = purchases.fit_purchase_process(base, as_of=AS_OF, model="mbg_regularity_mixture")
    flatly, fitted = forecast(base, fit=None, clock=flat), forecast(base, fit=fit)
    assert_frame_equal(flatly.drop(columns="reason"), fitted.drop(columns="reason"), rtol=1e-6)
    orders = pd.concat([base, log(ann=every(45, orders=9, last="2024-07-10"))])
    still = SeasonClock((*(1.0,) * 7, 0.02, *(1.0,) * 4))  # nobody buys in August
    plain, timed = of("ann", orders, fit=None), of("ann", orders, fit=None, clock=still)
    assert plain["window_start"] < pd.Timestamp("2024-08-31") < timed["window_start"]


@pytest.mark.parametrize(
    "process",
    [
        NBD(0.5, 40.0),
        ParetoNBD(0.5, 40.0, 0.6, 80.0),
        RegularBetaGeometric("BG", 0.5, 40.0, 0.8, 2.5),
        RegularBetaGeometric("MBG", 0.5, 20.0, 0.8, 2.5, 2),
        RegularityMixture("BG", 0.8, 60.0, 0.5, 2.5, (1, 2), (0.5, 0.5)),
    ],
)
def test_any_process_is_fitted_anew_on_a_clock(base, process):
    """Also one that was made by hand, so that no comparison names its model."""
    some = base[base["customer_id"] < "C0000200"]
    table = forecast(some, fit=fit_of(process), clock=CLOCK)
    assert table["p_order"].between(0, 1).all()


def test_histories_of_a_century_have_dates_and_no_minus_zero():
    orders = log(ann=["1900-01-01", "2024-07-31"], bob=["2024-07-31"])
    table = forecast(orders, fit=None, within_days=36_525)
    assert not np.signbit(table["p_order"]).any()
    assert table["p_order"].between(0, 1).all()
    assert (table["window_end"] <= pd.Timestamp(AS_OF) + pd.Timedelta(days=36_525)).all()
    assert (table["window_start"] <= table["next_order_day"]).all()


# ----------------------------------------------------------------------------------- refills


def test_product_cycles_by_hand():
    orders = pd.concat([
        log(ann=every(30, orders=3, last="2024-07-01"), bob=["2024-06-01"]).assign(product_id="tea"),
        log(ann=["2024-01-01", "2024-01-11", "2024-04-10"]).assign(product_id="filter"),
        log(cy=["2024-05-05"]).assign(product_id="pot"),
        log(cy=["2024-05-06"]).assign(product_id=None),
    ]).astype({"product_id": "str"})  # fmt: skip
    table = repurchase.product_cycles(orders, as_of=AS_OF)
    assert table["product_id"].tolist() == ["filter", "pot", "tea"]
    assert table[["buyers", "repeat_buyers", "gaps"]].to_numpy().tolist() == [[1, 1, 2], [1, 0, 0], [2, 1, 2]]
    assert table["own_gap_days"].tolist() == pytest.approx([30.0, np.nan, 30.0], nan_ok=True)  # sqrt(10 * 90)
    assert table["cycle_days"].tolist() == pytest.approx([30.0] * 3, abs=1e-5)  # 6 decimals
    longer = pd.concat([orders, log(dee=every(60, orders=11, last="2024-07-01")).assign(product_id="bulb")])
    cycles = repurchase.product_cycles(longer, as_of=AS_OF).set_index("product_id")["cycle_days"]
    mean = np.exp((4 * np.log(30) + 10 * np.log(60)) / 14)
    assert cycles["pot"] == pytest.approx(mean, abs=1e-5)
    assert cycles["bulb"] == pytest.approx(np.sqrt(60 * mean), abs=1e-5)  # ten own gaps against ten


def test_without_any_gap_no_cycle_is_made_up():
    once = log(ann=["2024-01-01"], bob=["2024-02-01"]).assign(product_id="tea")
    table = repurchase.product_cycles(once, as_of=AS_OF)
    assert table["buyers"].tolist() == [2]
    assert table[["own_gap_days", "cycle_days"]].isna().all(axis=None)
    with pytest.raises(FitError, match=r"^No customer has ordered on two days"):
        repurchase.repurchase_forecast(once, as_of=AS_OF, by=["customer_id", "product_id"])
    assert len(repurchase.product_cycles(once[:0], as_of=AS_OF)) == 0


def test_cycles_of_the_catalogue_are_found_in_order():
    company = datasets.simulate_company(3_000, rng=np.random.default_rng(2), season=None, calendar_buyers=None)
    found = repurchase.product_cycles(company.orders, as_of=dt.date(2024, 12, 31)).merge(company.products)
    months = found[found["refill_days"] <= 180].groupby("refill_days")["cycle_days"]
    assert (months.max().iloc[:-1].to_numpy() < months.min().iloc[1:].to_numpy()).all(), "no two cycles are mixed up"
    # In three years few buy a yearly product twice: those of 180 and 365 days overlap, but not in the middle.
    assert found.groupby("refill_days")["cycle_days"].median().is_monotonic_increasing
    # Erlang gaps: their geometric mean lies below the mean, by 44 % for k = 1, by 6 % for k = 9.
    short = found[found["refill_days"] <= 45]
    assert (short["cycle_days"] / short["refill_days"]).between(0.56, 1.05).all()


def test_a_refill_is_told_by_the_cycle_of_the_product(base):
    names = ["customer_id", "product_id"]
    tea = [log(**{f"t{i}": every(30, orders=8, last=f"2024-07-{10 + i % 15}")}) for i in range(60)]
    pots = [log(**{f"p{i}": every(180, orders=4, last=f"2024-05-{10 + i % 15}")}) for i in range(60)]
    orders = pd.concat([
        pd.concat(tea).assign(product_id="tea"),
        pd.concat(pots).assign(product_id="pot"),
        log(ann=["2024-07-20"]).assign(product_id="tea"),
        log(ann=["2024-07-20"]).assign(product_id="pot"),
    ])  # fmt: skip
    table = forecast(orders, fit=None, by=names)
    assert list(table.columns) == ["customer_id", "product_id", *COLUMNS[1:]]
    ann = table[table["customer_id"] == "ann"].set_index("product_id")
    day = pd.Timestamp("2024-07-20")
    assert ann.loc["tea", "window_start"] <= day + pd.Timedelta(days=30) <= ann.loc["tea", "window_end"]
    assert ann.loc["pot", "window_start"] <= day + pd.Timedelta(days=180) <= ann.loc["pot", "window_end"]
    assert ann.loc["tea", "window_end"] < ann.loc["pot", "window_start"]
    assert ann["usual_gap_days"].to_dict() == pytest.approx({"tea": 30.0, "pot": 180.0}, rel=0.15)  # one cycle, drawn
    assert (ann["basis"] == "pooled").all()
    own = table[table["customer_id"] == "t0"].iloc[0]
    assert own["usual_gap_days"] == 30.0
    assert own["window_start"] <= pd.Timestamp("2024-08-09") <= own["window_end"]


# ----------------------------------------------------------------------------------- words


def plain(count: int, locale: str) -> str:
    if locale == "zh":
        return f"{count} 天"
    return "1 day" if count == 1 else f"{count} days"


def ago(count, locale):
    if count == 0:
        return {"en": "today", "zh": "今天"}[locale]
    return plain(count, locale) + {"en": " ago", "zh": "前"}[locale]


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_reason_is_the_template_of_its_row(base, locale):
    seen = set()
    odd = log(daily=every(1, orders=9, last="2024-07-30"), gone=every(1, orders=9, last="2023-01-30"))
    for as_of in (dt.date(2023, 3, 31), AS_OF, dt.date(2026, 1, 31)):
        for row in forecast(pd.concat([base, odd]), as_of, locale=locale).itertuples():
            texts = wording.FORECAST if row.basis == "own history" else wording.ONCE
            expected = texts[locale][row.status].format(
                usual=plain(int(row.usual_gap_days + 0.5), locale),
                silence=ago(row.days_since_order, locale),
                next=row.next_order_day.date().isoformat(),
                start=row.window_start.date().isoformat(),
                end=row.window_end.date().isoformat(),
            )
            assert row.reason == expected
            assert not re.search(r"[{}]|\b1 days|nan|None", row.reason)
            seen.add((row.basis, row.status))
    wanted = {("own history", status) for status in wording.FORECAST[locale]}
    assert seen >= wanted | {("pooled", status) for status in wording.ONCE[locale]} - {("pooled", "overdue")}


def test_both_languages_have_texts_for_the_same_statuses():
    for texts in (wording.FORECAST, wording.ONCE):
        assert list(texts["en"]) == list(texts["zh"])
        for status, text in texts["en"].items():
            fields = [set(re.findall(r"{(\w+)}", t)) for t in (text, texts["zh"][status])]
            assert fields[0] == fields[1]


def test_a_reason_by_hand():
    row = of("ann", log(ann=["2024-07-29", "2024-07-30"]), level=0.5, within_days=30)
    # One gap of a day is no rhythm yet: to be lapsed takes more than a day without an order.
    assert row["reason"] == (
        f"Orders every 1 day on average, last 1 day ago: too early. Next around {row['next_order_day'].date()}, "
        f"{row['window_start'].date()} to {row['window_end'].date()}."
    )


def test_halves_of_days_are_rounded_up_on_every_engine():
    orders = log(ann=["2024-07-01", "2024-07-02", "2024-07-06"], bob=["2024-07-01", "2024-07-02", "2024-07-04"])
    for engine in ("pandas", "polars"):
        table = repurchase.repurchase_forecast(engines.to_engine(engine, orders), as_of=AS_OF, fit=FIT)
        rows = engines.to_pandas(table, sort=False)
        assert rows["usual_gap_days"].tolist() == [2.5, 1.5]
        assert [text[:20] for text in rows["reason"]] == ["Orders every 3 days ", "Orders every 2 days "]


# ----------------------------------------------------------------------------------- windows that hold


def test_windows_hold_what_they_promise_in_every_group():
    """A company that buys as the model says: .8 of those who come back do so within their window."""
    company = datasets.simulate_company(
        14_000, rng=np.random.default_rng(8), season=None, calendar_buyers=None, refunds=None
    )
    cut, span = dt.date(2023, 12, 31), 366
    table = engines.on_polars(
        repurchase.repurchase_forecast,
        company.orders,
        as_of=cut,
        within_days=span,
        fit=purchases.fit_purchase_process(company.orders, as_of=cut, model="mbg_regularity_mixture"),
    )
    later = summary.holdout_summary(company.orders, as_of=cut, horizon_days=span)
    true = later["holdout_first_day"]
    assert (later["customer_id"].to_numpy() == table["customer_id"].to_numpy()).all()
    held = ((table["window_start"] <= true) & (true <= table["window_end"]))[true.notna()]
    days = table["order_days"][true.notna()]
    assert held.mean() == pytest.approx(0.8, abs=0.03)  # of 5,000: a standard error of .6 %
    groups = [days == 3, days == 4, days.between(5, 6), days.between(7, 9), days >= 10]
    for group in groups:
        # 440 to 1,500 buyers: standard errors of 1.9 % to 1 %; the days of a window are whole, worth another 1 %.
        assert group.sum() > 400
        assert held[group].mean() == pytest.approx(0.8, abs=0.03)
    # And the silence ranks mean what they say: who was there and due comes sooner than who was not.
    soon = true <= pd.Timestamp("2024-03-31")
    share = soon.groupby(table["status"]).mean()
    assert share["due"] > share["overdue"] > share["lapsed"]
    assert share["lapsed"] < 0.1


# ----------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"horizon_days": 0}, "horizon_days must lie between 1 and 36525 (days), got 0."),
        ({"horizon_days": 36_526}, "horizon_days must lie between 1 and 36525 (days), got 36526."),
        ({"within_days": 0}, "within_days must lie between 1 and 36525 (days), got 0."),
        ({"level": 80}, "level must lie between 0 and 1, such as 0.8, got 80."),
        ({"level": float("nan")}, "level must lie between 0 and 1, such as 0.8, got nan."),
        ({"locale": "fr"}, 'locale must be "en" or "zh", got \'fr\'.'),
        (
            {"by": "product_id"},
            "by must be 'customer_id', alone or with any of 'product_id', 'category', 'channel', got 'product_id'.\n"
            "Such as by=['customer_id', 'product_id'] for each customer's orders of each product.",
        ),
    ],
)
def test_options_out_of_their_domain(options, text):
    with pytest.raises(DomainError) as error:
        repurchase.repurchase_forecast(log(ann=ANN), as_of=AS_OF, **({"fit": FIT} | options))
    assert str(error.value) == text


def test_nobody_with_a_gap_is_refused():
    for fit in (None, FIT):
        with pytest.raises(FitError) as error:
            repurchase.repurchase_forecast(log(ann=["2024-01-01"], bob=["2024-02-01"]), as_of=AS_OF, fit=fit)
        assert str(error.value) == (
            "No customer has ordered on two days up to as_of: there is no gap between orders to learn from.\n"
            "Look at as_of and at by: a longer log, or customers instead of customers and products."
        )


def test_products_need_a_product():
    for function in (
        repurchase.product_cycles,
        lambda f, as_of: repurchase.repurchase_forecast(f, as_of=as_of, by=["customer_id", "product_id"]),
    ):
        with pytest.raises(SchemaError, match=r"^orders\.product_id: the column is missing"):
            function(log(ann=ANN), as_of=AS_OF)

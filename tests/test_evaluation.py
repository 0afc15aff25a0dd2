"""Back-tests by hand, forecasts whose quality is known, and comparisons of two variants."""

import datetime as dt
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmkit import evaluation, summary
from crmkit.errors import DomainError, SchemaError
from crmkit.evaluation import texts
from crmkit.evaluation.verdicts import verdicts
from tests import engines

START = dt.date(2024, 1, 1)


def day(n):
    return START + dt.timedelta(days=n)


def log(*rows):
    """Order log of (customer, day)."""
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    times = pd.Timestamp(START) + pd.to_timedelta(table["day"], unit="D")
    return pd.DataFrame({"customer_id": table["customer_id"], "ordered_at": times, "amount": 10.0})


TINY = log(
    ("ann", 0), ("ann", 10), ("ann", 20), ("ann", 33), ("ann", 45), ("bob", 5), ("cy", 12), ("cy", 18), ("cy", 41)
)


def told(**columns):
    """Forecast that gives each customer what `columns` say, whoever has ordered up to the cut."""

    def forecast(orders, cut, horizon_days):
        ids = orders["customer_id"].unique()
        return pd.DataFrame({"customer_id": ids}).assign(
            **{name: [values[who] for who in ids] for name, values in columns.items()}
        )

    return forecast


HALF = {"ann": 0.5, "bob": 0.5, "cy": 0.5}


def called(forecast, orders=TINY, **options):
    given = {"as_of": day(50), "horizon_days": 20, "cuts": 1} | options
    return evaluation.backtest(orders, forecast=forecast, **given)


def test_ids_of_a_forecast_may_be_of_another_type():
    orders = TINY.assign(customer_id=TINY["customer_id"].map({"ann": 7, "bob": 12, "cy": 30}))
    chances = {7: 0.9, 12: 0.2, 30: 0.4}
    plain = called(told(p_order=chances), orders)
    for kind in ("float64", "str"):

        def forecast(past, cut, horizon_days, kind=kind):
            return told(p_order=chances)(past, cut, horizon_days).astype({"customer_id": kind})

        assert called(forecast, orders).words() == plain.words()


# ------------------------------------------------------------------------------------------- by hand


def test_every_figure_of_a_tiny_log_by_hand():
    """Cut at day 30: ann came on 33 and 45, bob not, cy on 41."""
    found = called(
        told(
            expected_orders={"ann": 1.0, "bob": 1.0, "cy": 1.0},
            orders_low={"ann": 0, "bob": 1, "cy": 0},
            orders_high={"ann": 2, "bob": 2, "cy": 1},
            p_order={"ann": 0.9, "bob": 0.2, "cy": 0.1},
            next_order_day={"ann": day(34), "bob": pd.NaT, "cy": day(90)},
            window_start={"ann": day(31), "bob": pd.NaT, "cy": day(42)},
            window_end={"ann": day(35), "bob": pd.NaT, "cy": day(70)},
        ),
        capacity=2,
    )
    assert found.cuts == (evaluation.CutDay(day(30), 3, 2, 3),)
    # Own rates: 2 repeat orders in 30 days, 0 in 25, 1 in 20 (18 observed count as the horizon): 4/3, 0 and 1.
    # Known at day 10 were ann, bob; ann came up to day 30, after 10 days: base rate (1 + 1) / (2 + 2), wait 10.
    # Gaps: ann 10, cy 6, bob that of all, 26 / 3; last orders at 20, 5, 18.
    expected = {
        ("forecast", "mae"): 2 / 3,
        ("forecast", "rmse"): np.sqrt(2 / 3),
        ("forecast", "msle"): (np.log(3 / 2) ** 2 + np.log(2) ** 2) / 3,
        ("forecast", "bias"): 0.0,
        ("all zeros", "mae"): 1.0,
        ("all zeros", "bias"): -1.0,
        ("own rate", "mae"): 2 / 9,
        ("forecast", "coverage of orders"): 2 / 3,
        ("forecast", "width of orders"): 4 / 3,
        ("forecast", "interval score of orders"): (2 + 1 + 10 + 1) / 3,
        ("forecast", "brier"): (0.01 + 0.04 + 0.81) / 3,
        ("forecast", "log_score"): -np.log(0.9 * 0.8 * 0.1) / 3,
        ("base rate", "brier"): 0.25,
        ("forecast", "auc"): 0.5,
        ("latest order first", "auc"): 1.0,
        ("own rate", "auc"): 1.0,
        ("forecast", "precision at capacity"): 0.5,
        ("latest order first", "precision at capacity"): 1.0,
        ("drawn by lot", "precision at capacity"): 2 / 3,
        ("forecast", "answered"): 1.0,
        ("forecast", "median error in days"): (1 + 9) / 2,  # day 90 counts as the end of the horizon, day 50
        ("own mean gap", "mean error in days"): (abs(10 - 3) + abs(6 - 11)) / 2,
        ("last order + mean gap", "mean error in days"): (abs(1 - 3) + abs(1 - 11)) / 2,  # days 30 and 24 are past
        ("usual wait", "mean error in days"): (abs(10 - 3) + abs(10 - 11)) / 2,
        ("forecast", "coverage of windows"): 0.5,
        ("forecast", "width of windows"): (4 + 8) / 2,  # day 70 counts as day 50
        ("forecast", "interval score of windows"): (4 + 8 + 10 * 1) / 2,
    }
    for (method, metric), value in expected.items():
        assert found.figure(metric, method=method).value == pytest.approx(value, abs=1e-12), (method, metric)
        assert found.figure(metric, method=method, cut="2024-01-31").value == pytest.approx(value, abs=1e-12)
    assert {verdict.code for verdict in found.verdicts} == {"too_little_data"}
    assert found.verdict == "too_little_data"
    assert found.words() == (
        "Number of orders: too little data: 2 customers who ordered; a verdict needs 100.\n"
        "Probability to order: too little data: 1 customers who ordered, and as many who did not; a verdict needs "
        "100.\n"
        "Day of the next order: too little data: 2 customers who came back and had a day forecast; a verdict needs "
        "100."
    )


def test_cuts_go_back_from_the_end_or_are_named():
    cuts = [cut.cut for cut in called(told(p_order=HALF), as_of=day(60), cuts=3, horizon_days=10, every_days=15).cuts]
    assert cuts == [day(20), day(35), day(50)]
    named = called(told(p_order=HALF), cuts=[day(30), day(12), day(12)])
    assert [cut.cut for cut in named.cuts] == [day(12), day(30)]


def test_customers_of_two_cuts_are_one_piece_of_evidence():
    """The same outcomes at both cuts: the interval is that of a single cut, not narrower."""
    orders = log(*[(f"c{i}", d) for i in range(40) for d in ([0, 15, 35] if i % 4 else [0])])
    p = {f"c{i}": 0.1 + i / 50 for i in range(40)}
    both = called(told(p_order=p), orders, as_of=day(50), horizon_days=20, cuts=[day(10), day(30)])
    one, pooled = both.figure("brier", cut=day(30).isoformat()), both.figure("brier")
    assert pooled.rows == 2 * one.rows
    assert (pooled.value, pooled.low, pooled.high) == pytest.approx((one.value, one.low, one.high))


def test_a_cohort_is_judged_alone_and_the_forecast_sees_all():
    seen = []

    def forecast(orders, cut, horizon_days):
        seen.append(set(orders["customer_id"]))
        return told(p_order=HALF)(orders, cut, horizon_days)

    found = called(forecast, cohort=(day(5), day(12)))
    assert found.cuts[0].customers == 2
    assert seen == [{"ann", "bob", "cy"}]


# ------------------------------------------------------------------------------------------- nothing of the future


def test_the_forecast_never_sees_a_row_after_its_cut(engine):
    """On every engine, in the caller's library; a row late on the day of the cut is still in it."""
    border = log(("bob", 30), ("cy", 31), ("cy", 21))
    border.loc[0, "ordered_at"] = pd.Timestamp("2024-01-31 23:59:59.999")
    orders = pd.concat([TINY, border])
    orders = orders.assign(customer_id=orders["customer_id"].astype("str")).reset_index(drop=True)
    seen = []

    def forecast(past, cut, horizon_days):
        assert engines.kind_of(past) == engine
        rows = engines.to_pandas(past)
        seen.append((cut, rows["ordered_at"].max().date(), list(rows.columns), len(rows)))
        ids = sorted(rows["customer_id"].unique())
        return engines.to_engine(
            engine, pd.DataFrame({"customer_id": ids, "p_order": 0.5}).astype({"customer_id": "str"})
        )

    called(forecast, engines.to_engine(engine, orders), cuts=[day(20), day(30)])
    columns = ["customer_id", "ordered_at", "amount"]
    assert seen == [(day(20), day(20), columns, 6), (day(30), day(30), columns, 8)]


def test_pandas_comes_with_its_types_and_index_and_local_days_count():
    zoned = TINY.assign(
        ordered_at=TINY["ordered_at"].dt.tz_localize("Asia/Shanghai"),
        customer_id=TINY["customer_id"].astype("category"),
    ).set_index(pd.Index(range(100, 109)))
    seen = []

    def forecast(past, cut, horizon_days):
        seen.append(past)
        return told(p_order=HALF)(past.assign(customer_id=past["customer_id"].astype("str")), cut, horizon_days)

    called(forecast, zoned)
    # Midnight in Shanghai of day 31 is day 30 in UTC: the local day counts.
    pd.testing.assert_frame_equal(seen[0], zoned.loc[[100, 101, 102, 105, 106, 107]])


def test_rows_after_as_of_change_nothing():
    later = pd.concat([TINY, log(("ann", 51), ("new", 51), ("bob", 400))], ignore_index=True)
    forecast = told(p_order=HALF, expected_orders=HALF)
    assert called(forecast, later, cuts=2) == called(forecast, cuts=2)


def test_order_of_rows_and_names_change_nothing():
    forecast = told(p_order={"ann": 0.9, "bob": 0.2, "cy": 0.4})
    renamed = TINY.assign(customer_id=TINY["customer_id"].map({"ann": 7, "bob": 9, "cy": 8}))[::-1]
    other = told(p_order={7: 0.9, 9: 0.2, 8: 0.4})
    found, again = called(forecast).figures, called(other, renamed).figures
    assert [f.metric for f in found] == [f.metric for f in again]
    np.testing.assert_allclose([f.value for f in found], [f.value for f in again], rtol=1e-12)


# ------------------------------------------------------------------------------------------- verdicts of known truth


@pytest.fixture(scope="module")
def shop():
    """3,000 customers whose rates never change, gamma with mean .02 a day: the truth of any horizon is known."""
    rng = np.random.default_rng(6)
    rates = rng.gamma(0.7, 0.03, 3000)
    rows = [(i, 0) for i in range(3000)]
    for i, rate in enumerate(rates):
        rows += [(i, int(d)) for d in np.unique(np.floor(rng.uniform(1, 301, rng.poisson(300 * rate))))]
    return log(*rows), rates


def knows(rates, horizon, change=lambda p: p, scale=1.0):
    """Order days are days with an order: 1 - exp(-rate) of all, so a count is binomial."""

    def forecast(orders, cut, horizon_days):
        ids = np.sort(orders["customer_id"].unique())
        daily = -np.expm1(-rates[ids])
        p = -np.expm1(-rates[ids] * horizon_days)
        # The day of the first order, given one in the horizon: quantiles of a geometric distribution cut off there.
        days = [np.ceil(np.log1p(-q * p) / -rates[ids]).clip(1, horizon_days) for q in (0.1, 0.5, 0.9)]
        dates = [pd.Timestamp(cut) + pd.to_timedelta(d, unit="D") for d in days]
        frame = {"customer_id": ids, "p_order": change(p), "expected_orders": scale * daily * horizon_days}
        return pd.DataFrame(frame | dict(zip(["window_start", "next_order_day", "window_end"], dates, strict=True)))

    return forecast


def run(shop, forecast, **options):
    return evaluation.backtest(shop[0], as_of=day(300), horizon_days=60, forecast=forecast, cuts=2, **options)


def test_who_knows_the_truth_is_ready(shop):
    found = run(shop, knows(shop[1], 60))
    assert [(v.question, v.code) for v in found.verdicts] == [
        ("counts", "ready"),
        ("probability", "ready"),
        ("timing", "ready"),
    ]
    assert found.figure("calibration slope").low < 1 < found.figure("calibration slope").high
    assert found.figure("calibration intercept").low < 0 < found.figure("calibration intercept").high
    assert found.figure("slope of counts").value == pytest.approx(1, abs=0.1)
    # Windows of whole days hold 80 % or somewhat more: a quantile is a whole day.
    assert 0.78 <= found.figure("coverage of windows").value <= 0.85
    # Nine of ten bins of a calibrated forecast lie in their 95 % intervals (P(fewer than 8 of 10) is .012).
    assert sum(b.observed_low <= b.predicted <= b.observed_high for b in found.calibration) >= 8
    assert found.verdict == "ready"
    assert found.words().startswith("Number of orders: ready: squared error -")


def test_who_knows_nothing_is_not_better(shop):
    rng = np.random.default_rng(0)
    found = run(shop, knows(rng.permutation(shop[1]), 60))
    assert {v.code for v in found.verdicts} == {"not_better"}
    assert "Probability to order: not better than the baseline: squared error (Brier) +" in found.words()


def test_who_is_overconfident_is_usable(shop):
    def sharper(p):
        odds = (p / (1 - p)) ** 1.6
        return odds / (1 + odds)

    found = run(shop, knows(shop[1], 60, sharper, scale=0.78))
    codes = {v.question: v.code for v in found.verdicts}
    assert codes == {"counts": "usable", "probability": "usable", "timing": "ready"}
    # The slope of odds that were raised to 1.6 is 1 / 1.6.
    slope = found.figure("calibration slope")
    assert slope.low < 1 / 1.6 < slope.high
    assert f"the slope of its probabilities is {slope.value:.2f}, not .8 to 1.25." in found.words()
    assert "the sum of its counts is -2" in found.words()
    assert found.verdict == "usable"  # the worst of the three


def test_windows_that_hold_too_much_or_too_little_are_usable(shop):
    def wide(orders, cut, days):
        return knows(shop[1], 60)(orders, cut, days).assign(window_end=pd.Timestamp(cut) + pd.Timedelta(days=200))

    found = run(shop, wide)
    assert found.verdicts[2].code == "usable"
    assert found.words().endswith("more than 5 points from what they promise.")


def test_a_day_for_few_is_usable_at_best(shop):
    def few(orders, cut, days):
        table = knows(shop[1], 60)(orders, cut, days)
        return table.assign(next_order_day=table["next_order_day"].where(table["customer_id"] % 3 == 0))

    found = run(shop, few)
    assert found.verdicts[2].code == "usable"
    share = found.figure("answered").value
    assert found.words().endswith(f"; it gives a day to {share:.0%} of those who came back only.")


def test_verdicts_in_chinese(shop):
    found = run(shop, knows(shop[1], 60))
    assert found.words("zh").splitlines()[1].startswith("购买概率：可以使用：与“总体比例”相比平方误差（Brier）相差 -")
    assert (
        called(told(p_order=HALF)).words("zh") == "购买概率：数据不足：1 位下单客户和同样多的未下单客户，至少需要 100。"
    )


def test_better_by_chance_is_not_better():
    options = {"cuts": [evaluation.CutDay(day(0), 500, 200, 300)], "returned": 0, "figures": [], "level": 0.8}
    for high, code in ((0.01, "not_better"), (-0.01, "usable"), (None, "not_better")):
        row = evaluation.Advantage("counts", "own rate", "squared error", -0.1, -0.21, high)
        found = verdicts(["counts"], advantages=[row], **options)
        assert found[0].code == code
        assert texts.verdict(found[0], [row], "en").endswith(".")


# ------------------------------------------------------------------------------------------- the result


def test_a_result_is_small_and_kept_as_json(shop):
    found = run(shop, knows(shop[1], 60), capacity=100)
    assert evaluation.Backtest.from_json(found.to_json()) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert len(found.to_json()) < 40_000
    json.loads(found.to_json(), parse_constant=pytest.fail)  # neither NaN nor infinity
    table = pd.DataFrame(found.figures)
    assert list(table.columns) == ["cut", "question", "method", "metric", "value", "low", "high", "rows"]
    assert not table.duplicated(["cut", "method", "metric"]).any()
    assert table["value"].notna().all()


def test_a_customer_without_a_rival_gives_no_nan():
    found = called(told(p_order={"ann": 1.0}, expected_orders={"ann": 2.0}), log(("ann", 0), ("ann", 20)))
    assert json.loads(found.to_json(), parse_constant=pytest.fail)["verdicts"][0]["code"] == "too_little_data"


# ------------------------------------------------------------------------------------------- refused


def without_bob(orders, cut, days):
    return told(p_order=HALF)(orders, cut, days).iloc[[0, 2]]


def twice(orders, cut, days):
    table = told(p_order=HALF)(orders, cut, days)
    return pd.concat([table, table.iloc[[1]]])


@pytest.mark.parametrize(
    ("forecast", "options", "error", "says"),
    [
        (
            without_bob,
            {},
            SchemaError,
            "forecast.customer_id: at the cut 2024-01-31, 1 of 3 customers are missing (first: 'bob'); expected every "
            "customer with an order up to the cut.\nForecast all of them: one who is left out can't be judged, and "
            "leaving out the difficult ones would help.",
        ),
        (
            twice,
            {},
            SchemaError,
            "forecast.customer_id: at the cut 2024-01-31, 1 customers stand in more than one row (first: 'bob'); "
            "expected one row per customer.\nKeep one row each.",
        ),
        (
            told(),
            {},
            SchemaError,
            "The forecast answers nothing: expected at least one of the columns p_order, expected_orders, "
            "next_order_day.\nRename what it calls them.",
        ),
        (
            told(p_order=HALF, orders_low=HALF),
            {},
            SchemaError,
            "The forecast has orders_low; expected orders_low and orders_high, beside expected_orders.\nAdd what is "
            "missing, or leave them out.",
        ),
        (
            told(p_order={"ann": 0.5, "bob": 1.5, "cy": 0.1}),
            {},
            SchemaError,
            "forecast.p_order: 1 of 3 rows lie above 1 (first: customer_id 'bob', 1.5); expected 0 to 1.\n"
            "Correct them where the table is made.",
        ),
        (told(p_order=HALF), {"horizon_days": 0}, DomainError, "horizon_days must be at least 1 (days), got 0."),
        (told(p_order=HALF), {"level": 1.0}, DomainError, "level must lie between 0 and 1, such as 0.8, got 1.0."),
        (told(p_order=HALF), {"capacity": 0}, DomainError, "capacity must be at least 1 (customers), got 0."),
        (told(p_order=HALF), {"cuts": 0}, DomainError, "cuts and every_days must be at least 1, got 0 and 20."),
        (
            told(p_order=HALF),
            {"cuts": [day(31)]},
            DomainError,
            "Cuts must lie on or before 2024-01-31, so that 20 days up to as_of can follow them, got 2024-02-01.",
        ),
        (
            told(p_order=HALF),
            {"cuts": [day(-3)]},
            DomainError,
            "No customer has ordered up to the cut 2023-12-29: expected later cuts, or fewer of them.",
        ),
        (
            told(p_order=HALF),
            {"cohort": (day(21), day(25))},
            DomainError,
            "No customer of the cohort 2024-01-22 to 2024-01-26 has ordered up to the cut 2024-01-31.",
        ),
        (
            told(p_order=HALF),
            {"cohort": (day(9), day(5))},
            DomainError,
            f"cohort must be two days, the earlier one first, got {(day(9), day(5))}.",
        ),
    ],
)
def test_what_can_not_be_judged_is_refused(forecast, options, error, says):
    with pytest.raises(error) as raised:
        called(forecast, **options)
    assert str(raised.value) == says


def test_the_same_columns_at_every_cut():
    def forecast(orders, cut, days):
        return told(**({"p_order": HALF} if cut == day(30) else {"expected_orders": HALF}))(orders, cut, days)

    with pytest.raises(DomainError, match=r"must answer with the same columns at every cut, got \[\['expected_orders'"):
        called(forecast, cuts=[day(20), day(30)])


def test_a_figure_that_is_not_there_is_named():
    with pytest.raises(DomainError, match=r"^There is no 'mae' of 'forecast' at cut 'all'; there are auc of forecast"):
        called(told(p_order=HALF)).figure("mae")
    with pytest.raises(DomainError, match=r"^The text is not a stored back-test"):
        evaluation.Backtest.from_json("{}")


# ------------------------------------------------------------------------------------------- two variants


def test_two_subject_lines_by_open_rate():
    """Capability: open rates of two subject lines, interval, decision."""
    found = evaluation.compare_proportions(412, 2000, 478, 2000, names=("Last chance", "Your points expire"))
    assert found.verdict == "b"
    assert found.words() == (
        "Your points expire is better: 23.9 % for Your points expire against 20.6 % for Last chance, a difference of "
        "3.3 points (95 % interval 0.7 to 5.9)."
    )
    assert found.lift == pytest.approx(66 / 412)
    assert evaluation.Comparison.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("a", "b", "ends"),
    [
        ((48, 80), (56, 70), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1705, 0.8090)),
        ((2, 7), (6, 7), (0.0582, 0.8062)),
        ((0, 29), (5, 56), (-0.0381, 0.1926)),
        ((0, 20), (0, 10), (-0.1611, 0.2775)),
        ((0, 20), (10, 10), (0.6791, 1.0)),
        ((0, 10), (10, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_as_published(a, b, ends):
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10."""
    found = evaluation.compare_proportions(*a, *b)
    assert (round(found.low, 4), round(found.high, 4)) == ends


def test_p_values_are_those_of_chi_squared_and_welch():
    found = evaluation.compare_proportions(30, 100, 45, 110)
    table = [[30, 70], [45, 65]]
    assert found.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-10)
    rng = np.random.default_rng(2)
    a, b = rng.gamma(1, 20, 40), rng.gamma(2, 15, 70)
    means = evaluation.compare_means(a.mean(), a.std(ddof=1), 40, b.mean(), b.std(ddof=1), 70)
    welch = stats.ttest_ind(b, a, equal_var=False)
    assert means.p_value == pytest.approx(welch.pvalue, rel=1e-10)
    assert [means.low, means.high] == pytest.approx(list(welch.confidence_interval(0.95)), rel=1e-10)


def test_the_needed_size_finds_four_of_five():
    """Simulated tests of the size that is said to be needed; 2,000 of them: standard error .009."""
    rng = np.random.default_rng(1)
    n = evaluation.compare_proportions(20, 200, 26, 200).needed_per_variant
    a, b = rng.binomial(n, 0.10, 2000), rng.binomial(n, 0.13, 2000)
    seen = [evaluation.compare_proportions(int(x), n, int(y), n).verdict == "b" for x, y in zip(a, b, strict=True)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("b", "effect", "verdict", "end"),
    [
        (480, 0.0, "b", "(95 % interval 0.8 to 6.0)."),
        (480, 0.03, "b", "It may be less than the 3.0 points that matter."),
        (340, 0.0, "a", "(95 % interval -6.0 to -1.2)."),
        (415, 0.03, "alike", "(95 % interval -2.4 to 2.7)."),
        (430, 0.0, "undecided", "To find a difference of 0.9 points, some 32,204 recipients per variant are needed."),
        (430, 0.02, "undecided", "To find a difference of 2.0 points, some 6,522 recipients per variant are needed."),
        (412, 0.0, "undecided", "(95 % interval -2.5 to 2.5)."),
    ],
)
def test_verdicts_on_variants(b, effect, verdict, end):
    found = evaluation.compare_proportions(412, 2000, b, 2000, smallest_effect=effect)
    assert found.verdict == verdict
    assert found.words().endswith(end)


def test_words_in_chinese():
    found = evaluation.compare_proportions(412, 2000, 430, 2000)
    assert found.words("zh") == (
        "尚不能判断：“B”21.5%，“A”20.6%，相差 0.9 个百分点（95% 区间 -1.6 至 3.4）。每组约需 32204 位收件人。"
    )


def test_a_table_of_recipients_gives_the_same():
    sent = pd.DataFrame(
        {"variant": ["old"] * 300 + ["new"] * 200, "outcome": [1] * 30 + [0] * 270 + [1] * 40 + [0] * 160}
    )
    assert evaluation.compare_variants(sent, control="old") == evaluation.compare_proportions(
        30, 300, 40, 200, names=("old", "new")
    )
    assert evaluation.compare_variants(sent).name_a == "new"
    money = sent.assign(outcome=np.round(np.random.default_rng(0).gamma(1, 30, 500) * sent["outcome"], 2))
    parts = [money["outcome"][money["variant"] == name] for name in ("old", "new")]
    moments = [part for one in parts for part in (one.mean(), one.std(), len(one))]
    found, direct = evaluation.compare_variants(money, control="old"), evaluation.compare_means(*moments)
    assert found.of == "means"
    assert (found.low, found.high, found.p_value) == pytest.approx((direct.low, direct.high, direct.p_value))


def test_means_that_are_all_alike_have_no_width():
    assert evaluation.compare_means(5.0, 0.0, 3, 5.0, 0.0, 4).verdict == "undecided"
    assert evaluation.compare_means(5.0, 0.0, 3, 6.0, 0.0, 4).p_value == 0.0
    assert evaluation.compare_proportions(0, 5, 0, 9).lift is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: evaluation.compare_proportions(5, 4, 1, 2),
            "Successes must lie between 0 and the trials, of which there is at least one, got 5 of 4.",
        ),
        (
            lambda: evaluation.compare_means(1, 1, 1, 1, 1, 5),
            "A mean needs at least 2 values and a finite spread, got 1 values, 1.",
        ),
        (
            lambda: evaluation.compare_means(np.nan, 1, 5, 1, 1, 5),
            "Means must be finite, got nan and 1.",
        ),
        (
            lambda: evaluation.compare_proportions(1, 2, 1, 2, smallest_effect=-1.0),
            "smallest_effect must be at least 0, in the unit of the outcome, got -1.0.",
        ),
        (
            lambda: evaluation.compare_variants(pd.DataFrame({"variant": ["a", "b", "c"], "outcome": [0, 1, 1]})),
            "A comparison is of two variants, got 3: 'a', 'b', 'c'.\nKeep the rows of two; with several, compare each "
            "with the control and divide 1 - level by their number.",
        ),
        (
            lambda: evaluation.compare_variants(pd.DataFrame({"variant": ["a", "b"], "outcome": [0, 1]}), control="x"),
            "control must be one of 'a' and 'b', got 'x'.",
        ),
        (
            lambda: evaluation.compare_variants(pd.DataFrame({"variant": ["a", "b"], "outcome": [0, 2.5]})),
            "recipients: 'a' has 1 recipient; a mean needs at least 2.",
        ),
    ],
)
def test_comparisons_that_make_no_sense_are_refused(call, says):
    with pytest.raises((DomainError, SchemaError)) as error:
        call()
    assert str(error.value) == says


def test_holdout_summary_names_the_first_day():
    table = summary.holdout_summary(TINY, as_of=day(30), horizon_days=20)
    assert table["holdout_first_day"].dt.date.tolist()[0] == day(33)
    assert table["holdout_first_day"].isna().tolist() == [False, True, False]

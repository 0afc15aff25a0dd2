"""The funnel room against brute force, known truth and a real pipeline; nothing later than `as_of` is seen."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import funnel
from crmkit.errors import DomainError, FitError
from tests import engines
from tests.matrix.funnel import CASES, histories

AS_OF, SINCE = dt.date(2024, 6, 30), dt.date(2024, 4, 1)
STAGES = ("lead", "quote", "contract")


def deals(*rows):
    """Deals by (id, stage, day, outcome)."""
    table = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at", "outcome"])
    return table.assign(entered_at=pd.to_datetime(table["entered_at"], format="mixed"))


# ------------------------------------------------------------------------------------------- no future


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("funnel.lifecycle", "funnel.whole_chain")])
def test_rows_after_as_of_change_nothing(name):
    table = histories()
    late = table["entered_at"] >= pd.Timestamp("2024-07-01")
    assert late.sum() > 20
    other = table.assign(
        outcome=table["outcome"].where(~late, "lost"),
        amount=table["amount"].where(~late, 1e9),
        stage=table["stage"].where(~late, "no such stage"),
    )
    found = [CASES[name].call(one) for one in (table, table[~late], other)]
    for one in found[1:]:
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, found[0])
        else:
            assert one == found[0]


def test_customers_and_chains_see_nothing_later_either():
    rows = pd.DataFrame(
        {"customer_id": ["a", "a"], "stage": ["lead", "quote"], "entered_at": ["2024-06-30", "2024-07-01"]}
    )
    rows["entered_at"] = pd.to_datetime(rows["entered_at"])
    whole, past = (funnel.lifecycle(one, as_of=AS_OF) for one in (rows, rows[:1]))
    pd.testing.assert_frame_equal(whole, past)
    touches = rows.assign(channel="mail", touched_at=rows["entered_at"])[["customer_id", "channel", "touched_at"]]
    leads = pd.DataFrame({"lead_id": [1, 2], "created_at": rows["entered_at"]})
    won = deals(("d", "end", "2024-06-30", "won"), ("e", "end", "2024-07-01", "won"))
    orders = pd.DataFrame(
        {"customer_id": "a", "ordered_at": pd.to_datetime(["2024-01-01", "2024-07-01"]), "amount": 1.0}
    )
    table = funnel.whole_chain(touches, leads, won, orders, as_of=AS_OF, since=SINCE)
    assert table["count"].tolist() == [1, 1, 1, 0]


# ------------------------------------------------------------------------------------------- stages

ways = st.lists(
    st.tuples(
        st.integers(0, 180),
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from(STAGES)), min_size=1, max_size=4),
        st.sampled_from([None, "won", "lost"]),
    ),
    min_size=1,
    max_size=12,
)


def built(drawn):
    rows = []
    for number, (start, steps, ended) in enumerate(drawn):
        day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=start)
        for wait, stage in steps:
            rows.append((number, stage, day, None))
            day += pd.Timedelta(days=wait)
        if ended:
            rows.append((number, "end", day, ended))
    return deals(*rows)


def cohort_by_force(table, first, last):
    """Entered, passed, stopped by stage of the deals that began in a period, one by one."""
    counts = np.zeros((3, len(STAGES) + 1), dtype=int)
    for _, rows in table[table["entered_at"] <= last].groupby("deal_id", sort=False):
        # Rows were made in the order of time; the closing one comes last.
        if not first <= rows["entered_at"].iloc[0] <= last:
            continue
        won = (rows["outcome"] == "won").any()
        furthest = len(STAGES) if won else max([STAGES.index(s) for s in rows["stage"] if s in STAGES], default=-1)
        lost = rows["outcome"].iloc[-1] == "lost"
        for place in range(furthest + 1):
            counts[0, place] += 1
            counts[1, place] += furthest > place
            counts[2, place] += place == furthest and lost
    return counts


@given(ways)
def test_the_funnel_is_that_of_deals_looked_at_one_by_one(drawn):
    table = built(drawn)
    found = engines.on_polars(funnel.funnel_table, table, as_of=AS_OF, since=SINCE, stages=STAGES)
    now = cohort_by_force(table, pd.Timestamp(SINCE), pd.Timestamp(AS_OF))
    then = cohort_by_force(table, pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-31"))
    assert found[["entered", "passed", "stopped"]].to_numpy().T.tolist() == now.tolist()
    assert found["entered_before"].tolist() == then[0].tolist()
    assert (found["entered"] == found["passed"] + found["stopped"] + found["open"])[:-1].all()
    shares = found[["lowest", "conversion", "highest"]].dropna().to_numpy()
    assert (np.diff(shares) >= -1e-9).all()


def test_skipped_and_repeated_stages_and_days_at_midnight():
    table = deals(
        ("skips", "contract", "2024-05-01", None),
        ("repeats", "lead", "2024-05-01", None),
        ("repeats", "quote", "2024-05-02", None),
        ("repeats", "lead", "2024-05-03", None),
        ("one day", "end", "2024-05-01", "won"),
        ("one day", "quote", "2024-05-01", None),
        ("one day", "lead", "2024-05-01", None),
        ("again", "end", "2024-05-01", "lost"),
        ("again", "quote", "2024-05-09", None),
    )
    found = funnel.funnel_table(table, as_of=AS_OF, since=SINCE, stages=(*STAGES, "won")).set_index("stage")
    assert found["entered"].to_dict() == {"lead": 4, "quote": 4, "contract": 2, "won": 1}
    assert found["stopped"].sum() == 0
    assert found["open"].to_dict() == {"lead": 0, "quote": 2, "contract": 1, "won": 0}
    standing = funnel.stage_counts(table, as_of=AS_OF, since=SINCE, stages=STAGES).set_index("stage")
    assert standing["now_in"].to_dict() == {"lead": 1, "quote": 1, "contract": 1, "won": 0}


def test_groups_are_last_known_values_and_missing_ones_have_a_name():
    table = deals(
        ("a", "lead", "2024-05-01", None), ("a", "quote", "2024-05-02", None), ("b", "lead", "2024-05-01", None)
    )
    table["region"] = ["north", "south", None]
    found = funnel.funnel_table(table, as_of=AS_OF, since=SINCE, stages=STAGES, by="region")
    assert found["region"].unique().tolist() == ["(none)", "south"]
    assert found.loc[found["region"] == "south", "passed"].tolist() == [1, 0, 0, 0]


# ------------------------------------------------------------------------------------------- chains


def returning(many=126, went_on=46, bought=5):
    """Customers who view; some come back, and only the second view leads on: the first is too long ago."""
    rows = []
    for i in range(many):
        first = pd.Timestamp("2024-01-01") + pd.Timedelta(days=i % 20)
        rows.append((i, "view", first))
        if i < went_on:
            late = first + pd.Timedelta(days=30 if i % 3 == 0 else 1)
            if i % 3 == 0:
                rows.append((i, "view", late))
            rows.append((i, "cart", late + pd.Timedelta(days=1)))
            if i < bought:
                rows.append((i, "buy", late + pd.Timedelta(days=3)))
    return pd.DataFrame(rows, columns=["customer_id", "event", "occurred_at"])


def test_every_start_counts_where_a_shortcut_takes_the_first_one_only():
    log = returning()
    exact = funnel.step_chains(log, as_of=AS_OF, steps=("view", "cart", "buy"), within_days=7)
    assert exact["reached"].tolist() == [126, 46, 5]
    # The shortcut: the first event of each kind of each customer, joined.
    first = log.groupby(["customer_id", "event"])["occurred_at"].min().unstack()
    week = pd.Timedelta(days=7)
    cart = (first["cart"] >= first["view"]) & (first["cart"] - first["view"] <= week)
    buy = cart & (first["buy"] >= first["cart"]) & (first["buy"] - first["view"] <= week)
    assert [len(first), int(cart.sum()), int(buy.sum())] == [126, 30, 3]
    assert exact["starts"].tolist() == [142, 46, 5]
    assert exact["share"].tolist() == pytest.approx([1.0, 46 / 126, 5 / 126])
    assert exact["step_share"].tolist()[2] == pytest.approx(5 / 46)


def test_chains_of_deals_and_starts_that_may_still_go_on():
    table = deals(
        ("a", "lead", "2024-06-28 10:00", None),
        ("b", "lead", "2024-06-01", None),
        ("b", "quote", "2024-06-08", None),
        ("c", "lead", "2024-06-01 00:00", None),
        ("c", "quote", "2024-06-08 00:01", None),
    )
    found = funnel.step_chains(table, as_of=AS_OF, steps=("lead", "quote"), within_days=7)
    assert found["reached"].tolist() == [3, 1]  # to the minute
    assert found["young"].tolist() == [1, 0]
    late = funnel.step_chains(table, as_of=AS_OF, steps=("lead", "quote"), within_days=7, since=dt.date(2024, 6, 2))
    assert late["reached"].tolist() == [1, 0]


# ------------------------------------------------------------------------------------------- durations


def test_durations_find_the_truth_where_the_mean_of_the_closed_does_not():
    rng = np.random.default_rng(4)
    many = 1500
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 547, many), unit="D")
    took = rng.exponential(100.0, many)
    begun = pd.DataFrame({"deal_id": np.arange(many), "stage": "quote", "entered_at": start})
    closed = begun.assign(entered_at=start + pd.to_timedelta(np.floor(took), unit="D"), stage="end", outcome="lost")
    both = pd.concat([begun, closed], ignore_index=True)
    found = funnel.stage_durations(both, as_of=AS_OF, since=dt.date(2024, 1, 1), stages=("quote",)).iloc[0]
    truth = 100.0 * np.log(2.0)
    assert found["low"] <= truth <= found["high"]
    # Some 600 ends in the period: the standard error of the median is 100 / sqrt(600) = 4 days.
    assert found["median_days"] == pytest.approx(truth, abs=12)
    recent = (start >= pd.Timestamp("2024-01-01")) & (closed["entered_at"] <= pd.Timestamp(AS_OF))
    assert np.median(took[recent]) < 50  # what most dashboards show
    assert found["verdict"] == "not told apart"


def test_nothing_to_watch_is_missing_not_an_error():
    table = deals(("a", "lead", "2024-06-30", None))
    found = funnel.stage_durations(table, as_of=AS_OF, since=SINCE, stages=STAGES)
    assert found["watched"].tolist() == [1, 0, 0, 1]
    assert found["median_days"].isna().all()
    assert found["verdict"].tolist() == ["", "", "", ""]


# ------------------------------------------------------------------------------------------- win chances


def simulated(seed, *, days=900, per_day=3.0, told=True):
    """Deals of two stages; their true chance depends on the product and the stage, where `told`."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(days * per_day)
    start = np.sort(rng.uniform(0, days, n))
    product = rng.integers(0, 3, n)
    chance = np.array([0.2, 0.5, 0.85])[product] if told else np.full(n, 0.5)
    first, second = rng.exponential(15.0, n), rng.exponential(20.0, n)
    goes_on = rng.random(n) < np.sqrt(chance)
    won = rng.random(n) < np.sqrt(chance)
    amount = np.round(rng.lognormal(8.0, 0.6, n), 2)
    plain = pd.DataFrame(
        {"deal_id": np.arange(n), "amount": amount, "owner_id": rng.integers(0, 5, n), "product": product}
    )
    plain["product"] = plain["product"].map({0: "basic", 1: "plus", 2: "pro"})
    parts = [
        plain.assign(stage="lead", t=start),
        plain[goes_on].assign(stage="quote", t=(start + first)[goes_on]),
        plain[~goes_on].assign(stage="end", t=(start + first)[~goes_on], outcome="lost"),
        plain[goes_on].assign(stage="end", t=(start + first + second)[goes_on]),
    ]
    parts[3]["outcome"] = np.where(won[goes_on], "won", "lost")
    table = pd.concat(parts, ignore_index=True)
    end = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    return table.assign(entered_at=end - pd.to_timedelta(days - table.pop("t"), unit="D")), chance


def truth_within(table, chance, horizon):
    """True chance of each open deal to be won within a horizon: of two exponential waits, or of the second alone."""
    p = np.sqrt(chance)
    both = 1.0 - (20.0 * np.exp(-horizon / 20.0) - 15.0 * np.exp(-horizon / 15.0)) / 5.0
    return np.where(table["stage"] == "lead", p * p * both, p * (1.0 - np.exp(-horizon / 20.0)))


def test_a_win_model_finds_true_chances_and_says_so():
    table, chance = simulated(1)
    model = funnel.fit_win_model(table, as_of=AS_OF, stages=("lead", "quote"), horizon_days=60, features=["product"])
    assert model.verdict == "better"
    assert model.test.auc.value > model.test.auc_of_stage.value + 0.1
    # About 270 deals are tested: the slope has a standard error near .15.
    assert 0.7 < model.test.slope.value < 1.4
    found = funnel.win_probabilities(model, table, as_of=AS_OF)
    true = truth_within(found, chance[found["deal_id"]], 60.0)
    # Six cells of .16 to .87 learnt from some 2,500 deals (standard errors of .02 to .04), additive in log-odds.
    assert np.abs(found["p_win"] - true).mean() < 0.05
    assert found["p_win"].mean() == pytest.approx(true.mean(), abs=0.04)
    best = found.loc[found["p_win"].idxmax()]
    assert "product pro" in best["reason"] or "stage quote" in best["reason"]
    said = funnel.win_probabilities(model, table, as_of=AS_OF, locale="zh")
    assert said["reason"].str.contains("有利").any()


def test_a_win_model_of_noise_is_not_used():
    table, _ = simulated(2, told=False, days=700)
    model = funnel.fit_win_model(table, as_of=AS_OF, stages=("lead", "quote"), horizon_days=60, features=["product"])
    assert model.verdict == "not_better"
    assert "no better than the rate of the stage" in model.words()
    found = funnel.win_probabilities(model, table, as_of=AS_OF)
    assert set(found.loc[found["stage"] == "quote", "p_win"]) == {model.stage_rates[1]}
    # .5 ** .5 times the share that is over in 60 days; half a thousand deals a stage: standard error .02.
    assert model.stage_rates[1] == pytest.approx(np.sqrt(0.5) * (1.0 - np.exp(-3.0)), abs=0.06)


# ------------------------------------------------------------------------------------------- forecasts


def test_intervals_of_forecasts_hold_what_they_say_and_are_not_biased():
    parts = [
        funnel.forecast_backtest(
            simulated(seed, days=1300)[0], as_of=AS_OF, stages=("lead", "quote"), months=2, tests=24
        )
        for seed in (11, 12)
    ]
    found = pd.concat(parts, ignore_index=True)
    # 144 intervals of 80 %, neighbours overlap: some 70 independent ones, a standard error of .05.
    assert 0.68 <= found["inside"].mean() <= 0.95
    # 48 months in all of a spread of a sixth: a standard error of some 3 %.
    assert found["forecast"].sum() == pytest.approx(found["actual"].sum(), rel=0.08)
    naive = (found["last_period"] - found["actual"]).abs().sum()
    assert (found["forecast"] - found["actual"]).abs().sum() < naive


def test_a_rehearsal_is_the_forecast_of_that_day():
    table, _ = simulated(3, days=600)
    listed = funnel.forecast_backtest(table, as_of=AS_OF, stages=("lead", "quote"), months=2, tests=4)
    origin = pd.Timestamp("2024-03-31")
    then = funnel.forecast_sales(table, as_of=origin.date(), stages=("lead", "quote"), months=2, tests=0)
    rehearsed = listed[listed["origin"] == origin].sort_values(["kind", "first_day"])
    np.testing.assert_allclose(rehearsed["forecast"], then["forecast"])
    actual = table[
        (table["outcome"] == "won") & (table["entered_at"] >= "2024-04-01") & (table["entered_at"] < "2024-05-01")
    ]
    assert rehearsed["actual"].iloc[0] == pytest.approx(actual["amount"].sum())


def test_a_month_in_progress_counts_what_is_won_already():
    table, _ = simulated(3, days=600)
    day = dt.date(2024, 6, 12)
    found = funnel.forecast_sales(table, as_of=day, stages=("lead", "quote"), months=1, tests=3).iloc[0]
    won = table[(table["outcome"] == "won") & table["entered_at"].between("2024-06-01", "2024-06-13", inclusive="left")]
    assert str(found["first_day"])[:10] == "2024-06-13"
    assert found["won_so_far"] == pytest.approx(won["amount"].sum())
    assert found["forecast"] == pytest.approx(found["won_so_far"] + found["from_open"] + found["from_new"])
    assert found["won_so_far"] < found["low"]


# ------------------------------------------------------------------------------------------- a real pipeline


def maven(data):
    """8,800 deals of 2016-10 to 2017-12; 500 prospects without a day are left out: they never began."""
    raw = pd.read_csv(data / "maven_crm_sales_pipeline.csv.gz").dropna(subset="engage_date")
    team = pd.read_csv(data / "maven_crm_sales_teams.csv")
    prices = pd.read_csv(data / "maven_crm_products.csv").set_index("product")["sales_price"]
    raw = raw.assign(product=raw["product"].replace("GTXPro", "GTX Pro")).merge(team, on="sales_agent")
    plain = pd.DataFrame(
        {
            "deal_id": raw["opportunity_id"],
            "owner_id": raw["sales_agent"],
            "region": raw["regional_office"],
            "product": raw["product"],
            "amount": raw["product"].map(prices).astype("float64"),
        }
    )
    begun = plain.assign(stage="Engaging", entered_at=pd.to_datetime(raw["engage_date"]), outcome=None)
    closed = plain.assign(
        stage=raw["deal_stage"],
        entered_at=pd.to_datetime(raw["close_date"]),
        outcome=raw["deal_stage"].str.lower(),
        amount=raw["close_value"].where(raw["deal_stage"] == "Won"),
    )[raw["close_date"].notna()]
    return pd.concat([begun, closed], ignore_index=True)


def test_maven_win_chances_are_those_of_the_stage_and_the_forecast_no_better_than_a_mean(data):
    table, day = maven(data), dt.date(2017, 12, 31)
    model = funnel.fit_win_model(
        table, as_of=day, stages=("Engaging",), horizon_days=60, features=["region", "product"]
    )
    assert model.verdict == "not_better"
    assert model.test.auc.low < 0.5 < model.test.auc.high + 0.02  # next to chance
    ranking = funnel.owner_ranking(table, as_of=day, since=dt.date(2017, 1, 1))
    assert (ranking["won"].sum(), ranking["lost"].sum()) == (4238, 2473)
    assert set(ranking["verdict"]) == {"not told apart"}  # raw rates of 55 to 70 % are noise
    found = funnel.forecast_sales(table, as_of=day, stages=("Engaging",), months=3)
    month, quarter = found.iloc[0], found.iloc[3]
    assert month["tests"] == 9
    assert month["verdict"] == "no better"
    assert month["wape"] == pytest.approx(0.267, abs=0.01)
    assert quarter["wape"] == pytest.approx(0.127, abs=0.01)


# ------------------------------------------------------------------------------------------- what is refused


def at(call, **options):
    """A call of the room on a table, of the stages in this quarter unless said otherwise."""
    return lambda table: getattr(funnel, call)(table, **{"as_of": AS_OF, **options})


QUARTER = {"since": SINCE, "stages": STAGES}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (at("funnel_table", since=SINCE, stages=("lead",)), "hold a stage not named .first: 'quote'"),
        (at("funnel_table", since=SINCE, stages="lead"), "sequence of texts in their order"),
        (at("funnel_table", since=SINCE, stages=("won",)), 'at least one stage before "won"'),
        (at("funnel_table", as_of=SINCE, since=AS_OF, stages=STAGES), "since must not lie after as_of"),
        (at("funnel_table", **QUARTER, by="team"), "has no column 'team'"),
        (at("funnel_table", **QUARTER, by="stage"), "by must name a column"),
        (at("funnel_table", **QUARTER, thresholds={"x": 0.2}), "names 'x', which is no stage"),
        (at("funnel_table", **QUARTER, thresholds={"lead": 20}), "must lie in .0, 1., such as 0.2, got 20"),
        (at("step_chains", steps=("lead",), within_days=7), "two or more"),
        (at("step_chains", steps=STAGES, within_days=0), "within_days must lie above 0"),
        (at("win_rate", since=SINCE, targets={"a": 1.0}), "a mapping of group -> money where by"),
        (at("win_rate", since=SINCE, targets=0.0), "above 0 .money., got 0"),
        (at("forecast_sales", stages=STAGES), "no column amount"),
        (at("fit_win_model", stages=STAGES, features=["outcome"]), "which is the outcome"),
        (at("fit_win_model", stages=STAGES), "open 90 days before as_of"),
        (lambda f: funnel.win_rate(f.assign(outcome="gone"), as_of=AS_OF, since=SINCE), "hold 'gone' or the like"),
        (lambda f: funnel.lifecycle(f.assign(customer_id="a"), as_of=AS_OF), "stage holds 'contract'"),
    ],
)
def test_what_is_not_understood_is_refused_in_words(call, said):
    table = deals(
        ("a", "lead", "2024-06-01", None), ("a", "quote", "2024-06-08", None), ("b", "contract", "2024-06-09", None)
    )
    with pytest.raises((DomainError, FitError), match=said):
        call(table)


def test_an_empty_log_is_a_table_of_zeros():
    table = histories()[:0]
    found = funnel.funnel_table(table, as_of=AS_OF, since=SINCE, stages=STAGES)
    assert found["entered"].tolist() == [0, 0, 0, 0]
    assert funnel.stage_durations(table, as_of=AS_OF, since=SINCE, stages=STAGES)["watched"].tolist() == [0] * 4
    assert len(funnel.owner_ranking(table, as_of=AS_OF, since=SINCE)) == 0
    assert funnel.win_rate(table, as_of=AS_OF, since=SINCE)["won"].tolist() == [0]
    assert funnel.step_chains(table, as_of=AS_OF, steps=("lead", "won"), within_days=3)["reached"].tolist() == [0, 0]
    with pytest.raises(FitError, match="A forecast of 31 days"):
        funnel.forecast_sales(table, as_of=AS_OF, stages=STAGES, months=1)

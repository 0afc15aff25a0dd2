"""The tables of a simulated company hang together, and their truth is what a good method finds again."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression

from crmkit import schema
from crmkit.datasets import (
    AdChannel,
    Behaviour,
    CalendarBuyers,
    Care,
    Company,
    Contracts,
    Crm,
    LeadEvent,
    Leads,
    Marketing,
    Mess,
    Pipeline,
    Team,
    Usage,
    simulate_company,
)
from crmkit.datasets.assumptions import Catalogue, Channels, Plan, PurchaseProcess, Spend
from crmkit.datasets.office_hours import answered, at_office, in_daytime
from crmkit.errors import DomainError

START, DAYS = dt.date(2022, 1, 1), 1096
END = pd.Timestamp(START) + pd.Timedelta(days=DAYS)
DAY = pd.Timedelta(days=1)
# As in test_datasets: four standard errors, one right simulation in 16,000 exceeds them; the same odds for p values.
Z, P = 4.0, 6e-5
TIME = {
    "orders": "ordered_at",
    "contacts": "contacted_at",
    "events": "occurred_at",
    "leads": "created_at",
    "lead_events": "occurred_at",
    "touches": "touched_at",
    "conversions": "converted_at",
    "deals": "entered_at",
    "subscriptions": "started_at",
    "metrics": "measured_at",
}
TABLES = [field.name for field in dataclasses.fields(Company)]
# The company has no contracts apart from its subscriptions, and so no instalments; its contacts are with customers.
NOT_SIMULATED = {"lead_contacts", "contracts", "instalments", "payments"}
REFERENCE = [table for table in schema.TABLES if table.name not in NOT_SIMULATED]


@pytest.fixture(scope="module")
def made() -> Company:
    """Everything as it comes by default."""
    return simulate_company(20_000, rng=np.random.default_rng(8), start=START, days=DAYS)


def company(customers=40, **changes) -> Company:
    return simulate_company(customers, rng=np.random.default_rng(0), **changes)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    # `assert_frame_equal` compares categories one by one as texts: minutes where this takes a moment.
    assert left.dtypes.to_dict() == right.dtypes.to_dict()
    assert left.equals(right)


def close(found, expected, error):
    """Nothing is further from what it should be than four standard errors."""
    miss = np.abs(np.asarray(found, dtype=float) - np.asarray(expected, dtype=float)) / np.asarray(error, dtype=float)
    assert np.all(miss < Z), miss


# -------------------------------------------------------------------------------------------- what reference tables say


@pytest.mark.parametrize("table", REFERENCE, ids=lambda table: table.name)
def test_every_table_is_as_the_reference_tables_say_and_comes_through_the_entrance_unchanged(made, table):
    frame = getattr(made, table.name)
    found = schema.violations(frame, table, as_of=END.date())
    # Refunds are no fault; that they are there is said all the same.
    assert set(found["rule"]) <= ({"negative"} if table is schema.ORDERS else set())
    assert_same(schema.conform(frame, table), frame)
    assert set(table.required) <= set(frame.columns)


def test_events_have_the_columns_that_were_agreed(made):
    assert list(made.events) == ["customer_id", "event", "occurred_at", "content", "channel", "value"]
    assert not made.events[["customer_id", "event", "occurred_at"]].isna().any(axis=None)


# -------------------------------------------------------------------------------------------- what hangs together


def check_that_it_hangs_together(made: Company, start: pd.Timestamp, end: pd.Timestamp) -> None:
    customers = made.customers.set_index("customer_id")
    for name in TABLES:
        table = getattr(made, name)
        if "customer_id" in table and name != "customers":
            assert table["customer_id"].dropna().isin(customers.index).all(), name
        for column in table.select_dtypes("datetime"):
            # What has not happened yet is truth, and stands in tables of truth alone.
            late = column in ("decided_at", "ends_at", "declines_from")
            times = table[column].dropna()
            assert late or ((times >= start) & (times < end)).all(), (name, column)
        if name in TIME:
            assert table[TIME[name]].is_monotonic_increasing, name
    check_leads(made, customers)
    check_deals(made)
    check_services(made, customers)


def check_leads(made: Company, customers: pd.DataFrame) -> None:
    leads, truth = made.leads.set_index("lead_id"), made.lead_truth.set_index("lead_id")
    assert leads.index.is_unique
    assert leads.index.equals(truth.index)
    assert not leads["phone"].dropna().duplicated().any()
    assert not (leads["phone"].isna() & leads["email"].isna()).any()
    assert (leads["phone"].dropna().str.len() == 11).all()
    events = made.lead_events.merge(leads, on="lead_id", validate="many_to_one").merge(truth, on="lead_id")
    assert len(events) == len(made.lead_events)
    assert (events["occurred_at"] > events["created_at"]).all()
    assert (events["occurred_at"] < events["decided_at"]).all()
    assert (truth.loc[leads["converted_at"].notna(), "converts"]).all()
    for later in ("first_response_at", "converted_at"):
        known = leads[leads[later].notna()]
        assert (known[later] > known["created_at"]).all()
    both = leads[leads["converted_at"].notna() & leads["first_response_at"].notna()]
    assert (both["first_response_at"] < both["converted_at"]).all()
    # Customers who were leads: the same attributes, entered when the lead converted, first order after that.
    were = customers[customers["lead_id"].notna()].reset_index()
    as_lead = leads.loc[were["lead_id"]].reset_index()
    assert were["customer_id"].tolist() == truth.loc[were["lead_id"], "customer_id"].tolist()
    assert truth["customer_id"].notna().sum() == len(were)
    assert (were["created_at"] == as_lead["converted_at"]).all()
    for column in ("owner_id", "region", "employees"):
        assert were[column].astype(object).tolist() == as_lead[column].astype(object).tolist()
    stated = were["industry"].notna().to_numpy()
    assert (were["industry"].astype(object)[stated] == as_lead["industry"].astype(object)[stated]).all()
    first = made.truth.set_index("customer_id")["acquired_at"]
    assert (customers["created_at"] <= first).all()
    assert (customers["created_at"] < first)[customers["lead_id"].notna()].all()


def check_deals(made: Company) -> None:
    deals, leads = made.deals, made.leads.set_index("lead_id")
    assert deals["lead_id"].isin(leads.index).all()
    by_deal = deals.groupby("deal_id")
    assert (by_deal["lead_id"].nunique() == 1).all()
    assert not deals.drop_duplicates("deal_id")["lead_id"].duplicated().any()
    # A deal takes the stages in their order, and the row with the outcome is its last.
    step = deals["stage"].astype("category").cat.codes
    assert not (step.groupby(deals["deal_id"]).diff() <= 0).any()
    closed = deals[deals["outcome"].notna()]
    assert (closed["stage"].astype(str) == closed["outcome"].astype(str)).all()
    assert not closed["deal_id"].duplicated().any()
    last = deals.drop_duplicates("deal_id", keep="last")  # by time
    assert last.loc[last["outcome"].notna(), "deal_id"].tolist() == closed["deal_id"].tolist()
    assert (deals["entered_at"] > when(leads["created_at"], deals["lead_id"])).all()
    # Deals are won when, and only when, their lead converts.
    won = closed[closed["outcome"] == "won"].set_index("lead_id")["entered_at"]
    converted = leads["converted_at"].dropna()
    if len(deals):
        pd.testing.assert_series_equal(won.sort_index(), converted.sort_index(), check_names=False)


def when(times: pd.Series, ids: pd.Series) -> np.ndarray:
    """Times of these ids; unlike `map`, of none, too."""
    return times.reindex(ids).to_numpy()


def check_services(made: Company, customers: pd.DataFrame) -> None:
    created = customers["created_at"]
    for name in ("contacts", "events"):
        table = getattr(made, name)
        assert (table[TIME[name]] >= when(created, table["customer_id"])).all()
    hour, weekday = made.contacts["contacted_at"].dt.hour, made.contacts["contacted_at"].dt.day_of_week
    assert (hour.between(9, 17) & (weekday < 5)).all()
    sold = made.orders[~made.orders["order_id"].isin(made.refunds["order_id"])]
    columns = {"order_id": "conversion_id", "ordered_at": "converted_at", "amount": "value"}
    as_orders = sold[["order_id", "customer_id", "ordered_at", "amount"]].rename(columns=columns)
    assert_same(made.conversions[list(as_orders)], as_orders.reset_index(drop=True))
    contracts = made.subscriptions.set_index("customer_id")
    assert contracts.index.is_unique
    first = made.truth.set_index("customer_id")["acquired_at"]
    assert (contracts["started_at"] > first.loc[contracts.index].dt.normalize()).all()
    ended = contracts["ended_at"].dropna()
    assert (ended > contracts.loc[ended.index, "started_at"]).all()
    assert (made.metrics["measured_at"] > when(contracts["started_at"], made.metrics["customer_id"])).all()
    measured = made.metrics[made.metrics["customer_id"].isin(ended.index)]
    assert (measured["measured_at"] <= when(ended, measured["customer_id"])).all()


def test_the_tables_hang_together(made):
    check_that_it_hangs_together(made, pd.Timestamp(START), END)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 80),
    st.dates(dt.date(1999, 1, 1), dt.date(2030, 12, 31)),
    st.integers(1, 900),
    st.integers(0, 2**32),
    st.sampled_from(["integer", "text"]),
    st.booleans(),
)
def test_they_hang_together_whatever_the_span(customers, start, days, seed, ids, half):
    made = simulate_company(
        customers,
        rng=np.random.default_rng(seed),
        start=start,
        days=days,
        acquisition_days=(days + 1) // 2 if half else None,
        calendar_buyers=None if days < 400 else CalendarBuyers(),
        ids=ids,
        crm=Crm(contracts=Contracts(share=0.9), leads=Leads(customer_share=0.8)),
    )
    begin = pd.Timestamp(start)
    check_that_it_hangs_together(made, begin, begin + days * DAY)


def test_what_is_none_has_no_rows_and_leaves_the_rest_as_it_is():
    whole = company(100)
    none = company(100, crm=None)
    for name in ("orders", "refunds", "products", "truth"):
        assert_same(getattr(whole, name), getattr(none, name))
    assert not any(len(getattr(none, name)) for name in TABLES[4:])
    for table in REFERENCE[1:]:
        assert not len(schema.violations(getattr(none, table.name), table))
    off = {
        "care": ["contacts"],
        "behaviour": ["events", "behaviour_truth"],
        "marketing": ["touches", "conversions", "costs", "conversion_truth", "channel_truth"],
        "usage": ["metrics"],
        "pipeline": ["deals", "stage_truth"],
    }
    for part, names in off.items():
        without = company(100, crm=dataclasses.replace(Crm(), **{part: None}))
        # Without a pipeline leads decide at another time; without usage nobody knows when it declines.
        left = {"pipeline": {"leads", "lead_events", "lead_truth", "customers", "contacts", "events"}}
        moved = left.get(part, set()) | ({"contract_truth"} if part == "usage" else set())
        for name in TABLES:
            table = getattr(without, name)
            if name in names:
                assert len(table) == 0, (part, name)
            elif name not in moved:
                assert_same(table, getattr(whole, name))


def test_a_company_without_leads_and_contracts():
    made = company(100, crm=Crm(leads=None, pipeline=None, contracts=None, usage=None))
    assert made.customers["lead_id"].isna().all()
    assert len(made.customers) == 100
    assert not any(len(table) for table in (made.leads, made.lead_events, made.deals, made.subscriptions, made.metrics))


def test_leads_without_a_pipeline_convert_before_the_first_order():
    made = company(2_000, crm=Crm(pipeline=None))
    check_leads(made, made.customers.set_index("customer_id"))
    assert made.leads["converted_at"].notna().sum() > 500


def test_the_same_state_of_chance_gives_the_same_tables():
    first, again = company(200), company(200)
    for name in TABLES:
        assert_same(getattr(first, name), getattr(again, name))


# ------------------------------------------------------------------------------------------------ leads


def design(made: Company) -> tuple[pd.DataFrame, pd.Series]:
    """Columns of the log-odds as `lead_effects` names them, and their true effects."""
    leads = made.leads.merge(made.lead_truth, on="lead_id").merge(made.owner_truth, on="owner_id")
    effects = made.lead_effects.set_index(made.lead_effects["term"].str.cat(made.lead_effects["name"], sep=":"))[
        "effect"
    ]
    columns = {
        "intercept:": np.ones(len(leads)),
        **{f"source:{name}": leads["source"] == name for name in leads["source"].cat.categories},
        **{f"industry:{name}": leads["industry"] == name for name in leads["industry"].cat.categories},
        "log10_employees:against 60": np.log10(leads["employees"] / 60),
        **{f"event:{event.name}": leads[f"did_{event.name}"] for event in Leads().events},
        "unanswered:": leads["unanswered"],
        "owner_skill:": leads["skill"],
    }
    matrix = pd.DataFrame(columns).astype(float)
    assert list(matrix) == list(effects.index)
    return matrix, effects


def test_the_probability_is_the_logistic_model_that_the_truth_states(made):
    matrix, effects = design(made)
    expected = 1 / (1 + np.exp(-(matrix @ effects)))
    np.testing.assert_allclose(made.lead_truth["probability"], expected, rtol=1e-9)


def test_a_logistic_regression_finds_the_true_effects_again(made):
    matrix, effects = design(made)
    # The levels of effect 0 are the reference.
    matrix = matrix.drop(columns=["intercept:", "source:search", "industry:retail"])
    converts = made.lead_truth["converts"]
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=500).fit(matrix, converts)
    p = made.lead_truth["probability"].to_numpy()
    with_one = np.column_stack([np.ones(len(matrix)), matrix])
    error = np.sqrt(np.diag(np.linalg.inv(with_one.T @ (with_one * (p * (1 - p))[:, None]))))
    close([*fit.intercept_, *fit.coef_[0]], [effects["intercept:"], *effects[matrix.columns]], error)
    assert error.max() < 0.15  # sharp enough to tell 0.9 from 0


def test_the_white_paper_is_confounded_and_nothing_else(made):
    truth = made.lead_truth
    by_reading = truth.groupby("did_white_paper")["converts"].mean()
    assert by_reading[True] / by_reading[False] > 1.15  # what a naive reader sees; the regression above finds 0


def test_arrival_says_nothing_about_conversion_not_even_at_the_ends_of_the_span(made):
    truth = made.lead_truth
    miss, variance = truth["converts"] - truth["probability"], truth["probability"] * (1 - truth["probability"])
    day = (made.leads["created_at"] - pd.Timestamp(START)) / DAY
    for rows in (day < 30, day < 90, day > DAYS - 30, day > DAYS - 90, made.leads["source"] == "referral"):
        assert rows.sum() > 500
        close(miss[rows].sum(), 0, np.sqrt(variance[rows].sum()))


def test_late_leads_that_will_convert_are_open_at_the_end(made):
    will = made.leads[made.lead_truth["converts"]]
    late = will[will["created_at"] > END - 20 * DAY]
    assert late["converted_at"].isna().mean() > 0.5
    early = will[will["created_at"] < END - 400 * DAY]
    assert early["converted_at"].notna().all()


def test_leads_come_from_the_stated_share_of_customers_and_as_stated(made):
    # Of customers of the first months the lead may lie before the span.
    late = made.truth["acquired_at"] > END - 600 * DAY
    close(made.customers["lead_id"].notna()[late].mean(), 0.4, np.sqrt(0.24 / late.sum()))
    n, leads = len(made.leads), Leads()
    # Sources and industries of a lead are drawn, not those of a converted one: drawing stops by conversions alone.
    for column, names, shares in (
        ("source", leads.sources, leads.source_shares),
        ("industry", leads.industries, leads.industry_shares),
    ):
        counts = made.leads[column].value_counts().reindex(list(names))
        assert stats.chisquare(counts, n * np.array(shares)).pvalue > P
    size = np.log(made.leads["employees"] / 60)
    close(size.mean(), 0, 1.2 / np.sqrt(n))
    close(made.lead_truth["unanswered"].mean(), 0.07, np.sqrt(0.07 * 0.93 / n))
    close(made.lead_truth["did_webinar"].mean(), 0.15, np.sqrt(0.15 * 0.85 / n))


def test_events_tell_what_leads_did(made):
    decided = made.lead_truth[made.lead_truth["decided_at"] < END]
    seen = made.lead_events.drop_duplicates(["lead_id", "event"])
    for event in ("webinar", "white_paper"):
        who = seen.loc[seen["event"] == event, "lead_id"]
        assert set(decided.loc[decided[f"did_{event}"], "lead_id"]) == set(decided["lead_id"]) & set(who)
    counts = made.lead_events[made.lead_events["event"] == "product_page"].groupby("lead_id").size()
    counts = counts[counts.index.isin(decided["lead_id"])]
    close(counts.mean(), 3.5, np.sqrt(2.5 / len(counts)))  # once, and a Poisson number of times more


def test_first_responses_have_a_long_tail_in_office_hours(made):
    leads = made.leads[made.leads["first_response_at"].notna()]
    assert (leads["first_response_at"].dt.day_of_week < 5).all()
    # Leads of a Tuesday or Wednesday morning: what they wait is the delay itself, cut at the end of the day.
    calm = leads[leads["created_at"].dt.day_of_week.isin([1, 2]) & (leads["created_at"].dt.hour == 9)]
    hours = (calm["first_response_at"] - calm["created_at"]) / pd.Timedelta(hours=1)
    for share, hour in ((0.5, 0.5), (stats.norm.cdf(1), 0.5 * np.exp(1.6))):
        close((hours < hour).mean(), share, np.sqrt(share * (1 - share) / len(hours)))
    assert hours.max() > 24


# ------------------------------------------------------------------------------------------------ deals


def test_counts_of_deals_find_the_stage_probabilities_again(made):
    old = made.lead_truth.loc[made.leads["created_at"] < END - 300 * DAY, "lead_id"]
    rows = made.deals[made.deals["lead_id"].isin(old)]
    assert rows.groupby("deal_id")["outcome"].count().eq(1).all()  # none is open any more
    reached = rows.groupby("stage", observed=False).size()
    truth = made.stage_truth
    before, after = reached[truth["stage"]].to_numpy(), reached[truth["next_stage"]].to_numpy()
    close(after / before, truth["passes"], np.sqrt(truth["passes"] * (1 - truth["passes"]) / before))
    assert truth["passes"].tolist() == pytest.approx([0.80, 0.75, 0.60, 0.80], abs=1e-12)


def test_win_probabilities_are_calibrated(made):
    p = made.lead_truth["win_probability"]
    rows = p.notna()
    won, p = made.lead_truth.loc[rows, "converts"], p[rows]
    for part in (p > 0, p < 0.2, p > 0.5):
        close((won - p)[part].sum(), 0, np.sqrt((p * (1 - p))[part].sum()))
    assert p.max() - p.min() > 0.5


def test_more_deals_than_losers_are_told_by_the_truth():
    leads, pipeline = Leads(intercept=1.0, customer_share=1.0), Pipeline()
    made = company(5_000, crm=Crm(leads=leads, pipeline=pipeline))
    # Seven leads of ten convert, and every other one has a deal: of these four shares none can be as stated.
    truth = made.stage_truth
    assert truth["passes"].prod() == pytest.approx(made.lead_truth["probability"].mean(), rel=0.02)
    old = made.lead_truth.loc[made.leads["created_at"] < END - 300 * DAY, "lead_id"]
    reached = made.deals[made.deals["lead_id"].isin(old)].groupby("stage", observed=False).size()
    found = reached[truth["next_stage"]].to_numpy() / reached[truth["stage"]].to_numpy()
    close(found, truth["passes"], np.sqrt(truth["passes"] * (1 - truth["passes"]) / reached[truth["stage"]].to_numpy()))


def test_owners_move_deals_at_their_speed(made):
    rows = made.deals.sort_values(["deal_id", "entered_at"])
    until = rows.groupby("deal_id")["entered_at"].shift(-1)
    stays = rows.assign(left=until.notna(), days=(until.fillna(END) - rows["entered_at"]) / DAY)
    stays = stays[stays["outcome"].isna()]
    usual = stays["stage"].astype(str).map(made.stage_truth.set_index("stage")["mean_days"])
    stays = stays.assign(exposure=stays["days"] / usual)
    sums = stays.groupby("owner_id", observed=False)[["left", "exposure"]].sum()
    speed = made.owner_truth.set_index("owner_id")["speed"]
    # Exits over exposure is the estimate of an exponential hazard, open stays included. Office hours move both ends of
    # a stay by the same in the mean, only the last open ones by up to two days: half a per cent.
    close(sums["left"] / sums["exposure"], speed, speed / np.sqrt(sums["left"]) + 0.005 / Z)
    by_stage = stays.assign(expected=stays["exposure"] * stays["owner_id"].map(speed).astype(float))
    each = by_stage.groupby(by_stage["stage"].astype(str))[["left", "expected"]].sum()
    close(each["left"] / each["expected"], 1, 1 / np.sqrt(each["left"]) + 0.005 / Z)


# ------------------------------------------------------------------------------------------------ channels


def test_channels_cause_their_share_of_the_conversions(made):
    n, truth = len(made.conversions), made.channel_truth
    counted = made.conversion_truth["cause"].value_counts().reindex(truth["channel"]).to_numpy()
    np.testing.assert_array_equal(counted, truth["caused"])
    share = truth["causal_share"]
    close(truth["caused"] / n, share, np.sqrt(share * (1 - share) / n))


def test_what_a_channel_causes_has_its_touch_before_it(made):
    caused = made.conversion_truth.dropna(subset=["cause"]).merge(made.conversions, on="conversion_id")
    pairs = caused.merge(made.touches, on="touch_id", suffixes=("", "_of_touch"), validate="one_to_one")
    assert len(pairs) == len(caused)
    assert (pairs["customer_id"] == pairs["customer_id_of_touch"]).all()
    assert (pairs["cause"].astype(str) == pairs["channel"].astype(str)).all()
    lag = (pairs["converted_at"] - pairs["touched_at"]) / DAY
    assert (lag >= 0).all()
    late = lag[pairs["converted_at"] > pd.Timestamp(START) + 40 * DAY]
    assert stats.kstest(late - 60 / 86_400, stats.expon(scale=1.5).cdf).pvalue > P
    assert made.conversion_truth["cause"].isna().equals(made.conversion_truth["touch_id"].isna())


def test_touches_that_lead_to_nothing_are_as_many_as_stated(made):
    n = len(made.conversions)
    years = ((END - made.truth["acquired_at"]) / DAY).sum() / 365.25
    for channel, row in zip(Marketing().channels, made.channel_truth.itertuples(), strict=True):
        along = channel.tags_along * (n - row.caused)
        idle = channel.idle_per_year * years
        close(row.touches - row.caused, along + idle, np.sqrt(along * (1 - channel.tags_along) + idle))


def test_removing_a_channel_is_what_its_share_means():
    """The same company without the effect of search: the same conversions, none of them caused by it."""
    channels = Marketing().channels
    without = tuple(dataclasses.replace(c, causal_share=0.0) if c.name == "search" else c for c in channels)
    made = company(2_000, crm=Crm(marketing=Marketing(channels=without)))
    assert made.channel_truth.set_index("channel").loc["search", "caused"] == 0
    assert "search" not in set(made.conversion_truth["cause"].dropna())


def test_last_touch_credits_retargeting_with_what_it_did_not_cause(made):
    last = pd.merge_asof(
        made.conversions,
        made.touches[["customer_id", "channel", "touched_at"]],
        left_on="converted_at",
        right_on="touched_at",
        by="customer_id",
        tolerance=7 * DAY,
    )
    credit = last["channel"].value_counts() / len(last)
    share = made.channel_truth.set_index("channel")["causal_share"]
    assert credit["retargeting"] > 10 * share["retargeting"]


def test_costs_are_a_fee_by_the_day_and_the_price_of_the_touches(made):
    costs = made.costs
    assert len(costs) == 36 * 6
    assert costs["period_start"].min() == pd.Timestamp(START)
    assert costs["period_end"].max() == END - DAY
    total = costs.groupby("channel", observed=True)["cost"].sum()
    for channel, row in zip(Marketing().channels, made.channel_truth.itertuples(), strict=True):
        assert row.cost == pytest.approx(total[channel.name])
        # Prices move by 5 % from month to month: their mean by 5 % / sqrt(36), more if months differ in weight.
        assert row.cost == pytest.approx(36 * 50 + row.touches * channel.cost, rel=Z * 0.05 / np.sqrt(20))


def test_costs_of_a_broken_month_are_cut_to_the_span():
    made = company(20, start=dt.date(2024, 2, 20), days=15, calendar_buyers=None)
    display = made.costs[made.costs["channel"] == "display"]
    assert [str(day.date()) for day in display["period_start"]] == ["2024-02-20", "2024-03-01"]
    assert [str(day.date()) for day in display["period_end"]] == ["2024-02-29", "2024-03-05"]
    assert display["cost"].iloc[0] > 50 * 10 / 29 - 0.01  # ten days of the fee, and touches if there are any


# ------------------------------------------------------------------------------------------------ care and behaviour


def test_contacts_have_the_rate_of_the_tier(made):
    who = made.customers.merge(made.truth, on="customer_id")
    closes = (who["left_at"] + 120 * DAY).fillna(END).clip(upper=END)
    years = ((closes - who["created_at"]) / DAY - 1 / 3).clip(lower=0) / 365.25
    expected = years.groupby(who["tier"], observed=True).sum() * [9.0, 4.0, 1.5]
    found = made.contacts["customer_id"].map(who.set_index("customer_id")["tier"]).value_counts()[expected.index]
    # Office hours move the last day or two out of the span: a day of the 18 months that a customer is known.
    close(found, expected, np.sqrt(expected) + 0.002 * expected)
    assert made.customers["tier"].value_counts().to_dict() == {"A": 3_000, "B": 7_000, "C": 10_000}


def test_tiers_follow_what_customers_are_worth(made):
    worth = made.truth["rate_per_day"] * made.truth["mean_order_value"]
    means = worth.groupby(made.customers["tier"], observed=True).median()
    assert means["A"] > 1.5 * means["B"] > 2 * means["C"]


def test_the_price_sensitive_use_coupons(made):
    assert abs(made.behaviour_truth["price_sensitive"].mean() - 0.25) < Z * np.sqrt(0.19 / 20_000)
    coupons = made.events[made.events["event"] == "coupon"].groupby("customer_id").size()
    truth = made.truth.merge(made.behaviour_truth, on="customer_id").assign(
        coupons=lambda t: t["customer_id"].map(coupons).fillna(0)
    )
    sums = truth.groupby("price_sensitive")[["coupons", "order_count"]].sum()
    orders = sums["order_count"].to_numpy()  # of the others, of the price-sensitive
    close(sums["coupons"] / orders, [0.08, 0.6], np.sqrt(np.array([0.08 * 0.92, 0.24]) / orders))


def test_surveys_answer_with_the_customers_satisfaction(made):
    answers = made.events[made.events["event"] == "survey"].merge(made.behaviour_truth, on="customer_id")
    calm = answers[answers["mean_satisfaction"].between(4, 7)]  # far from the ends of the scale: nothing is cut
    close((calm["value"] - calm["mean_satisfaction"]).mean(), 0, np.sqrt((1.2**2 + 1 / 12) / len(calm)))
    assert answers["value"].between(0, 10).all()
    assert (
        made.events.loc[made.events["event"] == "complaint", "content"]
        .isin(["late", "damaged", "wrong item", "too expensive"])
        .all()
    )


def test_orders_are_looked_at_before(made):
    views = made.events[made.events["event"] == "view"]
    span = (made.truth["left_at"].fillna(END) - made.customers["created_at"]) / DAY
    expected = 1.2 * len(made.conversions) + 3.0 * span.sum() / 365.25
    # Looks before the entry are anonymous: a good part of those before first orders of customers who were no leads.
    assert 0.9 * expected < len(views) < expected + Z * np.sqrt(expected)
    close(np.log(views["value"].clip(lower=0.1)).mean(), np.log(2.5), 0.9 / np.sqrt(len(views)) + 0.001)


# ------------------------------------------------------------------------------------------------ contracts


def test_contracts_end_on_the_true_hazard(made):
    truth, assumed = made.contract_truth, Contracts()
    plans = made.subscriptions["plan"].reset_index(drop=True)
    for plan, a, b in zip(assumed.plans, assumed.a, assumed.b, strict=True):
        p_value = stats.kstest(truth.loc[(plans == plan).to_numpy(), "end_probability"], stats.beta(a, b).cdf).pvalue
        assert p_value > P
    # Months that are over, and those after which the contract ended: coins of the truth's probability, month by month.
    last = END - DAY
    stop = truth["ends_at"].clip(upper=last) + DAY
    months = (stop.dt.year - truth["started_at"].dt.year) * 12 + stop.dt.month - truth["started_at"].dt.month
    months -= (stop.dt.day < truth["started_at"].dt.day).astype(int)
    ended = truth["ends_at"] <= last
    p = truth["end_probability"]
    for rows in (p > 0, p < 0.05, p > 0.1):
        close((ended - p * months)[rows].sum(), 0, np.sqrt((p * (1 - p) * months)[rows].sum()))
    assert (made.subscriptions["ended_at"].notna().to_numpy() == ended.to_numpy()).all()
    assert (made.subscriptions["ended_at"].dropna() == truth.loc[ended, "ends_at"]).all()
    assert (truth["customer_id"] == made.subscriptions["customer_id"]).all()


def test_metrics_are_measured_every_month_and_decline_before_the_end(made):
    rows = made.metrics.merge(made.contract_truth, on="customer_id")
    left = (rows["ends_at"] - rows["measured_at"]) / DAY
    wide = rows.assign(left=left).pivot(index=["customer_id", "measured_at", "left"], columns="metric", values="value")
    wide = wide.reset_index()
    calm, last = wide[wide["left"] >= 90], wide[wide["left"] == 0]
    assert (last["customer_id"].value_counts() == 1).all()
    assert len(last) == made.subscriptions["ended_at"].notna().sum()
    close(calm["tickets"].mean(), 0.4, np.sqrt(0.4 / len(calm)))
    close(last["tickets"].mean(), 1.6, np.sqrt(1.6 / len(last)))
    close(last["satisfaction"].mean(), 5.0, np.sqrt((1 + 1 / 12) / len(last)))
    calm = calm[calm["usage"] > 0]
    before = np.log(calm["usage"]).groupby(calm["customer_id"]).mean()
    counts = calm.groupby("customer_id").size()
    change = (np.log(last[last["usage"] > 0].set_index("customer_id")["usage"]) - before).dropna()
    error = 0.2 * np.sqrt(1 + 1 / counts[change.index])
    close(change.mean(), np.log(0.3), np.sqrt((error**2).mean() / len(change)) + 0.001)  # hours have one decimal
    day = made.metrics["measured_at"] + DAY
    start = made.metrics["customer_id"].map(made.subscriptions.set_index("customer_id")["started_at"])
    assert (day.dt.day == start.dt.day).all()


# ------------------------------------------------------------------------------------------------ office hours


def plan(start: dt.date) -> Plan:
    assumed = (PurchaseProcess(), Spend(), None, None, None, Catalogue(), Channels())
    return Plan(1, start, 100, 100, *assumed)


@pytest.mark.parametrize(
    ("asked", "hours", "told"),
    [
        ("2024-05-03 10:00", 1.5, "2024-05-03 11:30"),  # a Friday
        ("2024-05-03 17:30", 1.0, "2024-05-06 09:30"),
        ("2024-05-04 12:00", 0.25, "2024-05-06 09:15"),  # a Saturday
        ("2024-05-06 22:00", 0.5, "2024-05-07 09:30"),
        ("2024-05-07 03:00", 9.5, "2024-05-08 09:30"),
        ("2024-05-07 09:00", 45.0, "2024-05-14 09:00"),
    ],
)
@pytest.mark.parametrize("start", [dt.date(2024, 5, 1), dt.date(2024, 4, 28)])
def test_answers_wait_for_office_hours(asked, hours, told, start):
    second = int((pd.Timestamp(asked) - pd.Timestamp(start)).total_seconds())
    found = pd.Timestamp(start) + pd.Timedelta(
        seconds=int(answered(np.array([second]), np.array([hours]), plan(start))[0])
    )
    assert found == pd.Timestamp(told) + pd.Timedelta(seconds=1)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)), st.lists(st.floats(0, 1000), min_size=2, max_size=30))
def test_office_hours_keep_the_order_and_move_by_two_days_at_most(start, days):
    day = np.sort(days)
    second = at_office(day, plan(start))
    assert (np.diff(second) >= 0).all()
    moved = second / 86_400 - day
    assert ((moved > -0.25) & (moved < 2.4)).all()
    when = pd.Timestamp(start) + pd.to_timedelta(second, unit="s")
    assert (when.day_of_week < 5).all()
    assert ((when.hour >= 9) & (when.hour < 18)).all()
    assert (in_daytime(day) // 86_400 == day.astype(int)).all()


# ------------------------------------------------------------------------------------------------ mess


def test_spoiled_rows_are_as_many_as_said_and_all_are_listed():
    mess = Mess(lead_duplicates=30, null_ids=7, future_dates=5, currency_texts=9)
    clean, dirty = company(500), company(500, mess=mess)
    assert dirty.mess.groupby(["table", "kind"]).size().to_dict() == {
        ("leads", "duplicate"): 30,
        ("orders", "currency text"): 9,
        ("orders", "future date"): 5,
        ("orders", "null id"): 7,
    }
    listed = dict(list(dirty.mess.groupby("kind")))
    orders = dirty.orders.set_index("order_id")
    assert set(orders.index[orders["customer_id"].isna()]) == set(listed["null id"]["key"])
    assert set(orders.index[orders["ordered_at"] >= END]) == set(listed["future date"]["key"])
    odd = ~orders["amount"].str.match(r"^-?\d+\.\d\d$")
    assert set(orders.index[odd]) == set(listed["currency text"]["key"])
    whole = clean.orders.set_index("order_id")
    assert (orders.loc[odd, "amount"].str[4:].astype(float) == whole.loc[odd, "amount"]).all()
    assert orders.loc[~odd, "amount"].astype(float).equals(whole.loc[~odd, "amount"])
    same = [name for name in TABLES if name not in ("orders", "leads", "mess")]
    for name in same:
        assert_same(getattr(clean, name), getattr(dirty, name))


def test_duplicates_of_leads_are_typed_otherwise():
    made = company(500, mess=Mess(lead_duplicates=40, null_ids=0, future_dates=0, currency_texts=0))
    leads = made.leads.set_index("lead_id")
    copies, originals = leads.loc[made.mess["key"]], leads.loc[made.mess["original"]]
    assert len(leads) == len(made.lead_truth) + 40
    assert leads.index.is_unique
    assert (copies["created_at"].to_numpy() >= originals["created_at"].to_numpy()).all()
    assert copies["converted_at"].isna().all()
    for column in ("source", "region", "owner_id", "employees"):
        assert copies[column].tolist() == originals[column].tolist()
    digits = copies["phone"].str.replace(r"^\+86|\D", "", regex=True)
    known = digits.notna().to_numpy()
    assert digits[known].tolist() == originals["phone"][known].tolist()
    assert not (copies["phone"][known].to_numpy() == originals["phone"][known].to_numpy()).any()
    mail = copies["email"].notna().to_numpy()
    assert not (copies["email"][mail].to_numpy() == originals["email"][mail].to_numpy()).any()
    assert schema.violations(made.leads, schema.LEADS).empty


def test_a_null_among_text_ids():
    made = company(50, ids="text", mess=Mess(lead_duplicates=1, null_ids=3, future_dates=0, currency_texts=0))
    assert made.orders["customer_id"].isna().sum() == 3
    assert made.orders["amount"].dtype == np.float64


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Team(regions=("a", "a")), "Team.regions must hold different names, at least one, got ('a', 'a')."),
        (lambda: Team(owners_per_region=0), "Team.owners_per_region must be at least 1, got 0."),
        (lambda: Team(speed_spread=-1), "Team.speed_spread must be finite and at least 0, got -1."),
        (lambda: LeadEvent("x", share=1.0), "LeadEvent('x').share must lie in (0, 1), got 1.0."),
        (lambda: LeadEvent("x", effect=np.inf), "LeadEvent('x').effect must be finite, got inf."),
        (lambda: Leads(customer_share=2), "Leads.customer_share must lie in [0, 1], got 2."),
        (lambda: Leads(source_effects=(1.0,)), "Leads.source_effects must hold 5 finite numbers, got (1.0,)."),
        (lambda: Leads(employees=0), "Leads.employees must be finite and above 0, got 0."),
        (lambda: Pipeline(stages=("won",)), 'Pipeline.stages must not hold "won" or "lost", got (\'won\',).'),
        (
            lambda: Pipeline(passes=(0.5, 0.5, 0.5, 1.0)),
            "Pipeline.passes of 'negotiation':.share must lie in (0, 1), got 1.0.",
        ),
        (
            lambda: Care(per_year=(1.0, 2.0)),  # type: ignore[arg-type]
            "Care.per_year must hold 3 rates of at least 0 (tiers A, B, C), got (1.0, 2.0).",
        ),
        (lambda: Behaviour(satisfaction=11), "Behaviour.satisfaction must lie in [0, 10], got 11."),
        (lambda: Behaviour(coupon_shares=(0.5, 2.0)), "Behaviour.coupon_shares must lie in [0, 1], got 2.0."),
        (
            lambda: Marketing(channels=(AdChannel("a", 0.6, 0, 0, 0), AdChannel("b", 0.6, 0, 0, 0))),
            "Marketing.channels: causal shares must sum to at most 1, got 1.2.",
        ),
        (lambda: AdChannel("a", -1, 0, 0, 0), "AdChannel('a').causal_share must lie in [0, 1], got -1."),
        (lambda: Contracts(a=(1.0, 1.0, 0.0)), "Contracts.a must be finite and above 0, got 0.0."),
        (lambda: Usage(usage_loss=2), "Usage.usage_loss must lie in [0, 1], got 2."),
        (lambda: Mess(null_ids=-1), "Mess.null_ids must be at least 0, got -1."),
        (
            lambda: Crm(leads=None),
            "Crm.pipeline: deals are made of leads. Keep leads, or set pipeline=None, too.",
        ),
        (
            lambda: Crm(contracts=None),
            "Crm.usage is measured of contracts. Keep contracts, or set usage=None, too.",
        ),
        (
            lambda: company(10, mess=Mess(lead_duplicates=9_999)),
            "Mess.lead_duplicates = 9999 rows are to be spoiled, but the table has {leads}. Spoil fewer, or "
            "simulate more.",
        ),
        (
            lambda: company(10, crm=Crm(leads=Leads(intercept=-20.0))),
            "Leads: hardly any lead converts, {share} of them; expected at least 0.0001. Raise the intercept, which "
            "is -20.",
        ),
    ],
)
def test_what_lies_outside_its_domain_is_refused_in_words(make, text):
    with pytest.raises(DomainError) as error:
        make()
    begins, _, ends = text.partition("{")
    assert str(error.value).startswith(begins)
    assert str(error.value).endswith(ends.partition("}")[2])
    assert ends or str(error.value) == text

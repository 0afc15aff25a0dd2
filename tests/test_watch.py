"""Response times, receivables and anomalies: against brute force, against simulation, and against the future."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmkit import funnel
from crmkit.errors import DomainError, SchemaError
from crmkit.models.kaplan_meier import kaplan_meier, survival_quantile
from crmkit.models.multiple_tests import benjamini_hochberg
from crmkit.models.next_period import fit_series, judge_next
from crmkit.models.working_time import DAY, day_clock, worked
from tests import engines
from tests.matrix import watch as calls
from tests.matrix.case import AS_OF

AS_DAY = dt.date(2024, 5, 31)


# ------------------------------------------------------------------------------------------- working time


def opening_seconds(week, holidays, first, days):
    """One truth value per second, written down naively."""
    is_open = np.zeros(days * DAY, dtype=bool)
    for k in range(days):
        day = dt.date(1970, 1, 1) + dt.timedelta(days=first + k)
        for start, end in () if first + k in holidays else week[day.weekday()]:
            is_open[k * DAY + start : k * DAY + end] = True
    return is_open


def test_working_seconds_against_counting_every_second():
    rng = np.random.default_rng(5)
    for _ in range(6):
        week = []
        for _ in range(7):
            edges = np.sort(rng.choice(DAY + 1, 2 * rng.integers(0, 3), replace=False)).tolist()
            week.append(list(zip(edges[::2], edges[1::2], strict=True)))
        first, days = int(rng.integers(-20000, 30000)), 9
        holidays = [first + 3, first + 8]
        counted = np.concatenate([[0], np.cumsum(opening_seconds(week, holidays, first, days))])
        clock = day_clock(first, first + days - 1, week, holidays)
        at = rng.integers(0, days * DAY, 200)
        at[:5] = [0, DAY, 3 * DAY, DAY - 1, days * DAY - 1]
        np.testing.assert_array_equal(worked(first * DAY + at, clock), counted[at])


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_the_call_counts_the_working_seconds_of_the_clock(engine):
    people = calls.tables()["asking leads"]
    found = funnel.response_times(
        engines.to_engine(engine, people), as_of=calls.NOW, limit_seconds=7200, by="lead_id", hours=calls.HOURS
    )
    days = [(day - dt.date(1970, 1, 1)).days for day in calls.HOURS.holidays]
    clock = day_clock(19000, 21000, calls.HOURS.spans, days)
    ends = people["first_response_at"].where(people["first_response_at"] <= pd.Timestamp(calls.NOW))
    known = ends.notna() & (people["created_at"] <= pd.Timestamp(calls.NOW))
    seconds = [
        column[known].astype("datetime64[us]").astype("int64") // 10**6 for column in (people["created_at"], ends)
    ]
    expected = np.maximum(worked(seconds[1].to_numpy(), clock) - worked(seconds[0].to_numpy(), clock), 0)
    table = engines.to_pandas(found).set_index("lead_id")
    np.testing.assert_array_equal(table.loc[people["lead_id"][known], "median_seconds"], expected)
    assert expected.max() > 7200 > expected.min()


@pytest.mark.parametrize(
    ("week", "said"),
    [
        (((),) * 6, "week must hold the opening hours of 7 days, Monday first, got 6"),
        (((),) * 7, "week must open on one day at least"),
        ((((dt.time(9), dt.time(9)),), *((),) * 6), "must ascend and not touch"),
        ((((dt.time(9), dt.time(12)), (dt.time(12), dt.time(13))), *((),) * 6), "must ascend and not touch"),
        ((((dt.time(9), dt.time(12, 0, 0, 5)),), *((),) * 6), "whole seconds"),
    ],
)
def test_weeks_that_are_none(week, said):
    with pytest.raises(DomainError, match=said):
        funnel.WorkingHours(week)


# ------------------------------------------------------------------------------------------- requests and answers


def pairs_by_hand(log, start, answer):
    """Walk through the events of each lead, one by one."""
    found = []
    for lead in sorted({lead for lead, _, _ in log}):
        rows = sorted((at, event == answer) for who, event, at in log if who == lead)
        if start == answer:
            found += [(lead, rows[0][0], rows[1][0] if len(rows) > 1 else None)]
            continue
        waiting = None
        for at, is_answer in rows:
            if waiting is None and not is_answer:
                waiting = at
            elif waiting is not None and is_answer:
                found.append((lead, waiting, at))
                waiting = None
        found += [(lead, waiting, None)] if waiting is not None else []
    return found


@pytest.mark.parametrize(("start", "answer"), [("ask", "reply"), ("ask", "ask")])
def test_pairs_against_a_walk_through_the_log(start, answer):
    rng = np.random.default_rng(4)
    rows = 2500  # of 400 leads: six events each in ten hours, so that ties abound
    log = list(
        zip(
            rng.integers(0, 400, rows).tolist(),
            rng.choice(["ask", "reply"], rows).tolist(),
            rng.integers(0, 10, rows).tolist(),
            strict=True,
        )
    )
    frame = pd.DataFrame(log, columns=["lead_id", "event", "hour"])
    frame["occurred_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.pop("hour"), unit="h")
    found = engines.on_polars(funnel.response_pairs, frame, start=start, answer=answer, as_of=AS_DAY)
    hours = [(found[name] - pd.Timestamp("2024-01-01")) / pd.Timedelta(hours=1) for name in found.columns[1:3]]
    pairs = [(lead, a, None if np.isnan(b) else b) for lead, a, b in zip(found["lead_id"], *hours, strict=True)]
    assert pairs == pairs_by_hand([row for row in log if row[1] in (start, answer)], start, answer)


def test_a_request_that_no_event_is_called_is_said_aloud():
    log = pd.DataFrame({"lead_id": [1], "event": ["Ask"], "occurred_at": [pd.Timestamp("2024-01-01")]})
    with pytest.warns(UserWarning, match=r"^None of the 1 events is called 'ask', .*; the log has 'Ask'\."):
        found = funnel.response_pairs(log, start="ask", answer="reply", as_of=AS_DAY)
    assert len(found) == 0
    assert len(funnel.response_pairs(log[:0], start="ask", answer="reply", as_of=AS_DAY)) == 0
    waiting = funnel.response_pairs(log, start="Ask", answer="reply", as_of=AS_DAY)
    assert waiting["first_response_at"].isna().tolist() == [True]


def test_the_median_keeps_those_who_wait():
    # Ten requests: five answered after 1 to 5 minutes, five still waiting since 10: leaving them out gives 3.
    seconds = [60.0 * k for k in range(1, 6)] + [600.0] * 5
    curve = kaplan_meier(seconds, [True] * 5 + [False] * 5)
    assert survival_quantile(curve, 0.5)[0] == 300.0
    assert np.isnan(survival_quantile(curve, 0.51)[0])


def test_the_interval_of_the_median_holds_it():
    # Exponential times, median 69.3, censored after uniform watching: of 300 samples 95 % hold it, give or take 2.5
    # standard errors of a share of .95 (.0126 each) and of its own approximation.
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(300):
        time, watched = rng.exponential(100.0, 60), rng.uniform(20.0, 300.0, 60)
        curve = kaplan_meier(np.minimum(time, watched), time <= watched)
        _, low, high = survival_quantile(curve, 0.5)
        inside += low <= 100.0 * np.log(2.0) and not high < 100.0 * np.log(2.0)
    assert 0.92 <= inside / 300 <= 0.985


def test_converted_and_closed_leads_wait_no_longer():
    people = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c"],
            "created_at": pd.to_datetime(["2024-05-01"] * 3),
            "first_response_at": pd.to_datetime([None] * 3),
            "converted_at": pd.to_datetime(["2024-05-01 00:04", None, None]),
            "closed_at": pd.to_datetime([None, "2024-05-01 01:00", None]),
        }
    )
    late = funnel.overdue_responses(people, as_of=AS_DAY, limit_seconds=300)
    assert late["lead_id"].tolist() == ["c"]
    found = funnel.response_times(people, as_of=AS_DAY, limit_seconds=300).iloc[0]
    assert (found["requests"], found["due"], found["kept"]) == (3, 2, 0)  # the first bought within the limit


# ------------------------------------------------------------------------------------------- receivables


@pytest.mark.parametrize("percent", [(30, 60, 10), (100,), (33, 33, 34), (1, 98, 1), (20,) * 5])
def test_a_plan_sums_to_the_cent_as_an_election_is_counted(percent):
    plan = funnel.PaymentPlan(percent, tuple(range(0, 30 * len(percent), 30)))
    rng = np.random.default_rng(percent[0])
    cents = [*range(101), *(10 ** rng.uniform(0, 12, 300)).astype(int).tolist()]
    contracts = pd.DataFrame(
        {
            "customer_id": "c",
            "contract_id": range(len(cents)),
            "signed_at": pd.Timestamp("2024-01-31"),
            "amount": [count / 100 for count in cents],
        }
    )
    found = engines.on_polars(funnel.payment_plan, contracts, as_of=AS_DAY, plan=plan)
    parts = np.rint(found["amount"].to_numpy() * 100).astype(int).reshape(len(cents), len(percent))
    np.testing.assert_array_equal(parts.sum(axis=1), cents)
    for count, row in zip(cents, parts.tolist(), strict=True):  # Hamilton's method
        floors, rest = zip(*[divmod(count * part, 100) for part in percent], strict=True)
        order = sorted(range(len(percent)), key=lambda i, rest=rest: (-rest[i], i))
        assert row == [floors[i] + (i in order[: count - sum(floors)]) for i in range(len(percent))]


def by_oldest(due, paid):
    """Pay each instalment by hand: payments that name a contract first, each to the oldest that is open."""
    left = [list(row) for row in sorted(due)]
    credit = {}
    for who, name, cents in sorted(paid, key=lambda row: row[1] is None):
        for row in left:
            if row[0] == who and name in (None, row[2]):
                taken = min(cents, row[3])
                row[3] -= taken
                cents -= taken
        credit[who] = credit.get(who, 0) + cents
    return sorted((who, name, cents) for who, _, name, cents in left), credit


def test_payments_are_matched_as_by_hand_and_nothing_is_lost():
    rng = np.random.default_rng(8)
    start = pd.Timestamp("2024-03-01")
    # 150 customers with up to 3 contracts; some pay for contracts that are not there, some owe nothing.
    who, number = rng.integers(0, 150, 500).tolist(), rng.integers(0, 3, 500).tolist()
    days, cents = rng.integers(1, 120, 500).tolist(), rng.integers(0, 5000, 500).tolist()
    due = [(f"c{a}", d, f"K{a}.{k}", c) for a, k, d, c in zip(who, number, days, cents, strict=True)]
    who, number = rng.integers(0, 160, 400).tolist(), rng.integers(-2, 4, 400).tolist()
    cents = rng.integers(0, 9000, 400).tolist()
    paid = [(f"c{a}", f"K{a}.{k}" if k >= 0 else None, c) for a, k, c in zip(who, number, cents, strict=True)]
    instalments = pd.DataFrame(due, columns=["customer_id", "days", "contract_id", "amount"])
    instalments["due_at"] = start + pd.to_timedelta(instalments.pop("days"), unit="D")
    payments = pd.DataFrame(paid, columns=["customer_id", "contract_id", "amount"]).assign(paid_at=start)
    given = [frame.assign(amount=frame["amount"] / 100) for frame in (instalments, payments)]
    table, aged, total = (
        engines.on_polars(call, *given, as_of=AS_DAY)
        for call in (funnel.receivables, funnel.ageing, funnel.ageing_total)
    )

    def count(column):
        return np.rint(column.to_numpy() * 100).astype(int)

    left, credit = by_oldest(due, paid)
    # Of two instalments of one contract and one day the smaller is the earlier one.
    assert sorted(zip(table["customer_id"], table["contract_id"], count(table["open"]), strict=True)) == left
    assert (
        dict(zip(aged["customer_id"], count(aged["credit"]), strict=True))
        == dict.fromkeys(aged["customer_id"], 0) | credit
    )
    for one, parts in (("billed", ["paid", "open"]), ("received", ["paid", "credit"])):
        np.testing.assert_array_equal(count(aged[one]), sum(count(aged[part]) for part in parts))
    buckets = ["not_due", "days_1_30", "days_31_60", "days_61_90", "over_90"]
    np.testing.assert_array_equal(count(aged["open"]), sum(count(aged[name]) for name in buckets))
    assert count(aged["received"]).sum() == sum(cents for *_, cents in paid)
    assert count(aged["billed"]).sum() == sum(cents for *_, cents in due)
    assert count(total["open"]).tolist() == [count(aged[name]).sum() for name in buckets]


@pytest.mark.parametrize(
    ("days", "action", "bucket"),
    [
        (-8, "not due", "not_due"),
        (-7, "remind", "not_due"),
        (0, "remind", "not_due"),
        (1, "overdue", "days_1_30"),
        (15, "overdue", "days_1_30"),
        (16, "escalate", "days_1_30"),
        (30, "escalate", "days_1_30"),
        (31, "escalate", "days_31_60"),
        (60, "escalate", "days_31_60"),
        (61, "escalate", "days_61_90"),
        (90, "escalate", "days_61_90"),
        (91, "escalate", "over_90"),
    ],
)
def test_the_edges_of_reminders_and_ages(days, action, bucket):
    due = pd.Timestamp(AS_DAY) - pd.Timedelta(days=days)
    instalments = pd.DataFrame({"customer_id": ["c"], "contract_id": ["K"], "due_at": [due], "amount": [12.34]})
    none = pd.DataFrame({"customer_id": ["c"], "paid_at": [due], "amount": [0.0]})
    assert engines.on_polars(funnel.receivables, instalments, none, as_of=AS_DAY)["action"].tolist() == [action]
    assert engines.on_polars(funnel.ageing, instalments, none, as_of=AS_DAY)[bucket].tolist() == [12.34]


def test_instalments_that_stand_twice_are_refused():
    twice = pd.DataFrame(
        {"customer_id": "c", "contract_id": "K", "due_at": [pd.Timestamp(AS_DAY)] * 2, "amount": 1.0, "instalment": 1}
    )
    paid = pd.DataFrame({"customer_id": ["c"], "paid_at": [pd.Timestamp(AS_DAY)], "amount": [1.0]})
    with pytest.raises(SchemaError, match="1 instalments stand in more than one row"):
        funnel.receivables(twice, paid, as_of=AS_DAY)
    with pytest.raises(SchemaError, match="expected at most 1e\\+11, to count in cents"):
        funnel.receivables(twice[:1], paid.assign(amount=1e12), as_of=AS_DAY)
    with pytest.raises(DomainError, match="whole numbers above 0 that sum to 100"):
        funnel.PaymentPlan((30, 60), (0, 30))
    with pytest.raises(DomainError, match="3 ascending numbers of days"):
        funnel.PaymentPlan((30, 60, 10), (0, 30, 20))


# ------------------------------------------------------------------------------------------- anomalies


def simulated(kind, rng, *, series=10, periods=24, seasons=1, dispersion=2.0, drop=1.0):
    """Histories and a newest period of series that differ in level and share a season."""
    at = np.arange(periods + 1)
    wave = 0.5 * np.sin(2 * np.pi * at / seasons) if seasons > 1 else np.zeros(periods + 1)
    eta = rng.normal(0.0, 0.3, (series, 1)) + wave
    eta[:, -1] += np.log(drop)
    n = np.full(eta.shape, 200.0)
    if kind == "rate":
        mean = 1 / (1 + np.exp(1.7 - eta))
        rho = (dispersion - 1) / 199
        y = rng.binomial(200, rng.beta(mean * (1 - rho) / rho, (1 - mean) * (1 - rho) / rho)).astype(float)
    elif kind == "count":
        mean = 30 * np.exp(eta)
        y = rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion).astype(float)
    else:
        y = 3 * eta + rng.normal(0.0, 1.0, eta.shape)
    return y, n, at % seasons


def judged(y, n, season, kind):
    series, periods = y.shape[0], y.shape[1] - 1
    own = np.arange(series)
    fit = fit_series(kind, y[:, :-1].ravel(), n[:, :-1].ravel(), np.repeat(own, periods), np.tile(season[:-1], series))
    return judge_next(fit, y[:, -1], n[:, -1], own, np.full(series, season[-1]), level=0.9)


@pytest.mark.parametrize("kind", ["rate", "count", "value"])
@pytest.mark.parametrize("seasons", [1, 12])
def test_false_alarms_come_as_often_as_stated(kind, seasons):
    """Levels, seasons and spread all estimated: p is at most .1 in a tenth, the interval of level .9 holds nine tenths.

    60 x 10 predictions; those of one run share a season, so that the error of a share is up to sqrt(3) times the
    binomial one (.0122): three of them. Under binomial p-values the overdispersed series alarm at .26.
    """
    rng = np.random.default_rng([len(kind), seasons])
    p, inside = [], []
    for _ in range(60):
        y, n, season = simulated(kind, rng, periods=36 if seasons > 1 else 18, seasons=seasons)
        found = judged(y, n, season, kind)
        p.append(found.p_value)
        inside.append((found.low <= y[:, -1]) & (y[:, -1] <= found.high))
    assert abs(np.mean(np.concatenate(p) <= 0.1) - 0.1) <= 3 * 0.0122 * np.sqrt(3)
    assert 0.9 - 3 * 0.0122 * np.sqrt(3) <= np.mean(np.concatenate(inside)) <= 0.97


def test_alarms_over_all_series_and_the_power_to_see_a_drop():
    """Ten regions and nothing wrong: any alarm in at most .05 of the months; one falls to two fifths: it is found.

    150 months: the standard error of a share of .05 is .018, so up to .103 is within three.
    """
    rng = np.random.default_rng(11)
    alarms, found, wrong = 0, 0, 0
    for run in range(150):
        y, n, season = simulated("rate", rng, periods=18, dispersion=1.2)
        alarms += (benjamini_hochberg(judged(y, n, season, "rate").p_value) <= 0.05).any()
        if run < 60:
            y[0, -1] = rng.binomial(200, 0.4 * y[0, :-1].mean() / 200)
            called = benjamini_hochberg(judged(y, n, season, "rate").p_value) <= 0.05
            found, wrong = found + called[0], wrong + called[1:].sum()
    assert alarms / 150 <= 0.05 + 3 * 0.018
    assert found / 60 >= 0.6  # .78 as measured
    assert wrong / (found + wrong) <= 0.05 + 3 * 0.03


def test_an_old_outlier_hides_no_new_drop():
    y = np.array([[30, 31, 29, 30, 3, 30, 31, 29, 30, 31, 29, 30, 12.0]])
    n = np.full(y.shape, 200.0)
    with_outlier = judged(y, n, np.zeros(13, dtype=int), "rate").p_value[0]
    plain = np.sqrt(((y[0, :-1] - 27.75) ** 2).sum() / 11)
    least_squares = 2 * stats.t.sf((27.75 - 12) / plain / np.sqrt(13 / 12), 11)
    assert with_outlier < 0.02 < 0.05 < least_squares  # which would not have flagged it


def test_a_season_is_expected():
    """Weekends are low each week: with the season a low Sunday is usual, without it, it is a drop."""
    days = pd.date_range("2024-04-01", "2024-05-26", freq="D")  # Monday to Sunday, eight weeks
    rng = np.random.default_rng(3)
    counts = rng.poisson(np.where(days.day_of_week == 6, 20.0, 100.0)).astype(float)
    table = pd.DataFrame({"group": "all", "period": days, "numerator": counts})
    seasonal = funnel.kpi_anomalies(table, as_of=AS_DAY, period="day", seasonal=True).iloc[0]
    assert seasonal["verdict"] == "usual"
    assert seasonal["expected"] == pytest.approx(20.0, abs=5.0)
    low_monday = pd.concat(
        [table, pd.DataFrame({"group": ["all"], "period": [pd.Timestamp("2024-05-27")], "numerator": [20.0]})]
    )
    found = funnel.kpi_anomalies(low_monday, as_of=AS_DAY, period="day", seasonal=True).iloc[0]
    assert (found["verdict"], str(found["period"].date())) == ("drop", "2024-05-27")


@pytest.mark.parametrize("kind", ["rate", "count"])
@pytest.mark.parametrize("level", [0, 1])
def test_figures_at_the_edge_have_finite_answers(kind, level):
    y = np.full((2, 11), 50.0 * level)
    y[1, -1] = 25.0
    found = judged(y, np.full(y.shape, 50.0), np.zeros(11, dtype=int), kind)
    for column in (found.expected, found.low, found.high, found.p_value):
        assert np.isfinite(column).all()
    assert found.p_value[0] > 0.5
    assert found.p_value[1] < 0.01


def test_a_value_that_never_moved_and_moves():
    table = pd.DataFrame(
        {"group": "a", "period": pd.date_range("2023-01-01", periods=10, freq="MS"), "value": [5.0] * 9 + [6.0]}
    )
    found = funnel.kpi_anomalies(table, as_of=AS_DAY).iloc[0]
    assert found["p_value"] == pytest.approx(2 / 10)  # no more than: the first of its kind among ten
    assert found["verdict"] == "usual"


def test_adjusted_p_values_as_the_steps_say():
    rng = np.random.default_rng(0)
    p = rng.random(30) ** 3
    for q in (0.01, 0.05, 0.2):
        ordered = np.sort(p)
        passing = np.flatnonzero(ordered <= q * np.arange(1, 31) / 30)
        called = p <= (ordered[passing[-1]] if len(passing) else -1.0)  # step-up, as Benjamini and Hochberg wrote it
        np.testing.assert_array_equal(benjamini_hochberg(p) <= q, called)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"numerator": [0.5, 1.0]}, "no whole numbers"),
        ({"numerator": [5.0, 4.0], "denominator": [4.0, 4.0]}, "a numerator above its denominator"),
        ({"value": [5.0, 1.0]}, "two values"),
        ({"value": [5.0, 1.0], "numerator": [1.0, 1.0]}, "Give one kind of figure at a time"),
        ({}, "figures in no column"),
    ],
)
def test_figures_that_are_none(columns, said):
    table = pd.DataFrame({"group": "a", "period": [pd.Timestamp("2024-01-01")] * 2, **columns})
    with pytest.raises(SchemaError, match=said):
        funnel.kpi_anomalies(table, as_of=AS_DAY)


# ------------------------------------------------------------------------------------------- the future


FUTURE = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
AHEAD = {
    "asking leads": ("created_at", ["first_response_at", "converted_at", "closed_at"]),
    "asking events": ("occurred_at", []),
    "signed contracts": ("signed_at", []),
    "instalments": ("issued_at", []),
    "payments": ("paid_at", []),
    "kpis": ("period", []),
    "lead contacts": ("contacted_at", []),
    "deals of leads": ("entered_at", []),
    "fresh leads": ("created_at", []),
}


def with_future(table, name):
    """Add rows after `AS_OF`, and give empty cells a time after it."""
    time, others = AHEAD[name]
    table = table.reset_index(drop=True)
    later = table[:5].assign(**{time: pd.Series([FUTURE + pd.Timedelta(days=9)] * 5, dtype="datetime64[us]")})
    for key in ("contract_id", "lead_id"):
        if key in later and time in ("created_at", "signed_at", "issued_at"):
            later[key] = "new " + later[key]
    if name == "deals of leads":
        later["outcome"] = "won"
    filled = table.assign(**{column: table[column].fillna(FUTURE) for column in others})
    return pd.concat([filled, later], ignore_index=True)


@pytest.mark.parametrize("name", calls.CASES)
def test_what_comes_after_as_of_changes_nothing(name):
    case, made = calls.CASES[name], calls.tables()
    given = [engines.to_engine("polars", made[table]) for table in case.tables]
    ahead = [engines.to_engine("polars", with_future(made[table], table)) for table in case.tables]
    pd.testing.assert_frame_equal(engines.to_pandas(case.call(*given)), engines.to_pandas(case.call(*ahead)))


@pytest.mark.parametrize(
    ("ahead", "action", "overdue"),
    [
        (8, "not due", 0),
        (7, "remind", 0),
        (0, "remind", 0),
        (-1, "overdue", 1),
        (-15, "overdue", 15),
        (-16, "escalate", 16),
    ],
)
def test_an_action_begins_on_its_day(ahead, action, overdue):
    day = dt.date(2024, 6, 1)
    due = pd.Timestamp(day) + pd.Timedelta(days=ahead)
    owed = pd.DataFrame({"customer_id": ["a"], "contract_id": ["c"], "due_at": [due], "amount": [30.0]})
    paid = pd.DataFrame({"customer_id": ["b"], "paid_at": [due], "amount": [1.0]})
    found = funnel.receivables(owed, paid, as_of=day)
    assert found[["action", "overdue_days"]].to_numpy().tolist() == [[action, overdue]]

"""Alerts across runs: transitions one by one, a machine of random runs, and 192 daily runs of a published log."""

import datetime as dt
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pandas.testing import assert_frame_equal

from crmkit import churn
from crmkit.churn import AlertRule
from crmkit.errors import DomainError, SchemaError
from tests import engines

START = dt.date(2024, 1, 1)
QUIET = AlertRule("quiet", "silence", 10.0, "", "", escalates=(("critical", 20.0),), cool_down_days=5)
FEWER = AlertRule("fewer", "falling_frequency", 0.5, "", "", cool_down_days=0)
RULES = (QUIET, FEWER)
COLUMNS = ["customer_id", "rule", "severity", "since"]


def on(day: int) -> dt.date:
    return START + dt.timedelta(days=day)


def listed(*rows) -> pd.DataFrame:
    """Make alerts of rows (customer, rule, severity, day since)."""
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[:3], "str"))
    days = [np.datetime64("NaT", "D") if since is None else np.datetime64(on(since)) for *_, since in rows]
    return table.assign(since=np.array(days, dtype="datetime64[us]"))


def updated(previous, current, day: int, rules=RULES) -> pd.DataFrame:
    return engines.to_pandas(
        churn.update_alerts(
            None if previous is None else engines.to_engine("polars", previous),
            engines.to_engine("polars", current),
            as_of=on(day),
            rules=rules,
        ),
        sort=False,
    )


def runs(*days: tuple[int, pd.DataFrame]) -> pd.DataFrame:
    state = None
    for day, current in days:
        state = updated(state, current, day)
    assert state is not None
    return state


NOBODY = listed()
ANN = listed(("ann", "quiet", "warning", 10))


# ------------------------------------------------------------------------------------------- one by one


def test_opened_then_ongoing_then_resolved():
    opened = runs((12, ANN))
    assert opened[["alert_id", "state"]].to_numpy().tolist() == [["quiet:ann:2024-01-13", "opened"]]
    assert (opened["since"][0], opened["opened_on"][0]) == (pd.Timestamp(on(10)), pd.Timestamp(on(12)))
    ongoing = updated(opened, ANN, 13)
    assert (ongoing["state"][0], ongoing["last_seen_on"][0]) == ("ongoing", pd.Timestamp(on(13)))
    resolved = updated(ongoing, NOBODY, 14)
    assert (resolved["state"][0], resolved["resolved_on"][0]) == ("resolved", pd.Timestamp(on(14)))
    assert_frame_equal(updated(resolved, NOBODY, 20), resolved)


def test_escalation_wakes_what_was_acknowledged_or_snoozed():
    graver = listed(("ann", "quiet", "critical", 10))
    state = runs((12, ANN)).assign(acknowledged_on=pd.Timestamp(on(12)), snoozed_until=pd.Timestamp(on(40)))
    assert updated(state, ANN, 13)["state"][0] == "snoozed"
    woken = updated(state, graver, 13)
    assert (woken["state"][0], woken["severity"][0]) == ("escalated", "critical")
    assert woken[["acknowledged_on", "snoozed_until"]].isna().all(axis=None)
    assert updated(woken, graver, 14)["state"][0] == "ongoing"
    # Less grave and grave again: the worst is known, nobody is woken twice.
    easier = updated(updated(woken, graver, 14), ANN, 15)
    assert (easier["severity"][0], easier["worst_severity"][0]) == ("warning", "critical")
    assert updated(easier, graver, 16)["state"][0] == "ongoing"


def test_acknowledged_stays_so_and_snoozed_ends_after_its_last_day():
    acknowledged = runs((12, ANN)).assign(acknowledged_on=pd.Timestamp(on(12)))
    assert updated(acknowledged, ANN, 30)["state"][0] == "acknowledged"
    snoozed = runs((12, ANN)).assign(snoozed_until=pd.Timestamp(on(15)))
    assert [updated(snoozed, ANN, day)["state"][0] for day in (15, 16)] == ["snoozed", "ongoing"]
    assert updated(snoozed, NOBODY, 14)["state"][0] == "resolved"


def test_a_cool_down_delays_the_next_episode():
    state = runs((12, ANN), (14, NOBODY))
    again = listed(("ann", "quiet", "warning", 16))
    assert len(updated(state, again, 18)) == 1  # resolved on day 14, 5 days of peace
    late = updated(state, again, 19)
    assert late["state"].tolist() == ["resolved", "opened"]
    assert late["alert_id"].tolist() == ["quiet:ann:2024-01-13", "quiet:ann:2024-01-20"]
    other = listed(("ann", "fewer", "warning", 16))
    assert len(updated(state, other, 16)) == 2  # another rule does not wait


def test_an_alert_that_was_missing_for_a_run_is_the_same_alert():
    state = runs((12, ANN)).assign(acknowledged_on=pd.Timestamp(on(12)))
    state = updated(updated(state, ANN, 13), NOBODY, 14)
    back = updated(state, ANN, 15)
    assert back[["alert_id", "state"]].to_numpy().tolist() == [["quiet:ann:2024-01-13", "acknowledged"]]
    assert back["resolved_on"].isna().all()


def test_a_new_episode_between_two_runs_is_told_by_its_first_day():
    state = runs((12, ANN))
    again = listed(("ann", "quiet", "warning", 30))
    table = updated(state, again, 31)  # over on day 29 at the latest: still cooling down
    assert table[["state", "resolved_on"]].to_numpy().tolist() == [["resolved", pd.Timestamp(on(29))]]
    assert updated(table, again, 34)["state"].tolist() == ["resolved", "opened"]


def test_a_first_day_that_was_corrected_is_no_new_episode():
    state = runs((12, ANN))
    for since in (11, 12):
        table = updated(state, listed(("ann", "quiet", "warning", since)), 13)
        assert table[["state", "since"]].to_numpy().tolist() == [["ongoing", pd.Timestamp(on(10))]]


def test_an_alert_without_a_first_day_goes_on_while_it_is_listed():
    unknown = listed(("ann", "quiet", "warning", None))
    state = runs((12, unknown), (13, unknown))
    assert state["state"].tolist() == ["ongoing"]
    later = updated(updated(state, NOBODY, 14), unknown, 19)
    assert later["state"].tolist() == ["resolved", "opened"]


def test_states_only_go_forward():
    state = runs((12, ANN), (13, ANN))
    with pytest.raises(DomainError, match=r"^as_of is 2024-01-13, but previous has been run up to 2024-01-14; states"):
        updated(state, ANN, 12)


def test_what_is_refused():
    with pytest.raises(DomainError, match=r"^current holds alerts of the rule 'odd', which is not among rules \(quiet"):
        runs((1, listed(("ann", "odd", "warning", 1))))
    with pytest.raises(SchemaError, match=r"^current holds a customer more than once for one rule"):
        runs((1, pd.concat([ANN, ANN])))
    with pytest.raises(SchemaError, match=r"^states: column 'snoozed_until' is missing"):
        updated(runs((12, ANN)).drop(columns="snoozed_until"), ANN, 13)


def test_nothing_at_all():
    empty = runs((1, NOBODY), (2, NOBODY))
    assert len(empty) == 0
    assert updated(empty, ANN, 12)["state"].tolist() == ["opened"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_stored_state_is_the_state(form, tmp_path):
    rows = listed(("ann", "quiet", "warning", 10), ("bob", "quiet", "warning", 5), ("bob", "fewer", "info", None))
    current = rows.assign(measure=[1 / 3, 2.0, np.nan], value_at_risk=10.5, reason=["a, b", 'said "x"', ""])
    state = churn.update_alerts(None, current, as_of=on(12), rules=RULES)
    state = state.assign(
        snoozed_until=state["snoozed_until"].where(state["customer_id"] == "bob", pd.Timestamp(on(20)))
    )
    path = tmp_path / f"state.{form}"
    if form == "csv":
        state.to_csv(path, index=False)
        stored = pd.read_csv(path)
    else:
        state.to_parquet(path)
        stored = pd.read_parquet(path)
    kept = [churn.update_alerts(table, current[:2], as_of=on(13), rules=RULES) for table in (stored, state)]
    assert_frame_equal(*kept)
    assert kept[0]["state"].tolist() == ["snoozed", "resolved", "ongoing"]


def test_a_state_from_a_file_may_have_lost_its_types():
    """CSV makes numbers of the ids "7", and numbers without any value of reasons that nobody gave."""
    current = listed(("7", "quiet", "warning", 10), ("12", "quiet", "warning", 5)).assign(value_at_risk=[120, 80])
    state = churn.update_alerts(None, current, as_of=on(12), rules=RULES)
    stored = pd.read_csv(StringIO(state.to_csv(index=False)))
    assert stored["customer_id"].dtype.kind == "i"
    assert stored["reason"].dtype.kind == "f"
    after = churn.update_alerts(stored, current, as_of=on(13), rules=RULES)
    assert after["state"].tolist() == ["ongoing", "ongoing"]
    assert_frame_equal(after, churn.update_alerts(state, current, as_of=on(13), rules=RULES))
    nobody = pd.read_csv(StringIO(state[:0].to_csv(index=False)))
    assert churn.update_alerts(nobody, current, as_of=on(13), rules=RULES)["state"].tolist() == ["opened", "opened"]


# ------------------------------------------------------------------------------------------- any course of events

KEYS = [(customer, code) for customer in ("ann", "bob") for code in ("quiet", "fewer")]
SEVERITIES = ("info", "warning", "critical")


class Runs(RuleBasedStateMachine):
    """Conditions come and go, people acknowledge and snooze; each is mirrored by a plain account of one alert each."""

    def __init__(self) -> None:
        super().__init__()
        self.day = 0
        self.state: pd.DataFrame | None = None
        self.holds: dict[tuple[str, str], tuple[int, int]] = {}
        self.alerts: list[dict] = []

    @rule(key=st.sampled_from(KEYS), severity=st.integers(0, 2))
    def holds_from_now_on(self, key, severity) -> None:
        since = self.holds[key][1] if key in self.holds else self.day
        self.holds[key] = (severity, since)

    @rule(key=st.sampled_from(KEYS))
    def is_over(self, key) -> None:
        self.holds.pop(key, None)

    @rule(days=st.integers(1, 7))
    def days_pass(self, days) -> None:
        self.day += days

    @precondition(lambda self: self.state is not None and len(self.state))
    @rule(place=st.integers(0, 3), days=st.integers(0, 6), column=st.sampled_from(["acknowledged_on", "snoozed_until"]))
    def somebody_is_at_it(self, place, days, column) -> None:
        place %= len(self.alerts)
        self.alerts[place][column] = self.day + days
        mine = self.state["alert_id"] == self.alerts[place]["alert_id"]
        self.state.loc[mine, column] = pd.Timestamp(on(self.day + days))

    @rule(shuffled=st.booleans())
    def run(self, shuffled) -> None:
        rows = [(*key, SEVERITIES[severity], since) for key, (severity, since) in sorted(self.holds.items())]
        current = listed(*(reversed(rows) if shuffled else rows))
        before = self.state.iloc[::-1] if shuffled and self.state is not None else self.state
        self.state = updated(before, current, self.day)
        assert_frame_equal(updated(self.state, current, self.day), self.state)
        self._account()

    def _account(self) -> None:
        """Do the same, alert by alert, in the words of the documentation."""
        for key in KEYS:
            mine = [alert for alert in self.alerts if alert["key"] == key]
            held = self.holds.get(key)
            still = next((alert for alert in mine if alert["resolved_on"] is None), None)
            if still is not None and (held is None or held[1] > still["last_seen_on"]):
                still["resolved_on"] = self.day if held is None else held[1] - 1
                still = None
            if held is None:
                continue
            severity, since = held
            alert = still or next((alert for alert in mine if alert["since"] == since), None)
            if alert is None:
                cool_down = QUIET.cool_down_days if key[1] == "quiet" else 0
                if any(self.day - other["resolved_on"] < cool_down for other in mine if cool_down):
                    continue
                alert = {"key": key, "alert_id": f"{key[1]}:{key[0]}:{on(self.day)}", "since": since, "worst": severity}
                alert |= {"opened_on": self.day, "escalated_on": None, "acknowledged_on": None, "snoozed_until": None}
                self.alerts.append(alert)
            alert |= {"resolved_on": None, "last_seen_on": self.day, "severity": severity}
            if severity > alert["worst"]:
                alert |= {"worst": severity, "escalated_on": self.day, "acknowledged_on": None, "snoozed_until": None}

    @invariant()
    def the_state_is_the_account(self) -> None:
        if self.state is None:
            return
        names = (
            "since",
            "opened_on",
            "last_seen_on",
            "escalated_on",
            "acknowledged_on",
            "snoozed_until",
            "resolved_on",
        )
        days = {name: self.state[name].tolist() for name in names}
        order = {alert_id: i for i, alert_id in enumerate(self.state["alert_id"])}
        assert sorted(order) == sorted(alert["alert_id"] for alert in self.alerts)
        for alert in self.alerts:
            i = order[alert["alert_id"]]
            for name in names:
                expected = alert[name]
                assert pd.isna(days[name][i]) if expected is None else days[name][i] == pd.Timestamp(on(expected)), name
            assert self.state["severity"][i] == SEVERITIES[alert["severity"]]
        assert (self.state[self.state["resolved_on"].isna()].groupby(["customer_id", "rule"]).size() <= 1).all()


Runs.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestRuns = Runs.TestCase


# ------------------------------------------------------------------------------------------- daily runs of a real log

FIRST, LAST = dt.date(2011, 5, 31), dt.date(2011, 12, 8)
CYCLE = replace(churn.DEFAULT_RULES[0], cool_down_days=0)


@pytest.fixture(scope="module")
def retail(data):
    columns = ["InvoiceDate", "CustomerID", "Quantity", "UnitPrice"]
    lines = pd.read_parquet(data / "online_retail_uci.parquet", columns=columns)
    lines = lines[(lines["Quantity"] > 0) & lines["CustomerID"].notna()]
    days = pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype("int64"),
            "ordered_at": lines["InvoiceDate"].dt.normalize(),
            "amount": lines["Quantity"] * lines["UnitPrice"],
        }
    )
    return days.groupby(["customer_id", "ordered_at"], as_index=False)["amount"].sum()


@pytest.fixture(scope="module")
def daily(retail):
    """Lists of each day, as of the evening before the days of the published count."""
    orders = engines.to_engine("polars", retail)
    days = [FIRST + dt.timedelta(days=k) for k in range((LAST - FIRST).days + 1)]
    return {day: churn.alerts(orders, as_of=day, rules=[CYCLE], cuts=1) for day in days}


def carried(daily, *, without=()):
    state = None
    for day, current in daily.items():
        if day not in without:
            state = churn.update_alerts(state, current, as_of=day, rules=[CYCLE])
    return engines.to_pandas(state, sort=False)


@pytest.fixture(scope="module")
def carried_through(daily):
    return carried(daily)


def test_192_daily_runs_are_episodes_not_rows(daily, carried_through):
    """A plain count in pandas gives 35,861 rows and 980 episodes."""
    assert len(daily) == 192
    assert sum(len(current) for current in daily.values()) == 35_861
    assert len(carried_through) == carried_through["alert_id"].nunique() == 980
    listed_last = set(daily[LAST]["customer_id"])
    assert set(carried_through.loc[carried_through["resolved_on"].isna(), "customer_id"]) == listed_last


def test_a_cool_down_makes_fewer_of_them(daily, carried_through):
    """Episodes that begin within the cool-down after one was over, and are over in it, are none: counted in a walk."""
    rules = [replace(CYCLE, cool_down_days=30)]
    state = None
    for day, current in daily.items():
        state = churn.update_alerts(state, current, as_of=day, rules=rules)
    opened = 0
    own: dict = {}
    for row in carried_through.sort_values(["customer_id", "opened_on"]).itertuples():
        over = own.get(row.customer_id)
        begins = row.opened_on if over is None else max(row.opened_on, over + pd.Timedelta(days=30))
        ends = pd.Timestamp(LAST) + pd.Timedelta(days=1) if pd.isna(row.resolved_on) else row.resolved_on
        if begins < ends:
            opened += 1
            own[row.customer_id] = ends
    assert len(state) == opened == 950


def test_hysteresis_makes_fewer_of_them(retail):
    """Three weeks of the two rules that fall, with and without a clear threshold of their own, no cool-down."""
    with_own = [replace(one, cool_down_days=0) for one in churn.DEFAULT_RULES if one.clear_at == 0.3]
    without = [replace(one, code=f"{one.code}_flat", clear_at=None) for one in with_own]
    orders, rules, state, rows = engines.to_engine("polars", retail), [*with_own, *without], None, {}
    for k in range(21):
        day = LAST - dt.timedelta(days=20 - k)
        current = churn.alerts(orders, as_of=day, rules=rules, cuts=1)
        state = churn.update_alerts(state, current, as_of=day, rules=rules)
        listed_now = engines.to_pandas(current)[["customer_id", "rule"]].itertuples(index=False)
        rows[day] = {(row.customer_id, row.rule) for row in listed_now}
    table = engines.to_pandas(state, sort=False)
    # The first run opens what has been on the list for long, and that is more with hysteresis.
    opened = table.loc[table["opened_on"] > table["opened_on"].min(), "rule"].value_counts()
    for one, flat in zip(with_own, without, strict=True):
        assert 10 < opened[one.code] < opened[flat.code]
        for found in rows.values():  # who would be raised today is on the list in any case
            assert {who for who, code in found if code == flat.code} <= {who for who, code in found if code == one.code}


def test_shuffled_orders_and_a_second_run_change_nothing(retail, daily, carried_through):
    shuffled = engines.to_engine("polars", retail.sample(frac=1.0, random_state=3))
    for day in (FIRST, LAST):
        again = churn.alerts(shuffled, as_of=day, rules=[CYCLE], cuts=1)
        assert again.equals(daily[day])
    assert_frame_equal(updated_on_polars(carried_through, daily[LAST], LAST), carried_through)


def updated_on_polars(state, current, day):
    previous = engines.to_engine("polars", state)
    return engines.to_pandas(churn.update_alerts(previous, current, as_of=day, rules=[CYCLE]), sort=False)


def test_a_week_without_runs_loses_nothing(daily):
    gap = [dt.date(2011, 10, 1) + dt.timedelta(days=k) for k in range(7)]
    near = dt.timedelta(days=15)
    after = {day: now for day, now in daily.items() if gap[0] - near <= day <= gap[-1] + dt.timedelta(days=1)}
    known = ["customer_id", "rule", "since", "severity", "worst_severity", "measure", "last_seen_on"]
    every, missed = carried(after), carried(after, without=gap)
    open_every, open_missed = (table[table["resolved_on"].isna()] for table in (every, missed))
    assert_frame_equal(open_every[known].reset_index(drop=True), open_missed[known].reset_index(drop=True))
    # What opened in the gap is opened by the first run after it, and what ended in it is resolved then, or before it if
    # a new episode tells so.
    both = open_every.merge(open_missed, on=["customer_id", "rule", "since"], suffixes=("", "_missed"))
    late = (both["opened_on_missed"] - both["opened_on"]).dt.days
    assert late.between(0, 7).all()
    assert (late > 0).sum() > 10
    lost = set(every["alert_id"]) - set(missed["alert_id"])
    begun = every[every["alert_id"].isin(lost)]
    assert begun["opened_on"].dt.date.isin(gap).all()

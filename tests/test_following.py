"""Followed leads and owners: against brute force, against simulation with known truth."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from crmkit import leads
from crmkit.errors import DomainError, SchemaError
from crmkit.models.owner_rates import heterogeneity, in_turn, most_expected, prior_leads, shrunken
from tests import engines
from tests.matrix import watch as calls

NOW = pd.Timestamp("2024-06-30 12:00")


def test_unfollowed_leads_against_looking_at_each():
    made = calls.tables()
    people, contacts = made["asking leads"], made["lead contacts"]
    found = leads.unfollowed_leads(people, as_of=NOW.to_pydatetime(), contacts=contacts)
    by_hand = []
    for row in people.itertuples():
        over = [time for time in (row.converted_at, row.closed_at) if pd.notna(time) and time <= NOW]
        if row.created_at > NOW or over:
            continue
        times = [*contacts["contacted_at"][contacts["lead_id"] == row.lead_id], row.first_response_at]
        times = [max(time, row.created_at) for time in times if pd.notna(time) and time <= NOW]
        idle = (NOW - max([row.created_at, *times])) / pd.Timedelta(hours=1)
        if idle > (72 if times else 24):
            by_hand.append((row.lead_id, "silent" if times else "never contacted", round(idle, 9)))
    assert list(zip(found["lead_id"], found["rule"], found["idle_hours"], strict=True)) == by_hand
    assert {rule for _, rule, _ in by_hand} == {"silent", "never contacted"}


def test_a_deal_that_is_open_again_keeps_its_lead():
    people = pd.DataFrame({"lead_id": ["a", "b"], "owner_id": "x", "created_at": pd.Timestamp("2024-01-01")})
    deals = pd.DataFrame(
        {
            "deal_id": ["D1", "D1", "D2", "D3"],
            "stage": ["closed", "visit", "closed", "visit"],
            "entered_at": pd.to_datetime(["2024-01-05", "2024-01-09", "2024-01-05", "2024-01-06"]),
            "lead_id": ["a", "a", "b", "b"],
            "outcome": ["lost", None, "lost", None],
        }
    )
    found = leads.stale_ownership(people, deals=deals, as_of=dt.date(2024, 5, 1))
    assert found["lead_id"].tolist() == ["a", "b"]  # one was opened again, one has another deal
    assert found["last_progress_on"].astype(str).tolist() == ["2024-01-09", "2024-01-06"]
    lost = leads.stale_ownership(people, deals=deals.assign(outcome="lost"), as_of=dt.date(2024, 5, 1))
    assert len(lost) == 0


def test_tables_and_limits_that_are_refused():
    people = pd.DataFrame({"lead_id": ["a"], "created_at": [NOW]})
    with pytest.raises(SchemaError, match="owner_id"):
        leads.stale_ownership(people, as_of=NOW.date())
    with pytest.raises(DomainError, match="stale_days must be at least 1"):
        leads.stale_ownership(people, as_of=NOW.date(), stale_days=0)
    with pytest.raises(SchemaError, match="1 leads stand in more than one row"):
        leads.unfollowed_leads(pd.concat([people, people]), as_of=NOW.date())
    with pytest.raises(DomainError, match="without a zone"):
        leads.unfollowed_leads(people, as_of=NOW.tz_localize("UTC").to_pydatetime())
    with pytest.raises(DomainError, match="capacity must give whole numbers"):
        leads.owner_match(people, people, as_of=NOW.date(), horizon_days=30, capacity={})


# ------------------------------------------------------------------------------------------- owners


@pytest.mark.parametrize("leads_per_cell", [6, 60])
def test_owners_who_are_alike_differ_as_rarely_as_stated(leads_per_cell):
    """Ten owners in four segments whose rates differ: p at most .05 in 5 % of 1,000, standard error .7 points."""
    rng = np.random.default_rng(leads_per_cell)
    segment = np.tile(np.arange(4), 10)
    rate = np.array([0.1, 0.2, 0.3, 0.5])[segment]
    alarms = 0
    for _ in range(1000):
        n = 1.0 + rng.poisson(leads_per_cell - 1, 40)
        alarms += heterogeneity(rng.binomial(n.astype(int), rate).astype(float), n, segment).p_value <= 0.05
    assert abs(alarms / 1000 - 0.05) <= 3 * 0.007


def test_the_spread_of_owners_is_found_and_their_intervals_hold_them():
    """400 cells whose rates come from a beta law of 40 leads around .2: its size within a third (the error of ln size
    is about .1), 90 % intervals hold the true rates in nine of ten (standard error 1.5 points)."""
    rng = np.random.default_rng(6)
    truth, n = rng.beta(8.0, 32.0, 400), np.full(400, 60.0)
    x, mean = rng.binomial(60, truth).astype(float), np.full(400, 0.2)
    size = prior_leads(x, n, mean)
    assert 40 / 1.35 < size < 40 * 1.35
    expected, low, high = shrunken(x, n, mean, size, level=0.9)
    assert abs(np.mean((low <= truth) & (truth <= high)) - 0.9) <= 3 * 0.015
    assert np.mean((expected - truth) ** 2) < 0.8 * np.mean((x / n - truth) ** 2)


def test_leads_are_shared_out_as_one_by_one():
    rng = np.random.default_rng(9)
    for _ in range(25):
        classes, owners = rng.integers(1, 5), rng.integers(1, 5)
        worth, many = rng.random((classes, owners)), rng.integers(0, 6, classes)
        room = rng.integers(0, 7, owners)
        given = most_expected(worth, many, room)
        assert (given >= 0).all()
        assert (given.sum(axis=1) <= many).all()
        assert (given.sum(axis=0) <= room).all()
        assert given.sum() == min(many.sum(), room.sum())
        lead, place = np.repeat(np.arange(classes), many), np.repeat(np.arange(owners), room)
        table = worth[lead][:, place]  # one row per lead, one column per free place
        rows, columns = linear_sum_assignment(table, maximize=True)
        assert (worth * given).sum() == pytest.approx(table[rows, columns].sum())


def test_in_turn_is_in_proportion():
    found = np.concatenate(in_turn(np.array([7, 5, 20]), np.array([2, 0, 6, 4])))
    assert np.bincount(found).tolist() == [2, 0, 6, 4]  # all that there is room for
    first = np.concatenate(in_turn(np.array([3, 3]), np.array([2, 0, 6, 4])))
    assert np.bincount(first).tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize("by", [(), ("region",), ("region", "size")])
def test_a_match_keeps_capacity_and_knows_every_lead(by):
    rng = np.random.default_rng(2)
    n = 900
    history = pd.DataFrame(
        {
            "lead_id": np.arange(n),
            "owner_id": rng.integers(1, 4, n),
            "region": rng.choice(["n", "s"], n),
            "size": rng.integers(1, 3, n),
            "created_at": pd.Timestamp("2024-01-01"),
        }
    )
    came = rng.random(n) < np.where(history["owner_id"] == 1, 0.5, 0.2)
    history["converted_at"] = pd.Series([pd.Timestamp("2024-01-02")] * n).where(came)
    new = history[["lead_id", "region", "size", "created_at"]][:40].assign(size=[9] * 10 + [1] * 30)
    capacity = {1: 10, 2: 5, 3: 5, 4: 3}  # 4 has no history
    options = {"as_of": dt.date(2024, 5, 1), "horizon_days": 30, "by": by}
    found = engines.on_polars(leads.owner_match, new, history, capacity=capacity, **options)
    assert found["lead_id"].tolist() == list(range(40))
    assert found["owner_id"].dropna().value_counts().to_dict() == {"1": 10, "2": 5, "3": 5, "4": 3}
    given = found["owner_id"].notna()
    assert given.sum() == 23
    assert found.loc[given, "p_convert"].between(found.loc[given, "low"], found.loc[given, "high"]).all()
    assert (found.loc[~given, "reason"] == "Nobody has capacity left.").all()
    assert set(found["verdict"]) == {"differ"}


def test_no_history_gives_in_turn():
    new = pd.DataFrame({"lead_id": [1, 2], "region": ["n", "s"], "created_at": pd.Timestamp("2024-05-01")})
    history = new.assign(owner_id="x", converted_at=pd.NaT)  # too young to count
    found = leads.owner_match(new, history, as_of=dt.date(2024, 5, 1), horizon_days=30, capacity={"x": 1, "y": 1})
    assert found["owner_id"].tolist() == ["x", "y"]
    assert set(found["verdict"]) == {"too few"}

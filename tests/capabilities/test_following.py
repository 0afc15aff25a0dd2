"""Capabilities 20, 21 and 61, each with its example worked by hand."""

import datetime as dt

import pandas as pd
import pytest

from crmkit import leads


def table(columns, *rows):
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in columns if name.endswith("_at")})


def test_cap_20_unfollowed_leads():
    people = table(
        ["lead_id", "owner_id", "created_at", "first_response_at", "converted_at", "closed_at"],
        ("L1", "ann", "2024-05-09 11:00", None, None, None),  # arrived 25 hours ago, nobody called
        ("L2", "ann", "2024-05-09 12:00", None, None, None),  # exactly 24 hours
        ("L3", "bob", "2024-05-01 09:00", "2024-05-01 09:10", None, None),  # last contact 73 hours ago
        ("L4", "bob", "2024-05-01 09:00", "2024-05-01 09:10", None, None),  # exactly 72 hours
        ("L5", "bob", "2024-05-01 09:00", None, "2024-05-08 09:00", None),  # bought
        ("L6", None, "2024-05-01 09:00", None, None, "2024-05-02 09:00"),  # closed
    )
    contacts = table(
        ["lead_id", "contacted_at"], ("L3", "2024-05-07 11:00"), ("L4", "2024-05-07 12:00"), ("L1", "2024-05-10 13:00")
    )
    found = leads.unfollowed_leads(people, contacts=contacts, as_of=dt.datetime(2024, 5, 10, 12))
    assert found[["lead_id", "owner_id", "idle_hours", "rule"]].to_numpy().tolist() == [
        ["L1", "ann", 25.0, "never contacted"],
        ["L3", "bob", 73.0, "silent"],
    ]
    assert found["reason"].tolist() == [
        "Nobody has contacted this lead since it arrived 25 hours ago; the limit is 24.",
        "The last contact was 73 hours ago; the limit is 72.",
    ]


def test_cap_21_stale_ownership():
    people = table(
        ["lead_id", "owner_id", "created_at"],
        ("L1", "ann", "2024-01-01"),  # a stage 60 days ago
        ("L2", "ann", "2024-01-01"),  # a stage 59 days ago
        ("L3", "bob", "2024-01-01"),  # a contact 70 days ago, a stage before it
        ("L4", "bob", "2024-01-01"),  # won
        ("L5", "bob", "2024-01-01"),  # lost
        ("L6", None, "2024-01-01"),  # in the pool already
        ("L7", "eve", "2024-01-01"),  # never anything: 121 days
    )
    deals = table(
        ["deal_id", "stage", "entered_at", "lead_id", "outcome"],
        ("D1", "quote", "2024-03-02", "L1", None),
        ("D2", "quote", "2024-03-03", "L2", None),
        ("D3", "visit", "2024-01-20", "L3", None),
        ("D4", "closed", "2024-02-01", "L4", "won"),
        ("D5", "closed", "2024-02-01", "L5", "lost"),
        ("D1", "order", "2024-05-02", "L1", None),  # after as_of
    )
    contacts = table(["lead_id", "contacted_at"], ("L3", "2024-02-21 15:00"))
    found = leads.stale_ownership(people, deals=deals, contacts=contacts, as_of=dt.date(2024, 5, 1))
    assert found.drop(columns=["reason", "last_progress_on"]).to_numpy().tolist() == [
        ["L1", "ann", "stage", 60],
        ["L3", "bob", "contact", 70],
        ["L7", "eve", "arrival", 121],
    ]
    assert found["last_progress_on"].astype(str).tolist() == ["2024-03-02", "2024-02-21", "2024-01-01"]
    assert found["reason"].tolist()[0] == (
        "No progress for 60 days; the last was a change of stage. The rule is 60 days."
    )


def earlier(**won):
    """A hundred leads of each owner and region in January, so many of which converted the day after."""
    rows = [
        (f"{cell}{i}", *cell.split("_"), "2024-01-05", "2024-01-06" if i < count else None)
        for cell, count in won.items()
        for i in range(100)
    ]
    return table(["lead_id", "owner_id", "region", "created_at", "converted_at"], *rows)


def test_cap_61_owner_match():
    options = {"as_of": dt.date(2024, 5, 1), "horizon_days": 30}
    history = earlier(ann_north=40, ann_south=10, bob_north=30, bob_south=20)
    test = leads.owner_differences(history, **options).iloc[0]
    # North: 70 of 200, expected 35 each, spread .35 * .65; south: 30 of 200. (N - 1) / N of Pearson's statistic.
    by_hand = 199 / 200 * (2 * 5**2 / (100 * 0.35 * 0.65) + 2 * 5**2 / (100 * 0.15 * 0.85))
    assert test["statistic"] == pytest.approx(by_hand)
    assert (test["freedom"], test["verdict"]) == (2, "differ")

    profile = leads.owner_profiles(history, **options).set_index(["owner_id", "region"])
    cell = profile.loc[("ann", "north")]
    assert cell["rate"] == 0.4
    assert cell["segment_rate"] < cell["expected_rate"] < 0.4  # shrunken, not turned round
    assert cell["low"] < cell["expected_rate"] < cell["high"]

    new = table(["lead_id", "region", "created_at"], *[(f"N{i}", "north", "2024-04-30") for i in range(3)])
    new = pd.concat([new, new.assign(lead_id=["S0", "S1", "S2"], region="south")], ignore_index=True)
    match = leads.owner_match(new, history, capacity={"ann": 2, "bob": 9}, **options).set_index("lead_id")
    # Ann is better in the north, and has room for two.
    assert match["owner_id"].to_dict() == {"N0": "ann", "N1": "ann", "N2": "bob", "S0": "bob", "S1": "bob", "S2": "bob"}
    assert match.loc["N0", "p_convert"] == cell["expected_rate"]
    assert match.loc["N0", "reason"].endswith("all owners 35.1 % (40 of 100 so far).")
    full = leads.owner_match(new, history, capacity={"ann": 2}, **options)
    assert full["owner_id"].notna().sum() == 2

    alike = leads.owner_match(
        new, earlier(ann_north=31, ann_south=15, bob_north=30, bob_south=15), capacity={"ann": 9, "bob": 9}, **options
    )
    assert set(alike["verdict"]) == {"no difference shown"}
    assert alike["owner_id"].value_counts().to_dict() == {"ann": 3, "bob": 3}
    assert alike["gain"].tolist() == [0.0] * 6

"""Whom to call first: the examples of the capability page, worked by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import scoring

DAY = dt.date(2024, 5, 31)
CARD = scoring.seventy_points()
PLAIN = scoring.read_scorecard(
    """
name = "By the book"
stages = ["interested"]
[[groups]]
code = "fit"
kind = "fit"
[[groups.rules]]
code = "manufacturing"
when = { column = "industry", equals = "manufacturing" }
points = 20
[[groups.rules]]
code = "large"
when = { column = "employees", low = 500 }
points = 10
[[groups.rules]]
code = "south"
when = { column = "region", equals = ["Guangdong", "Fujian"] }
points = 5
[[groups]]
code = "behaviour"
kind = "engagement"
[[groups.rules]]
code = "white_paper"
when = { event = "white_paper" }
points = 15
stage = "interested"
[[groups.rules]]
code = "ad_click"
when = { event = "ad_click" }
points = 5
[[groups.rules]]
code = "webinar"
when = { event = "webinar" }
points = 25
[[groups.rules]]
code = "product_page"
when = { event = "product_page" }
points = 3
"""
)


def leads(**industry):
    table = pd.DataFrame({"lead_id": list(industry), "industry": list(industry.values())}).astype("str")
    created = pd.Series(pd.Timestamp("2024-05-01"), index=table.index)
    return table.assign(created_at=created, employees=500.0, region="Fujian")


def events(*rows):
    table = pd.DataFrame(rows, columns=["lead_id", "event", "occurred_at"])
    return table.assign(occurred_at=pd.to_datetime(table["occurred_at"], format="ISO8601").astype("datetime64[us]"))


def scored(people, *rows, as_of=DAY):
    return scoring.score_leads(people, events(*rows), card=PLAIN, as_of=as_of).set_index("lead_id")


PAPERS = [("ann", "white_paper", f"2024-05-0{day} 09:00") for day in (3, 6, 8)]
WEBINAR = ("ann", "webinar", "2024-05-10 15:30")


def test_cap_15_a_white_paper_marks_the_stage_interested():
    found = scored(leads(ann="retail", bob="retail"), PAPERS[0])
    assert found.loc["ann", "stage"] == "interested"
    assert pd.isna(found.loc["bob", "stage"])


def test_cap_16_cold_warm_ready():
    rows = [*PAPERS, WEBINAR, *((("bob", "white_paper", "2024-05-02"),))]
    found = scored(leads(ann="manufacturing", bob="retail", cy="other"), *rows)
    assert found["band"].to_dict() == {"ann": "ready", "bob": "warm", "cy": "cold"}


def test_cap_38_points_for_who_the_lead_is():
    found = scored(leads(ann="manufacturing", bob="retail"), ("bob", "ad_click", "2024-05-02"))
    assert found["fit_points"].to_dict() == {"ann": 35.0, "bob": 15.0}  # 20 + 10 + 5, and without the industry


def test_cap_39_points_for_what_the_lead_does():
    rows = [PAPERS[0], ("ann", "ad_click", "2024-05-04"), WEBINAR, ("ann", "product_page", "2024-05-11")]
    found = scored(leads(ann="retail"), *rows)
    assert found.loc["ann", "engagement_points"] == 15 + 5 + 25 + 3


def test_cap_40_new_events_are_scored_without_reading_the_past_again():
    people = leads(ann="retail", bob="retail")
    first = scoring.update_scores(None, events(*PAPERS), leads=people, card=PLAIN, as_of=dt.date(2024, 5, 9))
    then = scoring.update_scores(first.ledger, events(WEBINAR), leads=people, card=PLAIN, as_of=DAY)
    whole = scoring.score_leads(people, events(*PAPERS, WEBINAR), card=PLAIN, as_of=DAY)
    pd.testing.assert_frame_equal(then.scores, whole)
    assert whole["score"].tolist() == [85.0, 15.0]


def test_cap_41_bands_are_half_open_and_each_has_a_treatment():
    assert [(band.code, band.low) for band in scoring.BANDS][1:] == [("warm", 30.0), ("ready", 60.0)]
    assert all(band.treatment for band in scoring.BANDS)
    # 15 fit points and 15, 45 of papers: 30 is warm, 60 is ready.
    people = leads(ann="retail", bob="retail", cy="retail")
    rows = [*PAPERS, ("bob", "white_paper", "2024-05-02"), ("cy", "ad_click", "2024-05-02")]
    found = scored(people, *rows)
    assert found["score"].to_dict() == {"ann": 60.0, "bob": 30.0, "cy": 20.0}
    assert found["band"].to_dict() == {"ann": "ready", "bob": "warm", "cy": "cold"}


def test_cap_42_three_downloads_and_a_webinar_are_70_points_and_hand_off_with_their_history():
    people = leads(ann="retail").assign(employees=10.0, region="Hebei")
    handed = scoring.hand_offs(people, events(*PAPERS, WEBINAR), card=PLAIN, as_of=DAY)
    assert handed.set_index("rule")[["events", "points"]].T.to_dict("list") == {
        "webinar": [1, 25.0],
        "white_paper": [3, 45.0],
    }
    assert set(handed["handed_off_at"]) == {pd.Timestamp("2024-05-10 15:30")}
    none = scoring.hand_offs(people, events(*PAPERS), card=PLAIN, as_of=DAY)
    assert len(none) == 0  # 45 points


def test_cap_43_the_effect_of_each_content_on_later_conversion():
    # 600 leads for 60 days; the paper read on day 1 doubles the rate of conversion, the video does nothing.
    rng = np.random.default_rng(4)
    n = 600
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 60, n), unit="D")
    paper, video = rng.random(n) < 0.5, rng.random(n) < 0.5
    days = 1.5 + rng.exponential(60.0 / np.where(paper, 2.0, 1.0))
    people = pd.DataFrame(
        {"lead_id": range(n), "created_at": created, "converted_at": created + pd.to_timedelta(days, unit="D")}
    )
    seen = [
        pd.DataFrame(
            {"lead_id": np.flatnonzero(saw), "occurred_at": created[saw] + pd.Timedelta(days=1), "content": name}
        )
        for name, saw in (("paper", paper), ("video", video))
    ]
    found = scoring.content_effects(
        people, pd.concat(seen).assign(event="open"), as_of=dt.date(2024, 12, 31), horizon_days=30, activity=()
    ).set_index("content")
    # 1 - exp(-30 * 2 / 60) - (1 - exp(-30 / 60)) = .239; its standard error is about .04.
    assert found.loc["paper", "difference"] == pytest.approx(np.exp(-0.5) - np.exp(-1.0), abs=0.12)
    assert found.loc["paper", "low"] > 0
    assert found.loc["video", "low"] < 0 < found.loc["video", "high"]

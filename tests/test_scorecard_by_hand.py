"""Random cards, leads and events: the library against a scorer that goes lead by lead and day by day."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from crmkit import scoring
from crmkit.scoring import Attribute, Band, Decay, Event, Group, Override, Rule, Scorecard, Step
from tests import engines
from tests.score_by_hand import handed_off_at, live_times, meets, score_on

# Of a random card and two events it often happens that no event is one that the card names: a warning of its own test.
pytestmark = pytest.mark.filterwarnings("ignore:None of the . events up to:UserWarning")
START, AS_OF = dt.date(2024, 1, 1), dt.date(2024, 4, 1)
POINTS = st.sampled_from([-20, -7.25, 0, 1, 2.5, 5, 12.34, 15, 25, 40])
NAMES = ["page", "mail", "form", "demo"]
SIZES = Attribute("size", low=10, high=50)


@st.composite
def conditions(draw) -> Event:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    content = draw(st.sampled_from([(), (), ("a",), ("a", "b")]))
    return Event(tuple(names), content, draw(st.sampled_from([(), (), ("web",)])))


@st.composite
def attributes(draw) -> Attribute:
    return draw(
        st.sampled_from(
            [
                Attribute("industry", equals="steel"),
                Attribute("industry", equals=("steel", "retail")),
                Attribute("industry", starts_with="re"),
                Attribute("industry", ends_with=("l", "x")),
                Attribute("industry", contains="ta"),
                Attribute("industry", missing=True),
                Attribute("size", missing=True),
                Attribute("size", high=20),
                SIZES,
                Attribute("size", equals=10),
            ]
        )
    )


@st.composite
def event_rules(draw, code: str, has_decay: bool) -> Rule:
    counting = draw(st.sampled_from(["every", "every", "first", "once", "ladder"]))
    count = st.integers(1, 3)
    steps = st.one_of(
        st.builds(Step, POINTS, at_least=count),
        st.builds(Step, POINTS, exactly=count),
        st.builds(Step, POINTS, between=st.tuples(count, st.integers(3, 4))),
    )
    ladder = tuple(draw(st.lists(steps, min_size=1, max_size=3))) if counting == "ladder" else ()
    window = None if has_decay else draw(st.none() | st.integers(1, 40))
    cap = draw(st.none() | st.sampled_from([5.5, 20])) if counting == "every" else None
    points = 0 if counting == "ladder" else draw(POINTS)
    return Rule(code, draw(conditions()), points, counting, ladder, window, cap, draw(st.sampled_from(["", "warm"])))


@st.composite
def cards(draw) -> Scorecard:
    groups = []
    limits = st.none() | st.sampled_from([-10, 0, 5, 30])
    for number in range(draw(st.integers(1, 3))):
        low, high = draw(limits), draw(limits)
        low, high = (high, low) if low is not None and high is not None and low > high else (low, high)
        if number == 0:
            rules = tuple(Rule(f"a{i}", draw(attributes()), draw(POINTS)) for i in range(draw(st.integers(1, 3))))
            groups.append(Group("fit", "fit", rules, low, high))
            continue
        decay = draw(st.none() | st.sampled_from([Decay(50, 30), Decay(30, 7), Decay(100, 1)]))
        count = range(draw(st.integers(1, 3)))
        rules = tuple(draw(event_rules(f"e{number}{i}", decay is not None)) for i in count)
        window = None if decay else draw(st.none() | st.integers(1, 60))
        groups.append(Group(f"g{number}", "engagement", rules, low, high, decay, window))
    kinds = st.sampled_from(["disqualify", "hand_off"])
    asked = st.one_of(conditions(), attributes())
    overrides = tuple(Override(f"o{i}", draw(kinds), draw(asked)) for i in range(draw(st.sampled_from([0, 0, 1, 3]))))
    return Scorecard(
        "random",
        tuple(groups),
        (Band("cold", 0), Band("warm", 30), Band("ready", 60)),
        draw(st.none() | st.sampled_from([-5, 0, 10, 25])),
        (20, 5),
        (25, 0),
        overrides,
        ("warm",),
        draw(st.sampled_from([1, 30])),
    )


@st.composite
def logs(draw) -> tuple[pd.DataFrame, pd.DataFrame]:
    count = draw(st.integers(1, 4))
    hours = st.integers(0, 100 * 24)
    start = pd.Timestamp(START)
    leads = pd.DataFrame(
        {
            "lead_id": pd.Series([f"l{i}" for i in range(count)], dtype="str"),
            "created_at": pd.Series(
                [start + pd.Timedelta(hours=draw(hours)) for _ in range(count)], dtype="datetime64[us]"
            ),
            "industry": pd.Series(
                [draw(st.sampled_from(["steel", "retail", "metal", " ", None])) for _ in range(count)], dtype="str"
            ),
            "size": pd.Series([draw(st.sampled_from([10.0, 19.5, 50.0, np.nan])) for _ in range(count)]),
        }
    )
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, count - 1),
                st.sampled_from([*NAMES, "other"]),
                hours,
                st.sampled_from(["a", "b", None]),
                st.sampled_from(["web", None]),
            ),
            max_size=16,
        )
    )
    events = pd.DataFrame(
        {
            "lead_id": pd.Series([f"l{row[0]}" for row in rows], dtype="str"),
            "event": pd.Series([row[1] for row in rows], dtype="str"),
            "occurred_at": pd.Series([start + pd.Timedelta(hours=row[2]) for row in rows], dtype="datetime64[us]"),
            "content": pd.Series([row[3] for row in rows], dtype="str"),
            "channel": pd.Series([row[4] for row in rows], dtype="str"),
        }
    )
    return leads, events


def run(function, leads, events, card):
    return engines.on_polars(lambda x, y: function(x, y, card=card, as_of=AS_OF), leads, events)


def points(value: float) -> Fraction:
    return Fraction(round(value * 10_000), 10_000)


def overriding(card):
    return [override.when for override in card.overrides if isinstance(override.when, Event)]


def by_lead(leads, events):
    for lead in leads.to_dict("records"):
        rows = events[events["lead_id"] == lead["lead_id"]].to_dict("records")
        known = [{name: None if cell != cell else cell for name, cell in row.items()} for row in rows]
        if lead["created_at"].date() <= AS_OF:
            yield lead, known


QUICK = settings(max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@QUICK
@given(cards(), logs())
def test_scores_and_hand_offs_are_those_of_the_slow_way(card, log):
    leads, events = log
    found = run(scoring.score_leads, leads, events, card).set_index("lead_id")
    told = list(by_lead(leads, events))
    assert list(found.index) == [lead["lead_id"] for lead, _ in told]
    for lead, rows in told:
        row, now = found.loc[lead["lead_id"]], score_on(lead, rows, card, AS_OF)
        assert points(row["fit_points"]) == now.fit
        assert points(row["engagement_points"]) == now.engagement
        assert points(row["score"]) == now.score
        band = "cold" if now.score < 30 else "warm" if now.score < 60 else "ready"
        assert row["band"] == ("disqualified" if now.out else band)
        letter = "A" if now.fit >= 20 else "B" if now.fit >= 5 else "C"
        number = 1 if now.engagement >= 25 else 2 if now.engagement >= 0 else 3
        assert row["grade"] == f"{letter}{number}"
        handed = handed_off_at(lead, rows, card, AS_OF)
        assert (None if pd.isna(row["handed_off_at"]) else row["handed_off_at"]) == handed
        earlier = AS_OF - dt.timedelta(days=card.trend_days)
        known = [each for each in rows if each["occurred_at"].date() <= AS_OF]
        marks = [rule.when for _, rule in card.event_rules if rule.stage]
        assert (row["stage"] == "warm") == any(meets(when, each) for when in marks for each in known)
        asked = [*(rule.when for _, rule in card.event_rules), *overriding(card)]
        if lead["created_at"].date() > earlier or not any(meets(when, each) for when in asked for each in known):
            assert row["trend"] == "not_enough_info"
        else:
            change = now.score - score_on(lead, rows, card, earlier).score
            assert row["trend"] == ("improving" if change >= 5 else "declining" if change <= -5 else "steady")


def busy_log(events: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Eighty leads with several times as many events: some come to the threshold in one go, some over many weeks."""
    rng = np.random.default_rng(events)
    ids = np.array([f"l{i:02d}" for i in range(80)], dtype=object)
    start, days = pd.Timestamp(START), rng.gamma(2.0, 12.0, (2, events)).sum(axis=0)
    leads = pd.DataFrame(
        {"lead_id": pd.Series(ids, dtype="str"), "created_at": start + pd.to_timedelta(rng.integers(0, 60, 80), "D")}
    )
    log = pd.DataFrame(
        {
            "lead_id": pd.Series(ids[(80 * rng.random(events) ** 2).astype(int)], dtype="str"),
            "event": pd.Series(np.array(NAMES, dtype=object)[rng.integers(0, 3, events)], dtype="str"),
            "occurred_at": (start + pd.to_timedelta(days.round(), "D")).astype("datetime64[us]"),
        }
    )
    return leads.astype({"created_at": "datetime64[us]"}), log


BUSY = (Rule("page", Event("page"), 10), Rule("mail", Event("mail"), 20), Rule("form", Event("form"), -15))
FADING = {
    "decay": Group("all", "engagement", BUSY, decay=Decay(30, 7)),
    "window": Group("all", "engagement", BUSY, floor=-5, window_days=21),
    "day": Group("all", "engagement", BUSY, window_days=1),
    "two lives": Group("all", "engagement", (*BUSY, Rule("old", Event("page"), 4, window_days=40)), window_days=6),
    "counted": Group("all", "engagement", (*BUSY[1:], Rule("n", Event("page"), 10, daily_cap=10)), window_days=30),
    "once": Group("all", "engagement", (*BUSY[1:], Rule("n", Event("page"), 40, "once")), decay=Decay(50, 9)),
}


@pytest.mark.parametrize("threshold", [20, 45, 80])
@pytest.mark.parametrize("fading", FADING)
def test_where_all_fades_hand_offs_are_those_of_the_slow_way(fading, threshold):
    """Only days near the threshold are followed there, by what the weeks before can have left."""
    leads, events = busy_log(600)
    card = Scorecard("busy", (FADING[fading],), hand_off_at=threshold)
    found = run(scoring.score_leads, leads, events, card).set_index("lead_id")["handed_off_at"]
    told = by_lead(leads, events.assign(content=None, channel=None))
    expected = pd.Series({lead["lead_id"]: handed_off_at(lead, rows, card, AS_OF) for lead, rows in told})
    assert_series_equal(found, expected.astype("datetime64[us]"), check_names=False, check_index_type=False)
    assert threshold > 20 or 0 < expected.notna().sum() < 80


@QUICK
@given(cards(), logs())
def test_the_explanation_is_that_of_the_slow_way_and_sums_to_the_score(card, log):
    leads, events = log
    scores = run(scoring.score_leads, leads, events, card).set_index("lead_id")["score"]
    found = run(scoring.explain, leads, events, card)
    sums = {lead: sum(map(points, rows["points"])) for lead, rows in found.groupby("lead_id")}
    codes = {override.code for override in card.overrides}
    for lead, rows in by_lead(leads, events):
        name = lead["lead_id"]
        assert sums.get(name, 0) == points(scores[name])
        mine = found[(found["lead_id"] == name) & ~found["rule"].isin(codes)]
        told = score_on(lead, rows, card, AS_OF).parts
        assert {row["rule"]: (points(row["points"]), row["events"]) for _, row in mine.iterrows()} == told
        for group, rule in card.event_rules:
            times = live_times(group, rule, [row["occurred_at"] for row in rows if meets(rule.when, row)], AS_OF)
            seen = mine.loc[mine["rule"] == rule.code, ["group", "first_at", "last_at"]].to_numpy().tolist()
            assert seen == ([[group.code, times[0], times[-1]]] if times else [])


@QUICK
@given(cards(), logs(), st.integers(0, 90))
def test_the_history_holds_the_score_of_every_day(card, log, back):
    leads, events = log
    history = run(scoring.score_history, leads, events, card)
    scores = run(scoring.score_leads, leads, events, card).set_index("lead_id")["score"]
    for lead, rows in by_lead(leads, events):
        mine = history[history["lead_id"] == lead["lead_id"]].sort_values("changed_at")
        last = mine["score"].iloc[-1] if len(mine) else 0.0
        assert last == scores[lead["lead_id"]]
        day = AS_OF - dt.timedelta(days=back)
        if lead["created_at"].date() <= day:
            until = mine[mine["changed_at"].dt.date <= day]
            assert sum(map(points, until["change"])) == score_on(lead, rows, card, day).score
            assert points(until["score"].iloc[-1] if len(until) else 0.0) == score_on(lead, rows, card, day).score


@QUICK
@given(cards(), logs())
def test_hand_offs_are_explained_as_of_their_day(card, log):
    leads, events = log
    scores = run(scoring.score_leads, leads, events, card).set_index("lead_id")["handed_off_at"].dropna()
    found = run(scoring.hand_offs, leads, events, card)
    codes = {override.code for override in card.overrides}
    assert set(found["lead_id"]) <= set(scores.index)
    for lead, rows in by_lead(leads, events):
        mine = found[found["lead_id"] == lead["lead_id"]]
        if len(mine):
            assert (mine["handed_off_at"] == scores[lead["lead_id"]]).all()
            told = score_on(lead, rows, card, mine["handed_off_at"].iloc[0].date())
            assert points(mine["score"].iloc[0]) == told.score == sum(map(points, mine["points"]))
            plain = mine[~mine["rule"].isin(codes)]
            assert {row["rule"]: (points(row["points"]), row["events"]) for _, row in plain.iterrows()} == told.parts
            assert mine["cause"].nunique() == 1
            if mine["cause"].iloc[0] == "threshold":
                assert told.score >= Fraction(str(card.threshold))


@QUICK
@given(cards(), logs(), st.randoms(use_true_random=False))
def test_updates_in_any_split_give_the_full_run(card, log, random):
    leads, events = log
    full = run(scoring.score_leads, leads, events, card)
    order = list(range(len(events)))
    random.shuffle(order)
    cuts = sorted(random.randrange(len(events) + 1) for _ in range(2))
    ledger = None
    for part in (order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]):
        new = engines.to_engine("polars", events.iloc[part].reset_index(drop=True))
        done = scoring.update_scores(ledger, new, leads=engines.to_engine("polars", leads), card=card, as_of=AS_OF)
        ledger = done.ledger
    assert_frame_equal(engines.to_pandas(done.scores), engines.to_pandas(full))


@pytest.mark.parametrize("function", [scoring.score_leads, scoring.explain, scoring.score_history, scoring.hand_offs])
@settings(QUICK, max_examples=6)
@given(card=cards(), log=logs(), random=st.randoms(use_true_random=False))
def test_order_names_and_the_future_change_nothing(function, card, log, random):
    leads, events = log
    expected = run(function, leads, events, card)
    order = list(range(len(events)))
    random.shuffle(order)
    later = events.assign(occurred_at=pd.Timestamp(AS_OF) + pd.Timedelta(days=1))
    unborn = leads.assign(lead_id="z" + leads["lead_id"], created_at=pd.Timestamp(AS_OF) + pd.Timedelta(days=1))
    more = pd.concat([events.iloc[order], later], ignore_index=True)
    rename = {name: f"x{name}" for name in [*leads["lead_id"], *unborn["lead_id"]]}
    people = pd.concat([leads, unborn], ignore_index=True)[::-1].reset_index(drop=True)
    found = run(
        function,
        people.assign(lead_id=people["lead_id"].map(rename)).astype({"lead_id": "str"}),
        more.assign(lead_id=more["lead_id"].map(rename)).astype({"lead_id": "str"}),
        card,
    )
    assert_frame_equal(found.assign(lead_id=found["lead_id"].str[1:]).astype({"lead_id": "str"}), expected)

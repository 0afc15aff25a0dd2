"""Rule scorecards: worked examples, files, what is refused, what is odd."""

import datetime as dt

import pandas as pd
import pytest

from crmkit import scoring
from crmkit.errors import DomainError, SchemaError
from crmkit.scoring import Attribute, Band, Decay, Event, Group, Override, Rule, Scorecard, Step
from tests import engines

DAY = dt.date(2024, 5, 31)


def leads(**columns) -> pd.DataFrame:
    made = {"lead_id": ["a"], "created_at": pd.to_datetime(["2024-01-01"]), "industry": ["retail"], **columns}
    return pd.DataFrame(made)


def events(*rows: tuple[str, str], lead: str = "a") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lead_id": pd.Series([lead] * len(rows), dtype="str"),
            "event": pd.Series([row[0] for row in rows], dtype="str"),
            "occurred_at": pd.Series([pd.Timestamp(row[1]) for row in rows], dtype="datetime64[us]"),
        }
    )


def score(card: Scorecard, log: pd.DataFrame, day: dt.date = DAY, people: pd.DataFrame | None = None) -> pd.Series:
    table = leads() if people is None else people
    return engines.on_polars(lambda x, y: scoring.score_leads(x, y, card=card, as_of=day), table, log).iloc[0]


def activity(*rules: Rule, **options) -> Scorecard:
    return Scorecard("one group", (Group("activity", "engagement", rules, **options),))


def test_points_that_come_back_by_themselves_count_beside_those_that_go_then():
    """The day on which a loss ends lies in a stretch of days without any gain, in which another loss is held."""
    rules = (Rule("gain", Event("gain"), 100), Rule("loss", Event("loss"), -50))
    card = Scorecard("back", (Group("all", "engagement", rules, window_days=10),), hand_off_at=100)
    for first in range(2, 12):  # wherever the days are cut
        days = [f"2024-05-{first + later:02d}" for later in (0, 8, 9)]
        log = events(*zip(("loss", "gain", "loss"), days, strict=True))
        assert pd.isna(score(card, log)["handed_off_at"])
        assert score(card, log.iloc[:2])["handed_off_at"] == pd.Timestamp(f"2024-05-{first + 10:02d}")


PAPERS = [("white_paper", f"2024-05-0{day}") for day in (1, 2, 3)]


def test_three_white_papers_and_a_webinar_are_70_points():
    row = score(scoring.seventy_points(), events(*PAPERS, ("webinar", "2024-05-09 15:30")))
    assert (row["score"], row["band"], row["stage"]) == (70.0, "ready", "engaged")
    assert row["handed_off_at"] == pd.Timestamp("2024-05-09 15:30")


def test_manufacturing_and_a_smaller_webinar_are_70_points_too():
    small = scoring.read_scorecard(scoring.to_toml(scoring.seventy_points()).replace("points = 25", "points = 5"))
    row = score(small, events(*PAPERS, ("webinar", "2024-05-09")), people=leads(industry=["manufacturing"]))
    assert (row["fit_points"], row["engagement_points"], row["score"], row["grade"]) == (20.0, 50.0, 70.0, "A1")
    assert row["handed_off_at"] == pd.Timestamp("2024-05-03")  # 20 and three times 15 are 65 already


@pytest.mark.parametrize(
    ("points", "band"), [(-5, "cold"), (29.99, "cold"), (30, "warm"), (59.99, "warm"), (60, "ready"), (1000, "ready")]
)
def test_bands_are_half_open(points, band):
    row = score(activity(Rule("x", Event("x"), points)), events(("x", "2024-05-01")))
    assert (row["score"], row["band"]) == (points, band)
    assert pd.isna(row["handed_off_at"]) == (points < 60)


@pytest.mark.parametrize(("days", "left"), [(0, 10), (29, 10), (30, 5), (59, 5), (60, 0), (400, 0)])
def test_ten_points_decay_to_five_and_to_nothing(days, left):
    day = dt.date(2024, 1, 5) + dt.timedelta(days=days)
    card = activity(Rule("x", Event("x"), 10), decay=Decay(50, 30))
    assert score(card, events(("x", "2024-01-05 23:59")), day)["score"] == left


@pytest.mark.parametrize(("day", "left"), [("2024-01-31", 1.0), ("2024-02-01", 0.0)])
def test_a_window_of_31_days_holds_the_day_of_the_event_and_30_more(day, left):
    card = activity(Rule("x", Event("x"), 1), window_days=31)
    assert score(card, events(("x", "2024-01-01")), dt.date.fromisoformat(day))["score"] == left


def test_marketo_counts_20_points_per_activity_and_day():
    log = events(*[("web_visit", f"2024-05-20 0{hour}:00") for hour in range(9)], ("email_click", "2024-05-20"))
    assert score(scoring.marketo(), log)["score"] == 20 + 10
    more = pd.concat([log, events(("web_visit", "2024-05-21"), ("web_visit", "2024-05-01"))], ignore_index=True)
    assert score(scoring.marketo(), more)["score"] == 20 + 10 + 5  # the window of 30 days begins on May 2


def test_pardot_counts_the_first_mail_only():
    log = events(*[("email_open", f"2024-05-0{day}") for day in range(1, 8)], ("form_error", "2024-05-01"))
    assert score(scoring.pardot(), log)["score"] == 1 - 5


@pytest.mark.parametrize(("count", "points"), [(0, 0), (1, 0), (2, 4), (3, 7), (4, 7), (5, 20), (9, 20)])
def test_a_ladder_counts_by_the_last_step_that_holds(count, points):
    steps = (Step(4, exactly=2), Step(7, between=(3, 4)), Step(20, at_least=5))
    card = activity(Rule("often", Event("x"), counting="ladder", ladder=steps), window_days=10)
    log = events(("x", "2024-05-01"), *[("x", "2024-05-30 12:00")] * count)  # all at one instant; one is too old
    assert score(card, log)["score"] == points


def test_a_ladder_falls_when_the_first_event_leaves_the_window():
    card = activity(Rule("often", Event("x"), counting="ladder", ladder=(Step(4, at_least=2),)), window_days=10)
    log = events(("x", "2024-05-01 09:00"), ("x", "2024-05-05 12:00"))
    rows = engines.on_polars(lambda x, y: scoring.score_history(x, y, card=card, as_of=DAY), leads(), log)
    assert rows[["changed_at", "cause", "change", "score"]].to_numpy().tolist() == [
        [pd.Timestamp("2024-05-05 12:00"), "event", 4.0, 4.0],
        [pd.Timestamp("2024-05-11"), "window_end", -4.0, 0.0],
    ]


def test_once_is_the_newest_event_and_starts_to_fade_anew():
    card = activity(Rule("x", Event("x"), 10, "once"), decay=Decay(50, 30))
    assert score(card, events(("x", "2024-03-20"), ("x", "2024-05-20")))["score"] == 10
    assert score(card, events(("x", "2024-03-20"), ("x", "2024-04-20")))["score"] == 5


def test_overrides_disqualify_and_hand_off_at_once():
    card = Scorecard(
        "overrides",
        (Group("activity", "engagement", (Rule("x", Event("x"), 10),)),),
        overrides=(
            Override("demo", "hand_off", Event("demo")),
            Override("gone", "disqualify", Event("unsubscribe")),
            Override("rival", "disqualify", Attribute("industry", equals="rival")),
        ),
    )
    log = events(("x", "2024-05-01"), ("demo", "2024-05-02 10:00"), ("unsubscribe", "2024-05-03"))
    row = score(card, log)
    assert (row["score"], row["band"], row["handed_off_at"]) == (0.0, "disqualified", pd.Timestamp("2024-05-02 10:00"))
    assert pd.isna(score(card, log, people=leads(industry=["rival"]))["handed_off_at"])
    rows = engines.on_polars(lambda x, y: scoring.explain(x, y, card=card, as_of=DAY), leads(), log)
    assert dict(zip(rows["rule"], rows["points"], strict=True)) == {"demo": 0.0, "gone": -10.0, "x": 10.0}


def test_events_before_the_lead_count_and_hand_off_when_it_is_created():
    card = activity(Rule("x", Event("x"), 60))
    people = leads(created_at=pd.to_datetime(["2024-05-20 08:00"]))
    row = score(card, events(("x", "2024-05-01")), people=people)
    assert (row["score"], row["handed_off_at"]) == (60.0, pd.Timestamp("2024-05-20 08:00"))


def test_events_of_unknown_leads_are_reported():
    log = pd.concat([events(("webinar", "2024-05-01")), events(("webinar", "2024-05-01"), lead="b")])
    with pytest.warns(UserWarning, match=r"^Events of 1 leads are not scored.*first: 'b'"):
        assert score(scoring.seventy_points(), log)["score"] == 25
    later = pd.concat([leads(), leads(lead_id=["b"], created_at=pd.to_datetime(["2024-06-01"]))])
    assert score(scoring.seventy_points(), log, people=later)["score"] == 25  # known, though not yet


def test_a_trend_compares_with_the_score_before():
    card = activity(Rule("x", Event("x"), 5))
    assert score(card, events(("x", "2024-05-20")))["trend"] == "improving"
    assert score(card, events(("x", "2024-04-20")))["trend"] == "steady"
    assert score(card, events())["trend"] == "not_enough_info"
    fading = activity(Rule("x", Event("x"), 10), decay=Decay(50, 30))
    assert score(fading, events(("x", "2024-04-15")))["trend"] == "declining"


CARDS = [scoring.seventy_points(), scoring.pardot(), scoring.hubspot(), scoring.marketo()]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_come_back_from_files_and_print(card, tmp_path):
    for suffix, write in (("toml", scoring.to_toml), ("json", scoring.to_json)):
        path = tmp_path / f"card.{suffix}"
        path.write_text(write(card), encoding="utf-8")
        assert scoring.read_scorecard(path) == card == scoring.read_scorecard(write(card))
    for locale in ("en", "zh"):
        text = scoring.printed(card, locale)
        assert all(rule.text(locale) in text for _, rule in card.rules)
        assert all(band.text(locale)[1] in text for band in card.bands)


GOOD = 'name = "x"\n[[groups]]\ncode = "g"\nkind = "engagement"\n[[groups.rules]]\ncode = "r"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "scorecard: neither TOML nor JSON"),
        (GOOD, "scorecard.groups[0].rules[0].when: the field is missing"),
        (GOOD + "when = { event = 'e' }\npoints = 0.125", "groups[0].rules[0]: Rule 'r': points must have at most two"),
        (GOOD + "when = { event = 'e' }\npoint = 1", "groups[0].rules[0].point: no such field"),
        (GOOD + "when = { evnt = 'e' }", "groups[0].rules[0].when.evnt: no such field"),
        (GOOD + "when = { column = 'e', missing = true }", "a group of kind 'engagement' asks for events"),
        (GOOD + "when = { event = 'e' }\nstage = 'warm'", "stages must name every stage of a rule"),
        (GOOD + "when = { event = 'e' }\nladder = [{ points = 1 }]", "rules[0].ladder[0]: A step takes one of"),
        (GOOD.replace("kind", "cap = 1\nfloor = 2\nkind") + "when = { event = 'e' }", "floor must not lie above cap"),
        (
            GOOD.replace("kind", "decay = { percent = 50, interval_days = 30 }\nkind")
            + "when = { event = 'e' }\nwindow_days = 3",
            "a decay or a window, never both",
        ),
    ],
)
def test_errors_name_the_place(text, said):
    with pytest.raises(DomainError) as caught:
        scoring.read_scorecard(text)
    assert said in str(caught.value)


def test_tables_that_lack_what_the_card_asks_for_are_refused():
    card = scoring.seventy_points()
    with pytest.raises(SchemaError, match=r"^leads: the card asks for the columns industry"):
        scoring.score_leads(leads().drop(columns="industry"), events(), card=card, as_of=DAY)
    with pytest.raises(SchemaError, match=r"^leads.industry: the column holds Float64; the card asks for a text"):
        scoring.score_leads(leads(industry=[1.0]), events(), card=card, as_of=DAY)
    twice = pd.concat([leads(), leads()])
    with pytest.raises(SchemaError, match=r"^leads.lead_id: 1 leads stand in more than one row \(first: 'a'\)"):
        scoring.score_leads(twice, events(), card=card, as_of=DAY)
    old = events(("x", "2024-05-01")).rename(columns={"event": "rule", "occurred_at": "day"})
    old = old.assign(rule="old", events=1, first_at=old["day"], last_at=old["day"])
    with pytest.raises(DomainError, match=r"previous holds events of the rule 'old'"):
        scoring.update_scores(old, events(), leads=leads(), card=card, as_of=DAY)


def test_a_log_in_which_nothing_is_asked_for_is_said_aloud():
    card, log = scoring.hubspot(), events(("Form filled", "2024-05-01"), ("Mail opened", "2024-05-02"))
    columns = ("company_size", "country", "industry", "job_title", "seniority")
    people = leads(**{column: ["x"] for column in columns})
    said = r"^None of the 2 events up to .* the log has 'Form filled', the card asks for '"
    with pytest.warns(UserWarning, match=said):
        scoring.score_leads(people, log, card=card, as_of=DAY)
    asked = next(rule.when.event[0] for group in card.groups for rule in group.rules if isinstance(rule.when, Event))
    for fine in (events(), events((asked, "2024-05-01"), ("Mail opened", "2024-05-02"))):
        scoring.score_leads(people, fine, card=card, as_of=DAY)  # warnings are errors: none here


def test_a_column_without_any_value_is_neutral():
    empty = leads(industry=[None])
    assert score(scoring.seventy_points(), events(("webinar", "2024-05-01")), people=empty)["score"] == 25


def test_the_linter_names_what_is_odd():
    rules = (
        Rule("form", Event("form"), 50),
        Rule("contact", Event("form", ("contact",)), 20),
        Rule("gone", Event("unsubscribe"), -5),
        Rule("often", Event("page"), counting="ladder", ladder=(Step(5, between=(3, 4)), Step(2, at_least=3))),
    )
    card = Scorecard(
        "odd",
        (Group("activity", "engagement", rules, cap=40),),
        (Band("cold", 0), Band("hot", 60)),
        overrides=(Override("out", "disqualify", Event(("unsubscribe", "spam"))),),
    )
    found = {(finding.kind, finding.place) for finding in scoring.check_card(card)}
    never = {("never", "gone"), ("never", "often"), ("never", "hot"), ("never", "hand_off_at")}
    assert found == never | {("overlap", "form, contact")}
    swamps = [finding.place for finding in scoring.check_card(scoring.pardot()) if finding.kind == "swamp"]
    assert "page_view" in swamps
    assert "email_open" not in swamps


def test_points_of_two_days_make_a_hand_off_wherever_the_days_lie():
    """Hand-offs look at the log in blocks of thirty days: an edge between two events decides nothing."""
    visits = activity(Rule("visit", Event(("visit",)), 40), window_days=30)
    first = pd.date_range("2024-03-01", periods=30).to_series(index=range(30))
    people = pd.DataFrame({"lead_id": range(30), "created_at": pd.Timestamp("2024-01-01")})
    log = pd.DataFrame({"lead_id": range(30), "event": "visit", "occurred_at": first})
    log = pd.concat([log, log.assign(occurred_at=first + pd.Timedelta(days=1))])
    scores = scoring.score_leads(people, log, card=visits, as_of=dt.date(2024, 6, 30))
    assert (scores["handed_off_at"] == first + pd.Timedelta(days=1)).all()
    assert (scores["score"] == 0).all()


IDS = {
    "int64": lambda ids: ids,
    "int32": lambda ids: ids.astype("int32"),
    "float64": lambda ids: ids.astype("float64"),  # what pandas makes of whole numbers where one is missing
    "text": lambda ids: ids.astype("str"),
    "category": lambda ids: ids.astype("str").astype("category"),
}


@pytest.mark.parametrize("other", IDS)
@pytest.mark.parametrize("own", IDS)
def test_ids_of_leads_meet_whatever_types_the_tables_give_them(own, other):
    people = leads(lead_id=[7, 8, 9], created_at=[pd.Timestamp("2024-01-01")] * 3, industry=["retail"] * 3)
    log = events(*[("webinar", f"2024-05-0{day}") for day in (2, 3, 4, 5)])
    log = log.assign(lead_id=[7, 7, 7, 8])
    people, log = people.assign(lead_id=IDS[own](people["lead_id"])), log.assign(lead_id=IDS[other](log["lead_id"]))
    card = activity(Rule("seen", Event("webinar"), 25))
    asked = {"card": card, "as_of": DAY}
    scores = scoring.score_leads(people, log, **asked)
    assert scores["score"].tolist() == [75.0, 25.0, 0.0]
    assert scores["lead_id"].dtype == people["lead_id"].dtype
    assert scoring.explain(people, log, **asked)["points"].tolist() == [75.0, 25.0]
    assert scoring.hand_offs(people, log, **asked)["lead_id"].astype("float").tolist() == [7.0]
    assert scoring.score_history(people, log, **asked)["change"].sum() == 100.0
    begun = scoring.update_scores(None, log[:2], leads=people, **asked)
    more = log[2:].assign(lead_id=IDS[own](pd.Series([7, 8], index=log.index[2:])))  # another export, other types
    assert scoring.update_scores(begun.ledger, more, leads=people, **asked).scores["score"].tolist() == [
        75.0,
        25.0,
        0.0,
    ]


def test_events_may_be_coded_by_numbers():
    card = activity(Rule("seen", Event("3"), 25))
    log = events(("", "2024-05-02"), ("", "2024-05-03")).assign(event=[3, 4])
    assert score(card, log)["score"] == 25.0

"""Contents against brute force and known truth, the trap of immortal time, bands and shares by hand."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from crmkit import scoring
from crmkit.errors import DomainError, FitError, SchemaError
from tests import engines

AS_OF = dt.date(2024, 7, 31)
START = pd.Timestamp("2024-01-01")


def days(numbers):
    return pd.to_timedelta(np.asarray(numbers, dtype=float), unit="D")


def leads_of(created, converted):
    """Days since 2024 of the creation, and of the conversion (NaN: none)."""
    made = START + days(created)
    won = pd.Series(START + days(np.nan_to_num(converted))).where(~np.isnan(converted))
    return pd.DataFrame({"lead_id": np.arange(len(made)), "created_at": made, "converted_at": won})


def events_of(lead_id, when, content):
    return pd.DataFrame({"lead_id": lead_id, "event": "mail", "content": content, "occurred_at": START + days(when)})


def effects(leads, events, **options):
    options = {"as_of": AS_OF, "horizon_days": 30} | options
    return engines.on_polars(scoring.content_effects, leads, events, **options).set_index("content")


# ------------------------------------------------------------------------------------------- against brute force


def by_force(leads, events, *, horizon_days, within_days, activity, by):
    """Every exposed lead against every other one, looked at one by one; returns counts by content."""
    end = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    hour = pd.Timedelta(hours=1)
    people = leads[leads["created_at"] < end].set_index("lead_id")
    past = events[(events["occurred_at"] < end) & events["lead_id"].isin(people.index)]
    born, won = people["created_at"], people["converted_at"].where(people["converted_at"] < end)
    times = {lead: past["occurred_at"][past["lead_id"] == lead].to_numpy() for lead in people.index}

    def busy(lead, until):
        return sum((times[lead] < until).sum() >= step for step in activity)

    found = {}
    for content in sorted(past["content"].dropna().unique()):
        first = past[past["content"] == content].groupby("lead_id")["occurred_at"].min()
        weight = above = below = exposed = 0.0
        strata = {}
        for lead in first.index:
            age = max((first[lead] - born[lead]) // hour, 0)
            if age >= 24 * within_days:
                continue
            level = busy(lead, born[lead] + age * hour)
            strata.setdefault((age, level, people.loc[lead, by] if by else ""), [])
        for age, level, group in strata:
            n1 = x1 = n0 = x0 = 0
            for other in people.index:
                close = born[other] + (age + 1) * hour
                ripe = close + pd.Timedelta(days=horizon_days) <= end
                gone = pd.notna(won[other]) and won[other] < close
                own = busy(other, born[other] + age * hour)
                if not ripe or gone or own != level or (by and people.loc[other, by] != group):
                    continue
                outcome = pd.notna(won[other]) and won[other] < close + pd.Timedelta(days=horizon_days)
                seen = max((first[other] - born[other]) // hour, 0) if other in first.index else None
                if seen == age:
                    n1, x1 = n1 + 1, x1 + outcome
                elif seen is None or seen > age:
                    n0, x0 = n0 + 1, x0 + outcome
            if n1 and n0:
                exposed += n1
                weight += n1 * n0 / (n1 + n0)
                above, below = above + x1 * n0 / (n1 + n0), below + x0 * n1 / (n1 + n0)
        found[content] = (exposed, above / weight, below / weight) if weight else (0, np.nan, np.nan)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_rates_are_those_of_looking_at_every_pair(seed):
    rng = np.random.default_rng(seed)
    n = 40
    created = rng.integers(0, 24 * 200, n) / 24.0 + rng.uniform(0.001, 0.04, n)
    life = np.where(rng.random(n) < 0.6, rng.exponential(8.0, n), np.nan)
    # Ages of few hours, so that risk sets are full; some events before creation and after conversion.
    leads = leads_of(created, created + life).assign(source=rng.choice(["web", "fair"], n))
    who = rng.integers(0, n, 160)
    events = events_of(who, created[who] + rng.choice([0.0, 0.1, 1.0, 5.0, -2.0], 160) + rng.uniform(0, 0.12, 160), "a")
    events["content"] = pd.Series(rng.choice(["a", "b", "c", ""], 160)).replace("", None)
    options = {"horizon_days": 10, "within_days": 4, "activity": (1, 3), "by": "source" if seed % 2 else None}
    found = effects(leads, events, **options)
    expected = by_force(leads, events, **options)
    assert list(found.index) == list(expected)
    for content, (exposed, above, below) in expected.items():
        row = found.loc[content]
        assert row["exposed"] == exposed
        np.testing.assert_allclose(row[["rate_exposed", "rate_others"]].astype(float), [above, below], atol=1e-9)
    saw = events[events["content"].notna()].groupby("content")["lead_id"].nunique()
    sums = found[["exposed", "immature", "after_conversion", "unmatched"]].sum(axis=1)
    assert sums.to_dict() == saw.to_dict()  # nobody is dropped in silence


# ------------------------------------------------------------------------------------------- known truth


def simulated(n, rng, *, contents, hazard=0.01, see=0.01, lift=0.0, people=None):
    """Leads convert at a constant rate and see contents at another; the first content raises the rate from then on."""
    created, life = rng.uniform(0, 200, n), rng.exponential(1 / hazard, n)
    seen = rng.exponential(1 / see, (contents, n))
    life = np.where(life > seen[0], seen[0] + (life - seen[0]) / (1.0 + lift), life)
    at = seen < 200.0
    which, who = np.nonzero(at)
    names = np.array([f"c{i:03d}" for i in range(contents)])[which]
    return leads_of(created, created + life), events_of(who, created[who] + seen[at], names)


def test_contents_without_effect_have_intervals_that_hold_0():
    leads, events = simulated(1500, np.random.default_rng(1), contents=400)
    found = effects(leads, events, activity=(), level=0.9)
    held = ((found["low"] <= 0) & (found["high"] >= 0)).mean()
    assert abs(held - 0.9) <= 0.045  # three standard errors of a share of 400
    assert abs(found["difference"].mean()) < 0.004  # three of the mean of 400 differences of about .025 each
    assert (found["verdict"] != "no difference shown").mean() <= 0.145
    np.testing.assert_allclose(found["rate_others"].mean(), 1 - np.exp(-0.3), atol=0.02)


def test_immortal_time_fools_the_naive_comparison_and_not_this_one():
    leads, events = simulated(20_000, np.random.default_rng(2), contents=1, see=0.03)
    life = (leads["converted_at"] - leads["created_at"]) / pd.Timedelta(days=1)
    seen = events.set_index("lead_id")["occurred_at"].reindex(leads["lead_id"]) - leads["created_at"]
    saw = (seen / pd.Timedelta(days=1) < life).to_numpy()
    ripe = (leads["created_at"] < "2024-06-01").to_numpy()
    won = (life <= 60).to_numpy()
    naive = won[saw & ripe].mean() - won[~saw & ripe].mean()
    assert naive < -0.25  # a content that does nothing seems to do great harm
    row = effects(leads, events).loc["c000"]
    assert row["low"] < 0.0 < row["high"]
    assert row["high"] - row["low"] < 0.03
    assert row["verdict"] == "no difference shown"


def test_a_known_effect_is_found_with_the_interval_that_was_promised():
    # Populations of their own, kept apart by `by`: 120 repetitions in one call.
    rng, parts = np.random.default_rng(4), []
    for i in range(120):
        leads, events = simulated(500, rng, contents=1, see=0.004, lift=1.0)
        step = 1000 * i
        parts.append(
            (
                leads.assign(lead_id=leads["lead_id"] + step, source=f"s{i}"),
                events.assign(lead_id=events["lead_id"] + step, content=f"c{i}"),
            )
        )
    leads, events = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    found = effects(leads, events, by="source", activity=(), level=0.8)
    whole = effects(leads, events.assign(content="all"), activity=()).loc["all"]
    # Twice the rate from the exposure on, against leads of whom a few see it within the horizon.
    np.testing.assert_allclose(whole["rate_exposed"], 1 - np.exp(-0.6), atol=0.01)
    assert 1 - np.exp(-0.3) - 0.01 < whole["rate_others"] < 1 - np.exp(-0.3) + 0.02
    assert 0.08 < whole["others_saw_later"] < 0.12  # 1 - exp(-.12), less those who convert before
    assert whole["verdict"] == "more convert"
    held = ((found["low"] <= whole["difference"]) & (found["high"] >= whole["difference"])).mean()
    assert abs(held - 0.8) <= 0.11  # three standard errors of a share of 120


def test_those_of_equal_activity_are_compared():
    # The keen see more of everything and convert more; the content does nothing.
    rng, n = np.random.default_rng(5), 6000
    keen = rng.random(n) < 0.5
    created = rng.uniform(0, 150, n)
    life = rng.exponential(np.where(keen, 40.0, 400.0), n)
    seen = rng.exponential(np.where(keen, 20.0, 200.0), n)
    other = rng.poisson(np.where(keen, 8.0, 0.5))
    who = np.repeat(np.arange(n), other)
    events = pd.concat(
        [
            events_of(np.flatnonzero(seen < 200), (created + seen)[seen < 200], "paper"),
            events_of(who, created[who] + rng.uniform(0, 3, len(who)), "news"),
        ]
    )
    leads = leads_of(created, created + life)
    plain, alike = (effects(leads, events, activity=a).loc["paper", "difference"] for a in ((), (1, 2, 3, 5)))
    assert plain > 0.1
    assert abs(alike) < plain / 2.5  # what activity does not tell remains: that is why the page says "not causal"


# ------------------------------------------------------------------------------------------- rules, one by one


def test_rows_after_as_of_change_nothing():
    leads, events = simulated(800, np.random.default_rng(6), contents=3)
    day = dt.date(2024, 5, 31)
    end = pd.Timestamp("2024-06-01")
    early = leads[leads["created_at"] < end]
    early = early.assign(converted_at=early["converted_at"].where(early["converted_at"] < end))
    whole = effects(leads, events, as_of=day)
    cut = effects(early, events[events["occurred_at"] < end], as_of=day)
    pd.testing.assert_frame_equal(whole, cut)
    assert whole["immature"].sum() > 0


def test_a_conversion_given_as_a_date_comes_after_the_touches_of_that_day():
    created = np.zeros(40)
    leads = leads_of(created, np.where(np.arange(40) < 20, 3.0, np.nan))  # midnight of the day of the touch
    events = events_of(np.arange(10), np.full(10, 3.5), "a")
    row = effects(leads, events, activity=()).loc["a"]
    assert row[["exposed", "after_conversion", "rate_exposed"]].tolist() == [10, 0, 1.0]
    assert row["rate_others"] == pytest.approx(10 / 30)
    stamped = leads.assign(converted_at=leads["converted_at"] + pd.Timedelta(hours=2))
    assert effects(stamped, events).loc["a", ["exposed", "after_conversion"]].tolist() == [0, 10]


def test_too_few_is_said_and_nothing_is_infinite():
    leads = leads_of(np.zeros(30), np.full(30, np.nan))
    found = effects(leads, events_of([0, 1, 99], [1.0, 1.0, 1.0], "a"))
    assert found["exposed"].tolist() == [2]
    assert found["verdict"].tolist() == ["too few"]
    assert found[["low", "high", "ratio", "ratio_low", "ratio_high"]].isna().all().all()
    assert found["reason"].tolist() == ["Too few to tell; leads that saw it and can be compared: 2."]
    everyone = effects(leads, events_of(np.arange(30), np.ones(30), "a"))  # nobody left to compare with
    assert everyone.loc["a", ["exposed", "unmatched", "verdict"]].tolist() == [0, 30, "too few"]
    assert len(effects(leads, events_of([], [], "a").astype({"content": "str"}))) == 0
    none = effects(leads[:0], events_of([0], [1.0], "a"))
    assert len(none) == 0


def test_the_kind_of_event_may_be_the_content():
    leads, events = simulated(300, np.random.default_rng(8), contents=1)
    by_event = effects(leads, events.drop(columns="content").assign(event="webinar"), of="event")
    assert by_event.index.tolist() == ["webinar"]
    with pytest.raises(SchemaError, match="column 'content' is missing"):
        effects(leads, events.drop(columns="content"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number from 1 to 36525 (days), got 0."),
        ({"horizon_days": 30.5}, "horizon_days must be a whole number from 1 to 36525 (days), got 30.5."),
        ({"horizon_days": True}, "horizon_days must be a whole number from 1 to 36525 (days), got True."),
        ({"within_days": "90"}, "within_days must be a whole number from 1 to 3650 (days), got '90'."),
        ({"activity": (3, 1)}, "activity must be at most 20 ascending numbers of events, at least 1, got (3, 1)."),
        ({"of": "page"}, 'of must be "content" or "event", got \'page\'.'),
        ({"by": "lead_id"}, "by must be an attribute of the leads, such as 'source', got 'lead_id'."),
    ],
)
def test_arguments_out_of_their_domain(options, said):
    leads, events = simulated(10, np.random.default_rng(1), contents=1)
    with pytest.raises(DomainError) as raised:
        effects(leads, events, **options)
    assert str(raised.value) == said


# ------------------------------------------------------------------------------------------- bands and shares


def scored_leads():
    """Ten leads a score; created on day 0, of the last score on day 190."""
    score = np.repeat([10.0, 29.9, 30.0, 59.0, 60.0, 80.0], 10)
    created = np.where(score == 80.0, 190.0, 0.0)
    life = np.where(np.tile(np.arange(10), 6) < np.repeat([0, 1, 4, 5, 9, 9], 10), 5.5, np.nan)
    leads = leads_of(created, created + life)
    return pd.DataFrame({"lead_id": leads["lead_id"], "score": score}), leads


def wilson(x, n, z=1.959963984540054):
    """Ends of the share p for which (x/n - p)^2 = z^2 p (1 - p) / n: the roots of a quadratic."""
    roots = np.roots([1 + z * z / n, -2 * x / n - z * z / n, (x / n) ** 2])
    return min(roots), max(roots)


def test_bands_by_hand():
    scores, leads = scored_leads()
    found = scoring.band_outcomes(scores, leads, as_of=AS_OF, horizon_days=30)
    assert found["leads"].tolist() == [20, 20, 10]  # those of 80 points are too young
    assert found["immature"].tolist() == [0, 0, 10]
    assert found["converted"].tolist() == [1, 9, 9]
    assert found["rate"].tolist() == [0.05, 0.45, 0.9]
    assert found["verdict"].tolist() == ["", "higher", "higher"]
    low, high = zip(*(wilson(9, n) for n in (20, 10)), strict=True)
    assert found[["low", "high"]].iloc[1].tolist() == pytest.approx([low[0], high[0]], abs=1e-9)
    # Newcombe (1998), method 10: the distances to Wilson's ends, squared and added.
    assert found.loc[2, "difference"] == pytest.approx(0.45)
    assert found.loc[2, "difference_low"] == pytest.approx(0.45 - np.hypot(0.9 - low[1], high[0] - 0.45), abs=1e-9)
    assert found.loc[2, "difference_high"] == pytest.approx(0.45 + np.hypot(high[1] - 0.9, 0.45 - low[0]), abs=1e-9)
    assert found["share_of_converted"].tolist() == pytest.approx([1 / 19, 9 / 19, 9 / 19])
    exact = scoring.band_outcomes(scores, leads, as_of=AS_OF, horizon_days=5, edges=[30.0, 45.0, 50.0])
    assert exact["converted"].sum() == 0  # half a day late
    assert exact["leads"].tolist() == [20, 10, 0, 30]  # five days after their creation those of 80 are ripe, too
    assert exact.loc[2, ["rate", "low", "difference"]].isna().all()
    assert exact["verdict"].tolist() == ["", "not told apart", "", "not told apart"]


def test_outcomes_after_as_of_change_no_band():
    scores, leads = scored_leads()
    day = dt.date(2024, 2, 15)
    later = leads.assign(converted_at=leads["converted_at"].fillna(pd.Timestamp("2024-02-20")))
    one, other = (scoring.band_outcomes(scores, table, as_of=day, horizon_days=45) for table in (leads, later))
    pd.testing.assert_frame_equal(one, other)
    assert one["leads"].sum() == 50


def test_edges_are_suggested_where_the_rates_step():
    rng = np.random.default_rng(3)
    score = rng.integers(0, 100, 4000).astype(float)
    won = rng.random(4000) < np.where(score >= 60, 0.3, np.where(score >= 25, 0.1, 0.02))
    leads = leads_of(np.zeros(4000), np.where(won, 4.5, np.nan))
    scores = pd.DataFrame({"lead_id": leads["lead_id"], "score": score})
    found = scoring.suggest_bands(scores, leads, as_of=AS_OF, horizon_days=30, most_bands=6)
    # 40 leads a point: the step from .02 to .1 is blurred by a few points, the one to .3 hardly.
    assert len(found.edges) == 2
    np.testing.assert_allclose(found.edges, [25.0, 60.0], atol=4.0)
    assert sum(found.leads) == 4000
    assert sum(found.converted) == won.sum()
    held = scoring.band_outcomes(scores, leads, as_of=AS_OF, horizon_days=30, edges=found.edges)
    assert held["leads"].tolist() == list(found.leads)
    assert held["converted"].tolist() == list(found.converted)
    with pytest.raises(FitError) as raised:
        scoring.suggest_bands(scores, leads.assign(created_at=START + days(200)), as_of=AS_OF, horizon_days=30)
    assert str(raised.value) == (
        "Bands need 40 leads that converted, as many that did not, and 50 in all; got 0, 0 and 0 whose 30 days are "
        "over (4000 are too young).\nTake a shorter horizon_days, or keep the bands you have until there are more."
    )


def test_qualified_share_by_hand():
    created = np.concatenate([np.zeros(20), np.full(30, 31.5), np.full(10, 91.0)])  # January, February, April
    leads = leads_of(created, np.full(60, np.nan))[["lead_id", "created_at"]]
    score = np.concatenate([np.repeat([60.0, 59.9], [2, 18]), np.repeat([99.0, 0.0], [18, 12]), np.full(10, 60.0)])
    scores = pd.DataFrame({"lead_id": leads["lead_id"], "score": score})
    found = scoring.qualified_share(scores, leads, as_of=dt.date(2024, 4, 29))
    assert found["month"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-02-01", "2024-04-01"]
    assert found["leads"].tolist() == [20, 30, 10]
    assert found["share"].tolist() == [0.1, 0.6, 1.0]
    assert found["change"].tolist()[1:] == [0.5, 0.4]
    assert found["verdict"].tolist() == ["", "up", "up"]
    assert found["complete"].tolist() == [1, 1, 0]
    assert scoring.qualified_share(scores, leads, as_of=dt.date(2024, 4, 30))["complete"].tolist() == [1, 1, 1]
    early = scoring.qualified_share(scores, leads, as_of=dt.date(2024, 3, 31))
    pd.testing.assert_frame_equal(early, found[:2])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda s, t: scoring.band_outcomes(s, t, as_of=AS_OF, horizon_days=30, edges=[60.0, 30.0]),
            "edges must be one",
        ),
        (lambda s, t: scoring.band_outcomes(s, t, as_of=AS_OF, horizon_days=30, edges=60.0), "edges must be one"),
        (lambda s, t: scoring.suggest_bands(s, t, as_of=AS_OF, horizon_days=30, most_bands=0), "most_bands must be a"),
        (lambda s, t: scoring.suggest_bands(s, t, as_of=AS_OF, horizon_days=30, least_leads=0), "least_leads must be"),
        (lambda s, t: scoring.qualified_share(s, t, as_of=AS_OF, threshold=np.inf), "threshold must be a finite score"),
    ],
)
def test_band_arguments_out_of_their_domain(call, said):
    with pytest.raises(DomainError, match=said):
        call(*scored_leads())


IDS = {
    "int64": lambda ids: ids,
    "int32": lambda ids: ids.astype("int32"),
    "float": lambda ids: ids.astype(float),  # what pandas makes of ids where some are missing
    "text": lambda ids: ids.astype(str),
}


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
@pytest.mark.parametrize("kinds", list(itertools.permutations(IDS, 2)), ids=str)
def test_7_and_7_point_0_and_the_text_7_are_one_lead(engine, kinds):
    scores, leads = scored_leads()
    events = events_of(range(20), np.full(20, 1.0), "a")

    def given(table, kind):
        return engines.to_engine(engine, table.assign(lead_id=IDS[kind](table["lead_id"])))

    people, asked = given(leads, kinds[0]), {"as_of": AS_OF, "horizon_days": 30}
    found = engines.to_pandas(scoring.band_outcomes(given(scores, kinds[1]), people, **asked))
    assert found["leads"].sum() == 50
    seen = engines.to_pandas(scoring.content_effects(people, given(events, kinds[1]), **asked))
    assert seen["exposed"].sum() == 20


@pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "duckdb"])
def test_scores_of_other_leads_are_said_aloud(engine):
    scores, leads = scored_leads()
    renamed = scores.assign(lead_id="L" + scores["lead_id"].astype(str))
    strange, people = engines.to_engine(engine, renamed), engines.to_engine(engine, leads)
    asked = {"as_of": AS_OF, "horizon_days": 30}
    said = r"^No score is of a lead .* first of the leads is '?0'?, of the scores 'L0'\. Give both tables the same"
    with pytest.warns(UserWarning, match=said):
        assert engines.to_pandas(scoring.band_outcomes(strange, people, **asked))["leads"].sum() == 0
    with pytest.warns(UserWarning, match=said):
        assert len(engines.to_pandas(scoring.qualified_share(strange, people, as_of=AS_OF))) == 0
    # Nothing to say where there are no leads yet: warnings are errors.
    assert len(scoring.qualified_share(scores, leads, as_of=dt.date(2000, 1, 1))) == 0


def test_the_last_day_of_the_calendar_is_a_day():
    scores, leads = scored_leads()
    assert scoring.qualified_share(scores, leads, as_of=dt.date.max)["complete"].min() == 1


def test_a_lead_that_stands_twice_is_refused():
    scores, leads = scored_leads()
    with pytest.raises(SchemaError, match=r"^scores\.lead_id: 1 leads stand in more than one row \(first: 0\)"):
        scoring.band_outcomes(pd.concat([scores, scores[:1]]), leads, as_of=AS_OF, horizon_days=30)
    with pytest.raises(SchemaError, match=r"^leads\.lead_id: 2 leads stand in more than one row"):
        scoring.qualified_share(scores, pd.concat([leads, leads[:2]]), as_of=AS_OF)

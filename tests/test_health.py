"""Health scores: by hand to the digit, a plain second version, edges, invariants, messages."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import churn
from crmkit.churn import Bands, Colours, HealthScheme, Linear, Metric, Veto
from crmkit.errors import DomainError, SchemaError
from tests import engines

DAY = dt.date(2024, 6, 30)

# Usage, communication and after-sales: what the issue asks for.
OURS = HealthScheme(
    "ours",
    (
        Metric("weekly_logins", 4.0, "higher", Linear(0.0, 20.0)),
        Metric("days_since_contact", 2.0, "lower", Bands((60.0, 14.0), (0.0, 60.0, 100.0))),
        Metric("open_tickets", 2.0, "lower", Bands((4.0, 1.0), (0.0, 60.0, 100.0)), missing="worst"),
        Metric("repairs", 2.0, "lower", Linear(5.0, 0.0)),
    ),
    vetoes=(Veto(),),
)


def table(*rows):
    """Rows of customer, metric, value, time."""
    names = ["customer_id", "metric", "value", "measured_at"]
    made = pd.DataFrame(rows, columns=names).astype({"customer_id": "str", "metric": "str", "value": "float64"})
    return made.assign(measured_at=pd.to_datetime(made["measured_at"], format="mixed").astype("datetime64[us]"))


def scored(frame, scheme=OURS, as_of=DAY, **options):
    return engines.on_polars(churn.health_score, frame, scheme=scheme, as_of=as_of, **options).set_index("customer_id")


def taken_apart(frame, scheme=OURS, as_of=DAY):
    return engines.on_polars(churn.health_contributions, frame, scheme=scheme, as_of=as_of)


EXAMPLE = table(
    ("ann", "weekly_logins", 15, "2024-06-28 08:00"),  # 75 points
    ("ann", "days_since_contact", 10, "2024-06-28"),  # 100
    ("ann", "open_tickets", 1, "2024-06-28"),  # on the edge, which is the better band's: 100
    ("ann", "repairs", 1, "2024-06-01"),  # 80
    ("bob", "weekly_logins", 20, "2024-06-28"),  # 100
    ("bob", "days_since_contact", 60, "2024-06-28"),  # 60
    ("bob", "open_tickets", 9, "2024-06-28"),  # 0: red
    ("bob", "repairs", 0, "2024-06-28"),  # 100
    ("cy", "weekly_logins", 4, "2024-05-01"),  # 20
    ("cy", "weekly_logins", 2, "2024-06-15"),  # 10
    ("cy", "days_since_contact", 30, "2024-06-15"),  # 60; tickets missing: 0 points; repairs missing: left out
    ("cy", "days_since_contact", 5, "2024-05-15"),
    ("dee", "repairs", 0, "2024-06-15"),  # 2 of 10 of the weight, and 2 of the tickets that are 0 if missing
)


def test_the_example_by_hand():
    found = scored(EXAMPLE)
    # Tenths of ann: 4 of 75 points, 2 of 100, 2 of 100, 2 of 80. Of bob: 4 of 100, 2 of 60, 2 of 0, 2 of 100. Eighths
    # of cy, whose repairs are not known: 4 of 10, 2 of 60, 2 of 0.
    assert found["score"].tolist()[:3] == [86.0, 72.0, 20.0]
    assert np.isnan(found.loc["dee", "score"])
    assert found["colour"].tolist() == ["green", "yellow", "red", "unknown"]
    assert found["coverage"].tolist() == [1.0, 1.0, 0.8, 0.4]
    assert found["measured"].tolist() == [4, 4, 2, 1]
    assert found["veto"].tolist() == ["", "", "", ""]  # bob is yellow by his score: the rule did not bind
    # On 31 May cy had 4 eighths of 20 points, 2 of 100 and 2 of 0.
    assert found.loc["cy", ["previous_score", "change", "trend"]].tolist() == [35.0, -15.0, "falling"]
    assert found["previous_colour"].tolist() == ["unknown", "unknown", "red", "unknown"]
    assert found.loc["cy", "reason"] == "20 of 100, red. Most is lost on weekly_logins: 45 points. Down 15 in 30 days."
    assert found.loc["dee", "reason"] == "Unknown: 40 % of the weight is covered, 50 % are needed."


def test_the_example_taken_apart():
    found = taken_apart(EXAMPLE).set_index(["customer_id", "metric"])
    cy = found.loc["cy"]
    assert cy.index.tolist() == ["days_since_contact", "open_tickets", "repairs", "weekly_logins"]
    np.testing.assert_allclose(cy["weight"], [0.25, 0.25, 0.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose(cy["contribution"], [15.0, 0.0, 0.0, 5.0], rtol=1e-12)
    np.testing.assert_allclose(cy["lost"], [10.0, 25.0, 0.0, 45.0], rtol=1e-12)
    assert cy["colour"].tolist() == ["yellow", "red", "unknown", "red"]
    np.testing.assert_array_equal(cy["value"], [30.0, np.nan, np.nan, 2.0])
    assert found.loc["dee", "weight"].isna().all()


def test_a_veto_holds_the_colour_down_and_leaves_the_score():
    good = replace(OURS, metrics=(replace(OURS.metrics[0], weight=40.0), *OURS.metrics[1:]))
    free, held = (scored(EXAMPLE, replace(good, vetoes=rules)).loc["bob"] for rules in ((), (Veto(),)))
    assert free["score"] == held["score"] > 75.0
    assert (free["colour"], held["colour"], held["veto"]) == ("green", "yellow", "any red -> at most yellow")
    assert held["reason"].endswith("Held down by a rule: any red -> at most yellow.")
    rules = (Veto(), Veto("red", "red", ("open_tickets",)), Veto("red", "red", count=2))
    strict = scored(EXAMPLE, replace(good, vetoes=rules)).loc["bob"]
    assert (strict["colour"], strict["veto"]) == ("red", "any red of open_tickets -> at most red")
    assert scored(EXAMPLE, replace(good, vetoes=rules[2:])).loc["bob", "colour"] == "green"  # one red, not two


@pytest.mark.parametrize("edge", ["better", "worse"])
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_which_side_an_edge_belongs_to(edge, direction):
    sign = 1.0 if direction == "higher" else -1.0
    scheme = HealthScheme(
        "s", (Metric("m", 1.0, direction, Bands((sign * 10.0, sign * 20.0), (0.0, 60.0, 100.0), edge)),)
    )
    values = [9.0, 10.0, 11.0, 20.0, 21.0]
    rows = table(*[(f"c{i}", "m", sign * v, DAY) for i, v in enumerate(values)])
    want = [0.0, 60.0, 60.0, 100.0, 100.0] if edge == "better" else [0.0, 0.0, 60.0, 60.0, 100.0]
    assert scored(rows, scheme)["score"].tolist() == want


def test_presets_put_their_edges_where_the_products_do():
    points = table(*[(f"c{v}", "m", v, DAY) for v in (50, 51, 75, 76)])
    for scheme in (churn.gainsight({"m": 1}), churn.churnzero({"m": 3})):
        assert scored(points, scheme)["colour"].tolist() == ["red", "yellow", "yellow", "green"]
    ours = HealthScheme.of_weights({"m": 1})
    assert scored(points, ours)["colour"].tolist() == ["yellow", "yellow", "green", "green"]
    levels = churn.totango({"usage": 1, "calls": 1}, {"usage": (5, 20), "calls": (4, 1)})
    rows = [
        ("a", "usage", 20),
        ("a", "calls", 1),
        ("b", "usage", 5),
        ("b", "calls", 4),
        ("c", "usage", 4),
        ("c", "calls", 5),
    ]
    found = scored(table(*[(*row, DAY) for row in rows]), levels)
    assert found["score"].tolist() == [100.0, 60.0, 0.0]
    assert found["colour"].tolist() == ["green", "yellow", "red"]


def test_the_latest_reading_counts_and_of_one_second_the_worst():
    both = (Metric("up", 1.0), Metric("down", 1.0, "lower", Linear(100.0, 0.0)))
    rows = table(
        *[("ann", "up", v, "2024-06-02 10:00:00") for v in (80, 70, 90)],
        ("ann", "up", 10, "2024-06-02 09:59:59"),
        *[("ann", "down", v, "2024-06-02 10:00:00.250") for v in (20, 30)],
        ("ann", "down", 1, "2024-06-02 10:00:00.750"),  # the same second
        ("ann", "down", 99, None),  # undated: older than any other
        ("bob", "up", 60, None),
        ("bob", "down", 50, "1900-01-01"),
    )
    found = scored(rows, HealthScheme("s", both))
    assert found["score"].tolist() == [70.0, 55.0]  # (70 + 70) / 2, (60 + 50) / 2


def test_values_grow_too_old():
    scheme = HealthScheme("s", (Metric("m", max_age_days=30), Metric("n")), minimum_coverage=0.0)
    rows = table(
        ("a", "m", 90, "2024-05-31 00:00"), ("a", "n", 10, "2023-01-01"),
        ("b", "m", 90, "2024-05-30 23:59:59"), ("b", "n", 10, "2023-01-01"),
        ("c", "m", 90, None), ("c", "n", 10, "2023-01-01"),
    )  # fmt: skip
    assert scored(rows, scheme)["score"].tolist() == [50.0, 10.0, 50.0]  # 31 May to 30 June are 30 days
    assert taken_apart(rows, scheme).query("customer_id == 'b' and metric == 'm'")["value"].isna().all()


def test_rows_after_as_of_change_nothing():
    later = table(("ann", "repairs", 5, "2024-07-01 00:00"), ("new", "repairs", 5, "2024-07-01"))
    for function in (churn.health_score, churn.health_contributions):
        whole, past = (
            engines.on_polars(function, rows, scheme=OURS, as_of=DAY) for rows in (pd.concat([EXAMPLE, later]), EXAMPLE)
        )
        pd.testing.assert_frame_equal(whole, past)


def test_what_was_said_a_month_ago_is_the_previous_score():
    now = scored(EXAMPLE)
    then = scored(EXAMPLE, as_of=DAY - dt.timedelta(days=30))
    both = now.loc[then.index]
    np.testing.assert_array_equal(both["previous_score"], then["score"])
    assert both["previous_colour"].tolist() == then["colour"].tolist()
    # Who had no row then is unknown, though a missing metric would count as the worst.
    always = replace(OURS, metrics=tuple(replace(metric, missing="worst") for metric in OURS.metrics))
    assert scored(EXAMPLE, always).loc["ann", "previous_colour"] == "unknown"


# ------------------------------------------------------------------------------------------- a plain second version

NAMES = ("a", "b", "c")
scales = st.one_of(
    st.tuples(st.integers(0, 4), st.integers(5, 9)).map(lambda p: Linear(float(p[0]), float(p[1]))),
    st.tuples(st.integers(0, 4), st.integers(5, 9), st.sampled_from(["better", "worse"])).map(
        lambda p: Bands((float(p[0]), float(p[1])), (0.0, 60.0, 100.0), p[2])
    ),
)
metrics = st.builds(
    Metric,
    name=st.just("x"),
    weight=st.integers(1, 5).map(float),
    scale=scales,
    missing=st.sampled_from(["ignore", "worst", 40.0]),
    max_age_days=st.sampled_from([None, 3]),
)
schemes = st.builds(
    lambda parts, side, share, rules: HealthScheme(
        "s",
        tuple(replace(part, name=name) for part, name in zip(parts, NAMES, strict=True)),
        Colours((50.0, 75.0), side),
        rules,
        share,
    ),
    st.tuples(metrics, metrics, metrics),
    st.sampled_from(["better", "worse"]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([(), (Veto(),), (Veto(count=2, at_most="red"), Veto("red", "yellow", ("a",)))]),
)
tables = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from([*NAMES, "z"]), st.integers(-1, 10), st.integers(0, 9)),
    min_size=1,
    max_size=12,
)


def points_by_hand(metric, value):
    scale = metric.scale
    if isinstance(scale, Linear):
        return float(np.clip((value - scale.worst) / (scale.best - scale.worst) * 100.0, 0.0, 100.0))
    passed = sum(value >= edge if scale.edge == "better" else value > edge for edge in scale.edges)
    return scale.points[passed]


def colour_by_hand(points, colours):
    passed = sum(points >= e - 1e-9 if colours.edge == "better" else points > e + 1e-9 for e in colours.edges)
    return ("red", "yellow", "green")[passed]


def by_hand(rows, scheme, day):
    """Score, colour and coverage of one customer: a loop over metrics."""
    points = {}
    for metric in scheme.metrics:
        own = [(when, value) for _, name, value, when in rows if name == metric.name and when <= day]
        own = [pair for pair in own if metric.max_age_days is None or pair[0] >= day - metric.max_age_days]
        if own:
            last = max(when for when, _ in own)
            points[metric.name] = min(points_by_hand(metric, value) for when, value in own if when == last)
        elif metric.missing != "ignore":
            points[metric.name] = 0.0 if metric.missing == "worst" else metric.missing
    weights = {metric.name: metric.weight for metric in scheme.metrics}
    used = sum(weights[name] for name in points)
    coverage = used / sum(weights.values())
    if not used or coverage < scheme.minimum_coverage - 1e-9:
        return None, "unknown", coverage
    score = sum(weights[name] * worth for name, worth in points.items()) / used
    colour = colour_by_hand(score, scheme.colours)
    for veto in scheme.vetoes:
        counted = [worth for name, worth in points.items() if not veto.metrics or name in veto.metrics]
        if sum(colour_by_hand(worth, scheme.colours) == veto.colour for worth in counted) >= veto.count:
            colour = min(colour, veto.at_most, key=("red", "yellow", "green").index)
    return score, colour, coverage


@given(tables, schemes)
def test_scores_are_those_of_a_loop(rows, scheme):
    past = [row for row in rows if row[3] <= 6]
    if not {row[1] for row in past} & set(NAMES):
        return
    frame = table(*[(c, m, v, dt.datetime(2024, 1, 1 + day, 12)) for c, m, v, day in rows])
    found = scored(frame, scheme, dt.date(2024, 1, 7), trend_days=2)
    assert found.index.tolist() == sorted({row[0] for row in past})
    for customer, row in found.iterrows():
        own = [r for r in past if r[0] == customer]
        score, colour, coverage = by_hand(own, scheme, 6)
        assert row["colour"] == colour
        # Points and score are rounded to 6 decimals each.
        np.testing.assert_allclose(row["score"], np.nan if score is None else score, atol=2e-6)
        np.testing.assert_allclose(row["coverage"], coverage, atol=1e-6)
        before = by_hand(own, scheme, 4) if any(r[3] <= 4 for r in own) else (None, "unknown", 0.0)
        assert row["previous_colour"] == before[1]
    parts = taken_apart(frame, scheme, dt.date(2024, 1, 7))
    sums = parts.groupby("customer_id")[["weight", "contribution", "lost"]].sum(min_count=1)
    np.testing.assert_allclose(sums["contribution"], found["score"], atol=1e-6)  # the score has 6 decimals
    np.testing.assert_allclose(sums["lost"], 100.0 - found["score"], atol=1e-6)
    np.testing.assert_allclose(sums["weight"].dropna(), 1.0, rtol=1e-12)


@settings(max_examples=12)  # five tables each
@given(tables, schemes, st.sampled_from([0.001, 7.3, 1e9]), st.permutations(NAMES))
def test_what_changes_no_score(rows, scheme, factor, order):
    if not {row[1] for row in rows} & set(NAMES):
        return
    frame = table(*[(c, m, v, dt.datetime(2024, 1, 1 + day)) for c, m, v, day in rows])
    want = scored(frame, scheme)
    scaled = replace(scheme, metrics=tuple(replace(m, weight=m.weight * factor) for m in scheme.metrics))
    shuffled = replace(scheme, metrics=tuple(sorted(scheme.metrics, key=lambda m: order.index(m.name))))
    flipped = replace(scheme, metrics=tuple(map(turned, scheme.metrics)))
    doubled = pd.concat([frame, frame[::-1]], ignore_index=True)
    for other_rows, other in ((frame, scaled), (doubled, shuffled), (frame.assign(value=-frame["value"]), flipped)):
        pd.testing.assert_frame_equal(scored(other_rows, other), want)


def turned(metric):
    scale = metric.scale
    if isinstance(scale, Linear):
        return replace(metric, direction="lower", scale=Linear(-scale.worst, -scale.best))
    return replace(metric, direction="lower", scale=replace(scale, edges=tuple(-e for e in scale.edges)))


# ------------------------------------------------------------------------------------------- schemes as data, messages


@given(schemes)
def test_a_scheme_goes_through_text_and_back(scheme):
    assert HealthScheme.from_json(scheme.to_json()) == scheme
    assert HealthScheme.from_toml(scheme.to_toml()) == scheme


def test_a_scheme_prints_what_it_does():
    lines = str(OURS).splitlines()
    assert lines[0] == "Health scheme 'ours'"
    assert "  40.0%  weekly_logins: 0 points at 0 to 100 at 20; missing: ignore" in lines
    assert (
        "  20.0%  open_tickets: 0, 60, 100 points, edges 4, 1 (of the better band), lower is better; missing: worst"
    ) in lines
    assert lines[-2:] == ["  veto: any red -> at most yellow", "  unknown below 50% of the weight"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("metrics = 3", "Health scheme, metrics: expected a list"),
        ("[[metrics]]\nweight = 1", "Health scheme, metrics[0]: name is missing."),
        ('[[metrics]]\nname = "a"\nwieght = 1', "metrics[0]: 'wieght' is not known; known are name, weight"),
        ('[[metrics]]\nname = "a"\nweight = "1"', "metrics[0] ('a').weight: expected a number, got '1'."),
        ('[[metrics]]\nname = "a"\nweight = -1', "metrics[0] ('a'): weight must be finite and at least 0, got -1.0."),
        ('[[metrics]]\nname = "a"\nscale = { edges = [1, "2"], points = [0, 1, 2] }', "('a').scale.edges[1]: expected"),
        ('[[metrics]]\nname = "a"\nscale = { edges = [1], points = [0] }', "('a').scale: points must be 2 numbers"),
        ('[[metrics]]\nname = "a"\ndirection = "lower"', "direction says that lower is better, but the scale"),
        ('[[metrics]]\nname = "a"\nmissing = 101', "('a'): missing must be \"ignore\", \"worst\" or"),
        ('minimum_coverage = 2\n[[metrics]]\nname = "a"', "minimum_coverage must lie between 0 and 1, got 2.0."),
        ('[[metrics]]\nname = "a"\n[[vetoes]]\nat_most = "green"', "Health scheme, vetoes[0]: A veto takes colour"),
        ('[[metrics]]\nname = "a"\n[[vetoes]]\nmetrics = ["b"]', "A veto names 'b', which is no metric"),
        ('[[metrics]]\nname = "a"\n[[metrics]]\nname = "a"', "each once; twice: ['a']"),
        ('[[metrics]]\nname = "a"\nweight = 0', "must sum to more than 0"),
        ('[colours]\nedges = [75, 50]\n[[metrics]]\nname = "a"', "Health scheme, colours: edges must be two numbers"),
        ("metrics = [", "The health scheme is no TOML"),
    ],
)  # fmt: skip
def test_a_wrong_scheme_names_the_place(text, place):
    with pytest.raises(DomainError) as found:
        HealthScheme.from_toml(text)
    assert place in str(found.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "Give either weights"),
        ({"weights": {"repairs": 1}, "scheme": OURS}, "Give either weights"),
        ({"scheme": "totango"}, "scheme must be a HealthScheme, got str."),
        ({"scheme": OURS, "trend_days": 0}, "trend_days must be at least 1"),
        ({"scheme": OURS, "trend_days": 1.5}, "trend_days must be at least 1"),
        ({"scheme": OURS, "locale": "fr"}, "locale must be"),
    ],
)
def test_arguments_out_of_their_domain_are_refused(options, text):
    with pytest.raises(DomainError, match=text):
        churn.health_score(EXAMPLE, as_of=DAY, **options)


def test_a_scheme_of_other_names_is_refused():
    with pytest.raises(SchemaError) as found:
        churn.health_score(EXAMPLE, weights={"Logins": 1}, as_of=DAY)
    assert str(found.value) == (
        "metrics.metric: no row up to as_of holds a metric of the scheme ('Logins'); it holds 'days_since_contact', "
        "'open_tickets', 'repairs', 'weekly_logins'.\nName the scheme's metrics as the table does."
    )


def test_an_empty_table_gives_an_empty_one():
    assert len(churn.health_score(EXAMPLE[:0], scheme=OURS, as_of=DAY)) == 0
    assert len(churn.health_contributions(EXAMPLE[:0], scheme=OURS, as_of=DAY)) == 0


def test_texts_are_whole_in_both_languages():
    for locale, sign in (("en", "of 100"), ("zh", "满分")):
        reasons = scored(EXAMPLE, locale=locale)["reason"]
        assert reasons.notna().all()
        assert not reasons.str.contains(r"[{}]|None|nan").any()
        assert reasons[:3].str.contains(sign).all()


def test_many_metrics_make_no_long_expression():
    names = [f"m{i:02d}" for i in range(40)]
    rows = table(*[("ann", name, i, DAY) for i, name in enumerate(names)])
    assert scored(rows, HealthScheme.of_weights(dict.fromkeys(names, 1)))["score"].tolist() == [19.5]


def test_values_that_are_no_points_are_warned_about_once():
    """Hours, answers of 0 to 10 and counts are no points: nearly everybody would be red, and tickets be good."""
    raw = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(25), 4),
            "metric": np.tile(["hours", "answer", "points", "unweighted"], 25),
            "value": np.column_stack(
                [np.linspace(0, 160, 25), np.linspace(2, 10, 25), np.linspace(5, 90, 25), np.linspace(0, 1, 25)]
            ).ravel(),
        }
    )
    weights = {"hours": 2, "answer": 1, "points": 1}
    with pytest.warns(UserWarning, match="with weights") as told:
        churn.health_score(raw, weights=weights, as_of=DAY)
    assert len(told) == 1
    assert str(told[0].message) == (
        "metrics.value: with weights, values are taken as points from 0 (worst) to 100 (best), but answer runs from 2 "
        "to 10, hours runs from 0 to 160.\n"
        "Say what they mean by a scheme, such as churn.HealthScheme('ours', (churn.Metric('tickets', "
        "direction='lower', scale=churn.Linear(worst=5, best=0)), ...))."
    )
    assert told[0].filename == __file__
    churn.health_score(raw, weights={"points": 1}, as_of=DAY)  # points are taken without a word
    few = raw[raw["metric"] != "hours"].head(9)
    churn.health_score(few, weights={"answer": 1}, as_of=DAY)  # three answers tell no scale

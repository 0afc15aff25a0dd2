"""Tags of customers against a plain evaluator, files of rules, findings, the past, and profiles."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import tags
from crmkit.errors import DomainError, SchemaError
from crmkit.models.shrunk_share import shrunk_share
from crmkit.tags import AllOf, AnyOf, Attribute, Keywords, Measure, NoneOf, TagRule, Unanswered
from tests import engines

AS_OF = dt.date(2024, 6, 30)
CITIES = ("Beijing", "上海", None)


# ---------------------------------------------------------------------- rules at random, and a plain evaluator


@st.composite
def attributes(draw, column, numbers):
    if not numbers:
        return draw(
            st.sampled_from(
                [
                    Attribute(column, equals=("a", "上")),
                    Attribute(column, contains="b"),
                    Attribute(column, missing=True),
                ]
            )
        )
    low, width = draw(st.integers(0, 6)), draw(st.integers(1, 5))
    ends = draw(st.sampled_from([{"low": low}, {"above": low}, {"high": low}, {"low": low, "high": low + width}]))
    return Attribute(column, **ends)


def wheres(numbers="value", texts="event", least=0):
    one = st.one_of(attributes(numbers, True), attributes(texts, False))
    return st.lists(one, min_size=least, max_size=2).map(tuple)


WINDOWS = st.one_of(st.none(), st.integers(1, 40))


@st.composite
def measures(draw):
    how = draw(st.sampled_from(["count", "sum", "mean", "min", "max", "share", "days_since"]))
    least = draw(st.integers(1, 3)) if how in ("mean", "share") else 1
    low = draw(st.integers(0, 12)) / (10 if how == "share" else 1)
    ends = draw(st.sampled_from([{"low": low}, {"above": low}, {"high": low + 0.5}, {"low": low, "high": low + 4}]))
    column = "value" if how in ("sum", "mean", "min", "max") else ""
    return Measure(
        "events", how, column=column, where=draw(wheres()), window_days=draw(WINDOWS), least_rows=least, **ends
    )


LEAVES = st.one_of(
    measures(),
    attributes("age", True),
    attributes("city", False),
    st.builds(Keywords, st.sampled_from([("a",), ("上", "b"), ("ab", "a")]), st.just("remark")),
    st.builds(
        Unanswered,
        wheres(least=1),
        st.integers(0, 10),
        st.just("events"),
        st.just("contacts"),
        st.just(()),
        WINDOWS,
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([AllOf, AnyOf, NoneOf]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
RULES = st.lists(
    st.tuples(CONDITIONS, st.sampled_from(["x", "y"]), st.sampled_from(["", "g"]), st.integers(0, 1)),
    min_size=1,
    max_size=6,
).map(lambda rows: tuple(TagRule(f"r{i}", "basic", "t", *row) for i, row in enumerate(rows)))

RNG = np.random.default_rng(5)
PEOPLE = pd.DataFrame(
    {
        "customer_id": [f"c{i}" for i in range(12)],
        "age": [float(i % 8) if i % 5 else None for i in range(12)],
        "city": pd.Series([("a", "上", None, "b", " ", "xb")[i % 6] for i in range(12)], dtype="str"),
        "remark": pd.Series([("a b", "cab", None, "上海b", "AB!", "")[i % 6] for i in range(12)], dtype="str"),
    }
)
EVENTS = pd.DataFrame(
    {
        "customer_id": [f"c{i}" for i in RNG.integers(0, 10, 60)],
        "event": pd.Series([("a", "上", "b")[i] for i in RNG.integers(0, 3, 60)], dtype="str"),
        "occurred_at": pd.Timestamp("2024-07-05") - pd.to_timedelta(RNG.integers(0, 60 * 24, 60), unit="h"),
        "value": np.where(RNG.random(60) < 0.2, np.nan, RNG.integers(0, 9, 60) / 2),
    }
)
CONTACTS = pd.DataFrame(
    {
        "customer_id": [f"c{i}" for i in RNG.integers(0, 12, 14)],
        "contacted_at": pd.Timestamp("2024-07-02") - pd.to_timedelta(RNG.integers(0, 50, 14), unit="D"),
    }
)


def known(value):
    return not (value is None or value != value or (isinstance(value, str) and not value.strip()))


def inside(value, asked):
    return (
        (asked.low is None or value >= asked.low)
        and (asked.above is None or value > asked.above)
        and (asked.high is None or value < asked.high)
    )


def has(row, asked):
    value = row[asked.column]
    if asked.missing or not known(value):
        return asked.missing and not known(value)
    if asked.equals:
        return value in asked.equals
    return any(text in value for text in asked.contains) if asked.contains else inside(value, asked)


def rows_of(log, time, person, day, window=None):
    days = [(stamp.date(), row) for stamp, row in zip(log[time], log.to_dict("records"), strict=True)]
    last = day.toordinal()
    return [
        (on.toordinal(), row)
        for on, row in days
        if row["customer_id"] == person["customer_id"]
        and on.toordinal() <= last
        and (window is None or on.toordinal() > last - window)
    ]


def measured(asked, person, day):
    rows = rows_of(EVENTS, "occurred_at", person, day, asked.window_days)
    met = [(on, row) for on, row in rows if all(has(row, one) for one in asked.where)]
    values = [row["value"] for _, row in met if known(row["value"])]
    if asked.how == "count":
        return len(met)
    if asked.how == "days_since":
        return day.toordinal() - max(on for on, _ in met) if met else None
    if asked.how == "share":
        return len(met) / len(rows) if len(rows) >= asked.least_rows else None
    if asked.how == "sum":
        return sum(values)
    if asked.how == "mean":
        return sum(values) / len(values) if len(values) >= asked.least_rows else None
    return {"min": min, "max": max}[asked.how](values) if values else None


def meets(condition, person, day):
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        parts = [meets(part, person, day) for part in condition.parts]
        return {AllOf: all(parts), AnyOf: any(parts), NoneOf: not any(parts)}[type(condition)]
    if isinstance(condition, Attribute):
        return has(person, condition)
    if isinstance(condition, Measure):
        value = measured(condition, person, day)
        return value is not None and inside(value, condition)
    if isinstance(condition, Keywords):
        remark = person["remark"].lower() if known(person["remark"]) else ""
        return any(found(remark, word) for word in condition.words)
    done = [
        on
        for on, row in rows_of(EVENTS, "occurred_at", person, day, condition.window_days)
        if all(has(row, one) for one in condition.where)
    ]
    answers = [on for on, _ in rows_of(CONTACTS, "contacted_at", person, day)]
    open_days = [on for on in done if not answers or on > max(answers)]
    return bool(open_days) and min(open_days) + condition.within_days <= day.toordinal()


def found(remark, word):
    """Whether a word stands in a text, by looking at what stands beside each place."""
    for at in range(len(remark) - len(word) + 1):
        around = remark[at - 1 : at] if at else "", remark[at + len(word) : at + len(word) + 1]
        bounded = all(
            not (end.isascii() and beside and beside.isascii() and beside.isalnum())
            for end, beside in zip((word[0], word[-1]), around, strict=True)
        )
        if remark[at : at + len(word)] == word and bounded:
            return True
    return False


def expected(rules, day):
    rows = []
    for person in PEOPLE.to_dict("records"):
        met = [(-rule.priority, i, rule) for i, rule in enumerate(rules) if meets(rule.when, person, day)]
        for rank, i, rule in met:
            better = [other for r, k, other in met if (r, k) < (rank, i)]
            if not any(other.gives == rule.gives or (rule.group and other.group == rule.group) for other in better):
                rows.append((person["customer_id"], rule.value, rule.code))
    return sorted(rows)


def tagged(rules, day, **options):
    return engines.on_polars(
        lambda people, events, contacts: tags.tag_customers(
            rules, people, as_of=day, events=events, contacts=contacts, **options
        ),
        PEOPLE,
        EVENTS,
        CONTACTS,
    )


@settings(max_examples=15)
@given(RULES)
def test_tags_are_those_of_a_plain_evaluator(rules):
    rows = tagged(rules, AS_OF)
    assert sorted(rows[["customer_id", "value", "rule"]].itertuples(index=False, name=None)) == expected(rules, AS_OF)


EXACT = st.one_of(
    st.builds(lambda low, where: Measure("events", "days_since", low=low, where=where), st.integers(1, 12), wheres()),
    st.builds(lambda where: Measure("events", "count", low=1, where=where), wheres()),
    st.builds(lambda low: Measure("events", "max", low=low, column="value"), st.integers(0, 4)),
    st.builds(lambda high: Measure("events", "min", high=high, column="value"), st.integers(1, 4)),
    st.builds(lambda where, days: Unanswered(where, days, answer="contacts"), wheres(least=1), st.integers(0, 9)),
)


@settings(max_examples=6)
@given(st.one_of(EXACT, st.lists(EXACT, min_size=2, max_size=2).map(lambda parts: AllOf(tuple(parts)))))
def test_since_is_the_first_day_that_the_condition_holds_without_a_break(condition):
    rows = tagged((TagRule("r", "basic", "t", condition),), AS_OF)
    people = {person["customer_id"]: person for person in PEOPLE.to_dict("records")}
    for row in rows.itertuples():
        day = AS_OF
        while day > dt.date(2024, 4, 1) and meets(condition, people[row.customer_id], day - dt.timedelta(days=1)):
            day -= dt.timedelta(days=1)
        assert row.since == pd.Timestamp(day)


def test_since_of_what_no_log_tells_is_carried():
    rules = (TagRule("old", "basic", "old", Attribute("age", low=5)),)
    first = tagged(rules, dt.date(2024, 5, 1))
    again = engines.on_polars(
        lambda people, before: tags.tag_customers(rules, people, as_of=AS_OF, before=before), PEOPLE, first[:1]
    )
    assert again["since"].tolist() == [pd.Timestamp("2024-05-01"), *[pd.Timestamp(AS_OF)] * (len(again) - 1)]


def test_what_comes_later_changes_nothing():
    day = dt.date(2024, 6, 10)
    rules = (
        TagRule("a", "basic", "a", Measure("events", "sum", low=3, column="value")),
        TagRule("b", "basic", "b", Unanswered((Attribute("event", equals=("a", "b")),), 3, answer="contacts")),
        TagRule("c", "basic", "c", Measure("orders", "count", low=1)),
    )
    orders = pd.DataFrame(
        {
            "customer_id": ["c1", "c2", "c2"],
            "amount": [1.0, 2.0, -2.0],
            "order_id": ["1", "2", "2"],
            "ordered_at": pd.to_datetime(["2024-06-10 23:59", "2024-06-09 00:00", "2024-06-11 00:00"]),
        }
    )
    people = PEOPLE.assign(created_at=pd.to_datetime(["2024-06-11 00:00"] + ["2024-06-10 12:00"] * 11))
    parts = tags.six_dimensions(basic=("age",), need=("city",), decision_chain=("remark",), verified="created_at")

    def all_calls(events, contacts, orders, people):
        logs = {"orders": orders, "events": events, "contacts": contacts}
        touches = events.rename(columns={"occurred_at": "touched_at", "event": "channel"})
        return [
            tags.tag_customers(rules, people, as_of=day, **logs),
            tags.profile_completeness(people, parts=parts, as_of=day, **logs),
            tags.activity_metrics(people, as_of=day, **logs),
            tags.preferred_channel(touches, as_of=day),
        ]

    cut = pd.Timestamp("2024-06-11")
    past = all_calls(
        EVENTS[EVENTS["occurred_at"] < cut],
        CONTACTS[CONTACTS["contacted_at"] < cut],
        orders[orders["ordered_at"] < cut],
        people[people["created_at"] < cut],
    )
    for whole, part in zip(all_calls(EVENTS, CONTACTS, orders, people), past, strict=True):
        pd.testing.assert_frame_equal(whole, part)


def test_lines_of_one_order_are_one_order():
    orders = pd.DataFrame(
        {
            "customer_id": ["ann"] * 4 + ["bob"] * 2,
            "order_id": ["1", "1", None, None, "2", "2"],
            "ordered_at": pd.to_datetime(["2024-06-01"] * 6),
            "amount": [60.0, 60.0, 10.0, -5.0, 50.0, -60.0],
            "category": pd.Series(["phone", "case", "case", "case", "phone", "phone"], dtype="str"),
        }
    )
    rules = (
        TagRule("n", "basic", "orders", Measure("orders", "count", low=1)),
        TagRule("big", "basic", "big", Measure("orders", "count", low=1, where=Attribute("amount", low=100))),
        TagRule(
            "p", "basic", "phones", Measure("orders", "share", low=0.5, where=Attribute("category", equals="phone"))
        ),
        TagRule("s", "basic", "spent", Measure("orders", "sum", above=-100, column="amount")),
    )
    people = pd.DataFrame({"customer_id": ["ann", "bob"]})

    def said(refunds):
        rows = tags.tag_customers(rules, people, orders=orders, as_of=AS_OF, refunds=refunds)
        return {(row.customer_id, row.tag): row.evidence.split(" = ")[-1] for row in rows.itertuples()}

    ann = {("ann", "orders"): "2", ("ann", "big"): "1", ("ann", "phones"): "0.50", ("ann", "spent"): "130"}
    assert said("exclude") == {**ann, ("bob", "spent"): "0"}  # bob's order 2 comes to -10: a refund
    assert said("net") == {**ann, ("ann", "spent"): "125", ("bob", "spent"): "-10"}
    with pytest.raises(SchemaError, match="negative"):
        said("raise")


@pytest.mark.parametrize(
    ("remark", "words", "evidence"),
    [
        ("对AI感兴趣", ("ai",), "ai"),
        ("maintains", ("ai",), None),
        ("C++ and .NET", ("c++",), "c++"),
        ("C++11", ("c++",), "c++"),  # a sign is an end of its own
        ("naïve café", ("caf",), None),
        ("brand: Café", ("café",), "café"),
        ("tea_time", ("tea",), "tea"),
        ("a.b", ("a.b",), "a.b"),
        ("axb", ("a.b",), None),
        ("先看手机再看电脑", ("电脑", "手机"), "电脑"),
    ],
)
def test_words(remark, words, evidence):
    rule = TagRule("w", "interest", "w", Keywords(words))
    people = pd.DataFrame({"customer_id": ["ann"], "remark": [remark]})
    for found in (
        tags.tag_customers([rule], people, as_of=AS_OF),
        engines.on_polars(lambda p: tags.tag_customers([rule], p, as_of=AS_OF), people),
    ):
        assert found["evidence"].tolist() == ([evidence] if evidence else [])


# ------------------------------------------------------------------------------------------- changes


def test_changes_of_tags_of_several_values():
    def owned(*values):
        return pd.DataFrame(
            {
                "customer_id": "ann",
                "dimension": "interest",
                "tag": "likes",
                "value": list(values),
                "since": pd.Timestamp("2024-06-29"),
            }
        )

    moved = tags.tag_changes(owned("tea", "pots"), owned("tea", "cups", "trays"), as_of=AS_OF).fillna("")
    assert moved[["change", "value_before", "value"]].values.tolist() == [
        ["entered", "", "cups"],
        ["entered", "", "trays"],
        ["left", "pots", ""],
    ]
    assert tags.tag_changes(None, owned("tea"), as_of=AS_OF)["change"].tolist() == ["entered"]
    assert len(tags.tag_changes(owned("tea"), owned("tea"), as_of=AS_OF)) == 0


# ------------------------------------------------------------------------------------------- files and findings


@settings(max_examples=25)
@given(RULES)
def test_rules_written_and_read_again_are_the_same(rules):
    assert tags.read_tag_rules(tags.tag_rules_to_toml(rules)) == rules
    assert tags.read_tag_rules(tags.tag_rules_to_json(rules)) == rules


RULE = '[[rules]]\ncode = "a"\ndimension = "basic"\ntag = "t"\nwhen = '


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RULE + '{ column = "x", low = 5, high = 5 }', "tag rules.rules[0].when: The range must begin below high"),
        (RULE + '{ all_of = [{ column = "x" }] }', "tag rules.rules[0].when.all_of[0]: An attribute takes exactly one"),
        (
            RULE + '{ log = "orders", how = "count", low = 1, where = [{ column = "x", lo = 5 }] }',
            "tag rules.rules[0].when.where[0].lo: no such field; expected any of column, equals",
        ),
        (RULE + "{ words = [] }", "tag rules.rules[0].when: words must hold at least one word"),
        (RULE + '{ log = "orders", how = "sum", low = 1 }', "tag rules.rules[0].when: column goes with sum"),
        (RULE + '{ any_of = [], column = "x" }', "tag rules.rules[0].when: expected a list 'any_of'"),
        ("x = 1", "tag rules: expected a list 'rules' of tables alone, got {'x': 1}."),
        (2 * (RULE + '{ column = "x", missing = true }\n'), "tag rules: Tag rules must have codes of their own; 'a'"),
    ],
)
def test_an_error_of_a_file_names_its_place(text, says):
    with pytest.raises(DomainError) as caught:
        tags.read_tag_rules(text)
    assert str(caught.value).startswith(says)


def rule(code, when, value="yes", group="", priority=0):
    return TagRule(code, "basic", "t", when, value, group, priority)


AGE = Attribute("age", low=25, high=30)


@pytest.mark.parametrize(
    ("rules", "kind", "place"),
    [
        ([rule("a", AllOf((AGE, Attribute("age", low=30))))], "never", "a"),
        ([rule("a", AllOf((AGE, NoneOf((Attribute("age", low=20),)))))], "never", "a"),
        ([rule("a", Measure("orders", "share", above=1))], "never", "a"),
        ([rule("a", Measure("orders", "count", high=0))], "never", "a"),
        ([rule("a", Measure("orders", "days_since", low=30, window_days=30))], "never", "a"),
        ([rule("a", Unanswered(AGE, 30, window_days=30))], "never", "a"),
        ([rule("a", Attribute("age", low=20), "x", "g", 1), rule("b", AGE, "y", "g")], "never", "b"),
        ([rule("a", AGE, "x", "g"), rule("b", Attribute("age", low=29), "y", "g")], "tie", "a, b"),
        ([rule("a", AGE, "x"), rule("b", Attribute("age", low=29), "y")], "overlap", "a, b"),
    ],
)
def test_what_is_odd_is_found(rules, kind, place):
    assert [(one.kind, one.place) for one in tags.check_tags(rules)] == [(kind, place)]


def test_nothing_is_odd_about_the_presets():
    rules = [*tags.value_levels(), tags.price_sensitive(), tags.long_decision_chain(), tags.viewed_without_order()]
    rules += [tags.inactive(), *tags.keyword_rules(), *tags.worth_and_potential(high_worth=1, high_potential=1)]
    columns = {
        "customers": ["customer_id", "remark", "revenue", "clv"],
        "orders": ["amount", "discount", "approval_levels"],
        "events": ["event", "value"],
    }
    assert tags.check_tags(rules, columns=columns) == ()
    del columns["events"]
    assert {(one.kind, one.place) for one in tags.check_tags(rules, columns=columns | {"orders": ["amount"]})} == {
        ("unknown", code) for code in ("price_sensitive", "long_decision_chain", "viewed_without_order", "inactive")
    }


@settings(max_examples=15)
@given(RULES)
def test_a_rule_found_never_to_hold_never_holds(rules):
    never = {one.place for one in tags.check_tags(rules) if one.kind == "never"}
    assert not never & {code for _, _, code in expected(rules, AS_OF)}


def test_what_can_not_be_done_is_refused():
    by_orders = rule("a", Measure("orders", "count", low=1))
    with pytest.raises(DomainError, match=r"Tag rule 'a' needs the table orders, which was not given\."):
        tags.tag_customers([by_orders], PEOPLE, as_of=AS_OF)
    with pytest.raises(SchemaError, match="customers: the column height is asked for"):
        tags.tag_customers([rule("a", Attribute("height", low=1))], PEOPLE, as_of=AS_OF)
    with pytest.raises(SchemaError, match=r"customers\.city: the column holds text; a number is asked for"):
        tags.tag_customers([rule("a", Attribute("city", low=1))], PEOPLE, as_of=AS_OF)
    with pytest.raises(SchemaError, match="stand in more than one row"):
        tags.tag_customers([rule("a", AGE)], pd.concat([PEOPLE, PEOPLE]), as_of=AS_OF)
    with pytest.raises(DomainError, match="rules must be a sequence of at least one TagRule"):
        tags.tag_customers([], PEOPLE, as_of=AS_OF)
    with pytest.raises(DomainError, match="needs the table events"):
        tags.profile_completeness(PEOPLE, parts=[tags.ProfilePart("x", log="events")], as_of=AS_OF)
    with pytest.raises(DomainError, match="Give at least one log"):
        tags.activity_metrics(PEOPLE, as_of=AS_OF)


# ------------------------------------------------------------------------------------------- shares


def test_shrunk_shares_are_the_posterior_of_a_beta_prior():
    from scipy import stats

    hits, of, usual = np.array([0.0, 1.0, 9.0, 5.0]), np.array([0.0, 1.0, 10.0, 5.0]), np.array([0.2, 0.5, 0.1, 1.0])
    share, low, high = shrunk_share(hits, of, usual, strength=5.0)
    for i in range(3):
        beta = stats.beta(hits[i] + 5 * usual[i], of[i] - hits[i] + 5 * (1 - usual[i]))
        # betaincinv and beta.ppf invert the same function, each to about 1e-10.
        np.testing.assert_allclose([share[i], low[i], high[i]], [beta.mean(), *beta.interval(0.95)], rtol=1e-8)
    assert (share[3], low[3], high[3]) == (1.0, 1.0, 1.0)


def test_ties_of_channels_go_to_the_last_used_and_are_said():
    touches = pd.DataFrame(
        {
            "customer_id": ["ann"] * 4 + ["bob"] * 2,
            "channel": ["mail", "phone", "phone", "mail", "b", "a"],
            "touched_at": pd.to_datetime(
                ["2024-06-01", "2024-06-02", "2024-06-03", "2024-06-04", "2024-06-05", "2024-06-05"]
            ),
        }
    )
    found = tags.preferred_channel(touches, as_of=AS_OF)
    assert found[["channel", "verdict"]].values.tolist() == [["mail", "tie"], ["a", "tie"]]


def test_numbers_over_other_rows_are_not_taken_for_one_another():
    """Equal numbers of a log are made once: the window, the rows, the column, and what is done tell them apart."""
    people = engines.to_engine("polars", PEOPLE)  # plans fastest
    events = engines.to_engine("polars", EVENTS.assign(other=EVENTS["value"] * 3))
    asked = [
        Measure("events", how, column=column, where=where, window_days=window, low=-1e9)
        for how, column in (("sum", "value"), ("sum", "other"), ("max", "value"), ("min", "value"), ("count", ""))
        for where in ((), (Attribute("event", equals="a"),))
        for window in (None, 20)
    ]
    rules = [TagRule(f"r{i}", "basic", f"t{i}", one) for i, one in enumerate(asked)]
    together = tags.tag_customers(rules, people, as_of=AS_OF, events=events)
    alone = [tags.tag_customers([rule], people, as_of=AS_OF, events=events) for rule in rules]
    for rule, found in zip(rules, alone, strict=True):
        mine = together.filter(together["rule"] == rule.code)
        assert mine.equals(found)

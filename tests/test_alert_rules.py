"""Alert rules as data: round trips, and errors that name the place."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import churn, frames
from crmkit.churn import AlertRule
from crmkit.errors import DomainError
from tests import engines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def alert_rules(draw) -> AlertRule:
    kind = draw(st.sampled_from(["silence", "own_cycle_silence", "falling_spend", "subscription_end", "health_red"]))
    falls = kind in ("falling_spend", "health_red")
    at = {"falling_spend": draw(st.floats(0.1, 1.0)), "health_red": 2.0}.get(kind, draw(st.floats(2.0, 400.0)))
    further = at / 2 if kind == "subscription_end" else at * 1.5
    steps = draw(st.sampled_from([(), (("critical", further),)])) if not falls else ()
    return AlertRule(
        draw(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)),
        kind,
        at,
        draw(TEXTS),
        draw(TEXTS),
        name_zh=draw(TEXTS),
        severity=draw(st.sampled_from(["info", "warning"])),
        escalates=steps,
        clear_at=draw(st.none() | st.floats(0.05, at)) if falls else None,
        least_order_days=draw(st.integers(2, 9)),
        tiers=tuple(draw(st.lists(TEXTS, max_size=3))),
        cool_down_days=draw(st.integers(0, 90)),
        floor_days=draw(st.floats(1.0, 30.0)),
    )


@given(st.lists(alert_rules(), min_size=1, max_size=3, unique_by=lambda rule: rule.code))
def test_rules_come_back_from_toml_and_json(rules):
    assert churn.read_rules(churn.rules_to_toml(rules)) == tuple(rules)
    assert churn.read_rules(churn.rules_to_json(rules)) == tuple(rules)


def test_the_default_rules_come_back_from_files(tmp_path):
    for suffix, write in (("toml", churn.rules_to_toml), ("json", churn.rules_to_json)):
        path = tmp_path / f"rules.{suffix}"
        path.write_text(write(churn.DEFAULT_RULES), encoding="utf-8")
        assert churn.read_rules(path) == churn.read_rules(str(path)) == churn.DEFAULT_RULES
    assert all(rule.name_zh and rule.play_zh for rule in churn.DEFAULT_RULES)
    assert churn.DEFAULT_RULES[0].text("zh")[0] == "沉默超出自身周期"


GOOD = '[[rules]]\ncode = "a"\nkind = "silence"\nraise_at = 30\nname = "A"\nplay = "B"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules = 3", r"^rules: expected a list 'rules' of alert rules, got {'rules': 3}"),
        ("[[rules]", r"^rules: neither TOML nor JSON: .*line 1"),
        ('{"rules": [1]}', r"^rules: rules\[0\]: expected a table of the fields of a rule, got 1"),
        (
            GOOD + GOOD.replace('"a"', '"b"') + "raise = 3",
            r"^rules: rules\[1\].raise: no such field; expected any of c",
        ),
        (GOOD.replace("raise_at = 30\n", ""), r"^rules: rules\[0\].raise_at: the field is missing"),
        (GOOD.replace('"A"', "7"), r"^rules: rules\[0\].name: expected a text, got 7"),
        (GOOD + "escalates = 40", r"^rules: rules\[0\].escalates: expected a table of severity and threshold, got 40"),
        (GOOD + 'tiers = "VIP"', r"^rules: rules\[0\].tiers: expected a list of texts, got 'VIP'"),
        (GOOD.replace("30", "-1"), r"^rules: rules\[0\]: Alert rule 'a': raise_at must be a number above 0, got -1"),
        (GOOD + GOOD, r"^rules must be at least one, of unique codes; got a twice"),
        ("missing.toml", r"^The rules 'missing.toml' can't be read: No such file"),
    ],
)
def test_an_error_names_the_place(text, said):
    with pytest.raises(DomainError, match=said):
        churn.read_rules(text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"code": "a b"}, "code must be letters, digits"),
        ({"kind": "mood"}, "kind must be one of own_cycle_silence, silence"),
        ({"raise_at": "30"}, "raise_at must be a number above 0, got '30'"),
        ({"raise_at": True}, "raise_at must be a number above 0, got True"),
        ({"raise_at": float("nan")}, "raise_at must be a number above 0, got nan"),
        ({"kind": "falling_spend", "raise_at": 1.5}, "raise_at must be a share above 0 and at most 1, got 1.5"),
        ({"kind": "health_red", "raise_at": 3}, r"raise_at must be 1 \(yellow\) or 2 \(red\), got 3"),
        ({"severity": "bad"}, "severity must be one of info, warning, critical"),
        ({"escalates": (("info", 90.0),)}, "escalates must be pairs of a severity and a threshold, each graver"),
        ({"escalates": (("critical", 20.0),)}, "escalates must be pairs"),
        ({"kind": "subscription_end", "escalates": (("critical", 40.0),)}, "escalates must be pairs"),
        ({"clear_at": 10.0}, "clear_at must be left out for this kind"),
        ({"kind": "falling_spend", "raise_at": 0.5, "clear_at": 0.6}, "clear_at must be above 0 and at most raise_at"),
        ({"kind": "own_cycle_silence"}, "least_order_days must be a whole number of at least 2, got 1"),
        ({"cool_down_days": -1}, "cool_down_days must be a whole number of days"),
        ({"window_days": 0}, "window_days must be"),
        ({"floor_days": 0.0}, "floor_days must be at least 1"),
        # As a text it would be asked letter by letter, and nobody be on the list.
        ({"tiers": "VIP"}, r"tiers must be a tuple of texts, such as \('VIP',\), got 'VIP'"),
        ({"tiers": None}, "tiers must be a tuple of texts"),
        ({"escalates": ("critical", 60.0)}, "escalates must be pairs of a severity and a threshold"),
        ({"escalates": (("critical",),)}, "escalates must be pairs of a severity and a threshold"),
        ({"name": None}, "name must be a text, got None"),
        ({"play": 5}, "play must be a text, got 5"),
    ],
)
def test_a_rule_out_of_its_domain_is_refused(fields, said):
    whole = {"code": "a", "kind": "silence", "raise_at": 30.0, "name": "A", "play": "B"} | fields
    with pytest.raises(DomainError, match=f"^Alert rule '{whole['code']}': {said}"):
        AlertRule(**whole)


def test_dates_of_ordinals_on_every_engine(engine):
    days = pd.to_datetime(["1900-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "2199-12-31"]).astype(
        "datetime64[us]"
    )
    table = pd.DataFrame({"number": [day.toordinal() for day in days.date] + [None]}, dtype="Int64").astype("float64")
    native = engines.to_engine(engine, table)
    entered = frames.enter(native)
    found = frames.leave(frames.with_dates(entered, day="number"), like=native)
    rows = engines.to_pandas(found).sort_values("day", ignore_index=True)
    assert rows["day"].tolist()[:5] == list(days)
    assert rows["day"].isna().tolist()[5]

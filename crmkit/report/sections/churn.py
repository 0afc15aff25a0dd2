"""Who is leaving, and what does it put at risk? Open alerts, what is new, how often each rule was right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import churn, frames, plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import FEW, ROWS, Edition
from crmkit.report.section import Call, CallList, Column, Fact, Section, Sheet

_ALERT: Final[dict[str, reading.Kind]] = {
    "rule": "text",
    "play": "text",
    "precision": "number",
    "precision_low": "number",
    "precision_high": "number",
    "lift": "number",
    "tested": "text",
}
_STATE: Final[dict[str, reading.Kind]] = {
    "customer_id": "text",
    "rule": "text",
    "severity": "text",
    "state": "text",
    "since": "day",
    "resolved_on": "day",
    "value_at_risk": "number",
    "reason": "text",
}
_FRESH: Final = ("opened", "escalated")


def churn_section(edition: Edition) -> Section | None:
    """Make the section of "churn_alerts" and "churn_alert_state", with the alerts of the run before if there."""
    results, words = edition.results, edition.words("churn")
    if not results.has("churn_alerts", "churn_alert_state"):
        return None
    rules, states = _by_rule(edition), _states(edition)
    risk = _at_risk(results.tables["churn_alert_state"])
    horizon = results.settings("churn").get("horizon_days", 90)
    tested = any(rule["precision"] is not None for rule in rules)
    return Section(
        "churn",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, rules, risk)),
        drawings=_drawings(edition, rules) if rules else (),
        sheets=(_rules(edition, rules, states), _open(edition, rules, states)) if rules else (),
        definitions=tuple(_definitions(edition, horizon)),
        trust=tuple(f"{_name(edition, rule['rule'])}: {rule['tested']}" for rule in rules if rule["tested"])
        if tested
        else (words["trust_none"],),
        limits=tuple(words[key] for key in ("limits_why", "limits_effect", "limits_risk")),
        facts=(
            Fact(
                words["fact"],
                edition.money(risk["risk"]),
                words["fact_note"].format(customers=edition.count(risk["customers"])),
                "churn",
            ),
        ),
        news=tuple(_news(edition, states, risk)),
        calls=_calls(edition, states),
    )


def _open_only() -> nw.Expr:
    return nw.col("resolved_on").is_null()


def _at_risk(states: Any) -> reading.Row:
    """Sum up what customers with open alerts put at risk, each customer once, with the highest of its alerts."""
    each = reading.entered(states, _STATE).filter(_open_only())
    once = each.group_by("customer_id").agg(risk=nw.col("value_at_risk").max())
    found = reading.rows(once.select(customers=nw.len(), risk=nw.col("risk").sum()), ["customers", "risk"])[0]
    return {"customers": found["customers"], "risk": found["risk"] or 0.0}


def _by_rule(edition: Edition) -> list[reading.Row]:
    """Read a row per rule with open alerts, the costliest first."""
    tables = edition.results.tables
    told = ("precision", "precision_low", "precision_high", "lift", "play", "tested")
    quality = reading.grouped(
        tables["churn_alerts"], _ALERT, by=["rule"], aggregates={name: nw.col(name).max() for name in told}
    )
    known = {row["rule"]: row for row in quality}
    found = reading.grouped(
        tables["churn_alert_state"],
        _STATE,
        by=["rule"],
        aggregates={"alerts": nw.len(), "risk": nw.col("value_at_risk").sum()},
        where=_open_only(),
    )
    rules = [dict.fromkeys(told) | known.get(row["rule"], {}) | row for row in found]
    return sorted(rules, key=lambda row: (-(row["risk"] or 0.0), row["rule"]))


def _states(edition: Edition) -> dict[tuple[str, str], int]:
    """Count alerts by rule and state; of those that are over, the ones that were resolved in this run."""
    table, day = edition.results.tables["churn_alert_state"], edition.results.day
    now = _open_only() | (nw.col("resolved_on") == nw.lit(day))
    counted = reading.grouped(table, _STATE, by=["rule", "state"], aggregates={"alerts": nw.len()}, where=now)
    return {(row["rule"], row["state"]): row["alerts"] for row in counted}


def _drawings(edition: Edition, rules: Sequence[reading.Row]) -> tuple[Drawing, ...]:
    """Draw the open alerts of the state; their plays come from the alerts."""
    table, play = edition.results.tables["churn_alert_state"], nw.lit("")
    for rule in rules:
        play = nw.when(nw.col("rule") == nw.lit(rule["rule"])).then(nw.lit(rule["play"] or "")).otherwise(play)
    still = frames.enter(table).filter(_open_only()).with_columns(play=play)
    listed = plots.plot_alerts(frames.leave(still, like=table), currency=edition.about.currency, locale=edition.locale)
    return (drawing("at-risk", listed),)


def _name(edition: Edition, code: str) -> str:
    """Name of a default rule; the code of a rule of the caller's."""
    for rule in churn.DEFAULT_RULES:
        if rule.code == code:
            return (rule.name_zh if edition.locale == "zh" else "") or rule.name
    return code


def _sentences(edition: Edition, rules: Sequence[reading.Row], risk: reading.Row) -> list[str]:
    words = edition.words("churn")
    if not rules:
        return [words["say_none"]]
    facts = {
        "alerts": edition.count(sum(rule["alerts"] for rule in rules)),
        "customers": edition.count(risk["customers"]),
        "risk": edition.money(risk["risk"]),
    }
    worst = {
        "rule": _name(edition, rules[0]["rule"]),
        "customers": edition.count(rules[0]["alerts"]),
        "risk": edition.money(rules[0]["risk"]),
    }
    return [words["say_now"].format(**facts), words["say_worst"].format(**worst)]


def _news(edition: Edition, states: dict[tuple[str, str], int], risk: reading.Row) -> list[str]:
    words, results = edition.words("churn"), edition.results
    counts = {
        state: sum(alerts for (_, own), alerts in states.items() if own == state)
        for state in ("opened", "escalated", "resolved")
    }
    said = [words["news"].format(**{state: edition.count(alerts) for state, alerts in counts.items()})]
    if "churn_alert_state" not in results.earlier:
        return said
    then = _at_risk(results.earlier["churn_alert_state"])["risk"]
    change = risk["risk"] - then
    key = "same" if edition.money(risk["risk"]) == edition.money(then) else "more" if change > 0 else "less"
    facts = {"change": words[key].format(change=edition.money(abs(change))), "before": edition.since}
    return [*said, words["news_risk"].format(now=edition.money(risk["risk"]), then=edition.money(then), **facts)]


def _rules(edition: Edition, rules: Sequence[reading.Row], states: dict[tuple[str, str], int]) -> Sheet:
    words = edition.words("churn")
    numbers = ("alerts", "fresh", "risk", "precision", "interval", "lift")
    columns = (
        Column(words["rule"], "text"),
        *(Column(words[name], "text" if name == "interval" else "number") for name in numbers),
        Column(words["play"], "words"),
    )
    rows = []
    for rule in rules:
        low, high = edition.share(rule["precision_low"]), edition.share(rule["precision_high"])
        interval = words["interval_is"].format(low=low, high=high) if rule["precision_low"] is not None else None
        fresh = sum(states.get((rule["rule"], state), 0) for state in _FRESH)
        rows.append(
            (
                edition.text_cell(_name(edition, rule["rule"])),
                edition.count_cell(rule["alerts"]),
                edition.count_cell(fresh),
                edition.money_cell(rule["risk"]),
                edition.share_cell(rule["precision"], bar=True),
                edition.text_cell(interval),
                edition.count_cell(rule["lift"]),
                edition.text_cell(rule["play"]),
            )
        )
    return Sheet("rules", words["rules_title"], columns, tuple(rows), len(rows))


def _open(edition: Edition, rules: Sequence[reading.Row], states: dict[tuple[str, str], int]) -> Sheet:
    words, plays = edition.words("churn"), {rule["rule"]: rule["play"] for rule in rules}
    found = reading.top(
        edition.results.tables["churn_alert_state"],
        _STATE,
        by="value_at_risk",
        key=["customer_id", "rule"],
        limit=ROWS,
        where=_open_only(),
    )
    columns = (
        Column(words["customer"], "text"),
        Column(words["risk"]),
        Column(words["reason"], "words"),
        Column(words["rule"], "text", choice=True),
        Column(words["severity"], "text", choice=True),
        Column(words["state"], "text", choice=True),
        Column(words["since"]),
        Column(words["play"], "words"),
    )
    rows = tuple(
        (
            edition.text_cell(row["customer_id"]),
            edition.money_cell(row["value_at_risk"]),
            edition.text_cell(row["reason"]),
            edition.text_cell(_name(edition, row["rule"])),
            edition.text_cell(words.get(f"severity_{row['severity']}", row["severity"])),
            edition.text_cell(words.get(f"state_{row['state']}", row["state"])),
            edition.day_cell(row["since"]),
            edition.text_cell(plays.get(row["rule"])),
        )
        for row in found
    )
    total = sum(alerts for (_, state), alerts in states.items() if state != "resolved")
    return Sheet("alerts", words["list_title"], columns, rows, total)


def _calls(edition: Edition, states: dict[tuple[str, str], int]) -> tuple[CallList, ...]:
    words, total = edition.words("churn"), sum(n for (_, state), n in states.items() if state in _FRESH)
    if not total:
        return ()
    found = reading.top(
        edition.results.tables["churn_alert_state"],
        _STATE,
        by="value_at_risk",
        key=["customer_id", "rule"],
        limit=FEW * len({rule for rule, _ in states}),
        where=nw.col("state").is_in(list(_FRESH)),
    )
    once = {row["customer_id"]: row for row in reversed(found)}  # several rules can hold for one customer
    calls = tuple(
        Call(who or "", edition.money(row["value_at_risk"]), row["reason"] or "")
        for who, row in list(reversed(once.items()))[:FEW]
    )
    return (CallList(words["calls"], calls, total, "alerts"),)


def _definitions(edition: Edition, horizon: int) -> list[tuple[str, str]]:
    words = edition.words("churn")
    return [
        (words["alerts"], words["alert_is"].format(as_of=edition.as_of)),
        (words["state"], words["state_is"]),
        (words["risk"], words["risk_is"].format(horizon=edition.count(horizon))),
        (words["since"], words["since_is"]),
        (f"{words['precision']}, {words['lift']}", words["precision_is"].format(horizon=edition.count(horizon))),
    ]

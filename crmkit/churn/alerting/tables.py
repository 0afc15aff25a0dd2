"""Tables that alerts take and make."""

from __future__ import annotations

from crmkit.schema import CUSTOMERS, Column, Table

_CUSTOMER = CUSTOMERS["customer_id"]


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning, domain="never empty", required=True, nullable=False)


def _day(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "time", meaning, "local time", "years 1900 to 2199", required)


def _number(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, "number", meaning, unit, "finite")


HEALTH = Table(
    "health",
    "one row per customer, from churn.health_scores or of your own",
    (
        _CUSTOMER,
        Column("colour", "text", "green, yellow, red or unknown", required=True),
        _number("score", "health, higher is better"),
        _day("turned_red_on", "day since which it is red"),
    ),
)
ALERTS = Table(
    "alerts",
    "one row per customer and rule, from churn.alerts",
    (
        _CUSTOMER,
        _text("rule", "code of the rule"),
        _text("severity", "info, warning or critical"),
        _day("since", "first day of the condition"),
        _number("measure", "what the rule measures"),
        _number("value_at_risk", "expected loss", "money"),
        Column("reason", "text", "why, in words"),
    ),
)
STATES = Table(
    "states",
    "one row per alert, open or resolved, from churn.update_alerts",
    (
        Column("alert_id", "id", "which alert", domain="never empty", required=True, nullable=False),
        _CUSTOMER,
        _text("rule", "code of the rule"),
        Column("state", "text", "opened, ongoing, escalated, acknowledged, snoozed or resolved"),
        _text("severity", "severity on the day it was last seen"),
        _text("worst_severity", "highest severity so far"),
        _day("since", "first day of the condition"),
        Column("opened_on", "time", "day of the run that opened it", "local time", required=True, nullable=False),
        Column("last_seen_on", "time", "last run that had it", "local time", required=True, nullable=False),
        _day("escalated_on", "day of the run that raised the severity last", required=True),
        _day("acknowledged_on", "set by you: somebody is at it", required=True),
        _day("snoozed_until", "set by you: last day on which it stays quiet", required=True),
        _day("resolved_on", "day on which it was over", required=True),
        _number("measure", "what the rule measures"),
        _number("value_at_risk", "expected loss", "money"),
        Column("reason", "text", "why, in words"),
    ),
)
STATE_COLUMNS = STATES.known

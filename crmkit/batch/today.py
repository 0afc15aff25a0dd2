"""Whom to call today: the first few of what a run has found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from crmkit import frames

_FEW = 5


@dataclass(frozen=True, slots=True)
class Today:
    """The first few of each list, the gravest first.

    Attributes
    ----------
    alerts : tuple of (customer, reason)
        Opened or escalated in this run, by value at risk.
    reminders : tuple of (customer, reason)
        To be reminded today, by expected value.
    leads : tuple of (lead, score as text)
        Due for sales since `as_of`, by score.
    """

    alerts: tuple[tuple[str, str], ...] = ()
    reminders: tuple[tuple[str, str], ...] = ()
    leads: tuple[tuple[str, str], ...] = ()


def today_of(database: frames.AnyDatabase, rooms: Collection[str], day: dt.date) -> Today:
    """Look the first few up in the results."""
    alerts, reminders, leads = [], [], []
    if "churn" in rooms:
        alerts = database.first(
            *("churn_alert_state", ["customer_id", "reason"]),
            where="state in ('opened', 'escalated')",
            order="value_at_risk desc nulls last, customer_id, rule",
            limit=_FEW,
        )
    if "repurchase" in rooms:
        reminders = database.first(
            *("repurchase_reminders", ["customer_id", "reason"]),
            where=f"remind_on <= date '{day.isoformat()}'",
            order="expected_value desc nulls last, customer_id",
            limit=_FEW,
        )
    if "scoring" in rooms:
        leads = database.first(
            *("scoring_scores", ["lead_id", "score"]),
            where=f"handed_off_at >= date '{day.isoformat()}'",
            order="score desc, lead_id",
            limit=_FEW,
        )
    return Today(_texts(alerts), _texts(reminders), _texts(leads))


def _texts(rows: list[tuple[object, ...]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(who), str(what)) for who, what in rows)

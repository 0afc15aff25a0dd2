"""Everyone whom rules may speak of: what the log knows, beside tiers, contacts, contracts and health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.churn.alerting.log import UNITS, YEAR, Days
from crmkit.churn.alerting.rules import DEFAULT_RULES, LEVELS, AlertRule
from crmkit.churn.alerting.tables import HEALTH, STATES
from crmkit.errors import DomainError, SchemaError

_TABLE_OF: Final = {"no_contact": "contacts", "subscription_end": "subscriptions", "health_red": "health"}
_RUNNING_ON = 10**7  # an ordinal beyond every calendar: a contract without an end
_TABLES: Final = {"contacts": schema.CONTACTS, "subscriptions": schema.SUBSCRIPTIONS, "health": HEALTH}


@dataclass(frozen=True, slots=True)
class Tables:
    """What the caller gave beside the orders; None for what was not given."""

    customers: Any = None
    contacts: Any = None
    subscriptions: Any = None
    health: Any = None
    open_alerts: Any = None

    def has(self, rule: AlertRule) -> str:
        """Name what the rule lacks; empty if it lacks nothing."""
        needed = _TABLE_OF.get(rule.kind)
        if needed and getattr(self, needed) is None:
            return f"the table {needed}"
        if rule.tiers and (self.customers is None or "tier" not in frames.column_names(self.customers)):
            return "the table customers with a column tier"
        return ""


def applied(rules: Sequence[AlertRule], tables: Tables) -> tuple[AlertRule, ...]:
    """Keep the rules whose tables are there: a default rule is left out, one of your own is an error."""
    for rule in rules:
        lacking = tables.has(rule)
        if lacking and rule not in DEFAULT_RULES:
            raise DomainError(
                f"Alert rule {rule.code!r} of kind {rule.kind!r} needs {lacking}, which was not given.\n"
                f"Give it, or leave the rule out of rules."
            )
    return tuple(rule for rule in rules if not tables.has(rule))


def entered(tables: Tables, rows: frames.Frame, days: Days) -> tuple[frames.Frame, Mapping[str, frames.Frame]]:
    """Take the tables in beside the log; log and tables come back with ids of one type.

    Tables by name, one row per customer: "customers" (`tier`, `value`, `created`: ordinal), "contacts" (`contact_c`:
    ordinal of the last contact up to day c), "subscriptions" (`ends`, `term`: ordinals of the contract), "health"
    (`level`, `score`, `red_since`: ordinal); of these and "open_alerts" (a row per open alert: `rule`, `since_day`)
    what was given.
    """
    parts = _parts(tables, days, rows)
    log, *others = schema.same_ids(rows, *parts.values())
    return log, dict(zip(parts, others, strict=True))


def everyone(known: frames.Frame, given: Mapping[str, frames.Frame]) -> frames.Frame:
    """Add to `known_on` those without an order, and what the other tables say (the columns of `entered`)."""
    parts = {name: part for name, part in given.items() if name != "open_alerts"}
    whole = [parts[name] for name in ("customers", "subscriptions", "health") if name in parts]
    if whole:
        ids = nw.concat([part.select("customer_id") for part in (known, *whole)])
        known = ids.group_by("customer_id").agg().join(known, on="customer_id", how="left")
        counts = [name for name in frames.names_of(known) if name.startswith(("n_", "s_"))]
        known = known.with_columns(nw.col(*counts).fill_null(0)) if counts else known
    for part in parts.values():
        known = known.join(part, on="customer_id", how="left")
    return known


def value(days: Days, columns: Sequence[str]) -> nw.Expr:
    """Give what a customer is worth: the column of `customers`, else revenue of the year up to today; at least 0."""
    if "value" in columns:
        return nw.col("value").cast(nw.Float64)
    revenue = (nw.col(f"s_{days.today}") - nw.col(f"s_{days.today - YEAR}")) / UNITS
    return nw.when(revenue > 0).then(revenue).otherwise(0.0)


def _parts(tables: Tables, days: Days, beside: frames.Frame) -> Mapping[str, frames.Frame]:
    made = {}
    if tables.customers is not None:
        made["customers"] = _customers(tables.customers, beside)
    if tables.contacts is not None:
        made["contacts"] = _contacts(tables.contacts, days, beside)
    if tables.subscriptions is not None:
        made["subscriptions"] = _subscriptions(tables.subscriptions, days, beside)
    if tables.health is not None:
        made["health"] = _health(tables.health, beside)
    if tables.open_alerts is not None:
        made["open_alerts"] = _still_open(tables.open_alerts, beside)
    return made


def _customers(customers: Any, beside: frames.Frame) -> frames.Frame:
    columns = ("customer_id", "tier", "value", "created_at")
    rows = schema.admit(customers, schema.CUSTOMERS, columns=columns, beside=beside)
    schema.check_once(rows, "customers")
    return _numbered(rows, created="created_at")


def _contacts(contacts: Any, days: Days, beside: frames.Frame) -> frames.Frame:
    rows = schema.admit(contacts, schema.CONTACTS, columns=("customer_id", "contacted_at"), beside=beside)
    day = nw.col("day")
    columns = {f"contact_{c}": nw.when(day <= c).then(day) for c in days.snapshots}
    marked = _numbered(rows, day="contacted_at").with_columns(**columns)
    return marked.group_by("customer_id").agg(*[nw.col(name).max() for name in columns])


def _subscriptions(subscriptions: Any, days: Days, beside: frames.Frame) -> frames.Frame:
    """Find when the contract ends that covers today longest: `ends`, and `term`, the day it began."""
    columns = ("customer_id", "started_at", "ended_at")
    rows = schema.admit(subscriptions, schema.SUBSCRIPTIONS, columns=columns, beside=beside)
    dated = _numbered(rows, term="started_at", ends="ended_at").with_columns(nw.col("ends").fill_null(_RUNNING_ON))
    running = dated.filter((nw.col("term") <= days.today) & (nw.col("ends") >= days.today))
    longest = running.with_columns(last_end=nw.col("ends").max().over("customer_id"))
    return (
        longest.filter(nw.col("ends") == nw.col("last_end"))
        .group_by("customer_id")
        .agg(nw.col("ends").max(), nw.col("term").min())
    )


def _health(health: Any, beside: frames.Frame) -> frames.Frame:
    columns = ("customer_id", "colour", "score", "turned_red_on")
    rows = schema.admit(health, HEALTH, columns=columns, beside=beside)
    schema.check_once(rows, "health")
    rows = rows.with_columns(nw.col("colour").cast(nw.String))
    _check_colours(rows)
    level = nw.lit(LEVELS["unknown"])
    for colour, number in LEVELS.items():
        level = nw.when(nw.col("colour") == colour).then(nw.lit(number)).otherwise(level)
    levelled = rows.with_columns(level=level).drop("colour")
    return _numbered(levelled, red_since="turned_red_on")


def _check_colours(rows: frames.Frame) -> None:
    found = frames.distinct_rows(rows.select("colour"), ["colour"])["colour"].tolist()
    strange = [colour for colour in found if colour is not None and colour not in LEVELS]
    if strange:
        raise SchemaError(
            f"health.colour: {strange[0]!r} is no colour; expected {', '.join(LEVELS)}, or empty for unknown.\n"
            f"Write them as churn.health_score does."
        )


def _still_open(open_alerts: Any, beside: frames.Frame) -> frames.Frame:
    columns = ("customer_id", "rule", "since", "resolved_on")
    table = schema.Table("open_alerts", STATES.row, tuple(STATES[name] for name in columns))
    rows = schema.admit(open_alerts, table, beside=beside).filter(nw.col("resolved_on").is_null())
    dated = rows.with_columns(nw.col("since").cast(nw.Date))
    return frames.with_day_numbers(dated, since_day="since").select("customer_id", "rule", "since_day")


def _numbered(rows: frames.Frame, **times: str) -> frames.Frame:
    """Replace time columns by the ordinals of their days, where the table has them."""
    named = {new: old for new, old in times.items() if old in frames.names_of(rows)}
    if not named:
        return rows
    dated = rows.with_columns(nw.col(*named.values()).cast(nw.Date))
    return frames.with_day_numbers(dated, **named).drop(*named.values())

"""Who is slipping away today: alerts by rule, each with its reason and with how often the rule was right."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.churn.alerting import wording
from crmkit.churn.alerting.conditions import condition
from crmkit.churn.alerting.declines import declines, windows_over_time
from crmkit.churn.alerting.log import Days, booked_days, known_on, numbered_days
from crmkit.churn.alerting.people import Tables, applied, entered, everyone, value
from crmkit.churn.alerting.rule_quality import Quality, checked_days, qualities
from crmkit.churn.alerting.rules import DECLINES, DEFAULT_RULES, AlertRule, checked_rules
from crmkit.segment_maps import Locale, checked_locale

COLUMNS: Final = (
    *("customer_id", "rule", "severity", "since", "measure", "threshold", "reason", "evidence", "value_at_risk"),
    *("play", "precision", "precision_low", "precision_high", "recall", "lift", "flagged", "tested"),
)
# Stands where no rule could be asked, so that the answer is an empty table like any other.
_NOBODY: Final = AlertRule("nobody", "silence", 1e6, "", "")
# Flags everyone: its base rate is that of all customers.
_ALL: Final = AlertRule("crmkit-all", "silence", 1.0, "", "")


def alerts(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    rules: Sequence[AlertRule] = DEFAULT_RULES,
    contacts: Any = None,
    customers: Any = None,
    subscriptions: Any = None,
    health: Any = None,
    open_alerts: Any = None,
    horizon_days: int = 90,
    cuts: int = 3,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """List who needs attention today, by which rule, why, and how often that rule was right on this very log.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored, in the other tables too.
    rules : sequence of AlertRule
        What is watched. A default rule whose table is not given is left out; a rule of your own that lacks its table is
        an error.
    contacts : data frame, `schema.CONTACTS`, optional
        For rules "no_contact".
    customers : data frame, `schema.CUSTOMERS`, optional
        One row per customer: `tier` for rules with tiers, `created_at` for who was never contacted, `value` for
        `value_at_risk`. Customers without an order count too, where a rule needs none.
    subscriptions : data frame, `schema.SUBSCRIPTIONS`, optional
        For rules "subscription_end"; contracts that begin after `as_of` are not known yet.
    health : data frame, optional
        For rules "health_red": one row per customer with `colour` ("green", "yellow", "red", "unknown") and, where
        there are any, `score` and `turned_red_on` (date).
    open_alerts : data frame, optional
        State from `update_alerts`: an open alert of health stays on the list until health has reached `clear_at`. The
        other rules find their past in the log.
    horizon_days, cuts
        As for `alert_quality`; `value_at_risk` is over `horizon_days`.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`; with "net", a refund lowers the spend of its own day.
    locale : {"en", "zh"}
        Language of `reason`, `evidence`, `play`, `tested`.

    Returns
    -------
    data frame like `orders`
        One row per customer and rule, sorted by both: `rule` (code), `severity` ("info", "warning", "critical"),
        `since` (first day on which the rule held, date; missing where health does not tell it), `measure` (what the
        rule measures, in its unit), `threshold` (`raise_at`), `reason`, `evidence` (texts), `value_at_risk` (money:
        `value` of `customers`, else revenue of the 365 days up to `as_of`, times the chance of no order within
        `horizon_days`), `play` (what to do), `precision`, `precision_low`, `precision_high`, `recall`, `lift`,
        `flagged` (the rule on earlier days of this log, see `alert_quality`; missing where it could not be tested),
        `tested` (the same in words, or why not).

    Raises
    ------
    DomainError
        An argument is out of its domain, or a rule of your own lacks its table.

    Notes
    -----
    A measure that reaches its threshold raises. `since` is computed from the log, so it is the same whichever day the
    alerts are asked for. So is hysteresis: a falling measure is on the list if, since it was last below `clear_at`, it
    reached `raise_at`.

    The chance in `value_at_risk` is the rule's back-tested precision, that of all customers where the rule was never
    tested; where the log is too short for both, `value_at_risk` is missing.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=6, freq="30D")  # the last on 2024-05-30
    >>> orders = pd.DataFrame({"customer_id": "ann", "ordered_at": days, "amount": 100.0})
    >>> row = alerts(orders, as_of=dt.date(2024, 8, 28)).query("rule == 'off_cycle'").iloc[0]
    >>> row["severity"], str(row["since"].date()), row["reason"]
    ('critical', '2024-07-29', 'Usually orders every 30 days; the last order was 90 days ago, 3.0 times as long.')
    """
    checked_locale(locale)
    days = checked_days(as_of, horizon_days, cuts)
    tables = Tables(customers, contacts, subscriptions, health, open_alerts)
    asked = applied(checked_rules(rules), tables) or (_NOBODY,)
    has_value = customers is not None and "value" in frames.column_names(customers)
    booked = booked_days(orders, as_of=as_of, refunds=refunds)
    rows, given = entered(tables, frames.settled(numbered_days(booked), like=orders), days)
    known = known_on(rows, asked, days, revenue=not has_value)
    people = frames.settled(everyone(known, given), like=orders)
    run = _Run(days, rows, people, frames.names_of(people), given.get("open_alerts"), locale, orders)
    parts = run.parts(asked)
    return frames.leave(
        nw.concat(parts).select(*COLUMNS), like=orders, sort=["customer_id", "rule"], same=["customer_id"]
    )


_Courses: TypeAlias = dict[tuple[int, int], frames.Frame]


def _windows(rule: AlertRule) -> tuple[int, int]:
    """Length of the last window of a falling rule and of all its windows; days."""
    return rule.window_days, (rule.windows_before + 1) * rule.window_days


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `alerts`, with its tables in the engine."""

    days: Days
    rows: frames.Frame
    people: frames.Frame
    columns: list[str]
    still_open: frames.Frame | None
    locale: Locale
    like: Any

    def courses(self, rules: Sequence[AlertRule]) -> _Courses:
        """Follow the windows of the falling rules through the log; rules of the same windows share theirs."""
        falling = [rule for rule in rules if rule.kind in DECLINES]
        made = {}
        for days in dict.fromkeys(map(_windows, falling)):
            mine = [self._nears(rule) for rule in falling if _windows(rule) == days]
            near = self.people.filter(reduce(or_, mine))
            course = windows_over_time(self.rows, near, days, self.days.today)
            made[days] = frames.settled(course, like=self.like)
        return made

    def parts(self, rules: Sequence[AlertRule]) -> list[frames.Frame]:
        """Alerts of each rule, in the columns that all have."""
        by_rule = qualities(self.people, [_ALL, *rules], self.days)
        base = Quality.over(by_rule[_ALL.code]).base_rate
        courses = self.courses(rules)
        return [self._part(rule, by_rule.get(rule.code), base, courses) for rule in rules]

    def _part(self, rule: AlertRule, parts: list[Quality] | None, base: float, courses: _Courses) -> frames.Frame:
        found, today = Quality.over(parts or []), self.days.today
        asks = condition(rule, today, self.columns)
        listed = self._listed(rule, courses).with_columns(measure=asks.measure.round(6))
        dated = wording.with_days(listed, rule, today, self.columns)
        chance = found.precision if found.flagged else base
        worth = value(self.days, self.columns)
        risk = nw.lit(None, dtype=nw.Float64) if math.isnan(chance) else frames.money(worth * chance)
        low, high = found.interval
        shares = {
            "precision": found.precision,
            "precision_low": low,
            "precision_high": high,
            "recall": found.recall,
            "lift": found.lift,
        }
        worded = dated.with_columns(
            rule=nw.lit(rule.code),
            severity=asks.severity(rule),
            threshold=nw.lit(float(rule.raise_at)),
            value_at_risk=risk,
            play=nw.lit(rule.text(self.locale)[1]),
            flagged=nw.lit(found.flagged if parts else None, dtype=nw.Int64),
            tested=nw.lit(wording.tested(parts, self.days.horizon, self.locale)),
            **{name: nw.lit(None if math.isnan(at) else at, dtype=nw.Float64) for name, at in shares.items()},
            **wording.alert_texts(rule, today, self.columns, self.locale),
        )
        return worded.select(*COLUMNS)

    def _nears(self, rule: AlertRule) -> nw.Expr:
        """Whether the measure has reached `clear_at`."""
        asks = condition(rule, self.days.today, self.columns)
        return asks.asked & asks.reaches(rule.stays_at)

    def _listed(self, rule: AlertRule, courses: _Courses) -> frames.Frame:
        """Take customers on the list of a rule, with `since`."""
        asks = condition(rule, self.days.today, self.columns)
        if rule.kind in DECLINES:
            since = declines(courses[_windows(rule)], rule)
            return frames.with_dates(
                self.people.filter(self._nears(rule)).join(since, on="customer_id", how="inner"), since="since_day"
            )
        raised = self.people.filter(asks.asked & asks.reaches(rule.raise_at)).with_columns(since_day=asks.since)
        if rule.kind == "health_red" and self.still_open is not None and rule.stays_at < rule.raise_at:
            kept = self.people.filter(asks.asked & asks.reaches(rule.stays_at) & ~asks.reaches(rule.raise_at))
            mine = self.still_open.filter(nw.col("rule") == rule.code).select("customer_id", "since_day")
            raised = nw.concat(
                [raised, kept.join(mine, on="customer_id", how="inner").select(*self.columns, "since_day")]
            )
        return frames.with_dates(raised, since="since_day")

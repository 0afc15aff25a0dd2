"""What each kind of rule asks of a customer on a day, as expressions over `people.everyone`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import narwhals.stable.v2 as nw

from crmkit.churn.alerting.rules import AlertRule

# Kinds whose tables know today only: what they said on an earlier day is not known.
UNTESTABLE: Final = ("subscription_end", "health_red")


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule on a day, in expressions.

    Attributes
    ----------
    asked : Expr
        Whether the rule can be asked of the customer at all.
    measure : Expr
        What is held against the thresholds; float64.
    reaches : function of a threshold
        Whether the measure reaches it.
    since : Expr
        Ordinal of the first day on which the measure had reached `raise_at`; of the kinds that fall it is looked up in
        the log instead (`declines`).
    """

    asked: nw.Expr
    measure: nw.Expr
    reaches: Callable[[float], nw.Expr]
    since: nw.Expr

    def severity(self, rule: AlertRule) -> nw.Expr:
        """Highest step that the measure reaches; the first one for what is below (it stays by `clear_at`)."""
        name = nw.lit(rule.severity)
        for severity, at in rule.escalates:
            name = nw.when(self.reaches(at)).then(nw.lit(severity)).otherwise(name)
        return name


def condition(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    """Write a rule down for a day; `columns` are those of `everyone`."""
    made = _KINDS[rule.kind](rule, day, columns)
    if not rule.tiers:
        return made
    asked = made.asked & nw.col("tier").is_in(rule.tiers).fill_null(False)
    return Condition(asked, made.measure, made.reaches, made.since)


def recent(rule: AlertRule, day: int, what: str) -> nw.Expr:
    """Order days (`what` "n") or money ("s") of the last window."""
    return nw.col(f"{what}_{day}") - nw.col(f"{what}_{day - rule.window_days}")


def before(rule: AlertRule, day: int, what: str) -> nw.Expr:
    """Order days or money of the windows before the last one."""
    start = day - (rule.windows_before + 1) * rule.window_days
    return nw.col(f"{what}_{day - rule.window_days}") - nw.col(f"{what}_{start}")


def falls(rule: AlertRule, recently: nw.Expr, usually: nw.Expr) -> Callable[[float], nw.Expr]:
    """Whether a window fell by a share of the mean of the windows before."""
    return lambda share: recently * rule.windows_before <= (1.0 - share) * usually


def _own_cycle(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    silence, own = day - nw.col(f"last_{day}"), nw.col(f"cycle_{day}")
    cycle = nw.when(own > rule.floor_days).then(own).otherwise(nw.lit(float(rule.floor_days)))
    return Condition(
        nw.col(f"n_{day}") >= rule.least_order_days,
        silence / cycle,
        lambda at: silence >= at * cycle,  # not silence / cycle >= at: a quotient may miss a threshold by a bit
        nw.col(f"last_{day}") + (rule.raise_at * cycle).ceil().cast(nw.Int64),
    )


def _silence(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    silence = day - nw.col(f"last_{day}")
    return Condition(
        nw.col(f"n_{day}") >= rule.least_order_days,
        silence.cast(nw.Float64),
        lambda at: silence >= at,
        nw.col(f"last_{day}") + _up(rule.raise_at),
    )


def _falling(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    what = "n" if rule.kind == "falling_frequency" else "s"
    now, then = recent(rule, day, what), before(rule, day, what)
    span = (rule.windows_before + 1) * rule.window_days
    asked = (nw.col("first") + span <= day) & (before(rule, day, "n") >= rule.least_order_days) & (then > 0)
    drop = 1.0 - now * rule.windows_before / nw.when(then > 0).then(then).otherwise(1)
    return Condition(asked, drop, falls(rule, now, then), nw.lit(None, dtype=nw.Int64))


def _no_contact(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    start = last_contact(day, columns)
    silence = day - start
    return Condition(~start.is_null(), silence.cast(nw.Float64), lambda at: silence >= at, start + _up(rule.raise_at))


def last_contact(day: int, columns: Sequence[str]) -> nw.Expr:
    """Ordinal of the last contact; of who never had one, when the customer was entered, else the first order day."""
    known = [nw.col(name) for name in ("created", "first") if name in columns]
    parts = [nw.when(name <= day).then(name) for name in known]
    return nw.coalesce(nw.col(f"contact_{day}"), *parts)


def _subscription_end(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    left = nw.col("ends") - day
    near = nw.col("ends") - int(rule.raise_at)
    return Condition(
        ~nw.col("ends").is_null(),
        left.cast(nw.Float64),
        lambda at: left <= at,
        nw.when(near > nw.col("term")).then(near).otherwise(nw.col("term")),
    )


def _health(rule: AlertRule, day: int, columns: Sequence[str]) -> Condition:
    level = nw.col("level")
    red = nw.col("red_since") if "red_since" in columns else nw.lit(None, dtype=nw.Int64)
    return Condition(~level.is_null(), level, lambda at: level >= at, nw.when(red <= day).then(red))


def _up(days: float) -> int:
    """First whole day that reaches a number of days."""
    return -int(-days // 1)


_KINDS: Final = {
    "own_cycle_silence": _own_cycle,
    "silence": _silence,
    "falling_frequency": _falling,
    "falling_spend": _falling,
    "no_contact": _no_contact,
    "subscription_end": _subscription_end,
    "health_red": _health,
}

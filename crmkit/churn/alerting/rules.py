"""Alert rules as data: what is watched, from where on it alarms, for whom, and what to do then."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from crmkit.errors import DomainError
from crmkit.segment_maps import Locale

Severity: TypeAlias = Literal["info", "warning", "critical"]
Kind: TypeAlias = Literal[
    "own_cycle_silence",
    "silence",
    "falling_frequency",
    "falling_spend",
    "no_contact",
    "subscription_end",
    "health_red",
]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
DECLINES: Final = ("falling_frequency", "falling_spend")
# Health has three colours; unknown is neither a reason to raise nor one to clear.
LEVELS: Final = {"green": 0.0, "yellow": 1.0, "unknown": 1.0, "red": 2.0}
_CODE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule: which measure of a customer raises an alert, and when it is over.

    Attributes
    ----------
    code : str
        Name of the rule in tables: letters, digits, "_" and "-".
    kind : {"own_cycle_silence", "silence", "falling_frequency", "falling_spend", "no_contact", "subscription_end", \
"health_red"}
        What is measured: silence over the own usual gap (a ratio); days since the last order; share by which the
        order days, or the spend, of the last `window_days` fell below the mean of the `windows_before` windows before;
        days since the last contact; days until the running contract ends; the colour of health (green 0, yellow and
        unknown 1, red 2).
    raise_at : float
        An alert is raised when the measure reaches this; of "subscription_end", when it comes down to it.
    name, play : str
        What the rule is called; what to do. `name_zh` and `play_zh` are the Chinese; English where there is none.
    severity : {"info", "warning", "critical"}
        Severity of an alert just raised.
    escalates : tuple of (severity, threshold)
        Higher severities and the measure that reaches them, in rising order.
    clear_at : float, optional
        Of measures that come back step by step (the two that fall, and health): an alert stays until the measure is
        below this. By default it is over as soon as it would no longer be raised. An order or a contact sets the other
        measures to 0 at once: they have no such threshold.
    least_order_days : int
        Order days that a customer must have; for the two that fall, in the windows before. At least 1, and 2 of
        "own_cycle_silence". Contacts, contracts and health ask for none.
    tiers : tuple of str
        Tiers of `customers` that the rule is for, as they are written there; empty: everyone.
    cool_down_days : int
        After an alert was resolved, none of this rule is opened for the customer for so many days.
    floor_days : float
        Of "own_cycle_silence": a shorter usual gap counts as this; days.
    window_days, windows_before : int
        Of the two that fall: length of a window in days, and how many of them before the last one are the measure.

    Raises
    ------
    DomainError
        A field is out of its domain; the text names the rule and the field.
    """

    code: str
    kind: Kind
    raise_at: float
    name: str
    play: str
    name_zh: str = ""
    play_zh: str = ""
    severity: Severity = "warning"
    escalates: tuple[tuple[Severity, float], ...] = ()
    clear_at: float | None = None
    least_order_days: int = 1
    tiers: tuple[str, ...] = ()
    cool_down_days: int = 30
    floor_days: float = 7.0
    window_days: int = 90
    windows_before: int = 2

    def __post_init__(self) -> None:
        for field, wrong, expected in _findings(self):
            if wrong:
                got = getattr(self, field, None)
                raise DomainError(f"Alert rule {self.code!r}: {field} must be {expected}, got {got!r}.")

    def text(self, locale: Locale) -> tuple[str, str]:
        """Name and play in a language; English where there is no Chinese."""
        if locale == "zh":
            return self.name_zh or self.name, self.play_zh or self.play
        return self.name, self.play

    @property
    def stays_at(self) -> float:
        """Measure from which on an alert that was raised stays."""
        return self.raise_at if self.clear_at is None else self.clear_at

    @property
    def steps(self) -> tuple[tuple[Severity, float], ...]:
        """Severities and the thresholds that reach them, from the first on."""
        return ((self.severity, self.raise_at), *self.escalates)


def _findings(rule: AlertRule) -> list[tuple[str, bool, str]]:
    """List field, whether it is wrong, and what was expected; in the order in which they can be asked."""
    is_number = _is_number(rule.raise_at)
    at = rule.raise_at if is_number else math.nan
    share = rule.kind in DECLINES
    returns = share or rule.kind == "health_red"
    least = 2 if rule.kind == "own_cycle_silence" else 1
    known = rule.kind in KINDS
    return [
        ("code", not _CODE.fullmatch(str(rule.code)), "letters, digits, '_' and '-'"),
        ("kind", not known, f"one of {', '.join(KINDS)}"),
        ("raise_at", not (is_number and at > 0), "a number above 0"),
        ("raise_at", share and not at <= 1, "a share above 0 and at most 1"),
        ("raise_at", rule.kind == "health_red" and at not in (1, 2), "1 (yellow) or 2 (red)"),
        ("severity", rule.severity not in SEVERITIES, f"one of {', '.join(SEVERITIES)}"),
        ("escalates", not _rises(rule), _RISING),
        ("name", not isinstance(rule.name, str), "a text"),
        ("play", not isinstance(rule.play, str), "a text"),
        ("tiers", not _are_texts(rule.tiers), "a tuple of texts, such as ('VIP',)"),
        ("clear_at", rule.clear_at is not None and not returns, "left out for this kind: its measure returns at once"),
        (
            "clear_at",
            rule.clear_at is not None and not (_is_number(rule.clear_at) and 0 < rule.clear_at <= at),
            "above 0 and at most raise_at",
        ),
        ("least_order_days", not _is_count(rule.least_order_days, least), f"a whole number of at least {least}"),
        ("cool_down_days", not _is_count(rule.cool_down_days, 0), "a whole number of days, at least 0"),
        ("floor_days", not (_is_number(rule.floor_days) and 1 <= rule.floor_days < math.inf), "at least 1 (days)"),
        ("window_days", not _is_count(rule.window_days, 1), "a whole number of days, at least 1"),
        ("windows_before", not _is_count(rule.windows_before, 1), "a whole number of at least 1"),
    ]


_RISING = "pairs of a severity and a threshold, each graver and further than the one before (and than raise_at)"


def _rises(rule: AlertRule) -> bool:
    if rule.severity not in SEVERITIES or not _is_number(rule.raise_at):
        return False
    if not isinstance(rule.escalates, list | tuple) or not all(map(_is_step, rule.escalates)):
        return False
    steps = [(SEVERITIES.index(severity), at) for severity, at in rule.steps]
    down = rule.kind == "subscription_end"
    return all(
        later[0] > before[0] and (later[1] < before[1] if down else later[1] > before[1])
        for before, later in pairwise(steps)
    )


def _is_step(step: object) -> bool:
    return isinstance(step, list | tuple) and len(step) == 2 and step[0] in SEVERITIES and _is_number(step[1])


def _are_texts(values: object) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def checked_rules(rules: Sequence[AlertRule]) -> tuple[AlertRule, ...]:
    """Return rules whose codes are unique; DomainError otherwise."""
    if isinstance(rules, AlertRule | str) or not isinstance(rules, Iterable):
        raise DomainError(f"rules must be a sequence of AlertRule objects, such as DEFAULT_RULES[:1], got {rules!r}.")
    found = tuple(rules)
    strange = [rule for rule in found if not isinstance(rule, AlertRule)]
    if strange:
        raise DomainError(f"rules must be AlertRule objects, got {strange[0]!r}.")
    codes = [rule.code for rule in found]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if not found or twice:
        raise DomainError(f"rules must be at least one, of unique codes; got {', '.join(twice) or 'none'} twice.")
    return found


DEFAULT_RULES: Final = (
    AlertRule(
        "off_cycle",
        "own_cycle_silence",
        2.0,
        "Silent beyond the own cycle",
        "Ask in person what is missing; the order is overdue by the customer's own rhythm.",
        "沉默超出自身周期",
        "按其自身节奏已逾期，请亲自询问原因。",
        escalates=(("critical", 3.0),),
        least_order_days=3,
    ),
    AlertRule(
        "dormant",
        "silence",
        90.0,
        "No order for three months",
        "Put on the recall list; one good reason to come back, then stop.",
        "三个月未下单",
        "列入唤醒名单：给出一个回购理由，无效则停止。",
        severity="info",
        escalates=(("warning", 180.0),),
        least_order_days=2,
    ),
    AlertRule(
        "fewer_orders",
        "falling_frequency",
        0.5,
        "Orders less often",
        "Find out who gets the other orders; offer what was bought before.",
        "下单频率下降",
        "了解订单流向，推荐以往购买的产品。",
        clear_at=0.3,
        least_order_days=4,
    ),
    AlertRule(
        "less_spend",
        "falling_spend",
        0.5,
        "Spends less",
        "Look at what is no longer bought, and ask for it.",
        "消费金额下降",
        "查看不再购买的产品，并主动询问。",
        clear_at=0.3,
        least_order_days=4,
    ),
    AlertRule(
        "vip_no_contact",
        "no_contact",
        30.0,
        "VIP without contact",
        "Call today; no occasion is needed.",
        "VIP 久未联系",
        "今日致电，无需理由。",
        escalates=(("critical", 60.0),),
        tiers=("VIP",),
        cool_down_days=0,
    ),
    AlertRule(
        "contract_ends",
        "subscription_end",
        30.0,
        "Contract near its end",
        "Talk about the renewal before the customer asks others.",
        "合同即将到期",
        "在客户询价之前洽谈续约。",
        escalates=(("critical", 7.0),),
        cool_down_days=0,
    ),
    AlertRule(
        "health_red",
        "health_red",
        2.0,
        "Health turned red",
        "Look at the metrics that went down and settle the worst first.",
        "健康度转红",
        "查看下降的指标，先解决最严重的一项。",
        severity="critical",
        clear_at=1.0,
        cool_down_days=0,
    ),
)

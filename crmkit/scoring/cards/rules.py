"""Rules: points for a condition, and how the events that meet it are counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from crmkit.errors import DomainError
from crmkit.scoring.cards.conditions import Attribute, Condition, Event
from crmkit.scoring.cards.points import check_points, units
from crmkit.segment_maps import Locale

Counting: TypeAlias = Literal["every", "first", "once", "ladder"]
_CODE: Final = re.compile(r"[A-Za-z0-9_-]+")
WINDOW: Final = "window_days must be a whole number of days, at least 1"


def check_code(code: object, where: str) -> None:
    """Refuse a code that is no plain word."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise DomainError(f"{where}: code must be letters, digits, '_' and '-'.")


def named(where: str, check: Callable[[], None]) -> None:
    """Run a check and put the place before what it says."""
    try:
        check()
    except DomainError as error:
        raise DomainError(f"{where}: {error}") from None


def is_count(value: object) -> bool:
    """Tell a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a frequency ladder: so many events are worth so many points; exactly one of the three is given.

    Attributes
    ----------
    points : float
        What the lead gets while the step holds; at most two decimals.
    at_least, exactly : int, optional
        Number of events; at least 1.
    between : (int, int), optional
        Least and most number of events, both included.
    """

    points: float
    at_least: int | None = None
    between: tuple[int, int] | None = None
    exactly: int | None = None

    def __post_init__(self) -> None:
        check_points(self.points, "points")
        if isinstance(self.between, list):
            object.__setattr__(self, "between", tuple(self.between))
        given = [name for name in ("at_least", "between", "exactly") if getattr(self, name) is not None]
        if len(given) != 1:
            raise DomainError(f"A step takes one of at_least, between, exactly, got {' and '.join(given) or 'none'}.")
        if given == ["between"]:
            pair = self.between
            if not (isinstance(pair, tuple) and len(pair) == 2 and all(map(is_count, pair)) and pair[0] <= pair[1]):
                raise DomainError(f"between must be two whole numbers, the least and the most, got {pair!r}.")
        elif not is_count(getattr(self, given[0])):
            raise DomainError(f"{given[0]} must be a whole number of at least 1, got {getattr(self, given[0])!r}.")

    @property
    def span(self) -> tuple[int, int | None]:
        """Least and most number of events; None: no most."""
        if self.between is not None:
            return self.between
        least = self.at_least if self.exactly is None else self.exactly
        return least or 1, self.exactly


@dataclass(frozen=True, slots=True)
class Rule:
    """Points for a condition.

    Attributes
    ----------
    code : str
        Name of the rule in tables: letters, digits, "_" and "-".
    when : Attribute or Event
        What it asks.
    points : float
        Points for a lead that has the attribute, or for each event that counts; may be negative; at most two decimals.
        A ladder has its points on its steps.
    counting : {"every", "first", "once", "ladder"}
        Which events count: every one; only the first that there ever was; the newest one, however many there are; or
        the number of live events by the steps of `ladder`. Live are those of the window, or not yet decayed to nothing;
        the points of a ladder and of "once" decay from the newest event on.
    ladder : tuple of Step
        Of steps that hold together the last one counts.
    window_days : int, optional
        Only events of the last so many days, `as_of` included; the window of the group by default.
    daily_cap : float, optional
        Most that "every" may bring on one day, without the sign; points.
    stage : str
        Stage that a lead reaches by such an event, such as "interested".
    name, name_zh : str
        What the rule is called; the code by default.

    Raises
    ------
    DomainError
        A field is out of its domain; the text names the rule and the field.
    """

    code: str
    when: Condition
    points: float = 0.0
    counting: Counting = "every"
    ladder: tuple[Step, ...] = ()
    window_days: int | None = None
    daily_cap: float | None = None
    stage: str = ""
    name: str = ""
    name_zh: str = ""

    def __post_init__(self) -> None:
        where = f"Rule {self.code!r}"
        check_code(self.code, where)
        is_event = isinstance(self.when, Event)
        named(where, lambda: check_points(self.points, "points"))
        findings = [
            (not isinstance(self.when, Attribute | Event), "when must be an Attribute or an Event"),
            (self.counting not in get_args(Counting), f"counting must be one of {', '.join(get_args(Counting))}"),
            (
                not is_event and self._has_event_fields(),
                "counting, ladder, window_days, daily_cap, stage are of events",
            ),
            (
                (self.counting == "ladder") != bool(self.ladder),
                'a ladder goes with counting = "ladder", and only there',
            ),
            (bool(self.ladder) and self.points != 0, "points must be left out: a ladder has them on its steps"),
            (not all(isinstance(step, Step) for step in self.ladder), "ladder must be a tuple of Step"),
            (self.window_days is not None and not is_count(self.window_days), WINDOW),
            (self.daily_cap is not None and self.counting != "every", 'daily_cap goes with counting = "every"'),
        ]
        for wrong, said in findings:
            if wrong:
                raise DomainError(f"{where}: {said}.")
        if self.daily_cap is not None:
            named(where, lambda: check_points(self.daily_cap, "daily_cap"))
            if self.daily_cap <= 0:
                raise DomainError(f"{where}: daily_cap must be above 0, got {self.daily_cap!r}.")

    def _has_event_fields(self) -> bool:
        return bool(self.counting != "every" or self.ladder or self.window_days or self.daily_cap or self.stage)

    @property
    def most(self) -> int:
        """Most that one event, or the attribute, can bring; ten-thousandths, at least 0."""
        return max([0, units(self.points), *(units(step.points) for step in self.ladder)])

    def text(self, locale: Locale) -> str:
        """Name in a language."""
        return (self.name_zh if locale == "zh" else "") or self.name or self.code

"""Groups of rules, how their points fade, and what decides beside the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from crmkit.errors import DomainError
from crmkit.scoring.cards.conditions import Attribute, Condition, Event
from crmkit.scoring.cards.points import check_points
from crmkit.scoring.cards.rules import WINDOW, Rule, check_code, is_count, named
from crmkit.segment_maps import Locale

Kind: TypeAlias = Literal["fit", "engagement"]
Effect: TypeAlias = Literal["disqualify", "hand_off"]
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)


@dataclass(frozen=True, slots=True)
class Decay:
    """Points of an event melt away, in steps: 10 points at 50 % per 30 days are 5 after 30 days and 0 after 60.

    Attributes
    ----------
    percent : int
        Share of the first points that goes with each step; whole percent from 1 to 100.
    interval_days : int
        Days from step to step; at least 1.
    """

    percent: int
    interval_days: int

    def __post_init__(self) -> None:
        if not is_count(self.percent) or self.percent > 100:
            raise DomainError(f"percent must be a whole number from 1 to 100, got {self.percent!r}.")
        if not is_count(self.interval_days):
            raise DomainError(f"interval_days must be a whole number of at least 1, got {self.interval_days!r}.")

    @property
    def steps(self) -> int:
        """Steps until nothing is left."""
        return -(-100 // self.percent)

    @property
    def life_days(self) -> int:
        """Days after which nothing is left."""
        return self.steps * self.interval_days


@dataclass(frozen=True, slots=True)
class Group:
    """Rules whose points are added up, and kept within a floor and a cap.

    Attributes
    ----------
    code : str
        Name of the group in tables.
    kind : {"fit", "engagement"}
        Who the lead is (attributes; never decays), or what the lead does (events).
    rules : tuple of Rule
        At least one.
    floor, cap : float, optional
        Least and most that the group brings; points.
    decay : Decay, optional
        Of engagement: events lose their points step by step.
    window_days : int, optional
        Of engagement: only events of the last so many days count, `as_of` included. Never beside `decay`.
    name, name_zh : str
        What the group is called; the code by default.

    Raises
    ------
    DomainError
        A field is out of its domain; the text names the group and the field.
    """

    code: str
    kind: Kind
    rules: tuple[Rule, ...]
    floor: float | None = None
    cap: float | None = None
    decay: Decay | None = None
    window_days: int | None = None
    name: str = ""
    name_zh: str = ""

    def __post_init__(self) -> None:
        where = f"Group {self.code!r}"
        check_code(self.code, where)
        asked = {"fit": Attribute, "engagement": Event}.get(self.kind)
        rules = self.rules if isinstance(self.rules, tuple) else ()
        windows = [self.window_days, *(rule.window_days for rule in rules if isinstance(rule, Rule))]
        findings = [
            (asked is None, 'kind must be "fit" or "engagement"'),
            (
                not rules or not all(isinstance(rule, Rule) for rule in rules),
                "rules must be a tuple of Rule, one or more",
            ),
            (self.window_days is not None and not is_count(self.window_days), WINDOW),
            (self.kind == "fit" and (self.decay or self.window_days), "fit neither decays nor has a window"),
            (self.decay is not None and not isinstance(self.decay, Decay), "decay must be a Decay"),
            (bool(self.decay) and any(windows), "a group, its rules included, has a decay or a window, never both"),
        ]
        for wrong, said in findings:
            if wrong:
                raise DomainError(f"{where}: {said}.")
        for rule in rules:
            if asked is not None and not isinstance(rule.when, asked):
                need = "attributes" if self.kind == "fit" else "events"
                raise DomainError(
                    f"{where}: a group of kind {self.kind!r} asks for {need}, rule {rule.code!r} does not."
                )
        for field in ("floor", "cap"):
            if getattr(self, field) is not None:
                named(where, lambda field=field: check_points(getattr(self, field), field))  # type: ignore[misc]
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise DomainError(f"{where}: floor must not lie above cap, got {self.floor!r} and {self.cap!r}.")

    def life_days(self, rule: Rule) -> int | None:
        """Days for which an event counts, its own day included; None: for ever."""
        if self.decay is not None:
            return self.decay.life_days
        return rule.window_days or self.window_days

    def text(self, locale: Locale) -> str:
        """Name in a language."""
        return (self.name_zh if locale == "zh" else "") or self.name or self.code


@dataclass(frozen=True, slots=True)
class Override:
    """A condition that decides beside the points.

    Attributes
    ----------
    code : str
        Name in tables.
    effect : {"disqualify", "hand_off"}
        The score is 0 and the band "disqualified" from then on; or the lead is handed off at once.
    when : Attribute or Event
        What it asks; one event, however old, is enough.
    name, name_zh : str
        What it is called; the code by default.
    """

    code: str
    effect: Effect
    when: Condition
    name: str = ""
    name_zh: str = ""

    def __post_init__(self) -> None:
        where = f"Override {self.code!r}"
        check_code(self.code, where)
        if self.effect not in get_args(Effect):
            raise DomainError(f'{where}: effect must be "disqualify" or "hand_off", got {self.effect!r}.')
        if not isinstance(self.when, Attribute | Event):
            raise DomainError(f"{where}: when must be an Attribute or an Event, got {self.when!r}.")

    def text(self, locale: Locale) -> str:
        """Name in a language."""
        return (self.name_zh if locale == "zh" else "") or self.name or self.code

"""A scorecard: groups of rules, bands, grades, overrides; what a sales team and a computer read alike."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from crmkit.errors import DomainError
from crmkit.notebook_cards import notebook_card
from crmkit.scoring.cards.conditions import Attribute, Event
from crmkit.scoring.cards.groups import Group, Override
from crmkit.scoring.cards.points import check_points, units
from crmkit.scoring.cards.rules import Rule, check_code, is_count, named
from crmkit.segment_maps import Locale

DISQUALIFIED: Final = "disqualified"
LETTERS: Final = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from `low` on, up to the next band's `low`: half-open, so that an edge belongs to the upper band.

    Attributes
    ----------
    code : str
        Name in tables.
    low : float
        First score of the band; points. The first band also takes the scores below it.
    name, treatment : str
        What the band is called; what to do with its leads.
    name_zh, treatment_zh : str
        The Chinese; English where there is none.
    """

    code: str
    low: float
    name: str = ""
    treatment: str = ""
    name_zh: str = ""
    treatment_zh: str = ""

    def __post_init__(self) -> None:
        where = f"Band {self.code!r}"
        check_code(self.code, where)
        named(where, lambda: check_points(self.low, "low"))
        if self.code == DISQUALIFIED:
            raise DomainError(f"{where}: the code is crmkit's own, for leads that an override disqualifies.")

    def text(self, locale: Locale) -> tuple[str, str]:
        """Name and treatment in a language."""
        if locale == "zh":
            return self.name_zh or self.name or self.code, self.treatment_zh or self.treatment
        return self.name or self.code, self.treatment


BANDS: Final = (
    Band(
        *("cold", 0.0, "Cold", "Leave to the newsletter; no call."),
        *("冷线索", "交由内容培育，不拨打电话。"),
    ),
    Band(
        *("warm", 30.0, "Warm", "Nurture: send what fits the last interest, invite to a webinar."),
        *("温线索", "持续培育：按最近兴趣发送内容，邀请参加研讨会。"),
    ),
    Band(
        *("ready", 60.0, "Ready for sales", "Hand over to sales; call within a day."),
        *("可转销售", "移交销售，一天内致电。"),
    ),
)

Numbered: TypeAlias = tuple[tuple[Group, Rule], ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Rules that turn what is known of a lead into points, bands, grades and hand-offs.

    Attributes
    ----------
    name : str
        What the card is called.
    groups : tuple of Group
        At least one. The score is the sum of the groups.
    bands : tuple of Band
        In rising order.
    hand_off_at : float, optional
        Score from which on a lead is handed to sales; by default where the last band begins.
    fit_edges, engagement_edges : tuple of float
        Grade: points of fit, and of engagement, from which on the next better step begins, falling: (40, 20) is A from
        40 on, B from 20 on, C below; for engagement 1, 2, 3. No edges: no grade.
    overrides : tuple of Override
        What decides beside the points.
    stages : tuple of str
        Stages in rising order; every `stage` of a rule is one of them.
    trend_days : int
        The trend compares the score with that of so many days before.
    trend_points : float
        Least change that is a trend; points.

    Raises
    ------
    DomainError
        A field is out of its domain, or a code stands twice; the text names the place.
    """

    name: str
    groups: tuple[Group, ...]
    bands: tuple[Band, ...] = BANDS
    hand_off_at: float | None = None
    fit_edges: tuple[float, ...] = ()
    engagement_edges: tuple[float, ...] = ()
    overrides: tuple[Override, ...] = ()
    stages: tuple[str, ...] = ()
    trend_days: int = 30
    trend_points: float = 5.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise DomainError(f"name must be a text that is not blank, got {self.name!r}.")
        for field, kind in (("groups", Group), ("bands", Band), ("overrides", Override)):
            parts = getattr(self, field)
            if not isinstance(parts, tuple) or not all(isinstance(part, kind) for part in parts):
                raise DomainError(f"{field} must be a tuple of {kind.__name__}.")
            if not parts and field != "overrides":
                raise DomainError(f"{field} must hold at least one {kind.__name__}.")
        self._check_codes()
        self._check_numbers()
        strange = sorted({rule.stage for _, rule in self.event_rules if rule.stage} - set(self.stages))
        if strange:
            raise DomainError(f"stages must name every stage of a rule in rising order; {strange[0]!r} is not there.")

    def _check_codes(self) -> None:
        codes = [rule.code for _, rule in self.rules] + [override.code for override in self.overrides]
        for what, found in (("Rules and overrides", codes), ("Groups", [group.code for group in self.groups])):
            twice = sorted({code for code in found if found.count(code) > 1})
            if twice:
                raise DomainError(f"{what} must have codes of their own; {twice[0]!r} stands twice.")

    def _check_numbers(self) -> None:
        lows = [band.low for band in self.bands]
        if any(a >= b for a, b in pairwise(lows)) or len({band.code for band in self.bands}) < len(lows):
            raise DomainError(f"bands must rise and have codes of their own, got lows {lows}.")
        for field in ("fit_edges", "engagement_edges"):
            edges = getattr(self, field)
            for edge in edges:
                check_points(edge, field)
            if any(a <= b for a, b in pairwise(edges)) or len(edges) >= len(LETTERS):
                raise DomainError(f"{field} must fall and be at most {len(LETTERS) - 1}, got {edges!r}.")
        if bool(self.fit_edges) != bool(self.engagement_edges):
            raise DomainError("fit_edges and engagement_edges make the grade together: give both or none.")
        check_points(self.threshold, "hand_off_at")
        check_points(self.trend_points, "trend_points")
        if self.trend_points <= 0 or not is_count(self.trend_days):
            raise DomainError("trend_days must be a whole number of at least 1, and trend_points above 0.")

    @property
    def threshold(self) -> float:
        """Score from which on a lead is handed to sales."""
        return self.bands[-1].low if self.hand_off_at is None else self.hand_off_at

    @property
    def threshold_units(self) -> int:
        """The threshold in ten-thousandths of a point."""
        return units(self.threshold)

    @property
    def rules(self) -> Numbered:
        """Every rule with its group, in the order of the card."""
        return tuple((group, rule) for group in self.groups for rule in group.rules)

    @property
    def event_rules(self) -> Numbered:
        """Rules over events."""
        return tuple((group, rule) for group, rule in self.rules if isinstance(rule.when, Event))

    @property
    def fit_rules(self) -> Numbered:
        """Rules over attributes."""
        return tuple((group, rule) for group, rule in self.rules if isinstance(rule.when, Attribute))

    def _repr_html_(self) -> str:
        """Show rules and bands in a notebook."""
        # Here, because that file imports this one: it prints cards.
        from crmkit.scoring.cards.printed import notebook_lines, notebook_rows

        columns, rows = ("group", "points", "rule"), notebook_rows(self)
        return notebook_card(f"Scorecard: {self.name}", lines=notebook_lines(self), columns=columns, rows=rows)

"""What a health scheme is made of: metrics with their scales, veto rules, colours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from crmkit.errors import DomainError
from crmkit.whole_numbers import is_whole

Direction: TypeAlias = Literal["higher", "lower"]
Side: TypeAlias = Literal["better", "worse"]
Missing: TypeAlias = Literal["ignore", "worst"] | float
Colour: TypeAlias = Literal["red", "yellow", "green"]

COLOURS: tuple[Colour, ...] = ("red", "yellow", "green")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Linear:
    """Points rise in a straight line from 0 at `worst` to 100 at `best`, and stay there beyond.

    Attributes
    ----------
    worst, best : float
        Values of the metric, in its unit; they differ. `best` may be the lower one.
    """

    worst: float = 0.0
    best: float = 100.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.worst) and math.isfinite(self.best) and self.worst != self.best):
            raise DomainError(f"worst and best must be two different finite numbers, got {self.worst}, {self.best}.")


@dataclass(frozen=True, slots=True)
class Bands:
    """Points by bands of the metric's value.

    Attributes
    ----------
    edges : tuple of float, length k
        Where one band ends and the next begins, from the worst end: rising where higher is better, else falling.
    points : tuple of float, length k + 1
        Points of each band, 0 to 100, from the worst to the best; they don't fall.
    edge : {"better", "worse"}
        The band that a value on an edge belongs to.
    """

    edges: tuple[float, ...]
    points: tuple[float, ...]
    edge: Side = "better"

    def __post_init__(self) -> None:
        steps = [after - before for before, after in zip(self.edges, self.edges[1:], strict=False)]
        if not self.edges or not all(map(math.isfinite, self.edges)) or not _one_way(steps):
            raise DomainError(f"edges must be at least one finite number, all rising or all falling, got {self.edges}.")
        inside = all(0.0 <= p <= 100.0 for p in self.points)
        if len(self.points) != len(self.edges) + 1 or not inside or list(self.points) != sorted(self.points):
            raise DomainError(
                f"points must be {len(self.edges) + 1} numbers from 0 to 100, one more than edges, from the worst band "
                f"to the best, got {self.points}."
            )
        _check_side(self.edge)


Scale: TypeAlias = Linear | Bands


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a scheme.

    Attributes
    ----------
    name : str
        As in the column `metric` of the table.
    weight : float
        At least 0, in any unit: weights count by their share of the sum. 0: it only serves veto rules.
    direction : {"higher", "lower"}
        Which values are better.
    scale : Linear or Bands
        From values to points, 0 to 100.
    missing : {"ignore", "worst"} or float
        What a customer without a value gets. "ignore": the other metrics carry its weight, and coverage falls. "worst":
        0 points. A number: so many points. The last two say what an absence means, so the metric counts as covered.
    max_age_days : int, optional
        Values measured longer ago count as missing; at least 1. Undated ones have no age.
    """

    name: str
    weight: float = 1.0
    direction: Direction = "higher"
    scale: Scale = field(default_factory=Linear)
    missing: Missing = "ignore"
    max_age_days: int | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.strip()):
            raise DomainError(f"name must be a text that is not empty, got {self.name!r}.")
        if not (math.isfinite(self.weight) and self.weight >= 0.0):
            raise DomainError(f"weight must be finite and at least 0, got {self.weight}.")
        if self.direction not in ("higher", "lower"):
            raise DomainError(f'direction must be "higher" or "lower", got {self.direction!r}.')
        if self.missing not in ("ignore", "worst") and not _is_points(self.missing):
            raise DomainError(f'missing must be "ignore", "worst" or points from 0 to 100, got {self.missing!r}.')
        if self.max_age_days is not None and not is_whole(self.max_age_days, 1):
            raise DomainError(f"max_age_days must be at least 1 (whole days), got {self.max_age_days!r}.")
        self._check_way()

    def _check_way(self) -> None:
        ends = (self.scale.worst, self.scale.best) if isinstance(self.scale, Linear) else self.scale.edges
        if len(ends) > 1 and (ends[-1] > ends[0]) != (self.direction == "higher"):
            raise DomainError(
                f"direction says that {self.direction} is better, but the scale runs from {ends[0]:g} (worst end) to "
                f"{ends[-1]:g} (best end).\nTurn one of them round."
            )

    @property
    def missing_points(self) -> float | None:
        """Points where there is no value; None where the metric is then left out."""
        if self.missing == "ignore":
            return None
        return 0.0 if self.missing == "worst" else float(self.missing)


@dataclass(frozen=True, slots=True)
class Veto:
    """A customer with so many metrics of a colour is at most of another colour, whatever the score.

    Attributes
    ----------
    colour, at_most : {"red", "yellow", "green"}
        Of metrics, and the best colour that is then left to the customer; not "green".
    metrics : tuple of str
        The metrics that count; empty for all.
    count : int
        How many of them it takes, at least 1.
    """

    colour: Colour = "red"
    at_most: Colour = "yellow"
    metrics: tuple[str, ...] = ()
    count: int = 1

    def __post_init__(self) -> None:
        if self.colour not in COLOURS or self.at_most not in COLOURS[:2]:
            raise DomainError(
                f"A veto takes colour red, yellow or green and at_most red or yellow, got {self.colour!r} and "
                f"{self.at_most!r}."
            )
        most = len(self.metrics) or self.count
        if not 1 <= self.count <= most:
            raise DomainError(f"count must lie between 1 and the number of metrics, {most}, got {self.count}.")

    @property
    def words(self) -> str:
        """The rule, as in "any red -> at most yellow"."""
        many = "any" if self.count == 1 else str(self.count)
        whose = f" of {', '.join(self.metrics)}" if self.metrics else ""
        return f"{many} {self.colour}{whose} -> at most {self.at_most}"


@dataclass(frozen=True, slots=True)
class Colours:
    """Where yellow and green begin, of scores and of the points of a metric.

    Attributes
    ----------
    edges : tuple of 2 floats
        Between red and yellow, and between yellow and green; rising, 0 to 100.
    edge : {"better", "worse"}
        The colour that a score on an edge has.
    """

    edges: tuple[float, float] = (50.0, 75.0)
    edge: Side = "better"

    def __post_init__(self) -> None:
        if len(self.edges) != 2 or not 0.0 <= self.edges[0] < self.edges[1] <= 100.0:
            raise DomainError(f"edges must be two numbers from 0 to 100, the lower first, got {self.edges}.")
        _check_side(self.edge)


def _one_way(steps: list[float]) -> bool:
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 100.0


def _check_side(edge: str) -> None:
    if edge not in ("better", "worse"):
        raise DomainError(f'edge must be "better" or "worse", got {edge!r}.')

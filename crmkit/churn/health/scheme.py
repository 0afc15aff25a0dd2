"""A health scheme as data: which metrics count, how much, and what their sum means."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from crmkit.churn.health.parts import Bands, Colours, Metric, Veto
from crmkit.churn.health.plain import as_toml, metric_as_dict, parts_of, veto_as_dict
from crmkit.errors import DomainError


@dataclass(frozen=True, slots=True)
class HealthScheme:
    """How health is scored.

    Attributes
    ----------
    name : str
        What to call it.
    metrics : tuple of Metric
        At least one, with a sum of weights above 0; in any order, the score is the same.
    colours : Colours
        Of the score and of the points of each metric.
    vetoes : tuple of Veto
        Rules that hold a customer's colour down.
    minimum_coverage : float
        Share of the weight that must be covered, 0 to 1; below it the answer is "unknown".

    Examples
    --------
    >>> scheme = HealthScheme("ours", (Metric("usage", 3.0), Metric("calls", 1.0)))
    >>> HealthScheme.from_toml(scheme.to_toml()) == scheme
    True
    """

    name: str
    metrics: tuple[Metric, ...]
    colours: Colours = field(default_factory=Colours)
    vetoes: tuple[Veto, ...] = ()
    minimum_coverage: float = 0.5

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise DomainError(f"A health scheme needs at least one metric and each once; twice: {twice or 'none'}.")
        if not sum(metric.weight for metric in self.metrics) > 0.0:
            raise DomainError("The weights of a health scheme must sum to more than 0.")
        if not 0.0 <= self.minimum_coverage <= 1.0:
            raise DomainError(f"minimum_coverage must lie between 0 and 1, got {self.minimum_coverage}.")
        strange = [name for veto in self.vetoes for name in veto.metrics if name not in names]
        if strange:
            raise DomainError(f"A veto names {strange[0]!r}, which is no metric of the scheme: {', '.join(names)}.")

    @classmethod
    def of_weights(cls, weights: Mapping[str, float]) -> Self:
        """Make a scheme of metrics that are points already: 0 the worst, 100 the best."""
        return cls("weights", tuple(Metric(name, float(weight)) for name, weight in weights.items()))

    def shares(self) -> dict[str, float]:
        """Weights as shares of their sum, by metric in the order of the alphabet."""
        total = sum(metric.weight for metric in self.metrics)
        return {metric.name: metric.weight / total for metric in sorted(self.metrics, key=lambda m: m.name)}

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; `from_dict` reads them."""
        return {
            "name": self.name,
            "minimum_coverage": self.minimum_coverage,
            "colours": {"edges": list(self.colours.edges), "edge": self.colours.edge},
            "metrics": [metric_as_dict(metric) for metric in self.metrics],
            "vetoes": [veto_as_dict(veto) for veto in self.vetoes],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read plain values; a DomainError names the place, as in metrics[2] ('calls').scale."""
        return cls(**parts_of(plain))

    def to_json(self) -> str:
        """Write the scheme as JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a scheme from JSON."""
        try:
            plain = json.loads(text)
        except json.JSONDecodeError as error:
            raise DomainError(f"The health scheme is no JSON: {error}.") from None
        return cls.from_dict(plain)

    def to_toml(self) -> str:
        """Write the scheme as TOML, to be edited by hand."""
        plain = self.as_dict()
        return as_toml(plain if plain["vetoes"] else {k: v for k, v in plain.items() if k != "vetoes"})

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a scheme from TOML."""
        try:
            plain = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise DomainError(f"The health scheme is no TOML: {error}.") from None
        return cls.from_dict(plain)

    def __str__(self) -> str:
        """Lay the scheme out as text, a line per metric."""
        lines = [f"Health scheme {self.name!r}"]
        shares = self.shares()
        lines += [f"  {shares[m.name]:5.1%}  {m.name}: {_scale_words(m)}; missing: {m.missing}" for m in self.metrics]
        low, high = self.colours.edges
        lines.append(f"  red, yellow from {low:g}, green from {high:g}; an edge is the {self.colours.edge} colour")
        lines += [f"  veto: {veto.words}" for veto in self.vetoes]
        lines.append(f"  unknown below {self.minimum_coverage:.0%} of the weight")
        return "\n".join(lines)


def _scale_words(metric: Metric) -> str:
    scale = metric.scale
    if isinstance(scale, Bands):
        points = ", ".join(f"{p:g}" for p in scale.points)
        edges = ", ".join(f"{e:g}" for e in scale.edges)
        return f"{points} points, edges {edges} (of the {scale.edge} band), {metric.direction} is better"
    return f"0 points at {scale.worst:g} to 100 at {scale.best:g}"

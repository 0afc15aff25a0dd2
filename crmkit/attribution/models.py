"""Attribution models: frozen objects, and the names of the presets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import DomainError

F64 = NDArray[np.float64]


def _check_weights(model: str, weights: dict[str, float]) -> None:
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise DomainError(f"{model}: the weight {name} must be finite and at least 0, got {weight}.")
    if not sum(weights.values()) > 0:
        raise DomainError(f"{model}: at least one weight must be above 0, got {', '.join(weights)} all 0.")


@dataclass(frozen=True, slots=True)
class Position:
    """Weights of the first touch, the last, and those between, which share `middle`.

    They need not sum to 1. One touch has all; of two, the middle is left out.
    """

    first: float
    middle: float
    last: float
    name: str = "custom"

    def __post_init__(self) -> None:
        _check_weights(self.name, {"first": self.first, "middle": self.middle, "last": self.last})


@dataclass(frozen=True, slots=True)
class Linear:
    """The same for each touch."""

    name: str = "linear"


@dataclass(frozen=True, slots=True)
class LastNonDirect:
    """All to the last touch that is not direct traffic; to the last touch if all are.

    Attributes
    ----------
    direct : tuple of str
        Channels that are direct traffic; upper and lower case are one.
    """

    direct: tuple[str, ...] = ("direct", "(direct)")
    name: str = "last_non_direct"

    def passed_over(self, channels: Iterable[str]) -> NDArray[np.bool_]:
        """Tell which channels are direct traffic, shape (channels,)."""
        own = {name.lower() for name in self.direct}
        return np.array([name.lower() in own for name in channels], dtype=bool)


@dataclass(frozen=True, slots=True)
class TimeDecay:
    """Half the weight for each `half_life_days` before the conversion (not before the last touch)."""

    half_life_days: float = 7.0
    name: str = "time_decay"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.half_life_days) and self.half_life_days > 0):
            raise DomainError(f"half_life_days must be above 0 (days), got {self.half_life_days}.")


@dataclass(frozen=True, slots=True)
class Milestones:
    """Weights of the touches at which a customer became a lead, an opportunity; the other touches share `rest`.

    A milestone's touch is the last one of the journey at or before it. A touch with several roles has all their
    weights. What a journey lacks is left out, and the other weights grow in proportion.
    """

    first: float
    lead: float
    opportunity: float
    last: float
    rest: float
    name: str = "milestones"

    def __post_init__(self) -> None:
        roles = {name: float(getattr(self, name)) for name in ("first", "lead", "opportunity", "last", "rest")}
        _check_weights(self.name, roles)


@dataclass(frozen=True, slots=True)
class Participation:
    """A whole conversion for each distinct channel on its path. Does not sum to the conversions."""

    name: str = "participation"


@dataclass(frozen=True, slots=True)
class Markov:
    """Removal effects of a Markov chain whose states are the last `order` channels."""

    order: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.order, bool) or not isinstance(self.order, int) or self.order < 1:
            raise DomainError(f"The order of a Markov chain must be at least 1, got {self.order!r}.")
        if not self.name:
            object.__setattr__(self, "name", f"markov_{self.order}")


@dataclass(frozen=True, slots=True)
class Shapley:
    """Shapley value of the conversions within a coalition: an equal split over each journey's distinct channels."""

    name: str = "shapley"


@dataclass(frozen=True, slots=True)
class WorthShapley:
    """Shapley value of a game of your own, scaled to the conversions that have a touch.

    Attributes
    ----------
    worth : function of (bool array of shape (m, channels), list of channel names) -> float array of shape (m,)
        What each coalition is worth; for at most 20 channels.
    """

    worth: Callable[[NDArray[np.bool_], list[str]], F64]
    name: str = "shapley_worth"


@dataclass(frozen=True, slots=True)
class LearnedShapley:
    """Shapley value of each journey's chance to convert, by a logistic regression on the channels that it holds.

    A share below 0 (a channel whose journeys convert less) counts as 0; if none is above 0 the channels share equally.

    Attributes
    ----------
    penalty : float
        L2 penalty on the effects, in journeys; above 0.
    draws : int
        Orders drawn for journeys of more than 12 distinct channels; smaller ones are exact.
    """

    penalty: float = 1.0
    draws: int = 200
    name: str = "shapley_learned"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.penalty) and self.penalty > 0):
            raise DomainError(f"penalty must be above 0, got {self.penalty}.")


Model: TypeAlias = (
    Position
    | Linear
    | LastNonDirect
    | TimeDecay
    | Milestones
    | Participation
    | Markov
    | Shapley
    | WorthShapley
    | LearnedShapley
)

PRESETS: tuple[Model, ...] = (
    Position(1.0, 0.0, 0.0, "first"),
    Position(0.0, 0.0, 1.0, "last"),
    LastNonDirect(),
    Linear(),
    Position(0.4, 0.2, 0.4, "position"),  # Google Ads, Snowplow; Adobe's "U-shaped"
    Position(0.2, 0.2, 0.6, "j_shaped"),  # Adobe
    Position(0.6, 0.2, 0.2, "inverse_j"),  # Adobe
    TimeDecay(),
    Milestones(0.3, 0.3, 0.3, 0.0, 0.1, "w_shaped"),  # Marketo, HubSpot
    Milestones(0.225, 0.225, 0.225, 0.225, 0.1, "full_path"),  # HubSpot
    Milestones(0.5, 0.5, 0.0, 0.0, 0.0, "u_shaped_marketo"),
    Participation(),
    Markov(1),
    Markov(2),
    Markov(3),
    Shapley(),
    LearnedShapley(),
)
# What `attribute_all` shows unless asked otherwise: models that sum to the conversions and need no milestones.
ALL = (
    *("first", "last", "last_non_direct", "linear", "position", "j_shaped", "inverse_j", "time_decay"),
    *("shapley", "markov_1", "markov_2", "markov_3"),
)


def model_of(model: str | Model) -> Model:
    """Look a model up by the name of its preset, or by "markov_" with any order."""
    if not isinstance(model, str):
        if not isinstance(model, Model):
            raise DomainError(f"model must be a name or a model such as TimeDecay(half_life_days=7), got {model!r}.")
        return model
    known = {preset.name: preset for preset in PRESETS}
    if re.fullmatch("markov_[1-9][0-9]*", model):
        return Markov(int(model.removeprefix("markov_")))
    if model not in known:
        raise DomainError(f"There is no model {model!r}; expected one of {', '.join(known)}, or a model object.")
    return known[model]


def models_of(models: Iterable[str | Model]) -> tuple[Model, ...]:
    """Look models up; each name must be there once."""
    found = tuple(model_of(model) for model in models)
    names = [model.name for model in found]
    twice = [name for name in names if names.count(name) > 1]
    if not found or twice:
        said = f"two are called {twice[0]!r}" if twice else "there is none"
        raise DomainError(f"models must be at least one, each with a name of its own; {said}. Give it another name=.")
    return found


def needs(models: Iterable[Model], *kinds: Any) -> bool:
    """Whether one of the models is of one of these kinds."""
    return any(isinstance(model, kinds) for model in models)

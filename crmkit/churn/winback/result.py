"""A fitted uplift model, with what it proved on rows that it had not seen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from crmkit.churn.winback import texts
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import F64
from crmkit.notebook_cards import notebook_card
from crmkit.segment_maps import Locale, checked_locale

Method: TypeAlias = Literal["two_models", "class_transformation"]
Verdict: TypeAlias = Literal["better", "not_better", "worse"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class UpliftFit:
    """What a contact changes, by features; and how well the ranking did out of sample.

    Attributes
    ----------
    method : {"two_models", "class_transformation"}
    features : tuple of str
    centre, spread : tuple of float
        Mean and standard deviation of each feature.
    lines : tuple of tuple of float
        Logistic regressions on standardised features, intercept first: of the treated and of the held out, or the one
        of the transformed class.
    customers, treated : int
        Recipients of the campaign, and those of them who were contacted.
    effect : Figure
        P(return) of the contacted less that of the held out.
    qini : Figure
        Qini coefficient (`crmkit.models.uplift`): returns per head gained over a random order.
    against_response : Figure
        Qini coefficient less that of ranking by P(return | contacted), the usual response model.
    top_share : float
        Share of the base that `uplift_top` is of.
    uplift_top : Figure
        Effect among the first `top_share` of the ranking.
    curve : tuple of (share, Figure)
        Gain per head of the base when so large a share is contacted.
    level : float
        Of all intervals.
    verdict : str
        "better", "not_better" or "worse" than a ranking at random: where the interval of `qini` lies.
    """

    method: Method
    features: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    lines: tuple[tuple[float, ...], ...]
    customers: int
    treated: int
    effect: Figure
    qini: Figure
    against_response: Figure
    top_share: float
    uplift_top: Figure | None
    curve: tuple[tuple[float, Figure], ...]
    level: float
    verdict: Verdict

    def uplift(self, features: ArrayLike) -> F64:
        """Predicted uplift, float64 of shape (n,), of an array (n, features)."""
        z = (np.asarray(features, dtype=np.float64) - np.array(self.centre)) / np.array(self.spread)
        shares = [1.0 / (1.0 + np.exp(-np.clip(line[0] + z @ np.array(line[1:]), -30.0, 30.0))) for line in self.lines]
        found: F64 = shares[0] - shares[1] if len(shares) == 2 else 2.0 * shares[0] - 1.0
        return found

    def words(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures, in English or Chinese."""
        return texts.words(self, checked_locale(locale))

    def to_json(self) -> str:
        """Write the fit as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; the same fit, digit for digit."""
        plain = json.loads(text)
        if not isinstance(plain, dict) or set(plain) != set(cls.__dataclass_fields__):
            raise DomainError(f"The text is not a stored UpliftFit: {text[:80]!r}.")
        for name in ("effect", "qini", "against_response"):
            plain[name] = Figure(**plain[name])
        plain["uplift_top"] = None if plain["uplift_top"] is None else Figure(**plain["uplift_top"])
        plain["curve"] = tuple((share, Figure(**figure)) for share, figure in plain["curve"])
        for name in ("features", "centre", "spread"):
            plain[name] = tuple(plain[name])
        return cls(**plain | {"lines": tuple(map(tuple, plain["lines"]))})

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook."""
        return notebook_card(f"Uplift fit: {self.verdict}", lines=[self.words()])

    def __str__(self) -> str:
        """Give the verdict in words."""
        return self.words()

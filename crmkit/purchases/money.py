"""What orders are worth: Gamma-Gamma with its assumptions, or why there is none."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from crmkit.errors import FitError
from crmkit.models.gamma_gamma import GammaGamma, Spend, assess_spend, fit_gamma_gamma
from crmkit.models.histories import F64

# p and q this large are their limit to every digit that money has.
_ALL_ALIKE = 1e9


@dataclass(frozen=True, slots=True)
class Money:
    """The spend model of a base and what it rests on.

    Attributes
    ----------
    model : GammaGamma or None
        Value of an order day; None if there is nothing to learn it from.
    status : str
        Whether it may be relied upon, in words.
    repeat_customers : int
        Customers with a repeat order day of positive mean value: those who entered the fit.
    one_timers : int
        Customers without repeat order days: they get the value of the population.
    not_positive : int
        Customers with repeat order days whose mean value is 0 or less, who can't enter the fit.
    mean_value : float or None
        Mean value of a repeat order day over those who entered; money.
    correlation, rank_correlation : float or None
        Pearson's and Spearman's, of frequency and mean value: Gamma-Gamma assumes none. None where either is constant.
    rank_interval : tuple of float
        95 % interval of `rank_correlation`.
    mean_by_frequency : tuple of (lowest frequency, customers, mean value)
        Groups of frequency: the means should not differ.
    """

    model: GammaGamma | None
    status: str
    repeat_customers: int
    one_timers: int
    not_positive: int
    mean_value: float | None
    correlation: float | None
    rank_correlation: float | None
    rank_interval: tuple[float, float]
    mean_by_frequency: tuple[tuple[int, int, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        model = None if self.model is None else json.loads(self.model.to_json())
        return {name: value for name, value in asdict(self).items() if name != "model"} | {"model": model}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read what `as_dict` returned."""
        stored = plain["model"]
        model = None if stored is None else GammaGamma.from_json(json.dumps(stored))
        groups = tuple((int(low), int(n), float(mean)) for low, n, mean in plain["mean_by_frequency"])
        low, high = plain["rank_interval"]
        changed = {"model": model, "mean_by_frequency": groups, "rank_interval": (float(low), float(high))}
        return cls(**{**plain, **changed})


def fit_money(x: F64, m: F64, count: F64) -> Money:
    """Fit the value of an order day and check what the fit assumes.

    Parameters
    ----------
    x, m, count : float64, shape (n,)
        Frequency, mean value of the repeat order days, customers.
    """
    found = assess_spend(x, m, count)
    good = (x > 0) & np.isfinite(m) & (m > 0)
    entered = float(count[good].sum())
    mean = float(np.average(m[good], weights=count[good])) if entered else None
    model, why = _model(x[good], m[good], count[good])
    status = " ".join([why, *_warnings(found.verdict if model is not None else None, int(found.not_positive))])
    return Money(
        model,
        status,
        int(entered),
        int(found.without_orders),
        int(found.not_positive),
        mean,
        _known(found.correlation),
        _known(found.rank_correlation),
        found.rank_interval,
        tuple((low, int(n), value) for low, n, value in found.mean_by_frequency),
    )


def _model(x: F64, m: F64, count: F64) -> tuple[GammaGamma | None, str]:
    """Fit, or take the limit that the data are."""
    if len(x) == 0:
        return None, "No spend model: no customer has a repeat order day of positive value."
    if m.max() == m.min():
        alike = GammaGamma(_ALL_ALIKE, _ALL_ALIKE, float(m[0]) * (_ALL_ALIKE - 1.0) / _ALL_ALIKE)
        return alike, f"All repeat order days are worth {m[0]:g} in the mean: so are all to come."
    try:
        model = fit_gamma_gamma(Spend.distinct(x, m, count))
    except FitError as error:
        return None, f"No spend model: {error}"
    known = model.estimate
    return model, f"Gamma-Gamma: {known.status if known else 'given'}."


def _warnings(verdict: str | None, not_positive: int) -> list[str]:
    """Name what was assumed and who was left out."""
    texts = [] if verdict is None else [f"Value unrelated to frequency: {verdict.split(';')[0]}."]
    if not_positive:
        texts.append(
            f"{not_positive} customers whose repeat order days are worth 0 or less in the mean are not in the fit; "
            f"their orders are valued as if they had spent 0."
        )
    return texts


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None

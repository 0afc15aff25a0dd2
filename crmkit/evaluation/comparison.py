"""Which of two variants did better? Difference, interval, verdict."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Literal, Self, TypeAlias

from crmkit.errors import DomainError
from crmkit.evaluation import texts
from crmkit.models.two_samples import (
    Difference,
    difference_of_means,
    difference_of_proportions,
    needed_per_group,
)
from crmkit.segment_maps import Locale, checked_locale

Verdict: TypeAlias = Literal["b", "a", "alike", "undecided"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two variants compared.

    Attributes
    ----------
    of : {"proportions", "means"}
    name_a, name_b : str
    size_a, size_b : int
        Recipients.
    value_a, value_b : float
        Proportion or mean of each.
    difference, low, high : float
        b less a, and its interval; in shares (.02 is two points) or in the unit of the mean.
    lift : float or None
        `difference` over the value of a; None where that is 0.
    level : float
        Of the interval.
    p_value : float
        Two-sided.
    smallest_effect : float
        Difference that is worth acting on; 0: any.
    needed_per_variant : int or None
        Recipients per variant at which `smallest_effect`, or else the difference that was seen, is found in four of
        five tests; None where it is 0.
    verdict : {"b", "a", "alike", "undecided"}
        "b", "a": this variant is better. "alike": whatever difference there is is smaller than `smallest_effect`.
        "undecided": the interval holds both no difference and one that matters.
    """

    of: Literal["proportions", "means"]
    name_a: str
    name_b: str
    size_a: int
    size_b: int
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    lift: float | None
    level: float
    p_value: float
    smallest_effect: float
    needed_per_variant: int | None
    verdict: Verdict

    def words(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures, in English or Chinese."""
        return texts.comparison(self, checked_locale(locale))

    def to_json(self) -> str:
        """Write the comparison as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def compare_proportions(
    successes_a: int,
    trials_a: int,
    successes_b: int,
    trials_b: int,
    *,
    level: float = 0.95,
    smallest_effect: float = 0.0,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Compare two rates, such as the open rates of two subject lines.

    Parameters
    ----------
    successes_a, successes_b : int
        Recipients who did it, such as opened.
    trials_a, trials_b : int
        Recipients, at least 1 each.
    level : float
        Of the interval, in (0, 1).
    smallest_effect : float
        Smallest difference worth acting on, in shares (.01 is one point); 0 to 1.
    names : pair of str
        What to call the variants.

    Returns
    -------
    Comparison

    Raises
    ------
    DomainError
        A number lies out of its domain.

    Notes
    -----
    The decision is made by the interval (Newcombe 1998, method 10), which holds for small counts. Decide on the size
    of the test before it: an interval that is looked at every day until it leaves 0 does so sooner or later.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8).

    Examples
    --------
    >>> found = compare_proportions(412, 2000, 478, 2000, names=("Last chance", "Your points expire"))
    >>> found.verdict, round(found.low, 3), round(found.high, 3)
    ('b', 0.007, 0.059)
    """
    _check_effect(smallest_effect, 1.0)
    found = difference_of_proportions(successes_a, trials_a, successes_b, trials_b, level=level)
    a, b = successes_a / trials_a, successes_b / trials_b
    needed = needed_per_group(a * (1.0 - a), b * (1.0 - b), smallest_effect or found.value, level=level)
    return _compared("proportions", names, (trials_a, trials_b), (a, b), found, level, smallest_effect, needed)


def compare_means(
    mean_a: float,
    sd_a: float,
    size_a: int,
    mean_b: float,
    sd_b: float,
    size_b: int,
    *,
    level: float = 0.95,
    smallest_effect: float = 0.0,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Compare two means, such as revenue per recipient.

    Parameters
    ----------
    mean_a, mean_b : float
        Means over all recipients, those who bought nothing counted as 0.
    sd_a, sd_b : float
        Standard deviations (divided by n - 1), at least 0.
    size_a, size_b : int
        Recipients, at least 2 each.
    smallest_effect : float
        Smallest difference worth acting on, in the unit of the mean; at least 0.
    level, names
        As for `compare_proportions`.

    Returns
    -------
    Comparison

    Raises
    ------
    DomainError
        A number lies out of its domain.

    Notes
    -----
    Welch's interval takes means to be near normal. With money, where one large order can make the mean, it needs some
    hundreds of buyers in each group.

    References
    ----------
    Welch (1947), Biometrika 34(1/2).
    """
    _check_effect(smallest_effect, math.inf)
    found = difference_of_means(mean_a, sd_a, size_a, mean_b, sd_b, size_b, level=level)
    needed = needed_per_group(sd_a**2, sd_b**2, smallest_effect or found.value, level=level)
    sizes, means = (size_a, size_b), (mean_a, mean_b)
    return _compared("means", names, sizes, means, found, level, smallest_effect, needed)


def _check_effect(effect: float, most: float) -> None:
    if not (0.0 <= effect < most and math.isfinite(effect)):
        raise DomainError(f"smallest_effect must be at least 0, in the unit of the outcome, got {effect}.")


def _compared(
    of: Literal["proportions", "means"],
    names: tuple[str, str],
    sizes: tuple[int, int],
    values: tuple[float, float],
    found: Difference,
    level: float,
    effect: float,
    needed: int | None,
) -> Comparison:
    lift = found.value / values[0] if values[0] else None
    return Comparison(
        of=of,
        name_a=names[0],
        name_b=names[1],
        size_a=int(sizes[0]),
        size_b=int(sizes[1]),
        value_a=float(values[0]),
        value_b=float(values[1]),
        difference=found.value,
        low=found.low,
        high=found.high,
        lift=lift,
        level=level,
        p_value=found.p_value,
        smallest_effect=effect,
        needed_per_variant=needed,
        verdict=_verdict(found, effect),
    )


def _verdict(found: Difference, effect: float) -> Verdict:
    if -effect < found.low and found.high < effect:
        return "alike"
    if found.low > 0.0:
        return "b"
    return "a" if found.high < 0.0 else "undecided"

"""Which channel earned it? Credit of channels with standard errors and intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray
from scipy.special import ndtri

from crmkit import frames
from crmkit.attribution.models import ALL, LearnedShapley, Markov, Milestones, Model, TimeDecay, models_of, needs
from crmkit.attribution.replicates import markov_credits
from crmkit.attribution.sharing import credited_by, orders_of
from crmkit.errors import DomainError
from crmkit.journeys.cutting import Sharing
from crmkit.journeys.decay import decayed_sums
from crmkit.journeys.handed import handed_over
from crmkit.journeys.log import UNATTRIBUTED, Window, read_window
from crmkit.journeys.tally import Tally, tally_of
from crmkit.models.paths import F64
from crmkit.models.touch_weights import Credit, Pairs, error_of_sum
from crmkit.whole_numbers import checked_whole

MEASURES = ("conversions", "value")
_MOST_REPLICATES = 100_000


def attribute(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    model: str | Model,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    gap_days: float | None = None,
    by: str = "channel",
    level: float = 0.8,
    replicates: int = 50,
    rng: np.random.Generator | None = None,
) -> IntoFrameT:
    """Share the conversions, and their value, among the channels that came before them.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        One row per touch, in any order. Touches of one time are ordered by `touch_id` if there is one, else by channel.
    conversions : data frame, `schema.CONVERSIONS`
        One row per conversion, in the library of `touches`. Rows whose `milestone` is "lead" or "opportunity", in
        capitals or small letters, are milestones on the way, every other row is a conversion.
    model : str or model
        Name of a preset ("first", "last", "last_non_direct", "linear", "position", "j_shaped", "inverse_j",
        "time_decay", "w_shaped", "full_path", "u_shaped_marketo", "participation", "markov_1", "markov_2", ...,
        "shapley", "shapley_learned") or an object such as `TimeDecay(half_life_days=14)`.
    as_of : date
        Last day the logs cover, inclusive; later rows are left out.
    lookback_days : float or None
        How long before a conversion a touch counts; days, above 0, at most 365,250. None: however long ago.
    sharing : {"split", "shared"}
        "split": a touch belongs to the customer's next conversion only. "shared": to each one within reach.
    gap_days : float, optional
        Cut journeys that did not convert where the customer was silent for longer; only models that look at these
        journeys (Markov, learned worth) are touched by it.
    by : str
        What is credited: "channel", "campaign", or any other column of `touches`. Empty cells are "(none)".
    level : float
        Of the intervals; above 0, below 1.
    replicates : int
        Of the bootstrap of Markov models; 2 to 100,000.
    rng : numpy Generator, optional
        Needed where there is chance: Markov models, and learned worths of journeys of more than 12 channels.

    Returns
    -------
    data frame like `touches`, `schema.CREDIT`
        One row per channel, sorted, with "(unattributed)" for conversions without a touch: `channel`, `conversions`,
        `conversions_se`, `conversions_low`, `conversions_high`, `value`, `value_se`, `value_low`, `value_high`,
        `share` (of all conversions). Rounded to 9 decimals.

    Raises
    ------
    SchemaError
        As `schema.admit`; or a column asked for is missing, or a channel is called "(unattributed)".
    DomainError
        An argument is outside its domain, or `rng` is missing where there is chance.

    Notes
    -----
    A conversion given as a date, or at midnight sharp, is at the end of its day, a touch at its beginning; the clock of
    `TimeDecay` and of the lookback runs to the beginning. Conversions of a customer at one time share their journey.

    Standard errors take the conversions as drawn one by one: sqrt(sum c^2 - (sum c)^2 / n). For Markov models
    customers are drawn, with all their journeys (Poisson bootstrap).

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> touches = pd.DataFrame({"customer_id": ["ann", "ann"], "channel": ["ads", "mail"],
    ...     "touched_at": pd.to_datetime(["2024-03-01", "2024-03-05"])})
    >>> sales = pd.DataFrame({"customer_id": ["ann"], "converted_at": pd.to_datetime(["2024-03-06"])})
    >>> attribute(touches, sales, model="j_shaped", as_of=dt.date(2024, 3, 31))["conversions"].tolist()
    [0.0, 0.25, 0.75]
    """
    found = _credits(
        *(touches, conversions, models_of([model])),
        window=Window(as_of, lookback_days, sharing, gap_days, by),
        chance=Chance(level, replicates, rng),
    )
    return frames.build(credit_columns(found, level, named=False), like=touches)


def attribute_all(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    models: Sequence[str | Model] = ALL,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    gap_days: float | None = None,
    by: str = "channel",
    level: float = 0.8,
    replicates: int = 50,
    rng: np.random.Generator | None = None,
) -> IntoFrameT:
    """Credit by many models at once: what all agree on, and what depends on whom one asks.

    Parameters
    ----------
    models : sequence of str or model
        As `model` of `attribute`; each with a name of its own. By default all that sum to the conversions and need
        no milestones.
    touches, conversions, as_of, lookback_days, sharing, gap_days, by, level, replicates, rng
        As for `attribute`.

    Returns
    -------
    data frame like `touches`, `schema.CREDIT` with `model`
        The rows of `attribute` for each model, in the order of `models`; `side_by_side` lays them next to each other.
    """
    found = _credits(
        *(touches, conversions, models_of(models)),
        window=Window(as_of, lookback_days, sharing, gap_days, by),
        chance=Chance(level, replicates, rng),
    )
    return frames.build(credit_columns(found, level, named=True), like=touches)


@dataclass(frozen=True, slots=True)
class Chance:
    """What intervals are made of: their level, and what replicates are drawn from."""

    level: float
    replicates: int
    rng: np.random.Generator | None

    def __post_init__(self) -> None:
        if not (isinstance(self.level, Real) and 0.0 < self.level < 1.0):
            raise DomainError(f"level must be above 0 and below 1, got {self.level!r}.")
        checked_whole(self.replicates, "replicates", least=2, most=_MOST_REPLICATES)
        if self.rng is not None and not isinstance(self.rng, np.random.Generator):
            raise DomainError(f"rng must be a numpy Generator, np.random.default_rng(seed), got {self.rng!r}.")


@dataclass(frozen=True, slots=True, eq=False)
class Credits:
    """Credit of the channels by several models, and of conversions without a touch."""

    channels: NDArray[Any]
    of: dict[str, Credit]
    without: tuple[float, float, float, float]
    conversions: float


def credits_of_tally(models: Sequence[Model], tally: Tally, chance: Chance, decayed: dict[str, Credit]) -> Credits:
    """Credit by models from distinct paths; `decayed` holds what the paths don't tell."""
    orders = orders_of(models)
    if orders and chance.rng is None:
        raise DomainError("Intervals of Markov models are drawn: give rng=np.random.default_rng(seed).")
    chains = markov_credits(tally, orders, replicates=chance.replicates, rng=chance.rng) if orders else {}
    # Only a learned worth looks at journeys without a conversion one by one; there may be a hundred for one with.
    counted = tally if needs(models, LearnedShapley) else _converting(tally)
    pairs = Pairs.of(counted.paths)
    found = {
        model.name: chains[model.order]
        if isinstance(model, Markov)
        else decayed[model.name]
        if isinstance(model, TimeDecay)
        else credited_by(model, counted, pairs, rng=chance.rng)
        for model in models
    }
    return Credits(tally.channels, found, _without(tally), tally.conversions)


def _converting(tally: Tally) -> Tally:
    """Leave out the paths on which nobody converted."""
    sold = tally.paths.conversions > 0
    parts = {name: getattr(tally, name)[sold] for name in ("squares", "days", "milestones")}
    return replace(tally, paths=tally.paths.chosen(sold), clusters=None, **parts)


def _credits(touches: Any, conversions: Any, models: Sequence[Model], *, window: Window, chance: Chance) -> Credits:
    # The engine lets go of its tables before the models need memory of their own.
    tally, sums = _counted(touches, conversions, models, window)
    decayed = {name: _decayed(own, tally.conversions) for name, own in sums.items()}
    return credits_of_tally(models, tally, chance, decayed)


def _counted(
    touches: Any, conversions: Any, models: Sequence[Model], window: Window
) -> tuple[Tally, dict[str, dict[str, F64]]]:
    """Distinct paths, and what they don't tell: sums of the models whose shares decay."""
    milestones = needs(models, Milestones)
    log = read_window(touches, conversions, window, milestones=milestones)
    won = handed_over(log, window.sharing)
    sums = {
        model.name: decayed_sums(log, won, sharing=window.sharing, half_life_days=model.half_life_days)
        for model in models
        if isinstance(model, TimeDecay)
    }
    markov = needs(models, Markov)
    tally = tally_of(
        *(log, won),
        sharing=window.sharing,
        nulls=markov or needs(models, LearnedShapley),
        gap_days=window.gap_days,
        milestones=milestones,
        clustered=markov,
    )
    return tally, sums


def _decayed(sums: dict[str, F64], total: float) -> Credit:
    errors = (error_of_sum(sums[f"{name}_square"], sums[name], total) for name in MEASURES)
    conversions_se, value_se = errors
    return Credit(sums["conversions"], conversions_se, sums["value"], value_se)


def _without(tally: Tally) -> tuple[float, float, float, float]:
    """Conversions without a touch, their value, and the standard errors of both."""
    count = tally.conversions - float(tally.paths.conversions.sum())
    if count <= 0:
        return 0.0, 0.0, 0.0, 0.0
    value = tally.value - float(tally.paths.values.sum())
    square = tally.square - float(tally.squares.sum())
    errors = error_of_sum(np.array([count, square]), np.array([count, value]), tally.conversions)
    return count, float(errors[0]), value, float(errors[1])


def credit_columns(found: Credits, level: float, *, named: bool) -> dict[str, Any]:
    """Lay credits out as the columns of `schema.CREDIT`, a block of rows per model."""
    names = np.array([*found.channels, UNATTRIBUTED], dtype=object)
    order = np.argsort(names)
    blocks = []
    for credit in found.of.values():
        parts = (credit.conversions, credit.conversions_se, credit.value, credit.value_se)
        rows = [np.append(part, more)[order] for part, more in zip(parts, found.without, strict=True)]
        blocks.append(rows)
    conversions, conversions_se, value, value_se = (np.concatenate(column) for column in zip(*blocks, strict=True))
    models = {"model": np.repeat(np.array(list(found.of), dtype=object), len(names))} if named else {}
    columns = {
        **_with_interval("conversions", conversions, conversions_se, level),
        **_with_interval("value", value, value_se, level),
        "share": conversions / max(found.conversions, 1.0),
    }
    return {
        **models,
        "channel": np.tile(names[order], len(found.of)),
        **{name: np.round(values, 9) + 0.0 for name, values in columns.items()},
    }


def _with_interval(name: str, middle: F64, error: F64, level: float) -> dict[str, F64]:
    """Add the normal interval; what can't be negative does not end below 0."""
    reach = float(ndtri(0.5 + level / 2.0)) * error
    low = np.where(middle >= 0, np.maximum(middle - reach, 0.0), middle - reach)
    return {name: middle, f"{name}_se": error, f"{name}_low": low, f"{name}_high": middle + reach}

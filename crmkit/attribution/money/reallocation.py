"""What to spend next: within bounds, from the same total, and only where returns can be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.attribution.money import wording
from crmkit.attribution.money.tables import LIFT_TESTS, RETURNS, SPEND_RANGE
from crmkit.errors import DomainError, SchemaError
from crmkit.models.budget import best_factors, overlapping_groups
from crmkit.models.forecast_scores.score import F64, normal_width
from crmkit.segment_maps import Locale, checked_locale

BASIS: Final = "what-if at the given elasticity; average returns, not causal"


def reallocate(
    returns: IntoFrameT,
    *,
    elasticity: float,
    bounds: float = 0.2,
    lift_tests: IntoFrameT | None = None,
    observed: IntoFrameT | None = None,
    level: float = 0.8,
    locale: Locale = "en",
) -> IntoFrameT:
    """Suggest a split of the same budget: more to the channels that return most, a little, and only if it is clear.

    A what-if, not a forecast: it rests on the elasticity that you give and on average returns, which are not causal. A
    lift test of a channel corrects that; without one, move little and test.

    Parameters
    ----------
    returns : data frame
        From `channel_returns`: `channel`, `cost`, `roas`, `roas_se`; with the column `model`, each model gets its own
        suggestion and `agreement` says how many concur.
    elasticity : float
        b, in (0, 1): spending f times as much brings f^b times as much. The same for all channels. Published means for
        advertising lie near 0.12 in the short and 0.24 in the long run; near 1 the budget goes to the best channel
        as far as `bounds` lets it.
    bounds : float
        Most that a channel's spend may change, as a share of it, in (0, 1].
    lift_tests : data frame, optional
        `channel`, `ratio` (incremental value of a test over the value that is credited to the channel), `ratio_se`. It
        scales the channel's ROAS and its interval.
    observed : data frame, optional
        `channel`, `lowest`, `highest`: the range of spend that has been tried, over the same length of time as `cost`.
        No suggestion leaves it (the spend of now belongs to it).
    level : float
        Of the intervals that tell channels apart, in (0, 1).
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `returns`
        One row per channel (and `model`), sorted: `spend_now`, `suggested`, `change` (money), `change_share` (of the
        spend now), `roas`, `roas_low`, `roas_high` (after lift tests), `group` (channels of one number are moved
        alike; missing for those that are not moved), `value_now`, `value_expected` (money; at the elasticity),
        `evidence` ("lift test" or "attribution"), `agreement` (share of models that move the channel the same way; 1
        without models), `basis` (constant), `reason` (text). The suggested spends sum to those of now.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A channel stands twice in a table, or a range of `observed` ends below its beginning.

    Notes
    -----
    - Without bounds the best split gives each channel s* in proportion to s ROAS^(1/(1-b)). With bounds: the same with
      one common factor, cut to the bounds, which are the Karush-Kuhn-Tucker conditions; solved exactly.
    - **Channels whose intervals overlap are not moved against one another.** Overlap is not transitive (A with B and B
      with C, but not A with C), so groups are made of all that hang together by overlaps: A, B and C. A group has one
      ROAS, that of all its money, and moves as one, by one factor, within the narrowest bounds of its members. If all
      channels hang together nothing moves, and the reason says so.
    - A return below 0, such as by refunds, counts as none.
    - Channels without an interval, such as those that nothing is credited to, keep their spend; so do channels at 0,
      of which nothing is known. Channels without a cost on record have no suggestion.
    - A lift test's ratio and the ROAS are taken as independent: relative variances add up (delta method).

    References
    ----------
    Sethuraman, Tellis & Briesch (2011), "How well does advertising work?", Journal of Marketing Research 48(3): mean
    short-term elasticity 0.12, long-term 0.24.
    """
    checked_locale(locale)
    width = normal_width(level)
    if not 0.0 < bounds <= 1.0:
        raise DomainError(f"bounds must lie in (0, 1], such as 0.2 for a fifth more or less, got {bounds}.")
    if not 0.0 < elasticity < 1.0:
        raise DomainError(f"elasticity must lie between 0 and 1, such as 0.2, got {elasticity}.")
    cells = _cells(returns, RETURNS, "returns")
    lifts = {} if lift_tests is None else _by_channel(lift_tests, LIFT_TESTS, ("ratio", "ratio_se"))
    ranges = {} if observed is None else _by_channel(observed, SPEND_RANGE, ("lowest", "highest"))
    _check_ranges(ranges)
    models = cells.get("model", np.zeros(len(cells["channel"]), dtype=object))
    plan = _planned(cells, models, lifts, ranges, bounds, elasticity, width)
    table = _table(plan, elasticity) | {
        "agreement": _agreement(plan.channel, plan.change),
        "basis": np.array([BASIS] * len(plan.channel), dtype=object),
        "reason": wording.reasons(plan, models, bounds, locale),
    }
    ids = {"channel": plan.channel} | ({"model": models} if "model" in cells else {})
    return frames.build({**ids, **table}, like=returns)


@dataclass(slots=True)
class Plan:
    """Rows of a suggestion: what is known, which group moves together, the factor on its spend."""

    channel: NDArray[Any]
    spend: F64
    roas: F64
    low: F64
    high: F64
    lowest: F64
    highest: F64
    group: F64
    factor: F64
    tested: NDArray[np.bool_]

    @property
    def change(self) -> F64:
        """Money that the spend changes by; 0 where the factor is 1."""
        return np.asarray(self.spend * (self.factor - 1.0))


def _planned(
    cells: dict[str, Any],
    models: NDArray[Any],
    lifts: dict[str, tuple[float, float]],
    ranges: dict[str, tuple[float, float]],
    bounds: float,
    elasticity: float,
    width: float,
) -> Plan:
    channels = [str(channel) for channel in cells["channel"]]
    spend, roas, error = (np.asarray(cells[name], dtype=np.float64) for name in ("cost", "roas", "roas_se"))
    ratio, ratio_se = (np.array([lifts.get(c, (1.0, 0.0))[i] for c in channels], dtype=np.float64) for i in (0, 1))
    half = width * np.hypot(error * ratio, roas * ratio_se)
    roas = roas * ratio
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [np.array([ranges.get(c, (0.0, np.inf))[i] for c in channels]) / spend for i in (0, 1)]
    plan = Plan(
        channel=np.array(channels, dtype=object),
        spend=spend,
        roas=roas,
        low=np.where(roas >= 0.0, np.maximum(roas - half, 0.0), roas - half),
        high=roas + half,
        lowest=np.fmin(np.fmax(1.0 - bounds, shares[0]), 1.0),
        highest=np.fmax(np.fmin(1.0 + bounds, shares[1]), 1.0),
        group=np.full(len(channels), np.nan),
        factor=np.ones(len(channels)),
        tested=np.array([channel in lifts for channel in channels], dtype=bool),
    )
    movable = (spend > 0.0) & np.isfinite(half) & np.isfinite(roas)
    for model in dict.fromkeys(models.tolist()):
        _move(plan, np.flatnonzero(movable & (models == model)), elasticity)
    return plan


def _move(plan: Plan, rows: NDArray[np.int64], elasticity: float) -> None:
    """Move the groups of one model against each other: each as one, with the ROAS of all its money."""
    groups = overlapping_groups(plan.low[rows], plan.high[rows])
    count = int(groups.max(initial=-1)) + 1
    spend: F64 = np.bincount(groups, plan.spend[rows], count).astype(np.float64)
    pooled: F64 = np.bincount(groups, plan.spend[rows] * plan.roas[rows], count) / spend
    lowest, highest = np.zeros(count), np.full(count, np.inf)
    np.maximum.at(lowest, groups, plan.lowest[rows])
    np.minimum.at(highest, groups, plan.highest[rows])
    factors = best_factors(spend, pooled, lowest, highest, elasticity=elasticity) if count > 1 else np.ones(count)
    plan.group[rows] = groups + 1.0
    plan.factor[rows] = factors[groups]


def _table(plan: Plan, elasticity: float) -> dict[str, Any]:
    value = plan.spend * plan.roas
    return {
        "spend_now": plan.spend,
        "suggested": plan.spend * plan.factor,
        "change": plan.change,
        "change_share": np.where(np.isnan(plan.spend), np.nan, np.round(plan.factor - 1.0, 12)),
        "roas": np.round(plan.roas, 9),
        "roas_low": np.round(plan.low, 9),
        "roas_high": np.round(plan.high, 9),
        "group": plan.group,
        "value_now": np.round(value, 6),
        "value_expected": np.round(value * plan.factor**elasticity, 6),
        "evidence": np.where(plan.tested, "lift test", "attribution").astype(object),
    }


def _agreement(channels: NDArray[Any], change: F64) -> F64:
    """Share of the models that move a channel the same way as this one."""
    sign = np.sign(np.round(np.nan_to_num(change), 9))
    same = [float(np.mean(sign[channels == channel] == here)) for channel, here in zip(channels, sign, strict=True)]
    return np.asarray(np.round(same, 9), dtype=np.float64)


def _cells(frame: Any, table: schema.Table, name: str) -> dict[str, Any]:
    entered = schema.admit(frame, table)
    given = frames.names_of(entered)
    by = [column for column in ("channel", "model") if column in given]
    cells = frames.arrays(entered.sort(*by), given)
    keys = list(zip(*(cells[column].tolist() for column in by), strict=True))
    twice = [key for i, key in enumerate(keys[1:]) if key == keys[i]]
    if twice:
        raise SchemaError(
            f"{name}.channel: {len(twice)} rows repeat a channel{' of a model' if len(by) > 1 else ''} (first: "
            f"{twice[0][0]!r}); expected one row each.\nKeep one row per channel."
        )
    return cells


def _by_channel(frame: Any, table: schema.Table, columns: tuple[str, str]) -> dict[str, tuple[float, float]]:
    cells = _cells(frame, table, table.name)
    rows = zip(cells["channel"], cells[columns[0]], cells[columns[1]], strict=True)
    return {str(channel): (float(a), float(b)) for channel, a, b in rows}


def _check_ranges(ranges: dict[str, tuple[float, float]]) -> None:
    turned = [channel for channel, (low, high) in ranges.items() if not (low <= high and math.isfinite(high))]
    if turned:
        low, high = ranges[turned[0]]
        raise SchemaError(
            f"observed: {len(turned)} ranges end below their beginning (first: channel {turned[0]!r}, {low:g} to "
            f"{high:g}); expected lowest <= highest.\nSwap the two."
        )

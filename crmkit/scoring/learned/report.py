"""How good a score was on leads whose outcome is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import CallProfit, ExpectedProfit, Score
from crmkit.scoring.learned.point_card import F64

SCORED: Final = schema.Table(
    "scored leads",
    "one row per lead with a chance and what came",
    (
        schema.Column("p_convert", "number", "chance to convert", "", "0 to 1", True, False, minimum=0.0, maximum=1.0),
        schema.Column(
            "converted", "number", "1 if it did, else 0", "", "0 or 1", True, False, minimum=0.0, maximum=1.0
        ),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class LeadReport(Generic[IntoFrameT]):
    """Figures of a score, each with its 95 % interval where there is one.

    Attributes
    ----------
    leads, converted : int
    auc : Score
        DeLong's interval.
    ks : float
        Largest distance of the two score distributions (Kolmogorov-Smirnov).
    brier : Score
    slope, intercept : Score or None
        Of calibration: 1 and 0 are calibrated.
    predicted, observed : float
        Mean chance, and share that converted.
    precision : tuple of (int, Score)
        Share that converted among the leads that each capacity can call.
    profit : ExpectedProfit or None
        Where `call` was given.
    gain : data frame
        One row per tenth (as `groups`), the highest chances first: `leads`, `predicted`, `observed`, `lift`,
        `leads_so_far`, `gain` (shares of all leads and of all conversions up to here).
    calibration : data frame
        One row per group of like chance, the lowest first: `leads`, `predicted`, `observed`, `observed_low`,
        `observed_high`.
    """

    leads: int
    converted: int
    auc: Score
    ks: float
    brier: Score
    slope: Score | None
    intercept: Score | None
    predicted: float
    observed: float
    precision: tuple[tuple[int, Score], ...]
    profit: ExpectedProfit | None
    gain: IntoFrameT
    calibration: IntoFrameT


def lead_report(
    scored: IntoFrameT, *, capacities: Sequence[int] = (), call: CallProfit | None = None, groups: int = 10
) -> LeadReport[IntoFrameT]:
    """Judge chances by what came, whatever made them.

    Parameters
    ----------
    scored : data frame
        One row per lead: `p_convert` (in [0, 1]), `converted` (1 or 0).
    capacities : sequence of int
        How many leads can be called; each at least 1.
    call : CallProfit, optional
        What a call costs and a conversion brings: gives the profit and the cut-off.
    groups : int
        Rows of the gain and calibration tables, at least 2; fewer where many chances are equal.

    Returns
    -------
    LeadReport

    Raises
    ------
    DomainError
        All leads converted, or none did: there is nothing to tell apart.
    """
    table = schema.admit(scored, SCORED, columns=("p_convert", "converted"))
    cells = frames.distinct_rows(table, ["p_convert", "converted"])
    p, came, count = (cells[name].astype(np.float64) for name in ("p_convert", "converted", "count"))
    _check_outcomes(came, count)
    area, distance = scores.auc(came, p, count=count), scores.kolmogorov_smirnov(came, p, count=count)
    assert area is not None
    assert distance is not None
    level = scores.calibration(came, p, count=count)
    each = np.repeat(came, count.astype(np.int64)), np.repeat(p, count.astype(np.int64))
    return LeadReport(
        int(count.sum()),
        int(count @ came),
        area,
        distance,
        scores.brier(came, p, count=count),
        level.slope,
        level.intercept,
        float(np.average(p, weights=count)),
        float(np.average(came, weights=count)),
        tuple((capacity, scores.precision_at(*each, capacity=capacity)) for capacity in capacities),
        None if call is None else scores.expected_maximum_profit(came, p, call=call, count=count),
        frames.build(_gain(came, p, count, groups), like=scored),
        frames.build(_calibration(came, p, count, groups), like=scored),
    )


def _check_outcomes(came: F64, count: F64) -> None:
    strange = ~np.isin(came, (0.0, 1.0))
    if strange.any():
        raise DomainError(f"converted must hold 1 and 0, got {came[strange][0]:g} in {int(count[strange].sum())} rows.")
    converted, leads = int(count @ came), int(count.sum())
    if converted in (0, leads):
        raise DomainError(
            f"{converted} of {leads} leads converted; expected some that did and some that did not.\n"
            f"Take leads of a longer time."
        )


def _gain(came: F64, p: F64, count: F64, groups: int) -> dict[str, Any]:
    rows = scores.gain_table(came, p, groups=groups, count=count)
    names = {
        "leads": "customers",
        "predicted": "forecast",
        "observed": "happened",
        "lift": "lift",
        "leads_so_far": "customers_so_far",
        "gain": "gain",
    }
    table = {name: np.array([getattr(row, own) for row in rows], dtype=np.float64) for name, own in names.items()}
    return {**table, "leads": table["leads"].astype(np.int64)}


def _calibration(came: F64, p: F64, count: F64, groups: int) -> dict[str, Any]:
    rows = scores.calibration_table(came, p, bins=groups, count=count)
    names = ("predicted", "observed", "observed_low", "observed_high")
    table = {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in names}
    return {"leads": np.array([row.customers for row in rows], dtype=np.int64), **table}

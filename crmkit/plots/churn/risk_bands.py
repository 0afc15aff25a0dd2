"""Customers by bands of the chance that no order comes: counted in their engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.plots import columns
from crmkit.schema import Table

RISK = Table(
    "churn_risk",
    "one row per customer, from churn.churn_risk or churn.predict_churn",
    (
        columns.share("p_no_order", "chance of no order", nullable=False),
        columns.number("value_at_risk", "expected loss", "money"),
    ),
)
_EDGES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class RiskBand:
    """Customers of a band, `low` <= chance < `high` (the last one holds 1): how many, and the money at risk."""

    low: float
    high: float
    customers: int
    value_at_risk: float


def risk_bands(risk: Any) -> list[RiskBand]:
    """Count customers and sum what is at risk in five bands, the gravest first.

    Parameters
    ----------
    risk : data frame
        From `churn.churn_risk`; only five rows leave its engine.

    Returns
    -------
    list of RiskBand
        All five, empty ones included.
    """
    entered = schema.admit(risk, RISK)
    # Steps and not products: 5 x .6 is just below 3 in floats.
    band = sum((nw.when(nw.col("p_no_order") >= edge).then(1).otherwise(0) for edge in _EDGES), nw.lit(0))
    counted = entered.with_columns(band=band, value=nw.col("value_at_risk").fill_null(0.0))
    counted = counted.group_by("band").agg(customers=nw.len(), value=nw.col("value").sum())
    found = frames.arrays(counted.sort("band"), ["band", "customers", "value"])
    cells = zip(found["band"].tolist(), found["customers"].tolist(), found["value"].tolist(), strict=True)
    by_band = {int(place): (int(customers), float(value)) for place, customers, value in cells}
    edges = (0.0, *_EDGES, 1.0)
    return [RiskBand(edges[k], edges[k + 1], *by_band.get(k, (0, 0.0))) for k in reversed(range(len(edges) - 1))]

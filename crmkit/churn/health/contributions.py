"""What each metric adds to a customer's score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.churn.health.parts import UNKNOWN
from crmkit.churn.health.readings import MICRO, admitted, latest, latest_values
from crmkit.churn.health.scheme import HealthScheme
from crmkit.churn.health.score import the_scheme
from crmkit.churn.health.sums import by_name, colour_of, level_of, summed, weight_of

_COLUMNS = ("customer_id", "metric", "value", "points", "colour", "weight", "contribution", "lost")


def health_contributions(
    metrics: IntoFrameT,
    *,
    as_of: dt.date,
    weights: Mapping[str, float] | None = None,
    scheme: HealthScheme | None = None,
) -> IntoFrameT:
    """Take health scores apart: which metric adds how many points, and which costs how many.

    Parameters
    ----------
    metrics, as_of, weights, scheme
        As for `health_score`.

    Returns
    -------
    data frame like `metrics`
        One row per customer and metric of the scheme, sorted by both: `value` (the latest; missing for none), `points`
        (0 to 100; missing where the metric is left out), `colour` (of the metric), `weight` (share of the score, 0
        where it is left out; 1 together), `contribution` (points of the score; their sum is the score, before any veto,
        which changes no score), `lost` (points short of 100; the sum is 100 less the score). Weights and what follows
        from them are missing where the score is unknown.

    Raises
    ------
    DomainError, SchemaError
        As for `health_score`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"customer_id": ["ann", "ann"], "metric": ["usage", "calls"], "value": [90.0, 30.0]})
    >>> found = health_contributions(table, weights={"usage": 2, "calls": 1}, as_of=dt.date(2024, 6, 30))
    >>> found[["metric", "contribution"]].values.tolist()
    [['calls', 10.0], ['usage', 60.0]]
    """
    chosen, day = the_scheme(weights, scheme), frames.as_day(as_of)
    rows = frames.settled(admitted(metrics, chosen, day), like=metrics)
    wide = frames.settled(summed(latest(rows, chosen, [day]), chosen, 0), like=metrics)
    long = nw.concat([_of_metric(wide, chosen, m) for m in range(len(chosen.metrics))])
    valued = long.join(latest_values(rows, chosen, day), on=["customer_id", "metric"], how="left")
    return frames.leave(valued.select(*_COLUMNS), like=metrics, sort=["customer_id", "metric"])


def _of_metric(wide: frames.Frame, scheme: HealthScheme, m: int) -> frames.Frame:
    """Rows of one metric, all customers."""
    metric, points = by_name(scheme)[m], nw.col(f"q0_{m}")
    weight = weight_of(metric, scheme.shares()[metric.name], points) / nw.col("covered")
    rows = wide.select(
        "customer_id",
        metric=nw.lit(metric.name),
        points=points / MICRO,
        colour=colour_of(level_of(points, scheme.colours)).fill_null(UNKNOWN),
        weight=nw.when(~nw.col("micro").is_null()).then(weight),
    )
    worth = nw.col("points").fill_null(0.0)
    return rows.with_columns(contribution=nw.col("weight") * worth, lost=nw.col("weight") * (100.0 - worth))

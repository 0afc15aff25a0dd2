"""Health of each customer: score, colour, trend, and what brought it about."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.churn.health import texts
from crmkit.churn.health.parts import UNKNOWN
from crmkit.churn.health.readings import MICRO, admitted, latest, no_points
from crmkit.churn.health.scheme import HealthScheme
from crmkit.churn.health.sums import by_name, colour_of, level_of, summed, vetoed
from crmkit.errors import DomainError
from crmkit.segment_maps import Locale, checked_locale
from crmkit.whole_numbers import is_whole

_COLUMNS = (
    *("customer_id", "score", "colour", "coverage", "measured", "veto", "change", "trend"),
    *("previous_score", "previous_colour", "reason"),
)


def health_score(
    metrics: IntoFrameT,
    *,
    as_of: dt.date,
    weights: Mapping[str, float] | None = None,
    scheme: HealthScheme | None = None,
    trend_days: int = 30,
    steady_within: float = 5.0,
    locale: Locale = "en",
) -> IntoFrameT:
    """Score how healthy each customer relation is, from usage, contacts, service or whatever is measured.

    Parameters
    ----------
    metrics : data frame, `schema.METRICS`
        One row per customer, metric and time, in any order; metrics that the scheme does not know are ignored.
    as_of : date
        Last day the table covers, inclusive; later rows are ignored.
    weights : mapping of str to float, optional
        For metrics that are points already, 0 (worst) to 100 (best): the weight of each. Values that look like
        something else, such as hours or answers of 0 to 10, are warned about: they need a `scheme`.
    scheme : HealthScheme, optional
        For any others. Either `weights` or `scheme` is given.
    trend_days : int
        The trend is against the score so many days before; at least 1.
    steady_within : float
        Changes of fewer points are "steady"; at least 0.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `metrics`
        One row per customer with a row up to `as_of`, sorted by `customer_id`: `score` (points, 0 to 100, 6 decimals;
        missing where unknown), `colour` ("green", "yellow", "red", "unknown"), `coverage` (share of the weight that is
        covered, 6 decimals), `measured` (metrics with a value, count), `veto` (the rule that holds the colour down;
        empty for none), `change` (points against `trend_days` before; missing where one of both is unknown), `trend`
        ("rising", "falling", "steady", "unknown"), `previous_score`, `previous_colour` (as they were then, by what was
        known then), `reason` (text).

    Raises
    ------
    DomainError
        Both or neither of `weights` and `scheme` are given, or a number is out of its domain.
    SchemaError
        No row holds a metric of the scheme.

    Notes
    -----
    Per metric the latest value up to `as_of` counts; of several in one second the one that is worst for the customer. A
    row without `measured_at` is older than any other. Points are rounded to 6 decimals, and so is their weighted mean
    before it is held against an edge. A veto changes the colour, never the score: scores stay comparable.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"customer_id": ["ann", "ann"], "metric": ["usage", "calls"], "value": [90.0, 30.0]})
    >>> found = health_score(table, weights={"usage": 2, "calls": 1}, as_of=dt.date(2024, 6, 30))
    >>> found[["score", "colour"]].values.tolist()
    [[70.0, 'yellow']]
    """
    checked_locale(locale)
    chosen = the_scheme(weights, scheme)
    if not is_whole(trend_days, 1, 36_500) or not 0.0 <= steady_within <= 100.0:
        raise DomainError(
            f"trend_days must be at least 1 (whole days) and steady_within lie between 0 and 100, got {trend_days!r} "
            f"and {steady_within}."
        )
    day = frames.as_day(as_of)
    rows = admitted(metrics, chosen, day)
    if weights is not None and (strange := no_points(rows, chosen)):
        warnings.warn(strange, stacklevel=2)
    wide = latest(rows, chosen, [day, day - dt.timedelta(days=trend_days)])
    for d, (score, colour) in enumerate((("score", "colour"), ("previous_score", "previous_colour"))):
        wide = _scored(wide, chosen, d, score, colour)
    trended = _with_trend(wide, steady_within)
    said = _with_worst(trended, chosen).with_columns(
        reason=texts.reason(locale, days=trend_days, needed=chosen.minimum_coverage)
    )
    return frames.leave(said.select(*_COLUMNS), like=metrics, sort=["customer_id"])


def the_scheme(weights: Mapping[str, float] | None, scheme: HealthScheme | None) -> HealthScheme:
    """Return the scheme of a call that takes weights or a scheme."""
    if (weights is None) == (scheme is None):
        raise DomainError("Give either weights (for metrics that are points of 0 to 100) or a scheme.")
    if weights is not None:
        return HealthScheme.of_weights(weights)
    if not isinstance(scheme, HealthScheme):
        raise DomainError(f"scheme must be a HealthScheme, got {type(scheme).__name__}.")
    return scheme


def _scored(wide: frames.Frame, scheme: HealthScheme, d: int, score: str, colour: str) -> frames.Frame:
    """Add score and colour of a day; of the first day, coverage, metrics measured and veto too."""
    named = summed(wide, scheme, d)
    plain = named.with_columns(plain=level_of(nw.col("micro"), scheme.colours))
    level, veto = vetoed(scheme, d)
    extra = {} if d else {"coverage": nw.col("covered").round(6), "measured": nw.col("measured_now"), "veto": veto}
    coloured = plain.with_columns(level=level).with_columns(
        **{score: nw.col("micro") / MICRO, colour: colour_of(nw.col("level")).fill_null(UNKNOWN), **extra}
    )
    return coloured.drop("covered", "measured_now", "total", "micro", "plain", "level")


def _with_trend(table: frames.Frame, steady: float) -> frames.Frame:
    changed = table.with_columns(change=(nw.col("score") - nw.col("previous_score")).round(6))
    change = nw.col("change")
    word = (
        nw.when(change.is_null())
        .then(nw.lit(UNKNOWN))
        .when((change >= steady) & (change > 0.0))
        .then(nw.lit("rising"))
        .when((change <= -steady) & (change < 0.0))
        .then(nw.lit("falling"))
        .otherwise(nw.lit("steady"))
    )
    return changed.with_columns(trend=word)


def _with_worst(table: frames.Frame, scheme: HealthScheme) -> frames.Frame:
    """Add the metric that costs most points of the score, and how many."""
    ordered, shares = by_name(scheme), scheme.shares()
    losses = {}
    for m, metric in enumerate(ordered):
        short = (100 * MICRO - nw.col(f"q0_{m}").cast(nw.Float64)) / MICRO * shares[metric.name]
        losses[f"loss_{m}"] = (short / nw.col("coverage")).fill_null(0.0)
    lossy = table.with_columns(**losses).with_columns(lost=nw.max_horizontal(*losses))
    name = nw.lit("")
    for loss, metric in reversed(list(zip(losses, ordered, strict=True))):
        # Of equal losses the first, whatever the last bits say.
        name = nw.when(nw.col(loss) > nw.col("lost") - 1e-9).then(nw.lit(metric.name)).otherwise(name)
    return lossy.with_columns(worst_metric=name)

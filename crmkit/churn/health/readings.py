"""The latest reading of each metric, as points: one integer holds when and how many.

A reading is a whole number, seconds x 2^27 + (10^8 - points in millionths). The largest reading of a customer and
metric is the latest; of those of one second, the worst. So one sum over the table, of one aggregate, finds it on every
engine, and what is added up afterwards are integers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.churn.health.parts import Linear, Metric
from crmkit.churn.health.scheme import HealthScheme
from crmkit.errors import SchemaError

MICRO = 1_000_000  # points are kept in millionths
_FULL = 100 * MICRO
_PLACE = 2**27  # above 10^8; seconds of three centuries take 34 bits more, 61 together
_DAY_SECONDS = 86_400
_MANY, _SMALL = 20, 10.0  # so many rows of a metric, none above a tenth of the points there are: another scale
_EPOCH = dt.date(1899, 12, 31).toordinal()  # the day before the first that a table may hold: that of undated rows
_FIRST = (_EPOCH - dt.date(1970, 1, 1).toordinal()) * _DAY_SECONDS


def admitted(metrics: object, scheme: HealthScheme, as_of: dt.date) -> frames.Frame:
    """Take the table in: `customer_id`, `metric`, `value`, `second` (of the reading; 0 undated), up to a day."""
    entered = schema.admit(metrics, schema.METRICS)
    entered = entered.with_columns(nw.col("value").cast(nw.Float64))
    if "measured_at" not in frames.names_of(entered):
        dated = entered.with_columns(second=nw.lit(0).cast(nw.Int64))
    else:
        counted = frames.with_seconds(entered, second="measured_at")
        dated = counted.with_columns((nw.col("second") - _FIRST).fill_null(0))
    known = dated.filter(nw.col("second") < end_of(as_of)).select("customer_id", "metric", "value", "second")
    _check_names(known, scheme)
    return known


def no_points(known: frames.Frame, scheme: HealthScheme) -> str:
    """Name metrics whose values can hardly be points of 0 to 100, and what to do; empty if there are none."""
    by_metric = known.group_by("metric").agg(rows=nw.len(), least=nw.col("value").min(), most=nw.col("value").max())
    cells = frames.arrays(by_metric.sort("metric"), ["metric", "rows", "least", "most"])
    weighed = {metric.name for metric in scheme.metrics if metric.weight > 0}
    found = []
    for name, rows, least, most in zip(*cells.values(), strict=True):
        beyond, small = least < 0 or most > 100, rows >= _MANY and most <= _SMALL
        if name in weighed and (beyond or small):
            found.append(f"{name} runs from {least:g} to {most:g}")
    if not found:
        return ""
    return (
        f"metrics.value: with weights, values are taken as points from 0 (worst) to 100 (best), but "
        f"{', '.join(found)}.\nSay what they mean by a scheme, such as churn.HealthScheme('ours', "
        f"(churn.Metric('tickets', direction='lower', scale=churn.Linear(worst=5, best=0)), ...))."
    )


def end_of(day: dt.date) -> int:
    """First second after a day."""
    return (day.toordinal() + 1 - _EPOCH) * _DAY_SECONDS


def reading(scheme: HealthScheme) -> nw.Expr:
    """Seconds and points of a row in one integer; null for a metric that the scheme does not know."""
    points = nw.lit(None).cast(nw.Float64)
    for metric in scheme.metrics:
        points = nw.when(nw.col("metric") == metric.name).then(points_of(metric)).otherwise(points)
    millionths = (points * MICRO + 0.5).floor().cast(nw.Int64)
    return nw.col("second") * _PLACE + (_FULL - millionths)


def points_of(metric: Metric) -> nw.Expr:
    """Points, 0 to 100, of the column `value`."""
    value, scale = nw.col("value"), metric.scale
    if isinstance(scale, Linear):
        share = (value - scale.worst) / (scale.best - scale.worst) * 100.0
        return nw.when(share <= 0.0).then(nw.lit(0.0)).when(share >= 100.0).then(nw.lit(100.0)).otherwise(share)
    points = nw.lit(float(scale.points[0]))
    for edge, worth in zip(scale.edges, scale.points[1:], strict=True):
        points = (
            nw.when(_past(value, edge, metric, scale.edge == "better")).then(nw.lit(float(worth))).otherwise(points)
        )
    return points


def _past(value: nw.Expr, edge: float, metric: Metric, included: bool) -> nw.Expr:
    if metric.direction == "higher":
        return value >= edge if included else value > edge
    return value <= edge if included else value < edge


def latest(rows: frames.Frame, scheme: HealthScheme, days: Sequence[dt.date]) -> frames.Frame:
    """Points in millionths of each metric on each of some days: `p{day}_{metric}`, numbered; one row per customer.

    Metrics are numbered by name; null where there is no reading, or none young enough. `n{day}` counts rows.
    """
    ordered = sorted(scheme.metrics, key=lambda metric: metric.name)
    place = nw.lit(-1)
    for m, metric in enumerate(ordered):
        place = nw.when(nw.col("metric") == metric.name).then(nw.lit(m)).otherwise(place)
    placed = rows.with_columns(place=place, reading=reading(scheme))
    cells, counts = {}, {}
    for d, day in enumerate(days):
        counts[f"n{d}"] = frames.one_if(nw.col("second") < end_of(day))
        for m, metric in enumerate(ordered):
            cells[f"p{d}_{m}"] = nw.when((nw.col("place") == m) & _valid(metric, day)).then(nw.col("reading"))
    sums = {name: nw.col(name).max() for name in cells} | {name: nw.col(name).sum() for name in counts}
    by_customer = placed.with_columns(**cells, **counts).group_by("customer_id").agg(**sums)
    return by_customer.with_columns(**{name: _FULL - nw.col(name) % _PLACE for name in cells})


def latest_values(rows: frames.Frame, scheme: HealthScheme, day: dt.date) -> frames.Frame:
    """Value behind the latest reading: `customer_id`, `metric`, `value`."""
    valid = nw.lit(False)
    for metric in scheme.metrics:
        valid = valid | ((nw.col("metric") == metric.name) & _valid(metric, day))
    read = rows.filter(valid).with_columns(reading=reading(scheme))
    newest = read.with_columns(newest=nw.col("reading").max().over("customer_id", "metric"))
    kept = newest.filter(nw.col("reading") == nw.col("newest"))
    return kept.group_by("customer_id", "metric").agg(value=nw.col("value").min())


def _valid(metric: Metric, day: dt.date) -> nw.Expr:
    """Whether a row of the metric counts on a day: not after it, and not too old."""
    past = nw.col("second") < end_of(day)
    if metric.max_age_days is None:
        return past
    oldest = end_of(day) - (metric.max_age_days + 1) * _DAY_SECONDS
    return past & ((nw.col("second") >= oldest) | (nw.col("second") == 0))


def _check_names(known: frames.Frame, scheme: HealthScheme) -> None:
    found = frames.distinct_rows(known.select(nw.col("metric").cast(nw.String)), ["metric"])["metric"].tolist()
    absent = [metric.name for metric in scheme.metrics if metric.name not in found]
    if absent and len(absent) == len(scheme.metrics) and found:
        raise SchemaError(
            f"metrics.metric: no row up to as_of holds a metric of the scheme ({', '.join(map(repr, absent[:5]))}); it "
            f"holds {', '.join(map(repr, found[:5]))}.\nName the scheme's metrics as the table does."
        )

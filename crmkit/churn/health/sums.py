"""Weighted means of points, their colours, and the rules that hold colours down."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.churn.health.parts import COLOURS, Colours, Metric, Veto
from crmkit.churn.health.readings import MICRO
from crmkit.churn.health.scheme import HealthScheme


def by_name(scheme: HealthScheme) -> list[Metric]:
    """Metrics in the order of the alphabet, in which all sums run: the order in the scheme changes no digit."""
    return sorted(scheme.metrics, key=lambda metric: metric.name)


def summed(wide: frames.Frame, scheme: HealthScheme, d: int) -> frames.Frame:
    """Add the score of a day in millionths (`micro`; null where unknown) and what it is made of.

    `q{d}_{m}` are the points in millionths, with those that stand for a missing value; `covered` and `total` sums of
    weights and of weighted points; `measured_now` counts metrics with a value.
    """
    shares, ordered = scheme.shares(), by_name(scheme)
    total = covered = nw.lit(0.0)
    measured, filled = nw.lit(0).cast(nw.Int64), {}
    for m, metric in enumerate(ordered):
        points = nw.col(f"p{d}_{m}")
        worth = metric.missing_points
        filled[f"q{d}_{m}"] = points if worth is None else points.fill_null(round(worth * MICRO))
        measured = measured + frames.one_if(~points.is_null())
        covered = covered + weight_of(metric, shares[metric.name], nw.col(f"q{d}_{m}"))
        total = total + shares[metric.name] * nw.col(f"q{d}_{m}").fill_null(0).cast(nw.Float64)
    sums = wide.with_columns(**filled).with_columns(covered=covered, measured_now=measured, total=total)
    # A sum of shares that should be 1/2 may be a bit of rounding below it.
    enough = (nw.col("covered") > 0.0) & (nw.col("covered") >= scheme.minimum_coverage - 1e-9)
    micro = (nw.col("total") / nw.col("covered") + 0.5).floor()
    return sums.with_columns(micro=nw.when(enough & (nw.col(f"n{d}") > 0)).then(micro))


def weight_of(metric: Metric, share: float, points: nw.Expr) -> nw.Expr:
    """Weight that a metric has for a customer: none where it is left out."""
    if metric.missing_points is not None:
        return nw.lit(share)
    return nw.when(~points.is_null()).then(nw.lit(share)).otherwise(nw.lit(0.0))


def level_of(micro: nw.Expr, colours: Colours) -> nw.Expr:
    """Level of points in millionths: 0 red, 1 yellow, 2 green; null for none."""
    low, high = (round(edge * MICRO) for edge in colours.edges)
    past = (micro >= low, micro >= high) if colours.edge == "better" else (micro > low, micro > high)
    level = nw.when(past[1]).then(nw.lit(2)).when(past[0]).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
    return nw.when(~micro.is_null()).then(level)


def vetoed(scheme: HealthScheme, d: int) -> tuple[nw.Expr, nw.Expr]:
    """Level after all rules, and the rule that binds: the strictest, of equal ones the first."""
    level, bound = nw.col("plain"), nw.lit("")
    strictest_first = sorted(scheme.vetoes, key=lambda rule: COLOURS.index(rule.at_most))
    for veto in reversed(strictest_first):  # what is written last stands
        cap = COLOURS.index(veto.at_most)
        binds = (_count(veto, scheme, d) >= veto.count) & (nw.col("plain") > cap)
        level = nw.when(binds).then(nw.lit(cap).cast(nw.Int64)).otherwise(level)
        bound = nw.when(binds).then(nw.lit(veto.words)).otherwise(bound)
    return level, bound


def _count(veto: Veto, scheme: HealthScheme, d: int) -> nw.Expr:
    wanted, count = COLOURS.index(veto.colour), nw.lit(0)
    for m, metric in enumerate(by_name(scheme)):
        if not veto.metrics or metric.name in veto.metrics:
            count = count + frames.one_if(level_of(nw.col(f"q{d}_{m}"), scheme.colours) == wanted)
    return count


def colour_of(level: nw.Expr) -> nw.Expr:
    """Name a level; null for none."""
    return (
        nw.when(level == 2)
        .then(nw.lit("green"))
        .when(level == 1)
        .then(nw.lit("yellow"))
        .when(level == 0)
        .then(nw.lit("red"))
    )

"""Figures of a forecast and of the baselines beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crmkit.evaluation import baselines
from crmkit.evaluation.observed import F64, Seen
from crmkit.evaluation.result import ALL_CUTS, FORECAST, Advantage, Figure, Question
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score

Cluster = NDArray[np.int64] | None
AT_CAPACITY = "precision at capacity"
Named = tuple[str, str, Score | None]  # method, metric, score


def figures(
    seen: Seen, cut: str, *, horizon_days: int, level: float, capacity: int | None = None, cluster: Cluster = None
) -> list[Figure]:
    """Judge the rows of a cut, or of all cuts, in every question that the forecast answers."""
    found: list[tuple[Question, int, Named]] = []
    if "expected_orders" in seen.forecast:
        found += [("counts", len(seen), row) for row in _of_counts(seen, horizon_days, level, cluster)]
    if "p_order" in seen.forecast:
        found += [("probability", len(seen), row) for row in _of_probabilities(seen, horizon_days, cluster)]
    if capacity is not None and {"p_order", "expected_orders"} & set(seen.forecast):
        question: Question = "probability" if "p_order" in seen.forecast else "counts"
        found += [(question, len(seen), row) for row in _at_capacity(seen, horizon_days, capacity)]
    if "next_order_day" in seen.forecast:
        back, rows = returned(seen)
        found += [("timing", len(back), ("forecast", "answered", _answered(seen, cluster)))] if seen.came.any() else []
        part = None if cluster is None else cluster[rows]
        found += [("timing", len(back), row) for row in _of_days(back, horizon_days, level, part)]
    return [
        Figure(cut, question, method, metric, score.value, score.low, score.high, rows)
        for question, rows, (method, metric, score) in found
        if score is not None
    ]


def advantages(seen: Seen, *, horizon_days: int, cluster: Cluster) -> list[Advantage]:
    """Compare the losses of forecast and baselines customer by customer."""
    found = []
    if "expected_orders" in seen.forecast:
        loss = (seen.forecast["expected_orders"] - seen.orders) ** 2
        for name, expected in baselines.counts(seen, horizon_days).items():
            found.append(_advantage("counts", name, "squared error", loss - (expected - seen.orders) ** 2, cluster))
    if "p_order" in seen.forecast:
        loss = (seen.forecast["p_order"] - seen.came) ** 2
        other = (seen.base_rate - seen.came) ** 2
        found.append(_advantage("probability", baselines.BASE_RATE, "squared error (Brier)", loss - other, cluster))
    if "next_order_day" in seen.forecast:
        back, rows = returned(seen)
        part = None if cluster is None else cluster[rows]
        loss = np.abs(baselines.clipped(back.forecast["next_order_day"], horizon_days) - back.waited)
        for name, days in baselines.timing(back, horizon_days).items():
            if len(back):
                found.append(_advantage("timing", name, "absolute error", loss - np.abs(days - back.waited), part))
    return found


def returned(seen: Seen) -> tuple[Seen, NDArray[np.bool_]]:
    """Take those who came back and had a day forecast."""
    rows = seen.came & np.isfinite(seen.forecast["next_order_day"])
    return seen.of(rows), rows


def _advantage(question: Question, baseline: str, loss: str, difference: F64, cluster: Cluster) -> Advantage:
    mean = scores.mean_of(difference, cluster=cluster)
    return Advantage(question, baseline, loss, mean.value, mean.low, mean.high)


def _of_counts(seen: Seen, horizon_days: int, level: float, cluster: Cluster) -> Iterator[Named]:
    expected, y = seen.forecast["expected_orders"], seen.orders
    for method, values in {FORECAST: expected, **baselines.counts(seen, horizon_days)}.items():
        yield method, "mae", scores.mae(y, values, cluster=cluster)
        yield method, "rmse", scores.rmse(y, values, cluster=cluster)
        yield method, "msle", scores.msle(y, values, cluster=cluster)
        yield method, "bias", scores.bias(y, values, cluster=cluster)
    yield FORECAST, "slope of counts", scores.count_slope(y, expected, cluster=cluster)
    if "orders_low" in seen.forecast:
        ends = seen.forecast["orders_low"], seen.forecast["orders_high"]
        yield FORECAST, "coverage of orders", scores.coverage(y, *ends, cluster=cluster)
        yield from _of_widths(y, ends, level, cluster, "of orders")


def _of_probabilities(seen: Seen, horizon_days: int, cluster: Cluster) -> Iterator[Named]:
    p, came = seen.forecast["p_order"], seen.came
    for method, values in ((FORECAST, p), (baselines.BASE_RATE, seen.base_rate)):
        yield method, "brier", scores.brier(came, values, cluster=cluster)
        yield method, "log_score", scores.log_score(came, values, cluster=cluster)
    for method, values in {FORECAST: p, **baselines.ranks(seen, horizon_days)}.items():
        yield method, "auc", scores.auc(came, values, cluster=cluster)
    found = scores.calibration(came, p, cluster=cluster)
    yield FORECAST, "calibration intercept", found.intercept
    yield FORECAST, "calibration slope", found.slope


def _at_capacity(seen: Seen, horizon_days: int, capacity: int) -> Iterator[Named]:
    score = seen.forecast.get("p_order", seen.forecast.get("expected_orders"))
    assert score is not None
    for method, values in {FORECAST: score, **baselines.ranks(seen, horizon_days)}.items():
        yield method, AT_CAPACITY, scores.precision_at(seen.came, values, capacity=capacity)
    share = float(seen.came.mean())
    yield baselines.CHANCE, AT_CAPACITY, Score(share, share, share)


def precision_of_all_cuts(per_cut: list[Figure], capacity: int) -> list[Figure]:
    """Average the precision of the cuts: at each of them `capacity` customers are called."""
    mine = [figure for figure in per_cut if figure.metric == AT_CAPACITY]
    found = []
    for method in dict.fromkeys(figure.method for figure in mine):
        of_method = [figure for figure in mine if figure.method == method]
        rows, calls = sum(f.rows for f in of_method), sum(min(capacity, f.rows) for f in of_method)
        value = sum(figure.value for figure in of_method) / len(of_method)
        ends = Score(value, value, value) if method == baselines.CHANCE else scores.wilson(value, calls)
        found.append(Figure(ALL_CUTS, of_method[0].question, method, AT_CAPACITY, value, ends.low, ends.high, rows))
    return found


def _of_days(back: Seen, horizon_days: int, level: float, cluster: Cluster) -> Iterator[Named]:
    if not len(back):
        return
    days = baselines.clipped(back.forecast["next_order_day"], horizon_days)
    for method, values in {FORECAST: days, **baselines.timing(back, horizon_days)}.items():
        error = np.abs(values - back.waited)
        yield method, "median error in days", scores.median_of(error, cluster=cluster)
        yield method, "mean error in days", scores.mean_of(error, cluster=cluster)
    if "window_start" not in back.forecast:
        return
    start, end = back.forecast["window_start"], back.forecast["window_end"]
    known = np.isfinite(start) & np.isfinite(end)
    if known.any():
        part = None if cluster is None else cluster[known]
        # Held or not is a matter of the window as it was given; its width, of the part that lies in the horizon.
        yield (
            FORECAST,
            "coverage of windows",
            scores.coverage(back.waited[known], start[known], end[known], cluster=part),
        )
        ends = baselines.clipped(start[known], horizon_days), baselines.clipped(end[known], horizon_days)
        yield from _of_widths(back.waited[known], ends, level, part, "of windows")


def _of_widths(y: F64, ends: tuple[F64, F64], level: float, cluster: Cluster, of: str) -> Iterator[Named]:
    yield FORECAST, f"width {of}", scores.mean_of(ends[1] - ends[0], cluster=cluster)
    losses = scores.interval_loss(y, *ends, interval_level=level)
    yield FORECAST, f"interval score {of}", scores.mean_of(losses, cluster=cluster)


def _answered(seen: Seen, cluster: Cluster) -> Score:
    """Share of those who came back for whom a day was forecast."""
    part = None if cluster is None else cluster[seen.came]
    return scores.share_of(np.isfinite(seen.forecast["next_order_day"][seen.came]), cluster=part)

"""Would the forecast have worked? The same call on earlier days, held against what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, summary
from crmkit.errors import DomainError
from crmkit.evaluation import judged
from crmkit.evaluation.observed import Seen, seen_at, together
from crmkit.evaluation.result import ALL_CUTS, Backtest, CutDay, Figure, Question
from crmkit.evaluation.verdicts import verdicts
from crmkit.models import forecast_scores as scores

_ANSWERS: tuple[tuple[Question, str], ...] = (
    ("counts", "expected_orders"),
    ("probability", "p_order"),
    ("timing", "next_order_day"),
)


def backtest(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int,
    forecast: Callable[[IntoFrameT, dt.date, int], Any],
    cuts: int | Sequence[dt.date] = 3,
    every_days: int | None = None,
    cohort: tuple[dt.date, dt.date] | None = None,
    level: float = 0.8,
    capacity: int | None = None,
    refunds: summary.Refunds = "exclude",
) -> Backtest:
    """Make a forecast on several earlier days, each from the log as it was then, and judge it by what followed.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
    as_of : date
        Last day the log covers, inclusive; later rows change nothing.
    horizon_days : int
        Days after each cut in which the forecast is judged, at least 1.
    forecast : callable (orders, cut, horizon_days) -> data frame, `schema.FORECAST`
        What is tested: a room's function, or one of your own. It gets the rows of `orders` up to the cut, in your
        library, and gives one row per customer with an order among them: `customer_id` and any of `p_order` (P(an order
        day in the horizon)), `expected_orders` (mean order days) with or without `orders_low` and `orders_high`,
        `next_order_day` with or without `window_start` and `window_end` (dates; missing for customers who are not
        expected). Rows of other customers are ignored.
    cuts : int or sequence of date
        How many cuts, or which: the last one is `as_of` - `horizon_days`, the others go back from it.
    every_days : int, optional
        Days between cuts; by default `horizon_days`, so that no order is judged twice.
    cohort : pair of date, optional
        Judge only customers whose first order day lies between these days, both inclusive. The forecast sees all.
    level : float
        What the forecast's own intervals and windows promise, in (0, 1).
    capacity : int, optional
        Customers who can be contacted at each cut: gives the precision among the likeliest of them.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    Backtest
        Figures by cut and over all cuts with 95 % intervals, those of the baselines beside; calibration and gain
        tables; a verdict on each question, and their reasons in `words(locale)`.

    Raises
    ------
    DomainError
        An argument lies out of its domain; a cut lies too late, or before the first order.
    SchemaError
        The forecast leaves customers out, has one twice, or answers none of the questions.

    Notes
    -----
    An order is an order day. Intervals are by customer: rows of one at several cuts count as one piece of evidence.

    Baselines: "all zeros"; "own rate", repeat order days per day observed (at least the horizon) times the horizon;
    "base rate", the share of the customers known a horizon before the cut who ordered up to it; "own mean gap" after
    the cut, or after the last order (customers of one order day: the mean gap of all), and the "usual wait", the median
    days that customers took who came back in the horizon before the cut; all brought into the horizon. Ranks stand
    beside those by last order and by own rate.

    Verdicts, over all cuts: "ready": better than every baseline beyond the noise (95 % interval of the paired
    difference of losses), and calibrated. "usable": better, not calibrated. "not_better". "too_little_data": fewer
    than 100 customers who ordered (and, for probabilities, 100 who did not; for timing, 100 who came back). The loss
    is the one that an honest answer makes least: squared error of counts and probabilities, as both are means; absolute
    error of days. Calibrated is a slope in .8 to 1.25 (probabilities, counts), for counts also a sum of orders of .8 to
    1.25 of the forecast and intervals that hold at least `level` - .05; for days a coverage of the windows within .05
    of `level`, and a day for at least half of those who came back.

    Timing is judged among those who came back within the horizon, as the others have no day. A day beyond the horizon
    is taken as its end, for forecast and baselines alike. A window for "a return at some time" reaches beyond the
    horizon, where no one who is judged can fall: to be judged fairly it must be one for a return within
    `horizon_days`.

    References
    ----------
    Tashman (2000), "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16(4): rolling
    origins. Gneiting (2011), "Making and evaluating point forecasts", JASA 106(494): which loss for which answer.

    Examples
    --------
    >>> import datetime as dt
    >>> from crmkit import clv, datasets, purchases
    >>> def bg(orders, cut, days):
    ...     fit = purchases.fit_purchase_process(orders, as_of=cut, model="bg")
    ...     return clv.expected_orders(orders, as_of=cut, horizon_days=days, fit=fit)
    >>> found = backtest(datasets.load_cdnow(), as_of=dt.date(1998, 6, 30), horizon_days=91, forecast=bg, cuts=2)
    >>> [(verdict.question, verdict.code) for verdict in found.verdicts]
    [('counts', 'ready'), ('probability', 'ready')]
    """
    day = frames.as_day(as_of)
    _check(horizon_days, level, capacity, cohort)
    parts = {
        cut: seen_at(orders, cut, horizon_days=horizon_days, forecast=forecast, cohort=cohort, refunds=refunds)
        for cut in _cut_days(cuts, every_days, day, horizon_days)
    }
    _check_alike(list(parts.values()))
    whole, cluster = together(list(parts.values())), _clusters(list(parts.values()))
    figures = _figures(parts, whole, cluster, horizon_days, level, capacity)
    against = judged.advantages(whole, horizon_days=horizon_days, cluster=cluster)
    rows = [CutDay(cut, len(part), int(part.came.sum()), int(part.orders.sum())) for cut, part in parts.items()]
    said = verdicts(
        [question for question, column in _ANSWERS if column in whole.forecast],
        cuts=rows,
        returned=len(judged.returned(whole)[0]) if "next_order_day" in whole.forecast else 0,
        figures=[figure for figure in figures if figure.cut == ALL_CUTS],
        advantages=against,
        level=level,
    )
    tables = _calibration(whole, cluster), _gain(whole)
    return Backtest(day, horizon_days, level, tuple(rows), tuple(figures), tuple(against), *tables, said)


def _figures(
    parts: dict[dt.date, Seen], whole: Seen, cluster: Any, horizon_days: int, level: float, capacity: int | None
) -> list[Figure]:
    """Judge each cut by itself, then all together."""
    each = [
        figure
        for cut, part in parts.items()
        for figure in judged.figures(part, cut.isoformat(), horizon_days=horizon_days, level=level, capacity=capacity)
    ]
    pooled = judged.figures(whole, ALL_CUTS, horizon_days=horizon_days, level=level, cluster=cluster)
    return each + pooled + ([] if capacity is None else judged.precision_of_all_cuts(each, capacity))


def _cut_days(
    cuts: int | Sequence[dt.date], every_days: int | None, as_of: dt.date, horizon_days: int
) -> list[dt.date]:
    last = as_of - dt.timedelta(days=horizon_days)
    if isinstance(cuts, int):
        step = horizon_days if every_days is None else every_days
        if cuts < 1 or step < 1:
            raise DomainError(f"cuts and every_days must be at least 1, got {cuts} and {step}.")
        return [last - dt.timedelta(days=step * back) for back in reversed(range(cuts))]
    days = sorted({frames.as_day(cut) for cut in cuts})
    if not days or days[-1] > last:
        got = days[-1] if days else "none"
        raise DomainError(
            f"Cuts must lie on or before {last}, so that {horizon_days} days up to as_of can follow them, got {got}."
        )
    return days


def _check(horizon_days: int, level: float, capacity: int | None, cohort: tuple[dt.date, dt.date] | None) -> None:
    if horizon_days < 1:
        raise DomainError(f"horizon_days must be at least 1 (days), got {horizon_days}.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, such as 0.8, got {level}.")
    if capacity is not None and capacity < 1:
        raise DomainError(f"capacity must be at least 1 (customers), got {capacity}.")
    if cohort is not None and (len(cohort) != 2 or frames.as_day(cohort[0]) > frames.as_day(cohort[1])):
        raise DomainError(f"cohort must be two days, the earlier one first, got {cohort}.")


def _check_alike(parts: list[Seen]) -> None:
    columns = [set(part.forecast) for part in parts]
    if any(found != columns[0] for found in columns):
        raise DomainError(
            f"The forecast must answer with the same columns at every cut, got {[sorted(found) for found in columns]}."
        )


def _clusters(parts: list[Seen]) -> Any:
    """Give each customer one number in all cuts."""
    if len(parts) == 1:
        return None
    return np.concatenate(frames.numbered([part.customer_id for part in parts]))


def _calibration(whole: Seen, cluster: Any) -> tuple[scores.Bin, ...]:
    p = whole.forecast.get("p_order")
    return () if p is None else scores.calibration_table(whole.came, p, cluster=cluster)


def _gain(whole: Seen) -> tuple[scores.Gain, ...]:
    score = whole.forecast.get("expected_orders", whole.forecast.get("p_order"))
    return () if score is None else scores.gain_table(whole.orders, score)

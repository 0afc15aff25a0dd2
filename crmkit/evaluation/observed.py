"""What was forecast beside what came, one row per customer of a cut."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames, schema, summary
from crmkit.errors import DomainError, SchemaError
from crmkit.models.forecast_scores import median_of

F64 = NDArray[np.float64]
Forecast = Callable[[Any, dt.date, int], Any]
_NUMBERS = ("p_order", "expected_orders", "orders_low", "orders_high")
_DAYS = ("next_order_day", "window_start", "window_end")
_HISTORY = ("frequency", "recency", "T", "holdout_order_days")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Customers of a cut, or of all cuts; every array has shape (n,).

    Attributes
    ----------
    customer_id : array
    history : dict of float64 arrays
        frequency, recency, T (days) at the cut; holdout_order_days (count).
    waited : float64
        Days from the cut to the first order in the horizon, 1 to horizon; NaN for none.
    forecast : dict of float64 arrays
        The columns that it has; days are counted from the cut, NaN for missing ones.
    base_rate : float64
        Share of customers who ordered in the horizon before the cut, on each row.
    base_gap : float64
        Mean gap between order days of all customers known at the cut; days, on each row.
    base_wait : float64
        Median days to the first order in the horizon before the cut, of those who ordered in it; on each row.
    """

    customer_id: NDArray[Any]
    history: dict[str, F64]
    waited: F64
    forecast: dict[str, F64]
    base_rate: F64
    base_gap: F64
    base_wait: F64

    def __len__(self) -> int:
        return len(self.waited)

    @property
    def orders(self) -> F64:
        """Order days in the horizon."""
        return self.history["holdout_order_days"]

    @property
    def came(self) -> NDArray[np.bool_]:
        """Whether there was any."""
        return self.orders > 0

    def of(self, rows: NDArray[Any]) -> Seen:
        """Take some of the rows."""
        history, forecast = ({k: v[rows] for k, v in part.items()} for part in (self.history, self.forecast))
        base = (part[rows] for part in (self.base_rate, self.base_gap, self.base_wait))
        return Seen(self.customer_id[rows], history, self.waited[rows], forecast, *base)


def together(parts: list[Seen]) -> Seen:
    """Stack the rows of all cuts."""
    first = parts[0]
    return Seen(
        np.concatenate([part.customer_id for part in parts]),
        {name: np.concatenate([part.history[name] for part in parts]) for name in first.history},
        np.concatenate([part.waited for part in parts]),
        {name: np.concatenate([part.forecast[name] for part in parts]) for name in first.forecast},
        np.concatenate([part.base_rate for part in parts]),
        np.concatenate([part.base_gap for part in parts]),
        np.concatenate([part.base_wait for part in parts]),
    )


def seen_at(
    orders: Any,
    cut: dt.date,
    *,
    horizon_days: int,
    forecast: Forecast,
    cohort: tuple[dt.date, dt.date] | None,
    refunds: summary.Refunds,
) -> Seen:
    """Make the forecast on the log up to a cut and hold it against the horizon after it."""
    truth = summary.holdout_rows(orders, as_of=cut, horizon_days=horizon_days, refunds=refunds)
    answers = forecast(frames.rows_until(orders, "ordered_at", cut), cut, horizon_days)
    known = _days(truth, {"waited": "holdout_first_day"}, cut)
    cells, given = _joined(known, answers, cut)
    if not len(cells["customer_id"]):
        raise DomainError(f"No customer has ordered up to the cut {cut}: expected later cuts, or fewer of them.")
    _check_answered(cells, cut)
    history = {name: cells[name].astype(np.float64) for name in _HISTORY}
    rate, wait = _before(orders, cut, horizon_days, refunds)
    repeats, between = history["frequency"].sum(), history["recency"].sum()
    gap = between / repeats if repeats else float(horizon_days)
    n = len(cells["customer_id"])
    whole = Seen(
        cells["customer_id"],
        history,
        cells["waited"].astype(np.float64),
        {name: cells[name].astype(np.float64) for name in given},
        np.full(n, rate),
        np.full(n, gap),
        np.full(n, wait),
    )
    return whole if cohort is None else whole.of(_in_cohort(whole, cut, cohort))


def _joined(known: frames.Frame, answers: Any, cut: dt.date) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Join the forecast to the customers, in their engine."""
    admitted = schema.admit(answers, schema.FORECAST, beside=known)
    given = [name for name in (*_NUMBERS, *_DAYS) if name in frames.names_of(admitted)]
    _check_columns(given)
    _check_once(admitted, cut)
    days = {name: name for name in given if name in _DAYS}
    told = _days(admitted.with_columns(told=nw.lit(1)), days, cut)
    known, told = schema.same_ids(known, told)
    joined = known.join(told.select("customer_id", "told", *given), on="customer_id", how="left")
    return frames.arrays(joined.sort("customer_id"), ["customer_id", *_HISTORY, "waited", "told", *given]), given


def _days(frame: frames.Frame, columns: dict[str, str], cut: dt.date) -> frames.Frame:
    """Give dates as days after the cut."""
    if not columns:
        return frame
    dated = frame.with_columns(**{f"{old}__date": nw.col(old).cast(nw.Date) for old in columns.values()})
    numbered = frames.with_day_numbers(dated, **{f"{new}__day": f"{old}__date" for new, old in columns.items()})
    return numbered.with_columns(**{new: nw.col(f"{new}__day") - cut.toordinal() for new in columns})


def _before(orders: Any, cut: dt.date, horizon_days: int, refunds: summary.Refunds) -> tuple[float, float]:
    """Look at the horizon before the cut: share who ordered in it, and the median days that they took.

    The share is by the rule of succession, (k + 1) / (n + 2): never 0 or 1. Without anybody who came, half the horizon.
    """
    start = cut - dt.timedelta(days=horizon_days)
    before = summary.holdout_rows(orders, as_of=start, horizon_days=horizon_days, refunds=refunds)
    dated = _days(before, {"waited": "holdout_first_day"}, start)
    rows = frames.distinct_rows(dated.with_columns(nw.col("waited").fill_null(0)), ["waited"])
    waited, count = (rows[name].astype(np.float64) for name in ("waited", "count"))
    came = waited > 0
    rate = (float(count[came].sum()) + 1.0) / (float(count.sum()) + 2.0)
    return rate, median_of(waited[came], count=count[came]).value if came.any() else horizon_days / 2.0


def _in_cohort(seen: Seen, cut: dt.date, cohort: tuple[dt.date, dt.date]) -> NDArray[np.bool_]:
    begin, end = (frames.as_day(day).toordinal() for day in cohort)
    first = cut.toordinal() - seen.history["T"]
    chosen = (begin <= first) & (first <= end)
    if not chosen.any():
        raise DomainError(f"No customer of the cohort {cohort[0]} to {cohort[1]} has ordered up to the cut {cut}.")
    return np.asarray(chosen)


def _check_columns(given: list[str]) -> None:
    if not {"p_order", "expected_orders", "next_order_day"} & set(given):
        raise SchemaError(
            "The forecast answers nothing: expected at least one of the columns p_order, expected_orders, "
            "next_order_day.\nRename what it calls them."
        )
    for pair, beside in ((_NUMBERS[2:], "expected_orders"), (_DAYS[1:], "next_order_day")):
        there = [name for name in pair if name in given]
        if there and (len(there) == 1 or beside not in given):
            raise SchemaError(
                f"The forecast has {' and '.join(there)}; expected {pair[0]} and {pair[1]}, beside {beside}.\n"
                f"Add what is missing, or leave them out."
            )


def _check_once(admitted: frames.Frame, cut: dt.date) -> None:
    counted = admitted.group_by("customer_id").agg(rows=nw.len()).filter(nw.col("rows") > 1)
    twice = frames.arrays(counted.select(customers=nw.len(), first=nw.col("customer_id").min()), ["customers", "first"])
    many = int(twice["customers"][0])
    if many:
        raise SchemaError(
            f"forecast.customer_id: at the cut {cut}, {many} customers stand in more than one row (first: "
            f"{twice['first'].tolist()[0]!r}); expected one row per customer.\nKeep one row each."
        )


def _check_answered(cells: dict[str, NDArray[Any]], cut: dt.date) -> None:
    missing = cells["told"] != 1
    if missing.any():
        first = cells["customer_id"][missing].tolist()[0]
        raise SchemaError(
            f"forecast.customer_id: at the cut {cut}, {int(missing.sum())} of {len(missing)} customers are missing "
            f"(first: {first!r}); expected every customer with an order up to the cut.\n"
            f"Forecast all of them: one who is left out can't be judged, and leaving out the difficult ones would help."
        )

"""Customers as they stood on earlier days, beside what they did next: what a churn model learns from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmkit import frames, summary
from crmkit.churn.forecast.additive import F64
from crmkit.churn.forecast.features import feature_frame
from crmkit.churn.forecast.labels import label_frame
from crmkit.errors import DomainError, FitError

# Weights of some twenty terms: more rows do not move them.
_MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """The tables of a churn model and how they are read."""

    orders: Any
    as_of: dt.date
    horizon_days: int
    contacts: Any
    least_orders: int
    refunds: summary.Refunds


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Features of a day beside the labels of the days after it.

    Attributes
    ----------
    columns : tuple of str, length k
    X : float64, shape (n, k)
    y : float64, shape (n,)
        1: no order in the horizon.
    customer_id : array, shape (n,)
    owner : int64, shape (n,)
        Number of the customer; of `together`, the same in every snapshot.
    """

    columns: tuple[str, ...]
    X: F64
    y: F64
    customer_id: NDArray[Any]
    owner: NDArray[np.int64]

    def named(self) -> pd.DataFrame:
        """Features as a frame, for whoever looks at names."""
        return pd.DataFrame(self.X, columns=list(self.columns))

    def thinned(self) -> Snapshot:
        """Take the customers evenly where there are more rows than a fit needs."""
        step = -(-len(self.y) // _MOST_ROWS)
        rows = np.flatnonzero(self.owner % step == 0)
        return Snapshot(self.columns, self.X[rows], self.y[rows], self.customer_id[rows], self.owner[rows])


def chosen_days(log: Log, snapshots: int | Sequence[dt.date], every_days: int) -> list[dt.date]:
    """Days of the snapshots, the latest first."""
    latest = log.as_of - dt.timedelta(days=log.horizon_days)
    if isinstance(snapshots, int):
        if snapshots < 1:
            raise DomainError(f"snapshots must be at least 1, or dates, got {snapshots}.")
        days = _back_from(log, latest, snapshots, every_days)
        if not days:
            raise FitError(
                f"The log is too short: a snapshot needs {log.horizon_days} days before it and as many after it, "
                f"up to {log.as_of}.\nTake a longer log, or a shorter horizon_days."
            )
        return days
    days = sorted({frames.as_day(day) for day in snapshots}, reverse=True)
    if not days or days[0] > latest:
        raise DomainError(
            f"snapshots must be dates up to {latest}, so that labels of {log.horizon_days} days end by {log.as_of}; "
            f"got {', '.join(map(str, days)) or 'none'}."
        )
    return days


def days_before(log: Log, day: dt.date, snapshots: int | Sequence[dt.date], every_days: int) -> list[dt.date]:
    """Days whose labels had ended by an earlier day."""
    latest = day - dt.timedelta(days=log.horizon_days)
    if isinstance(snapshots, int):
        return _back_from(log, latest, snapshots, every_days)
    return sorted({d for d in map(frames.as_day, snapshots) if d <= latest}, reverse=True)


def snapshot(log: Log, day: dt.date) -> Snapshot:
    """Look at the customers of a day, and at what came after it."""
    table, columns = feature_frame(
        log.orders, as_of=day, horizon_days=log.horizon_days, contacts=log.contacts, fit=None, refunds=log.refunds
    )
    labels = label_frame(log.orders, as_of=day, horizon_days=log.horizon_days, refunds=log.refunds)
    # Sorted in one engine, both tables hold the same customers in the same order.
    cells = frames.arrays(table.sort("customer_id"), ["customer_id", *columns])
    ends = frames.arrays(labels.sort("customer_id"), ["customer_id", "churned"])
    if not np.array_equal(cells["customer_id"], ends["customer_id"]):
        raise FitError(f"The log changed while the snapshot of {day} was made; expected the same rows twice.")
    kept = np.flatnonzero(cells["order_days"] >= log.least_orders)
    X = np.column_stack([cells[name].astype(np.float64)[kept] for name in columns])
    ids = cells["customer_id"][kept]
    return Snapshot(columns, X, ends["churned"].astype(np.float64)[kept], ids, np.arange(len(kept)))


def together(parts: Sequence[Snapshot]) -> Snapshot:
    """Stack snapshots; a customer has one number in all of them."""
    owners = np.concatenate(frames.numbered([part.customer_id for part in parts]))
    return Snapshot(
        parts[0].columns,
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.customer_id for part in parts]),
        owners,
    )


def of_customers(table: frames.Frame, least_orders: int) -> frames.Frame:
    """Keep customers of so many order days."""
    return table if least_orders == 1 else table.filter(nw.col("order_days") >= least_orders)


def _back_from(log: Log, latest: dt.date, count: int, every_days: int) -> list[dt.date]:
    """Days back from the latest one, as long as the log looks back as far as its labels look ahead."""
    rows = summary.order_rows(log.orders, as_of=log.as_of, refunds=log.refunds).filter(nw.col("amount") >= 0)
    numbered = frames.with_day_numbers(rows.select(first=nw.col("order_day").min()), number="first")
    first = np.asarray(frames.arrays(numbered, ["number"])["number"], dtype=np.float64)
    if len(first) == 0 or np.isnan(first[0]):
        return []
    earliest = dt.date.fromordinal(int(first[0])) + dt.timedelta(days=log.horizon_days)
    days = [latest - dt.timedelta(days=i * every_days) for i in range(count)]
    return [day for day in days if day >= earliest]

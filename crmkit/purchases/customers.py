"""Customers as purchase processes see them: from an order log or from its summary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema, summary
from crmkit.errors import DomainError, SchemaError
from crmkit.models.histories import Histories

TRIPLE = ("frequency", "recency", "T")
GAPS = "sum_log_gap"
MONEY = "monetary_value"
HOLDOUT = "holdout_order_days"
# A fit sees no more customers: what it can still be wrong by is a thousandth of what customers differ by.
MOST = 1_000_000


def summarised(table: IntoFrameT, *, as_of: dt.date | None = None, refunds: summary.Refunds = "exclude") -> IntoFrameT:
    """Summarise an order log, in the caller's library; a table that is a summary is returned as it is.

    Parameters
    ----------
    table : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is a summary.
    as_of : date, optional
        Last day the log covers, inclusive. A summary has been made for a day already.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`; says nothing of a summary.

    Raises
    ------
    DomainError
        Orders without `as_of`.
    """
    if is_summary(table):
        return table
    if as_of is None:
        raise DomainError(
            "as_of is needed with orders: the last day the log covers, such as datetime.date(2024, 12, 31).\n"
            "Only a purchase summary (columns frequency, recency, T) goes without."
        )
    return summary.purchase_summary(table, as_of=as_of, refunds=refunds)


def is_summary(table: Any) -> bool:
    """Whether a caller's table is a purchase summary, by its columns; else it is taken for orders."""
    return set(TRIPLE) <= set(frames.column_names(table))


def admitted(customers: Any, *, beside: frames.Frame | None = None, keep: Sequence[str] = ()) -> frames.Frame:
    """Take a summary in, its counts and days as integers; columns of `keep` come along."""
    entered = schema.admit(customers, schema.SUMMARY, beside=beside, passing=bool(keep))
    return entered.with_columns(*[nw.col(name).cast(nw.Int64) for name in TRIPLE])


def knows_gaps(entered: frames.Frame) -> bool:
    """Whether the summary says how even the gaps between order days are."""
    return GAPS in frames.names_of(entered)


def keys(entered: frames.Frame, *, gaps: bool) -> list[str]:
    """Columns that a forecast depends on; with `gaps` the gaps belong to them.

    Raises
    ------
    SchemaError
        There are no gaps, and the process can't do without.
    """
    if gaps and not knows_gaps(entered):
        raise SchemaError(
            f"summary.{GAPS}: the column is missing; expected the sum of ln of the gaps between order days.\n"
            f"Take the summary from crmkit.summary.purchase_summary, or a process without regularity: model='mbg'."
        )
    return [*TRIPLE, GAPS] if gaps else list(TRIPLE)


def histories_of(rows: Mapping[str, NDArray[Any]]) -> Histories:
    """Histories of rows that are given as columns, with their gaps and their number (`count`) if these are among them.

    Raises
    ------
    DomainError
        There is no such history: the last order before the first one, or after the last day.
    """
    x, t_x, T = (rows[name].astype(np.float64) for name in TRIPLE)
    gaps, count = (rows[name].astype(np.float64) if name in rows else None for name in (GAPS, "count"))
    return Histories.in_order(x, t_x, T, gaps, count)


def refuse_impossible(entered: frames.Frame, *, gaps: bool) -> None:
    """Look for histories that there can't be, inside the engine: for tables whose rows are not looked at in memory.

    Raises
    ------
    DomainError
        As `histories_of`, for the first three of them.
    """
    columns = keys(entered, gaps=gaps)
    x, t_x, T = (nw.col(name) for name in TRIPLE)
    bad = (t_x > T) | ((x == 0) & (t_x > 0)) | ((x > 0) & (t_x == 0))
    if gaps:
        known, many = nw.col(GAPS).cast(nw.Float64), nw.when(x > 0).then(x).otherwise(1)
        days = nw.when(t_x > 0).then(t_x).otherwise(1)
        most = x * (days / many).log() + 1e-6 * (x + 1)
        bad = bad | known.is_null() | ((x == 0) & (known != 0.0)) | ((x > 1) & (known > most))
    histories_of(frames.arrays(entered.filter(bad).select(*columns).head(3), columns))


def to_fit(entered: frames.Frame, *, gaps: bool) -> tuple[Histories, int]:
    """Distinct histories of `MOST` customers at most, evenly spaced, and the number of all customers."""
    rows, many = frames.spaced_rows(entered, keys(entered, gaps=gaps), MOST)
    return histories_of(rows), many


def with_holdout(rows: frames.Frame, most: int) -> tuple[Histories, NDArray[np.int64], int]:
    """Distinct histories of `summary.holdout_rows` with their gaps, and the order days of each in the holdout.

    Of so many customers at most, evenly spaced; with the number of all.
    """
    found, many = frames.spaced_rows(rows, [*TRIPLE, GAPS, HOLDOUT], most)
    return histories_of(found), found[HOLDOUT].astype(np.int64), many


def spend_to_fit(entered: frames.Frame) -> dict[str, NDArray[Any]] | None:
    """Distinct (frequency, monetary_value) of `MOST` customers at most; None where the summary has no money."""
    return frames.spaced_rows(entered, ["frequency", MONEY], MOST)[0] if MONEY in frames.names_of(entered) else None

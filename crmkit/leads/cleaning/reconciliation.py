"""Orders held against sales records: what differs, to the cent, and totals that add up exactly."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.schema import ORDERS, Column, Table

Repeats: TypeAlias = Literal["duplicates", "lines"]
_MICRO: Final = 1_000_000
_MOST: Final = 1e11  # in micro-units, a sum of ninety of them still is a whole number of 64 bits
_COLUMNS: Final = (
    replace(ORDERS["order_id"], required=True, domain="one per order"),
    ORDERS["ordered_at"],
    replace(ORDERS["amount"], minimum=-_MOST, maximum=_MOST),
)
STATUSES: Final = (
    *("matched", "amount_differs", "date_differs", "amount_and_date_differ", "only_in_orders", "only_in_records"),
    *("duplicate_in_orders", "duplicate_in_records"),
)
RECONCILED: Final = Table(
    "reconciled",
    "one row per order or record, from leads.reconcile_orders",
    (
        Column("status", "text", "what was found", domain="never empty", required=True, nullable=False),
        Column("orders_amount", "number", "amount of the order", "money", "finite", required=True),
        Column("records_amount", "number", "amount of the record", "money", "finite", required=True),
    ),
)


def reconcile_orders(
    orders: IntoFrameT,
    records: Any,
    *,
    as_of: dt.date,
    tolerance: float = 0.0,
    within_days: int = 0,
    repeats: Repeats = "duplicates",
) -> IntoFrameT:
    """Hold orders against sales records by their order id, and list what was found of each.

    Parameters
    ----------
    orders, records : data frame
        `order_id`, `ordered_at`, `amount`, in one library. Ids of text are compared without the gaps around them.
    as_of : date
        Last day, inclusive; later rows of both are ignored.
    tolerance : float
        Amounts that differ by no more are the same; money, 0 to 1e6. 0.01 forgives a cent.
    within_days : int
        Days by which dates may differ; at least 0.
    repeats : {"duplicates", "lines"}
        What further rows of an order id are: "duplicates" of the first one, or "lines" of one order, which are added
        up (on the earliest of their days).

    Returns
    -------
    data frame like `orders`
        One row per pair or lone row, sorted by `order_id` and `place`: `order_id`, `place` (1; 2 for the second row
        of an id, and so on), `status`, `orders_amount`, `records_amount` (money; null where there is none),
        `difference` (orders less records, an amount that is not there counting 0), `orders_day`, `records_day`
        (dates), `days_apart` (days from order to record). `status`: "matched", "amount_differs", "date_differs",
        "amount_and_date_differ", "only_in_orders", "only_in_records", "duplicate_in_orders", "duplicate_in_records"
        (the other table has this id less often).

    Raises
    ------
    DomainError
        A choice is out of its domain.

    Notes
    -----
    Money is counted in whole millionths, so that the differences add up to the difference of the totals exactly, on
    every engine (`reconciliation_totals`). Rows of an id that stands several times are paired in the order of day and
    amount. Rows without an id are in one table only.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> day = pd.to_datetime(["2024-05-01", "2024-05-02"])
    >>> orders = pd.DataFrame({"order_id": ["A1", "A2"], "ordered_at": day, "amount": [100.0, 50.0]})
    >>> records = pd.DataFrame({"order_id": ["A1", "A3"], "ordered_at": day, "amount": [99.5, 20.0]})
    >>> found = reconcile_orders(orders, records, as_of=dt.date(2024, 5, 31))
    >>> found[["order_id", "status", "difference"]].values.tolist()
    [['A1', 'amount_differs', 0.5], ['A2', 'only_in_orders', 50.0], ['A3', 'only_in_records', -20.0]]
    """
    _check(tolerance, within_days, repeats)
    day = frames.as_day(as_of)
    table = Table("orders", ORDERS.row, _COLUMNS)
    ours = schema.admit(orders, table)
    theirs = schema.admit(records, replace(table, name="records"), beside=ours)
    sides = [
        _side(part, name, day, repeats, as_text=not _whole_ids(ours, theirs))
        for part, name in ((ours, "orders"), (theirs, "records"))
    ]
    grouped = nw.concat(sides).group_by("order_id", "lost", "place")
    together = grouped.agg(
        *[nw.col(name).sum().cast(nw.Int64) for name in _SUMS], *[nw.col(name).max() for name in _DAYS]
    )
    found = _with_status(together, round(tolerance * _MICRO), within_days)
    return frames.leave(found, like=orders, sort=["order_id", "place", "status"], same=["order_id"])


_SUMS: Final = ("in_orders", "in_records", "orders_micro", "records_micro")
_DAYS: Final = ("orders_number", "records_number")


def _check(tolerance: float, within_days: int, repeats: Repeats) -> None:
    if not 0.0 <= tolerance <= 1e6:
        raise DomainError(f"tolerance must lie between 0 and 1e6 (money), got {tolerance}.")
    if not 0 <= within_days <= 36_525:
        raise DomainError(f"within_days must lie between 0 and 36525 (days), got {within_days}.")
    if repeats not in ("duplicates", "lines"):
        raise DomainError(f'repeats must be "duplicates" or "lines", got {repeats!r}.')


def _whole_ids(*tables: frames.Frame) -> bool:
    return all(frames.kinds_of(table, ["order_id"])["order_id"].is_integer() for table in tables)


def _side(rows: frames.Frame, name: str, as_of: dt.date, repeats: Repeats, *, as_text: bool) -> frames.Frame:
    """Give rows of `order_id`, `lost` (its name for a row without id), `place` and its half of the columns."""
    past = rows.filter(nw.col("ordered_at").cast(nw.Date) <= nw.lit(as_of))
    own = nw.col("order_id")
    plain = own.cast(nw.String()).str.strip_chars(" \t\r\n") if as_text else own
    timed = frames.with_day_numbers(
        past.with_columns(
            order_id=plain,
            lost=nw.when(own.is_null()).then(nw.lit(name)).otherwise(nw.lit("")),
            micro=(nw.col("amount").cast(nw.Float64) * _MICRO).round(0).cast(nw.Int64),
            date=nw.col("ordered_at").cast(nw.Date),
        ),
        number="date",
    )
    if repeats == "lines":
        lines = timed.filter(~nw.col("order_id").is_null()).group_by("order_id", "lost")
        summed = lines.agg(nw.col("micro").sum(), nw.col("number").min()).with_columns(
            nw.col("micro", "number").cast(nw.Int64)
        )
        names = ["order_id", "lost", "micro", "number"]
        timed = nw.concat([summed.select(*names), timed.filter(nw.col("order_id").is_null()).select(*names)])
    placed = frames.with_places(timed, by=["order_id", "lost"], order=["number", "micro"])
    none, nothing = nw.lit(0).cast(nw.Int64), nw.lit(None).cast(nw.Int64)
    halves: dict[str, nw.Expr] = {}
    for side in ("orders", "records"):
        here = side == name
        halves[f"in_{side}"] = nw.lit(1).cast(nw.Int64) if here else none
        halves[f"{side}_micro"] = nw.col("micro").cast(nw.Int64) if here else none
        halves[f"{side}_number"] = nw.col("number").cast(nw.Int64) if here else nothing
    return placed.select("order_id", "lost", "place", **halves)


def _with_status(rows: frames.Frame, tolerance: int, within_days: int) -> frames.Frame:
    in_orders, in_records = nw.col("in_orders") > 0, nw.col("in_records") > 0
    both, repeated = in_orders & in_records, (nw.col("place") > 1) & (nw.col("lost") == "")
    micro = nw.col("orders_micro") - nw.col("records_micro")
    apart = nw.when(both).then(nw.col("records_number") - nw.col("orders_number"))
    made = rows.with_columns(__micro=micro, days_apart=apart)
    money, date = nw.col("__micro").abs() > tolerance, nw.col("days_apart").abs() > within_days
    status = (
        nw.when(~in_records & repeated)
        .then(nw.lit("duplicate_in_orders"))
        .when(~in_orders & repeated)
        .then(nw.lit("duplicate_in_records"))
        .when(~in_records)
        .then(nw.lit("only_in_orders"))
        .when(~in_orders)
        .then(nw.lit("only_in_records"))
        .when(money & date)
        .then(nw.lit("amount_and_date_differ"))
        .when(money)
        .then(nw.lit("amount_differs"))
        .when(date)
        .then(nw.lit("date_differs"))
        .otherwise(nw.lit("matched"))
    )
    dated = frames.with_dates(made, orders_day="orders_number", records_day="records_number")
    return dated.select(
        "order_id",
        "place",
        status=status,
        orders_amount=nw.when(in_orders).then(_as_money("orders_micro")),
        records_amount=nw.when(in_records).then(_as_money("records_micro")),
        difference=_as_money("__micro"),
        orders_day=nw.col("orders_day"),
        records_day=nw.col("records_day"),
        days_apart=nw.col("days_apart"),
    )


def _as_money(micro: str) -> nw.Expr:
    return nw.col(micro).cast(nw.Float64) / _MICRO


def reconciliation_totals(reconciled: IntoFrameT) -> IntoFrameT:
    """Add up what was found, so that each status explains its part of the difference.

    Parameters
    ----------
    reconciled : data frame
        From `reconcile_orders`.

    Returns
    -------
    data frame like `reconciled`
        One row per status that occurs and a last one, "total": `status`, `rows` (count), `orders_amount`,
        `records_amount`, `difference` (money). The differences of the statuses add up to the total exactly, in
        millionths.

    Examples
    --------
    >>> import pandas as pd
    >>> found = pd.DataFrame({"status": ["matched", "only_in_orders"], "orders_amount": [0.1, 0.2]})
    >>> found = found.assign(records_amount=[0.1, None])
    >>> reconciliation_totals(found)[["status", "rows", "difference"]].values.tolist()
    [['matched', 1, 0.0], ['only_in_orders', 1, 0.2], ['total', 2, 0.2]]
    """
    rows = schema.admit(reconciled, RECONCILED)
    micro = {
        name: (nw.col(f"{name}_amount").cast(nw.Float64).fill_null(0.0) * _MICRO).round(0).cast(nw.Int64)
        for name in ("orders", "records")
    }
    counted = rows.with_columns(**micro).group_by("status")
    sums = counted.agg(nw.col("orders").sum().cast(nw.Int64), nw.col("records").sum().cast(nw.Int64), rows=nw.len())
    found = frames.arrays(sums, ["status", "rows", "orders", "records"])
    at = {status: place for place, status in enumerate(found["status"].tolist())}
    known = [status for status in STATUSES if status in at]
    places = [at[status] for status in known] + [at[status] for status in sorted(at) if status not in STATUSES]
    parts = {name: found[name].astype(np.int64)[places] for name in ("rows", "orders", "records")}
    whole = {name: np.append(part, part.sum()) for name, part in parts.items()}
    return frames.build(
        {
            "status": np.array([*found["status"][places].tolist(), "total"], dtype=object),
            "rows": whole["rows"],
            "orders_amount": whole["orders"] / _MICRO,
            "records_amount": whole["records"] / _MICRO,
            "difference": (whole["orders"] - whole["records"]) / _MICRO,
        },
        like=reconciled,
    )

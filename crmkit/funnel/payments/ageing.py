"""How old the open amounts are: per customer, and in sum."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.funnel.payments.cents import in_money
from crmkit.funnel.payments.matching import matched

BUCKETS: Final = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90")
_FIRST_DAYS: Final = (1, 31, 61, 91)
_SUMS: Final = ("billed", "paid", "open", *BUCKETS, "credit", "received")


def ageing(instalments: IntoFrameT, payments: Any, *, as_of: dt.date) -> IntoFrameT:
    """Tell who owes how much, and for how long.

    Parameters
    ----------
    instalments, payments, as_of
        As for `receivables`.

    Returns
    -------
    data frame like `instalments`
        One row per customer, sorted: `customer_id`, `billed`, `paid` (of what was billed), `open`, its parts `not_due`,
        `days_1_30`, `days_31_60`, `days_61_90`, `over_90` (days overdue), `credit` (paid beyond what is billed),
        `received` (all payments); money. `billed` = `paid` + `open`, `received` = `paid` + `credit`, to the cent.
    """
    found = matched(instalments, payments, as_of)
    table = _by_customer(found.instalments, found.credits, frames.as_day(as_of).toordinal())
    money = {name: in_money(nw.col(name)) for name in _SUMS}
    return frames.leave(table.select("customer_id", **money), like=instalments, sort=["customer_id"])


def ageing_total(instalments: IntoFrameT, payments: Any, *, as_of: dt.date) -> IntoFrameT:
    """Sum up what is open in all, by how long it is overdue.

    Parameters
    ----------
    instalments, payments, as_of
        As for `receivables`.

    Returns
    -------
    data frame like `instalments`
        One row per bucket, not due first: `bucket` ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90"),
        `instalments`, `customers` (counts), `open` (money), `share` (of all that is open; 0 if nothing is).
    """
    today = frames.as_day(as_of).toordinal()
    late = today - nw.col("due_day")
    bucket = sum((frames.one_if(late >= first) for first in _FIRST_DAYS), start=nw.lit(0))
    rows = matched(instalments, payments, as_of).instalments.filter(nw.col("open") > 0).with_columns(bucket=bucket)
    per_customer = rows.group_by("bucket", "customer_id").agg(parts=nw.len(), open=nw.col("open").sum())
    sums = per_customer.group_by("bucket").agg(
        customers=nw.len(), parts=nw.col("parts").sum(), open=nw.col("open").sum()
    )
    cells = frames.arrays(sums, ["bucket", "customers", "parts", "open"])
    at = cells["bucket"].astype(np.int64)
    count = {name: np.zeros(len(BUCKETS), dtype=np.int64) for name in ("parts", "customers", "open")}
    for name, column in count.items():
        column[at] = cells[name].astype(np.int64)
    columns = {
        "bucket": np.array(BUCKETS, dtype=object),
        "instalments": count["parts"],
        "customers": count["customers"],
        "open": np.round(count["open"] / 100.0, 6),
        "share": np.round(count["open"] / max(int(count["open"].sum()), 1), 9),
    }
    return frames.build(columns, like=instalments)


def _by_customer(rows: frames.Frame, credits: frames.Frame, today: int) -> frames.Frame:
    late, open_ = today - nw.col("due_day"), nw.col("open")
    firsts = (-(10**7), *_FIRST_DAYS, 10**7)
    parts = {
        name: nw.when((late >= first) & (late < after)).then(open_).otherwise(0)
        for name, first, after in zip(BUCKETS, firsts[:-1], firsts[1:], strict=True)
    }
    sums = ("billed", "paid", "open", *BUCKETS)
    due = rows.with_columns(**parts).group_by("customer_id").agg(*[nw.col(name).sum() for name in sums])
    ids = nw.concat([due.select("customer_id"), credits.select("customer_id")]).group_by("customer_id").agg()
    whole = ids.join(due, on="customer_id", how="left").join(credits, on="customer_id", how="left")
    return whole.with_columns(nw.col(*_SUMS).fill_null(0))

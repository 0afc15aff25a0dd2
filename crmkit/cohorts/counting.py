"""What five rates are made of, counted in one pass over each table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames, schema, summary
from crmkit.cohorts.complaints import complaint_days
from crmkit.cohorts.periods import F64
from crmkit.errors import DomainError, SchemaError

Shares: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Windows:
    """The window that ends on `as_of` and the one before, in day numbers; a window is open on the left."""

    as_of: dt.date
    window_days: int
    repurchase_days: int
    churn_days: int

    def __post_init__(self) -> None:
        given = (self.window_days, self.repurchase_days, self.churn_days)
        if not (2 <= self.window_days <= 3660 and 1 <= self.repurchase_days <= 3660 and 1 <= self.churn_days <= 3660):
            raise DomainError(
                "window_days must lie between 2 and 3660, repurchase_days and churn_days between 1 and 3660 (days), "
                f"got {given}."
            )

    @property
    def ends(self) -> tuple[int, int]:
        """Last day of this window and of the one before."""
        today = self.as_of.toordinal()
        return today, today - self.window_days

    @property
    def needed(self) -> dict[str, int]:
        """From which day on the log must go for each rate."""
        start = self.ends[1] - self.window_days + 1
        return {
            "new_customers": start,
            "repurchase": start - self.repurchase_days,
            "churn": start - self.churn_days,
            "complaints": self.ends[1] - self.churn_days + 1,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of both windows.

    Attributes
    ----------
    shares : dict
        By rate: (how many, of how many) in this window and in the one before.
    new_by_day : float64, shape (2 w,)
        New customers by day, the window before first.
    missing : dict
        Why a rate is left out: "no table", "no history".
    """

    shares: dict[str, Shares]
    new_by_day: F64
    missing: dict[str, str]

    def comparable(self, rate: str) -> bool:
        """Whether both windows have something to be compared."""
        if rate in self.missing:
            return False
        if rate == "new_customers":
            return bool(self.new_by_day.sum())
        return all(n > 0 for _, n in self.shares[rate])


def counted(
    orders: Any, deals: Any, complaints: Any, *, windows: Windows, words: Sequence[str], refunds: summary.Refunds
) -> Counts:
    """Count all that the tables allow."""
    days = summary.day_rows(orders, as_of=windows.as_of, refunds=refunds)
    buyers = frames.settled(_buyers(days, windows), like=orders)
    marked = buyers
    if complaints is not None:
        marked = _with_complaints(buyers, complaint_days(complaints, words, beside=buyers), windows)
    names = [name for name in frames.names_of(marked) if name not in ("customer_id", "first", "wait")]
    sums = {name: nw.col(name).sum() for name in names}
    cells = frames.arrays(marked.select(**sums, start=nw.col("first").min()), [*names, "start"])
    n = {name: int(np.nan_to_num(np.asarray(cells[name], dtype=np.float64))[0]) for name in names}
    start = float(np.asarray(cells["start"], dtype=np.float64)[0])  # NaN: nobody has ordered
    missing = {rate: "no history" for rate, day in windows.needed.items() if not start <= day}
    shares = {
        rate: ((n[f"{rate}_0"], n[f"{base}_0"]), (n[f"{rate}_1"], n[f"{base}_1"]))
        for rate, base in (("repurchase", "settled"), ("churn", "there"))
    }
    if complaints is None:
        missing["complaints"] = "no table"
    else:
        shares["complaints"] = ((n["complaints_0"], n["active_0"]), (n["complaints_1"], n["active_1"]))
    if deals is None:
        missing["conversion"] = "no table"
    else:
        shares["conversion"] = _closed(deals, windows)
    return Counts(shares, _new_by_day(buyers, windows), missing)


def _buyers(days: frames.Frame, windows: Windows) -> frames.Frame:
    """One row per customer with a 1 for all that it counts in: `_0` for this window, `_1` for the one before."""
    gaps = frames.with_gaps(days, day="order_day", by=["customer_id"])
    numbered = frames.with_day_numbers(gaps, day="order_day").with_columns(
        second=nw.when(nw.col("rank") == 2).then(nw.col("gap_days"))
    )
    churn, length = windows.churn_days, windows.window_days
    spans = {}
    for at, end in enumerate(windows.ends):
        spans[f"before_{at}"] = (end - length - churn, end - length)
        spans[f"active_{at}"] = (end - churn, end)
    day = nw.col("day")
    flags = {name: frames.one_if((day > low) & (day <= high)) for name, (low, high) in spans.items()}
    rows = numbered.with_columns(**flags).group_by("customer_id").agg(
        **{name: nw.col(name).max() for name in flags}, first=day.min(), wait=nw.col("second").min()
    )  # fmt: skip
    counts = {}
    for at, end in enumerate(windows.ends):
        over = nw.col("first") + windows.repurchase_days
        is_settled = (over > end - length) & (over <= end)
        came = ~nw.col("wait").is_null() & (nw.col("wait") <= windows.repurchase_days)
        counts[f"settled_{at}"] = frames.one_if(is_settled)
        counts[f"repurchase_{at}"] = frames.one_if(is_settled & came)
        counts[f"there_{at}"] = nw.col(f"before_{at}")
        counts[f"churn_{at}"] = frames.one_if((nw.col(f"before_{at}") == 1) & (nw.col(f"active_{at}") == 0))
    return rows.with_columns(**counts)


def _with_complaints(buyers: frames.Frame, complaints: frames.Frame, windows: Windows) -> frames.Frame:
    day = nw.col("day")
    flags = {
        f"said_{at}": frames.one_if((day > end - windows.window_days) & (day <= end))
        for at, end in enumerate(windows.ends)
    }
    said = complaints.with_columns(**flags).group_by("customer_id").agg(**{name: nw.col(name).max() for name in flags})
    joined = buyers.join(said, on="customer_id", how="left")
    counts = {
        f"complaints_{at}": frames.one_if((nw.col(f"said_{at}") == 1) & (nw.col(f"active_{at}") == 1)) for at in (0, 1)
    }
    return joined.with_columns(**counts).drop("said_0", "said_1")


def _new_by_day(buyers: frames.Frame, windows: Windows) -> F64:
    """Count the new customers of each day of both windows, the earlier first."""
    start = windows.ends[1] - windows.window_days
    recent = frames.distinct_rows(buyers.filter(nw.col("first") > start), ["first"])
    found: F64 = np.zeros(2 * windows.window_days)
    found[recent["first"].astype(np.int64) - start - 1] = recent["count"]
    return found


def _closed(deals: Any, windows: Windows) -> Shares:
    """Deals won, and closed, in both windows; a deal is closed whose last row by `as_of` has an outcome."""
    if "outcome" not in frames.column_names(deals):
        raise SchemaError(
            "deals.outcome: the column is missing; expected 'won' or 'lost' in the row that closes a deal.\n"
            "Name the column with schema.conform(deals, schema.DEALS, rename={...})."
        )
    entered = schema.admit(deals, schema.DEALS, columns=("deal_id", "stage", "entered_at", "outcome"))
    dated = entered.with_columns(date=nw.col("entered_at").cast(nw.Date)).filter(
        nw.col("date") <= nw.lit(windows.as_of)
    )
    said = nw.col("outcome").cast(nw.String).str.strip_chars().str.to_lowercase()
    closes = ~nw.col("outcome").is_null()
    marked = dated.with_columns(said=said).with_columns(
        is_won=frames.one_if(nw.col("said") == "won"), closed_at=nw.when(closes).then(nw.col("entered_at"))
    )
    last = marked.group_by("deal_id").agg(last=nw.col("entered_at").max(), closed_at=nw.col("closed_at").max())
    closed = last.filter(nw.col("closed_at") == nw.col("last"))
    rows = marked.join(closed.select("deal_id", "last"), on="deal_id", how="inner")
    final = rows.filter((nw.col("entered_at") == nw.col("last")) & closes)
    by_deal = final.group_by("deal_id").agg(nw.col("date").max(), nw.col("is_won").max())
    cells = frames.distinct_rows(frames.with_day_numbers(by_deal, day="date"), ["day", "is_won"])
    counts = []
    for end in windows.ends:
        own = (cells["day"] > end - windows.window_days) & (cells["day"] <= end)
        won = int(cells["count"][own & (cells["is_won"] == 1)].sum())
        counts.append((won, int(cells["count"][own].sum())))
    return counts[0], counts[1]

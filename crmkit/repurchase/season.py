"""Customers who order in certain months of the year: which months, how sure, and when the next one begins."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, summary
from crmkit.models import calendar_months
from crmkit.models.calendar_months import EVIDENCE_AT_MOST, MONTHS_AT_MOST, AllYear, Cells

# Evidence against buying all year round, and against a rhythm of one's own, that each word needs.
_WORDS = {"weak": (20.0, 5.0), "moderate": (150.0, 20.0), "strong": (1000.0, 100.0)}

# What is learnt of the base is learnt of so many customers at most.
_ENOUGH = 1_000_000


def seasonal_pattern(orders: IntoFrameT, *, as_of: dt.date, refunds: summary.Refunds = "exclude") -> IntoFrameT:
    """Find customers who order in the same calendar months each year, and their next such month.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line; two years of it at least, or every strength is "too short".
    as_of : date
        Last day the log covers, inclusive; later rows are ignored. Months count when they are complete: that of
        `as_of` only if it is its last day.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`. A refund is never an order, so the first two agree.

    Returns
    -------
    data frame like `orders`
        One row per customer with at least one order, sorted by `customer_id`:

        - `years`: twelve-month periods looked at, counted back from the last complete month to the one that holds the
          first order; at most 15, older orders are ignored.
        - `strength`: "too short" (fewer than two such years), "none", "weak", "moderate" or "strong".
        - `months`: calendar months of the pattern, ascending, as in "3,9"; an empty text where there is none.
        - `next_month`: first day of the pattern's next month that begins after `as_of` (date); missing without a
          pattern. A reminder belongs into the month before.
        - `attendance`: mean share of years in which the pattern's months were ordered in; missing without a pattern.
        - `evidence`: Bayes factor of a pattern against buying all year round; at most 1e6, 3 decimals, 1 where
          nothing is known.
        - `rhythm_evidence`: odds against a rhythm that falls onto the same months by chance; at most 1e6, 1 where no
          month was kept. It can be what a pattern lacks: quarters need three years.

    Raises
    ------
    DomainError
        `refunds` or `as_of` is none of these.

    Notes
    -----
    Only whether a month saw an order counts, not how many. "Weak" needs evidence of 20 and rhythm evidence of 5,
    "moderate" 150 and 20, "strong" 1000 and 100. A customer who buys all year round, at a rate and with a season like
    the base's, gets evidence of 20 with probability 1/20 at most (`models.calendar_months.log_evidence`); in
    simulated companies one in two hundred has a pattern. Who keeps an own rhythm like clockwork (gaps even to 5 %) is
    taken for a calendar buyer in one case of fifteen, at half a year in one of five: the orders do fall into these
    months, until they drift out of them.

    The evidence is against the base's own season: where everybody buys in December, a customer who does so too has no
    pattern of the customer's own. A pattern has six months at most. Somebody who comes in late March one year and in
    early April the next has two half-kept months, not one.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> days = pd.to_datetime(["2022-03-08", "2022-09-20", "2023-03-17", "2023-09-05"])
    >>> orders = pd.DataFrame({"customer_id": "ann", "ordered_at": days, "amount": 90.0})
    >>> row = seasonal_pattern(orders, as_of=dt.date(2024, 1, 15)).iloc[0]
    >>> row["months"], row["strength"], str(row["next_month"].date())
    ('3,9', 'weak', '2024-03-01')
    """
    days = summary.day_rows(orders, as_of=as_of, refunds=refunds)
    table = pattern_frame(days, as_of=as_of, like=orders)
    return frames.leave(table, like=orders, sort=["customer_id"])


def pattern_frame(days: frames.Frame, *, as_of: dt.date, like: Any) -> frames.Frame:
    """Return `seasonal_pattern` of `summary.day_rows` in its engine; `like` is the caller's table."""
    day = frames.as_day(as_of)
    complete = _last_complete_month(day)
    customers = frames.settled(_histories(days, complete), like=like)
    asked = frames.Asked.of(customers, ["months_observed", "occupied"])
    base = calendar_months.fit_all_year(_cells(asked.spaced(_ENOUGH), complete))
    named = asked.answered(partial(_answers, base, complete, day))
    columns = ("customer_id", "years", "strength", "months", "next_month", "attendance")
    table = named.with_columns(
        nw.col("next_month").cast(nw.Date),
        attendance=nw.when(nw.col("pattern") > 0).then(nw.col("attendance")),
    )
    return table.select(*columns, "evidence", "rhythm_evidence")


def _last_complete_month(day: dt.date) -> int:
    """Find the last month that is over at the end of `day`, as 12 year + month, January 0."""
    number = 12 * day.year + day.month - 1
    is_last_day = day == dt.date.max or (day + dt.timedelta(days=1)).month != day.month
    return number if is_last_day else number - 1


def _histories(days: frames.Frame, complete: int) -> frames.Frame:
    """Months with an order, packed: one hexadecimal digit per calendar month, and the months since the first order."""
    cells = frames.with_month_numbers(days, month="order_day").group_by("customer_id", "month").agg(orders=nw.len())
    month, start = nw.col("month"), complete - MONTHS_AT_MOST + 1
    digit = 16.0 ** (month - 12 * (month // 12)).cast(nw.Float64)
    counts = (month >= start) & (month <= complete)
    weighed = cells.with_columns(
        # Rounded: an engine's power of a whole number may miss it in the last digit.
        digit=nw.when(counts).then(digit.round(0).cast(nw.Int64)).otherwise(0)
    )
    customers = weighed.group_by("customer_id").agg(first=month.min(), occupied=nw.col("digit").sum())
    since = complete + 1 - nw.col("first")
    return customers.select(
        "customer_id",
        occupied=nw.col("occupied").cast(nw.Int64),
        months_observed=nw.when(since < 0).then(0).when(since > MONTHS_AT_MOST).then(MONTHS_AT_MOST).otherwise(since),
    )


def _cells(rows: frames.Rows, complete: int) -> Cells:
    occupied, months = (rows[name].astype(np.int64) for name in ("occupied", "months_observed"))
    count = rows["count"] if "count" in rows else np.ones(len(rows["occupied"]))
    return Cells.unpacked(occupied, months, complete % 12 + 1, count.astype(np.int64))


def _answers(base: AllYear, complete: int, day: dt.date, rows: frames.Rows) -> dict[str, NDArray[Any]]:
    """Judge each history: all that is said of a customer, the pattern as bits."""
    cells = _cells(rows, complete)
    log_factor, found = calendar_months.log_evidence(cells, base)
    known = cells.years >= 2
    highest = np.log(EVIDENCE_AT_MOST)
    evidence = np.where(known, np.exp(np.clip(log_factor, -highest, highest)), 1.0)
    rhythm = np.minimum(calendar_months.rhythm_evidence(cells, found), EVIDENCE_AT_MOST)
    strength = np.where(known, "none", "too short").astype(object)
    for word, (least, least_rhythm) in _WORDS.items():
        strength[known & (found > 0) & (evidence >= least) & (rhythm >= least_rhythm)] = word
    has = np.isin(strength, list(_WORDS))
    pattern = np.where(has, found, 0)
    patterns, place = np.unique(pattern, return_inverse=True)
    named = {name: values[place] for name, values in _named(patterns, complete, day).items()}
    return named | {
        "years": cells.years,
        "strength": strength,
        "attendance": np.round(calendar_months.attendance(cells, pattern), 6),
        "evidence": np.round(evidence, 3),
        "rhythm_evidence": np.round(np.where(known, rhythm, 1.0), 3),
    }


def _named(patterns: NDArray[np.int64], complete: int, day: dt.date) -> dict[str, NDArray[Any]]:
    """Write each pattern out: its months, and the first day of the next one."""
    following = 12 * day.year + day.month  # the number of the month after that of `day`
    months, begins = [], []
    for pattern in patterns.tolist():
        own = [m for m in range(12) if pattern >> m & 1]
        months.append(",".join(str(m + 1) for m in own))
        ahead = [following + k for k in range(12) if (following + k) % 12 in own]
        begins.append(np.datetime64(f"{ahead[0] // 12:04d}-{ahead[0] % 12 + 1:02d}-01" if ahead else "NaT", "us"))
    return {
        "pattern": patterns,
        "months": np.array(months, dtype=object),
        "next_month": np.array(begins, dtype="datetime64[us]"),
    }

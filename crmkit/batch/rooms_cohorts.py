"""Tables of `[rooms.cohorts]`: who stays, who buys again, can't we sell or can't we keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from crmkit import cohorts, frames
from crmkit.batch.config import Config

TRIANGLE: Final = "cohorts_triangle"
REVENUE: Final = "cohorts_revenue"
REPURCHASE: Final = "cohorts_repurchase"
SHARES: Final = "cohorts_shares"
RATES: Final = "cohorts_rates"


def cohort_tables(config: Config, table: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """Make the tables of cohorts, one after the other.

    Parameters
    ----------
    config : Config
        With settings of cohorts.
    table : callable
        Gives a checked table by its name, None where the config has none.

    Yields
    ------
    (str, data frame)
        Name and table.
    """
    asked = config.rooms.cohorts
    assert asked is not None
    orders = table("orders")
    shared: dict[str, Any] = {"as_of": config.day, "refunds": config.refunds, "level": asked.level}
    complaints = _with_column(table("contacts"), "kind")
    words = {} if asked.complaint_words is None else {"complaint_words": asked.complaint_words}
    yield TRIANGLE, cohorts.retention_triangle(orders, period=asked.period, **shared)
    yield REVENUE, cohorts.cohort_revenue(orders, period=asked.period, **shared)
    yield REPURCHASE, cohorts.repurchase_rate(orders, within_days=asked.repurchase_days, **shared)
    shared |= {"locale": config.locale, "window_days": asked.window_days, **words}
    days: dict[str, Any] = {"silent_days": asked.silent_days, "lost_days": asked.lost_days}
    yield SHARES, cohorts.customer_shares(orders, complaints, **days, **shared)
    days = {"repurchase_days": asked.repurchase_days, "churn_days": asked.churn_days}
    deals = _with_column(table("deals"), "outcome")
    yield RATES, cohorts.sell_or_keep(orders, deals, complaints, **days, **shared)


def _with_column(table: Any, name: str) -> Any:
    """Give a table if it says what is asked of it, else none: the rate is then left out, and said so."""
    return table if table is not None and name in frames.column_names(table) else None

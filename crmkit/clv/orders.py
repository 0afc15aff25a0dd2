"""How often customers will buy."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, purchases, summary
from crmkit.clv.forecast import Base, check_horizon
from crmkit.models.histories import Histories
from crmkit.models.outlook import Outlook, outlook
from crmkit.purchases import customers
from crmkit.purchases.processes import Process

ORDER_COLUMNS = ("p_order", "p_alive", "expected_orders", "orders_low", "orders_high")


def expected_orders(
    orders: IntoFrameT,
    *,
    as_of: dt.date | None = None,
    horizon_days: int,
    level: float = 0.8,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Forecast how often each customer will buy within the horizon.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is taken as a summary, from `summary.purchase_summary`.
    as_of : date, optional
        Last day the log covers, inclusive; needed with orders. Later rows are ignored.
    horizon_days : int
        Days after `as_of`, 1 to 36525.
    level : float
        Probability of the interval, in (0, 1).
    fit : PurchaseFit, optional
        From `purchases.fit_purchase_process`; by default fitted to these orders with model "auto".
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted by `customer_id`: `p_order` (P(at least one order day in the horizon)), `p_alive`
        (P(still a customer at `as_of`); depends on the model), `expected_orders` (order days), `orders_low`,
        `orders_high` (whole order days; at least `level` lies between them).

    Raises
    ------
    DomainError
        `horizon_days` or `level` out of its domain; orders without `as_of`.
    FitError
        There is no customer to fit to.

    Notes
    -----
    The interval is that of the count itself: its distribution under the model, mixed over what is not known of the
    parameters. A count is whole, so it holds `level` or more; one that begins at 0 has only one tail to leave out.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2); the models' own documentation for the rest.

    Examples
    --------
    >>> import datetime as dt
    >>> from crmkit import datasets
    >>> table = expected_orders(datasets.load_cdnow(), as_of=dt.date(1997, 9, 30), horizon_days=273)
    >>> bool(table["p_order"].between(0, 1).all())
    True
    """
    check_horizon(horizon_days, level)
    base = Base.of(orders, as_of=as_of, fit=fit, refunds=refunds)
    asks = Horizon(float(horizon_days), 0.0, level, base.widens(horizon_days))
    answered = base.asked.answered(partial(_answers, base.fit.process, asks))
    return frames.leave(answered.select("customer_id", *ORDER_COLUMNS), like=orders, sort=["customer_id"])


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is asked of each history: days ahead, and with which intervals.

    Attributes
    ----------
    days, rate_per_day, level, is_mixed
        As for `models.outlook.outlook`.
    """

    days: float
    rate_per_day: float
    level: float
    is_mixed: bool

    def outlook(self, process: Process, rows: Histories) -> Outlook:
        """Answer for each history."""
        return outlook(
            process, rows, self.days, rate_per_day=self.rate_per_day, level=self.level, is_mixed=self.is_mixed
        )


def _answers(process: Process, asks: Horizon, rows: frames.Rows) -> dict[str, NDArray[Any]]:
    return order_columns(asks.outlook(process, customers.histories_of(rows)))


def order_columns(found: Outlook) -> dict[str, NDArray[Any]]:
    """Columns of a forecast of orders."""
    values = (found.p_order, found.p_alive, found.orders, found.low.astype(np.int64), found.high.astype(np.int64))
    return dict(zip(ORDER_COLUMNS, values, strict=True))

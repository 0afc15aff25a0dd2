"""What customers will be worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, purchases, summary
from crmkit.clv.forecast import Base, check_horizon, check_margin, daily_rate, scale
from crmkit.clv.orders import ORDER_COLUMNS, Horizon, order_columns
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.histories import F64
from crmkit.models.order_value import ValuePerScale, value_per_scale
from crmkit.models.outlook import Outlook
from crmkit.purchases import customers
from crmkit.purchases.processes import Process

_MONEY = ("expected_order_value", "clv", "clv_low", "clv_high")


def customer_value(
    orders: IntoFrameT,
    *,
    as_of: dt.date | None = None,
    horizon_days: int,
    discount_rate_per_year: float = 0.1,
    margin: float = 1.0,
    level: float = 0.8,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Estimate what each customer will be worth within the horizon, discounted to `as_of`.

    Parameters
    ----------
    orders, as_of, horizon_days, level, fit, refunds
        As for `expected_orders`; a summary needs `monetary_value`.
    discount_rate_per_year : float
        An order u days after `as_of` counts (1 + rate)^(-u / 365): real days, no months. At least 0.
    margin : float
        Share of an order's value that is kept, above 0; multiplies `clv` and its interval. 1, the default, keeps all:
        `clv` is then revenue, no profit.

    Returns
    -------
    data frame like `orders`
        One row per customer, sorted by `customer_id`, with the columns of `expected_orders`, and
        `expected_order_value` (money per order day), `clv` (money: margin times expected discounted value of the order
        days to come; what was bought before is not in it), `clv_low`, `clv_high` (money; with probability `level`
        between them). Money has 6 decimals; it is missing where the log gives nothing to learn it from.

    Raises
    ------
    DomainError
        A number lies out of its domain; orders without `as_of`.
    FitError
        There is no customer to fit to, or no money in the summary or the fit.

    Notes
    -----
    Value per order day is Gamma-Gamma's expectation: the own mean, drawn towards that of the base the more, the fewer
    repeat order days there are; the first order day is not in it. It takes value and frequency as unrelated:
    `fit.money.status` says how far they are.

    The interval is that of the customer's own future: number of orders, value of each, parameters. For most customers
    it begins at 0, and for those who will probably not return it ends there. Sums over customers are far narrower than
    sums of these intervals: `value_of_groups`.

    References
    ----------
    Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", equation 5; Fader, Hardie & Lee (2005), "RFM and
    CLV", Journal of Marketing Research 42(4): value = margin x value per order x discounted expected orders.
    """
    check_horizon(horizon_days, level)
    check_margin(margin)
    rate = daily_rate(discount_rate_per_year)
    base = Base.of(orders, as_of=as_of, fit=fit, refunds=refunds)
    spend, base_mean = base.spend_model()
    asks = Horizon(float(horizon_days), rate, level, base.widens(horizon_days))
    worth = None if spend is None else Worth(spend, margin, base_mean)
    answered = base.asked.answered(partial(_answers, base.fit.process, asks, worth))
    if spend is None:
        valued = answered.with_columns(**{name: nw.lit(None).cast(nw.Float64) for name in _MONEY})
    else:
        valued = answered.with_columns(**{name: frames.money(scale(spend) * nw.col(name)) for name in _MONEY})
    return frames.leave(valued.select("customer_id", *ORDER_COLUMNS, *_MONEY), like=orders, sort=["customer_id"])


@dataclass(frozen=True, slots=True)
class Worth:
    """What orders are worth: the model of spend, the share that is kept, and the mean where the model has none."""

    spend: GammaGamma
    margin: float
    base_mean: float

    def per_scale(self, x: F64, found: Outlook, level: float) -> ValuePerScale:
        """Value per unit of `scale`."""
        return value_per_scale(self.spend, x, found, margin=self.margin, level=level, base_mean=self.base_mean)


def _answers(process: Process, asks: Horizon, worth: Worth | None, rows: frames.Rows) -> dict[str, NDArray[Any]]:
    """Columns of the forecast that depend on the history alone; money per unit of scale."""
    histories = customers.histories_of(rows)
    found = asks.outlook(process, histories)
    if worth is None:
        return order_columns(found)
    money = worth.per_scale(histories.x, found, asks.level)
    per_scale = (money.order_value, money.clv, money.low, money.high)
    return order_columns(found) | dict(zip(_MONEY, (np.asarray(values) for values in per_scale), strict=True))

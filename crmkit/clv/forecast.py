"""The base of a forecast: customers in their engine, and what their histories are asked."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, purchases, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.histories import F64
from crmkit.models.outlook import widening, widens
from crmkit.purchases import customers, processes
from crmkit.purchases.fit import fitted_to_summary
from crmkit.purchases.processes import Process

DAYS_OF_A_YEAR = 365.0
# Distinct histories, or a few more, that say whether the parameters' uncertainty matters to any.
_SAMPLE = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """Customers to be forecast.

    Attributes
    ----------
    entered : lazy frame
        Their summary, in its engine.
    asked : Asked
        The columns that a forecast depends on.
    fit : PurchaseFit
    """

    entered: frames.Frame
    asked: frames.Asked
    fit: purchases.PurchaseFit

    @classmethod
    def of(
        cls, orders: Any, *, as_of: dt.date | None, fit: purchases.PurchaseFit | None, refunds: summary.Refunds
    ) -> Base:
        """Summarise orders once, and fit to them if no fit is given."""
        table = purchases.summarised(orders, as_of=as_of, refunds=refunds)
        entered = customers.admitted(table)
        if frames.is_lazy(table):  # the log is behind it
            entered = frames.settled(entered, like=table)
            table = frames.leave(entered, like=table)
        log = None if customers.is_summary(orders) else orders
        known = (
            fit
            or fitted_to_summary(table, log, as_of=as_of, model="auto", judges=("orders",), refunds=refunds)["orders"]
        )
        gaps = processes.needs_gaps(known.process)
        asked = frames.Asked.of(entered, customers.keys(entered, gaps=gaps))
        if asked.rows is None and customers.is_summary(orders):
            customers.refuse_impossible(entered, gaps=gaps)
        return cls(entered, asked, known)

    def widens(self, horizon_days: int) -> bool:
        """Whether the uncertainty of the fit's parameters is to be mixed in."""
        ask = partial(_widening, self.fit.process, float(horizon_days))
        return widens(self.asked.greatest(ask, among=_SAMPLE))

    def spend_model(self) -> tuple[GammaGamma | None, float]:
        """Spend model and mean value of an order day; no model where nothing can be learnt of money."""
        if customers.MONEY not in frames.names_of(self.entered) or self.fit.money is None:
            raise FitError(
                "There is no money to value orders by: the summary or the fit lacks monetary_value.\n"
                "Take the summary from crmkit.summary.purchase_summary and fit to it again."
            )
        return self.fit.money.model, self.fit.money.mean_value or 0.0


def _widening(process: Process, days: float, rows: frames.Rows) -> F64:
    return widening(process, customers.histories_of(rows), days)


def scale(spend: GammaGamma) -> nw.Expr:
    """Gamma + x m: all that the value of a customer's orders depends on besides the history."""
    mean = nw.col(customers.MONEY).cast(nw.Float64).fill_null(0.0)
    positive = nw.when(mean > 0.0).then(mean).otherwise(0.0)
    return nw.col("frequency").cast(nw.Float64) * positive + spend.gamma


def daily_rate(discount_rate_per_year: float) -> float:
    """Continuous rate per day: (1 + rate)^(-u / 365) = exp(-rate_per_day u)."""
    if not (math.isfinite(discount_rate_per_year) and discount_rate_per_year >= 0):
        raise DomainError(
            f"discount_rate_per_year must be finite and at least 0 (.1 is ten per cent), got {discount_rate_per_year}."
        )
    return math.log1p(discount_rate_per_year) / DAYS_OF_A_YEAR


def check_horizon(horizon_days: int, level: float) -> None:
    """Refuse a horizon that is no number of days, and a level that is no probability."""
    if not 1 <= horizon_days <= 36_525:
        raise DomainError(f"horizon_days must lie between 1 and 36525 (days), got {horizon_days}.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, such as 0.8, got {level}.")


def check_margin(margin: float) -> None:
    """Refuse a margin that keeps nothing."""
    if not (math.isfinite(margin) and margin > 0):
        raise DomainError(f"margin must be finite and above 0 (the share of an order's value kept), got {margin}.")

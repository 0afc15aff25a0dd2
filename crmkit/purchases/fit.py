"""Fit a purchase process and the value of an order to a log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from crmkit import frames, summary
from crmkit.errors import FitError
from crmkit.models.histories import Histories
from crmkit.purchases import choice, customers, processes
from crmkit.purchases.holdout import Holdout, rolling_holdout
from crmkit.purchases.money import Money, fit_money
from crmkit.purchases.processes import Model
from crmkit.purchases.result import PurchaseFit


def fit_purchase_process(
    orders_or_summary: Any,
    *,
    as_of: dt.date | None = None,
    model: Model = "auto",
    refunds: summary.Refunds = "exclude",
) -> PurchaseFit:
    """Learn from a log how customers buy, when they leave for good, and what an order day is worth.

    Parameters
    ----------
    orders_or_summary : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is taken as a summary, from `summary.purchase_summary`.
    as_of : date, optional
        Last day the log covers, inclusive; needed with orders, without meaning for a summary.
    model : {"auto", "nbd", "bg", "mbg", "pareto", "bg_cnbd", "mbg_cnbd", "bg_regularity_mixture", "regularity_mixture"}
        The purchase process. "nbd": nobody leaves. "bg", "mbg": customers may leave after a purchase (mbg: also after
        the first). "pareto": at any time. "bg_cnbd", "mbg_cnbd": with one regularity k of all customers, 1 to 12, by
        likelihood. "regularity_mixture": (M)BG with a regularity of each customer's own. "auto": chosen among
        nbd, bg, mbg, pareto and, where the gaps between orders are known, mbg_cnbd and regularity_mixture.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    PurchaseFit
        The chosen process, all that were compared, why, and the money with its assumptions checked.

    Raises
    ------
    FitError
        There is no customer, or none was observed for any time.
    DomainError
        Orders without `as_of`; an unknown `model`.

    Notes
    -----
    "auto" chooses by a rolling holdout: each candidate is fitted to the log as it was one and two horizons before
    `as_of` and scored by the mean of ln P(order days in the horizon after it | history). The horizon is a quarter of
    the log's span, at most 182 days. Among those within one standard error of the best (of the paired differences per
    customer) the fewest parameters win, and of equally many the smaller BIC; what was chosen is then fitted to the
    whole log. Bases of more than 50,000 customers are scored on 50,000 of them, evenly spaced in the order of their
    histories.

    The smallest BIC decides where nothing can be held out: a summary, a log of less than 56 days, fewer than 100
    customers at a cut, none who had bought twice. All candidates are densities of the same thing, the times of the
    order days, so their likelihoods compare; but what fits the past best need not forecast best.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), "Classification and Regression Trees", section 3.4.3: the rule of one
    standard error. Schwarz (1978), "Estimating the dimension of a model", Annals of Statistics 6(2): BIC.
    """
    table = customers.summarised(orders_or_summary, as_of=as_of, refunds=refunds)
    orders = None if customers.is_summary(orders_or_summary) else orders_or_summary
    return fitted_to_summary(table, orders, as_of=as_of, model=model, refunds=refunds)


def fitted_to_summary(
    table: Any, orders: Any, *, as_of: dt.date | None, model: Model, refunds: summary.Refunds
) -> PurchaseFit:
    """Fit to a summary; the orders it was made from, if there are any, serve a holdout."""
    processes.checked_model(model)
    entered = customers.admitted(table)
    gaps = processes.needs_gaps(model) or (model == "auto" and customers.knows_gaps(entered))
    rows, _ = customers.distinct(entered, gaps=gaps)
    if len(rows) == 0:
        raise FitError(
            "There are no customers to fit to: the log holds no order up to as_of that is not a refund.\n"
            "Look at as_of, and at the table: crmkit.schema.violations(orders, schema.ORDERS, as_of=...)."
        )
    wanted = _wanted(model, rows)
    held = _holdout(orders, as_of, wanted, rows, refunds)
    fits = [processes.fitted(name, rows) for name in wanted]
    process, compared, sentence = choice.chosen(fits, held)
    spend = customers.spend_rows(entered)
    return PurchaseFit(process, compared, sentence, int(rows.n_customers), None if spend is None else _money(spend))


def _wanted(model: Model, rows: Histories) -> tuple[str, ...]:
    if model != "auto":
        return (model,)
    if rows.x.max() == 0:
        return ("bg",)
    return processes.FAMILIES if rows.sum_log_gap is None else processes.FAMILIES + processes.WITH_GAPS


def _holdout(
    orders: Any, as_of: dt.date | None, wanted: tuple[str, ...], rows: Histories, refunds: summary.Refunds
) -> Holdout | str:
    if orders is None or as_of is None:
        return "a summary has no days to hold out"
    if len(wanted) == 1:
        return ""
    return rolling_holdout(orders, wanted, as_of=frames.as_day(as_of), span_days=int(rows.T.max()), refunds=refunds)


def _money(rows: dict[str, Any]) -> Money:
    x, m, count = (rows[name].astype(np.float64) for name in ("frequency", customers.MONEY, "count"))
    return fit_money(x, m, count)

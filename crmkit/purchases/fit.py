"""Fit a purchase process and the value of an order to a log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from crmkit import frames, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.histories import Histories
from crmkit.purchases import choice, customers, holdout, processes
from crmkit.purchases.holdout import Judge, Trial, rolling_holdout
from crmkit.purchases.money import Money, fit_money
from crmkit.purchases.processes import Model, Process
from crmkit.purchases.result import PurchaseFit


def fit_purchase_process(
    orders_or_summary: Any,
    *,
    as_of: dt.date | None = None,
    model: Model = "auto",
    judge: Judge = "orders",
    refunds: summary.Refunds = "exclude",
) -> PurchaseFit:
    """Learn from a log how customers buy, when they leave for good, and what an order day is worth.

    Parameters
    ----------
    orders_or_summary : data frame, `schema.ORDERS` or `schema.SUMMARY`
        A table with the columns frequency, recency and T is taken as a summary, from `summary.purchase_summary`.
    as_of : date, optional
        Last day the log covers, inclusive; needed with orders, without meaning for a summary.
    model : str
        "auto", or a purchase process. "nbd": nobody leaves. "bg", "mbg": customers may leave after a purchase (mbg:
        also after the first). "pareto": at any time. "bg_cnbd", "mbg_cnbd": with one regularity k of all customers,
        1 to 12, by likelihood. "bg_regularity_mixture", "mbg_regularity_mixture": with a regularity of each
        customer's own. "auto": chosen among nbd, bg, mbg, pareto and, where the gaps between orders are known, mbg_cnbd
        and mbg_regularity_mixture.
    judge : {"orders", "chance"}
        What "auto" looks for: the best forecast of the number of orders (squared error and squared log error, each
        over the smallest among the candidates), as customer value needs it; or the best log score of the count's
        distribution, as probabilities need it.
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
        Orders without `as_of`; an unknown `model` or `judge`.

    Notes
    -----
    "auto" chooses by a rolling holdout: each candidate is fitted to the log as it was one and two horizons before
    `as_of` and judged by its forecast of the order days in the horizon after it. The horizon is a quarter of the log's
    span, at most 182 days. Among those within two standard errors of the best (of the paired differences per customer)
    the smallest BIC wins: where the holdout can't tell, the likelihood decides. What was chosen is then fitted to the
    whole log. Bases of more than 50,000 customers are compared on 50,000 of them, evenly spaced in the order of their
    histories.

    Bases of more than a million customers are fitted to a million of them, chosen alike, the same on every engine:
    standard errors are those of the million.

    The smallest BIC decides where nothing can be held out: a summary, a log of less than 56 days, fewer than 100
    customers at a cut, none who had bought twice. All candidates are densities of the same thing, the times of the
    order days, so their likelihoods compare; but what fits the past best need not forecast best.

    References
    ----------
    Diebold & Mariano (1995), Journal of Business & Economic Statistics 13(3): paired differences of losses.
    Schwarz (1978), "Estimating the dimension of a model", Annals of Statistics 6(2): BIC.
    """
    return fit_for_judges(orders_or_summary, as_of=as_of, model=model, judges=(judge,), refunds=refunds)[judge]


def fit_for_judges(
    orders_or_summary: Any,
    *,
    as_of: dt.date | None = None,
    model: Model = "auto",
    judges: Sequence[Judge] = ("orders", "chance"),
    refunds: summary.Refunds = "exclude",
) -> dict[Judge, PurchaseFit]:
    """Fit a purchase process for each of several purposes: the candidates are fitted and asked once for all.

    Parameters
    ----------
    orders_or_summary, as_of, model, refunds
        As for `fit_purchase_process`.
    judges : sequence of {"orders", "chance"}
        What the processes are for.

    Returns
    -------
    dict of judge to PurchaseFit
        Each is what `fit_purchase_process` returns for that judge.

    Raises
    ------
    FitError, DomainError
        As there.
    """
    table = customers.summarised(orders_or_summary, as_of=as_of, refunds=refunds)
    orders = None if customers.is_summary(orders_or_summary) else orders_or_summary
    return fitted_to_summary(table, orders, as_of=as_of, model=model, judges=judges, refunds=refunds)


def fitted_to_summary(
    table: Any, orders: Any, *, as_of: dt.date | None, model: Model, judges: Sequence[Judge], refunds: summary.Refunds
) -> dict[Judge, PurchaseFit]:
    """Fit to a summary; the orders it was made from, if there are any, serve a holdout."""
    processes.checked_model(model)
    if strange := [judge for judge in judges if judge not in get_args(Judge)]:
        raise DomainError(f'judge must be "orders" or "chance", got {strange[0]!r}.')
    entered = customers.admitted(table)
    gaps = processes.needs_gaps(model) or (model == "auto" and customers.knows_gaps(entered))
    rows, many = customers.to_fit(entered, gaps=gaps)
    if len(rows) == 0:
        raise FitError(
            "There are no customers to fit to: the log holds no order up to as_of that is not a refund.\n"
            "Look at as_of, and at the table: crmkit.schema.violations(orders, schema.ORDERS, as_of=...)."
        )
    wanted = _wanted(model, rows)
    trial = _trial(orders, as_of, wanted, rows, refunds)
    part = rows if len(wanted) == 1 else rows.spaced(holdout.SAMPLE)[0]
    fits = [processes.fitted(name, part, off_limits=part is rows) for name in wanted]
    whole = dict[str, Process]()
    spend = customers.spend_to_fit(entered)
    money = None if spend is None else _money(spend)
    made: dict[Judge, PurchaseFit] = {}
    for judge in judges:
        held = trial if isinstance(trial, str) else trial.judged(judge)
        process, compared, sentence = choice.chosen(fits, held)
        if part is not rows:
            taken = next(candidate.model for candidate in compared if candidate.name == process.name)
            if taken not in whole:
                whole[taken], _ = processes.fitted(taken, rows)
            process = whole[taken]
        made[judge] = PurchaseFit(process, compared, sentence, many, money)
    return made


def _wanted(model: Model, rows: Histories) -> tuple[str, ...]:
    if model != "auto":
        return (model,)
    if rows.x.max() == 0:
        return ("bg",)
    return processes.FAMILIES if rows.sum_log_gap is None else processes.FAMILIES + processes.WITH_GAPS


def _trial(
    orders: Any, as_of: dt.date | None, wanted: tuple[str, ...], rows: Histories, refunds: summary.Refunds
) -> Trial | str:
    if orders is None or as_of is None:
        return "a summary has no days to hold out"
    if len(wanted) == 1:
        return ""
    day, span = frames.as_day(as_of), int(rows.T.max())
    return rolling_holdout(orders, wanted, as_of=day, span_days=span, refunds=refunds)


def _money(rows: dict[str, Any]) -> Money:
    x, m, count = (rows[name].astype(np.float64) for name in ("frequency", customers.MONEY, "count"))
    return fit_money(x, m, count)

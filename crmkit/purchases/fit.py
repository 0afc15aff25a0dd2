"""Fit a purchase process and the value of an order to a log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from crmkit import summary
from crmkit.errors import FitError
from crmkit.models.histories import Histories
from crmkit.purchases import customers, processes
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
        likelihood. "regularity_mixture": (M)BG with a regularity of each customer's own. "auto": the smallest BIC of
        nbd, bg, mbg, pareto and, where `sum_log_gap` is known, mbg_cnbd and regularity_mixture.
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
    All candidates are densities of the same thing, the times of the order days, so their likelihoods compare. BIC, not
    AIC: of nested processes AIC takes a needless parameter one time in six however large the base, and one log is
    asked again every month; the choice should stay.

    References
    ----------
    Schwarz (1978), "Estimating the dimension of a model", Annals of Statistics 6(2).
    """
    processes.checked_model(model)
    table = customers.summarised(orders_or_summary, as_of=as_of, refunds=refunds)
    entered = customers.admitted(table)
    gaps = processes.needs_gaps(model) or (model == "auto" and customers.knows_gaps(entered))
    rows, _ = customers.distinct(entered, gaps=gaps)
    if len(rows) == 0:
        raise FitError(
            "There are no customers to fit to: the log holds no order up to as_of that is not a refund.\n"
            "Look at as_of, and at the table: crmkit.schema.violations(orders, schema.ORDERS, as_of=...)."
        )
    fits = [processes.fitted(name, rows) for name in _wanted(model, rows)]
    candidates = list({candidate.name: (process, candidate) for process, candidate in reversed(fits)}.values())
    process, choice = _chosen(candidates, rows)
    compared = tuple(sorted((candidate for _, candidate in candidates), key=lambda candidate: candidate.bic))
    spend = customers.spend_rows(entered)
    return PurchaseFit(process, compared, choice, int(rows.n_customers), None if spend is None else _money(spend))


def _wanted(model: Model, rows: Histories) -> tuple[str, ...]:
    if model != "auto":
        return (model,)
    if rows.x.max() == 0:
        return ("bg",)
    return processes.FAMILIES if rows.sum_log_gap is None else processes.FAMILIES + processes.WITH_GAPS


def _chosen(candidates: list[tuple[processes.Process, processes.Candidate]], rows: Histories) -> tuple[Any, str]:
    if rows.x.max() == 0:
        process, candidate = candidates[0]
        return process, f"{candidate.name}; no customer has bought twice, so no process can be told from another."
    return processes.choose(candidates)


def _money(rows: dict[str, Any]) -> Money:
    x, m, count = (rows[name].astype(np.float64) for name in ("frequency", customers.MONEY, "count"))
    return fit_money(x, m, count)

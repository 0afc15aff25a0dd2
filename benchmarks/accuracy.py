"""Forecasts against what came after: two published logs, each cut where the reference cuts it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import rankdata

from crmkit import clv, datasets, purchases, summary

MODELS = ("nbd", "pareto", "bg", "mbg", "mbg_cnbd", "regularity_mixture", "auto")


def logs() -> Iterator[tuple[str, pd.DataFrame, dt.date, int]]:
    """Name, orders, cut and holdout days; Online Retail only where `CRMKIT_DATA` names its folder."""
    cut = dt.date(1997, 9, 30)
    yield "CDNOW sample", datasets.load_cdnow(sample=True), cut, 273
    yield "CDNOW master", datasets.load_cdnow(), cut, 273
    folder = os.environ.get("CRMKIT_DATA")
    if folder:
        rows = pd.read_csv(Path(folder) / "uci_online_retail_2009_2011_orders.csv.gz", parse_dates=["invoice_ts"])
        sales = rows[~rows["is_cancel"]]
        orders = sales.rename(columns={"invoice_ts": "ordered_at", "revenue": "amount"})
        yield "Online Retail II", orders[["customer_id", "ordered_at", "amount"]], dt.date(2011, 6, 9), 183


def judged(p_order: Any, expected: Any, bought: Any) -> dict[str, float]:
    """Errors of expected orders, and of the probability to order at all."""
    p, e, y = (np.asarray(values, dtype=np.float64) for values in (p_order, expected, bought))
    came, top = y > 0, np.argsort(-e, kind="stable")[: len(e) // 10]
    return {
        "MAE": float(np.abs(e - y).mean()),
        "RMSE": float(np.sqrt(((e - y) ** 2).mean())),
        "MSLE": float(((np.log1p(e) - np.log1p(y)) ** 2).mean()),
        "bias": float(e.sum() / y.sum() - 1.0),
        "AUC": area(e, came),
        "AUC p_order": area(p, came),
        "Brier": float(((p - came) ** 2).mean()),
        "slope": calibration_slope(p, came),
        "top tenth": float(y[top].sum() / y.sum()),
    }


def area(score: Any, came: Any) -> float:
    """P(a customer who came has the higher score than one who did not); ties count half."""
    first, n = float(rankdata(score)[came].sum()), float(came.sum())
    return (first - n * (n + 1.0) / 2.0) / (n * (len(came) - n))


def calibration_slope(p: Any, came: Any) -> float:
    """Slope of a logistic regression of what happened on the logit of p: 1 is calibrated, below 1 overconfident."""
    if np.ptp(p) == 0.0:
        return float("nan")
    p = np.clip(p, 1e-9, 1.0 - 1e-9)
    design = np.stack([np.ones_like(p), np.log(p / (1.0 - p))], axis=1)
    beta = np.array([0.0, 1.0])
    for _ in range(30):
        fit = expit(design @ beta)
        beta += np.linalg.solve(design.T @ (design * (fit * (1.0 - fit))[:, None]), design.T @ (came - fit))
    return float(beta[1])


def of_log(orders: pd.DataFrame, cut: dt.date, days: int) -> tuple[pd.DataFrame, list[str]]:
    """Table of models, and what is to be said of the revenue forecast and of the choice."""
    table = summary.holdout_summary(orders, as_of=cut, horizon_days=days)
    bought = table["holdout_order_days"].to_numpy()
    rows = {"all zeros": judged(np.full(len(table), 0.5), np.zeros(len(table)), bought)}
    words = []
    for model in MODELS:
        fit = purchases.fit_purchase_process(table, model=model)  # type: ignore[arg-type]
        found = clv.expected_orders(table, horizon_days=days, fit=fit)
        rows[model] = judged(found["p_order"], found["expected_orders"], bought)
        rows[model]["log-likelihood"] = fit.compared[0].log_likelihood
        if model == "auto":
            within = ((found["orders_low"] <= bought) & (bought <= found["orders_high"])).mean()
            words = [
                fit.choice,
                f"80 % intervals of single customers hold {within:.1%} of the counts.",
                *revenue(table, fit, days),
            ]
    return pd.DataFrame(rows).T, words


def revenue(table: pd.DataFrame, fit: purchases.PurchaseFit, days: int) -> list[str]:
    """Forecast of all revenue of the holdout, undiscounted, against the truth; by fifths of the expected value, too."""
    options: dict[str, Any] = {"horizon_days": days, "discount_rate_per_year": 0.0, "fit": fit}
    value = clv.customer_value(table, **options)
    fifth = np.minimum(np.argsort(np.argsort(value["clv"].to_numpy())) * 5 // len(value), 4)
    said = []
    for name, group in (("all", np.zeros(len(value))), ("by fifths of clv", fifth)):
        groups = pd.DataFrame({"customer_id": value["customer_id"], "group": group.astype(int).astype(str)})
        sums = clv.value_of_groups(table, groups, **options)
        truth = (
            pd.DataFrame(
                {
                    "group": group.astype(int).astype(str),
                    "money": table["holdout_amount"].to_numpy(),
                    "orders": table["holdout_order_days"].to_numpy(),
                }
            )
            .groupby("group")
            .sum()
        )
        for row, (money, count) in zip(sums.itertuples(), truth.to_numpy(), strict=True):
            said.append(
                f"{name} {row.group}: {row.clv:,.0f} ({row.clv_low:,.0f} to {row.clv_high:,.0f}), was {money:,.0f}; "
                f"orders {row.expected_orders:,.0f} ({row.orders_low:,.0f} to {row.orders_high:,.0f}), "
                f"were {count:,.0f}"
            )
    return said


def run() -> list[str]:
    """All logs as text."""
    parts = []
    for name, orders, cut, days in logs():
        table, words = of_log(orders, cut, days)
        parts += [f"\n{name}, cut {cut}, {days} days", table.round(4).to_string(), *words]
    return parts

"""Forecasts against what came after: two published logs, each cut where the reference cuts it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy.table import Table, of_frame
from crmkit import clv, datasets, purchases, summary
from crmkit.models import forecast_scores as scores

MODELS = ("nbd", "pareto", "bg", "mbg", "mbg_cnbd", "mbg_regularity_mixture", "auto")


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


def judged(p_order: Any, expected: Any, bought: Any) -> dict[str, float | None]:
    """Errors of expected orders, and of the probability to order at all."""
    p, e, y = (np.asarray(values, dtype=np.float64) for values in (p_order, expected, bought))
    came, tenth = y > 0, scores.gain_table(y, e)[0]
    found = {
        "MAE": scores.mae(y, e),
        "RMSE": scores.rmse(y, e),
        "MSLE": scores.msle(y, e),
        "bias": scores.bias(y, e),
        "AUC": scores.auc(came, e),
        "AUC p_order": scores.auc(came, p),
        "Brier": scores.brier(came, p),
        "slope": scores.calibration(came, p).slope,
    }
    return {name: score.value if score else None for name, score in found.items()} | {"top tenth": tenth.lift / 10.0}


def of_log(orders: pd.DataFrame, cut: dt.date, days: int) -> tuple[pd.DataFrame, list[str]]:
    """Table of models, and what is to be said of the revenue forecast and of the choice."""
    table = summary.holdout_summary(orders, as_of=cut, horizon_days=days)
    bought = table["holdout_order_days"].to_numpy()
    rows = {"all zeros": judged(np.full(len(table), 0.5), np.zeros(len(table)), bought)}
    words = []
    for model in MODELS:
        fit = purchases.fit_purchase_process(orders, as_of=cut, model=model)  # type: ignore[arg-type]
        found = clv.expected_orders(table, horizon_days=days, fit=fit)
        rows[model] = judged(found["p_order"], found["expected_orders"], bought)
        if model != "auto":
            rows[model]["log-likelihood"] = fit.compared[0].log_likelihood
        else:
            within = ((found["orders_low"] <= bought) & (bought <= found["orders_high"])).mean()
            words = [
                fit.choice,
                *(f"{c.name}: holdout score {c.holdout_score:.4f}, BIC {c.bic:.1f}" for c in fit.compared),
                behind_the_best(rows) + ".",
                f"80 % intervals of single customers hold {within:.1%} of the counts.",
                *revenue(table, fit, days),
            ]
    return pd.DataFrame(rows).T, words


def behind_the_best(rows: dict[str, dict[str, float | None]]) -> str:
    """How far "auto" is from the best of the single models."""
    parts = []
    for name in ("RMSE", "MSLE"):
        values = {model: float(row[name] or 0.0) for model, row in rows.items() if model not in ("auto", "all zeros")}
        best = min(values, key=lambda model: values[model])
        parts.append(f"{float(rows['auto'][name] or 0.0) / values[best] - 1.0:.2%} in {name} ({best})")
    return '"auto" is behind the best by ' + ", ".join(parts)


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


def run(_: float) -> Iterator[Table]:
    """All logs."""
    for name, orders, cut, days in logs():
        table, words = of_log(orders, cut, days)
        yield Table(f"{name}, cut {cut}, {days} days", of_frame(table), words)

"""Repurchase forecasts against what came after: two published logs, simulated companies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy import forecasts
from benchmarks.accuracy.table import Table
from crmkit import clv, datasets, purchases, repurchase, summary
from crmkit.models import forecast_scores as scores
from crmkit.models.histories import Histories
from crmkit.models.season_clock import SeasonClock

GROUPS = {"1": (1, 1), "2": (2, 2), "3": (3, 3), "4": (4, 4), "5-6": (5, 6), "7-9": (7, 9), "10+": (10, 10**9)}
STATUSES = ("not due", "due", "new", "overdue", "lapsed")
RETAIL_END = dt.date(2011, 12, 9)
RETAIL_CUTS = (dt.date(2011, 3, 9), dt.date(2011, 6, 9), dt.date(2011, 9, 9))
COMPANY_END = dt.date(2024, 12, 31)
COMPANY_CUTS = (dt.date(2023, 12, 31), dt.date(2024, 3, 31), dt.date(2024, 6, 30))


def judged(
    orders: pd.DataFrame, cut: dt.date, end: dt.date, fit: purchases.PurchaseFit | None, clock: SeasonClock | None
) -> pd.DataFrame:
    """Forecasts at a cut beside the next order day up to `end`: windows given a return by then, and default ones."""
    span = (end - cut).days
    options: dict[str, Any] = {"as_of": cut, "horizon_days": span, "fit": fit, "clock": clock}
    in_time = repurchase.repurchase_forecast(orders, within_days=span, **options)
    default = repurchase.repurchase_forecast(orders, **options).set_index("customer_id")
    later = summary.holdout_summary(orders, as_of=cut, horizon_days=span)
    both = in_time.merge(later[["customer_id", "frequency", "recency", "T", "holdout_first_day"]], on="customer_id")
    forecast = default.loc[both["customer_id"], ["next_order_day", "window_start", "window_end"]]
    came = both["holdout_first_day"].notna()
    true = both["holdout_first_day"]
    return both.assign(
        came=came,
        held=came & (both["window_start"] <= true) & (true <= both["window_end"]),
        error=(forecast["next_order_day"].to_numpy() - true).abs().dt.days / 7.0,
        error_in_span=(both["next_order_day"] - true).abs().dt.days / 7.0,
        width=(forecast["window_end"] - forecast["window_start"]).dt.days.to_numpy() / 7.0,
    )


def coverage(table: pd.DataFrame) -> dict[str, float]:
    """Share of buyers whose next order day lies in the window: all, and by their order days."""
    came = table[table["came"]]
    shares = {"held": float(came["held"].mean())}
    for name, (least, most) in GROUPS.items():
        shares[name] = float(came.loc[came["order_days"].between(least, most), "held"].mean())
    return shares


def probabilities(table: pd.DataFrame) -> dict[str, float]:
    """How good `p_order` is."""
    p, came = table["p_order"].to_numpy(), table["came"].to_numpy()
    found = {
        "AUC": scores.auc(came, p),
        "Brier": scores.brier(came, p),
        "log score": scores.log_score(came, p),
        "slope": scores.calibration(came, p).slope,
    }
    return {name: score.value if score else float("nan") for name, score in found.items()}


def naive_error(table: pd.DataFrame, cut: dt.date) -> float:
    """Median error in weeks of last order day + mean gap, one-timers by the base's; the day after the cut at least."""
    x, t_x = table["frequency"].to_numpy(), table["recency"].to_numpy()
    gap = np.where(x > 0, t_x / np.maximum(x, 1), t_x.sum() / x.sum())
    return _median_error(table, np.maximum(gap - table["days_since_order"].to_numpy(), 1.0), cut)


def without_regularity_error(table: pd.DataFrame, orders: pd.DataFrame, cut: dt.date) -> float:
    """Median error in weeks of the median of the MBG/NBD, given alive."""
    process = purchases.fit_purchase_process(orders, as_of=cut, model="mbg").process
    rows = Histories.in_order(table["frequency"], table["recency"], table["T"])
    return _median_error(table, np.ceil(process.next_purchase_quantile(rows, 0.5)), cut)


def _median_error(table: pd.DataFrame, ahead: Any, cut: dt.date) -> float:
    true = (table["holdout_first_day"] - pd.Timestamp(cut)).dt.days.to_numpy()
    return float(np.nanmedian(np.abs(true - ahead))) / 7.0


def retail() -> Iterator[Table]:
    """Online Retail II at three cuts, on plain days and on the season's clock; only where `CRMKIT_DATA` is set."""
    for name, orders, _, _ in forecasts.logs():
        if name != "Online Retail II":
            continue
        rows: dict[str, dict[str, float]] = {}
        words = []
        for cut in RETAIL_CUTS:
            fit = purchases.fit_purchase_process(orders, as_of=cut, judge="chance")
            trial = purchases.fit_season_clock(orders, as_of=cut, cuts=1)
            words += [f"{cut}: {fit.choice}", f"{cut}: {trial.verdict}"]
            for label, clock in (("plain", None), ("clock", trial.clock)):
                table = judged(orders, cut, RETAIL_END, fit, clock)
                rows[f"{cut} {label}"] = coverage(table) | {
                    "error": float(table.loc[table["came"], "error"].median()),
                    "in span": float(table.loc[table["came"], "error_in_span"].median()),
                    "naive": naive_error(table, cut),
                    "k = 1": without_regularity_error(table, orders, cut),
                    "width 4+": float(table.loc[table["order_days"] >= 4, "width"].median()),
                    "came": float(table.loc[(table["order_days"] >= 4) & table["came"], "width"].median()),
                } | probabilities(table)  # fmt: skip
        yield Table(f"{name}, observed to {RETAIL_END}; errors and widths in weeks", rows, words)


def cdnow() -> Table:
    """CDNOW sample, 39 weeks: no regularity to find there; nothing may be lost against BG."""
    orders, cut, days = datasets.load_cdnow(sample=True), dt.date(1997, 9, 30), 273
    rows, end = {}, cut + dt.timedelta(days=days)
    for model in ("bg", "mbg", "auto", "mbg_regularity_mixture"):
        fit = purchases.fit_purchase_process(orders, as_of=cut, model=model)  # type: ignore[arg-type]
        table = judged(orders, cut, end, fit, None)
        expected = clv.expected_orders(orders, as_of=cut, horizon_days=days, fit=fit)["expected_orders"].to_numpy()
        ranked = scores.auc(table["came"].to_numpy(), expected)
        ranking = {"AUC expected": ranked.value if ranked else float("nan")}
        rows[model] = probabilities(table) | ranking | coverage(table)
    return Table(f"CDNOW sample, cut {cut}, {days} days, by model of p_order", rows)


def companies(customers: int) -> Iterator[Table]:
    """Simulated companies at three cuts: coverage by order days, and who came back within 91 days by status."""
    shares: dict[str, dict[str, float]] = {}
    came: dict[str, dict[str, float]] = {}
    for season in (False, True):
        for calendar in (False, True):
            company = datasets.simulate_company(
                customers,
                rng=np.random.default_rng(20240501),
                season=datasets.Season() if season else None,
                calendar_buyers=datasets.CalendarBuyers() if calendar else None,
                crm=None,
            )
            name = f"season {'on' if season else 'off'}, calendar buyers {'on' if calendar else 'off'}"
            for cut in COMPANY_CUTS:
                fit = purchases.fit_purchase_process(company.orders, as_of=cut, model="mbg_regularity_mixture")
                trial = purchases.fit_season_clock(company.orders, as_of=cut, cuts=1) if season else None
                for label, clock in [("plain", None)] + ([("clock", trial.clock)] if trial else []):
                    table = judged(company.orders, cut, COMPANY_END, fit, clock)
                    shares[f"{name}, {cut} {label}"] = coverage(table) | {"slope": probabilities(table)["slope"]}
                    came[f"{name}, {cut} {label}"] = by_status(table, cut)
    yield Table(f"Simulated companies of {customers:,}: share of windows that hold, by order days", shares)
    yield Table("Share who ordered within 91 days, by status (share of customers)", came)


def by_status(table: pd.DataFrame, cut: dt.date) -> dict[str, Any]:
    """Share of each status that ordered within 91 days, and how many customers have it."""
    soon = table["holdout_first_day"] <= pd.Timestamp(cut + dt.timedelta(days=91))
    groups = {status: table["status"] == status for status in STATUSES}
    return {status: f"{soon[at].mean():.3f} ({at.mean():.1%})" for status, at in groups.items()}


def run(scale: float) -> Iterator[Table]:
    """Both logs, then the companies."""
    yield from retail()
    yield cdnow()
    yield from companies(max(500, int(10_000 * scale)))

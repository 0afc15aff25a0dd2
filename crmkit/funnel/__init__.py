"""The way of a deal: stages and forecast, response times, payments, figures out of line."""

from crmkit.funnel.anomalies import conversion_kpis, kpi_anomalies
from crmkit.funnel.payments import PaymentPlan, ageing, ageing_total, payment_plan, receivables
from crmkit.funnel.pipeline import (
    WinModel,
    WinTest,
    fit_win_model,
    forecast_backtest,
    forecast_sales,
    funnel_table,
    lifecycle,
    owner_ranking,
    stage_counts,
    stage_durations,
    step_chains,
    whole_chain,
    win_probabilities,
    win_rate,
)
from crmkit.funnel.responses import OFFICE_HOURS, WorkingHours, overdue_responses, response_pairs, response_times

__all__ = [
    "OFFICE_HOURS",
    "PaymentPlan",
    "WinModel",
    "WinTest",
    "WorkingHours",
    "ageing",
    "ageing_total",
    "conversion_kpis",
    "fit_win_model",
    "forecast_backtest",
    "forecast_sales",
    "funnel_table",
    "kpi_anomalies",
    "lifecycle",
    "overdue_responses",
    "owner_ranking",
    "payment_plan",
    "receivables",
    "response_pairs",
    "response_times",
    "stage_counts",
    "stage_durations",
    "step_chains",
    "whole_chain",
    "win_probabilities",
    "win_rate",
]

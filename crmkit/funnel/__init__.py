"""Where do deals get stuck, and what will be sold: stages, durations, win chances, the forecast."""

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

__all__ = [
    "WinModel",
    "WinTest",
    "fit_win_model",
    "forecast_backtest",
    "forecast_sales",
    "funnel_table",
    "lifecycle",
    "owner_ranking",
    "stage_counts",
    "stage_durations",
    "step_chains",
    "whole_chain",
    "win_probabilities",
    "win_rate",
]

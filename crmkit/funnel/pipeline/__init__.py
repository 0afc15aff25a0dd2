"""From histories of deals: the funnel, durations, win chances, the forecast of sales, who wins."""

from crmkit.funnel.pipeline.chains import step_chains
from crmkit.funnel.pipeline.durations import stage_durations
from crmkit.funnel.pipeline.forecast import forecast_backtest, forecast_sales
from crmkit.funnel.pipeline.lifecycles import lifecycle
from crmkit.funnel.pipeline.table import funnel_table, stage_counts
from crmkit.funnel.pipeline.whole import whole_chain
from crmkit.funnel.pipeline.win_chances import win_probabilities
from crmkit.funnel.pipeline.win_model import WinModel, WinTest, fit_win_model
from crmkit.funnel.pipeline.winners import owner_ranking, win_rate

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

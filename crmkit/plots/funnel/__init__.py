"""Figures of `funnel`: where deals get stuck, how long stages take, what will be sold."""

from crmkit.plots.funnel.durations import plot_stage_durations
from crmkit.plots.funnel.forecast import plot_sales_forecast
from crmkit.plots.funnel.funnel import plot_funnel

__all__ = ["plot_funnel", "plot_sales_forecast", "plot_stage_durations"]

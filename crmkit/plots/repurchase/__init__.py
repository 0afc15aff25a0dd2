"""Figures of `repurchase`: who is due when, what the process says of whom, and how it holds against the base."""

from crmkit.plots.repurchase.checks import plot_order_gaps, plot_order_tracking, plot_repeat_counts
from crmkit.plots.repurchase.grid import plot_forecast_grid
from crmkit.plots.repurchase.windows import plot_order_windows, plot_repurchase_forecast

__all__ = [
    "plot_forecast_grid",
    "plot_order_gaps",
    "plot_order_tracking",
    "plot_order_windows",
    "plot_repeat_counts",
    "plot_repurchase_forecast",
]

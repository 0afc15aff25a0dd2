"""Figures: `plot_<table>(table)` draws a finished table, computes nothing, returns the Plotly figure."""

try:
    import plotly  # noqa: F401 (the figures import it; here it is missed with words)
except ImportError as error:
    raise ImportError('Figures need plotly, which is not installed: pip install "crmkit[report]".') from error

from crmkit.plots.repurchase import (
    plot_forecast_grid,
    plot_order_gaps,
    plot_order_tracking,
    plot_order_windows,
    plot_repeat_counts,
    plot_repurchase_forecast,
)
from crmkit.plots.rfm import (
    plot_frequency_money,
    plot_order_counts,
    plot_recency_frequency,
    plot_rf_heatmap,
    plot_segment_bars,
    plot_segment_migration,
    plot_segment_summary,
)

__all__ = [
    "plot_forecast_grid",
    "plot_frequency_money",
    "plot_order_counts",
    "plot_order_gaps",
    "plot_order_tracking",
    "plot_order_windows",
    "plot_recency_frequency",
    "plot_repeat_counts",
    "plot_repurchase_forecast",
    "plot_rf_heatmap",
    "plot_segment_bars",
    "plot_segment_migration",
    "plot_segment_summary",
]

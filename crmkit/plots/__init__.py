"""Figures: `plot_<table>(table)` draws a finished table, computes nothing, returns the Plotly figure."""

try:
    import plotly  # noqa: F401 (the figures import it; here it is missed with words)
except ImportError as error:
    raise ImportError('Figures need plotly, which is not installed: pip install "crmkit[report]".') from error

from crmkit.plots.rfm import plot_rf_heatmap, plot_segment_bars, plot_segment_migration, plot_segment_summary

__all__ = ["plot_rf_heatmap", "plot_segment_bars", "plot_segment_migration", "plot_segment_summary"]

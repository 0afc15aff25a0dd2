"""Figures of `rfm`: segments, the grid of recency and frequency, who moved."""

from crmkit.plots.rfm.measures import plot_frequency_money, plot_order_counts, plot_recency_frequency
from crmkit.plots.rfm.migration import plot_segment_migration
from crmkit.plots.rfm.rf_heatmap import plot_rf_heatmap
from crmkit.plots.rfm.segments import plot_segment_bars, plot_segment_summary

__all__ = [
    "plot_frequency_money",
    "plot_order_counts",
    "plot_recency_frequency",
    "plot_rf_heatmap",
    "plot_segment_bars",
    "plot_segment_migration",
    "plot_segment_summary",
]

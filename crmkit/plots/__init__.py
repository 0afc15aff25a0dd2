"""Figures: `plot_<table>(table)` draws a finished table, computes nothing, returns the Plotly figure."""

try:
    import plotly  # noqa: F401 (the figures import it; here it is missed with words)
except ImportError as error:
    raise ImportError('Figures need plotly, which is not installed: pip install "crmkit[report]".') from error

from crmkit.plots.attribution import (
    plot_channel_credit,
    plot_channel_returns,
    plot_paths,
    plot_reallocation,
    plot_transitions,
)
from crmkit.plots.basket import plot_product_pairs
from crmkit.plots.churn import plot_alerts, plot_churn_risk, plot_health_contributions, plot_retention
from crmkit.plots.clv import plot_customer_value, plot_top_customers, plot_value_classes, plot_value_of_groups
from crmkit.plots.cohorts import plot_cohort_revenue, plot_retention_triangle
from crmkit.plots.evaluation import plot_backtest, plot_comparison
from crmkit.plots.funnel import plot_funnel, plot_sales_forecast, plot_stage_durations
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
from crmkit.plots.scoring import (
    plot_bin_points,
    plot_calibration,
    plot_gain,
    plot_lead_scores,
    plot_lift,
    plot_score_breakdown,
)

__all__ = [
    "plot_alerts",
    "plot_backtest",
    "plot_bin_points",
    "plot_calibration",
    "plot_channel_credit",
    "plot_channel_returns",
    "plot_churn_risk",
    "plot_cohort_revenue",
    "plot_comparison",
    "plot_customer_value",
    "plot_forecast_grid",
    "plot_frequency_money",
    "plot_funnel",
    "plot_gain",
    "plot_health_contributions",
    "plot_lead_scores",
    "plot_lift",
    "plot_order_counts",
    "plot_order_gaps",
    "plot_order_tracking",
    "plot_order_windows",
    "plot_paths",
    "plot_product_pairs",
    "plot_reallocation",
    "plot_recency_frequency",
    "plot_repeat_counts",
    "plot_repurchase_forecast",
    "plot_retention",
    "plot_retention_triangle",
    "plot_rf_heatmap",
    "plot_sales_forecast",
    "plot_score_breakdown",
    "plot_segment_bars",
    "plot_segment_migration",
    "plot_segment_summary",
    "plot_stage_durations",
    "plot_top_customers",
    "plot_transitions",
    "plot_value_classes",
    "plot_value_of_groups",
]

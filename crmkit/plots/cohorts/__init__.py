"""Figures of `cohorts`: who still orders, what they have brought."""

from crmkit.plots.cohorts.triangle import plot_cohort_revenue, plot_retention_triangle

__all__ = ["plot_cohort_revenue", "plot_retention_triangle"]

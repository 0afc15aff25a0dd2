"""Figures of `clv`: how value is spread over customers, what groups and the best customers will be worth."""

from crmkit.plots.clv.intervals import plot_top_customers, plot_value_of_groups
from crmkit.plots.clv.spread import plot_customer_value, plot_value_classes

__all__ = ["plot_customer_value", "plot_top_customers", "plot_value_classes", "plot_value_of_groups"]

"""Figures of `attribution` and `journeys`: credit, paths, steps, returns, budgets."""

from crmkit.plots.attribution.credit import plot_channel_credit
from crmkit.plots.attribution.paths import plot_paths
from crmkit.plots.attribution.reallocation import plot_reallocation
from crmkit.plots.attribution.returns import plot_channel_returns
from crmkit.plots.attribution.transitions import plot_transitions

__all__ = ["plot_channel_credit", "plot_channel_returns", "plot_paths", "plot_reallocation", "plot_transitions"]

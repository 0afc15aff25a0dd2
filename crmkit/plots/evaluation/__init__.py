"""Figures of `evaluation`: would the forecast have worked, which variant did better."""

from crmkit.plots.evaluation.backtests import plot_backtest, plot_calibration, plot_gain
from crmkit.plots.evaluation.comparisons import plot_comparison

__all__ = ["plot_backtest", "plot_calibration", "plot_comparison", "plot_gain"]

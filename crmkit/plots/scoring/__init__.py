"""Figures of `scoring`: how scores are spread, what one is made of, what a score is worth."""

from crmkit.plots.scoring.bins import plot_bin_points
from crmkit.plots.scoring.breakdown import plot_score_breakdown
from crmkit.plots.scoring.lift import plot_calibration, plot_gain, plot_lift
from crmkit.plots.scoring.scores import plot_lead_scores

__all__ = [
    "plot_bin_points",
    "plot_calibration",
    "plot_gain",
    "plot_lead_scores",
    "plot_lift",
    "plot_score_breakdown",
]

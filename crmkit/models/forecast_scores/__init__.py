"""How good a forecast was: scores of counts, probabilities, ranks and intervals, each with an interval of its own.

Every function takes arrays of one row per customer (and cut), and two optional ones: `count`, customers who share the
row; `cluster`, a whole number that tells whose row it is where customers stand in several rows. Intervals hold the
chance of which customers came: the error of a mean over customers, who are independent while rows of one are not
(linearised ratio estimates: Cochran, "Sampling Techniques", 3rd edition, section 6.4). They are closed forms; nothing
is drawn.
"""

from crmkit.models.forecast_scores.counts import bias, count_slope, mae, msle, rmse
from crmkit.models.forecast_scores.intervals import coverage, crps_from_quantiles, interval_loss, pinball_loss
from crmkit.models.forecast_scores.probabilities import (
    Bin,
    Calibration,
    brier,
    calibration,
    calibration_faults,
    calibration_table,
    log_score,
    log_score_losses,
)
from crmkit.models.forecast_scores.profit import CallProfit, ExpectedProfit, expected_maximum_profit
from crmkit.models.forecast_scores.ranking import (
    Gain,
    auc,
    auc_difference,
    gain_table,
    kolmogorov_smirnov,
    lift_of_top,
    precision_at,
)
from crmkit.models.forecast_scores.score import Score, mean_of, median_of, ratio_of_sums, share_of, wilson

__all__ = [
    "Bin",
    "Calibration",
    "CallProfit",
    "ExpectedProfit",
    "Gain",
    "Score",
    "auc",
    "auc_difference",
    "bias",
    "brier",
    "calibration",
    "calibration_faults",
    "calibration_table",
    "count_slope",
    "coverage",
    "crps_from_quantiles",
    "expected_maximum_profit",
    "gain_table",
    "interval_loss",
    "kolmogorov_smirnov",
    "lift_of_top",
    "log_score",
    "log_score_losses",
    "mae",
    "mean_of",
    "median_of",
    "msle",
    "pinball_loss",
    "precision_at",
    "ratio_of_sums",
    "rmse",
    "share_of",
    "wilson",
]

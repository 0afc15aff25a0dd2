"""Would it have worked? Rolling back-tests beside naive baselines, and tests of two variants read out."""

from crmkit.evaluation.backtest import backtest
from crmkit.evaluation.comparison import Comparison, compare_means, compare_proportions
from crmkit.evaluation.result import Advantage, Backtest, CutDay, Figure, Verdict
from crmkit.evaluation.variants import compare_variants

__all__ = [
    "Advantage",
    "Backtest",
    "Comparison",
    "CutDay",
    "Figure",
    "Verdict",
    "backtest",
    "compare_means",
    "compare_proportions",
    "compare_variants",
]

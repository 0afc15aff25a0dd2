"""How healthy each customer relation is: schemes as data, scores, what they are made of."""

from crmkit.churn.health.contributions import health_contributions
from crmkit.churn.health.parts import Bands, Colours, Linear, Metric, Veto
from crmkit.churn.health.presets import churnzero, gainsight, totango
from crmkit.churn.health.scheme import HealthScheme
from crmkit.churn.health.score import health_score

__all__ = [
    "Bands",
    "Colours",
    "HealthScheme",
    "Linear",
    "Metric",
    "Veto",
    "churnzero",
    "gainsight",
    "health_contributions",
    "health_score",
    "totango",
]

"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

from crmkit.churn.contracts import remaining_lifetime, retention
from crmkit.churn.health import (
    Bands,
    Colours,
    HealthScheme,
    Linear,
    Metric,
    Veto,
    churnzero,
    gainsight,
    health_contributions,
    health_score,
    totango,
)
from crmkit.churn.winback import UpliftFit, fit_uplift, winback_ranking

__all__ = [
    "Bands",
    "Colours",
    "HealthScheme",
    "Linear",
    "Metric",
    "UpliftFit",
    "Veto",
    "churnzero",
    "fit_uplift",
    "gainsight",
    "health_contributions",
    "health_score",
    "remaining_lifetime",
    "retention",
    "totango",
    "winback_ranking",
]

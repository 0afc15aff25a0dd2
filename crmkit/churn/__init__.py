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
    "remaining_lifetime",
    "retention",
    "totango",
]

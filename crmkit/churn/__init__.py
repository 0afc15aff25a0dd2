"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

from crmkit.churn.features import churn_features
from crmkit.churn.labels import churn_labels
from crmkit.churn.risk import churn_risk

__all__ = ["churn_features", "churn_labels", "churn_risk"]

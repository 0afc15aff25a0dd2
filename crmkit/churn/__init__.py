"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

from crmkit.churn.alert_states import update_alerts
from crmkit.churn.alerts import alerts
from crmkit.churn.classifier import ChurnClassifier
from crmkit.churn.contracts import remaining_lifetime, retention
from crmkit.churn.features import churn_features
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
from crmkit.churn.labels import churn_labels
from crmkit.churn.model import ChurnModel, fit_churn_model, predict_churn
from crmkit.churn.risk import churn_risk
from crmkit.churn.rule_files import read_rules, rules_to_json, rules_to_toml
from crmkit.churn.rule_quality import Quality, alert_quality
from crmkit.churn.rules import DEFAULT_RULES, AlertRule
from crmkit.churn.verdict import Baseline, ChurnTest
from crmkit.churn.winback import UpliftFit, fit_uplift, winback_ranking

__all__ = [
    "DEFAULT_RULES",
    "AlertRule",
    "Bands",
    "Baseline",
    "ChurnClassifier",
    "ChurnModel",
    "ChurnTest",
    "Colours",
    "HealthScheme",
    "Linear",
    "Metric",
    "Quality",
    "UpliftFit",
    "Veto",
    "alert_quality",
    "alerts",
    "churn_features",
    "churn_labels",
    "churn_risk",
    "churnzero",
    "fit_churn_model",
    "fit_uplift",
    "gainsight",
    "health_contributions",
    "health_score",
    "predict_churn",
    "read_rules",
    "remaining_lifetime",
    "retention",
    "rules_to_json",
    "rules_to_toml",
    "totango",
    "update_alerts",
    "winback_ranking",
]

"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

from crmkit.churn.classifier import ChurnClassifier
from crmkit.churn.features import churn_features
from crmkit.churn.labels import churn_labels
from crmkit.churn.model import ChurnModel, fit_churn_model, predict_churn
from crmkit.churn.risk import churn_risk
from crmkit.churn.verdict import Baseline, ChurnTest

__all__ = [
    "Baseline",
    "ChurnClassifier",
    "ChurnModel",
    "ChurnTest",
    "churn_features",
    "churn_labels",
    "churn_risk",
    "fit_churn_model",
    "predict_churn",
]

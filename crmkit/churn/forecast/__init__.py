"""Forecasts of churn: from the purchase process alone, and learnt from snapshots of the past."""

from crmkit.churn.forecast.classifier import ChurnClassifier
from crmkit.churn.forecast.features import churn_features
from crmkit.churn.forecast.labels import churn_labels
from crmkit.churn.forecast.model import ChurnModel, fit_churn_model, predict_churn
from crmkit.churn.forecast.risk import churn_risk
from crmkit.churn.forecast.verdict import Baseline, ChurnTest

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

"""Whom to call first? Scores learnt from leads that converted and leads that did not."""

from crmkit.scoring.learned import (
    CallProfit,
    ExpectedProfit,
    LeadClassifier,
    LeadColumn,
    LeadModel,
    LeadReport,
    LeadTest,
    Retraining,
    drift,
    fit_lead_model,
    lead_report,
    predict_leads,
    retrain_lead_model,
)

__all__ = [
    "CallProfit",
    "ExpectedProfit",
    "LeadClassifier",
    "LeadColumn",
    "LeadModel",
    "LeadReport",
    "LeadTest",
    "Retraining",
    "drift",
    "fit_lead_model",
    "lead_report",
    "predict_leads",
    "retrain_lead_model",
]

"""Whom to call first? Scores by rules and scores learnt, what nurturing does, whether the bands of a score hold."""

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
from crmkit.scoring.nurturing import BandSuggestion, band_outcomes, content_effects, qualified_share, suggest_bands

__all__ = [
    "BandSuggestion",
    "CallProfit",
    "ExpectedProfit",
    "LeadClassifier",
    "LeadColumn",
    "LeadModel",
    "LeadReport",
    "LeadTest",
    "Retraining",
    "band_outcomes",
    "content_effects",
    "drift",
    "fit_lead_model",
    "lead_report",
    "predict_leads",
    "qualified_share",
    "retrain_lead_model",
    "suggest_bands",
]

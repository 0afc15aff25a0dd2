"""A lead score learnt from data: points that add up, with exact reasons, its report and its drift."""

from crmkit.models.forecast_scores import CallProfit, ExpectedProfit
from crmkit.scoring.learned.classifier import LeadClassifier
from crmkit.scoring.learned.drifts import drift
from crmkit.scoring.learned.fitting import fit_lead_model
from crmkit.scoring.learned.leakage import LeadColumn
from crmkit.scoring.learned.model import LeadModel
from crmkit.scoring.learned.predict import predict_leads
from crmkit.scoring.learned.rehearsal import LeadTest
from crmkit.scoring.learned.report import LeadReport, lead_report
from crmkit.scoring.learned.retraining import Retraining, retrain_lead_model

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

"""A lead score learnt from data: points that add up, with exact reasons."""

from crmkit.scoring.learned.classifier import LeadClassifier

__all__ = ["LeadClassifier"]

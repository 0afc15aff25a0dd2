"""Whom to call first? Scores learnt from leads that converted and leads that did not."""

from crmkit.scoring.learned import LeadClassifier

__all__ = ["LeadClassifier"]

"""Whom to call first? What nurturing does, whether the bands of a score hold."""

from crmkit.scoring.nurturing import BandSuggestion, band_outcomes, content_effects, qualified_share, suggest_bands

__all__ = ["BandSuggestion", "band_outcomes", "content_effects", "qualified_share", "suggest_bands"]

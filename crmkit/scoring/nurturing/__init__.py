"""What nurturing does for leads, how many qualify, and whether the bands of a score hold."""

from crmkit.scoring.nurturing.bands import BandSuggestion, band_outcomes, suggest_bands
from crmkit.scoring.nurturing.contents import content_effects
from crmkit.scoring.nurturing.qualified import qualified_share

__all__ = ["BandSuggestion", "band_outcomes", "content_effects", "qualified_share", "suggest_bands"]

"""How unusual the newest figure of a series is, by what came before it."""

from crmkit.models.next_period.fit import Kind, SeriesFit, fit_series
from crmkit.models.next_period.prediction import Judged, judge_next

__all__ = ["Judged", "Kind", "SeriesFit", "fit_series", "judge_next"]

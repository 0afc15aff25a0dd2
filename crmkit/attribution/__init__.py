"""Which channel earned it? Exact credit with intervals, what it returns, a budget that one can defend."""

from crmkit.attribution.comparison import side_by_side
from crmkit.attribution.credit import attribute, attribute_all
from crmkit.attribution.given_paths import attribute_paths
from crmkit.attribution.models import (
    ALL,
    LastNonDirect,
    LearnedShapley,
    Linear,
    Markov,
    Milestones,
    Participation,
    Position,
    Shapley,
    TimeDecay,
    WorthShapley,
)
from crmkit.attribution.money import channel_quality, channel_returns, reallocate
from crmkit.attribution.single import credits, customer_credits

__all__ = [
    "ALL",
    "LastNonDirect",
    "LearnedShapley",
    "Linear",
    "Markov",
    "Milestones",
    "Participation",
    "Position",
    "Shapley",
    "TimeDecay",
    "WorthShapley",
    "attribute",
    "attribute_all",
    "attribute_paths",
    "channel_quality",
    "channel_returns",
    "credits",
    "customer_credits",
    "reallocate",
    "side_by_side",
]

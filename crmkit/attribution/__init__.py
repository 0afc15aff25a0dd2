"""Which channel earned it? Credit of conversions and of their value, exact, with intervals."""

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
    "credits",
    "customer_credits",
    "side_by_side",
]

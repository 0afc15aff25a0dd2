"""Rule scorecards: rules as data, scores, what stands behind them, how they changed."""

from crmkit.scoring.cards.card import BANDS, Band, Scorecard
from crmkit.scoring.cards.card_files import read_scorecard, to_json, to_toml
from crmkit.scoring.cards.conditions import Attribute, Event
from crmkit.scoring.cards.groups import Decay, Group, Override
from crmkit.scoring.cards.rules import Rule, Step

__all__ = [
    "BANDS",
    "Attribute",
    "Band",
    "Decay",
    "Event",
    "Group",
    "Override",
    "Rule",
    "Scorecard",
    "Step",
    "read_scorecard",
    "to_json",
    "to_toml",
]

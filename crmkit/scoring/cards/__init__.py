"""Rule scorecards: rules as data, scores, what stands behind them, how they changed."""

from crmkit.scoring.cards.card import BANDS, Band, Scorecard
from crmkit.scoring.cards.card_files import read_scorecard, to_json, to_toml
from crmkit.scoring.cards.conditions import Attribute, Event
from crmkit.scoring.cards.explained import explain
from crmkit.scoring.cards.findings import CardFinding, check_card
from crmkit.scoring.cards.groups import Decay, Group, Override
from crmkit.scoring.cards.history import hand_offs, score_history
from crmkit.scoring.cards.presets import hubspot, marketo, pardot, seventy_points
from crmkit.scoring.cards.printed import printed
from crmkit.scoring.cards.rules import Rule, Step
from crmkit.scoring.cards.scores import score_leads
from crmkit.scoring.cards.updates import Update, update_scores

__all__ = [
    "BANDS",
    "Attribute",
    "Band",
    "CardFinding",
    "Decay",
    "Event",
    "Group",
    "Override",
    "Rule",
    "Scorecard",
    "Step",
    "Update",
    "check_card",
    "explain",
    "hand_offs",
    "hubspot",
    "marketo",
    "pardot",
    "printed",
    "read_scorecard",
    "score_history",
    "score_leads",
    "seventy_points",
    "to_json",
    "to_toml",
    "update_scores",
]

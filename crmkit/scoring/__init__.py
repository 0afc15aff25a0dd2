"""Whom to call first? Scorecards that a sales team can read."""

from crmkit.scoring.cards import (
    BANDS,
    Attribute,
    Band,
    Decay,
    Event,
    Group,
    Override,
    Rule,
    Scorecard,
    Step,
    read_scorecard,
    to_json,
    to_toml,
)

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

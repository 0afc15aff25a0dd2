"""Tag rules: conditions, rules, files, what is odd about them."""

from crmkit.tags.rules.conditions import AllOf, AnyOf, Attribute, Keywords, Measure, NoneOf, Unanswered
from crmkit.tags.rules.findings import TagFinding, check_tags
from crmkit.tags.rules.presets import (
    INDUSTRIES,
    inactive,
    keyword_rules,
    long_decision_chain,
    price_sensitive,
    value_levels,
    viewed_without_order,
    worth_and_potential,
)
from crmkit.tags.rules.rule import DIMENSIONS, TagRule
from crmkit.tags.rules.rule_files import read_tag_rules, tag_rules_to_json, tag_rules_to_toml

__all__ = [
    "DIMENSIONS",
    "INDUSTRIES",
    "AllOf",
    "AnyOf",
    "Attribute",
    "Keywords",
    "Measure",
    "NoneOf",
    "TagFinding",
    "TagRule",
    "Unanswered",
    "check_tags",
    "inactive",
    "keyword_rules",
    "long_decision_chain",
    "price_sensitive",
    "read_tag_rules",
    "tag_rules_to_json",
    "tag_rules_to_toml",
    "value_levels",
    "viewed_without_order",
    "worth_and_potential",
]

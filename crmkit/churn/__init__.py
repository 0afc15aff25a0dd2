"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

from crmkit.churn.alert_states import update_alerts
from crmkit.churn.alerts import alerts
from crmkit.churn.rule_files import read_rules, rules_to_json, rules_to_toml
from crmkit.churn.rule_quality import Quality, alert_quality
from crmkit.churn.rules import DEFAULT_RULES, AlertRule

__all__ = [
    "DEFAULT_RULES",
    "AlertRule",
    "Quality",
    "alert_quality",
    "alerts",
    "read_rules",
    "rules_to_json",
    "rules_to_toml",
    "update_alerts",
]

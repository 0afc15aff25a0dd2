"""Alerts: rules as data, who is on their lists today, how often they were right, what was done about them."""

from crmkit.churn.alerting.alerts import alerts
from crmkit.churn.alerting.rule_files import read_rules, rules_to_json, rules_to_toml
from crmkit.churn.alerting.rule_quality import Quality, alert_quality
from crmkit.churn.alerting.rules import DEFAULT_RULES, AlertRule
from crmkit.churn.alerting.states import update_alerts

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

"""Figures of `churn`: alerts, risk, retention of contracts, health."""

from crmkit.plots.churn.alerts import plot_alerts
from crmkit.plots.churn.health import plot_health_contributions
from crmkit.plots.churn.retention import plot_retention
from crmkit.plots.churn.risk import plot_churn_risk

__all__ = ["plot_alerts", "plot_churn_risk", "plot_health_contributions", "plot_retention"]

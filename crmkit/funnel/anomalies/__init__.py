"""How unusual a figure of the newest period is."""

from crmkit.funnel.anomalies.conversions import conversion_kpis
from crmkit.funnel.anomalies.judged import kpi_anomalies

__all__ = ["conversion_kpis", "kpi_anomalies"]
